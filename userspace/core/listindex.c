// SPDX-License-Identifier: GPL-2.0-only
/*
 * listindex.c - an index searched and read back
 *
 * Reading trusts nothing: what the slots name is put together to a list, and that list's own slots must be
 * exactly those that are there. So an image is either one that a list has, or refused.
 */
#include "userspace/core/listindex_private.h"

#include <errno.h>
#include <stdlib.h>

#include "userspace/core/cleanup.h"

static struct compiled_entry entry_of(enum ag_family family, const struct slot *slot)
{
	return (struct compiled_entry){
		.prefix = number_to_prefix(family, slot->number, slot->len),
		.value = {.verdict = slot->flags & AG_SLOT_DENY ? AG_ENTRY_DENY : AG_ENTRY_ALLOW,
			  .len = slot->len,
			  .seen = (uint16_t)slot->seen,
			  .expires = slot->expires},
	};
}

bool listindex_match(const struct listindex *index, const struct addr *source, int64_t now,
		     struct compiled_entry *ret)
{
	unsigned __int128 number = number_of_addr(source);
	struct view view;

	if (!addr_known(source) || !view_open((enum ag_family)source->family, index, &view))
		return false;
	for (unsigned int i = 0; i < AG_INDEX_LENGTHS_MAX && view.header.lengths[i]; i++) {
		uint8_t probe = view.header.lengths[i];
		size_t word = view_find(&view, number_cut(number, probe), probe);
		struct slot slot;

		if (word == SIZE_MAX)
			continue;
		slot = view_slot(&view, word);
		if (slot.expires && now >= slot.expires)
			continue;
		*ret = entry_of(view.family, &slot);
		return true;
	}
	return false;
}

/* Ends at the first number that is missing: no later than behind all slots that are used. */
bool listindex_holds(enum ag_family family, const struct listindex *index, const struct compiled_entry *entry)
{
	uint8_t len = entry->prefix.len, probe, flags = slot_flags(&entry->value);
	unsigned __int128 number = number_of_addr(&entry->prefix.addr), end = number + number_step(len);
	unsigned int class;
	struct view view;

	if (!len || !view_open(family, index, &view))
		return false;
	class = listindex_class(view.header.lengths, len);
	if (class == AG_INDEX_LENGTHS_MAX)
		return false;
	probe = view.header.lengths[class];
	do {
		size_t word = view_find(&view, number, probe);
		struct slot slot;

		if (word == SIZE_MAX)
			return false;
		slot = view_slot(&view, word);
		if (slot.len < len ||
		    (slot.len == len && (slot.flags != flags || slot.expires != entry->value.expires)))
			return false;
		number += number_step(probe);
	} while (number != end);
	return true;
}

bool listindex_names(const struct listindex *index, const struct prefix *prefix)
{
	unsigned __int128 number = number_of_addr(&prefix->addr), end = number + number_step(prefix->len);
	unsigned int class;
	struct view view;

	if (!prefix->len || !view_open((enum ag_family)prefix->addr.family, index, &view))
		return false;
	class = listindex_class(view.header.lengths, prefix->len);
	if (class == AG_INDEX_LENGTHS_MAX)
		return false;
	do {
		size_t word = view_find(&view, number, view.header.lengths[class]);

		if (word == SIZE_MAX)
			return false;
		if (view_slot(&view, word).len == prefix->len)
			return true;
		number += number_step(view.header.lengths[class]);
	} while (number != end);
	return false;
}

size_t listindex_count(const struct listindex *index)
{
	struct ag_index_header header;

	if (!index->line_count)
		return 0;
	memcpy(&header, index->lines, sizeof(header));
	return header.entries;
}

/* --- read back ------------------------------------------------------------- */

/* A slot keeps its times when it is freed, and IPv6's its address: a packet may still be comparing it. */
static bool free_slot_valid(const struct view *view, size_t word, bool is_first)
{
	return !(view_live(view, word) & ~(uint64_t)(is_first ? AG_SLOT_MOVED : 0));
}

static bool used_slot_valid(const struct view *view, size_t word, bool is_first)
{
	struct slot slot = view_slot(view, word);
	uint64_t mark = is_first ? AG_SLOT_MOVED : 0;
	unsigned int class = listindex_class(view->header.lengths, slot.len);

	if (!slot.len || class == AG_INDEX_LENGTHS_MAX || view->header.lengths[class] != slot.probe ||
	    (slot.len < slot.probe && !view_is_spread(view, class)))
		return false;
	return (view_live(view, word) & ~mark) == view_live_of(view, &slot) &&
	       !(slot.flags & AG_SLOT_EXPIRES) == !slot.expires && slot.seen <= AG_EPOCHS &&
	       number_cut(slot.number, slot.probe) == slot.number;
}

static bool same_meaning(const struct slot *a, const struct slot *b)
{
	return a->len == b->len && a->flags == b->flags && a->expires == b->expires;
}

/* Found where packets find it; or else a copy in the other bucket, of one that was on its way there. */
static int check_place(const struct view *view, size_t word, bool *ret_is_copy)
{
	struct slot slot = view_slot(view, word), found;
	size_t at = view_find(view, slot.number, slot.probe), other, home = view_home(view, &slot, &other);

	*ret_is_copy = at != word;
	if (at == word)
		return 0;
	if (at == SIZE_MAX || at / LINE_WORDS != home || word / LINE_WORDS != other || home == other ||
	    !view_is_marked(view, home))
		return -EBADMSG;
	found = view_slot(view, at);
	return same_meaning(&found, &slot) ? 0 : -EBADMSG;
}

/* 1 and *ret for a slot that is used, 0 for none. */
static int collect_slot(const struct view *view, size_t word, bool is_first, struct compiled_entry *ret)
{
	struct slot slot = view_slot(view, word);
	bool is_copy;
	int r;

	if (!(slot.flags & AG_SLOT_USED))
		return free_slot_valid(view, word, is_first) ? 0 : -EBADMSG;
	if (!used_slot_valid(view, word, is_first))
		return -EBADMSG;
	r = check_place(view, word, &is_copy);
	if (r || is_copy)
		return r;
	*ret = entry_of(view->family, &slot);
	return 1;
}

static int collect_slots(const struct view *view, struct compiled_entry *entries, size_t room,
			 size_t *ret_count)
{
	size_t count = 0;

	for (size_t i = 0; i < view->header.buckets * view->per_line; i++) {
		size_t word = view_slot_word(view, 1 + i / view->per_line, i % view->per_line);
		struct compiled_entry entry;
		int r = collect_slot(view, word, i % view->per_line == 0, &entry);

		if (r > 0 && count == room)
			return -EBADMSG;
		if (r < 0)
			return r;
		if (r > 0)
			entries[count++] = entry;
	}
	*ret_count = count;
	return 0;
}

static int compare_entries(const void *a, const void *b)
{
	const struct compiled_entry *x = a, *y = b;

	return prefix_compare(&x->prefix, &y->prefix);
}

/* Each entry once, whose slots must all have one verdict and one expiry. Any of its marks is as good. */
static int drop_repeats(struct compiled_entry *entries, size_t *count)
{
	size_t kept = 0;

	for (size_t i = 0; i < *count; i++) {
		if (!kept || compare_entries(&entries[kept - 1], &entries[i]))
			entries[kept++] = entries[i];
		else if (!compiled_entry_equal(&entries[kept - 1], &entries[i]))
			return -EBADMSG;
		else if (!entries[kept - 1].value.seen)
			entries[kept - 1].value.seen = entries[i].value.seen;
	}
	*count = kept;
	return 0;
}

struct recount {
	const struct view *view;
	size_t slots;
};

static int recount_slot(const struct slot *slot, void *arg)
{
	struct recount *recount = arg;
	size_t word = view_find(recount->view, slot->number, slot->probe);
	struct slot found;

	if (word == SIZE_MAX)
		return -EBADMSG;
	found = view_slot(recount->view, word);
	recount->slots++;
	return same_meaning(&found, slot) ? 0 : -EBADMSG;
}

/* One apart is what an edit leaves whose writer died before it had counted. */
static bool about(size_t counted, size_t said)
{
	return counted <= said + 1 && said <= counted + 1;
}

static int check_whole(const struct view *view, const struct compiled_entry *entries, size_t count,
		       size_t slots)
{
	struct recount recount = {.view = view};
	int r = listindex_spread(view->header.lengths, entries, count, recount_slot, &recount);

	if (r)
		return r;
	/* an entry that others hide whole is counted and not seen */
	if (recount.slots != slots || !about(slots, view->header.slots_used) ||
	    count > view->header.entries + 1UL ||
	    (!view->header.reserved[0] && !about(count, view->header.entries)))
		return -EBADMSG;
	return 0;
}

int listindex_read(enum ag_family family, const struct listindex *index, struct compiled_entry **ret,
		   size_t *ret_count)
{
	AUTO_FREE struct compiled_entry *entries = NULL;
	size_t count = 0, slots, room;
	struct view view;
	int r;

	if (!view_open(family, index, &view))
		return -EBADMSG;
	room = view.header.slots_used + 1UL;
	entries = calloc(room, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	r = collect_slots(&view, entries, room, &count);
	if (r)
		return r;
	slots = count;
	qsort(entries, count, sizeof(*entries), compare_entries);
	r = drop_repeats(entries, &count);
	if (!r)
		r = check_whole(&view, entries, count, slots);
	if (r)
		return r;
	*ret = TAKE_PTR(entries);
	*ret_count = count;
	return 0;
}
