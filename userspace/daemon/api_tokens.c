// SPDX-License-Identifier: GPL-2.0-only
/*
 * api_tokens.c - API tokens: made, shown and ended by operators
 *
 * The secret is in the answer to its making, and nowhere else.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/request.h"
#include "userspace/core/token.h"
#include "userspace/daemon/api_people.h"
#include "userspace/daemon/call.h"

#define EXPIRES_DEFAULT_S (INT64_C(90) * 24 * 3600)

static json_t *time_json(int64_t seconds)
{
	char text[TIME_TEXT_MAX];

	if (!seconds)
		return json_null();
	time_format(seconds, text);
	return json_string(text);
}

json_t *token_json(const struct store_token *token)
{
	char id[TOKEN_ID_SIZE];

	token_id_format(token->id, id);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:o}", "id", id, "user", token->user,
			 "account", token->account, "role", role_name(token->role), "note", token->note,
			 "created_at", time_json(token->created_at), "created_by", token->created_by,
			 "expires", time_json(token->expires), "last_used", time_json(token->last_used));
}

/* Cursor of a token: its id. */
static int after_id(struct call *call, const struct page *page, int64_t *ret)
{
	*ret = 0;
	if (!page->after || !token_id_parse(page->after, ret))
		return 0;
	return error_set(&call->error, ERROR_BAD_REQUEST,
			 "after is no cursor of this list: take it from "
			 "\"next\"");
}

int api_list_tokens(struct call *call)
{
	AUTO_FREE struct store_token *tokens = NULL;
	struct page page = {0};
	char id[TOKEN_ID_SIZE];
	int64_t after = 0;
	size_t count = 0;
	int err = page_begin(call, &page);

	if (!err)
		err = after_id(call, &page, &after);
	if (!err)
		err = store_tokens(call->gate->store, after, page.limit + 1, &tokens, &count, &call->error);
	for (size_t i = 0; i < count && !err && page_wants(&page); i++) {
		token_id_format(tokens[i].id, id);
		err = page_add(call, &page, id, token_json(&tokens[i]));
	}
	if (!err)
		err = page_end(call, &page);
	page_clear(&page);
	return err;
}

/* --- made ------------------------------------------------------------------ */

static int draw(struct call *call, void *bytes, size_t size)
{
	if (getrandom(bytes, size, 0) == (ssize_t)size)
		return 0;
	return error_set(&call->error, ERROR_KERNEL, "the kernel gives no random bytes: %s", strerror(errno));
}

static int draw_token(struct call *call, struct store_token *token, uint8_t secret[TOKEN_SECRET_SIZE])
{
	uint64_t id = 0;
	int err = draw(call, secret, TOKEN_SECRET_SIZE);

	while (!err && !(id & TOKEN_ID_LAST))
		err = draw(call, &id, sizeof(id));
	token->id = (int64_t)(id & TOKEN_ID_LAST);
	token_hash(secret, token->hash);
	return err;
}

static void fill(const struct call *call, const struct request_token *asked, struct store_token *token)
{
	int64_t now = time(NULL);

	*token = (struct store_token){
		.role = asked->role,
		.created_at = now,
		.expires = asked->has_expires ? asked->expires : now + EXPIRES_DEFAULT_S,
	};
	(void)snprintf(token->user, sizeof(token->user), "%s", asked->user);
	(void)snprintf(token->account, sizeof(token->account), "%s", asked->account);
	(void)snprintf(token->note, sizeof(token->note), "%s", asked->note);
	(void)snprintf(token->created_by, sizeof(token->created_by), "%s", call->actor.name);
}

static int answer_token(struct call *call, const struct store_token *token,
			const uint8_t secret[TOKEN_SECRET_SIZE])
{
	char text[TOKEN_TEXT_SIZE];
	int failed = json_object_set_new(call->answer, "token", token_json(token));

	token_format(token->id, secret, text);
	if (!failed && !call->dry_run)
		failed = json_object_set_new(call->answer, "secret", json_string(text));
	explicit_bzero(text, sizeof(text));
	return failed ? call_answer(call, NULL) : 0;
}

int api_create_token(struct call *call)
{
	struct change change = call_change(call, CHANGE_TOKEN_CREATE);
	uint8_t secret[TOKEN_SECRET_SIZE] = {0};
	struct request_token asked;
	struct store_token token;
	int err = request_token_decode(call->request->body, call->request->body_length, &asked, &call->error);

	if (err)
		return err;
	fill(call, &asked, &token);
	err = draw_token(call, &token, secret);
	(void)snprintf(change.account, sizeof(change.account), "%s", asked.account);
	change.if_match[0] = '\0'; /* a token is no state of the account's */
	change.token = &token;
	if (!err)
		err = call_apply(call, &change);
	if (!err)
		err = answer_token(call, &token, secret);
	explicit_bzero(secret, sizeof(secret));
	return err;
}

/* --- ended ----------------------------------------------------------------- */

int api_revoke_token(struct call *call)
{
	struct change change = call_change(call, CHANGE_TOKEN_REVOKE);
	struct store_token token;
	int64_t id;
	int err;

	if (token_id_parse(call->arguments[0], &id))
		return error_set(&call->error, ERROR_NOT_FOUND,
				 "there is no token of that id: it has twelve hexadecimal digits, see "
				 "'allowgate token list'");
	err = store_token_find(call->gate->store, id, &token, &call->error);
	if (err)
		return err;
	(void)snprintf(change.account, sizeof(change.account), "%s", token.account);
	change.token = &token;
	return call_apply(call, &change);
}
