/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * digest.h - SHA-256 over a sequence of fields (FIPS 180-4; libnettle)
 *
 * Each field is preceded by its length, so that no two sequences give the same bytes.
 */
#pragma once

#include <nettle/sha2.h>
#include <stdint.h>

#define DIGEST_SIZE	32
#define DIGEST_HEX_SIZE (2 * DIGEST_SIZE + 1)

struct digest {
	struct sha256_ctx context;
};

void digest_init(struct digest *digest);
void digest_bytes(struct digest *digest, const void *data, size_t length);
void digest_text(struct digest *digest, const char *text); /* NULL counts as empty */
void digest_number(struct digest *digest, int64_t number);
void digest_finish(struct digest *digest, uint8_t out[DIGEST_SIZE]);
void digest_hex(const uint8_t in[DIGEST_SIZE], char out[DIGEST_HEX_SIZE]);
