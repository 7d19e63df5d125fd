/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * text.h - what names, notes, times, durations and numbers may look like
 *
 * Times are whole seconds since 1970-01-01 UTC, as text RFC 3339 in UTC ("2026-01-02T03:04:05Z").
 * On failure all return the negative errno of ERROR_BAD_REQUEST, with the offset of the offending
 * byte, and leave *ret untouched.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ag_error;

#define NAME_MAX_BYTES 63
#define NAME_SIZE      (NAME_MAX_BYTES + 1)
#define NOTE_MAX_CHARS 256
#define NOTE_SIZE      (NOTE_MAX_CHARS * 4 + 1)
#define TIME_TEXT_MAX  32
/* 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z: what RFC 3339 can say. */
#define TIME_FIRST (-62167219200LL)
#define TIME_LAST  253402300799LL
/* The last expiry that the kernel's 32 bits can say: 2106-02-07T06:28:15Z. */
#define EXPIRES_LAST   ((int64_t)UINT32_MAX)
#define INTERFACE_SIZE 16 /* with the NUL: IFNAMSIZ */

/* [a-z0-9][a-z0-9._-]{0,62}; `what` ("account") names it in the error, ERROR_BAD_REQUEST. */
int name_check(const char *what, const char *name, struct ag_error *error);
/* UTF-8 (RFC 3629), at most NOTE_MAX_CHARS characters, no control characters (C0, DEL, C1), no line or
 * paragraph separators. */
int note_check(const char *what, const char *note, struct ag_error *error);
/* A time before TIME_FIRST or after TIME_LAST is shown as that. */
void time_format(int64_t seconds, char text[TIME_TEXT_MAX]);
/*
 * ERROR_BAD_REQUEST unless it is RFC 3339; an offset other than Z is accepted and converted, a fraction of a
 * second dropped, a leap second (23:59:60 UTC) taken as the second behind it.
 */
int time_parse(const char *text, int64_t *ret, struct ag_error *error);
/* "45s", "30m", "8h", "90d", "2w": a number of one unit, at least 1 s and at most 100 years. */
int duration_parse(const char *text, int64_t *ret_seconds, struct ag_error *error);
/*
 * When an entry expires, as time_parse() has it, from the second behind 1970-01-01T00:00:00Z, which would
 * mean never, to EXPIRES_LAST. Whether one in the past will do is the caller's to judge.
 */
int expiry_time_parse(const char *text, int64_t *ret, struct ag_error *error);
/* The same, or a duration from `now` on, or "never": 0. */
int expiry_parse(const char *text, int64_t now, int64_t *ret, struct ag_error *error);
/* A name of 1 to INTERFACE_SIZE - 1 bytes that the kernel could give an interface, in plain text. */
bool interface_name_valid(const char *name);
/* Unsigned decimal without sign, space or leading zero, within [min, max]. */
int number_parse(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *ret,
		 struct ag_error *error);
