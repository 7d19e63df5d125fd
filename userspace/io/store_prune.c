// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_prune.c - history is bounded: generations that are too many, too old or too large go, and the rows
 * that only they had
 *
 * Which accounts are to be looked at is remembered for those whose history got longer. Age alone touches
 * accounts that nobody changes: all of them are gone through at the beginning, and every hour.
 */
#include "userspace/io/store.h"

#include "userspace/io/store_private.h"

#define LOOKED_AT_MAX 64 /* accounts at a time */
#define PASS_SECONDS  3600

void prune_later(struct store *store, int64_t account_id)
{
	struct prune *prune = &store->prune;

	for (size_t i = 0; i < prune->pending_count; i++)
		if (prune->pending[i] == account_id)
			return;
	if (prune->pending_count < PRUNE_PENDING_MAX) {
		prune->pending[prune->pending_count++] = account_id;
		return;
	}
	prune->all = true;
	prune->behind = 0;
}

/* The first number of the first row; `absent` without a row. */
static int number_of(struct store *store, sqlite3_stmt *stmt, int64_t absent, int64_t *ret,
		     struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};
	int r = sql_step(store, stmt, error);

	if (r < 0)
		return r;
	*ret = r ? row_number(&row, 0, INT64_MAX) : absent;
	return row.bad ? store_damaged(store, error, "its history is none") : 0;
}

/* Generations before *ret may go. */
static int find_cut(struct store *store, const struct account_record *record, size_t keep,
		    int64_t not_older_than, int64_t *ret, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	size_t least = store->prune.rows ? store->prune.rows : HISTORY_ROWS;
	size_t rows = 2 * entries_of(&record->account);
	int r;

	if (rows < least)
		rows = least;
	r = sql_open(store, SQL_PRUNE_CUT, &stmt, error, SQL_NUMBER(record->account.id), SQL_NUMBER(keep),
		     SQL_NUMBER(not_older_than), SQL_NUMBER(rows), SQL_NUMBER(record->list_version));
	return r < 0 ? r : number_of(store, stmt, 0, ret, error);
}

static int is_due(struct store *store, const struct account_record *record, int64_t cut, bool *ret,
		  struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	int64_t oldest = 0, due = 0;
	int r = history_oldest_version(store, record, &oldest, error);

	if (!r)
		r = sql_open(store, SQL_PRUNE_DUE, &stmt, error, SQL_NUMBER(record->account.id),
			     SQL_NUMBER(cut), SQL_NUMBER(oldest));
	if (!r)
		r = number_of(store, stmt, 0, &due, error);
	*ret = due;
	return r;
}

static int key_read(struct store *store, sqlite3_stmt *stmt, void *item, struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};
	struct entry_key *key = item;

	row_prefix(&row, &key->prefix);
	key->since = row_number(&row, 0, INT64_MAX);
	return row.bad ? store_damaged(store, error, "an entry is none") : 0;
}

/* Rows that ended by that version, which the index finds: a DELETE would walk the whole list for them. */
static int remove_ended(struct store *store, int64_t id, int64_t version, size_t max_rows, size_t *ret_count,
			struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	AUTO_FREE void *items = NULL;
	const struct entry_key *keys;
	int r = sql_open(store, SQL_PRUNE_ENTRIES, &stmt, error, SQL_NUMBER(id), SQL_NUMBER(version),
			 SQL_NUMBER(max_rows));

	if (!r)
		r = store_collect(store, stmt, sizeof(*keys), key_read, NULL, &items, ret_count, error);
	keys = items;
	for (size_t i = 0; !r && i < *ret_count; i++)
		r = sql_run(store, SQL_ENTRY_REMOVE, error, SQL_NUMBER(id), SQL_PREFIX(&keys[i].prefix),
			    SQL_NUMBER(keys[i].since));
	return r;
}

/* *ret_done: fewer went than could have. */
static int remove_rows(struct store *store, const struct account_record *record, int64_t cut, size_t max_rows,
		       bool *ret_done, struct ag_error *error)
{
	int64_t oldest = 0, id = record->account.id;
	size_t ended = 0;
	int gone, r;

	r = sql_run(store, SQL_PRUNE_HISTORY, error, SQL_NUMBER(id), SQL_NUMBER(cut), SQL_NUMBER(max_rows));
	gone = sqlite3_changes(store->db);
	if (!r)
		r = history_oldest_version(store, record, &oldest, error);
	if (!r)
		r = remove_ended(store, id, oldest, max_rows, &ended, error);
	if (r < 0)
		return r;
	*ret_done = (size_t)gone < max_rows && ended < max_rows;
	return 0;
}

static int remove_in_transaction(struct store *store, const struct account_record *record, int64_t cut,
				 size_t max_rows, bool *ret_done, struct ag_error *error)
{
	int r = store_files_check(store, error);

	if (!r)
		r = store_write_begin(store, error);
	if (r < 0)
		return r;
	r = remove_rows(store, record, cut, max_rows, ret_done, error);
	if (!r)
		r = sql_exec(store, "COMMIT", error);
	store_write_end(store);
	return r;
}

/* *ret_rest: there was something to remove; *ret_done: nothing is left. */
static int prune_account(struct store *store, int64_t id, size_t keep, int64_t not_older_than,
			 size_t max_rows, bool *ret_rest, bool *ret_done, struct ag_error *error)
{
	struct account_record record;
	int64_t cut = 0;
	int r = account_record_find(store, id, &record, error);

	*ret_done = true;
	if (r < 0) /* gone since: its history went with it */
		return error && error->code == ERROR_NOT_FOUND ? 0 : r;
	r = find_cut(store, &record, keep, not_older_than, &cut, error);
	if (!r)
		r = is_due(store, &record, cut, ret_rest, error);
	if (r < 0 || !*ret_rest)
		return r;
	return remove_in_transaction(store, &record, cut, max_rows, ret_done, error);
}

/* The next account of a pass over all; 0: it is through. */
static int next_of_all(struct store *store, int64_t *ret, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	int r = sql_open(store, SQL_ACCOUNT_BEHIND, &stmt, error, SQL_NUMBER(store->prune.behind));

	return r < 0 ? r : number_of(store, stmt, 0, ret, error);
}

/* Accounts that were changed come first. */
static int next_account(struct store *store, int64_t *ret, struct ag_error *error)
{
	struct prune *prune = &store->prune;

	*ret = 0;
	if (prune->pending_count) {
		*ret = prune->pending[prune->pending_count - 1];
		return 0;
	}
	return prune->all ? next_of_all(store, ret, error) : 0;
}

/* What next_account() gave was looked at. */
static void looked_at(struct prune *prune, int64_t id)
{
	if (prune->pending_count)
		prune->pending_count--;
	else if (id)
		prune->behind = id;
	else
		prune->all = false;
}

static void begin_pass(struct prune *prune, int64_t not_older_than)
{
	if (prune->begun && not_older_than < prune->passed + PASS_SECONDS)
		return;
	prune->begun = true;
	prune->passed = not_older_than;
	prune->all = true;
	prune->behind = 0;
}

int store_history_prune(struct store *store, size_t keep, int64_t not_older_than, size_t max_rows,
			bool *ret_more, struct ag_error *error)
{
	struct prune *prune = &store->prune;
	bool removed = false, done = true;
	int64_t id = 0;
	int r = 0;

	if (store->in_transaction)
		return error_set(error, ERROR_STORE, "store %s: pruned within a change: report this as a bug",
				 store->path);
	begin_pass(prune, not_older_than);
	for (size_t i = 0; !r && i < LOOKED_AT_MAX && !removed && (prune->pending_count || prune->all); i++) {
		r = next_account(store, &id, error);
		if (!r && id && !import_is_open(store, id))
			r = prune_account(store, id, keep, not_older_than, max_rows, &removed, &done, error);
		if (r < 0 || done) /* one that is damaged does not keep the others waiting */
			looked_at(prune, id);
	}
	*ret_more = prune->pending_count || prune->all;
	return r;
}
