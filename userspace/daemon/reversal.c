// SPDX-License-Identifier: GPL-2.0-only
/*
 * reversal.c - see reversal.h
 */
#include "userspace/daemon/reversal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/request.h"
#include "userspace/daemon/interfaces.h"
#include "userspace/daemon/pending.h"
#include "userspace/daemon/reversal_private.h"

DEFINE_CLEANUP(json, json_t *, json_decref)
#define AUTO_JSON CLEANUP(cleanup_json)

int reversal_no_memory(struct ag_error *error)
{
	return error_set(error, ERROR_STORE, "no memory to note what would take the change back");
}

int reversal_put(json_t *document, const char *name, json_t *value, struct ag_error *error)
{
	return json_object_set_new(document, name, value) ? reversal_no_memory(error) : 0;
}

int reversal_check_count(size_t count, const char *what, struct ag_error *error)
{
	if (count <= REVERSAL_ITEMS_MAX)
		return 0;
	return error_set(error, ERROR_LIMIT,
			 "it has %zu %s, and %d are the most that can be kept to take a change back: make it "
			 "without --confirm-within",
			 count, what, REVERSAL_ITEMS_MAX);
}

void reversal_claim(struct buffer *claims, const char *format, ...)
{
	char text[CLAIM_SIZE];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* a name or a service, which fit */
	va_end(args);
	(void)buffer_print(claims, "%s%s ", claims->length ? "" : " ", text); /* remembered in the buffer */
}

const char *reversal_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

/* --- to a document ---------------------------------------------------------- */

static int add_service(json_t *array, const struct service *service, struct buffer *claims)
{
	char text[SERVICE_TEXT_MAX];

	service_format(service, text);
	if (claims)
		reversal_claim(claims, "%s", text);
	return json_array_append_new(array, json_string(text));
}

static int put_services(struct edit *edit, json_t *document, struct buffer *claims, struct ag_error *error)
{
	const struct change *change = edit->change;
	AUTO_JSON json_t *array = json_array();
	int err = reversal_check_count(change->service_count, "services", error);

	for (size_t i = 0; i < change->service_count && !err; i++)
		if (add_service(array, &change->services[i], claims))
			err = reversal_no_memory(error);
	return err ? err : reversal_put(document, "services", TAKE_PTR(array), error);
}

static int describe_service_add(struct edit *edit, json_t *document, struct buffer *claims,
				struct ag_error *error)
{
	(void)claims; /* what goes is nobody's any more */
	return put_services(edit, document, NULL, error);
}

static int describe_role(struct edit *edit, json_t *document, struct buffer *claims, struct ag_error *error)
{
	const char *user = edit->change->user.name;
	enum role role = ROLE_NONE;
	int err = store_role_of(edit->gate->store, edit->before.id, user, &role, error);

	if (!err)
		err = reversal_put(document, "do",
				   json_string(role == ROLE_NONE ? "role revoke" : "role grant"), error);
	if (!err)
		err = reversal_put(document, "user", json_string(user), error);
	reversal_claim(claims, "user=%s", user);
	return err || role == ROLE_NONE ? err
					: reversal_put(document, "role", json_string(role_name(role)), error);
}

/* Its tokens go with it, but for one that would come back before the role does, and so never. */
static int describe_role_revoke(struct edit *edit, json_t *document, struct buffer *claims,
				struct ag_error *error)
{
	char role[2 * NAME_SIZE];
	struct store_user user = {0};
	int err;

	(void)snprintf(role, sizeof(role), "%s/%s", edit->change->account, edit->change->user.name);
	err = pending_check_held(edit->gate, "role", role, error);
	if (!err)
		err = describe_role(edit, document, claims, error);

	if (!err)
		err = store_user_find(edit->gate->store, edit->change->user.name, &user, error);
	return err ? err : reversal_put_tokens(edit, document, edit->before.id, user.id, error);
}

static int describe_nothing(struct edit *edit, json_t *document, struct buffer *claims,
			    struct ag_error *error)
{
	(void)edit; /* the subject's name says it all */
	(void)document;
	(void)claims;
	(void)error;
	return 0;
}

/* Of an account or of a user: NULL for all. */
static int put_roles(struct edit *edit, json_t *document, const char *account, const char *user,
		     struct buffer *claims, struct ag_error *error)
{
	AUTO_FREE struct store_role *roles = NULL;
	AUTO_JSON json_t *array = json_array();
	size_t count = 0;
	int err = store_roles(edit->gate->store, account, user, &roles, &count, error);

	if (!err)
		err = reversal_check_count(count, "roles", error);
	for (size_t i = 0; i < count && !err; i++) {
		if (account)
			reversal_claim(claims, "user=%s", roles[i].user);
		else
			reversal_claim(claims, "roles=%s", roles[i].account);
		if (json_array_append_new(array, json_role(roles[i].account, roles[i].user, roles[i].role)))
			err = reversal_no_memory(error);
	}
	return err ? err : reversal_put(document, "roles", TAKE_PTR(array), error);
}

static int describe_user_remove(struct edit *edit, json_t *document, struct buffer *claims,
				struct ag_error *error)
{
	struct store_user user;
	int err = store_user_find(edit->gate->store, edit->change->user.name, &user, error);

	if (!err)
		err = pending_check_held(edit->gate, "user", user.name, error);
	if (err)
		return err;
	if (user.uid >= 0)
		reversal_claim(claims, "uid=%lld", (long long)user.uid);
	err = reversal_put(document, "uid", json_integer((json_int_t)user.uid), error);
	if (!err)
		err = reversal_put(document, "operator", json_boolean(user.operator_), error);
	if (!err)
		err = reversal_put(document, "delegate", json_boolean(user.delegate), error);
	if (!err)
		err = put_roles(edit, document, NULL, user.name, claims, error);
	return err ? err : reversal_put_tokens(edit, document, 0, user.id, error);
}

static int put_settings(const struct account *account, json_t *document, struct ag_error *error)
{
	char on_deny[ON_DENY_TEXT_MAX];
	int err = reversal_put(document, "mode", json_string(mode_name(account->mode)), error);

	on_deny_format(&account->on_deny, on_deny);
	if (!err)
		err = reversal_put(document, "on_deny", json_string(on_deny), error);
	return err ? err
		   : reversal_put(document, "label", json_string(account->label ? account->label : ""),
				  error);
}

static int describe_settings(struct edit *edit, json_t *document, struct buffer *claims,
			     struct ag_error *error)
{
	(void)claims;
	return put_settings(&edit->before, document, error);
}

static int put_all_services(struct edit *edit, json_t *document, struct buffer *claims,
			    struct ag_error *error)
{
	size_t count;
	const struct claim *all = summary_claims_of(&edit->gate->summary, edit->before.slot, &count);
	AUTO_JSON json_t *array = json_array();
	int err = reversal_check_count(count, "services", error);

	for (size_t i = 0; i < count && !err; i++)
		if (add_service(array, &all[i].service, claims))
			err = reversal_no_memory(error);
	return err ? err : reversal_put(document, "services", TAKE_PTR(array), error);
}

static int describe_account_remove(struct edit *edit, json_t *document, struct buffer *claims,
				   struct ag_error *error)
{
	int err = pending_check_held(edit->gate, "roles", edit->before.name, error);

	if (!err)
		err = put_settings(&edit->before, document, error);
	if (!err)
		err = put_all_services(edit, document, claims, error);
	if (!err)
		err = put_roles(edit, document, edit->before.name, NULL, claims, error);
	if (!err)
		err = reversal_put_tokens(edit, document, edit->before.id, 0, error);
	return err ? err : reversal_put_entries(edit, document, claims, error);
}

/* Whether the interface is attached to by command, rather than by the configuration. */
static int is_stored(struct edit *edit, bool *ret, struct ag_error *error)
{
	AUTO_FREE struct store_interface *kept = NULL;
	size_t count = 0;
	int err = store_interfaces(edit->gate->store, &kept, &count, error);

	*ret = false;
	for (size_t i = 0; i < count && !err; i++)
		*ret |= !strcmp(kept[i].name, edit->change->interface.name);
	return err;
}

static int describe_interface(struct edit *edit, json_t *document, struct buffer *claims,
			      struct ag_error *error)
{
	const char *name = edit->change->interface.name;
	bool there = interfaces_wanted(edit->gate, name) || interfaces_attached(edit->gate, name), stored;
	int err = is_stored(edit, &stored, error);

	(void)claims;
	if (!err)
		err = reversal_put(document, "do",
				   json_string(there ? "interface attach" : "interface detach"), error);
	if (!err)
		err = reversal_put(document, "mode", json_string(interfaces_mode(edit->gate, name)), error);
	return err ? err : reversal_put(document, "stored", json_boolean(stored), error);
}

static const struct {
	const char *inverse; /* NULL: the function says it */
	reversal_describes describe;
} descriptions[CHANGE_KIND_MAX] = {
	[CHANGE_ACCOUNT_ADD] = {"account remove", describe_nothing},
	[CHANGE_ACCOUNT_SET] = {"account set", describe_settings},
	[CHANGE_ACCOUNT_REMOVE] = {"account restore", describe_account_remove},
	[CHANGE_SERVICE_ADD] = {"service remove", describe_service_add},
	[CHANGE_SERVICE_REMOVE] = {"service add", put_services},
	[CHANGE_USER_ADD] = {"user remove", describe_nothing},
	[CHANGE_USER_REMOVE] = {"user restore", describe_user_remove},
	[CHANGE_ROLE_GRANT] = {NULL, describe_role},
	[CHANGE_ROLE_REVOKE] = {NULL, describe_role_revoke},
	[CHANGE_TOKEN_CREATE] = {"token revoke", reversal_describe_token},
	[CHANGE_TOKEN_REVOKE] = {"token restore", reversal_describe_token},
	[CHANGE_INTERFACE_ATTACH] = {NULL, describe_interface},
	[CHANGE_INTERFACE_DETACH] = {NULL, describe_interface},
	/* Of several that wait as one; alone they go back to a generation. */
	[CHANGE_ALLOW_ADD] = {NULL, reversal_describe_allow_add},
	[CHANGE_ALLOW_REMOVE] = {"allow add", reversal_describe_held},
	[CHANGE_ALLOW_SET] = {"allow set", reversal_describe_held},
	[CHANGE_ALLOW_REPLACE] = {NULL, reversal_describe_whole},
	[CHANGE_ALLOW_ROLLBACK] = {NULL, reversal_describe_whole},
	[CHANGE_LIST_CREATE] = {"list remove", reversal_describe_list},
	[CHANGE_LIST_REMOVE] = {"list restore", reversal_describe_list_remove},
	[CHANGE_LIST_ADD] = {"list remove-entry", reversal_describe_list},
	[CHANGE_LIST_REMOVE_ENTRIES] = {"list add", reversal_describe_list_remove_entries},
};

static int describe(struct edit *edit, json_t *document, struct buffer *claims, struct ag_error *error)
{
	const char *inverse = descriptions[edit->change->kind].inverse;
	int err = inverse ? reversal_put(document, "do", json_string(inverse), error) : 0;

	return err ? err : descriptions[edit->change->kind].describe(edit, document, claims, error);
}

static int write_document(struct edit *edit, json_t *document, struct buffer *claims, struct ag_error *error)
{
	edit->pending.inverse = json_dumps(document, JSON_COMPACT);
	return edit->pending.inverse && !claims->failed ? 0 : reversal_no_memory(error);
}

static int cannot(const struct edit *edit, struct ag_error *error)
{
	return error_set(error, ERROR_BAD_REQUEST,
			 "'%s' cannot be taken back by itself: make it without --confirm-within",
			 change_action(edit->change->kind));
}

/* The lists that it refers to are there when it goes back. */
static int note_generation(struct edit *edit, struct buffer *claims, struct ag_error *error)
{
	edit->pending.restores = edit->before.generation;
	return reversal_claim_list(edit, claims, error);
}

int reversal_describe(struct edit *edit, struct ag_error *error)
{
	CLEANUP(buffer_clear) struct buffer claims = {0};
	AUTO_JSON json_t *document = json_object();
	int err;

	if (change_is_of_list(edit->change->kind)) {
		err = note_generation(edit, &claims, error);
	} else if (descriptions[edit->change->kind].describe) {
		err = describe(edit, document, &claims, error);
		err = err ? err : write_document(edit, document, &claims, error);
	} else {
		return cannot(edit, error);
	}
	edit->pending.claims = TAKE_PTR(claims.data);
	return err;
}

/* --- several that wait as one ------------------------------------------------- */

/* What is of others' making, or goes with an account that goes again, needs no way back. */
static bool needs_none(const struct edit *edit)
{
	enum change_kind kind = edit->change->kind;
	bool fresh = edit->change->account[0] && !gate_account(edit->gate, edit->change->account);

	return kind == CHANGE_POLICY_APPLY || kind == CHANGE_LISTED_ADD || kind == CHANGE_LISTED_REMOVE ||
	       (fresh && kind != CHANGE_ACCOUNT_ADD && kind != CHANGE_SERVICE_ADD);
}

static int name_part(const struct change *change, json_t *document, struct ag_error *error)
{
	int err = change->account[0] ? reversal_put(document, "account", json_string(change->account), error)
				     : 0;

	return err || !change->named[0] ? err
					: reversal_put(document, "named", json_string(change->named), error);
}

int reversal_note(struct edit *edit, json_t *parts, struct buffer *claims, struct ag_error *error)
{
	AUTO_JSON json_t *document = json_object();
	int err;

	if (needs_none(edit))
		return 0;
	if (!descriptions[edit->change->kind].describe)
		return cannot(edit, error);
	err = reversal_check_count(json_array_size(parts) + 1, "changes", error);
	if (!err)
		err = name_part(edit->change, document, error);
	if (!err)
		err = describe(edit, document, claims, error);
	if (!err && json_array_append(parts, document))
		err = reversal_no_memory(error);
	return err;
}
