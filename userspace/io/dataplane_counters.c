// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_counters.c - counters summed over the processors, and how full the maps are
 */
#include "userspace/io/dataplane_private.h"

#include <errno.h>
#include <string.h>

/* Reads one element of a per-CPU map of `counters` counters a processor, and adds them up into sums. */
static int sum(const struct dataplane *dataplane, const struct bpf_map *map, uint32_t key, size_t counters,
	       struct ag_counter *sums, struct ag_error *error)
{
	AUTO_FREE struct ag_counter *each = calloc(dataplane->cpus * counters, sizeof(*each));
	int result;

	if (!each)
		return dataplane_no_memory(error);
	memset(sums, 0, counters * sizeof(*sums));
	result = bpf_map_lookup_elem(dataplane_map_fd(map), &key, each);
	if (result == -ENOENT) /* nothing was counted yet */
		return 0;
	if (result < 0)
		return error_set(error, ERROR_KERNEL, "cannot read %s: %s", bpf_map__name(map),
				 strerror(-result));
	for (size_t i = 0; i < dataplane->cpus * counters; i++) {
		sums[i % counters].packets += each[i].packets;
		sums[i % counters].bytes += each[i].bytes;
	}
	return 0;
}

int dataplane_account_counters(struct dataplane *dataplane, uint32_t slot, struct ag_account_counters *ret,
			       struct ag_error *error)
{
	struct ag_account_counters counters;
	int result = dataplane_check_slot(dataplane, slot, error);

	if (result == 0)
		result = sum(dataplane, dataplane->skeleton->maps.ag_account_counters, slot,
			     AG_VERDICT_ACCOUNT_MAX, counters.by_verdict, error);
	if (result == 0)
		*ret = counters;
	return result;
}

int dataplane_interface_counters(struct dataplane *dataplane, unsigned int ifindex,
				 struct ag_interface_counters *ret, struct ag_error *error)
{
	struct ag_interface_counters counters;
	int result = sum(dataplane, dataplane->skeleton->maps.ag_interface_counters, ifindex,
			 AG_VERDICT_INTERFACE_MAX, counters.by_verdict, error);

	if (result == 0)
		*ret = counters;
	return result;
}

static uint64_t active_accounts(const struct dataplane *dataplane)
{
	uint64_t active = 0;

	for (uint32_t slot = 0; slot < dataplane->limits.accounts; slot++)
		active += account_state(dataplane, slot).active != 0;
	return active;
}

int dataplane_map_usage(struct dataplane *dataplane, struct dataplane_map_usage **ret, size_t *ret_count,
			struct ag_error *error)
{
	const struct allowgate_bpf *skeleton = dataplane->skeleton;
	const struct dataplane_map_usage rows[] = {
		{"ag_accounts", active_accounts(dataplane), bpf_map__max_entries(skeleton->maps.ag_accounts)},
		{"ag_services", dataplane->table_count[TABLE_SERVICES],
		 bpf_map__max_entries(skeleton->maps.ag_services)},
		{"ag_dests", dataplane->table_count[TABLE_DESTS],
		 bpf_map__max_entries(skeleton->maps.ag_dests)},
		{"ag_dest_prefixes", dataplane->table_count[TABLE_DEST_PREFIXES],
		 bpf_map__max_entries(skeleton->maps.ag_dest_prefixes)},
		{"ag_failsafe", dataplane->table_count[TABLE_FAILSAFE],
		 bpf_map__max_entries(skeleton->maps.ag_failsafe)},
		{"ag_lists4", dataplane->list_count[FAMILY4], bpf_map__max_entries(skeleton->maps.ag_lists4)},
		{"ag_lists6", dataplane->list_count[FAMILY6], bpf_map__max_entries(skeleton->maps.ag_lists6)},
	};
	struct dataplane_map_usage *copy = malloc(sizeof(rows));

	if (!copy)
		return dataplane_no_memory(error);
	memcpy(copy, rows, sizeof(rows));
	*ret = copy;
	*ret_count = sizeof(rows) / sizeof(*rows);
	return 0;
}
