/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy_compare.h - a document read, and its entries beside those that there are: what takes long of an
 * apply, for a thread of its own (private to polic*.c)
 */
#pragma once

#include "userspace/core/policydiff.h"
#include "userspace/io/store.h"

/* Entries of one account that are changed within the loop; more go by an import. */
#define POLICY_DIRECT_MAX 1000

/* An account of the document that is there, or comes. */
struct policy_entries {
	const struct policydoc_account *asked; /* in the document */
	bool found;			       /* in the store */
	uint64_t generation;		       /* of the account that it was compared with */
	struct policydiff_entries diff;
};

/* A named list of the document that is there, or comes. */
struct policy_listed {
	const struct policydoc_list *asked; /* in the document */
	bool found;			    /* in the store */
	int64_t id;			    /* that it was compared with, and of which generation: */
	uint64_t generation;
	struct policydiff_entries diff; /* keeps all */
};

/* One for each account and list of the document, in its order. Owns what it holds; the document is the
 * caller's. */
struct policy_comparison {
	struct policy_entries *accounts;
	size_t count;
	struct policy_listed *lists;
	size_t list_count;
};

/* Leaves out accounts whose entries the document does not mention. Clear it in any case. */
int policy_compare(const struct store *store, const struct policydoc *document, const bool *cancel,
		   struct policy_comparison *ret, struct ag_error *error);
void policy_comparison_clear(struct policy_comparison *comparison);
