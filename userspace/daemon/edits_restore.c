// SPDX-License-Identifier: GPL-2.0-only
/*
 * edits_restore.c - what brings back a removed account or user, as a pending change kept it
 *
 * Who or what went away meanwhile for good is passed over: a role of a user that is no more, or in an account
 * that is no more.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/core/error.h"
#include "userspace/daemon/edits.h"

/* Whether the only trouble is that something is not there. */
static bool is_gone(int err, const struct ag_error *error)
{
	return err && error->code == ERROR_NOT_FOUND;
}

static int grant(struct edit *edit, const struct store_role *role, struct ag_error *error)
{
	struct store *store = edit->gate->store;
	struct account account = {0};
	struct store_user user;
	int err = store_account_find(store, role->account, &account, error);

	if (!err)
		err = store_user_find(store, role->user, &user, error);
	if (!err)
		err = store_role_grant(store, account.id, user.id, role->role, error);
	account_clear(&account);
	return is_gone(err, error) ? 0 : err;
}

static int grant_all(struct edit *edit, struct ag_error *error)
{
	const struct change *change = edit->change;
	int err = 0;

	for (size_t i = 0; i < change->role_count && !err; i++)
		err = grant(edit, &change->roles[i], error);
	return err;
}

static int add_services(struct edit *edit, struct ag_error *error)
{
	const struct change *change = edit->change;
	char owner[NAME_SIZE];
	int err = 0;

	for (size_t i = 0; i < change->service_count && !err; i++)
		err = store_service_add(edit->gate->store, edit->before.id, &change->services[i], owner,
					error);
	return err;
}

static int add_entries(struct edit *edit, struct ag_error *error)
{
	const struct list *list = edit->change->list;
	int err = 0;

	for (size_t i = 0; i < list->count && !err; i++)
		err = store_entry_add(edit->gate->store, edit->before.id, &list->entries[i], error);
	return err;
}

int edit_account_restore(struct edit *edit, struct ag_error *error)
{
	struct account *account = &edit->before; /* as it is before its list is there */
	int err = edit_apply_settings(edit->change, account, error);

	(void)snprintf(account->name, sizeof(account->name), "%s", edit->change->account);
	(void)buffer_print(&edit->detail, "with %zu entries ", edit->change->list->count);
	edit->outcome->added = 1;
	if (!err)
		err = store_account_add(edit->gate->store, account, error);
	if (!err)
		err = add_services(edit, error);
	if (!err)
		err = grant_all(edit, error);
	if (!err)
		err = tokens_restore(edit, error);
	return err ? err : add_entries(edit, error);
}

int undo_account_restore(struct edit *edit, struct ag_error *error)
{
	return store_account_remove(edit->gate->store, edit->before.id, error);
}

int edit_user_restore(struct edit *edit, struct ag_error *error)
{
	struct store_user user = edit->change->user;
	int err = store_user_add(edit->gate->store, &user, error);

	(void)buffer_print(&edit->detail, "%s ", user.name);
	edit->outcome->added = 1;
	if (!err)
		err = grant_all(edit, error);
	return err ? err : tokens_restore(edit, error);
}
