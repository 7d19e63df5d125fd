// SPDX-License-Identifier: GPL-2.0-only
/* test_deadline.c - clocks that are set, and a boot in between: early at worst, never later than was given */
#include "userspace/core/deadline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define WITHIN INT64_C(120)

static const struct moment start = {.wall = 1700000000, .up = 5000, .boot = "this boot"};

/* Wall clock and time since boot, each so many seconds after the start. */
static int64_t left_at(int64_t wall, int64_t up, const char *boot)
{
	struct deadline deadline = deadline_after(&start, WITHIN);
	struct moment now = {.wall = start.wall + wall, .up = start.up + up};

	for (size_t i = 0; boot[i]; i++)
		now.boot[i] = boot[i];
	return deadline_left(&deadline, &now);
}

static void test_time_passes(void **state)
{
	(void)state;
	assert_int_equal(left_at(0, 0, "this boot"), WITHIN);
	assert_int_equal(left_at(119, 119, "this boot"), 1);
	assert_int_equal(left_at(120, 120, "this boot"), 0);
	assert_int_equal(left_at(500, 500, "this boot"), -380);
}

static void test_the_wall_clock_is_set(void **state)
{
	(void)state;
	assert_int_equal(left_at(-86400, 60, "this boot"), 60); /* back: the time since boot goes on */
	assert_int_equal(left_at(-86400, 120, "this boot"), 0);
	assert_true(left_at(86400, 60, "this boot") <= 0); /* forward: it has come */
}

static void test_another_boot(void **state)
{
	(void)state;
	assert_int_equal(left_at(60, -4000, "another"), 60); /* the time since boot says nothing */
	assert_int_equal(left_at(60, 999999, "another"), 60);
	assert_true(left_at(121, -4000, "another") <= 0);
	assert_int_equal(left_at(-1, -4000, "another"), 0); /* more than was given: set back */
	assert_int_equal(left_at(-86400, -4000, "another"), 0);
	assert_int_equal(left_at(0, -4000, "another"), WITHIN);
}

static void test_adopted_by_another_boot(void **state)
{
	struct deadline deadline = deadline_after(&start, WITHIN);
	struct moment now = {.wall = start.wall + 60, .up = 10, .boot = "another"};

	(void)state;
	assert_true(deadline_adopt(&deadline, &now));
	assert_false(deadline_adopt(&deadline, &now));
	assert_int_equal(deadline_left(&deadline, &now), 60);
	now.wall -= 3600; /* set back behind it */
	now.up += 60;
	assert_int_equal(deadline_left(&deadline, &now), 0);
	assert_int_equal(deadline.within, WITHIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_passes),
		cmocka_unit_test(test_the_wall_clock_is_set),
		cmocka_unit_test(test_another_boot),
		cmocka_unit_test(test_adopted_by_another_boot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
