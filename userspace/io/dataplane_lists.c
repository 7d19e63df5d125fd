// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_lists.c - what the kernel holds of accounts: read, cleared, asked
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
	uint32_t block = state.block + (index == FAMILY6 ? held_lines(state.held4) : 0);

	return shortlist_decode(family_of_index(index), dataplane->space.lines + block,
				state_held(state, index), ret, ret_count);
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

static void read_settings(union ag_account_state state, struct compiled_account *account)
{
	account->active = state.flags & AG_ACCOUNT_ACTIVE;
	account->on_deny = (enum ag_on_deny)state.on_deny;
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
	read_settings(state, &account);
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

	if (!zeros)
		return dataplane_no_memory(error);
	result = map_update(dataplane_map_fd(dataplane->skeleton->maps.ag_account_counters), &slot, zeros);
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

static bool match_lines(struct dataplane *dataplane, union ag_account_state state, const struct addr *source,
			struct compiled_entry *ret)
{
	bool v6 = source->family == AG_FAMILY_IPV6;
	const struct ag_line *lines = dataplane->space.lines + state.block +
				      (v6 ? held_lines(state.held4) : 0);

	return shortlist_match(lines, v6 ? state.held6 : state.held4, source, ret);
}

static int match_index(int fd, const struct addr *source, bool *ret_found, struct compiled_entry *ret)
{
	AUTO_VIEW struct index_view view = {0};
	int result = index_view_open(fd, &view);

	*ret_found = result == 0 && listindex_match(&view.index, source, ret);
	return result;
}

static int match_trie(int fd, const struct addr *source, bool *ret_found, struct compiled_entry *ret)
{
	const struct prefix host = {.addr = *source, .len = addr_bits(source)};
	union trie_key key = trie_key_of(&host);
	int result = bpf_map_lookup_elem(fd, &key, &ret->value);

	*ret_found = result == 0;
	if (result == 0)
		ret->prefix = prefix_of(source, ret->value.len);
	return result == -ENOENT ? 0 : result;
}

/* The longest match, or false in *ret_found. */
static int match(struct dataplane *dataplane, uint32_t slot, union ag_account_state state,
		 const struct addr *source, bool *ret_found, struct compiled_entry *ret)
{
	enum family_index index = source->family == AG_FAMILY_IPV4 ? FAMILY4 : FAMILY6;
	uint8_t held = state_held(state, index);
	AUTO_FD int fd = -1;

	if (dataplane->damaged[slot])
		return -EBADMSG;
	if (!held_is_long(held)) {
		*ret_found = held && match_lines(dataplane, state, source, ret);
		return 0;
	}
	fd = long_open(dataplane, long_kind_of(index, held), ag_long_place(slot, state.flags), NULL);
	if (fd < 0)
		return fd;
	return held == AG_HELD_INDEX ? match_index(fd, source, ret_found, ret)
				     : match_trie(fd, source, ret_found, ret);
}

int dataplane_decide(struct dataplane *dataplane, uint32_t slot, const struct addr *source,
		     enum ag_verdict *ret, struct prefix *ret_entry, struct ag_error *error)
{
	struct prefix decides = {.len = 255};
	struct compiled_entry entry = {0};
	union ag_account_state state;
	bool active, found = false;
	int result = dataplane_check_slot(dataplane, slot, error);

	if (result < 0)
		return result;
	if (!addr_known(source))
		return error_set(error, ERROR_BAD_REQUEST,
				 "no address to decide about: give an IPv4 or IPv6 address");
	state = account_state(dataplane, slot);
	active = state.flags & AG_ACCOUNT_ACTIVE;
	if (active) {
		result = match(dataplane, slot, state, source, &found, &entry);
		if (result < 0)
			return list_error(result, slot, error);
	}
	if (found)
		decides = entry.prefix;
	if (ret_entry)
		*ret_entry = decides;
	if (!active)
		*ret = AG_VERDICT_OPEN;
	else if (found && entry.value.verdict == AG_ENTRY_ALLOW)
		*ret = AG_VERDICT_ALLOWED;
	else
		*ret = state.flags & AG_ACCOUNT_MONITOR ? AG_VERDICT_WOULD_DENY : AG_VERDICT_DENIED;
	return 0;
}
