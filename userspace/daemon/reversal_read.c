// SPDX-License-Identifier: GPL-2.0-only
/*
 * reversal_read.c - from a document to the change that it stands for: see reversal.h
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/request.h"
#include "userspace/daemon/reversal_private.h"

DEFINE_CLEANUP(json, json_t *, json_decref)
#define AUTO_JSON CLEANUP(cleanup_json)

static int read_services(const json_t *array, struct reversal *reversal, struct ag_error *error)
{
	struct change *change = &reversal->change;
	const json_t *value;
	size_t index;
	int err = 0;

	reversal->services = calloc(json_array_size(array) + 1, sizeof(*reversal->services));
	if (!reversal->services)
		return reversal_no_memory(error);
	json_array_foreach ((json_t *)array, index, value) {
		const char *text = json_string_value(value);

		err = service_parse(text ? text : "", &reversal->services[index], error);
		if (err)
			return err;
	}
	change->services = reversal->services;
	change->service_count = json_array_size(array);
	return 0;
}

static int read_roles(const json_t *array, struct reversal *reversal, struct ag_error *error)
{
	const json_t *value;
	size_t index;

	reversal->roles = calloc(json_array_size(array) + 1, sizeof(*reversal->roles));
	if (!reversal->roles)
		return reversal_no_memory(error);
	json_array_foreach ((json_t *)array, index, value) {
		struct store_role *role = &reversal->roles[index];
		int err = role_parse(reversal_text(value, "role"), &role->role, error);

		if (err)
			return err;
		(void)snprintf(role->account, sizeof(role->account), "%s", reversal_text(value, "account"));
		(void)snprintf(role->user, sizeof(role->user), "%s", reversal_text(value, "user"));
	}
	reversal->change.roles = reversal->roles;
	reversal->change.role_count = json_array_size(array);
	return 0;
}

static int sign_entries(const json_t *authors, struct list *list, struct ag_error *error)
{
	if (json_array_size(authors) != list->count)
		return error_set(error, ERROR_STORE, "entries and their authors are not as many");
	for (size_t i = 0; i < list->count; i++) {
		const json_t *author = json_array_get(authors, i);
		const char *by = json_string_value(json_array_get(author, 0));

		list->entries[i].created_by = strdup(by ? by : "");
		list->entries[i].created_at = json_integer_value(json_array_get(author, 1));
		if (!list->entries[i].created_by)
			return reversal_no_memory(error);
	}
	return 0;
}

static int read_list(const json_t *document, struct reversal *reversal, struct ag_error *error)
{
	AUTO_FREE char *text = json_dumps(json_object_get(document, "list"), JSON_COMPACT);
	int err = text ? request_entries_decode(text, strlen(text), REVERSAL_ITEMS_MAX, true, &reversal->list,
						error)
		       : reversal_no_memory(error);

	reversal->change.list = &reversal->list;
	return err ? err : sign_entries(json_object_get(document, "authors"), &reversal->list, error);
}

static int read_settings(const json_t *document, struct reversal *reversal, struct ag_error *error)
{
	int err = mode_parse(reversal_text(document, "mode"), &reversal->mode, error);

	if (!err)
		err = on_deny_parse(reversal_text(document, "on_deny"), &reversal->on_deny, error);
	(void)snprintf(reversal->label, sizeof(reversal->label), "%s", reversal_text(document, "label"));
	reversal->change.mode = &reversal->mode;
	reversal->change.on_deny = &reversal->on_deny;
	reversal->change.label = reversal->label;
	return err;
}

static int read_account(const json_t *document, struct reversal *reversal, struct ag_error *error)
{
	int err = read_settings(document, reversal, error);

	if (!err)
		err = read_services(json_object_get(document, "services"), reversal, error);
	if (!err)
		err = read_roles(json_object_get(document, "roles"), reversal, error);
	if (!err)
		err = reversal_read_tokens(document, reversal, error);
	return err ? err : read_list(document, reversal, error);
}

static int read_user(const json_t *document, struct reversal *reversal, struct ag_error *error)
{
	struct store_user *user = &reversal->change.user;
	int err = read_roles(json_object_get(document, "roles"), reversal, error);

	user->uid = json_integer_value(json_object_get(document, "uid"));
	user->operator_ = json_is_true(json_object_get(document, "operator"));
	user->delegate = json_is_true(json_object_get(document, "delegate"));
	return err ? err : reversal_read_tokens(document, reversal, error);
}

static int read_role(const json_t *document, struct reversal *reversal, struct ag_error *error)
{
	struct change *change = &reversal->change;
	int err;

	(void)snprintf(change->user.name, sizeof(change->user.name), "%s", reversal_text(document, "user"));
	if (change->kind == CHANGE_ROLE_REVOKE)
		return 0;
	err = role_parse(reversal_text(document, "role"), &change->role, error);
	return err ? err : reversal_read_tokens(document, reversal, error);
}

static int read_interface(const json_t *document, struct reversal *reversal, struct ag_error *error)
{
	struct change *change = &reversal->change;

	(void)error;
	(void)snprintf(change->interface.mode, sizeof(change->interface.mode), "%s",
		       reversal_text(document, "mode"));
	change->unstored = !json_is_true(json_object_get(document, "stored"));
	return 0;
}

static int read_named_services(const json_t *document, struct reversal *reversal, struct ag_error *error)
{
	return read_services(json_object_get(document, "services"), reversal, error);
}

static int read_nothing(const json_t *document, struct reversal *reversal, struct ag_error *error)
{
	(void)document;
	(void)reversal;
	(void)error;
	return 0;
}

static const struct {
	enum change_kind kind;
	reversal_reads read;
} readings[] = {
	{CHANGE_ACCOUNT_REMOVE, read_nothing},
	{CHANGE_ACCOUNT_RESTORE, read_account},
	{CHANGE_ACCOUNT_SET, read_settings},
	{CHANGE_SERVICE_REMOVE, read_named_services},
	{CHANGE_SERVICE_ADD, read_named_services},
	{CHANGE_USER_REMOVE, read_nothing},
	{CHANGE_USER_RESTORE, read_user},
	{CHANGE_ROLE_GRANT, read_role},
	{CHANGE_ROLE_REVOKE, read_role},
	{CHANGE_INTERFACE_ATTACH, read_interface},
	{CHANGE_INTERFACE_DETACH, read_interface},
	{CHANGE_TOKEN_REVOKE, reversal_read_token},
	{CHANGE_TOKEN_RESTORE, reversal_read_token},
};

static int read_document(const json_t *document, struct reversal *reversal, struct ag_error *error)
{
	const char *what = reversal_text(document, "do");

	for (size_t i = 0; i < sizeof(readings) / sizeof(*readings); i++) {
		if (strcmp(change_action(readings[i].kind), what) != 0)
			continue;
		reversal->change.kind = readings[i].kind;
		return readings[i].read(document, reversal, error);
	}
	return error_set(error, ERROR_STORE, "'%s' is no way back", what);
}

static void name_subject(const struct store_pending *row, struct change *change)
{
	struct {
		char *to;
		size_t size;
	} places[] = {
		[PENDING_ACCOUNT] = {change->account, sizeof(change->account)},
		[PENDING_USER] = {change->user.name, sizeof(change->user.name)},
		[PENDING_INTERFACE] = {change->interface.name, sizeof(change->interface.name)},
		[PENDING_TOKEN] = {change->named, sizeof(change->named)}, /* the document says which */
	};

	(void)snprintf(places[row->subject].to, places[row->subject].size, "%s", row->name);
}

/* A list goes back to what it was; the worker reads it. */
static int read_generation(const struct store_pending *row, struct reversal *ret)
{
	ret->change.kind = CHANGE_ALLOW_REPLACE;
	ret->change.restores = row->restores;
	return 0;
}

static int read_inverse(const struct store_pending *row, struct reversal *ret, struct ag_error *error)
{
	AUTO_JSON json_t *document = json_loads(row->inverse, JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(document))
		return error_set(error, ERROR_STORE, "it is no document");
	return read_document(document, ret, error);
}

int reversal_read(const struct store_pending *row, struct reversal *ret, struct ag_error *error)
{
	int err;

	*ret = (struct reversal){0};
	ret->change.takes_back = row->generation;
	name_subject(row, &ret->change);
	err = row->restores ? read_generation(row, ret) : read_inverse(row, ret, error);
	if (!err)
		return 0;
	reversal_clear(ret);
	error_prepend(error, "what takes back the change of %s '%s' cannot be read",
		      pending_subject_name(row->subject), row->name);
	error->code = ERROR_STORE;
	return err;
}

void reversal_clear(struct reversal *reversal)
{
	list_clear(&reversal->list);
	free(reversal->services);
	free(reversal->roles);
	free(reversal->tokens);
	*reversal = (struct reversal){0};
}
