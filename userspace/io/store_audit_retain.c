// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_audit_retain.c - what is too old, or too much, goes from the audit log: rows from its old end, and
 * addresses beside it
 *
 * Where the log begins then, with the hash of the last row that went, is noted in the same transaction, and
 * the chain is verified from there.
 */
#include "userspace/io/store.h"

#include "userspace/io/store_audit.h"

/* Where the log is to begin, up to max_rows further on. */
static int plan(struct store *store, const struct store_retention *keep, size_t max_rows, int64_t newest,
		struct audit_bounds *bounds, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	int r = sql_open(store, SQL_AUDIT_OLDEST, &stmt, error, SQL_NUMBER(bounds->pruned),
			 SQL_NUMBER((int64_t)max_rows));

	while (!r && (r = sql_step(store, stmt, error)) > 0) {
		struct sql_row row = {.stmt = stmt};
		int64_t id = row_number(&row, 1, INT64_MAX), time = row_number(&row, INT64_MIN, INT64_MAX);

		if (time >= keep->rows_since && newest - id < keep->rows)
			return 0;
		bounds->pruned = id;
		row_bytes(&row, bounds->pruned_hash, DIGEST_SIZE);
		if (row.bad)
			return store_damaged(store, error, "a row of the audit log is none");
		r = 0;
	}
	return r;
}

static int plan_addresses(struct store *store, const struct store_retention *keep, size_t max_rows,
			  struct audit_bounds *bounds, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	int r;

	if (bounds->forgotten < bounds->pruned)
		bounds->forgotten = bounds->pruned;
	r = sql_open(store, SQL_AUDIT_OLDEST, &stmt, error, SQL_NUMBER(bounds->forgotten),
		     SQL_NUMBER((int64_t)max_rows));
	while (!r && (r = sql_step(store, stmt, error)) > 0) {
		struct sql_row row = {.stmt = stmt};
		int64_t id = row_number(&row, 1, INT64_MAX), time = row_number(&row, INT64_MIN, INT64_MAX);

		if (row.bad)
			return store_damaged(store, error, "a row of the audit log is none");
		if (time >= keep->addresses_since)
			return 0;
		bounds->forgotten = id;
		r = 0;
	}
	return r;
}

static int write_bounds(struct store *store, const struct audit_bounds *bounds, struct ag_error *error)
{
	uint8_t digest[DIGEST_SIZE];
	int r;

	audit_bounds_digest(bounds, digest);
	r = sql_run(store, SQL_AUDIT_BOUNDS_WRITE, error, SQL_NUMBER(bounds->pruned),
		    SQL_DIGEST(bounds->pruned_hash), SQL_NUMBER(bounds->forgotten), SQL_DIGEST(digest));
	if (!r)
		r = sql_run(store, SQL_AUDIT_PRUNE, error, SQL_NUMBER(bounds->pruned));
	if (!r)
		r = sql_run(store, SQL_AUDIT_FORGET, error, SQL_NUMBER(bounds->forgotten));
	return r < 0 ? r : sql_run(store, SQL_PERSONS_PRUNE, error, SQL_NUMBER(bounds->pruned));
}

/* What goes is overwritten in the file. */
static int let_go(struct store *store, const struct audit_bounds *bounds, struct ag_error *error)
{
	int r = store_files_check(store, error);

	if (!r)
		r = store_write_begin(store, error);
	if (r < 0)
		return r;
	r = sql_exec(store, "PRAGMA secure_delete = ON", error);
	if (!r)
		r = write_bounds(store, bounds, error);
	(void)sql_exec(store, "PRAGMA secure_delete = OFF",
		       NULL); /* costs time, and no more, where it stays */
	if (!r)
		r = sql_exec(store, "COMMIT", error);
	store_write_end(store);
	return r;
}

int store_audit_retain(struct store *store, const struct store_retention *keep, size_t max_rows,
		       bool *ret_more, struct ag_error *error)
{
	struct audit_bounds had = {0}, bounds;
	struct store_meta meta;
	int r;

	*ret_more = false;
	if (store->in_transaction)
		return error_set(error, ERROR_STORE, "store %s: pruned within a change: report this as a bug",
				 store->path);
	r = store_meta_get(store, &meta, error);
	if (!r)
		r = audit_bounds_get(store, &had, error);
	if (r < 0)
		return r;
	bounds = had;
	r = plan(store, keep, max_rows, meta.audit_rows, &bounds, error);
	if (!r)
		r = plan_addresses(store, keep, max_rows, &bounds, error);
	if (r < 0 || (bounds.pruned == had.pruned && bounds.forgotten == had.forgotten))
		return r;
	*ret_more = true;
	return let_go(store, &bounds, error);
}

/* --- when entries were last seen -------------------------------------------------------- */

/* 1 with the last of the next max_rows rows behind a key; 0: there are none. */
static int find_stretch(struct store *store, const struct store_seen *after, size_t max_rows,
			struct store_seen *ret, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct sql_row row = {0};
	int r = sql_open(store, SQL_SEEN_STRETCH, &stmt, error, SQL_NUMBER(after->account_id),
			 SQL_PREFIX(&after->prefix), SQL_NUMBER((int64_t)max_rows));

	if (!r)
		r = sql_step(store, stmt, error);
	if (r <= 0)
		return r;
	row.stmt = stmt;
	ret->account_id = row_number(&row, 1, INT64_MAX);
	row_prefix(&row, &ret->prefix);
	return row.bad ? store_damaged(store, error, "when an entry was last seen is none") : 1;
}

static int forget_stretch(struct store *store, int64_t before, const struct store_seen *from,
			  const struct store_seen *to, struct ag_error *error)
{
	int r = store_files_check(store, error);

	if (!r)
		r = store_write_begin(store, error);
	if (r < 0)
		return r;
	r = sql_run(store, SQL_SEEN_FORGET, error, SQL_NUMBER(from->account_id), SQL_PREFIX(&from->prefix),
		    SQL_NUMBER(to->account_id), SQL_PREFIX(&to->prefix), SQL_NUMBER(before));
	if (!r)
		r = sql_exec(store, "COMMIT", error);
	store_write_end(store);
	return r;
}

int store_seen_forget(struct store *store, int64_t before, struct store_seen *cursor, size_t max_rows,
		      bool *ret_more, struct ag_error *error)
{
	struct store_seen last = {0};
	int r;

	*ret_more = false;
	if (store->in_transaction)
		return error_set(error, ERROR_STORE, "store %s: pruned within a change: report this as a bug",
				 store->path);
	if (!cursor->account_id)
		*cursor = (struct store_seen){.prefix.addr.family = AG_FAMILY_IPV4};
	r = find_stretch(store, cursor, max_rows, &last, error);
	if (r > 0) {
		*ret_more = true;
		r = forget_stretch(store, before, cursor, &last, error);
	}
	*cursor = last; /* from the start, behind the end */
	return r;
}
