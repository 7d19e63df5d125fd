// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_services.c - the service table, made what it shall be
 *
 * The table is three maps, and the program walks from one to the others while they change. So that a service
 * that stays is never missed, the table goes from what is there to what is wanted by way of a third that is
 * both: every service and every destination of either, each with every kind of service that it has in either,
 * and led on to the next wider one of either. It is reached by adding, the wider destinations first, so that
 * each finds there what it leads to. When no program runs any more that began before, what is not
 * wanted goes, in any order: whatever still leads to it leads on to what is wanted, too.
 */
#include "userspace/io/dataplane_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static void tables_clear(struct map_table (*tables)[TABLE_INDEX_MAX])
{
	for (size_t i = 0; i < TABLE_INDEX_MAX; i++)
		map_table_clear(&(*tables)[i]);
}

static bool is_single(const struct prefix *prefix)
{
	return prefix->len == addr_bits(&prefix->addr);
}

static void append_dest(struct rows *const rows[TABLE_INDEX_MAX], const struct compiled_dest *dest)
{
	const struct prefix *prefix = &dest->prefix;
	struct ag_dest_prefix_key around = table_prefix_key(prefix);
	struct ag_dest_key single = {.family = prefix->addr.family};

	memcpy(single.addr, prefix->addr.bytes, sizeof(single.addr));
	if (is_single(prefix))
		rows_append(rows[TABLE_DESTS], &single, &dest->value);
	else
		rows_append(rows[TABLE_DEST_PREFIXES], &around, &dest->value);
}

static int rows_of(struct map_table tables[TABLE_INDEX_MAX], const struct compiled_services *services,
		   bool wanted)
{
	struct rows *rows[TABLE_INDEX_MAX];

	for (enum table_index index = TABLE_SERVICES; index <= TABLE_DESTS; index++)
		rows[index] = wanted ? &tables[index].want : &tables[index].have;
	if (rows_allocate(rows[TABLE_SERVICES], services->service_count) < 0 ||
	    rows_allocate(rows[TABLE_DESTS], services->dest_count) < 0 ||
	    rows_allocate(rows[TABLE_DEST_PREFIXES], services->dest_count) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < services->service_count; i++)
		rows_append(rows[TABLE_SERVICES], &services->services[i].key, &services->services[i].slot);
	for (size_t i = 0; i < services->dest_count; i++)
		append_dest(rows, &services->dests[i]);
	for (enum table_index index = TABLE_SERVICES; index <= TABLE_DESTS; index++)
		rows_sort(rows[index]);
	return 0;
}

/* Every row of either; of one that is in both, the wanted value. */
static int table_join(struct map_table *table)
{
	struct pairs pairs = {.left = &table->have, .right = &table->want};
	const uint8_t *old, *new;

	if (rows_allocate(&table->both, table->have.count + table->want.count) < 0)
		return -ENOMEM;
	while (pairs_next(&pairs, &old, &new)) {
		const uint8_t *row = new ? new : old;

		rows_append(&table->both, row, row + table->both.key_size);
	}
	return 0;
}

static void dest_add(struct ag_dest *dest, const struct ag_dest *have)
{
	dest->flags |= have->flags;
	for (size_t class = 0; class < AG_PROTO_CLASS_MAX; class ++)
		if (dest->fragment_account[class] == AG_NO_ACCOUNT)
			dest->fragment_account[class] = have->fragment_account[class];
}

/* What is in both tables is, on the way, what it is in either. */
static void dests_add_what_was(struct map_table *table)
{
	struct pairs pairs = {.left = &table->have, .right = &table->both};
	const uint8_t *old, *row;

	while (pairs_next(&pairs, &old, &row)) {
		struct ag_dest have, both;

		if (!old)
			continue;
		memcpy(&have, old + table->have.key_size, sizeof(have));
		memcpy(&both, row + table->both.key_size, sizeof(both));
		dest_add(&both, &have);
		memcpy(row_at(&table->both, pairs.r - 1) + table->both.key_size, &both, sizeof(both));
	}
}

/* A row of either table of destinations. */
struct place {
	struct prefix prefix;
	uint8_t *value; /* struct ag_dest, not aligned */
};

static struct prefix prefix_of_row(enum table_index index, const uint8_t *row)
{
	struct ag_dest_prefix_key around;
	struct ag_dest_key single;
	struct addr addr;

	if (index == TABLE_DESTS) {
		memcpy(&single, row, sizeof(single));
		addr = addr_make((enum ag_family)single.family, single.addr);
		return prefix_of(&addr, addr_bits(&addr));
	}
	memcpy(&around, row, sizeof(around));
	addr = addr_make((enum ag_family)ntohl(around.family_be), around.addr);
	return prefix_of(&addr, (uint8_t)(around.prefixlen - 32));
}

static int compare_places(const void *a, const void *b)
{
	const struct place *left = a, *right = b;

	return prefix_compare(&left->prefix, &right->prefix);
}

static void set_parent(struct place *place, const struct place *parent)
{
	struct ag_dest dest;

	memcpy(&dest, place->value, sizeof(dest));
	dest.flags = (uint8_t)(dest.flags & ~AG_DEST_HAS_PARENT);
	dest.parent_len = 0;
	if (parent) {
		dest.flags |= AG_DEST_HAS_PARENT;
		dest.parent_len = parent->prefix.len;
	}
	memcpy(place->value, &dest, sizeof(dest));
}

/* Sorted, a prefix comes straight before what lies within it: a stack holds those around the present one. */
static void set_parents(struct place *places, size_t count)
{
	const struct place *around[129];
	size_t depth = 0;

	for (size_t i = 0; i < count; i++) {
		while (depth && !prefix_covers(&around[depth - 1]->prefix, &places[i].prefix))
			depth--;
		set_parent(&places[i], depth ? around[depth - 1] : NULL);
		around[depth++] = &places[i];
	}
}

/* With more than AG_DEST_DEPTH_MAX prefixes around one another, old and new together, the outermost are out
 * of reach. */
static int dests_lead_on(struct map_table tables[TABLE_INDEX_MAX])
{
	size_t count = tables[TABLE_DESTS].both.count + tables[TABLE_DEST_PREFIXES].both.count, filled = 0;
	AUTO_FREE struct place *places = NULL;

	if (!tables[TABLE_DEST_PREFIXES].both.count)
		return 0;
	places = calloc(count, sizeof(*places));
	if (!places)
		return -ENOMEM;
	for (enum table_index index = TABLE_DEST_PREFIXES; index <= TABLE_DESTS; index++)
		for (size_t i = 0; i < tables[index].both.count; i++) {
			uint8_t *row = row_at(&tables[index].both, i);

			places[filled++] = (struct place){.prefix = prefix_of_row(index, row),
							  .value = row + tables[index].both.key_size};
		}
	qsort(places, count, sizeof(*places), compare_places);
	set_parents(places, count);
	return 0;
}

static int tables_join(struct map_table tables[TABLE_INDEX_MAX])
{
	for (enum table_index index = TABLE_SERVICES; index <= TABLE_DESTS; index++)
		if (table_join(&tables[index]) < 0)
			return -ENOMEM;
	dests_add_what_was(&tables[TABLE_DEST_PREFIXES]);
	dests_add_what_was(&tables[TABLE_DESTS]);
	return dests_lead_on(tables);
}

static int add_both(const struct map_table tables[TABLE_INDEX_MAX])
{
	int result = 0;

	for (enum table_index index = TABLE_SERVICES; index <= TABLE_DESTS && result == 0; index++)
		result = map_table_edit(&tables[index], &tables[index].have, &tables[index].both, ROWS_ADD);
	return result;
}

static int keep_wanted(const struct map_table tables[TABLE_INDEX_MAX])
{
	int result = dataplane_grace(tables[TABLE_SERVICES].dataplane);

	for (enum table_index index = TABLE_SERVICES; index <= TABLE_DESTS && result == 0; index++)
		result = map_table_edit(&tables[index], &tables[index].both, &tables[index].want,
					ROWS_ADD | ROWS_REMOVE);
	return result;
}

/* Where both do not fit in: what goes makes room, and what comes is missing for a moment. */
static int replace(const struct map_table tables[TABLE_INDEX_MAX])
{
	int result = 0;

	for (int index = TABLE_DESTS; index >= TABLE_SERVICES && result == 0; index--)
		result = map_table_edit(&tables[index], &tables[index].have, &tables[index].want,
					ROWS_REMOVE);
	for (int index = TABLE_SERVICES; index <= TABLE_DESTS && result == 0; index++)
		result = map_table_edit(&tables[index], &tables[index].have, &tables[index].want, ROWS_ADD);
	return result;
}

static int tables_apply(struct dataplane *dataplane, struct map_table tables[TABLE_INDEX_MAX], uint32_t flags)
{
	bool fits = true, narrows = false;
	int result = tables_join(tables);

	if (result < 0)
		return result;
	for (enum table_index index = TABLE_SERVICES; index <= TABLE_DESTS; index++) {
		fits = fits &&
		       dataplane->table_count[index] - tables[index].have.count + tables[index].both.count <=
			       tables[index].max_entries;
		narrows = narrows || rows_differing(&tables[index].both, &tables[index].want);
	}
	dataplane_set_flags(dataplane, flags, flags);
	result = fits ? add_both(tables) : replace(tables);
	if (result == 0 && fits && narrows)
		result = keep_wanted(tables);
	if (result < 0)
		return result;
	dataplane_set_flags(dataplane, SERVICE_FLAGS, flags);
	for (enum table_index index = TABLE_SERVICES; index <= TABLE_DESTS; index++)
		dataplane->table_count[index] += tables[index].want.count - tables[index].have.count;
	return 0;
}

static int sync_error(int result, struct ag_error *error)
{
	if (result == -ENOMEM)
		return dataplane_no_memory(error);
	return error_set(error, ERROR_KERNEL, "the kernel refused the service table: %s", strerror(-result));
}

int dataplane_sync_services(struct dataplane *dataplane, const struct compiled_services *want, bool dry_run,
			    size_t *ret_changed, struct ag_error *error)
{
	CLEANUP(tables_clear) struct map_table tables[TABLE_INDEX_MAX] = {0};
	uint32_t flags = want->flags & SERVICE_FLAGS;
	size_t changed = (dataplane->config->now.flags & SERVICE_FLAGS) != flags;
	int result = 0;

	if (want->service_count > dataplane->limits.services)
		return error_set(error, ERROR_LIMIT, "%zu services are more than the limit of %u: raise it",
				 want->service_count, dataplane->limits.services);
	for (enum table_index index = TABLE_SERVICES; index <= TABLE_DESTS && result == 0; index++)
		result = map_table_read(dataplane, index, &tables[index]);
	if (result == 0)
		result = rows_of(tables, want, true);
	if (result < 0)
		return sync_error(result, error);
	for (enum table_index index = TABLE_SERVICES; index <= TABLE_DESTS; index++)
		changed += rows_differing(&tables[index].have, &tables[index].want);
	if (changed && !dry_run)
		result = tables_apply(dataplane, tables, flags);
	if (result < 0)
		return sync_error(result, error);
	if (ret_changed)
		*ret_changed = changed;
	return 0;
}

int dataplane_edit_services(struct dataplane *dataplane, const struct compiled_services *have,
			    const struct compiled_services *want, uint32_t flags, struct ag_error *error)
{
	CLEANUP(tables_clear) struct map_table tables[TABLE_INDEX_MAX] = {0};
	size_t added = want->service_count > have->service_count ? want->service_count - have->service_count
								 : 0;
	int result = dataplane_check_services(dataplane, added, 0, error);

	if (result < 0)
		return result;
	for (enum table_index index = TABLE_SERVICES; index <= TABLE_DESTS; index++)
		map_table_begin(dataplane, index, &tables[index]);
	result = rows_of(tables, have, false);
	if (result == 0)
		result = rows_of(tables, want, true);
	if (result == 0)
		result = tables_apply(dataplane, tables, flags & SERVICE_FLAGS);
	return result < 0 ? sync_error(result, error) : 0;
}

int dataplane_check_services(struct dataplane *dataplane, size_t added, size_t prefixes,
			     struct ag_error *error)
{
	uint64_t services = dataplane->table_count[TABLE_SERVICES] + added;
	uint64_t around = dataplane->table_count[TABLE_DEST_PREFIXES] + prefixes;

	if (services <= dataplane->limits.services && around <= dataplane->limits.services)
		return 0;
	return error_set(error, ERROR_LIMIT, "%llu services are more than the limit of %u: raise it",
			 (unsigned long long)(services > around ? services : around),
			 dataplane->limits.services);
}
