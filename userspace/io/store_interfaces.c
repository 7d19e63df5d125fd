// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_interfaces.c - the interfaces to attach to, and the check of the sum that they share with users,
 * roles and named lists
 */
#include "userspace/io/store.h"

#include "userspace/io/store_private.h"

static void fold_interface(uint8_t sum[DIGEST_SIZE], const struct store_interface *interface)
{
	uint8_t out[DIGEST_SIZE];
	struct digest digest;

	digest_init(&digest);
	digest_text(&digest, "interface");
	digest_text(&digest, interface->name);
	digest_text(&digest, interface->mode);
	digest_finish(&digest, out);
	sum_fold(sum, out);
}

static int interface_read(struct store *store, sqlite3_stmt *stmt, void *item, struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};
	struct store_interface *interface = item;

	memset(interface, 0, sizeof(*interface));
	row_copy(&row, interface->name, sizeof(interface->name));
	row_copy(&row, interface->mode, sizeof(interface->mode));
	return row.bad ? store_damaged(store, error, "interface '%s' is none", interface->name) : 0;
}

/* 1 with the interface as it stands, 0 without. */
static int interface_get(struct store *store, const char *name, struct store_interface *ret,
			 struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	int r = sql_open(store, SQL_INTERFACE_GET, &stmt, error, sql_text(name));

	if (!r)
		r = sql_step(store, stmt, error);
	if (r <= 0)
		return r;
	r = interface_read(store, stmt, ret, error);
	return r < 0 ? r : 1;
}

int store_interface_put(struct store *store, const struct store_interface *interface, struct ag_error *error)
{
	struct store_interface old = {0};
	int had, r = store_editing(store, error);

	if (r < 0)
		return r;
	had = interface_get(store, interface->name, &old, error);
	if (had < 0)
		return had;
	r = sql_run(store, SQL_INTERFACE_PUT, error, sql_text(interface->name), sql_text(interface->mode));
	if (r < 0)
		return r;
	if (had)
		fold_interface(store->meta.people_sum, &old);
	fold_interface(store->meta.people_sum, interface);
	return 0;
}

int store_interface_remove(struct store *store, const char *name, struct ag_error *error)
{
	struct store_interface old = {0};
	int r = store_editing(store, error);

	if (r < 0)
		return r;
	r = interface_get(store, name, &old, error);
	if (!r)
		return error_set(error, ERROR_NOT_FOUND, "interface '%s' is not in the store", name);
	if (r > 0)
		r = sql_run(store, SQL_INTERFACE_REMOVE, error, sql_text(name));
	if (!r)
		fold_interface(store->meta.people_sum, &old);
	return r;
}

int store_interfaces(struct store *store, struct store_interface **ret, size_t *ret_count,
		     struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	void *items;
	int r = sql_open(store, SQL_INTERFACES, &stmt, error);

	if (!r)
		r = store_collect(store, stmt, sizeof(**ret), interface_read, NULL, &items, ret_count, error);
	if (!r)
		*ret = items;
	return r;
}

int people_check(struct store *store, struct ag_error *error)
{
	AUTO_FREE struct store_interface *interfaces = NULL;
	uint8_t sum[DIGEST_SIZE] = {0};
	struct store_meta meta;
	size_t count = 0;
	int r = store_meta_get(store, &meta, error);

	if (!r)
		r = people_fold(store, sum, error);
	if (!r)
		r = store_interfaces(store, &interfaces, &count, error);
	for (size_t i = 0; !r && i < count; i++)
		fold_interface(sum, &interfaces[i]);
	if (!r)
		r = panic_fold(store, sum, error);
	if (!r)
		r = pending_fold(store, sum, error);
	if (!r)
		r = named_fold_all(store, sum, error);
	if (!r && memcmp(sum, meta.people_sum, DIGEST_SIZE) != 0)
		r = store_damaged(store, error,
				  "its users, roles, tokens, interfaces, named lists, switch and changes to "
				  "be confirmed do not fit their sum");
	return r;
}
