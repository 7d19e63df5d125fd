// SPDX-License-Identifier: GPL-2.0-only
/* The answer of allowgate-origin: what is encoded is decoded, and nothing else is. */
#include "userspace/core/origin.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct origin found(const char *text)
{
	struct origin origin = {.reason = ORIGIN_FOUND, .sshd_pid = 4711};

	assert_int_equal(addr_parse(text, &origin.addr, NULL), 0);
	return origin;
}

static void test_round_trip(void **state)
{
	static const char *const addresses[] = {"203.0.113.7", "2001:db8::7", "::1", "0.0.0.0"};

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		struct origin origin = found(addresses[i]), back = {0};
		struct origin_answer answer;

		origin_encode(&origin, 99, &answer);
		assert_int_equal(origin_decode(&answer, 99, &back), 0);
		assert_int_equal(back.reason, ORIGIN_FOUND);
		assert_true(addr_equal(&back.addr, &origin.addr));
		assert_int_equal(back.sshd_pid, 4711);
	}
}

static void test_unknown_carries_nothing(void **state)
{
	(void)state;
	for (int reason = ORIGIN_FOUND + 1; reason < ORIGIN_ANSWERS_MAX; reason++) {
		struct origin origin = found("203.0.113.7"), back = {0};
		struct origin_answer answer;

		origin.reason = (enum origin_reason)reason;
		origin_encode(&origin, 1, &answer);
		assert_int_equal(answer.family, 0);
		memset(answer.address, 0xff, sizeof(answer.address)); /* and is not believed to */
		answer.family = AG_FAMILY_IPV4;
		assert_int_equal(origin_decode(&answer, 1, &back), 0);
		assert_int_equal(back.reason, reason);
		assert_false(addr_known(&back.addr));
		assert_int_equal(back.sshd_pid, 0);
	}
}

static void refused(const struct origin_answer *answer)
{
	struct origin origin = {.reason = ORIGIN_LATE};

	assert_int_equal(origin_decode(answer, 5, &origin), -EPROTO);
	assert_int_equal(origin.reason, ORIGIN_LATE);
}

static void test_refused(void **state)
{
	static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, [12] = 203, [15] = 7};
	const struct origin origin4 = found("203.0.113.7"), origin6 = found("2001:db8::7");
	struct origin_answer good4, good6, bad;

	(void)state;
	origin_encode(&origin4, 5, &good4);
	origin_encode(&origin6, 5, &good6);
	bad = good4, bad.version++, refused(&bad);
	bad = good4, bad.cookie++, refused(&bad);
	bad = good4, bad.reserved = 1, refused(&bad);
	bad = good4, bad.reserved2 = 1, refused(&bad);
	bad = good4, bad.reason = ORIGIN_NONE, refused(&bad);
	bad = good4, bad.reason = ORIGIN_ANSWERS_MAX, refused(&bad);
	bad = good4, bad.reason = UINT16_MAX, refused(&bad);
	bad = good4, bad.sshd_pid = 0, refused(&bad);
	bad = good4, bad.family = AG_FAMILY_NONE, refused(&bad);
	bad = good4, bad.family = 10, refused(&bad);
	bad = good4, bad.address[4] = 1, refused(&bad);
	bad = good6, bad.family = AG_FAMILY_IPV4, refused(&bad);
	bad = good6, memcpy(bad.address, mapped, sizeof(mapped)), refused(&bad);
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < ORIGIN_REASON_MAX; i++) {
		assert_true(origin_reason_name((enum origin_reason)i)[0]);
		assert_true(origin_reason_text((enum origin_reason)i)[0]);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(origin_reason_name((enum origin_reason)i),
						origin_reason_name((enum origin_reason)j));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_unknown_carries_nothing),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
