/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * listcsv.h - an allowlist as comma-separated values with a header, as spreadsheets write them
 *
 *	prefix,verdict,note,expires,enabled
 *	203.0.113.0/24,allow,"the office, 2nd floor",,true
 *
 * The header names the columns, in any order; all but "prefix" may be left out, and are then, like an empty
 * field, what they are by default. "created_by", "created_at" and "last_seen" are understood and not read. A
 * record is one line, its fields quoted as in RFC 4180 where they need it. verdict is allow or deny, enabled
 * true or false, expires RFC 3339, also in the past. Lines may end in CRLF; a byte order mark is skipped.
 *
 * Source: RFC 4180.
 */
#pragma once

#include <stddef.h>

#include "userspace/core/policy.h"

struct ag_error;

/* As listtext_parse(). A header that is none is ERROR_BAD_REQUEST, and nothing else is looked at. */
int listcsv_parse(const char *text, size_t length, size_t limit, struct list *ret, struct ag_error *error);
