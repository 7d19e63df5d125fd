// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_lists.c - what the kernel holds of accounts: read, cleared, asked
 */
#include "userspace/io/dataplane_private.h"

#include <errno.h>
#include <string.h>

static int list_error(int result, uint32_t slot, struct ag_error *error)
{
	if (result == -ENOMEM)
		return dataplane_no_memory(error);
	if (result == -EPERM)
		return error_set(
			error, ERROR_KERNEL,
			"not allowed to open the list of account slot %u: run as root, or with CAP_SYS_ADMIN",
			slot);
	return error_set(error, ERROR_KERNEL, "cannot read the list of account slot %u: %s", slot,
			 strerror(-result));
}

static int read_list(struct dataplane *dataplane, enum family_index index, uint32_t slot,
		     struct compiled_entry **ret, size_t *ret_count)
{
	AUTO_FD int fd = trie_open(dataplane, index, slot);

	if (fd == -ENOENT)
		return 0;
	return fd < 0 ? fd : trie_read(fd, index, ret, ret_count);
}

int dataplane_read_account(struct dataplane *dataplane, uint32_t slot, struct compiled_account *ret,
			   struct ag_error *error)
{
	struct compiled_account account = {.slot = slot};
	int result = dataplane_check_slot(dataplane, slot, error);

	if (result < 0)
		return result;
	account.state = account_state(dataplane, slot);
	result = read_list(dataplane, FAMILY4, slot, &account.entries4, &account.count4);
	if (result == 0)
		result = read_list(dataplane, FAMILY6, slot, &account.entries6, &account.count6);
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
		if (account_state(dataplane, slot).word || dataplane->listed[slot])
			slots[count++] = slot;
	*ret_count = count;
	*ret = TAKE_PTR(slots);
	return 0;
}

/* The longest match: the trie's entry, or 0 and no entry. */
static int match(struct dataplane *dataplane, uint32_t slot, const struct addr *source, bool *ret_found,
		 struct ag_entry *ret)
{
	enum family_index index = source->family == AG_FAMILY_IPV4 ? FAMILY4 : FAMILY6;
	const struct prefix host = {.addr = *source, .len = addr_bits(source)};
	union trie_key key = trie_key_of(&host);
	AUTO_FD int fd = trie_open(dataplane, index, slot);
	int result = fd < 0 ? fd : bpf_map_lookup_elem(fd, &key, ret);

	*ret_found = result == 0;
	return result == -ENOENT ? 0 : result;
}

int dataplane_decide(struct dataplane *dataplane, uint32_t slot, const struct addr *source,
		     enum ag_verdict *ret, struct prefix *ret_entry, struct ag_error *error)
{
	struct prefix decides = {.len = 255};
	struct ag_entry entry = {0};
	union ag_account_state state;
	bool found = false;
	int result = dataplane_check_slot(dataplane, slot, error);

	if (result < 0)
		return result;
	if (!addr_known(source))
		return error_set(error, ERROR_BAD_REQUEST,
				 "no address to decide about: give an IPv4 or IPv6 address");
	state = account_state(dataplane, slot);
	if (state.active) {
		result = match(dataplane, slot, source, &found, &entry);
		if (result < 0)
			return list_error(result, slot, error);
	}
	if (found)
		decides = prefix_of(source, entry.len);
	if (ret_entry)
		*ret_entry = decides;
	if (!state.active)
		*ret = AG_VERDICT_OPEN;
	else if (found && entry.verdict == AG_ENTRY_ALLOW)
		*ret = AG_VERDICT_ALLOWED;
	else
		*ret = state.mode == AG_MODE_MONITOR ? AG_VERDICT_WOULD_DENY : AG_VERDICT_DENIED;
	return 0;
}
