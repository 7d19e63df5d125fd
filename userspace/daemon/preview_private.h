/* SPDX-License-Identifier: GPL-2.0-only */
/* preview_private.h - what preview.c and preview_sources.c share */
#pragma once

#include "userspace/daemon/convoy.h"

/* The loop waits so long for connections, and as long for sources. */
#define PREVIEW_WAIT_MS 80

/* An account whose list or settings are edited. */
struct concern {
	uint32_t slot;
	const struct passage *first; /* of the changes of it: what was before */
	const struct passage *last;  /* what there would be */
};

struct inquiry {
	const struct convoy *convoy;
	struct gate *gate;
	const struct summary *summary; /* as it would be, but for what `concerns` say */
	int64_t now;
	uint64_t end_ms;	  /* of looking at sources */
	struct concern *concerns; /* by slot */
	size_t concern_count;
	struct claim *own; /* the services as they would be, where any come or go; else NULL */
	const struct claim *claims;
	size_t claim_count;
	struct preview *preview;
};

const struct concern *preview_find_concern(const struct inquiry *inquiry, uint32_t slot);
/* Whether the account, as it would be, lets that address in; -1: it cannot be told. */
int preview_allows_then(const struct inquiry *inquiry, const struct account *account,
			const struct addr *addr);
/* Room for one more in an array of `count`; NULL where it is full, or there is no memory. */
void *preview_one_more(void **items, size_t count, size_t size);
/* preview_sources.c: those that were seen lately, and would newly be stopped. */
void preview_sources(struct inquiry *inquiry);
