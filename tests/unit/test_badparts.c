// SPDX-License-Identifier: GPL-2.0-only
/* test_badparts.c - what is bad of a text, as one error */
#include "userspace/core/badparts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/core/error.h"

static void add(struct badparts *bad, size_t number, const char *which, enum error_code code)
{
	struct ag_error problem = {0};

	(void)error_set(&problem, code, "it is wrong");
	badparts_add(bad, number, which, &problem);
}

static void check(struct badparts *bad, enum error_code code, const char *says)
{
	struct ag_error error = {0};

	assert_true(badparts_finish(bad, &error) < 0);
	assert_int_equal(error.code, code);
	assert_string_equal(error.message, says);
}

static void nothing_is_no_error(void **state)
{
	struct badparts bad = {.one = "line", .many = "lines"};

	(void)state;
	assert_int_equal(badparts_finish(&bad, NULL), 0);
	assert_false(badparts_enough(&bad));
}

static void the_first_is_explained(void **state)
{
	struct badparts bad = {.one = "entry", .many = "entries"};

	(void)state;
	add(&bad, 2, "192.0.2.1/33", ERROR_BAD_PREFIX);
	check(&bad, ERROR_BAD_PREFIX, "entry 2, 192.0.2.1/33: it is wrong");
	add(&bad, 7, "x", ERROR_BAD_REQUEST);
	check(&bad, ERROR_BAD_PREFIX, "entry 2, 192.0.2.1/33: it is wrong (bad too: entry 7)");
	add(&bad, 3, NULL, ERROR_BAD_REQUEST);
	check(&bad, ERROR_BAD_PREFIX, "entry 2, 192.0.2.1/33: it is wrong (bad too: entries 3, 7)");
}

static void only_so_many_are_named(void **state)
{
	struct badparts bad = {.one = "line", .many = "lines"};

	(void)state;
	for (size_t i = 1; i <= BADPARTS_NAMED + 3; i++)
		add(&bad, i, NULL, ERROR_BAD_REQUEST);
	check(&bad, ERROR_BAD_REQUEST,
	      "line 1: it is wrong (bad too: lines 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, "
	      "18, 19, 20 and 3 more)");
}

/* What is said first is kept within the error, with all the numbers behind it. */
static void many_end_the_reading(void **state)
{
	struct badparts bad = {.one = "entry", .many = "entries"};
	struct ag_error problem = {0}, error = {0};

	(void)state;
	(void)error_set(&problem, ERROR_BAD_REQUEST, "%0500d", 0);
	for (size_t i = 1; i < BADPARTS_STOP; i++)
		badparts_add(&bad, 1000000 + i, NULL, &problem);
	assert_false(badparts_enough(&bad));
	badparts_add(&bad, 2000000, NULL, &problem);
	assert_true(badparts_enough(&bad));
	assert_true(badparts_finish(&bad, &error) < 0);
	assert_non_null(strstr(error.message, "(bad too: entries 1000002, "));
	assert_non_null(strstr(error.message, "1000020 and many more)"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_no_error),
		cmocka_unit_test(the_first_is_explained),
		cmocka_unit_test(only_so_many_are_named),
		cmocka_unit_test(many_end_the_reading),
	};

	return cmocka_run_group_tests_name("badparts", tests, NULL, NULL);
}
