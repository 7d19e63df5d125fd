// SPDX-License-Identifier: GPL-2.0-only
/* test_listcsv.c - lists as comma-separated values: read by their header, refused line by line */
#include "userspace/core/listcsv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/core/error.h"

#include "tests/unit/entry_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LIMIT	     100

/* From memory of exactly that length, so that the sanitiser sees a read behind it. */
static int parse(const char *text, struct list *list, struct ag_error *error)
{
	size_t length = strlen(text);
	char *copy = malloc(length ? length : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, text, length);
	r = listcsv_parse(copy, length, LIMIT, list, error);
	free(copy);
	return r;
}

static void accept(const char *text, const struct wanted *wanted, size_t count)
{
	struct list list = {0};
	struct ag_error error = {0};

	if (parse(text, &list, &error) != 0)
		fail_msg("%s: %s", text, error.message);
	assert_int_equal(list.count, count);
	for (size_t i = 0; i < count; i++)
		check_wanted(&list.entries[i], &wanted[i]);
	list_clear(&list);
}

static void refuse(const char *text, const char *says)
{
	struct list list, untouched;
	struct ag_error error = {0};

	memset(&list, 0x5a, sizeof(list));
	untouched = list;
	assert_true(parse(text, &list, &error) < 0);
	assert_memory_equal(&list, &untouched, sizeof(list));
	if (!strstr(error.message, says))
		fail_msg("%s: %s, which does not say: %s", text, error.message, says);
	assert_int_equal(strncmp(error.message, "line ", 5), 0);
}

static void test_columns(void **state)
{
	static const struct wanted one[] = {{.prefix = "203.0.113.0/24", .note = "the office"}};
	static const struct wanted all[] = {
		{"198.51.100.7", AG_ENTRY_DENY, "a \"guest\", maybe", true, 1767323045},
		{.prefix = "203.0.113.0/24"},
	};

	(void)state;
	accept("prefix,note\n203.0.113.0/24,the office\n", one, 1);
	accept("note,prefix\r\nthe office,203.0.113.0/24\r\n", one, 1);
	accept("\xef\xbb\xbfPrefix , NOTE\n \t\n 203.0.113.0/24 ,\"the office\"", one, 1);
	accept("prefix,verdict,note,expires,enabled,created_by,created_at,last_seen\n"
	       "203.0.113.0/24,,,,,ada,2026-01-02T03:04:05Z,\n"
	       "198.51.100.7,deny,\"a \"\"guest\"\", maybe\",2026-01-02T03:04:05Z,false,eve,x,y\n",
	       all, 2);
	accept("prefix\n", NULL, 0);
	accept("", NULL, 0);
}

static void test_bad_headers(void **state)
{
	(void)state;
	refuse("203.0.113.0/24,office\n", "line 1: \"203.0.113.0/24\" is no column");
	refuse("note,verdict\n", "no column \"prefix\"");
	refuse("prefix,note,prefix\n", "line 1: the column prefix stands twice");
	refuse("\n\nprefix,nota\n", "line 3: \"nota\" is no column");
	refuse("prefix,\n203.0.113.0/24,x\n", "\"\" is no column");
	refuse("\"prefix\n", "has no end on its line");
}

static void test_bad_records(void **state)
{
	(void)state;
	refuse("prefix\n203.0.113.7/24\n", "line 2: 203.0.113.7/24 has host bits set");
	refuse("prefix,note\n203.0.113.7\n", "line 2: the header names 2 columns");
	refuse("prefix,note\n203.0.113.7,a,b\n", "line 2: the header names 2 columns");
	refuse("prefix,note\n203.0.113.7,\"a\n", "line 2: a quoted field has no end");
	refuse("prefix,note\n203.0.113.7,\"a\"b\n", "stands behind a quoted field");
	refuse("prefix,note\n203.0.113.7,a\"b\n", "a quote within a field");
	refuse("prefix,verdict\n203.0.113.7,maybe\n", "line 2");
	refuse("prefix,enabled\n203.0.113.7,yes\n", "write true or false");
	refuse("prefix,expires\n203.0.113.7,tomorrow\n", "line 2");
	refuse("prefix,note\n203.0.113.7,a\tb\x01\n", "line 2: the note has a control character");
	refuse("prefix\n203.0.113.7\n203.0.113.7/32\n", "line 3: 203.0.113.7 stands on line 2 already");
	refuse("prefix\nx\n203.0.113.7\ny\n,\n", "line 2: ");
	refuse("prefix\nx\n203.0.113.7\ny\n,\n", "(bad too: lines 4, 5)");
}

static void test_limit(void **state)
{
	char text[4096] = "prefix\n";
	struct list list = {0};
	struct ag_error error = {0};

	(void)state;
	for (int i = 0; i <= LIMIT; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "10.0.0.%d\n", i);
	assert_true(parse(text, &list, &error) < 0);
	assert_int_equal(error.code, ERROR_LIMIT);
	assert_int_equal(list.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_bad_headers),
		cmocka_unit_test(test_bad_records),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
