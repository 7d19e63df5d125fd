// SPDX-License-Identifier: GPL-2.0-only
/* test_listindex_room.c - how seldom a live index has no room for an entry, and which slots have to wait */
#include "userspace/core/listindex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/live_fixture.h"

/* What operators have: hosts, some networks, few large ones. */
static struct compiled_entry honest_entry(enum ag_family family, uint64_t *seed)
{
	unsigned int chance = (unsigned int)(random_next(seed) % 100), len = 32;
	struct addr addr = any_addr(family, seed);
	struct compiled_entry entry = {.value = {.verdict = random_next(seed) % 20 == 0}};

	if (chance < 1)
		len = 16 + (unsigned int)(random_next(seed) % 5);
	else if (chance < 12)
		len = 24 + (unsigned int)(random_next(seed) % 6);
	if (family == AG_FAMILY_IPV6)
		len = len == 32 ? 128 : len * 2;
	entry.prefix = prefix_of(&addr, (uint8_t)len);
	entry.value.len = (uint8_t)len;
	return entry;
}

static void honest_list(struct live *live, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct compiled_entry entry = honest_entry(live->family, &live->seed);
		struct entry added = {.prefix = entry.prefix, .verdict = entry.value.verdict};

		assert_int_equal(list_append(&live->list, &added), 0);
	}
	fixture_sort(&live->list);
	rebuild(live);
}

/* The list is not kept sorted: it is long. */
static int honest_edit(struct live *live, enum compile_edit kind)
{
	struct compiled_entry entry = honest_entry(live->family, &live->seed);
	size_t at = random_next(&live->seed) % live->list.count;
	struct entry changed = {.prefix = entry.prefix, .verdict = entry.value.verdict};
	struct listindex_edit edit;
	int r;

	if (kind == COMPILE_REMOVE)
		entry = (struct compiled_entry){.prefix = live->list.entries[at].prefix,
						.value = {.verdict = live->list.entries[at].verdict}};
	r = plan_with_room(live, kind, &entry, &edit);
	if (r)
		return r;
	apply(live, NULL, &entry, &edit);
	if (kind == COMPILE_REMOVE)
		live->list.entries[at] = live->list.entries[--live->list.count];
	else
		assert_int_equal(list_append(&live->list, &changed), 0);
	if (live->held_count > HELD_MAX / 2)
		live->held_count = 0;
	return 0;
}

static void an_ordinary_list_is_hardly_ever_built_anew(void **state)
{
	(void)state;
	for (size_t family = 0; family < 2; family++) {
		struct live live = {.family = family ? AG_FAMILY_IPV6 : AG_FAMILY_IPV4, .seed = 31 + family};
		size_t refused = 0, count;

		honest_list(&live, 10000);
		for (unsigned int i = 0; i < 4000; i++)
			refused += honest_edit(&live, i % 2 ? COMPILE_REMOVE : COMPILE_ADD) != 0;
		print_message("# IPv%c: of 4000 edits %zu waited for room, %zu were refused\n",
			      family ? '6' : '4', live.graces, refused);
		assert_true(refused < 40);
		assert_true(family || live.graces < 40);
		count = live.list.count;
		fixture_sort(&live.list);
		assert_int_equal(live.list.count, count);
		check_read(&live, &live.list);
		live_end(&live);
	}
}

/* IPv6's address is not in the word that makes it live: no other is put there before a grace period. */
static void a_freed_slot_waits_for_its_own_address_or_a_grace_period(void **state)
{
	struct live live = {.family = AG_FAMILY_IPV6, .seed = 7};
	struct listindex_edit edit;
	struct compiled_entry entry;
	size_t freed;

	(void)state;
	live_begin(&live, FIXTURE_HOSTS, 30);
	entry = (struct compiled_entry){.prefix = live.list.entries[3].prefix, .value = {.len = 128}};
	assert_int_equal(plan(&live, COMPILE_REMOVE, &entry, &edit), 0);
	assert_int_equal(edit.count, 3);
	assert_int_equal(edit.held_count, 1);
	freed = edit.held[0];
	apply(&live, &live.list, &entry, &edit);
	assert_int_equal(plan(&live, COMPILE_REMOVE, &entry, &edit), -ENOENT);
	/* the same address again: its slot, by one store */
	assert_int_equal(plan(&live, COMPILE_ADD, &entry, &edit), 0);
	assert_int_equal(edit.count, 3);
	assert_int_equal(edit.stores[0].word, freed + 2);
	for (unsigned int i = 0; i < 3000; i++) {
		struct addr addr = any_addr(AG_FAMILY_IPV6, &live.seed);

		entry.prefix = prefix_of(&addr, 128);
		if (plan(&live, COMPILE_ADD, &entry, &edit))
			continue;
		for (size_t j = 0; j < edit.count; j++)
			assert_false(edit.stores[j].word >= freed && edit.stores[j].word < freed + 3);
	}
	live_end(&live);
}

/* What was copied to `copy` is not freed where it was. */
static void check_leaves_first(const struct live *live, size_t copy, const struct listindex_edit *edit)
{
	const struct ag_line *lines = live->index.lines;

	for (size_t i = 0; i < edit->count; i++) {
		const struct listindex_store *store = &edit->stores[i];
		size_t slot = store->word - 2;

		if (store->word % 4 != 2 || store->value & AG_SLOT_USED || slot == copy)
			continue;
		assert_memory_not_equal(&lines[slot / 8].words[slot % 8], &lines[copy / 8].words[copy % 8],
					2 * sizeof(uint64_t));
	}
}

/* What moves is in two places, or free, for a grace period: nothing is built upon it before that. */
static void room_is_waited_for(void **state)
{
	size_t copies = 0, frees = 0;

	(void)state;
	for (unsigned int round = 0; round < 40; round++) {
		struct live live = {.family = AG_FAMILY_IPV6, .seed = 70 + round};

		live_begin(&live, FIXTURE_HOSTS, 100);
		for (unsigned int i = 0; i < 100; i++) {
			struct compiled_entry entry = {.value = {.len = 128}};
			struct addr addr = any_addr(live.family, &live.seed);
			struct listindex_edit edit, again;

			entry.prefix = prefix_of(&addr, 128);
			if (plan(&live, COMPILE_ADD, &entry, &edit) != -EAGAIN)
				continue;
			apply(&live, &live.list, &entry, &edit);
			assert_int_equal(edit.held_count, 1);
			copies += edit.held[0] + 2 == edit.stores[edit.count - 1].word &&
				  edit.stores[edit.count - 1].value & AG_SLOT_USED;
			frees += !(edit.stores[edit.count - 1].value & AG_SLOT_USED);
			assert_int_equal(plan(&live, COMPILE_ADD, &entry, &again), -EAGAIN);
			check_leaves_first(&live, edit.held[0], &again);
			check_read(&live, &live.list);
			live.held_count = 0;
		}
		live_end(&live);
	}
	assert_true(copies && frees);
}

/* IPv4's slot is one word: it is used again at once. */
static void a_freed_slot_of_one_word_does_not_wait(void **state)
{
	struct live live = {.family = AG_FAMILY_IPV4, .seed = 8};
	struct compiled_entry entry;
	struct listindex_edit edit;

	(void)state;
	live_begin(&live, FIXTURE_HOSTS, 30);
	entry = (struct compiled_entry){.prefix = live.list.entries[3].prefix, .value = {.len = 32}};
	assert_int_equal(plan(&live, COMPILE_REMOVE, &entry, &edit), 0);
	assert_int_equal(edit.held_count, 0);
	live_end(&live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ordinary_list_is_hardly_ever_built_anew),
		cmocka_unit_test(a_freed_slot_waits_for_its_own_address_or_a_grace_period),
		cmocka_unit_test(room_is_waited_for),
		cmocka_unit_test(a_freed_slot_of_one_word_does_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
