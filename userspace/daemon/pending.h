/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pending.h - changes that stay only if they are confirmed in time
 *
 * A change that is made with confirm_within is in force at once. In its transaction a row is written
 * (store.h) that says until when it is to be confirmed and what takes it back. Until then other changes of
 * the same account, user, interface or token are refused. What takes it back is a change like others, which
 * removes the row in its own transaction; rules 2 and 3 do not ask it, for it only goes back to what was.
 * confirms.h sees to the deadlines.
 */
#pragma once

#include "userspace/daemon/change.h"

struct edit;

#define CONFIRM_WITHIN_MAX 86400 /* seconds */

/* Now, by both clocks, the seconds that have passed whole. */
struct moment pending_now(void);

/* --- on the way of a change ------------------------------------------------- */

/* ERROR_CONFLICT while another change of the same subject waits to be confirmed. */
int pending_check(const struct gate *gate, const struct change *change, struct ag_error *error);
/* ERROR_CONFLICT, which says how the row's change is confirmed or taken back. */
int pending_refuse(const struct store_pending *row, struct ag_error *error);
/* In the transaction, before the edit: notes what takes it back; of one that takes back, which row that ends.
 */
int pending_begin(struct edit *edit, struct ag_error *error);
/* In the transaction, when the generation is known: writes the row, or removes it. */
int pending_write(struct edit *edit, struct ag_error *error);
/* In the transaction that undoes the change: as it was before. */
int pending_unwrite(struct edit *edit, struct ag_error *error);
/* Behind the commit. */
void pending_follow(const struct edit *edit);

/* --- what waits ------------------------------------------------------------- */

/* Reads anew how many there are. */
int pending_load(struct gate *gate, struct ag_error *error);
/* Until when the account's change is to be confirmed; 0: none waits, or it cannot be read. */
int64_t pending_confirm_by(const struct gate *gate, const char *account);
/*
 * Keeps the change. ERROR_CONFLICT when its time is over; ERROR_ORIGIN_NOT_COVERED where the account's list,
 * in mode enforce, does not let in the actor, of whom an origin that is not known is none; `force` overrides
 * that. It is in the audit log.
 */
struct confirmation {
	const struct store_pending *row;
	const struct actor *actor;
	bool force;
	bool dry_run;
};
int pending_confirm(struct gate *gate, const struct confirmation *confirmation, struct ag_error *error);
