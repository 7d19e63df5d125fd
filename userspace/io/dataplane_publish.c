// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_publish.c - changes brought into force
 *
 * First everything that the kernel may refuse, of all changes: entries of live tries, and long lists in their
 * places. Then the stores, which cannot fail: after each, its account is as it shall be. What was in force
 * before waits for a grace period.
 */
#include "userspace/io/dataplane_private.h"

#include <errno.h>
#include <string.h>

static int check_versions(const struct dataplane *dataplane, struct dataplane_change *const *changes,
			  size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (changes[i]->step != CHANGE_NOTHING &&
		    changes[i]->version != dataplane->versions[changes[i]->slot])
			return -ESTALE;
	return 0;
}

static uint32_t place_of(const struct dataplane_change *change)
{
	return ag_long_place(change->slot, change->state.flags);
}

static bool is_move(const struct dataplane_change *change)
{
	return change->step == CHANGE_WORD && change->moves;
}

/* An edit that the kernel goes on refusing (memory, a full trie) becomes a fresh list. */
static int edit_tries(struct dataplane_change *const *changes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct dataplane_change *change = changes[i];
		struct dataplane *dataplane = change->dataplane;
		int result;

		if (change->step != CHANGE_TRIE)
			continue;
		if (trie_edit(change->fds[change->index], change->edit.kind, &change->edit.entry) == 0) {
			dataplane->trie_entries[change->slot * 2 + change->index] =
				change->entries[change->index];
			dataplane->versions[change->slot]++;
			change->step = CHANGE_NOTHING;
			continue;
		}
		result = change_rebuild(change);
		if (result < 0)
			return result;
	}
	return 0;
}

/* Room for every slot that may be freed, and no packet that may still look where a list is going to be. */
static int make_way(struct dataplane *dataplane, struct dataplane_change *const *changes, size_t count)
{
	size_t held = dataplane->held_count;
	bool grace_due;

	for (size_t i = 0; i < count; i++)
		held += changes[i]->step == CHANGE_INDEX ? changes[i]->plan.held_count : 0;
	grace_due = held > HELD_WORDS_MAX;
	for (size_t i = 0; i < count && !grace_due; i++)
		grace_due = is_move(changes[i]) && long_is_stale(dataplane, place_of(changes[i]));
	return grace_due ? dataplane_grace(dataplane) : 0;
}

static int put_kind(struct dataplane *dataplane, enum long_kind kind, struct dataplane_change *const *changes,
		    size_t count)
{
	AUTO_FREE uint32_t *places = calloc(count, sizeof(*places));
	AUTO_FREE int *fds = calloc(count, sizeof(*fds));
	size_t moves = 0;

	if (!places || !fds)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (!is_move(changes[i]))
			continue;
		for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++) {
			uint8_t held = state_held(changes[i]->state, index);

			if (!held_is_long(held) || long_kind_of(index, held) != kind)
				continue;
			places[moves] = place_of(changes[i]);
			fds[moves++] = changes[i]->fds[index];
		}
	}
	return moves ? long_put(dataplane, kind, places, fds, moves) : 0;
}

static void retire(struct dataplane *dataplane, const struct dataplane_change *change,
		   union ag_account_state old)
{
	uint32_t lines = state_lines(old);
	uint32_t place = ag_long_place(change->slot, old.flags);
	bool same_block = lines && change->state.word && !change->lines && state_lines(change->state);

	if (!old.word || dataplane->damaged[change->slot])
		return;
	if (lines && !same_block) {
		harvest_retired_lines(dataplane, change->slot, old);
		lines_retire(&dataplane->space, old.block, lines);
	}
	for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++) {
		uint8_t held = state_held(old, index);
		bool stays = held == state_held(change->state, index) && change->state.word && !change->moves;

		if (!held_is_long(held) || stays)
			continue;
		harvest_retired_long(dataplane, change->slot, index, old);
		long_retire(dataplane, long_kind_of(index, held), place);
	}
}

static void set_word(struct dataplane *dataplane, struct dataplane_change *change)
{
	union ag_account_state old = account_state(dataplane, change->slot);

	actions_before_word(dataplane, change->state);
	store_u64(&dataplane->accounts[change->slot].state.word, change->state.word);
	if (!dataplane->damaged[change->slot])
		actions_after_word(dataplane, old);
	retire(dataplane, change, old);
	change->lines = 0; /* they are the word's now */
	if (change->moves || change->state.held4 != old.held4 || change->state.held6 != old.held6)
		index_forget(dataplane, change->slot);
	dataplane->damaged[change->slot] = 0;
	for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++)
		if (change->moves)
			dataplane->trie_entries[change->slot * 2 + index] = change->entries[index];
}

static void put_in_force(struct dataplane *dataplane, struct dataplane_change *change)
{
	if (change->step == CHANGE_NOTHING)
		return;
	if (change->step == CHANGE_INDEX)
		index_apply(dataplane, change->kept, &change->plan);
	else
		set_word(dataplane, change);
	dataplane->versions[change->slot]++;
	change->step = CHANGE_NOTHING;
}

int dataplane_publish_all(struct dataplane *dataplane, struct dataplane_change *const *changes, size_t count,
			  struct ag_error *error)
{
	int result = check_versions(dataplane, changes, count);

	if (result == 0)
		result = edit_tries(changes, count);
	if (result == 0)
		result = make_way(dataplane, changes, count);
	for (enum long_kind kind = 0; kind < LONG_KIND_MAX && count && result == 0; kind++)
		result = put_kind(dataplane, kind, changes, count);
	if (result == -ESTALE)
		return error_set(error, ERROR_KERNEL,
				 "the account has changed since this change was prepared: try again");
	if (result < 0)
		return error_set(error, ERROR_KERNEL, "the kernel refuses to put a list in force: %s",
				 strerror(-result));
	for (size_t i = 0; i < count; i++)
		put_in_force(dataplane, changes[i]);
	return 0;
}

int dataplane_publish(struct dataplane *dataplane, struct dataplane_change *change, struct ag_error *error)
{
	return dataplane_publish_all(dataplane, &change, 1, error);
}
