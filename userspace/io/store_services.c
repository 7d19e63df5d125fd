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

static void digest_service(const struct store *store, int64_t account_id, const struct service *service,
			   uint8_t out[DIGEST_SIZE])
{
	struct digest digest;

	digest_init_of(store, &digest);
	digest_text(&digest, "service");
	digest_number(&digest, account_id);
	digest_prefix(&digest, &service->dest);
	digest_number(&digest, service->proto);
	digest_number(&digest, service->port);
	digest_finish(&digest, out);
}

/* The columns of the primary key, as values. */
#define SERVICE_KEY(s) SQL_PREFIX(&(s)->dest), SQL_NUMBER((s)->proto), SQL_NUMBER((s)->port)

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
	digest_service(store, account_id, service, digest);
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
	digest_service(store, account_id, service, digest);
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
		digest_service(store, account_id, &owned.service, digest);
		sum_fold(store->meta.service_sum, digest);
		store->meta.services--;
	}
	return r;
}

/* Of an account: where its services lead. */
struct place {
	int64_t id;
	uint32_t slot;
};

static int place_by_id(const void *a, const void *b)
{
	int64_t x = ((const struct place *)a)->id, y = ((const struct place *)b)->id;

	return (x > y) - (x < y);
}

/* All accounts, checked, by id: a service looks its slot up here. The caller frees. */
static int places_read(struct store *store, struct place **ret, size_t *ret_count, struct ag_error *error)
{
	struct account *accounts = NULL;
	struct place *places;
	size_t count = 0;
	int r = store_accounts(store, &accounts, &count, error);

	if (r < 0)
		return r;
	places = calloc(count ? count : 1, sizeof(*places));
	for (size_t i = 0; places && i < count; i++)
		places[i] = (struct place){accounts[i].id, accounts[i].slot};
	accounts_free(accounts, count);
	if (!places)
		return store_no_memory(error);
	qsort(places, count, sizeof(*places), place_by_id);
	*ret = places;
	*ret_count = count;
	return 0;
}

/* By key, strictly ascending: none stands twice, so that none takes another out of the sum. */
static int services_each(struct store *store, uint8_t sum[DIGEST_SIZE],
			 int (*visit)(struct store *store, const struct owned_service *owned, void *arg,
				      struct ag_error *error),
			 void *arg, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct owned_service owned = {0}, last = {0};
	uint8_t digest[DIGEST_SIZE];
	int r = sql_open(store, SQL_SERVICES, &stmt, error);

	while (!r && (r = sql_step(store, stmt, error)) > 0) {
		r = service_read(store, stmt, &owned, error);
		if (!r && last.account_id && service_compare(&last.service, &owned.service) == 0)
			r = store_damaged(store, error, "a service stands twice");
		if (!r && visit)
			r = visit(store, &owned, arg, error);
		if (r < 0)
			break;
		digest_service(store, owned.account_id, &owned.service, digest);
		sum_fold(sum, digest);
		last = owned;
	}
	return r;
}

int services_fold(struct store *store, uint8_t sum[DIGEST_SIZE], struct ag_error *error)
{
	return services_each(store, sum, NULL, NULL, error);
}

struct claims {
	struct place *places;
	size_t place_count;
	void *items;
	size_t count;
	size_t capacity;
};

static int claim_add(struct store *store, const struct owned_service *owned, void *arg,
		     struct ag_error *error)
{
	struct claims *claims = arg;
	struct place key = {.id = owned->account_id};
	const struct place *place = bsearch(&key, claims->places, claims->place_count, sizeof(key),
					    place_by_id);

	if (!place)
		return store_damaged(store, error, "a service has no account");
	if (store_grow(&claims->items, &claims->capacity, claims->count, sizeof(struct claim)) < 0)
		return store_no_memory(error);
	((struct claim *)claims->items)[claims->count++] = (struct claim){.service = owned->service,
									  .slot = place->slot};
	return 0;
}

int store_claims(struct store *store, struct claim **ret, size_t *ret_count, struct ag_error *error)
{
	struct claims claims = {0};
	uint8_t sum[DIGEST_SIZE] = {0};
	struct store_meta meta;
	int r = store_meta_get(store, &meta, error);

	if (!r)
		r = places_read(store, &claims.places, &claims.place_count, error);
	if (!r)
		r = services_each(store, sum, claim_add, &claims, error);
	if (!r &&
	    (claims.count != (uint64_t)meta.services || memcmp(sum, meta.service_sum, DIGEST_SIZE) != 0))
		r = store_damaged(store, error, "its services do not fit their sum");
	if (!r) {
		*ret = TAKE_PTR(claims.items);
		*ret_count = claims.count;
	}
	free(claims.places);
	free(claims.items);
	return r;
}
