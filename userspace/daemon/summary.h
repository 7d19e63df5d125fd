/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * summary.h - the policy without its lists, in memory: every account by name and by slot, every service
 *
 * Read whole from the store once, then edited in place: a change costs what it touches, not what there is.
 * An account's address stays the same until it is removed. Memory for what comes is had by summary_reserve()
 * before the commit, so that following a commit cannot fail.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/core/policy.h"

/* How many of each kind there are, as the program's flags ask for them. */
struct tally {
	size_t prefixes;  /* services on prefixes */
	size_t exact;	  /* on single addresses: with a port and a protocol */
	size_t port;	  /* a port, any protocol */
	size_t proto;	  /* any port, a protocol */
	size_t any;	  /* any port, any protocol */
	size_t enforcing; /* accounts that are active in mode enforce */
};

struct summary {
	struct account **accounts; /* by name */
	size_t account_count;
	size_t account_room;
	struct account **slots; /* by slot; NULL: nobody's */
	size_t slot_room;
	struct claim *by_service; /* by claim_compare() */
	struct claim *by_slot;	  /* by slot, then service */
	size_t claim_count;
	size_t claim_room;
	struct tally tally;
};

/* From store_accounts() and store_claims(); takes over the accounts' labels. -ENOMEM leaves *summary empty.
 */
int summary_build(struct summary *summary, struct account *accounts, size_t account_count,
		  const struct claim *claims, size_t claim_count);
void summary_clear(struct summary *summary);

/* NULL where there is none. */
struct account *summary_account(const struct summary *summary, const char *name);
struct account *summary_slot(const struct summary *summary, uint32_t slot);
/* Index of the first account whose name stands behind `name`. */
size_t summary_behind(const struct summary *summary, const char *name);
/* The services of a slot: the first (NULL for none), and how many. */
const struct claim *summary_claims_of(const struct summary *summary, uint32_t slot, size_t *ret_count);

/* Room for one more account with that slot, and for so many more claims. -ENOMEM. */
int summary_reserve(struct summary *summary, uint32_t slot, size_t claims);
/* Takes over a heap account: another of that name becomes it, or it comes new. */
void summary_put_account(struct summary *summary, struct account *account);
/* With its services. */
void summary_remove_account(struct summary *summary, uint32_t slot);
void summary_add_claim(struct summary *summary, const struct claim *claim);
void summary_remove_claim(struct summary *summary, const struct claim *claim);

/* Active in mode enforce: its services gate their addresses. */
bool account_gates(const struct account *account);
bool account_active(const struct account *account);
size_t account_entries(const struct account *account);
/* Counts a service (or with -1 takes it away). */
void tally_service(struct tally *tally, const struct service *service, int change);
/* AG_CONFIG_* but AG_CONFIG_FAILSAFE. */
uint32_t tally_flags(const struct tally *tally);
