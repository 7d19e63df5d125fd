/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pending.h - changes that stay only if they are confirmed in time
 *
 * A change that is made with confirm_within is in force at once. In its transaction a row is written
 * (store.h) that says until when it is to be confirmed and what takes it back. Until then other changes of
 * the same account, user, interface or token are refused, as are those of whatever else it claims: several
 * that wait as one (bundle.h) claim every account concerned. What takes it back is a change like others,
 * which removes the row in its own transaction; rules 2 and 3 do not ask it, for it only goes back to what
 * was. confirms.h sees to the deadlines.
 */
#pragma once

#include "userspace/daemon/change.h"

struct edit;

#define CONFIRM_WITHIN_MAX  86400 /* seconds */
#define CLAIM_SIZE	    160
#define PENDING_TITLE_SIZE  (NAME_SIZE + 16)
#define PENDING_POLICY_NAME "host" /* there is one */

/* Now, by both clocks, the seconds that have passed whole. */
struct moment pending_now(void);

/* --- on the way of a change ------------------------------------------------- */

/* Whose change it is. */
enum pending_subject pending_subject_of(const struct change *change, char ret_name[NAME_SIZE]);
/* ERROR_CONFLICT while another change of the same subject waits to be confirmed, or claims what this one
 * concerns. */
int pending_check(const struct gate *gate, const struct change *change, struct ag_error *error);
/* ERROR_CONFLICT, which says how the row's change is confirmed or taken back. */
int pending_refuse(const struct store_pending *row, struct ag_error *error);
/* ERROR_CONFLICT where a change that waits claims KIND=NAME. */
int pending_check_held(const struct gate *gate, const char *kind, const char *name, struct ag_error *error);
/* In the transaction, behind all edits: whether the account refers to a list that may go, or be another,
 * again. */
int pending_check_references(const struct edit *edit, struct ag_error *error);
/* In the transaction, before the edit: notes what takes it back; of one that takes back, which row that ends.
 */
int pending_begin(struct edit *edit, struct ag_error *error);
/* In the transaction, when the generation is known: writes the row, or removes it. */
int pending_write(struct edit *edit, struct ag_error *error);
/* In the transaction that undoes the change: as it was before. */
int pending_unwrite(struct edit *edit, struct ag_error *error);
/* Behind the commit. */
void pending_follow(const struct edit *edit);

/* --- for several that wait as one (bundle.c) ------------------------------------ */

/* The row that a change which takes back ends. */
int pending_find_ended(const struct gate *gate, const struct change *change, struct store_pending *ret,
		       struct ag_error *error);
/* All but claims and what takes it back; outcome->confirm_by too. */
void pending_complete(struct store_pending *row, const struct change *change, struct outcome *outcome);
/* The row comes or goes, and with it what keeps the generations that it needs. */
int pending_put(struct gate *gate, const struct store_pending *row, bool comes, struct ag_error *error);
void pending_count(struct gate *gate, int64_t difference);

/* --- what waits ------------------------------------------------------------- */

/* "account acme"; "the policy". */
void pending_title(const struct store_pending *row, char title[PENDING_TITLE_SIZE]);
/*
 * The value of the next claim "KIND=VALUE" from *at on, which starts at row->claims; false where there is
 * none: account, entries (an account's, which came and went), list, uses (a list, which must stay), back
 * (ACCOUNT@GENERATION, which is pinned); and of what comes back with a role: user, roles (an account's), role
 * (ACCOUNT/USER), each of which may go for good meanwhile, but not for a while.
 */
bool pending_next_claim(const char **at, const char *kind, char value[CLAIM_SIZE]);
/* Reads anew how many there are. */
int pending_load(struct gate *gate, struct ag_error *error);
/* Until when the account's change is to be confirmed; 0: none waits, or it cannot be read. */
int64_t pending_confirm_by(const struct gate *gate, const char *account);
/*
 * Keeps the change. ERROR_CONFLICT when its time is over; ERROR_ORIGIN_NOT_COVERED where the list of an
 * account concerned, in mode enforce, does not let in the actor, of whom an origin that is not known is none;
 * `force` overrides that. It is in the audit log.
 */
struct confirmation {
	const struct store_pending *row;
	const struct actor *actor;
	bool force;
	bool dry_run;
};
int pending_confirm(struct gate *gate, const struct confirmation *confirmation, struct ag_error *error);
