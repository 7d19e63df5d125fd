// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_tokens.c - API tokens
 *
 * They give rights, so they are in the sum of people. They refer to the role that they act by: what removes
 * that (the user, the account, or the role alone) removes them, and takes them out of the sum first.
 */
#include "userspace/io/store_tokens.h"

#include "userspace/io/store_private.h"

#include <inttypes.h>

_Static_assert(sizeof(((struct store_token *)0)->hash) == DIGEST_SIZE, "a token's hash is a digest");

static void fold_token(uint8_t sum[DIGEST_SIZE], const struct store_token *token)
{
	uint8_t out[DIGEST_SIZE];
	struct digest digest;

	digest_init(&digest);
	digest_text(&digest, "token");
	digest_number(&digest, token->id);
	digest_number(&digest, token->account_id);
	digest_number(&digest, token->user_id);
	digest_text(&digest, role_name(token->role));
	digest_bytes(&digest, token->hash, DIGEST_SIZE);
	digest_text(&digest, token->note);
	digest_number(&digest, token->created_at);
	digest_number(&digest, token->expires);
	digest_finish(&digest, out);
	sum_fold(sum, out);
}

static int token_read(struct store *store, sqlite3_stmt *stmt, void *item, struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};
	struct store_token *token = item;

	memset(token, 0, sizeof(*token));
	token->id = row_number(&row, 1, INT64_MAX);
	token->account_id = row_number(&row, 1, INT64_MAX);
	token->user_id = row_number(&row, 1, INT64_MAX);
	row_copy(&row, token->account, sizeof(token->account));
	row_copy(&row, token->user, sizeof(token->user));
	if (role_parse(row_text(&row), &token->role, NULL))
		row.bad = true;
	row_bytes(&row, token->hash, sizeof(token->hash));
	row_copy(&row, token->note, sizeof(token->note));
	row_copy(&row, token->created_by, sizeof(token->created_by));
	token->created_at = row_number(&row, INT64_MIN, INT64_MAX);
	token->expires = row_number(&row, 0, EXPIRES_LAST);
	token->last_used = row_number(&row, INT64_MIN, INT64_MAX);
	return row.bad ? store_damaged(store, error, "a token of user '%s' is none", token->user) : 0;
}

static int count_tokens(struct store *store, const struct store_token *like, size_t *ret_all, size_t *ret_of,
			struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct sql_row row = {0};
	int r = sql_open(store, SQL_TOKEN_COUNTS, &stmt, error, SQL_NUMBER(like->account_id),
			 SQL_NUMBER(like->user_id));

	if (!r)
		r = sql_step(store, stmt, error);
	if (r <= 0)
		return r < 0 ? r : store_damaged(store, error, "tokens cannot be counted");
	row.stmt = stmt;
	*ret_all = (size_t)row_number(&row, 0, INT64_MAX);
	*ret_of = (size_t)row_number(&row, 0, INT64_MAX);
	return row.bad ? store_damaged(store, error, "tokens cannot be counted") : 0;
}

int store_token_count(struct store *store, size_t *ret, struct ag_error *error)
{
	size_t none;

	return count_tokens(store, &(struct store_token){0}, ret, &none, error);
}

static int check_room(struct store *store, const struct store_token *token, struct ag_error *error)
{
	size_t all = 0, of = 0;
	int r = count_tokens(store, token, &all, &of, error);

	if (r < 0)
		return r;
	if (of >= TOKENS_OF_ROLE_MAX)
		return error_set(error, ERROR_LIMIT,
				 "the user has %d tokens on that account, the most there may be: revoke some "
				 "('allowgate token list' has them)",
				 TOKENS_OF_ROLE_MAX);
	if (all >= TOKENS_MAX)
		return error_set(error, ERROR_LIMIT,
				 "there are %d tokens, the most there may be: revoke some ('allowgate token "
				 "list' has them)",
				 TOKENS_MAX);
	return 0;
}

int store_token_add(struct store *store, const struct store_token *token, struct ag_error *error)
{
	int r = store_editing(store, error);

	if (!r)
		r = check_room(store, token, error);
	return r < 0 ? r : store_token_restore(store, token, error);
}

int store_token_restore(struct store *store, const struct store_token *token, struct ag_error *error)
{
	int r = store_editing(store, error);

	if (r < 0)
		return r;
	r = sql_run(store, SQL_TOKEN_ADD, error, SQL_NUMBER(token->id), SQL_NUMBER(token->account_id),
		    SQL_NUMBER(token->user_id), sql_text(role_name(token->role)), SQL_DIGEST(token->hash),
		    sql_text(token->note), sql_text(token->created_by), SQL_NUMBER(token->created_at),
		    SQL_NUMBER(token->expires), SQL_NUMBER(token->last_used));
	if (r < 0 && sql_is_duplicate(store))
		return error_set(error, ERROR_EXISTS, "a token of that id is there already: try again");
	if (r < 0 && sql_is_dangling(store))
		return error_set(error, ERROR_NOT_FOUND,
				 "the user has no role on that account: grant it first ('allowgate role "
				 "grant')");
	if (!r)
		fold_token(store->meta.people_sum, token);
	return r;
}

int store_token_find(struct store *store, int64_t id, struct store_token *ret, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct store_token token;
	int r = sql_open(store, SQL_TOKEN_GET, &stmt, error, SQL_NUMBER(id));

	if (!r)
		r = sql_step(store, stmt, error);
	if (!r)
		return error_set(error, ERROR_NOT_FOUND,
				 "there is no token of that id: see 'allowgate token list'");
	if (r > 0)
		r = token_read(store, stmt, &token, error);
	if (r < 0)
		return r;
	*ret = token;
	return 0;
}

int store_token_remove(struct store *store, int64_t id, struct ag_error *error)
{
	struct store_token token;
	int r = store_editing(store, error);

	if (!r)
		r = store_token_find(store, id, &token, error);
	if (!r)
		r = sql_run(store, SQL_TOKEN_REMOVE, error, SQL_NUMBER(id));
	if (!r)
		fold_token(store->meta.people_sum, &token);
	return r;
}

static int collect(struct store *store, const struct sql_value values[4], struct store_token **ret,
		   size_t *ret_count, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	void *items;
	int r = sql_open_values(store, SQL_TOKENS, &stmt, error, values, 4);

	if (!r)
		r = store_collect(store, stmt, sizeof(**ret), token_read, NULL, &items, ret_count, error);
	if (!r)
		*ret = items;
	return r;
}

int store_tokens(struct store *store, int64_t after, size_t limit, struct store_token **ret,
		 size_t *ret_count, struct ag_error *error)
{
	int64_t most = limit > INT64_MAX ? INT64_MAX : (int64_t)limit;
	const struct sql_value values[] = {SQL_NUMBER(0), SQL_NUMBER(0), SQL_NUMBER(after), SQL_NUMBER(most)};

	return collect(store, values, ret, ret_count, error);
}

int store_tokens_of_role(struct store *store, int64_t account_id, int64_t user_id, struct store_token **ret,
			 size_t *ret_count, struct ag_error *error)
{
	const struct sql_value values[] = {SQL_NUMBER(account_id), SQL_NUMBER(user_id), SQL_NUMBER(0),
					   SQL_NUMBER(INT64_MAX)};

	return collect(store, values, ret, ret_count, error);
}

int tokens_fold(struct store *store, int64_t account_id, int64_t user_id, uint8_t sum[DIGEST_SIZE],
		struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct store_token token;
	int r = sql_open(store, SQL_TOKENS, &stmt, error, SQL_NUMBER(account_id), SQL_NUMBER(user_id),
			 SQL_NUMBER(0), SQL_NUMBER(INT64_MAX));

	while (!r && (r = sql_step(store, stmt, error)) > 0) {
		r = token_read(store, stmt, &token, error);
		if (!r)
			fold_token(sum, &token);
	}
	return r;
}

int store_token_used(struct store *store, int64_t id, int64_t time, struct ag_error *error)
{
	int r;

	if (store->in_transaction)
		return error_set(error, ERROR_STORE,
				 "store %s: a token is used within a change: report this as a bug",
				 store->path);
	r = store_files_check(store, error);
	if (!r)
		r = store_write_begin(store, error);
	if (r < 0)
		return r;
	r = sql_run(store, SQL_TOKEN_USED, error, SQL_NUMBER(id), SQL_NUMBER(time));
	if (!r)
		r = sql_exec(store, "COMMIT", error);
	store_write_end(store);
	return r;
}
