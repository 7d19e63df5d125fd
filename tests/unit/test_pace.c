// SPDX-License-Identifier: GPL-2.0-only
/* test_pace.c - so many requests a minute, each client for itself */
#include "userspace/core/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START_MS UINT64_C(5000000)

static struct pace pace;

static int setup(void **state)
{
	(void)state;
	memset(&pace, 0, sizeof(pace));
	pace.per_minute = 60;
	return 0;
}

static void a_minutes_worth_comes_at_once_and_then_no_more(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 60; i++)
		assert_int_equal(pace_take(&pace, 1, START_MS), 0);
	assert_int_equal(pace_take(&pace, 1, START_MS), 1000);
	assert_int_equal(pace_take(&pace, 1, START_MS + 400), 600);
	assert_int_equal(pace_take(&pace, 1, START_MS + 1000), 0);
	assert_int_not_equal(pace_take(&pace, 1, START_MS + 1000), 0);
	/* What was refused was not counted. */
	assert_int_equal(pace_take(&pace, 1, START_MS + 2000), 0);
}

static void over_an_hour_it_is_the_rate(void **state)
{
	unsigned int taken = 0;

	(void)state;
	pace.per_minute = 600;
	for (uint64_t now = START_MS; now < START_MS + 3600000; now += 20)
		taken += pace_take(&pace, 1, now) == 0;
	assert_in_range(taken, 600 * 60, 600 * 61);
}

static void clients_do_not_share(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 60; i++)
		assert_int_equal(pace_take(&pace, 1, START_MS), 0);
	assert_int_equal(pace_take(&pace, 2, START_MS), 0);
	assert_int_not_equal(pace_take(&pace, 1, START_MS), 0);
}

static void the_idlest_makes_room(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 60; i++)
		assert_int_equal(pace_take(&pace, 1, START_MS), 0);
	for (int64_t id = 2; id < 2 + PACE_CLIENTS; id++)
		assert_int_equal(pace_take(&pace, id, START_MS), 0);
	/* The one that has taken most is kept. */
	assert_int_not_equal(pace_take(&pace, 1, START_MS), 0);
}

static void extreme_rates_work(void **state)
{
	(void)state;
	pace.per_minute = 1;
	assert_int_equal(pace_take(&pace, 1, START_MS), 0);
	assert_int_equal(pace_take(&pace, 1, START_MS), 60000);
	pace.per_minute = PACE_PER_MINUTE;
	for (unsigned int i = 0; i < 10000; i++)
		assert_int_equal(pace_take(&pace, 2, START_MS), 0);
}

#define PACE_TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PACE_TEST(a_minutes_worth_comes_at_once_and_then_no_more),
		PACE_TEST(over_an_hour_it_is_the_rate),
		PACE_TEST(clients_do_not_share),
		PACE_TEST(the_idlest_makes_room),
		PACE_TEST(extreme_rates_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
