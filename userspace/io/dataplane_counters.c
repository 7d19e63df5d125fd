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

int dataplane_account_counters(struct dataplane *dataplane, uint32_t slot, struct account_counters *ret,
			       struct ag_error *error)
{
	const struct allowgate_bpf *skeleton = dataplane->skeleton;
	struct account_counters counters;
	int result = dataplane_check_slot(dataplane, slot, error);

	if (result == 0)
		result = sum(dataplane, skeleton->maps.ag_account_counters, slot, AG_VERDICT_JUDGED_MAX,
			     counters.by_verdict, error);
	if (result == 0)
		result = sum(dataplane, skeleton->maps.ag_action_counters, slot, AG_VERDICT_ACTION_MAX,
			     counters.by_verdict + AG_VERDICT_JUDGED_MAX, error);
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

/* --- all accounts' ---------------------------------------------------------------- */

#define EACH_BATCH 512U

/* Of a batch of slots, of one of the two maps: every processor's, slot by slot. */
struct counters_batch {
	const struct bpf_map *map;
	size_t counters; /* of a processor */
	uint32_t *slots;
	struct ag_counter *each;
	__u32 count;
};

static int batch_by_element(const struct dataplane *dataplane, uint32_t first, struct counters_batch *batch)
{
	for (__u32 i = 0; i < batch->count; i++) {
		int result;

		batch->slots[i] = first + i;
		result = bpf_map_lookup_elem(dataplane_map_fd(batch->map), &batch->slots[i],
					     batch->each + i * dataplane->cpus * batch->counters);
		if (result < 0)
			return result;
	}
	return 0;
}

/* The slots from `first` on, as many as there are; batches of per-CPU arrays came with 5.13. */
static int read_batch(const struct dataplane *dataplane, uint32_t first, struct counters_batch *batch)
{
	uint32_t left = dataplane->limits.accounts - first, before = first - 1, cursor;
	int result;

	batch->count = left < EACH_BATCH ? left : EACH_BATCH;
	result = bpf_map_lookup_batch(dataplane_map_fd(batch->map), first ? &before : NULL, &cursor,
				      batch->slots, batch->each, &batch->count, NULL);
	if (result == 0 || (result == -ENOENT && batch->count))
		return 0;
	batch->count = left < EACH_BATCH ? left : EACH_BATCH;
	return batch_by_element(dataplane, first, batch);
}

static bool add_up(const struct dataplane *dataplane, const struct counters_batch *batch, __u32 at,
		   struct ag_counter *sums)
{
	const struct ag_counter *each = batch->each + at * dataplane->cpus * batch->counters;
	bool any = false;

	for (size_t i = 0; i < dataplane->cpus * batch->counters; i++) {
		sums[i % batch->counters].packets += each[i].packets;
		sums[i % batch->counters].bytes += each[i].bytes;
		any = any || each[i].packets;
	}
	return any;
}

typedef int (*counters_visit)(uint32_t slot, const struct account_counters *counters, void *arg);

static int visit_batch(const struct dataplane *dataplane, const struct counters_batch *judged,
		       const struct counters_batch *acted, uint32_t end, counters_visit visit, void *arg)
{
	int result = 0;

	for (__u32 i = 0; i < judged->count && result == 0; i++) {
		struct account_counters sums = {0};
		bool any = judged->slots[i] < end && add_up(dataplane, judged, i, sums.by_verdict);

		if (acted && judged->slots[i] < end)
			any |= add_up(dataplane, acted, i, sums.by_verdict + AG_VERDICT_JUDGED_MAX);
		if (any)
			result = visit(judged->slots[i], &sums, arg);
	}
	return result;
}

static int read_both(const struct dataplane *dataplane, uint32_t first, struct counters_batch *judged,
		     struct counters_batch *acted)
{
	int result = read_batch(dataplane, first, judged);

	return result == 0 && acted ? read_batch(dataplane, first, acted) : result;
}

int dataplane_counters_each(struct dataplane *dataplane, uint32_t end, counters_visit visit, void *arg,
			    struct ag_error *error)
{
	AUTO_FREE uint32_t *slots = calloc(2UL * EACH_BATCH, sizeof(*slots));
	AUTO_FREE struct ag_counter *each = calloc(EACH_BATCH * dataplane->cpus * AG_VERDICT_ACCOUNT_MAX,
						   sizeof(*each));
	struct counters_batch judged = {.map = dataplane->skeleton->maps.ag_account_counters,
					.counters = AG_VERDICT_JUDGED_MAX,
					.slots = slots,
					.each = each};
	struct counters_batch acted = {.map = dataplane->skeleton->maps.ag_action_counters,
				       .counters = AG_VERDICT_ACTION_MAX,
				       .slots = slots + EACH_BATCH,
				       .each = each + EACH_BATCH * dataplane->cpus * AG_VERDICT_JUDGED_MAX};
	struct counters_batch *both = dataplane->actions.ever ? &acted : NULL;
	uint32_t last = end < dataplane->limits.accounts ? end : dataplane->limits.accounts;

	if (!slots || !each)
		return dataplane_no_memory(error);
	for (uint32_t first = 0; first < last; first += judged.count) {
		int result = read_both(dataplane, first, &judged, both);

		if (result < 0)
			return error_set(error, ERROR_KERNEL, "cannot read the accounts' counters: %s",
					 strerror(-result));
		result = visit_batch(dataplane, &judged, both, end, visit, arg);
		if (result != 0)
			return result;
	}
	return 0;
}

/* --- how full the maps are -------------------------------------------------------- */

struct tally {
	uint64_t active;
	uint64_t lists[LONG_KIND_MAX];
};

static void count_accounts(const struct dataplane *dataplane, struct tally *tally)
{
	for (uint32_t slot = 0; slot < dataplane->limits.accounts; slot++) {
		union ag_account_state state = account_state(dataplane, slot);

		tally->active += (state.flags & AG_ACCOUNT_ACTIVE) != 0;
		for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++)
			if (held_is_long(state_held(state, index)))
				tally->lists[long_kind_of(index, state_held(state, index))]++;
	}
}

static struct dataplane_map_usage usage_of_table(const struct dataplane *dataplane, const char *name,
						 enum table_index index)
{
	return (struct dataplane_map_usage){
		name, index == TABLE_SERVICES ? dataplane->stash_count : dataplane->table_count[index],
		bpf_map__max_entries(dataplane_table_map(dataplane, index))};
}

static struct dataplane_map_usage usage_of_lists(const struct dataplane *dataplane, const struct tally *tally,
						 enum long_kind kind)
{
	return (struct dataplane_map_usage){long_map_name(kind), tally->lists[kind],
					    bpf_map__max_entries(long_map(dataplane, kind))};
}

/* Of the buckets, slots: 4 and 2 in each. */
int dataplane_map_usage(struct dataplane *dataplane, struct dataplane_map_usage **ret, size_t *ret_count,
			struct ag_error *error)
{
	const struct bucket_space *buckets = dataplane->buckets;
	struct tally tally = {0};
	struct dataplane_map_usage *copy;

	count_accounts(dataplane, &tally);
	{
		const struct dataplane_map_usage rows[] = {
			{"ag_accounts", tally.active, dataplane->limits.accounts},
			{"ag_lines", dataplane->space.in_use, dataplane->space.count},
			{"ag_services4", buckets[FAMILY4].in_use,
			 (uint64_t)buckets[FAMILY4].count * AG_SERVICE4_SLOTS},
			{"ag_services6", buckets[FAMILY6].in_use,
			 (uint64_t)buckets[FAMILY6].count * AG_SERVICE6_SLOTS},
			usage_of_table(dataplane, "ag_services", TABLE_SERVICES),
			usage_of_table(dataplane, "ag_dests", TABLE_DESTS),
			usage_of_table(dataplane, "ag_dest_prefixes", TABLE_DEST_PREFIXES),
			usage_of_table(dataplane, "ag_failsafe", TABLE_FAILSAFE),
			usage_of_lists(dataplane, &tally, LONG_INDEX4),
			usage_of_lists(dataplane, &tally, LONG_INDEX6),
			usage_of_lists(dataplane, &tally, LONG_TRIE4),
			usage_of_lists(dataplane, &tally, LONG_TRIE6),
		};

		copy = malloc(sizeof(rows));
		if (!copy)
			return dataplane_no_memory(error);
		memcpy(copy, rows, sizeof(rows));
		*ret_count = sizeof(rows) / sizeof(*rows);
	}
	*ret = copy;
	return 0;
}
