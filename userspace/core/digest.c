// SPDX-License-Identifier: GPL-2.0-only
/*
 * digest.c - SHA-256 over a sequence of fields, or two lanes of 64 bits
 *
 * A field is its length as eight bytes in network order, then its bytes; a number is
 * a field of eight bytes in network order. Stores keep these digests: this never changes.
 *
 * The lanes of a row take the same words (little-endian, the last one filled up with zeros), each in the
 * manner of xxHash's rounds: multiply, add, rotate, multiply. A round is a bijection of the word for a given
 * lane and of the lane for a given word, so that two rows which differ in one word never have the same lanes.
 */
#include "userspace/core/digest.h"

#include <endian.h>
#include <nettle/memops.h>
#include <stdio.h>
#include <string.h>

#define PRIME_1 0x9e3779b185ebca87ULL
#define PRIME_2 0xc2b2ae3d27d4eb4fULL
#define PRIME_3 0x165667b19e3779f9ULL
#define PRIME_4 0x85ebca77c2b2ae63ULL

static uint64_t rotate(uint64_t value, unsigned int bits)
{
	return value << bits | value >> (64 - bits);
}

static void add_word(struct digest *digest, uint64_t word)
{
	digest->lanes[0] = rotate(digest->lanes[0] + word * PRIME_2, 31) * PRIME_1;
	digest->lanes[1] = rotate(digest->lanes[1] + word * PRIME_3, 29) * PRIME_4;
}

static void add_words(struct digest *digest, const uint8_t *data, size_t length)
{
	uint64_t word;

	for (; length >= sizeof(word); data += sizeof(word), length -= sizeof(word)) {
		memcpy(&word, data, sizeof(word));
		add_word(digest, le64toh(word));
	}
	if (!length)
		return;
	word = 0;
	memcpy(&word, data, length);
	add_word(digest, le64toh(word));
}

/* Every bit of the result depends on every bit of the value, one to one (MurmurHash3's last step). */
static uint64_t avalanche(uint64_t value)
{
	value = (value ^ value >> 33) * 0xff51afd7ed558ccdULL;
	value = (value ^ value >> 33) * 0xc4ceb9fe1a85ec53ULL;
	return value ^ value >> 33;
}

static void finish_row(const struct digest *digest, uint8_t out[DIGEST_SIZE])
{
	uint64_t words[DIGEST_SIZE / sizeof(uint64_t)];

	words[0] = avalanche(digest->lanes[0]);
	words[1] = avalanche(digest->lanes[1] ^ words[0]);
	words[2] = avalanche(words[0] + PRIME_3);
	words[3] = avalanche(words[1] + PRIME_4);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		words[i] = htole64(words[i]);
	memcpy(out, words, DIGEST_SIZE);
}

static void update_bytes(struct digest *digest, const void *data, size_t length)
{
	if (digest->kind == DIGEST_MAC)
		hmac_sha256_update(&digest->mac, length, data);
	else
		sha256_update(&digest->sha256, length, data);
}

static void update_u64(struct digest *digest, uint64_t value)
{
	uint64_t bytes = htobe64(value);

	if (digest->kind == DIGEST_ROW)
		add_word(digest, value);
	else
		update_bytes(digest, &bytes, sizeof(bytes));
}

void digest_init(struct digest *digest)
{
	digest->kind = DIGEST_SHA256;
	sha256_init(&digest->sha256);
}

void digest_init_row(struct digest *digest)
{
	digest->kind = DIGEST_ROW;
	digest->lanes[0] = PRIME_1 + PRIME_2;
	digest->lanes[1] = PRIME_3;
}

void digest_init_mac(struct digest *digest, const uint8_t key[DIGEST_SIZE])
{
	digest->kind = DIGEST_MAC;
	hmac_sha256_set_key(&digest->mac, DIGEST_SIZE, key);
}

void digest_bytes(struct digest *digest, const void *data, size_t length)
{
	update_u64(digest, length);
	if (!length)
		return;
	if (digest->kind == DIGEST_ROW)
		add_words(digest, data, length);
	else
		update_bytes(digest, data, length);
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
	if (digest->kind == DIGEST_ROW)
		finish_row(digest, out);
	else if (digest->kind == DIGEST_MAC)
		hmac_sha256_digest(&digest->mac, DIGEST_SIZE, out);
	else
		sha256_digest(&digest->sha256, DIGEST_SIZE, out);
}

void digest_plain(const void *data, size_t length, uint8_t out[DIGEST_SIZE])
{
	struct sha256_ctx context;

	sha256_init(&context);
	sha256_update(&context, length, data);
	sha256_digest(&context, DIGEST_SIZE, out);
}

bool digest_equal(const uint8_t a[DIGEST_SIZE], const uint8_t b[DIGEST_SIZE])
{
	return memeql_sec(a, b, DIGEST_SIZE) != 0;
}

void digest_hex(const uint8_t in[DIGEST_SIZE], char out[DIGEST_HEX_SIZE])
{
	for (size_t i = 0; i < DIGEST_SIZE; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", in[i]); /* always two digits */
}
