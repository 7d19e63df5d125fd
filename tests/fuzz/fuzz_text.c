// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_text.c - names, notes, times, durations, expiries and numbers from any text
 *
 * Properties: a name or note that is accepted keeps the rules, told here in another way; a time or a number
 * that is accepted formats to text that gives the same again; an error's message, which quotes the input, is
 * itself a valid note but for its length.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "tests/fuzz/fuzz.h"
#include "userspace/core/error.h"
#include "userspace/core/text.h"
#include "userspace/core/utf8.h"

static void check_refusal(const struct ag_error *error, const char *text)
{
	assert(error->code == ERROR_BAD_REQUEST);
	assert(error->message[0] && error->offset <= strlen(text));
	for (const char *at = error->message; *at;) {
		uint32_t character = 0;
		size_t length = utf8_decode(at, &character);

		assert(length && !character_is_control(character));
		at += length;
	}
}

static void check_name(const char *text)
{
	struct ag_error error = {0};

	if (name_check("account", text, &error)) {
		check_refusal(&error, text);
		return;
	}
	assert(strlen(text) >= 1 && strlen(text) <= NAME_MAX_BYTES);
	assert(strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789._-") == strlen(text));
	assert(!strchr("._-", text[0]));
}

static void check_note(const char *text)
{
	struct ag_error error = {0};
	size_t characters = 0;

	if (note_check("note", text, &error)) {
		check_refusal(&error, text);
		return;
	}
	for (const char *at = text; *at; at++) {
		assert((unsigned char)*at >= 0x20 && *at != 0x7f);
		assert((unsigned char)*at != 0xc0 && (unsigned char)*at != 0xc1 && (unsigned char)*at < 0xf5);
		characters += ((unsigned char)*at & 0xc0) != 0x80;
	}
	assert(characters <= NOTE_MAX_CHARS);
	assert(strlen(text) < NOTE_SIZE);
}

static void check_time(const char *text)
{
	struct ag_error error = {0};
	char out[TIME_TEXT_MAX];
	int64_t seconds, again;

	if (time_parse(text, &seconds, &error)) {
		check_refusal(&error, text);
		return;
	}
	time_format(seconds, out);
	assert(time_parse(out, &again, NULL) == 0);
	assert(seconds == again);
	if (strlen(text) == strlen(out) && !strstr(text, ":60"))
		assert(strcasecmp(text, out) == 0); /* in UTC and without a fraction it is the same text */
}

static void check_duration(const char *text)
{
	struct ag_error error = {0};
	int64_t seconds;

	if (duration_parse(text, &seconds, &error)) {
		check_refusal(&error, text);
		return;
	}
	assert(seconds >= 1 && seconds <= 100LL * 366 * 86400);
	assert(strspn(text, "0123456789") == strlen(text) - 1 && strchr("smhdw", text[strlen(text) - 1]));
}

/* It is a duration, a time or the one word, and nothing else. */
static void check_expiry(const char *text)
{
	struct ag_error error = {0};
	int64_t expires, seconds;

	if (expiry_parse(text, 1767323045, &expires, &error)) {
		check_refusal(&error, text);
		return;
	}
	if (strcmp(text, "never") == 0)
		assert(expires == 0);
	else if (duration_parse(text, &seconds, NULL) == 0)
		assert(expires == 1767323045 + seconds && expires <= UINT32_MAX);
	else
		assert(time_parse(text, &seconds, NULL) == 0 && seconds == expires && expires >= 1 &&
		       expires <= UINT32_MAX);
}

static void check_number(const char *text)
{
	struct ag_error error = {0};
	char out[24];
	uint64_t number, port;

	if (number_parse("number", text, 0, UINT64_MAX, &number, &error)) {
		check_refusal(&error, text);
		assert(number_parse("port", text, 1, 65535, &port, NULL) != 0);
		return;
	}
	(void)snprintf(out, sizeof(out), "%" PRIu64, number);
	assert(strcmp(out, text) == 0);
	assert((number_parse("port", text, 1, 65535, &port, NULL) == 0) == (number >= 1 && number <= 65535));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	check_name(text);
	check_note(text);
	check_time(text);
	check_duration(text);
	check_expiry(text);
	check_number(text);
	free(text);
	return 0;
}
