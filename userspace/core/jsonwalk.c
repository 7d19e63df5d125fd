// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/core/jsonwalk.h"

#include "userspace/core/error.h"
#include "userspace/core/request_fields.h"

int jsonwalk_fail(struct jsonwalk *walk, size_t at, const char *why)
{
	int line = 1, column = 0;

	for (size_t i = 0; i < at && i < walk->length; i++) {
		column = walk->text[i] == '\n' ? 0 : column + 1;
		line += walk->text[i] == '\n';
	}
	return error_set_at(walk->error, ERROR_BAD_REQUEST, at,
			    "the body is not one JSON object: line %d, column %d: %s", line, column, why);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blanks(struct jsonwalk *walk)
{
	while (walk->at < walk->length && is_blank(walk->text[walk->at]))
		walk->at++;
}

bool jsonwalk_next_is(struct jsonwalk *walk, char c)
{
	skip_blanks(walk);
	return walk->at < walk->length && walk->text[walk->at] == c;
}

bool jsonwalk_take(struct jsonwalk *walk, char c)
{
	if (!jsonwalk_next_is(walk, c))
		return false;
	walk->at++;
	return true;
}

int jsonwalk_load(struct jsonwalk *walk, json_t **ret)
{
	size_t left, window;
	json_error_t why;

	skip_blanks(walk);
	left = walk->length - walk->at;
	window = left < JSONWALK_WINDOW ? left : JSONWALK_WINDOW;
	*ret = json_loadb(walk->text + walk->at, window,
			  JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &why);
	if (*ret) {
		walk->at += (size_t)why.position;
		return 0;
	}
	if (json_error_code(&why) == json_error_out_of_memory)
		return fields_no_memory(walk->error);
	if (window < left && (size_t)why.position + 8 >= window) /* eight: a character or word that was cut */
		return jsonwalk_fail(walk, walk->at, "this is longer than one entry or field can be, 64 KiB");
	return jsonwalk_fail(walk, walk->at + (size_t)why.position, why.text);
}

int jsonwalk_end(struct jsonwalk *walk)
{
	skip_blanks(walk);
	return walk->at < walk->length ? jsonwalk_fail(walk, walk->at, "end of file expected") : 0;
}
