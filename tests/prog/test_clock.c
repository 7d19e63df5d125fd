// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_clock.c - the policy's clock in the kernel: entries expire to the second, in every form of a list
 *
 * The clock is not waited for but set, to a second that has just begun.
 */
#include "tests/prog/traffic.h"

#define NOON 1800000000U /* of some day */

/* Sets the clock to this second of the policy's, with most of it still to come. */
static void set_second(int64_t second)
{
	struct timespec now;

	do
		(void)clock_gettime(CLOCK_BOOTTIME, &now);
	while (now.tv_nsec > 500000000);
	dataplane_set_clock(dataplane, (second - now.tv_sec) * 1000000000);
}

static void expire(struct compiled_account *account, const char *text, uint32_t expires)
{
	struct prefix prefix = prefix_text(text);
	bool v4 = prefix.addr.family == AG_FAMILY_IPV4;
	struct compiled_entry *entries = v4 ? account->entries4 : account->entries6;
	size_t count = v4 ? account->count4 : account->count6;

	for (size_t i = 0; i < count; i++) {
		if (prefix_compare(&entries[i].prefix, &prefix) != 0)
			continue;
		entries[i].value.expires = expires;
		return;
	}
	fail_msg("there is no %s", text);
}

static void test_offset(void **state)
{
	bool set = true;

	(void)state;
	assert_int_equal(dataplane_clock(dataplane, &set), 0);
	assert_false(set);
	dataplane_set_clock(dataplane, -5000000000);
	assert_int_equal(dataplane_clock(dataplane, &set), -5000000000);
	assert_true(set);
	reopen();
	assert_int_equal(dataplane_clock(dataplane, &set), -5000000000);
	assert_true(set);
}

/* The clock leaves the flags and the epoch alone, and each of these the others. */
static void test_neighbours(void **state)
{
	(void)state;
	dataplane_set_clock(dataplane, 77);
	dataplane_set_epoch(dataplane, 0xabcd);
	dataplane_set_flags(dataplane, AG_CONFIG_ANY, AG_CONFIG_ANY);
	dataplane_set_watch(dataplane, true);
	assert_int_equal(dataplane->config->now.epoch, 0xabcd);
	assert_int_equal(dataplane->config->now.flags, AG_CONFIG_ANY | AG_CONFIG_WATCH);
	assert_int_equal(dataplane->config->clock, 77);
	dataplane_set_clock(dataplane, -1);
	dataplane_set_watch(dataplane, false);
	assert_int_equal(dataplane->config->now.flags, AG_CONFIG_ANY);
	assert_int_equal(dataplane->config->now.epoch, 0xabcd);
}

static void assert_at(int64_t second, uint32_t before4, uint32_t before6)
{
	set_second(second);
	assert_int_equal(knock("203.0.113.7"), before4);
	assert_int_equal(knock("2001:db8:1::7"), before6);
	/* its neighbours are not touched by what expires */
	assert_int_equal(knock("198.51.100.9"), XDP_PASS);
	assert_int_equal(knock("100.64.0.9"), XDP_DROP);
}

static void check_expiry(enum filling filling)
{
	struct compiled_account account = filled("203.0.113.7 198.51.100.0/24 2001:db8:1::7 2001:db8:2::/48",
						 filling);

	assert_int_equal(sync_text(WEB, false) > 0, true);
	expire(&account, "203.0.113.7", NOON);
	expire(&account, "2001:db8:1::7", NOON + 10);
	enforce(&account);
	if (filling) {
		assert_int_equal(held4(3), FILLED_AS[filling]);
		assert_int_equal(held6(3), FILLED_AS[filling]);
	}
	assert_at(NOON - 1, XDP_PASS, XDP_PASS);
	assert_at(NOON, XDP_DROP, XDP_PASS);
	assert_at(NOON + 9, XDP_DROP, XDP_PASS);
	assert_at(NOON + 10, XDP_DROP, XDP_DROP);
	/* set back, an entry is in effect again: nothing is forgotten */
	assert_at(NOON - 1, XDP_PASS, XDP_PASS);
	compiled_account_clear(&account);
}

static void test_lines(void **state)
{
	(void)state;
	check_expiry(FILL_NOTHING);
}

static void test_index(void **state)
{
	(void)state;
	check_expiry(FILL_INDEX);
}

static void test_trie(void **state)
{
	(void)state;
	check_expiry(FILL_TRIE);
}

/* A hole that expires uncovers what it was in, an allowed address what denies around it. */
static void check_uncovered(enum filling filling)
{
	struct compiled_account account = filled("203.0.113.0/24 !203.0.113.7 2001:db8:1::/64 "
						 "!2001:db8:1::7 198.51.100.0/24",
						 filling);

	assert_int_equal(sync_text(WEB, false) > 0, true);
	expire(&account, "203.0.113.7", NOON);
	expire(&account, "2001:db8:1::7", NOON);
	enforce(&account);
	assert_at(NOON - 1, XDP_DROP, XDP_DROP);
	assert_at(NOON, XDP_PASS, XDP_PASS);
	assert_int_equal(knock("203.0.113.8"), XDP_PASS);
	compiled_account_clear(&account);
}

static void test_uncovered_in_lines(void **state)
{
	(void)state;
	check_uncovered(FILL_NOTHING);
}

static void test_uncovered_in_trie(void **state)
{
	(void)state;
	check_uncovered(FILL_TRIE);
}

/* Nor a moment early: of the two clocks' seconds, neither begins with the other's. */
static void test_fraction_of_a_second(void **state)
{
	struct compiled_account account = account_of(3, ENFORCE, "203.0.113.7");
	struct timespec now;
	int64_t until;

	(void)state;
	assert_int_equal(sync_text(WEB, false) > 0, true);
	expire(&account, "203.0.113.7", NOON);
	enforce(&account);
	for (int64_t late = -200000000; late <= 200000000; late += 50000000) {
		(void)clock_gettime(CLOCK_BOOTTIME, &now);
		until = NOON * INT64_C(1000000000) - (now.tv_sec * INT64_C(1000000000) + now.tv_nsec);
		dataplane_set_clock(dataplane, until + late + (late ? 0 : 1));
		assert_int_equal(knock("203.0.113.7"), late < 0 ? XDP_PASS : XDP_DROP);
	}
	compiled_account_clear(&account);
}

/* In a kernel whose clock was never set, what expires in this century has not expired: the daemon sets it. */
static void test_clock_outlives_the_daemon(void **state)
{
	struct compiled_account account = account_of(3, ENFORCE, "203.0.113.7");

	(void)state;
	assert_int_equal(sync_text(WEB, false) > 0, true);
	expire(&account, "203.0.113.7", NOON);
	enforce(&account);
	set_second(NOON);
	assert_int_equal(knock("203.0.113.7"), XDP_DROP);
	reopen();
	assert_int_equal(knock("203.0.113.7"), XDP_DROP);
	compiled_account_clear(&account);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_offset),
		TEST(test_neighbours),
		TEST(test_lines),
		TEST(test_index),
		TEST(test_trie),
		TEST(test_uncovered_in_lines),
		TEST(test_uncovered_in_trie),
		TEST(test_fraction_of_a_second),
		TEST(test_clock_outlives_the_daemon),
	};
	int failed;

	host_enter();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	host_leave();
	return failed;
}
