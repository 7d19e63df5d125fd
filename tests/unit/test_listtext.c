// SPDX-License-Identifier: GPL-2.0-only
/* test_listtext.c - lists as text: read, refused line by line, and written so that they can be read back */
#include "userspace/core/listtext.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/error.h"

#include "tests/unit/entry_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LIMIT	     5000

/* From memory of exactly that length, so that the sanitiser sees a read behind it. */
static int parse_bytes(const char *text, size_t length, struct list *list, struct ag_error *error)
{
	char *copy = malloc(length ? length : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, text, length);
	r = listtext_parse(copy, length, LIMIT, list, error);
	free(copy);
	return r;
}

static void accept_bytes(const char *text, size_t length, struct list *list)
{
	struct ag_error error = {0};

	*list = (struct list){0};
	if (parse_bytes(text, length, list, &error) != 0)
		fail_msg("%s: %s", text, error.message);
}

static void accept(const char *text, struct list *list)
{
	accept_bytes(text, strlen(text), list);
}

/* Refused with exactly these problems. */
static void refuse_bytes(const char *text, size_t length, enum error_code code, const char *says)
{
	struct list list, untouched;
	struct ag_error error = {0};

	memset(&list, 0x5a, sizeof(list));
	untouched = list;
	assert_true(parse_bytes(text, length, &list, &error) < 0);
	assert_memory_equal(&list, &untouched, sizeof(list));
	if (error.code != code || !strstr(error.message, says))
		fail_msg("%s: %s: %s, which does not say: %s", text, error_code_name(error.code),
			 error.message, says);
	assert_true(code == ERROR_LIMIT || strncmp(error.message, "line ", strlen("line ")) == 0);
}

static void refuse(const char *text, enum error_code code, const char *says)
{
	refuse_bytes(text, strlen(text), code, says);
}

static void one_line_in_every_way(void **state)
{
	static const struct {
		const char *line, *prefix;
		enum ag_entry_verdict verdict;
		const char *note;
	} cases[] = {
		{"203.0.113.7", "203.0.113.7", AG_ENTRY_ALLOW, NULL},
		{"203.0.113.7/32", "203.0.113.7", AG_ENTRY_ALLOW, NULL},
		{"  203.0.113.0/24\t", "203.0.113.0/24", AG_ENTRY_ALLOW, NULL},
		{"203.0.113.0/24 allow", "203.0.113.0/24", AG_ENTRY_ALLOW, NULL},
		{"203.0.113.0/24\tdeny  ", "203.0.113.0/24", AG_ENTRY_DENY, NULL},
		{"2001:DB8::/32 deny # hole", "2001:db8::/32", AG_ENTRY_DENY, "hole"},
		{"203.0.113.7 # office", "203.0.113.7", AG_ENTRY_ALLOW, "office"},
		{"203.0.113.7 #office", "203.0.113.7", AG_ENTRY_ALLOW, "office"},
		{"203.0.113.7\t#\toffice", "203.0.113.7", AG_ENTRY_ALLOW, "office"},
		{"203.0.113.7 # desk #4 # left", "203.0.113.7", AG_ENTRY_ALLOW, "desk #4 # left"},
		{"203.0.113.7 # deny", "203.0.113.7", AG_ENTRY_ALLOW, "deny"},
		{"203.0.113.7 # disabled expires=1", "203.0.113.7", AG_ENTRY_ALLOW, "disabled expires=1"},
		{"203.0.113.7 #", "203.0.113.7", AG_ENTRY_ALLOW, NULL},
		{"203.0.113.7 # ", "203.0.113.7", AG_ENTRY_ALLOW, NULL},
		{"203.0.113.7 ## x", "203.0.113.7", AG_ENTRY_ALLOW, "# x"},
		{"203.0.113.7 # B\xc3\xbc"
		 "ro",
		 "203.0.113.7", AG_ENTRY_ALLOW,
		 "B\xc3\xbc"
		 "ro"},
	};
	static const char *const ends[] = {"", "\n", "\r\n", "\r", "\n\n", "\n# end"};
	struct list list;
	char text[256];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		for (size_t j = 0; j < COUNT(ends); j++) {
			(void)snprintf(text, sizeof(text), "%s%s", cases[i].line, ends[j]);
			accept(text, &list);
			assert_int_equal(list.count, 1);
			check_entry(&list.entries[0], cases[i].prefix, cases[i].verdict, cases[i].note);
			list_clear(&list);
		}
	}
}

static void words_stand_in_any_order(void **state)
{
	static const char *const words[] = {"deny", "disabled", "expires=2026-01-02T05:04:05+02:00"};
	static const size_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	struct list list;
	char text[256];

	(void)state;
	for (size_t i = 0; i < COUNT(orders) * 8; i++) {
		struct wanted want = {"203.0.113.7", .note = "x"};

		(void)snprintf(text, sizeof(text), "203.0.113.7");
		for (size_t j = 0; j < 3; j++) {
			size_t word = orders[i / 8][j];

			if (!(i >> word & 1))
				continue;
			(void)strcat(strcat(text, " "), words[word]);
			want.verdict = word == 0 ? AG_ENTRY_DENY : want.verdict;
			want.disabled |= word == 1;
			want.expires = word == 2 ? 1767323045 : want.expires;
		}
		accept(strcat(text, " # x"), &list);
		assert_int_equal(list.count, 1);
		check_wanted(&list.entries[0], &want);
		list_clear(&list);
	}
}

static void nothing_is_the_empty_list(void **state)
{
	static const char *const texts[] = {
		"", "\n", "\r\n\r\n", "  \t", "#", "# 203.0.113.7\n  # x\n\n", "#\xff\n"};
	struct list list;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		accept(texts[i], &list);
		assert_int_equal(list.count, 0);
	}
	assert_int_equal(listtext_parse(NULL, 0, LIMIT, &list, NULL), 0);
}

static void a_list_is_sorted(void **state)
{
	struct list list;

	(void)state;
	accept("2001:db8::1\n# comment\n203.0.113.0/24 deny\n\n198.51.100.0/24 # a\n", &list);
	assert_int_equal(list.count, 3);
	check_entry(&list.entries[0], "198.51.100.0/24", AG_ENTRY_ALLOW, "a");
	check_entry(&list.entries[1], "203.0.113.0/24", AG_ENTRY_DENY, NULL);
	check_entry(&list.entries[2], "2001:db8::1", AG_ENTRY_ALLOW, NULL);
	list_clear(&list);
}

static void bad_lines_are_refused(void **state)
{
	static const struct {
		const char *text;
		enum error_code code;
		const char *says;
	} cases[] = {
		{"203.0.113.7/24", ERROR_BAD_PREFIX, "203.0.113.0/24"},
		{"0.0.0.0/0", ERROR_BAD_PREFIX, "0.0.0.0/0"},
		{"office", ERROR_BAD_PREFIX, "office"},
		{"203.0.113.7#office", ERROR_BAD_PREFIX, "203.0.113.7#office"},
		{"203.0.113.7 drop", ERROR_BAD_REQUEST, "\"drop\" stands behind the prefix"},
		{"203.0.113.7 Deny", ERROR_BAD_REQUEST, "\"Deny\""},
		{"203.0.113.7 203.0.113.8", ERROR_BAD_REQUEST, "\"203.0.113.8\" stands behind the prefix"},
		{"203.0.113.7 deny deny", ERROR_BAD_REQUEST, "\"deny\" is said once already"},
		{"203.0.113.7 deny disabled allow", ERROR_BAD_REQUEST, "\"allow\" is said once already"},
		{"203.0.113.7 disabled disabled", ERROR_BAD_REQUEST, "\"disabled\" is said once already"},
		{"203.0.113.7 expires=2026-01-02T03:04:05Z expires=2026-01-02T03:04:05Z", ERROR_BAD_REQUEST,
		 "is said once already"},
		{"203.0.113.7 deny#x", ERROR_BAD_REQUEST, "\"deny#x\""},
		{"203.0.113.7 enabled", ERROR_BAD_REQUEST, "write allow, deny, disabled, expires=TIME"},
		{"203.0.113.7 expires", ERROR_BAD_REQUEST, "\"expires\" stands behind the prefix"},
		{"203.0.113.7 expires=", ERROR_BAD_REQUEST, "\"\" is no time"},
		{"203.0.113.7 expires=8h", ERROR_BAD_REQUEST, "\"8h\" is no time"},
		{"203.0.113.7 expires=never", ERROR_BAD_REQUEST, "\"never\" is no time"},
		{"203.0.113.7 expires=2106-02-07T06:28:16Z", ERROR_BAD_REQUEST, "to 2106-02-07T06:28:15Z"},
		{"203.0.113.7 expires=1970-01-01T00:00:00Z", ERROR_BAD_REQUEST, "out of range"},
		{"203.0.113.7 # a\tb", ERROR_BAD_REQUEST, "control character"},
		{"203.0.113.7 # a\rb", ERROR_BAD_REQUEST, "control character"},
		{"203.0.113.7 # \xff", ERROR_BAD_REQUEST, "UTF-8"},
		{"203.0.113.7\r203.0.113.8", ERROR_BAD_PREFIX, "203.0.113.7?203.0.113.8"},
		{"\x1b[31m", ERROR_BAD_PREFIX, "?[31m"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		refuse(cases[i].text, cases[i].code, cases[i].says);
	refuse("203.0.113.7 # x\n\nnonsense", ERROR_BAD_PREFIX, "line 3: ");
}

static void nul_and_length_are_bounded(void **state)
{
	char line[LISTTEXT_LINE_MAX + 32];
	struct list list;

	(void)state;
	refuse_bytes("203.0.113.7\0", 12, ERROR_BAD_REQUEST, "line 1: holds a NUL byte");
	refuse_bytes("# a\n#\0\n", 7, ERROR_BAD_REQUEST, "line 2: holds a NUL byte");
	memset(line, ' ', sizeof(line));
	memcpy(line, "203.0.113.7", 11);
	accept_bytes(line, LISTTEXT_LINE_MAX, &list);
	assert_int_equal(list.count, 1);
	list_clear(&list);
	line[LISTTEXT_LINE_MAX] = '\r';
	line[LISTTEXT_LINE_MAX + 1] = '\n';
	accept_bytes(line, LISTTEXT_LINE_MAX + 2, &list);
	list_clear(&list);
	line[LISTTEXT_LINE_MAX] = ' ';
	refuse_bytes(line, LISTTEXT_LINE_MAX + 1, ERROR_BAD_REQUEST, "line 1: longer than 2048 bytes");
}

/* The longest line that is written must not be too long to be read. */
static void the_longest_entry_fits_a_line(void **state)
{
	struct buffer out = {0};
	struct entry entry = {.verdict = AG_ENTRY_DENY,
			      .disabled = true,
			      .expires = EXPIRES_LAST,
			      .note = calloc(1, NOTE_SIZE)};
	struct list list;

	(void)state;
	assert_int_equal(prefix_parse("2001:db8:1111:2222:3333:4444:5555:6660/127", &entry.prefix, NULL), 0);
	for (unsigned int i = 0; i < NOTE_MAX_CHARS; i++)
		memcpy(entry.note + 4 * i, "\xf0\x9f\x94\x92", 4);
	listtext_format(&entry, &out);
	accept_bytes(out.data, out.length, &list);
	assert_string_equal(list.entries[0].note, entry.note);
	list_clear(&list);
	free(entry.note);
	buffer_clear(&out);
}

static void every_bad_line_is_named(void **state)
{
	(void)state;
	refuse("203.0.113.7\n"
	       "one\n"
	       "203.0.113.7 deny # twice\r\n"
	       "203.0.113.8 drop\n"
	       "203.0.113.7/32\n",
	       ERROR_BAD_PREFIX, "line 2: \"one\" ");
	refuse("203.0.113.7\none\n203.0.113.7 deny # twice\r\n203.0.113.8 drop\n203.0.113.7/32\n",
	       ERROR_BAD_PREFIX, " (bad too: lines 3, 4, 5)");
	refuse("one\n203.0.113.8\ntwo\n", ERROR_BAD_PREFIX, " (bad too: line 3)");
	refuse("203.0.113.8\n203.0.113.7\n203.0.113.8/32\n", ERROR_BAD_REQUEST,
	       "line 3: 203.0.113.8 stands on line 1 already");
	refuse("203.0.113.8\n203.0.113.8/32\n", ERROR_BAD_REQUEST,
	       "line 2: 203.0.113.8 stands on line 1 already");
}

static void many_bad_lines_are_counted(void **state)
{
	CLEANUP(buffer_clear) struct buffer text = {0};

	(void)state;
	for (int i = 0; i < 20; i++)
		(void)buffer_print(&text, "x\n");
	refuse(text.data, ERROR_BAD_PREFIX, "17, 18, 19, 20)");
	(void)buffer_print(&text, "203.0.113.8\nx\n\nx\n");
	refuse(text.data, ERROR_BAD_PREFIX, "17, 18, 19, 20 and 2 more)");
	for (int i = 0; i < 2000; i++)
		(void)buffer_print(&text, "x\n");
	refuse(text.data, ERROR_BAD_PREFIX, "17, 18, 19, 20 and many more)");
	/* Behind so many nothing is read any more, or there would be too many entries. */
	for (unsigned int i = 0; i <= LIMIT; i++)
		(void)buffer_print(&text, "198.51.%u.%u\n", i / 256, i % 256);
	refuse(text.data, ERROR_BAD_PREFIX, "17, 18, 19, 20 and many more)");
	/* The reason of the first one is cut before their numbers are. */
	memset(text.data, 'x', 300);
	refuse(text.data, ERROR_BAD_PREFIX, "17, 18, 19, 20 and many more)");
}

static void a_limit_is_kept(void **state)
{
	CLEANUP(buffer_clear) struct buffer text = {0};
	struct list list;

	(void)state;
	for (unsigned int i = 0; i < LIMIT; i++)
		(void)buffer_print(&text, "198.51.%u.%u\n# %u\n", i / 256, i % 256, i);
	accept(text.data, &list);
	assert_int_equal(list.count, LIMIT);
	list_clear(&list);
	(void)buffer_print(&text, "2001:db8::1\n");
	refuse(text.data, ERROR_LIMIT, "more than 5000 entries in one request");
}

static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static char *random_note(uint32_t *seed)
{
	static const char *const pieces[] = {"#",	 " ", " #",	  "# ", "deny",
					     "\xc3\xbc", "x", "expires=", "\"", "\\"};
	char note[256] = "";

	for (uint32_t n = next_random(seed) % 6; n > 0; n--)
		(void)strcat(note, pieces[next_random(seed) % COUNT(pieces)]);
	return note[0] || next_random(seed) % 2 ? strdup(note) : NULL;
}

static void fill_randomly(struct list *list, uint32_t *seed)
{
	for (uint32_t n = next_random(seed) % 20; n > 0; n--) {
		struct entry entry = {.verdict = next_random(seed) % 2 ? AG_ENTRY_ALLOW : AG_ENTRY_DENY};
		uint8_t bytes[16];
		struct addr addr;

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)(next_random(seed) % 255 + 1);
		addr = addr_make(next_random(seed) % 2 ? AG_FAMILY_IPV4 : AG_FAMILY_IPV6, bytes);
		entry.prefix = prefix_of(&addr, (uint8_t)(next_random(seed) % addr_bits(&addr) + 1));
		if (list_find(list, &entry.prefix))
			continue;
		entry.note = random_note(seed);
		entry.disabled = next_random(seed) % 2;
		entry.expires = next_random(seed) % 2 ? next_random(seed) : 0;
		assert_int_equal(list_append(list, &entry), 0);
		assert_null(list_sort(list));
	}
}

static void what_is_written_is_read_back(void **state)
{
	uint32_t seed = 424242;

	(void)state;
	for (unsigned int round = 0; round < 500; round++) {
		struct list list = {0}, back;
		struct buffer out = {0};

		fill_randomly(&list, &seed);
		for (size_t i = list.count; i > 0; i--)
			listtext_format(&list.entries[i - 1], &out);
		accept_bytes(out.data ? out.data : "", out.length, &back);
		assert_int_equal(back.count, list.count);
		for (size_t i = 0; i < list.count; i++) {
			const char *note = list.entries[i].note;
			char text[PREFIX_TEXT_MAX];
			const struct wanted want = {text, list.entries[i].verdict,
						    note && note[0] ? note : NULL, list.entries[i].disabled,
						    list.entries[i].expires};

			prefix_format_short(&list.entries[i].prefix, text);
			check_wanted(&back.entries[i], &want);
		}
		list_clear(&list);
		list_clear(&back);
		buffer_clear(&out);
	}
}

static void lines_are_as_short_as_can_be(void **state)
{
	struct buffer out = {0};
	struct list list;

	(void)state;
	accept("203.0.113.7/32 allow\n203.0.113.8 deny\n203.0.113.16/28 #x\n2001:db8::/32 deny # y\n"
	       "2001:db8::1 expires=2026-01-02T05:04:05.5+02:00 disabled # z\n2001:db8::2 disabled allow\n",
	       &list);
	for (size_t i = 0; i < list.count; i++)
		listtext_format(&list.entries[i], &out);
	assert_string_equal(out.data,
			    "203.0.113.7\n203.0.113.8 deny\n203.0.113.16/28 # x\n2001:db8::/32 deny # y\n"
			    "2001:db8::1 disabled expires=2026-01-02T03:04:05Z # z\n2001:db8::2 disabled\n");
	list_clear(&list);
	buffer_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_line_in_every_way),
		cmocka_unit_test(words_stand_in_any_order),
		cmocka_unit_test(nothing_is_the_empty_list),
		cmocka_unit_test(a_list_is_sorted),
		cmocka_unit_test(bad_lines_are_refused),
		cmocka_unit_test(nul_and_length_are_bounded),
		cmocka_unit_test(the_longest_entry_fits_a_line),
		cmocka_unit_test(every_bad_line_is_named),
		cmocka_unit_test(many_bad_lines_are_counted),
		cmocka_unit_test(a_limit_is_kept),
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(lines_are_as_short_as_can_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
