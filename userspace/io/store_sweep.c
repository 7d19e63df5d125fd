// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_sweep.c - what imports leave that no list has, now or in history: found and removed a stretch at a
 * time
 */
#include "userspace/io/store.h"

#include "userspace/io/store_private.h"

#define SQL_KEY(k) SQL_PREFIX(&(k)->prefix), SQL_NUMBER((k)->since)

/* 1 with the last of the next max_rows rows behind `after`; 0: there are none. */
static int find_stretch(struct store *store, int64_t account_id, const struct entry_key *after,
			size_t max_rows, struct entry_key *ret, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct sql_row row = {0};
	int r = sql_open(store, SQL_SWEEP_RANGE, &stmt, error, SQL_NUMBER(account_id), SQL_KEY(after),
			 SQL_NUMBER((int64_t)max_rows));

	if (!r)
		r = sql_step(store, stmt, error);
	if (r <= 0)
		return r;
	row.stmt = stmt;
	row_prefix(&row, &ret->prefix);
	ret->since = row_number(&row, 0, INT64_MAX);
	return row.bad ? store_damaged(store, error, "an entry is none") : 1;
}

int sweep_account(struct store *store, int64_t account_id, struct entry_key *after, size_t max_rows,
		  bool *ret_done, struct ag_error *error)
{
	struct account_record record;
	struct entry_key last = {0};
	int64_t oldest = 0;
	int r = account_record_find(store, account_id, &record, error);

	if (!r)
		r = history_oldest_version(store, &record, &oldest, error);
	if (!r)
		r = find_stretch(store, account_id, after, max_rows, &last, error);
	if (r < 0)
		return r;
	*ret_done = !r;
	if (!r) {
		r = sql_run(store, SQL_SEEN_SWEEP_REST, error, SQL_NUMBER(account_id),
			    SQL_PREFIX(&after->prefix));
		return r ? r : sql_run(store, SQL_UNSWEPT_REMOVE, error, SQL_NUMBER(account_id));
	}
	r = sql_run(store, SQL_SWEEP_ROWS, error, SQL_NUMBER(account_id), SQL_KEY(after), SQL_KEY(&last),
		    SQL_NUMBER(record.list_version), SQL_NUMBER(oldest));
	if (!r)
		r = sql_run(store, SQL_SWEEP_MARKS, error, SQL_NUMBER(account_id), SQL_KEY(after),
			    SQL_KEY(&last), SQL_NUMBER(record.list_version));
	if (!r)
		r = sql_run(store, SQL_SEEN_SWEEP, error, SQL_NUMBER(account_id), SQL_PREFIX(&after->prefix),
			    SQL_PREFIX(&last.prefix), SQL_NUMBER(record.list_version));
	if (!r)
		*after = last;
	return r;
}

/* The first account from the one being swept on that may have garbage and has no import open; 0: none. */
static int next_account(struct store *store, int64_t *ret, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	int r = sql_open(store, SQL_UNSWEPT, &stmt, error);

	*ret = 0;
	while (!r && (r = sql_step(store, stmt, error)) > 0) {
		struct sql_row row = {.stmt = stmt};
		int64_t id = row_number(&row, 1, INT64_MAX);

		if (row.bad)
			return store_damaged(store, error, "its list of what is to be swept is none");
		r = 0;
		if (import_is_open(store, id))
			continue;
		*ret = id;
		break;
	}
	return r;
}

static int sweep_stretch(struct store *store, int64_t account_id, size_t max_rows, struct ag_error *error)
{
	struct entry_key after = {0};
	bool done = false;
	int r;

	if (account_id == store->swept_account)
		after = store->swept;
	r = store_files_check(store, error);
	if (!r)
		r = store_write_begin(store, error);
	if (r < 0)
		return r;
	r = sweep_account(store, account_id, &after, max_rows, &done, error);
	if (!r)
		r = sql_exec(store, "COMMIT", error);
	store_write_end(store);
	if (r < 0)
		return r;
	store->swept_account = done ? 0 : account_id;
	store->swept = after;
	return 0;
}

int store_sweep(struct store *store, size_t max_rows, bool *ret_more, struct ag_error *error)
{
	int64_t account_id;
	int r;

	if (store->in_transaction)
		return error_set(error, ERROR_STORE, "store %s: swept within a change: report this as a bug",
				 store->path);
	r = next_account(store, &account_id, error);
	if (!r && account_id)
		r = sweep_stretch(store, account_id, max_rows, error);
	if (!r)
		r = next_account(store, &account_id, error);
	if (!r)
		*ret_more = account_id;
	return r;
}
