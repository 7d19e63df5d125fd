// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_connect.c - connections: opened with all that every one has set, and closed
 *
 * Each is used by one thread at a time, so SQLite need not lock it at every call.
 */
#include "userspace/io/store_private.h"

#define BUSY_TIMEOUT_MS 500

static int configure(struct store *store, struct ag_error *error)
{
	static const struct {
		int option;
		int value;
	} options[] = {
		{SQLITE_DBCONFIG_DEFENSIVE, 1},	  {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
		{SQLITE_DBCONFIG_ENABLE_FKEY, 1}, {SQLITE_DBCONFIG_ENABLE_TRIGGER, 1},
		{SQLITE_DBCONFIG_ENABLE_VIEW, 0}, {SQLITE_DBCONFIG_DQS_DML, 0},
		{SQLITE_DBCONFIG_DQS_DDL, 0},	  {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1},
		{SQLITE_DBCONFIG_ENABLE_QPSG, 1}, /* no plan depends on what is bound: none is made anew */
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (sqlite3_db_config(store->db, options[i].option, options[i].value, NULL))
			return store_fail(store, error);
	(void)sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS); /* always SQLITE_OK */
	return sql_exec(store,
			"PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;"
			"PRAGMA cache_size = -4096; PRAGMA secure_delete = OFF;"
			"PRAGMA journal_size_limit = 67108864",
			error);
}

int store_connect(struct store *store, const char *path, struct ag_error *error)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX;

	if (sqlite3_open_v2(path, &store->db, flags, NULL)) {
		if (!store->db)
			return store_no_memory(error);
		return store_fail(store, error);
	}
	return configure(store, error);
}

void store_disconnect(struct store *store)
{
	for (size_t i = 0; i < SQL_MAX; i++) {
		(void)sqlite3_finalize(store->statements[i]); /* repeats a failure that was reported */
		store->statements[i] = NULL;
	}
	(void)sqlite3_close(store->db); /* cannot be busy: no statement is left */
	store->db = NULL;
}
