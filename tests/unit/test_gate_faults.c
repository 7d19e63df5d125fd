// SPDX-License-Identifier: GPL-2.0-only
/* test_gate_faults.c - changes of one account, each call into the kernel failed in turn */
#include "tests/unit/faults.h"

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

static int setup_active(void **state)
{
	struct ag_error error = {0};

	assert_int_equal(setup(state), 0);
	assert_int_equal(attempt_first(*state, &error), 0);
	return 0;
}

static int attempt_scenario(struct fixture *fixture, const void *arg, struct ag_error *error)
{
	const struct scenario *scenario = arg;

	return scenario->attempt(fixture, error);
}

static void fail_each(int times)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++) {
		const struct faulty faulty = {.setup = scenarios[i].starts_active ? setup_active : setup,
					      .attempt = attempt_scenario,
					      .exported = exported,
					      .arg = &scenarios[i],
					      .makes_up = true,
					      .least = 2};

		fail_each_call(&faulty, times);
	}
}

static void test_each_call_fails_once(void **state)
{
	(void)state;
	fail_each(1);
}

static void test_each_call_fails_and_so_does_undoing(void **state)
{
	(void)state;
	fail_each(1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_call_fails_once),
		cmocka_unit_test(test_each_call_fails_and_so_does_undoing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
