// SPDX-License-Identifier: GPL-2.0-only
/*
 * uri.c - split first, then decode: what is decoded never separates
 */
#include "userspace/core/uri.h"

#include <stdbool.h>
#include <string.h>

#include "userspace/core/error.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte that text, at a percent sign, stands for: -1 for malformed. Never reads beyond the NUL. */
static int escape_value(const char *text)
{
	int high = hex_value(text[1]);
	int low = high < 0 ? -1 : hex_value(text[2]);

	return low < 0 ? -1 : high * 16 + low;
}

static int check_escape(const char *text, size_t offset, struct ag_error *error)
{
	int value = escape_value(text);

	if (value < 0)
		return error_set_at(error, ERROR_BAD_REQUEST, offset,
				    "the request's path or query has a %% without two hexadecimal digits "
				    "behind it: write %%25 for a percent sign");
	if (value == 0)
		return error_set_at(error, ERROR_BAD_REQUEST, offset,
				    "the request's path or query has a NUL (%%00) in it: leave it out");
	return 0;
}

int uri_check(const char *target, struct ag_error *error)
{
	int result = 0;

	if (target[0] != '/')
		return error_set(error, ERROR_BAD_REQUEST,
				 "the request's path does not begin with a slash: write /v1/...");
	for (size_t i = 0; target[i] && !result; i++) {
		unsigned char c = (unsigned char)target[i];

		if (c <= ' ' || c == 0x7f)
			result = error_set_at(error, ERROR_BAD_REQUEST, i,
					      "the request's path or query has a space or control character "
					      "in it: write it as %%%02X",
					      c);
		else if (c == '%')
			result = check_escape(target + i, i, error);
	}
	return result;
}

/* Decodes `length` bytes of text to out, which may be text itself, and ends them with a NUL; *ret_length
 * counts without it. */
static int decode(const char *text, size_t length, bool plus_is_space, char *out, size_t *ret_length,
		  struct ag_error *error)
{
	size_t written = 0;

	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (c == '%') {
			int result = check_escape(text + i, i, error);

			if (result)
				return result;
			c = (char)escape_value(text + i);
			i += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		out[written++] = c;
	}
	out[written] = '\0';
	*ret_length = written;
	return 0;
}

int uri_path_segments(const char *path, char *scratch, size_t scratch_size, const char **segments, size_t max,
		      size_t *ret_count, struct ag_error *error)
{
	size_t count = 0, used = 0;

	if (path[0] != '/')
		return error_set(error, ERROR_BAD_REQUEST,
				 "the request's path does not begin with a slash: write /v1/...");
	while (*path == '/') {
		size_t length = strcspn(++path, "/"), decoded = 0;
		int result;

		if (count == max)
			return error_set(error, ERROR_NOT_FOUND,
					 "there is no such path: it has more than %zu parts", max);
		if (length >= scratch_size - used)
			return error_set(error, ERROR_LIMIT, "the request's path is too long");
		result = decode(path, length, false, scratch + used, &decoded, error);
		if (result)
			return result;
		segments[count++] = scratch + used;
		used += decoded + 1;
		path += length;
	}
	*ret_count = count;
	return 0;
}

size_t uri_query_count(const char *query)
{
	size_t count = 1;

	for (; *query; query++)
		count += *query == '&';
	return count;
}

/* One pair of `length` bytes, decoded where it stands; the byte behind it is overwritten. */
static int decode_pair(char *text, size_t length, struct uri_pair *ret, struct ag_error *error)
{
	char *equals = memchr(text, '=', length);
	size_t name_length = equals ? (size_t)(equals - text) : length, decoded;
	char *value = text + name_length + (equals ? 1 : 0);
	int result;

	if (name_length == 0)
		return error_set(error, ERROR_BAD_REQUEST,
				 "the request's query has a value without a name: write name=value");
	/* The value first: the name's NUL may fall on the equals sign, never beyond. */
	result = decode(value, length - (size_t)(value - text), true, value, &decoded, error);
	if (!result)
		result = decode(text, name_length, true, text, &decoded, error);
	if (!result)
		*ret = (struct uri_pair){.name = text, .value = equals ? value : ""};
	return result;
}

int uri_query_decode(char *query, struct uri_pair *pairs, size_t *ret_count, struct ag_error *error)
{
	size_t count = 0;
	bool more = true;

	while (more) {
		size_t length = strcspn(query, "&");
		int result;

		more = query[length] != '\0';
		if (length > 0) {
			result = decode_pair(query, length, &pairs[count], error);
			if (result)
				return result;
			count++;
		}
		query += length + 1;
	}
	*ret_count = count;
	return 0;
}
