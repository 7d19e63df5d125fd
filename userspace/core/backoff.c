// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/core/backoff.h"

#define SHIFT_MAX 16 /* beyond what the most to wait needs */

struct addr source_of(const struct addr *addr)
{
	return addr->family == AG_FAMILY_IPV6 ? prefix_of(addr, 64).addr : *addr;
}

static const struct backoff_source *find(const struct backoff *backoff, const struct addr *source)
{
	for (size_t i = 0; i < BACKOFF_SOURCES; i++)
		if (addr_equal(&backoff->sources[i].addr, source))
			return &backoff->sources[i];
	return NULL;
}

/* A free place, or that of the source that failed longest ago. */
static size_t place_for(const struct backoff *backoff)
{
	size_t oldest = 0;

	for (size_t i = 0; i < BACKOFF_SOURCES; i++) {
		if (!addr_known(&backoff->sources[i].addr))
			return i;
		if (backoff->sources[i].failed_ms < backoff->sources[oldest].failed_ms)
			oldest = i;
	}
	return oldest;
}

static uint64_t wait_after(unsigned int failures)
{
	unsigned int beyond = failures - BACKOFF_FREE - 1;
	uint64_t wait = BACKOFF_FIRST_MS << (beyond < SHIFT_MAX ? beyond : SHIFT_MAX);

	return wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS;
}

uint64_t backoff_wait_ms(const struct backoff *backoff, const struct addr *addr, uint64_t now_ms)
{
	struct addr counted_as = source_of(addr);
	const struct backoff_source *source = find(backoff, &counted_as);

	return source && source->until_ms > now_ms ? source->until_ms - now_ms : 0;
}

void backoff_fail(struct backoff *backoff, const struct addr *addr, uint64_t now_ms)
{
	struct addr counted_as = source_of(addr);
	const struct backoff_source *known = find(backoff, &counted_as);
	struct backoff_source *source =
		&backoff->sources[known ? (size_t)(known - backoff->sources) : place_for(backoff)];
	uint64_t forgiven;

	if (!known)
		*source = (struct backoff_source){.addr = counted_as, .failed_ms = now_ms};
	forgiven = (now_ms - source->failed_ms) / BACKOFF_FORGIVE_MS;
	source->failures = forgiven < source->failures ? source->failures - (unsigned int)forgiven : 0;
	source->failures++;
	source->failed_ms = now_ms;
	if (source->failures > BACKOFF_FREE)
		source->until_ms = now_ms + wait_after(source->failures);
}
