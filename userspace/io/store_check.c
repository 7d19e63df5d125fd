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

/*
 * Not quick_check, which leaves out whether the indexes fit their tables: names, slots and uids are found by
 * them, and a flipped bit there loses an account or gives its slot to a second one.
 */
int store_check_structure(struct store *store, struct ag_error *error)
{
	AUTO_FINALIZE sqlite3_stmt *sound = NULL;
	AUTO_FINALIZE sqlite3_stmt *keys = NULL;
	struct sql_row row = {0};
	int r;

	if (sqlite3_prepare_v2(store->db, "PRAGMA integrity_check(1)", -1, &sound, NULL) ||
	    sqlite3_prepare_v2(store->db, "PRAGMA foreign_key_check", -1, &keys, NULL))
		return store_fail(store, error);
	r = sql_step(store, sound, error);
	if (r < 0)
		return r;
	row.stmt = sound;
	if (!r || strcmp(row_text(&row), "ok") != 0)
		return store_damaged(store, error, "check failed (SQLite: %s)",
				     r ? (const char *)sqlite3_column_text(sound, 0) : "no answer");
	r = sql_step(store, keys, error);
	if (r > 0)
		return store_damaged(store, error, "a row of %s refers to one that is not there",
				     (const char *)sqlite3_column_text(keys, 0));
	return r;
}

static int check_lists(struct store *store, const struct account *accounts, size_t count,
		       struct ag_error *error)
{
	int r = 0;

	for (size_t i = 0; !r && i < count; i++) {
		struct account_record record;

		r = account_record_find(store, accounts[i].id, &record, error);
		if (!r)
			r = entries_read(store, &record, NULL, error);
	}
	return r;
}

int store_check_content(struct store *store, struct ag_error *error)
{
	AUTO_FREE struct account *accounts = NULL;
	AUTO_FREE struct claim *claims = NULL;
	size_t account_count = 0, claim_count = 0;
	int r = store_accounts(store, &accounts, &account_count, error);

	if (!r)
		r = store_claims(store, &claims, &claim_count, error);
	if (!r)
		r = people_check(store, error);
	if (!r)
		r = check_lists(store, accounts, account_count, error);
	return r;
}
