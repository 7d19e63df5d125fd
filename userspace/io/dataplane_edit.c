// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_edit.c - a change of one account as a difference from what is in force
 *
 * A short list is read from its lines, edited and written anew. Of a long one, one entry can be changed where
 * it stands, if that is all that changes: then there is no moment at which a packet sees half of the change.
 * An index that has no room where the entry must be has some made first, which changes nothing and takes a
 * grace period. Everything else takes a fresh list.
 */
#include "userspace/io/dataplane_private.h"

#include <errno.h>
#include <string.h>

#define HELD_WORDS_TIDY (HELD_WORDS_MAX / 2)
/* Times that room is made in an index, a grace period each, before a fresh one is taken. */
#define ROOM_ATTEMPTS 6

/* A long list that has become so short that it is taken back into lines, and not soon too long again. */
static bool is_short_again(enum family_index index, size_t count)
{
	return shortlist_lines(family_of_index(index), count + count / 3) != SHORTLIST_TOO_LONG;
}

/* Of `count` entries, as many as there must be then; else the list is another one than was thought. */
static bool edit_comes_to(enum compile_edit kind, size_t count, bool is_there, size_t want)
{
	return kind == COMPILE_ADD ? count + !is_there == want : is_there && count - 1 == want;
}

/* Makes room as far as it takes: what other changes of the account were staged upon is gone by that. */
static int plan_index_edit(struct dataplane_change *change)
{
	struct dataplane *dataplane = change->dataplane;
	int result;

	for (unsigned int attempt = 0;; attempt++) {
		result = index_plan(dataplane, change->index, change->kept, &change->edit, &change->plan);
		if (result != -EAGAIN)
			return result;
		if (attempt == ROOM_ATTEMPTS)
			return -E2BIG;
		change->version = ++dataplane->versions[change->slot];
		index_apply(dataplane, change->kept, &change->plan);
		result = dataplane_grace(dataplane);
		if (result < 0)
			return result;
	}
}

static int stage_index_edit(struct dataplane_change *change, uint32_t map_id, size_t want)
{
	const struct listindex *held;
	size_t count;
	int result = index_keep(change->dataplane, change->fds[change->index], map_id, change->slot,
				&change->kept);

	if (result < 0)
		return result;
	held = &change->kept->view.index;
	count = listindex_count(held);
	if (!edit_comes_to(change->edit.kind, count, change->edit.kind == COMPILE_REMOVE || count == want,
			   want))
		return -E2BIG;
	change->step = CHANGE_INDEX;
	result = plan_index_edit(change);
	if (result == 0 && change->plan.entries != want)
		result = -E2BIG;
	return result == -ENOENT || result == -EEXIST ? -E2BIG : result;
}

/* Counted once, and kept up from then on. */
static int trie_count(struct dataplane_change *change, uint32_t *ret)
{
	uint32_t *known = &change->dataplane->trie_entries[change->slot * 2 + change->index];
	AUTO_DUMP struct map_dump dump = {0};
	int result;

	if (*known == UINT32_MAX) {
		result = map_dump(change->fds[change->index], trie_key_size(change->index),
				  sizeof(struct ag_entry), &dump);
		if (result < 0)
			return result;
		*known = (uint32_t)dump.count;
	}
	*ret = *known;
	return 0;
}

static int stage_trie_edit(struct dataplane_change *change, size_t want)
{
	const struct compiled_edit *edit = &change->edit;
	union trie_key key = trie_key_of(&edit->entry.prefix);
	struct ag_entry found = {0};
	uint32_t count;
	int result = bpf_map_lookup_elem(change->fds[change->index], &key, &found);
	bool is_there = result == 0 && found.len == edit->entry.prefix.len;

	if (result < 0 && result != -ENOENT)
		return result;
	result = trie_count(change, &count);
	if (result < 0)
		return result;
	change->step = CHANGE_TRIE;
	return edit_comes_to(edit->kind, count, is_there, want) ? 0 : -E2BIG;
}

int entries_edit(const struct compiled_entry *entries, size_t count, const struct compiled_edit *edit,
		 struct compiled_entry **ret, size_t *ret_count)
{
	struct compiled_entry *edited = calloc(count + 1, sizeof(*edited));
	size_t used = 0, i = 0;

	if (!edited)
		return -ENOMEM;
	while (i < count && prefix_compare(&entries[i].prefix, &edit->entry.prefix) < 0)
		edited[used++] = entries[i++];
	if (edit->kind == COMPILE_ADD)
		edited[used++] = edit->entry;
	if (i < count && prefix_compare(&entries[i].prefix, &edit->entry.prefix) == 0) {
		if (edit->kind == COMPILE_ADD)
			edited[used - 1].value.seen = entries[i].value.seen;
		i++;
	}
	while (i < count)
		edited[used++] = entries[i++];
	*ret = edited;
	*ret_count = used;
	return 0;
}

/* -E2BIG where it cannot be done in place. */
static int stage_in_place(struct dataplane *dataplane, enum family_index index,
			  const struct compiled_account *want, const struct compiled_edit *edit,
			  struct dataplane_change **ret)
{
	AUTO_CHANGE struct dataplane_change *change = NULL;
	union ag_account_state state = account_state(dataplane, want->slot);
	uint8_t held = state_held(state, index);
	uint32_t map_id = 0;
	size_t count;
	int result;

	(void)entries_of(want, index, &count);
	if (is_short_again(index, count))
		return -E2BIG;
	if (dataplane->held_count >= HELD_WORDS_TIDY) {
		result = dataplane_grace(dataplane);
		if (result < 0)
			return result;
	}
	result = change_new(dataplane, want->slot, &change);
	if (result < 0)
		return result;
	change->state = state;
	change->index = index;
	change->edit = *edit;
	change->entries[index] = (uint32_t)count;
	change->fds[index] = long_open(dataplane, long_kind_of(index, held),
				       ag_long_place(want->slot, state.flags), &map_id);
	if (change->fds[index] < 0)
		return change->fds[index];
	result = held == AG_HELD_INDEX ? stage_index_edit(change, map_id, count)
				       : stage_trie_edit(change, count);
	if (result == 0)
		*ret = TAKE_PTR(change);
	return result;
}

int change_rebuild(struct dataplane_change *change)
{
	struct dataplane *dataplane = change->dataplane;
	AUTO_LISTS struct dataplane_lists *lists = NULL;
	AUTO_FREE struct compiled_entry *entries = NULL, *edited = NULL;
	struct compiled_edit *edit = &change->edit;
	size_t count = 0;
	int result = lists_new(&lists);

	if (result == 0)
		result = trie_read(change->fds[change->index], change->index, &entries, &count);
	if (result == 0)
		result = entries_edit(entries, count, edit, &edited, &count);
	if (result < 0)
		return result;
	lists->fds[change->index] = long_build(dataplane, change->index, edited, count,
					       &lists->held[change->index]);
	if (lists->fds[change->index] < 0)
		return lists->fds[change->index];
	cleanup_fd(&change->fds[change->index]);
	change->fds[change->index] = -1;
	if (change->index == FAMILY4)
		change->state.held4 = lists->held[FAMILY4];
	else
		change->state.held6 = lists->held[FAMILY6];
	change->step = CHANGE_WORD;
	return change_move(change, lists);
}

/* --- a whole list that is wanted ------------------------------------------------- */

struct differences {
	size_t count[FAMILY_INDEX_MAX];
	enum family_index index; /* at work upon */
	struct compiled_edit first[FAMILY_INDEX_MAX];
};

static int note_difference(enum compile_edit kind, const struct compiled_entry *entry, void *arg)
{
	struct differences *found = arg;

	if (found->count[found->index]++)
		return 1; /* more than one is all that is to be known */
	found->first[found->index] = (struct compiled_edit){.kind = kind, .entry = *entry};
	return 0;
}

static bool is_as_held(union ag_account_state state, const struct compiled_account *have)
{
	for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++) {
		uint8_t held = state_held(state, index);
		size_t count;

		(void)entries_of(have, index, &count);
		if (!held_is_long(held) && held != shortlist_lines(family_of_index(index), count))
			return false;
		if (held_is_long(held) && !count)
			return false;
	}
	return true;
}

/* What the caller says is there counts only where it can be so. */
static bool is_known(const struct dataplane *dataplane, union ag_account_state state,
		     const struct compiled_account *have, const struct compiled_account *want)
{
	return have && want->active && have->active && state.word && !dataplane->damaged[want->slot] &&
	       is_as_held(state, have);
}

static void find_differences(const struct compiled_account *have, const struct compiled_account *want,
			     struct differences *found)
{
	for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++) {
		size_t have_count, want_count;
		const struct compiled_entry *held = entries_of(have, index, &have_count);
		const struct compiled_entry *wanted = entries_of(want, index, &want_count);

		found->index = index;
		(void)compile_difference(held, have_count, wanted, want_count, note_difference,
					 found); /* 1: it stopped */
	}
}

/* The longest that holds this one, of a sorted list. */
static void find_uncovered(const struct compiled_account *want, enum family_index index,
			   struct compiled_edit *edit)
{
	size_t count;
	const struct compiled_entry *entries = entries_of(want, index, &count);

	for (size_t i = 0; i < count && prefix_compare(&entries[i].prefix, &edit->entry.prefix) < 0; i++) {
		if (!prefix_covers(&entries[i].prefix, &edit->entry.prefix))
			continue;
		edit->has_uncovered = true;
		edit->uncovered = entries[i];
	}
}

static int stage_one(struct dataplane *dataplane, const struct compiled_account *want,
		     struct differences *found, struct dataplane_change **ret)
{
	union ag_account_state state = account_state(dataplane, want->slot);
	enum family_index index = found->count[FAMILY4] ? FAMILY4 : FAMILY6;

	if (found->count[FAMILY4] + found->count[FAMILY6] != 1 ||
	    !change_same_settings(dataplane, state, want) || !held_is_long(state_held(state, index)))
		return -E2BIG;
	if (found->first[index].kind == COMPILE_REMOVE || found->first[index].entry.value.expires)
		find_uncovered(want, index, &found->first[index]);
	return stage_in_place(dataplane, index, want, &found->first[index], ret);
}

static int stage_difference(struct dataplane *dataplane, const struct compiled_account *want,
			    const bool keeps[FAMILY_INDEX_MAX], struct dataplane_change **ret,
			    struct ag_error *error)
{
	union ag_account_state state = account_state(dataplane, want->slot);
	AUTO_LISTS struct dataplane_lists *lists = NULL;
	int result = lists_new(&lists);

	for (enum family_index index = 0; index < FAMILY_INDEX_MAX && result == 0; index++) {
		if (keeps[index])
			lists->held[index] = state_held(state, index);
		else
			result = lists_build_family(dataplane, index, want, true, lists);
	}
	if (result < 0)
		return change_error(result, error);
	return change_stage(dataplane, want, lists, keeps, ret, error);
}

int dataplane_stage(struct dataplane *dataplane, const struct compiled_account *have,
		    const struct compiled_account *want, struct dataplane_change **ret,
		    struct ag_error *error)
{
	bool keeps[FAMILY_INDEX_MAX] = {false, false};
	struct differences found = {0};
	int result = change_check(dataplane, want, error);

	if (result < 0)
		return result;
	result = -E2BIG;
	if (is_known(dataplane, account_state(dataplane, want->slot), have, want)) {
		find_differences(have, want, &found);
		keeps[FAMILY4] = !found.count[FAMILY4];
		keeps[FAMILY6] = !found.count[FAMILY6];
		result = stage_one(dataplane, want, &found, ret);
	}
	if (result == -E2BIG)
		return stage_difference(dataplane, want, keeps, ret, error);
	return result < 0 ? change_error(result, error) : 0;
}

/* --- some edits of what the kernel holds ------------------------------------------ */

struct editing {
	struct compiled_account account; /* what comes of it, of the families that are in lines */
	size_t edits[FAMILY_INDEX_MAX];
	const struct compiled_edit *last[FAMILY_INDEX_MAX];
};

static void editing_clear(struct editing *editing)
{
	compiled_account_clear(&editing->account);
}

static enum family_index family_of_edit(const struct compiled_edit *edit)
{
	return edit->entry.prefix.addr.family == AG_FAMILY_IPV4 ? FAMILY4 : FAMILY6;
}

static int edit_family(struct dataplane *dataplane, enum family_index index,
		       const struct compiled_account *want, const struct compiled_edit *edits, size_t count,
		       struct editing *editing)
{
	union ag_account_state state = account_state(dataplane, want->slot);
	AUTO_FREE struct compiled_entry *held = NULL;
	size_t held_count = 0, want_count, *ret_count;
	struct compiled_entry **ret;
	int result;

	(void)entries_of(want, index, &want_count);
	ret = index == FAMILY4 ? &editing->account.entries4 : &editing->account.entries6;
	ret_count = index == FAMILY4 ? &editing->account.count4 : &editing->account.count6;
	if (held_is_long(state_held(state, index))) {
		*ret_count = want_count;
		return 0;
	}
	result = list_read(dataplane, index, want->slot, state, &held, &held_count);
	for (size_t i = 0; i < count && result == 0; i++) {
		AUTO_FREE struct compiled_entry *before = NULL;

		if (family_of_edit(&edits[i]) != index)
			continue;
		before = TAKE_PTR(held);
		result = entries_edit(before, held_count, &edits[i], &held, &held_count);
	}
	if (result < 0)
		return result;
	*ret = TAKE_PTR(held);
	*ret_count = held_count;
	return held_count == want_count ? 0 : -E2BIG;
}

static int stage_edited(struct dataplane *dataplane, const struct compiled_account *want,
			const struct editing *editing, struct dataplane_change **ret, struct ag_error *error)
{
	union ag_account_state state = account_state(dataplane, want->slot);
	bool keeps[FAMILY_INDEX_MAX];
	size_t edits = editing->edits[FAMILY4] + editing->edits[FAMILY6];

	for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++) {
		keeps[index] = !editing->edits[index];
		if (keeps[index] || !held_is_long(state_held(state, index)))
			continue;
		if (edits != 1 || !change_same_settings(dataplane, state, want))
			return -E2BIG;
		return stage_in_place(dataplane, index, &editing->account, editing->last[index], ret);
	}
	return stage_difference(dataplane, &editing->account, keeps, ret, error);
}

int dataplane_stage_edits(struct dataplane *dataplane, const struct compiled_account *want,
			  const struct compiled_edit *edits, size_t count, struct dataplane_change **ret,
			  struct ag_error *error)
{
	CLEANUP(editing_clear)
	struct editing editing = {.account = {.slot = want->slot,
					      .active = want->active,
					      .mode = want->mode,
					      .on_deny = want->on_deny}};
	struct dataplane_change *change = NULL;
	int result = change_check(dataplane, want, error);

	if (result < 0)
		return result;
	if (!want->active) {
		*ret = NULL;
		return dataplane_stage(dataplane, NULL, want, ret, error);
	}
	for (size_t i = 0; i < count; i++) {
		editing.edits[family_of_edit(&edits[i])]++;
		editing.last[family_of_edit(&edits[i])] = &edits[i];
	}
	result = account_state(dataplane, want->slot).word && !dataplane->damaged[want->slot] ? 0 : -E2BIG;
	for (enum family_index index = 0; index < FAMILY_INDEX_MAX && result == 0; index++)
		result = edit_family(dataplane, index, want, edits, count, &editing);
	if (result == 0)
		result = stage_edited(dataplane, want, &editing, &change, error);
	if (result < 0 && result != -E2BIG && result != -EBADMSG)
		return error->code ? result : change_error(result, error);
	*ret = change;
	return 0;
}
