// SPDX-License-Identifier: GPL-2.0-only
/* test_uri.c - split first, then decode; nothing decoded is ever cut short or taken for a separator */
#include "userspace/core/uri.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/core/error.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SEGMENTS_MAX 4

struct path_row {
	const char *path;
	size_t count;
	const char *segments[SEGMENTS_MAX];
};

static void test_segments(void **state)
{
	static const struct path_row ROWS[] = {
		{"/", 1, {""}},
		{"/v1", 1, {"v1"}},
		{"/v1/", 2, {"v1", ""}},
		{"/v1//x", 3, {"v1", "", "x"}},
		{"/a/203.0.113.0%2F24", 2, {"a", "203.0.113.0/24"}},
		{"/a%2fb%2Fc", 1, {"a/b/c"}},
		{"/2001%3adb8%3A%3a%2F32/+", 2, {"2001:db8::/32", "+"}}, /* a plus is a plus in a path */
		{"/%252F", 1, {"%2F"}},					 /* decoded once */
		{"/../%2e%2E", 2, {"..", ".."}},
		{"/%ff%01", 1, {"\xff\x01"}},
		{"/1/2/3/4", 4, {"1", "2", "3", "4"}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		const char *segments[SEGMENTS_MAX];
		char scratch[64];
		size_t count = 0;

		/* exactly what the header says suffices */
		assert_int_equal(uri_path_segments(ROWS[i].path, scratch, strlen(ROWS[i].path), segments,
						   SEGMENTS_MAX, &count, NULL),
				 0);
		assert_int_equal(count, ROWS[i].count);
		for (size_t j = 0; j < count; j++)
			assert_string_equal(segments[j], ROWS[i].segments[j]);
	}
}

struct refused_row {
	const char *text;
	enum error_code code;
};

static void test_segments_refused(void **state)
{
	static const struct refused_row ROWS[] = {
		{"", ERROR_BAD_REQUEST},	 {"v1", ERROR_BAD_REQUEST},
		{"*", ERROR_BAD_REQUEST},	 {"http://a/", ERROR_BAD_REQUEST},
		{"/%", ERROR_BAD_REQUEST},	 {"/%2", ERROR_BAD_REQUEST},
		{"/a%2/b", ERROR_BAD_REQUEST},	 {"/%2x", ERROR_BAD_REQUEST},
		{"/%x2", ERROR_BAD_REQUEST},	 {"/a%00b", ERROR_BAD_REQUEST},
		{"/1/2/3/4/5", ERROR_NOT_FOUND}, {"/1/2/3/4/", ERROR_NOT_FOUND},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		const char *segments[SEGMENTS_MAX];
		struct ag_error error = {0};
		char scratch[64];
		size_t count = 99;

		assert_true(uri_path_segments(ROWS[i].text, scratch, sizeof(scratch), segments, SEGMENTS_MAX,
					      &count, &error) < 0);
		assert_int_equal(error.code, ROWS[i].code);
		assert_int_equal(count, 99);
	}
}

static void test_segments_scratch(void **state)
{
	const char *segments[SEGMENTS_MAX];
	char scratch[] = "0123456789";
	struct ag_error error = {0};
	size_t count = 99;

	(void)state;
	assert_true(uri_path_segments("/ab/cde", scratch, 6, segments, SEGMENTS_MAX, &count, &error) < 0);
	assert_int_equal(error.code, ERROR_LIMIT);
	assert_string_equal(scratch + 6, "6789"); /* nothing beyond what it was given */
	assert_int_equal(uri_path_segments("/ab/cde", scratch, 7, segments, SEGMENTS_MAX, &count, NULL), 0);
	assert_string_equal(scratch + 7, "789");
}

static void test_check(void **state)
{
	static const char *const GOOD[] = {"/", "/v1/a?b=c&d", "/%41?%42=%ff", "/a?b=%2500", "/\xc3\xa4"};
	static const char *const BAD[] = {"",	   "v1",      "?a=b", "*",	  "/a b", "/a\tb", "/a\x7f",
					  "/a%00", "/?a=%00", "/?%0", "/a?b=%zz", "/%",	  "/?%",   "/a\x01"};

	(void)state;
	for (size_t i = 0; i < COUNT(GOOD); i++)
		assert_int_equal(uri_check(GOOD[i], NULL), 0);
	for (size_t i = 0; i < COUNT(BAD); i++) {
		struct ag_error error = {0};

		assert_true(uri_check(BAD[i], &error) < 0);
		assert_int_equal(error.code, ERROR_BAD_REQUEST);
	}
}

struct query_row {
	const char *query;
	size_t count;
	struct uri_pair pairs[4];
};

static void test_query(void **state)
{
	static const struct query_row ROWS[] = {
		{"", 0, {{0}}},
		{"&&", 0, {{0}}},
		{"a=1", 1, {{"a", "1"}}},
		{"a", 1, {{"a", ""}}},
		{"a=", 1, {{"a", ""}}},
		{"a=1&b=2&", 2, {{"a", "1"}, {"b", "2"}}},
		{"prefix=192.0.2.0%2F24&prefix=2001:db8::%2f32",
		 2,
		 {{"prefix", "192.0.2.0/24"}, {"prefix", "2001:db8::/32"}}},
		{"a%3Db=c%26d%3de", 1, {{"a=b", "c&d=e"}}}, /* decoded separators separate nothing */
		{"a=b=c", 1, {{"a", "b=c"}}},
		{"n+1=x+y%2Bz", 1, {{"n 1", "x y+z"}}},
		{"%61=%2541", 1, {{"a", "%41"}}},
		{"&a&&b&", 2, {{"a", ""}, {"b", ""}}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		struct uri_pair pairs[8];
		char text[64];
		size_t count = 99;

		strcpy(text, ROWS[i].query);
		assert_true(uri_query_count(text) <= COUNT(pairs));
		assert_int_equal(uri_query_decode(text, pairs, &count, NULL), 0);
		assert_int_equal(count, ROWS[i].count);
		assert_true(count <= uri_query_count(ROWS[i].query));
		for (size_t j = 0; j < count; j++) {
			assert_string_equal(pairs[j].name, ROWS[i].pairs[j].name);
			assert_string_equal(pairs[j].value, ROWS[i].pairs[j].value);
		}
	}
}

static void test_query_refused(void **state)
{
	static const char *const ROWS[] = {"=",	  "=1",	  "a=1&=2", "a=%",   "a=%4",	 "a=%&b=1",
					   "%=1", "%4=1", "a%00=1", "a=%00", "a=1&b=%0g"};

	(void)state;
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		struct uri_pair pairs[4];
		struct ag_error error = {0};
		char text[64];
		size_t count = 99;

		strcpy(text, ROWS[i]);
		assert_true(uri_query_decode(text, pairs, &count, &error) < 0);
		assert_int_equal(error.code, ERROR_BAD_REQUEST);
		assert_int_equal(count, 99);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_segments_refused),
		cmocka_unit_test(test_segments_scratch),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_query_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
