// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_audit.c - the audit log: rows numbered from 1 without a gap, each with a hash over the one before it
 * and itself
 *
 * Meta keeps the number of rows and the newest hash, so that a log cut off at its end is noticed too.
 */
#include "userspace/io/store.h"

#include "userspace/io/store_private.h"

#include <inttypes.h>

static void digest_row(const uint8_t before[DIGEST_SIZE], const struct store_audit *row,
		       uint8_t out[DIGEST_SIZE])
{
	struct digest digest;

	digest_init(&digest);
	digest_bytes(&digest, before, DIGEST_SIZE);
	digest_number(&digest, row->id);
	digest_number(&digest, row->time);
	digest_text(&digest, row->user);
	digest_text(&digest, row->delegate);
	digest_number(&digest, row->uid);
	digest_text(&digest, row->origin);
	digest_text(&digest, row->account);
	digest_text(&digest, row->action);
	digest_text(&digest, row->detail);
	digest_text(&digest, row->outcome);
	digest_finish(&digest, out);
}

static int append(struct store *store, const struct store_audit *given, struct ag_error *error)
{
	struct store_audit row = *given;
	uint8_t hash[DIGEST_SIZE];
	int r = store_editing(store, error);

	if (r < 0)
		return r;
	row.id = store->meta.audit_rows + 1;
	digest_row(store->meta.audit_hash, &row, hash);
	r = sql_run(store, SQL_AUDIT_ADD, error, SQL_NUMBER(row.id), SQL_NUMBER(row.time), sql_text(row.user),
		    sql_text(row.delegate), SQL_NUMBER(row.uid), sql_text(row.origin), sql_text(row.account),
		    sql_text(row.action), sql_text(row.detail), sql_text(row.outcome), SQL_DIGEST(hash));
	if (r < 0)
		return r;
	store->meta.audit_rows = row.id;
	memcpy(store->meta.audit_hash, hash, DIGEST_SIZE);
	return 0;
}

int store_audit_add(struct store *store, const struct store_audit *row, struct ag_error *error)
{
	int r;

	if (store->in_transaction)
		return append(store, row, error);
	r = store_begin(store, error);
	if (r < 0)
		return r;
	r = append(store, row, error);
	if (!r)
		return store_commit(store, error);
	store_rollback(store);
	return r;
}

/* The strings are borrowed from the row. */
static void audit_columns(struct sql_row *row, struct store_audit *ret)
{
	ret->id = row_number(row, 1, INT64_MAX);
	ret->time = row_number(row, INT64_MIN, INT64_MAX);
	ret->user = (char *)row_text(row);
	ret->delegate = (char *)row_text(row);
	ret->uid = row_number(row, INT64_MIN, INT64_MAX);
	ret->origin = (char *)row_text(row);
	ret->account = (char *)row_text(row);
	ret->action = (char *)row_text(row);
	ret->detail = (char *)row_text(row);
	ret->outcome = (char *)row_text(row);
}

static void clear_row(void *item)
{
	struct store_audit *row = item;

	free(row->user);
	free(row->delegate);
	free(row->origin);
	free(row->account);
	free(row->action);
	free(row->detail);
	free(row->outcome);
}

static int audit_read(struct store *store, sqlite3_stmt *stmt, void *item, struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};
	struct store_audit audit = {0};
	char **const texts[] = {&audit.user,   &audit.delegate, &audit.origin, &audit.account,
				&audit.action, &audit.detail,	&audit.outcome};
	bool copied = true;

	audit_columns(&row, &audit);
	if (row.bad)
		return store_damaged(store, error, "audit row %" PRId64 " is none", audit.id);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		*texts[i] = strdup(*texts[i]);
		copied = copied && *texts[i];
	}
	if (!copied) {
		clear_row(&audit);
		return store_no_memory(error);
	}
	*(struct store_audit *)item = audit;
	return 0;
}

int store_audit_read(struct store *store, const char *account, int64_t after, int64_t since, size_t limit,
		     struct store_audit **ret, size_t *ret_count, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	int64_t most = limit > INT64_MAX ? INT64_MAX : (int64_t)limit;
	void *items;
	int r;

	if (account)
		r = sql_open(store, SQL_AUDIT_READ_ACCOUNT, &stmt, error, SQL_NUMBER(after),
			     SQL_NUMBER(since), SQL_NUMBER(most), sql_text(account));
	else
		r = sql_open(store, SQL_AUDIT_READ, &stmt, error, SQL_NUMBER(after), SQL_NUMBER(since),
			     SQL_NUMBER(most));
	if (!r)
		r = store_collect(store, stmt, sizeof(**ret), audit_read, clear_row, &items, ret_count,
				  error);
	if (!r)
		*ret = items;
	return r;
}

void store_audit_free(struct store_audit *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		clear_row(&rows[i]);
	free(rows);
}

static int chain_step(struct store *store, sqlite3_stmt *stmt, int64_t id, uint8_t hash[DIGEST_SIZE],
		      struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};
	uint8_t stored[DIGEST_SIZE] = {0};
	struct store_audit audit = {0};

	audit_columns(&row, &audit);
	row_bytes(&row, stored, DIGEST_SIZE);
	if (!row.bad && audit.id == id) {
		digest_row(hash, &audit, hash);
		if (!memcmp(stored, hash, DIGEST_SIZE))
			return 0;
	}
	return error_set(error, ERROR_STORE,
			 "store %s: audit row %" PRId64 " does not fit the one before it: the log was "
			 "changed, or is damaged; compare it with a backup",
			 store->path, id);
}

static int chain_walk(struct store *store, int64_t *rows, uint8_t hash[DIGEST_SIZE], struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	int r = sql_open(store, SQL_AUDIT_ALL, &stmt, error);

	while (!r && (r = sql_step(store, stmt, error)) > 0) {
		r = chain_step(store, stmt, *rows + 1, hash, error);
		if (!r)
			(*rows)++;
	}
	return r;
}

int store_audit_verify(struct store *store, uint64_t *ret_rows, struct ag_error *error)
{
	uint8_t hash[DIGEST_SIZE] = {0};
	struct store_meta meta;
	int64_t rows = 0;
	int r = store_meta_get(store, &meta, error);

	if (!r)
		r = chain_walk(store, &rows, hash, error);
	*ret_rows = (uint64_t)rows;
	if (r < 0)
		return r;
	if (rows != meta.audit_rows || memcmp(hash, meta.audit_hash, DIGEST_SIZE) != 0)
		return error_set(error, ERROR_STORE,
				 "store %s: the audit log ends at row %" PRId64 ", but %" PRId64
				 " were written: rows were added or cut off; compare it with a backup",
				 store->path, rows, meta.audit_rows);
	return 0;
}
