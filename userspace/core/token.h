/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * token.h - API tokens as text: "agt_0123456789ab_" and 64 hexadecimal digits
 *
 * The first part is the token's id, which is no secret: lists and the audit log show it. The second is 256
 * random bits, of which the store has the SHA-256 alone. Pure: where the bits come from is the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/core/digest.h"

#define TOKEN_SECRET_SIZE 32
#define TOKEN_ID_SIZE	  13 /* with the NUL */
#define TOKEN_TEXT_SIZE	  82 /* with the NUL */
#define TOKEN_ID_LAST	  ((INT64_C(1) << 48) - 1)

/* An id is 1 to TOKEN_ID_LAST, as text always twelve digits, in lower case. */
void token_id_format(int64_t id, char out[TOKEN_ID_SIZE]);
/* -EINVAL for anything else; *ret is untouched then. */
int token_id_parse(const char *text, int64_t *ret);

void token_format(int64_t id, const uint8_t secret[TOKEN_SECRET_SIZE], char out[TOKEN_TEXT_SIZE]);
/* The one form that token_format() makes, or -EINVAL. */
int token_parse(const char *text, int64_t *ret_id, uint8_t secret[TOKEN_SECRET_SIZE]);

/* What the store keeps of a secret. */
void token_hash(const uint8_t secret[TOKEN_SECRET_SIZE], uint8_t out[DIGEST_SIZE]);
/* Takes as long for one that is nearly right as for any other. */
bool token_matches(const uint8_t secret[TOKEN_SECRET_SIZE], const uint8_t hash[DIGEST_SIZE]);
