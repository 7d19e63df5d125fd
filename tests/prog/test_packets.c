// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_packets.c - every packet of the table: what the oracle says of a random frame, the kernel does
 *
 * The oracle (tests/oracle) is written from the table alone. Policies go through the daemon's own library;
 * frames through the program in the kernel, some of them in several buffers. What is done with the frame, the
 * counter that moved and whose it is must be the oracle's. Where the table can be read in two ways
 * (oracle.h), either will do, and how often the other one did is said.
 *
 *   AG_PACKETS=N              how many, 200,000 unless given
 *   AG_PACKETS_SEED=N         the same again: a failure says it, and which policy and frame
 *   AG_PACKETS_POLICY=N, AG_PACKETS_FRAME=N   that alone
 */
#include "tests/prog/packets_fixture.h"

#include "tests/oracle/show.h"

#define PACKETS		 200000UL
#define EACH_POLICY	 1000UL
#define EACH_POLICY_LONG 10000UL /* of PACKETS_LONG and more: to change policies takes long */
#define PACKETS_LONG	 10000000UL
#define CLASS_SHARE	 200 /* of all packets each class and trait is at least one in this many */
#define TRIED_AGAIN_MAX	 200
#define SHOWN_MAX	 5
#define ALL		 ULONG_MAX

struct run {
	uint64_t seed;
	unsigned long packets, policy, frame; /* which; ALL */
	unsigned long class[ORACLE_CLASS_MAX], trait[ORACLE_TRAITS];
	unsigned long answered, over_limit, tried_again, otherwise, mutated, multi_buffer, mismatches;
	int64_t second;			     /* of CLOCK_BOOTTIME, in which the policy's clock was set */
	unsigned long lines, indexes, tries; /* lists of one family, as they were held */
	bool no_linear_size;		     /* the kernel takes none */
};

/* --- one frame ----------------------------------------------------------------- */

/*
 * In the first buffer are so many bytes, in others the rest; 0: all in the first that have room there. The
 * whole packet in the first and its padding in others, as no device does it, is counted without the padding.
 */
static uint32_t linear_part(struct run *run, uint64_t seed, size_t len, unsigned int traits)
{
	struct chance chance = {.state = ~seed};

	if (run->no_linear_size || !chance_percent(&chance, 10) || len <= 15 || traits & ORACLE_HAS_PADDING)
		return 0;
	return 14 + chance_below(&chance, (len < 120 ? len : 120) - 14);
}

/* Within one second of the policy's clock. *tally: before, and then after. */
static struct counted run_frame(struct run *run, const struct oracle_policy *policy, struct frame *frame,
				uint32_t linear, struct tally *tally, uint32_t *ret_action)
{
	struct tally before;
	int r;

	do {
		if (boot_seconds() != run->second)
			set_time(policy, &run->second);
		before = *tally;
		r = run_program(frame, linear, ret_action);
		if (r < 0 && linear) {
			run->no_linear_size = true;
			linear = 0;
			r = run_program(frame, 0, ret_action);
		}
		if (r < 0)
			fail_msg("run: %s", strerror(-r));
		take_tally(1, tally);
	} while (boot_seconds() != run->second);
	run->multi_buffer += linear > 0;
	return what_moved(&before, tally, frame->len);
}

static bool agrees(const struct oracle_answer *wanted, const struct counted *counted, uint32_t action)
{
	return counts_agree(wanted, counted) && action_agrees(wanted, counted, action);
}

static void show_mismatch(const struct run *run, const struct oracle_policy *policy, struct frame *frame,
			  const struct oracle_answer *wanted, const struct counted *counted, uint32_t action)
{
	(void)fprintf(stderr, "AG_PACKETS_SEED=%llu AG_PACKETS_POLICY=%lu AG_PACKETS_FRAME=%lu\nwanted ",
		      (unsigned long long)run->seed, run->policy, run->frame);
	show_answer(stderr, wanted);
	(void)fputs("got ", stderr);
	show_counted(stderr, counted);
	(void)fprintf(stderr, ", action %u\n", action);
	show_policy(stderr, policy, frame_data(frame), frame->len);
	show_frame(stderr, frame_data(frame), frame->len);
}

static void note(struct run *run, const struct oracle_answer *answer)
{
	run->class[answer->class]++;
	for (int i = 0; i < ORACLE_TRAITS; i++)
		run->trait[i] += answer->traits >> i & 1;
}

/* Where the table can be read otherwise, and the kernel does. */
static bool agrees_otherwise(struct run *run, struct oracle_policy *policy, struct frame *frame,
			     const struct oracle_answer *wanted, const struct counted *counted,
			     uint32_t action)
{
	struct oracle_answer other = read_otherwise(policy, frame_data(frame), frame->len);

	if (other.class == wanted->class || !agrees(&other, counted, action))
		return false;
	run->otherwise++;
	return true;
}

/* What was not answered at once is so later: it was over the limit. Some are tried, as it takes long. */
static bool answered_later(struct run *run, const struct oracle_policy *policy, struct frame *frame,
			   struct tally *tally)
{
	const struct timespec some_ticks = {.tv_nsec = 12 * 1000 * 1000};
	struct counted counted;
	uint32_t action;

	run->over_limit++;
	if (run->tried_again == TRIED_AGAIN_MAX)
		return true;
	run->tried_again++;
	(void)nanosleep(&some_ticks, NULL);
	counted = run_frame(run, policy, frame, 0, tally, &action);
	return counted.verdict == AG_VERDICT_REJECTED && action == XDP_TX;
}

static void compare_frame(struct run *run, struct oracle_policy *policy, uint64_t seed, struct tally *tally)
{
	static struct frame frame;
	struct oracle_answer wanted;
	struct counted counted;
	uint32_t action;
	bool mutated;

	generate_frame(policy, seed, &frame, &mutated);
	wanted = oracle_judge(policy, frame_data(&frame), frame.len);
	note(run, &wanted);
	run->mutated += mutated;
	counted = run_frame(run, policy, &frame, linear_part(run, seed, frame.len, wanted.traits), tally,
			    &action);
	run->answered += counted.verdict == AG_VERDICT_REJECTED;
	if (agrees_otherwise(run, policy, &frame, &wanted, &counted, action))
		return;
	if (agrees(&wanted, &counted, action) &&
	    (!is_over_limit(&wanted, &counted) || answered_later(run, policy, &frame, tally)))
		return;
	if (run->mismatches++ < SHOWN_MAX)
		show_mismatch(run, policy, &frame, &wanted, &counted, action);
}

static void note_forms(struct run *run)
{
	for (uint32_t slot = 0; slot < ORACLE_ACCOUNTS_MAX; slot++) {
		union ag_account_state state = account_state(dataplane, slot);
		const uint8_t held[] = {state.held4, state.held6};

		for (size_t i = 0; i < COUNT(held); i++) {
			run->indexes += held[i] == AG_HELD_INDEX;
			run->tries += held[i] == AG_HELD_TRIE;
			run->lines += held[i] && held[i] <= AG_LINES6_MAX;
		}
	}
}

/* --- many ---------------------------------------------------------------------- */

static void compare_policy(struct run *run, unsigned long nth, unsigned long each)
{
	static struct oracle_policy policy;
	uint64_t seed = chance_seed(run->seed, nth);
	unsigned long only = number_of("AG_PACKETS_FRAME", ALL);
	struct tally tally;

	generate_policy(seed, &policy);
	put_policy(&policy);
	note_forms(run);
	take_tally(1, &tally);
	run->policy = nth;
	run->frame = only == ALL ? 0 : only;
	do
		compare_frame(run, &policy, chance_seed(seed, run->frame + 1), &tally);
	while (++run->frame < each && only == ALL);
}

/* Else the chances prove nothing of it. */
static void assert_enough(const struct run *run)
{
	unsigned long least = run->packets / CLASS_SHARE;

	for (int i = 0; i < ORACLE_CLASS_MAX; i++) {
		print_message("%8lu %s\n", run->class[i], oracle_class_name((enum oracle_class)i));
		assert_true(run->class[i] >= least);
	}
	for (int i = 0; i < ORACLE_TRAITS; i++) {
		print_message("%8lu %s\n", run->trait[i], oracle_trait_name(1U << i));
		assert_true(run->trait[i] >= least);
	}
	print_message("%lu where the table can be read otherwise, and the kernel does\n", run->otherwise);
	print_message(
		"%lu mutated, %lu in several buffers; of rejected ones %lu answered, %lu over the limit\n",
		run->mutated, run->multi_buffer, run->answered, run->over_limit);
	print_message("%lu lists in lines, %lu indexes, %lu tries\n", run->lines, run->indexes, run->tries);
	assert_true(run->answered >= least && run->multi_buffer + run->no_linear_size > 0);
	assert_true(run->lines && run->indexes && run->tries);
}

static void test_kernel_agrees_with_oracle(void **state)
{
	struct run run = {.seed = number_of("AG_PACKETS_SEED", (unsigned long)time(NULL)),
			  .packets = number_of("AG_PACKETS", PACKETS)};
	unsigned long only = number_of("AG_PACKETS_POLICY", ALL);
	unsigned long each = run.packets < PACKETS_LONG ? EACH_POLICY : EACH_POLICY_LONG;

	(void)state;
	print_message("AG_PACKETS_SEED=%llu\n", (unsigned long long)run.seed);
	for (unsigned long nth = 0; nth < run.packets / each; nth++)
		if (only == ALL || nth == only)
			compare_policy(&run, nth, each);
	if (run.mismatches)
		fail_msg("%lu of %lu packets: kernel and oracle differ", run.mismatches, run.packets);
	if (only == ALL)
		assert_enough(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kernel_agrees_with_oracle, packets_setup,
						packets_teardown),
	};
	int failed;

	host_enter();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	host_leave();
	return failed;
}
