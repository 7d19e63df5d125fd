// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_people.c - users and their roles
 *
 * Their sum, which the interfaces share, is checked when the store is opened: a flipped bit must not make an
 * operator.
 */
#include "userspace/io/store.h"

#include "userspace/io/store_audit.h"

#include <inttypes.h>

#define UID_MAX 0xfffffffeLL /* (uid_t)-1 is none */

struct role_key {
	int64_t account_id;
	int64_t user_id;
	enum role role;
};

static void fold_user(uint8_t sum[DIGEST_SIZE], const struct store_user *user)
{
	uint8_t out[DIGEST_SIZE];
	struct digest digest;

	digest_init(&digest);
	digest_text(&digest, "user");
	digest_number(&digest, user->id);
	digest_text(&digest, user->name);
	digest_number(&digest, user->uid);
	digest_number(&digest, user->operator_);
	digest_number(&digest, user->delegate);
	digest_finish(&digest, out);
	sum_fold(sum, out);
}

static void fold_role(uint8_t sum[DIGEST_SIZE], const struct role_key *key)
{
	uint8_t out[DIGEST_SIZE];
	struct digest digest;

	digest_init(&digest);
	digest_text(&digest, "role");
	digest_number(&digest, key->account_id);
	digest_number(&digest, key->user_id);
	digest_text(&digest, role_name(key->role));
	digest_finish(&digest, out);
	sum_fold(sum, out);
}

static int user_read(struct store *store, sqlite3_stmt *stmt, void *item, struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};
	struct store_user *user = item;

	memset(user, 0, sizeof(*user));
	user->id = row_number(&row, 1, INT64_MAX);
	row_copy(&row, user->name, sizeof(user->name));
	user->uid = row_number_or_null(&row, UID_MAX);
	user->operator_ = row_number(&row, 0, 1);
	user->delegate = row_number(&row, 0, 1);
	return row.bad ? store_damaged(store, error, "user '%s' is none", user->name) : 0;
}

static int role_key_read(struct store *store, sqlite3_stmt *stmt, void *item, struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};
	struct role_key *key = item;

	key->account_id = row_number(&row, 1, INT64_MAX);
	key->user_id = row_number(&row, 1, INT64_MAX);
	if (role_parse(row_text(&row), &key->role, NULL))
		row.bad = true;
	return row.bad ? store_damaged(store, error, "a role is none") : 0;
}

static int role_read(struct store *store, sqlite3_stmt *stmt, void *item, struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};
	struct store_role *role = item;

	memset(role, 0, sizeof(*role));
	row_copy(&row, role->account, sizeof(role->account));
	row_copy(&row, role->user, sizeof(role->user));
	if (role_parse(row_text(&row), &role->role, NULL))
		row.bad = true;
	return row.bad ? store_damaged(store, error, "a role in account '%s' is none", role->account) : 0;
}

/* 1 with *item read, 0 where there is none. `opened` is what sql_open() returned for the statement. */
static int read_one(struct store *store, sqlite3_stmt *stmt, int opened, store_read_fn read, void *item,
		    struct ag_error *error)
{
	int r = opened < 0 ? opened : sql_step(store, stmt, error);

	if (r <= 0)
		return r;
	r = read(store, stmt, item, error);
	return r < 0 ? r : 1;
}

static int user_taken(struct store *store, const struct store_user *user, struct ag_error *error)
{
	struct store_user other;

	if (!store_user_find(store, user->name, &other, NULL))
		return error_set(error, ERROR_EXISTS, "user '%s' is there already", user->name);
	if (!store_user_find_uid(store, user->uid, &other, NULL))
		return error_set(error, ERROR_EXISTS, "uid %" PRId64 " is user '%s' already", user->uid,
				 other.name);
	return store_damaged(store, error, "the index of users does not fit them");
}

int store_user_add(struct store *store, struct store_user *user, struct ag_error *error)
{
	struct person person;
	int r = store_editing(store, error);

	if (r < 0)
		return r;
	r = sql_run(store, SQL_USER_ADD, error, sql_text(user->name),
		    user->uid < 0 ? SQL_NULL : SQL_NUMBER(user->uid), SQL_NUMBER(user->operator_),
		    SQL_NUMBER(user->delegate));
	if (r < 0)
		return sql_is_duplicate(store) ? user_taken(store, user, error) : r;
	user->id = sqlite3_last_insert_rowid(store->db);
	fold_user(store->meta.people_sum, user);
	/* The audit log names users by their persons. */
	return person_take(store, user->name, user->uid, store->meta.audit_rows, &person, error);
}

/* Folding a role that is in the sum takes it out, and one that is not puts it in. */
static int fold_roles(struct store *store, sqlite3_stmt *stmt, int opened, uint8_t sum[DIGEST_SIZE],
		      struct ag_error *error)
{
	struct role_key key = {0};
	int r = opened;

	while (!r && (r = sql_step(store, stmt, error)) > 0) {
		r = role_key_read(store, stmt, &key, error);
		if (!r)
			fold_role(sum, &key);
	}
	return r;
}

int roles_forget_account(struct store *store, int64_t account_id, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	int r = sql_open(store, SQL_ROLES_OF_ACCOUNT, &stmt, error, SQL_NUMBER(account_id));

	r = fold_roles(store, stmt, r, store->meta.people_sum, error);
	return r < 0 ? r : tokens_fold(store, account_id, 0, store->meta.people_sum, error);
}

int store_user_remove(struct store *store, const char *name, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	uint8_t sum[DIGEST_SIZE];
	struct store_user user = {0};
	int r = store_editing(store, error);

	if (!r)
		r = store_user_find(store, name, &user, error);
	if (r < 0)
		return r;
	memcpy(sum, store->meta.people_sum, DIGEST_SIZE);
	fold_user(sum, &user);
	r = sql_open(store, SQL_ROLES_OF_USER, &stmt, error, SQL_NUMBER(user.id));
	r = fold_roles(store, stmt, r, sum, error);
	if (!r)
		r = tokens_fold(store, 0, user.id, sum, error);
	if (!r)
		r = sql_run(store, SQL_USER_REMOVE, error, SQL_NUMBER(user.id));
	if (!r)
		memcpy(store->meta.people_sum, sum, DIGEST_SIZE);
	return r;
}

int store_user_find(struct store *store, const char *name, struct store_user *ret, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct store_user user = {0};
	int r = sql_open(store, SQL_USER_BY_NAME, &stmt, error, sql_text(name));

	r = read_one(store, stmt, r, user_read, &user, error);
	if (!r)
		return error_set(error, ERROR_NOT_FOUND, "there is no user '%s'", name);
	if (r < 0)
		return r;
	*ret = user;
	return 0;
}

int store_user_find_uid(struct store *store, int64_t uid, struct store_user *ret, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct store_user user = {0};
	int r = sql_open(store, SQL_USER_BY_UID, &stmt, error, SQL_NUMBER(uid));

	r = read_one(store, stmt, r, user_read, &user, error);
	if (!r)
		return error_set(error, ERROR_NOT_FOUND, "uid %" PRId64 " is no user here", uid);
	if (r < 0)
		return r;
	*ret = user;
	return 0;
}

int store_users(struct store *store, struct store_user **ret, size_t *ret_count, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	void *items;
	int r = sql_open(store, SQL_USERS, &stmt, error);

	if (!r)
		r = store_collect(store, stmt, sizeof(**ret), user_read, NULL, &items, ret_count, error);
	if (!r)
		*ret = items;
	return r;
}

/* 1 with the role as it stands, 0 without. */
static int role_get(struct store *store, int64_t account_id, int64_t user_id, struct role_key *ret,
		    struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	int r = sql_open(store, SQL_ROLE_GET, &stmt, error, SQL_NUMBER(account_id), SQL_NUMBER(user_id));

	return read_one(store, stmt, r, role_key_read, ret, error);
}

int store_role_grant(struct store *store, int64_t account_id, int64_t user_id, enum role role,
		     struct ag_error *error)
{
	struct role_key old = {0}, new = {account_id, user_id, role};
	int had, r = store_editing(store, error);

	if (r < 0)
		return r;
	had = role_get(store, account_id, user_id, &old, error);
	if (had < 0)
		return had;
	r = sql_run(store, SQL_ROLE_PUT, error, SQL_NUMBER(account_id), SQL_NUMBER(user_id),
		    sql_text(role_name(role)));
	if (r < 0 && sql_is_dangling(store))
		return error_set(error, ERROR_NOT_FOUND, "there is no such account or user to grant a role");
	if (r < 0)
		return r;
	if (had)
		fold_role(store->meta.people_sum, &old);
	fold_role(store->meta.people_sum, &new);
	return 0;
}

int store_role_revoke(struct store *store, int64_t account_id, int64_t user_id, struct ag_error *error)
{
	struct role_key old = {0};
	uint8_t sum[DIGEST_SIZE];
	int r = store_editing(store, error);

	if (r < 0)
		return r;
	r = role_get(store, account_id, user_id, &old, error);
	if (!r)
		return error_set(error, ERROR_NOT_FOUND, "the user has no role in that account");
	memcpy(sum, store->meta.people_sum, DIGEST_SIZE);
	fold_role(sum, &old);
	r = r < 0 ? r : tokens_fold(store, account_id, user_id, sum, error);
	if (!r)
		r = sql_run(store, SQL_ROLE_REMOVE, error, SQL_NUMBER(account_id), SQL_NUMBER(user_id));
	if (!r)
		memcpy(store->meta.people_sum, sum, DIGEST_SIZE);
	return r;
}

int store_role_of(struct store *store, int64_t account_id, const char *user, enum role *ret,
		  struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct role_key key = {.role = ROLE_NONE};
	int r = sql_open(store, SQL_ROLE_OF, &stmt, error, SQL_NUMBER(account_id), sql_text(user));

	r = read_one(store, stmt, r, role_key_read, &key, error);
	if (r < 0)
		return r;
	*ret = key.role;
	return 0;
}

int store_roles(struct store *store, const char *account, const char *user, struct store_role **ret,
		size_t *ret_count, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	void *items;
	int r;

	if (account)
		r = sql_open(store, SQL_ROLES_BY_ACCOUNT, &stmt, error, sql_text(account),
			     user ? sql_text(user) : SQL_NULL);
	else if (user)
		r = sql_open(store, SQL_ROLES_BY_USER, &stmt, error, sql_text(user));
	else
		r = sql_open(store, SQL_ROLES, &stmt, error);
	if (!r)
		r = store_collect(store, stmt, sizeof(**ret), role_read, NULL, &items, ret_count, error);
	if (!r)
		*ret = items;
	return r;
}

int people_fold(struct store *store, uint8_t sum[DIGEST_SIZE], struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	AUTO_FREE struct store_user *users = NULL;
	size_t count = 0;
	int r = store_users(store, &users, &count, error);

	for (size_t i = 0; !r && i < count; i++)
		fold_user(sum, &users[i]);
	if (!r)
		r = sql_open(store, SQL_ROLE_KEYS, &stmt, error);
	if (!r)
		r = fold_roles(store, stmt, r, sum, error);
	return r < 0 ? r : tokens_fold(store, 0, 0, sum, error);
}
