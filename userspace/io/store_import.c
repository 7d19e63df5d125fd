// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_import.c - an import's life in the thread of the store: opened, finished, closed
 *
 * The account's row as it was at the beginning is what the import is made for: while nothing has written it,
 * rows of the version to come fit the list that there is. The work is in store_prepare.c.
 */
#include "userspace/io/store_import.h"

#define CHECKPOINT_PAGES 1000 /* SQLite's own default */

bool import_is_open(const struct store *store, int64_t account_id)
{
	for (const struct store_import *i = store->imports; i; i = i->next)
		if (i->base.account.id == account_id)
			return true;
	return false;
}

void imports_touch(struct store *store, int64_t account_id)
{
	for (struct store_import *i = store->imports; i; i = i->next)
		i->touched |= i->base.account.id == account_id;
}

void imports_settle(struct store *store, bool committed)
{
	for (struct store_import *i = store->imports; i; i = i->next) {
		if (committed && i->touched)
			atomic_store(&i->stale, true);
		i->touched = false;
	}
}

int64_t import_version(const struct store_import *import)
{
	return import->base.list_version + IMPORT_AHEAD;
}

static void import_free(struct store_import *import)
{
	store_disconnect(&import->connection);
	free(import);
}
DEFINE_CLEANUP(import, struct store_import *, import_free)

static int connect_import(struct store_import *import, struct ag_error *error)
{
	struct store *connection = &import->connection;
	int r;

	connection->path = import->store->path;
	connection->lock_fd = -1;
	connection->limits = import->store->limits;
	r = store_connect(connection, connection->path, error);
	/* The commit that makes it the list is FULL, and flushes the log up to itself. */
	if (!r)
		r = sql_exec(connection, "PRAGMA synchronous = NORMAL", error);
	return r < 0 ? r : store_files_check(import->store, error);
}

int store_import_open(struct store *store, int64_t account_id, struct store_import **ret,
		      struct ag_error *error)
{
	CLEANUP(cleanup_import) struct store_import *import = NULL;
	int r;

	if (import_is_open(store, account_id))
		return error_set(error, ERROR_CONFLICT,
				 "another import of this list is going on: wait for its end");
	import = calloc(1, sizeof(*import));
	if (!import)
		return store_no_memory(error);
	import->store = store;
	r = account_record_find(store, account_id, &import->base, error);
	if (!r)
		r = connect_import(import, error);
	if (r < 0)
		return r;
	/* A sweep that is half done would not come back for what this import may leave behind it. */
	if (store->swept_account == account_id)
		store->swept_account = 0;
	/* Checkpoints are the import's business meanwhile, so that no small change has to wait for one. */
	(void)sqlite3_wal_autocheckpoint(store->db, 0); /* always SQLITE_OK */
	import->next = store->imports;
	store->imports = import;
	*ret = TAKE_PTR(import);
	return 0;
}

int store_import_finish(struct store *store, struct store_import *import, struct ag_error *error)
{
	struct account_record *record = &store->current;
	int r;

	if (import->touched || atomic_load(&import->stale))
		return import_conflict(&import->base.account, error);
	if (!import->prepared)
		return error_set(error, ERROR_STORE,
				 "store %s: an import that is not prepared: report this as a bug",
				 store->path);
	r = account_edit(store, import->base.account.id, error);
	if (r < 0)
		return r;
	if (record->changed || memcmp(record->digest, import->base.digest, DIGEST_SIZE) != 0)
		return import_conflict(&import->base.account, error);
	record->account.entries4 = import->seen.account.entries4;
	record->account.entries6 = import->seen.account.entries6;
	record->account.disabled4 = import->seen.account.disabled4;
	record->account.disabled6 = import->seen.account.disabled6;
	record->account.references = import->seen.account.references;
	record->account.disabled_references = import->seen.account.disabled_references;
	memcpy(record->list_sum, import->seen.list_sum, DIGEST_SIZE);
	record->list_version = import_version(import);
	record->bumped = true;
	record->changed = true;
	return 0;
}

/* The rows of both versions are there as long as the import is open, for nothing sweeps the account. */
int store_import_undo(struct store *store, struct store_import *import, const struct account *before,
		      struct ag_error *error)
{
	const struct account_record *base = &import->base;
	struct account_record *record = &store->current;
	int r = account_edit(store, base->account.id, error);

	if (r < 0)
		return r;
	if (record->list_version != import_version(import) ||
	    memcmp(record->list_sum, import->seen.list_sum, DIGEST_SIZE) != 0)
		return import_conflict(&base->account, error);
	record->account.entries4 = base->account.entries4;
	record->account.entries6 = base->account.entries6;
	record->account.disabled4 = base->account.disabled4;
	record->account.disabled6 = base->account.disabled6;
	record->account.references = base->account.references;
	record->account.disabled_references = base->account.disabled_references;
	memcpy(record->list_sum, base->list_sum, DIGEST_SIZE);
	record->list_version = base->list_version;
	record->changed = true;
	return store_account_update(store, before, error);
}

int store_import_named(struct store_import *import, const char *name, struct list *ret,
		       struct ag_error *error)
{
	struct store_named named;
	int r = store_named_find(&import->connection, name, &named, error);

	return r < 0 ? r : store_named_list(&import->connection, &named, ret, error);
}

void store_import_close(struct store_import *import)
{
	struct store_import **link;

	if (!import)
		return;
	for (link = &import->store->imports; *link != import; link = &(*link)->next)
		;
	*link = import->next;
	if (!import->store->imports)
		(void)sqlite3_wal_autocheckpoint(import->store->db, CHECKPOINT_PAGES); /* SQLITE_OK */
	import_free(import);
}
