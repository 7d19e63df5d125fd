// SPDX-License-Identifier: GPL-2.0-only
/* test_request.c - bodies that are taken, bodies that are refused and why; entries: test_request_entries.c */
#include "userspace/core/request.h"

#include "tests/unit/request_fixture.h"

/* A body that each kind takes, up to the closing brace. */
static const char *const GOOD[KIND_MAX] = {
	[POST_ACCOUNT] = "{\"name\":\"shop\"",
	[PATCH_ACCOUNT] = "{\"mode\":\"off\"",
	[POST_ENTRIES] = "{\"prefix\":\"192.0.2.1\"",
	[PUT_ENTRIES] = "{\"entries\":[]",
	[SERVICES] = "{\"services\":[\"192.0.2.10:443/tcp\"]",
	[USER] = "{\"name\":\"ada\"",
	[ROLE] = "{\"role\":\"admin\"",
	[INTERFACE] = "{\"interface\":\"eth0\"",
	[PATCH_ENTRY] = "{\"enabled\":false",
	[TOKEN] = "{\"user\":\"ada\",\"account\":\"shop\",\"role\":\"viewer\"",
};

static void every_kind_is_strict_about_form(void **state)
{
	static const struct {
		const char *tail;
		size_t length; /* 0: up to the NUL */
		const char *says;
	} tails[] = {
		{"", 0, "line 1"},
		{"} x", 0, "end of file expected"},
		{"}{}", 0, "end of file expected"},
		{"}\0", 2, "line 1"},
		{",}", 0, "line 1"},
		{",\"zzz\":1}", 0, "unknown field \"zzz\""},
		{",\"zzz\":1,\"yyy\":2}", 0, "\"yyy\""},
		{",\"zzz\":1,\"zzz\":2}", 0, "duplicate object key"},
		{",\"z\\nz\":1}", 0, "unknown field \"z?z\""},
		{",\"\":1}", 0, "unknown field \"\""},
		{",\"a\\u0000b\":1}", 0, "NUL"},
		{",\"a\":\"\\u0000\"}", 0, "\\u0000"},
		{",\"a\":\"\xff\"}", 0, "unable to decode byte"},
		{",\"a\":\"\xc3\"}", 0, "unable to decode byte"},
		{",\"a\":NaN}", 0, "line 1"},
		{",\"a\":99999999999999999999}", 0, "line 1"},
	};
	union any any;
	char body[256];

	(void)state;
	for (enum kind kind = 0; kind < KIND_MAX; kind++) {
		(void)snprintf(body, sizeof(body), " %s}\r\n ", GOOD[kind]);
		take(kind, body, &any);
		clear_any(kind, &any);
		for (size_t i = 0; i < COUNT(tails); i++) {
			size_t good = strlen(GOOD[kind]);
			size_t tail = tails[i].length ? tails[i].length : strlen(tails[i].tail);

			memcpy(body, GOOD[kind], good);
			memcpy(body + good, tails[i].tail, tail);
			body[good + tail] = '\0';
			refuse_bytes(kind, body, good + tail, ERROR_BAD_REQUEST, tails[i].says);
		}
		refuse(kind, "", ERROR_BAD_REQUEST, "the body is empty");
		refuse(kind, "[]", ERROR_BAD_REQUEST, "one JSON object");
		refuse(kind, "null", ERROR_BAD_REQUEST, "JSON object");
		refuse(kind, "\"text\"", ERROR_BAD_REQUEST, "JSON object");
	}
}

static void depth_is_bounded(void **state)
{
	const size_t depth = 100000;
	char *body = malloc(depth + 8);

	(void)state;
	assert_non_null(body);
	memcpy(body, "{\"a\":", 5);
	memset(body + 5, '[', depth);
	refuse_bytes(PATCH_ACCOUNT, body, depth + 5, ERROR_BAD_REQUEST, "depth");
	free(body);
}

static void many_unknown_fields_are_named_as_far_as_they_fit(void **state)
{
	char body[4096] = "{\"role\":\"admin\"";

	(void)state;
	for (unsigned int i = 0; i < 50; i++) {
		size_t used = strlen(body);

		(void)snprintf(body + used, sizeof(body) - used, ",\"field-number-%02u\":null", i);
	}
	(void)strcat(body, "}");
	refuse(ROLE, body, ERROR_BAD_REQUEST, "unknown field \"field-number-00\", \"field-number-01\"");
	refuse(ROLE, body, ERROR_BAD_REQUEST, " and others: what may stand here is \"role\"");
}

static void accounts_are_read(void **state)
{
	union any any;

	(void)state;
	take(POST_ACCOUNT, "{\"name\":\"shop\"}", &any);
	assert_true(any.account.has_name);
	assert_false(any.account.has_mode || any.account.has_on_deny || any.account.has_label);
	assert_string_equal(any.account.name, "shop");
	take(POST_ACCOUNT,
	     "{\"label\":\"B\xc3\xbc"
	     "cher\",\"mode\":\"monitor\",\"name\":\"a.b-c_9\",\"on_deny\":\"drop\"}",
	     &any);
	assert_true(any.account.has_mode && any.account.has_on_deny && any.account.has_label);
	assert_string_equal(any.account.name, "a.b-c_9");
	assert_string_equal(any.account.label, "B\xc3\xbc"
					       "cher");
	assert_int_equal(any.account.mode, AG_MODE_MONITOR);
	assert_int_equal(any.account.on_deny.kind, AG_ON_DENY_DROP);
	take(PATCH_ACCOUNT, "{\"label\":\"\"}", &any);
	assert_true(any.account.has_label);
	assert_string_equal(any.account.label, "");
	assert_false(any.account.has_name || any.account.has_mode);
	take(PATCH_ACCOUNT, "{\"mode\":\"off\"}", &any);
	assert_true(any.account.has_mode && !any.account.has_on_deny && !any.account.has_label);
	assert_int_equal(any.account.mode, AG_MODE_OFF);
	take(PATCH_ACCOUNT, "{\"on_deny\":\"notice:8080\"}", &any);
	assert_int_equal(any.account.on_deny.kind, AG_ON_DENY_NOTICE);
	assert_int_equal(any.account.on_deny.port, 8080);
	assert_true(any.account.has_on_deny && !any.account.has_mode && !any.account.has_label);
}

static void bad_accounts_are_refused(void **state)
{
	static const struct {
		enum kind kind;
		const char *body, *says;
	} cases[] = {
		{POST_ACCOUNT, "{}", "\"name\" is missing"},
		{POST_ACCOUNT, "{\"mode\":\"off\"}", "\"name\" is missing"},
		{POST_ACCOUNT, "{\"name\":\"\"}", "account name is empty"},
		{POST_ACCOUNT, "{\"name\":\"Shop\"}", "account name \"Shop\""},
		{POST_ACCOUNT, "{\"name\":7}", "\"name\" must be a string"},
		{POST_ACCOUNT, "{\"name\":null}", "\"name\" must be a string"},
		{POST_ACCOUNT, "{\"name\":\"shop\",\"mode\":\"on\"}", "no such mode, \"on\""},
		{POST_ACCOUNT, "{\"name\":\"shop\",\"mode\":true}", "\"mode\" must be a string"},
		{POST_ACCOUNT, "{\"name\":\"shop\",\"on_deny\":\"answer\"}", "no such on-deny action"},
		{PATCH_ACCOUNT, "{\"on_deny\":\"notice\"}", "notice:8080"},
		{POST_ACCOUNT, "{\"name\":\"shop\",\"on_deny\":[]}", "\"on_deny\" must be a string"},
		{POST_ACCOUNT, "{\"name\":\"shop\",\"label\":\"a\\nb\"}", "label"},
		{POST_ACCOUNT, "{\"name\":\"shop\",\"label\":{}}", "\"label\" must be a string"},
		{PATCH_ACCOUNT, "{}", "\"mode\", \"on_deny\" or \"label\""},
		{PATCH_ACCOUNT, "{\"name\":\"shop\",\"mode\":\"off\"}", "unknown field \"name\""},
	};
	char body[512], name[300];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		refuse(cases[i].kind, cases[i].body, ERROR_BAD_REQUEST, cases[i].says);
	memset(name, 'a', sizeof(name));
	(void)snprintf(body, sizeof(body), "{\"name\":\"%.64s\"}", name);
	refuse(POST_ACCOUNT, body, ERROR_BAD_REQUEST, "too long");
	(void)snprintf(body, sizeof(body), "{\"label\":\"%.257s\"}", name);
	refuse(PATCH_ACCOUNT, body, ERROR_BAD_REQUEST, "label is too long");
}

/* The longest of each must fit its array: 63 bytes, 256 characters of four bytes. */
static void the_longest_names_and_labels_fit(void **state)
{
	union any any;
	char body[2048] = "{\"label\":\"";

	(void)state;
	for (unsigned int i = 0; i < NOTE_MAX_CHARS; i++)
		(void)strcat(body, "\xf0\x9f\x94\x92");
	(void)strcat(body, "\"}");
	take(PATCH_ACCOUNT, body, &any);
	assert_int_equal(strlen(any.account.label), NOTE_SIZE - 1);
	(void)snprintf(body, sizeof(body), "{\"name\":\"%063d\"}", 0);
	take(POST_ACCOUNT, body, &any);
	assert_int_equal(strlen(any.account.name), NAME_SIZE - 1);
}

static void services_are_read(void **state)
{
	union any any;
	char text[SERVICE_TEXT_MAX];

	(void)state;
	take(SERVICES, "{\"services\":[\"[2001:db8::10]:443\",\"192.0.2.10:443/tcp\"]}", &any);
	assert_int_equal(any.count, 2);
	service_format(&any.services[0], text);
	assert_string_equal(text, "192.0.2.10:443/tcp");
	service_format(&any.services[1], text);
	assert_string_equal(text, "[2001:db8::10]:443");
	free(any.services);
	refuse(SERVICES, "{}", ERROR_BAD_REQUEST, "\"services\" is missing");
	refuse(SERVICES, "{\"services\":[]}", ERROR_BAD_REQUEST, "\"services\" is empty");
	refuse(SERVICES, "{\"services\":\"192.0.2.1\"}", ERROR_BAD_REQUEST, "\"services\" must be an array");
	refuse(SERVICES, "{\"services\":[\"192.0.2.1\",7]}", ERROR_BAD_REQUEST, "service 2 must be a string");
	refuse(SERVICES, "{\"services\":[\"192.0.2.1\",\"192.0.2.1:65536\"]}", ERROR_BAD_REQUEST,
	       "service 2, 192.0.2.1:65536: ");
	refuse(SERVICES, "{\"services\":[\"192.0.2.1\",\"192.0.2.2\",\"192.0.2.1/32:any/any\"]}",
	       ERROR_BAD_REQUEST, "192.0.2.1 stands twice");
}

static void users_are_read(void **state)
{
	static const char *const bad_uids[] = {"-1",	"4294967295", "4294967296", "1.5",
					       "\"7\"", "true",	      "[]"};
	union any any;
	char body[128];

	(void)state;
	take(USER, "{\"name\":\"ada\"}", &any);
	assert_string_equal(any.user.name, "ada");
	assert_int_equal(any.user.uid, -1);
	assert_false(any.user.operator_ || any.user.delegate);
	take(USER, "{\"name\":\"ops\",\"uid\":0,\"operator\":true,\"delegate\":false}", &any);
	assert_int_equal(any.user.uid, 0);
	assert_true(any.user.operator_ && !any.user.delegate);
	take(USER, "{\"name\":\"web\",\"uid\":4294967294,\"operator\":false,\"delegate\":true}", &any);
	assert_true(any.user.uid == 4294967294);
	assert_true(!any.user.operator_ && any.user.delegate);
	take(USER, "{\"name\":\"web\",\"uid\":null}", &any);
	assert_int_equal(any.user.uid, -1);
	for (size_t i = 0; i < COUNT(bad_uids); i++) {
		(void)snprintf(body, sizeof(body), "{\"name\":\"ada\",\"uid\":%s}", bad_uids[i]);
		refuse(USER, body, ERROR_BAD_REQUEST,
		       "\"uid\" must be a number from 0 to 4294967294, or null");
	}
	refuse(USER, "{}", ERROR_BAD_REQUEST, "\"name\" is missing");
	refuse(USER, "{\"name\":\"a b\"}", ERROR_BAD_REQUEST, "user name");
	refuse(USER, "{\"name\":\"ada\",\"operator\":1}", ERROR_BAD_REQUEST,
	       "\"operator\" must be true or false");
	refuse(USER, "{\"name\":\"ada\",\"delegate\":\"yes\"}", ERROR_BAD_REQUEST,
	       "\"delegate\" must be true or false");
}

static void roles_are_read(void **state)
{
	union any any;

	(void)state;
	take(ROLE, "{\"role\":\"viewer\"}", &any);
	assert_int_equal(any.role, ROLE_VIEWER);
	refuse(ROLE, "{}", ERROR_BAD_REQUEST, "\"role\" is missing");
	refuse(ROLE, "{\"role\":\"none\"}", ERROR_BAD_REQUEST, "viewer or admin");
	refuse(ROLE, "{\"role\":2}", ERROR_BAD_REQUEST, "\"role\" must be a string");
}

static void interfaces_are_read(void **state)
{
	static const char *const bad[] = {
		"", ".", "..", "a/b", "a b", "a:b", "a\\tb", "a\\u007fb", "0123456789abcdef"};
	union any any;
	char body[128];

	(void)state;
	take(INTERFACE, "{\"interface\":\"eth0\"}", &any);
	assert_string_equal(any.interface.interface, "eth0");
	assert_string_equal(any.interface.mode, "auto");
	take(INTERFACE, "{\"mode\":\"generic\",\"interface\":\"0123456789abcde\"}", &any);
	assert_string_equal(any.interface.interface, "0123456789abcde");
	assert_string_equal(any.interface.mode, "generic");
	take(INTERFACE, "{\"mode\":\"native\",\"interface\":\"br-1.5@\"}", &any);
	assert_string_equal(any.interface.mode, "native");
	for (size_t i = 0; i < COUNT(bad); i++) {
		(void)snprintf(body, sizeof(body), "{\"interface\":\"%s\"}", bad[i]);
		refuse(INTERFACE, body, ERROR_BAD_REQUEST, "no name of an interface");
	}
	refuse(INTERFACE, "{}", ERROR_BAD_REQUEST, "\"interface\" is missing");
	refuse(INTERFACE, "{\"interface\":\"eth0\",\"mode\":\"hw\"}", ERROR_BAD_REQUEST,
	       "auto, native or generic");
}

#define FOR_ADA "{\"user\":\"ada\",\"account\":\"shop\",\"role\":\"admin\""

static void tokens_are_read(void **state)
{
	union any any;

	(void)state;
	take(TOKEN, FOR_ADA "}", &any);
	assert_string_equal(any.token.user, "ada");
	assert_string_equal(any.token.account, "shop");
	assert_int_equal(any.token.role, ROLE_ADMIN);
	assert_false(any.token.has_expires);
	assert_string_equal(any.token.note, "");
	take(TOKEN, FOR_ADA ",\"expires\":null,\"note\":\"n\"}", &any);
	assert_true(any.token.has_expires);
	assert_int_equal(any.token.expires, 0);
	assert_string_equal(any.token.note, "n");
	take(TOKEN, FOR_ADA ",\"expires\":\"1970-01-01T00:00:09Z\"}", &any);
	assert_int_equal(any.token.expires, 9);
}

static void bad_tokens_are_refused(void **state)
{
	(void)state;
	refuse(TOKEN, "{}", ERROR_BAD_REQUEST, "\"user\" is missing");
	refuse(TOKEN, "{\"user\":\"ada\"}", ERROR_BAD_REQUEST, "\"account\" is missing");
	refuse(TOKEN, "{\"user\":\"ada\",\"account\":\"shop\"}", ERROR_BAD_REQUEST, "\"role\" is missing");
	refuse(TOKEN, "{\"user\":\"Ada\",\"account\":\"shop\",\"role\":\"admin\"}", ERROR_BAD_REQUEST,
	       "user name");
	refuse(TOKEN, "{\"user\":\"ada\",\"account\":\"shop\",\"role\":\"operator\"}", ERROR_BAD_REQUEST,
	       "operator");
	refuse(TOKEN, FOR_ADA ",\"expires\":\"90d\"}", ERROR_BAD_REQUEST, "90d");
	refuse(TOKEN, FOR_ADA ",\"expires\":\"1970-01-01T00:00:00Z\"}", ERROR_BAD_REQUEST, "");
	refuse(TOKEN, FOR_ADA ",\"expires\":0}", ERROR_BAD_REQUEST, "must be a string");
	refuse(TOKEN, FOR_ADA ",\"note\":\"a\\nb\"}", ERROR_BAD_REQUEST, "note");
	refuse(TOKEN, FOR_ADA ",\"id\":\"0123456789ab\"}", ERROR_BAD_REQUEST, "unknown field \"id\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_are_read),
		cmocka_unit_test(bad_tokens_are_refused),
		cmocka_unit_test(every_kind_is_strict_about_form),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(many_unknown_fields_are_named_as_far_as_they_fit),
		cmocka_unit_test(accounts_are_read),
		cmocka_unit_test(bad_accounts_are_refused),
		cmocka_unit_test(the_longest_names_and_labels_fit),
		cmocka_unit_test(services_are_read),
		cmocka_unit_test(users_are_read),
		cmocka_unit_test(roles_are_read),
		cmocka_unit_test(interfaces_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
