// SPDX-License-Identifier: GPL-2.0-only
/* test_digest.c - the digest is SHA-256 over length-prefixed fields, byte for byte */
#include "userspace/core/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void finish(struct digest *digest, char hex[DIGEST_HEX_SIZE])
{
	uint8_t out[DIGEST_SIZE];

	digest_finish(digest, out);
	digest_hex(out, hex);
}

static void no_field_is_sha256_of_nothing(void **state)
{
	struct digest digest;
	char hex[DIGEST_HEX_SIZE];

	(void)state;
	digest_init(&digest);
	finish(&digest, hex);
	/* FIPS 180-4's example vectors: the empty message */
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* Stores keep digests: the layout must not change. The value is that of
 * printf '\0\0\0\0\0\0\0\3abc\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\10\377\377\377\377\377\377\377\376' | sha256sum
 */
static void fields_have_their_layout(void **state)
{
	struct digest digest;
	char hex[DIGEST_HEX_SIZE];

	(void)state;
	digest_init(&digest);
	digest_text(&digest, "abc");
	digest_text(&digest, NULL);
	digest_number(&digest, -2);
	finish(&digest, hex);
	assert_string_equal(hex, "35bbc0049276b1f788a78e0591a9352fb84120e8105e1dc1e292068f4e52210f");
}

static void digest_of_two(const char *first, const char *second, char hex[DIGEST_HEX_SIZE])
{
	struct digest digest;

	digest_init(&digest);
	digest_text(&digest, first);
	digest_text(&digest, second);
	finish(&digest, hex);
}

static void boundaries_between_fields_count(void **state)
{
	char a[DIGEST_HEX_SIZE], b[DIGEST_HEX_SIZE], c[DIGEST_HEX_SIZE];

	(void)state;
	digest_of_two("ab", "c", a);
	digest_of_two("a", "bc", b);
	assert_string_not_equal(a, b);
	digest_of_two("abc", "", b);
	digest_of_two("", "abc", c);
	assert_string_not_equal(b, c);
	digest_of_two("abc", NULL, c);
	assert_string_equal(b, c);
}

static void numbers_differ(void **state)
{
	static const int64_t NUMBERS[] = {0, 1, -1, 256, INT64_MAX, INT64_MIN};
	char hex[6][DIGEST_HEX_SIZE];

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		struct digest digest;

		digest_init(&digest);
		digest_number(&digest, NUMBERS[i]);
		finish(&digest, hex[i]);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(hex[i], hex[j]);
	}
}

/* The value is that of Python's hmac.new(bytes(range(32)), ..., hashlib.sha256) over the same layout. */
static void macs_depend_on_their_key(void **state)
{
	uint8_t key[DIGEST_SIZE];
	struct digest digest;
	char hex[DIGEST_HEX_SIZE], other[DIGEST_HEX_SIZE];

	(void)state;
	for (unsigned int i = 0; i < DIGEST_SIZE; i++)
		key[i] = (uint8_t)i;
	digest_init_mac(&digest, key);
	digest_text(&digest, "origin");
	digest_text(&digest, "203.0.113.7");
	finish(&digest, hex);
	assert_string_equal(hex, "2cd1d2941b1515ef20b20143589b16230e316b78cf04c85b9f2b83884a461edc");
	key[31]++;
	digest_init_mac(&digest, key);
	digest_text(&digest, "origin");
	digest_text(&digest, "203.0.113.7");
	finish(&digest, other);
	assert_string_not_equal(hex, other);
}

/* One bit of one field, and its place, count in both halves; and the value never changes: stores keep it. */
static void rows_have_their_digest(void **state)
{
	char seen[65][DIGEST_HEX_SIZE];

	(void)state;
	for (unsigned int i = 0; i < 65; i++) {
		struct digest digest;

		digest_init_row(&digest);
		digest_text(&digest, "entry");
		digest_number(&digest, i < 64 ? (int64_t)(UINT64_C(1) << i) : 0);
		digest_text(&digest, "nine byte");
		finish(&digest, seen[i]);
		for (unsigned int j = 0; j < i; j++) {
			assert_memory_not_equal(seen[i], seen[j], 16);
			assert_memory_not_equal(seen[i] + 16, seen[j] + 16, 16);
		}
	}
	assert_string_equal(seen[64], "b1c51ca557a7a6a0e5ec57a87d1a495f172b75ccf5ab9978341a28aff74513d1");
}

static void boundaries_in_rows_count(void **state)
{
	static const char *const texts[][2] = {{"ab", "c"}, {"a", "bc"}, {"abc", ""}, {"", "abc"}};
	char hex[4][DIGEST_HEX_SIZE];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct digest digest;

		digest_init_row(&digest);
		digest_text(&digest, texts[i][0]);
		digest_text(&digest, texts[i][1]);
		finish(&digest, hex[i]);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(hex[i], hex[j]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_field_is_sha256_of_nothing),   cmocka_unit_test(fields_have_their_layout),
		cmocka_unit_test(boundaries_between_fields_count), cmocka_unit_test(numbers_differ),
		cmocka_unit_test(rows_have_their_digest),	   cmocka_unit_test(boundaries_in_rows_count),
		cmocka_unit_test(macs_depend_on_their_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
