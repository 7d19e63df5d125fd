// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_long.c - the places of long lists, in the arrays of maps
 *
 * Each account has two places in each array, of which its word names one side. What is to come into force is
 * put on the other side, which no program looks at: not since the last grace period after a word named it.
 * What is left behind there keeps its memory until it is dropped.
 *
 * Looking up an array of maps gives the id of the inner map, and opening one by its id needs CAP_SYS_ADMIN
 * (bpf(2), BPF_MAP_GET_FD_BY_ID). Before Linux 6.8 each lookup waits a grace period, so which places have a
 * map is remembered in ag_long_present: a bit is set before the map is put there, and taken away behind its
 * deletion. The kernel has batches for these arrays since 5.19, but none that deletes, and each deletion
 * takes a grace period: many are replaced in one batch by one small map instead.
 */
#include "userspace/io/dataplane_private.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define DELETIONS_MAX 4U

static const char *const NAMES[] = {
	[LONG_INDEX4] = "ag_indexes4",
	[LONG_INDEX6] = "ag_indexes6",
	[LONG_TRIE4] = "ag_lists4",
	[LONG_TRIE6] = "ag_lists6",
};
_Static_assert(sizeof(NAMES) / sizeof(*NAMES) == LONG_KIND_MAX, "every kind has its name");

const char *long_map_name(enum long_kind kind)
{
	return NAMES[kind];
}

struct bpf_map *long_map(const struct dataplane *dataplane, enum long_kind kind)
{
	switch (kind) {
	case LONG_INDEX4:
		return dataplane->skeleton->maps.ag_indexes4;
	case LONG_INDEX6:
		return dataplane->skeleton->maps.ag_indexes6;
	case LONG_TRIE4:
		return dataplane->skeleton->maps.ag_lists4;
	default:
		return dataplane->skeleton->maps.ag_lists6;
	}
}

static int outer_fd(const struct dataplane *dataplane, enum long_kind kind)
{
	return dataplane_map_fd(long_map(dataplane, kind));
}

static uint32_t places(const struct dataplane *dataplane)
{
	return dataplane->limits.accounts * 2;
}

int long_open(const struct dataplane *dataplane, enum long_kind kind, uint32_t place, uint32_t *ret_id)
{
	__u32 id;
	int result = bpf_map_lookup_elem(outer_fd(dataplane, kind), &place, &id);

	if (result < 0)
		return result;
	if (ret_id)
		*ret_id = id;
	return bpf_map_get_fd_by_id(id);
}

bool long_is_present(const struct dataplane *dataplane, enum long_kind kind, uint32_t place)
{
	return dataplane->longs.present[place] >> kind & 1;
}

bool long_is_stale(const struct dataplane *dataplane, uint32_t place)
{
	return dataplane->longs.stale[place];
}

/* The bits of what the word of the place's account leads to there. */
static uint8_t in_force(const struct dataplane *dataplane, uint32_t place)
{
	union ag_account_state state = account_state(dataplane, place / 2);
	uint8_t kinds = 0;

	if (!state.word || ag_long_place(place / 2, state.flags) != place)
		return 0;
	for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++)
		if (held_is_long(state_held(state, index)))
			kinds |= (uint8_t)(1U << long_kind_of(index, state_held(state, index)));
	return kinds;
}

static uint8_t unused(const struct dataplane *dataplane, uint32_t place)
{
	const struct long_space *longs = &dataplane->longs;

	return longs->present[place] & (uint8_t)~longs->stale[place] & (uint8_t)~in_force(dataplane, place);
}

int long_put(struct dataplane *dataplane, enum long_kind kind, const uint32_t *places_, const int *fds,
	     size_t count)
{
	struct long_space *longs = &dataplane->longs;
	uint8_t bit = (uint8_t)(1U << kind);

	/* first, so that a daemon that comes after this one knows of whatever it may leave there */
	for (size_t i = 0; i < count; i++) {
		longs->unused_count += !(longs->present[places_[i]] & bit);
		longs->present[places_[i]] |= bit;
	}
	return map_update_all(outer_fd(dataplane, kind), sizeof(*places_), sizeof(*fds),
			      (const uint8_t *)places_, (const uint8_t *)fds, count);
}

void long_retire(struct dataplane *dataplane, enum long_kind kind, uint32_t place)
{
	struct long_space *longs = &dataplane->longs;
	uint8_t bit = (uint8_t)(1U << kind);

	longs->stale_count += !(longs->stale[place] & bit);
	longs->stale[place] |= bit;
}

void long_after_grace(struct dataplane *dataplane)
{
	struct long_space *longs = &dataplane->longs;

	if (!longs->stale_count)
		return;
	memset(longs->stale, 0, places(dataplane));
	longs->unused_count += longs->stale_count;
	longs->stale_count = 0;
}

static int delete_each(struct dataplane *dataplane, enum long_kind kind, const uint32_t *gone, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int result = bpf_map_delete_elem(outer_fd(dataplane, kind), &gone[i]);

		if (result < 0 && result != -ENOENT)
			return result;
		dataplane->longs.present[gone[i]] &= (uint8_t) ~(1U << kind);
	}
	return 0;
}

/* Of the kind that the array takes, and no bigger than it must. */
static int create_small(enum long_kind kind)
{
	bool index = kind == LONG_INDEX4 || kind == LONG_INDEX6;
	LIBBPF_OPTS(bpf_map_create_opts, options,
		    .map_flags = index ? BPF_F_INNER_MAP | BPF_F_MMAPABLE : BPF_F_NO_PREALLOC);

	if (index)
		return bpf_map_create(BPF_MAP_TYPE_ARRAY, "ag_none", sizeof(uint32_t), sizeof(struct ag_line),
				      1, &options);
	return bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "ag_none",
			      (__u32)trie_key_size(kind == LONG_TRIE4 ? FAMILY4 : FAMILY6),
			      sizeof(struct ag_entry), 1, &options);
}

static int replace_all(struct dataplane *dataplane, enum long_kind kind, const uint32_t *gone, size_t count)
{
	AUTO_FD int small = create_small(kind);
	AUTO_FREE int *fds = calloc(count, sizeof(*fds));
	int result;

	if (small < 0)
		return small;
	if (!fds)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		fds[i] = small;
	result = map_update_all(outer_fd(dataplane, kind), sizeof(*gone), sizeof(*fds), (const uint8_t *)gone,
				(const uint8_t *)fds, count);
	for (size_t i = 0; i < count && result == 0; i++)
		dataplane->longs.present[gone[i]] &= (uint8_t) ~(1U << kind);
	return result;
}

static int drop_kind(struct dataplane *dataplane, enum long_kind kind)
{
	AUTO_FREE uint32_t *gone = calloc(places(dataplane), sizeof(*gone));
	size_t count = 0;

	if (!gone)
		return -ENOMEM;
	for (uint32_t place = 0; place < places(dataplane); place++)
		if (long_is_present(dataplane, kind, place) && unused(dataplane, place) >> kind & 1)
			gone[count++] = place;
	if (count > DELETIONS_MAX)
		return replace_all(dataplane, kind, gone, count);
	return delete_each(dataplane, kind, gone, count);
}

int long_drop_unused(struct dataplane *dataplane)
{
	int result = 0;

	if (!dataplane->longs.unused_count)
		return 0;
	for (enum long_kind kind = 0; kind < LONG_KIND_MAX && result == 0; kind++)
		result = drop_kind(dataplane, kind);
	if (result == 0)
		dataplane->longs.unused_count = 0;
	return result;
}

int long_open_all(struct dataplane *dataplane, struct ag_error *error)
{
	struct long_space *longs = &dataplane->longs;
	const struct bpf_map *map = dataplane->skeleton->maps.ag_long_present;
	void *mapped;
	int result;

	longs->stale = calloc(places(dataplane), sizeof(*longs->stale));
	if (!longs->stale)
		return dataplane_no_memory(error);
	result = map_share(dataplane_map_fd(map), bpf_map__value_size(map), bpf_map__max_entries(map),
			   &mapped, &longs->present_bytes);
	if (result < 0)
		return error_set(error, ERROR_KERNEL, "cannot map ag_long_present: %s", strerror(-result));
	longs->present = mapped;
	for (uint32_t place = 0; place < places(dataplane); place++)
		longs->unused_count += unused(dataplane, place) != 0;
	return 0;
}

void long_close_all(struct dataplane *dataplane)
{
	if (dataplane->longs.present)
		(void)munmap(dataplane->longs.present,
			     dataplane->longs.present_bytes); /* mapped here, so it cannot fail */
	free(dataplane->longs.stale);
}
