// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_lists.c - what the kernel holds of accounts: read, cleared
 */
#include "userspace/io/dataplane_private.h"

#include <errno.h>
#include <string.h>

int list_error(int result, uint32_t slot, struct ag_error *error)
{
	if (result == -ENOMEM)
		return dataplane_no_memory(error);
	if (result == -EPERM)
		return error_set(
			error, ERROR_KERNEL,
			"not allowed to open the list of account slot %u: run as root, or with CAP_SYS_ADMIN",
			slot);
	if (result == -EBADMSG)
		return error_set(error, ERROR_KERNEL,
				 "what the kernel holds of account slot %u is damaged: publish it again",
				 slot);
	return error_set(error, ERROR_KERNEL, "cannot read the list of account slot %u: %s", slot,
			 strerror(-result));
}

static int read_lines(struct dataplane *dataplane, enum family_index index, union ag_account_state state,
		      struct compiled_entry **ret, size_t *ret_count)
{
	return shortlist_decode(family_of_index(index), state_list(dataplane, state, index),
				state_held(state, index), state_expiries(dataplane, state, index), ret,
				ret_count);
}

static int read_index(int fd, enum family_index index, struct compiled_entry **ret, size_t *ret_count)
{
	AUTO_VIEW struct index_view view = {0};
	int result = index_view_open(fd, &view);

	return result < 0 ? result : listindex_read(family_of_index(index), &view.index, ret, ret_count);
}

int list_read(struct dataplane *dataplane, enum family_index index, uint32_t slot,
	      union ag_account_state state, struct compiled_entry **ret, size_t *ret_count)
{
	uint8_t held = state_held(state, index);
	AUTO_FD int fd = -1;

	if (dataplane->damaged[slot])
		return -EBADMSG;
	if (!held)
		return 0;
	if (!held_is_long(held))
		return read_lines(dataplane, index, state, ret, ret_count);
	fd = long_open(dataplane, long_kind_of(index, held), ag_long_place(slot, state.flags), NULL);
	if (fd < 0)
		return fd;
	return held == AG_HELD_INDEX ? read_index(fd, index, ret, ret_count)
				     : trie_read(fd, index, ret, ret_count);
}

static void read_settings(const struct dataplane *dataplane, union ag_account_state state,
			  struct compiled_account *account)
{
	account->active = state.flags & AG_ACCOUNT_ACTIVE;
	account->on_deny = actions_read(dataplane, state.action);
	if (account->active)
		account->mode = state.flags & AG_ACCOUNT_MONITOR ? AG_MODE_MONITOR : AG_MODE_ENFORCE;
}

int dataplane_read_account(struct dataplane *dataplane, uint32_t slot, struct compiled_account *ret,
			   struct ag_error *error)
{
	struct compiled_account account = {.slot = slot};
	union ag_account_state state;
	int result = dataplane_check_slot(dataplane, slot, error);

	if (result < 0)
		return result;
	state = account_state(dataplane, slot);
	read_settings(dataplane, state, &account);
	result = list_read(dataplane, FAMILY4, slot, state, &account.entries4, &account.count4);
	if (result == 0)
		result = list_read(dataplane, FAMILY6, slot, state, &account.entries6, &account.count6);
	if (result < 0) {
		compiled_account_clear(&account);
		return list_error(result, slot, error);
	}
	*ret = account;
	return 0;
}

static int clear_counters(struct dataplane *dataplane, uint32_t slot, struct ag_error *error)
{
	AUTO_FREE struct ag_account_counters *zeros = calloc(dataplane->cpus, sizeof(*zeros));
	int result;

	_Static_assert(sizeof(struct ag_action_counters) <= sizeof(*zeros), "zeros for both");
	if (!zeros)
		return dataplane_no_memory(error);
	result = map_update(dataplane_map_fd(dataplane->skeleton->maps.ag_account_counters), &slot, zeros);
	if (result == 0)
		result = map_update(dataplane_map_fd(dataplane->skeleton->maps.ag_action_counters), &slot,
				    zeros);
	if (result < 0)
		return error_set(error, ERROR_KERNEL, "cannot clear the counters of account slot %u: %s",
				 slot, strerror(-result));
	return 0;
}

int dataplane_clear_account(struct dataplane *dataplane, uint32_t slot, struct ag_error *error)
{
	const struct compiled_account nothing = {.slot = slot};
	struct dataplane_change *change = NULL;
	int result = dataplane_stage(dataplane, NULL, &nothing, &change, error);

	if (result < 0)
		return result;
	result = dataplane_publish(dataplane, change, error);
	dataplane_change_free(change);
	return result < 0 ? result : clear_counters(dataplane, slot, error);
}

int dataplane_used_slots(struct dataplane *dataplane, uint32_t **ret, size_t *ret_count,
			 struct ag_error *error)
{
	AUTO_FREE uint32_t *slots = calloc(dataplane->limits.accounts, sizeof(*slots));
	size_t count = 0;

	if (!slots)
		return dataplane_no_memory(error);
	for (uint32_t slot = 0; slot < dataplane->limits.accounts; slot++)
		if (account_state(dataplane, slot).word)
			slots[count++] = slot;
	*ret_count = count;
	*ret = TAKE_PTR(slots);
	return 0;
}
