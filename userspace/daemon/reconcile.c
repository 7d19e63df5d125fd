// SPDX-License-Identifier: GPL-2.0-only
/*
 * reconcile.c - one way for start, reload, retry and repair
 *
 * Invariants: accounts are published before the services that lead to them, and services are withdrawn before
 * a slot is cleared, so that no service ever leads to a slot that means nothing. What does not differ is not
 * touched.
 */
#include "userspace/daemon/reconcile.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "userspace/core/cleanup.h"
#include "userspace/daemon/named.h"

#define PUBLISH_BATCH 512

/* --- a list, as it must be ------------------------------------------------- */

static int add_entry(const struct entry *entry, void *arg)
{
	return compile_add(arg, entry);
}

static int add_own(const struct entry *entry, void *arg)
{
	return union_own(arg, entry);
}

static int compile_united(struct gate *gate, const struct account *account, const struct list *through,
			  struct compiled_account *ret, struct ag_error *error)
{
	struct union_walk walk = {.through = through, .visit = add_entry, .arg = ret};
	size_t more4, more6;
	int err;

	named_count(through, &more4, &more6);
	err = compile_reserve(ret, more4, more6);
	if (!err)
		err = store_list_each(gate->store, account->id, add_own, &walk, error);
	return err ? err : union_end(&walk);
}

int reconcile_compile(struct gate *gate, const struct account *account, struct compiled_account *ret,
		      struct ag_error *error)
{
	struct list through = {0};
	int err = compile_begin(account, ret);

	error->code = ERROR_NONE;
	if (!err && ret->active)
		err = named_through(gate, account, &through, error);
	if (!err && ret->active)
		err = compile_united(gate, account, &through, ret, error);
	list_clear(&through);
	if (err && error->code == ERROR_NONE)
		err = error_set(error, ERROR_STORE, "no memory to compile the list of '%s'", account->name);
	return err;
}

/* --- a list, as it is ------------------------------------------------------ */

static int feed(struct dataplane_comparison *comparison, const struct compiled_entry *entries, size_t count,
		struct ag_error *error)
{
	int err = 0;

	for (size_t i = 0; i < count && !err; i++)
		err = dataplane_compare_feed(comparison, &entries[i], error);
	return err;
}

static int compare(struct gate *gate, const struct compiled_account *want, size_t *ret_differing,
		   struct ag_error *error)
{
	struct dataplane_comparison *comparison;
	size_t ignored;
	int err = dataplane_compare_begin(gate->dataplane, want->slot, &comparison, error);

	if (err)
		return err;
	err = feed(comparison, want->entries4, want->count4, error);
	if (!err)
		err = feed(comparison, want->entries6, want->count6, error);
	if (err) {
		struct ag_error unneeded;

		/* end frees; the first error is what is told */
		(void)dataplane_compare_end(comparison, false, want->mode, &want->on_deny, &ignored,
					    &unneeded);
		return err;
	}
	return dataplane_compare_end(comparison, want->active, want->mode, &want->on_deny, ret_differing,
				     error);
}

/* --- accounts -------------------------------------------------------------- */

/* Changes that are published together, since a grace period may have to be waited for. */
struct batch {
	struct dataplane_change *changes[PUBLISH_BATCH];
	size_t count;
};

static int batch_publish(struct gate *gate, struct batch *batch, struct ag_error *error)
{
	int err = batch->count ? dataplane_publish_all(gate->dataplane, batch->changes, batch->count, error)
			       : 0;

	while (batch->count)
		dataplane_change_free(batch->changes[--batch->count]);
	return err;
}

static int batch_account(struct gate *gate, const struct compiled_account *want, struct batch *batch,
			 struct ag_error *error)
{
	int err = dataplane_stage(gate->dataplane, NULL, want, &batch->changes[batch->count], error);

	if (err)
		return err;
	batch->count++;
	if (batch->count < PUBLISH_BATCH && want->count4 + want->count6 < LONG_LIST)
		return 0;
	return batch_publish(gate, batch, error);
}

static int walk_account(struct gate *gate, const struct account *account, struct batch *batch, size_t *drift,
			struct ag_error *error)
{
	struct compiled_account want = {0};
	size_t differing = 0;
	int err = reconcile_compile(gate, account, &want, error);

	if (!err)
		err = compare(gate, &want, &differing, error);
	*drift += differing;
	if (!err && differing)
		err = batch_account(gate, &want, batch, error);
	compiled_account_clear(&want);
	return err;
}

int reconcile_account(struct gate *gate, const struct account *account, size_t *drift, struct ag_error *error)
{
	struct batch batch = {.count = 0};
	int err = walk_account(gate, account, &batch, drift, error);

	return err ? err : batch_publish(gate, &batch, error);
}

static int walk_accounts(struct gate *gate, size_t *drift, struct ag_error *error)
{
	AUTO_FREE struct batch *batch = calloc(1, sizeof(*batch));
	struct ag_error ignored;
	int err = 0, last;

	if (!batch)
		return error_set(error, ERROR_STORE, "no memory to publish accounts");
	for (size_t i = 0; i < gate->summary.account_count && !err; i++)
		err = walk_account(gate, gate->summary.accounts[i], batch, drift, error);
	/* What is staged is good, whatever failed behind it. */
	last = batch_publish(gate, batch, err ? &ignored : error);
	return err ? err : last;
}

/* --- services and slots ---------------------------------------------------- */

/* The accounts as an array, their labels borrowed. */
static int list_accounts(const struct gate *gate, struct account **ret)
{
	struct account *accounts = calloc(gate->summary.account_count + 1, sizeof(*accounts));

	if (!accounts)
		return -ENOMEM;
	for (size_t i = 0; i < gate->summary.account_count; i++)
		accounts[i] = *gate->summary.accounts[i];
	*ret = accounts;
	return 0;
}

int reconcile_services(struct gate *gate, bool repair, size_t *drift, struct ag_error *error)
{
	AUTO_FREE struct account *accounts = NULL;
	struct compiled_services want = {0};
	size_t changed = 0;
	int err = list_accounts(gate, &accounts);

	error->code = ERROR_NONE;
	if (!err)
		err = compile_services(gate->summary.by_service, gate->summary.claim_count, accounts,
				       gate->summary.account_count, &want, error);
	if (err && error->code == ERROR_NONE)
		err = error_set(error, ERROR_STORE, "no memory to compile the table of services");
	if (!err)
		err = dataplane_sync_services(gate->dataplane, &want, !repair, &changed, error);
	*drift += changed;
	compiled_services_clear(&want);
	return err;
}

/* What an account left that was removed while nobody could tell the kernel. */
int reconcile_stale_slots(struct gate *gate, bool repair, size_t *drift, struct ag_error *error)
{
	AUTO_FREE uint32_t *used = NULL;
	size_t count = 0;
	int err = dataplane_used_slots(gate->dataplane, &used, &count, error);

	for (size_t i = 0; i < count && !err; i++) {
		if (summary_slot(&gate->summary, used[i]))
			continue;
		++*drift;
		if (repair)
			err = dataplane_clear_account(gate->dataplane, used[i], error);
	}
	return err;
}

int reconcile_all(struct gate *gate, size_t *drift, struct ag_error *error)
{
	int err = walk_accounts(gate, drift, error);

	if (!err)
		err = reconcile_services(gate, true, drift, error);
	if (!err)
		err = reconcile_stale_slots(gate, true, drift, error);
	(void)malloc_trim(0); /* lists came and went: gives back what it can */
	return err;
}
