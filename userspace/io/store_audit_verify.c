// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_audit_verify.c - the chain of the audit log recomputed, from where it begins to its newest row
 *
 * What stands beside the chain is compared with its MACs as long as it is there; it may be absent where the
 * person was erased, or (an address) where the row is older than addresses are kept.
 */
#include "userspace/io/store.h"

#include "userspace/io/store_audit.h"

#include <inttypes.h>

static const uint8_t zeros[DIGEST_SIZE];

struct chain {
	struct audit_bounds bounds;
	int64_t last; /* the newest row that fits */
	uint8_t hash[DIGEST_SIZE];
};

/* A row with what its statement has of whom it names. */
struct whole_row {
	struct audit_row row;
	const char *origin; /* NULL: gone */
	bool erased;	    /* the person's key is gone */
	uint8_t person_mac[DIGEST_SIZE];
	uint8_t key[DIGEST_SIZE];
	uint8_t delegate_mac[DIGEST_SIZE];
};

static bool next_is_null(const struct sql_row *row)
{
	return sqlite3_column_type(row->stmt, row->column) == SQLITE_NULL;
}

/* A column that is there exactly when it is `wanted`. */
static void optional_bytes(struct sql_row *row, bool wanted, uint8_t to[DIGEST_SIZE])
{
	if (next_is_null(row) == wanted)
		row->bad = true;
	if (wanted)
		row_bytes(row, to, DIGEST_SIZE);
	else
		row->column++;
}

static void read_whole(struct sql_row *row, struct whole_row *ret)
{
	audit_columns(row, &ret->row);
	row->column += 4; /* names and uids: check_persons() looks at all of them */
	ret->origin = NULL;
	if (next_is_null(row))
		row->column++;
	else
		ret->origin = row_text(row);
	optional_bytes(row, ret->row.person, ret->person_mac);
	ret->erased = next_is_null(row);
	optional_bytes(row, !ret->erased, ret->key);
	optional_bytes(row, ret->row.delegate, ret->delegate_mac);
}

static bool origin_fits(const struct chain *chain, const struct whole_row *whole)
{
	uint8_t mac[DIGEST_SIZE];

	if (!memcmp(whole->row.origin_mac, zeros, DIGEST_SIZE))
		return !whole->origin;
	if (!whole->origin)
		return whole->erased || whole->row.id <= chain->bounds.forgotten;
	origin_digest(whole->key, whole->origin, mac);
	return !whole->erased && !memcmp(mac, whole->row.origin_mac, DIGEST_SIZE);
}

static bool row_fits(const struct chain *chain, struct sql_row *row, struct whole_row *whole)
{
	uint8_t hash[DIGEST_SIZE];

	read_whole(row, whole);
	if (row->bad || whole->row.id != chain->last + 1 || !origin_fits(chain, whole))
		return false;
	audit_digest(chain->hash, &whole->row, whole->person_mac, whole->delegate_mac, hash);
	return !memcmp(hash, whole->row.hash, DIGEST_SIZE);
}

static int chain_step(struct store *store, sqlite3_stmt *stmt, struct chain *chain, struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};
	struct whole_row whole = {0};

	if (!row_fits(chain, &row, &whole))
		return error_set(error, ERROR_STORE,
				 "store %s: audit row %" PRId64
				 " does not fit the one before it: the log was "
				 "changed, or is damaged; compare it with a backup",
				 store->path, chain->last + 1);
	chain->last++;
	memcpy(chain->hash, whole.row.hash, DIGEST_SIZE);
	return 0;
}

static int chain_walk(struct store *store, struct chain *chain, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	int r = audit_bounds_get(store, &chain->bounds, error);

	if (r < 0)
		return r;
	chain->last = chain->bounds.pruned;
	memcpy(chain->hash, chain->bounds.pruned_hash, DIGEST_SIZE);
	r = sql_open(store, SQL_AUDIT_ALL, &stmt, error);
	while (!r && (r = sql_step(store, stmt, error)) > 0)
		r = chain_step(store, stmt, chain, error);
	return r;
}

/* Whoever is named anywhere, in the details too. */
static int check_persons(struct store *store, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct person person = {0};
	uint8_t mac[DIGEST_SIZE];
	int r = sql_open(store, SQL_PERSONS, &stmt, error);

	while (!r && (r = sql_step(store, stmt, error)) > 0) {
		r = person_read(store, stmt, &person, error);
		person_digest(&person, mac);
		if (!r && !person.erased && memcmp(mac, person.mac, DIGEST_SIZE) != 0)
			r = error_set(error, ERROR_STORE,
				      "store %s: the name of person %" PRId64 " in the audit log is not the "
				      "one that was written: compare it with a backup",
				      store->path, person.id);
	}
	return r;
}

int store_audit_verify(struct store *store, uint64_t *ret_rows, struct ag_error *error)
{
	struct chain chain = {0};
	struct store_meta meta;
	int r = store_meta_get(store, &meta, error);

	if (!r)
		r = chain_walk(store, &chain, error);
	*ret_rows = (uint64_t)(chain.last - chain.bounds.pruned);
	if (!r)
		r = check_persons(store, error);
	if (r < 0)
		return r;
	if (chain.last != meta.audit_rows || memcmp(chain.hash, meta.audit_hash, DIGEST_SIZE) != 0)
		return error_set(error, ERROR_STORE,
				 "store %s: the audit log ends at row %" PRId64 ", but %" PRId64
				 " were written: rows were added or cut off; compare it with a backup",
				 store->path, chain.last, meta.audit_rows);
	return 0;
}
