// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_gate_panic.c - whether everything passes: what kernel and store make of each other
 */
#include "tests/unit/gate_fixture.h"

#include "userspace/daemon/panic.h"

static int setup_panic(void **state)
{
	fake_panic = (struct dataplane_panic){0};
	return setup(state);
}

static struct actor ops(void)
{
	struct actor actor = {.uid = 0, .operator_ = true};

	(void)snprintf(actor.name, sizeof(actor.name), "ops");
	return actor;
}

static int switch_panic(struct fixture *fixture, const char *reason, char warning[256])
{
	const struct actor actor = ops();
	struct ag_error error = {0};

	return panic_switch(fixture->gate, &actor, reason, false, warning, &error);
}

static bool stored_panic(struct fixture *fixture, struct store_panic *ret)
{
	struct ag_error error = {0};
	bool on = false;

	assert_int_equal(store_panic_get(fixture->gate->store, ret, &on, &error), 0);
	return on;
}

static size_t audit_rows(struct fixture *fixture, const char *action)
{
	const struct store_audit_filter all = {.since = INT64_MIN, .until = INT64_MAX, .limit = 100};
	struct store_audit *rows = NULL;
	struct ag_error error = {0};
	size_t count = 0, found = 0;

	assert_int_equal(store_audit_read(fixture->gate->store, &all, &rows, &count, &error), 0);
	for (size_t i = 0; i < count; i++)
		found += !strcmp(rows[i].action, action);
	store_audit_free(rows, count);
	return found;
}

static void reopen(struct fixture *fixture)
{
	struct ag_error error = {0};

	gate_close(fixture->gate);
	fixture->gate = NULL;
	assert_int_equal(gate_open(&fixture->options, &fixture->gate, &error), 0);
}

static void hide_store(struct fixture *fixture, bool hide)
{
	char away[sizeof(fixture->options.store) + 8];
	const char *there = fixture->options.store;

	(void)snprintf(away, sizeof(away), "%s.away", there);
	assert_int_equal(rename(hide ? there : away, hide ? away : there), 0);
}

static void test_is_in_both(void **state)
{
	struct fixture *fixture = *state;
	struct store_panic stored = {0};
	char warning[256];

	assert_int_not_equal(switch_panic(fixture, NULL, warning), 0); /* not on */
	assert_int_equal(switch_panic(fixture, "locked out", warning), 0);
	assert_string_equal(warning, "");
	assert_true(fake_panic.on && fake_panic.changed && fixture->gate->panics);
	assert_true(stored_panic(fixture, &stored));
	assert_string_equal(stored.reason, "locked out");
	assert_string_equal(stored.by, "ops");
	assert_int_equal(audit_rows(fixture, "panic"), 1);
	assert_int_equal(switch_panic(fixture, NULL, warning), 0);
	assert_false(fake_panic.on || fixture->gate->panics || stored_panic(fixture, &stored));
	assert_int_equal(audit_rows(fixture, "panic off"), 1);
}

/* A host that was started anew knows nothing; one whose switch was used is right. */
static void test_store_is_asked_after_the_hosts_start(void **state)
{
	struct fixture *fixture = *state;
	struct store_panic stored;
	char warning[256];

	assert_int_equal(switch_panic(fixture, "locked out", warning), 0);
	fake_panic = (struct dataplane_panic){0};
	reopen(fixture);
	assert_true(fake_panic.on && fixture->gate->panics);
	assert_string_equal(fixture->gate->panic.reason, "locked out");
	assert_int_equal(audit_rows(fixture, "panic"), 1);
	fake_panic.on = false; /* switched off, and killed before the store knew */
	reopen(fixture);
	assert_false(fixture->gate->panics || stored_panic(fixture, &stored));
	assert_int_equal(audit_rows(fixture, "panic off"), 1);
}

static void test_without_a_store(void **state)
{
	struct fixture *fixture = *state;
	struct store_panic stored = {0};
	struct ag_error error = {0};
	char warning[256];

	hide_store(fixture, true);
	reopen(fixture);
	assert_int_equal(switch_panic(fixture, "the disk is gone", warning), 0);
	assert_true(warning[0] && fake_panic.on);
	hide_store(fixture, false);
	assert_int_equal(gate_reload(fixture->gate, false, NULL, &error), 0);
	assert_true(stored_panic(fixture, &stored));
	assert_string_equal(stored.reason, "the disk is gone"); /* it still knows */
	hide_store(fixture, true);
	reopen(fixture);
	assert_true(fixture->gate->panics);
	assert_int_equal(switch_panic(fixture, NULL, warning), 0);
	hide_store(fixture, false);
	reopen(fixture);
	assert_false(fake_panic.on || stored_panic(fixture, &stored));
}

/* That of another host is put aside, and must not be written to. */
static void test_another_store_is_left_alone(void **state)
{
	struct fixture *fixture = *state;
	struct store_panic stored;
	char warning[256];

	kernel.store_id++;
	reopen(fixture);
	assert_int_equal(switch_panic(fixture, "locked out", warning), 0);
	assert_true(fake_panic.on && warning[0]);
	assert_false(stored_panic(fixture, &stored));
}

static void test_dry_run_switches_nothing(void **state)
{
	struct fixture *fixture = *state;
	const struct actor actor = ops();
	struct ag_error error = {0};
	char warning[256];

	assert_int_equal(panic_switch(fixture->gate, &actor, "to see", true, warning, &error), 0);
	assert_false(fake_panic.on || fixture->gate->panics);
	assert_string_equal(gate_state(fixture->gate), "ok");
}

#define PANIC_TEST(name) cmocka_unit_test_setup_teardown(name, setup_panic, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PANIC_TEST(test_is_in_both),
		PANIC_TEST(test_store_is_asked_after_the_hosts_start),
		PANIC_TEST(test_without_a_store),
		PANIC_TEST(test_another_store_is_left_alone),
		PANIC_TEST(test_dry_run_switches_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
