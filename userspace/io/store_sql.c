// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_sql.c - SQLite without its ceremony: prepared once, bound from values, read strictly, errors in plain
 * words
 */
#include "userspace/io/store_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* What to do about it, by primary result code. */
static const struct {
	int code;
	const char *advice;
} advices[] = {
	{SQLITE_FULL, "the disk is full: free some space and try again"},
	{SQLITE_BUSY, "another process holds its lock: end that (a sqlite3 shell?) and try again"},
	{SQLITE_LOCKED, "another process holds its lock: end that (a sqlite3 shell?) and try again"},
	{SQLITE_CORRUPT, "it is damaged: restore it from a backup"},
	{SQLITE_NOTADB, "it is damaged or no database: restore it from a backup"},
	{SQLITE_READONLY, "it cannot be written: check owner and mode of the file and of its directory"},
	{SQLITE_CANTOPEN, "it cannot be opened: check owner and mode of the file and of its directory"},
	{SQLITE_PERM, "it cannot be opened: check owner and mode of the file and of its directory"},
	{SQLITE_IOERR, "reading or writing it failed: check the disk and its free space"},
	{SQLITE_NOMEM, "out of memory: free some and try again"},
	{SQLITE_CONSTRAINT, "it does not take this value: check what was asked for"},
};

static const char *advice_for(int code)
{
	for (size_t i = 0; i < sizeof(advices) / sizeof(*advices); i++)
		if (advices[i].code == (code & 0xff))
			return advices[i].advice;
	return "it cannot be used: see whether allowgated and the store are of the same version";
}

int store_fail(const struct store *store, struct ag_error *error)
{
	int code = sqlite3_extended_errcode(store->db) & 0xff;
	int system = code == SQLITE_IOERR || code == SQLITE_CANTOPEN ? sqlite3_system_errno(store->db) : 0;

	return error_set(error, ERROR_STORE, "store %s: %s (SQLite: %s%s%s)", store->path, advice_for(code),
			 sqlite3_errmsg(store->db), system ? "; " : "", system ? strerror(system) : "");
}

int store_damaged(const struct store *store, struct ag_error *error, const char *format, ...)
{
	char what[256];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(what, sizeof(what), format, args); /* cut where it is too long */
	va_end(args);
	return error_set(error, ERROR_STORE, "store %s: %s: it is damaged, restore it from a backup",
			 store->path, what);
}

int store_no_memory(struct ag_error *error)
{
	(void)error_set(error, ERROR_STORE, "out of memory while using the store: free some and try again");
	return -ENOMEM;
}

int store_grow(void **items, size_t *capacity, size_t count, size_t size)
{
	size_t wanted = *capacity ? *capacity * 2 : 16;
	void *grown;

	if (count < *capacity)
		return 0;
	grown = reallocarray(*items, wanted, size);
	if (!grown)
		return -ENOMEM;
	*items = grown;
	*capacity = wanted;
	return 0;
}

static int bind(sqlite3_stmt *stmt, int column, const struct sql_value *value)
{
	switch (value->kind) {
	case SQL_KIND_NUMBER:
		return sqlite3_bind_int64(stmt, column, value->number);
	case SQL_KIND_TEXT:
		return sqlite3_bind_text64(stmt, column, value->data, value->size, SQLITE_STATIC,
					   SQLITE_UTF8);
	case SQL_KIND_BYTES:
		return sqlite3_bind_blob64(stmt, column, value->data, value->size, SQLITE_STATIC);
	default:
		return sqlite3_bind_null(stmt, column);
	}
}

int sql_open_values(struct store *store, enum sql which, sqlite3_stmt **ret, struct ag_error *error,
		    const struct sql_value *values, size_t count)
{
	sqlite3_stmt **stmt = &store->statements[which];

	if (!*stmt &&
	    sqlite3_prepare_v3(store->db, sql_statement(which), -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL))
		return store_fail(store, error);
	for (size_t i = 0; i < count; i++)
		if (bind(*stmt, (int)i + 1, &values[i]))
			return store_fail(store, error);
	*ret = *stmt;
	return 0;
}

int sql_step(struct store *store, sqlite3_stmt *stmt, struct ag_error *error)
{
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return store_fail(store, error);
	}
}

int sql_run_values(struct store *store, enum sql which, struct ag_error *error,
		   const struct sql_value *values, size_t count)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	int r = sql_open_values(store, which, &stmt, error, values, count);

	if (r < 0)
		return r;
	do
		r = sql_step(store, stmt, error);
	while (r > 0);
	return r;
}

int sql_exec(struct store *store, const char *text, struct ag_error *error)
{
	return sqlite3_exec(store->db, text, NULL, NULL, NULL) ? store_fail(store, error) : 0;
}

int sql_pragma_number(struct store *store, const char *text, int64_t *ret, struct ag_error *error)
{
	AUTO_FINALIZE sqlite3_stmt *stmt = NULL;
	int r;

	if (sqlite3_prepare_v2(store->db, text, -1, &stmt, NULL))
		return store_fail(store, error);
	r = sql_step(store, stmt, error);
	if (r < 0)
		return r;
	*ret = r ? sqlite3_column_int64(stmt, 0) : 0;
	return 0;
}

bool sql_is_duplicate(const struct store *store)
{
	int code = sqlite3_extended_errcode(store->db);

	return code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY;
}

bool sql_is_dangling(const struct store *store)
{
	return sqlite3_extended_errcode(store->db) == SQLITE_CONSTRAINT_FOREIGNKEY;
}

int64_t row_number(struct sql_row *row, int64_t min, int64_t max)
{
	int column = row->column++;
	int64_t number = sqlite3_column_int64(row->stmt, column);

	if (sqlite3_column_type(row->stmt, column) != SQLITE_INTEGER || number < min || number > max) {
		row->bad = true;
		return min;
	}
	return number;
}

int64_t row_number_or_null(struct sql_row *row, int64_t max)
{
	if (sqlite3_column_type(row->stmt, row->column) != SQLITE_NULL)
		return row_number(row, 0, max);
	row->column++;
	return -1;
}

const char *row_text(struct sql_row *row)
{
	int column = row->column++;
	const char *text;

	if (sqlite3_column_type(row->stmt, column) != SQLITE_TEXT) {
		row->bad = true;
		return "";
	}
	text = (const char *)sqlite3_column_text(row->stmt, column);
	if (!text || strlen(text) != (size_t)sqlite3_column_bytes(row->stmt, column)) {
		row->bad = true;
		return "";
	}
	return text;
}

void row_copy(struct sql_row *row, char *to, size_t size)
{
	const char *text = row_text(row);
	size_t length = strlen(text);

	if (length >= size) {
		row->bad = true;
		return;
	}
	memcpy(to, text, length + 1);
}

void row_bytes(struct sql_row *row, void *to, size_t size)
{
	int column = row->column++;

	if (sqlite3_column_type(row->stmt, column) != SQLITE_BLOB ||
	    (size_t)sqlite3_column_bytes(row->stmt, column) != size) {
		row->bad = true;
		return;
	}
	memcpy(to, sqlite3_column_blob(row->stmt, column), size);
}

void row_prefix(struct sql_row *row, struct prefix *ret)
{
	int64_t family = row_number(row, AG_FAMILY_NONE, AG_FAMILY_IPV6);
	size_t size = family == AG_FAMILY_IPV4 ? 4 : 16;
	struct prefix prefix = {.addr.family = (uint8_t)family};

	if (family != AG_FAMILY_NONE && !addr_known(&prefix.addr))
		row->bad = true;
	row_bytes(row, prefix.addr.bytes, size);
	prefix.len = (uint8_t)row_number(row, family ? 1 : 128, 8 * (int64_t)size);
	*ret = prefix_of(&prefix.addr, prefix.len);
	if (!addr_equal(&ret->addr, &prefix.addr))
		row->bad = true;
}

int store_collect(struct store *store, sqlite3_stmt *stmt, size_t size, store_read_fn read,
		  void (*clear)(void *), void **ret, size_t *ret_count, struct ag_error *error)
{
	void *items = NULL;
	size_t count = 0, capacity = 0;
	int r;

	while ((r = sql_step(store, stmt, error)) > 0) {
		if (store_grow(&items, &capacity, count, size) < 0) {
			r = store_no_memory(error);
			break;
		}
		r = read(store, stmt, (char *)items + count * size, error);
		if (r < 0)
			break;
		count++;
	}
	if (r < 0) {
		for (size_t i = 0; clear && i < count; i++)
			clear((char *)items + i * size);
		free(items);
		return r;
	}
	*ret = items;
	*ret_count = count;
	return 0;
}
