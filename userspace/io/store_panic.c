// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_panic.c - whether everything passes, since when, by whom and why
 *
 * In the sum of those who have rights: a flipped bit must neither open a host nor close it.
 */
#include "userspace/io/store.h"

#include "userspace/io/store_private.h"

static void fold_panic(uint8_t sum[DIGEST_SIZE], const struct store_panic *panic)
{
	uint8_t out[DIGEST_SIZE];
	struct digest digest;

	digest_init(&digest);
	digest_text(&digest, "panic");
	digest_number(&digest, panic->since);
	digest_text(&digest, panic->reason);
	digest_finish(&digest, out);
	sum_fold(sum, out);
}

int store_panic_get(struct store *store, struct store_panic *ret, bool *ret_on, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct store_panic panic = {0};
	struct sql_row row = {0};
	int r = sql_open(store, SQL_PANIC, &stmt, error);

	if (!r)
		r = sql_step(store, stmt, error);
	if (r < 0)
		return r;
	*ret_on = r > 0;
	if (!r)
		return 0;
	row.stmt = stmt;
	panic.since = row_number(&row, INT64_MIN, INT64_MAX);
	row_copy(&row, panic.by, sizeof(panic.by));
	row_copy(&row, panic.reason, sizeof(panic.reason));
	if (row.bad)
		return store_damaged(store, error, "its switch is none");
	*ret = panic;
	return 0;
}

int panic_fold(struct store *store, uint8_t sum[DIGEST_SIZE], struct ag_error *error)
{
	struct store_panic panic;
	bool on = false;
	int r = store_panic_get(store, &panic, &on, error);

	if (!r && on)
		fold_panic(sum, &panic);
	return r;
}

int store_panic_remove(struct store *store, struct ag_error *error)
{
	uint8_t sum[DIGEST_SIZE];
	int r = store_editing(store, error);

	memcpy(sum, store->meta.people_sum, DIGEST_SIZE);
	if (!r)
		r = panic_fold(store, sum, error); /* what is in the sum goes out of it */
	if (!r)
		r = sql_run(store, SQL_PANIC_REMOVE, error);
	if (!r)
		memcpy(store->meta.people_sum, sum, DIGEST_SIZE);
	return r;
}

int store_panic_put(struct store *store, const struct store_panic *panic, struct ag_error *error)
{
	int r = store_panic_remove(store, error);

	if (!r)
		r = sql_run(store, SQL_PANIC_PUT, error, SQL_NUMBER(panic->since), sql_text(panic->by),
			    sql_text(panic->reason));
	if (!r)
		fold_panic(store->meta.people_sum, panic);
	return r;
}
