/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store_made.h - what somebody made, of now and of before (part of store.h)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/core/policy.h"

struct ag_error;
struct store;

#define HISTORY_ACTION_SIZE 32

/* An entry, of now or (not current) as it was before, with who made it or somebody else. */
struct store_made {
	int64_t account_id;
	char account[NAME_SIZE];
	char list[NAME_SIZE]; /* the named list that it refers to; "" for a prefix */
	struct prefix prefix;
	int64_t since; /* the version that brought it */
	bool current;
	enum ag_entry_verdict verdict;
	char note[NOTE_SIZE];
	int64_t created_at;
	bool theirs;
};
/* The next `limit` entries of all accounts behind one (NULL: from the first); the caller frees. */
int store_made(struct store *store, const char *name, const struct store_made *after, size_t limit,
	       struct store_made **ret, size_t *ret_count, struct ag_error *error);

/* The same of entries of named lists: of account_id, list and what follows, the list's, its name, and what an
 * entry of one has. */
int store_made_listed(struct store *store, const char *name, const struct store_made *after, size_t limit,
		      struct store_made **ret, size_t *ret_count, struct ag_error *error);

/* The same of the history of accounts. */
struct store_made_history {
	int64_t account_id;
	char account[NAME_SIZE];
	int64_t generation;
	int64_t time;
	char action[HISTORY_ACTION_SIZE];
	int64_t added;
	int64_t removed;
	bool theirs;
};
/* Behind one (zeros: from the first). */
int store_made_history(struct store *store, const char *name, const struct store_made_history *after,
		       size_t limit, struct store_made_history **ret, size_t *ret_count,
		       struct ag_error *error);
