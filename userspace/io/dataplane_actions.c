// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_actions.c - what is done with stopped packets: the table that accounts' words name by an index
 *
 * A row is complete before a word names it, and left alone until no packet can know of it any more: so a
 * packet that has read a word finds the action that the word meant. Rows are shared by all accounts that ask
 * for the same. Of a notice, the ports that are in use and the answers' program follow the words that name it
 * and enforce: they are there before the first, and go after the last.
 */
#include "userspace/io/dataplane_actions.h"

#include "userspace/io/dataplane_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define PORT_BITS 64U

static bool in_use(const struct action_space *space, unsigned int index)
{
	return space->words[index] || space->staged[index] || space->limbo[index];
}

static struct on_deny on_deny_of(const struct ag_action *action)
{
	struct on_deny on_deny = {.kind = (enum ag_on_deny)action->kind, .port = ntohs(action->port_be)};

	(void)snprintf(on_deny.interface, sizeof(on_deny.interface), "%.*s", (int)sizeof(action->interface),
		       action->interface);
	return on_deny;
}

struct on_deny actions_read(const struct dataplane *dataplane, uint8_t index)
{
	if (index < AG_ACTIONS_FIRST)
		return (struct on_deny){.kind = index == AG_ACTION_REJECT ? AG_ON_DENY_REJECT
									  : AG_ON_DENY_DROP};
	return on_deny_of(&dataplane->actions.actions[index]);
}

bool actions_known(const struct dataplane *dataplane, uint8_t index)
{
	uint8_t kind = dataplane->actions.actions[index].kind;

	return index < AG_ACTIONS_FIRST || kind == AG_ON_DENY_NOTICE || kind == AG_ON_DENY_REDIRECT;
}

/* --- notice servers' ports -------------------------------------------------------- */

static bool is_notice(const struct dataplane *dataplane, unsigned int index)
{
	return index >= AG_ACTIONS_FIRST && dataplane->actions.actions[index].kind == AG_ON_DENY_NOTICE;
}

static bool any_notice(const struct dataplane *dataplane)
{
	for (unsigned int index = AG_ACTIONS_FIRST; index < AG_ACTIONS_MAX; index++)
		if (is_notice(dataplane, index) && dataplane->actions.enforcing[index])
			return true;
	return false;
}

/* Of a change that is staged it is not told whether it enforces: it may. */
static bool needs_egress(const struct dataplane *dataplane)
{
	for (unsigned int index = AG_ACTIONS_FIRST; index < AG_ACTIONS_MAX; index++)
		if (is_notice(dataplane, index) && dataplane->actions.staged[index])
			return true;
	return any_notice(dataplane);
}

bool actions_egress_is_idle(const struct dataplane *dataplane)
{
	return dataplane->actions.egress && !needs_egress(dataplane);
}

static void apply_ports(struct dataplane *dataplane)
{
	struct action_space *space = &dataplane->actions;
	__u64 wanted[AG_NOTICE_PORT_WORDS] = {0};

	for (unsigned int index = AG_ACTIONS_FIRST; index < AG_ACTIONS_MAX; index++) {
		uint16_t port = ntohs(space->actions[index].port_be);

		if (is_notice(dataplane, index) && space->enforcing[index])
			wanted[port / PORT_BITS] |= 1ULL << port % PORT_BITS;
	}
	for (size_t i = 0; i < AG_NOTICE_PORT_WORDS; i++)
		if (space->notice_ports[i] != wanted[i])
			store_u64(&space->notice_ports[i], wanted[i]);
	dataplane_set_flags(dataplane, AG_CONFIG_NOTICE, any_notice(dataplane) ? AG_CONFIG_NOTICE : 0);
}

/* --- around a word ------------------------------------------------------------------ */

static bool enforces(union ag_account_state state)
{
	return state.flags & AG_ACCOUNT_ACTIVE && !(state.flags & AG_ACCOUNT_MONITOR);
}

void actions_before_word(struct dataplane *dataplane, union ag_account_state new)
{
	struct action_space *space = &dataplane->actions;

	if (!new.word || new.action < AG_ACTIONS_FIRST)
		return;
	space->words[new.action]++;
	if (enforces(new) && !space->enforcing[new.action]++ && is_notice(dataplane, new.action))
		apply_ports(dataplane);
}

void actions_after_word(struct dataplane *dataplane, union ag_account_state old)
{
	struct action_space *space = &dataplane->actions;

	if (!old.word || old.action < AG_ACTIONS_FIRST)
		return;
	if (enforces(old) && !--space->enforcing[old.action] && is_notice(dataplane, old.action))
		apply_ports(dataplane);
	if (--space->words[old.action] || space->limbo[old.action])
		return;
	space->limbo[old.action] = true;
	space->in_limbo++;
}

static void free_row(struct dataplane *dataplane, uint32_t index)
{
	struct ag_action *action = &dataplane->actions.actions[index];

	if (action->kind == AG_ON_DENY_REDIRECT) /* an element that is not there is as good */
		(void)bpf_map_delete_elem(dataplane_map_fd(dataplane->skeleton->maps.ag_devices), &index);
	*action = (struct ag_action){0};
}

void actions_after_grace(struct dataplane *dataplane)
{
	struct action_space *space = &dataplane->actions;

	for (unsigned int index = AG_ACTIONS_FIRST; index < AG_ACTIONS_MAX && space->in_limbo; index++) {
		space->limbo[index] = false;
		if (!in_use(space, index) && space->actions[index].kind)
			free_row(dataplane, index);
	}
	space->in_limbo = 0;
	if (!actions_egress_is_idle(dataplane))
		return;
	space->egress = egress_detach_all(dataplane->pin_dir) != 0;
	space->egress_whole = false;
}

/* --- for a change ------------------------------------------------------------------- */

/* Whether the map has this device: the kernel takes one out that goes, and another may get its number. */
static bool has_device(const struct dataplane *dataplane, uint32_t index, uint32_t ifindex)
{
	int fd = dataplane_map_fd(dataplane->skeleton->maps.ag_devices);
	uint32_t held = 0;

	return ifindex && bpf_map_lookup_elem(fd, &index, &held) == 0 && held == ifindex;
}

static int put_device(struct dataplane *dataplane, uint32_t index, const struct on_deny *on_deny,
		      uint32_t *ret_ifindex, struct ag_error *error)
{
	uint32_t ifindex = if_nametoindex(on_deny->interface);
	int result;

	if (!ifindex)
		return error_set(error, ERROR_NOT_FOUND,
				 "there is no interface '%s' to redirect to: create it first",
				 on_deny->interface);
	result = bpf_map_update_elem(dataplane_map_fd(dataplane->skeleton->maps.ag_devices), &index, &ifindex,
				     BPF_ANY);
	if (result < 0)
		return error_set(error, ERROR_KERNEL, "the kernel cannot redirect to '%s': %s",
				 on_deny->interface, strerror(-result));
	*ret_ifindex = ifindex;
	return 0;
}

static int fill_row(struct dataplane *dataplane, unsigned int index, const struct on_deny *on_deny,
		    struct ag_error *error)
{
	struct ag_action action = {.kind = (__u8)on_deny->kind, .port_be = htons(on_deny->port)};
	int result = 0;

	memcpy(action.interface, on_deny->interface, sizeof(action.interface));
	if (on_deny->kind == AG_ON_DENY_REDIRECT)
		result = put_device(dataplane, index, on_deny, &action.ifindex, error);
	if (result == 0)
		dataplane->actions.actions[index] = action; /* nobody knows it yet */
	return result;
}

/* The row of that action, or one that is free; AG_ACTIONS_MAX: neither. */
static unsigned int find_row(const struct dataplane *dataplane, const struct on_deny *on_deny,
			     bool *ret_filled)
{
	const struct action_space *space = &dataplane->actions;
	unsigned int free_one = AG_ACTIONS_MAX;

	for (unsigned int index = AG_ACTIONS_FIRST; index < AG_ACTIONS_MAX; index++) {
		const struct on_deny held = on_deny_of(&space->actions[index]);

		*ret_filled = in_use(space, index) && on_deny_equal(&held, on_deny);
		if (*ret_filled)
			return index;
		if (!in_use(space, index) && free_one == AG_ACTIONS_MAX)
			free_one = index;
	}
	return free_one;
}

static int take_row(struct dataplane *dataplane, const struct on_deny *on_deny, unsigned int *ret,
		    struct ag_error *error)
{
	struct action_space *space = &dataplane->actions;
	bool filled;

	*ret = find_row(dataplane, on_deny, &filled);
	if (*ret == AG_ACTIONS_MAX && space->in_limbo && dataplane_grace(dataplane) == 0)
		*ret = find_row(dataplane, on_deny, &filled);
	if (*ret == AG_ACTIONS_MAX)
		return error_set(
			error, ERROR_LIMIT,
			"accounts name %d different notice ports and interfaces already: use one of these",
			AG_ACTIONS_MAX - AG_ACTIONS_FIRST);
	if (filled && (on_deny->kind != AG_ON_DENY_REDIRECT ||
		       has_device(dataplane, *ret, if_nametoindex(on_deny->interface))))
		return 0;
	return fill_row(dataplane, *ret, on_deny, error);
}

int actions_take(struct dataplane *dataplane, const struct on_deny *on_deny, bool enforces_it, uint8_t *ret,
		 struct ag_error *error)
{
	struct action_space *space = &dataplane->actions;
	unsigned int index = on_deny->kind == AG_ON_DENY_REJECT ? AG_ACTION_REJECT : AG_ACTION_DROP;
	int result = 0;

	if (on_deny->kind == AG_ON_DENY_NOTICE || on_deny->kind == AG_ON_DENY_REDIRECT)
		result = take_row(dataplane, on_deny, &index, error);
	if (result == 0 && on_deny->kind == AG_ON_DENY_NOTICE && enforces_it && !space->egress_whole) {
		result = egress_attach_all(dataplane, error);
		space->egress = true; /* on some perhaps, even where it failed */
		space->egress_whole = result == 0;
	}
	if (result < 0)
		return result;
	space->staged[index]++;
	space->ever |= index != AG_ACTION_DROP;
	*ret = (uint8_t)index;
	return 0;
}

/* A row that was filled for nothing is free again: no packet ever knew of it. */
void actions_let_go(struct dataplane *dataplane, uint8_t index)
{
	struct action_space *space = &dataplane->actions;

	space->staged[index]--;
	if (index >= AG_ACTIONS_FIRST && !in_use(space, index) && space->actions[index].kind)
		free_row(dataplane, index);
}

/* --- devices that come and go -------------------------------------------------------- */

int dataplane_refresh_devices(struct dataplane *dataplane, struct ag_error *error)
{
	struct action_space *space = &dataplane->actions;

	for (uint32_t index = AG_ACTIONS_FIRST; index < AG_ACTIONS_MAX; index++) {
		struct ag_action *action = &space->actions[index];
		const struct on_deny on_deny = on_deny_of(action);
		uint32_t ifindex = 0;
		int result;

		if (action->kind != AG_ON_DENY_REDIRECT ||
		    has_device(dataplane, index, if_nametoindex(on_deny.interface)))
			continue;
		result = put_device(dataplane, index, &on_deny, &ifindex, error);
		if (result < 0 && error->code != ERROR_NOT_FOUND)
			return result;
		if (!ifindex) { /* gone, which the kernel has seen to itself, or it has another name now */
			(void)bpf_map_delete_elem(dataplane_map_fd(dataplane->skeleton->maps.ag_devices),
						  &index);
			*error = (struct ag_error){0};
		}
		store_u32(&action->ifindex, ifindex);
	}
	return 0;
}

/* --- open and close ------------------------------------------------------------------- */

static int map_one(const struct bpf_map *map, void **ret, size_t *ret_bytes, struct ag_error *error)
{
	int result = map_share(dataplane_map_fd(map), bpf_map__value_size(map), bpf_map__max_entries(map),
			       ret, ret_bytes);

	if (result < 0)
		return error_set(error, ERROR_KERNEL, "cannot map %s: %s", bpf_map__name(map),
				 strerror(-result));
	return 0;
}

int actions_open(struct dataplane *dataplane, struct ag_error *error)
{
	struct action_space *space = &dataplane->actions;
	void *actions, *ports;
	int result = map_one(dataplane->skeleton->maps.ag_actions, &actions, &space->bytes, error);

	if (result < 0)
		return result;
	space->actions = actions;
	result = map_one(dataplane->skeleton->maps.ag_notice_ports, &ports, &space->port_bytes, error);
	if (result == 0)
		space->notice_ports = ports;
	space->ever = dataplane_filled(dataplane); /* an earlier daemon's are not known */
	return result;
}

/* Devices may have come and gone meanwhile; an interface that a word names and that is not there is no reason
 * not to start. */
void actions_settle(struct dataplane *dataplane)
{
	struct action_space *space = &dataplane->actions;
	struct ag_error ignored = {0};

	for (unsigned int index = AG_ACTIONS_FIRST; index < AG_ACTIONS_MAX; index++)
		if (!in_use(space, index) && space->actions[index].kind)
			free_row(dataplane, index);
	apply_ports(dataplane);
	(void)dataplane_refresh_devices(dataplane, &ignored);
	space->egress = any_notice(dataplane);
	if (!space->egress)
		(void)egress_detach_all(
			dataplane->pin_dir); /* what an earlier daemon left, as far as it goes */
	else
		/* as the links: what was attached stays */
		space->egress_whole = egress_attach_all(dataplane, &ignored) == 0;
}

void actions_close(struct dataplane *dataplane)
{
	struct action_space *space = &dataplane->actions;

	if (space->actions)
		(void)munmap(space->actions, space->bytes); /* mapped here, so it cannot fail */
	if (space->notice_ports)
		(void)munmap(space->notice_ports, space->port_bytes); /* likewise */
}
