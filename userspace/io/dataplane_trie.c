// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_trie.c - a long list as an LPM trie: the general case, which takes any list
 */
#include "userspace/io/dataplane_private.h"

#include <errno.h>
#include <string.h>

size_t trie_key_size(enum family_index index)
{
	return index == FAMILY4 ? sizeof(struct ag_list4_key) : sizeof(struct ag_list6_key);
}

union trie_key trie_key_of(const struct prefix *prefix)
{
	union trie_key key = {0};

	if (prefix->addr.family == AG_FAMILY_IPV4) {
		key.v4.prefixlen = prefix->len;
		memcpy(key.v4.addr, prefix->addr.bytes, sizeof(key.v4.addr));
	} else {
		key.v6.prefixlen = prefix->len;
		memcpy(key.v6.addr, prefix->addr.bytes, sizeof(key.v6.addr));
	}
	return key;
}

static struct prefix prefix_of_key(enum family_index index, const uint8_t *bytes)
{
	union trie_key key = {0};
	struct prefix prefix = {0};

	memcpy(&key, bytes, trie_key_size(index));
	if (index == FAMILY4) {
		prefix.addr = addr_make(AG_FAMILY_IPV4, key.v4.addr);
		prefix.len = (uint8_t)key.v4.prefixlen;
	} else {
		prefix.addr = addr_make(AG_FAMILY_IPV6, key.v6.addr);
		prefix.len = (uint8_t)key.v6.prefixlen;
	}
	return prefix;
}

static int compare_entries(const void *a, const void *b)
{
	const struct compiled_entry *left = a, *right = b;

	return prefix_compare(&left->prefix, &right->prefix);
}

int trie_read(int fd, enum family_index index, struct compiled_entry **ret, size_t *ret_count)
{
	AUTO_DUMP struct map_dump dump = {0};
	AUTO_FREE struct compiled_entry *entries = NULL;
	int result = map_dump(fd, trie_key_size(index), sizeof(struct ag_entry), &dump);

	if (result < 0)
		return result;
	entries = calloc(dump.count ? dump.count : 1, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < dump.count; i++) {
		entries[i].prefix = prefix_of_key(index, dump.keys + i * trie_key_size(index));
		memcpy(&entries[i].value, dump.values + i * sizeof(struct ag_entry), sizeof(struct ag_entry));
	}
	qsort(entries, dump.count, sizeof(*entries), compare_entries);
	*ret_count = dump.count;
	*ret = TAKE_PTR(entries);
	return 0;
}

static int trie_create(const struct dataplane *dataplane, enum family_index index)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);

	return bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, index == FAMILY4 ? "ag_list4" : "ag_list6",
			      (__u32)trie_key_size(index), sizeof(struct ag_entry), dataplane->limits.entries,
			      &options);
}

static int trie_fill(int fd, enum family_index index, const struct compiled_entry *entries, size_t count)
{
	size_t key_size = trie_key_size(index);
	AUTO_FREE uint8_t *keys = calloc(count ? count : 1, key_size);
	AUTO_FREE struct ag_entry *values = calloc(count ? count : 1, sizeof(*values));

	if (!keys || !values)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		union trie_key key = trie_key_of(&entries[i].prefix);

		memcpy(keys + i * key_size, &key, key_size);
		values[i] = entries[i].value;
	}
	return map_update_all(fd, key_size, sizeof(*values), keys, (const uint8_t *)values, count);
}

static int trie_verify(int fd, enum family_index index, const struct compiled_entry *entries, size_t count)
{
	AUTO_FREE struct compiled_entry *found = NULL;
	size_t found_count = 0;
	int result = trie_read(fd, index, &found, &found_count);

	if (result < 0)
		return result;
	if (found_count != count)
		return -EBADMSG;
	for (size_t i = 0; i < count; i++)
		if (!compiled_entry_equal(&found[i], &entries[i]))
			return -EBADMSG;
	return 0;
}

int trie_build(const struct dataplane *dataplane, enum family_index index,
	       const struct compiled_entry *entries, size_t count)
{
	AUTO_FD int fd = trie_create(dataplane, index);
	int result;

	if (fd < 0)
		return fd;
	result = trie_fill(fd, index, entries, count);
	if (result == 0)
		result = trie_verify(fd, index, entries, count);
	return result < 0 ? result : TAKE_FD(fd);
}

int trie_edit(int fd, enum compile_edit kind, const struct compiled_entry *entry)
{
	union trie_key key = trie_key_of(&entry->prefix);
	struct ag_entry value = entry->value, held;
	int result;

	if (kind == COMPILE_ADD) {
		if (bpf_map_lookup_elem(fd, &key, &held) == 0 && held.len == entry->prefix.len)
			value.seen = held.seen;
		return map_update(fd, &key, &value);
	}
	result = bpf_map_delete_elem(fd, &key);
	return result == -ENOENT ? 0 : result;
}
