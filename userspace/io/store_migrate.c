// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_migrate.c - what SQL cannot say of the way to version 4: everything is checked against the digests
 * that it had before it gets new ones, so that damage is not made right by the migration; and history begins
 */
#include "userspace/io/store_private.h"

#include <time.h>

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

/* What is there now is what can be gone back to. */
static int begin_history(struct store *store, int64_t id, struct ag_error *error)
{
	struct store_history row = {.time = time(NULL), .action = "upgrade"};

	store->current = (struct account_record){0};
	return store_history_add(store, id, &row, error);
}

static int convert_account(struct store *store, enum digests digests, int64_t id, struct ag_error *error)
{
	const struct store new_digests = {0};
	struct resum resum = {.new_digests = &new_digests};
	struct account_record record;
	int r;

	store->digests = digests;
	r = account_record_find(store, id, &record, error);
	if (!r)
		r = entries_each(store, &record, resum_entry, &resum, error);
	store->digests = DIGESTS_NOW;
	if (r < 0)
		return r;
	memcpy(record.list_sum, resum.seen.list_sum, DIGEST_SIZE);
	r = account_write(store, &record, error); /* takes the old digest out of the sum */
	return r < 0 ? r : begin_history(store, id, error);
}

/* Accounts and services fit the sums that they have. */
static int read_old(struct store *store, enum digests digests, struct account **accounts, size_t *count,
		    struct ag_error *error)
{
	AUTO_FREE struct claim *claims = NULL;
	size_t claim_count;
	int r;

	store->digests = digests;
	r = store_meta_get(store, &store->meta, error);
	if (!r)
		r = store_claims(store, &claims, &claim_count, error);
	if (!r)
		r = store_accounts(store, accounts, count, error);
	store->digests = DIGESTS_NOW;
	return r;
}

static int convert_all(struct store *store, enum digests digests, struct ag_error *error)
{
	struct account *accounts = NULL;
	size_t count = 0;
	int r = read_old(store, digests, &accounts, &count, error);

	store->in_transaction = true; /* run_step() has begun it */
	for (size_t i = 0; !r && i < count; i++)
		r = convert_account(store, digests, accounts[i].id, error);
	accounts_free(accounts, count);
	memset(store->meta.service_sum, 0, DIGEST_SIZE);
	if (!r)
		r = services_fold(store, store->meta.service_sum, error);
	if (!r)
		r = store_meta_write(store, error);
	store->in_transaction = false;
	store->current = (struct account_record){0};
	return r;
}

static int convert(struct store *store, enum digests digests, struct ag_error *error)
{
	int64_t rows = 0;
	int r = sql_pragma_number(
		store, "SELECT (SELECT count(*) FROM meta) + (SELECT count(*) FROM accounts)", &rows, error);

	return r < 0 || !rows /* one that is just being made */ ? r : convert_all(store, digests, error);
}

int store_convert_digests_1(struct store *store, struct ag_error *error)
{
	return convert(store, DIGESTS_1, error);
}

int store_convert_digests_3(struct store *store, struct ag_error *error)
{
	return convert(store, DIGESTS_3, error);
}
