/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shortlist.h - an account's short lists as lines of ag_lines, and back
 *
 * Pure. A list is short where its entries of one family fit AG_LINES4_MAX or AG_LINES6_MAX lines. Encoding
 * sorts: longest prefix first, then by prefix_compare(). Decoding drops the repeats that fill the last line.
 *
 * Expiries stand apart, in lines behind those of both families (ag_expiry_lines()), one a position. Functions
 * take the family's own part of them, shortlist_expiries(), or NULL where the block has none. When an entry
 * was last seen is carried both ways, and is the one thing that changes while packets read the lines.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "bpf/ag_abi.h"
#include "userspace/core/compile.h"

/* Lines for that many entries of a family: 0 for none, SHORTLIST_TOO_LONG where it is no short list. */
#define SHORTLIST_TOO_LONG 0xffU
uint8_t shortlist_lines(enum ag_family family, size_t count);
/* Whether any of them expires: then the block has lines of expiries. */
bool shortlist_expires(const struct compiled_entry *entries, size_t count);
/* A family's part of a block's expiries, which begin at `lines`; lines4 is how many lines IPv4's entries
 * have. */
static inline uint32_t *shortlist_expiries(enum ag_family family, struct ag_line *lines, uint8_t lines4)
{
	return &lines->expiries[0] + (family == AG_FAMILY_IPV4 ? 0 : lines4 * AG_LINE4_ENTRIES);
}
/*
 * `lines` has room for shortlist_lines(), `expiries` for as many as those have entries. The entries' order is
 * free, and they are of that family. -E2BIG for too many; -EINVAL for one that expires without `expiries`.
 */
int shortlist_encode(enum ag_family family, const struct compiled_entry *entries, size_t count,
		     struct ag_line *lines, uint32_t *expiries);
/*
 * Sorted by prefix_compare(); the caller frees *ret, NULL for none. -EBADMSG for what shortlist_encode()
 * never writes (order, lengths, bits beyond them, expiries that are not marked), -ENOMEM.
 */
int shortlist_decode(enum ag_family family, const struct ag_line *lines, size_t line_count,
		     const uint32_t *expiries, struct compiled_entry **ret, size_t *ret_count);
/* The entry that decides: the first match that has not expired at `now`, as the program looks for it. False
 * where there is none. */
bool shortlist_match(const struct ag_line *lines, size_t line_count, const uint32_t *expiries,
		     const struct addr *source, int64_t now, struct compiled_entry *ret);
