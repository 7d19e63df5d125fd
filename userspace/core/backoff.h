/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * backoff.h - sources that fail to identify themselves have to wait, longer each time
 *
 * A source is an IPv4 address or an IPv6 /64. BACKOFF_FREE failures cost nothing; each one beyond has the
 * source wait twice as long as the one before, from a second to BACKOFF_MAX_MS. One failure is forgiven for
 * every BACKOFF_FORGIVE_MS without one. Of fixed size: where more sources fail at a time, the one that failed
 * longest ago is forgotten. Times are of any clock that does not go back, in milliseconds. Zero-initialise.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "userspace/core/addr.h"

#define BACKOFF_SOURCES	   1024
#define BACKOFF_FREE	   5
#define BACKOFF_FIRST_MS   UINT64_C(1000)
#define BACKOFF_MAX_MS	   UINT64_C(300000)
#define BACKOFF_FORGIVE_MS UINT64_C(60000)

struct backoff_source {
	struct addr addr; /* AG_FAMILY_NONE: free */
	unsigned int failures;
	uint64_t failed_ms; /* the last one; what was forgiven since is reckoned when it is looked at */
	uint64_t until_ms;
};

struct backoff {
	struct backoff_source sources[BACKOFF_SOURCES];
};

/* How limits that are held by source count an address: itself, or its /64. */
struct addr source_of(const struct addr *addr);

/* How long the address still has to wait; 0: not at all. */
uint64_t backoff_wait_ms(const struct backoff *backoff, const struct addr *addr, uint64_t now_ms);
/* It failed. */
void backoff_fail(struct backoff *backoff, const struct addr *addr, uint64_t now_ms);
