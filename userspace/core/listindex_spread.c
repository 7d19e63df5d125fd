// SPDX-License-Identifier: GPL-2.0-only
/*
 * listindex_spread.c - from entries to slots: which lengths are looked under, and what stands under each
 *
 * The lengths are chosen over the histogram of the list's own, exactly: looking under a length that no entry
 * has is never better than under the next shorter one that some have. The slots are found in one pass over
 * the sorted list, in which a prefix stands before all that lies within it: under each length the entries
 * that are open are a stack, and what a nested one takes is left out of those around it: so a nested one that
 * expires would leave nothing behind, and is not for an index.
 */
#include "userspace/core/listindex_private.h"

#include <errno.h>

/* --- the lengths ----------------------------------------------------------- */

/* More slots than any list may have: where numbers stop to grow. */
#define TOO_MANY (1ULL << 60)
/* Beside the percentage, so that lists of middling length have a choice too. */
#define SPREAD_SLACK 64

/* The lengths that entries have, shortest first, and of how many entries. */
struct histogram {
	uint8_t len[NUMBER_BITS];
	uint64_t entries[NUMBER_BITS];
	size_t count;
};

/* Fewest slots for the lengths up to the i-th under k + 1 of them, of which the i-th is the longest. */
struct choices {
	uint64_t slots[AG_INDEX_LENGTHS_MAX][NUMBER_BITS];
	uint8_t first[AG_INDEX_LENGTHS_MAX][NUMBER_BITS]; /* the shortest that is looked up under the i-th */
};

static int count_lengths(enum ag_family family, const struct compiled_entry *entries, size_t count,
			 struct histogram *ret)
{
	uint64_t by_len[NUMBER_BITS + 1] = {0};

	for (size_t i = 0; i < count; i++) {
		if (entries[i].prefix.len < 1 || entries[i].prefix.len > addr_bits(&entries[i].prefix.addr) ||
		    entries[i].prefix.addr.family != family)
			return -EINVAL;
		by_len[entries[i].prefix.len]++;
	}
	ret->count = 0;
	for (size_t len = 1; len <= NUMBER_BITS; len++) {
		if (!by_len[len])
			continue;
		ret->len[ret->count] = (uint8_t)len;
		ret->entries[ret->count++] = by_len[len];
	}
	return 0;
}

static uint64_t spread_cost(uint64_t entries, unsigned int bits)
{
	return bits < 20 && entries < TOO_MANY >> 20 ? entries << bits : TOO_MANY;
}

/* One more length: the i-th, for itself and as many shorter ones as is best. */
static void choose_for(const struct histogram *histogram, struct choices *choices, size_t k, size_t i)
{
	uint64_t own = 0, best = TOO_MANY;

	choices->first[k][i] = (uint8_t)i;
	for (size_t j = i + 1; j-- > 0 && own < TOO_MANY;) {
		uint64_t below = TOO_MANY;

		own += spread_cost(histogram->entries[j], histogram->len[i] - histogram->len[j]);
		if (j == 0)
			below = 0;
		else if (k > 0)
			below = choices->slots[k - 1][j - 1];
		if (own + below < best) {
			best = own + below;
			choices->first[k][i] = (uint8_t)j;
		}
	}
	choices->slots[k][i] = best;
}

static void take_lengths(const struct histogram *histogram, const struct choices *choices, size_t k,
			 uint8_t lengths[AG_INDEX_LENGTHS_MAX])
{
	size_t i = histogram->count - 1;

	for (size_t at = 0; at <= k; at++) {
		lengths[at] = histogram->len[i];
		if (choices->first[k - at][i] == 0)
			return;
		i = choices->first[k - at][i] - 1U;
	}
}

int listindex_choose(enum ag_family family, const struct compiled_entry *entries, size_t count,
		     uint8_t lengths[AG_INDEX_LENGTHS_MAX])
{
	uint64_t limit = (uint64_t)count * LISTINDEX_SPREAD_MAX / 100 + SPREAD_SLACK;
	struct histogram histogram;
	struct choices choices;
	int r = count_lengths(family, entries, count, &histogram);

	memset(lengths, 0, AG_INDEX_LENGTHS_MAX);
	if (r || !histogram.count)
		return r;
	for (size_t k = 0; k < AG_INDEX_LENGTHS_MAX; k++) {
		for (size_t i = 0; i < histogram.count; i++)
			choose_for(&histogram, &choices, k, i);
		if (choices.slots[k][histogram.count - 1] <= limit) {
			take_lengths(&histogram, &choices, k, lengths);
			return 0;
		}
	}
	return -E2BIG;
}

/* --- the slots ------------------------------------------------------------- */

/* What is looked up under one length: the entries that are open, the widest first, and how far they have got.
 */
struct class
{
	const struct compiled_entry *open[NUMBER_BITS];
	size_t depth;
	unsigned __int128 next; /* of the innermost: all before it are done */
	uint8_t probe;
};

struct spread {
	struct class classes[AG_INDEX_LENGTHS_MAX];
	int (*emit)(const struct slot *slot, void *arg);
	void *arg;
};

static int emit_one(const struct spread *spread, const struct class *class,
		    const struct compiled_entry *entry, unsigned __int128 number)
{
	const struct slot slot = {
		.number = number,
		.probe = class->probe,
		.len = entry->prefix.len,
		.flags = slot_flags(&entry->value),
		.expires = entry->value.expires,
		.seen = entry->value.seen,
	};

	return spread->emit(&slot, spread->arg);
}

/* The innermost entry up to, not including, `end`, which for the last address of all is 0 again. */
static int emit_until(const struct spread *spread, struct class *class, unsigned __int128 end)
{
	int r = 0;

	for (; !r && class->next != end; class->next += number_step(class->probe))
		r = emit_one(spread, class, class->open[class->depth - 1], class->next);
	return r;
}

static int close_innermost(const struct spread *spread, struct class *class)
{
	const struct prefix *prefix = &class->open[class->depth - 1]->prefix;
	int r = emit_until(spread, class, number_of_addr(&prefix->addr) + number_step(prefix->len));

	class->depth--;
	return r;
}

static int spread_entry(struct spread *spread, struct class *class, const struct compiled_entry *entry)
{
	unsigned __int128 number = number_of_addr(&entry->prefix.addr);
	int r = 0;

	while (!r && class->depth && !prefix_covers(&class->open[class->depth - 1]->prefix, &entry->prefix))
		r = close_innermost(spread, class);
	if (!r && class->depth)
		r = entry->value.expires ? -E2BIG : emit_until(spread, class, number);
	if (r)
		return r;
	if (entry->prefix.len == class->probe) {
		class->next = number + number_step(class->probe);
		return emit_one(spread, class, entry, number);
	}
	class->open[class->depth++] = entry;
	class->next = number;
	return 0;
}

int listindex_spread(const uint8_t lengths[AG_INDEX_LENGTHS_MAX], const struct compiled_entry *entries,
		     size_t count, int (*emit)(const struct slot *slot, void *arg), void *arg)
{
	struct spread spread = {.emit = emit, .arg = arg};
	int r = 0;

	for (size_t i = 0; i < AG_INDEX_LENGTHS_MAX; i++)
		spread.classes[i].probe = lengths[i];
	for (size_t i = 0; !r && i < count; i++)
		r = spread_entry(&spread, &spread.classes[listindex_class(lengths, entries[i].prefix.len)],
				 &entries[i]);
	for (size_t i = 0; !r && i < AG_INDEX_LENGTHS_MAX; i++)
		while (!r && spread.classes[i].depth)
			r = close_innermost(&spread, &spread.classes[i]);
	return r;
}
