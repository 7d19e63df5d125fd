/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * listtext.h - an allowlist as text: what `allow export` writes, and `allow replace` and the API's text/plain
 * read
 *
 *	PREFIX [allow|deny] [disabled] [expires=TIME] [# note]
 *
 * Instead of a PREFIX @NAME refers to a named list.
 *
 * One entry a line; blank lines and lines of only a comment are skipped; lines may end in CRLF. The words
 *behind the prefix are read in any order, each once; a time is RFC 3339, and may be in the past. The first
 *'#' behind a blank starts the note, which is taken as it stands but for one blank in front. What is written
 *can be read back to the same list, but for who added an entry and when, and when it was last seen, which is
 *not written.
 */
#pragma once

#include <stddef.h>

#include "userspace/core/buffer.h"
#include "userspace/core/policy.h"

struct ag_error;

#define LISTTEXT_LINE_MAX 2048 /* bytes, without the end of the line */

/*
 * *ret gets a sorted list, which the caller clears; untouched on failure. Bad lines are ERROR_BAD_REQUEST or
 * ERROR_BAD_PREFIX: what is wrong with the first one, the numbers of those behind it, and how
 * many more there are (badparts.h). A prefix that stands twice is one. Over `limit` entries: ERROR_LIMIT.
 * Uses nothing but its arguments, so that any thread may call it.
 */
int listtext_parse(const char *text, size_t length, size_t limit, struct list *ret, struct ag_error *error);
/* Appends the entry's line; the buffer remembers a failure. */
void listtext_format(const struct entry *entry, struct buffer *out);
