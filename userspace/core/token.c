// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/core/token.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PREFIX	      "agt_"
#define ID_DIGITS     (TOKEN_ID_SIZE - 1)
#define SECRET_DIGITS ((size_t)2 * TOKEN_SECRET_SIZE)

_Static_assert(TOKEN_TEXT_SIZE == sizeof(PREFIX) + ID_DIGITS + 1 + SECRET_DIGITS, "a token's text fits");

/* -1 for what is no digit in lower case: one token has one text. */
static int digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return -1;
}

static int parse_digits(const char *text, size_t count, uint8_t *out)
{
	for (size_t i = 0; i < count; i++) {
		int value = digit_value(text[i]);

		if (value < 0)
			return -EINVAL; /* the NUL too, so that nothing is read behind it */
		out[i / 2] = (uint8_t)(i % 2 ? out[i / 2] | value : value << 4);
	}
	return 0;
}

static int parse_id(const char *text, int64_t *ret)
{
	uint8_t bytes[ID_DIGITS / 2] = {0};
	int64_t id = 0;

	if (parse_digits(text, ID_DIGITS, bytes))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(bytes); i++)
		id = id << 8 | bytes[i];
	if (!id)
		return -EINVAL;
	*ret = id;
	return 0;
}

void token_id_format(int64_t id, char out[TOKEN_ID_SIZE])
{
	(void)snprintf(out, TOKEN_ID_SIZE, "%012" PRIx64, (uint64_t)(id & TOKEN_ID_LAST));
}

int token_id_parse(const char *text, int64_t *ret)
{
	return strlen(text) == ID_DIGITS ? parse_id(text, ret) : -EINVAL;
}

void token_format(int64_t id, const uint8_t secret[TOKEN_SECRET_SIZE], char out[TOKEN_TEXT_SIZE])
{
	char *at = out + strlen(PREFIX);

	memcpy(out, PREFIX, sizeof(PREFIX));
	token_id_format(id, at);
	at += ID_DIGITS;
	*at++ = '_';
	digest_hex(secret, at);
}

int token_parse(const char *text, int64_t *ret_id, uint8_t secret[TOKEN_SECRET_SIZE])
{
	const char *id;
	int64_t number;

	if (strlen(text) != TOKEN_TEXT_SIZE - 1 || strncmp(text, PREFIX, strlen(PREFIX)) != 0)
		return -EINVAL;
	id = text + strlen(PREFIX);
	if (parse_id(id, &number) || id[ID_DIGITS] != '_' ||
	    parse_digits(id + ID_DIGITS + 1, SECRET_DIGITS, secret))
		return -EINVAL;
	*ret_id = number;
	return 0;
}

void token_hash(const uint8_t secret[TOKEN_SECRET_SIZE], uint8_t out[DIGEST_SIZE])
{
	digest_plain(secret, TOKEN_SECRET_SIZE, out);
}

bool token_matches(const uint8_t secret[TOKEN_SECRET_SIZE], const uint8_t hash[DIGEST_SIZE])
{
	uint8_t own[DIGEST_SIZE];

	token_hash(secret, own);
	return digest_equal(own, hash);
}
