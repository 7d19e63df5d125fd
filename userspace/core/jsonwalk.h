/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * jsonwalk.h - a large JSON document, walked value by value (private to request*.c and policydoc*.c)
 *
 * jansson's tree of a large document would take many times its size. So whoever reads one walks its objects
 * and arrays here, and has jansson read one key or value at a time, out of a window that bounds what one may
 * hold. Errors are ERROR_BAD_REQUEST with line and column, ERROR_LIMIT where memory ends.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct ag_error;

/* Of one key or value: the longest entry has a few kilobytes, however it is escaped. */
#define JSONWALK_WINDOW ((size_t)64 * 1024)

/* Borrows the text, and whoever wants to know of errors. */
struct jsonwalk {
	const char *text;
	size_t length;
	size_t at;
	struct ag_error *error;
};

/* What is wrong with the document at that byte. */
int jsonwalk_fail(struct jsonwalk *walk, size_t at, const char *why);
/* Whether the next character that is no blank is this one; take() goes past it, if it is. */
bool jsonwalk_next_is(struct jsonwalk *walk, char c);
bool jsonwalk_take(struct jsonwalk *walk, char c);
/* Any one value, as a new reference. */
int jsonwalk_load(struct jsonwalk *walk, json_t **ret);
/* Nothing but blanks is left. */
int jsonwalk_end(struct jsonwalk *walk);
