// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_failsafe.c - the sources that always pass
 */
#include "userspace/io/dataplane_private.h"

#include <errno.h>
#include <string.h>

/* Drops rows whose key stands twice. */
static void rows_unique(struct rows *rows)
{
	size_t kept = 0;

	for (size_t i = 0; i < rows->count; i++) {
		if (kept && memcmp(row_at(rows, kept - 1), row_at(rows, i), rows->key_size) == 0)
			continue;
		memmove(rows->data + kept++ * row_size(rows), row_at(rows, i), row_size(rows));
	}
	rows->count = kept;
}

static int want_failsafe(struct map_table *table, const struct prefix *prefixes, size_t count)
{
	AUTO_FREE uint8_t *value = calloc(1, table->want.value_size);

	if (!value || rows_allocate(&table->want, count) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct ag_dest_prefix_key key = table_prefix_key(&prefixes[i]);

		rows_append(&table->want, &key, value);
	}
	rows_sort(&table->want);
	rows_unique(&table->want);
	return 0;
}

int dataplane_set_failsafe(struct dataplane *dataplane, const struct prefix *prefixes, size_t count,
			   struct ag_error *error)
{
	CLEANUP(map_table_clear) struct map_table table = {0};
	int result = map_table_read(dataplane, TABLE_FAILSAFE, &table);

	if (result == 0)
		result = want_failsafe(&table, prefixes, count);
	if (result == 0 && table.want.count > table.max_entries)
		return error_set(error, ERROR_LIMIT,
				 "%zu failsafe prefixes are more than the %u that fit: join some",
				 table.want.count, table.max_entries);
	if (result == 0 && table.want.count)
		dataplane_set_flags(dataplane, AG_CONFIG_FAILSAFE, AG_CONFIG_FAILSAFE);
	if (result == 0 &&
	    table.have.count + table.want.count > table.max_entries) /* both may not fit in together */
		result = map_table_edit(&table, &table.have, &table.want, ROWS_REMOVE);
	if (result == 0)
		result = map_table_edit(&table, &table.have, &table.want, ROWS_ADD);
	if (result == 0)
		result = map_table_edit(&table, &table.have, &table.want, ROWS_REMOVE);
	if (result < 0)
		return error_set(error, ERROR_KERNEL, "the kernel refused the failsafe sources: %s",
				 strerror(-result));
	if (!table.want.count)
		dataplane_set_flags(dataplane, AG_CONFIG_FAILSAFE, 0);
	dataplane->table_count[TABLE_FAILSAFE] = table.want.count;
	return 0;
}
