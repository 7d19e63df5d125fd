// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_check.c - what must hold of a store before it is used
 */
#include "userspace/io/store_private.h"

#include <inttypes.h>

int store_check_version(struct store *store, struct ag_error *error)
{
	int64_t application = 0, version = 0;
	int r = sql_pragma_number(store, "PRAGMA application_id", &application, error);

	if (!r)
		r = sql_pragma_number(store, "PRAGMA user_version", &version, error);
	if (r < 0)
		return r;
	if (application != STORE_APPLICATION_ID || version <= 0)
		return error_set(error, ERROR_STORE,
				 "store %s: it is a database, but not of allowgate: name another, "
				 "or restore it from a backup",
				 store->path);
	if (version > STORE_VERSION)
		return error_set(error, ERROR_STORE,
				 "store %s: it is of version %" PRId64 ", this allowgated knows %d: "
				 "upgrade allowgated",
				 store->path, version, STORE_VERSION);
	return 0;
}

static int check_table(struct store *store, const char *table, struct ag_error *error)
{
	AUTO_FINALIZE sqlite3_stmt *stmt = NULL;
	struct sql_row row = {0};
	char text[128];
	int r;

	(void)sqlite3_snprintf(sizeof(text), text, "PRAGMA integrity_check(%Q)",
			       table); /* cut: no such table */
	if (sqlite3_prepare_v2(store->db, text, -1, &stmt, NULL))
		return store_fail(store, error);
	r = sql_step(store, stmt, error);
	if (r < 0)
		return r;
	row.stmt = stmt;
	if (!r || strcmp(row_text(&row), "ok") != 0)
		return store_damaged(store, error, "check failed (SQLite: %s)",
				     r ? (const char *)sqlite3_column_text(stmt, 0) : "no answer");
	return 0;
}

/* Of the tables but entries and history, which are found by the account that they refer to. */
static int check_references(struct store *store, const char *table, struct ag_error *error)
{
	AUTO_FINALIZE sqlite3_stmt *stmt = NULL;
	char text[128];
	int r;

	(void)sqlite3_snprintf(sizeof(text), text, "PRAGMA foreign_key_check(%Q)", table); /* as above */
	if (sqlite3_prepare_v2(store->db, text, -1, &stmt, NULL))
		return store_fail(store, error);
	r = sql_step(store, stmt, error);
	if (r > 0)
		return store_damaged(store, error, "a row of %s refers to one that is not there", table);
	return r;
}

/*
 * Not quick_check, which leaves out whether the indexes fit their tables: names, slots and uids are found by
 * them, and a flipped bit there loses an account or gives its slot to a second one. The entries and
 * the history are left out: a list is compared with its sum whenever it is read, a row of history with its
 * digest, which finds all that this would.
 */
int store_check_structure(struct store *store, struct ag_error *error)
{
	AUTO_FINALIZE sqlite3_stmt *tables = NULL;
	int r = check_table(store, "sqlite_schema", error);

	if (r < 0)
		return r;
	if (sqlite3_prepare_v2(store->db,
			       "SELECT name FROM sqlite_schema WHERE type = 'table' "
			       "AND name NOT IN ('entries', 'history')",
			       -1, &tables, NULL))
		return store_fail(store, error);
	while ((r = sql_step(store, tables, error)) > 0) {
		struct sql_row row = {.stmt = tables};
		const char *name = row_text(&row);

		r = row.bad ? store_damaged(store, error, "a table has no name")
			    : check_table(store, name, error);
		if (!r)
			r = check_references(store, name, error);
		if (r < 0)
			break;
	}
	return r;
}

int store_check_content(struct store *store, struct ag_error *error)
{
	AUTO_FREE struct claim *claims = NULL;
	size_t count = 0;
	int r = store_claims(store, &claims, &count, error); /* reads the accounts too */

	return r < 0 ? r : people_check(store, error);
}
