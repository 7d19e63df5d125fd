/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reversal.h - what takes a change back: noted before it is made, and made a change again when it is due
 *
 * Changes of a list go back to a generation of the store's history. All others
 * have a small document, {"do": "role grant", "user": "ada", "role": "viewer"}, which nobody but this file
 * reads.
 */
#pragma once

#include "userspace/daemon/edits.h"

/* Of entries, services and roles each: what a document may hold. */
#define REVERSAL_ITEMS_MAX 10000

/* The change that takes another back, with all that it points to. */
struct reversal {
	struct change change;
	enum ag_mode mode;
	struct on_deny on_deny;
	char label[NOTE_SIZE];
	struct service *services;
	struct store_role *roles;
	struct store_token *tokens;
	struct list list;
};

/*
 * Before the edit, in its transaction: fills edit->pending with what will take the change back.
 * ERROR_BAD_REQUEST for a change that nothing takes back; ERROR_LIMIT where it would be too much.
 */
int reversal_describe(struct edit *edit, struct ag_error *error);
/* From a row with a document; without actor and action. The caller clears. ERROR_STORE. */
int reversal_read(const struct store_pending *row, struct reversal *ret, struct ag_error *error);
void reversal_clear(struct reversal *reversal);
