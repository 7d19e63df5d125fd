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

/* Everything that is not ASCII: without a locale that knows it, each of them would be taken for one cell. */
static void width_knows_scripts(void **state)
{
	static const struct {
		const char *text;
		size_t width;
	} TEXTS[] = {
		{"\xed\x95\x9c\xea\xb8\x80", 4},	     /* Hangul syllables */
		{"\xef\xbc\xa1", 2},			     /* fullwidth A */
		{"\xef\xbd\xb1", 1},			     /* halfwidth katakana */
		{"\xe3\x80\x80", 2},			     /* ideographic space */
		{"\xf0\xa0\x80\x80", 2},		     /* beyond the basic plane */
		{"\xf0\x9f\x99\x82", 2},		     /* an emoji */
		{"\xd7\xa9\xd6\xb8\xd7\x9c", 2},	     /* Hebrew with a point */
		{"\xe0\xa4\x95\xe0\xa5\x8d\xe0\xa4\xb7", 2}, /* Devanagari with a virama */
		{"a\xcc\x81\xcc\xa7\xcd\x9b", 1},	     /* three marks on one letter */
		{"zero\xe2\x80\x8bwidth", 9},		     /* U+200B */
		{"\\x1b[2J", 7},			     /* as it is shown */
		{"\xee\x80\x80", 1},			     /* private use */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(TEXTS) / sizeof(*TEXTS); i++)
		assert_int_equal(shown_width(TEXTS[i].text), TEXTS[i].width);
}

static void what_fits_is_whole_characters(void **state)
{
	(void)state;
	assert_int_equal(shown_fit("", 5), 0);
	assert_int_equal(shown_fit("abc", 0), 0);
	assert_int_equal(shown_fit("abc", 2), 2);
	assert_int_equal(shown_fit("abc", 3), 3);
	assert_int_equal(shown_fit("abc", 9), 3);
	assert_int_equal(shown_fit("\xe6\x97\xa5\xe6\x9c\xac", 3), 3); /* no half of a wide one */
	assert_int_equal(shown_fit("\xe6\x97\xa5\xe6\x9c\xac", 4), 6);
	assert_int_equal(shown_fit("ne\xcc\x81z", 2), 4); /* the accent stays with its letter */
	assert_int_equal(shown_fit("\xcc\x81z", 0), 2);
}

static void words_are_coloured_where_asked(void **state)
{
	struct buffer out = {0};

	(void)state;
	shown_append_word(&out, "denied", false);
	shown_append_word(&out, " denied", true);
	shown_append_word(&out, "denied", true);
	shown_append_word(&out, "\x1b[31m", true);
	assert_string_equal(out.data, "denied denied\x1b[31mdenied\x1b[0m\\x1b[31m");
	buffer_clear(&out);
}

static const struct table_column COLUMNS[] = {
	{.header = "NAME"}, {.header = "COUNT", .right = true}, {.header = "NOTE"}};

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

/* A row NAME, 7, NOTE on a terminal: its note begins in the 16th cell. */
static void assert_row(size_t width, const char *note, const char *expected)
{
	static const struct table_column columns[] = {
		{.header = "VERDICT", .word = true}, {.header = "COUNT", .right = true}, {.header = "NOTE"}};
	struct table table = {.columns = columns, .column_count = 3, .width = width, .colour = true};
	const char *cells[] = {"denied", "7", note};
	struct buffer out = {0};

	fill(&table, cells, 3);
	assert_int_equal(table_print(&table, TABLE_PLAIN, &out), 0);
	assert_string_equal(out.data, expected);
	buffer_clear(&out);
	table_clear(&table);
}

#define DENIED "\x1b[31mdenied\x1b[0m  7  "

static void a_note_ends_with_the_terminals_line(void **state)
{
	(void)state;
	assert_row(0, "0123456789abcdef", DENIED "0123456789abcdef\n");
	assert_row(27, "0123456789abcdef", DENIED "0123456789abcdef\n");
	assert_row(26, "0123456789abcdef", DENIED "0123456789abcd\xe2\x80\xa6\n");
	assert_row(26, "0123456789abcde", DENIED "0123456789abcde\n");
	assert_row(19, "0123456789abcdef", DENIED "0123456\xe2\x80\xa6\n");
	/* Too little would be left: it goes on in the next line. */
	assert_row(18, "0123456789abcdef", DENIED "0123456789abcdef\n");
	assert_row(18, "0123456789abcdefghijklmnopq", DENIED "0123456789abcdefghijklmn\xe2\x80\xa6\n");
	/* The row takes two lines anyway. */
	assert_row(10, "0123456789abcdef", DENIED "01234567\xe2\x80\xa6\n");
	/* Wide characters are not halved, and marks not taken off. */
	assert_row(20, "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac",
		   DENIED "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe2\x80\xa6\n");
	assert_row(19, "1234567e\xcc\x81", DENIED "1234567e\xcc\x81\n");
	assert_row(19, "123456e\xcc\x81xy", DENIED "123456e\xcc\x81\xe2\x80\xa6\n");
	for (size_t width = 1; width < 8; width++)
		assert_row(width, "a", DENIED "a\n");
}

static void tabs_are_neither_cut_nor_coloured(void **state)
{
	static const struct table_column columns[] = {{.header = "VERDICT", .word = true},
						      {.header = "NOTE"}};
	struct table table = {.columns = columns, .column_count = 2, .width = 10, .colour = true};
	struct buffer out = {0};

	(void)state;
	table_add(&table, "denied");
	table_add(&table, "0123456789abcdef");
	assert_int_equal(table_print(&table, TABLE_TABS, &out), 0);
	assert_string_equal(out.data, "denied\t0123456789abcdef\n");
	buffer_clear(&out);
	table_clear(&table);
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
		cmocka_unit_test(width_knows_scripts),
		cmocka_unit_test(what_fits_is_whole_characters),
		cmocka_unit_test(words_are_coloured_where_asked),
		cmocka_unit_test(columns_line_up),
		cmocka_unit_test(a_note_ends_with_the_terminals_line),
		cmocka_unit_test(tabs_are_neither_cut_nor_coloured),
		cmocka_unit_test(tabs_separate_and_nothing_else_is_one),
		cmocka_unit_test(an_empty_table_has_its_header),
		cmocka_unit_test(many_rows),
		cmocka_unit_test(a_full_buffer_is_an_error),
	};

	return cmocka_run_group_tests(tests, use_utf8, NULL);
}
