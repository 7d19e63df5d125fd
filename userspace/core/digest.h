/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * digest.h - a digest over a sequence of fields: SHA-256 (FIPS 180-4; libnettle), or a fast one for rows
 *
 * Each field is preceded by its length, so that no two sequences give the same bytes. digest_init() begins a
 * SHA-256, for what must stand against malice. digest_init_row() begins 128 bits that tell accident alone, at
 * about a tenth of the cost: there a digest is taken of a million rows at a time. digest_init_mac() begins an
 * HMAC-SHA-256 (RFC 2104) over the same bytes, which says nothing of them to who has not the key.
 */
#pragma once

#include <nettle/hmac.h>
#include <stdbool.h>
#include <stdint.h>

#define DIGEST_SIZE	32
#define DIGEST_HEX_SIZE (2 * DIGEST_SIZE + 1)

struct digest {
	enum { DIGEST_SHA256, DIGEST_ROW, DIGEST_MAC } kind;
	uint64_t lanes[2]; /* of a row */
	union {
		struct sha256_ctx sha256;
		struct hmac_sha256_ctx mac;
	};
};

void digest_init(struct digest *digest);
void digest_init_row(struct digest *digest);
void digest_init_mac(struct digest *digest, const uint8_t key[DIGEST_SIZE]);
void digest_bytes(struct digest *digest, const void *data, size_t length);
void digest_text(struct digest *digest, const char *text); /* NULL counts as empty */
void digest_number(struct digest *digest, int64_t number);
/* Of a row, the second half of the bytes is a function of the first. */
void digest_finish(struct digest *digest, uint8_t out[DIGEST_SIZE]);
/* SHA-256 of the bytes alone. */
void digest_plain(const void *data, size_t length, uint8_t out[DIGEST_SIZE]);
/* In a time that does not depend on where they differ. */
bool digest_equal(const uint8_t a[DIGEST_SIZE], const uint8_t b[DIGEST_SIZE]);
void digest_hex(const uint8_t in[DIGEST_SIZE], char out[DIGEST_HEX_SIZE]);
