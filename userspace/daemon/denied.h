/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * denied.h - who was stopped recently, account by account, in memory alone
 *
 * A row is a source (or the prefix that it was cut to) at an account, with how often it was reported and what
 * it reached for last. There is room for so many rows of one account, and so many in all, had at the start: a
 * flood of sources costs nothing more. An account that has all its rows loses the one that was seen longest
 * ago; where there is no room left for anybody, so does the account that has the most rows (several take
 * turns). So whoever floods one account pushes out no other's, and who floods many, at first those of
 * accounts that have as many rows.
 *
 * An account is a slot with the id and the name that it had: whoever comes into the slot later starts anew.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "userspace/core/policy.h"
#include "userspace/core/service.h"

#define DENIED_ACCOUNT_ROWS 100
#define DENIED_ROWS	    20000

struct denied;

/* A stopped packet, as it is told to whoever wants to know. */
struct stopped {
	int64_t time;		       /* wall clock, seconds since 1970 */
	const struct account *account; /* borrowed */
	struct prefix source;	       /* a single host, or what it was cut to */
	struct service service;	       /* a single address, and what the packet says of the rest */
	enum ag_verdict verdict;
	uint32_t bytes;
};

struct denied_row {
	uint64_t sequence; /* grows with every packet: newest first is by it */
	struct prefix source;
	uint64_t packets;
	int64_t first_seen;
	int64_t last_seen;
	struct service service; /* of the last packet, as is the verdict */
	enum ag_verdict verdict;
};

/* -ENOMEM. */
int denied_new(size_t account_rows, size_t rows, struct denied **ret);
void denied_free(struct denied *denied);
/* Without memory for an account that is new here, the packet counts as missed. */
void denied_note(struct denied *denied, const struct stopped *stopped);
/* So many stopped packets, of whatever account, were not reported. */
void denied_miss(struct denied *denied, uint64_t count);
void denied_forget(struct denied *denied, uint32_t slot);
size_t denied_count(const struct denied *denied);

/*
 * Calls for every row of an account (NULL: of all), newest first, from those on whose sequence is below
 * `before` (0: from the newest), until it returns non-zero, which is returned.
 */
int denied_each(const struct denied *denied, const struct account *account, uint64_t before,
		int (*visit)(uint32_t slot, const struct denied_row *row, void *arg), void *arg);
/* Whether the account is the one whose rows are kept for that slot. */
bool denied_knows(const struct denied *denied, const struct account *account);
/* How many were missed since the first packet of its oldest row (without rows: since the start). */
uint64_t denied_missed(const struct denied *denied, const struct account *account);
