// SPDX-License-Identifier: GPL-2.0-only
/*
 * error.c - the table of codes, and messages that stay one printable line
 *
 * Messages quote what users sent; whatever that was, a message ends up as valid UTF-8
 * without control characters, so that it can stand in a log, a terminal and a JSON document.
 */
#include "userspace/core/error.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "userspace/core/utf8.h"

struct code_row {
	const char *name;
	const char *title;
	unsigned int http_status;
	int error_number;
};

static const struct code_row CODES[] = {
	[ERROR_NONE] = {"none", "No error", 200, EINVAL},
	[ERROR_BAD_REQUEST] = {"bad_request", "Bad request", 400, EINVAL},
	[ERROR_BAD_PREFIX] = {"bad_prefix", "Bad prefix", 400, EINVAL},
	[ERROR_FORBIDDEN] = {"forbidden", "Forbidden", 403, EACCES},
	[ERROR_NOT_FOUND] = {"not_found", "Not found", 404, ENOENT},
	[ERROR_EXISTS] = {"exists", "Exists already", 409, EEXIST},
	[ERROR_ORIGIN_NOT_COVERED] = {"origin_not_covered", "Your own address would not be let in", 409,
				      EPERM},
	[ERROR_WOULD_LOCK_OUT] = {"would_lock_out", "The change would lock you out", 409, EPERM},
	[ERROR_WOULD_OPEN] = {"would_open", "The change would open the account", 409, EPERM},
	[ERROR_CONFLICT] = {"conflict", "Changed by someone else meanwhile", 412, ESTALE},
	[ERROR_LIMIT] = {"limit", "Limit reached", 413, E2BIG},
	[ERROR_KERNEL] = {"kernel", "The kernel refused", 503, EIO},
	[ERROR_STORE] = {"store", "The store failed", 503, EIO},
};
_Static_assert(sizeof(CODES) / sizeof(CODES[0]) == ERROR_CODE_MAX, "every code has its row");

static const struct code_row *code_row(enum error_code code)
{
	assert((unsigned int)code < ERROR_CODE_MAX);
	return &CODES[code];
}

/* In place: nothing gets longer. */
static void make_printable(char *message)
{
	char *out = message;

	while (*message) {
		uint32_t character = 0;
		size_t length = utf8_decode(message, &character);

		if (length == 0 || character_is_control(character)) {
			*out++ = '?';
		} else {
			memmove(out, message, length);
			out += length;
		}
		message += length ? length : 1;
	}
	*out = '\0';
}

static int set(struct ag_error *error, enum error_code code, size_t offset, const char *format, va_list args)
{
	const struct code_row *row = code_row(code);
	char message[sizeof(error->message)]; /* the arguments may point into error->message */

	assert(code != ERROR_NONE);
	if (!error)
		return -row->error_number;
	(void)vsnprintf(message, sizeof(message), format, args); /* cut at its end where it is too long */
	make_printable(message);
	error->code = code;
	error->offset = offset;
	memcpy(error->message, message, sizeof(message));
	return -row->error_number;
}

int error_set(struct ag_error *error, enum error_code code, const char *format, ...)
{
	va_list args;
	int result;

	va_start(args, format);
	result = set(error, code, 0, format, args);
	va_end(args);
	return result;
}

int error_set_at(struct ag_error *error, enum error_code code, size_t offset, const char *format, ...)
{
	va_list args;
	int result;

	va_start(args, format);
	result = set(error, code, offset, format, args);
	va_end(args);
	return result;
}

void error_prepend(struct ag_error *error, const char *format, ...)
{
	char prefix[sizeof(error->message)];
	char message[sizeof(error->message) + sizeof(prefix) + 2];
	va_list args;

	if (!error)
		return;
	va_start(args, format);
	(void)vsnprintf(prefix, sizeof(prefix), format, args); /* as above */
	va_end(args);
	(void)snprintf(message, sizeof(message), "%s: %s", prefix, error->message); /* fits */
	message[sizeof(error->message) - 1] = '\0';
	make_printable(message);
	memcpy(error->message, message, sizeof(error->message));
}

const char *error_code_name(enum error_code code)
{
	return code_row(code)->name;
}

enum error_code error_code_by_name(const char *name)
{
	for (unsigned int code = ERROR_NONE + 1; code < ERROR_CODE_MAX; code++)
		if (strcmp(CODES[code].name, name) == 0)
			return (enum error_code)code;
	return ERROR_NONE;
}

const char *error_code_title(enum error_code code)
{
	return code_row(code)->title;
}

unsigned int error_code_http_status(enum error_code code)
{
	return code_row(code)->http_status;
}
