/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * lists.h - what an account's list says of a source, whichever way the list is held
 *
 * A packet reads the account's word once, and what the word leads to never changes under it but by one
 * element of a long list: so it sees one list, the old or the new. Everything is reached by an address that
 * is computed from the word, which orders the loads on any processor.
 */
#pragma once

#include "bpf/decide.h"
#include "bpf/hash.h"
#include "bpf/maps.h"
#include "bpf/parse.h"

/* --- short lists ----------------------------------------------------------------- */

AG_INLINE enum ag_match ag_match_line4(const struct ag_line4 *line, __u32 source)
{
#pragma unroll
	for (int i = 0; i < AG_LINE4_ENTRIES; i++) {
		__u64 entry = line->entries[i];

		if (((entry >> 32 ^ source) >> (entry & 63)) == 0)
			return entry & AG_ENTRY_IS_DENY << 8 ? AG_MATCH_DENY : AG_MATCH_ALLOW;
	}
	return AG_MATCH_NONE;
}

AG_INLINE enum ag_match ag_match_lines4(union ag_account_state state, __u32 source)
{
	for (__u32 i = 0; i < AG_LINES4_MAX && i < state.held4; i++) {
		__u32 index = state.block + i;
		const struct ag_line *line = bpf_map_lookup_elem(&ag_lines, &index);
		enum ag_match match = line ? ag_match_line4(&line->v4, source) : AG_MATCH_NONE;

		if (match != AG_MATCH_NONE)
			return match;
	}
	return AG_MATCH_NONE;
}

/* The bits of a word that lie beyond the length are shifted out of it: 64 - len and 128 - len are -len. */
AG_INLINE _Bool ag_entry6_matches(__u64 high, __u64 low, __u8 len, __u64 source_high, __u64 source_low)
{
	__u64 differ = high ^ source_high;

	if (len <= 64)
		return differ >> (-(__u32)len & 63) == 0;
	return !differ && (low ^ source_low) >> (-(__u32)len & 63) == 0;
}

AG_INLINE enum ag_match ag_match_line6(const struct ag_line6 *line, __u64 high, __u64 low)
{
#pragma unroll
	for (int i = 0; i < AG_LINE6_ENTRIES; i++) {
		__u32 meta = line->meta[i];

		if (ag_entry6_matches(line->high[i], line->low[i], (__u8)meta, high, low))
			return meta & AG_ENTRY_IS_DENY << 8 ? AG_MATCH_DENY : AG_MATCH_ALLOW;
	}
	return AG_MATCH_NONE;
}

/* IPv6's lines stand behind IPv4's, if that one's list is held in lines. */
AG_INLINE enum ag_match ag_match_lines6(union ag_account_state state, __u64 high, __u64 low)
{
	__u32 first = state.block + (state.held4 <= AG_LINES4_MAX ? state.held4 : 0);

	for (__u32 i = 0; i < AG_LINES6_MAX && i < state.held6; i++) {
		__u32 index = first + i;
		const struct ag_line *line = bpf_map_lookup_elem(&ag_lines, &index);
		enum ag_match match = line ? ag_match_line6(&line->v6, high, low) : AG_MATCH_NONE;

		if (match != AG_MATCH_NONE)
			return match;
	}
	return AG_MATCH_NONE;
}

/* --- long lists: the index ------------------------------------------------------- */

#define AG_LINE_WORDS 8

/* Whether the key of that hash may be in the index. */
AG_INLINE _Bool ag_passes_filter(void *index, const struct ag_index_header *header, __u64 hash)
{
	const struct ag_line *line;
	__u32 word, at;
	__u64 bits = ag_hash_filter_bits(hash);

	if (!header->filter)
		return 1;
	word = ag_hash_filter_word(hash, header->filter * AG_LINE_WORDS);
	at = 1 + header->buckets + word / AG_LINE_WORDS;
	line = bpf_map_lookup_elem(index, &at);
	return line && (*(const volatile __u64 *)&line->words[word % AG_LINE_WORDS] & bits) == bits;
}

AG_INLINE enum ag_match ag_match_of_slot(__u8 flags)
{
	return flags & AG_SLOT_DENY ? AG_MATCH_DENY : AG_MATCH_ALLOW;
}

AG_INLINE enum ag_match ag_search_index4(const struct ag_index4_bucket *bucket, __u64 key)
{
#pragma unroll
	for (int i = 0; i < AG_INDEX4_SLOTS; i++) {
		__u64 held = *(const volatile __u64 *)&bucket->slots[i].key;

		if ((held ^ key) >> 24 == 0 && held & AG_SLOT_USED)
			return ag_match_of_slot((__u8)held);
	}
	return AG_MATCH_NONE;
}

AG_INLINE enum ag_match ag_probe_index4(void *index, const struct ag_index_header *header, __u64 key)
{
	__u64 hash = ag_hash(key, header->seed);
	__u32 line = 1 + ag_hash_home(hash, header->buckets);
	const struct ag_index4_bucket *bucket;
	enum ag_match match;

	if (!ag_passes_filter(index, header, hash))
		return AG_MATCH_NONE;
	bucket = bpf_map_lookup_elem(index, &line);
	if (!bucket)
		return AG_MATCH_NONE;
	match = ag_search_index4(bucket, key);
	if (match != AG_MATCH_NONE || !(*(const volatile __u64 *)&bucket->slots[0].key & AG_SLOT_MOVED))
		return match;
	line = 1 + ag_hash_other(hash, header->buckets);
	bucket = bpf_map_lookup_elem(index, &line);
	return bucket ? ag_search_index4(bucket, key) : AG_MATCH_NONE;
}

static __attribute__((noinline)) int ag_match_index4(__u32 place, __u32 source)
{
	void *index = bpf_map_lookup_elem(&ag_indexes4, &place);
	const struct ag_index_header *header;
	const __u32 first = 0;

	header = index ? bpf_map_lookup_elem(index, &first) : 0;
	if (!header)
		return AG_MATCH_NONE;
	for (int i = 0; i < AG_INDEX_LENGTHS_MAX; i++) {
		__u32 len = header->lengths[i] & 63, mask = (__u32)(0xffffffffULL << (32 - len & 63));
		enum ag_match match;

		if (!len)
			break;
		match = ag_probe_index4(index, header, (__u64)(source & mask) << 32 | len << 24);
		if (match != AG_MATCH_NONE)
			return match;
	}
	return AG_MATCH_NONE;
}

struct ag_index6_key {
	__u64 high;
	__u64 low;
	__u32 len;
};

AG_INLINE enum ag_match ag_search_index6(const struct ag_index6_bucket *bucket,
					 const struct ag_index6_key *key)
{
#pragma unroll
	for (int i = 0; i < AG_INDEX6_SLOTS; i++) {
		const struct ag_index6_slot *slot = &bucket->slots[i];
		__u64 meta = *(const volatile __u64 *)&slot->meta;

		if (!(meta & AG_SLOT_USED) || (__u32)meta >> 24 != key->len)
			continue;
		slot = (const void *)((const char *)slot + AG_AFTER(meta));
		if (slot->high == key->high && slot->low == key->low)
			return ag_match_of_slot((__u8)meta);
	}
	return AG_MATCH_NONE;
}

AG_INLINE enum ag_match ag_probe_index6(void *index, const struct ag_index_header *header,
					const struct ag_index6_key *key)
{
	__u64 hash = ag_hash6(key->high, key->low, key->len, header->seed);
	__u32 line = 1 + ag_hash_home(hash, header->buckets);
	const struct ag_index6_bucket *bucket;
	enum ag_match match;

	if (!ag_passes_filter(index, header, hash))
		return AG_MATCH_NONE;
	bucket = bpf_map_lookup_elem(index, &line);
	if (!bucket)
		return AG_MATCH_NONE;
	match = ag_search_index6(bucket, key);
	if (match != AG_MATCH_NONE || !(*(const volatile __u64 *)&bucket->slots[0].meta & AG_SLOT_MOVED))
		return match;
	line = 1 + ag_hash_other(hash, header->buckets);
	bucket = bpf_map_lookup_elem(index, &line);
	return bucket ? ag_search_index6(bucket, key) : AG_MATCH_NONE;
}

/* A number's first `len` bits, of 64; none below 1, all beyond 63. */
AG_INLINE __u64 ag_first_bits(__u64 number, __u32 len)
{
	if (len >= 64)
		return number;
	return len ? number & ~0ULL << (64 - len & 63) : 0;
}

static __attribute__((noinline)) int ag_match_index6(__u32 place, __u64 high, __u64 low)
{
	void *index = bpf_map_lookup_elem(&ag_indexes6, &place);
	const struct ag_index_header *header;
	const __u32 first = 0;

	header = index ? bpf_map_lookup_elem(index, &first) : 0;
	if (!header)
		return AG_MATCH_NONE;
	for (int i = 0; i < AG_INDEX_LENGTHS_MAX; i++) {
		struct ag_index6_key key = {.len = header->lengths[i]};
		enum ag_match match;

		if (!key.len)
			break;
		key.high = ag_first_bits(high, key.len);
		key.low = key.len > 64 ? ag_first_bits(low, key.len - 64) : 0;
		match = ag_probe_index6(index, header, &key);
		if (match != AG_MATCH_NONE)
			return match;
	}
	return AG_MATCH_NONE;
}

/* --- long lists: the trie, which takes any ----------------------------------------- */

AG_INLINE int ag_match_of_entry(const struct ag_entry *entry)
{
	if (!entry)
		return AG_MATCH_NONE;
	return entry->verdict == AG_ENTRY_ALLOW ? AG_MATCH_ALLOW : AG_MATCH_DENY;
}

static __attribute__((noinline)) int ag_match_trie4(__u32 place, __u32 source)
{
	struct ag_list4_key key = {.prefixlen = 32};
	void *list = bpf_map_lookup_elem(&ag_lists4, &place);
	__be32 addr = bpf_htonl(source);

	__builtin_memcpy(key.addr, &addr, sizeof(key.addr));
	return list ? ag_match_of_entry(bpf_map_lookup_elem(list, &key)) : AG_MATCH_NONE;
}

static __attribute__((noinline)) int ag_match_trie6(__u32 place, __u64 high, __u64 low)
{
	struct ag_list6_key key = {.prefixlen = 128};
	void *list = bpf_map_lookup_elem(&ag_lists6, &place);
	__be64 addr[2] = {bpf_cpu_to_be64(high), bpf_cpu_to_be64(low)};

	__builtin_memcpy(key.addr, addr, sizeof(key.addr));
	return list ? ag_match_of_entry(bpf_map_lookup_elem(list, &key)) : AG_MATCH_NONE;
}

/* --- any list ---------------------------------------------------------------------- */

AG_INLINE enum ag_match ag_match_list4(union ag_account_state state, __u32 slot, __u32 source)
{
	if (state.held4 <= AG_LINES4_MAX)
		return ag_match_lines4(state, source);
	if (state.held4 == AG_HELD_INDEX)
		return ag_match_index4(ag_long_place(slot, state.flags), source);
	return ag_match_trie4(ag_long_place(slot, state.flags), source);
}

AG_INLINE enum ag_match ag_match_list6(union ag_account_state state, __u32 slot, __u64 high, __u64 low)
{
	if (state.held6 <= AG_LINES6_MAX)
		return ag_match_lines6(state, high, low);
	if (state.held6 == AG_HELD_INDEX)
		return ag_match_index6(ag_long_place(slot, state.flags), high, low);
	return ag_match_trie6(ag_long_place(slot, state.flags), high, low);
}
