/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policydiff.h - what turns an account as it is into what a document asks for
 *
 * Pure. What a document does not mention is no difference. The results own their arrays.
 */
#pragma once

#include "userspace/core/policydoc.h"

/* All of an account but its entries. */
struct policydiff {
	bool adds; /* the account is new */
	bool sets_label;
	bool sets_mode;
	bool sets_on_deny;
	struct service *services_come;
	size_t services_come_count;
	struct service *services_go;
	size_t services_go_count;
	struct policydoc_role *roles_come; /* granted, or made another */
	size_t roles_come_count;
	struct policydoc_role *roles_go;
	size_t roles_go_count;
};

/* had is NULL, and the rest nothing, where the account is new. Services and roles are sorted. -ENOMEM. */
int policydiff_account(const struct policydoc_account *asked, const struct account *had,
		       const struct claim *services, size_t service_count, const struct policydoc_role *roles,
		       size_t role_count, struct policydiff *ret);
/* Nothing differs. */
bool policydiff_is_empty(const struct policydiff *diff);
/* The account's settings differ: label, mode or action. */
bool policydiff_sets(const struct policydiff *diff);
void policydiff_clear(struct policydiff *diff);

/*
 * Its entries: begin; feed() with every entry that there is, sorted; end. An entry whose note, expiry or
 * enabledness differs is changed; one whose verdict does goes and comes. The lists hold the first `keep` of
 * each, as the document has them (for `went`, as they are), the counts all. -ENOMEM.
 */
struct policydiff_entries {
	const struct list *asked; /* borrowed until end */
	size_t next;		  /* of it */
	size_t keep;
	size_t added;
	size_t removed;
	size_t changed;
	struct list came;
	struct list went;
	struct list set;
};
void policydiff_entries_begin(struct policydiff_entries *diff, const struct list *asked, size_t keep);
int policydiff_entries_feed(struct policydiff_entries *diff, const struct entry *had);
int policydiff_entries_end(struct policydiff_entries *diff);
/* How many differ in all. */
size_t policydiff_entries_count(const struct policydiff_entries *diff);
void policydiff_entries_clear(struct policydiff_entries *diff);
