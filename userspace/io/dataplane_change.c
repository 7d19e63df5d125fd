// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_change.c - a change of one account: staged where it may fail, published where it must not
 *
 * Invariants: a trie that is live changes by one element at a time and in nothing else; what differs by more
 * is built aside and swapped. An account that is active has all its lists, complete: they come before its
 * state when it becomes active, and go after its state, and a grace period, when it opens.
 */
#include "userspace/io/dataplane_private.h"

#include <errno.h>
#include <string.h>

enum list_step {
	LIST_NOTHING, /* or done */
	LIST_EDIT,    /* one element of the live trie */
	LIST_SWAP,    /* a trie that stands ready takes its place */
	LIST_DROP,
};

struct list_change {
	enum list_step step;
	int fd; /* of the live trie to edit, or the ready one */
	bool existed;
	enum compile_edit kind;
	struct compiled_entry edit;
	struct compiled_entry *wanted; /* all of it, for an edit that is refused for good */
	size_t wanted_count;
};

struct dataplane_change {
	uint32_t slot;
	union ag_account_state state;
	bool grace_due; /* it has been opened, and programs that run may not know yet */
	struct list_change lists[FAMILY_INDEX_MAX];
};

void dataplane_change_free(struct dataplane_change *change)
{
	if (!change)
		return;
	for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++) {
		if (change->lists[index].fd >= 0)
			(void)close(change->lists[index].fd); /* the array of maps holds what is in force */
		free(change->lists[index].wanted);
	}
	free(change);
}

DEFINE_CLEANUP(change, struct dataplane_change *, dataplane_change_free)

static const struct compiled_entry *entries_of(const struct compiled_account *account,
					       enum family_index index, size_t *ret_count)
{
	*ret_count = index == FAMILY4 ? account->count4 : account->count6;
	return index == FAMILY4 ? account->entries4 : account->entries6;
}

struct differences {
	size_t count;
	enum compile_edit kind; /* of the first */
	struct compiled_entry entry;
};

static int note_difference(enum compile_edit kind, const struct compiled_entry *entry, void *arg)
{
	struct differences *found = arg;

	if (found->count++)
		return 1; /* more than one is all that is to be known */
	found->kind = kind;
	found->entry = *entry;
	return 0;
}

/* From what the caller knows to be there, or else from the kernel. */
static int find_differences(struct dataplane *dataplane, enum family_index index,
			    const struct compiled_account *have, const struct compiled_account *want,
			    struct differences *found)
{
	AUTO_FREE struct compiled_entry *kernel = NULL;
	size_t have_count, want_count;
	const struct compiled_entry *wanted = entries_of(want, index, &want_count);
	const struct compiled_entry *held = have ? entries_of(have, index, &have_count) : NULL;

	if (!have) {
		AUTO_FD int fd = trie_open(dataplane, index, want->slot);
		int result = fd < 0 ? fd : trie_read(fd, index, &kernel, &have_count);

		if (result < 0)
			return result;
		held = kernel;
	}
	(void)compile_difference(held, have_count, wanted, want_count, note_difference,
				 found); /* 1: it stopped */
	return 0;
}

static int stage_edit(struct dataplane *dataplane, enum family_index index,
		      const struct compiled_account *want, const struct differences *found,
		      struct list_change *list)
{
	const struct compiled_entry *wanted = entries_of(want, index, &list->wanted_count);

	list->wanted = calloc(list->wanted_count, sizeof(*wanted));
	if (!list->wanted)
		return -ENOMEM;
	memcpy(list->wanted, wanted, list->wanted_count * sizeof(*wanted));
	list->kind = found->kind;
	list->edit = found->entry;
	list->fd = trie_open(dataplane, index, want->slot);
	if (list->fd < 0)
		return list->fd;
	list->step = LIST_EDIT;
	return 0;
}

static int stage_swap(struct dataplane *dataplane, enum family_index index,
		      const struct compiled_account *want, struct list_change *list)
{
	size_t count;
	const struct compiled_entry *entries = entries_of(want, index, &count);

	list->fd = trie_build(dataplane, index, entries, count);
	if (list->fd < 0)
		return list->fd;
	list->step = LIST_SWAP;
	return 0;
}

/* live: the account is active before and after, so that one edit is as good as a swap. */
static int stage_list(struct dataplane *dataplane, enum family_index index,
		      const struct compiled_account *have, const struct compiled_account *want, bool live,
		      struct list_change *list)
{
	struct differences found = {0};
	size_t count;
	int result;

	(void)entries_of(want, index, &count);
	list->existed = trie_exists(dataplane, index, want->slot);
	if (count == 0) {
		list->step = list->existed ? LIST_DROP : LIST_NOTHING;
		return 0;
	}
	if (!list->existed)
		return stage_swap(dataplane, index, want, list);
	result = find_differences(dataplane, index, have, want, &found);
	if (result < 0 || found.count == 0)
		return result;
	if (found.count == 1 && live)
		return stage_edit(dataplane, index, want, &found, list);
	return stage_swap(dataplane, index, want, list);
}

static int check_want(const struct dataplane *dataplane, const struct compiled_account *want,
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

static int stage_error(int result, struct ag_error *error)
{
	if (result == -EPERM)
		return error_set(error, ERROR_KERNEL,
				 "not allowed to open an account's list: run as root, or with CAP_SYS_ADMIN");
	return error_set(error, ERROR_KERNEL, "the kernel refused an account's new list: %s",
			 strerror(-result));
}

int dataplane_stage(struct dataplane *dataplane, const struct compiled_account *have,
		    const struct compiled_account *want, struct dataplane_change **ret,
		    struct ag_error *error)
{
	CLEANUP(cleanup_change) struct dataplane_change *change = NULL;
	bool active;
	int result = check_want(dataplane, want, error);

	if (result < 0)
		return result;
	change = calloc(1, sizeof(*change));
	if (!change)
		return dataplane_no_memory(error);
	for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++)
		change->lists[index].fd = -1;
	change->slot = want->slot;
	change->state = want->state;
	active = account_state(dataplane, want->slot).active;
	if (!active)
		have = NULL; /* what an account had before it opened need not be what the kernel still holds
			      */
	for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++) {
		result = stage_list(dataplane, index, have, want, active && want->state.active,
				    &change->lists[index]);
		if (result < 0)
			return stage_error(result, error);
	}
	*ret = TAKE_PTR(change);
	return 0;
}

static void set_state(struct dataplane *dataplane, const struct dataplane_change *change)
{
	__atomic_store_n(&dataplane->accounts[change->slot].state.word, change->state.word, __ATOMIC_RELEASE);
}

static int set_outer(struct dataplane *dataplane, enum family_index index, uint32_t slot, int fd)
{
	return map_update(dataplane_map_fd(dataplane_outer_map(dataplane, index)), &slot, &fd);
}

static int drop_outer(struct dataplane *dataplane, enum family_index index, uint32_t slot)
{
	int result = bpf_map_delete_elem(dataplane_map_fd(dataplane_outer_map(dataplane, index)), &slot);

	return result == -ENOENT ? 0 : result;
}

static int open_accounts(struct dataplane *dataplane, struct dataplane_change *const *changes, size_t count)
{
	bool grace_due = false;
	int result;

	for (size_t i = 0; i < count; i++) {
		struct dataplane_change *change = changes[i];

		if (!change->state.active && account_state(dataplane, change->slot).active) {
			set_state(dataplane, change);
			change->grace_due = true;
		}
		grace_due = grace_due || change->grace_due;
	}
	result = grace_due ? map_grace_period() : 0;
	for (size_t i = 0; i < count && result == 0; i++)
		changes[i]->grace_due = false;
	return result;
}

/* An edit that the kernel goes on refusing (memory, a full trie) becomes a swap. */
static int publish_edit(struct dataplane *dataplane, enum family_index index, uint32_t slot,
			const struct list_change *list)
{
	AUTO_FD int fresh = -1;

	if (trie_edit(list->fd, list->kind, &list->edit) == 0)
		return 0;
	fresh = trie_build(dataplane, index, list->wanted, list->wanted_count);
	return fresh < 0 ? fresh : set_outer(dataplane, index, slot, fresh);
}

static void list_done(struct dataplane *dataplane, enum family_index index, struct dataplane_change *change)
{
	struct list_change *list = &change->lists[index];
	uint8_t bit = (uint8_t)(1U << index);

	dataplane->list_count[index] += !list->existed && list->step == LIST_SWAP;
	dataplane->list_count[index] -= list->existed && list->step == LIST_DROP;
	if (list->step == LIST_SWAP)
		dataplane->listed[change->slot] |= bit;
	else if (list->step == LIST_DROP)
		dataplane->listed[change->slot] &= (uint8_t)~bit;
	list->step = LIST_NOTHING;
}

/* All swaps of a family in one batch, that waits for one grace period rather than for each. */
static int publish_swaps(struct dataplane *dataplane, enum family_index index,
			 struct dataplane_change *const *changes, size_t count)
{
	AUTO_FREE uint32_t *slots = calloc(count, sizeof(*slots));
	AUTO_FREE int *fds = calloc(count, sizeof(*fds));
	size_t swaps = 0;
	int result;

	if (!slots || !fds)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (changes[i]->lists[index].step != LIST_SWAP)
			continue;
		slots[swaps] = changes[i]->slot;
		fds[swaps++] = changes[i]->lists[index].fd;
	}
	result = map_update_all(dataplane_map_fd(dataplane_outer_map(dataplane, index)), sizeof(*slots),
				sizeof(*fds), (const uint8_t *)slots, (const uint8_t *)fds, swaps);
	if (result < 0)
		return result;
	for (size_t i = 0; i < count; i++)
		if (changes[i]->lists[index].step == LIST_SWAP)
			list_done(dataplane, index, changes[i]);
	return 0;
}

static int publish_list(struct dataplane *dataplane, enum family_index index, struct dataplane_change *change)
{
	struct list_change *list = &change->lists[index];
	int result = 0;

	if (list->step == LIST_EDIT)
		result = publish_edit(dataplane, index, change->slot, list);
	else if (list->step == LIST_DROP)
		result = drop_outer(dataplane, index, change->slot);
	if (result == 0)
		list_done(dataplane, index, change);
	return result;
}

static int publish_lists(struct dataplane *dataplane, enum family_index index,
			 struct dataplane_change *const *changes, size_t count)
{
	int result = publish_swaps(dataplane, index, changes, count);

	for (size_t i = 0; i < count && result == 0; i++)
		result = publish_list(dataplane, index, changes[i]);
	return result;
}

int dataplane_publish_all(struct dataplane *dataplane, struct dataplane_change *const *changes, size_t count,
			  struct ag_error *error)
{
	int result = count ? open_accounts(dataplane, changes, count) : 0;

	for (enum family_index index = 0; index < FAMILY_INDEX_MAX && count && result == 0; index++)
		result = publish_lists(dataplane, index, changes, count);
	if (result < 0)
		return error_set(error, ERROR_KERNEL, "the kernel refuses to put a list in force: %s",
				 strerror(-result));
	for (size_t i = 0; i < count; i++)
		set_state(dataplane, changes[i]);
	return 0;
}

int dataplane_publish(struct dataplane *dataplane, struct dataplane_change *change, struct ag_error *error)
{
	return dataplane_publish_all(dataplane, &change, 1, error);
}
