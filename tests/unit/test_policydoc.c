// SPDX-License-Identifier: GPL-2.0-only
/* test_policydoc.c - documents of a policy: what is read of them, what is wrong and where, and the way back
 */
#include "userspace/core/policydoc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/core/buffer.h"
#include "userspace/core/cleanup.h"
#include "userspace/core/error.h"

static const struct policydoc_limits LIMITS = {
	.accounts = 4, .services = 5, .entries = 5, .lists = 3, .list_entries = 2};

/* From memory of exactly that length, so that the sanitiser sees a read behind it. */
static int read_text(const char *text, struct policydoc *ret, struct ag_error *error)
{
	size_t length = strlen(text);
	char *copy = malloc(length ? length : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, text, length);
	r = policydoc_read(copy, length, &LIMITS, ret, error);
	free(copy);
	return r;
}

static void take(const char *text, struct policydoc *ret)
{
	struct ag_error error = {0};

	*ret = (struct policydoc){0};
	if (read_text(text, ret, &error))
		fail_msg("%s: %s", text, error.message);
}

static void refuse(const char *text, enum error_code code, const char *says)
{
	struct policydoc before, after;
	struct ag_error error = {0};

	memset(&before, 0x5a, sizeof(before));
	after = before;
	if (read_text(text, &after, &error) >= 0)
		fail_msg("taken: %s", text);
	if (error.code != code || !strstr(error.message, says))
		fail_msg("%s: %s: %s, which does not say: %s", text, error_code_name(error.code),
			 error.message, says);
	assert_memory_equal(&before, &after, sizeof(before));
}

static void everything_is_read(void **state)
{
	struct policydoc document;
	const struct policydoc_account *acme, *beta;

	(void)state;
	take("{\"accounts\": [{\"name\": \"beta\"},"
	     "{\"entries\": [{\"prefix\": \"2001:db8::/32\", \"verdict\": \"deny\"}, {\"prefix\": "
	     "\"203.0.113.7\","
	     " \"note\": \"office\", \"expires\": \"1970-01-01T00:00:09Z\", \"enabled\": false}],"
	     "\"roles\": [{\"user\": \"eve\", \"role\": \"viewer\"}, {\"role\": \"admin\", \"user\": "
	     "\"ada\"}],"
	     "\"services\": [\"192.0.2.11\", \"192.0.2.10:443/tcp\"],"
	     "\"name\": \"acme\", \"label\": \"Acme \\\"Inc\\\"\", \"mode\": \"monitor\", \"on_deny\": "
	     "\"notice:8080\"}],"
	     "\"scope\": \"host\"}",
	     &document);
	assert_int_equal(document.scope, POLICYDOC_HOST);
	assert_int_equal(document.account_count, 2);
	acme = &document.accounts[0];
	assert_string_equal(acme->name, "acme");
	assert_string_equal(acme->label, "Acme \"Inc\"");
	assert_true(acme->has_label && acme->has_mode && acme->has_on_deny && acme->has_services &&
		    acme->has_roles && acme->has_entries);
	assert_int_equal(acme->mode, AG_MODE_MONITOR);
	assert_int_equal(acme->on_deny.port, 8080);
	assert_int_equal(acme->service_count, 2);
	assert_int_equal(acme->services[0].port, 443);
	assert_int_equal(acme->role_count, 2);
	assert_string_equal(acme->roles[0].user, "ada");
	assert_int_equal(acme->roles[0].role, ROLE_ADMIN);
	assert_int_equal(acme->entries.count, 2);
	assert_string_equal(acme->entries.entries[0].note, "office");
	assert_int_equal(acme->entries.entries[0].expires, 9);
	assert_true(acme->entries.entries[0].disabled);
	assert_int_equal(acme->entries.entries[0].created_at, 0);
	assert_int_equal(acme->entries.entries[1].verdict, AG_ENTRY_DENY);
	beta = policydoc_find(&document, "beta");
	assert_ptr_equal(beta, &document.accounts[1]);
	assert_false(beta->has_label || beta->has_mode || beta->has_on_deny || beta->has_services ||
		     beta->has_roles || beta->has_entries);
	assert_null(policydoc_find(&document, "gamma"));
	policydoc_clear(&document);
}

/* Nothing that is missing is taken for empty, and the scope that removes has to be said. */
static void absent_is_not_empty(void **state)
{
	struct policydoc document;

	(void)state;
	take("{\"accounts\": []}", &document);
	assert_int_equal(document.scope, POLICYDOC_ACCOUNTS);
	assert_null(policydoc_find(&document, "acme"));
	policydoc_clear(&document);
	take("{\"accounts\": [{\"name\": \"acme\", \"entries\": [], \"label\": \"\"}]}", &document);
	assert_true(document.accounts[0].has_entries && document.accounts[0].has_label);
	assert_false(document.accounts[0].has_services);
	assert_null(document.accounts[0].label);
	policydoc_clear(&document);
	refuse("{\"scope\": \"host\"}", ERROR_BAD_REQUEST, "\"accounts\" is missing");
	refuse("{}", ERROR_BAD_REQUEST, "\"accounts\" is missing");
	refuse("{\"accounts\": null}", ERROR_BAD_REQUEST, "accounts: must be an array");
}

static void no_json_is_refused(void **state)
{
	(void)state;
	refuse("", ERROR_BAD_REQUEST, "the body is empty");
	refuse("[]", ERROR_BAD_REQUEST, "must be one JSON object");
	refuse("{\"accounts\": [}", ERROR_BAD_REQUEST, "line 1, column 15");
	refuse("{\"accounts\": []} x", ERROR_BAD_REQUEST, "end of file expected");
	refuse("{\"accounts\": [], \"accounts\": []}", ERROR_BAD_REQUEST, "duplicate object key");
	refuse("{\"accounts\": [{\"name\": \"a\", \"name\": \"b\"}]}", ERROR_BAD_REQUEST,
	       "duplicate object key");
	refuse("{\"accounts\": [{\"name\": \"a\", \"entries\": [{\"prefix\": \"192.0.2.1\", \"prefix\": "
	       "\"192.0.2.2\"}]}]}",
	       ERROR_BAD_REQUEST, "duplicate");
	refuse("{\"accounts\": [{\"name\": \"a\"}", ERROR_BAD_REQUEST, "',' or ']' expected");
	refuse("{\"accounts\": [{\"name\": \"a\"]}", ERROR_BAD_REQUEST, "',' or '}' expected");
}

static void places_are_named(void **state)
{
	static const struct {
		const char *text;
		enum error_code code;
		const char *says;
	} rows[] = {
		{"{\"accounts\": [], \"scope\": \"all\"}", ERROR_BAD_REQUEST, "scope: "},
		{"{\"accounts\": [], \"lists\": {}}", ERROR_BAD_REQUEST, "lists: must be an array"},
		{"{\"accounts\": [], \"lists\": [7]}", ERROR_BAD_REQUEST, "lists[0]: must be an object"},
		{"{\"accounts\": [], \"lists\": [{\"entries\": []}]}", ERROR_BAD_REQUEST,
		 "lists[0]: the field \"name\" is missing"},
		{"{\"accounts\": [], \"lists\": [{\"name\": \"a\"}, {\"name\": \"@a\"}]}", ERROR_BAD_REQUEST,
		 "lists[1].name: "},
		{"{\"accounts\": [], \"lists\": [{\"name\": 7}]}", ERROR_BAD_REQUEST, "lists[0].name: "},
		{"{\"accounts\": [], \"lists\": [{\"name\": \"a\", \"mode\": \"off\"}]}", ERROR_BAD_REQUEST,
		 "lists[0]: unknown field \"mode\""},
		{"{\"accounts\": [], \"lists\": [{\"name\": \"a\", \"entries\": [{\"prefix\": "
		 "\"192.0.2.1\"}, "
		 "{\"prefix\": \"192.0.2.1/24\"}]}]}",
		 ERROR_BAD_PREFIX, "lists[0].entries[1].prefix: "},
		{"{\"accounts\": [], \"lists\": [{\"name\": \"a\", \"entries\": [{\"prefix\": \"@b\"}]}]}",
		 ERROR_BAD_REQUEST, "lists[0].entries[0]: entries of a named list are prefixes with notes"},
		{"{\"accounts\": [], \"lists\": [{\"name\": \"a\", \"entries\": [{\"prefix\": \"192.0.2.1\", "
		 "\"enabled\": false}]}]}",
		 ERROR_BAD_REQUEST, "lists[0].entries[0]: entries of a named list are prefixes with notes"},
		{"{\"accounts\": [], \"lists\": [{\"name\": \"a\", \"entries\": [{\"prefix\": \"192.0.2.1\", "
		 "\"verdict\": \"deny\"}]}]}",
		 ERROR_BAD_REQUEST, "lists[0].entries[0]: entries of a named list are prefixes with notes"},
		{"{\"accounts\": [], \"scope\": 1}", ERROR_BAD_REQUEST,
		 "scope: must be \"host\" or \"accounts\""},
		{"{\"accounts\": [], \"users\": []}", ERROR_BAD_REQUEST, "unknown field \"users\""},
		{"{\"accounts\": [7]}", ERROR_BAD_REQUEST, "accounts[0]: must be an object"},
		{"{\"accounts\": [{}]}", ERROR_BAD_REQUEST, "accounts[0]: the field \"name\" is missing"},
		{"{\"accounts\": [{\"name\": \"A\"}]}", ERROR_BAD_REQUEST, "accounts[0].name: "},
		{"{\"accounts\": [{\"name\": \"a\", \"mode\": \"on\"}]}", ERROR_BAD_REQUEST,
		 "accounts[0].mode: "},
		{"{\"accounts\": [{\"name\": \"a\"}, {\"name\": \"b\", \"on_deny\": \"notice\"}]}",
		 ERROR_BAD_REQUEST, "accounts[1].on_deny: "},
		{"{\"accounts\": [{\"name\": \"a\", \"label\": \"\\u0007\"}]}", ERROR_BAD_REQUEST,
		 "accounts[0].label: "},
		{"{\"accounts\": [{\"name\": \"a\", \"colour\": [[1]]}]}", ERROR_BAD_REQUEST,
		 "accounts[0]: unknown field \"colour\""},
		{"{\"accounts\": [{\"name\": \"a\", \"services\": [\"192.0.2.1\", \"192.0.2.1:99999\"]}]}",
		 ERROR_BAD_REQUEST, "accounts[0].services[1]: "},
		{"{\"accounts\": [{\"name\": \"a\", \"services\": \"192.0.2.1\"}]}", ERROR_BAD_REQUEST,
		 "accounts[0].services: must be an array"},
		{"{\"accounts\": [{\"name\": \"a\", \"services\": [null]}]}", ERROR_BAD_REQUEST,
		 "accounts[0].services[0]: must be a string"},
		{"{\"accounts\": [{\"name\": \"a\", \"roles\": [{\"user\": \"ada\", \"role\": \"king\"}]}]}",
		 ERROR_BAD_REQUEST, "accounts[0].roles[0].role: "},
		{"{\"accounts\": [{\"name\": \"a\", \"roles\": [{\"role\": \"admin\"}]}]}", ERROR_BAD_REQUEST,
		 "accounts[0].roles[0].user: "},
		{"{\"accounts\": [{\"name\": \"a\", \"roles\": [[]]}]}", ERROR_BAD_REQUEST,
		 "accounts[0].roles[0]: must be an object"},
		{"{\"accounts\": [{\"name\": \"a\", \"entries\": [{\"prefix\": \"203.0.113.7/24\"}]}]}",
		 ERROR_BAD_PREFIX, "accounts[0].entries[0].prefix: "},
		{"{\"accounts\": [{\"name\": \"a\", \"entries\": [{\"prefix\": \"203.0.113.7\", \"verdict\": "
		 "1}]}]}",
		 ERROR_BAD_REQUEST, "accounts[0].entries[0].verdict: "},
		{"{\"accounts\": [{\"name\": \"a\", \"entries\": [{\"prefix\": \"203.0.113.7\", \"by\": "
		 "1}]}]}",
		 ERROR_BAD_REQUEST, "accounts[0].entries[0]: unknown field \"by\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		refuse(rows[i].text, rows[i].code, rows[i].says);
}

static void what_stands_twice_is_wrong_the_second_time(void **state)
{
	(void)state;
	refuse("{\"accounts\": [{\"name\": \"b\"}, {\"name\": \"a\"}, {\"name\": \"b\"}]}", ERROR_BAD_REQUEST,
	       "accounts[2].name: account 'b' stands in accounts[0] already");
	refuse("{\"accounts\": [{\"name\": \"b\", \"services\": [\"192.0.2.2\", \"192.0.2.1\"]}, {\"name\": "
	       "\"a\", "
	       "\"services\": [\"192.0.2.1\"]}]}",
	       ERROR_BAD_REQUEST, "accounts[1].services[0]: 192.0.2.1 is in accounts[0].services[1] already");
	refuse("{\"accounts\": [{\"name\": \"b\", \"roles\": [{\"user\": \"ada\", \"role\": \"admin\"}, "
	       "{\"user\": \"ada\", \"role\": \"viewer\"}]}]}",
	       ERROR_BAD_REQUEST, "accounts[0].roles[1].user: user 'ada' has a role in roles[0] already");
	refuse("{\"accounts\": [{\"name\": \"b\", \"entries\": [{\"prefix\": \"192.0.2.9\"}, {\"prefix\": "
	       "\"192.0.2.1\"}, {\"prefix\": \"192.0.2.9/32\"}]}]}",
	       ERROR_BAD_REQUEST, "accounts[0].entries[2].prefix: 192.0.2.9 stands in entries[0] already");
}

static void lists_are_read(void **state)
{
	struct policydoc document;
	const struct policydoc_list *list;

	(void)state;
	take("{\"lists\": [{\"name\": \"lab\"}, {\"entries\": [{\"prefix\": \"2001:db8::/32\"}, {\"note\": "
	     "\"hq\", "
	     "\"prefix\": \"192.0.2.0/24\"}], \"name\": \"corp\"}], \"accounts\": [{\"name\": \"a\", "
	     "\"entries\": "
	     "[{\"prefix\": \"@corp\"}]}]}",
	     &document);
	assert_true(document.has_lists);
	assert_int_equal(document.list_count, 2);
	list = policydoc_find_list(&document, "corp");
	assert_ptr_equal(list, &document.lists[0]);
	assert_true(list->has_entries);
	assert_int_equal(list->entries.count, 2);
	assert_string_equal(list->entries.entries[0].note, "hq");
	assert_int_equal(list->entries.entries[1].created_at, 0);
	assert_false(document.lists[1].has_entries);
	assert_null(policydoc_find_list(&document, "a"));
	assert_string_equal(document.accounts[0].entries.entries[0].list, "corp");
	policydoc_clear(&document);
	take("{\"accounts\": []}", &document);
	assert_false(document.has_lists);
	assert_null(policydoc_find_list(&document, "corp"));
	policydoc_clear(&document);
	take("{\"accounts\": [], \"lists\": []}", &document);
	assert_true(document.has_lists);
	policydoc_clear(&document);
}

static void lists_twice_and_too_many_are_refused(void **state)
{
	(void)state;
	refuse("{\"accounts\": [], \"lists\": [{\"name\": \"b\"}, {\"name\": \"a\"}, {\"name\": \"b\"}]}",
	       ERROR_BAD_REQUEST, "lists[2].name: list 'b' stands in lists[0] already");
	refuse("{\"accounts\": [], \"lists\": [{\"name\": \"b\", \"entries\": [{\"prefix\": \"192.0.2.9\"}, "
	       "{\"prefix\": \"192.0.2.9/32\"}]}]}",
	       ERROR_BAD_REQUEST, "lists[0].entries[1].prefix: 192.0.2.9 stands in entries[0] already");
	refuse("{\"accounts\": [], \"lists\": [{\"name\": \"a\"}, {\"name\": \"b\"}, {\"name\": \"c\"}, "
	       "{\"name\": \"d\"}]}",
	       ERROR_LIMIT, "lists[3]: more than 3 lists");
	refuse("{\"accounts\": [], \"lists\": [{\"name\": \"a\", \"entries\": [{\"prefix\": \"192.0.2.1\"}, "
	       "{\"prefix\": \"192.0.2.2\"}, {\"prefix\": \"192.0.2.3\"}]}]}",
	       ERROR_LIMIT, "lists[0].entries[2]: more than 2 entries");
	refuse("{\"lists\": []}", ERROR_BAD_REQUEST, "\"accounts\" is missing");
}

static void all_that_is_wrong_is_named(void **state)
{
	struct policydoc document;
	struct ag_error error = {0};

	(void)state;
	assert_true(
		read_text("{\"accounts\": [{\"name\": \"A\", \"entries\": [{\"prefix\": \"x\"}]}, {\"name\": "
			  "\"b\", \"mode\": \"x\", \"services\": [\"x\"]}, {\"name\": \"b\"}]}",
			  &document, &error) < 0);
	assert_int_equal(strncmp(error.message, "accounts[0].name: ", 18), 0);
	assert_non_null(strstr(error.message, "(wrong too: accounts[0].entries[0].prefix, accounts[1].mode, "
					      "accounts[1].services[0], accounts[2].name)"));
}

static void many_wrong_places_end_the_reading(void **state)
{
	CLEANUP(buffer_clear) struct buffer text = {0};
	struct policydoc_limits limits = {.accounts = 1, .services = 5000, .entries = 1};
	struct policydoc document;
	struct ag_error error = {0};

	(void)state;
	(void)buffer_print(&text, "{\"accounts\": [{\"name\": \"a\", \"services\": [0");
	for (int i = 0; i < 2000; i++)
		(void)buffer_print(&text, ",%d", i);
	(void)buffer_print(&text, "]}]}");
	assert_true(policydoc_read(text.data, text.length, &limits, &document, &error) < 0);
	assert_non_null(strstr(error.message, "at least 9"));
}

static void limits_are_kept(void **state)
{
	struct policydoc document;

	(void)state;
	refuse("{\"accounts\": "
	       "[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"},{\"name\":\"d\"},{\"name\":\"e\"}]}",
	       ERROR_LIMIT, "accounts[4]: more than 4 accounts");
	refuse("{\"accounts\": [{\"name\":\"a\",\"services\":[\"192.0.2.1\",\"192.0.2.2\",\"192.0.2.3\"]},"
	       "{\"name\":\"b\",\"services\":[\"192.0.2.4\",\"192.0.2.5\",\"192.0.2.6\"]}]}",
	       ERROR_LIMIT, "accounts[1].services[2]: more than 5 services");
	refuse("{\"accounts\": "
	       "[{\"name\":\"a\",\"entries\":[{\"prefix\":\"192.0.2.1\"},{\"prefix\":\"192.0.2.2\"},"
	       "{\"prefix\":\"192.0.2.3\"},{\"prefix\":\"192.0.2.4\"},{\"prefix\":\"192.0.2.5\"},{\"prefix\":"
	       "\"192.0.2.6\"}]}]}",
	       ERROR_LIMIT, "accounts[0].entries[5]: more than 5 entries");
	take("{\"accounts\": "
	     "[{\"name\":\"a\",\"entries\":[{\"prefix\":\"192.0.2.1\"},{\"prefix\":\"192.0.2.2\"},"
	     "{\"prefix\":\"192.0.2.3\"},{\"prefix\":\"192.0.2.4\"},{\"prefix\":\"192.0.2.5\"}]}]}",
	     &document);
	assert_int_equal(document.accounts[0].entries.count, 5);
	policydoc_clear(&document);
}

static struct claim claim_of(const char *text)
{
	struct claim claim = {0};

	assert_int_equal(service_parse(text, &claim.service, NULL), 0);
	return claim;
}

static void write_lists(struct policydoc_writer *writer)
{
	struct entry entry = {.verdict = AG_ENTRY_ALLOW, .note = (char *)(uintptr_t) "h\"q"};

	policydoc_write_lists(writer);
	policydoc_write_list(writer, "corp");
	assert_int_equal(prefix_parse("192.0.2.0/24", &entry.prefix, NULL), 0);
	policydoc_write_listed(writer, &entry);
	assert_int_equal(prefix_parse("2001:db8::/32", &entry.prefix, NULL), 0);
	entry.note = NULL;
	policydoc_write_listed(writer, &entry);
	policydoc_write_list_end(writer);
	policydoc_write_list(writer, "lab");
	policydoc_write_list_end(writer);
}

static void write_sample(struct buffer *out)
{
	struct policydoc_writer writer = {.out = out};
	struct account acme = {.name = "acme", .label = (char *)(uintptr_t) "Acme \"Inc\" \xc3\xa9"};
	struct account beta = {.name = "beta", .mode = AG_MODE_OFF};
	const struct claim services[] = {claim_of("192.0.2.10:443/tcp"), claim_of("[2001:db8::]/64:53/udp")};
	const struct policydoc_role roles[] = {{"ada", ROLE_ADMIN, 0}, {"eve", ROLE_VIEWER, 0}};
	struct entry entry = {.verdict = AG_ENTRY_ALLOW, .note = (char *)(uintptr_t) "a\\b", .expires = 9};

	policydoc_write_begin(&writer, POLICYDOC_HOST);
	write_lists(&writer);
	policydoc_write_accounts(&writer);
	policydoc_write_account(&writer, &acme, services, 2, roles, 2);
	assert_int_equal(prefix_parse("192.0.2.1", &entry.prefix, NULL), 0);
	policydoc_write_entry(&writer, &entry);
	assert_int_equal(prefix_parse("2001:db8::/32", &entry.prefix, NULL), 0);
	entry.disabled = true;
	policydoc_write_entry(&writer, &entry);
	policydoc_write_account_end(&writer);
	policydoc_write_account(&writer, &beta, NULL, 0, NULL, 0);
	policydoc_write_account_end(&writer);
	policydoc_write_end(&writer);
	assert_int_equal(out->failed, 0);
}

static void what_is_written_is_read(void **state)
{
	CLEANUP(buffer_clear) struct buffer text = {0};
	struct policydoc document;
	const struct policydoc_account *acme;

	(void)state;
	write_sample(&text);
	take(text.data, &document);
	assert_int_equal(document.scope, POLICYDOC_HOST);
	assert_int_equal(document.account_count, 2);
	acme = &document.accounts[0];
	assert_string_equal(acme->label, "Acme \"Inc\" \xc3\xa9");
	assert_int_equal(acme->mode, AG_MODE_ENFORCE);
	assert_int_equal(acme->service_count, 2);
	assert_int_equal(acme->roles[1].role, ROLE_VIEWER);
	assert_string_equal(acme->entries.entries[0].note, "a\\b");
	assert_int_equal(acme->entries.entries[1].expires, 9);
	assert_true(acme->entries.entries[1].disabled);
	assert_true(document.accounts[1].has_entries);
	assert_int_equal(document.accounts[1].entries.count, 0);
	assert_int_equal(document.accounts[1].mode, AG_MODE_OFF);
	assert_int_equal(document.list_count, 2);
	assert_string_equal(document.lists[0].entries.entries[0].note, "h\"q");
	assert_null(document.lists[0].entries.entries[1].note);
	assert_true(document.lists[1].has_entries);
	assert_int_equal(document.lists[1].entries.count, 0);
	policydoc_clear(&document);
}

static void an_empty_host_is_written(void **state)
{
	CLEANUP(buffer_clear) struct buffer text = {0};
	struct policydoc_writer writer = {.out = &text};
	struct policydoc document;

	(void)state;
	policydoc_write_begin(&writer, POLICYDOC_ACCOUNTS);
	policydoc_write_accounts(&writer);
	policydoc_write_end(&writer);
	assert_string_equal(text.data, "{\n  \"scope\": \"accounts\",\n  \"accounts\": []\n}\n");
	take(text.data, &document);
	assert_false(document.has_lists);
	policydoc_clear(&document);
	buffer_clear(&text);
	policydoc_write_begin(&writer, POLICYDOC_HOST);
	policydoc_write_lists(&writer);
	policydoc_write_accounts(&writer);
	policydoc_write_end(&writer);
	assert_string_equal(text.data,
			    "{\n  \"scope\": \"host\",\n  \"lists\": [],\n  \"accounts\": []\n}\n");
	take(text.data, &document);
	assert_true(document.has_lists);
	policydoc_clear(&document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_read),
		cmocka_unit_test(absent_is_not_empty),
		cmocka_unit_test(no_json_is_refused),
		cmocka_unit_test(places_are_named),
		cmocka_unit_test(what_stands_twice_is_wrong_the_second_time),
		cmocka_unit_test(lists_are_read),
		cmocka_unit_test(lists_twice_and_too_many_are_refused),
		cmocka_unit_test(all_that_is_wrong_is_named),
		cmocka_unit_test(many_wrong_places_end_the_reading),
		cmocka_unit_test(limits_are_kept),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(an_empty_host_is_written),
	};

	return cmocka_run_group_tests_name("policydoc", tests, NULL, NULL);
}
