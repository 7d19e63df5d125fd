// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_gate_bundle_faults.c - several changes that wait as one, each call into the kernel failed in turn
 * while they are made and while they are taken back, and the process killed behind the commit
 *
 * Whatever happens: the policy from before with no row, or the new one with it.
 */
#include "tests/unit/bundle_fixture.h"

#include <sys/wait.h>
#include <unistd.h>

/* --- faults ------------------------------------------------------------------------ */

/* The policy is the one from before with no row, or the new one with it. */
static bool fail_call(void **state, const struct scenario *scenario, int n, int times, bool taking_back)
{
	struct fixture *fixture = begin_two(state);
	AUTO_FREE char *before = snapshot_all(fixture), *made = NULL, *after = NULL;
	struct ag_error error = {0};
	uint64_t waiting = 0;
	bool done;
	int err;

	if (taking_back)
		assert_int_equal(make(fixture, scenario, &error), 0);
	made = snapshot_all(fixture);
	kernel.calls = 0;
	kernel.fail_at = n;
	kernel.fail_for = times;
	err = taking_back ? back(fixture, scenario, false, &error) : make(fixture, scenario, &error);
	done = kernel.calls < n;
	kernel.fail_at = 0;
	if (err && fixture->gate->reason[0])
		assert_int_equal(gate_reconcile(fixture->gate, false, NULL, &error), 0);
	after = snapshot_all(fixture);
	assert_int_equal(store_pending_count(fixture->gate->store, &waiting, &error), 0);
	assert_int_equal(fixture->gate->pending_changes, waiting);
	if (!taking_back)
		assert_int_equal(waiting, strcmp(before, after) != 0);
	else if (waiting)
		assert_string_equal(made, after);
	else
		assert_string_equal(before, after);
	assert_true(agrees(fixture));
	if (taking_back && waiting) { /* it can be tried again */
		assert_int_equal(back(fixture, scenario, false, &error), 0);
		free(TAKE_PTR(after));
		after = snapshot_all(fixture);
		assert_string_equal(before, after);
	}
	assert_int_equal(teardown(state), 0);
	return done;
}

static void fail_each(void **state, int times, bool taking_back)
{
	for (size_t i = 2; i < sizeof(scenarios) / sizeof(*scenarios); i++) {
		int n = 1;

		if (times == 1 && scenarios[i].is_long) /* for the time that it takes */
			continue;
		while (!fail_call(state, &scenarios[i], n, times, taking_back))
			n++;
		assert_in_range(n, 1, 40);
	}
}

static void test_each_call_fails_while_it_is_made(void **state)
{
	fail_each(state, 1, false);
	fail_each(state, 1000, false);
}

static void test_each_call_fails_while_it_is_taken_back(void **state)
{
	fail_each(state, 1, true);
	fail_each(state, 1000, true);
}

/* --- death --------------------------------------------------------------------------- */

/* Another process makes or takes back, and dies behind the commit with the kernel as it was. */
static void die_of(struct fixture *fixture, const struct scenario *scenario, bool taking_back)
{
	struct ag_error error = {0};
	int status;
	pid_t child;

	gate_close(fixture->gate);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		if (gate_open(&fixture->options, &fixture->gate, &error))
			_exit(1);
		kernel.dies = true;
		(void)(taking_back ? back(fixture, scenario, false, &error)
				   : make(fixture, scenario, &error));
		_exit(2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), DIED);
	assert_int_equal(gate_open(&fixture->options, &fixture->gate, &error), 0);
	assert_string_equal(fixture->gate->reason, "");
	assert_true(agrees(fixture));
}

static void test_killed_between_commit_and_publication(void **state)
{
	static const char *const names[] = {"list add", "policy", "policy of many with lists"};

	for (size_t i = 0, n = 0; i < sizeof(scenarios) / sizeof(*scenarios) && n < 3; i++) {
		struct fixture *fixture;
		AUTO_FREE char *before = NULL, *after = NULL;

		if (strcmp(scenarios[i].name, names[n]) != 0)
			continue;
		n++;
		fixture = begin_two(state);
		before = snapshot_all(fixture);
		die_of(fixture, &scenarios[i], false);
		assert_waiting(fixture, 1);
		die_of(fixture, &scenarios[i], true);
		assert_waiting(fixture, 0);
		after = snapshot_all(fixture);
		assert_string_equal(before, after);
		assert_int_equal(teardown(state), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_call_fails_while_it_is_made),
		cmocka_unit_test(test_each_call_fails_while_it_is_taken_back),
		cmocka_unit_test(test_killed_between_commit_and_publication),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
