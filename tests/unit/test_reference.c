// SPDX-License-Identifier: GPL-2.0-only
/* test_reference.c - entries that name a list: their key, their text, and lists that hold them */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "userspace/core/compile.h"
#include "userspace/core/error.h"
#include "userspace/core/listcsv.h"
#include "userspace/core/listtext.h"
#include "userspace/core/reference.h"
#include "userspace/core/request.h"

static void test_key_is_of_the_name(void **state)
{
	/* SHA-256 of its length, 8 in eight bytes, and "corp-vpn" */
	static const uint8_t wanted[16] = {0xf4, 0x32, 0xf1, 0x29, 0xf9, 0x5a, 0xbb, 0x0d,
					   0x54, 0xe7, 0xb4, 0xd7, 0x65, 0x01, 0x07, 0x0a};
	struct prefix key = reference_key("corp-vpn"), other = reference_key("corp-vpm");

	(void)state;
	assert_memory_equal(key.addr.bytes, wanted, sizeof(wanted));
	assert_true(prefix_is_reference(&key));
	assert_int_not_equal(prefix_compare(&key, &other), 0);
	assert_int_equal(prefix_compare(&key, &key), 0);
}

static void test_text_and_back(void **state)
{
	static const char *const sources[] = {"@corp-vpn", "@a", "203.0.113.7", "2001:db8::/32"};
	char text[ENTRY_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		struct entry entry = {0};

		assert_int_equal(entry_source_parse(sources[i], &entry, NULL), 0);
		entry_format_short(&entry, text);
		assert_string_equal(text, sources[i]);
		assert_int_equal(prefix_is_reference(&entry.prefix), sources[i][0] == '@');
		entry_clear(&entry);
	}
}

static void test_longest_name_fits(void **state)
{
	char name[NAME_MAX_BYTES + 3] = "@", text[ENTRY_TEXT_MAX];
	struct entry entry = {0};

	(void)state;
	memset(name + 1, 'n', NAME_MAX_BYTES);
	assert_int_equal(entry_source_parse(name, &entry, NULL), 0);
	entry_format(&entry, text);
	assert_string_equal(text, name);
	entry_clear(&entry);
	name[NAME_MAX_BYTES + 1] = 'n';
	assert_int_not_equal(entry_source_parse(name, &entry, NULL), 0);
}

static void test_bad_names(void **state)
{
	static const char *const bad[] = {"@", "@-x", "@Corp", "@a b", "@a/24", "@@a", "@\xc3\xa4"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct ag_error error = {0};
		struct entry entry = {0};

		assert_int_not_equal(entry_source_parse(bad[i], &entry, &error), 0);
		assert_int_equal(error.code, ERROR_BAD_REQUEST);
		assert_null(entry.list);
	}
}

static void test_describes_what_came_through(void **state)
{
	char text[ENTRY_DESCRIPTION_MAX];
	struct entry entry = {.list = (char *)(uintptr_t) "corp-vpn"};

	(void)state;
	assert_int_equal(prefix_parse("203.0.113.0/24", &entry.prefix, NULL), 0);
	entry_describe(&entry, text);
	assert_string_equal(text, "203.0.113.0/24 of @corp-vpn");
	entry.prefix = reference_key("corp-vpn");
	entry_describe(&entry, text);
	assert_string_equal(text, "@corp-vpn");
}

/* --- in lists ---------------------------------------------------------------- */

static const char both[] =
	"203.0.113.0/24\n@corp-vpn deny disabled expires=2030-01-02T03:04:05Z # the tunnel\n";

static void check_both(const struct list *list)
{
	const struct entry *entry = &list->entries[0];

	assert_int_equal(list->count, 2);
	assert_int_equal(list_count_references(list), 1); /* in front of all */
	assert_string_equal(entry->list, "corp-vpn");
	assert_int_equal(entry->verdict, AG_ENTRY_DENY);
	assert_true(entry->disabled);
	assert_true(entry->expires);
	assert_string_equal(entry->note, "the tunnel");
	assert_null(list->entries[1].list);
}

static void test_lines(void **state)
{
	struct list list = {0}, again = {0};
	struct buffer text = {0};

	(void)state;
	assert_int_equal(listtext_parse(both, strlen(both), 10, &list, NULL), 0);
	check_both(&list);
	for (size_t i = 0; i < list.count; i++)
		listtext_format(&list.entries[i], &text);
	assert_int_equal(listtext_parse(text.data, text.length, 10, &again, NULL), 0);
	check_both(&again);
	list_clear(&list);
	list_clear(&again);
	buffer_clear(&text);
}

static void test_csv(void **state)
{
	static const char csv[] = "prefix,verdict,note,expires,enabled\n203.0.113.0/24,,,,\n"
				  "@corp-vpn,deny,the tunnel,2030-01-02T03:04:05Z,false\n";
	struct list list = {0};

	(void)state;
	assert_int_equal(listcsv_parse(csv, strlen(csv), 10, &list, NULL), 0);
	check_both(&list);
	list_clear(&list);
}

static void test_json_and_back(void **state)
{
	static const char body[] =
		"{\"entries\":[{\"prefix\":\"203.0.113.0/"
		"24\"},{\"prefix\":\"@corp-vpn\",\"verdict\":\"deny\","
		"\"enabled\":false,\"expires\":\"2030-01-02T03:04:05Z\",\"note\":\"the tunnel\"}]}";
	struct list list = {0};
	json_t *sent;

	(void)state;
	assert_int_equal(request_entries_decode(body, strlen(body), 10, false, &list, NULL), 0);
	check_both(&list);
	sent = json_entry_sent(&list.entries[0]);
	assert_string_equal(json_string_value(json_object_get(sent, "prefix")), "@corp-vpn");
	json_decref(sent);
	list_clear(&list);
}

static void test_twice_is_refused_by_name(void **state)
{
	static const char twice[] = "@corp-vpn\n203.0.113.7\n@corp-vpn deny\n";
	static const char body[] =
		"{\"entries\":[{\"prefix\":\"@a\"},{\"prefix\":\"@b\"},{\"prefix\":\"@a\"}]}";
	struct ag_error error = {0};
	struct list list = {0};

	(void)state;
	assert_int_not_equal(listtext_parse(twice, strlen(twice), 10, &list, &error), 0);
	assert_non_null(strstr(error.message, "line 3: @corp-vpn stands on line 1"));
	assert_int_not_equal(request_entries_decode(body, strlen(body), 10, false, &list, &error), 0);
	assert_non_null(strstr(error.message, "@a stands twice"));
}

/* A string that was read must not be lost with the line that it stood on. */
static void test_bad_lines_with_names(void **state)
{
	static const char text[] = "@corp-vpn bogus\n@corp-vpn # a\tb\n@corp-vpn expires=never\n";
	static const char csv[] = "prefix,enabled\n@corp-vpn,perhaps\n@corp-vpn,true,more\n";
	static const char json[] = "{\"prefix\":\"@corp-vpn\",\"verdict\":\"perhaps\"}";
	struct list list = {0};

	(void)state;
	assert_int_not_equal(listtext_parse(text, strlen(text), 10, &list, NULL), 0);
	assert_int_not_equal(listcsv_parse(csv, strlen(csv), 10, &list, NULL), 0);
	assert_int_not_equal(listtext_parse(both, strlen(both), 1, &list, NULL), 0);
	assert_int_not_equal(request_entries_decode(json, strlen(json), 10, false, &list, NULL), 0);
}

static void test_matches_nothing_and_keeps_active(void **state)
{
	struct account account = {.mode = AG_MODE_ENFORCE, .references = 1};
	struct compiled_account compiled;
	struct list list = {0};
	struct addr addr;

	(void)state;
	assert_int_equal(addr_parse("203.0.113.7", &addr, NULL), 0);
	assert_int_equal(listtext_parse("@a\n", 3, 10, &list, NULL), 0);
	assert_null(list_match(&list, &addr, 0));
	assert_int_equal(policy_decide(AG_MODE_ENFORCE, &list, &addr, 0, NULL), AG_VERDICT_DENIED);
	assert_int_equal(compile_account(&account, &list, &compiled), 0);
	assert_true(compiled.active);
	assert_int_equal(compiled.count4 + compiled.count6, 0);
	compiled_account_clear(&compiled);
	assert_int_equal(compile_begin(&account, &compiled), 0);
	assert_true(compiled.active);
	assert_int_equal(compile_add(&compiled, &list.entries[0]), 0);
	assert_int_equal(compiled.count4 + compiled.count6, 0);
	compiled_account_clear(&compiled);
	account.disabled_references = 1;
	assert_int_equal(account_enabled(&account), 0);
	list_clear(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_is_of_the_name),
		cmocka_unit_test(test_text_and_back),
		cmocka_unit_test(test_longest_name_fits),
		cmocka_unit_test(test_bad_names),
		cmocka_unit_test(test_describes_what_came_through),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_json_and_back),
		cmocka_unit_test(test_twice_is_refused_by_name),
		cmocka_unit_test(test_bad_lines_with_names),
		cmocka_unit_test(test_matches_nothing_and_keeps_active),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
