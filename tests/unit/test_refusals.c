// SPDX-License-Identifier: GPL-2.0-only
/* test_refusals.c - so many refusals of a uid a minute are written, and the others are counted */
#include "userspace/daemon/refusals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static unsigned int admitted(struct refusals *refusals, uid_t uid, int64_t now, unsigned int attempts)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < attempts; i++)
		count += refusals_admit(refusals, uid, now);
	return count;
}

static void so_many_a_minute(void **state)
{
	struct refusals refusals = {0};
	uint64_t skipped = 0;
	uid_t uid = 0;

	(void)state;
	assert_int_equal(admitted(&refusals, 1000, 5, 100), REFUSALS_A_MINUTE);
	assert_int_equal(admitted(&refusals, 1001, 6, 10), 10); /* another one's are not less for it */
	assert_int_equal(admitted(&refusals, 1000, 64, 7), 0);
	assert_false(refusals_take(&refusals, 64, false, &uid, &skipped));
	assert_true(refusals_take(&refusals, 65, false, &uid, &skipped));
	assert_int_equal(uid, 1000);
	assert_int_equal(skipped, 47);
	assert_false(refusals_take(&refusals, 65, false, &uid, &skipped));
	assert_int_equal(admitted(&refusals, 1000, 65, 100), REFUSALS_A_MINUTE);
}

/* A window that counted nothing ends without a word; what is open is told at the end. */
static void told_at_the_end(void **state)
{
	struct refusals refusals = {0};
	uint64_t skipped = 0;
	uid_t uid = 0;

	(void)state;
	assert_int_equal(admitted(&refusals, 1, 0, REFUSALS_A_MINUTE), REFUSALS_A_MINUTE);
	assert_false(refusals_take(&refusals, 100, false, &uid, &skipped));
	assert_int_equal(admitted(&refusals, 2, 100, REFUSALS_A_MINUTE + 1), REFUSALS_A_MINUTE);
	assert_false(refusals_take(&refusals, 101, false, &uid, &skipped));
	assert_true(refusals_take(&refusals, 101, true, &uid, &skipped));
	assert_int_equal(uid, 2);
	assert_int_equal(skipped, 1);
}

/* Many uids at once share what is left: the memory is bounded, and so is the log. */
static void many_uids(void **state)
{
	struct refusals refusals = {0};
	unsigned int written = 0;
	uint64_t skipped = 0;
	uid_t uid = 0;

	(void)state;
	for (uid_t who = 0; who < 1000; who++)
		written += admitted(&refusals, who, 0, 2);
	assert_int_equal(written, 2 * REFUSALS_UIDS + REFUSALS_A_MINUTE);
	assert_true(refusals_take(&refusals, 60, false, &uid, &skipped));
	assert_int_equal(uid, (uid_t)-1);
	assert_int_equal(skipped, 2 * (1000 - REFUSALS_UIDS) - REFUSALS_A_MINUTE);
	assert_int_equal(admitted(&refusals, 999, 60, 1), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(so_many_a_minute),
		cmocka_unit_test(told_at_the_end),
		cmocka_unit_test(many_uids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
