/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shortlist.h - an account's short lists as lines of ag_lines, and back
 *
 * Pure. A list is short where its entries of one family fit AG_LINES4_MAX or AG_LINES6_MAX lines. Encoding
 * sorts: longest prefix first, then by prefix_compare(). Decoding drops the repeats that fill the last line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "bpf/ag_abi.h"
#include "userspace/core/compile.h"

/* Lines for that many entries of a family: 0 for none, SHORTLIST_TOO_LONG where it is no short list. */
#define SHORTLIST_TOO_LONG 0xffU
uint8_t shortlist_lines(enum ag_family family, size_t count);
/* `lines` has room for shortlist_lines(). The entries' order is free, and they are of that family. -ENOMEM.
 */
int shortlist_encode(enum ag_family family, const struct compiled_entry *entries, size_t count,
		     struct ag_line *lines);
/*
 * Sorted by prefix_compare(); the caller frees *ret, NULL for none. -EBADMSG for what shortlist_encode()
 * never writes (order, lengths, bits beyond them), -ENOMEM.
 */
int shortlist_decode(enum ag_family family, const struct ag_line *lines, size_t line_count,
		     struct compiled_entry **ret, size_t *ret_count);
/* The entry that decides: the first match, as the program looks for it. False where none matches. */
bool shortlist_match(const struct ag_line *lines, size_t line_count, const struct addr *source,
		     struct compiled_entry *ret);
