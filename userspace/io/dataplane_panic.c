// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_panic.c - the switch that lets everything pass
 *
 * It outlives the daemon with its map. When it was last switched stands beside it, so that a daemon which
 * starts can tell a switch that is off from maps that are new, of which the store must say.
 */
#include "userspace/io/dataplane_private.h"

#include <errno.h>

void dataplane_panic(const struct dataplane *dataplane, struct dataplane_panic *ret)
{
	const struct ag_config *config = dataplane->config;

	ret->on = config->now.flags & AG_CONFIG_PANIC;
	ret->changed = config->panic_changed;
}

static void switch_own(struct dataplane *dataplane, const struct dataplane_panic *panic)
{
	store_u64((__u64 *)&dataplane->config->panic_changed, (uint64_t)panic->changed);
	dataplane_set_flags(dataplane, AG_CONFIG_PANIC, panic->on ? AG_CONFIG_PANIC : 0);
}

/* The program reads the flags alone of what is written here, and nobody else writes. */
static int switch_other(const char *pin_dir, const char *name, void *arg)
{
	const struct dataplane_panic *panic = arg;
	struct ag_config config = {0};
	const __u32 zero = 0;
	AUTO_FD int fd = -1;
	int result;

	fd = pins_open_config(pin_dir, name);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	result = bpf_map_lookup_elem(fd, &zero, &config);
	if (result < 0)
		return result;
	config.panic_changed = panic->changed;
	config.now.flags &= ~AG_CONFIG_PANIC;
	config.now.flags |= panic->on ? AG_CONFIG_PANIC : 0;
	return bpf_map_update_elem(fd, &zero, &config, BPF_EXIST);
}

int dataplane_set_panic(struct dataplane *dataplane, const struct dataplane_panic *panic,
			struct ag_error *error)
{
	char ours[PINS_NAME_MAX];

	switch_own(dataplane, panic);
	if (dataplane_filled(dataplane))
		return 0;
	pins_maps_name(&dataplane->limits, ours);
	return pins_others_each(dataplane->pin_dir, ours, switch_other, (void *)(uintptr_t)panic, error);
}

void panic_inherit(struct dataplane *dataplane)
{
	const struct ag_config *from = &dataplane->inherited;
	const struct dataplane_panic panic = {.on = from->now.flags & AG_CONFIG_PANIC,
					      .changed = from->panic_changed};

	if (!dataplane_filled(dataplane) && !dataplane->config->panic_changed && panic.changed)
		switch_own(dataplane, &panic);
}
