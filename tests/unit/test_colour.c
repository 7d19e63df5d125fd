// SPDX-License-Identifier: GPL-2.0-only
/* test_colour.c - whole words of a verdict or a state have a colour, and no text of anybody's */
#include "userspace/core/colour.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "userspace/core/policy.h"

static void verdicts_that_stop_have_one(void **state)
{
	(void)state;
	assert_string_equal(colour_of("denied"), "\x1b[31m");
	assert_string_equal(colour_of("allowed"), "\x1b[32m");
	assert_string_equal(colour_of("would_deny"), "\x1b[33m");
	for (int verdict = 0; verdict < AG_VERDICT_NOT_JUDGED; verdict++)
		if (!verdict_passes(verdict))
			assert_non_null(colour_of(verdict_name(verdict)));
}

static void anything_else_has_none(void **state)
{
	(void)state;
	assert_null(colour_of(""));
	assert_null(colour_of("unmatched"));
	assert_null(colour_of("Denied"));
	assert_null(colour_of("denied "));
	assert_null(colour_of("denie"));
	assert_null(colour_of("denied by the office"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts_that_stop_have_one),
		cmocka_unit_test(anything_else_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
