/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * uri.h - what stands in an HTTP request's target: path segments and query parameters, percent-decoded
 *
 * Splitting comes before decoding: a prefix in a path has its slash as "%2F", which separates nothing.
 * "%00" is refused everywhere, so that what is decoded is a C string; other bytes are the caller's to judge.
 *
 * Source: RFC 3986, sections 2.1, 3.3 and 3.4; "+" is a space in a query alone (WHATWG URL,
 * application/x-www-form-urlencoded).
 */
#pragma once

#include <stddef.h>

struct ag_error;

struct uri_pair {
	const char *name;
	const char *value; /* "" where it has none */
};

/*
 * Whether a target ("/v1/accounts?limit=1") is in origin form, without control characters and spaces, and
 * with every percent sign followed by two hexadecimal digits other than 00: ERROR_BAD_REQUEST says what is
 * not.
 */
int uri_check(const char *target, struct ag_error *error);

/*
 * Splits a path at its slashes and decodes each segment into scratch, which strlen(path) bytes suffice for:
 * "/v1/a%2Fb" is "v1", "a/b"; "/" is one empty segment, and so is what stands behind a slash at the end.
 * segments[] point into scratch. ERROR_NOT_FOUND for more than `max` segments, ERROR_LIMIT where scratch is
 * too small, ERROR_BAD_REQUEST for anything else.
 */
int uri_path_segments(const char *path, char *scratch, size_t scratch_size, const char **segments, size_t max,
		      size_t *ret_count, struct ag_error *error);

/* How many pairs a query ("a=1&b=2", without the question mark) holds at most. */
size_t uri_query_count(const char *query);
/*
 * Decodes a query in place; pairs[], room for uri_query_count() of them, point into it. Empty pairs
 * ("a=1&&b=2") are skipped; one without a name is ERROR_BAD_REQUEST. The text of `query` is undefined
 * afterwards.
 */
int uri_query_decode(char *query, struct uri_pair *pairs, size_t *ret_count, struct ag_error *error);
