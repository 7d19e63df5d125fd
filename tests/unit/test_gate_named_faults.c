// SPDX-License-Identifier: GPL-2.0-only
/* test_gate_named_faults.c - changes of a named list and of a reference, each call into the kernel failed in
 * turn */
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

static bool fail_call(void **state, attempt try, int n, int times)
{
	struct fixture *fixture;
	struct ag_error error = {0};
	AUTO_FREE char *before = NULL, *after = NULL;
	bool done;
	int err;

	assert_int_equal(setup_named(state), 0);
	fixture = *state;
	before = exported(fixture);
	kernel.calls = 0;
	kernel.fail_at = n;
	kernel.fail_for = times;
	err = try(fixture, &error);
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
	assert_int_equal(done, !err);
	assert_int_equal(teardown(state), 0);
	return done;
}

static void test_each_call_fails(void **state)
{
	static const attempt attempts[] = {attempt_list_add, attempt_list_remove, attempt_reference};
	void *own = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++)
		for (int times = 1; times <= 1000; times += 999) {
			int n = 1;

			while (!fail_call(&own, attempts[i], n, times))
				n++;
			assert_in_range(n, 3, 20); /* the change did call the kernel */
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_call_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
