// SPDX-License-Identifier: GPL-2.0-only
/*
 * edits_tokens.c - tokens that come and go: neither touches the kernel
 *
 * A token is made for a role that its user has; one that promised more would be found out only when it is
 * used.
 */
#include "userspace/daemon/edits.h"

#include "userspace/core/error.h"
#include "userspace/core/token.h"

static void describe(struct edit *edit, const struct store_token *token)
{
	char id[TOKEN_ID_SIZE], expires[TIME_TEXT_MAX] = "never";

	token_id_format(token->id, id);
	if (token->expires)
		time_format(token->expires, expires);
	(void)buffer_print(&edit->detail, "%s for %s %s expires=%s ", id, token->user, role_name(token->role),
			   expires);
}

static int check_role(const struct edit *edit, const struct store_token *token, struct ag_error *error)
{
	enum role role = ROLE_NONE;
	int err = store_role_of(edit->gate->store, edit->before.id, token->user, &role, error);

	if (err || role >= token->role)
		return err;
	return error_set(error, ERROR_BAD_REQUEST,
			 "user '%s' is no %s of account %s, so no token of theirs can be: grant the role "
			 "first ('allowgate role grant %s %s %s')",
			 token->user, role_name(token->role), edit->change->account, edit->change->account,
			 token->user, role_name(token->role));
}

int edit_token_create(struct edit *edit, struct ag_error *error)
{
	struct store_token *token = edit->change->token;
	struct store_user user = {0};
	int err = store_user_find(edit->gate->store, token->user, &user, error);

	if (!err)
		err = check_role(edit, token, error);
	if (err)
		return err;
	if (token->expires && token->expires <= token->created_at)
		return error_set(error, ERROR_BAD_REQUEST,
				 "the token's expiry is in the past: give a later one, or null for never");
	token->account_id = edit->before.id;
	token->user_id = user.id;
	describe(edit, token);
	edit->outcome->added = 1;
	return store_token_add(edit->gate->store, token, error);
}

/* What takes its making back finds nothing to do where it went with its role. */
int edit_token_revoke(struct edit *edit, struct ag_error *error)
{
	const struct store_token *token = edit->change->token;
	int err = store_token_remove(edit->gate->store, token->id, error);

	describe(edit, token);
	edit->outcome->removed = 1;
	return err && edit->change->takes_back && error->code == ERROR_NOT_FOUND ? 0 : err;
}

int edit_token_restore(struct edit *edit, struct ag_error *error)
{
	describe(edit, &edit->change->tokens[0]);
	edit->outcome->added = 1;
	return tokens_restore(edit, error);
}

int tokens_remember(struct edit *edit, int64_t user_id, struct ag_error *error)
{
	int err = store_tokens_of_role(edit->gate->store, edit->before.id, user_id, &edit->tokens,
				       &edit->token_count, error);

	if (!err && edit->token_count)
		(void)buffer_print(&edit->detail, "with %zu tokens ", edit->token_count);
	return err;
}

int tokens_put_back(struct edit *edit, struct ag_error *error)
{
	int err = 0;

	for (size_t i = 0; i < edit->token_count && !err; i++)
		err = store_token_restore(edit->gate->store, &edit->tokens[i], error);
	return err;
}

static int restore(struct store *store, const struct store_token *kept, struct ag_error *error)
{
	struct store_token token = *kept;
	struct account account = {0};
	struct store_user user = {0};
	int err = store_account_find(store, token.account, &account, error);

	if (!err)
		err = store_user_find(store, token.user, &user, error);
	token.account_id = account.id;
	token.user_id = user.id;
	if (!err)
		err = store_token_restore(store, &token, error);
	account_clear(&account);
	return err && error->code == ERROR_NOT_FOUND ? 0 : err;
}

int tokens_restore(struct edit *edit, struct ag_error *error)
{
	const struct change *change = edit->change;
	int err = 0;

	for (size_t i = 0; i < change->token_count && !err; i++)
		err = restore(edit->gate->store, &change->tokens[i], error);
	return err;
}
