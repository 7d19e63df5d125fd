// SPDX-License-Identifier: GPL-2.0-only
/*
 * api_people.c - users, roles, and who is asking
 */
#include "userspace/daemon/api_people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/request.h"
#include "userspace/core/token.h"
#include "userspace/daemon/call.h"

json_t *user_json(const struct store_user *user)
{
	return json_pack("{s:s, s:o, s:b, s:b}", "name", user->name, "uid",
			 user->uid < 0 ? json_null() : json_integer((json_int_t)user->uid), "operator",
			 user->operator_, "delegate", user->delegate);
}

int api_list_users(struct call *call)
{
	AUTO_FREE struct store_user *users = NULL;
	struct page page = {0};
	size_t count = 0;
	int err = page_begin(call, &page);

	if (!err)
		err = store_users(call->gate->store, &users, &count, &call->error);
	for (size_t i = 0; i < count && !err; i++) {
		if (page.after && strcmp(users[i].name, page.after) <= 0)
			continue;
		if (!page_wants(&page))
			break;
		err = page_add(call, &page, users[i].name, user_json(&users[i]));
	}
	if (!err)
		err = page_end(call, &page);
	page_clear(&page);
	return err;
}

int api_add_user(struct call *call)
{
	struct change change = call_change(call, CHANGE_USER_ADD);
	struct request_user asked;
	int err = request_user_decode(call->request->body, call->request->body_length, &asked, &call->error);

	if (err)
		return err;
	(void)snprintf(change.user.name, sizeof(change.user.name), "%s", asked.name);
	change.user.uid = asked.uid;
	change.user.operator_ = asked.operator_;
	change.user.delegate = asked.delegate;
	err = call_apply(call, &change);
	if (!err && json_object_set_new(call->answer, "user", user_json(&change.user)))
		err = call_answer(call, NULL);
	return err;
}

static void name_user(struct change *change, const char *name)
{
	(void)snprintf(change->user.name, sizeof(change->user.name), "%s", name);
}

int api_remove_user(struct call *call)
{
	struct change change = call_change(call, CHANGE_USER_REMOVE);

	name_user(&change, call->arguments[0]);
	return call_apply(call, &change);
}

/* Cursor of a role: account, a blank, user; a blank sorts before every byte of a name. */
static int answer_roles(struct call *call, const char *account)
{
	AUTO_FREE struct store_role *roles = NULL;
	char cursor[2 * NAME_SIZE];
	struct page page = {0};
	size_t count = 0;
	int err = page_begin(call, &page);

	if (!err)
		err = store_roles(call->gate->store, account, NULL, &roles, &count, &call->error);
	for (size_t i = 0; i < count && !err; i++) {
		(void)snprintf(cursor, sizeof(cursor), "%s %s", roles[i].account, roles[i].user);
		if (page.after && strcmp(cursor, page.after) <= 0)
			continue;
		if (!page_wants(&page))
			break;
		err = page_add(call, &page, cursor,
			       json_role(roles[i].account, roles[i].user, roles[i].role));
	}
	if (!err)
		err = page_end(call, &page);
	page_clear(&page);
	return err;
}

int api_list_roles(struct call *call)
{
	return answer_roles(call, NULL);
}

int api_list_account_roles(struct call *call)
{
	return answer_roles(call, call->account->name);
}

int api_grant_role(struct call *call)
{
	struct change change = call_change(call, CHANGE_ROLE_GRANT);
	int err = request_role_decode(call->request->body, call->request->body_length, &change.role,
				      &call->error);

	name_user(&change, call->arguments[1]);
	return err ? err : call_apply(call, &change);
}

int api_revoke_role(struct call *call)
{
	struct change change = call_change(call, CHANGE_ROLE_REVOKE);

	name_user(&change, call->arguments[1]);
	return call_apply(call, &change);
}

/* --- whoami ---------------------------------------------------------------- */

/* To a token, of its own account alone. */
static bool tells_role(const struct actor *actor, const struct store_role *role)
{
	return !actor->token || !strcmp(role->account, actor->token_account);
}

static json_t *own_roles(struct call *call)
{
	AUTO_FREE struct store_role *roles = NULL;
	json_t *items = json_array();
	size_t count = 0;

	if (call->actor.name[0] && call->gate->store &&
	    store_roles(call->gate->store, NULL, call->actor.name, &roles, &count, &call->error)) {
		json_decref(items);
		return NULL;
	}
	for (size_t i = 0; i < count && items; i++)
		if (tells_role(&call->actor, &roles[i]) &&
		    json_array_append_new(items,
					  json_pack("{s:s, s:s}", "account", roles[i].account, "role",
						    role_name(access_role(&call->actor, roles[i].role)))))
			return NULL;
	return items;
}

static json_t *text_or_null(const char *text)
{
	return text[0] ? json_string(text) : json_null();
}

/* How the origin was found, or why it was not. */
static const char *origin_from(const struct call *call)
{
	if (!addr_known(&call->actor.origin))
		return "none";
	if (call->actor.token)
		return "tcp";
	return call->origin.reason == ORIGIN_FOUND ? "ssh" : "delegate";
}

static json_t *origin_reason(const struct call *call)
{
	bool vouched = addr_known(&call->actor.origin) && call->origin.reason != ORIGIN_FOUND;

	return vouched ? json_null() : json_string(origin_reason_name(call->origin.reason));
}

static json_t *own_token(const struct actor *actor)
{
	char id[TOKEN_ID_SIZE], expires[TIME_TEXT_MAX] = "";

	if (!actor->token)
		return json_null();
	token_id_format(actor->token, id);
	if (actor->token_expires)
		time_format(actor->token_expires, expires);
	return json_pack("{s:s, s:s, s:s, s:o}", "id", id, "account", actor->token_account, "role",
			 role_name(actor->token_role), "expires", text_or_null(expires));
}

int api_show_whoami(struct call *call)
{
	const struct actor *actor = &call->actor;
	char origin[ADDR_TEXT_MAX];
	json_t *roles = own_roles(call);

	if (!roles)
		return call->error.code ? -1 : call_answer(call, NULL);
	addr_format(&actor->origin, origin);
	return call_answer(call, json_pack("{s:o, s:o, s:b, s:o, s:o, s:s, s:s, s:o, s:o}", "user",
					   text_or_null(actor->name), "uid",
					   actor->token ? json_null() : json_integer((json_int_t)actor->uid),
					   "operator", actor->operator_, "delegate",
					   text_or_null(actor->delegate), "token", own_token(actor), "origin",
					   origin, "origin_from", origin_from(call), "origin_reason",
					   origin_reason(call), "roles", roles));
}
