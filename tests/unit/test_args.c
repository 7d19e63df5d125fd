// SPDX-License-Identifier: GPL-2.0-only
/* test_args.c - options anywhere, values in both forms, "--", and and what is refused */
#include "userspace/core/args.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/core/error.h"

enum { JSON, NOTE, AS, NOTES };

static const struct args_option OPTIONS[] = {
	[JSON] = {"--json", NULL, "", false},
	[NOTE] = {"--note", "TEXT", "", true},
	[AS] = {"--as", "USER", "", false},
	[NOTES] = {"--notes", "N", "", false},
};

#define PARSE(ret, error, ...)                                                                               \
	parse((const char *[]){"program", __VA_ARGS__},                                                      \
	      (int)(sizeof((const char *[]){"program", __VA_ARGS__}) / sizeof(char *)), ret, error)

static int parse(const char *argv[], int argc, struct args *ret, struct ag_error *error)
{
	return args_parse(argc, (char *const *)argv, OPTIONS, sizeof(OPTIONS) / sizeof(*OPTIONS), ret, error);
}

static void options_stand_anywhere(void **state)
{
	struct args args = {0};

	(void)state;
	assert_int_equal(PARSE(&args, NULL, "--note", "a b", "allow", "--json", "add", "--as=ada", "acme"),
			 0);
	assert_int_equal(args.count, 3);
	assert_string_equal(args.arguments[0], "allow");
	assert_string_equal(args.arguments[1], "add");
	assert_string_equal(args.arguments[2], "acme");
	assert_int_equal(args.words, 3);
	assert_string_equal(args.values[NOTE], "a b");
	assert_string_equal(args.values[AS], "ada");
	assert_true(args_has(&args, JSON) && args_has(&args, NOTE) && args_has(&args, AS));
	assert_false(args_has(&args, NOTES));
	assert_null(args.values[NOTES]);
	args_clear(&args);
}

static void a_value_may_look_like_anything(void **state)
{
	struct args args = {0};

	(void)state;
	assert_int_equal(PARSE(&args, NULL, "--note", "--json", "--as", "--", "--notes=a=b"), 0);
	assert_string_equal(args.values[NOTE], "--json");
	assert_string_equal(args.values[AS], "--");
	assert_string_equal(args.values[NOTES], "a=b");
	assert_false(args_has(&args, JSON));
	assert_int_equal(args.count, 0);
	args_clear(&args);
}

static void two_dashes_end_the_options(void **state)
{
	struct args args = {0};

	(void)state;
	assert_int_equal(PARSE(&args, NULL, "audit", "--", "--json", "--", "verify"), 0);
	assert_int_equal(args.count, 4);
	assert_int_equal(args.words, 1);
	assert_string_equal(args.arguments[1], "--json");
	assert_string_equal(args.arguments[2], "--");
	assert_int_equal(args.given, 0);
	args_clear(&args);
}

static void one_dash_is_an_argument(void **state)
{
	struct args args = {0};

	(void)state;
	assert_int_equal(PARSE(&args, NULL, "replace", "-"), 0);
	assert_string_equal(args.arguments[1], "-");
	args_clear(&args);
}

static void an_empty_value_only_where_it_means_something(void **state)
{
	struct args args = {0};
	struct ag_error error = {0};

	(void)state;
	assert_int_equal(PARSE(&args, NULL, "--note=", "--json", "--json"), 0);
	assert_string_equal(args.values[NOTE], "");
	assert_true(args_has(&args, NOTE));
	args_clear(&args);
	assert_int_equal(PARSE(&args, &error, "--as="), -EINVAL);
	assert_string_equal(error.message, "--as: USER is empty");
	assert_int_equal(PARSE(&args, &error, "--as", ""), -EINVAL);
}

static void what_is_refused(void **state)
{
	static const char *const REFUSED[][2] = {
		{"--nothing", "there is no such option"},
		{"--not", "there is no such option"}, /* no abbreviations */
		{"--note", "TEXT is missing"},
		{"--json=yes", "--json takes no value"},
		{"-j", "there is no such option"},
	};
	struct args untouched = {.count = 7}, args = untouched;

	(void)state;
	for (size_t i = 0; i < sizeof(REFUSED) / sizeof(*REFUSED); i++) {
		struct ag_error error = {0};

		assert_int_equal(PARSE(&args, &error, "list", REFUSED[i][0]), -EINVAL);
		assert_int_equal(error.code, ERROR_BAD_REQUEST);
		assert_non_null(strstr(error.message, REFUSED[i][1]));
		assert_memory_equal(&args, &untouched, sizeof(args));
	}
}

static void a_value_is_given_once(void **state)
{
	struct args args = {0};
	struct ag_error error = {0};

	(void)state;
	assert_int_equal(PARSE(&args, &error, "--as", "ada", "--as=ada"), -EINVAL);
	assert_non_null(strstr(error.message, "twice"));
}

static void no_arguments_at_all(void **state)
{
	struct args args = {.count = 7};

	(void)state;
	assert_int_equal(args_parse(0, NULL, OPTIONS, 1, &args, NULL), 0);
	assert_int_equal(args.count, 0);
	args_clear(&args);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_stand_anywhere),
		cmocka_unit_test(a_value_may_look_like_anything),
		cmocka_unit_test(two_dashes_end_the_options),
		cmocka_unit_test(one_dash_is_an_argument),
		cmocka_unit_test(an_empty_value_only_where_it_means_something),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(a_value_is_given_once),
		cmocka_unit_test(no_arguments_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
