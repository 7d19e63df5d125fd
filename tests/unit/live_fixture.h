/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * live_fixture.h - an index that is edited while it is looked into: after every store it is the old list or
 * the new one
 *
 * Include cmocka.h first.
 */
#pragma once

#include <stdio.h>

#include "userspace/core/listindex.h"

#include "tests/unit/list_fixture.h"

#define UNUSED __attribute__((unused))

#define HELD_MAX      4096
#define ROOM_ATTEMPTS 6

struct live {
	enum ag_family family;
	struct list list; /* what the index is */
	struct listindex index;
	size_t held[HELD_MAX];
	size_t held_count;
	uint64_t seed;
	size_t done[3];	 /* came, went, changed */
	size_t spread;	 /* of these, by several stores of slots */
	size_t graces;	 /* that room was waited for */
	size_t rebuilds; /* asked for by a plan */
	size_t hiding;	 /* of these, for an entry that expires */
	size_t expiries; /* that came or changed in place */
	bool in_steps;	 /* every store is looked at */
};

static UNUSED bool word_is_held(size_t word, void *arg)
{
	const struct live *live = arg;

	for (size_t i = 0; i < live->held_count; i++)
		if (live->held[i] == word)
			return true;
	return false;
}

static UNUSED int build(struct live *live)
{
	struct compiled_entry *entries = fixture_compile(&live->list);
	int r = -E2BIG;

	for (unsigned int tries = 0; r == -E2BIG && tries < 5; tries++)
		r = listindex_build(live->family, entries, live->list.count, random_next(&live->seed),
				    &live->index);
	free(entries);
	return r;
}

/* An entry that expires may hide another, which is not for an index: then none does. */
static UNUSED void rebuild(struct live *live)
{
	free(live->index.lines);
	if (build(live)) {
		live->hiding++;
		for (size_t i = 0; i < live->list.count; i++)
			live->list.entries[i].expires = 0;
		assert_int_equal(build(live), 0);
	}
	live->held_count = 0;
}

static UNUSED void live_begin(struct live *live, enum fixture_kind kind, size_t count)
{
	live->list = fixture_list(live->family, kind, count, &live->seed);
	rebuild(live);
}

static UNUSED void live_end(struct live *live)
{
	free(live->index.lines);
	list_clear(&live->list);
}

/* The list after the edit, without the strings that none has here. */
static UNUSED struct list edited(const struct list *list, enum compile_edit kind,
				 const struct compiled_entry *entry)
{
	struct list after = {0};

	for (size_t i = 0; i < list->count; i++) {
		struct entry copy = list->entries[i];

		if (prefix_compare(&copy.prefix, &entry->prefix))
			assert_int_equal(list_append(&after, &copy), 0);
	}
	if (kind == COMPILE_ADD) {
		struct entry added = {.prefix = entry->prefix,
				      .verdict = entry->value.verdict,
				      .expires = entry->value.expires};

		assert_int_equal(list_append(&after, &added), 0);
	}
	assert_null(list_sort(&after));
	return after;
}

static UNUSED void check_at(const struct live *live, const struct list *after, bool done,
			    const struct addr *source)
{
	struct compiled_entry got;
	bool found = listindex_match(&live->index, source, FIXTURE_NOW, &got);
	bool is_new = fixture_agree(list_match(after, source, FIXTURE_NOW), found, &got);

	assert_true(is_new ||
		    (!done && fixture_agree(list_match(&live->list, source, FIXTURE_NOW), found, &got)));
}

/* All edges at the end; on the way those of the entry and of some others. */
static UNUSED void check_either(struct live *live, const struct list *after, bool done,
				const struct compiled_entry *entry)
{
	for (unsigned int i = 0; i < 3 * FIXTURE_EDGES; i++) {
		struct addr source = fixture_edge(&entry->prefix, i % FIXTURE_EDGES, &live->seed);

		check_at(live, after, done, &source);
	}
	for (size_t i = 0; i < (done ? after->count : 10); i++) {
		size_t at = done ? i : random_next(&live->seed) % (after->count + !after->count);
		struct addr source;

		if (!after->count)
			return;
		source = fixture_edge(&after->entries[at].prefix, (unsigned int)(i % FIXTURE_EDGES),
				      &live->seed);
		check_at(live, after, done, &source);
	}
}

/* An address and a length are whole before they are live, and stay so while a packet may be comparing them.
 */
static UNUSED void check_store(const struct live *live, const struct listindex_store *store)
{
	size_t in_line = store->word % 8, stride = 4, live_word = store->word - in_line % stride + 2;

	if (live->family == AG_FAMILY_IPV4 || store->word < 8 || in_line % stride > 1)
		return;
	assert_false(live->index.lines[live_word / 8].words[live_word % 8] & AG_SLOT_USED);
	assert_false(word_is_held(live_word - 2, (void *)(uintptr_t)live));
}

static UNUSED size_t read_count(const struct live *live)
{
	struct compiled_entry *back = NULL;
	size_t count = 0;
	int r = listindex_read(live->family, &live->index, &back, &count);

	free(back);
	if (r)
		assert_int_equal(r, -EBADMSG);
	return r ? SIZE_MAX : count;
}

/* What can be read is the list, less entries that longer ones have every address of. */
static UNUSED void check_read(const struct live *live, const struct list *list)
{
	struct compiled_entry *back;
	size_t count;

	assert_int_equal(listindex_read(live->family, &live->index, &back, &count), 0);
	assert_true(count <= list->count);
	for (size_t i = 0; i < count; i++) {
		const struct entry *there = list_find(list, &back[i].prefix);

		assert_true(there && there->verdict == back[i].value.verdict &&
			    there->expires == back[i].value.expires);
	}
	free(back);
	for (size_t i = 0; i < list->count; i++) {
		struct compiled_entry entry;

		(void)compile_entry(&list->entries[i], &entry);
		assert_true(listindex_holds(live->family, &live->index, &entry));
	}
	assert_int_equal(listindex_count(&live->index), list->count);
}

static UNUSED void apply(struct live *live, const struct list *after, const struct compiled_entry *entry,
			 const struct listindex_edit *edit)
{
	assert_true(edit->count <= LISTINDEX_STORES_MAX && edit->held_count <= LISTINDEX_SLOTS_MAX);
	for (size_t i = 0; i < edit->count; i++) {
		const struct listindex_store *store = &edit->stores[i];

		check_store(live, store);
		live->index.lines[store->word / 8].words[store->word % 8] = store->value;
		if (!live->in_steps)
			continue;
		check_either(live, after, i == edit->count - 1, entry);
		/* the writer may die here, and what is read is one of the lists or nothing */
		if (entry->prefix.len == live->index.lines->words[2] % 256)
			assert_int_not_equal(read_count(live), SIZE_MAX);
		else
			(void)read_count(live);
	}
	for (size_t i = 0; i < edit->held_count; i++) {
		assert_true(live->held_count < HELD_MAX);
		live->held[live->held_count++] = edit->held[i];
	}
}

/* What covers the entry when it has gone. */
static const struct compiled_entry *around(const struct list *list, const struct prefix *prefix,
					   struct compiled_entry *ret)
{
	const struct entry *best = NULL;

	for (size_t i = 0; i < list->count; i++) {
		const struct entry *entry = &list->entries[i];

		if (entry->prefix.len < prefix->len && prefix_covers(&entry->prefix, prefix) &&
		    (!best || best->prefix.len < entry->prefix.len))
			best = entry;
	}
	if (!best)
		return NULL;
	(void)compile_entry(best, ret);
	return ret;
}

static UNUSED int plan(const struct live *live, enum compile_edit kind, const struct compiled_entry *entry,
		       struct listindex_edit *ret)
{
	struct compiled_entry room;

	return listindex_plan(live->family, &live->index, kind, entry,
			      around(&live->list, &entry->prefix, &room), word_is_held,
			      (void *)(uintptr_t)live, ret);
}

/* Room that is made leaves the list as it is. */
static UNUSED int plan_with_room(struct live *live, enum compile_edit kind,
				 const struct compiled_entry *entry, struct listindex_edit *ret)
{
	int r;

	for (unsigned int tries = 0; (r = plan(live, kind, entry, ret)) == -EAGAIN; tries++) {
		if (tries == ROOM_ATTEMPTS)
			return -E2BIG;
		apply(live, &live->list, entry, ret);
		if (live->in_steps)
			check_either(live, &live->list, true, entry);
		live->held_count = 0;
		live->graces++;
	}
	return r;
}

static UNUSED void check_refusal(const struct live *live, int r, enum compile_edit kind,
				 const struct compiled_entry *entry)
{
	const struct entry *there = list_find(&live->list, &entry->prefix);

	if (r == -ENOENT)
		assert_true(kind == COMPILE_REMOVE && !there);
	else if (r == -EEXIST)
		assert_true(kind == COMPILE_ADD && there && there->verdict == entry->value.verdict &&
			    there->expires == entry->value.expires);
	else
		assert_int_equal(r, -E2BIG);
}

/* A plan cannot know whether one that longer ones have every address of is there: the caller does. */
static UNUSED bool is_told_apart(const struct live *live, enum compile_edit kind, const struct list *after,
				 const struct listindex_edit *edit)
{
	if (edit->entries == after->count)
		return true;
	assert_true(edit->entries == live->list.count + (kind == COMPILE_ADD ? 1 : -1UL));
	assert_true(edit->count <= 2);
	return false;
}

static UNUSED void edit_once(struct live *live, enum compile_edit kind, const struct compiled_entry *entry)
{
	struct listindex_edit edit;
	struct list after;
	int r = plan_with_room(live, kind, entry, &edit);

	if (r && r != -E2BIG) {
		check_refusal(live, r, kind, entry);
		return;
	}
	after = edited(&live->list, kind, entry);
	if (!r && is_told_apart(live, kind, &after, &edit)) {
		live->done[kind == COMPILE_REMOVE ? 1 : after.count == live->list.count ? 2 : 0]++;
		live->spread += edit.count > 6;
		live->expiries += kind == COMPILE_ADD && entry->value.expires;
		apply(live, &after, entry, &edit);
		assert_int_equal(listindex_count(&live->index), after.count);
	}
	list_clear(&live->list);
	live->list = after;
	live->rebuilds += r == -E2BIG;
	if (r || listindex_count(&live->index) != after.count)
		rebuild(live);
}

/* Of those that are there, beside one, or around one; up to `bits` shorter than an address. */
static UNUSED struct compiled_entry random_entry(struct live *live, unsigned int bits)
{
	struct compiled_entry entry = {.value = {.verdict = random_next(&live->seed) % 2}};
	const struct prefix *known = &live->list.entries[random_next(&live->seed) % live->list.count].prefix;
	unsigned int longest = live->family == AG_FAMILY_IPV4 ? 32 : 128;
	struct addr addr = near_addr(live->family, &live->seed);

	if (random_next(&live->seed) % 2)
		entry.prefix = *known;
	else if (random_next(&live->seed) % 3)
		entry.prefix = prefix_of(
			&addr, (uint8_t)(longest - (random_next(&live->seed) % 4
							    ? 0
							    : random_next(&live->seed) % (bits + 1))));
	else
		entry.prefix = prefix_of(&known->addr,
					 (uint8_t)(longest - random_next(&live->seed) % (bits + 1)));
	entry.value.len = entry.prefix.len;
	entry.value.expires = (uint32_t)fixture_expiry(&live->seed);
	return entry;
}
