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

void dataplane_set_flags(struct dataplane *dataplane, uint32_t flags)
{
	__atomic_store_n(&dataplane->config->flags, flags, __ATOMIC_RELEASE);
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

int map_table_read(struct dataplane *dataplane, enum table_index index, struct map_table *table)
{
	const struct bpf_map *map = dataplane_table_map(dataplane, index);
	struct rows *have = &table->have;
	AUTO_DUMP struct map_dump dump = {0};
	int result;

	table->fd = dataplane_map_fd(map);
	table->max_entries = bpf_map__max_entries(map);
	have->key_size = table->both.key_size = table->want.key_size = bpf_map__key_size(map);
	have->value_size = table->both.value_size = table->want.value_size = bpf_map__value_size(map);
	result = map_dump(table->fd, have->key_size, have->value_size, &dump);
	if (result == 0)
		result = rows_allocate(have, dump.count);
	if (result < 0)
		return result;
	for (size_t i = 0; i < dump.count; i++)
		rows_append(have, dump.keys + i * have->key_size, dump.values + i * have->value_size);
	rows_sort(have);
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

static int row_remove(int fd, const uint8_t *row)
{
	int result = bpf_map_delete_elem(fd, row);

	return result == -ENOENT ? 0 : result;
}

int map_table_edit(const struct map_table *table, const struct rows *from, const struct rows *to,
		   unsigned int edits)
{
	struct pairs pairs = {.left = from, .right = to};
	const uint8_t *old, *new;
	int result = 0;

	while (result == 0 && pairs_next(&pairs, &old, &new)) {
		if (!new &&edits & ROWS_REMOVE)
			result = row_remove(table->fd, old);
		else if (new &&edits & ROWS_ADD && !rows_same(from, old, new))
			result = map_update(table->fd, new, new + to->key_size);
	}
	return result;
}
