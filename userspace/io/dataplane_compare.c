// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_compare.c - what the kernel holds of an account against what it shall
 *
 * Fed entry by entry, so that nobody needs the whole list at once: an index is asked for each entry and then
 * for their number, since what is more than was asked for is too much. Other lists are read and walked
 * beside.
 */
#include "userspace/io/dataplane_private.h"

#include <errno.h>
#include <string.h>

struct held_list {
	struct index_view view;		/* an index */
	struct compiled_entry *entries; /* lines, or a trie */
	size_t count;
	size_t next; /* of entries, or how many were found in the index */
};

struct dataplane_comparison {
	struct dataplane *dataplane;
	uint32_t slot;
	uint32_t version;
	union ag_account_state state;
	bool unreadable; /* everything differs */
	struct held_list lists[FAMILY_INDEX_MAX];
	size_t differing;
};

static void comparison_free(struct dataplane_comparison *comparison)
{
	for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++) {
		index_view_close(&comparison->lists[index].view);
		free(comparison->lists[index].entries);
	}
	free(comparison);
}

DEFINE_CLEANUP(comparison, struct dataplane_comparison *, comparison_free)

static int open_list(struct dataplane_comparison *comparison, enum family_index index)
{
	struct dataplane *dataplane = comparison->dataplane;
	struct held_list *list = &comparison->lists[index];
	AUTO_FD int fd = -1;
	int result;

	if (state_held(comparison->state, index) != AG_HELD_INDEX || dataplane->damaged[comparison->slot])
		return list_read(dataplane, index, comparison->slot, comparison->state, &list->entries,
				 &list->count);
	fd = long_open(dataplane, long_kind_of(index, AG_HELD_INDEX),
		       ag_long_place(comparison->slot, comparison->state.flags), NULL);
	if (fd < 0)
		return fd;
	result = index_view_open(fd, &list->view);
	if (result == 0)
		list->count = listindex_count(&list->view.index);
	return result;
}

int dataplane_compare_begin(struct dataplane *dataplane, uint32_t slot, struct dataplane_comparison **ret,
			    struct ag_error *error)
{
	CLEANUP(cleanup_comparison) struct dataplane_comparison *comparison = NULL;
	int result = dataplane_check_slot(dataplane, slot, error);

	if (result < 0)
		return result;
	comparison = calloc(1, sizeof(*comparison));
	if (!comparison)
		return dataplane_no_memory(error);
	comparison->dataplane = dataplane;
	comparison->slot = slot;
	comparison->version = dataplane->versions[slot];
	comparison->state = account_state(dataplane, slot);
	for (enum family_index index = 0; index < FAMILY_INDEX_MAX && result == 0; index++)
		result = open_list(comparison, index);
	comparison->unreadable = result == -EBADMSG;
	if (result < 0 && !comparison->unreadable)
		return list_error(result, slot, error);
	*ret = TAKE_PTR(comparison);
	return 0;
}

/* Up to this entry, what is in the kernel alone differs. */
static bool walk_to(struct dataplane_comparison *comparison, struct held_list *list,
		    const struct compiled_entry *entry)
{
	int order = 1;

	while (list->next < list->count) {
		order = prefix_compare(&list->entries[list->next].prefix, &entry->prefix);
		if (order >= 0)
			break;
		list->next++;
		comparison->differing++;
	}
	if (list->next == list->count || order != 0)
		return false;
	return compiled_entry_equal(&list->entries[list->next++], entry);
}

/* One that is there with another verdict or expiry is found, but differs. */
static bool ask_index(struct held_list *list, const struct compiled_entry *entry)
{
	enum ag_family family = (enum ag_family)entry->prefix.addr.family;

	if (listindex_holds(family, &list->view.index, entry)) {
		list->next++;
		return true;
	}
	list->next += listindex_names(&list->view.index, &entry->prefix);
	return false;
}

int dataplane_compare_feed(struct dataplane_comparison *comparison, const struct compiled_entry *entry,
			   struct ag_error *error)
{
	struct held_list *list =
		&comparison->lists[entry->prefix.addr.family == AG_FAMILY_IPV4 ? FAMILY4 : FAMILY6];

	(void)error; /* nothing here can fail any more */
	if (comparison->unreadable)
		comparison->differing++;
	else if (list->view.index.lines)
		comparison->differing += !ask_index(list, entry);
	else
		comparison->differing += !walk_to(comparison, list, entry);
	return 0;
}

static bool settings_differ(const struct dataplane_comparison *comparison, bool active, enum ag_mode mode,
			    const struct on_deny *on_deny)
{
	union ag_account_state state = comparison->state;
	const struct on_deny held = actions_read(comparison->dataplane, state.action);
	uint8_t flags = AG_ACCOUNT_ACTIVE | (mode == AG_MODE_MONITOR ? AG_ACCOUNT_MONITOR : 0);

	if (comparison->unreadable)
		return true;
	if (!active)
		return state.word != 0;
	return (state.flags & ~(AG_ACCOUNT_SIDE | AG_ACCOUNT_EXPIRES)) != flags ||
	       !on_deny_equal(&held, on_deny);
}

int dataplane_compare_end(struct dataplane_comparison *comparison, bool active, enum ag_mode mode,
			  const struct on_deny *on_deny, size_t *ret_differing, struct ag_error *error)
{
	CLEANUP(cleanup_comparison) struct dataplane_comparison *ended = comparison;

	(void)error; /* nothing here can fail any more */
	if (ended->version != ended->dataplane->versions[ended->slot])
		return -EAGAIN;
	for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++)
		if (ended->lists[index].count > ended->lists[index].next)
			ended->differing += ended->lists[index].count - ended->lists[index].next;
	*ret_differing = ended->differing + settings_differ(ended, active, mode, on_deny);
	return 0;
}
