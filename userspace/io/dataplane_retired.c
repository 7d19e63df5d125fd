// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_retired.c - when entries of lists that went out of force were last seen
 *
 * The program writes it into the list itself, so it would be gone with the list. What takes a moment to read
 * (lines, and indexes up to SMALL_INDEX) is read at once; other lists stay open until a harvest has been
 * through them. Both queues have an end, and beyond it the oldest is dropped unread: that costs what was seen
 * since the harvest before, and only of entries that are not seen again. It takes RETIRED_MAPS_MAX
 * replacements of long lists, or RETIRED_ENTRIES_MAX seen entries of others, between two harvests. A packet
 * under way while its list is read may mark an entry too late to be told.
 */
#include "userspace/io/dataplane_private.h"

#include <errno.h>
#include <string.h>

#define SMALL_INDEX 4096U /* lines: 256 KiB, read in well under a millisecond */

static int grow(struct retired_space *retired)
{
	size_t capacity = retired->capacity ? retired->capacity * 2 : 256;
	struct retired_entry *entries;

	if (retired->capacity >= RETIRED_ENTRIES_MAX)
		return -ENOBUFS;
	entries = calloc(capacity, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < retired->count; i++)
		entries[i] = retired->entries[(retired->first + i) % retired->capacity];
	free(retired->entries);
	retired->entries = entries;
	retired->capacity = capacity;
	retired->first = 0;
	return 0;
}

static int keep_entry(uint32_t slot, const struct prefix *prefix, uint16_t epoch, void *arg)
{
	struct retired_space *retired = arg;
	struct retired_entry dropped;

	if (retired->count == retired->capacity && grow(retired) < 0 &&
	    !retired_take_entry(retired, &dropped))
		return -ENOMEM;
	retired->entries[(retired->first + retired->count++) % retired->capacity] =
		(struct retired_entry){.slot = slot, .epoch = epoch, .prefix = *prefix};
	return 0;
}

bool retired_take_entry(struct retired_space *retired, struct retired_entry *ret)
{
	if (!retired->count)
		return false;
	*ret = retired->entries[retired->first];
	retired->first = (retired->first + 1) % retired->capacity;
	retired->count--;
	return true;
}

bool retired_take_map(struct retired_space *retired, struct retired_map *ret)
{
	if (!retired->map_count)
		return false;
	*ret = retired->maps[0];
	retired->map_count--;
	memmove(retired->maps, retired->maps + 1, retired->map_count * sizeof(*retired->maps));
	return true;
}

static void drop_oldest(struct retired_space *retired)
{
	struct retired_map oldest;

	if (retired_take_map(retired, &oldest))
		cleanup_fd(&oldest.fd);
}

void retired_put_back(struct retired_space *retired, const struct retired_map *map)
{
	if (retired->map_count == RETIRED_MAPS_MAX) { /* it is the oldest itself */
		cleanup_fd(&map->fd);
		return;
	}
	memmove(retired->maps + 1, retired->maps, retired->map_count * sizeof(*retired->maps));
	retired->maps[0] = *map;
	retired->map_count++;
}

void retired_clear(struct retired_space *retired)
{
	while (retired->map_count)
		drop_oldest(retired);
	free(retired->entries);
	*retired = (struct retired_space){0};
}

void harvest_retired_lines(struct dataplane *dataplane, uint32_t slot, union ag_account_state old)
{
	for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++)
		if (!held_is_long(state_held(old, index)))
			/* without memory, or of lines that are damaged, nothing is to be told */
			(void)harvest_lines(dataplane, index, slot, old, keep_entry, &dataplane->retired);
}

struct keeping {
	struct retired_space *retired;
	uint32_t slot;
};

static int keep_slot(const struct prefix *prefix, uint16_t epoch, void *arg)
{
	const struct keeping *keeping = arg;

	return keep_entry(keeping->slot, prefix, epoch, keeping->retired);
}

/* Whether it was read: it is an index, and small. */
static bool read_small(struct dataplane *dataplane, const struct retired_map *map)
{
	struct keeping keeping = {.retired = &dataplane->retired, .slot = map->slot};
	AUTO_VIEW struct index_view view = {0};
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);
	size_t line = 0;

	if (map->held != AG_HELD_INDEX || bpf_obj_get_info_by_fd(map->fd, &info, &size) < 0 ||
	    info.max_entries > SMALL_INDEX || index_view_open(map->fd, &view) < 0)
		return false;
	return listindex_seen_each(family_of_index(map->index), &view.index, &line, view.index.line_count,
				   keep_slot, &keeping) == 0;
}

void harvest_retired_long(struct dataplane *dataplane, uint32_t slot, enum family_index index,
			  union ag_account_state old)
{
	struct retired_space *retired = &dataplane->retired;
	uint8_t held = state_held(old, index);
	AUTO_FD int fd = long_open(dataplane, long_kind_of(index, held), ag_long_place(slot, old.flags),
				   NULL);
	struct retired_map map = {.fd = fd, .slot = slot, .index = index, .held = held};

	/* what cannot be opened cannot be told of either */
	if (fd < 0 || read_small(dataplane, &map))
		return;
	if (retired->map_count == RETIRED_MAPS_MAX)
		drop_oldest(retired);
	map.fd = TAKE_FD(fd);
	retired->maps[retired->map_count++] = map;
}
