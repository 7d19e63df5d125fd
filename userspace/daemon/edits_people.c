// SPDX-License-Identifier: GPL-2.0-only
/*
 * edits_people.c - the changes of users and roles
 */
#include "userspace/core/error.h"
#include "userspace/daemon/edits.h"

int edit_user_add(struct edit *edit, struct ag_error *error)
{
	struct store_user user = edit->change->user;

	(void)buffer_print(&edit->detail, "%s ", user.name);
	if (user.uid >= 0)
		(void)buffer_print(&edit->detail, "uid=%lld ", (long long)user.uid);
	(void)buffer_print(&edit->detail, "%s%s", user.operator_ ? "operator " : "",
			   user.delegate ? "delegate " : "");
	edit->outcome->added = 1;
	return store_user_add(edit->gate->store, &user, error);
}

int undo_user_add(struct edit *edit, struct ag_error *error)
{
	return store_user_remove(edit->gate->store, edit->change->user.name, error);
}

int edit_user_remove(struct edit *edit, struct ag_error *error)
{
	(void)buffer_print(&edit->detail, "%s ", edit->change->user.name);
	edit->outcome->removed = 1;
	return store_user_remove(edit->gate->store, edit->change->user.name, error);
}

/* What takes a role back finds nothing to do where the user is no more. */
static int already_so(const struct edit *edit, int err, const struct ag_error *error)
{
	return err && edit->change->takes_back && error->code == ERROR_NOT_FOUND ? 0 : err;
}

int edit_role_grant(struct edit *edit, struct ag_error *error)
{
	const struct change *change = edit->change;
	struct store_user user;
	int err = store_user_find(edit->gate->store, change->user.name, &user, error);

	(void)buffer_print(&edit->detail, "%s %s ", change->user.name, role_name(change->role));
	edit->outcome->added = 1;
	if (!err)
		err = store_role_of(edit->gate->store, edit->before.id, user.name, &edit->had_role, error);
	if (err)
		return already_so(edit, err, error);
	err = store_role_grant(edit->gate->store, edit->before.id, user.id, change->role, error);
	return err ? err : tokens_restore(edit, error);
}

int edit_role_revoke(struct edit *edit, struct ag_error *error)
{
	struct store_user user;
	int err = store_user_find(edit->gate->store, edit->change->user.name, &user, error);

	(void)buffer_print(&edit->detail, "%s ", edit->change->user.name);
	edit->outcome->removed = 1;
	if (!err)
		err = store_role_of(edit->gate->store, edit->before.id, user.name, &edit->had_role, error);
	if (!err)
		err = tokens_remember(edit, user.id, error);
	if (!err)
		err = store_role_revoke(edit->gate->store, edit->before.id, user.id, error);
	return already_so(edit, err, error);
}

int undo_role(struct edit *edit, struct ag_error *error)
{
	struct store_user user;
	int err = store_user_find(edit->gate->store, edit->change->user.name, &user, error);

	if (err)
		return err;
	if (edit->had_role == ROLE_NONE)
		return store_role_revoke(edit->gate->store, edit->before.id, user.id, error);
	err = store_role_grant(edit->gate->store, edit->before.id, user.id, edit->had_role, error);
	return err ? err : tokens_put_back(edit, error);
}
