// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane.c - open: adopt or make the maps, load the program over them; the seal; uninstall
 *
 * libbpf reuses a pinned map by itself when it fits, but says why one does not on standard error
 * only: so the pins are compared here first, and libbpf is kept quiet.
 */
#include "userspace/io/dataplane_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define VERIFIER_LOG_BYTES (1U << 20)

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

struct bpf_map *dataplane_outer_map(const struct dataplane *dataplane, enum family_index index)
{
	return index == FAMILY4 ? dataplane->skeleton->maps.ag_lists4 : dataplane->skeleton->maps.ag_lists6;
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

/* The line of the verifier's log that says what is wrong: its last but for statistics. */
static const char *last_reason(char *log)
{
	const char *reason = "no more is known";
	char *rest = log;

	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
		if (*line && strncmp(line, "processed ", 10) != 0 &&
		    strncmp(line, "verification time", 17) != 0 && strncmp(line, "stack depth", 11) != 0)
			reason = line;
	return reason;
}

static int set_sizes(const struct dataplane *dataplane)
{
	const struct allowgate_bpf *skeleton = dataplane->skeleton;
	const struct dataplane_limits *limits = &dataplane->limits;
	const struct {
		struct bpf_map *map;
		uint32_t max_entries;
	} sizes[] = {
		{skeleton->maps.ag_accounts, limits->accounts},
		{skeleton->maps.ag_account_counters, limits->accounts},
		{skeleton->maps.ag_lists4, limits->accounts},
		{skeleton->maps.ag_lists6, limits->accounts},
		{skeleton->maps.ag_services, limits->services},
		{skeleton->maps.ag_dests, limits->services},
		{skeleton->maps.ag_dest_prefixes, limits->services},
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		int result = bpf_map__set_max_entries(sizes[i].map, sizes[i].max_entries);

		if (result < 0)
			return result;
	}
	return 0;
}

static int set_program(struct dataplane *dataplane)
{
	struct bpf_program *program = dataplane->skeleton->progs.ag_ingress;
	bool frags = libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_xdp_get_buff_len, NULL) == 1;
	__u32 flags = bpf_program__flags(program) & ~(__u32)BPF_F_XDP_HAS_FRAGS;
	int result;

	dataplane->skeleton->rodata->ag_has_frags = frags;
	result = bpf_program__set_flags(program, frags ? flags | BPF_F_XDP_HAS_FRAGS : flags);
	if (result < 0)
		return result;
	/* a link's program is only ever replaced by one of the same attach type */
	return bpf_program__set_expected_attach_type(program, BPF_XDP);
}

static bool pin_fits(int fd, const struct bpf_map *map)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.type == bpf_map__type(map) &&
	       info.key_size == bpf_map__key_size(map) && info.value_size == bpf_map__value_size(map) &&
	       info.max_entries == bpf_map__max_entries(map) && info.map_flags == bpf_map__map_flags(map);
}

static int check_pin(const struct bpf_map *map, const char *path, struct ag_error *error)
{
	AUTO_FD int fd = bpf_obj_get(path);

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return error_set(
			error, ERROR_KERNEL,
			"cannot open the pin '%s': %s; run as root, or with CAP_BPF and rights on it", path,
			strerror(-fd));
	if (pin_fits(fd, map))
		return 0;
	return error_set(
		error, ERROR_KERNEL,
		"the pin '%s' is not the map that this version needs: use another pin directory, or remove "
		"this one by --uninstall --pin-dir (the filter is off until it is started again)",
		path);
}

static int set_pins(struct dataplane *dataplane, struct ag_error *error)
{
	char directory[PINS_NAME_MAX];
	struct bpf_map *map;

	pins_maps_name(&dataplane->limits, directory);
	bpf_object__for_each_map (map, dataplane->skeleton->obj) {
		AUTO_FREE char *path = NULL;
		int result;

		if (bpf_map__is_internal(map))
			continue;
		if (asprintf(&path, "%s/%s/%s", dataplane->pin_dir, directory, bpf_map__name(map)) < 0)
			return dataplane_no_memory(error);
		result = check_pin(map, path, error);
		if (result < 0)
			return result;
		result = bpf_map__set_pin_path(map, path);
		if (result < 0)
			return error_set(error, ERROR_KERNEL, "cannot pin '%s': %s", path, strerror(-result));
	}
	return 0;
}

static int load(struct dataplane *dataplane, char *log, struct ag_error *error)
{
	int result = set_sizes(dataplane);

	if (result == 0)
		result = set_program(dataplane);
	if (result < 0)
		return error_set(error, ERROR_KERNEL, "cannot prepare the program: %s", strerror(-result));
	result = set_pins(dataplane, error);
	if (result < 0)
		return result;
	result = allowgate_bpf__load(dataplane->skeleton);
	if (result == -EPERM)
		return error_set(error, ERROR_KERNEL,
				 "not allowed to load the program or to make its maps: run as root, or with "
				 "CAP_BPF, CAP_NET_ADMIN and CAP_SYS_ADMIN");
	if (result < 0)
		return error_set(
			error, ERROR_KERNEL,
			"the kernel does not take the program: %s (%s); it needs Linux 5.15 or later, with "
			"CONFIG_BPF_SYSCALL, and memory for the configured limits",
			strerror(-result), last_reason(log));
	return 0;
}

static int open_skeleton(struct dataplane *dataplane, struct ag_error *error)
{
	AUTO_FREE char *log = calloc(1, VERIFIER_LOG_BYTES);
	LIBBPF_OPTS(bpf_object_open_opts, options, .kernel_log_buf = log,
		    .kernel_log_size = VERIFIER_LOG_BYTES);

	if (!log)
		return dataplane_no_memory(error);
	(void)libbpf_set_print(NULL); /* it would write to standard error */
	dataplane->skeleton = allowgate_bpf__open_opts(&options);
	if (!dataplane->skeleton)
		return error_set(error, ERROR_KERNEL, "cannot open the program: %s", strerror(errno));
	return load(dataplane, log, error);
}

static int map_array(const struct bpf_map *map, void **ret, size_t *ret_bytes, struct ag_error *error)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t element = (bpf_map__value_size(map) + 7U) & ~(size_t)7;
	size_t bytes = (element * bpf_map__max_entries(map) + page - 1) / page * page;
	void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, dataplane_map_fd(map), 0);

	if (mapped == MAP_FAILED)
		return error_set(error, ERROR_KERNEL, "cannot map %s: %s", bpf_map__name(map),
				 strerror(errno));
	*ret = mapped;
	*ret_bytes = bytes;
	return 0;
}

static int map_arrays(struct dataplane *dataplane, struct ag_error *error)
{
	void *config, *accounts;
	int result = map_array(dataplane->skeleton->maps.ag_config, &config, &dataplane->config_bytes, error);

	if (result < 0)
		return result;
	dataplane->config = config;
	result = map_array(dataplane->skeleton->maps.ag_accounts, &accounts, &dataplane->accounts_bytes,
			   error);
	if (result < 0)
		return result;
	dataplane->accounts = accounts;
	if (dataplane->config->abi_version == 0)
		dataplane->config->abi_version = AG_ABI_VERSION;
	if (dataplane->config->abi_version != AG_ABI_VERSION)
		return error_set(
			error, ERROR_KERNEL,
			"the maps under '%s' are of version %u, this is %d: use another pin directory",
			dataplane->pin_dir, dataplane->config->abi_version, AG_ABI_VERSION);
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
	return 0;
}

/* Two system calls a slot: once, and never again while changes wait. */
static int find_lists(struct dataplane *dataplane, struct ag_error *error)
{
	dataplane->listed = calloc(dataplane->limits.accounts, sizeof(*dataplane->listed));
	if (!dataplane->listed)
		return dataplane_no_memory(error);
	for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++) {
		for (uint32_t slot = 0; slot < dataplane->limits.accounts; slot++) {
			bool exists = trie_exists(dataplane, index, slot);

			dataplane->listed[slot] |= (uint8_t)(exists << index);
			dataplane->list_count[index] += exists;
		}
	}
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
		result = open_skeleton(dataplane, error);
	if (result == 0)
		result = map_arrays(dataplane, error);
	if (result == 0)
		result = count_tables(dataplane, error);
	if (result == 0)
		result = find_lists(dataplane, error);
	if (result < 0)
		return result;
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
	allowgate_bpf__destroy(dataplane->skeleton);
	cleanup_fd(&dataplane->lock_fd);
	free(dataplane->listed);
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
