/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * named.h - what an account enforces where it refers to named lists
 *
 * Lists that were read, with their check, are kept by their content, so that an edit of a list that a
 * thousand accounts use reads it once. Nothing here is the truth: that is the store, within a transaction
 * with its edits.
 */
#pragma once

#include "userspace/core/reference.h"
#include "userspace/core/union.h"
#include "userspace/daemon/gate.h"

struct ag_error;
struct named; /* the lists that are kept */

int named_new(struct named **ret);
void named_free(struct named *named);

/* Whether an account enforces anything but its own entries. */
static inline bool account_refers(const struct account *account)
{
	return account->references > account->disabled_references;
}

/* What comes through the account's enabled references: empty where it has none. ERROR_NOT_FOUND names the
 * list that is not there. *ret must be empty. Caller clears. */
int named_through(const struct gate *gate, const struct account *account, struct list *ret,
		  struct ag_error *error);
/* As store_entry_match(), of all that the account enforces. */
int named_match(const struct gate *gate, const struct account *account, const struct addr *addr, int64_t now,
		struct entry *ret, bool *ret_found, struct ag_error *error);
/* Whether all that the account refers to is there, by references that are disabled too. */
int named_check(const struct gate *gate, const struct account *account, struct ag_error *error);
/*
 * A change of a list is one of all accounts that use it, at one time: ERROR_LIMIT where they are more than
 * the setting allows, or their kernel's lists would be too much to build anew.
 */
#define NAMED_SPREAD_MAX 500000 /* entries of the list, times accounts */
int named_check_spread(const struct gate *gate, const char *list, struct ag_error *error);
/* The same of every list that the account refers to. */
int named_check_uses(const struct gate *gate, const struct account *account, struct ag_error *error);

/* How many entries its lists have, of those that it refers to by an enabled reference. */
int named_size(const struct gate *gate, const struct account *account, size_t *ret, struct ag_error *error);

/* The entries of a sorted list that are of that family; there are no others but IPv4 and IPv6. */
void named_count(const struct list *through, size_t *ret4, size_t *ret6);
