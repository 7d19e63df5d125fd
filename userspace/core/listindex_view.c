// SPDX-License-Identifier: GPL-2.0-only
/*
 * listindex_view.c - reaching into the image of an index
 */
#include "userspace/core/listindex_private.h"

#include "bpf/hash.h"

struct view view_make(enum ag_family family, struct ag_line *lines)
{
	bool ipv4 = family == AG_FAMILY_IPV4;

	return (struct view){
		.family = family,
		.per_line = ipv4 ? AG_INDEX4_SLOTS : AG_INDEX6_SLOTS,
		.stride = LINE_WORDS / (ipv4 ? AG_INDEX4_SLOTS : AG_INDEX6_SLOTS),
		.live = ipv4 ? 0 : 2,
		.lines = lines,
	};
}

/* Falling, within the family, and nothing behind the first zero. */
static bool lengths_valid(enum ag_family family, const uint8_t lengths[AG_INDEX_LENGTHS_MAX])
{
	unsigned int longest = family == AG_FAMILY_IPV4 ? 32 : 128;

	for (unsigned int i = 0; i < AG_INDEX_LENGTHS_MAX; i++) {
		if (lengths[i] > longest)
			return false;
		longest = lengths[i] ? lengths[i] - 1U : 0;
	}
	return true;
}

bool view_open(enum ag_family family, const struct listindex *index, struct view *ret)
{
	struct view view = view_make(family, index->lines);
	const struct ag_index_header *header = &view.header;

	if (index->line_count < 2)
		return false;
	memcpy(&view.header, index->lines, sizeof(view.header));
	if (!header->buckets || (size_t)header->buckets + header->filter != index->line_count - 1 ||
	    header->slots_used > header->buckets * view.per_line || !lengths_valid(family, header->lengths) ||
	    header->reserved[0] >> AG_INDEX_LENGTHS_MAX || header->reserved[1] || header->reserved[2] ||
	    header->reserved[3])
		return false;
	*ret = view;
	return true;
}

__u64 *view_word(const struct view *view, size_t word)
{
	return &view->lines[word / LINE_WORDS].words[word % LINE_WORDS];
}

size_t view_slot_word(const struct view *view, size_t line, size_t slot)
{
	return line * LINE_WORDS + slot * view->stride;
}

uint64_t view_live(const struct view *view, size_t word)
{
	return *view_word(view, word + view->live);
}

uint64_t view_live_of(const struct view *view, const struct slot *slot)
{
	uint64_t low = (uint32_t)slot->probe << 24 | (uint32_t)slot->len << 8 | slot->flags;

	return view->family == AG_FAMILY_IPV4 ? (uint64_t)(slot->number >> 96) << 32 | low : low;
}

size_t view_times_word(const struct view *view, size_t word)
{
	return word + view->live + 1;
}

uint64_t view_times_of(const struct slot *slot)
{
	return (uint64_t)slot->seen << 32 | slot->expires;
}

uint8_t slot_flags(const struct ag_entry *value)
{
	return (uint8_t)(AG_SLOT_USED | (value->verdict == AG_ENTRY_DENY ? AG_SLOT_DENY : 0) |
			 (value->expires ? AG_SLOT_EXPIRES : 0));
}

/* What stands in the times without a flag that says so is left over from an entry before. */
struct slot view_slot(const struct view *view, size_t word)
{
	uint64_t live = view_live(view, word), times = *view_word(view, view_times_word(view, word));

	return (struct slot){
		.number = view->family == AG_FAMILY_IPV4
				  ? (unsigned __int128)(live >> 32) << 96
				  : number_make(*view_word(view, word), *view_word(view, word + 1)),
		.probe = (uint8_t)(live >> 24),
		.len = (uint8_t)(live >> 8),
		.flags = (uint8_t)(live & (AG_SLOT_USED | AG_SLOT_DENY | AG_SLOT_EXPIRES)),
		.expires = live & AG_SLOT_EXPIRES ? (uint32_t)times : 0,
		.seen = (uint32_t)(times >> 32),
	};
}

static uint64_t slot_hash(const struct view *view, const struct slot *slot)
{
	uint64_t high = (uint64_t)(slot->number >> 64);

	if (view->family == AG_FAMILY_IPV4)
		return ag_hash(high | (uint64_t)slot->probe << 24, view->header.seed);
	return ag_hash6(high, (uint64_t)slot->number, slot->probe, view->header.seed);
}

size_t view_filter_word(const struct view *view, const struct slot *slot, uint64_t *ret_bits)
{
	uint64_t hash = slot_hash(view, slot);

	if (!view->header.filter)
		return SIZE_MAX;
	*ret_bits = ag_hash_filter_bits(hash);
	return (1 + (size_t)view->header.buckets) * LINE_WORDS +
	       ag_hash_filter_word(hash, view->header.filter * (uint32_t)LINE_WORDS);
}

/* Whether a slot may be there at all: as the program asks first. */
static bool passes_filter(const struct view *view, const struct slot *slot)
{
	uint64_t bits;
	size_t word = view_filter_word(view, slot, &bits);

	return word == SIZE_MAX || (*view_word(view, word) & bits) == bits;
}

size_t view_home(const struct view *view, const struct slot *slot, size_t *ret_other)
{
	uint64_t hash = slot_hash(view, slot);

	*ret_other = 1 + (size_t)ag_hash_other(hash, view->header.buckets);
	return 1 + (size_t)ag_hash_home(hash, view->header.buckets);
}

size_t view_find_in_line(const struct view *view, size_t line, const struct slot *wanted)
{
	for (size_t i = 0; i < view->per_line; i++) {
		size_t word = view_slot_word(view, line, i);
		struct slot slot = view_slot(view, word);

		if (slot.flags & AG_SLOT_USED && slot.probe == wanted->probe && slot.number == wanted->number)
			return word;
	}
	return SIZE_MAX;
}

bool view_is_marked(const struct view *view, size_t line)
{
	return view_live(view, view_slot_word(view, line, 0)) & AG_SLOT_MOVED;
}

size_t view_find(const struct view *view, unsigned __int128 number, uint8_t probe)
{
	const struct slot wanted = {.number = number, .probe = probe};
	size_t other, home = view_home(view, &wanted, &other), word;

	if (!passes_filter(view, &wanted))
		return SIZE_MAX;
	word = view_find_in_line(view, home, &wanted);
	if (word == SIZE_MAX && view_is_marked(view, home))
		word = view_find_in_line(view, other, &wanted);
	return word;
}

unsigned int listindex_class(const uint8_t lengths[AG_INDEX_LENGTHS_MAX], uint8_t len)
{
	unsigned int class = AG_INDEX_LENGTHS_MAX;

	for (unsigned int i = 0; i < AG_INDEX_LENGTHS_MAX && lengths[i] && lengths[i] >= len; i++)
		class = i;
	return class;
}
