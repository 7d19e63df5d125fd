/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gate.h - the one place where the store and the kernel meet
 *
 * struct gate owns both, and a summary of the policy without its lists. A change is gate_apply() (change.h);
 * boot, SIGHUP, retry and the periodic verification are gate_reconcile().
 *
 * Degraded means: the kernel goes on with what it enforces, changes are refused, `reason` says why. The gate
 * becomes so when the store cannot be read, is not the one whose policy the kernel holds, or is older than
 * it; and when the kernel keeps refusing what the store says. It is never left by taking what is absent or
 * unreadable for empty.
 *
 * One thread: nothing here may be called from two at once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/core/error.h"
#include "userspace/core/exposition.h"
#include "userspace/core/policy.h"
#include "userspace/daemon/options.h"
#include "userspace/io/dataplane.h"
#include "userspace/io/store.h"

#define WANTED_INTERFACES_MAX 256

/* An interface to be attached to whenever it is there. */
struct wanted_interface {
	char name[IF_NAMESIZE];
	enum attach_mode mode;
	char fallback[256]; /* why native was refused when it was attached last; "" where it was not */
};

struct gate {
	const struct options *options; /* borrowed */
	struct store *store;	       /* NULL while it cannot be opened */
	struct dataplane *dataplane;
	struct account *accounts; /* by name */
	size_t account_count;
	struct claim *claims; /* by slot, then service */
	size_t claim_count;
	struct wanted_interface wanted[WANTED_INTERFACES_MAX];
	size_t wanted_count;
	uint64_t generation; /* of the store */
	size_t drift;	     /* elements in which the kernel differed when last compared, and still does */
	bool verified;	     /* that comparison has taken place */
	char reason[512];    /* why degraded; "" is health */
	struct metric_histogram apply_seconds;
	uint64_t denied_admin_changes;
	int64_t started_at; /* seconds since 1970 */
};

/*
 * Opens the data plane (failing that is an error), then the store, and reconciles. A store that cannot be
 * used is no error here: the gate is degraded, and logs why.
 */
int gate_open(const struct options *options, struct gate **ret, struct ag_error *error);
void gate_close(struct gate *gate);

/*
 * Makes the kernel hold what the store says: account by account, each atomically, then the service table.
 * `force` takes the store as it is, even one that is another or an older one than the kernel's. Returns the
 * error that also stands in `reason`. *ret_repaired (may be NULL) counts the elements that differed.
 */
int gate_reconcile(struct gate *gate, bool force, size_t *ret_repaired, struct ag_error *error);
/* The same over the store opened anew: what SIGHUP and `allowgate reload` do. */
int gate_reload(struct gate *gate, bool force, size_t *ret_repaired, struct ag_error *error);
/* Compares only, and notes the drift. */
int gate_verify(struct gate *gate, struct ag_error *error);
/* 0, or the error that a change meets while the gate is degraded. */
int gate_ready(const struct gate *gate, struct ag_error *error);
void gate_degrade(struct gate *gate, const struct ag_error *why);

/* From the summary; NULL where there is none. */
struct account *gate_account(const struct gate *gate, const char *name);
bool gate_account_active(const struct account *account);
/* The services of a slot: the first, and how many. */
const struct claim *gate_claims_of(const struct gate *gate, uint32_t slot, size_t *ret_count);
/* Reads accounts, services and generation anew from the store. */
int gate_refresh(struct gate *gate, struct ag_error *error);
/* Reads one account anew after a change of its list or settings. */
int gate_refresh_account(struct gate *gate, const char *name, struct ag_error *error);
