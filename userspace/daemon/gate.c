// SPDX-License-Identifier: GPL-2.0-only
/*
 * gate.c - open the store and the data plane, and decide whether one may be brought to the other
 *
 * Invariant: the kernel is only ever changed towards a store that was opened whole, whose lists passed their
 * checks, and that is the same or a newer one than the kernel's seal names.
 */
#include "userspace/daemon/gate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "userspace/core/cleanup.h"
#include "userspace/daemon/clock.h"
#include "userspace/daemon/named.h"
#include "userspace/daemon/panic.h"
#include "userspace/daemon/pending.h"
#include "userspace/daemon/reconcile.h"

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

int gate_load_summary(const struct gate *gate, struct summary *ret, struct ag_error *error)
{
	AUTO_FREE struct claim *claims = NULL;
	struct account *accounts = NULL;
	size_t account_count = 0, claim_count = 0;
	int err = store_accounts(gate->store, &accounts, &account_count, error);

	if (!err)
		err = store_claims(gate->store, &claims, &claim_count, error);
	if (!err && summary_build(ret, accounts, account_count, claims, claim_count))
		err = error_set(error, ERROR_STORE, "no memory for %zu accounts", account_count);
	accounts_free(accounts, account_count);
	return err;
}

/* Reads accounts, services and generation anew. */
static int refresh(struct gate *gate, struct ag_error *error)
{
	struct summary fresh = {0};
	uint64_t id, generation;
	int err = store_identity(gate->store, &id, &generation, error);

	if (!err)
		err = gate_load_summary(gate, &fresh, error);
	if (err)
		return err;
	summary_clear(&gate->summary);
	gate->summary = fresh;
	gate->generation = generation;
	return pending_load(gate, error);
}

struct account *gate_account(const struct gate *gate, const char *name)
{
	return summary_account(&gate->summary, name);
}

void gate_seal(struct gate *gate, uint64_t store_id, uint64_t generation)
{
	dataplane_set_seal(gate->dataplane, store_id, generation);
}

/* Steps up to which nothing in the kernel is touched. */
static int load(struct gate *gate, bool force, struct ag_error *error)
{
	int err = gate->store ? 0 : open_store(gate, error);

	if (!err)
		err = check_identity(gate, force, error);
	if (!err)
		err = refresh(gate, error);
	return err;
}

int gate_reconcile(struct gate *gate, bool force, size_t *ret_repaired, struct ag_error *error)
{
	uint64_t id, generation;
	size_t drift = 0;
	int err = load(gate, force, error);

	if (!err)
		err = reconcile_all(gate, &drift, error);
	if (!err)
		err = store_identity(gate->store, &id, &generation, error);
	if (err) {
		gate->drift = drift;
		gate_degrade(gate, error);
		return err;
	}
	gate_seal(gate, id, generation);
	panic_settle(gate);
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
	clock_take(gate, true);
	return gate_reconcile(gate, force, ret_repaired, error);
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
	gate->clock_fd = -1;
	gate->journaled = -1;
	gate->started_at = time(NULL);
	gate->apply_seconds.bounds = apply_bounds;
	gate->apply_seconds.bound_count = sizeof(apply_bounds) / sizeof(*apply_bounds);
	err = named_new(&gate->named) ? error_set(error, ERROR_KERNEL, "no memory to start") : 0;
	if (!err)
		err = dataplane_open(options->pin_dir, &limits, &gate->dataplane, error);
	if (!err)
		err = dataplane_set_failsafe(gate->dataplane, options->failsafe, options->failsafe_count,
					     error);
	if (err) {
		gate_close(gate);
		return err;
	}
	clock_take(gate, false);
	(void)gate_reconcile(
		gate, false, NULL,
		&why); /* a store that cannot be used leaves the gate degraded, with the reason noted */
	panic_settle(gate);
	*ret = gate;
	return 0;
}

void gate_close(struct gate *gate)
{
	if (!gate)
		return;
	if (gate->clock_fd >= 0)
		(void)close(gate->clock_fd);
	store_close(gate->store);
	dataplane_close(gate->dataplane);
	summary_clear(&gate->summary);
	named_free(gate->named);
	free(gate);
}
