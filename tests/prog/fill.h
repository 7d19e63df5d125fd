/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fill.h - the program's maps filled from what compile_*() makes of a policy
 *
 * Obvious rather than fast, and shares nothing with the daemon's own way: a list is put in whichever form a
 * test asks for, at places of the account's own that are written again with every change; services take the
 * first room there is. Every failure ends the test.
 */
#pragma once

#include "tests/prog/kernel.h"

#include <errno.h>
#include <sys/mman.h>

#include "bpf/hash.h"
#include "userspace/core/compile.h"
#include "userspace/core/listindex.h"
#include "userspace/core/shortlist.h"

/* How a list is to be held: what is too long for the one is held as the next. */
enum kernel_form {
	KERNEL_SHORT,
	KERNEL_INDEX,
	KERNEL_TRIE,
	KERNEL_FORM_MAX,
};

/* Where services found room. */
struct kernel_placed {
	size_t home;
	size_t other;
	size_t stash;
	size_t prefix;
};

/* --- lists ------------------------------------------------------------------- */

/* The entries of one family, and where they are to be put. */
struct kernel_list {
	struct allowgate_bpf *kernel;
	enum ag_family family;
	const struct compiled_entry *entries;
	size_t count;
	uint32_t block; /* of lines ... */
	uint32_t place; /* ... or of the long list, */
	bool placed;	/* which is there already */
};

/* False: too long for lines. */
static inline bool kernel_put_lines(const struct kernel_list *list, uint8_t *held)
{
	struct ag_line lines[AG_LINES6_MAX];
	uint8_t count = shortlist_lines(list->family, list->count);

	assert_false(shortlist_expires(list->entries, list->count)); /* the daemon's own way has those */

	if (count == SHORTLIST_TOO_LONG)
		return false;
	kernel_check(shortlist_encode(list->family, list->entries, list->count, lines, NULL), "encode");
	for (uint32_t i = 0; i < count; i++)
		kernel_put(list->kernel->maps.ag_lines, &(uint32_t){list->block + i}, &lines[i]);
	*held = count;
	return true;
}

static inline struct bpf_map *kernel_long_map(const struct kernel_list *list, enum kernel_form form)
{
	if (list->family == AG_FAMILY_IPV4)
		return form == KERNEL_INDEX ? list->kernel->maps.ag_indexes4 : list->kernel->maps.ag_lists4;
	return form == KERNEL_INDEX ? list->kernel->maps.ag_indexes6 : list->kernel->maps.ag_lists6;
}

static inline int kernel_make_image(const struct listindex *index)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_INNER_MAP | BPF_F_MMAPABLE);
	size_t bytes = index->line_count * sizeof(*index->lines);
	void *mapped;
	int fd;

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ag_test_index", sizeof(uint32_t), sizeof(*index->lines),
			    (uint32_t)index->line_count, &opts);
	kernel_check(fd, "create an index");
	mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(mapped != MAP_FAILED);
	memcpy(mapped, index->lines, bytes);
	(void)munmap(mapped, bytes);
	return fd;
}

static inline void kernel_put_image(const struct kernel_list *list, const struct listindex *index)
{
	int fd = kernel_make_image(index);

	kernel_put(kernel_long_map(list, KERNEL_INDEX), &list->place, &fd);
	close(fd);
}

/* -1: not for an index. */
static inline int kernel_make_index(const struct kernel_list *list)
{
	struct listindex index = {0};
	int r = listindex_build(list->family, list->entries, list->count, KERNEL_SEED, &index);

	if (r == -E2BIG)
		return -1;
	kernel_check(r, "build an index");
	r = kernel_make_image(&index);
	free(index.lines);
	return r;
}

static inline int kernel_make_trie(const struct kernel_list *list)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	struct ag_list6_key key; /* that of IPv4 is its beginning */
	int fd;

	fd = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "ag_test_list",
			    list->family == AG_FAMILY_IPV4 ? sizeof(struct ag_list4_key)
							   : sizeof(struct ag_list6_key),
			    sizeof(struct ag_entry), (uint32_t)list->count, &opts);
	kernel_check(fd, "create a list");
	for (size_t i = 0; i < list->count; i++) {
		key.prefixlen = list->entries[i].prefix.len;
		memcpy(key.addr, list->entries[i].prefix.addr.bytes, sizeof(key.addr));
		kernel_check(bpf_map_update_elem(fd, &key, &list->entries[i].value, BPF_ANY), "fill a list");
	}
	return fd;
}

/* False: not for that form. */
static inline bool kernel_put_long(const struct kernel_list *list, enum kernel_form form, uint8_t *held)
{
	int fd = form == KERNEL_INDEX ? kernel_make_index(list) : kernel_make_trie(list);

	if (fd < 0)
		return false;
	if (!list->placed)
		kernel_put(kernel_long_map(list, form), &list->place, &fd);
	close(fd);
	*held = form == KERNEL_INDEX ? AG_HELD_INDEX : AG_HELD_TRIE;
	return true;
}

static inline uint8_t kernel_put_list(const struct kernel_list *list, enum kernel_form form)
{
	uint8_t held = 0;

	if (!list->count || (form <= KERNEL_SHORT && kernel_put_lines(list, &held)) ||
	    (form <= KERNEL_INDEX && kernel_put_long(list, KERNEL_INDEX, &held)))
		return held;
	assert_true(kernel_put_long(list, KERNEL_TRIE, &held));
	return held;
}

static inline void kernel_put_word(struct allowgate_bpf *kernel, uint32_t slot, union ag_account_state state)
{
	const struct ag_account account = {.state = state};

	kernel_put(kernel->maps.ag_accounts, &slot, &account);
}

/* How an account is to be held. */
struct kernel_holding {
	enum kernel_form form4;
	enum kernel_form form6;
	uint8_t side; /* 0 or AG_ACCOUNT_SIDE: the place of long lists ... */
	bool placed;  /* ... which kernel_place_lists() has put there */
};

static inline struct kernel_list kernel_list_of(struct allowgate_bpf *kernel,
						const struct compiled_account *account, enum ag_family family,
						uint8_t side)
{
	bool ipv4 = family == AG_FAMILY_IPV4;

	return (struct kernel_list){.kernel = kernel,
				    .family = family,
				    .entries = ipv4 ? account->entries4 : account->entries6,
				    .count = ipv4 ? account->count4 : account->count6,
				    .block = account->slot * KERNEL_LINES,
				    .place = ag_long_place(account->slot, side)};
}

/* Returns what was put. */
static inline union ag_account_state kernel_put_account_so(struct allowgate_bpf *kernel,
							   const struct compiled_account *account,
							   const struct kernel_holding *holding)
{
	struct kernel_list list4 = kernel_list_of(kernel, account, AG_FAMILY_IPV4, holding->side);
	struct kernel_list list6 = kernel_list_of(kernel, account, AG_FAMILY_IPV6, holding->side);
	union ag_account_state state = {.block = list4.block, .flags = holding->side};

	if (!account->active) {
		kernel_put_word(kernel, account->slot, (union ag_account_state){0});
		return (union ag_account_state){0};
	}
	list4.placed = list6.placed = holding->placed;
	state.flags |= AG_ACCOUNT_ACTIVE;
	state.flags |= account->mode == AG_MODE_MONITOR ? AG_ACCOUNT_MONITOR : 0;
	state.held4 = kernel_put_list(&list4, holding->form4);
	list6.block += state.held4 <= AG_LINES4_MAX ? state.held4 : 0;
	state.held6 = kernel_put_list(&list6, holding->form6);
	kernel_put_word(kernel, account->slot, state);
	return state;
}

static inline union ag_account_state kernel_put_account_as(struct allowgate_bpf *kernel,
							   const struct compiled_account *account,
							   enum kernel_form form4, enum kernel_form form6,
							   uint8_t side)
{
	const struct kernel_holding holding = {.form4 = form4, .form6 = form6, .side = side};

	return kernel_put_account_so(kernel, account, &holding);
}

/*
 * The lists of one family as indexes (where they are for one) or tries, each in its place, in one call: after
 * each the kernel waits until no packet is under way.
 */
static inline void kernel_place_lists(struct allowgate_bpf *kernel, enum ag_family family,
				      enum kernel_form form, const struct compiled_account *accounts,
				      const uint8_t *sides, size_t count)
{
	uint32_t places[KERNEL_ACCOUNTS_MAX], filled = 0, put;
	const struct bpf_map *map = NULL;
	int fds[KERNEL_ACCOUNTS_MAX];

	for (size_t i = 0; i < count; i++) {
		struct kernel_list list = kernel_list_of(kernel, &accounts[i], family, sides[i]);

		if (!list.count)
			continue;
		map = kernel_long_map(&list, form);
		places[filled] = list.place;
		fds[filled] = form == KERNEL_INDEX ? kernel_make_index(&list) : kernel_make_trie(&list);
		filled += fds[filled] >= 0;
	}
	put = filled;
	if (filled)
		kernel_check(bpf_map_update_batch(bpf_map__fd(map), places, fds, &put, NULL), "place lists");
	assert_int_equal(put, filled);
	while (filled)
		close(fds[--filled]);
}

static inline void kernel_put_account(struct allowgate_bpf *kernel, const struct compiled_account *account)
{
	(void)kernel_put_account_as(kernel, account, KERNEL_SHORT, KERNEL_SHORT, 0);
}

/* --- services ---------------------------------------------------------------- */

/* False: no room. */
static inline bool kernel_put_slot4(const struct bpf_map *map, uint32_t at, uint64_t key, uint32_t account)
{
	struct ag_service4_bucket bucket;

	kernel_get(map, at, &bucket);
	for (int i = 0; i < AG_SERVICE4_SLOTS; i++) {
		if (bucket.slots[i].key)
			continue;
		bucket.slots[i].key = key;
		bucket.slots[i].account = account;
		kernel_put(map, &at, &bucket);
		return true;
	}
	return false;
}

static inline bool kernel_put_slot6(const struct bpf_map *map, uint32_t at,
				    const struct ag_service6_slot *slot)
{
	struct ag_service6_bucket bucket;

	kernel_get(map, at, &bucket);
	for (int i = 0; i < AG_SERVICE6_SLOTS; i++) {
		uint32_t marks = bucket.slots[i].marks;

		if (bucket.slots[i].key)
			continue;
		bucket.slots[i] = *slot;
		bucket.slots[i].marks = marks;
		kernel_put(map, &at, &bucket);
		return true;
	}
	return false;
}

static inline void kernel_mark(struct allowgate_bpf *kernel, uint8_t family, uint32_t at, uint32_t mark)
{
	struct ag_service4_bucket bucket4;
	struct ag_service6_bucket bucket6;

	if (family == AG_FAMILY_IPV4) {
		kernel_get(kernel->maps.ag_services4, at, &bucket4);
		bucket4.slots[0].marks |= mark;
		kernel_put(kernel->maps.ag_services4, &at, &bucket4);
	} else {
		kernel_get(kernel->maps.ag_services6, at, &bucket6);
		bucket6.slots[0].marks |= mark;
		kernel_put(kernel->maps.ag_services6, &at, &bucket6);
	}
}

/* A service as its buckets have it. */
struct kernel_service {
	struct ag_service6_slot slot; /* of IPv4 the address is in high's upper half */
	uint32_t home;
	uint32_t other;
};

static inline struct kernel_service kernel_service_of(struct allowgate_bpf *kernel,
						      const struct compiled_service *service)
{
	const struct ag_service_key *key = &service->key;
	uint32_t rest = (uint32_t)ntohs(key->port_be) << 16 | (uint32_t)key->proto << 8 | AG_SERVICE_USED;
	struct kernel_service ret = {.slot = {.key = rest, .account = service->slot}};
	bool ipv4 = key->family == AG_FAMILY_IPV4;
	uint32_t buckets = ipv4 ? kernel->rodata->ag_buckets4 : kernel->rodata->ag_buckets6;
	uint64_t hash;

	for (int i = 0; i < 8; i++) {
		ret.slot.high = ret.slot.high << 8 | key->addr[i];
		ret.slot.low = ret.slot.low << 8 | key->addr[i + 8];
	}
	hash = ipv4 ? ag_hash(ret.slot.high | rest, KERNEL_SEED)
		    : ag_hash6(ret.slot.high, ret.slot.low, rest, KERNEL_SEED);
	ret.home = ag_hash_home(hash, buckets);
	ret.other = ag_hash_other(hash, buckets);
	return ret;
}

static inline bool kernel_put_slot(struct allowgate_bpf *kernel, const struct kernel_service *service,
				   uint8_t family, uint32_t at)
{
	if (family == AG_FAMILY_IPV4)
		return kernel_put_slot4(kernel->maps.ag_services4, at, service->slot.high | service->slot.key,
					service->slot.account);
	return kernel_put_slot6(kernel->maps.ag_services6, at, &service->slot);
}

static inline void kernel_put_service(struct allowgate_bpf *kernel, const struct compiled_service *service,
				      struct kernel_placed *placed)
{
	const struct kernel_service found = kernel_service_of(kernel, service);
	uint8_t family = (uint8_t)service->key.family;

	if (service->key.len != (family == AG_FAMILY_IPV4 ? 32 : 128)) {
		placed->prefix++;
		kernel_put(kernel->maps.ag_services, &service->key, &service->slot);
	} else if (kernel_put_slot(kernel, &found, family, found.home)) {
		placed->home++;
	} else if (kernel_put_slot(kernel, &found, family, found.other)) {
		placed->other++;
		kernel_mark(kernel, family, found.home, AG_BUCKET_OTHER);
	} else {
		placed->stash++;
		kernel_put(kernel->maps.ag_services, &service->key, &service->slot);
		kernel_mark(kernel, family, found.home, AG_BUCKET_STASH);
	}
}

static inline void kernel_put_dest(struct allowgate_bpf *kernel, const struct compiled_dest *dest)
{
	struct ag_dest_prefix_key prefix = kernel_prefix_key(&dest->prefix);
	struct ag_dest_key single = {.family = dest->prefix.addr.family};

	memcpy(single.addr, dest->prefix.addr.bytes, sizeof(single.addr));
	if (dest->prefix.len == addr_bits(&dest->prefix.addr))
		kernel_put(kernel->maps.ag_dests, &single, &dest->value);
	else
		kernel_put(kernel->maps.ag_dest_prefixes, &prefix, &dest->value);
}

static inline struct kernel_placed kernel_put_services(struct allowgate_bpf *kernel,
						       const struct compiled_services *compiled)
{
	struct kernel_placed placed = {0};

	for (size_t i = 0; i < compiled->service_count; i++)
		kernel_put_service(kernel, &compiled->services[i], &placed);
	for (size_t i = 0; i < compiled->dest_count; i++)
		kernel_put_dest(kernel, &compiled->dests[i]);
	return placed;
}
