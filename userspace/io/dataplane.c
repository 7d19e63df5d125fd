// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane.c - open and close; the seal
 *
 * A daemon may have died at any instant: what the accounts' words name is in force, and everything else is
 * free as soon as no program runs that may have begun before. Lists that no word names go at once.
 */
#include "userspace/io/dataplane_private.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

int dataplane_no_memory(struct ag_error *error)
{
	(void)error_set(error, ERROR_KERNEL,
			"out of memory: free some, then try again"); /* -ENOMEM says it better */
	return -ENOMEM;
}

int dataplane_check_slot(const struct dataplane *dataplane, uint32_t slot, struct ag_error *error)
{
	if (slot < dataplane->limits.accounts)
		return 0;
	return error_set(error, ERROR_LIMIT, "account slot %u is beyond the limit of %u accounts: raise it",
			 slot, dataplane->limits.accounts);
}

int dataplane_map_fd(const struct bpf_map *map)
{
	return bpf_map__fd(map);
}

struct bpf_map *dataplane_table_map(const struct dataplane *dataplane, enum table_index index)
{
	switch (index) {
	case TABLE_SERVICES:
		return dataplane->skeleton->maps.ag_services;
	case TABLE_DEST_PREFIXES:
		return dataplane->skeleton->maps.ag_dest_prefixes;
	case TABLE_DESTS:
		return dataplane->skeleton->maps.ag_dests;
	default:
		return dataplane->skeleton->maps.ag_failsafe;
	}
}

static int map_array(const struct bpf_map *map, void **ret, size_t *ret_bytes, struct ag_error *error)
{
	int result = map_share(dataplane_map_fd(map), bpf_map__value_size(map), bpf_map__max_entries(map),
			       ret, ret_bytes);

	if (result < 0)
		return error_set(error, ERROR_KERNEL, "cannot map %s: %s", bpf_map__name(map),
				 strerror(-result));
	return 0;
}

static int map_arrays(struct dataplane *dataplane, struct ag_error *error)
{
	const struct allowgate_bpf *skeleton = dataplane->skeleton;
	void *config, *accounts;
	int result = map_array(skeleton->maps.ag_config, &config, &dataplane->config_bytes, error);

	if (result < 0)
		return result;
	dataplane->config = config;
	result = map_array(skeleton->maps.ag_accounts, &accounts, &dataplane->accounts_bytes, error);
	if (result < 0)
		return result;
	dataplane->accounts = accounts;
	return 0;
}

static int check_config(struct dataplane *dataplane, struct ag_error *error)
{
	if (dataplane->config->abi_version == 0)
		dataplane->config->abi_version = AG_ABI_VERSION;
	if (dataplane->config->abi_version != AG_ABI_VERSION)
		return error_set(
			error, ERROR_KERNEL,
			"the maps under '%s' are of version %u, this is %d: use another pin directory",
			dataplane->pin_dir, dataplane->config->abi_version, AG_ABI_VERSION);
	store_u64(&dataplane->config->seed, dataplane->seed); /* of maps that were adopted, their own */
	return 0;
}

static int count_tables(struct dataplane *dataplane, struct ag_error *error)
{
	for (enum table_index index = 0; index < TABLE_INDEX_MAX; index++) {
		AUTO_DUMP struct map_dump dump = {0};
		const struct bpf_map *map = dataplane_table_map(dataplane, index);
		int result = map_dump(dataplane_map_fd(map), bpf_map__key_size(map), bpf_map__value_size(map),
				      &dump);

		if (result < 0)
			return error_set(error, ERROR_KERNEL, "cannot read %s: %s", bpf_map__name(map),
					 strerror(-result));
		dataplane->table_count[index] = dump.count;
	}
	dataplane->stash_count = dataplane->table_count[TABLE_SERVICES]; /* those in buckets are added */
	return 0;
}

int dataplane_grace(struct dataplane *dataplane)
{
	int result = map_grace_period();

	if (result < 0)
		return result;
	lines_after_grace(&dataplane->space);
	long_after_grace(dataplane);
	buckets_after_grace(dataplane);
	actions_after_grace(dataplane);
	dataplane->held_count = 0;
	return 0;
}

int dataplane_tidy(struct dataplane *dataplane, struct ag_error *error)
{
	bool grace_due = dataplane->space.in_limbo || dataplane->longs.stale_count || dataplane->held_count ||
			 dataplane->actions.in_limbo || actions_egress_is_idle(dataplane);
	int result = 0;

	if (!grace_due && !dataplane->longs.unused_count)
		return 0;
	if (grace_due)
		result = dataplane_grace(dataplane);
	if (result == 0)
		result = long_drop_unused(dataplane);
	if (result < 0)
		return error_set(error, ERROR_KERNEL, "cannot free lists that are out of force: %s",
				 strerror(-result));
	return 0;
}

static int adopt(struct dataplane *dataplane, struct ag_error *error)
{
	const uint32_t accounts = dataplane->limits.accounts;
	int result;

	dataplane->versions = calloc(accounts, sizeof(*dataplane->versions));
	dataplane->damaged = calloc(accounts, sizeof(*dataplane->damaged));
	dataplane->trie_entries =
		malloc((size_t)accounts * FAMILY_INDEX_MAX * sizeof(*dataplane->trie_entries));
	dataplane->held_words = calloc(HELD_WORDS_MAX, sizeof(*dataplane->held_words));
	if (!dataplane->versions || !dataplane->damaged || !dataplane->trie_entries || !dataplane->held_words)
		return dataplane_no_memory(error);
	memset(dataplane->trie_entries, 0xff,
	       (size_t)accounts * FAMILY_INDEX_MAX * sizeof(*dataplane->trie_entries));
	result = long_open_all(dataplane, error);
	if (result == 0)
		result = lines_open(dataplane, error);
	if (result == 0)
		result = buckets_open(dataplane, error);
	if (result == 0)
		result = actions_open(dataplane, error);
	if (result < 0)
		return result;
	lines_adopt(dataplane);
	actions_settle(dataplane);
	result = dataplane_grace(dataplane);
	if (result == 0)
		result = long_drop_unused(dataplane);
	if (result < 0)
		return error_set(error, ERROR_KERNEL, "cannot free what an earlier daemon left: %s",
				 strerror(-result));
	return 0;
}

static int open_pins(struct dataplane *dataplane, struct ag_error *error)
{
	char ours[PINS_NAME_MAX];
	int result = pins_prepare(dataplane->pin_dir, error);

	if (result < 0)
		return result;
	dataplane->lock_fd = pins_lock(dataplane->pin_dir, error);
	if (dataplane->lock_fd < 0)
		return dataplane->lock_fd;
	pins_maps_name(&dataplane->limits, ours);
	return pins_inherited(dataplane->pin_dir, ours, &dataplane->inherited, error);
}

static struct dataplane *dataplane_new(const char *pin_dir, const struct dataplane_limits *limits)
{
	AUTO_DATAPLANE struct dataplane *dataplane = calloc(1, sizeof(*dataplane));

	if (!dataplane)
		return NULL;
	dataplane->lock_fd = -1;
	dataplane->limits = *limits;
	dataplane->pin_dir = strdup(pin_dir);
	return dataplane->pin_dir ? TAKE_PTR(dataplane) : NULL;
}

int dataplane_open(const char *pin_dir, const struct dataplane_limits *limits, struct dataplane **ret,
		   struct ag_error *error)
{
	AUTO_DATAPLANE struct dataplane *dataplane = dataplane_new(pin_dir, limits);
	int cpus = libbpf_num_possible_cpus();
	int result;

	if (!dataplane)
		return dataplane_no_memory(error);
	if (cpus < 0)
		return error_set(error, ERROR_KERNEL, "cannot tell the number of processors: %s",
				 strerror(-cpus));
	dataplane->cpus = (size_t)cpus;
	result = open_pins(dataplane, error);
	if (result == 0)
		result = dataplane_load(dataplane, error);
	if (result == 0)
		result = map_arrays(dataplane, error);
	if (result == 0)
		result = check_config(dataplane, error);
	if (result == 0)
		result = count_tables(dataplane, error);
	if (result == 0)
		result = adopt(dataplane, error);
	if (result < 0)
		return result;
	panic_inherit(dataplane);
	*ret = TAKE_PTR(dataplane);
	return 0;
}

void dataplane_close(struct dataplane *dataplane)
{
	if (!dataplane)
		return;
	if (dataplane->config)
		(void)munmap(dataplane->config, dataplane->config_bytes); /* mapped here, so it cannot fail */
	if (dataplane->accounts)
		(void)munmap(dataplane->accounts, dataplane->accounts_bytes); /* likewise */
	index_release(dataplane->edited);
	lines_close(&dataplane->space);
	long_close_all(dataplane);
	buckets_close(dataplane);
	actions_close(dataplane);
	retired_clear(&dataplane->retired);
	watch_close(dataplane);
	ask_close(dataplane);
	allowgate_bpf__destroy(dataplane->skeleton);
	cleanup_fd(&dataplane->lock_fd);
	free(dataplane->versions);
	free(dataplane->damaged);
	free(dataplane->trie_entries);
	free(dataplane->held_words);
	free(dataplane->pin_dir);
	free(dataplane);
}

bool dataplane_filled(const struct dataplane *dataplane)
{
	return __atomic_load_n(&dataplane->config->store_id, __ATOMIC_ACQUIRE) != 0;
}

void dataplane_seal(const struct dataplane *dataplane, uint64_t *ret_store_id, uint64_t *ret_generation)
{
	const struct ag_config *config = dataplane_filled(dataplane) ? dataplane->config
								     : &dataplane->inherited;

	*ret_store_id = __atomic_load_n(&config->store_id, __ATOMIC_ACQUIRE);
	*ret_generation = __atomic_load_n(&config->generation, __ATOMIC_ACQUIRE);
}

void dataplane_set_seal(struct dataplane *dataplane, uint64_t store_id, uint64_t generation)
{
	struct ag_config *config = dataplane->config;

	/* killed in between, the seal names no generation of the wrong store: the newer id comes last */
	if (config->store_id != store_id)
		__atomic_store_n(&config->generation, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&config->store_id, store_id, __ATOMIC_RELEASE);
	__atomic_store_n(&config->generation, generation, __ATOMIC_RELEASE);
}
