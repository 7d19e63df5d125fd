// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_gate_faults.c - every call into the kernel failed in turn
 *
 * Whatever fails, the store and the kernel must afterwards hold the same policy, and that is the old one or
 * the new one.
 */
#include "tests/unit/gate_fixture.h"

struct scenario {
	const char *name;
	bool starts_active;
	attempt attempt;
};

static const struct scenario scenarios[] = {
	{"first entry", false, attempt_first},	{"replace", true, attempt_replace},
	{"more entries", true, attempt_more},	{"last entry", true, attempt_last},
	{"empty", true, attempt_empty},		{"mode", true, attempt_mode},
	{"service add", true, attempt_service}, {"service remove", true, attempt_service_removal},
};

static char *exported(struct fixture *fixture)
{
	struct ag_error error = {0};
	struct list list = {0};
	struct account account;
	char *text = calloc(1, 4096), prefix[PREFIX_TEXT_MAX];
	size_t used;

	assert_non_null(text);
	assert_int_equal(store_account_find(fixture->gate->store, "acme", &account, &error), 0);
	assert_int_equal(store_list(fixture->gate->store, account.id, &list, &error), 0);
	used = (size_t)snprintf(text, 4096, "%s %zu: ", mode_name(account.mode),
				fixture->gate->summary.claim_count);
	for (size_t i = 0; i < list.count; i++) {
		prefix_format(&list.entries[i].prefix, prefix);
		used += (size_t)snprintf(text + used, 4096 - used, "%s ", prefix);
	}
	list_clear(&list);
	account_clear(&account);
	return text;
}

/* Fails the n-th call into the kernel, for every n until the change meets none: old or new, in both, never a
 * mixture. */
static bool fail_call(void **state, const struct scenario *scenario, int n, int times)
{
	struct fixture *fixture;
	struct ag_error error = {0};
	AUTO_FREE char *before = NULL, *after = NULL;
	bool done;
	int err;

	assert_int_equal(setup(state), 0);
	fixture = *state;
	if (scenario->starts_active)
		assert_int_equal(attempt_first(fixture, &error), 0);
	before = exported(fixture);
	kernel.calls = 0;
	kernel.fail_at = n;
	kernel.fail_for = times;
	err = scenario->attempt(fixture, &error);
	done = kernel.calls < n;
	kernel.fail_at = 0;
	if (err && fixture->gate->reason[0])
		assert_int_equal(gate_reconcile(fixture->gate, false, NULL, &error), 0);
	assert_true(agrees(fixture));
	after = exported(fixture);
	if (err)
		assert_string_equal(before, after);
	else
		assert_string_not_equal(before, after);
	assert_int_equal(teardown(state), 0);
	return done;
}

static void fail_each(void **state, int times)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++) {
		int n = 1;

		while (!fail_call(state, &scenarios[i], n, times))
			n++;
		assert_in_range(n, 2, 20); /* the change did call the kernel */
	}
}

static void test_each_call_fails_once(void **state)
{
	fail_each(state, 1);
}

static void test_each_call_fails_and_so_does_undoing(void **state)
{
	fail_each(state, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_call_fails_once),
		cmocka_unit_test(test_each_call_fails_and_so_does_undoing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
