// SPDX-License-Identifier: GPL-2.0-only
/*
 * edits_named.c - the changes of named lists, and of the accounts that follow them
 *
 * An edit of a list comes before the changes of the accounts that use it, in one transaction: what each of
 * them was before is looked at before any edit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/error.h"
#include "userspace/daemon/edits.h"
#include "userspace/daemon/named.h"

#define USERS_NAMED_MAX 3

static void describe(struct edit *edit)
{
	const struct change *change = edit->change;
	bool comes = change->kind == CHANGE_LIST_ADD || change->kind == CHANGE_LISTED_ADD ||
		     change->kind == CHANGE_LIST_RESTORE;

	(void)buffer_print(&edit->detail, "@%s ", change->named);
	for (size_t i = 0; change->list && i < change->list->count; i++)
		edit_describe(edit, comes, i, &change->list->entries[i]);
}

int edit_list_create(struct edit *edit, struct ag_error *error)
{
	describe(edit);
	edit->outcome->added = 1;
	return store_named_add(edit->gate->store, edit->change->named, time(NULL), error);
}

int undo_list_create(struct edit *edit, struct ag_error *error)
{
	return store_named_remove(edit->gate->store, edit->change->named, error);
}

static int in_use(const struct edit *edit, const struct store_named_user *users, size_t count,
		  struct ag_error *error)
{
	CLEANUP(buffer_clear) struct buffer names = {.limit = 512};

	for (size_t i = 0; i < count && i < USERS_NAMED_MAX; i++)
		(void)buffer_print(&names, "%s%s", i ? ", " : "", users[i].account);
	if (count > USERS_NAMED_MAX)
		(void)buffer_print(&names, " and %zu more", count - USERS_NAMED_MAX);
	return error_set(error, ERROR_CONFLICT,
			 "list '%s' is used by %s: take @%s out of their allowlists first",
			 edit->change->named, names.data ? names.data : "accounts", edit->change->named);
}

/* A reference to a list that is gone would be one to nothing: rather would nobody be let in by it. */
int edit_list_remove(struct edit *edit, struct ag_error *error)
{
	AUTO_FREE struct store_named_user *users = NULL;
	struct store *store = edit->gate->store;
	struct store_named named;
	size_t count = 0;
	int err = store_named_find(store, edit->change->named, &named, error);

	describe(edit);
	edit->outcome->removed = 1;
	if (!err)
		err = store_named_users(store, named.name, &users, &count, error);
	edit->created_at = err ? 0 : named.created_at;
	if (!err && count)
		err = in_use(edit, users, count, error);
	if (!err)
		err = store_named_list(store, &named, &edit->gone, error);
	if (!err)
		edit->gate->named_version++; /* one that never happens only makes an import begin again */
	return err ? err : store_named_remove(store, named.name, error);
}

int undo_list_remove(struct edit *edit, struct ag_error *error)
{
	int err = store_named_add(edit->gate->store, edit->change->named, edit->created_at, error);

	return err ? err
		   : store_named_entries_add(edit->gate->store, edit->change->named, &edit->gone, error);
}

static int add_signed(struct edit *edit, struct ag_error *error)
{
	struct list entries = *edit->change->list; /* signed in place */
	int err;

	for (size_t i = 0; i < entries.count; i++) {
		entries.entries[i].created_by = (char *)(uintptr_t)edit->change->actor.name;
		entries.entries[i].created_at = time(NULL);
	}
	err = store_named_entries_add(edit->gate->store, edit->change->named, &entries, error);
	for (size_t i = 0; i < entries.count; i++)
		entries.entries[i].created_by = NULL; /* was borrowed */
	return err ? err : named_check_spread(edit->gate, edit->change->named, error);
}

/* What is put back is as it was. */
int edit_list_add(struct edit *edit, struct ag_error *error)
{
	const struct change *change = edit->change;

	describe(edit);
	edit->outcome->added = change->list->count;
	edit->gate->named_version++;
	return change->takes_back
		       ? store_named_entries_add(edit->gate->store, change->named, change->list, error)
		       : add_signed(edit, error);
}

int edit_list_restore(struct edit *edit, struct ag_error *error)
{
	const struct change *change = edit->change;
	int err = store_named_add(edit->gate->store, change->named, change->created_at, error);

	describe(edit);
	edit->outcome->added = 1;
	edit->gate->named_version++;
	return err ? err : store_named_entries_add(edit->gate->store, change->named, change->list, error);
}

int undo_list_add(struct edit *edit, struct ag_error *error)
{
	struct list gone = {0};
	int err = store_named_entries_remove(edit->gate->store, edit->change->named, edit->change->list,
					     &gone, error);

	list_clear(&gone);
	return err;
}

int edit_list_remove_entries(struct edit *edit, struct ag_error *error)
{
	describe(edit);
	edit->outcome->removed = edit->change->list->count;
	edit->gate->named_version++;
	return store_named_entries_remove(edit->gate->store, edit->change->named, edit->change->list,
					  &edit->gone, error);
}

int undo_list_remove_entries(struct edit *edit, struct ag_error *error)
{
	return store_named_entries_add(edit->gate->store, edit->change->named, &edit->gone, error);
}

/* What the account holds is not edited; what comes through it is another. */
int edit_listed(struct edit *edit, struct ag_error *error)
{
	(void)error;
	describe(edit);
	return 0;
}

int undo_listed(struct edit *edit, struct ag_error *error)
{
	return store_account_update(edit->gate->store, &edit->before, error);
}
