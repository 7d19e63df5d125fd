// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_audit.c - the audit log: rows numbered without a gap, each with a hash over the one before it and
 * itself
 *
 * Meta keeps the number of rows and the newest hash, so that a log cut off at its end is noticed too.
 */
#include "userspace/io/store_audit.h"

#include <inttypes.h>
#include <stdio.h>

static const uint8_t zeros[DIGEST_SIZE];

void audit_digest(const uint8_t before[DIGEST_SIZE], const struct audit_row *row,
		  const uint8_t person_mac[DIGEST_SIZE], const uint8_t delegate_mac[DIGEST_SIZE],
		  uint8_t out[DIGEST_SIZE])
{
	struct digest digest;

	digest_init(&digest);
	digest_bytes(&digest, before, DIGEST_SIZE);
	digest_number(&digest, row->id);
	digest_number(&digest, row->time);
	digest_number(&digest, row->person);
	digest_bytes(&digest, person_mac, DIGEST_SIZE);
	digest_number(&digest, row->delegate);
	digest_bytes(&digest, delegate_mac, DIGEST_SIZE);
	digest_bytes(&digest, row->origin_mac, DIGEST_SIZE);
	digest_text(&digest, row->account);
	digest_text(&digest, row->action);
	digest_text(&digest, row->detail);
	digest_text(&digest, row->outcome);
	digest_finish(&digest, out);
}

/* --- where it begins ---------------------------------------------------------------- */

void audit_bounds_digest(const struct audit_bounds *bounds, uint8_t out[DIGEST_SIZE])
{
	struct digest digest;

	digest_init(&digest);
	digest_text(&digest, "audit bounds");
	digest_number(&digest, bounds->pruned);
	digest_bytes(&digest, bounds->pruned_hash, DIGEST_SIZE);
	digest_number(&digest, bounds->forgotten);
	digest_finish(&digest, out);
}

int audit_bounds_get(struct store *store, struct audit_bounds *ret, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	uint8_t stored[DIGEST_SIZE] = {0}, digest[DIGEST_SIZE];
	struct audit_bounds bounds = {0};
	struct sql_row row = {0};
	int r = sql_open(store, SQL_AUDIT_BOUNDS, &stmt, error);

	if (!r)
		r = sql_step(store, stmt, error);
	if (r < 0)
		return r;
	row.stmt = stmt;
	if (r) {
		bounds.pruned = row_number(&row, 0, INT64_MAX);
		row_bytes(&row, bounds.pruned_hash, DIGEST_SIZE);
		bounds.forgotten = row_number(&row, 0, INT64_MAX);
		row_bytes(&row, stored, DIGEST_SIZE);
	}
	audit_bounds_digest(&bounds, digest);
	if (!r || row.bad || memcmp(stored, digest, DIGEST_SIZE) != 0)
		return store_damaged(store, error, "where its audit log begins does not fit its digest");
	*ret = bounds;
	return 0;
}

/* --- writing -------------------------------------------------------------------- */

/* Whom a row names, of which some may be nobody (number 0). */
struct named {
	struct person person;
	struct person delegate;
};

/* Who is vouched for is who has that name here, so that they have one number however they come. */
static int64_t uid_of_user(struct store *store, const char *name)
{
	struct store_user user;
	struct ag_error ignored;

	return name && *name && !store_user_find(store, name, &user, &ignored) ? user.uid : -1;
}

static bool has_origin(const struct store_audit *given)
{
	return given->origin && *given->origin && strcmp(given->origin, ORIGIN_UNKNOWN) != 0;
}

static int take_named(struct store *store, const struct store_audit *given, int64_t id, struct named *named,
		      struct ag_error *error)
{
	bool vouched = given->delegate && *given->delegate;
	int64_t uid = vouched || given->uid < 0 ? uid_of_user(store, given->user) : given->uid;
	int r = person_take(store, given->user, uid, id, &named->person, error);

	if (!r && !named->person.id && has_origin(given))
		r = person_take_stranger(store, id, &named->person, error);
	if (!r && vouched)
		r = person_take(store, given->delegate, given->uid, id, &named->delegate, error);
	return r;
}

static int put_row(struct store *store, const struct audit_row *row, struct ag_error *error)
{
	return sql_run(store, SQL_AUDIT_ADD, error, SQL_NUMBER(row->id), SQL_NUMBER(row->time),
		       SQL_NUMBER(row->person), SQL_NUMBER(row->delegate), SQL_DIGEST(row->origin_mac),
		       sql_text(row->account), sql_text(row->action), sql_text(row->detail),
		       sql_text(row->outcome), SQL_DIGEST(row->hash));
}

/* NULL where there is none, or nobody whose it is. */
static const char *origin_known(const struct store_audit *given, const struct person *person)
{
	return has_origin(given) && person->id ? given->origin : NULL;
}

int audit_put(struct store *store, int64_t id, const struct store_audit *given, const uint8_t *hash,
	      struct ag_error *error)
{
	CLEANUP(buffer_clear) struct buffer detail = {0};
	struct named named = {0};
	struct audit_row row = {.id = id,
				.time = given->time,
				.account = given->account,
				.action = given->action,
				.outcome = given->outcome};
	const char *origin;
	int r = take_named(store, given, id, &named, error);

	if (r < 0)
		return r;
	origin = origin_known(given, &named.person);
	r = persons_refer(store, given->detail ? given->detail : "", origin, id, &detail, error);
	if (r < 0)
		return r;
	row.person = named.person.id;
	row.delegate = named.delegate.id;
	row.detail = detail.data;
	if (origin)
		origin_digest(named.person.key, origin, row.origin_mac);
	audit_digest(store->meta.audit_hash, &row, named.person.mac, named.delegate.mac, row.hash);
	if (hash)
		memcpy(row.hash, hash, DIGEST_SIZE);
	r = put_row(store, &row, error);
	if (!r && origin)
		r = sql_run(store, SQL_AUDIT_ORIGIN_ADD, error, SQL_NUMBER(id), sql_text(origin));
	if (r < 0)
		return r;
	store->meta.audit_rows = id;
	memcpy(store->meta.audit_hash, row.hash, DIGEST_SIZE);
	return 0;
}

static int append(struct store *store, const struct store_audit *given, struct ag_error *error)
{
	int r = store_editing(store, error);

	return r < 0 ? r : audit_put(store, store->meta.audit_rows + 1, given, NULL, error);
}

int store_audit_add(struct store *store, const struct store_audit *row, struct ag_error *error)
{
	int r;

	if (store->in_transaction)
		return append(store, row, error);
	r = store_begin(store, error);
	if (r < 0)
		return r;
	r = append(store, row, error);
	if (!r)
		return store_commit(store, error);
	store_rollback(store);
	return r;
}

/* --- reading -------------------------------------------------------------------- */

void audit_columns(struct sql_row *row, struct audit_row *ret)
{
	ret->id = row_number(row, 1, INT64_MAX);
	ret->time = row_number(row, INT64_MIN, INT64_MAX);
	ret->person = row_number(row, 0, INT64_MAX);
	ret->delegate = row_number(row, 0, INT64_MAX);
	row_bytes(row, ret->origin_mac, DIGEST_SIZE);
	ret->account = row_text(row);
	ret->action = row_text(row);
	ret->detail = row_text(row);
	ret->outcome = row_text(row);
	row_bytes(row, ret->hash, DIGEST_SIZE);
}

static void clear_row(void *item)
{
	struct store_audit *row = item;

	free(row->user);
	free(row->delegate);
	free(row->origin);
	free(row->account);
	free(row->action);
	free(row->detail);
	free(row->outcome);
}

/* The next two columns: name and uid of that person. NULL: no memory. */
static char *name_column(struct sql_row *row, int64_t person, int64_t *ret_uid)
{
	const char *name = (const char *)sqlite3_column_text(row->stmt, row->column);
	char erased[PERSON_TEXT_MAX];

	(void)snprintf(erased, sizeof(erased), ERASED "#%" PRId64, person);
	*ret_uid = name ? sqlite3_column_int64(row->stmt, row->column + 1) : -1;
	row->column += 2;
	return strdup(name ? name : person ? erased : "");
}

static const char *origin_column(struct sql_row *row, const struct audit_row *audit)
{
	const char *origin = (const char *)sqlite3_column_text(row->stmt, row->column++);

	if (!memcmp(audit->origin_mac, zeros, DIGEST_SIZE))
		return ORIGIN_UNKNOWN;
	return origin ? origin : ERASED;
}

/* Copies, as far as there is memory. */
static int copy_row(struct store *store, struct sql_row *row, const struct audit_row *audit,
		    struct store_audit *ret, struct ag_error *error)
{
	CLEANUP(buffer_clear) struct buffer detail = {0};
	int64_t delegate_uid;
	const char *origin;

	ret->id = audit->id;
	ret->time = audit->time;
	ret->person = audit->person;
	memcpy(ret->hash, audit->hash, DIGEST_SIZE);
	ret->user = name_column(row, audit->person, &ret->uid);
	ret->delegate = name_column(row, audit->delegate, &delegate_uid);
	if (audit->delegate)
		ret->uid = delegate_uid;
	origin = origin_column(row, audit);
	ret->origin = strdup(origin);
	ret->account = strdup(audit->account);
	ret->action = strdup(audit->action);
	ret->outcome = strdup(audit->outcome);
	if (persons_resolve(store, audit->detail, origin, &detail, error) < 0)
		return -1;
	ret->detail = TAKE_PTR(detail.data);
	return 0;
}

static int audit_read(struct store *store, sqlite3_stmt *stmt, void *item, struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};
	struct store_audit copy = {0};
	struct audit_row audit = {0};
	int r;

	audit_columns(&row, &audit);
	if (row.bad)
		return store_damaged(store, error, "audit row %" PRId64 " is none", audit.id);
	r = copy_row(store, &row, &audit, &copy, error);
	if (!r && !(copy.user && copy.delegate && copy.origin && copy.account && copy.action && copy.outcome))
		r = store_no_memory(error);
	if (r < 0)
		clear_row(&copy);
	else
		*(struct store_audit *)item = copy;
	return r;
}

static int open_read(struct store *store, const struct store_audit_filter *filter,
		     const struct person_query *who, sqlite3_stmt **ret, struct ag_error *error)
{
	int64_t most = filter->limit > INT64_MAX ? INT64_MAX : (int64_t)filter->limit;
	struct sql_value account = filter->account ? sql_text(filter->account) : SQL_NULL;

	if (!filter->user && !filter->account)
		return sql_open(store, SQL_AUDIT_READ, ret, error, SQL_NUMBER(filter->after),
				SQL_NUMBER(filter->since), SQL_NUMBER(filter->until), SQL_NUMBER(most));
	if (!filter->user)
		return sql_open(store, SQL_AUDIT_READ_ACCOUNT, ret, error, SQL_NUMBER(filter->after),
				SQL_NUMBER(filter->since), SQL_NUMBER(filter->until), SQL_NUMBER(most),
				account);
	return sql_open(store, who->id ? SQL_AUDIT_READ_PERSON : SQL_AUDIT_READ_PERSONS, ret, error,
			SQL_NUMBER(filter->after), SQL_NUMBER(filter->since), SQL_NUMBER(filter->until),
			SQL_NUMBER(most), account, who->id ? SQL_NUMBER(who->id) : sql_text(who->name));
}

int store_audit_read(struct store *store, const struct store_audit_filter *filter, struct store_audit **ret,
		     size_t *ret_count, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct person_query who = {0};
	void *items;
	int r = filter->user ? person_query(store, filter->user, &who, error) : 1;

	if (r < 0)
		return r;
	if (!r) { /* nobody of that name did anything */
		*ret = NULL;
		*ret_count = 0;
		return 0;
	}
	r = open_read(store, filter, &who, &stmt, error);
	if (!r)
		r = store_collect(store, stmt, sizeof(**ret), audit_read, clear_row, &items, ret_count,
				  error);
	if (!r)
		*ret = items;
	return r;
}

int store_audit_naming(struct store *store, const char *user, int64_t after, int64_t span,
		       struct store_audit **ret, size_t *ret_count, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct person_query who = {0};
	void *items = NULL;
	int r = person_query(store, user, &who, error);

	*ret_count = 0;
	if (r > 0)
		r = sql_open(store, SQL_AUDIT_NAMING, &stmt, error, SQL_NUMBER(after),
			     SQL_NUMBER(after + span), SQL_NUMBER(who.id), sql_text(who.name));
	else if (!r)
		return 0;
	if (!r)
		r = store_collect(store, stmt, sizeof(**ret), audit_read, clear_row, &items, ret_count,
				  error);
	if (!r)
		*ret = items;
	return r;
}

int store_audit_newest(struct store *store, int64_t *ret, struct ag_error *error)
{
	return sql_pragma_number(store, sql_statement(SQL_AUDIT_NEWEST), ret, error);
}

void store_audit_free(struct store_audit *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		clear_row(&rows[i]);
	free(rows);
}
