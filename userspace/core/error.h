/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * error.h - the one way an error travels from where it is found to who reports it
 *
 * A function that can be refused for a reason its user should read fills a
 * caller-owned struct ag_error and returns the negative errno of its code; the
 * return value alone says whether it failed. `code` is the stable name of the
 * contract (RFC 9457 problem documents), `message` one line without a newline
 * that says what is wrong and what to do, and `offset` the byte of the input at
 * which it was found (0 where that means nothing).
 */
#pragma once

#include <stddef.h>

enum error_code {
	ERROR_NONE,
	ERROR_BAD_REQUEST,
	ERROR_BAD_PREFIX,
	ERROR_FORBIDDEN,
	ERROR_NOT_FOUND,
	ERROR_EXISTS,
	ERROR_ORIGIN_NOT_COVERED,
	ERROR_WOULD_LOCK_OUT,
	ERROR_WOULD_OPEN,
	ERROR_CONFLICT,
	ERROR_LIMIT,
	ERROR_KERNEL,
	ERROR_STORE,
	ERROR_CODE_MAX,
};

struct ag_error {
	enum error_code code;
	size_t offset;
	char message[512];
};

/* Fills *error (NULL is allowed) and returns the negative errno of the code, never 0. */
int error_set(struct ag_error *error, enum error_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same, and notes the offset in the input. */
int error_set_at(struct ag_error *error, enum error_code code, size_t offset, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Puts "prefix: " before the message, cutting it at the end if it grows too long. */
void error_prepend(struct ag_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The name in the contract ("would_lock_out"); "none" for ERROR_NONE. */
const char *error_code_name(enum error_code code);
/* ERROR_NONE for a name that is no code. */
enum error_code error_code_by_name(const char *name);
/* The title of the problem document: a short phrase. */
const char *error_code_title(enum error_code code);
/* 400 to 503; 200 for ERROR_NONE. */
unsigned int error_code_http_status(enum error_code code);
