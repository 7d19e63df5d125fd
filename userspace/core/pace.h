/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pace.h - so many requests a minute, each client for itself
 *
 * A minute's worth may come at once; what is beyond waits until a minute's worth is left again. Of fixed
 * size: with more clients at a time, the one that has been idle longest is forgotten, and has its whole
 * minute's worth again. Times in milliseconds of any clock that does not go back. Zero-initialise, then set
 * per_minute.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PACE_CLIENTS	1024
#define PACE_PER_MINUTE 1000000 /* the most */

struct pace_client {
	int64_t id;	  /* 0: free */
	uint64_t free_us; /* when all that was taken will have been earned */
};

struct pace {
	uint64_t per_minute;
	struct pace_client clients[PACE_CLIENTS];
};

/* One request of that client (an id of its own, not 0): 0, or for how long it is too many, in milliseconds,
 * and then it is not counted. */
uint64_t pace_take(struct pace *pace, int64_t id, uint64_t now_ms);
