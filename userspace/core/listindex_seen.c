// SPDX-License-Identifier: GPL-2.0-only
/*
 * listindex_seen.c - when entries of a live index were last seen
 *
 * The program marks the slot that decided, not the entry, which may stand in several.
 */
#include "userspace/core/listindex_private.h"

/* How long ago, in epochs, counted round. */
static uint32_t age(uint32_t epoch, uint32_t now)
{
	return (now + AG_EPOCHS - epoch) % AG_EPOCHS;
}

uint16_t listindex_seen(const struct listindex *index, const struct prefix *prefix, uint16_t epoch)
{
	unsigned __int128 number = number_of_addr(&prefix->addr), end = number + number_step(prefix->len);
	unsigned int class;
	uint32_t newest = 0;
	struct view view;

	if (!prefix->len || !view_open((enum ag_family)prefix->addr.family, index, &view))
		return 0;
	class = listindex_class(view.header.lengths, prefix->len);
	if (class == AG_INDEX_LENGTHS_MAX)
		return 0;
	do {
		size_t word = view_find(&view, number, view.header.lengths[class]);
		struct slot slot = word == SIZE_MAX ? (struct slot){0} : view_slot(&view, word);

		if (slot.len == prefix->len && slot.seen &&
		    (!newest || age(slot.seen, epoch) < age(newest, epoch)))
			newest = slot.seen;
		number += number_step(view.header.lengths[class]);
	} while (number != end);
	return (uint16_t)newest;
}

static int visit_line(const struct view *view, size_t line,
		      int (*visit)(const struct prefix *prefix, uint16_t epoch, void *arg), void *arg)
{
	int r = 0;

	for (size_t i = 0; i < view->per_line && !r; i++) {
		struct slot slot = view_slot(view, view_slot_word(view, line, i));
		struct prefix prefix;

		if (!(slot.flags & AG_SLOT_USED) || !slot.seen || !slot.len)
			continue;
		prefix = number_to_prefix(view->family, number_cut(slot.number, slot.len), slot.len);
		r = visit(&prefix, (uint16_t)slot.seen, arg);
	}
	return r;
}

int listindex_seen_each(enum ag_family family, const struct listindex *index, size_t *line, size_t lines,
			int (*visit)(const struct prefix *prefix, uint16_t epoch, void *arg), void *arg)
{
	struct view view;
	size_t at = *line ? *line : 1;
	int r = 0;

	*line = 0;
	if (!view_open(family, index, &view))
		return 0;
	for (; lines && at <= view.header.buckets && !r; at++, lines--)
		r = visit_line(&view, at, visit, arg);
	if (at <= view.header.buckets)
		*line = at;
	return r;
}
