// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_buckets.c - services on single addresses in their buckets, and all others in ag_services
 *
 * A service is put in its home bucket, or the other that its hash names, or else in ag_services, and stays
 * there until it is removed: so the program, which looks in that order, never misses it. A slot is not used
 * again before a grace period, since a packet under way may just have compared half of it. The home bucket's
 * marks are counted here; they come before what they lead to and go after it.
 */
#include "userspace/io/dataplane_private.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "bpf/hash.h"

#define BUCKETS_MIN 64U

/* A service as the buckets know it; `key` is the whole of IPv4's, and the rest of IPv6's. */
struct bucket_key {
	enum family_index index;
	uint64_t high;
	uint64_t low;
	uint64_t key;
	uint32_t home;
	uint32_t other;
};

uint32_t buckets_for(uint32_t services, enum family_index index)
{
	uint32_t least = index == FAMILY4 ? services - services / 3 : services;

	return least > BUCKETS_MIN ? least : BUCKETS_MIN;
}

static unsigned int slots_of(enum family_index index)
{
	return index == FAMILY4 ? AG_SERVICE4_SLOTS : AG_SERVICE6_SLOTS;
}

static struct ag_service4_slot *slot4(const struct bucket_space *space, uint32_t bucket, unsigned int slot)
{
	return &((struct ag_service4_bucket *)space->buckets)[bucket].slots[slot];
}

static struct ag_service6_slot *slot6(const struct bucket_space *space, uint32_t bucket, unsigned int slot)
{
	return &((struct ag_service6_bucket *)space->buckets)[bucket].slots[slot];
}

static uint32_t *account_at(const struct bucket_space *space, enum family_index index, uint32_t bucket,
			    unsigned int slot)
{
	return index == FAMILY4 ? &slot4(space, bucket, slot)->account : &slot6(space, bucket, slot)->account;
}

/* 0: the slot is free. */
static uint64_t key_at(const struct bucket_space *space, enum family_index index, uint32_t bucket,
		       unsigned int slot)
{
	return index == FAMILY4 ? slot4(space, bucket, slot)->key : slot6(space, bucket, slot)->key;
}

static uint32_t *marks_at(const struct bucket_space *space, enum family_index index, uint32_t bucket)
{
	return index == FAMILY4 ? &slot4(space, bucket, 0)->marks : &slot6(space, bucket, 0)->marks;
}

static void mark(const struct bucket_space *space, enum family_index index, uint32_t bucket, uint32_t bit,
		 bool set)
{
	uint32_t *marks = marks_at(space, index, bucket);
	uint32_t value = set ? *marks | bit : *marks & ~bit;

	if (value != *marks)
		store_u32(marks, value);
}

static bool is_single(const struct ag_service_key *key)
{
	return key->len == (key->family == AG_FAMILY_IPV4 ? 32 : 128);
}

static struct bucket_key bucket_key_of(const struct dataplane *dataplane,
				       const struct ag_service_key *service)
{
	struct bucket_key key = {.index = service->family == AG_FAMILY_IPV4 ? FAMILY4 : FAMILY6};
	uint32_t rest = (uint32_t)ntohs(service->port_be) << 16 | (uint32_t)service->proto << 8 |
			AG_SERVICE_USED;
	uint32_t buckets = dataplane->buckets[key.index].count;
	uint64_t words[2], hash;
	uint32_t addr;

	if (key.index == FAMILY4) {
		memcpy(&addr, service->addr, sizeof(addr));
		key.key = (uint64_t)ntohl(addr) << 32 | rest;
		hash = ag_hash(key.key, dataplane->seed);
	} else {
		memcpy(words, service->addr, sizeof(words));
		key.high = be64toh(words[0]);
		key.low = be64toh(words[1]);
		key.key = rest;
		hash = ag_hash6(key.high, key.low, rest, dataplane->seed);
	}
	key.home = ag_hash_home(hash, buckets);
	key.other = ag_hash_other(hash, buckets);
	return key;
}

static struct ag_service_key service_at(const struct bucket_space *space, enum family_index index,
					uint32_t bucket, unsigned int slot)
{
	uint64_t key = key_at(space, index, bucket, slot);
	struct ag_service_key service;

	memset(&service, 0, sizeof(service)); /* the kernel compares every byte */
	service.port_be = htons((uint16_t)(key >> 16));
	service.proto = (uint8_t)(key >> 8);
	service.family = family_of_index(index);
	if (index == FAMILY4) {
		uint32_t addr = htonl((uint32_t)(key >> 32));

		memcpy(service.addr, &addr, sizeof(addr));
		service.len = 32;
	} else {
		uint64_t words[2] = {htobe64(slot6(space, bucket, slot)->high),
				     htobe64(slot6(space, bucket, slot)->low)};

		memcpy(service.addr, words, sizeof(words));
		service.len = 128;
	}
	return service;
}

static bool is_at(const struct bucket_space *space, const struct bucket_key *key, uint32_t bucket,
		  unsigned int slot)
{
	if (key_at(space, key->index, bucket, slot) != key->key)
		return false;
	return key->index == FAMILY4 ||
	       (slot6(space, bucket, slot)->high == key->high && slot6(space, bucket, slot)->low == key->low);
}

static bool find_in(const struct bucket_space *space, const struct bucket_key *key, uint32_t bucket,
		    unsigned int *ret_slot)
{
	for (unsigned int slot = 0; slot < slots_of(key->index); slot++)
		if (is_at(space, key, bucket, slot)) {
			*ret_slot = slot;
			return true;
		}
	return false;
}

static bool find(const struct bucket_space *space, const struct bucket_key *key, uint32_t *ret_bucket,
		 unsigned int *ret_slot)
{
	*ret_bucket = key->home;
	if (find_in(space, key, key->home, ret_slot))
		return true;
	*ret_bucket = key->other;
	return find_in(space, key, key->other, ret_slot);
}

static bool find_room(const struct bucket_space *space, enum family_index index, uint32_t bucket,
		      unsigned int *ret_slot)
{
	for (unsigned int slot = 0; slot < slots_of(index); slot++)
		if (!key_at(space, index, bucket, slot) && !(space->limbo[bucket] >> slot & 1)) {
			*ret_slot = slot;
			return true;
		}
	return false;
}

static void write_slot(struct bucket_space *space, const struct bucket_key *key, uint32_t bucket,
		       unsigned int slot, uint32_t account)
{
	struct ag_service6_slot *wide;

	store_u32(account_at(space, key->index, bucket, slot), account);
	space->in_use++;
	if (key->index == FAMILY4) {
		store_u64(&slot4(space, bucket, slot)->key, key->key);
		return;
	}
	wide = slot6(space, bucket, slot);
	store_u64(&wide->high, key->high);
	store_u64(&wide->low, key->low);
	store_u32(&wide->key, (uint32_t)key->key);
}

static void free_slot(struct bucket_space *space, enum family_index index, uint32_t bucket, unsigned int slot)
{
	if (index == FAMILY4)
		store_u64(&slot4(space, bucket, slot)->key, 0);
	else
		store_u32(&slot6(space, bucket, slot)->key, 0);
	space->limbo[bucket] |= (uint8_t)(1U << slot);
	space->in_use--;
}

static bool put_in_bucket(struct bucket_space *space, const struct bucket_key *key, uint32_t account)
{
	unsigned int slot;

	if (find_room(space, key->index, key->home, &slot)) {
		write_slot(space, key, key->home, slot, account);
		return true;
	}
	if (!find_room(space, key->index, key->other, &slot))
		return false;
	space->others[key->home]++;
	mark(space, key->index, key->home, AG_BUCKET_OTHER, true);
	write_slot(space, key, key->other, slot, account);
	return true;
}

static int stash_fd(const struct dataplane *dataplane)
{
	return dataplane_map_fd(dataplane->skeleton->maps.ag_services);
}

static bool is_stashed(const struct dataplane *dataplane, const struct bucket_space *space,
		       const struct bucket_key *key, const struct ag_service_key *service)
{
	uint32_t account;

	return space->stashed[key->home] && bpf_map_lookup_elem(stash_fd(dataplane), service, &account) == 0;
}

/* The mark stays after a failure: it leads to nothing, and goes at the next open. */
static int put_in_stash(struct dataplane *dataplane, struct bucket_space *space, const struct bucket_key *key,
			const struct ag_service_key *service, uint32_t account)
{
	int result;

	mark(space, key->index, key->home, AG_BUCKET_STASH, true);
	result = map_update(stash_fd(dataplane), service, &account);
	if (result < 0)
		return result;
	space->stashed[key->home]++;
	dataplane->stash_count++;
	return 0;
}

static int put_prefix(struct dataplane *dataplane, const struct ag_service_key *service, uint32_t account)
{
	int result = bpf_map_update_elem(stash_fd(dataplane), service, &account, BPF_EXIST);

	if (result != -ENOENT)
		return result < 0 ? map_update(stash_fd(dataplane), service, &account) : 0;
	result = map_update(stash_fd(dataplane), service, &account);
	dataplane->stash_count += result == 0;
	return result;
}

int buckets_put(struct dataplane *dataplane, const struct ag_service_key *service, uint32_t account)
{
	struct bucket_space *space;
	struct bucket_key key;
	unsigned int slot;
	uint32_t bucket;

	if (!is_single(service))
		return put_prefix(dataplane, service, account);
	key = bucket_key_of(dataplane, service);
	space = &dataplane->buckets[key.index];
	if (find(space, &key, &bucket, &slot)) {
		store_u32(account_at(space, key.index, bucket, slot), account);
		return 0;
	}
	if (is_stashed(dataplane, space, &key, service))
		return map_update(stash_fd(dataplane), service, &account);
	if (put_in_bucket(space, &key, account))
		return 0;
	return put_in_stash(dataplane, space, &key, service, account);
}

static void count_down(struct bucket_space *space, const struct bucket_key *key, uint32_t *counts,
		       uint32_t bit)
{
	if (--counts[key->home] == 0)
		mark(space, key->index, key->home, bit, false);
}

static int remove_from_stash(struct dataplane *dataplane, const struct ag_service_key *service)
{
	int result = bpf_map_delete_elem(stash_fd(dataplane), service);

	dataplane->stash_count -= result == 0;
	return result;
}

int buckets_remove(struct dataplane *dataplane, const struct ag_service_key *service)
{
	struct bucket_space *space;
	struct bucket_key key;
	unsigned int slot;
	uint32_t bucket;
	int result;

	if (!is_single(service)) {
		result = remove_from_stash(dataplane, service);
		return result == -ENOENT ? 0 : result;
	}
	key = bucket_key_of(dataplane, service);
	space = &dataplane->buckets[key.index];
	if (find(space, &key, &bucket, &slot)) {
		free_slot(space, key.index, bucket, slot);
		if (bucket != key.home)
			count_down(space, &key, space->others, AG_BUCKET_OTHER);
		return 0;
	}
	if (!space->stashed[key.home])
		return 0;
	result = remove_from_stash(dataplane, service);
	if (result == 0)
		count_down(space, &key, space->stashed, AG_BUCKET_STASH);
	return result == -ENOENT ? 0 : result;
}

void buckets_after_grace(struct dataplane *dataplane)
{
	for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++)
		memset(dataplane->buckets[index].limbo, 0, dataplane->buckets[index].count);
}

void buckets_each(const struct dataplane *dataplane,
		  void (*visit)(const struct ag_service_key *key, uint32_t account, void *arg), void *arg)
{
	for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++) {
		const struct bucket_space *space = &dataplane->buckets[index];

		for (uint32_t bucket = 0; bucket < space->count; bucket++)
			for (unsigned int slot = 0; slot < slots_of(index); slot++) {
				struct ag_service_key key;

				if (!key_at(space, index, bucket, slot))
					continue;
				key = service_at(space, index, bucket, slot);
				visit(&key, *account_at(space, index, bucket, slot), arg);
			}
	}
}

/* --- at open ------------------------------------------------------------------- */

/* One that stands where nobody looks for it is as good as none. */
static void adopt_slot(struct dataplane *dataplane, enum family_index index, uint32_t bucket,
		       unsigned int slot)
{
	struct bucket_space *space = &dataplane->buckets[index];
	struct ag_service_key service = service_at(space, index, bucket, slot);
	struct bucket_key key = bucket_key_of(dataplane, &service);
	uint32_t first;
	unsigned int first_slot;

	space->in_use++;
	if (!is_at(space, &key, bucket, slot) || !find(space, &key, &first, &first_slot) || first != bucket ||
	    first_slot != slot)
		free_slot(space, index, bucket, slot);
	else if (bucket != key.home)
		space->others[key.home]++;
}

static void adopt_buckets(struct dataplane *dataplane, enum family_index index)
{
	const struct bucket_space *space = &dataplane->buckets[index];

	for (uint32_t bucket = 0; bucket < space->count; bucket++)
		for (unsigned int slot = 0; slot < slots_of(index); slot++)
			if (key_at(space, index, bucket, slot))
				adopt_slot(dataplane, index, bucket, slot);
}

static int adopt_stash(struct dataplane *dataplane)
{
	AUTO_DUMP struct map_dump dump = {0};
	struct ag_service_key service;
	int result = map_dump(stash_fd(dataplane), sizeof(service), sizeof(uint32_t), &dump);

	if (result < 0)
		return result;
	for (size_t i = 0; i < dump.count; i++) {
		memcpy(&service, dump.keys + i * sizeof(service), sizeof(service));
		if (is_single(&service)) {
			struct bucket_key key = bucket_key_of(dataplane, &service);

			dataplane->buckets[key.index].stashed[key.home]++;
		}
	}
	dataplane->stash_count = dump.count;
	return 0;
}

static void adopt_marks(struct dataplane *dataplane, enum family_index index)
{
	const struct bucket_space *space = &dataplane->buckets[index];

	for (uint32_t bucket = 0; bucket < space->count; bucket++) {
		mark(space, index, bucket, AG_BUCKET_OTHER, space->others[bucket]);
		mark(space, index, bucket, AG_BUCKET_STASH, space->stashed[bucket]);
	}
}

static int open_family(struct dataplane *dataplane, enum family_index index, const struct bpf_map *map,
		       struct ag_error *error)
{
	struct bucket_space *space = &dataplane->buckets[index];
	void *mapped;
	int result;

	space->count = bpf_map__max_entries(map);
	space->limbo = calloc(space->count, sizeof(*space->limbo));
	space->others = calloc(space->count, sizeof(*space->others));
	space->stashed = calloc(space->count, sizeof(*space->stashed));
	if (!space->limbo || !space->others || !space->stashed)
		return dataplane_no_memory(error);
	result = map_share(dataplane_map_fd(map), bpf_map__value_size(map), space->count, &mapped,
			   &space->bytes);
	if (result < 0)
		return error_set(error, ERROR_KERNEL, "cannot map %s: %s", bpf_map__name(map),
				 strerror(-result));
	space->buckets = mapped;
	adopt_buckets(dataplane, index);
	return 0;
}

int buckets_open(struct dataplane *dataplane, struct ag_error *error)
{
	int result = open_family(dataplane, FAMILY4, dataplane->skeleton->maps.ag_services4, error);

	if (result == 0)
		result = open_family(dataplane, FAMILY6, dataplane->skeleton->maps.ag_services6, error);
	if (result < 0)
		return result;
	result = adopt_stash(dataplane);
	if (result < 0)
		return error_set(error, ERROR_KERNEL, "cannot read ag_services: %s", strerror(-result));
	adopt_marks(dataplane, FAMILY4);
	adopt_marks(dataplane, FAMILY6);
	dataplane->table_count[TABLE_SERVICES] = dataplane->stash_count + dataplane->buckets[FAMILY4].in_use +
						 dataplane->buckets[FAMILY6].in_use;
	return 0;
}

void buckets_close(struct dataplane *dataplane)
{
	for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++) {
		struct bucket_space *space = &dataplane->buckets[index];

		if (space->buckets)
			(void)munmap(space->buckets, space->bytes); /* mapped here, so it cannot fail */
		free(space->limbo);
		free(space->others);
		free(space->stashed);
	}
}
