// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_pending.c - changes that are in force until they are confirmed, or taken back
 *
 * A row is written in the transaction of the change that it is about, and removed in the one that takes that
 * back, so that both are there or neither. What decides about rights and packets later is part of the
 * people's sum.
 */
#include "userspace/io/store_pending.h"

#include "userspace/io/store_private.h"

#include <inttypes.h>

static const char *const subjects[] = {
	[PENDING_ACCOUNT] = "account", [PENDING_USER] = "user", [PENDING_INTERFACE] = "interface",
	[PENDING_TOKEN] = "token",     [PENDING_LIST] = "list", [PENDING_POLICY] = "policy",
};
_Static_assert(sizeof(subjects) / sizeof(*subjects) == PENDING_SUBJECT_MAX, "a subject has no name");

const char *pending_subject_name(enum pending_subject subject)
{
	return subjects[subject];
}

void store_pending_clear(struct store_pending *row)
{
	free(row->claims);
	free(row->inverse);
	*row = (struct store_pending){0};
}

void store_pendings_free(struct store_pending *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		store_pending_clear(&rows[i]);
	free(rows);
}

static void fold_pending(uint8_t sum[DIGEST_SIZE], const struct store_pending *row)
{
	const int64_t numbers[] = {row->admins,	       (int64_t)row->generation, (int64_t)row->restores,
				   row->made_at,       row->deadline.within,	 row->deadline.at.wall,
				   row->deadline.at.up};
	const char *const texts[] = {subjects[row->subject], row->name,	  row->action,
				     row->deadline.at.boot,  row->claims, row->inverse};
	uint8_t out[DIGEST_SIZE];
	struct digest digest;

	digest_init(&digest);
	digest_text(&digest, "pending");
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		digest_text(&digest, texts[i]);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		digest_number(&digest, numbers[i]);
	digest_finish(&digest, out);
	sum_fold(sum, out);
}

static void read_subject(struct sql_row *row, enum pending_subject *ret)
{
	const char *text = row_text(row);

	for (unsigned int i = 0; i < PENDING_SUBJECT_MAX; i++) {
		if (strcmp(subjects[i], text) != 0)
			continue;
		*ret = (enum pending_subject)i;
		return;
	}
	row->bad = true;
}

static int pending_read(struct store *store, sqlite3_stmt *stmt, void *item, struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};
	struct store_pending *pending = item;

	memset(pending, 0, sizeof(*pending));
	read_subject(&row, &pending->subject);
	row_copy(&row, pending->name, sizeof(pending->name));
	row_copy(&row, pending->action, sizeof(pending->action));
	row_copy(&row, pending->user, sizeof(pending->user));
	pending->admins = row_number(&row, 0, 1);
	pending->generation = (uint64_t)row_number(&row, 1, INT64_MAX);
	pending->restores = (uint64_t)row_number(&row, 0, INT64_MAX);
	pending->made_at = row_number(&row, INT64_MIN, INT64_MAX);
	pending->deadline.within = row_number(&row, 1, INT32_MAX);
	pending->deadline.at.wall = row_number(&row, INT64_MIN, INT64_MAX);
	pending->deadline.at.up = row_number(&row, INT64_MIN, INT64_MAX);
	row_copy(&row, pending->deadline.at.boot, sizeof(pending->deadline.at.boot));
	pending->claims = strdup(row_text(&row));
	pending->inverse = strdup(row_text(&row));
	if (!row.bad && pending->claims && pending->inverse)
		return 0;
	store_pending_clear(pending);
	return row.bad ? store_damaged(store, error, "a change to be confirmed is none")
		       : store_no_memory(error);
}

int store_pending_find(struct store *store, enum pending_subject subject, const char *name,
		       struct store_pending *ret, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	int r = sql_open(store, SQL_PENDING_GET, &stmt, error, sql_text(subjects[subject]), sql_text(name));

	if (!r)
		r = sql_step(store, stmt, error);
	if (!r)
		return error_set(error, ERROR_NOT_FOUND, "no change of %s '%s' waits to be confirmed",
				 subjects[subject], name);
	return r < 0 ? r : pending_read(store, stmt, ret, error);
}

static void clear_item(void *item)
{
	store_pending_clear(item);
}

int store_pendings(struct store *store, struct store_pending **ret, size_t *ret_count, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	void *items;
	int r = sql_open(store, SQL_PENDINGS, &stmt, error);

	if (!r)
		r = store_collect(store, stmt, sizeof(**ret), pending_read, clear_item, &items, ret_count,
				  error);
	if (!r)
		*ret = items;
	return r;
}

static int one_number(struct store *store, sqlite3_stmt *stmt, int opened, int64_t *ret,
		      struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};
	int r = opened ? opened : sql_step(store, stmt, error);

	if (r < 0)
		return r;
	*ret = r ? row_number(&row, 0, INT64_MAX) : 0;
	return !r || row.bad ? store_damaged(store, error, "the changes to be confirmed cannot be counted")
			     : 0;
}

int store_pending_count(struct store *store, uint64_t *ret, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	int64_t count = 0;
	int r = sql_open(store, SQL_PENDING_COUNT, &stmt, error);

	r = one_number(store, stmt, r, &count, error);
	if (!r)
		*ret = (uint64_t)count;
	return r;
}

int store_pending_claimed(struct store *store, const char *claim, struct store_pending *ret,
			  struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	int r = sql_open(store, SQL_PENDING_CLAIMED, &stmt, error, sql_text(claim));

	if (!r)
		r = sql_step(store, stmt, error);
	if (r <= 0)
		return r;
	r = pending_read(store, stmt, ret, error);
	return r < 0 ? r : 1;
}

static int insert(struct store *store, const struct store_pending *row, struct ag_error *error)
{
	const struct deadline *deadline = &row->deadline;

	return sql_run(store, SQL_PENDING_ADD, error, sql_text(subjects[row->subject]), sql_text(row->name),
		       sql_text(row->action), sql_text(row->user), SQL_NUMBER(row->admins),
		       SQL_NUMBER(row->generation), SQL_NUMBER(row->restores), SQL_NUMBER(row->made_at),
		       SQL_NUMBER(deadline->within), SQL_NUMBER(deadline->at.wall),
		       SQL_NUMBER(deadline->at.up), sql_text(deadline->at.boot), sql_text(row->claims),
		       sql_text(row->inverse));
}

static int check_room(struct store *store, struct ag_error *error)
{
	uint64_t count = 0;
	int r = store_pending_count(store, &count, error);

	if (r < 0 || count < STORE_PENDINGS_MAX)
		return r;
	return error_set(
		error, ERROR_LIMIT,
		"%d changes wait to be confirmed already, which is the limit: see 'allowgate confirm', "
		"and confirm some",
		STORE_PENDINGS_MAX);
}

int store_pending_add(struct store *store, const struct store_pending *row, struct ag_error *error)
{
	int r = store_editing(store, error);

	if (!r)
		r = check_room(store, error);
	if (!r)
		r = insert(store, row, error);
	if (r < 0 && sql_is_duplicate(store))
		return error_set(error, ERROR_CONFLICT, "a change of %s '%s' waits to be confirmed already",
				 subjects[row->subject], row->name);
	if (!r)
		fold_pending(store->meta.people_sum, row);
	return r;
}

int store_pending_remove(struct store *store, enum pending_subject subject, const char *name,
			 struct ag_error *error)
{
	struct store_pending row = {0};
	int r = store_editing(store, error);

	if (!r)
		r = store_pending_find(store, subject, name, &row, error);
	if (!r)
		r = sql_run(store, SQL_PENDING_REMOVE, error, sql_text(subjects[subject]), sql_text(name));
	if (!r)
		fold_pending(store->meta.people_sum, &row);
	store_pending_clear(&row);
	return r;
}

int pending_fold(struct store *store, uint8_t sum[DIGEST_SIZE], struct ag_error *error)
{
	struct store_pending *rows = NULL;
	size_t count = 0;
	int r = store_pendings(store, &rows, &count, error);

	for (size_t i = 0; !r && i < count; i++)
		fold_pending(sum, &rows[i]);
	store_pendings_free(rows, count);
	return r;
}
