// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_seen.c - when entries were last seen, and how many lengths those have that expire
 *
 * What was seen is no policy: no digest covers it, no generation counts it, and it is written in transactions
 * of its own.
 */
#include "userspace/io/store.h"

#include "userspace/io/store_private.h"

static int put_all(struct store *store, const struct store_seen *seen, size_t count, struct ag_error *error)
{
	int r = 0;

	for (size_t i = 0; i < count && !r; i++)
		r = sql_run(store, SQL_SEEN_PUT, error, SQL_NUMBER(seen[i].account_id),
			    SQL_PREFIX(&seen[i].prefix), SQL_NUMBER(seen[i].time));
	return r;
}

int store_seen_put(struct store *store, const struct store_seen *seen, size_t count, struct ag_error *error)
{
	int r;

	if (store->in_transaction)
		return error_set(error, ERROR_STORE, "store %s: seen within a change: report this as a bug",
				 store->path);
	r = store_files_check(store, error);
	if (!r)
		r = store_write_begin(store, error);
	if (r < 0)
		return r;
	r = put_all(store, seen, count, error);
	if (!r)
		r = sql_exec(store, "COMMIT", error);
	store_write_end(store);
	return r;
}

int store_seen_get(struct store *store, int64_t account_id, const struct prefix *prefix, int64_t *ret,
		   struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct sql_row row = {0};
	int r = sql_open(store, SQL_SEEN_GET, &stmt, error, SQL_NUMBER(account_id), SQL_PREFIX(prefix));

	if (!r)
		r = sql_step(store, stmt, error);
	if (r < 0)
		return r;
	row.stmt = stmt;
	*ret = r ? row_number(&row, INT64_MIN, INT64_MAX) : 0;
	return row.bad ? store_damaged(store, error, "when an entry was last seen is no time") : 0;
}

static int count_lengths(struct store *store, const struct account_record *record, enum ag_family family,
			 size_t *ret, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct sql_row row = {0};
	int r = sql_open(store, SQL_EXPIRING_LENGTHS, &stmt, error, SQL_NUMBER(record->account.id),
			 SQL_NUMBER(record->list_version), SQL_NUMBER(family));

	if (!r)
		r = sql_step(store, stmt, error);
	if (r < 0)
		return r;
	row.stmt = stmt;
	*ret = r ? (size_t)row_number(&row, 0, 128) : 0;
	return row.bad ? store_damaged(store, error, "lengths cannot be counted") : 0;
}

int store_expiring_lengths(struct store *store, int64_t account_id, size_t *ret, struct ag_error *error)
{
	struct account_record record;
	size_t lengths4 = 0, lengths6 = 0;
	int r = account_record_find(store, account_id, &record, error);

	if (!r)
		r = count_lengths(store, &record, AG_FAMILY_IPV4, &lengths4, error);
	if (!r)
		r = count_lengths(store, &record, AG_FAMILY_IPV6, &lengths6, error);
	*ret = lengths4 > lengths6 ? lengths4 : lengths6;
	return r;
}
