// SPDX-License-Identifier: GPL-2.0-only
/* test_gate_named_faults.c - changes of a named list and of a reference, each call into the kernel failed in
 * turn */
#include "tests/unit/faults.h"
#include "tests/unit/named_fixture.h"

static int attempt_list_add(struct fixture *fixture, struct ag_error *error)
{
	return edit_named(fixture, "vpn", true, PREFIXES("192.0.2.0/24", "192.0.2.7"), error);
}

static int attempt_list_remove(struct fixture *fixture, struct ag_error *error)
{
	return edit_named(fixture, "vpn", false, PREFIXES("203.0.113.0/24"), error);
}

static int attempt_reference(struct fixture *fixture, struct ag_error *error)
{
	return edit_allowlist(fixture, "acme", CHANGE_ALLOW_ADD, PREFIXES("@guests"), error);
}

/* The content of the lists and the generations of the accounts. */
static char *exported(struct fixture *fixture)
{
	struct buffer text = {.limit = 4096};
	struct store_named named;
	struct ag_error error = {0};

	assert_int_equal(store_named_find(fixture->gate->store, "vpn", &named, &error), 0);
	for (size_t i = 0; i < sizeof(named.content); i++)
		(void)buffer_print(&text, "%02x", named.content[i]);
	for (size_t i = 0; i < 2; i++)
		(void)buffer_print(&text, " %llu %zu",
				   (unsigned long long)fixture->gate->summary.accounts[i]->generation,
				   account_entries(fixture->gate->summary.accounts[i]));
	return text.data;
}

static void test_each_call_fails(void **state)
{
	static const struct tried all[] = {{attempt_list_add}, {attempt_list_remove}, {attempt_reference}};

	(void)state;
	fail_attempts(setup_named, exported, all, sizeof(all) / sizeof(*all));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_call_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
