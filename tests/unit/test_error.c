// SPDX-License-Identifier: GPL-2.0-only
/* test_error.c - codes as the contract names them, and messages that stay one valid line */
#include "userspace/core/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/core/text.h"
#include "userspace/core/utf8.h"

static const struct {
	enum error_code code;
	const char *name;
	unsigned int status;
	int result;
} EXPECTED[] = {
	{ERROR_BAD_REQUEST, "bad_request", 400, -EINVAL},
	{ERROR_BAD_PREFIX, "bad_prefix", 400, -EINVAL},
	{ERROR_FORBIDDEN, "forbidden", 403, -EACCES},
	{ERROR_NOT_FOUND, "not_found", 404, -ENOENT},
	{ERROR_EXISTS, "exists", 409, -EEXIST},
	{ERROR_ORIGIN_NOT_COVERED, "origin_not_covered", 409, -EPERM},
	{ERROR_WOULD_LOCK_OUT, "would_lock_out", 409, -EPERM},
	{ERROR_WOULD_OPEN, "would_open", 409, -EPERM},
	{ERROR_CONFLICT, "conflict", 412, -ESTALE},
	{ERROR_LIMIT, "limit", 413, -E2BIG},
	{ERROR_KERNEL, "kernel", 503, -EIO},
	{ERROR_STORE, "store", 503, -EIO},
};

static void codes_are_the_contracts(void **state)
{
	(void)state;
	assert_int_equal(sizeof(EXPECTED) / sizeof(EXPECTED[0]), ERROR_CODE_MAX - 1);
	for (size_t i = 0; i < ERROR_CODE_MAX - 1; i++) {
		struct ag_error error = {.offset = 9};

		assert_string_equal(error_code_name(EXPECTED[i].code), EXPECTED[i].name);
		assert_int_equal(error_code_by_name(EXPECTED[i].name), EXPECTED[i].code);
		assert_int_equal(error_code_http_status(EXPECTED[i].code), EXPECTED[i].status);
		assert_true(strlen(error_code_title(EXPECTED[i].code)) > 0);
		assert_int_equal(error_set(&error, EXPECTED[i].code, "no. %zu", i), EXPECTED[i].result);
		assert_int_equal(error.code, EXPECTED[i].code);
		assert_int_equal(error.offset, 0);
		assert_int_equal(error_set(NULL, EXPECTED[i].code, "nobody reads this"), EXPECTED[i].result);
	}
}

static void none_is_no_error(void **state)
{
	(void)state;
	assert_string_equal(error_code_name(ERROR_NONE), "none");
	assert_int_equal(error_code_http_status(ERROR_NONE), 200);
	assert_int_equal(error_code_by_name("none"), ERROR_NONE);
	assert_int_equal(error_code_by_name("teapot"), ERROR_NONE);
	assert_int_equal(error_code_by_name(""), ERROR_NONE);
	assert_int_equal(error_code_by_name("limits"), ERROR_NONE);
}

static void message_and_offset_are_kept(void **state)
{
	struct ag_error error = {0};

	(void)state;
	assert_int_equal(error_set_at(&error, ERROR_LIMIT, 17, "at most %d, got %s", 3, "four"), -E2BIG);
	assert_string_equal(error.message, "at most 3, got four");
	assert_int_equal(error.offset, 17);
	error_prepend(&error, "entry %d", 5);
	assert_string_equal(error.message, "entry 5: at most 3, got four");
	assert_int_equal(error.offset, 17);
	assert_int_equal(error.code, ERROR_LIMIT);
	error_prepend(NULL, "nobody");
}

static void arguments_may_be_the_old_message(void **state)
{
	struct ag_error error = {0};

	(void)state;
	(void)error_set(&error, ERROR_STORE, "disk full");
	(void)error_set(&error, ERROR_KERNEL, "first: %s", error.message);
	assert_string_equal(error.message, "first: disk full");
	error_prepend(&error, "%s", error.message);
	assert_string_equal(error.message, "first: disk full: first: disk full");
}

static void message_is_one_valid_line(void **state)
{
	static const struct {
		const char *in, *out;
	} CASES[] = {
		{"two\nlines\tand \x1b[31m", "two?lines?and ?[31m"},
		{"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
		{"bad \xff\xfe, cut \xe2\x82", "bad ??, cut ??"},
		{"c1 \xc2\x85, del \x7f, ls \xe2\x80\xa8.", "c1 ?, del ?, ls ?."},
	};
	struct ag_error error = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		(void)error_set(&error, ERROR_BAD_REQUEST, "%s", CASES[i].in);
		assert_string_equal(error.message, CASES[i].out);
		error_prepend(&error, "%s", CASES[i].in);
		assert_int_equal(strncmp(error.message, CASES[i].out, strlen(CASES[i].out)), 0);
	}
}

/* A message cut in the middle of a character is still valid UTF-8. */
static void long_messages_are_cut(void **state)
{
	struct ag_error error = {0};
	char text[1201];

	(void)state;
	for (size_t i = 0; i < 1200; i += 3)
		memcpy(text + i, "\xe2\x82\xac", 3);
	text[1200] = '\0';
	for (int shift = 0; shift < 3; shift++) {
		(void)error_set(&error, ERROR_BAD_REQUEST, "%.*s%s", shift, "..", text);
		assert_in_range(strlen(error.message), 508, sizeof(error.message) - 1);
		for (const char *at = error.message; *at;) {
			uint32_t character;
			size_t length = utf8_decode(at, &character);

			assert_in_range(length, 1, 3);
			at += length;
		}
		error_prepend(&error, "%s", text);
		assert_in_range(strlen(error.message), 508, sizeof(error.message) - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_the_contracts),
		cmocka_unit_test(none_is_no_error),
		cmocka_unit_test(message_and_offset_are_kept),
		cmocka_unit_test(arguments_may_be_the_old_message),
		cmocka_unit_test(message_is_one_valid_line),
		cmocka_unit_test(long_messages_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
