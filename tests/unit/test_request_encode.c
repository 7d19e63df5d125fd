// SPDX-License-Identifier: GPL-2.0-only
/* test_request_encode.c - the shapes of docs/api.md, to the byte */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/core/error.h"
#include "userspace/core/request.h"

#include "tests/unit/entry_fixture.h"

/* Takes the document over. */
static void check_json(json_t *json, const char *want)
{
	char *text = json_dumps(json, JSON_COMPACT);

	assert_non_null(text);
	assert_string_equal(text, want);
	free(text);
	json_decref(json);
}

static void append_entry(struct list *list, const char *prefix, enum ag_entry_verdict verdict,
			 const char *note)
{
	struct entry entry = {.verdict = verdict, .note = note ? strdup(note) : NULL};

	assert_int_equal(prefix_parse(prefix, &entry.prefix, NULL), 0);
	assert_int_equal(list_append(list, &entry), 0);
}

static void entries_have_their_shape(void **state)
{
	struct list list = {0}, none = {0};

	(void)state;
	append_entry(&list, "203.0.113.7", AG_ENTRY_ALLOW, NULL);
	append_entry(&list, "2001:db8::/32", AG_ENTRY_DENY, "a \"note\"");
	check_json(json_entry(&list.entries[0]),
		   "{\"prefix\":\"203.0.113.7/32\",\"verdict\":\"allow\",\"note\":\"\",\"expires\":null,"
		   "\"enabled\":true,\"created_by\":\"\",\"created_at\":\"1970-01-01T00:00:00Z\",\"last_"
		   "seen\":null}");
	list.entries[1].created_by = strdup("ada");
	list.entries[1].created_at = 1767323045;
	list.entries[1].last_seen = 1767323046;
	list.entries[1].expires = EXPIRES_LAST;
	list.entries[1].disabled = true;
	check_json(json_entry(&list.entries[1]),
		   "{\"prefix\":\"2001:db8::/32\",\"verdict\":\"deny\",\"note\":\"a "
		   "\\\"note\\\"\",\"expires\":\"2106-02-07T06:28:15Z\",\"enabled\":false,\"created_by\":"
		   "\"ada\","
		   "\"created_at\":\"2026-01-02T03:04:05Z\",\"last_seen\":\"2026-01-02T03:04:06Z\"}");
	check_json(json_entries_sent(&list),
		   "{\"entries\":[{\"prefix\":\"203.0.113.7/"
		   "32\",\"verdict\":\"allow\",\"note\":\"\",\"expires\":null,\"enabled\":true},"
		   "{\"prefix\":\"2001:db8::/32\",\"verdict\":\"deny\",\"note\":\"a "
		   "\\\"note\\\"\",\"expires\":\"2106-02-07T06:28:15Z\",\"enabled\":false}]}");
	check_json(json_entries_sent(&none), "{\"entries\":[]}");
	check_json(json_prefixes(&list, 10), "[\"203.0.113.7/32\",\"2001:db8::/32\"]");
	check_json(json_prefixes(&list, 1), "[\"203.0.113.7/32\"]");
	check_json(json_prefixes(&none, 1), "[]");
	list_clear(&list);
}

static void what_is_sent_is_read(void **state)
{
	struct list list = {0};
	struct list back = {0};
	json_t *json;
	char *text;

	(void)state;
	append_entry(&list, "198.51.100.0/24", AG_ENTRY_DENY, "x # y");
	append_entry(&list, "203.0.113.7", AG_ENTRY_ALLOW, NULL);
	list.entries[0].expires = 1767323045;
	list.entries[1].disabled = true;
	json = json_entries_sent(&list);
	text = json_dumps(json, 0);
	assert_int_equal(request_entries_decode(text, strlen(text), 2, true, &back, NULL), 0);
	assert_int_equal(back.count, 2);
	check_wanted(&back.entries[0],
		     &(struct wanted){"198.51.100.0/24", AG_ENTRY_DENY, "x # y", .expires = 1767323045});
	check_wanted(&back.entries[1], &(struct wanted){"203.0.113.7/32", .disabled = true});
	list_clear(&back);
	list_clear(&list);
	free(text);
	json_decref(json);
}

static void accounts_services_and_roles_have_their_shape(void **state)
{
	struct account account = {.name = "shop",
				  .label = (char[]){"The Shop"},
				  .mode = AG_MODE_MONITOR,
				  .generation = 7,
				  .entries4 = 3,
				  .entries6 = 2,
				  .disabled4 = 2,
				  .disabled6 = 2,
				  .on_deny = {AG_ON_DENY_REDIRECT, 0, "quarantine0"}};
	struct service service;

	(void)state;
	check_json(
		json_account(&account, 4),
		"{\"name\":\"shop\",\"label\":\"The "
		"Shop\",\"mode\":\"monitor\",\"on_deny\":\"redirect:quarantine0\",\"active\":true,"
		"\"entries\":5,\"enabled\":1,\"entries4\":3,\"entries6\":2,\"services\":4,\"generation\":7}");
	account = (struct account){.name = "new", .entries6 = 2, .disabled6 = 2};
	check_json(
		json_account(&account, 0),
		"{\"name\":\"new\",\"label\":\"\",\"mode\":\"enforce\",\"on_deny\":\"drop\",\"active\":false,"
		"\"entries\":2,\"enabled\":0,\"entries4\":0,\"entries6\":2,\"services\":0,\"generation\":0}");
	assert_int_equal(service_parse("[2001:db8::]/64:443/tcp", &service, NULL), 0);
	check_json(json_service("shop", &service),
		   "{\"account\":\"shop\",\"service\":\"[2001:db8::/64]:443/tcp\"}");
	check_json(json_role("shop", "ada", ROLE_ADMIN),
		   "{\"account\":\"shop\",\"user\":\"ada\",\"role\":\"admin\"}");
}

static void problems_have_their_shape(void **state)
{
	struct ag_error error;
	char want[256];
	json_t *json;

	(void)state;
	(void)error_set(&error, ERROR_WOULD_OPEN, "this opens \"it\"");
	(void)snprintf(want, sizeof(want),
		       "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":409,\"detail\":\"this opens "
		       "\\\"it\\\"\","
		       "\"code\":\"would_open\"}",
		       error_code_title(ERROR_WOULD_OPEN));
	check_json(json_problem(&error), want);
	/* whatever was quoted, there is a document */
	(void)error_set(&error, ERROR_BAD_REQUEST, "\xff %600s", "\xc3\xbc");
	json = json_problem(&error);
	assert_non_null(json);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_have_their_shape),
		cmocka_unit_test(what_is_sent_is_read),
		cmocka_unit_test(accounts_services_and_roles_have_their_shape),
		cmocka_unit_test(problems_have_their_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
