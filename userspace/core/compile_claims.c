// SPDX-License-Identifier: GPL-2.0-only
/*
 * compile_claims.c - which services a change touches, so that not all have to be compiled for it
 *
 * In the order of claim_compare() what lies within a prefix is in one piece, and the prefixes around it are
 * few and found one by one.
 */
#include "userspace/core/compile.h"

#include <errno.h>
#include <stdlib.h>

int claim_compare(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;

	return service_compare(&x->service, &y->service);
}

/* Claims start to end - 1. */
struct range {
	size_t start;
	size_t end;
};

struct ranges {
	struct range *ranges;
	size_t count;
	size_t capacity;
};

static int add_range(struct ranges *ranges, size_t start, size_t end)
{
	if (ranges->count == ranges->capacity) {
		size_t capacity = ranges->capacity ? ranges->capacity * 2 : 16;
		struct range *grown = reallocarray(ranges->ranges, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		ranges->ranges = grown;
		ranges->capacity = capacity;
	}
	ranges->ranges[ranges->count++] = (struct range){.start = start, .end = end};
	return 0;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* How many claims' prefixes sort before this one, or are this one if `inclusive`. */
static size_t count_before(const struct claim *claims, size_t count, const struct prefix *prefix,
			   bool inclusive)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (prefix_compare(&claims[middle].service.dest, prefix) < (inclusive ? 1 : 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* All that lies within a prefix is in one piece. */
static int add_claims_within(const struct claim *claims, size_t count, const struct prefix *touched,
			     struct ranges *ret)
{
	size_t start = count_before(claims, count, touched, false), end = start;

	while (end < count && prefix_covers(touched, &claims[end].service.dest))
		end++;
	return start < end ? add_range(ret, start, end) : 0;
}

/* How many leading bits two different addresses of one family have in common. */
static uint8_t common_bits(const struct addr *a, const struct addr *b)
{
	size_t i = 0;

	while (a->bytes[i] == b->bytes[i])
		i++;
	return (uint8_t)(8 * i + (size_t)__builtin_clz((unsigned int)(a->bytes[i] ^ b->bytes[i])) - 24);
}

/* As list_match() looks for the longest prefix around an address: each round's probe is shorter. */
static int add_claims_covering(const struct claim *claims, size_t count, const struct prefix *touched,
			       struct ranges *ret)
{
	struct prefix probe = *touched;
	int r = 0;

	while (!r && probe.len > 0) {
		const struct prefix *found;
		size_t end;

		probe = prefix_of(&probe.addr, (uint8_t)(probe.len - 1));
		end = count_before(claims, count, &probe, true);
		found = end ? &claims[end - 1].service.dest : NULL;
		if (!found || found->addr.family != probe.addr.family)
			break;
		if (prefix_covers(found, &probe)) {
			r = add_range(ret, count_before(claims, count, found, false), end);
			probe = *found;
		} else {
			/* the two part before the probe's end, so that this is no longer than the probe */
			probe.len = (uint8_t)(common_bits(&found->addr, &probe.addr) + 1);
		}
	}
	return r;
}

/* Each once, however many ranges it is in. */
static int copy_ranges(const struct claim *claims, struct ranges *ranges, struct claim **ret,
		       size_t *ret_count)
{
	size_t count = 0, next = 0;
	struct claim *copy;

	if (ranges->count)
		qsort(ranges->ranges, ranges->count, sizeof(*ranges->ranges), compare_ranges);
	for (size_t i = 0; i < ranges->count; i++) {
		struct range *range = &ranges->ranges[i];

		if (range->start < next)
			range->start = range->end < next ? range->end : next;
		count += range->end - range->start;
		next = range->end > next ? range->end : next;
	}
	copy = calloc(count ? count : 1, sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	*ret_count = count;
	for (size_t i = 0; i < ranges->count; i++)
		for (size_t j = ranges->ranges[i].start; j < ranges->ranges[i].end; j++)
			*copy++ = claims[j];
	return 0;
}

int compile_claims_around(const struct claim *claims, size_t claim_count, const struct prefix *touched,
			  size_t touched_count, struct claim **ret, size_t *ret_count)
{
	struct ranges ranges = {.ranges = NULL};
	int r = 0;

	for (size_t i = 0; !r && i < touched_count; i++) {
		r = add_claims_within(claims, claim_count, &touched[i], &ranges);
		if (!r)
			r = add_claims_covering(claims, claim_count, &touched[i], &ranges);
	}
	if (!r)
		r = copy_ranges(claims, &ranges, ret, ret_count);
	free(ranges.ranges);
	return r;
}
