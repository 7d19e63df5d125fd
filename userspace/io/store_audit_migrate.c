// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_audit_migrate.c - the audit log up to version 3, which had names and addresses within its chain
 *
 * Every row is checked against the hash that it had, then chained anew. One that did not fit keeps its old
 * hash, which no row of the new chain has: what was wrong before stays so, at the same row. A last row states
 * the head of the old chain, for whoever has noted it.
 */
#include "userspace/io/store_audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

struct old_chain {
	int64_t last; /* row read */
	uint8_t hash[DIGEST_SIZE];
	int64_t broken; /* the first row that did not fit; 0: none */
};

static void old_digest(const uint8_t before[DIGEST_SIZE], const struct store_audit *row,
		       uint8_t out[DIGEST_SIZE])
{
	struct digest digest;

	digest_init(&digest);
	digest_bytes(&digest, before, DIGEST_SIZE);
	digest_number(&digest, row->id);
	digest_number(&digest, row->time);
	digest_text(&digest, row->user);
	digest_text(&digest, row->delegate);
	digest_number(&digest, row->uid);
	digest_text(&digest, row->origin);
	digest_text(&digest, row->account);
	digest_text(&digest, row->action);
	digest_text(&digest, row->detail);
	digest_text(&digest, row->outcome);
	digest_finish(&digest, out);
}

/* The texts are borrowed from the row. */
static void old_columns(struct sql_row *row, struct store_audit *ret)
{
	ret->id = row_number(row, 1, INT64_MAX);
	ret->time = row_number(row, INT64_MIN, INT64_MAX);
	ret->user = (char *)(uintptr_t)row_text(row);
	ret->delegate = (char *)(uintptr_t)row_text(row);
	ret->uid = row_number(row, INT64_MIN, INT64_MAX);
	ret->origin = (char *)(uintptr_t)row_text(row);
	ret->account = (char *)(uintptr_t)row_text(row);
	ret->action = (char *)(uintptr_t)row_text(row);
	ret->detail = (char *)(uintptr_t)row_text(row);
	ret->outcome = (char *)(uintptr_t)row_text(row);
	row_bytes(row, ret->hash, DIGEST_SIZE);
}

/* Users of whom the log says that they came or went, and roles that did, by their first word. */
static int take_subject(struct store *store, const struct store_audit *row, struct ag_error *error)
{
	static const char *const actions[] = {"user add", "user remove", "role grant", "role revoke"};
	size_t length = strcspn(row->detail, " ");
	char name[NAME_SIZE];
	struct person_query query;
	struct person person;
	long long uid = -1;
	int r = 0;

	if (length >= sizeof(name) || strcmp(row->outcome, "done") != 0)
		return 0;
	memcpy(name, row->detail, length);
	name[length] = '\0';
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		if (!strcmp(row->action, actions[i]) && !name_check("user", name, NULL))
			r = 1;
	if (!r)
		return 0;
	(void)sscanf(row->detail + length, " uid=%lld", &uid); /* or there is none */
	r = uid < 0 ? person_query(store, name, &query, error) : 0;
	return r ? (r < 0 ? r : 0) : person_take(store, name, uid, row->id, &person, error);
}

static int convert_row(struct store *store, sqlite3_stmt *stmt, struct old_chain *old, struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};
	struct store_audit audit = {0};
	uint8_t hash[DIGEST_SIZE];
	bool fits;
	int r;

	old_columns(&row, &audit);
	if (row.bad)
		return store_damaged(store, error, "audit row %" PRId64 " is none", audit.id);
	old_digest(old->hash, &audit, hash);
	fits = audit.id == old->last + 1 && !memcmp(hash, audit.hash, DIGEST_SIZE);
	if (!fits && !old->broken)
		old->broken = audit.id;
	old->last = audit.id;
	memcpy(old->hash, audit.hash, DIGEST_SIZE);
	r = take_subject(store, &audit, error);
	return r < 0 ? r : audit_put(store, audit.id, &audit, fits ? NULL : audit.hash, error);
}

static int convert_rows(struct store *store, struct old_chain *old, struct ag_error *error)
{
	AUTO_FINALIZE sqlite3_stmt *stmt = NULL;
	int r = 0;

	memset(store->meta.audit_hash, 0, DIGEST_SIZE);
	if (sqlite3_prepare_v2(
		    store->db,
		    "SELECT id, time, user, delegate, uid, origin, account, action, detail, outcome, "
		    "hash FROM audit_3 ORDER BY id",
		    -1, &stmt, NULL))
		return store_fail(store, error);
	while (!r && (r = sql_step(store, stmt, error)) > 0)
		r = convert_row(store, stmt, old, error);
	return r;
}

static int convert_users(struct store *store, struct ag_error *error)
{
	AUTO_FREE struct store_user *users = NULL;
	struct person person;
	size_t count = 0;
	int r = store_users(store, &users, &count, error);

	for (size_t i = 0; !r && i < count; i++)
		r = person_take(store, users[i].name, users[i].uid, 0, &person, error);
	return r;
}

/* What was written is what meta says, and not more or less. */
static int state_head(struct store *store, const struct old_chain *old, const struct store_meta *was,
		      struct ag_error *error)
{
	bool whole = !old->broken && old->last == was->audit_rows &&
		     !memcmp(old->hash, was->audit_hash, DIGEST_SIZE);
	int64_t next = (old->last > was->audit_rows ? old->last : was->audit_rows) + 1;
	char head[DIGEST_HEX_SIZE], detail[256];
	struct store_audit row = {.time = time(NULL),
				  .uid = -1,
				  .origin = (char *)ORIGIN_UNKNOWN,
				  .action = (char *)"audit migrate",
				  .detail = detail,
				  .outcome = (char *)(whole ? "done" : "store")};

	digest_hex(was->audit_hash, head);
	if (whole)
		(void)snprintf(detail, sizeof(detail),
			       "rows 1 to %" PRId64 " were chained anew; the head of their old chain was %s",
			       old->last, head);
	else
		(void)snprintf(detail, sizeof(detail),
			       "the chain up to here was broken before at row %" PRId64
			       " and still is; its head was %s",
			       old->broken ? old->broken : old->last + 1, head);
	return audit_put(store, next, &row, NULL, error);
}

static int add_bounds(struct store *store, struct ag_error *error)
{
	const struct audit_bounds bounds = {0};
	uint8_t digest[DIGEST_SIZE];

	audit_bounds_digest(&bounds, digest);
	return sql_run(store, SQL_AUDIT_BOUNDS_ADD, error, SQL_NUMBER(0), SQL_DIGEST(bounds.pruned_hash),
		       SQL_NUMBER(0), SQL_DIGEST(digest));
}

static int convert_log(struct store *store, struct ag_error *error)
{
	struct old_chain old = {0};
	struct store_meta was;
	int r = store_meta_get(store, &store->meta, error);

	if (r < 0)
		return r;
	was = store->meta;
	r = convert_users(store, error);
	if (!r)
		r = convert_rows(store, &old, error);
	if (!r && (old.last || was.audit_rows))
		r = state_head(store, &old, &was, error);
	return r < 0 ? r : store_meta_write(store, error);
}

int store_convert_audit(struct store *store, struct ag_error *error)
{
	int64_t rows = 0;
	int r = add_bounds(store, error);

	if (!r)
		r = sql_pragma_number(
			store,
			"SELECT (SELECT count(*) FROM meta) + (SELECT count(*) FROM accounts) + "
			"(SELECT count(*) FROM audit_3)",
			&rows, error);
	if (!r && rows) /* none: one that is just being made */
		r = convert_log(store, error);
	return r < 0 ? r : sql_exec(store, "DROP TABLE audit_3", error);
}
