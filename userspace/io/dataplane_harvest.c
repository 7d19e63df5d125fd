// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_harvest.c - when entries were last seen, read out of the kernel in short steps
 *
 * First what went out of force, then list by list what is in force, and before every one of those again what
 * went out of force meanwhile: so a harvest misses no list that is replaced while it is under way. A long
 * list is read piece by piece and kept open, whatever becomes of its account. The same entry may be told
 * twice, with another epoch: the later one holds. A list that could not be told to its end, for the caller
 * ended the step, is told from its start by the next.
 */
#include "userspace/io/dataplane_private.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define STEP_NS	      10000000
#define PIECE_LINES   1024U /* of an index; 64 KiB */
#define PIECE_ENTRIES 512U  /* of a trie */

/* A long list that is being read. */
struct reading {
	struct retired_map map; /* fd -1: none is */
	bool is_retired;
	/* an index */
	struct index_view view;
	size_t line;
	/* a trie */
	union trie_key cursor;
	bool started;
	bool by_element; /* the kernel has no batches of tries */
	uint32_t told;	 /* keys so far */
};

struct dataplane_harvest {
	struct dataplane *dataplane;
	uint32_t slot; /* in force: where to go on; at the limit, done */
	enum family_index index;
	struct reading reading;
};

struct visitor {
	seen_visit visit;
	void *arg;
	uint32_t slot;
};

/* --- short lists ------------------------------------------------------------------ */

int harvest_lines(struct dataplane *dataplane, enum family_index index, uint32_t slot,
		  union ag_account_state state, seen_visit visit, void *arg)
{
	AUTO_FREE struct compiled_entry *entries = NULL;
	size_t count = 0;
	int result;

	if (!state_held(state, index))
		return 0;
	result = shortlist_decode(family_of_index(index), state_list(dataplane, state, index),
				  state_held(state, index), state_expiries(dataplane, state, index), &entries,
				  &count);
	for (size_t i = 0; i < count && result == 0; i++)
		if (entries[i].value.seen)
			result = visit(slot, &entries[i].prefix, entries[i].value.seen, arg);
	return result;
}

/* --- long lists, a piece at a time: 0 with *ret_more ------------------------------- */

static int visit_slot(const struct prefix *prefix, uint16_t epoch, void *arg)
{
	const struct visitor *visitor = arg;

	return visitor->visit(visitor->slot, prefix, epoch, visitor->arg);
}

static int read_index(struct reading *reading, struct visitor *visitor, bool *ret_more)
{
	enum ag_family family = family_of_index(reading->map.index);
	int result = 0;

	if (!reading->view.index.lines)
		result = index_view_open(reading->map.fd, &reading->view);
	if (result == 0)
		result = listindex_seen_each(family, &reading->view.index, &reading->line, PIECE_LINES,
					     visit_slot, visitor);
	*ret_more = reading->line != 0;
	return result;
}

static struct prefix prefix_at(enum family_index index, const uint8_t *key)
{
	const union trie_key *trie_key = (const void *)key;
	const uint8_t *bytes = index == FAMILY4 ? trie_key->v4.addr : trie_key->v6.addr;

	return (struct prefix){
		.addr = addr_make(family_of_index(index), bytes),
		.len = (uint8_t)(index == FAMILY4 ? trie_key->v4.prefixlen : trie_key->v6.prefixlen)};
}

/* Up to *count keys behind the cursor, which moves with them; -ENOENT with the last. */
static int next_by_element(struct reading *reading, uint8_t *keys, struct ag_entry *values, __u32 *count)
{
	size_t key_size = trie_key_size(reading->map.index);
	__u32 room = *count;

	*count = 0;
	while (*count < room) {
		uint8_t *key = keys + *count * key_size;
		int result = bpf_map_get_next_key(reading->map.fd, reading->started ? &reading->cursor : NULL,
						  key);

		if (result < 0)
			return result;
		memcpy(&reading->cursor, key, key_size);
		reading->started = true;
		result = bpf_map_lookup_elem(reading->map.fd, key, &values[*count]);
		if (result < 0 && result != -ENOENT)
			return result;
		*count += result == 0;
	}
	return 0;
}

static int next_entries(struct reading *reading, uint8_t *keys, struct ag_entry *values, __u32 *count)
{
	__u32 room = *count;
	int result;

	if (!reading->by_element) {
		result = bpf_map_lookup_batch(reading->map.fd, reading->started ? &reading->cursor : NULL,
					      &reading->cursor, keys, values, count, NULL);
		reading->by_element = !reading->started && map_batch_is_missing(result);
		if (!reading->by_element) {
			reading->started = true;
			*count = result < 0 && result != -ENOENT ? 0 : *count;
			return result;
		}
	}
	*count = room;
	return next_by_element(reading, keys, values, count);
}

/*
 * Where the entry at the cursor was removed meanwhile the kernel begins anew: hence told, without which a
 * trie that is edited without end would be read so too.
 */
static int read_trie(const struct dataplane *dataplane, struct reading *reading, struct visitor *visitor,
		     bool *ret_more)
{
	uint8_t keys[PIECE_ENTRIES * sizeof(union trie_key)] __attribute__((aligned(8)));
	struct ag_entry values[PIECE_ENTRIES];
	size_t key_size = trie_key_size(reading->map.index);
	__u32 count = PIECE_ENTRIES;
	int state = next_entries(reading, keys, values, &count);

	if (state < 0 && state != -ENOENT)
		return state;
	reading->told += count;
	*ret_more = state == 0 && reading->told / 2 <= dataplane->limits.entries;
	for (__u32 i = 0; i < count; i++) {
		struct prefix prefix = prefix_at(reading->map.index, keys + i * key_size);
		int result = values[i].seen ? visit_slot(&prefix, values[i].seen, visitor) : 0;

		if (result)
			return result;
	}
	return 0;
}

/* --- the whole ---------------------------------------------------------------------- */

static void end_reading(struct reading *reading)
{
	index_view_close(&reading->view);
	cleanup_fd(&reading->map.fd);
	*reading = (struct reading){.map.fd = -1};
}

static int read_piece(struct dataplane_harvest *harvest, struct visitor *visitor)
{
	struct reading *reading = &harvest->reading;
	bool more = false;
	int result;

	visitor->slot = reading->map.slot;
	if (reading->map.held == AG_HELD_INDEX)
		result = read_index(reading, visitor, &more);
	else
		result = read_trie(harvest->dataplane, reading, visitor, &more);
	if (result) { /* from its start again */
		reading->line = 0;
		reading->started = false;
		reading->told = 0;
	} else if (!more) {
		end_reading(reading);
	}
	return result;
}

/* One list in force, of one family: its lines are read, or it is opened to be. */
static int begin_next(struct dataplane_harvest *harvest, struct visitor *visitor)
{
	struct dataplane *dataplane = harvest->dataplane;
	union ag_account_state state = account_state(dataplane, harvest->slot);
	struct retired_map *map = &harvest->reading.map;
	enum family_index index = harvest->index;
	uint32_t slot = harvest->slot;
	uint8_t held = state_held(state, index);

	harvest->index = index == FAMILY4 ? FAMILY6 : FAMILY4;
	harvest->slot += index == FAMILY6;
	if (!state.word || !held || dataplane->damaged[slot])
		return 0;
	if (!held_is_long(held))
		return harvest_lines(dataplane, index, slot, state, visitor->visit, visitor->arg);
	*map = (struct retired_map){.slot = slot, .index = index, .held = held};
	map->fd = long_open(dataplane, long_kind_of(index, held), ag_long_place(slot, state.flags), NULL);
	return map->fd < 0 ? map->fd : 0;
}

/* A little of the work; *ret_more is false when there was none left. */
static int do_some(struct dataplane_harvest *harvest, struct visitor *visitor, uint32_t *slot, bool *ret_more)
{
	struct retired_space *retired = &harvest->dataplane->retired;
	struct retired_entry entry;

	*ret_more = true;
	if (harvest->reading.map.fd >= 0) {
		*slot = harvest->reading.map.slot;
		return read_piece(harvest, visitor);
	}
	if (retired_take_entry(retired, &entry))
		return visitor->visit(entry.slot, &entry.prefix, entry.epoch, visitor->arg);
	if (retired_take_map(retired, &harvest->reading.map)) {
		harvest->reading.is_retired = true;
		return 0;
	}
	*slot = harvest->slot;
	if (harvest->slot < harvest->dataplane->limits.accounts)
		return begin_next(harvest, visitor);
	*ret_more = false;
	return 0;
}

static int64_t nanoseconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* there is one on every Linux */
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int dataplane_harvest_new(struct dataplane *dataplane, bool all, struct dataplane_harvest **ret)
{
	struct dataplane_harvest *harvest = calloc(1, sizeof(*harvest));

	if (!harvest)
		return -ENOMEM;
	harvest->dataplane = dataplane;
	harvest->slot = all ? 0 : dataplane->limits.accounts;
	harvest->reading.map.fd = -1;
	*ret = harvest;
	return 0;
}

/* Tells what comes of the caller's function from what comes of the kernel. */
struct told {
	seen_visit visit;
	void *arg;
	int result;
};

static int tell(uint32_t slot, const struct prefix *prefix, uint16_t epoch, void *arg)
{
	struct told *told = arg;

	told->result = told->visit(slot, prefix, epoch, told->arg);
	return told->result;
}

int dataplane_harvest_step(struct dataplane_harvest *harvest, seen_visit visit, void *arg, bool *ret_more,
			   struct ag_error *error)
{
	int64_t end = nanoseconds() + STEP_NS;
	struct told told = {.visit = visit, .arg = arg};
	struct visitor visitor = {.visit = tell, .arg = &told};
	uint32_t slot = 0;
	int result;

	do {
		struct dataplane_harvest before = *harvest;

		result = do_some(harvest, &visitor, &slot, ret_more);
		if (told.result) {
			harvest->slot = before.slot;
			harvest->index = before.index;
			return told.result;
		}
		if (result < 0) {
			end_reading(&harvest->reading);
			return list_error(result, slot, error);
		}
	} while (*ret_more && nanoseconds() < end);
	return 0;
}

void dataplane_harvest_free(struct dataplane_harvest *harvest)
{
	if (!harvest)
		return;
	if (harvest->reading.is_retired && harvest->reading.map.fd >= 0) {
		retired_put_back(&harvest->dataplane->retired, &harvest->reading.map);
		harvest->reading.map.fd = -1;
	}
	end_reading(&harvest->reading);
	free(harvest);
}

/* --- one entry ---------------------------------------------------------------------- */

struct wanted {
	const struct prefix *prefix;
	uint16_t epoch;
};

static int find(uint32_t slot, const struct prefix *prefix, uint16_t epoch, void *arg)
{
	struct wanted *wanted = arg;

	(void)slot; /* there is one only */
	if (prefix_compare(prefix, wanted->prefix) == 0)
		wanted->epoch = epoch;
	return 0;
}

static int seen_in_index(int fd, const struct prefix *prefix, uint16_t now, uint16_t *ret_epoch)
{
	AUTO_VIEW struct index_view view = {0};
	int result = index_view_open(fd, &view);

	if (result == 0)
		*ret_epoch = listindex_seen(&view.index, prefix, now);
	return result;
}

/* A lookup of that length finds the entry itself, or a shorter one. */
static int seen_in_trie(int fd, const struct prefix *prefix, uint16_t *ret_epoch)
{
	union trie_key key = trie_key_of(prefix);
	struct ag_entry entry;
	int result = bpf_map_lookup_elem(fd, &key, &entry);

	if (result == 0 && entry.len == prefix->len)
		*ret_epoch = entry.seen;
	return result == -ENOENT ? 0 : result;
}

static int seen_in_force(struct dataplane *dataplane, uint32_t slot, const struct prefix *prefix,
			 uint16_t *ret_epoch)
{
	enum family_index index = prefix->addr.family == AG_FAMILY_IPV4 ? FAMILY4 : FAMILY6;
	union ag_account_state state = account_state(dataplane, slot);
	struct wanted wanted = {.prefix = prefix};
	uint8_t held = state_held(state, index);
	AUTO_FD int fd = -1;
	int result;

	if (dataplane->damaged[slot])
		return -EBADMSG;
	if (!held_is_long(held)) {
		result = harvest_lines(dataplane, index, slot, state, find, &wanted);
		*ret_epoch = wanted.epoch;
		return result;
	}
	fd = long_open(dataplane, long_kind_of(index, held), ag_long_place(slot, state.flags), NULL);
	if (fd < 0)
		return fd;
	if (held == AG_HELD_TRIE)
		return seen_in_trie(fd, prefix, ret_epoch);
	return seen_in_index(fd, prefix, __atomic_load_n(&dataplane->config->now.epoch, __ATOMIC_RELAXED),
			     ret_epoch);
}

int dataplane_seen(struct dataplane *dataplane, uint32_t slot, const struct prefix *prefix,
		   uint16_t *ret_epoch, struct ag_error *error)
{
	uint16_t epoch = 0;
	int result = dataplane_check_slot(dataplane, slot, error);

	if (result < 0)
		return result;
	result = seen_in_force(dataplane, slot, prefix, &epoch);
	if (result < 0)
		return list_error(result, slot, error);
	*ret_epoch = epoch;
	return 0;
}
