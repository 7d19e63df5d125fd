/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store_tokens.h - API tokens (part of store.h)
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "userspace/core/access.h"
#include "userspace/core/text.h"

struct ag_error;
struct store;

/*
 * API tokens: each acts for one user on one account, and ends with the role that the user has there, so that
 * a row always has both. Its row is under the digest of people; when it was used last is not. Limits are of
 * this module: TOKENS_MAX in all, TOKENS_OF_ROLE_MAX for one user on one account.
 */
#define TOKENS_MAX	   10000
#define TOKENS_OF_ROLE_MAX 100

struct store_token {
	int64_t id; /* 1 to 2^48 - 1, its maker's choice */
	int64_t account_id;
	int64_t user_id;
	char account[NAME_SIZE]; /* as found; store_token_add() goes by the ids */
	char user[NAME_SIZE];
	enum role role;	  /* at most */
	uint8_t hash[32]; /* SHA-256 of its secret */
	char created_by[NAME_SIZE];
	int64_t created_at;
	int64_t expires;   /* 0: never */
	int64_t last_used; /* 0: never */
	char note[NOTE_SIZE];
};

/* ERROR_LIMIT; ERROR_EXISTS for the id; ERROR_NOT_FOUND where the user has no role on the account. */
int store_token_add(struct store *store, const struct store_token *token, struct ag_error *error);
/* One that was there before: there is room for it whatever came meanwhile. */
int store_token_restore(struct store *store, const struct store_token *token, struct ag_error *error);
int store_token_remove(struct store *store, int64_t id, struct ag_error *error);
int store_token_find(struct store *store, int64_t id, struct store_token *ret, struct ag_error *error);
/* By id, behind `after`, at most `limit`; the caller frees. */
int store_tokens(struct store *store, int64_t after, size_t limit, struct store_token **ret,
		 size_t *ret_count, struct ag_error *error);
/* Of one user on one account, all; likewise. */
int store_tokens_of_role(struct store *store, int64_t account_id, int64_t user_id, struct store_token **ret,
			 size_t *ret_count, struct ag_error *error);
int store_token_count(struct store *store, size_t *ret, struct ag_error *error);
/* A transaction of its own, as store_seen_put(); no effect on one that is not there. */
int store_token_used(struct store *store, int64_t id, int64_t time, struct ag_error *error);
