// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_snapshot.c - the store as it is at one moment, for a thread of its own
 *
 * A connection of its own in a transaction that only reads: SQLite keeps for it what was there when it began.
 * Until it is closed the log cannot be begun anew, and grows by what is changed meanwhile.
 */
#include "userspace/io/store.h"

#include "userspace/io/store_private.h"

static void snapshot_free(struct store *snapshot)
{
	store_disconnect(snapshot);
	free(snapshot);
}
DEFINE_CLEANUP(snapshot, struct store *, snapshot_free)

/* The transaction begins with the first thing that is read. */
static int settle_on_moment(struct store *snapshot, struct ag_error *error)
{
	uint64_t id, generation;
	int r = sql_exec(snapshot, "PRAGMA query_only = ON; BEGIN", error);

	return r < 0 ? r : store_identity(snapshot, &id, &generation, error);
}

int store_snapshot_open(const struct store *store, struct store **ret, struct ag_error *error)
{
	CLEANUP(cleanup_snapshot) struct store *snapshot = calloc(1, sizeof(*snapshot));
	int r;

	if (!snapshot)
		return store_no_memory(error);
	snapshot->path = store->path;
	snapshot->lock_fd = -1;
	snapshot->limits = store->limits;
	r = store_connect(snapshot, snapshot->path, error);
	if (!r)
		r = settle_on_moment(snapshot, error);
	if (!r)
		r = store_files_check(store, error);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(snapshot);
	return 0;
}

void store_snapshot_close(struct store *snapshot)
{
	if (snapshot)
		snapshot_free(snapshot);
}
