// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_services.c - where accounts are reached: one sum over the services of all
 */
#include "userspace/io/store.h"

#include "userspace/io/store_private.h"

struct owned_service {
	int64_t account_id;
	struct service service;
};

static void digest_service(int64_t account_id, const struct service *service, uint8_t out[DIGEST_SIZE])
{
	struct digest digest;

	digest_init(&digest);
	digest_text(&digest, "service");
	digest_number(&digest, account_id);
	digest_prefix(&digest, &service->dest);
	digest_number(&digest, service->proto);
	digest_number(&digest, service->port);
	digest_finish(&digest, out);
}

/* The columns of the primary key, as values. */
#define SERVICE_KEY(s)                                                                                       \
	SQL_NUMBER((s)->dest.addr.family), SQL_BYTES((s)->dest.addr.bytes, addr_size(&(s)->dest.addr)),      \
		SQL_NUMBER((s)->dest.len), SQL_NUMBER((s)->proto), SQL_NUMBER((s)->port)

static int service_read(struct store *store, sqlite3_stmt *stmt, struct owned_service *ret,
			struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};

	ret->account_id = row_number(&row, 1, INT64_MAX);
	row_prefix(&row, &ret->service.dest);
	ret->service.proto = (uint8_t)row_number(&row, 0, UINT8_MAX);
	ret->service.port = (uint16_t)row_number(&row, 0, UINT16_MAX);
	return row.bad ? store_damaged(store, error, "a service is none") : 0;
}

static int service_owner(struct store *store, const struct service *service, char owner[NAME_SIZE],
			 struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct sql_row row = {0};
	int r = sql_open(store, SQL_SERVICE_OWNER, &stmt, error, SERVICE_KEY(service));

	if (!r)
		r = sql_step(store, stmt, error);
	if (r < 0)
		return r;
	row.stmt = stmt;
	if (r)
		row_copy(&row, owner, NAME_SIZE);
	return !r || row.bad ? store_damaged(store, error, "a service has no account") : 0;
}

static int service_taken(struct store *store, const struct service *service, char owner[NAME_SIZE],
			 struct ag_error *error)
{
	char text[SERVICE_TEXT_MAX];
	int r = service_owner(store, service, owner, error);

	if (r < 0)
		return r;
	service_format(service, text);
	if (!strcmp(owner, store->current.account.name))
		return error_set(error, ERROR_EXISTS, "account '%s' has the service %s already", owner, text);
	return error_set(error, ERROR_EXISTS, "%s belongs to account '%s' already", text, owner);
}

int store_service_add(struct store *store, int64_t account_id, const struct service *service,
		      char owner[NAME_SIZE], struct ag_error *error)
{
	uint8_t digest[DIGEST_SIZE];
	int r = account_edit(store, account_id, error);

	if (!r && (uint64_t)store->meta.services >= store->limits.services)
		r = error_set(error, ERROR_LIMIT,
			      "there are %zu services, which is the limit: remove one, or raise "
			      "the setting of the services' limit",
			      store->limits.services);
	if (r < 0)
		return r;
	r = sql_run(store, SQL_SERVICE_ADD, error, SQL_NUMBER(account_id), SERVICE_KEY(service));
	if (r < 0)
		return sql_is_duplicate(store) ? service_taken(store, service, owner, error) : r;
	digest_service(account_id, service, digest);
	sum_fold(store->meta.service_sum, digest);
	store->meta.services++;
	return 0;
}

int store_service_remove(struct store *store, int64_t account_id, const struct service *service,
			 struct ag_error *error)
{
	char text[SERVICE_TEXT_MAX];
	uint8_t digest[DIGEST_SIZE];
	int r = account_edit(store, account_id, error);

	if (!r)
		r = sql_run(store, SQL_SERVICE_REMOVE, error, SQL_NUMBER(account_id), SERVICE_KEY(service));
	if (r < 0)
		return r;
	if (sqlite3_changes(store->db) != 1) {
		service_format(service, text);
		return error_set(error, ERROR_NOT_FOUND, "account '%s' has no service %s",
				 store->current.account.name, text);
	}
	digest_service(account_id, service, digest);
	sum_fold(store->meta.service_sum, digest);
	store->meta.services--;
	return 0;
}

int services_forget(struct store *store, int64_t account_id, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct owned_service owned;
	uint8_t digest[DIGEST_SIZE];
	int r = sql_open(store, SQL_SERVICES_OF, &stmt, error, SQL_NUMBER(account_id));

	while (!r && (r = sql_step(store, stmt, error)) > 0) {
		r = service_read(store, stmt, &owned, error);
		if (r < 0)
			break;
		digest_service(account_id, &owned.service, digest);
		sum_fold(store->meta.service_sum, digest);
		store->meta.services--;
	}
	return r;
}

/* Reading goes on in *items, which the caller frees also on failure. */
static int claims_step(struct store *store, void **items, size_t *count, uint8_t sum[DIGEST_SIZE],
		       struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct account_record record = {0};
	struct owned_service owned;
	uint8_t digest[DIGEST_SIZE];
	size_t capacity = 0;
	int r = sql_open(store, SQL_SERVICES, &stmt, error);

	while (!r && (r = sql_step(store, stmt, error)) > 0) {
		r = service_read(store, stmt, &owned, error);
		if (!r && record.account.id != owned.account_id)
			r = account_record_find(store, owned.account_id, &record, error);
		if (r < 0)
			break;
		if (store_grow(items, &capacity, *count, sizeof(struct claim)) < 0)
			return store_no_memory(error);
		((struct claim *)*items)[(*count)++] = (struct claim){.service = owned.service,
								      .slot = record.account.slot};
		digest_service(owned.account_id, &owned.service, digest);
		sum_fold(sum, digest);
	}
	return r;
}

int store_claims(struct store *store, struct claim **ret, size_t *ret_count, struct ag_error *error)
{
	AUTO_FREE void *items = NULL;
	uint8_t sum[DIGEST_SIZE] = {0};
	struct store_meta meta;
	size_t count = 0;
	int r = store_meta_get(store, &meta, error);

	if (!r)
		r = claims_step(store, &items, &count, sum, error);
	if (r < 0)
		return r;
	if (count != (uint64_t)meta.services || memcmp(sum, meta.service_sum, DIGEST_SIZE) != 0)
		return store_damaged(store, error, "its services do not fit their sum");
	*ret = TAKE_PTR(items);
	*ret_count = count;
	return 0;
}
