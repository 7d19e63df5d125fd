// SPDX-License-Identifier: GPL-2.0-only
/*
 * reversal_read.c - from a document to the change that it stands for: see reversal.h
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/request.h"
#include "userspace/daemon/reversal_private.h"

#define PHASE_LAST 9

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
	return err ? err : reversal_read_list(document, reversal, error);
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

/*
 * The phase is when it is done among several: what is in the way of others goes first, what others stand on
 * comes before them, and goes behind them. Accounts that go stand last (gate_apply_all()), but for lists that
 * nobody uses any more then.
 */
static const struct {
	enum change_kind kind;
	reversal_reads read;
	unsigned int phase;
} readings[] = {
	{CHANGE_SERVICE_REMOVE, read_named_services, 1},
	{CHANGE_LIST_RESTORE, reversal_read_list, 2},
	{CHANGE_LIST_ADD, reversal_read_list, 2},
	{CHANGE_LIST_REMOVE_ENTRIES, reversal_read_list, 2},
	{CHANGE_ACCOUNT_RESTORE, read_account, 3},
	{CHANGE_ROLE_GRANT, read_role, 4},
	{CHANGE_ROLE_REVOKE, read_role, 4},
	{CHANGE_ALLOW_ADD, reversal_read_list, 5},
	{CHANGE_ALLOW_REMOVE, reversal_read_list, 5},
	{CHANGE_ALLOW_SET, reversal_read_set, 5},
	{CHANGE_ALLOW_REPLACE, reversal_read_whole, 5},
	{CHANGE_ACCOUNT_SET, read_settings, REVERSAL_LISTS_DONE},
	{CHANGE_SERVICE_ADD, read_named_services, 7},
	{CHANGE_ACCOUNT_REMOVE, read_nothing, 8},
	{CHANGE_LIST_REMOVE, read_nothing, PHASE_LAST},
	/* never among several */
	{CHANGE_USER_REMOVE, read_nothing, 0},
	{CHANGE_USER_RESTORE, read_user, 0},
	{CHANGE_TOKEN_REVOKE, reversal_read_token, 0},
	{CHANGE_TOKEN_RESTORE, reversal_read_token, 0},
	{CHANGE_INTERFACE_ATTACH, read_interface, 0},
	{CHANGE_INTERFACE_DETACH, read_interface, 0},
};

static int read_document(const json_t *document, struct reversal *reversal, struct ag_error *error)
{
	const char *what = reversal_text(document, "do");

	for (size_t i = 0; i < sizeof(readings) / sizeof(*readings); i++) {
		if (strcmp(change_action(readings[i].kind), what) != 0)
			continue;
		reversal->change.kind = readings[i].kind;
		reversal->phase = readings[i].phase;
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
		[PENDING_LIST] = {change->named, sizeof(change->named)},
		[PENDING_POLICY] = {change->named, sizeof(change->named)}, /* never alone */
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

static int unreadable(const struct store_pending *row, struct ag_error *error)
{
	error_prepend(error, "what takes back the change of %s '%s' cannot be read",
		      pending_subject_name(row->subject), row->name);
	error->code = ERROR_STORE;
	return -EIO;
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
	return unreadable(row, error);
}

void reversal_clear(struct reversal *reversal)
{
	list_clear(&reversal->list);
	free(reversal->services);
	free(reversal->roles);
	free(reversal->tokens);
	*reversal = (struct reversal){0};
}

/* --- several ------------------------------------------------------------------ */

void reversals_free(struct reversal *reversals, size_t count)
{
	for (size_t i = 0; i < count; i++)
		reversal_clear(&reversals[i]);
	free(reversals);
}

/* What was read points into where it stands. */
static int read_part(const json_t *document, struct reversal *ret, struct ag_error *error)
{
	struct change *change = &ret->change;

	(void)snprintf(change->account, sizeof(change->account), "%s", reversal_text(document, "account"));
	(void)snprintf(change->named, sizeof(change->named), "%s", reversal_text(document, "named"));
	return read_document(document, ret, error);
}

/* The accounts that are restored, as members of an object. */
static json_t *find_restored(const json_t *parts)
{
	json_t *restored = json_object();
	const json_t *part;
	size_t index;

	json_array_foreach ((json_t *)(uintptr_t)parts, index, part) {
		if (strcmp(reversal_text(part, "do"), change_action(CHANGE_ACCOUNT_RESTORE)) != 0 ||
		    !json_object_set_new(restored, reversal_text(part, "account"), json_true()))
			continue;
		json_decref(restored);
		return NULL;
	}
	return restored;
}

/* Services that went before their account did are restored with it. */
static bool is_covered(const json_t *restored, const json_t *part)
{
	return !strcmp(reversal_text(part, "do"), change_action(CHANGE_SERVICE_ADD)) &&
	       json_object_get(restored, reversal_text(part, "account"));
}

/* By phase, and within one the last that was made first. */
static unsigned int phase_of(const json_t *part)
{
	for (size_t i = 0; i < sizeof(readings) / sizeof(*readings); i++)
		if (!strcmp(change_action(readings[i].kind), reversal_text(part, "do")))
			return readings[i].phase;
	return PHASE_LAST; /* where it is found to be none */
}

static int read_parts(const json_t *parts, struct reversal *reversals, size_t *count, struct ag_error *error)
{
	AUTO_JSON json_t *restored = find_restored(parts);
	int err = restored ? 0 : reversal_no_memory(error);

	for (unsigned int phase = 0; phase <= PHASE_LAST; phase++)
		for (size_t i = json_array_size(parts); i-- > 0 && !err;) {
			const json_t *part = json_array_get(parts, i);

			if (phase_of(part) != phase || is_covered(restored, part))
				continue;
			err = read_part(part, &reversals[(*count)++], error);
		}
	return err;
}

static int read_all(const json_t *document, struct reversal **ret, size_t *ret_count, struct ag_error *error)
{
	const json_t *parts = json_object_get(document, "changes");
	struct reversal *reversals;
	size_t count = 0;
	int err;

	if (!json_is_array(parts) || strcmp(reversal_text(document, "do"), "all") != 0)
		return error_set(error, ERROR_STORE, "it is not of several changes");
	reversals = calloc(json_array_size(parts) + 1, sizeof(*reversals));
	if (!reversals)
		return reversal_no_memory(error);
	err = read_parts(parts, reversals, &count, error);
	if (err) {
		reversals_free(reversals, count);
		return err;
	}
	*ret = reversals;
	*ret_count = count;
	return 0;
}

int reversal_read_all(const struct store_pending *row, struct reversal **ret, size_t *ret_count,
		      struct ag_error *error)
{
	AUTO_JSON json_t *document = json_loads(row->inverse, JSON_REJECT_DUPLICATES, NULL);
	int err = read_all(document, ret, ret_count, error);

	return err ? unreadable(row, error) : 0;
}
