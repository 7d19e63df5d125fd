/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reversal.h - what takes a change back: noted before it is made, and made a change again when it is due
 *
 * Changes of a list go back to a generation of the store's history. All others have a small document,
 * {"do": "role grant", "user": "ada", "role": "viewer"}, and several that wait as one have one of theirs,
 * {"do": "all", "changes": [...]}, with each change's own in the order in which they were made. Nobody but
 * these files reads them.
 */
#pragma once

#include <jansson.h>

#include "userspace/daemon/edits.h"

/* Of entries, services, roles and tokens each: what a document may hold. */
#define REVERSAL_ITEMS_MAX 20000

/* The last phase of those in which lists and settings of accounts go back. */
#define REVERSAL_LISTS_DONE 6

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
	struct request_entry set;
	unsigned int phase; /* among several: lower ones come first */
};

/*
 * Before the edit, in its transaction: fills edit->pending with what will take the change back.
 * ERROR_BAD_REQUEST for a change that nothing takes back; ERROR_LIMIT where it would be too much.
 */
int reversal_describe(struct edit *edit, struct ag_error *error);
/*
 * Before the edit of one of several that wait as one: appends what takes it back to `parts`, where that takes
 * anything. Errors as above.
 */
int reversal_note(struct edit *edit, json_t *parts, struct buffer *claims, struct ag_error *error);
/* One more word of what is claimed; a failure is remembered in the buffer. */
void reversal_claim(struct buffer *claims, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* From a row with a document; without actor and action. The caller clears. ERROR_STORE. */
int reversal_read(const struct store_pending *row, struct reversal *ret, struct ag_error *error);
void reversal_clear(struct reversal *reversal);
/* From the row of several, in the order in which they are made. The caller frees. ERROR_STORE. */
int reversal_read_all(const struct store_pending *row, struct reversal **ret, size_t *ret_count,
		      struct ag_error *error);
void reversals_free(struct reversal *reversals, size_t count);
