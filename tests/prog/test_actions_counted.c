// SPDX-License-Identifier: GPL-2.0-only
/* test_actions_counted.c - what becomes of stopped packets, and the counters of both maps as one */
#include "tests/prog/actions_fixture.h"

#include "tests/frames.h"

#define STRANGER "198.51.100.1"

/* Where an IPv4 frame has the length of its TCP header, and then its flags. */
#define TCP_WORDS (14 + 20 + 12)

static uint32_t run_frame(const char *source)
{
	const struct frame_spec spec = {.source = source,
					.dest = "192.0.2.10",
					.proto = IPPROTO_TCP,
					.source_port = 40000,
					.port = 443};
	static struct frame frame;
	LIBBPF_OPTS(bpf_test_run_opts, options, .repeat = 1);

	frame_build(&frame, &spec);
	frame_data(&frame)[TCP_WORDS] = 5 << 4; /* a SYN that could be answered */
	frame_data(&frame)[TCP_WORDS + 1] = 2;
	options.data_in = frame_data(&frame);
	options.data_size_in = (uint32_t)frame.len;
	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(dataplane->skeleton->progs.ag_ingress), &options), 0);
	return options.retval;
}

static uint64_t packets(uint32_t slot, enum ag_verdict verdict)
{
	struct account_counters counters;

	check_ok(dataplane_account_counters(dataplane, slot, &counters, &error));
	return counters.by_verdict[verdict].packets;
}

struct visited {
	size_t count;
	struct account_counters last;
	uint32_t slot;
};

static int visit(uint32_t slot, const struct account_counters *counters, void *arg)
{
	struct visited *visited = arg;

	visited->count++;
	visited->slot = slot;
	visited->last = *counters;
	return 0;
}

static struct visited visit_all(void)
{
	struct visited visited = {0};

	check_ok(dataplane_counters_each(dataplane, LIMITS.accounts, visit, &visited, &error));
	return visited;
}

/* Each action does what it is for, and is counted so; both maps' counters come as one. */
static void test_what_becomes_of_packets(void **state)
{
	struct visited all;

	(void)state;
	sync_text("192.0.2.10>3", false);
	put(3, ENFORCE);
	assert_int_equal(run_frame(STRANGER), XDP_DROP);
	put(3, REDIRECT);
	assert_int_equal(run_frame(STRANGER), XDP_REDIRECT);
	assert_int_equal(run_frame(LIST), XDP_PASS);
	put(3, REJECT);
	assert_int_equal(run_frame(STRANGER), XDP_TX);
	assert_int_equal(run_frame(STRANGER), XDP_TX);
	put(3, notice(PORT, AG_MODE_ENFORCE));
	assert_int_equal(run_frame(STRANGER), XDP_PASS);
	assert_int_equal(packets(3, AG_VERDICT_DENIED), 1);
	assert_int_equal(packets(3, AG_VERDICT_ALLOWED), 1);
	assert_int_equal(packets(3, AG_VERDICT_REJECTED), 2);
	assert_int_equal(packets(3, AG_VERDICT_REDIRECTED), 2);
	all = visit_all();
	assert_int_equal(all.count, 1);
	assert_int_equal(all.slot, 3);
	for (size_t i = 0; i < AG_VERDICT_ACCOUNT_MAX; i++)
		assert_int_equal(all.last.by_verdict[i].packets, packets(3, (enum ag_verdict)i));
	dataplane_set_seal(dataplane, 1, 1);
	reopen();
	assert_int_equal(visit_all().last.by_verdict[AG_VERDICT_REDIRECTED].packets, 2);
	check_ok(dataplane_clear_account(dataplane, 3, &error));
	for (size_t i = 0; i < AG_VERDICT_ACCOUNT_MAX; i++)
		assert_int_equal(packets(3, (enum ag_verdict)i), 0);
	assert_int_equal(visit_all().count, 0);
}

/* An account that was only ever stopped by its action is among those that counted anything. */
static void test_counted_by_the_action_alone(void **state)
{
	(void)state;
	sync_text("192.0.2.10>63", false);
	put(63, REJECT);
	assert_int_equal(run_frame(STRANGER), XDP_TX);
	assert_int_equal(visit_all().count, 1);
	assert_int_equal(visit_all().slot, 63);
	assert_int_equal(visit_all().last.by_verdict[AG_VERDICT_REJECTED].packets, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DEVICE(test_what_becomes_of_packets),
		WITH_DEVICE(test_counted_by_the_action_alone),
	};
	int failed;

	host_enter();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	host_leave();
	return failed;
}
