// SPDX-License-Identifier: GPL-2.0-only
/* test_text.c - names, notes, times, durations and numbers, held to their rules at each boundary */
#include "userspace/core/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "userspace/core/error.h"

#include "tests/unit/bad_utf8.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void names_have_their_alphabet(void **state)
{
	(void)state;
	for (unsigned int c = 1; c < 256; c++) {
		bool start = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		bool within = start || c == '.' || c == '_' || c == '-';
		char first[] = {(char)c, 'a', '\0'}, last[] = {'a', (char)c, '\0'};
		struct ag_error error = {0};

		assert_int_equal(name_check("account", first, NULL), start ? 0 : -EINVAL);
		assert_int_equal(name_check("account", last, &error), within ? 0 : -EINVAL);
		if (!within) {
			assert_int_equal(error.code, ERROR_BAD_REQUEST);
			assert_int_equal(error.offset, 1);
			assert_non_null(strstr(error.message, "account name"));
		}
	}
}

static void names_have_1_to_63_bytes(void **state)
{
	char name[66];
	struct ag_error error = {0};

	(void)state;
	memset(name, 'a', sizeof(name));
	name[63] = '\0';
	assert_int_equal(name_check("user", name, NULL), 0);
	name[63] = 'a';
	name[64] = '\0';
	assert_int_equal(name_check("user", name, &error), -EINVAL);
	assert_non_null(
		strstr(error.message, "user name \"aaaaaaaaaaaaaaaaaaaa...\" is too long: at most 63"));
	assert_int_equal(name_check("user", "", &error), -EINVAL);
	assert_non_null(strstr(error.message, "user name is empty"));
	assert_int_equal(name_check("user", "x", NULL), 0);
}

static void notes_are_plain_text(void **state)
{
	static const struct {
		const char *in, *says;
		size_t offset;
	} BAD[] = {
		{"tab\there", "control character (U+0009) at byte 3", 3},
		{"line\n", "U+000A", 4},
		{"\x1b[31m", "U+001B", 0},
		{"\x1f", "U+001F", 0},
		{"del\x7f", "U+007F", 3},
		{"c1 \xc2\x80", "U+0080", 3},
		{"c1 \xc2\x9f", "U+009F", 3},
		{"\xe2\x80\xa8", "U+2028", 0},
		{"\xe2\x80\xa9", "U+2029", 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(BAD); i++) {
		struct ag_error error = {0};

		assert_int_equal(note_check("note", BAD[i].in, &error), -EINVAL);
		assert_int_equal(error.code, ERROR_BAD_REQUEST);
		assert_int_equal(error.offset, BAD[i].offset);
		if (!strstr(error.message, BAD[i].says))
			fail_msg("%zu: %s", i, error.message);
	}
	assert_int_equal(note_check("note", "", NULL), 0);
	assert_int_equal(note_check("note", "caf\xc3\xa9 ~ \xc2\xa0 \xe2\x80\xa7 \xf0\x9f\x98\x80 #1", NULL),
			 0);
}

static void notes_are_strict_utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(BAD_UTF8); i++) {
		struct ag_error error = {0};
		char note[16];

		(void)snprintf(note, sizeof(note), "ok %s", BAD_UTF8[i]);
		assert_int_equal(note_check("note", note, &error), -EINVAL);
		assert_int_equal(error.offset, 3);
		assert_non_null(strstr(error.message, "the note is not valid UTF-8 at byte 3"));
	}
}

static void notes_count_characters(void **state)
{
	char note[NOTE_SIZE + 4];
	struct ag_error error = {0};

	(void)state;
	for (size_t i = 0; i < 257; i++)
		memcpy(note + 4 * i, "\xf0\x9f\x98\x80", 4);
	note[NOTE_SIZE - 1] = '\0';
	assert_int_equal(strlen(note), 1024);
	assert_int_equal(note_check("note", note, NULL), 0);
	note[NOTE_SIZE - 1] = 'x';
	note[NOTE_SIZE] = '\0';
	assert_int_equal(note_check("label", note, &error), -EINVAL);
	assert_int_equal(error.offset, 1024);
	assert_string_equal(error.message, "the label is too long: at most 256 characters");
}

static void numbers_are_strict(void **state)
{
	static const struct {
		const char *in, *says;
	} BAD[] = {
		{"", "is no number"},
		{"-1", "is no number"},
		{"+1", "is no number"},
		{" 1", "is no number"},
		{"1 ", "is no number"},
		{"0x10", "is no number"},
		{"1e3", "is no number"},
		{"1.0", "is no number"},
		{"01", "leading zeros"},
		{"00", "leading zeros"},
		{"0", "out of range: it goes from 1 to 65535"},
		{"65536", "port 65536 is out of range: it goes from 1 to 65535"},
		{"18446744073709551617", "out of range"}, /* 2^64 + 1 */
		{"184467440737095516160", "out of range"},
		{"99999999999999999999999999999", "out of range"},
	};
	uint64_t number = 5;

	(void)state;
	for (size_t i = 0; i < COUNT(BAD); i++) {
		struct ag_error error = {0};

		assert_int_equal(number_parse("port", BAD[i].in, 1, 65535, &number, &error), -EINVAL);
		assert_int_equal(error.code, ERROR_BAD_REQUEST);
		if (!strstr(error.message, BAD[i].says))
			fail_msg("%s: %s", BAD[i].in, error.message);
		assert_int_equal(number, 5);
	}
	assert_int_equal(number_parse("port", "1", 1, 65535, &number, NULL), 0);
	assert_int_equal(number, 1);
	assert_int_equal(number_parse("port", "65535", 1, 65535, &number, NULL), 0);
	assert_int_equal(number, 65535);
	assert_int_equal(number_parse("n", "0", 0, 0, &number, NULL), 0);
	assert_int_equal(number, 0);
	assert_int_equal(number_parse("n", "18446744073709551615", 0, UINT64_MAX, &number, NULL), 0);
	assert_true(number == UINT64_MAX);
	assert_int_equal(number_parse("n", "18446744073709551616", 0, UINT64_MAX, &number, NULL), -EINVAL);
	assert_int_equal(number_parse("n", "20000000000000000000", 0, UINT64_MAX, &number, NULL), -EINVAL);
}

static void times_are_read(void **state)
{
	static const struct {
		const char *in;
		int64_t seconds;
	} CASES[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"1969-12-31T23:59:59Z", -1},
		{"2026-01-02T03:04:05Z", 1767323045},
		{"2026-01-02t03:04:05z", 1767323045},
		{"2026-01-02T03:04:05.999Z", 1767323045},
		{"2026-01-02T05:04:05+02:00", 1767323045},
		{"2026-01-01T21:34:05-05:30", 1767323045},
		{"2026-01-02T03:04:05-00:00", 1767323045},
		{"2000-02-29T00:00:00Z", 951782400},
		{"2024-02-29T12:00:00Z", 1709208000},
		{"2016-12-31T23:59:60Z", 1483228800},	  /* a leap second: the second behind it */
		{"1990-12-31T15:59:60-08:00", 662688000}, /* RFC 3339, section 5.8 */
		{"0000-01-01T00:00:00Z", TIME_FIRST},
		{"9999-12-31T23:59:59Z", TIME_LAST},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(CASES); i++) {
		int64_t seconds = 42;

		if (time_parse(CASES[i].in, &seconds, NULL))
			fail_msg("%s was refused", CASES[i].in);
		if (seconds != CASES[i].seconds)
			fail_msg("%s: %lld", CASES[i].in, (long long)seconds);
	}
}

static void bad_times_are_refused(void **state)
{
	static const struct {
		const char *in;
		size_t offset;
	} BAD[] = {
		{"", 0},
		{"tomorrow", 0},
		{"2026-01-02", 10},
		{"2026-01-02 03:04:05Z", 10},
		{"2026-01-02T03:04:05", 19},
		{"2026-01-02T03:04Z", 16},
		{"2026-01-02T03:04:05Z ", 20},
		{" 2026-01-02T03:04:05Z", 0},
		{"2026-00-02T03:04:05Z", 5},
		{"2026-13-02T03:04:05Z", 5},
		{"2026-01-00T03:04:05Z", 8},
		{"2026-01-32T03:04:05Z", 8},
		{"2026-04-31T03:04:05Z", 8},
		{"2026-02-29T03:04:05Z", 8},
		{"1900-02-29T03:04:05Z", 8},
		{"2026-01-02T24:00:00Z", 11},
		{"2026-01-02T03:60:05Z", 14},
		{"2026-01-02T03:04:61Z", 17},
		{"2026-01-02T03:04:60Z", 0},
		{"2026-01-02T23:59:60+01:00", 0},
		{"2026-01-02T03:04:05.Z", 20},
		{"2026-01-02T03:04:05,5Z", 19},
		{"2026-01-02T03:04:05+24:00", 20},
		{"2026-01-02T03:04:05+02:60", 23},
		{"2026-01-02T03:04:05+0200", 22},
		{"+026-01-02T03:04:05Z", 0},
		{"12026-01-02T03:04:05Z", 4},
		{"0000-01-01T00:00:00+00:01", 0},
		{"9999-12-31T23:59:59-00:01", 0},
		{"9999-12-31T23:59:60Z", 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(BAD); i++) {
		struct ag_error error = {0};
		int64_t seconds = 42;

		if (time_parse(BAD[i].in, &seconds, &error) != -EINVAL)
			fail_msg("%s was accepted", BAD[i].in);
		assert_int_equal(error.code, ERROR_BAD_REQUEST);
		if (error.offset != BAD[i].offset)
			fail_msg("%s: offset %zu", BAD[i].in, error.offset);
		assert_int_equal(seconds, 42);
	}
}

/* Against the C library's calendar, every 9 hours and some through all the years. */
static void times_format_as_the_c_library_does(void **state)
{
	(void)state;
	for (int64_t seconds = TIME_FIRST; seconds <= TIME_LAST; seconds += 999983) {
		char text[TIME_TEXT_MAX], expected[64];
		time_t now = seconds;
		struct tm tm;
		int64_t again;

		time_format(seconds, text);
		assert_non_null(gmtime_r(&now, &tm));
		(void)snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02dZ",
			       tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
			       tm.tm_sec);
		assert_string_equal(text, expected);
		assert_int_equal(time_parse(text, &again, NULL), 0);
		assert_true(again == seconds);
	}
}

static void times_beyond_are_shown_as_the_ends(void **state)
{
	char text[TIME_TEXT_MAX];

	(void)state;
	time_format(INT64_MIN, text);
	assert_string_equal(text, "0000-01-01T00:00:00Z");
	time_format(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59Z");
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* 0: refused */
	} CASES[] = {
		{"1s", 1},
		{"5m", 300},
		{"8h", 28800},
		{"90d", 7776000},
		{"2w", 1209600},
		{"36600d", 3162240000},
		{"36601d", 0},
		{"0s", 0},
		{"", 0},
		{"h", 0},
		{"8", 0},
		{"8 h", 0},
		{"-8h", 0},
		{"8hh", 0},
		{"1h30m", 0},
		{"8H", 0},
		{"+8h", 0},
		{"1.5h", 0},
		{"18446744073709551617s", 0},
		{"9223372036854775807w", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(*CASES); i++) {
		int64_t seconds = -1;
		struct ag_error error = {0};
		int err = duration_parse(CASES[i].text, &seconds, &error);

		assert_int_equal(err, CASES[i].seconds ? 0 : -EINVAL);
		assert_int_equal(seconds, CASES[i].seconds ? CASES[i].seconds : -1);
		assert_int_equal(error.code, CASES[i].seconds ? ERROR_NONE : ERROR_BAD_REQUEST);
	}
}

static void expiries_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t now, expires; /* -1: refused */
		const char *says;
	} CASES[] = {
		{"never", 1767323045, 0, NULL},
		{"8h", 1767323045, 1767351845, NULL},
		{"1s", EXPIRES_LAST - 1, EXPIRES_LAST, NULL},
		{"1s", EXPIRES_LAST, -1, "to 2106-02-07T06:28:15Z"},
		{"1s", INT64_MAX, -1, "out of range"},
		{"1s", -1, -1, "out of range"},
		{"100w", 0, 60480000, NULL},
		{"36600d", 1767323045, -1, "an expiry of 36600d is out of range"},
		{"36601d", 0, -1, "from 1s to 100 years"},
		{"0s", 1767323045, -1, "from 1s to 100 years"},
		{"2026-01-02T03:04:05Z", 1767323046, 1767323045, NULL}, /* the past is the caller's */
		{"2026-01-02t05:04:05.9+02:00", 0, 1767323045, NULL},
		{"2016-12-31T23:59:60z", 0, 1483228800, NULL},
		{"2106-02-07T06:28:15Z", 0, EXPIRES_LAST, NULL},
		{"2106-02-07T06:28:16Z", 0, -1, "never expires"},
		{"9999-12-31T23:59:59Z", 0, -1, "out of range"},
		{"1970-01-01T00:00:01Z", 0, 1, NULL},
		{"1970-01-01T00:00:00Z", 0, -1, "from 1970-01-01T00:00:01Z"},
		{"1969-12-31T23:59:59Z", 0, -1, "out of range"},
		{"0000-01-01T00:00:00Z", 0, -1, "out of range"},
		{"2026-02-29T03:04:05Z", 0, -1, "is no time"},
		{"2026-01-02", 0, -1, "is no time"},
		{"", 0, -1, "is no expiry"},
		{"Never", 0, -1, "is no expiry"},
		{"never ", 0, -1, "is no expiry"},
		{"8", 0, -1, "is no expiry"},
		{"8y", 0, -1, "as in 8h, or never"},
		{"-8h", 0, -1, "is no expiry"},
		{"8hours", 0, -1, "is no expiry"},
		{"1767323045", 0, -1, "is no expiry"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(CASES); i++) {
		struct ag_error error = {0};
		int64_t expires = -1;
		int r = expiry_parse(CASES[i].text, CASES[i].now, &expires, &error);

		if (expires != CASES[i].expires || r != (CASES[i].expires < 0 ? -EINVAL : 0))
			fail_msg("%s: %d, %lld", CASES[i].text, r, (long long)expires);
		if (r && (error.code != ERROR_BAD_REQUEST || !strstr(error.message, CASES[i].says)))
			fail_msg("%s: %s", CASES[i].text, error.message);
	}
}

/* Neither a duration nor "never" is a time. */
static void times_of_expiry_are_times(void **state)
{
	static const char *const BAD[] = {"never", "8h", "", "1970-01-01T00:00:00Z", "2106-02-07T06:28:16Z"};
	int64_t expires = -1;

	(void)state;
	for (size_t i = 0; i < COUNT(BAD); i++)
		assert_int_equal(expiry_time_parse(BAD[i], &expires, NULL), -EINVAL);
	assert_int_equal(expires, -1);
	assert_int_equal(expiry_time_parse("2026-01-02T03:04:05Z", &expires, NULL), 0);
	assert_int_equal(expires, 1767323045);
}

static void interfaces_have_names(void **state)
{
	static const char *const GOOD[] = {"eth0", "0123456789abcde", "br-1.5@x", "...", "B\xc3\xbc"};
	static const char *const BAD[] = {"",	  ".",	   "..",   "0123456789abcdef", "a/b", "a b", "a:b",
					  "a\tb", "a\x7f", "\xff", "a\xc2\x85"};

	(void)state;
	for (size_t i = 0; i < COUNT(GOOD); i++)
		assert_true(interface_name_valid(GOOD[i]));
	for (size_t i = 0; i < COUNT(BAD); i++)
		assert_false(interface_name_valid(BAD[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_have_their_alphabet),
		cmocka_unit_test(names_have_1_to_63_bytes),
		cmocka_unit_test(notes_are_plain_text),
		cmocka_unit_test(notes_are_strict_utf8),
		cmocka_unit_test(notes_count_characters),
		cmocka_unit_test(numbers_are_strict),
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(bad_times_are_refused),
		cmocka_unit_test(times_format_as_the_c_library_does),
		cmocka_unit_test(times_beyond_are_shown_as_the_ends),
		cmocka_unit_test(durations),
		cmocka_unit_test(expiries_are_read),
		cmocka_unit_test(times_of_expiry_are_times),
		cmocka_unit_test(interfaces_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
