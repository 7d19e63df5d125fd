// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_uri.c - request targets from any text
 *
 * Properties: what uri_check() accepts splits and decodes without another complaint about its form; segments
 * and pairs, encoded again, give back what was there; scratch of the size the header names suffices.
 */
#include <stdbool.h>
#include <stdio.h>

#include "tests/fuzz/fuzz.h"
#include "userspace/core/error.h"
#include "userspace/core/uri.h"

#define SEGMENTS_MAX 8

/* Every byte as %XX, so that a decoder has one way to read it. */
static char *encode(const char *text)
{
	char *out = malloc(strlen(text) * 3 + 1), *at = out;

	assert(out);
	*at = '\0';
	for (; *text; text++, at += 3)
		(void)snprintf(at, 4, "%%%02X", (unsigned char)*text);
	return out;
}

/* A segment alone, encoded whole, is one segment again. */
static void check_segment(const char *segment)
{
	char *encoded = encode(segment), *path = malloc(strlen(encoded) + 2),
	     *scratch = malloc(strlen(encoded) + 1);
	const char *again = NULL;
	size_t count = 0;

	assert(path && scratch);
	path[0] = '/';
	memcpy(path + 1, encoded, strlen(encoded) + 1);
	assert(uri_path_segments(path, scratch, strlen(path), &again, 1, &count, NULL) == 0);
	assert(count == 1 && strcmp(again, segment) == 0);
	free(scratch);
	free(path);
	free(encoded);
}

static void check_path(const char *path, bool well_formed)
{
	const char *segments[SEGMENTS_MAX];
	struct ag_error error = {0};
	char *scratch = malloc(strlen(path) + 1);
	size_t count = 99;

	assert(scratch);
	if (uri_path_segments(path, scratch, strlen(path), segments, SEGMENTS_MAX, &count, &error)) {
		assert(count == 99);
		assert(error.message[0] && !strchr(error.message, '\n'));
		assert(!well_formed || error.code == ERROR_NOT_FOUND); /* too many segments */
	} else {
		assert(count >= 1 && count <= SEGMENTS_MAX);
		for (size_t i = 0; i < count; i++)
			check_segment(segments[i]);
	}
	free(scratch);
}

static void check_pair(const struct uri_pair *pair)
{
	char *name = encode(pair->name), *value = encode(pair->value);
	char *query = malloc(strlen(name) + strlen(value) + 2);
	struct uri_pair again;
	size_t count = 0;

	assert(query);
	(void)sprintf(query, "%s=%s", name, value);
	assert(uri_query_count(query) == 1);
	assert(uri_query_decode(query, &again, &count, NULL) == 0 && count == 1);
	assert(strcmp(again.name, pair->name) == 0 && strcmp(again.value, pair->value) == 0);
	free(query);
	free(value);
	free(name);
}

static void check_query(char *query, bool well_formed)
{
	size_t most = uri_query_count(query), count = 99;
	struct uri_pair *pairs = calloc(most, sizeof(*pairs));
	bool nameless = query[0] == '=' || strstr(query, "&=");
	struct ag_error error = {0};

	assert(pairs);
	if (uri_query_decode(query, pairs, &count, &error)) {
		assert(count == 99 && error.code == ERROR_BAD_REQUEST);
		assert(!well_formed || nameless);
	} else {
		assert(count <= most && !nameless);
		for (size_t i = 0; i < count && i < 16; i++)
			check_pair(&pairs[i]);
	}
	free(pairs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *query;
	bool well_formed = uri_check(text, NULL) == 0;

	query = strchr(text, '?');
	if (query)
		*query++ = '\0';
	check_path(text, well_formed);
	if (query)
		check_query(query, well_formed);
	free(text);
	return 0;
}
