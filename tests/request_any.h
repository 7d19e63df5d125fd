/* SPDX-License-Identifier: GPL-2.0-only */
/* request_any.h - every decoder of bodies behind one function, for the unit tests and the fuzzer alike */
#pragma once

#include <stdlib.h>

#include "userspace/core/request.h"

/* One union for every decoder, so that "untouched on failure" is asked of all alike. */
union any {
	struct request_account account;
	struct request_entry entry;
	struct request_user user;
	struct request_interface interface;
	struct request_token token;
	struct list list;
	enum role role;
	struct {
		struct service *services;
		size_t count;
	};
};

/* The fuzzer's corpus names them by their numbers. */
enum kind {
	POST_ACCOUNT,
	PATCH_ACCOUNT,
	POST_ENTRIES,
	PUT_ENTRIES,
	SERVICES,
	USER,
	ROLE,
	INTERFACE,
	PATCH_ENTRY,
	TOKEN,
	KIND_MAX
};

static inline int decode_any(enum kind kind, const char *body, size_t length, size_t limit, union any *ret,
			     struct ag_error *error)
{
	switch (kind) {
	case POST_ACCOUNT:
	case PATCH_ACCOUNT:
		return request_account_decode(body, length, kind == POST_ACCOUNT, &ret->account, error);
	case POST_ENTRIES:
	case PUT_ENTRIES:
		return request_entries_decode(body, length, limit, kind == PUT_ENTRIES, &ret->list, error);
	case SERVICES:
		return request_services_decode(body, length, &ret->services, &ret->count, error);
	case USER:
		return request_user_decode(body, length, &ret->user, error);
	case ROLE:
		return request_role_decode(body, length, &ret->role, error);
	case INTERFACE:
		return request_interface_decode(body, length, &ret->interface, error);
	case PATCH_ENTRY:
		return request_entry_decode(body, length, &ret->entry, error);
	case TOKEN:
		return request_token_decode(body, length, &ret->token, error);
	default:
		abort();
	}
}

static inline void clear_any(enum kind kind, union any *any)
{
	if (kind == POST_ENTRIES || kind == PUT_ENTRIES)
		list_clear(&any->list);
	if (kind == SERVICES)
		free(any->services);
}
