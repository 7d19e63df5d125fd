// SPDX-License-Identifier: GPL-2.0-only
/*
 * listindex_build.c - the image of a list
 *
 * All that find room in their home bucket are put there first, so that few buckets send the program to
 * another one; the rest go to their other bucket, where need be by displacing. The image is fresh, nobody
 * reads it yet.
 */
#include "userspace/core/listindex_private.h"

#include <errno.h>
#include <stdlib.h>

#include "bpf/hash.h"
#include "userspace/core/cleanup.h"

/* Slots used over slots there are, in percent: few are full, and there is room for edits. */
#define LOAD 65
/* With more slots than these, an index is too large to stay in the nearer caches, but its filter is not. */
#define FILTER_SLOTS_LEAST 32768
#define FILTER_BITS_A_SLOT 8
/* Slots that give way to one another before the seed is given up: far more than is seen at this load. */
#define DISPLACEMENTS_MAX 500

struct builder {
	struct view view;
	size_t slots;
	struct slot *homeless; /* those that their home has no room for */
	size_t homeless_count;
	size_t homeless_capacity;
	uint64_t chance; /* says which slot of a bucket gives way: in turn they would go round in circles */
};

static int count_slot(const struct slot *slot, void *arg)
{
	struct builder *builder = arg;

	(void)slot;
	builder->slots++;
	return 0;
}

/* As in reserved[0] of the header: also of those that have no slot, since longer ones have all of theirs. */
static uint64_t spread_classes(const uint8_t lengths[AG_INDEX_LENGTHS_MAX],
			       const struct compiled_entry *entries, size_t count)
{
	uint64_t spread = 0;

	for (size_t i = 0; i < count; i++) {
		unsigned int class = listindex_class(lengths, entries[i].prefix.len);

		spread |= (uint64_t)(lengths[class] != entries[i].prefix.len) << class;
	}
	return spread;
}

static void write_slot(const struct view *view, size_t word, const struct slot *slot)
{
	uint64_t mark = view_live(view, word) & AG_SLOT_MOVED;

	if (view->family == AG_FAMILY_IPV6) {
		*view_word(view, word) = (uint64_t)(slot->number >> 64);
		*view_word(view, word + 1) = (uint64_t)slot->number;
	}
	*view_word(view, view_times_word(view, word)) = view_times_of(slot);
	*view_word(view, word + view->live) = view_live_of(view, slot) | mark;
}

static bool put_in_line(const struct view *view, size_t line, const struct slot *slot)
{
	for (size_t i = 0; i < view->per_line; i++) {
		size_t word = view_slot_word(view, line, i);

		if (view_live(view, word) & AG_SLOT_USED)
			continue;
		write_slot(view, word, slot);
		return true;
	}
	return false;
}

static int add_homeless(struct builder *builder, const struct slot *slot)
{
	if (builder->homeless_count == builder->homeless_capacity) {
		size_t capacity = builder->homeless_capacity ? builder->homeless_capacity * 2 : 64;
		struct slot *grown = reallocarray(builder->homeless, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		builder->homeless = grown;
		builder->homeless_capacity = capacity;
	}
	builder->homeless[builder->homeless_count++] = *slot;
	return 0;
}

static int put_at_home(const struct slot *slot, void *arg)
{
	struct builder *builder = arg;
	size_t other, home = view_home(&builder->view, slot, &other), word;
	uint64_t bits;

	word = view_filter_word(&builder->view, slot, &bits);
	if (word != SIZE_MAX)
		*view_word(&builder->view, word) |= bits;
	return put_in_line(&builder->view, home, slot) ? 0 : add_homeless(builder, slot);
}

static void mark_moved(const struct view *view, size_t home)
{
	*view_word(view, view_slot_word(view, home, 0) + view->live) |= AG_SLOT_MOVED;
}

/* In place of one of the line's slots, which is then in *slot; returns the line where that one may be too. */
static size_t displace(struct builder *builder, size_t line, struct slot *slot)
{
	const struct view *view = &builder->view;
	size_t word = view_slot_word(view, line, (builder->chance >> 32) % view->per_line);
	struct slot displaced = view_slot(view, word);
	size_t other, home = view_home(view, &displaced, &other);

	builder->chance = ag_hash(builder->chance, view->header.seed);
	write_slot(view, word, slot);
	*slot = displaced;
	if (home != line)
		return home;
	mark_moved(view, home);
	return other;
}

static int put_elsewhere(struct builder *builder, struct slot slot)
{
	size_t line, home = view_home(&builder->view, &slot, &line);

	mark_moved(&builder->view, home);
	for (unsigned int i = 0; i < DISPLACEMENTS_MAX; i++) {
		if (put_in_line(&builder->view, line, &slot))
			return 0;
		line = displace(builder, line, &slot);
	}
	return -E2BIG;
}

static int put_all(struct builder *builder, const struct compiled_entry *entries, size_t count)
{
	int r = listindex_spread(builder->view.header.lengths, entries, count, put_at_home, builder);

	for (size_t i = 0; !r && i < builder->homeless_count; i++)
		r = put_elsewhere(builder, builder->homeless[i]);
	free(builder->homeless);
	builder->homeless = NULL;
	return r;
}

/* The size of the image, from what the entries come to. */
static int measure(struct builder *builder, const struct compiled_entry *entries, size_t count)
{
	struct ag_index_header *header = &builder->view.header;
	size_t per_bucket, buckets;
	int r;

	r = listindex_choose(builder->view.family, entries, count, header->lengths);
	if (!r)
		r = listindex_spread(header->lengths, entries, count, count_slot, builder);
	if (r)
		return r;
	if (builder->slots > UINT32_MAX / 2)
		return -E2BIG;
	per_bucket = builder->view.per_line * LOAD;
	buckets = (builder->slots * 100 + per_bucket - 1) / per_bucket;
	header->buckets = buckets ? (uint32_t)buckets : 1;
	if (builder->slots > FILTER_SLOTS_LEAST)
		header->filter = (uint32_t)(builder->slots * FILTER_BITS_A_SLOT / 8 / sizeof(struct ag_line));
	header->slots_used = (uint32_t)builder->slots;
	header->entries = (uint32_t)count;
	header->reserved[0] = spread_classes(header->lengths, entries, count);
	return 0;
}

int listindex_build(enum ag_family family, const struct compiled_entry *entries, size_t count, uint64_t seed,
		    struct listindex *ret)
{
	struct builder builder = {.view = view_make(family, NULL)};
	AUTO_FREE struct ag_line *lines = NULL;
	size_t line_count;
	int r;

	builder.view.header.seed = seed;
	r = measure(&builder, entries, count);
	if (r)
		return r;
	line_count = 1UL + builder.view.header.buckets + builder.view.header.filter;
	lines = aligned_alloc(sizeof(*lines), line_count * sizeof(*lines));
	if (!lines)
		return -ENOMEM;
	memset(lines, 0, line_count * sizeof(*lines));
	memcpy(lines, &builder.view.header, sizeof(builder.view.header));
	builder.view.lines = lines;
	r = put_all(&builder, entries, count);
	if (r)
		return r;
	ret->lines = TAKE_PTR(lines);
	ret->line_count = line_count;
	return 0;
}
