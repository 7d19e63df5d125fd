// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_table.c - a map of plain elements against the rows that it shall hold
 */
#include "userspace/io/dataplane_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

struct ag_dest_prefix_key table_prefix_key(const struct prefix *prefix)
{
	struct ag_dest_prefix_key key = {.prefixlen = 32U + prefix->len,
					 .family_be = htonl(prefix->addr.family)};

	memcpy(key.addr, prefix->addr.bytes, sizeof(key.addr));
	return key;
}

void dataplane_set_flags(struct dataplane *dataplane, uint32_t of, uint32_t flags)
{
	store_u32(&dataplane->config->now.flags, (dataplane->config->now.flags & ~of) | (flags & of));
}

void map_table_clear(struct map_table *table)
{
	free(table->have.data);
	free(table->both.data);
	free(table->want.data);
}

uint8_t *row_at(const struct rows *rows, size_t index)
{
	return rows->data + index * row_size(rows);
}

int rows_allocate(struct rows *rows, size_t count)
{
	rows->data = calloc(count ? count : 1, row_size(rows));
	return rows->data ? 0 : -ENOMEM;
}

void rows_append(struct rows *rows, const void *key, const void *value)
{
	uint8_t *row = row_at(rows, rows->count++);

	memcpy(row, key, rows->key_size);
	memcpy(row + rows->key_size, value, rows->value_size);
}

static int compare_keys(const void *a, const void *b, void *arg)
{
	const struct rows *rows = arg;

	return memcmp(a, b, rows->key_size);
}

void rows_sort(struct rows *rows)
{
	qsort_r(rows->data, rows->count, row_size(rows), compare_keys, rows);
}

void map_table_begin(struct dataplane *dataplane, enum table_index index, struct map_table *table)
{
	const struct bpf_map *map = dataplane_table_map(dataplane, index);

	table->dataplane = dataplane;
	table->index = index;
	table->fd = dataplane_map_fd(map);
	table->max_entries = bpf_map__max_entries(map);
	table->have.key_size = table->both.key_size = table->want.key_size = bpf_map__key_size(map);
	table->have.value_size = table->both.value_size = table->want.value_size = bpf_map__value_size(map);
}

static void append_service(const struct ag_service_key *key, uint32_t account, void *arg)
{
	rows_append(arg, key, &account);
}

int map_table_read(struct dataplane *dataplane, enum table_index index, struct map_table *table)
{
	struct rows *have = &table->have;
	AUTO_DUMP struct map_dump dump = {0};
	size_t in_buckets = 0;
	int result;

	map_table_begin(dataplane, index, table);
	if (index == TABLE_SERVICES)
		in_buckets = dataplane->buckets[FAMILY4].in_use + dataplane->buckets[FAMILY6].in_use;
	result = map_dump(table->fd, have->key_size, have->value_size, &dump);
	if (result == 0)
		result = rows_allocate(have, dump.count + in_buckets);
	if (result < 0)
		return result;
	for (size_t i = 0; i < dump.count; i++)
		rows_append(have, dump.keys + i * have->key_size, dump.values + i * have->value_size);
	if (index == TABLE_SERVICES)
		buckets_each(dataplane, append_service, have);
	rows_sort(have);
	dataplane->table_count[index] = have->count;
	return 0;
}

bool pairs_next(struct pairs *pairs, const uint8_t **ret_left, const uint8_t **ret_right)
{
	const uint8_t *left = pairs->l < pairs->left->count ? row_at(pairs->left, pairs->l) : NULL;
	const uint8_t *right = pairs->r < pairs->right->count ? row_at(pairs->right, pairs->r) : NULL;
	int order = !left ? 1 : !right ? -1 : memcmp(left, right, pairs->left->key_size);

	if (!left && !right)
		return false;
	*ret_left = order <= 0 ? left : NULL;
	*ret_right = order >= 0 ? right : NULL;
	pairs->l += order <= 0;
	pairs->r += order >= 0;
	return true;
}

static bool rows_same(const struct rows *rows, const uint8_t *left, const uint8_t *right)
{
	return left && right && memcmp(left, right, row_size(rows)) == 0;
}

size_t rows_differing(const struct rows *have, const struct rows *want)
{
	struct pairs pairs = {.left = have, .right = want};
	const uint8_t *old, *new;
	size_t differing = 0;

	while (pairs_next(&pairs, &old, &new))
		differing += !rows_same(have, old, new);
	return differing;
}

static int row_remove(const struct map_table *table, const uint8_t *row)
{
	struct ag_service_key service;
	int result;

	if (table->index == TABLE_SERVICES) {
		memcpy(&service, row, sizeof(service));
		return buckets_remove(table->dataplane, &service);
	}
	result = bpf_map_delete_elem(table->fd, row);
	return result == -ENOENT ? 0 : result;
}

static int row_put(const struct map_table *table, const uint8_t *row)
{
	struct ag_service_key service;
	uint32_t account;

	if (table->index != TABLE_SERVICES)
		return map_update(table->fd, row, row + table->want.key_size);
	memcpy(&service, row, sizeof(service));
	memcpy(&account, row + sizeof(service), sizeof(account));
	return buckets_put(table->dataplane, &service, account);
}

int map_table_edit(const struct map_table *table, const struct rows *from, const struct rows *to,
		   unsigned int edits)
{
	struct pairs pairs = {.left = from, .right = to};
	const uint8_t *old, *new;
	int result = 0;

	while (result == 0 && pairs_next(&pairs, &old, &new)) {
		if (!new &&edits & ROWS_REMOVE)
			result = row_remove(table, old);
		else if (new &&edits & ROWS_ADD && !rows_same(from, old, new))
			result = row_put(table, new);
	}
	return result;
}
