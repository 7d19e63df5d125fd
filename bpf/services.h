/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * services.h - which account a destination, a port and a protocol belong to
 *
 * Services on single addresses stand in buckets of one cache line; a packet's own is found in its home
 * bucket, seldom in the other, and in the kernel's hash where both were full (the marks say so). All
 * functions return the account's slot or AG_NO_ACCOUNT. Addresses and ports are numbers in the host's order.
 */
#pragma once

#include "bpf/hash.h"
#include "bpf/maps.h"
#include "bpf/parse.h"

/* Set by the loader: as many as the maps have, and the seed in ag_config. */
const volatile __u32 ag_buckets4 = 1;
const volatile __u32 ag_buckets6 = 1;
const volatile __u64 ag_seed = 0;

struct ag_service_key6 {
	__u64 high;
	__u64 low;
	__u32 rest;
};

/* The part of a key that is not the address. */
AG_INLINE __u32 ag_service_rest(__u16 port, __u8 proto)
{
	return (__u32)port << 16 | (__u32)proto << 8 | AG_SERVICE_USED;
}

/* --- where there is no room in the buckets, and on prefixes -------------------- */

AG_INLINE __u32 ag_probe_stash(const struct ag_service_key *key)
{
	const __u32 *slot = bpf_map_lookup_elem(&ag_services, key);

	return slot ? *slot : AG_NO_ACCOUNT;
}

AG_INLINE struct ag_service_key ag_stash_key(__u8 family, __u8 len, __u32 rest)
{
	struct ag_service_key key = {
		.port_be = bpf_htons((__u16)(rest >> 16)),
		.proto = (__u8)(rest >> 8),
		.len = len,
		.family = family,
	};

	return key;
}

/* --- IPv4 ---------------------------------------------------------------------- */

/* The key is what makes a slot one of a service: whatever else is in it is read after it. */
AG_INLINE __u32 ag_search_bucket4(const struct ag_service4_bucket *bucket, __u64 key)
{
#pragma unroll
	for (int i = 0; i < AG_SERVICE4_SLOTS; i++) {
		const struct ag_service4_slot *slot = &bucket->slots[i];
		__u64 held = *(const volatile __u64 *)&slot->key;

		if (held == key)
			return *(const volatile __u32 *)((const char *)&slot->account + AG_AFTER(held));
	}
	return AG_NO_ACCOUNT;
}

static __attribute__((noinline)) __u32 ag_find_elsewhere4(__u64 key, __u64 hash, __u32 marks)
{
	__u32 other = ag_hash_other(hash, ag_buckets4), slot = AG_NO_ACCOUNT;
	const struct ag_service4_bucket *bucket;
	struct ag_service_key stashed;
	__be32 addr;

	bucket = marks & AG_BUCKET_OTHER ? bpf_map_lookup_elem(&ag_services4, &other) : 0;
	if (bucket)
		slot = ag_search_bucket4(bucket, key);
	if (slot != AG_NO_ACCOUNT || !(marks & AG_BUCKET_STASH))
		return slot;
	stashed = ag_stash_key(AG_FAMILY_IPV4, 32, (__u32)key);
	addr = bpf_htonl((__u32)(key >> 32));
	__builtin_memcpy(stashed.addr, &addr, sizeof(addr));
	return ag_probe_stash(&stashed);
}

AG_INLINE __u32 ag_find_service4(__u32 dest, __u32 rest)
{
	__u64 key = (__u64)dest << 32 | rest;
	__u64 hash = ag_hash(key, ag_seed);
	__u32 home = ag_hash_home(hash, ag_buckets4), slot, marks;
	const struct ag_service4_bucket *bucket = bpf_map_lookup_elem(&ag_services4, &home);

	if (!bucket)
		return AG_NO_ACCOUNT;
	slot = ag_search_bucket4(bucket, key);
	if (slot != AG_NO_ACCOUNT)
		return slot;
	marks = *(const volatile __u32 *)&bucket->slots[0].marks;
	return marks ? ag_find_elsewhere4(key, hash, marks) : AG_NO_ACCOUNT;
}

/* --- IPv6 ---------------------------------------------------------------------- */

AG_INLINE __u32 ag_search_bucket6(const struct ag_service6_bucket *bucket, const struct ag_service_key6 *key)
{
#pragma unroll
	for (int i = 0; i < AG_SERVICE6_SLOTS; i++) {
		const struct ag_service6_slot *slot = &bucket->slots[i];
		__u32 held = *(const volatile __u32 *)&slot->key;

		if (held != key->rest)
			continue;
		slot = (const void *)((const char *)slot + AG_AFTER(held));
		if (slot->high == key->high && slot->low == key->low)
			return *(const volatile __u32 *)&slot->account;
	}
	return AG_NO_ACCOUNT;
}

static __attribute__((noinline)) __u32 ag_find_elsewhere6(const struct ag_service_key6 *key, __u64 hash,
							  __u32 marks)
{
	__u32 other = ag_hash_other(hash, ag_buckets6), slot = AG_NO_ACCOUNT;
	const struct ag_service6_bucket *bucket;
	struct ag_service_key stashed;
	__be64 addr[2];

	bucket = marks & AG_BUCKET_OTHER ? bpf_map_lookup_elem(&ag_services6, &other) : 0;
	if (bucket)
		slot = ag_search_bucket6(bucket, key);
	if (slot != AG_NO_ACCOUNT || !(marks & AG_BUCKET_STASH))
		return slot;
	stashed = ag_stash_key(AG_FAMILY_IPV6, 128, key->rest);
	addr[0] = bpf_cpu_to_be64(key->high);
	addr[1] = bpf_cpu_to_be64(key->low);
	__builtin_memcpy(stashed.addr, addr, sizeof(addr));
	return ag_probe_stash(&stashed);
}

AG_INLINE __u32 ag_find_service6(__u64 high, __u64 low, __u32 rest)
{
	struct ag_service_key6 key = {.high = high, .low = low, .rest = rest};
	__u64 hash = ag_hash6(high, low, rest, ag_seed);
	__u32 home = ag_hash_home(hash, ag_buckets6), slot, marks;
	const struct ag_service6_bucket *bucket = bpf_map_lookup_elem(&ag_services6, &home);

	if (!bucket)
		return AG_NO_ACCOUNT;
	slot = ag_search_bucket6(bucket, &key);
	if (slot != AG_NO_ACCOUNT)
		return slot;
	marks = *(const volatile __u32 *)&bucket->slots[0].marks;
	return marks ? ag_find_elsewhere6(&key, hash, marks) : AG_NO_ACCOUNT;
}

/* --- in the order of precedence -------------------------------------------------- */

/*
 * The kinds of service that may stand on an address, the most specific first: which of them do, by
 * AG_CONFIG_* or AG_DEST_*, is for the caller to know. A packet to port 0 reaches services on any port alone,
 * and one of a protocol that services do not name, those of any protocol.
 */
#define AG_KINDS 4

AG_INLINE __u32 ag_kind_rest(int kind, __u16 port, __u8 proto)
{
	return ag_service_rest(kind < 2 ? port : AG_PORT_ANY, kind & 1 ? AG_PROTO_ANY : proto);
}

AG_INLINE _Bool ag_kind_applies(int kind, __u16 port, __u8 proto)
{
	return (kind >= 2 || port != AG_PORT_ANY) && (kind & 1 || proto != AG_PROTO_ANY);
}
