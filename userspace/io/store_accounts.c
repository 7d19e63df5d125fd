// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_accounts.c - accounts: their rows, slots and digests
 */
#include "userspace/io/store.h"

#include "userspace/io/store_private.h"

#include <stdio.h>

#define SLOT_MAX 0xfffffffdLL /* below AG_SEVERAL_ACCOUNTS */

static void digest_account(const struct store *store, const struct account_record *record,
			   uint8_t out[DIGEST_SIZE])
{
	const struct account *account = &record->account;
	char on_deny[ON_DENY_TEXT_MAX];
	struct digest digest;

	digest_init_of(store, &digest);
	digest_text(&digest, "account");
	digest_number(&digest, account->id);
	digest_number(&digest, account->slot);
	digest_text(&digest, account->name);
	digest_text(&digest, record->label);
	digest_text(&digest, mode_name(account->mode));
	on_deny_format(&account->on_deny, on_deny);
	digest_text(&digest, on_deny);
	digest_number(&digest, (int64_t)account->generation);
	digest_number(&digest, (int64_t)account->entries4);
	digest_number(&digest, (int64_t)account->entries6);
	digest_bytes(&digest, record->list_sum, DIGEST_SIZE);
	if (store->digests != DIGESTS_1)
		digest_number(&digest, record->list_version);
	if (account->disabled4 || account->disabled6) { /* version 2 had none, and fits as it is */
		digest_number(&digest, (int64_t)account->disabled4);
		digest_number(&digest, (int64_t)account->disabled6);
	}
	if (account->references) { /* nor had version 3 any */
		digest_text(&digest, "references");
		digest_number(&digest, (int64_t)account->references);
		digest_number(&digest, (int64_t)account->disabled_references);
	}
	digest_finish(&digest, out);
}

static void account_columns(struct sql_row *row, struct account_record *record)
{
	struct account *account = &record->account;

	account->id = row_number(row, 1, INT64_MAX);
	account->slot = (uint32_t)row_number(row, 0, SLOT_MAX);
	row_copy(row, account->name, sizeof(account->name));
	row_copy(row, record->label, sizeof(record->label));
	if (mode_parse(row_text(row), &account->mode, NULL) ||
	    on_deny_parse(row_text(row), &account->on_deny, NULL))
		row->bad = true;
	account->generation = (uint64_t)row_number(row, 0, INT64_MAX);
	account->entries4 = (size_t)row_number(row, 0, INT64_MAX);
	account->entries6 = (size_t)row_number(row, 0, INT64_MAX);
	row_bytes(row, record->list_sum, DIGEST_SIZE);
	row_bytes(row, record->digest, DIGEST_SIZE);
	record->list_version = row_number(row, 0, INT64_MAX - 2 * IMPORT_AHEAD);
	account->disabled4 = (size_t)row_number(row, 0, (int64_t)account->entries4);
	account->disabled6 = (size_t)row_number(row, 0, (int64_t)account->entries6);
	account->references = (size_t)row_number(row, 0, REFERENCES_MAX);
	account->disabled_references = (size_t)row_number(row, 0, (int64_t)account->references);
}

static int record_read(struct store *store, sqlite3_stmt *stmt, struct account_record *ret,
		       struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};
	struct account_record record = {0};
	uint8_t digest[DIGEST_SIZE];

	account_columns(&row, &record);
	if (!row.bad)
		digest_account(store, &record, digest);
	if (row.bad || memcmp(digest, record.digest, DIGEST_SIZE) != 0)
		return store_damaged(store, error, "account '%.*s' does not fit its digest", NAME_MAX_BYTES,
				     record.account.name);
	*ret = record;
	return 0;
}

static int record_one(struct store *store, sqlite3_stmt *stmt, struct account_record *ret,
		      struct ag_error *error)
{
	int r = sql_step(store, stmt, error);

	if (r > 0)
		return record_read(store, stmt, ret, error);
	return r < 0 ? r : error_set(error, ERROR_NOT_FOUND, "there is no such account");
}

int account_record_open(struct store *store, int64_t id, sqlite3_stmt **stmt, struct account_record *ret,
			struct ag_error *error)
{
	int r = store_settle(store, error);

	if (!r)
		r = sql_open(store, SQL_ACCOUNT_BY_ID, stmt, error, SQL_NUMBER(id));
	return r < 0 ? r : record_one(store, *stmt, ret, error);
}

int account_record_find(struct store *store, int64_t id, struct account_record *ret, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;

	return account_record_open(store, id, &stmt, ret, error);
}

int account_edit(struct store *store, int64_t id, struct ag_error *error)
{
	int r = store_editing(store, error);

	if (r < 0 || (id && store->current.account.id == id))
		return r;
	return account_record_find(store, id, &store->current, error);
}

int account_write(struct store *store, struct account_record *record, struct ag_error *error)
{
	const struct account *account = &record->account;
	uint8_t digest[DIGEST_SIZE];
	char on_deny[ON_DENY_TEXT_MAX];
	int r;

	on_deny_format(&account->on_deny, on_deny);
	digest_account(store, record, digest);
	r = sql_run(store, SQL_ACCOUNT_WRITE, error, SQL_NUMBER(account->id), sql_text(record->label),
		    sql_text(mode_name(account->mode)), sql_text(on_deny), SQL_NUMBER(account->generation),
		    SQL_NUMBER(account->entries4), SQL_NUMBER(account->entries6),
		    SQL_DIGEST(record->list_sum), SQL_DIGEST(digest), SQL_NUMBER(record->list_version),
		    SQL_NUMBER(account->disabled4), SQL_NUMBER(account->disabled6),
		    SQL_NUMBER(account->references), SQL_NUMBER(account->disabled_references));
	if (r < 0)
		return r;
	if (sqlite3_changes(store->db) != 1)
		return store_damaged(store, error, "the row of account '%s' is gone", account->name);
	sum_fold(store->meta.account_sum, record->digest);
	sum_fold(store->meta.account_sum, digest);
	memcpy(record->digest, digest, DIGEST_SIZE);
	record->changed = false;
	imports_touch(store, account->id);
	return 0;
}

static int one_number(struct store *store, enum sql which, int64_t argument, size_t count, int64_t *ret,
		      struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct sql_row row = {0};
	int r = sql_open_values(store, which, &stmt, error, &SQL_NUMBER(argument), count);

	if (!r)
		r = sql_step(store, stmt, error);
	if (r < 0)
		return r;
	row.stmt = stmt;
	*ret = r ? row_number(&row, 0, INT64_MAX) : 0;
	return !r || row.bad ? store_damaged(store, error, "its accounts cannot be numbered") : 0;
}

static int account_insert(struct store *store, struct account_record *record, struct ag_error *error)
{
	const struct account *account = &record->account;
	char on_deny[ON_DENY_TEXT_MAX];
	int r;

	on_deny_format(&account->on_deny, on_deny);
	/* Ids are used again: what an account that was lost may have left is nobody's, and not this one's. */
	r = sql_run(store, SQL_ENTRIES_CLEAR, error, SQL_NUMBER(account->id));
	if (!r)
		r = sql_run(store, SQL_HISTORY_CLEAR, error, SQL_NUMBER(account->id));
	if (r < 0)
		return r;
	digest_account(store, record, record->digest);
	r = sql_run(store, SQL_ACCOUNT_ADD, error, SQL_NUMBER(account->id), SQL_NUMBER(account->slot),
		    sql_text(account->name), sql_text(record->label), sql_text(mode_name(account->mode)),
		    sql_text(on_deny), SQL_NUMBER(account->generation), SQL_NUMBER(0), SQL_NUMBER(0),
		    SQL_DIGEST(record->list_sum), SQL_DIGEST(record->digest));
	if (r < 0 && sql_is_duplicate(store))
		return error_set(error, ERROR_EXISTS, "account '%s' is there already", account->name);
	return r;
}

/* What is too long for the record is too long for the table too, which refuses it. */
static void record_label(struct account_record *record, const char *label)
{
	record->account.label = NULL;
	(void)snprintf(record->label, sizeof(record->label), "%s", label ? label : "");
}

/* What others get: with a label of its own. */
static int record_give(const struct account_record *record, struct account *ret, struct ag_error *error)
{
	struct account account = record->account;

	account.label = *record->label ? strdup(record->label) : NULL;
	if (*record->label && !account.label)
		return store_no_memory(error);
	*ret = account;
	return 0;
}

int store_account_add(struct store *store, struct account *account, struct ag_error *error)
{
	struct account_record record = {.account = *account};
	int64_t slot = 0;
	int r = store_editing(store, error);

	record_label(&record, account->label);
	if (!r && (uint64_t)store->meta.accounts >= store->limits.accounts)
		r = error_set(error, ERROR_LIMIT,
			      "there are %zu accounts, which is the limit: remove one, or raise "
			      "the setting of the accounts' limit",
			      store->limits.accounts);
	if (!r)
		r = one_number(store, SQL_ACCOUNT_NEXT_ID, 0, 0, &record.account.id, error);
	if (!r)
		r = one_number(store, SQL_ACCOUNT_FREE_SLOT, store->slot_hint, 1, &slot, error);
	if (r < 0)
		return r;
	record.account.slot = (uint32_t)slot;
	record.account.entries4 = record.account.entries6 = 0;
	record.account.disabled4 = record.account.disabled6 = 0;
	record.account.references = record.account.disabled_references = 0;
	r = account_insert(store, &record, error);
	if (r < 0)
		return r;
	store->meta.accounts++;
	sum_fold(store->meta.account_sum, record.digest);
	store->slot_hint = record.account.slot + 1;
	account->id = record.account.id;
	account->slot = record.account.slot;
	account->entries4 = account->entries6 = 0;
	account->disabled4 = account->disabled6 = 0;
	account->references = account->disabled_references = 0;
	return 0;
}

int store_account_update(struct store *store, const struct account *account, struct ag_error *error)
{
	struct account_record record;
	int r = account_edit(store, account->id, error);

	if (r < 0)
		return r;
	record = store->current;
	record_label(&record, account->label);
	record.account.mode = account->mode;
	record.account.on_deny = account->on_deny;
	record.account.generation = account->generation;
	r = account_write(store, &record, error);
	if (!r)
		store->current = record;
	return r;
}

/* Its row and all that refers to it; services and roles also leave their sums. */
static int remove_rows(struct store *store, int64_t id, struct ag_error *error)
{
	int r = services_forget(store, id, error);

	if (!r)
		r = roles_forget_account(store, id, error);
	if (!r)
		r = sql_run(store, SQL_ACCOUNT_REMOVE, error, SQL_NUMBER(id));
	return r;
}

int store_account_remove(struct store *store, int64_t id, struct ag_error *error)
{
	struct store_meta before;
	int r = account_edit(store, id, error);

	if (r < 0)
		return r;
	before = store->meta;
	r = remove_rows(store, id, error);
	if (r < 0) {
		store->meta = before;
		return r;
	}
	store->meta.accounts--;
	sum_fold(store->meta.account_sum, store->current.digest); /* in the sum, whatever is held back */
	if (store->current.account.slot < store->slot_hint)
		store->slot_hint = store->current.account.slot;
	store->current = (struct account_record){0};
	imports_touch(store, id);
	return 0;
}

int store_account_find(struct store *store, const char *name, struct account *ret, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct account_record record;
	int r = store_settle(store, error);

	if (!r)
		r = sql_open(store, SQL_ACCOUNT_BY_NAME, &stmt, error, sql_text(name));
	if (!r)
		r = sql_step(store, stmt, error);
	if (!r)
		return error_set(error, ERROR_NOT_FOUND, "there is no account '%s'", name);
	if (r > 0)
		r = record_read(store, stmt, &record, error);
	return r < 0 ? r : record_give(&record, ret, error);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct account *)a)->name, ((const struct account *)b)->name);
}

/* Reading goes on in *items, which the caller frees also on failure. */
static int accounts_step(struct store *store, struct account **items, size_t *count, uint8_t sum[DIGEST_SIZE],
			 struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct account_record record = {0};
	size_t capacity = 0;
	int64_t last = 0;
	int r = sql_open(store, SQL_ACCOUNTS, &stmt, error);

	while (!r && (r = sql_step(store, stmt, error)) > 0) {
		r = record_read(store, stmt, &record, error);
		if (r < 0)
			break;
		if (record.account.id <= last)
			return store_damaged(store, error, "its accounts are out of order");
		last = record.account.id;
		if (store_grow((void **)items, &capacity, *count, sizeof(struct account)) < 0)
			return store_no_memory(error);
		r = record_give(&record, &(*items)[*count], error);
		if (r < 0)
			break;
		(*count)++;
		sum_fold(sum, record.digest);
	}
	return r;
}

int store_accounts(struct store *store, struct account **ret, size_t *ret_count, struct ag_error *error)
{
	struct account *items = NULL;
	uint8_t sum[DIGEST_SIZE] = {0};
	struct store_meta meta;
	size_t count = 0;
	int r = store_meta_get(store, &meta, error);

	if (!r)
		r = accounts_step(store, &items, &count, sum, error);
	if (!r && (count != (uint64_t)meta.accounts || memcmp(sum, meta.account_sum, DIGEST_SIZE) != 0))
		r = store_damaged(store, error, "its accounts do not fit their sum");
	if (r < 0) {
		accounts_free(items, count);
		return r;
	}
	if (count)
		qsort(items, count, sizeof(*items), by_name);
	*ret = items;
	*ret_count = count;
	return 0;
}
