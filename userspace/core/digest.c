// SPDX-License-Identifier: GPL-2.0-only
/*
 * digest.c - SHA-256 over a sequence of fields
 *
 * A field is its length as eight bytes in network order, then its bytes; a number is
 * a field of eight bytes in network order. Stores keep these digests: this never changes.
 */
#include "userspace/core/digest.h"

#include <stdio.h>
#include <string.h>

static void update_u64(struct digest *digest, uint64_t value)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(value >> (56 - 8 * i));
	sha256_update(&digest->context, sizeof(bytes), bytes);
}

void digest_init(struct digest *digest)
{
	sha256_init(&digest->context);
}

void digest_bytes(struct digest *digest, const void *data, size_t length)
{
	update_u64(digest, length);
	if (length)
		sha256_update(&digest->context, length, data);
}

void digest_text(struct digest *digest, const char *text)
{
	digest_bytes(digest, text, text ? strlen(text) : 0);
}

void digest_number(struct digest *digest, int64_t number)
{
	update_u64(digest, sizeof(number));
	update_u64(digest, (uint64_t)number);
}

void digest_finish(struct digest *digest, uint8_t out[DIGEST_SIZE])
{
	sha256_digest(&digest->context, DIGEST_SIZE, out);
}

void digest_hex(const uint8_t in[DIGEST_SIZE], char out[DIGEST_HEX_SIZE])
{
	for (size_t i = 0; i < DIGEST_SIZE; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", in[i]); /* always two digits */
}
