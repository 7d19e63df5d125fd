// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_persons.c - whom the audit log names: a number, and beside the chain a key, a name and a uid
 */
#include "userspace/io/store.h"

#include "userspace/io/store_audit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

#define UID_MAX 0xfffffffeLL /* (uid_t)-1 is none */

void person_digest(const struct person *person, uint8_t out[DIGEST_SIZE])
{
	struct digest digest;

	digest_init_mac(&digest, person->key);
	digest_text(&digest, "person");
	digest_text(&digest, person->name);
	digest_number(&digest, person->uid);
	digest_finish(&digest, out);
}

void origin_digest(const uint8_t key[DIGEST_SIZE], const char *origin, uint8_t out[DIGEST_SIZE])
{
	struct digest digest;

	digest_init_mac(&digest, key);
	digest_text(&digest, "origin");
	digest_text(&digest, origin);
	digest_finish(&digest, out);
}

int person_read(struct store *store, sqlite3_stmt *stmt, void *item, struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};
	struct person *person = item;

	memset(person, 0, sizeof(*person));
	person->id = row_number(&row, 1, INT64_MAX);
	row_bytes(&row, person->mac, DIGEST_SIZE);
	person->erased = sqlite3_column_type(stmt, row.column) == SQLITE_NULL;
	if (!person->erased) {
		row_bytes(&row, person->key, DIGEST_SIZE);
		row_copy(&row, person->name, sizeof(person->name));
		person->uid = row_number(&row, -1, UID_MAX);
	}
	return row.bad ? store_damaged(store, error, "person %" PRId64 " of the audit log is none",
				       person->id)
		       : 0;
}

static int make(struct store *store, struct person *person, int64_t row, struct ag_error *error)
{
	int r;

	if (getrandom(person->key, sizeof(person->key), 0) != (ssize_t)sizeof(person->key))
		return error_set(error, ERROR_STORE, "store %s: no random numbers: %s", store->path,
				 strerror(errno));
	person_digest(person, person->mac);
	r = sql_run(store, SQL_PERSON_ADD, error, SQL_DIGEST(person->mac), SQL_NUMBER(row),
		    SQL_DIGEST(person->key), sql_text(person->name), SQL_NUMBER(person->uid));
	if (!r)
		person->id = sqlite3_last_insert_rowid(store->db);
	return r;
}

/* 1 with the person read, 0 where there is none. */
static int find(struct store *store, const char *name, int64_t uid, struct person *ret,
		struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	int r = sql_open(store, SQL_PERSON_BY_NAME_UID, &stmt, error, sql_text(name), SQL_NUMBER(uid));

	if (!r)
		r = sql_step(store, stmt, error);
	if (r <= 0)
		return r;
	r = person_read(store, stmt, ret, error);
	return r < 0 ? r : 1;
}

static int take(struct store *store, const char *name, int64_t uid, int64_t row, struct person *ret,
		struct ag_error *error)
{
	struct person person = {.uid = uid};
	int r;

	r = find(store, name, person.uid, ret, error);
	if (r > 0)
		return sql_run(store, SQL_PERSON_TOUCH, error, SQL_NUMBER(ret->id), SQL_NUMBER(row));
	if (r < 0)
		return r;
	memcpy(person.name, name, strlen(name) + 1);
	r = make(store, &person, row, error);
	if (!r)
		*ret = person;
	return r;
}

int person_take(struct store *store, const char *name, int64_t uid, int64_t row, struct person *ret,
		struct ag_error *error)
{
	if (!name || strlen(name) >= sizeof(ret->name))
		name = "";
	if (uid < 0 || uid > UID_MAX)
		uid = -1;
	*ret = (struct person){0};
	return *name || uid >= 0 ? take(store, name, uid, row, ret, error) : 0;
}

int person_take_stranger(struct store *store, int64_t row, struct person *ret, struct ag_error *error)
{
	*ret = (struct person){0};
	return take(store, "", -1, row, ret, error);
}

/* "prefixNUMBER" */
static bool parse_numbered(const char *text, const char *prefix, int64_t max, int64_t *ret)
{
	uint64_t number;

	if (strncmp(text, prefix, strlen(prefix)) != 0 ||
	    number_parse(prefix, text + strlen(prefix), 0, (uint64_t)max, &number, NULL))
		return false;
	*ret = (int64_t)number;
	return true;
}

static int query_name(struct store *store, const char *name, struct person_query *ret, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct person person = {0};
	int r, count = 0;

	(void)snprintf(ret->name, sizeof(ret->name), "%s", name);
	r = sql_open(store, SQL_PERSON_BY_NAME, &stmt, error, sql_text(name));
	while (!r && count < 2 && (r = sql_step(store, stmt, error)) > 0) {
		r = person_read(store, stmt, &person, error);
		count++;
	}
	ret->id = count == 1 ? person.id : 0;
	return r < 0 ? r : count > 0;
}

int person_query(struct store *store, const char *text, struct person_query *ret, struct ag_error *error)
{
	struct person person = {0};
	int64_t uid;
	int r;

	*ret = (struct person_query){0};
	if (parse_numbered(text, ERASED "#", INT64_MAX, &ret->id))
		return ret->id > 0;
	if (!parse_numbered(text, "uid:", UID_MAX, &uid))
		return *text ? query_name(store, text, ret, error) : 0;
	r = find(store, "", uid, &person, error);
	ret->id = person.id;
	return r;
}
