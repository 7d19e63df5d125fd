// SPDX-License-Identifier: GPL-2.0-only
/*
 * store.c - transactions, and the one row of meta
 *
 * A transaction begins with a write lock and ends with meta and the account last edited being written before
 * COMMIT. SQLite undoes a transaction by itself after some failures; what is then still edited must not go
 * into a transaction of its own, so every edit asks store_editing() first.
 */
#include "userspace/io/store.h"

#include "userspace/io/store_private.h"

#include <errno.h>
#include <sys/random.h>

void sum_fold(uint8_t sum[DIGEST_SIZE], const uint8_t digest[DIGEST_SIZE])
{
	for (size_t i = 0; i < DIGEST_SIZE; i++)
		sum[i] ^= digest[i];
}

void digest_init_of(const struct store *store, struct digest *digest)
{
	if (store->digests == DIGESTS_1)
		digest_init(digest);
	else
		digest_init_row(digest);
}

void digest_prefix(struct digest *digest, const struct prefix *prefix)
{
	digest_bytes(digest, prefix->addr.bytes, prefix_bytes(prefix));
	digest_number(digest, prefix->len);
}

static void digest_meta(const struct store_meta *meta, uint8_t out[DIGEST_SIZE])
{
	const int64_t numbers[] = {meta->store_id, meta->generation, meta->accounts, meta->services,
				   meta->audit_rows};
	const uint8_t *const sums[] = {meta->audit_hash, meta->account_sum, meta->service_sum,
				       meta->people_sum};
	struct digest digest;

	digest_init(&digest);
	digest_text(&digest, "meta");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		digest_number(&digest, numbers[i]);
	for (size_t i = 0; i < sizeof(sums) / sizeof(*sums); i++)
		digest_bytes(&digest, sums[i], DIGEST_SIZE);
	digest_finish(&digest, out);
}

static int meta_put(struct store *store, enum sql which, const struct store_meta *meta, const uint8_t *digest,
		    struct ag_error *error)
{
	int r = sql_run(store, which, error, SQL_NUMBER(meta->store_id), SQL_NUMBER(meta->generation),
			SQL_NUMBER(meta->accounts), SQL_NUMBER(meta->services), SQL_NUMBER(meta->audit_rows),
			SQL_DIGEST(meta->audit_hash), SQL_DIGEST(meta->account_sum),
			SQL_DIGEST(meta->service_sum), SQL_DIGEST(meta->people_sum), SQL_DIGEST(digest));

	if (!r && sqlite3_changes(store->db) != 1)
		return store_damaged(store, error, "its row of meta is gone");
	return r;
}

static void meta_columns(struct sql_row *row, struct store_meta *meta, uint8_t digest[DIGEST_SIZE])
{
	meta->store_id = row_number(row, 1, INT64_MAX);
	meta->generation = row_number(row, 0, INT64_MAX);
	meta->accounts = row_number(row, 0, INT64_MAX);
	meta->services = row_number(row, 0, INT64_MAX);
	meta->audit_rows = row_number(row, 0, INT64_MAX);
	row_bytes(row, meta->audit_hash, DIGEST_SIZE);
	row_bytes(row, meta->account_sum, DIGEST_SIZE);
	row_bytes(row, meta->service_sum, DIGEST_SIZE);
	row_bytes(row, meta->people_sum, DIGEST_SIZE);
	row_bytes(row, digest, DIGEST_SIZE);
}

static int meta_read(struct store *store, struct store_meta *ret, uint8_t ret_digest[DIGEST_SIZE],
		     struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct store_meta meta = {0};
	uint8_t stored[DIGEST_SIZE] = {0};
	struct sql_row row = {0};
	int r = sql_open(store, SQL_META_READ, &stmt, error);

	if (!r)
		r = sql_step(store, stmt, error);
	if (r < 0)
		return r;
	row.stmt = stmt;
	if (r)
		meta_columns(&row, &meta, stored);
	digest_meta(&meta, ret_digest);
	if (!r || row.bad || memcmp(stored, ret_digest, DIGEST_SIZE) != 0)
		return store_damaged(store, error, "its row of meta does not fit its digest");
	*ret = meta;
	return 0;
}

int store_meta_init(struct store *store, struct ag_error *error)
{
	struct store_meta meta = {0};
	uint8_t digest[DIGEST_SIZE];

	while (meta.store_id <= 0)
		if (getrandom(&meta.store_id, sizeof(meta.store_id), 0) != (ssize_t)sizeof(meta.store_id))
			return error_set(error, ERROR_STORE, "store %s: no random numbers: %s", store->path,
					 strerror(errno));
	digest_meta(&meta, digest);
	return meta_put(store, SQL_META_ADD, &meta, digest, error);
}

int store_settle(struct store *store, struct ag_error *error)
{
	return store->current.changed ? account_write(store, &store->current, error) : 0;
}

int store_meta_get(struct store *store, struct store_meta *ret, struct ag_error *error)
{
	uint8_t digest[DIGEST_SIZE];
	int r;

	if (!store->in_transaction)
		return meta_read(store, ret, digest, error);
	r = store_settle(store, error);
	if (!r)
		*ret = store->meta;
	return r;
}

int store_editing(const struct store *store, struct ag_error *error)
{
	if (!store->in_transaction)
		return error_set(error, ERROR_STORE,
				 "store %s: edited outside of a transaction: report this as a bug",
				 store->path);
	if (sqlite3_get_autocommit(store->db))
		return error_set(error, ERROR_STORE,
				 "store %s: the change was undone after an earlier failure: make it anew",
				 store->path);
	return 0;
}

int store_meta_write(struct store *store, struct ag_error *error)
{
	uint8_t digest[DIGEST_SIZE];

	digest_meta(&store->meta, digest);
	if (!memcmp(digest, store->meta_digest, DIGEST_SIZE))
		return 0;
	return meta_put(store, SQL_META_WRITE, &store->meta, digest, error);
}

int store_write_begin(struct store *store, struct ag_error *error)
{
	int r;

	atomic_store(&store->wanted, true);
	(void)pthread_mutex_lock(&store->writing); /* cannot fail: this thread does not hold it */
	r = sql_exec(store, "BEGIN IMMEDIATE", error);
	if (r < 0)
		store_write_end(store);
	return r;
}

void store_write_end(struct store *store)
{
	if (!sqlite3_get_autocommit(store->db))
		(void)sql_exec(store, "ROLLBACK", NULL); /* a lost connection has undone it as well */
	(void)pthread_mutex_unlock(&store->writing);	 /* cannot fail: this thread holds it */
	atomic_store(&store->wanted, false);
}

int store_begin(struct store *store, struct ag_error *error)
{
	int r;

	if (store->in_transaction)
		return error_set(error, ERROR_STORE,
				 "store %s: a change within a change: report this as a bug", store->path);
	r = store_files_check(store, error);
	if (!r)
		r = store_write_begin(store, error);
	if (r < 0)
		return r;
	store->in_transaction = true;
	r = meta_read(store, &store->meta, store->meta_digest, error);
	if (r < 0)
		store_rollback(store);
	return r;
}

static void leave(struct store *store, bool committed)
{
	imports_settle(store, committed);
	store->in_transaction = false;
	store->current = (struct account_record){0};
	store_write_end(store);
}

void store_rollback(struct store *store)
{
	if (!store->in_transaction)
		return;
	store->slot_hint = 0;
	leave(store, false);
}

static int write_back(struct store *store, struct ag_error *error)
{
	int r = store_editing(store, error);

	if (!r)
		r = store_settle(store, error);
	if (!r)
		r = store_meta_write(store, error);
	return r < 0 ? r : store_files_check(store, error);
}

int store_commit(struct store *store, struct ag_error *error)
{
	int r = write_back(store, error);

	if (!r)
		r = sql_exec(store, "COMMIT", error);
	if (r < 0) {
		store_rollback(store);
		return r;
	}
	leave(store, true);
	return 0;
}

int store_identity(struct store *store, uint64_t *ret_id, uint64_t *ret_generation, struct ag_error *error)
{
	struct store_meta meta = {0};
	int r = store_meta_get(store, &meta, error);

	if (r < 0)
		return r;
	*ret_id = (uint64_t)meta.store_id;
	*ret_generation = (uint64_t)meta.generation;
	return 0;
}

int store_next_generation(struct store *store, uint64_t *ret, struct ag_error *error)
{
	int r = store_editing(store, error);

	if (r < 0)
		return r;
	*ret = (uint64_t)++store->meta.generation;
	return 0;
}
