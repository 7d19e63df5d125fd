// SPDX-License-Identifier: GPL-2.0-only
/*
 * gate.c - load the policy, compare it with the kernel, and make the kernel hold it
 *
 * Invariants: the kernel is only ever changed towards a store that was read whole, that passed its checks,
 * and that is the same or a newer one than the kernel's seal names. Accounts are published before the
 * services that lead to them, and services are withdrawn before a slot is cleared, so that no service ever
 * leads to a slot that means nothing.
 */
#include "userspace/daemon/gate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/compile.h"

#define PUBLISH_BATCH 256

static const double apply_bounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5};

static struct store_limits store_limits_of(const struct options *options)
{
	return (struct store_limits){
		.accounts = options->max_accounts,
		.services = options->max_services,
		.entries = options->max_entries,
	};
}

static struct dataplane_limits dataplane_limits_of(const struct options *options)
{
	return (struct dataplane_limits){
		.accounts = (uint32_t)options->max_accounts,
		.services = (uint32_t)options->max_services,
		.entries = (uint32_t)options->max_entries,
	};
}

void gate_degrade(struct gate *gate, const struct ag_error *why)
{
	if (strcmp(gate->reason, why->message))
		log_error("changes are refused and the kernel keeps what it enforces: %s", why->message);
	(void)snprintf(gate->reason, sizeof(gate->reason), "%s", why->message);
}

int gate_ready(const struct gate *gate, struct ag_error *error)
{
	if (!gate->reason[0])
		return 0;
	return error_set(error, ERROR_STORE, "%s", gate->reason);
}

/* Once a policy was published a missing store is a lost one: only the very first start makes a new one. */
static int open_store(struct gate *gate, struct ag_error *error)
{
	struct store_limits limits = store_limits_of(gate->options);
	uint64_t seal_id, seal_generation;

	dataplane_seal(gate->dataplane, &seal_id, &seal_generation);
	return store_open(gate->options->store, seal_id ? STORE_MUST_EXIST : STORE_MAY_CREATE, &limits,
			  &gate->store, error);
}

static int check_identity(struct gate *gate, bool force, struct ag_error *error)
{
	uint64_t seal_id, seal_generation, id, generation;
	int err = store_identity(gate->store, &id, &generation, error);

	if (err)
		return err;
	dataplane_seal(gate->dataplane, &seal_id, &seal_generation);
	if (!seal_id || force)
		return 0;
	if (id != seal_id)
		return error_set(error, ERROR_STORE,
				 "%s is not the store whose policy the kernel enforces: put that one back, "
				 "or take this one as it "
				 "is with 'allowgate reload --force'",
				 gate->options->store);
	if (generation < seal_generation)
		return error_set(error, ERROR_STORE,
				 "%s is at generation %llu, older than what the kernel enforces (%llu): put "
				 "the newer one back, or "
				 "take this one as it is with 'allowgate reload --force'",
				 gate->options->store, (unsigned long long)generation,
				 (unsigned long long)seal_generation);
	return 0;
}

static int compare_claims(const void *a, const void *b)
{
	const struct claim *left = a, *right = b;

	if (left->slot != right->slot)
		return left->slot < right->slot ? -1 : 1;
	return service_compare(&left->service, &right->service);
}

int gate_refresh(struct gate *gate, struct ag_error *error)
{
	AUTO_FREE struct account *accounts = NULL;
	AUTO_FREE struct claim *claims = NULL;
	size_t account_count, claim_count;
	uint64_t id, generation;
	int err = store_identity(gate->store, &id, &generation, error);

	if (!err)
		err = store_accounts(gate->store, &accounts, &account_count, error);
	if (!err)
		err = store_claims(gate->store, &claims, &claim_count, error);
	if (err)
		return err;
	if (claim_count)
		qsort(claims, claim_count, sizeof(*claims), compare_claims);
	free(gate->accounts);
	free(gate->claims);
	gate->accounts = TAKE_PTR(accounts);
	gate->account_count = account_count;
	gate->claims = TAKE_PTR(claims);
	gate->claim_count = claim_count;
	gate->generation = generation;
	return 0;
}

static int compare_name(const void *key, const void *member)
{
	return strcmp(key, ((const struct account *)member)->name);
}

struct account *gate_account(const struct gate *gate, const char *name)
{
	if (!gate->account_count)
		return NULL;
	return bsearch(name, gate->accounts, gate->account_count, sizeof(*gate->accounts), compare_name);
}

bool gate_account_active(const struct account *account)
{
	return policy_active(account->mode, account->entries4 + account->entries6);
}

int gate_refresh_account(struct gate *gate, const char *name, struct ag_error *error)
{
	struct account *held = gate_account(gate, name);
	uint64_t id, generation;
	struct account fresh;
	int err = store_identity(gate->store, &id, &generation, error);

	if (!err)
		err = store_account_find(gate->store, name, &fresh, error);
	if (err)
		return err;
	if (!held)
		return gate_refresh(gate, error);
	*held = fresh;
	gate->generation = generation;
	return 0;
}

const struct claim *gate_claims_of(const struct gate *gate, uint32_t slot, size_t *ret_count)
{
	size_t low = 0, high = gate->claim_count, first;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (gate->claims[middle].slot < slot)
			low = middle + 1;
		else
			high = middle;
	}
	first = low;
	while (low < gate->claim_count && gate->claims[low].slot == slot)
		low++;
	*ret_count = low - first;
	return low > first ? &gate->claims[first] : NULL;
}

static int count_difference(enum compile_edit kind, const struct compiled_entry *entry, void *arg)
{
	(void)kind;
	(void)entry;
	++*(size_t *)arg;
	return 0;
}

static size_t account_difference(const struct compiled_account *have, const struct compiled_account *want)
{
	size_t differing = have->state.word != want->state.word;

	(void)compile_difference(have->entries4, have->count4, want->entries4, want->count4, count_difference,
				 &differing); /* the callback never fails */
	(void)compile_difference(have->entries6, have->count6, want->entries6, want->count6, count_difference,
				 &differing);
	return differing;
}

/* Changes that are published together, since each swap of a list waits for a grace period. */
struct batch {
	struct dataplane_change *changes[PUBLISH_BATCH];
	size_t count;
};

static int batch_publish(struct gate *gate, struct batch *batch, struct ag_error *error)
{
	int err = dataplane_publish_all(gate->dataplane, batch->changes, batch->count, error);

	while (batch->count)
		dataplane_change_free(batch->changes[--batch->count]);
	return err;
}

static int batch_account(struct gate *gate, const struct compiled_account *have,
			 const struct compiled_account *want, struct batch *batch, struct ag_error *error)
{
	int err = dataplane_stage(gate->dataplane, have, want, &batch->changes[batch->count], error);

	if (err)
		return err;
	batch->count++;
	return batch->count == PUBLISH_BATCH ? batch_publish(gate, batch, error) : 0;
}

/* Compares one account; `batch` takes what repairs it (NULL: only compare). */
static int walk_account(struct gate *gate, const struct account *account, struct batch *batch, size_t *drift,
			struct ag_error *error)
{
	struct compiled_account have = {0}, want = {0};
	struct list list = {0};
	size_t differing;
	int err = store_list(gate->store, account->id, &list, error);

	if (!err && compile_account(account, &list, &want))
		err = error_set(error, ERROR_STORE, "no memory to compile the list of '%s'", account->name);
	if (!err)
		err = dataplane_read_account(gate->dataplane, account->slot, &have, error);
	if (!err) {
		differing = account_difference(&have, &want);
		*drift += differing;
		if (differing && batch)
			err = batch_account(gate, &have, &want, batch, error);
	}
	list_clear(&list);
	compiled_account_clear(&have);
	compiled_account_clear(&want);
	return err;
}

static int walk_accounts(struct gate *gate, bool repair, size_t *drift, struct ag_error *error)
{
	struct batch batch = {0};
	struct ag_error ignored;
	int err = 0;

	for (size_t i = 0; i < gate->account_count && !err; i++)
		err = walk_account(gate, &gate->accounts[i], repair ? &batch : NULL, drift, error);
	/* What is staged is good, whatever failed behind it. */
	if (batch.count && batch_publish(gate, &batch, err ? &ignored : error) && !err)
		err = -EIO;
	return err;
}

static int walk_services(struct gate *gate, bool repair, size_t *drift, struct ag_error *error)
{
	struct compiled_services want = {0};
	size_t changed = 0;
	int err = compile_services(gate->claims, gate->claim_count, gate->accounts, gate->account_count,
				   &want, error);

	if (!err)
		err = dataplane_sync_services(gate->dataplane, &want, !repair, &changed, error);
	*drift += changed;
	compiled_services_clear(&want);
	return err;
}

static int compare_slots(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

/* Slots that no account has: what an account left that was removed while nobody could tell the kernel. */
static int walk_stale_slots(struct gate *gate, bool repair, size_t *drift, struct ag_error *error)
{
	AUTO_FREE uint32_t *used = NULL, *known = NULL;
	size_t used_count, i;
	int err = dataplane_used_slots(gate->dataplane, &used, &used_count, error);

	if (err)
		return err;
	known = calloc(gate->account_count + 1, sizeof(*known));
	if (!known)
		return error_set(error, ERROR_STORE, "no memory to compare %zu accounts",
				 gate->account_count);
	for (i = 0; i < gate->account_count; i++)
		known[i] = gate->accounts[i].slot;
	qsort(known, gate->account_count, sizeof(*known), compare_slots);
	for (i = 0; i < used_count && !err; i++) {
		if (bsearch(&used[i], known, gate->account_count, sizeof(*known), compare_slots))
			continue;
		++*drift;
		if (repair)
			err = dataplane_clear_account(gate->dataplane, used[i], error);
	}
	return err;
}

static int walk(struct gate *gate, bool repair, size_t *drift, struct ag_error *error)
{
	int err;

	*drift = 0;
	err = walk_accounts(gate, repair, drift, error);
	if (!err)
		err = walk_services(gate, repair, drift, error);
	if (!err)
		err = walk_stale_slots(gate, repair, drift, error);
	return err;
}

/* Steps up to which nothing in the kernel is touched. */
static int load(struct gate *gate, bool force, struct ag_error *error)
{
	int err = gate->store ? 0 : open_store(gate, error);

	if (!err)
		err = check_identity(gate, force, error);
	if (!err)
		err = gate_refresh(gate, error);
	return err;
}

int gate_reconcile(struct gate *gate, bool force, size_t *ret_repaired, struct ag_error *error)
{
	uint64_t id, generation;
	size_t drift = 0;
	int err = load(gate, force, error);

	if (!err)
		err = walk(gate, true, &drift, error);
	if (!err)
		err = store_identity(gate->store, &id, &generation, error);
	if (err) {
		gate->drift = drift;
		gate_degrade(gate, error);
		return err;
	}
	dataplane_set_seal(gate->dataplane, id, generation);
	gate->drift = 0;
	gate->verified = true;
	gate->reason[0] = '\0';
	if (ret_repaired)
		*ret_repaired = drift;
	return 0;
}

int gate_reload(struct gate *gate, bool force, size_t *ret_repaired, struct ag_error *error)
{
	store_close(gate->store);
	gate->store = NULL;
	return gate_reconcile(gate, force, ret_repaired, error);
}

int gate_verify(struct gate *gate, struct ag_error *error)
{
	size_t drift;
	int err = gate_ready(gate, error);

	if (!err)
		err = walk(gate, false, &drift, error);
	if (err)
		return err;
	gate->drift = drift;
	gate->verified = true;
	return 0;
}

int gate_open(const struct options *options, struct gate **ret, struct ag_error *error)
{
	struct dataplane_limits limits = dataplane_limits_of(options);
	struct gate *gate = calloc(1, sizeof(*gate));
	struct ag_error why = {0};
	int err;

	if (!gate)
		return error_set(error, ERROR_KERNEL, "no memory to start");
	gate->options = options;
	gate->started_at = time(NULL);
	gate->apply_seconds.bounds = apply_bounds;
	gate->apply_seconds.bound_count = sizeof(apply_bounds) / sizeof(*apply_bounds);
	err = dataplane_open(options->pin_dir, &limits, &gate->dataplane, error);
	if (!err)
		err = dataplane_set_failsafe(gate->dataplane, options->failsafe, options->failsafe_count,
					     error);
	if (err) {
		gate_close(gate);
		return err;
	}
	(void)gate_reconcile(
		gate, false, NULL,
		&why); /* a store that cannot be used leaves the gate degraded, with the reason noted */
	*ret = gate;
	return 0;
}

void gate_close(struct gate *gate)
{
	if (!gate)
		return;
	store_close(gate->store);
	dataplane_close(gate->dataplane);
	free(gate->accounts);
	free(gate->claims);
	free(gate);
}
