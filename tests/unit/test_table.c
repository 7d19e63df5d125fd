// SPDX-License-Identifier: GPL-2.0-only
/* test_table.c - nothing that is shown drives the terminal; columns line up by the width of characters */
#include "userspace/core/table.h"

#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_shown(const char *text, enum shown_style style, const char *expected)
{
	struct buffer out = {0};

	shown_append(&out, text, strlen(text), style);
	assert_string_equal(out.data, expected);
	buffer_clear(&out);
}

static void control_characters_become_visible(void **state)
{
	(void)state;
	assert_shown("plain", SHOWN_LINE, "plain");
	assert_shown("\x1b[2J", SHOWN_LINE, "\\x1b[2J");
	assert_shown("a\tb\nc\rd\x7f", SHOWN_LINE, "a\\x09b\\x0ac\\x0dd\\x7f");
	assert_shown("\xc2\x9b"
		     "31m",
		     SHOWN_LINE, "\\x9b31m"); /* CSI in eight bits */
	assert_shown("a\xe2\x80\xa8z", SHOWN_LINE, "a\\u2028z");
	assert_shown("a\xe2\x80\xaez", SHOWN_LINE, "a\\u202ez");
	assert_shown("\xe2\x81\xa6\xe2\x80\x8f\xd8\x9c", SHOWN_LINE, "\\u2066\\u200f\\u061c");
}

static void what_is_no_utf8_becomes_visible(void **state)
{
	(void)state;
	assert_shown("a\xffz", SHOWN_LINE, "a\\xffz");
	assert_shown("\xc0\x80", SHOWN_LINE, "\\xc0\\x80");
	assert_shown("\xed\xa0\x80", SHOWN_LINE, "\\xed\\xa0\\x80");
	assert_shown("cut\xe2\x82", SHOWN_LINE, "cut\\xe2\\x82");
	assert_shown("gr\xc3\xbc\xc3\x9f \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x99\x82", SHOWN_LINE,
		     "gr\xc3\xbc\xc3\x9f \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x99\x82");
}

static void text_keeps_its_lines(void **state)
{
	(void)state;
	assert_shown("a\tb\nc\r\x1b", SHOWN_TEXT, "a\tb\nc\\x0d\\x1b");
}

static void json_stays_json(void **state)
{
	(void)state;
	assert_shown("{\n\"a\": \"\x7f\xc2\x9b\xe2\x80\xae\xff\"}", SHOWN_JSON,
		     "{\n\"a\": \"\\u007f\\u009b\\u202e\\ufffd\"}");
}

static void width_is_in_cells(void **state)
{
	(void)state;
	assert_int_equal(shown_width(""), 0);
	assert_int_equal(shown_width("abc"), 3);
	assert_int_equal(shown_width("gr\xc3\xbc\xc3\x9f"), 4);
	assert_int_equal(shown_width("\xe6\x97\xa5\xe6\x9c\xac"), 4); /* two wide ones */
	assert_int_equal(shown_width("e\xcc\x81"), 1);		      /* a combining accent */
}

static const struct table_column COLUMNS[] = {{"NAME", false}, {"COUNT", true}, {"NOTE", false}};

static void fill(struct table *table, const char *const *cells, size_t count)
{
	for (size_t i = 0; i < count; i++)
		table_add(table, cells[i]);
}

static void assert_table(const char *const *cells, size_t count, enum table_style style, const char *expected)
{
	struct table table = {.columns = COLUMNS, .column_count = 3};
	struct buffer out = {0};

	fill(&table, cells, count);
	assert_int_equal(table_print(&table, style, &out), 0);
	assert_string_equal(out.data ? out.data : "", expected);
	buffer_clear(&out);
	table_clear(&table);
}

static void columns_line_up(void **state)
{
	static const char *const CELLS[] = {"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
					    "7",
					    "wide",
					    "acme",
					    "12345678",
					    NULL,
					    NULL,
					    "",
					    "a \x1b b"};

	(void)state;
	assert_table(CELLS, 9, TABLE_ALIGNED,
		     "NAME       COUNT  NOTE\n"
		     "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e         7  wide\n"
		     "acme    12345678\n"
		     "-              -  a \\x1b b\n");
	assert_table(CELLS, 9, TABLE_PLAIN,
		     "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e         7  wide\n"
		     "acme    12345678\n"
		     "-              -  a \\x1b b\n");
}

static void tabs_separate_and_nothing_else_is_one(void **state)
{
	static const char *const CELLS[] = {"a\tb", "7", "c\nd", "", "", ""};

	(void)state;
	assert_table(CELLS, 6, TABLE_TABS, "a\\x09b\t7\tc\\x0ad\n\t\t\n");
}

static void an_empty_table_has_its_header(void **state)
{
	(void)state;
	assert_table(NULL, 0, TABLE_ALIGNED, "NAME  COUNT  NOTE\n");
	assert_table(NULL, 0, TABLE_TABS, "");
}

static void many_rows(void **state)
{
	struct table table = {.columns = COLUMNS, .column_count = 3};
	struct buffer out = {0};

	(void)state;
	for (size_t i = 0; i < 3000; i++)
		table_add(&table, "x");
	assert_int_equal(table_print(&table, TABLE_TABS, &out), 0);
	assert_int_equal(out.length, 1000 * strlen("x\tx\tx\n"));
	buffer_clear(&out);
	table_clear(&table);
	assert_int_equal(table.count, 0);
}

static void a_full_buffer_is_an_error(void **state)
{
	static const char *const CELLS[] = {"a", "b", "c"};
	struct table table = {.columns = COLUMNS, .column_count = 3};
	struct buffer out = {.limit = 4};

	(void)state;
	fill(&table, CELLS, 3);
	assert_int_equal(table_print(&table, TABLE_TABS, &out), -EFBIG);
	buffer_clear(&out);
	table_clear(&table);
}

static int use_utf8(void **state)
{
	(void)state;
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_characters_become_visible),
		cmocka_unit_test(what_is_no_utf8_becomes_visible),
		cmocka_unit_test(text_keeps_its_lines),
		cmocka_unit_test(json_stays_json),
		cmocka_unit_test(width_is_in_cells),
		cmocka_unit_test(columns_line_up),
		cmocka_unit_test(tabs_separate_and_nothing_else_is_one),
		cmocka_unit_test(an_empty_table_has_its_header),
		cmocka_unit_test(many_rows),
		cmocka_unit_test(a_full_buffer_is_an_error),
	};

	return cmocka_run_group_tests(tests, use_utf8, NULL);
}
