// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_panic.c - while the switch is on, every packet of every row of the table passes, and afterwards each
 * is judged as before; and the switch outlives whoever set it
 */
#include "tests/prog/packets_fixture.h"

#include "tests/oracle/show.h"

#define POLICIES  24UL
#define FRAMES	  400UL
#define CLASS_MIN 8UL

static void switch_panic(struct oracle_policy *policy, bool on)
{
	const struct dataplane_panic panic = {.on = on, .changed = 1700000000};

	policy->panic = on;
	check_ok(dataplane_set_panic(dataplane, &panic, &error));
}

/* --- every row ------------------------------------------------------------------- */

/* Within one second of the policy's clock. */
static struct counted run_frame(const struct oracle_policy *policy, struct frame *frame, uint32_t *ret_action)
{
	struct tally before, after;
	int64_t second;

	do {
		set_time(policy, &second);
		take_tally(1, &before);
		assert_int_equal(run_program(frame, 0, ret_action), 0);
		take_tally(1, &after);
	} while (boot_seconds() != second);
	return what_moved(&before, &after, frame->len);
}

static bool agrees(struct oracle_policy *policy, struct frame *frame, const struct counted *counted,
		   uint32_t action)
{
	struct oracle_answer wanted = oracle_judge(policy, frame_data(frame), frame->len);
	struct oracle_answer other = read_otherwise(policy, frame_data(frame), frame->len);

	return (counts_agree(&wanted, counted) && action_agrees(&wanted, counted, action)) ||
	       (counts_agree(&other, counted) && action_agrees(&other, counted, action));
}

static void assert_as_oracle(struct oracle_policy *policy, struct frame *frame)
{
	uint32_t action;
	struct counted counted = run_frame(policy, frame, &action);

	if (policy->panic)
		assert_int_equal(action, XDP_PASS);
	if (agrees(policy, frame, &counted, action))
		return;
	show_counted(stderr, &counted);
	(void)fprintf(stderr, ", action %u, panic %d\n", action, policy->panic);
	show_policy(stderr, policy, frame_data(frame), frame->len);
	show_frame(stderr, frame_data(frame), frame->len);
	fail_msg("kernel and oracle differ");
}

static void compare_policy(uint64_t seed, unsigned long seen[ORACLE_CLASS_MAX])
{
	static struct oracle_policy policy;
	static struct frame frame;
	bool mutated;

	generate_policy(seed, &policy);
	put_policy(&policy);
	for (unsigned long i = 0; i < FRAMES; i++) {
		generate_frame(&policy, chance_seed(seed, i + 1), &frame, &mutated);
		seen[oracle_judge(&policy, frame_data(&frame), frame.len).class]++;
		switch_panic(&policy, true);
		assert_as_oracle(&policy, &frame);
		switch_panic(&policy, false);
		assert_as_oracle(&policy, &frame);
	}
}

static void test_every_row_passes(void **state)
{
	uint64_t seed = number_of("AG_PACKETS_SEED", (unsigned long)time(NULL));
	unsigned long seen[ORACLE_CLASS_MAX] = {0};

	(void)state;
	print_message("AG_PACKETS_SEED=%llu\n", (unsigned long long)seed);
	for (unsigned long nth = 0; nth < POLICIES; nth++)
		compare_policy(chance_seed(seed, nth), seen);
	for (int i = 0; i < ORACLE_CLASS_MAX; i++) {
		print_message("%8lu %s\n", seen[i], oracle_class_name((enum oracle_class)i));
		assert_true(seen[i] >= CLASS_MIN);
	}
}

/* --- whoever set it --------------------------------------------------------------- */

static void reopen(const struct dataplane_limits *limits)
{
	dataplane_close(dataplane);
	dataplane = NULL;
	check_ok(dataplane_open(host.pins, limits, &dataplane, &error));
}

static void assert_panic(bool on, int64_t changed)
{
	struct dataplane_panic panic;

	dataplane_panic(dataplane, &panic);
	assert_int_equal(panic.on, on);
	assert_int_equal(panic.changed, changed);
}

static void test_outlives_the_daemon(void **state)
{
	static struct oracle_policy policy;

	(void)state;
	assert_panic(false, 0);
	switch_panic(&policy, true);
	reopen(&LIMITS);
	assert_panic(true, 1700000000);
	switch_panic(&policy, false);
	reopen(&LIMITS);
	assert_panic(false, 1700000000);
}

/* The flags of the maps that were made for these limits. */
static uint32_t flags_of(const struct dataplane_limits *limits)
{
	struct ag_config config = {0};
	char name[PINS_NAME_MAX];

	pins_maps_name(limits, name);
	assert_int_equal(pins_read_config(host.pins, name, &config), 0);
	return config.now.flags;
}

/* New maps begin as those they replace were left; while those still decide, both are switched. */
static void test_goes_over_to_new_maps(void **state)
{
	static struct oracle_policy policy;
	struct dataplane_limits more = LIMITS;

	(void)state;
	more.entries *= 2;
	switch_panic(&policy, true);
	dataplane_set_seal(dataplane, 77, 1);
	reopen(&more);
	assert_panic(true, 1700000000);
	switch_panic(&policy, false);
	assert_false(flags_of(&LIMITS) & AG_CONFIG_PANIC);
	switch_panic(&policy, true);
	assert_true(flags_of(&LIMITS) & AG_CONFIG_PANIC);
	dataplane_set_seal(dataplane, 77, 2);
	switch_panic(&policy, false);
	assert_true(flags_of(&LIMITS) & AG_CONFIG_PANIC); /* nobody goes by them any more */
	assert_false(flags_of(&more) & AG_CONFIG_PANIC);
}

#define WITH_DATAPLANE(name) cmocka_unit_test_setup_teardown(name, packets_setup, packets_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DATAPLANE(test_every_row_passes),
		WITH_DATAPLANE(test_outlives_the_daemon),
		WITH_DATAPLANE(test_goes_over_to_new_maps),
	};
	int failed;

	host_enter();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	host_leave();
	return failed;
}
