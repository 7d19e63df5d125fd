/* SPDX-License-Identifier: GPL-2.0-only */
/* request_fixture.h - what a decoder of bodies takes, and what it refuses and why */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/core/error.h"
#include "userspace/core/request.h"

#include "tests/request_any.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LIMIT	     3

/* From memory of exactly that length, so that the sanitiser sees a read behind it. */
static inline int decode(enum kind kind, const char *body, size_t length, union any *ret,
			 struct ag_error *error)
{
	char *copy = malloc(length ? length : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, body, length);
	r = decode_any(kind, copy, length, LIMIT, ret, error);
	free(copy);
	return r;
}

static inline void take(enum kind kind, const char *body, union any *ret)
{
	struct ag_error error = {0};

	memset(ret, 0, sizeof(*ret));
	if (decode(kind, body, strlen(body), ret, &error) != 0)
		fail_msg("%s: %s", body, error.message);
}

static inline void refuse_bytes(enum kind kind, const char *body, size_t length, enum error_code code,
				const char *says)
{
	union any before, after;
	struct ag_error error = {0};

	memset(&before, 0x5a, sizeof(before));
	after = before;
	if (decode(kind, body, length, &after, &error) >= 0)
		fail_msg("taken: %s", body);
	if (error.code != code || !strstr(error.message, says))
		fail_msg("%s: %s: %s, which does not say: %s", body, error_code_name(error.code),
			 error.message, says);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_null(strchr(error.message, '\n'));
}

static inline void refuse(enum kind kind, const char *body, enum error_code code, const char *says)
{
	refuse_bytes(kind, body, strlen(body), code, says);
}
