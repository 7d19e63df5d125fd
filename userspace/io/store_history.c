// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_history.c - what accounts were: rows of history, and lists as of them
 *
 * A row has a digest of its own, and no sum covers the table: a row that is lost takes a way back with it,
 * not a policy. The digest leaves out who made the generation, for the reason that an entry's does, and
 * `pinned`.
 */
#include "userspace/io/store.h"

#include "userspace/io/store_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* A row as it stands in the table. */
struct history_row {
	struct store_history history; /* its account's label is NULL: it stands in the record */
	struct account_record record;
};

static void digest_row(int64_t account_id, const struct history_row *row, uint8_t out[DIGEST_SIZE])
{
	const struct store_history *history = &row->history;
	const struct account *account = &row->record.account;
	const int64_t numbers[] = {account_id,
				   (int64_t)account->generation,
				   history->time,
				   row->record.list_version,
				   (int64_t)history->added,
				   (int64_t)history->removed,
				   (int64_t)account->entries4,
				   (int64_t)account->entries6,
				   (int64_t)account->disabled4,
				   (int64_t)account->disabled6,
				   (int64_t)account->references,
				   (int64_t)account->disabled_references};
	char on_deny[ON_DENY_TEXT_MAX];
	struct digest digest;

	digest_init_row(&digest);
	digest_text(&digest, "history");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		digest_number(&digest, numbers[i]);
	on_deny_format(&account->on_deny, on_deny);
	digest_text(&digest, history->action);
	digest_bytes(&digest, row->record.list_sum, DIGEST_SIZE);
	digest_text(&digest, mode_name(account->mode));
	digest_text(&digest, on_deny);
	digest_text(&digest, row->record.label);
	digest_finish(&digest, out);
}

static void row_columns(struct sql_row *row, struct history_row *ret, uint8_t digest[DIGEST_SIZE])
{
	struct account *account = &ret->record.account;
	struct store_history *history = &ret->history;

	account->generation = (uint64_t)row_number(row, 0, INT64_MAX);
	history->time = row_number(row, INT64_MIN, INT64_MAX);
	row_copy(row, history->user, sizeof(history->user));
	row_copy(row, history->action, sizeof(history->action));
	ret->record.list_version = row_number(row, 0, INT64_MAX);
	history->added = (size_t)row_number(row, 0, INT64_MAX);
	history->removed = (size_t)row_number(row, 0, INT64_MAX);
	account->entries4 = (size_t)row_number(row, 0, INT64_MAX);
	account->entries6 = (size_t)row_number(row, 0, INT64_MAX);
	account->disabled4 = (size_t)row_number(row, 0, (int64_t)account->entries4);
	account->disabled6 = (size_t)row_number(row, 0, (int64_t)account->entries6);
	account->references = (size_t)row_number(row, 0, REFERENCES_MAX);
	account->disabled_references = (size_t)row_number(row, 0, (int64_t)account->references);
	row_bytes(row, ret->record.list_sum, DIGEST_SIZE);
	if (mode_parse(row_text(row), &account->mode, NULL) ||
	    on_deny_parse(row_text(row), &account->on_deny, NULL))
		row->bad = true;
	row_copy(row, ret->record.label, sizeof(ret->record.label));
	history->pinned = row_number(row, 0, 1);
	row_bytes(row, digest, DIGEST_SIZE);
}

/* `now` is the account as it is: id, slot and name do not change. */
static int row_read(struct store *store, sqlite3_stmt *stmt, const struct account_record *now,
		    struct history_row *ret, struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};
	struct history_row read = {.record.account = now->account};
	uint8_t digest[DIGEST_SIZE], wanted[DIGEST_SIZE] = {0};

	row_columns(&row, &read, digest);
	if (!row.bad)
		digest_row(now->account.id, &read, wanted);
	if (row.bad || memcmp(digest, wanted, DIGEST_SIZE) != 0)
		return store_damaged(store, error, "a generation of account '%s' does not fit its digest",
				     now->account.name);
	*ret = read;
	return 0;
}

static int row_give(const struct history_row *row, struct store_history *ret, struct ag_error *error)
{
	struct store_history history = row->history;

	history.account = row->record.account;
	history.account.label = *row->record.label ? strdup(row->record.label) : NULL;
	if (*row->record.label && !history.account.label)
		return store_no_memory(error);
	*ret = history;
	return 0;
}

static int row_write(struct store *store, const struct history_row *row, struct ag_error *error)
{
	const struct account_record *record = &row->record;
	const struct account *account = &record->account;
	const struct store_history *history = &row->history;
	char on_deny[ON_DENY_TEXT_MAX];
	uint8_t digest[DIGEST_SIZE];
	int r;

	on_deny_format(&account->on_deny, on_deny);
	digest_row(account->id, row, digest);
	r = sql_run(store, SQL_HISTORY_ADD, error, SQL_NUMBER(account->id), SQL_NUMBER(account->generation),
		    SQL_NUMBER(history->time), sql_text(history->user), sql_text(history->action),
		    SQL_NUMBER(record->list_version), SQL_NUMBER(history->added),
		    SQL_NUMBER(history->removed), SQL_NUMBER(account->entries4),
		    SQL_NUMBER(account->entries6), SQL_NUMBER(account->disabled4),
		    SQL_NUMBER(account->disabled6), SQL_NUMBER(account->references),
		    SQL_NUMBER(account->disabled_references), SQL_DIGEST(record->list_sum),
		    sql_text(mode_name(account->mode)), sql_text(on_deny), sql_text(record->label),
		    SQL_DIGEST(digest));
	if (r < 0 && sql_is_duplicate(store))
		return error_set(error, ERROR_EXISTS,
				 "generation %" PRIu64 " of account '%s' is there already",
				 account->generation, account->name);
	return r;
}

int store_history_add(struct store *store, int64_t account_id, const struct store_history *row,
		      struct ag_error *error)
{
	struct history_row written = {.history = *row};
	int r = account_edit(store, account_id, error);

	if (r < 0)
		return r;
	written.record = store->current;
	r = row_write(store, &written, error);
	if (!r)
		prune_later(store, account_id);
	return r;
}

int store_history_remove(struct store *store, int64_t account_id, uint64_t generation, struct ag_error *error)
{
	int r = store_editing(store, error);

	return r < 0 ? r
		     : sql_run(store, SQL_HISTORY_REMOVE, error, SQL_NUMBER(account_id),
			       SQL_NUMBER(generation));
}

int history_oldest_version(struct store *store, const struct account_record *record, int64_t *ret,
			   struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct sql_row row = {0};
	int r = sql_open(store, SQL_HISTORY_OLDEST, &stmt, error, SQL_NUMBER(record->account.id));

	if (!r)
		r = sql_step(store, stmt, error);
	if (r < 0)
		return r;
	row.stmt = stmt;
	*ret = r ? row_number(&row, 0, INT64_MAX) : record->list_version;
	if (*ret > record->list_version)
		*ret = record->list_version;
	return row.bad ? store_damaged(store, error, "a generation of account '%s' has no list",
				       record->account.name)
		       : 0;
}

static uint64_t newest(const struct account_record *now)
{
	return now->account.generation;
}

/* Which generations there are, for who asks for another. */
static int not_kept(struct store *store, const struct account_record *now, uint64_t generation,
		    struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	int64_t first = -1;
	int r = sql_open(store, SQL_HISTORY_FIRST, &stmt, error, SQL_NUMBER(now->account.id));

	if (!r)
		r = sql_step(store, stmt, error);
	if (r < 0)
		return r;
	if (r)
		first = sqlite3_column_int64(stmt, 0);
	if (first < 0)
		return error_set(error, ERROR_NOT_FOUND, "no generation of account '%s' is kept",
				 now->account.name);
	return error_set(error, ERROR_NOT_FOUND,
			 "generation %" PRIu64 " of account '%s' is not kept: those that are go from %" PRId64
			 " to %" PRIu64 ", see 'allowgate allow history %s'",
			 generation, now->account.name, first, newest(now), now->account.name);
}

static int find_row(struct store *store, const struct account_record *now, uint64_t generation,
		    struct history_row *ret, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	int r = sql_open(store, SQL_HISTORY_FIND, &stmt, error, SQL_NUMBER(now->account.id),
			 SQL_NUMBER(generation));

	if (!r)
		r = sql_step(store, stmt, error);
	if (!r)
		return not_kept(store, now, generation, error);
	return r < 0 ? r : row_read(store, stmt, now, ret, error);
}

int history_record(struct store *store, int64_t account_id, uint64_t generation, struct account_record *ret,
		   struct ag_error *error)
{
	struct account_record now;
	struct history_row row;
	int r = account_record_find(store, account_id, &now, error);

	if (!r)
		r = find_row(store, &now, generation, &row, error);
	if (!r)
		*ret = row.record;
	return r;
}

int store_history_find(struct store *store, int64_t account_id, uint64_t generation,
		       struct store_history *ret, struct ag_error *error)
{
	struct account_record now;
	struct history_row row;
	int r = account_record_find(store, account_id, &now, error);

	if (!r)
		r = find_row(store, &now, generation, &row, error);
	return r < 0 ? r : row_give(&row, ret, error);
}

void store_history_free(struct store_history *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		account_clear(&rows[i].account);
	free(rows);
}

/* Reading goes on in *rows, which the caller frees also on failure. */
static int rows_step(struct store *store, sqlite3_stmt *stmt, const struct account_record *now,
		     struct store_history **rows, size_t *count, struct ag_error *error)
{
	struct history_row row;
	size_t capacity = 0;
	int r;

	while ((r = sql_step(store, stmt, error)) > 0) {
		r = row_read(store, stmt, now, &row, error);
		if (r < 0)
			return r;
		if (store_grow((void **)rows, &capacity, *count, sizeof(**rows)) < 0)
			return store_no_memory(error);
		r = row_give(&row, &(*rows)[*count], error);
		if (r < 0)
			return r;
		(*count)++;
	}
	return r;
}

int store_history(struct store *store, int64_t account_id, uint64_t before, size_t limit,
		  struct store_history **ret, size_t *ret_count, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct store_history *rows = NULL;
	struct account_record now;
	size_t count = 0;
	int r = account_record_find(store, account_id, &now, error);

	if (!r)
		r = sql_open(store, SQL_HISTORY_PAGE, &stmt, error, SQL_NUMBER(account_id),
			     SQL_NUMBER(before && before <= INT64_MAX ? (int64_t)before : INT64_MAX),
			     SQL_NUMBER((int64_t)limit));
	if (!r)
		r = rows_step(store, stmt, &now, &rows, &count, error);
	if (r < 0) {
		store_history_free(rows, count);
		return r;
	}
	*ret = rows;
	*ret_count = count;
	return 0;
}

int store_list_at_each(struct store *store, int64_t account_id, uint64_t generation,
		       int (*visit)(const struct entry *entry, void *arg), void *arg, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL; /* holds the moment */
	struct account_record now;
	struct history_row row;
	int r = account_record_open(store, account_id, &stmt, &now, error);

	if (!r)
		r = find_row(store, &now, generation, &row, error);
	return r < 0 ? r : entries_each(store, &row.record, visit, arg, error);
}

int store_list_at(struct store *store, int64_t account_id, uint64_t generation, struct list *ret,
		  struct ag_error *error)
{
	struct list list = {0};
	int r = store_list_at_each(store, account_id, generation, entries_keep, &list, error);

	return entries_give(&list, r, ret, error);
}

int store_history_pin(struct store *store, int64_t account_id, uint64_t generation, bool pinned,
		      struct ag_error *error)
{
	struct account_record now;
	int r = store_editing(store, error);

	if (!r)
		r = account_record_find(store, account_id, &now, error);
	if (!r)
		r = sql_run(store, SQL_HISTORY_PIN, error, SQL_NUMBER(pinned), SQL_NUMBER(account_id),
			    SQL_NUMBER(generation));
	if (r < 0)
		return r;
	if (sqlite3_changes(store->db) != 1)
		return not_kept(store, &now, generation, error);
	if (!pinned)
		prune_later(store, account_id);
	return 0;
}
