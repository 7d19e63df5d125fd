/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * lists.h - what an account's list says of a source, whichever way the list is held
 *
 * A packet reads the account's word once, and what the word leads to never changes under it but by one
 * element of a long list (and by when entries were last seen): so it sees one list, the old or the new.
 * Everything is reached by an address that is computed from the word, which orders the loads on any
 * processor.
 */
#pragma once

#include "bpf/decide.h"
#include "bpf/hash.h"
#include "bpf/maps.h"
#include "bpf/parse.h"
#include "bpf/tick.h"

/*
 * What a list says: enum ag_match, and the length of the entry that decides, which is worked out only where
 * somebody asks for it.
 */
AG_INLINE __u32 ag_matched(_Bool is_deny, __u32 len)
{
	return (is_deny ? AG_MATCH_DENY : AG_MATCH_ALLOW) | len << AG_MATCH_LEN_SHIFT;
}

/* --- short lists ----------------------------------------------------------------- */

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "where an entry's epoch lies is written down for little-endian processors"
#endif

/* The 16 bits of an entry (of struct ag_line4, or ag_line6's meta) that say when it was last seen. */
AG_INLINE void ag_mark_seen(void *entry, __u16 epoch)
{
	volatile __u16 *seen = (__u16 *)entry + AG_LINE4_SEEN_BITS / 16;

	if (*seen != epoch)
		*seen = epoch;
}

AG_INLINE _Bool ag_entry4_matches(__u64 entry, __u32 source)
{
	return ((entry >> 32 ^ source) >> (entry & 63)) == 0;
}

AG_INLINE __u32 ag_settle4(__u64 *at, __u64 entry, __u16 epoch)
{
	if (epoch)
		ag_mark_seen(at, epoch);
	return ag_matched(entry & AG_ENTRY_IS_DENY << 8, 32 - (entry & 63));
}

AG_INLINE struct ag_line *ag_line_at(__u32 index)
{
	return bpf_map_lookup_elem(&ag_lines, &index);
}

/* Whether the entry at this position of an account's lines, IPv4's first, has expired. */
AG_INLINE _Bool ag_position_is_over(union ag_account_state state, __u32 position)
{
	__u32 lines4 = state.held4 <= AG_LINES4_MAX ? state.held4 : 0;
	__u32 lines6 = state.held6 <= AG_LINES6_MAX ? state.held6 : 0;
	const struct ag_line *line = ag_line_at(state.block + lines4 + lines6 + position / AG_LINE_EXPIRIES);

	return line && ag_is_over(line->expiries[position % AG_LINE_EXPIRIES]);
}

/* Where the first match may have expired: entry by entry. */
static __attribute__((noinline)) int ag_match_expiring4(__u64 word, __u32 source, __u16 epoch)
{
	union ag_account_state state = {.word = word};

	for (__u32 i = 0; i < AG_LINES4_MAX * AG_LINE4_ENTRIES && i < state.held4 * AG_LINE4_ENTRIES; i++) {
		struct ag_line *line = ag_line_at(state.block + i / AG_LINE4_ENTRIES);
		__u64 *at = line ? &line->v4.entries[i % AG_LINE4_ENTRIES] : 0;
		__u64 entry = at ? *at : 0;

		if (!at || !ag_entry4_matches(entry, source))
			continue;
		if (!(entry & AG_ENTRY_EXPIRES << 8) || !ag_position_is_over(state, i))
			return (int)ag_settle4(at, entry, epoch);
	}
	return AG_MATCH_NONE;
}

AG_INLINE __u32 ag_match_lines4(union ag_account_state state, __u32 source, __u16 epoch)
{
	for (__u32 i = 0; i < AG_LINES4_MAX && i < state.held4; i++) {
		struct ag_line *line = ag_line_at(state.block + i);

		if (!line)
			break;
#pragma unroll
		for (int j = 0; j < AG_LINE4_ENTRIES; j++) {
			__u64 entry = line->v4.entries[j];

			if (!ag_entry4_matches(entry, source))
				continue;
			if (entry & AG_ENTRY_EXPIRES << 8)
				return (__u32)ag_match_expiring4(state.word, source, epoch);
			return ag_settle4(&line->v4.entries[j], entry, epoch);
		}
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

AG_INLINE __u32 ag_settle6(__u32 *at, __u32 meta, __u16 epoch)
{
	if (epoch)
		ag_mark_seen(at, epoch);
	return ag_matched(meta & AG_ENTRY_IS_DENY << 8, meta & 0xff);
}

/* IPv6's lines stand behind IPv4's, if that one's list is held in lines. */
AG_INLINE __u32 ag_lines_before6(union ag_account_state state)
{
	return state.held4 <= AG_LINES4_MAX ? state.held4 : 0;
}

static __attribute__((noinline)) int ag_match_expiring6(__u64 word, __u64 high, __u64 low, __u16 epoch)
{
	union ag_account_state state = {.word = word};
	__u32 before = ag_lines_before6(state);

	for (__u32 i = 0; i < AG_LINES6_MAX && i < state.held6; i++) {
		struct ag_line *line = ag_line_at(state.block + before + i);
		__u32 position = before * AG_LINE4_ENTRIES + i * AG_LINE6_ENTRIES;

		if (!line)
			break;
#pragma unroll
		for (__u32 j = 0; j < AG_LINE6_ENTRIES; j++) { /* else the verifier loses sight of j */
			__u32 meta = line->v6.meta[j];

			if (!ag_entry6_matches(line->v6.high[j], line->v6.low[j], (__u8)meta, high, low))
				continue;
			if (!(meta & AG_ENTRY_EXPIRES << 8) || !ag_position_is_over(state, position + j))
				return (int)ag_settle6(&line->v6.meta[j], meta, epoch);
		}
	}
	return AG_MATCH_NONE;
}

AG_INLINE __u32 ag_match_lines6(union ag_account_state state, __u64 high, __u64 low, __u16 epoch)
{
	__u32 first = state.block + ag_lines_before6(state);

	for (__u32 i = 0; i < AG_LINES6_MAX && i < state.held6; i++) {
		struct ag_line *line = ag_line_at(first + i);

		if (!line)
			break;
#pragma unroll
		for (int j = 0; j < AG_LINE6_ENTRIES; j++) {
			__u32 meta = line->v6.meta[j];

			if (!ag_entry6_matches(line->v6.high[j], line->v6.low[j], (__u8)meta, high, low))
				continue;
			if (meta & AG_ENTRY_EXPIRES << 8)
				return (__u32)ag_match_expiring6(state.word, high, low, epoch);
			return ag_settle6(&line->v6.meta[j], meta, epoch);
		}
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

/* What a slot with the key looked for says: nothing, where it has expired. `key_word` holds length and flags.
 */
AG_INLINE __u32 ag_settle_slot(__u64 key_word, __u32 *expires, __u32 *seen, __u16 epoch)
{
	if (key_word & AG_SLOT_EXPIRES && ag_is_over(*(volatile __u32 *)expires))
		return AG_MATCH_NONE;
	if (epoch && *(volatile __u32 *)seen != epoch)
		*(volatile __u32 *)seen = epoch;
	return ag_matched(key_word & AG_SLOT_DENY, key_word >> 8 & 0xff);
}

AG_INLINE __u32 ag_search_index4(struct ag_index4_bucket *bucket, __u64 key, __u16 epoch)
{
#pragma unroll
	for (int i = 0; i < AG_INDEX4_SLOTS; i++) {
		struct ag_index4_slot *slot = &bucket->slots[i];
		__u64 held = *(const volatile __u64 *)&slot->key;

		if ((held ^ key) >> 24 != 0 || !(held & AG_SLOT_USED))
			continue;
		slot = (void *)((char *)slot + AG_AFTER(held));
		return ag_settle_slot(held, &slot->expires, &slot->seen, epoch);
	}
	return AG_MATCH_NONE;
}

AG_INLINE __u32 ag_probe_index4(void *index, const struct ag_index_header *header, __u64 key, __u16 epoch)
{
	__u64 hash = ag_hash(key, header->seed);
	__u32 line = 1 + ag_hash_home(hash, header->buckets);
	struct ag_index4_bucket *bucket;
	__u32 match;

	if (!ag_passes_filter(index, header, hash))
		return AG_MATCH_NONE;
	bucket = bpf_map_lookup_elem(index, &line);
	if (!bucket)
		return AG_MATCH_NONE;
	match = ag_search_index4(bucket, key, epoch);
	if (match != AG_MATCH_NONE || !(*(const volatile __u64 *)&bucket->slots[0].key & AG_SLOT_MOVED))
		return match;
	line = 1 + ag_hash_other(hash, header->buckets);
	bucket = bpf_map_lookup_elem(index, &line);
	return bucket ? ag_search_index4(bucket, key, epoch) : AG_MATCH_NONE;
}

static __attribute__((noinline)) int ag_match_index4(__u32 place, __u32 source, __u16 epoch)
{
	void *index = bpf_map_lookup_elem(&ag_indexes4, &place);
	const struct ag_index_header *header;
	const __u32 first = 0;

	header = index ? bpf_map_lookup_elem(index, &first) : 0;
	if (!header)
		return AG_MATCH_NONE;
	for (int i = 0; i < AG_INDEX_LENGTHS_MAX; i++) {
		__u32 len = header->lengths[i] & 63, mask = (__u32)(0xffffffffULL << (32 - len & 63));
		__u32 match;

		if (!len)
			break;
		match = ag_probe_index4(index, header, (__u64)(source & mask) << 32 | len << 24, epoch);
		if (match != AG_MATCH_NONE)
			return (int)match;
	}
	return AG_MATCH_NONE;
}

struct ag_index6_key {
	__u64 high;
	__u64 low;
	__u32 len;
};

AG_INLINE __u32 ag_search_index6(struct ag_index6_bucket *bucket, const struct ag_index6_key *key,
				 __u16 epoch)
{
#pragma unroll
	for (int i = 0; i < AG_INDEX6_SLOTS; i++) {
		struct ag_index6_slot *slot = &bucket->slots[i];
		__u64 meta = *(const volatile __u64 *)&slot->meta;

		if (!(meta & AG_SLOT_USED) || (__u32)meta >> 24 != key->len)
			continue;
		slot = (void *)((char *)slot + AG_AFTER(meta));
		if (slot->high == key->high && slot->low == key->low)
			return ag_settle_slot(meta, &slot->expires, &slot->seen, epoch);
	}
	return AG_MATCH_NONE;
}

AG_INLINE __u32 ag_probe_index6(void *index, const struct ag_index_header *header,
				const struct ag_index6_key *key, __u16 epoch)
{
	__u64 hash = ag_hash6(key->high, key->low, key->len, header->seed);
	__u32 line = 1 + ag_hash_home(hash, header->buckets);
	struct ag_index6_bucket *bucket;
	__u32 match;

	if (!ag_passes_filter(index, header, hash))
		return AG_MATCH_NONE;
	bucket = bpf_map_lookup_elem(index, &line);
	if (!bucket)
		return AG_MATCH_NONE;
	match = ag_search_index6(bucket, key, epoch);
	if (match != AG_MATCH_NONE || !(*(const volatile __u64 *)&bucket->slots[0].meta & AG_SLOT_MOVED))
		return match;
	line = 1 + ag_hash_other(hash, header->buckets);
	bucket = bpf_map_lookup_elem(index, &line);
	return bucket ? ag_search_index6(bucket, key, epoch) : AG_MATCH_NONE;
}

/* A number's first `len` bits, of 64; none below 1, all beyond 63. */
AG_INLINE __u64 ag_first_bits(__u64 number, __u32 len)
{
	if (len >= 64)
		return number;
	return len ? number & ~0ULL << (64 - len & 63) : 0;
}

static __attribute__((noinline)) int ag_match_index6(__u32 place, __u64 high, __u64 low, __u16 epoch)
{
	void *index = bpf_map_lookup_elem(&ag_indexes6, &place);
	const struct ag_index_header *header;
	const __u32 first = 0;

	header = index ? bpf_map_lookup_elem(index, &first) : 0;
	if (!header)
		return AG_MATCH_NONE;
	for (int i = 0; i < AG_INDEX_LENGTHS_MAX; i++) {
		struct ag_index6_key key = {.len = header->lengths[i]};
		__u32 match;

		if (!key.len)
			break;
		key.high = ag_first_bits(high, key.len);
		key.low = key.len > 64 ? ag_first_bits(low, key.len - 64) : 0;
		match = ag_probe_index6(index, header, &key, epoch);
		if (match != AG_MATCH_NONE)
			return (int)match;
	}
	return AG_MATCH_NONE;
}

/* --- long lists: the trie, which takes any ----------------------------------------- */

/* The lookups of a trie in turn: what is found and has expired uncovers what is shorter. */
#define AG_TRIE_LOOKUPS (AG_EXPIRING_LENGTHS_MAX + 1)

AG_INLINE int ag_settle_entry(struct ag_entry *entry, __u16 epoch)
{
	if (epoch && *(volatile __u16 *)&entry->seen != epoch)
		*(volatile __u16 *)&entry->seen = epoch;
	return (int)ag_matched(entry->verdict != AG_ENTRY_ALLOW, entry->len);
}

AG_INLINE _Bool ag_entry_is_over(const struct ag_entry *entry)
{
	__u32 expires = *(const volatile __u32 *)&entry->expires;

	return expires && ag_is_over(expires);
}

static __attribute__((noinline)) int ag_match_trie4(__u32 place, __u32 source, __u16 epoch)
{
	struct ag_list4_key key = {.prefixlen = 32};
	void *list = bpf_map_lookup_elem(&ag_lists4, &place);
	__be32 addr = bpf_htonl(source);

	__builtin_memcpy(key.addr, &addr, sizeof(key.addr));
	for (int i = 0; list && i < AG_TRIE_LOOKUPS; i++) {
		struct ag_entry *entry = bpf_map_lookup_elem(list, &key);

		if (!entry)
			break;
		if (!ag_entry_is_over(entry))
			return ag_settle_entry(entry, epoch);
		key.prefixlen = entry->len - 1U; /* no entry has the length 0 */
	}
	return AG_MATCH_NONE;
}

static __attribute__((noinline)) int ag_match_trie6(__u32 place, __u64 high, __u64 low, __u16 epoch)
{
	struct ag_list6_key key = {.prefixlen = 128};
	void *list = bpf_map_lookup_elem(&ag_lists6, &place);
	__be64 addr[2] = {bpf_cpu_to_be64(high), bpf_cpu_to_be64(low)};

	__builtin_memcpy(key.addr, addr, sizeof(key.addr));
	for (int i = 0; list && i < AG_TRIE_LOOKUPS; i++) {
		struct ag_entry *entry = bpf_map_lookup_elem(list, &key);

		if (!entry)
			break;
		if (!ag_entry_is_over(entry))
			return ag_settle_entry(entry, epoch);
		key.prefixlen = entry->len - 1U;
	}
	return AG_MATCH_NONE;
}

/* --- any list ---------------------------------------------------------------------- */

/* `epoch`: what the entry that decides is marked with; 0: it is not. Returns what ag_matched() does. */
AG_INLINE __u32 ag_match_list4(union ag_account_state state, __u32 slot, __u32 source, __u16 epoch)
{
	if (state.held4 <= AG_LINES4_MAX)
		return ag_match_lines4(state, source, epoch);
	if (state.held4 == AG_HELD_INDEX)
		return (__u32)ag_match_index4(ag_long_place(slot, state.flags), source, epoch);
	return (__u32)ag_match_trie4(ag_long_place(slot, state.flags), source, epoch);
}

AG_INLINE __u32 ag_match_list6(union ag_account_state state, __u32 slot, __u64 high, __u64 low, __u16 epoch)
{
	if (state.held6 <= AG_LINES6_MAX)
		return ag_match_lines6(state, high, low, epoch);
	if (state.held6 == AG_HELD_INDEX)
		return (__u32)ag_match_index6(ag_long_place(slot, state.flags), high, low, epoch);
	return (__u32)ag_match_trie6(ag_long_place(slot, state.flags), high, low, epoch);
}
