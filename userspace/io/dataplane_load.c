// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_load.c - the program loaded over maps that are adopted or made
 *
 * libbpf reuses a pinned map by itself when it fits, but says why one does not on standard error
 * only: so the pins are compared here first, and libbpf is kept quiet. The seed of the service buckets is a
 * constant of the program, and must be that of the maps it is loaded over.
 */
#include "userspace/io/dataplane_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define VERIFIER_LOG_BYTES (1U << 20)
#define LINES_SPARE	   1024U

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

static uint32_t lines_for(uint32_t accounts)
{
	return (uint32_t)((uint64_t)accounts * 5 / 2 + LINES_SPARE);
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
		{skeleton->maps.ag_action_counters, limits->accounts},
		{skeleton->maps.ag_lines, lines_for(limits->accounts)},
		{skeleton->maps.ag_indexes4, limits->accounts * 2},
		{skeleton->maps.ag_indexes6, limits->accounts * 2},
		{skeleton->maps.ag_lists4, limits->accounts * 2},
		{skeleton->maps.ag_lists6, limits->accounts * 2},
		{skeleton->maps.ag_long_present, (limits->accounts * 2 + 7) / 8},
		{skeleton->maps.ag_services4, buckets_for(limits->services, FAMILY4)},
		{skeleton->maps.ag_services6, buckets_for(limits->services, FAMILY6)},
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
	int result = bpf_program__set_autoload(dataplane->skeleton->progs.ag_explain, false);

	if (result == 0) /* of the second instance alone: dataplane_ask.c */
		result = bpf_map__set_autocreate(dataplane->skeleton->maps.ag_explanation, false);
	if (result < 0)
		return result;
	dataplane->skeleton->rodata->ag_has_frags = frags;
	dataplane->skeleton->rodata->ag_seed = dataplane->seed;
	dataplane->skeleton->rodata->ag_buckets4 = buckets_for(dataplane->limits.services, FAMILY4);
	dataplane->skeleton->rodata->ag_buckets6 = buckets_for(dataplane->limits.services, FAMILY6);
	result = bpf_program__set_flags(program, frags ? flags | BPF_F_XDP_HAS_FRAGS : flags);
	if (result < 0)
		return result;
	/* a link's program is only ever replaced by one of the same attach type */
	return bpf_program__set_expected_attach_type(program, BPF_XDP);
}

/*
 * The kernel itself adds this flag to a device map, and refuses it of whoever makes one: so it is said of a
 * map that is adopted alone, which libbpf compares too.
 */
static int expect_added_flags(struct bpf_map *map)
{
	if (bpf_map__type(map) != BPF_MAP_TYPE_DEVMAP)
		return 0;
	return bpf_map__set_map_flags(map, bpf_map__map_flags(map) | BPF_F_RDONLY_PROG);
}

static bool pin_fits(int fd, struct bpf_map *map)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);

	return expect_added_flags(map) == 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0 &&
	       info.type == bpf_map__type(map) && info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map) && info.max_entries == bpf_map__max_entries(map) &&
	       info.map_flags == bpf_map__map_flags(map);
}

static int check_pin(struct bpf_map *map, const char *path, struct ag_error *error)
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

		if (bpf_map__is_internal(map) || map == dataplane->skeleton->maps.ag_explanation)
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
		return features_refusal(result, last_reason(log), NULL, error);
	return 0;
}

/* That of the maps there are, or else a new one; 0 is none. */
static int find_seed(struct dataplane *dataplane, struct ag_error *error)
{
	char name[PINS_NAME_MAX];
	struct ag_config config = {0};
	int result;

	pins_maps_name(&dataplane->limits, name);
	result = pins_read_config(dataplane->pin_dir, name, &config);
	if (result < 0)
		return error_set(error, ERROR_KERNEL, "cannot read the pin of ag_config: %s",
				 strerror(-result));
	dataplane->seed = config.seed;
	while (!dataplane->seed)
		if (getrandom(&dataplane->seed, sizeof(dataplane->seed), 0) < 0 && errno != EINTR)
			return error_set(error, ERROR_KERNEL, "cannot get random numbers: %s",
					 strerror(errno));
	return 0;
}

int dataplane_load(struct dataplane *dataplane, struct ag_error *error)
{
	AUTO_FREE char *log = calloc(1, VERIFIER_LOG_BYTES);
	LIBBPF_OPTS(bpf_object_open_opts, options, .kernel_log_buf = log,
		    .kernel_log_size = VERIFIER_LOG_BYTES);
	int result;

	if (!log)
		return dataplane_no_memory(error);
	result = find_seed(dataplane, error);
	if (result < 0)
		return result;
	(void)libbpf_set_print(NULL); /* it would write to standard error */
	result = features_check(NULL, NULL, error);
	if (result < 0)
		return result;
	dataplane->skeleton = allowgate_bpf__open_opts(&options);
	if (!dataplane->skeleton)
		return error_set(error, ERROR_KERNEL, "cannot open the program: %s", strerror(errno));
	return load(dataplane, log, error);
}
