// SPDX-License-Identifier: GPL-2.0-only
/* test_buffer.c - growth, the limit, and failures that are remembered */
#include "userspace/core/buffer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* So that a request for more memory than there is returns NULL as it does without the sanitiser. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void appends_and_prints(void **state)
{
	struct buffer buffer = {0};

	(void)state;
	assert_int_equal(buffer_append(&buffer, "", 0), 0);
	assert_string_equal(buffer.data, "");
	assert_int_equal(buffer_append(&buffer, "a\0b", 3), 0);
	assert_int_equal(buffer_print(&buffer, "%d-%s", 12, "x"), 0);
	assert_int_equal(buffer.length, 7);
	assert_memory_equal(buffer.data, "a\0b12-x", 8);
	assert_int_equal(buffer.failed, 0);
	buffer_clear(&buffer);
	assert_null(buffer.data);
	assert_int_equal(buffer.length, 0);
	buffer_clear(&buffer);
}

static void grows_by_doubling(void **state)
{
	struct buffer buffer = {0};
	size_t capacity = 0;
	unsigned int growths = 0;

	(void)state;
	for (unsigned int i = 0; i < 100000; i++) {
		assert_int_equal(buffer_append(&buffer, "0123456789" + i % 10, 1), 0);
		growths += buffer.capacity != capacity;
		capacity = buffer.capacity;
		assert_int_equal(buffer.data[buffer.length], '\0');
	}
	assert_in_range(growths, 2, 17);
	assert_int_equal(buffer.length, 100000);
	for (size_t i = 0; i < buffer.length; i++)
		assert_int_equal(buffer.data[i], '0' + i % 10);
	assert_int_equal(buffer_print(&buffer, "%*d", 300000, 7), 0);
	assert_int_equal(buffer.length, 400000);
	assert_int_equal(buffer.data[399999], '7');
	buffer_clear(&buffer);
}

static void limit_is_exact_and_remembered(void **state)
{
	struct buffer buffer = {.limit = 10};

	(void)state;
	assert_int_equal(buffer_append(&buffer, "01234", 5), 0);
	assert_int_equal(buffer_print(&buffer, "%s", "56789"), 0);
	assert_int_equal(buffer_append(&buffer, "x", 1), -EFBIG);
	assert_string_equal(buffer.data, "0123456789");
	assert_int_equal(buffer.failed, -EFBIG);
	assert_int_equal(buffer_append(&buffer, "", 0), -EFBIG);
	assert_int_equal(buffer_print(&buffer, "%s", ""), -EFBIG);
	assert_string_equal(buffer.data, "0123456789");
	buffer_clear(&buffer);
	assert_int_equal(buffer.limit, 10);
	assert_int_equal(buffer.failed, 0);
	assert_int_equal(buffer_print(&buffer, "%s", "0123456789x"), -EFBIG);
	assert_int_equal(buffer.length, 0);
	buffer_clear(&buffer);
}

static void sizes_do_not_wrap(void **state)
{
	struct buffer buffer = {0};

	(void)state;
	assert_int_equal(buffer_append(&buffer, "abc", 3), 0);
	assert_int_equal(buffer_append(&buffer, "x", SIZE_MAX), -EFBIG);
	assert_string_equal(buffer.data, "abc");
	buffer_clear(&buffer);
	assert_int_equal(buffer_append(&buffer, "x", SIZE_MAX), -EFBIG);
	buffer_clear(&buffer);
}

static void no_memory_is_remembered(void **state)
{
	struct buffer buffer = {0};

	(void)state;
	assert_int_equal(buffer_append(&buffer, "abc", 3), 0);
	assert_int_equal(buffer_append(&buffer, "x", SIZE_MAX / 4), -ENOMEM);
	assert_string_equal(buffer.data, "abc");
	assert_int_equal(buffer.length, 3);
	assert_int_equal(buffer_append(&buffer, "d", 1), -ENOMEM);
	buffer_clear(&buffer);
	assert_int_equal(buffer_append(&buffer, "d", 1), 0);
	buffer_clear(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appends_and_prints),
		cmocka_unit_test(grows_by_doubling),
		cmocka_unit_test(limit_is_exact_and_remembered),
		cmocka_unit_test(sizes_do_not_wrap),
		cmocka_unit_test(no_memory_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
