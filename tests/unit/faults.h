/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * faults.h - each call of a change into the kernel failed in turn: the store and the kernel hold the old
 * policy or the new one, both the same, never a mixture
 */
#pragma once

#include "tests/unit/gate_fixture.h"

struct faulty {
	int (*setup)(void **state);
	int (*attempt)(struct fixture *fixture, const void *arg, struct ag_error *error);
	char *(*exported)(struct fixture *fixture); /* what the store holds; freed here */
	const void *arg;			    /* the attempt's */
	bool makes_up;				    /* it may come through all the same, by another way */
	int least;				    /* calls into the kernel */
};
#define FAULTY_MOST 30

static bool fail_call(const struct faulty *faulty, int n, int times)
{
	void *state = NULL;
	struct fixture *fixture;
	struct ag_error error = {0};
	AUTO_FREE char *before = NULL, *after = NULL;
	bool done;
	int err;

	assert_int_equal(faulty->setup(&state), 0);
	fixture = state;
	before = faulty->exported(fixture);
	kernel.calls = 0;
	kernel.fail_at = n;
	kernel.fail_for = times;
	err = faulty->attempt(fixture, faulty->arg, &error);
	done = kernel.calls < n;
	kernel.fail_at = 0;
	if (err && fixture->gate->reason[0])
		assert_int_equal(gate_reconcile(fixture->gate, false, NULL, &error), 0);
	assert_true(agrees(fixture));
	after = faulty->exported(fixture);
	if (err)
		assert_string_equal(before, after);
	else
		assert_string_not_equal(before, after);
	if (!faulty->makes_up)
		assert_int_equal(done, !err);
	assert_int_equal(teardown(&state), 0);
	return done;
}

/* The n-th call and those behind it, `times` in all, for every n until the change meets none. */
static void fail_each_call(const struct faulty *faulty, int times)
{
	int n = 1;

	while (!fail_call(faulty, n, times))
		n++;
	assert_in_range(n, faulty->least, FAULTY_MOST); /* it did call the kernel */
}

/* Once, and then for good, so that undoing fails too. */
static UNUSED void fail_once_and_for_good(const struct faulty *faulty)
{
	fail_each_call(faulty, 1);
	fail_each_call(faulty, 1000);
}

/* An attempt that takes nothing is the argument itself. */
struct tried {
	attempt attempt;
};

static UNUSED int attempt_tried(struct fixture *fixture, const void *arg, struct ag_error *error)
{
	const struct tried *tried = arg;

	return tried->attempt(fixture, error);
}

static UNUSED void fail_attempts(int (*begin)(void **state), char *(*exported)(struct fixture *fixture),
				 const struct tried *tried, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct faulty faulty = {.setup = begin,
					      .attempt = attempt_tried,
					      .exported = exported,
					      .arg = &tried[i],
					      .least = 3};

		fail_once_and_for_good(&faulty);
	}
}
