// SPDX-License-Identifier: GPL-2.0-only
/*
 * edits.c - each kind of change, as edits of the store inside the transaction that change.c holds
 */
#include "userspace/daemon/edits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "userspace/core/error.h"
#include "userspace/core/reference.h"

#define DETAIL_PREFIXES_MAX 20

/* --- accounts -------------------------------------------------------------- */

static void describe_settings(struct edit *edit)
{
	const struct change *change = edit->change;
	char on_deny[ON_DENY_TEXT_MAX];

	if (change->mode)
		(void)buffer_print(&edit->detail, "mode=%s ", mode_name(*change->mode));
	if (change->on_deny) {
		on_deny_format(change->on_deny, on_deny);
		(void)buffer_print(&edit->detail, "on_deny=%s ", on_deny);
	}
	if (change->label)
		(void)buffer_print(&edit->detail, "label=\"%s\" ", change->label);
}

int edit_apply_settings(const struct change *change, struct account *account, struct ag_error *error)
{
	char *label = change->label ? strdup(change->label) : NULL;

	if (change->label && !label)
		return error_set(error, ERROR_STORE, "no memory for the label");
	if (change->label) {
		account_clear(account);
		account->label = label;
	}
	if (change->mode)
		account->mode = *change->mode;
	if (change->on_deny)
		account->on_deny = *change->on_deny;
	return 0;
}

static int edit_account_add(struct edit *edit, struct ag_error *error)
{
	struct account *account = &edit->after;
	int err;

	(void)snprintf(account->name, sizeof(account->name), "%s", edit->change->account);
	err = edit_apply_settings(edit->change, account, error);
	describe_settings(edit);
	edit->outcome->added = 1;
	return err ? err : store_account_add(edit->gate->store, account, error);
}

static int undo_account_add(struct edit *edit, struct ag_error *error)
{
	return store_account_remove(edit->gate->store, edit->after.id, error);
}

static int edit_account_set(struct edit *edit, struct ag_error *error)
{
	struct account account;
	int err = account_copy(&account, &edit->before);

	if (err)
		return error_set(error, ERROR_STORE, "no memory for the label");
	err = edit_apply_settings(edit->change, &account, error);
	describe_settings(edit);
	if (!err)
		err = store_account_update(edit->gate->store, &account, error);
	account_clear(&account);
	return err;
}

static int undo_account_set(struct edit *edit, struct ag_error *error)
{
	return store_account_update(edit->gate->store, &edit->before, error);
}

static int edit_account_remove(struct edit *edit, struct ag_error *error)
{
	(void)buffer_print(&edit->detail, "with %zu entries ", account_entries(&edit->before));
	edit->outcome->removed = 1;
	return store_account_remove(edit->gate->store, edit->before.id, error);
}

/* --- services -------------------------------------------------------------- */

static void describe_service(struct edit *edit, size_t index)
{
	char text[SERVICE_TEXT_MAX];

	if (index > DETAIL_PREFIXES_MAX)
		return;
	service_format(&edit->change->services[index], text);
	(void)buffer_print(&edit->detail, "%s ", index == DETAIL_PREFIXES_MAX ? "..." : text);
}

static void warn_any_port(struct edit *edit, const struct service *service)
{
	char text[SERVICE_TEXT_MAX];

	if (service->port != AG_PORT_ANY)
		return;
	service_format(service, text);
	(void)snprintf(edit->outcome->warning, sizeof(edit->outcome->warning),
		       "%s has no port: it gates everything to that address, the replies to its own outbound "
		       "connections included",
		       text);
}

static int edit_service_add(struct edit *edit, struct ag_error *error)
{
	const struct change *change = edit->change;
	char owner[NAME_SIZE] = "";
	int err = 0;

	for (size_t i = 0; i < change->service_count && !err; i++) {
		describe_service(edit, i);
		warn_any_port(edit, &change->services[i]);
		err = store_service_add(edit->gate->store, edit->before.id, &change->services[i], owner,
					error);
	}
	edit->outcome->added = change->service_count;
	return err;
}

static int edit_service_remove(struct edit *edit, struct ag_error *error)
{
	const struct change *change = edit->change;
	int err = 0;

	for (size_t i = 0; i < change->service_count && !err; i++) {
		describe_service(edit, i);
		err = store_service_remove(edit->gate->store, edit->before.id, &change->services[i], error);
	}
	edit->outcome->removed = change->service_count;
	return err;
}

/* --- allowlists ------------------------------------------------------------ */

void edit_describe(struct edit *edit, bool comes, size_t index, const struct entry *entry)
{
	char text[ENTRY_TEXT_MAX];

	entry_format(entry, text);
	if (index < DETAIL_PREFIXES_MAX)
		(void)buffer_print(&edit->detail, "%c%s%s ", comes ? '+' : '-', text,
				   entry->verdict == AG_ENTRY_DENY ? " deny" : "");
	else if (index == DETAIL_PREFIXES_MAX)
		(void)buffer_print(&edit->detail, "%c... ", comes ? '+' : '-');
}

/* Remembers what comes or goes, for the audit log and, as far as it is asked for, the answer. */
static int note_entry(struct edit *edit, bool comes, const struct entry *entry, struct ag_error *error)
{
	struct outcome *outcome = edit->outcome;
	size_t seen = comes ? outcome->added++ : outcome->removed++;
	struct entry copy = {.prefix = entry->prefix,
			     .verdict = entry->verdict,
			     .disabled = entry->disabled,
			     .expires = entry->expires};

	edit_describe(edit, comes, seen, entry);
	if (!edit->change->dry_run || seen >= CHANGE_DIFFERENCE_MAX)
		return 0;
	copy.list = entry->list ? strdup(entry->list) : NULL;
	if (entry->list && !copy.list)
		return error_set(error, ERROR_STORE, "no memory to note the difference");
	if (list_append(comes ? &outcome->came : &outcome->went, &copy))
		return error_set(error, ERROR_STORE, "no memory to note the difference");
	return 0;
}

int edit_check_expiry(const struct change *change, const struct entry *entry, int64_t now,
		      struct ag_error *error)
{
	char prefix[ENTRY_TEXT_MAX], time_text[TIME_TEXT_MAX];

	if (change->keeps_expired || !entry->expires || entry->expires > now)
		return 0;
	entry_format_short(entry, prefix);
	time_format(entry->expires, time_text);
	return error_set(error, ERROR_BAD_REQUEST, "the expiry of %s, %s, is in the past: give a later one",
			 prefix, time_text);
}

/* The store knows a named list by the key of its name alone. */
static int name_reference(const struct entry *entry, int err, struct ag_error *error)
{
	char text[ENTRY_TEXT_MAX];

	entry_format(entry, text);
	if (err && entry->list)
		error_prepend(error, "%s", text);
	return err;
}

static int put_entry(struct edit *edit, const struct entry *asked, struct ag_error *error)
{
	struct entry entry = *asked;
	int err = edit_check_expiry(edit->change, asked, gate_now(edit->gate), error);

	if (err)
		return err;
	if (!edit->change->takes_back) { /* what is put back is as it was */
		entry.created_by =
			(char *)(uintptr_t)edit->change->actor.name; /* only borrowed, for the call */
		entry.created_at = time(NULL);
	}
	err = store_entry_add(edit->gate->store, edit->before.id, &entry, error);
	return err ? name_reference(asked, err, error) : note_entry(edit, true, asked, error);
}

/* As it was, so that it can be put back as it was. */
static int take_entry(struct edit *edit, const struct entry *asked, struct ag_error *error)
{
	struct entry held = {0};
	int err = store_entry_find(edit->gate->store, edit->before.id, &asked->prefix, &held, error);

	if (!err && list_append(&edit->gone, &held)) /* it has the strings now, also where it failed */
		err = error_set(error, ERROR_STORE, "no memory to remember what is removed");
	if (!err)
		err = store_entry_remove(edit->gate->store, edit->before.id, &asked->prefix, error);
	return err ? name_reference(asked, err, error)
		   : note_entry(edit, false, &edit->gone.entries[edit->gone.count - 1], error);
}

/* The whole list is in the store already, unseen: from here on it is the account's. */
static int take_import(struct edit *edit, struct ag_error *error)
{
	struct import_result *result = &edit->change->prepared->result;
	struct outcome *outcome = edit->outcome;

	for (size_t i = 0; i < result->went.count && i <= DETAIL_PREFIXES_MAX; i++)
		edit_describe(edit, false, i, &result->went.entries[i]);
	for (size_t i = 0; i < result->came.count && i <= DETAIL_PREFIXES_MAX; i++)
		edit_describe(edit, true, i, &result->came.entries[i]);
	outcome->added = result->added;
	outcome->removed = result->removed;
	if (prepared_outdated(edit->change->prepared, edit->gate))
		return error_set(
			error, ERROR_CONFLICT,
			"a named list was changed while the list of account %s was imported: try again",
			edit->change->account);
	if (edit->change->dry_run) {
		outcome->came = result->came;
		outcome->went = result->went;
		result->came = result->went = (struct list){0};
		return 0;
	}
	return store_import_finish(edit->gate->store, edit->change->prepared->import, error);
}

static int edit_allow_rollback(struct edit *edit, struct ag_error *error)
{
	(void)buffer_print(&edit->detail, "to generation %llu ", (unsigned long long)edit->change->restores);
	return take_import(edit, error);
}

static int edit_allow_add(struct edit *edit, struct ag_error *error)
{
	const struct list *asked = edit->change->list;
	int err = 0;

	if (edit->change->prepared && edit->change->prepared->import)
		return take_import(edit, error);
	for (size_t i = 0; i < asked->count && !err; i++)
		err = put_entry(edit, &asked->entries[i], error);
	return err;
}

static int edit_allow_remove(struct edit *edit, struct ag_error *error)
{
	const struct list *asked = edit->change->list;
	int err = 0;

	for (size_t i = 0; i < asked->count && !err; i++)
		err = take_entry(edit, &asked->entries[i], error);
	return err;
}

static int put_back_all(struct edit *edit, struct ag_error *error)
{
	int err = 0;

	for (size_t i = 0; i < edit->gone.count && !err; i++)
		err = store_entry_add(edit->gate->store, edit->before.id, &edit->gone.entries[i], error);
	return err ? err : store_account_update(edit->gate->store, &edit->before, error);
}

static int undo_import(struct edit *edit, struct ag_error *error)
{
	return store_import_undo(edit->gate->store, edit->change->prepared->import, &edit->before, error);
}

static int undo_allow_add(struct edit *edit, struct ag_error *error)
{
	const struct list *asked = edit->change->list;
	int err = 0;

	if (edit->change->prepared && edit->change->prepared->import)
		return undo_import(edit, error);
	for (size_t i = 0; i < asked->count && !err; i++)
		err = store_entry_remove(edit->gate->store, edit->before.id, &asked->entries[i].prefix,
					 error);
	return err ? err : store_account_update(edit->gate->store, &edit->before, error);
}

/* --- one entry -------------------------------------------------------------- */

void entry_set(struct entry *entry, const struct request_entry *set)
{
	if (set->has_note)
		entry->note = (char *)(uintptr_t)set->note; /* borrowed */
	if (set->has_expires)
		entry->expires = set->expires;
	if (set->has_enabled)
		entry->disabled = !set->enabled;
}

static void describe_set(struct edit *edit)
{
	const struct request_entry *set = edit->change->set;
	char text[ENTRY_TEXT_MAX], time_text[TIME_TEXT_MAX] = "never";

	entry_format(&edit->set, text);
	(void)buffer_print(&edit->detail, "%s ", text);
	if (set->has_expires && set->expires)
		time_format(set->expires, time_text);
	if (set->has_expires)
		(void)buffer_print(&edit->detail, "expires=%s ", time_text);
	if (set->has_enabled)
		(void)buffer_print(&edit->detail, "%s ", set->enabled ? "enabled" : "disabled");
	if (set->has_note)
		(void)buffer_print(&edit->detail, "note=\"%s\" ", set->note);
}

static int edit_allow_set(struct edit *edit, struct ag_error *error)
{
	const struct entry *asked = &edit->change->list->entries[0];
	struct entry held = {0};
	int err = store_entry_find(edit->gate->store, edit->before.id, &asked->prefix, &held, error);

	if (err)
		return name_reference(asked, err, error);
	edit->set = held;
	entry_set(&edit->set, edit->change->set);
	err = list_append(&edit->gone, &held)
		      ? error_set(error, ERROR_STORE, "no memory to remember what is changed")
		      : 0;
	if (err)
		return err;
	describe_set(edit);
	if (edit->change->set->has_expires)
		err = edit_check_expiry(edit->change, &edit->set, gate_now(edit->gate), error);
	return err ? err : store_entry_set(edit->gate->store, edit->before.id, &edit->set, error);
}

static int undo_allow_set(struct edit *edit, struct ag_error *error)
{
	int err = store_entry_set(edit->gate->store, edit->before.id, &edit->gone.entries[0], error);

	return err ? err : store_account_update(edit->gate->store, &edit->before, error);
}

const struct edit_kind edit_kinds[CHANGE_KIND_MAX] = {
	[CHANGE_ACCOUNT_ADD] = {.action = "account add", .edit = edit_account_add, .undo = undo_account_add},
	[CHANGE_ACCOUNT_SET] = {.action = "account set",
				.account = true,
				.list = true,
				.edit = edit_account_set,
				.undo = undo_account_set},
	[CHANGE_ACCOUNT_REMOVE] = {.action = "account remove",
				   .account = true,
				   .list = true,
				   .removes_account = true,
				   .edit = edit_account_remove},
	[CHANGE_SERVICE_ADD] = {.action = "service add",
				.account = true,
				.services = true,
				.edit = edit_service_add,
				.undo = edit_service_remove},
	[CHANGE_SERVICE_REMOVE] = {.action = "service remove",
				   .account = true,
				   .services = true,
				   .removes_services = true,
				   .edit = edit_service_remove,
				   .undo = edit_service_add},
	[CHANGE_USER_ADD] = {.action = "user add", .edit = edit_user_add, .undo = undo_user_add},
	[CHANGE_USER_REMOVE] = {.action = "user remove", .edit = edit_user_remove},
	[CHANGE_USER_ERASE] = {.action = "user erase",
			       .edit = edit_user_erase,
			       .publish = publish_user_erase},
	[CHANGE_ROLE_GRANT] = {.action = "role grant",
			       .account = true,
			       .edit = edit_role_grant,
			       .undo = undo_role},
	[CHANGE_ROLE_REVOKE] = {.action = "role revoke",
				.account = true,
				.edit = edit_role_revoke,
				.undo = undo_role},
	[CHANGE_TOKEN_CREATE] = {.action = "token create", .account = true, .edit = edit_token_create},
	[CHANGE_TOKEN_REVOKE] = {.action = "token revoke", .edit = edit_token_revoke},
	[CHANGE_LIST_RESTORE] = {.action = "list restore",
				 .edit = edit_list_restore,
				 .undo = undo_list_create},
	[CHANGE_TOKEN_RESTORE] = {.action = "token restore", .edit = edit_token_restore},
	[CHANGE_ALLOW_ADD] = {.action = "allow add",
			      .account = true,
			      .of_list = true,
			      .list = true,
			      .edit = edit_allow_add,
			      .undo = undo_allow_add},
	[CHANGE_ALLOW_REMOVE] = {.action = "allow remove",
				 .account = true,
				 .of_list = true,
				 .list = true,
				 .edit = edit_allow_remove,
				 .undo = put_back_all},
	[CHANGE_ALLOW_SET] = {.action = "allow set",
			      .account = true,
			      .of_list = true,
			      .list = true,
			      .edit = edit_allow_set,
			      .undo = undo_allow_set},
	[CHANGE_ALLOW_REPLACE] = {.action = "allow replace",
				  .account = true,
				  .of_list = true,
				  .list = true,
				  .edit = take_import,
				  .undo = undo_import},
	[CHANGE_POLICY_APPLY] = {.action = "policy apply",
				 .edit = edit_policy_apply,
				 .undo = undo_policy_apply},
	[CHANGE_ALLOW_ROLLBACK] = {.action = "allow rollback",
				   .account = true,
				   .of_list = true,
				   .list = true,
				   .edit = edit_allow_rollback,
				   .undo = undo_import},
	[CHANGE_LIST_CREATE] = {.action = "list create", .edit = edit_list_create, .undo = undo_list_create},
	[CHANGE_LIST_REMOVE] = {.action = "list remove", .edit = edit_list_remove, .undo = undo_list_remove},
	[CHANGE_LIST_ADD] = {.action = "list add", .edit = edit_list_add, .undo = undo_list_add},
	[CHANGE_LIST_REMOVE_ENTRIES] = {.action = "list remove-entry",
					.edit = edit_list_remove_entries,
					.undo = undo_list_remove_entries},
	[CHANGE_LISTED_ADD] = {.action = "list add",
			       .account = true,
			       .list = true,
			       .edit = edit_listed,
			       .undo = undo_listed},
	[CHANGE_LISTED_REMOVE] = {.action = "list remove-entry",
				  .account = true,
				  .list = true,
				  .edit = edit_listed,
				  .undo = undo_listed},
	[CHANGE_INTERFACE_ATTACH] = {.action = "interface attach",
				     .edit = edit_interface_attach,
				     .publish = publish_interface_attach,
				     .abandon = abandon_interface_attach},
	[CHANGE_INTERFACE_DETACH] = {.action = "interface detach",
				     .edit = edit_interface_detach,
				     .publish = publish_interface_detach,
				     .undo = undo_interface_detach},
	[CHANGE_ACCOUNT_RESTORE] = {.action = "account restore",
				    .list = true,
				    .services = true,
				    .edit = edit_account_restore,
				    .undo = undo_account_restore},
	[CHANGE_USER_RESTORE] = {.action = "user restore", .edit = edit_user_restore},
};
