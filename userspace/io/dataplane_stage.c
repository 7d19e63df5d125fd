// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_stage.c - a change of one account, made ready beside what is in force
 *
 * Everything that can fail is done here: lines are written into a block that nobody knows, long lists into
 * maps that are in no array yet. Either the account's word will lead to all of it at once, or, where one
 * entry of a long list is all that changes, that one entry is written into the live list.
 */
#include "userspace/io/dataplane_private.h"

#include <errno.h>
#include <string.h>

void dataplane_change_free(struct dataplane_change *change)
{
	if (!change)
		return;
	for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++)
		cleanup_fd(&change->fds[index]); /* the array of maps holds what is in force */
	index_release(change->kept);
	if (change->lines)
		lines_give_back(&change->dataplane->space, change->state.block, change->lines);
	if (change->has_action)
		actions_let_go(change->dataplane, change->state.action);
	free(change);
}

void dataplane_lists_free(struct dataplane_lists *lists)
{
	if (!lists)
		return;
	for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++)
		cleanup_fd(&lists->fds[index]);
	free(lists);
}

int change_check(const struct dataplane *dataplane, const struct compiled_account *want,
		 struct ag_error *error)
{
	size_t most = want->count4 > want->count6 ? want->count4 : want->count6;
	int result = dataplane_check_slot(dataplane, want->slot, error);

	if (result < 0)
		return result;
	if (most > dataplane->limits.entries)
		return error_set(error, ERROR_LIMIT,
				 "%zu entries in one list are more than the limit of %u: raise it", most,
				 dataplane->limits.entries);
	return 0;
}

int change_error(int result, struct ag_error *error)
{
	if (result == -EPERM)
		return error_set(error, ERROR_KERNEL,
				 "not allowed to open an account's list: run as root, or with CAP_SYS_ADMIN");
	return error_set(error, ERROR_KERNEL, "the kernel refused an account's new list: %s",
			 strerror(-result));
}

int change_new(struct dataplane *dataplane, uint32_t slot, struct dataplane_change **ret)
{
	struct dataplane_change *change = calloc(1, sizeof(*change));

	if (!change)
		return -ENOMEM;
	change->dataplane = dataplane;
	change->slot = slot;
	change->version = dataplane->versions[slot];
	change->fds[FAMILY4] = change->fds[FAMILY6] = -1;
	*ret = change;
	return 0;
}

/* --- long lists ---------------------------------------------------------------- */

int long_build(const struct dataplane *dataplane, enum family_index index,
	       const struct compiled_entry *entries, size_t count, uint8_t *ret_held)
{
	int fd = index_build(index, entries, count);

	*ret_held = AG_HELD_INDEX;
	if (fd != -E2BIG)
		return fd;
	*ret_held = AG_HELD_TRIE;
	return trie_build(dataplane, index, entries, count);
}

int lists_new(struct dataplane_lists **ret)
{
	struct dataplane_lists *lists = calloc(1, sizeof(*lists));

	if (!lists)
		return -ENOMEM;
	lists->fds[FAMILY4] = lists->fds[FAMILY6] = -1;
	*ret = lists;
	return 0;
}

/* A long list is built, a short one only said how long it is. */
int lists_build_family(const struct dataplane *dataplane, enum family_index index,
		       const struct compiled_account *want, bool in_lines, struct dataplane_lists *lists)
{
	size_t count;
	const struct compiled_entry *entries = entries_of(want, index, &count);
	uint8_t lines = shortlist_lines(family_of_index(index), count);

	lists->held[index] = lines;
	if (count == 0 || (in_lines && lines != SHORTLIST_TOO_LONG))
		return 0;
	lists->fds[index] = long_build(dataplane, index, entries, count, &lists->held[index]);
	return lists->fds[index] < 0 ? lists->fds[index] : 0;
}

int dataplane_build_lists(const struct dataplane *dataplane, const struct compiled_account *want,
			  struct dataplane_lists **ret, struct ag_error *error)
{
	AUTO_LISTS struct dataplane_lists *lists = NULL;
	int result = change_check(dataplane, want, error);

	if (result < 0)
		return result;
	result = lists_new(&lists);
	for (enum family_index index = 0; index < FAMILY_INDEX_MAX && want->active && result == 0; index++)
		result = lists_build_family(dataplane, index, want, true, lists);
	if (result < 0)
		return change_error(result, error);
	*ret = TAKE_PTR(lists);
	return 0;
}

/* --- short lists --------------------------------------------------------------- */

static int check_lines(enum family_index index, const struct ag_line *lines, uint8_t line_count,
		       const uint32_t *expiries, const struct compiled_entry *entries, size_t count)
{
	AUTO_FREE struct compiled_entry *found = NULL;
	size_t found_count = 0;
	int result = shortlist_decode(family_of_index(index), lines, line_count, expiries, &found,
				      &found_count);

	if (result < 0)
		return result;
	if (found_count != count)
		return -EBADMSG;
	for (size_t i = 0; i < count; i++)
		if (!compiled_entry_equal(&found[i], &entries[i]))
			return -EBADMSG;
	return 0;
}

static int write_lines(struct dataplane_change *change, const struct compiled_account *want)
{
	const struct dataplane *dataplane = change->dataplane;
	uint32_t entry_lines = state_entry_lines(change->state);

	memset(dataplane->space.lines + change->state.block + entry_lines, 0,
	       (change->lines - entry_lines) * sizeof(struct ag_line));
	for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++) {
		uint8_t held = state_held(change->state, index);
		struct ag_line *lines = state_list(dataplane, change->state, index);
		uint32_t *expiries = state_expiries(dataplane, change->state, index);
		size_t count;
		const struct compiled_entry *entries = entries_of(want, index, &count);
		int result;

		if (!held_lines(held))
			continue;
		result = shortlist_encode(family_of_index(index), entries, count, lines, expiries);
		if (result == 0)
			result = check_lines(index, lines, held, expiries, entries, count);
		if (result < 0)
			return result;
	}
	return 0;
}

/* Where there is no room, not even after a grace period, -ENOSPC. */
static int take_block(struct dataplane_change *change, uint32_t lines)
{
	struct line_space *space = &change->dataplane->space;
	uint32_t block = lines_take(space, lines);

	if (block == LINES_NONE && space->in_limbo) {
		int result = dataplane_grace(change->dataplane);

		if (result < 0)
			return result;
		block = lines_take(space, lines);
	}
	if (block == LINES_NONE)
		return -ENOSPC;
	change->state.block = block;
	change->lines = lines;
	return 0;
}

static void set_held(struct dataplane_change *change, const struct dataplane_lists *lists)
{
	change->state.held4 = lists->held[FAMILY4];
	change->state.held6 = lists->held[FAMILY6];
}

/* Whether one that stands in lines does. */
static void set_expires(struct dataplane_change *change, const struct compiled_account *want)
{
	change->state.flags &= (uint8_t)~AG_ACCOUNT_EXPIRES;
	for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++) {
		size_t count;
		const struct compiled_entry *entries = entries_of(want, index, &count);

		if (held_lines(state_held(change->state, index)) && shortlist_expires(entries, count))
			change->state.flags |= AG_ACCOUNT_EXPIRES;
	}
}

static int stage_lines(struct dataplane_change *change, const struct compiled_account *want,
		       struct dataplane_lists *lists)
{
	uint32_t lines;
	int result;

	set_held(change, lists);
	set_expires(change, want);
	lines = state_lines(change->state);
	result = lines ? take_block(change, lines) : 0;

	if (result == -ENOSPC) {
		result = 0;
		for (enum family_index index = 0; index < FAMILY_INDEX_MAX && result == 0; index++)
			if (held_lines(lists->held[index]))
				result = lists_build_family(change->dataplane, index, want, false, lists);
		lines = 0;
		set_held(change, lists);
		set_expires(change, want);
	}
	return result == 0 && lines ? write_lines(change, want) : result;
}

/* --- the word ------------------------------------------------------------------ */

static uint8_t flags_of(const struct compiled_account *want)
{
	return (uint8_t)(AG_ACCOUNT_ACTIVE | (want->mode == AG_MODE_MONITOR ? AG_ACCOUNT_MONITOR : 0));
}

bool change_same_settings(const struct dataplane *dataplane, union ag_account_state state,
			  const struct compiled_account *want)
{
	const struct on_deny on_deny = actions_read(dataplane, state.action);

	return (state.flags & ~(AG_ACCOUNT_SIDE | AG_ACCOUNT_EXPIRES)) == flags_of(want) &&
	       on_deny_equal(&on_deny, &want->on_deny);
}

int change_move(struct dataplane_change *change, const struct dataplane_lists *lists)
{
	struct dataplane *dataplane = change->dataplane;
	union ag_account_state old = account_state(dataplane, change->slot);
	uint32_t place = ag_long_place(change->slot, old.flags);

	change->state.flags = (uint8_t)((change->state.flags & ~AG_ACCOUNT_SIDE) |
					(old.flags & AG_ACCOUNT_SIDE));
	if (lists->fds[FAMILY4] < 0 && lists->fds[FAMILY6] < 0)
		return 0;
	change->moves = true;
	change->state.flags ^= AG_ACCOUNT_SIDE;
	for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++) {
		uint8_t held = state_held(change->state, index);

		if (!held_is_long(held))
			continue;
		if (lists->fds[index] >= 0)
			change->fds[index] = dup(lists->fds[index]);
		else
			change->fds[index] = long_open(dataplane, long_kind_of(index, held), place, NULL);
		if (change->fds[index] < 0)
			return change->fds[index] == -1 && lists->fds[index] >= 0 ? -errno
										  : change->fds[index];
	}
	return 0;
}

static void note_entries(struct dataplane_change *change, const struct compiled_account *want)
{
	change->entries[FAMILY4] = (uint32_t)want->count4;
	change->entries[FAMILY6] = (uint32_t)want->count6;
}

/* keeps: a family whose list in force stays as it is. */
int change_stage(struct dataplane *dataplane, const struct compiled_account *want,
		 struct dataplane_lists *lists, const bool keeps[FAMILY_INDEX_MAX],
		 struct dataplane_change **ret, struct ag_error *error)
{
	AUTO_CHANGE struct dataplane_change *change = NULL;
	union ag_account_state old = account_state(dataplane, want->slot);
	uint8_t action = AG_ACTION_DROP;
	int result = 0;

	if (want->active)
		result = actions_take(dataplane, &want->on_deny, want->mode == AG_MODE_ENFORCE, &action,
				      error);
	if (result < 0)
		return result;
	result = change_new(dataplane, want->slot, &change);
	if (result < 0) {
		actions_let_go(dataplane, action);
		return change_error(result, error);
	}
	note_entries(change, want);
	if (want->active) {
		change->state.flags = flags_of(want);
		change->state.action = action;
		change->has_action = true;
		if (keeps[FAMILY4] && keeps[FAMILY6]) {
			change->state.block = old.block;
			change->state.flags |= old.flags & AG_ACCOUNT_EXPIRES;
			set_held(change, lists);
		} else {
			result = stage_lines(change, want, lists);
		}
		if (result == 0)
			result = change_move(change, lists);
	}
	if (result < 0)
		return change_error(result, error);
	if (change->state.word == old.word && !change->lines && !dataplane->damaged[want->slot])
		change->step = CHANGE_NOTHING;
	*ret = TAKE_PTR(change);
	return 0;
}

int dataplane_stage_ready(struct dataplane *dataplane, const struct compiled_account *want,
			  struct dataplane_lists *lists, struct dataplane_change **ret,
			  struct ag_error *error)
{
	static const bool keeps_nothing[FAMILY_INDEX_MAX] = {false, false};
	AUTO_LISTS struct dataplane_lists *owned = lists;
	int result = change_check(dataplane, want, error);

	if (result < 0)
		return result;
	return change_stage(dataplane, want, owned, keeps_nothing, ret, error);
}
