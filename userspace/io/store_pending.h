/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store_pending.h - changes that wait to be confirmed (part of store.h)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/core/deadline.h"
#include "userspace/core/text.h"

struct ag_error;
struct store;

/*
 * Changes that are in force until they are confirmed, at most one of a subject, which need not be there any
 * more. `restores` is the account's generation to go back to; where it is 0, `inverse` says what to do, in
 * words that the store does not understand. `claims`, each between blanks, are what the way back needs, and
 * what nobody else may take meanwhile: store_pending_claimed() is 1 for such a word, with the row whose it
 * is but for these two, which may be long, else 0. Strings are borrowed for add (NULL counts as empty), and
 * owned by what is read.
 */
enum pending_subject {
	PENDING_ACCOUNT,
	PENDING_USER,
	PENDING_INTERFACE,
	PENDING_TOKEN,	/* by its id */
	PENDING_LIST,	/* a named one */
	PENDING_POLICY, /* the one of the host */
	PENDING_SUBJECT_MAX,
};
#define STORE_PENDINGS_MAX  1000
#define PENDING_ACTION_SIZE 32
struct store_pending {
	enum pending_subject subject;
	char name[NAME_SIZE];
	char action[PENDING_ACTION_SIZE]; /* "allow add" */
	char user[NAME_SIZE];		  /* who made it; "" for nobody known here */
	bool admins;			  /* it took the right to the list, and so does confirming it */
	uint64_t generation;		  /* that it made */
	uint64_t restores;
	int64_t made_at; /* seconds since 1970 */
	struct deadline deadline;
	char *claims;
	char *inverse;
};
const char *pending_subject_name(enum pending_subject subject);
/* ERROR_CONFLICT where there is one; ERROR_LIMIT. */
int store_pending_add(struct store *store, const struct store_pending *row, struct ag_error *error);
/* ERROR_NOT_FOUND. */
int store_pending_remove(struct store *store, enum pending_subject subject, const char *name,
			 struct ag_error *error);
int store_pending_find(struct store *store, enum pending_subject subject, const char *name,
		       struct store_pending *ret, struct ag_error *error);
int store_pendings(struct store *store, struct store_pending **ret, size_t *ret_count,
		   struct ag_error *error);
int store_pending_count(struct store *store, uint64_t *ret, struct ag_error *error);
int store_pending_claimed(struct store *store, const char *claim, struct store_pending *ret,
			  struct ag_error *error);
void store_pending_clear(struct store_pending *row);
void store_pendings_free(struct store_pending *rows, size_t count);
