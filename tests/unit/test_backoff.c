// SPDX-License-Identifier: GPL-2.0-only
/* test_backoff.c - who fails waits, longer each time, and is forgiven */
#include "userspace/core/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START_MS UINT64_C(1000000)

static struct backoff backoff;

static int setup(void **state)
{
	(void)state;
	memset(&backoff, 0, sizeof(backoff));
	return 0;
}

static struct addr addr_of(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr, NULL), 0);
	return addr;
}

static void fail_times(const struct addr *addr, unsigned int times, uint64_t now_ms)
{
	for (unsigned int i = 0; i < times; i++)
		backoff_fail(&backoff, addr, now_ms);
}

static void the_first_failures_cost_nothing(void **state)
{
	struct addr addr = addr_of("203.0.113.7");

	(void)state;
	assert_int_equal(backoff_wait_ms(&backoff, &addr, START_MS), 0);
	for (unsigned int i = 0; i < BACKOFF_FREE; i++) {
		backoff_fail(&backoff, &addr, START_MS);
		assert_int_equal(backoff_wait_ms(&backoff, &addr, START_MS), 0);
	}
	backoff_fail(&backoff, &addr, START_MS);
	assert_int_equal(backoff_wait_ms(&backoff, &addr, START_MS), BACKOFF_FIRST_MS);
	assert_int_equal(backoff_wait_ms(&backoff, &addr, START_MS + 999), 1);
	assert_int_equal(backoff_wait_ms(&backoff, &addr, START_MS + 1000), 0);
}

static void each_further_one_doubles_the_wait_up_to_the_most(void **state)
{
	struct addr addr = addr_of("203.0.113.7");
	uint64_t now = START_MS, want = BACKOFF_FIRST_MS;

	(void)state;
	fail_times(&addr, BACKOFF_FREE, now);
	for (unsigned int i = 0; i < 40; i++) {
		backoff_fail(&backoff, &addr, now);
		assert_int_equal(backoff_wait_ms(&backoff, &addr, now), want);
		want = want * 2 < BACKOFF_MAX_MS ? want * 2 : BACKOFF_MAX_MS;
	}
	assert_int_equal(backoff_wait_ms(&backoff, &addr, now), BACKOFF_MAX_MS);
}

static void failures_are_forgiven_one_by_one(void **state)
{
	struct addr addr = addr_of("203.0.113.7");
	uint64_t now = START_MS;

	(void)state;
	fail_times(&addr, BACKOFF_FREE + 1, now);
	now += BACKOFF_FORGIVE_MS - 1; /* none yet: the seventh doubles */
	backoff_fail(&backoff, &addr, now);
	assert_int_equal(backoff_wait_ms(&backoff, &addr, now), 2 * BACKOFF_FIRST_MS);
	now += 2 * BACKOFF_FORGIVE_MS; /* two are: the eighth is the sixth */
	backoff_fail(&backoff, &addr, now);
	assert_int_equal(backoff_wait_ms(&backoff, &addr, now), BACKOFF_FIRST_MS);
	now += 1000 * BACKOFF_FORGIVE_MS; /* all are */
	fail_times(&addr, BACKOFF_FREE, now);
	assert_int_equal(backoff_wait_ms(&backoff, &addr, now), 0);
}

static void sources_are_addresses_and_64s(void **state)
{
	struct addr one = addr_of("203.0.113.7"), other = addr_of("203.0.113.8");
	struct addr six = addr_of("2001:db8:1:2::7"), near = addr_of("2001:db8:1:2:ffff::1");
	struct addr far = addr_of("2001:db8:1:3::7");

	(void)state;
	fail_times(&one, BACKOFF_FREE + 1, START_MS);
	fail_times(&six, BACKOFF_FREE + 1, START_MS);
	assert_int_not_equal(backoff_wait_ms(&backoff, &one, START_MS), 0);
	assert_int_equal(backoff_wait_ms(&backoff, &other, START_MS), 0);
	assert_int_not_equal(backoff_wait_ms(&backoff, &near, START_MS), 0);
	assert_int_equal(backoff_wait_ms(&backoff, &far, START_MS), 0);
}

/* Memory is fixed: of more sources than fit, the one that failed longest ago makes room. */
static void the_oldest_makes_room(void **state)
{
	struct addr first = addr_of("198.51.100.1"), second = addr_of("198.51.100.2"), addr;

	(void)state;
	fail_times(&first, BACKOFF_FREE + 1, START_MS);
	fail_times(&second, BACKOFF_FREE + 1, START_MS + 1);
	for (unsigned int i = 0; i < BACKOFF_SOURCES - 2; i++) {
		addr = addr_make(AG_FAMILY_IPV4, (const uint8_t[]){10, 0, (uint8_t)(i >> 8), (uint8_t)i});
		backoff_fail(&backoff, &addr, START_MS + 2);
	}
	assert_int_not_equal(backoff_wait_ms(&backoff, &first, START_MS + 2), 0);
	addr = addr_of("192.0.2.1");
	backoff_fail(&backoff, &addr, START_MS + 3);
	assert_int_equal(backoff_wait_ms(&backoff, &first, START_MS + 3), 0);
	assert_int_not_equal(backoff_wait_ms(&backoff, &second, START_MS + 3), 0);
}

#define BACKOFF_TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BACKOFF_TEST(the_first_failures_cost_nothing),
		BACKOFF_TEST(each_further_one_doubles_the_wait_up_to_the_most),
		BACKOFF_TEST(failures_are_forgiven_one_by_one),
		BACKOFF_TEST(sources_are_addresses_and_64s),
		BACKOFF_TEST(the_oldest_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
