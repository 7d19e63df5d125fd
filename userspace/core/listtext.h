/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * listtext.h - an allowlist as text: what `allow export` writes and `allow replace` reads
 *
 *	PREFIX [allow|deny] [# note]
 *
 * One entry a line; blank lines and lines of only a comment are skipped; lines may end in CRLF. The first '#'
 *behind a blank starts the note, which is taken as it stands but for one blank in front. What is written can
 *be read back to the same list, but for who added an entry and when, which is not written.
 */
#pragma once

#include <stddef.h>

#include "userspace/core/buffer.h"
#include "userspace/core/policy.h"

struct ag_error;

#define LISTTEXT_LINE_MAX 2048 /* bytes, without the end of the line */

/*
 * *ret gets a sorted list, which the caller clears; untouched on failure. Every bad line becomes a line of
 * `problems`
 * ("line 3: ..."), and the first of them the error, with its code (ERROR_BAD_REQUEST, ERROR_BAD_PREFIX) and
 * how many more there are. A prefix that stands twice is one. How long the text may be is the caller's
 * business.
 */
int listtext_parse(const char *text, size_t length, struct list *ret, struct buffer *problems,
		   struct ag_error *error);
/* Appends the entry's line; the buffer remembers a failure. */
void listtext_format(const struct entry *entry, struct buffer *out);
