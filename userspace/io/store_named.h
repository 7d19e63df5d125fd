/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store_named.h - lists of prefixes that several accounts share (part of store.h)
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "userspace/core/policy.h"

struct ag_error;
struct store;

/*
 * Named lists, which entries of an allowlist may refer to (reference.h). An edit of a list makes its next
 * generation; `content` is a digest of its entries: two lists of the same content hold the same.
 */
#define NAMED_LISTS_MAX	  1000
#define NAMED_ENTRIES_MAX 20000
struct store_named {
	int64_t id;
	char name[NAME_SIZE];
	size_t entries;
	uint64_t generation;
	int64_t created_at;
	uint8_t content[32];
};
/* ERROR_EXISTS, ERROR_LIMIT. */
int store_named_add(struct store *store, const char *name, int64_t now, struct ag_error *error);
/* With its entries. ERROR_NOT_FOUND. That nobody refers to it is the caller's to see to. */
int store_named_remove(struct store *store, const char *name, struct ag_error *error);
/* ERROR_NOT_FOUND. */
int store_named_find(struct store *store, const char *name, struct store_named *ret, struct ag_error *error);
/* All, by name; the caller frees. */
int store_named_all(struct store *store, struct store_named **ret, size_t *ret_count, struct ag_error *error);
/* Its prefixes, sorted, checked against its digest. *ret must be empty. Caller clears. */
int store_named_list(struct store *store, const struct store_named *named, struct list *ret,
		     struct ag_error *error);
/* For showing: as store_list_page(). */
int store_named_page(struct store *store, const struct store_named *named, const struct prefix *after,
		     size_t limit, struct list *ret, struct ag_error *error);
/* Prefixes with their notes, all or (in the transaction) none. ERROR_EXISTS, ERROR_LIMIT, ERROR_NOT_FOUND. */
int store_named_entries_add(struct store *store, const char *name, const struct list *entries,
			    struct ag_error *error);
/* *gone gets what was removed, as it was, appended; also on failure. */
int store_named_entries_remove(struct store *store, const char *name, const struct list *entries,
			       struct list *gone, struct ag_error *error);
/* The accounts whose list refers to it, by name, also by a reference that is disabled; the caller frees. */
struct store_named_user {
	int64_t account_id;
	char account[NAME_SIZE];
};
int store_named_users(struct store *store, const char *name, struct store_named_user **ret, size_t *ret_count,
		      struct ag_error *error);
/* How many those are. */
int store_named_user_count(struct store *store, const char *name, size_t *ret, struct ag_error *error);
/* The references of an account's list. *ret must be empty. Caller clears. */
int store_references(struct store *store, int64_t account_id, struct list *ret, struct ag_error *error);
