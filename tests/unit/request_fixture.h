/* SPDX-License-Identifier: GPL-2.0-only */
/* request_fixture.h - every decoder of bodies behind one function: what it takes, and what it refuses and why
 */
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

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LIMIT	     3

/* One union for every decoder, so that "untouched on failure" is asked of all alike. */
union any {
	struct request_account account;
	struct request_user user;
	struct request_interface interface;
	struct list list;
	enum role role;
	struct {
		struct service *services;
		size_t count;
	};
};

enum kind {
	POST_ACCOUNT,
	PATCH_ACCOUNT,
	POST_ENTRIES,
	PUT_ENTRIES,
	SERVICES,
	USER,
	ROLE,
	INTERFACE,
	KIND_MAX
};

static inline int decode_bytes(enum kind kind, const char *body, size_t length, union any *ret,
			       struct ag_error *error)
{
	switch (kind) {
	case POST_ACCOUNT:
	case PATCH_ACCOUNT:
		return request_account_decode(body, length, kind == POST_ACCOUNT, &ret->account, error);
	case POST_ENTRIES:
	case PUT_ENTRIES:
		return request_entries_decode(body, length, LIMIT, kind == PUT_ENTRIES, &ret->list, error);
	case SERVICES:
		return request_services_decode(body, length, &ret->services, &ret->count, error);
	case USER:
		return request_user_decode(body, length, &ret->user, error);
	case ROLE:
		return request_role_decode(body, length, &ret->role, error);
	case INTERFACE:
		return request_interface_decode(body, length, &ret->interface, error);
	default:
		fail();
		return -1;
	}
}

/* From memory of exactly that length, so that the sanitiser sees a read behind it. */
static inline int decode(enum kind kind, const char *body, size_t length, union any *ret,
			 struct ag_error *error)
{
	char *copy = malloc(length ? length : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, body, length);
	r = decode_bytes(kind, copy, length, ret, error);
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

static inline void clear(enum kind kind, union any *any)
{
	if (kind == POST_ENTRIES || kind == PUT_ENTRIES)
		list_clear(&any->list);
	if (kind == SERVICES)
		free(any->services);
}
