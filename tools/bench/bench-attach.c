/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bench-attach.c - puts one of the benchmark's own programs on an interface, where it stays
 *
 *   bench-attach pass|drop IFACE OBJECT
 *   bench-attach tc IFACE OBJECT MAPS     our lookup at the tc hook, in the maps that a daemon has pinned
 * there
 */
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "bpf/ag_abi.h"
#include "tools/bench/tool.h"

/* What the daemon tells its own program by read-only data. */
struct constants {
	uint32_t buckets4;
	uint32_t buckets6;
	uint64_t seed;
};

static uint32_t size_of_pin(const char *maps, const char *name)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	char path[512];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", maps, name);
	fd = bpf_obj_get(path);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		die_errno("cannot read the pin %s", path);
	(void)close(fd);
	return info.max_entries;
}

static struct constants read_constants(const char *maps)
{
	struct constants constants = {.buckets4 = size_of_pin(maps, "ag_services4"),
				      .buckets6 = size_of_pin(maps, "ag_services6")};
	struct ag_config config;
	const uint32_t zero = 0;
	char path[512];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/ag_config", maps);
	fd = bpf_obj_get(path);
	if (fd < 0 || bpf_map_lookup_elem(fd, &zero, &config))
		die_errno("cannot read %s", path);
	(void)close(fd);
	constants.seed = config.seed;
	return constants;
}

/* Where the object's own description says that a global constant stands; -1: there is none of that size. */
static long offset_of_constant(const struct bpf_object *object, const struct bpf_map *map, const char *name,
			       size_t size)
{
	const struct btf *btf = bpf_object__btf(object);
	const struct btf_type *section = btf__type_by_id(btf, bpf_map__btf_value_type_id(map));
	const struct btf_var_secinfo *at = section ? btf_var_secinfos(section) : NULL;

	for (int i = 0; section && i < btf_vlen(section); i++, at++) {
		const struct btf_type *variable = btf__type_by_id(btf, at->type);

		if (at->size == size && !strcmp(btf__name_by_offset(btf, variable->name_off), name))
			return at->offset;
	}
	return -1;
}

static void set_constants(struct bpf_object *object, const struct constants *constants)
{
	const struct {
		const char *name;
		const void *value;
		size_t size;
	} each[] = {
		{"ag_buckets4", &constants->buckets4, sizeof(constants->buckets4)},
		{"ag_buckets6", &constants->buckets6, sizeof(constants->buckets6)},
		{"ag_seed", &constants->seed, sizeof(constants->seed)},
	};
	uint8_t data[256];
	struct bpf_map *map = NULL;
	const void *initial = NULL;
	size_t size = 0;

	bpf_object__for_each_map (map, object)
		if (strstr(bpf_map__name(map), ".rodata"))
			break;
	if (map)
		initial = bpf_map__initial_value(map, &size);
	if (!initial || size > sizeof(data))
		die("the object has no constants, or too many");
	memcpy(data, initial, size);
	for (size_t i = 0; i < COUNT(each); i++) {
		long offset = offset_of_constant(object, map, each[i].name, each[i].size);

		if (offset < 0 || (size_t)offset + each[i].size > size)
			die("the object has no constant %s", each[i].name);
		memcpy(data + offset, each[i].value, each[i].size);
	}
	if (bpf_map__set_initial_value(map, data, size))
		die("cannot set the constants");
}

static void use_maps(struct bpf_object *object, const char *maps)
{
	struct constants constants = read_constants(maps);
	struct bpf_map *map;

	bpf_object__for_each_map (map, object) {
		char path[512];
		int fd;

		if (strncmp(bpf_map__name(map), "ag_", 3))
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", maps, bpf_map__name(map));
		fd = bpf_obj_get(path);
		if (fd == -ENOENT)
			continue; /* one that each instance has for itself */
		if (fd < 0 || bpf_map__reuse_fd(map, fd))
			die_errno("cannot use the pin %s", path);
		(void)close(fd); /* libbpf has its own */
	}
	set_constants(object, &constants);
}

static void attach_tc(int ifindex, int program_fd)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program_fd, .handle = 1, .priority = 1);
	int err = bpf_tc_hook_create(&hook);

	if (!err || err == -EEXIST)
		err = bpf_tc_attach(&hook, &options);
	if (err)
		die("cannot attach at the tc hook: %s", strerror(-err));
}

static int program_of(struct bpf_object *object, const char *kind)
{
	struct bpf_program *program;
	char name[32];

	(void)snprintf(name, sizeof(name), "bench_%s", kind);
	program = bpf_object__find_program_by_name(object, name);
	if (!program)
		die("there is no program %s", name);
	return bpf_program__fd(program);
}

int main(int argc, char **argv)
{
	bool tc = argc == 5 && !strcmp(argv[1], "tc");
	struct bpf_object *object;
	int ifindex, err;

	if (!tc && argc != 4)
		die("usage: bench-attach pass|drop IFACE OBJECT, or bench-attach tc IFACE OBJECT MAPS");
	ifindex = (int)if_nametoindex(argv[2]);
	object = bpf_object__open_file(argv[3], NULL);
	if (!ifindex || !object)
		die_errno("cannot find %s, or open %s", argv[2], argv[3]);
	if (tc)
		use_maps(object, argv[4]);
	if (bpf_object__load(object))
		die_errno("cannot load %s", argv[3]);
	if (tc) {
		attach_tc(ifindex, program_of(object, "tc"));
	} else {
		err = bpf_xdp_attach(ifindex, program_of(object, argv[1]), XDP_FLAGS_DRV_MODE, NULL);
		if (err)
			die("cannot attach to %s: %s", argv[2], strerror(-err));
	}
	bpf_object__close(object); /* the interface holds the program */
	return 0;
}
