/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bundle.h - several changes of one transaction that wait to be confirmed as one (private to change.c,
 * convoy.c, passage.c, undo.c and bundle.c)
 *
 * A change of a named list comes with one of every account that uses it; a policy with as many as differ. The
 * first of them leads: it has the deadline or, where they take back, says which row that ends. What takes
 * each of them back is noted in its turn, and all of it is one row, whose claims hold everything that is
 * concerned meanwhile.
 */
#pragma once

#include <jansson.h>

#include "userspace/daemon/passage.h"

struct bundle {
	struct gate *gate;
	const struct change *leader; /* borrowed, with its outcome */
	struct outcome *outcome;
	json_t *parts; /* what takes back each of the changes, in the order in which they are made */
	struct buffer claims;
	char entries_of[NAME_SIZE]; /* the account whose entries were claimed last */
	struct store_pending row;   /* that is written, or ended */
};

/* -ENOMEM. *ret is left alone, and 0 returned, where the first change leads no others. */
int bundle_new(struct gate *gate, const struct change *leader, struct outcome *outcome, struct bundle **ret);
void bundle_free(struct bundle *bundle);
/* In the transaction, before the passage's edit, in their order: pending_begin() of each. */
int bundle_begin(struct passage *passage, struct ag_error *error);
/* In the transaction, behind all edits: writes the row, or removes it. */
int bundle_write(struct bundle *bundle, struct ag_error *error);
/* In the transaction that undoes the changes: as it was before. */
int bundle_unwrite(struct bundle *bundle, struct ag_error *error);
/* Behind the commit. */
void bundle_follow(struct bundle *bundle);
