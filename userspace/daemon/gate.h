/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gate.h - the one place where the store and the kernel meet
 *
 * struct gate owns both, and a summary of the policy without its lists. A change is gate_apply() (change.h);
 * boot, SIGHUP and retry are gate_reconcile(); the periodic verification goes by the same steps in slices
 * (verify.h).
 *
 * Degraded means: the kernel goes on with what it enforces, changes are refused, `reason` says why. The gate
 * becomes so when the store cannot be read, is not the one whose policy the kernel holds, or is older than
 * it; and when the kernel keeps refusing what the store says. It is never left by taking what is absent or
 * unreadable for empty.
 *
 * One thread: nothing here may be called from two at once. What takes long prepares elsewhere (import.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/core/error.h"
#include "userspace/core/exposition.h"
#include "userspace/core/policy.h"
#include "userspace/daemon/options.h"
#include "userspace/daemon/refusals.h"
#include "userspace/daemon/summary.h"
#include "userspace/io/dataplane.h"
#include "userspace/io/store.h"

#define WANTED_INTERFACES_MAX 256

struct loop_idle;
struct named;
struct watch;

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
	struct summary summary;
	struct named *named;	/* lists that accounts refer to */
	uint64_t named_version; /* counts changes of any of those */
	struct wanted_interface wanted[WANTED_INTERFACES_MAX];
	size_t wanted_count;
	uint64_t generation; /* of the store */
	size_t drift;	     /* elements in which the kernel differed when last compared, and still does */
	bool verified;	     /* that comparison has taken place */
	char reason[512];    /* why degraded; "" is health */
	struct metric_histogram apply_seconds;
	uint64_t denied_admin_changes;
	uint64_t auth_failures;	    /* requests over TLS without a token that is one */
	uint64_t denied_unreported; /* stopped packets that the kernel did not report one by one */
	uint64_t panics;	    /* 1 while everything passes (panic.h), and then: */
	struct store_panic panic;
	uint64_t pending_changes; /* to be confirmed (pending.h) */
	uint64_t pending_version; /* another whenever they are others */
	struct watch *watch;	  /* hears of changes; borrowed, NULL: nobody does */
	int64_t started_at;	  /* seconds since 1970 */
	struct loop_idle *sweep;  /* tidies the kernel and the store; borrowed, NULL: nobody does */
	bool scrub_wanted;	  /* the store's file has what was deleted; see store_scrub() */
	struct refusals refusals;
	int64_t journaled; /* the last row of the audit log that was copied to the journal; -1: not known */
	int clock_fd;	   /* tells when the wall clock is set (clock.h); -1: nobody listens */
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
/* 0, or the error that a change meets while the gate is degraded. */
int gate_ready(const struct gate *gate, struct ag_error *error);
void gate_degrade(struct gate *gate, const struct ag_error *why);

/* Now, on the policy's clock (clock.h): what expiries are compared with. */
int64_t gate_now(const struct gate *gate);

/* The policy without its lists as the store has it, within a transaction with its edits: *ret must be empty.
 */
int gate_load_summary(const struct gate *gate, struct summary *ret, struct ag_error *error);
/* From the summary; NULL where there is none. */
struct account *gate_account(const struct gate *gate, const char *name);
/* The kernel now holds what the store of that id and generation says. */
void gate_seal(struct gate *gate, uint64_t store_id, uint64_t generation);
