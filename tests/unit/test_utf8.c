// SPDX-License-Identifier: GPL-2.0-only
/* test_utf8.c - every character, and what is none */
#include "userspace/core/utf8.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/bad_utf8.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void decoder_takes_every_character(void **state)
{
	(void)state;
	for (uint32_t c = 1; c <= 0x10ffff; c++) {
		char text[5] = {0};
		uint32_t decoded = 0;
		size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
		static const unsigned int LEADS[] = {0, 0, 0xc0, 0xe0, 0xf0};

		for (size_t i = 0; i < length; i++)
			text[i] = (char)(0x80 | ((c >> (6 * (length - 1 - i))) & 0x3f));
		text[0] = (char)(length == 1 ? c : LEADS[length] | (c >> (6 * (length - 1))));
		if (c >= 0xd800 && c <= 0xdfff) {
			assert_int_equal(utf8_decode(text, &decoded), 0);
			continue;
		}
		assert_int_equal(utf8_decode(text, &decoded), length);
		assert_int_equal(decoded, c);
	}
}

static void decoder_is_strict(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(BAD_UTF8); i++) {
		uint32_t decoded = 77;

		assert_int_equal(utf8_decode(BAD_UTF8[i], &decoded), 0);
		assert_int_equal(decoded, 77);
	}
}

static void controls_are_told(void **state)
{
	static const uint32_t CONTROLS[] = {0,	  1,	'\n', '\t', 0x1b,   0x1f,
					    0x7f, 0x80, 0x85, 0x9f, 0x2028, 0x2029};
	static const uint32_t OTHERS[] = {' ', '~', 0xa0, 0xfc, 0x2027, 0x202a, 0x4e00, 0x10ffff};

	(void)state;
	for (size_t i = 0; i < COUNT(CONTROLS); i++)
		assert_true(character_is_control(CONTROLS[i]));
	for (size_t i = 0; i < COUNT(OTHERS); i++)
		assert_false(character_is_control(OTHERS[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decoder_takes_every_character),
		cmocka_unit_test(decoder_is_strict),
		cmocka_unit_test(controls_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
