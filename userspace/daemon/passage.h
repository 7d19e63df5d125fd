/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * passage.h - one change of several, on its way through the store's transaction (private to change.c,
 * passage.c and undo.c)
 *
 * An account that several changes concern is judged by the rules and staged in the kernel once, by what was
 * before the first of them and what the last one leaves. passage_begin() of each that stands alone comes
 * before any edit, so that what was before is what everybody enforces.
 */
#pragma once

#include "userspace/daemon/edits.h"
#include "userspace/daemon/services.h"

struct bundle;

/* What a list says of the actor's origin. */
struct origin_match {
	struct entry entry; /* the longest in effect that holds it */
	struct entry next;  /* the longest once that one has expired */
	bool matched;
	bool follows;
};

/* A change with what it will publish. */
struct passage {
	struct edit edit;
	const struct edit_kind *kind;
	struct bundle *bundle; /* several that wait as one, or take such back (bundle.h); NULL: by itself */
	struct passage *first; /* of those that concern the same account's list; itself where it is alone */
	bool follows;	       /* an earlier change concerns this account */
	bool closes;	       /* the last of those that concern this account's list */
	bool entries;	       /* of the first: one of them brings or changes entries */
	bool edited;	       /* its edit was begun */
	bool remembers;	       /* the last that leaves the account another: for its history */
	size_t added;	       /* of the first: entries that come, by all of them ... */
	size_t removed;	       /* ... and go */
	struct origin_match before_match;
	struct origin_match after_match;
	struct dataplane_change *staged;
	struct account *fresh; /* for the summary */
};

void passage_clear(struct passage *passage);
/* The account as it is, and what its list says of the actor's origin. */
int passage_begin(struct passage *passage, struct ag_error *error);
/* Edits the store, and takes the account as it is then. */
int passage_edit(struct passage *passage, struct ag_error *error);
/* Behind every edit: whether the rules let the account be so. */
int passage_judge(struct passage *passage, struct ag_error *error);
/* Behind every edit: what the account is now can be gone back to. */
int passage_remember(struct passage *passage, struct ag_error *error);
/* Brings the account beside what the kernel enforces. */
int passage_stage(struct passage *passage, struct ag_error *error);
/* As the audit log names it. */
const char *passage_action(const struct passage *passage);
int passage_audit(struct passage *passage, const char *outcome, struct ag_error *error);
/* Whether services come or go, or an account begins or ceases to gate the addresses of its own. */
bool passage_touches_services(const struct passage *passage);
/* The part of the kernel's table that it touches, where no other change touches any. */
int passage_plan_services(struct passage *passage, struct services_edit *ret, struct ag_error *error);
/* Room for what the summary will be told behind the commit, where nothing may fail any more. */
int passage_reserve(struct passage *passage, struct ag_error *error);
/* The summary follows what was committed. */
void passage_follow(struct passage *passage);
