// SPDX-License-Identifier: GPL-2.0-only
/*
 * reversal_tokens.c - tokens in a document, as they were: see reversal_private.h
 *
 * The hash of a secret is in the store anyhow; it is in no row of the audit log.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/token.h"
#include "userspace/daemon/pending.h"
#include "userspace/daemon/reversal_private.h"

DEFINE_CLEANUP(json, json_t *, json_decref)
#define AUTO_JSON CLEANUP(cleanup_json)

/* --- to a document ---------------------------------------------------------- */

static int add_token(json_t *array, const struct store_token *token)
{
	char id[TOKEN_ID_SIZE], hash[DIGEST_HEX_SIZE];

	token_id_format(token->id, id);
	digest_hex(token->hash, hash);
	return json_array_append_new(
		array, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "id", id, "account",
				 token->account, "user", token->user, "role", role_name(token->role), "hash",
				 hash, "note", token->note, "created_by", token->created_by, "created_at",
				 (json_int_t)token->created_at, "expires", (json_int_t)token->expires,
				 "last_used", (json_int_t)token->last_used));
}

/* What would come back with the role may be taken back itself before: which of them would be right? */
static int check_waiting(struct edit *edit, const struct store_token *token, struct ag_error *error)
{
	struct store_pending row = {0};
	char id[TOKEN_ID_SIZE];
	int err;

	token_id_format(token->id, id);
	if (store_pending_find(edit->gate->store, PENDING_TOKEN, id, &row, NULL))
		return 0;
	err = pending_refuse(&row, error);
	store_pending_clear(&row);
	return err;
}

int reversal_put_tokens(struct edit *edit, json_t *document, int64_t account_id, int64_t user_id,
			struct ag_error *error)
{
	AUTO_FREE struct store_token *tokens = NULL;
	AUTO_JSON json_t *array = json_array();
	size_t count = 0;
	int err = store_tokens_of_role(edit->gate->store, account_id, user_id, &tokens, &count, error);

	if (!err)
		err = reversal_check_count(count, "tokens", error);
	for (size_t i = 0; i < count && !err; i++) {
		err = check_waiting(edit, &tokens[i], error);
		if (!err && add_token(array, &tokens[i]))
			err = reversal_no_memory(error);
	}
	return err ? err : reversal_put(document, "tokens", TAKE_PTR(array), error);
}

int reversal_describe_token(struct edit *edit, json_t *document, struct buffer *claims,
			    struct ag_error *error)
{
	const struct store_token *token = edit->change->token;
	AUTO_JSON json_t *array = json_array();

	reversal_claim(claims, "user=%s", token->user);
	reversal_claim(claims, "roles=%s", token->account);
	reversal_claim(claims, "role=%s/%s", token->account, token->user);
	if (add_token(array, token))
		return reversal_no_memory(error);
	return reversal_put(document, "tokens", TAKE_PTR(array), error);
}

/* --- and back ----------------------------------------------------------------- */

static int bad_token(struct ag_error *error)
{
	return error_set(error, ERROR_STORE, "a token in it is none");
}

static int read_hash(const char *text, uint8_t hash[DIGEST_SIZE])
{
	char again[DIGEST_HEX_SIZE];

	for (size_t i = 0; i < DIGEST_SIZE && strlen(text) == DIGEST_HEX_SIZE - 1; i++) {
		char byte[] = {text[2 * i], text[2 * i + 1], '\0'};

		hash[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	digest_hex(hash, again);
	return strcmp(again, text);
}

static int read_one(const json_t *object, struct store_token *token, struct ag_error *error)
{
	int err = role_parse(reversal_text(object, "role"), &token->role, error);

	if (err)
		return err;
	if (token_id_parse(reversal_text(object, "id"), &token->id) ||
	    read_hash(reversal_text(object, "hash"), token->hash))
		return bad_token(error);
	(void)snprintf(token->account, sizeof(token->account), "%s", reversal_text(object, "account"));
	(void)snprintf(token->user, sizeof(token->user), "%s", reversal_text(object, "user"));
	(void)snprintf(token->note, sizeof(token->note), "%s", reversal_text(object, "note"));
	(void)snprintf(token->created_by, sizeof(token->created_by), "%s",
		       reversal_text(object, "created_by"));
	token->created_at = json_integer_value(json_object_get(object, "created_at"));
	token->expires = json_integer_value(json_object_get(object, "expires"));
	token->last_used = json_integer_value(json_object_get(object, "last_used"));
	return 0;
}

int reversal_read_tokens(const json_t *document, struct reversal *reversal, struct ag_error *error)
{
	const json_t *array = json_object_get(document, "tokens"), *value;
	size_t index;
	int err = 0;

	reversal->tokens = calloc(json_array_size(array) + 1, sizeof(*reversal->tokens));
	if (!reversal->tokens)
		return reversal_no_memory(error);
	json_array_foreach ((json_t *)(uintptr_t)array, index, value) {
		err = read_one(value, &reversal->tokens[index], error);
		if (err)
			return err;
	}
	reversal->change.tokens = reversal->tokens;
	reversal->change.token_count = json_array_size(array);
	return 0;
}

int reversal_read_token(const json_t *document, struct reversal *reversal, struct ag_error *error)
{
	struct change *change = &reversal->change;
	int err = reversal_read_tokens(document, reversal, error);

	if (err)
		return err;
	if (change->token_count != 1)
		return bad_token(error);
	change->token = &reversal->tokens[0];
	memcpy(change->account, change->token->account, sizeof(change->account));
	return 0;
}
