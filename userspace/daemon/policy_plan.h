/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy_plan.h - from a document, and its entries compared, to the changes that make the policy what it says
 * (private to polic*.c)
 *
 * A plan is of the moment: made in the loop, of the policy as it is then, and applied before anything else
 * happens. What differs is planned and nothing else, so that a document that is in force already is no
 * change.
 *
 * The order: the apply itself; services that go, so that they may come elsewhere; named lists that come or
 * change; new accounts; roles; lists and settings; accounts that follow a named list; services that come;
 * accounts that go; named lists that do. Who may: operators; entries come and go only where the actor is an
 * admin of the account, as it is before, or, of a new one, as the document makes them, and those of a named
 * list only where they are of all that use it.
 */
#pragma once

#include "userspace/daemon/import.h"
#include "userspace/daemon/policy_compare.h"

/* Entries that may come with new accounts and go or change in others within the loop, in all. */
#define POLICY_DIRECT_TOTAL 20000
/* Entries of named lists that may differ. */
#define POLICY_LISTED_TOTAL 40000
/* Lists that are prepared for one apply. */
#define POLICY_IMPORTS_MAX 256

enum policy_part_kind {
	PART_CHANGED,
	PART_ADDED,
	PART_REMOVED,
};

/* An account in which something differs. */
struct policy_part {
	enum policy_part_kind kind;
	char account[NAME_SIZE];
	const struct account *had;	      /* NULL: new; in the summary, only while the plan is made */
	const struct policy_entries *entries; /* NULL: the account goes */
	struct policydiff diff;
	bool was_active;
	bool imports;	       /* its list is prepared by the worker */
	size_t concludes;      /* index of the change whose outcome says whether it is active then */
	bool has_conclusion;   /* there is one */
	struct import *import; /* borrowed; NULL: none (yet) */
};

/* A named list in which something differs. */
struct policy_list_part {
	enum policy_part_kind kind;
	char name[NAME_SIZE];
	const struct policy_listed *entries; /* NULL: the list goes, with */
	size_t had;			     /* so many */
	struct store_named_user *users;	     /* accounts that use it, before; owned */
	size_t user_count;
};

/* What is asked. Everything is borrowed. */
struct policy_ask {
	struct gate *gate;
	struct actor actor;
	bool open;
	bool force;
	bool dry_run;
	int64_t confirm_within;
	const struct policydoc *document;
	const struct policy_comparison *comparison;
};

/* One entry that is set, as its change wants it. */
struct policy_set {
	struct request_entry set;
	struct list list;
};

/* Zero-initialise; clear it in any case. */
struct policy_plan {
	const struct policy_ask *ask;
	struct policy_part *parts; /* by name, what goes last */
	size_t part_count;
	size_t counts[3]; /* of parts, by kind */
	struct policy_list_part *lists;
	size_t list_count;
	size_t list_counts[3]; /* the same */
	char summary[224];
	struct change *changes;
	struct outcome *outcomes;
	size_t change_count;
	struct policy_set *sets;
	size_t set_count;
	struct prepared *settings; /* ACCOUNT_SET behind an import: its kernel's lists */
	size_t settings_count;
};

/*
 * What differs, and whether the actor may. -EAGAIN (no error set): the policy has changed since it was
 * compared. ERROR_FORBIDDEN, ERROR_NOT_FOUND for a user that there is none of, ERROR_LIMIT for entries that
 * are too many to come with new accounts, or in named lists; ERROR_CONFLICT for one that would go and is
 * used.
 */
int policy_plan_make(const struct policy_ask *ask, struct policy_plan *ret, struct ag_error *error);
/* The next change of a plan that is being applied; there is room. */
struct change *policy_plan_add(struct policy_plan *plan, enum change_kind kind, const char *account);
/* The import's change for such a part; what it points to is the plan's and the document's. */
struct change policy_plan_import(const struct policy_plan *plan, const struct policy_part *part);
/* Whether the list is what changes (IMPORT_WHOLE), or the settings alone (IMPORT_LISTS). */
enum import_what policy_plan_import_what(const struct policy_part *part);
/* All of it, or none. Every part that imports has its import, prepared. */
int policy_plan_apply(struct policy_plan *plan, struct ag_error *error);
void policy_plan_clear(struct policy_plan *plan);
