// SPDX-License-Identifier: GPL-2.0-only
/* test_choice.c - one word out of a table */
#include "userspace/core/choice.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/core/error.h"

static const char *const words[] = {"red", "green", "blue"};

static void every_word_has_its_index(void **state)
{
	size_t index = 99;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(choice_parse("colour", words, 3, words[i], &index, NULL), 0);
		assert_int_equal(index, i);
	}
}

static void other_words_are_refused(void **state)
{
	static const char *const bad[] = {"", "re", "redd", "Red", "red ", "grey"};
	size_t index = 99;
	struct ag_error error;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(choice_parse("colour", words, 3, bad[i], &index, &error), -EINVAL);
		assert_int_equal(error.code, ERROR_BAD_REQUEST);
		assert_int_equal(index, 99);
	}
	assert_string_equal(error.message, "no such colour, \"grey\": use red, green or blue");
	(void)choice_parse("colour", words, 1, "grey", &index, &error);
	assert_string_equal(error.message, "no such colour, \"grey\": use red");
}

static void count_bounds_the_table(void **state)
{
	size_t index = 99;

	(void)state;
	assert_int_equal(choice_parse("colour", words, 2, "blue", &index, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_word_has_its_index),
		cmocka_unit_test(other_words_are_refused),
		cmocka_unit_test(count_bounds_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
