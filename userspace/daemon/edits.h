/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * edits.h - what each kind of change does to the store, as a table (private to change.c, passage.c and
 * edits.c)
 */
#pragma once

#include "userspace/core/buffer.h"
#include "userspace/daemon/change.h"

/* A change on its way. Accounts, the list and the buffer are owned by change.c. */
struct edit {
	struct gate *gate;
	const struct change *change;
	struct outcome *outcome;
	struct account before;	      /* the account concerned */
	struct account after;	      /* ACCOUNT_ADD: the new one */
	struct list gone;	      /* what was removed or set, as it was, for undo and for the kernel */
	struct entry set;	      /* ALLOW_SET: the entry as it is then; its strings are borrowed */
	struct buffer detail;	      /* for the audit log */
	struct store_pending pending; /* that is written, or ended (pending.h) */
	bool was_attached;	      /* INTERFACE_*: before */
	enum role had_role;	      /* ROLE_*: before */
	int64_t created_at;	      /* LIST_REMOVE: of the list */
	struct store_token *tokens;   /* ROLE_REVOKE: that end with it; freed by passage.c */
	size_t token_count;
	bool whole;   /* the kernel does not hold what was before: no edits of it */
	bool rebuilt; /* the kernel gets lists built anew: what the old ones know is still to be had */
};

struct edit_kind {
	const char *action;
	bool account;  /* concerns one that is there */
	bool list;     /* its list or state is judged by the guard and published */
	bool services; /* the services named come, or (removes_services) go */
	bool removes_services;
	bool removes_account;
	bool of_list; /* takes the right to the account's list */
	/* In the transaction: edits the store, counts what comes and goes, describes it. */
	int (*edit)(struct edit *edit, struct ag_error *error);
	/* Behind the commit, what is neither an account's list nor a service; NULL: nothing. */
	int (*publish)(struct edit *edit, struct ag_error *error);
	/* In a transaction of its own: puts back what edit did, for when the kernel refuses it or what was
	 * changed with it; NULL: cannot be had, and the kernel must come to take it. */
	int (*undo)(struct edit *edit, struct ag_error *error);
	/* The transaction came to nothing: puts back what edit did outside of the store; NULL: nothing. */
	void (*abandon)(struct edit *edit);
};

/* Makes the entry what is asked; the note is only borrowed. */
void entry_set(struct entry *entry, const struct request_entry *set);

/* What has expired at `now` would be an entry that never lets anybody in: ERROR_BAD_REQUEST, unless the
 * change keeps such. */
int edit_check_expiry(const struct change *change, const struct entry *entry, int64_t now,
		      struct ag_error *error);

/* edits_tokens.c: rows of the table. */
int edit_token_create(struct edit *edit, struct ag_error *error);
int edit_token_revoke(struct edit *edit, struct ag_error *error);
int edit_token_restore(struct edit *edit, struct ag_error *error);
/* Those that end with the user's role on the account are remembered, and put back behind the role. */
int tokens_remember(struct edit *edit, int64_t user_id, struct ag_error *error);
int tokens_put_back(struct edit *edit, struct ag_error *error);
/* Those of the change, as they were; but not whose account, user or role is gone for good. */
int tokens_restore(struct edit *edit, struct ag_error *error);

extern const struct edit_kind edit_kinds[CHANGE_KIND_MAX];

/* Mode, action and label, as far as the change has them. */
int edit_apply_settings(const struct change *change, struct account *account, struct ag_error *error);

/* edits_restore.c: rows of the table. */
int edit_account_restore(struct edit *edit, struct ag_error *error);
int undo_account_restore(struct edit *edit, struct ag_error *error);
int edit_user_restore(struct edit *edit, struct ag_error *error);
/* policy_changes.c, edits_erase.c: rows of the table. */
int edit_policy_apply(struct edit *edit, struct ag_error *error);
int undo_policy_apply(struct edit *edit, struct ag_error *error);
int edit_user_erase(struct edit *edit, struct ag_error *error);
int publish_user_erase(struct edit *edit, struct ag_error *error);
/* edits_erase.c: whether a change that waits to be confirmed names them: as whom it is about, or what takes
 * it back does. */
bool pending_names(const struct store_pending *row, const char *who);
/* edits.c: names the first of what comes or goes in the audit log. */
void edit_describe(struct edit *edit, bool comes, size_t index, const struct entry *entry);

/* edits_people.c: rows of the table. */
int edit_user_add(struct edit *edit, struct ag_error *error);
int undo_user_add(struct edit *edit, struct ag_error *error);
int edit_user_remove(struct edit *edit, struct ag_error *error);
int edit_role_grant(struct edit *edit, struct ag_error *error);
int edit_role_revoke(struct edit *edit, struct ag_error *error);
int undo_role(struct edit *edit, struct ag_error *error);
/* edits_named.c: rows of the table. */
int edit_list_create(struct edit *edit, struct ag_error *error);
int undo_list_create(struct edit *edit, struct ag_error *error);
int edit_list_remove(struct edit *edit, struct ag_error *error);
int undo_list_remove(struct edit *edit, struct ag_error *error);
int edit_list_restore(struct edit *edit, struct ag_error *error);
int edit_list_add(struct edit *edit, struct ag_error *error);
int undo_list_add(struct edit *edit, struct ag_error *error);
int edit_list_remove_entries(struct edit *edit, struct ag_error *error);
int undo_list_remove_entries(struct edit *edit, struct ag_error *error);
int edit_listed(struct edit *edit, struct ag_error *error);
int undo_listed(struct edit *edit, struct ag_error *error);
/* edits_interfaces.c: rows of the table. */
int edit_interface_attach(struct edit *edit, struct ag_error *error);
void abandon_interface_attach(struct edit *edit);
int publish_interface_attach(struct edit *edit, struct ag_error *error);
int edit_interface_detach(struct edit *edit, struct ag_error *error);
int publish_interface_detach(struct edit *edit, struct ag_error *error);
int undo_interface_detach(struct edit *edit, struct ag_error *error);
