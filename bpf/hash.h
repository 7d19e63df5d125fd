/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * hash.h - which two buckets a key may be in: for services and for long lists
 *
 * Pure, and the same in the kernel and on the host. What is hashed is chosen by the tenants, so the hash is
 * keyed by a random seed that never leaves the host: two rounds of multiplication and folding over 64 bits,
 * in which every bit of the key and of the seed reaches every bit of both halves. The two halves, scaled to
 * the number of buckets, are the two buckets (Lemire, "Fast Random Integer Generation in an Interval", 2019:
 * a product instead of a division).
 */
#pragma once

#include <linux/types.h>

#include "bpf/ag_abi.h"

#define AG_HASH_INLINE static inline __attribute__((always_inline))

AG_HASH_INLINE __u64 ag_hash_fold(__u64 value, __u64 factor)
{
	value *= factor;
	return value ^ (value >> 32);
}

AG_HASH_INLINE __u64 ag_hash(__u64 key, __u64 seed)
{
	return ag_hash_fold(ag_hash_fold(key ^ seed, 0x9e3779b97f4a7c15ULL) + seed, 0xd6e8feb86659fd93ULL);
}

/* An IPv6 address and the rest of its key, each mixed by itself, so that none makes up for another. */
AG_HASH_INLINE __u64 ag_hash6(__u64 high, __u64 low, __u32 rest, __u64 seed)
{
	return ag_hash(low ^ (ag_hash_fold(high ^ seed, 0xa0761d6478bd642fULL) +
			      ag_hash_fold(rest ^ (seed >> 32), 0xe7037ed1a0b428dbULL)),
		       seed);
}

AG_HASH_INLINE __u32 ag_hash_home(__u64 hash, __u32 buckets)
{
	return (__u32)(((hash >> 32) * buckets) >> 32);
}

/* A key's word of a filter of so many words, and its bits there: of the parts of the hash that say least
 * about its buckets. */
AG_HASH_INLINE __u32 ag_hash_filter_word(__u64 hash, __u32 words)
{
	return (__u32)(((hash >> 16 & 0xffffffffULL) * words) >> 32);
}

AG_HASH_INLINE __u64 ag_hash_filter_bits(__u64 hash)
{
	return 1ULL << (hash & 63) | 1ULL << (hash >> 6 & 63);
}

AG_HASH_INLINE __u32 ag_hash_other(__u64 hash, __u32 buckets)
{
	return (__u32)(((hash & 0xffffffffULL) * buckets) >> 32);
}
