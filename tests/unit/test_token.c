// SPDX-License-Identifier: GPL-2.0-only
/* test_token.c - tokens as text, and what is kept of them */
#include "userspace/core/token.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ZEROS	     "0000000000000000000000000000000000000000000000000000000000000000"
#define GOOD	     "agt_0000000000ff_" ZEROS

static void a_token_is_read_as_it_was_written(void **state)
{
	static const int64_t ids[] = {1, 255, 0x0123456789ab, TOKEN_ID_LAST};
	uint8_t secret[TOKEN_SECRET_SIZE], got[TOKEN_SECRET_SIZE];
	char text[TOKEN_TEXT_SIZE], id_text[TOKEN_ID_SIZE];
	int64_t id = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)(i * 37 + 200);
	for (size_t i = 0; i < COUNT(ids); i++) {
		token_format(ids[i], secret, text);
		assert_int_equal(strlen(text), TOKEN_TEXT_SIZE - 1);
		assert_int_equal(token_parse(text, &id, got), 0);
		assert_int_equal(id, ids[i]);
		assert_memory_equal(got, secret, sizeof(secret));
		token_id_format(ids[i], id_text);
		assert_memory_equal(text + 4, id_text, TOKEN_ID_SIZE - 1);
		assert_int_equal(token_id_parse(id_text, &id), 0);
		assert_int_equal(id, ids[i]);
	}
	assert_int_equal(token_parse(GOOD, &id, got), 0);
	assert_int_equal(id, 255);
}

/* One token has one text, so that nothing is let in that was not given out. */
static void what_is_no_token_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"agt_",
		"agt_0000000000ff",
		"agt_0000000000ff_",
		"AGT_0000000000ff_" ZEROS,
		"agt-0000000000ff_" ZEROS,
		"agt_0000000000FF_" ZEROS,
		"agt_000000000000_" ZEROS,
		"agt_0000000000ff-" ZEROS,
		"agt_0000000000ff_" ZEROS "0",
		" agt_0000000000ff_" ZEROS,
		"agt_0000000000ff_000000000000000000000000000000000000000000000000000000000000000",
		"agt_0000000000ff_000000000000000000000000000000000000000000000000000000000000000g",
		"agt_0000000000ff_000000000000000000000000000000000000000000000000000000000000000A",
		"agt_00000000 0ff_" ZEROS,
	};
	uint8_t secret[TOKEN_SECRET_SIZE];
	int64_t id = 7;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(token_parse(bad[i], &id, secret), -EINVAL);
	assert_int_equal(token_id_parse("", &id), -EINVAL);
	assert_int_equal(token_id_parse("ff", &id), -EINVAL);
	assert_int_equal(token_id_parse("000000000000", &id), -EINVAL);
	assert_int_equal(token_id_parse("0000000000fF", &id), -EINVAL);
	assert_int_equal(token_id_parse("00000000000ff", &id), -EINVAL);
	assert_int_equal(id, 7);
}

static void the_secret_alone_matches(void **state)
{
	uint8_t secret[TOKEN_SECRET_SIZE] = {0}, hash[DIGEST_SIZE];
	char hex[DIGEST_HEX_SIZE];

	(void)state;
	token_hash(secret, hash);
	digest_hex(hash, hex);
	/* head -c 32 /dev/zero | sha256sum */
	assert_string_equal(hex, "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925");
	assert_true(token_matches(secret, hash));
	for (size_t i = 0; i < sizeof(secret) * 8; i++) {
		secret[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(token_matches(secret, hash));
		secret[i / 8] ^= (uint8_t)(1 << i % 8);
		hash[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(token_matches(secret, hash));
		hash[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_true(token_matches(secret, hash));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_read_as_it_was_written),
		cmocka_unit_test(what_is_no_token_is_refused),
		cmocka_unit_test(the_secret_alone_matches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
