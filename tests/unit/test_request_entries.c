// SPDX-License-Identifier: GPL-2.0-only
/* test_request_entries.c - bodies that hold entries, in JSON and as text */
#include "userspace/core/request.h"

#include "tests/unit/entry_fixture.h"
#include "tests/unit/request_fixture.h"

static void entries_are_read(void **state)
{
	union any any;

	(void)state;
	take(POST_ENTRIES, "{\"prefix\":\"203.0.113.7\"}", &any);
	assert_int_equal(any.list.count, 1);
	check_entry(&any.list.entries[0], "203.0.113.7/32", AG_ENTRY_ALLOW, NULL);
	list_clear(&any.list);
	take(POST_ENTRIES, "{\"note\":\"a # b\",\"verdict\":\"deny\",\"prefix\":\"2001:db8::/32\"}", &any);
	check_entry(&any.list.entries[0], "2001:db8::/32", AG_ENTRY_DENY, "a # b");
	list_clear(&any.list);
	take(PUT_ENTRIES,
	     "{\"entries\":[{\"prefix\":\"2001:db8::1\",\"note\":\"\"},{\"prefix\":\"203.0.113.0/24\","
	     "\"note\":\"office\",\"verdict\":\"allow\"},{\"prefix\":\"198.51.100.0/"
	     "24\",\"verdict\":\"deny\"}]}",
	     &any);
	assert_int_equal(any.list.count, 3);
	check_entry(&any.list.entries[0], "198.51.100.0/24", AG_ENTRY_DENY, NULL);
	check_entry(&any.list.entries[1], "203.0.113.0/24", AG_ENTRY_ALLOW, "office");
	check_entry(&any.list.entries[2], "2001:db8::1/128", AG_ENTRY_ALLOW, NULL);
	list_clear(&any.list);
	take(PUT_ENTRIES, "{\"entries\":[]}", &any);
	assert_int_equal(any.list.count, 0);
}

static void expiry_and_enabled_are_read(void **state)
{
	union any any;

	(void)state;
	take(PUT_ENTRIES,
	     "{\"entries\":[{\"prefix\":\"192.0.2.1\",\"expires\":\"2106-02-07T06:28:15Z\"},"
	     "{\"expires\":null,\"enabled\":false,\"prefix\":\"192.0.2.2\"},"
	     "{\"prefix\":\"192.0.2.3\",\"enabled\":true,\"expires\":\"1970-01-01T01:00:01+01:00\"}]}",
	     &any);
	assert_int_equal(any.list.count, 3);
	check_wanted(&any.list.entries[0], &(struct wanted){"192.0.2.1", .expires = EXPIRES_LAST});
	check_wanted(&any.list.entries[1], &(struct wanted){"192.0.2.2", .disabled = true});
	check_wanted(&any.list.entries[2], &(struct wanted){"192.0.2.3", .expires = 1}); /* long past */
	list_clear(&any.list);
}

static void what_is_not_set_is_left(void **state)
{
	union any any;
	char body[2048] = "{\"note\":\"";

	(void)state;
	take(PATCH_ENTRY, "{\"expires\":null}", &any);
	assert_true(any.entry.has_expires && !any.entry.has_note && !any.entry.has_enabled);
	assert_int_equal(any.entry.expires, 0);
	take(PATCH_ENTRY, "{\"enabled\":false}", &any);
	assert_true(any.entry.has_enabled && !any.entry.enabled);
	assert_false(any.entry.has_expires || any.entry.has_note);
	take(PATCH_ENTRY, "{\"enabled\":true,\"expires\":\"2026-01-02T03:04:05Z\",\"note\":\"\"}", &any);
	assert_true(any.entry.has_enabled && any.entry.has_expires && any.entry.has_note);
	assert_true(any.entry.enabled);
	assert_int_equal(any.entry.expires, 1767323045);
	assert_string_equal(any.entry.note, "");
	for (unsigned int i = 0; i < NOTE_MAX_CHARS; i++)
		(void)strcat(body, "\xf0\x9f\x94\x92");
	(void)strcat(body, "\"}");
	take(PATCH_ENTRY, body, &any);
	assert_true(any.entry.has_note && !any.entry.has_enabled && !any.entry.has_expires);
	assert_int_equal(strlen(any.entry.note), NOTE_SIZE - 1);
}

static void text_is_read_too(void **state)
{
	static const char TEXT[] = "2001:db8::/32 deny # x\n\n203.0.113.7\n";
	struct ag_error error = {0};
	struct list list = {0};

	(void)state;
	assert_int_equal(request_entries_decode_text(TEXT, strlen(TEXT), 2, false, &list, &error), 0);
	assert_int_equal(list.count, 2);
	check_entry(&list.entries[0], "203.0.113.7/32", AG_ENTRY_ALLOW, NULL);
	check_entry(&list.entries[1], "2001:db8::/32", AG_ENTRY_DENY, "x");
	list_clear(&list);
	assert_true(request_entries_decode_text(TEXT, strlen(TEXT), 1, false, &list, &error) < 0);
	assert_int_equal(error.code, ERROR_LIMIT);
	assert_true(request_entries_decode_text("# x\n", 4, 1, false, &list, &error) < 0);
	assert_non_null(strstr(error.message, "holds no entry"));
	assert_int_equal(request_entries_decode_text("# x\n", 4, 1, true, &list, &error), 0);
	assert_int_equal(list.count, 0);
}

/* One piece may not be endless, in an entry or beside them; nor is it taken for broken where it is cut. */
static void large_pieces_are_refused(void **state)
{
	static const char *const STARTS[] = {"{\"entries\":[{\"prefix\":\"", "{\"x\":\"", "{\""};
	static const char PIECE[] = "\xf0\x9f\x94\x92";
	const size_t length = 200000;
	char *body = malloc(length);
	struct ag_error error = {0};
	struct list list;

	(void)state;
	assert_non_null(body);
	for (size_t i = 0; i < COUNT(STARTS) * strlen(PIECE); i++) {
		const char *start = STARTS[i / strlen(PIECE)];
		size_t used = strlen(start) + i % strlen(PIECE); /* cut within a character, too */

		memset(body, 'a', used);
		memcpy(body, start, strlen(start));
		for (; used + strlen(PIECE) <= length; used += strlen(PIECE))
			memcpy(body + used, PIECE, strlen(PIECE));
		assert_true(request_entries_decode(body, used, 9, true, &list, &error) < 0);
		assert_int_equal(error.code, ERROR_BAD_REQUEST);
		assert_non_null(strstr(error.message, "64 KiB"));
	}
	free(body);
}

/* Many windows' worth of entries, and blanks between them: where a window ends is nowhere to be seen. */
static void long_bodies_are_read_piece_by_piece(void **state)
{
	static const unsigned int GAPS[] = {0, 1, 7, 63, 1021};
	const size_t size = (size_t)4 << 20;
	char *body = malloc(size);
	struct ag_error error = {0};

	(void)state;
	assert_non_null(body);
	for (size_t i = 0; i < COUNT(GAPS); i++) {
		struct list list = {0};
		int used = sprintf(body, "{\"entries\":[");

		for (unsigned int n = 0; n < 2000; n++)
			used += sprintf(body + used,
					"%s{\"note\":\"\xc3\xbc %u\",%*s\"prefix\":\"198.51.%u.%u\"}",
					n ? "," : "", n, (int)GAPS[i], "", n / 256, n % 256);
		used += sprintf(body + used, "%70000s]%70000s}", "", "");
		assert_int_equal(request_entries_decode(body, (size_t)used, 2000, false, &list, &error), 0);
		assert_int_equal(list.count, 2000);
		check_entry(&list.entries[1999], "198.51.7.207/32", AG_ENTRY_ALLOW, "\xc3\xbc 1999");
		list_clear(&list);
	}
	free(body);
}

static void refuse_large(char *body, const char *says)
{
	struct ag_error error = {0};
	struct list list;

	assert_true(request_entries_decode(body, strlen(body), 9, true, &list, &error) < 0);
	if (error.code != ERROR_BAD_REQUEST || !strstr(error.message, says))
		fail_msg("%s, which does not say: %s", error.message, says);
	free(body);
}

static char *repeated(const char *start, const char *piece, size_t count)
{
	size_t length = strlen(piece);
	char *body = malloc(strlen(start) + count * length + 1);

	assert_non_null(body);
	(void)strcpy(body, start);
	for (size_t i = 0; i < count; i++)
		memcpy(body + strlen(start) + i * length, piece, length + 1);
	return body;
}

static void depth_and_fields_are_bounded(void **state)
{
	static const char START[] = "{\"entries\":[{\"prefix\":\"192.0.2.1\",\"x\":";
	char *body, fields[4096] = "{\"entries\":[]";

	(void)state;
	refuse_large(repeated(START, "[", 10000), "depth");
	refuse_large(repeated("{\"entries\":[", "[", 10000), "depth");
	refuse_large(repeated("{\"x\":", "{\"x\":", 10000), "depth");
	refuse_large(repeated(START, "9", 100), "too big");
	for (unsigned int i = 0; i < 17; i++)
		(void)sprintf(fields + strlen(fields), ",\"f%u\":1", i);
	/* Of so many none is read any more, whatever follows. */
	body = repeated(fields, ",\"f0\":1 nonsense", 10000);
	refuse_large(body, "unknown field \"f0\"");
}

static void bad_entries_are_refused(void **state)
{
	static const struct {
		enum kind kind;
		const char *body;
		enum error_code code;
		const char *says;
	} cases[] = {
		{POST_ENTRIES, "{}", ERROR_BAD_REQUEST, "\"prefix\" is missing"},
		{POST_ENTRIES, "{\"prefix\":1}", ERROR_BAD_REQUEST, "\"prefix\" must be a string"},
		{POST_ENTRIES, "{\"prefix\":\"203.0.113.7/24\"}", ERROR_BAD_PREFIX, "203.0.113.0/24"},
		{POST_ENTRIES, "{\"prefix\":\"0.0.0.0/0\"}", ERROR_BAD_PREFIX, "0.0.0.0/0"},
		{POST_ENTRIES, "{\"prefix\":\"192.0.2.1\",\"verdict\":\"drop\"}", ERROR_BAD_REQUEST,
		 "verdict"},
		{POST_ENTRIES, "{\"prefix\":\"192.0.2.1\",\"note\":\"a\\tb\"}", ERROR_BAD_REQUEST, "note"},
		{POST_ENTRIES, "{\"prefix\":\"192.0.2.1\",\"note\":null}", ERROR_BAD_REQUEST,
		 "\"note\" must be a string"},
		{POST_ENTRIES, "{\"prefix\":\"192.0.2.1\",\"created_by\":\"eve\"}", ERROR_BAD_REQUEST,
		 "\"created_by\""},
		{POST_ENTRIES, "{\"prefix\":\"192.0.2.1\",\"created_at\":\"x\"}", ERROR_BAD_REQUEST,
		 "\"created_at\""},
		{POST_ENTRIES, "{\"prefix\":\"192.0.2.1\",\"note\":\"n\",\"verdict\":1}", ERROR_BAD_REQUEST,
		 "\"verdict\""},
		{POST_ENTRIES, "{\"entries\":{}}", ERROR_BAD_REQUEST, "\"entries\" must be an array"},
		{POST_ENTRIES, "{\"entries\":[]}", ERROR_BAD_REQUEST, "\"entries\" is empty"},
		{POST_ENTRIES, "{\"entries\":[],\"prefix\":\"192.0.2.1\"}", ERROR_BAD_REQUEST,
		 "unknown field \"prefix\""},
		{PUT_ENTRIES, "{\"prefix\":\"192.0.2.1\"}", ERROR_BAD_REQUEST, "unknown field \"prefix\""},
		{PUT_ENTRIES, "{}", ERROR_BAD_REQUEST, "\"entries\" is missing"},
		{POST_ENTRIES, "{\"entries\":[\"192.0.2.1\"]}", ERROR_BAD_REQUEST,
		 "entry 1: must be an object"},
		{POST_ENTRIES,
		 "{\"entries\":[{\"prefix\":\"192.0.2.1\",\"note\":\"n\"},{\"prefix\":\"192.0.2.1/33\"}]}",
		 ERROR_BAD_PREFIX, "entry 2, 192.0.2.1/33: "},
		{POST_ENTRIES, "{\"entries\":[{\"prefix\":\"192.0.2.1\"},{\"note\":\"n\"}]}",
		 ERROR_BAD_REQUEST, "entry 2: the field \"prefix\" is missing"},
		{POST_ENTRIES, "{\"entries\":[{\"prefix\":\"192.0.2.1\",\"x\":1}]}", ERROR_BAD_REQUEST,
		 "entry 1, 192.0.2.1: unknown field \"x\""},
		{POST_ENTRIES,
		 "{\"entries\":[{\"prefix\":\"192.0.2.1\",\"note\":\"n\"},{\"prefix\":\"192.0.2.2\"},{"
		 "\"prefix\":\"192.0.2.1/32\"}]}",
		 ERROR_BAD_REQUEST, "192.0.2.1 stands twice"},
		{POST_ENTRIES,
		 "{\"entries\":[{\"prefix\":\"192.0.2.1\"},{\"prefix\":\"192.0.2.2\"},{\"prefix\":\"192.0.2."
		 "3\"},4]}",
		 ERROR_LIMIT, "more than 3 entries in one request, and a list may hold no more"},
		{PUT_ENTRIES,
		 "{\"entries\":[{\"prefix\":\"192.0.2.1\"},{\"prefix\":\"192.0.2.2\"},{\"prefix\":\"192.0.2."
		 "3\"},4]}",
		 ERROR_LIMIT, "raise that limit"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		refuse(cases[i].kind, cases[i].body, cases[i].code, cases[i].says);
}

/* All of them at once, whatever is wrong with each, in the form that texts have. */
static void every_bad_entry_is_named(void **state)
{
	static const struct {
		const char *body;
		enum error_code code;
		const char *says;
	} cases[] = {
		{"{\"entries\":[{\"prefix\":\"192.0.2.1\"},{\"prefix\":\"192.0.2.1/"
		 "33\"},{\"prefix\":\"192.0.2.2\"},"
		 "{\"note\":\"n\"},7,{\"prefix\":\"192.0.2.3\",\"x\":1}]}",
		 ERROR_BAD_PREFIX, " (bad too: entries 4, 5, 6)"},
		{"{\"entries\":[{\"prefix\":\"192.0.2.3\",\"note\":1},{\"prefix\":\"x\"}]}",
		 ERROR_BAD_REQUEST, "entry 1, 192.0.2.3: \"note\" must be a string (bad too: entry 2)"},
		{"{\"entries\":[{\"prefix\":\"192.0.2.9\"},{\"prefix\":\"192.0.2.9\"},{\"prefix\":\"192.0.2."
		 "9/32\"},"
		 "7]}",
		 ERROR_LIMIT, "more than 3 entries"},
		{"{\"entries\":[{\"prefix\":\"192.0.2.9\"},7,{\"prefix\":\"192.0.2.1\"},{\"prefix\":"
		 "\"192.0.2.9/32\"}],\"x\":1}",
		 ERROR_BAD_REQUEST, "entry 2: must be an object with a \"prefix\" (bad too: entry 4)"},
		{"{\"entries\":[{\"prefix\":\"192.0.2.9\"},{\"prefix\":\"192.0.2.1\"},{\"prefix\":\"192.0.2."
		 "9\"}]}",
		 ERROR_BAD_REQUEST, "entry 3: 192.0.2.9 stands twice, as entry 1 too: send it once"},
		/* What is no JSON ends the reading. */
		{"{\"entries\":[{\"prefix\":\"x\"},{\"prefix\":}]}", ERROR_BAD_REQUEST, "line 1, column 38"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		refuse(POST_ENTRIES, cases[i].body, cases[i].code, cases[i].says);
		refuse(PUT_ENTRIES, cases[i].body, cases[i].code, cases[i].says);
	}
	/* Of so many nothing is read any more, whatever follows. */
	refuse_large(repeated("{\"entries\":[", "7,", 2000), "entries 2, 3, ");
	refuse_large(repeated("{\"entries\":[", "7,", 2000), " and many more)");
}

static void bad_expiries_and_settings_are_refused(void **state)
{
	static const struct {
		enum kind kind;
		const char *body;
		enum error_code code;
		const char *says;
	} cases[] = {
		{POST_ENTRIES, "{\"prefix\":\"192.0.2.1\",\"enabled\":0}", ERROR_BAD_REQUEST,
		 "\"enabled\" must be true or false"},
		{POST_ENTRIES, "{\"prefix\":\"192.0.2.1\",\"enabled\":null}", ERROR_BAD_REQUEST,
		 "\"enabled\" must be true or false"},
		{POST_ENTRIES, "{\"prefix\":\"192.0.2.1\",\"last_seen\":null}", ERROR_BAD_REQUEST,
		 "unknown field \"last_seen\""},
		{POST_ENTRIES, "{\"prefix\":\"192.0.2.1\",\"expires\":\"8h\"}", ERROR_BAD_REQUEST,
		 "\"expires\": \"8h\" is no time"},
		{POST_ENTRIES, "{\"prefix\":\"192.0.2.1\",\"expires\":\"never\"}", ERROR_BAD_REQUEST,
		 "\"expires\": \"never\" is no time"},
		{POST_ENTRIES, "{\"prefix\":\"192.0.2.1\",\"expires\":1767323045}", ERROR_BAD_REQUEST,
		 "\"expires\" must be a time"},
		{POST_ENTRIES, "{\"prefix\":\"192.0.2.1\",\"expires\":\"2106-02-07T06:28:16Z\"}",
		 ERROR_BAD_REQUEST, "from 1970-01-01T00:00:01Z to 2106-02-07T06:28:15Z"},
		{POST_ENTRIES, "{\"prefix\":\"192.0.2.1\",\"expires\":\"1970-01-01T00:00:00Z\"}",
		 ERROR_BAD_REQUEST, "out of range"},
		{PATCH_ENTRY, "{}", ERROR_BAD_REQUEST, "give \"note\", \"expires\" or \"enabled\""},
		{PATCH_ENTRY, "{\"verdict\":\"deny\"}", ERROR_BAD_REQUEST, "unknown field \"verdict\""},
		{PATCH_ENTRY, "{\"prefix\":\"192.0.2.1\",\"note\":\"n\"}", ERROR_BAD_REQUEST,
		 "unknown field \"prefix\""},
		{PATCH_ENTRY, "{\"note\":null}", ERROR_BAD_REQUEST, "\"note\" must be a string"},
		{PATCH_ENTRY, "{\"note\":\"a\\nb\"}", ERROR_BAD_REQUEST, "control character"},
		{PATCH_ENTRY, "{\"enabled\":\"yes\"}", ERROR_BAD_REQUEST,
		 "\"enabled\" must be true or false"},
		{PATCH_ENTRY, "{\"note\":\"n\",\"expires\":\"90d\"}", ERROR_BAD_REQUEST,
		 "\"expires\": \"90d\" is no time"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		refuse(cases[i].kind, cases[i].body, cases[i].code, cases[i].says);
}

/* What jansson does not see, since it reads piece by piece, and what it does. */
static void bad_syntax_is_refused(void **state)
{
	static const struct {
		const char *body, *says;
	} cases[] = {
		{"{\"entries\":[{\"prefix\":\"192.0.2.1\",\"prefix\":\"192.0.2.2\"}]}",
		 "duplicate object key"},
		{"{\"entries\":[],\n\n \"entries\":[]}", "line 3, column 1: duplicate object key"},
		{"{\"entries\":[{\"prefix\":\"192.0.2.1\"},{\"prefix\":\"192.0.2.1\"}]}",
		 "192.0.2.1 stands twice"},
		{"{\"entries\":[{\"prefix\":\"192.0.2.2\"},\n{\"prefix\":\"192.0.2.1\"} 7]}",
		 "line 2, column 23: ']' expected behind an entry"},
		{"{\"entries\":[{\"prefix\":\"192.0.2.2\",\"note\":\"n\"},]}", "line 1, column"},
		{"{\"entries\":[,{\"prefix\":\"192.0.2.2\"}]}", "line 1"},
		{"{\"entries\":[{\"prefix\":\"192.0.2.2\"", "line 1"},
		{"{\"entries\":[}", "line 1"},
		{"{\"entries\" []}", "':' expected"},
		{"{\"entries\":[] \"x\":1}", "',' or '}' expected"},
		{"{\"entries\":[],}", "string or '}' expected"},
		{"{\"entries\":[]}\v", "end of file expected"},
		{"{entries:[]}", "string or '}' expected"},
		{"{\"x\":1,\"entries\":[{\"prefix\":\"192.0.2.2\"}]}", "unknown field \"x\""},
		{"{\"entries\":[{\"prefix\":\"192.0.2.2\"}],\"prefix\":\"192.0.2.3\"}",
		 "unknown field \"prefix\""},
		{"{\"entries\":[{\"prefix\":\"192.0.2.2\",\"note\":\"a\\u0000b\"}]}", "\\u0000"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		refuse(PUT_ENTRIES, cases[i].body, ERROR_BAD_REQUEST, cases[i].says);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_are_read),
		cmocka_unit_test(expiry_and_enabled_are_read),
		cmocka_unit_test(what_is_not_set_is_left),
		cmocka_unit_test(text_is_read_too),
		cmocka_unit_test(large_pieces_are_refused),
		cmocka_unit_test(long_bodies_are_read_piece_by_piece),
		cmocka_unit_test(depth_and_fields_are_bounded),
		cmocka_unit_test(bad_entries_are_refused),
		cmocka_unit_test(every_bad_entry_is_named),
		cmocka_unit_test(bad_expiries_and_settings_are_refused),
		cmocka_unit_test(bad_syntax_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
