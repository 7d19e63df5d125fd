/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * refusals.h - how many refused attempts of one uid go to the audit log: so many in a minute, and then their
 * number
 *
 * Whoever may reach the socket could fill the log, and the disk, by being refused. Zero-initialised is new.
 * Times are seconds of a clock that is never set back.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define REFUSALS_A_MINUTE 60
#define REFUSALS_UIDS	  64

struct refusals {
	struct refusals_of {
		uid_t uid;
		bool used;
		int64_t since;
		unsigned int written;
		uint64_t skipped;
	} uids[REFUSALS_UIDS + 1]; /* the last one is for all who find no other */
};

/* Whether this one is to be written; otherwise it is counted. */
bool refusals_admit(struct refusals *refusals, uid_t uid, int64_t now);
/* One whose minute is over (`all`: or not), and of whom some were only counted; false: there is none. Call it
 * before refusals_admit(), until it says so. */
bool refusals_take(struct refusals *refusals, int64_t now, bool all, uid_t *ret_uid, uint64_t *ret_skipped);
