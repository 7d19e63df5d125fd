/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * union.h - what an account enforces: its own entries, united with those of the named lists it refers to
 *
 * A reference gives the entries of its list its own verdict and its own expiry, for all of them. Of one
 * prefix that several lists have, deny goes over allow, and of those that say so the last to expire. The
 * account's own enabled entry goes over what the lists say, but for its expiry where they say the same for
 * longer. Nothing here depends on the time: what the kernel holds changes with the store alone.
 */
#pragma once

#include <stddef.h>

#include "userspace/core/policy.h"

/* An enabled reference, and what it refers to: plain prefixes, sorted; both borrowed. */
struct union_source {
	const struct entry *reference;
	const struct list *list;
};

/*
 * The entries that come through the sources, sorted, each prefix once, with the name of the list that each is
 * of in `list`. -ENOMEM. The caller clears.
 */
int union_through(const struct union_source *sources, size_t count, struct list *ret);
/* The same of those alone that hold the address. */
int union_holding(const struct union_source *sources, size_t count, const struct addr *addr,
		  struct list *ret);

/*
 * Unites entries of the account's own, which come one by one and sorted, with what comes through lists
 * (sorted, borrowed): visits every entry that is enforced, sorted; a non-zero return of `visit` ends it, and
 * is returned. References are passed over. Entries are borrowed for the length of the visit.
 */
struct union_walk {
	const struct list *through;
	int (*visit)(const struct entry *entry, void *arg);
	void *arg;
	size_t at; /* in `through`; 0 to begin */
};
int union_own(struct union_walk *walk, const struct entry *entry);
int union_end(struct union_walk *walk);
