// SPDX-License-Identifier: GPL-2.0-only
/*
 * listindex_plan.c - one entry comes, goes or changes its verdict in an index that packets are reading
 *
 * Each of the entry's slots is looked at by itself: what packets from its addresses are told changes by one
 * store of the word that makes a slot live. That word is written last when a slot is new, first and alone
 * when it is freed, and it alone when the slot gets another entry or verdict. Before a slot in the other
 * bucket becomes live the home bucket is marked, which only makes packets look further than they had to.
 * Marks are never taken back.
 *
 * An expiry counts where the live word says so, and is written before that. One that does not count any more
 * is left where it is: a packet that has read the live word from before may still ask for it, so the slot of
 * an entry that expires is not used again before a grace period. An entry that expires and would hide another
 * under the same key is not for an index, for nothing would be left when it has expired.
 *
 * The header's counts come last: an edit that was not finished is known by them.
 */
#include "userspace/core/listindex_private.h"

#include <errno.h>

/* Slots used over slots there are, in percent, beyond which a fresh index is better than a fuller one. */
#define LOAD_MAX 85
/* An entry that is shorter than the length that it is looked up under by so much has as many slots as fit. */
#define SPREAD_BITS_MAX 5
_Static_assert(1 << SPREAD_BITS_MAX == LISTINDEX_SLOTS_MAX, "there is room for all of an entry's slots");

/* Words of the header. */
#define WORD_SLOTS_USED (offsetof(struct ag_index_header, buckets) / sizeof(uint64_t))
#define WORD_ENTRIES	(offsetof(struct ag_index_header, entries) / sizeof(uint64_t))
#define WORD_SPREAD	(offsetof(struct ag_index_header, reserved) / sizeof(uint64_t))

/* --- stores ------------------------------------------------------------------ */

static void add_store(struct listindex_edit *edit, size_t word, uint64_t value)
{
	edit->stores[edit->count++] = (struct listindex_store){.word = word, .value = value};
}

/* A word as it will be. */
static uint64_t edit_word(const struct view *view, const struct listindex_edit *edit, size_t word)
{
	for (size_t i = edit->count; i-- > 0;)
		if (edit->stores[i].word == word)
			return edit->stores[i].value;
	return *view_word(view, word);
}

uint64_t edit_live(const struct view *view, const struct listindex_edit *edit, size_t word)
{
	return edit_word(view, edit, word + view->live);
}

void edit_set_live(const struct view *view, struct listindex_edit *edit, size_t word, uint64_t value)
{
	add_store(edit, word + view->live, value | (edit_live(view, edit, word) & AG_SLOT_MOVED));
}

static void set_times(const struct view *view, struct listindex_edit *edit, size_t word, uint64_t times)
{
	size_t at = view_times_word(view, word);

	if (edit_word(view, edit, at) != times)
		add_store(edit, at, times);
}

void edit_change(const struct view *view, struct listindex_edit *edit, size_t word, const struct slot *slot)
{
	uint64_t live = view_live_of(view, slot);

	if (slot->expires)
		set_times(view, edit, word, view_times_of(slot));
	if ((edit_live(view, edit, word) & ~(uint64_t)AG_SLOT_MOVED) != live)
		edit_set_live(view, edit, word, live);
}

void edit_put(const struct view *view, struct listindex_edit *edit, size_t word, const struct slot *slot)
{
	struct slot there = view_slot(view, word);

	if (view->family == AG_FAMILY_IPV6 && there.number != slot->number) {
		add_store(edit, word, (uint64_t)(slot->number >> 64));
		add_store(edit, word + 1, (uint64_t)slot->number);
	}
	set_times(view, edit, word, view_times_of(slot));
	edit_set_live(view, edit, word, view_live_of(view, slot));
}

void edit_mark(const struct view *view, struct listindex_edit *edit, size_t line)
{
	size_t word = view_slot_word(view, line, 0);
	uint64_t live = edit_live(view, edit, word);

	if (!(live & AG_SLOT_MOVED))
		add_store(edit, word + view->live, live | AG_SLOT_MOVED);
}

/* In the order of the header, so that the entries come last. */
static void add_counts(struct plan *plan, int entries)
{
	struct ag_index_header header = plan->view.header;
	struct ag_line line;

	header.slots_used += (uint32_t)plan->slots;
	header.entries += (uint32_t)entries;
	plan->edit.entries = header.entries;
	memcpy(&line, &header, sizeof(line));
	if (plan->slots)
		add_store(&plan->edit, WORD_SLOTS_USED, line.words[WORD_SLOTS_USED]);
	if (entries)
		add_store(&plan->edit, WORD_ENTRIES, line.words[WORD_ENTRIES]);
}

/* Entries shorter than the length that they are looked up under are there before the first has a slot. */
static void add_spread(struct plan *plan, unsigned int class)
{
	uint64_t bit = 1ULL << class;

	if (!(plan->view.header.reserved[0] & bit))
		add_store(&plan->edit, WORD_SPREAD, plan->view.header.reserved[0] | bit);
}

/* The filter lets a key pass before it is there, and goes on to when it is gone. */
static void add_to_filter(struct plan *plan)
{
	uint64_t bits, value;
	size_t word = view_filter_word(&plan->view, &plan->slot, &bits);

	if (word == SIZE_MAX)
		return;
	value = edit_word(&plan->view, &plan->edit, word);
	if ((value & bits) != bits)
		add_store(&plan->edit, word, value | bits);
}

/* --- slots ------------------------------------------------------------------- */

/* A slot that was freed may still be compared with, but for one of its own address (unless an expiry was left
 * in it), or where that is in the same word as all else. */
size_t plan_find_free(const struct plan *plan, size_t line, const struct slot *slot)
{
	const struct view *view = &plan->view;

	for (size_t i = 0; i < view->per_line; i++) {
		size_t word = view_slot_word(view, line, i);

		if (edit_live(view, &plan->edit, word) & AG_SLOT_USED)
			continue;
		if (!plan->held || !plan->held(word, plan->arg) ||
		    (view->family == AG_FAMILY_IPV6 && view_slot(view, word).number == slot->number &&
		     !(uint32_t)*view_word(view, view_times_word(view, word))))
			return word;
	}
	return SIZE_MAX;
}

static int plan_new(struct plan *plan)
{
	const struct view *view = &plan->view;
	size_t other, home = view_home(view, &plan->slot, &other);
	size_t word = plan_find_free(plan, home, &plan->slot);

	plan->slots++;
	if (((uint64_t)view->header.slots_used + (uint64_t)plan->slots) * 100 >
	    (uint64_t)view->header.buckets * view->per_line * LOAD_MAX)
		return -E2BIG;
	if (word == SIZE_MAX) {
		int r = 0;

		word = plan_find_free(plan, other, &plan->slot);
		if (word == SIZE_MAX)
			r = plan_make_room(plan, home, other, &word);
		if (r)
			return r;
	}
	add_to_filter(plan);
	if (word / LINE_WORDS != home)
		edit_mark(view, &plan->edit, home);
	edit_put(view, &plan->edit, word, &plan->slot);
	return 0;
}

/* The entry itself, in another way: an expiry and a verdict at once would be two stores for packets. */
static int plan_same(struct plan *plan, size_t word, const struct slot *there)
{
	bool other_verdict = (there->flags ^ plan->slot.flags) & AG_SLOT_DENY;

	plan->named++;
	if (other_verdict && there->expires != plan->slot.expires)
		return -E2BIG;
	plan->slot.seen = there->seen;
	if (there->flags != plan->slot.flags || there->expires != plan->slot.expires)
		edit_change(&plan->view, &plan->edit, word, &plan->slot);
	plan->slot.seen = 0;
	return 0;
}

static int plan_add(struct plan *plan, size_t word)
{
	struct slot there;

	if (word == SIZE_MAX) {
		plan->other++;
		return plan_new(plan);
	}
	there = view_slot(&plan->view, word);
	if (there.len > plan->slot.len)
		return there.expires ? -E2BIG : 0;
	if (there.len == plan->slot.len)
		return plan_same(plan, word, &there);
	plan->other++;
	if (plan->slot.expires)
		return -E2BIG;
	edit_change(&plan->view, &plan->edit, word, &plan->slot);
	return 0;
}

static int plan_remove(struct plan *plan, size_t word, const struct slot *uncovered)
{
	struct slot there;

	if (word == SIZE_MAX)
		return -ENOENT;
	there = view_slot(&plan->view, word);
	if (there.len != plan->slot.len)
		return there.len < plan->slot.len ? -ENOENT : 0;
	if (uncovered->len) {
		if (there.expires)
			return -E2BIG; /* it never was in the way of another */
		edit_change(&plan->view, &plan->edit, word, uncovered);
		return 0;
	}
	edit_set_live(&plan->view, &plan->edit, word, 0);
	if (plan->view.family == AG_FAMILY_IPV6 || there.expires)
		plan->edit.held[plan->edit.held_count++] = word;
	plan->slots--;
	return 0;
}

/* One that stands in both buckets is left over from a move that was not finished. */
static int find_own(const struct plan *plan, size_t *ret_word)
{
	const struct view *view = &plan->view;
	size_t other, home = view_home(view, &plan->slot, &other);

	*ret_word = view_find(view, plan->slot.number, plan->slot.probe);
	if (*ret_word != SIZE_MAX && *ret_word / LINE_WORDS == home && home != other &&
	    view_find_in_line(view, other, &plan->slot) != SIZE_MAX)
		return -E2BIG;
	return 0;
}

/* Room is asked for all slots at once, as far as it goes, before it is waited for. */
static int plan_slots(struct plan *plan, enum compile_edit kind, struct slot *uncovered)
{
	unsigned __int128 step = number_step(plan->slot.probe);
	unsigned int count = 1U << (plan->slot.probe - plan->slot.len);
	bool needs_room = false;

	for (unsigned int i = 0; i < count; i++, plan->slot.number += step) {
		size_t word;
		int r = find_own(plan, &word);

		uncovered->number = plan->slot.number;
		if (!r)
			r = kind == COMPILE_ADD ? plan_add(plan, word) : plan_remove(plan, word, uncovered);
		if (r && r != -EAGAIN)
			return r;
		needs_room = needs_room || r;
	}
	return needs_room ? -EAGAIN : 0;
}

/* --- the entry --------------------------------------------------------------- */

static struct slot slot_of(const struct compiled_entry *entry, uint8_t probe)
{
	return (struct slot){
		.number = number_of_addr(&entry->prefix.addr),
		.probe = probe,
		.len = entry->prefix.len,
		.flags = slot_flags(&entry->value),
		.expires = entry->value.expires,
	};
}

/* That the entry has some of its slots and should have more is what an edit leaves that was not finished. */
static int finish_add(struct plan *plan, size_t stores_before)
{
	if (plan->named && plan->other)
		return -E2BIG;
	if (plan->named && plan->edit.count == stores_before)
		return -EEXIST;
	add_counts(plan, plan->named ? 0 : 1);
	return 0;
}

static int plan_entry(struct plan *plan, enum compile_edit kind, struct slot uncovered)
{
	size_t stores_before = plan->edit.count;
	int r = plan_slots(plan, kind, &uncovered);

	if (r)
		return r;
	if (kind == COMPILE_ADD)
		return finish_add(plan, stores_before);
	add_counts(plan, -1);
	return 0;
}

/* An entry that is looked up under another length has its own slots, whatever becomes of this one's. */
static int uncovered_slot(const struct plan *plan, unsigned int class, const struct compiled_entry *entry,
			  const struct compiled_entry *uncovers, struct slot *ret)
{
	*ret = (struct slot){0};
	if (!uncovers)
		return 0;
	if (uncovers->prefix.len >= entry->prefix.len || !prefix_covers(&uncovers->prefix, &entry->prefix))
		return -EINVAL;
	if (listindex_class(plan->view.header.lengths, uncovers->prefix.len) == class)
		*ret = slot_of(uncovers, plan->slot.probe);
	return 0;
}

int listindex_plan(enum ag_family family, const struct listindex *index, enum compile_edit kind,
		   const struct compiled_entry *entry, const struct compiled_entry *uncovers,
		   bool (*held)(size_t word, void *arg), void *arg, struct listindex_edit *ret)
{
	struct plan plan = {.held = held, .arg = arg};
	struct slot uncovered;
	unsigned int class;
	int r;

	if (!view_open(family, index, &plan.view))
		return -EBADMSG;
	class = listindex_class(plan.view.header.lengths, entry->prefix.len);
	if (class == AG_INDEX_LENGTHS_MAX || !entry->prefix.len ||
	    plan.view.header.lengths[class] - entry->prefix.len > SPREAD_BITS_MAX)
		return -E2BIG;
	plan.slot = slot_of(entry, plan.view.header.lengths[class]);
	r = uncovered_slot(&plan, class, entry, uncovers, &uncovered);
	if (r)
		return r;
	if (kind == COMPILE_ADD && plan.slot.expires && uncovered.len)
		return -E2BIG; /* that one would not be there when this one has expired */
	if (kind == COMPILE_ADD ? plan.slot.len < plan.slot.probe : uncovered.len)
		add_spread(&plan, class);
	r = plan_entry(&plan, kind, uncovered);
	if (!r)
		*ret = plan.edit;
	else if (r == -EAGAIN)
		*ret = plan.room;
	return r;
}
