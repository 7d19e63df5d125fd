// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_migrate.c - from version 1 to 2: everything is checked against its SHA-256 before it gets the faster
 * digests of version 2, so that damage is not made right by the migration
 */
#include "userspace/io/store_private.h"

struct resum {
	const struct store *new_digests;
	struct account_record seen;
};

static int resum_entry(const struct entry *entry, void *arg)
{
	struct resum *resum = arg;

	entries_count(resum->new_digests, &resum->seen, entry, true);
	return 0;
}

static int convert_account(struct store *store, int64_t id, struct ag_error *error)
{
	const struct store new_digests = {0};
	struct resum resum = {.new_digests = &new_digests};
	struct account_record record;
	int r;

	store->old_digests = true;
	r = account_record_find(store, id, &record, error);
	if (!r)
		r = entries_each(store, &record, resum_entry, &resum, error);
	store->old_digests = false;
	if (r < 0)
		return r;
	memcpy(record.list_sum, resum.seen.list_sum, DIGEST_SIZE);
	return account_write(store, &record, error); /* takes the old digest out of the sum */
}

/* Accounts and services fit the sums of version 1. */
static int read_old(struct store *store, struct account **accounts, size_t *count, struct ag_error *error)
{
	AUTO_FREE struct claim *claims = NULL;
	size_t claim_count;
	int r;

	store->old_digests = true;
	r = store_meta_get(store, &store->meta, error);
	if (!r)
		r = store_claims(store, &claims, &claim_count, error);
	if (!r)
		r = store_accounts(store, accounts, count, error);
	store->old_digests = false;
	return r;
}

int store_convert_digests(struct store *store, struct ag_error *error)
{
	struct account *accounts = NULL;
	size_t count = 0;
	int64_t rows = 0;
	int r = sql_pragma_number(
		store, "SELECT (SELECT count(*) FROM meta) + (SELECT count(*) FROM accounts)", &rows, error);

	if (r < 0 || !rows) /* one that is just being made */
		return r;
	r = read_old(store, &accounts, &count, error);
	for (size_t i = 0; !r && i < count; i++)
		r = convert_account(store, accounts[i].id, error);
	accounts_free(accounts, count);
	memset(store->meta.service_sum, 0, DIGEST_SIZE);
	if (!r)
		r = services_fold(store, store->meta.service_sum, error);
	return r < 0 ? r : store_meta_write(store, error);
}
