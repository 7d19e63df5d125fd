// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_erase.c - a person goes from the store: what the audit log has of them beside its chain, their user,
 * and their name wherever it says who made something
 *
 * Deleting a row leaves its bytes in the file, and in the log beside it. So the pages that this empties are
 * overwritten, and the file is written anew behind it, once the transaction is done: that also ends what
 * earlier changes have left behind.
 */
#include "userspace/io/store.h"

#include "userspace/io/store_audit.h"

#include <inttypes.h>
#include <stdio.h>

/* Who is erased: a name, or a uid that has none; "" or -1 otherwise. */
struct target {
	char name[NAME_SIZE];
	int64_t uid;
};

static int parse_target(struct store *store, const char *text, struct target *ret, struct ag_error *error)
{
	struct store_user user;
	uint64_t uid;

	*ret = (struct target){.uid = -1};
	if (!strncmp(text, "uid:", 4)) {
		if (number_parse("uid", text + 4, 0, UINT32_MAX - 1, &uid, error))
			return -1;
		ret->uid = (int64_t)uid;
	} else {
		if (name_check("user", text, error))
			return -1;
		memcpy(ret->name, text, strlen(text) + 1);
		if (!store_user_find(store, text, &user, NULL))
			ret->uid = user.uid;
	}
	if (ret->uid)
		return 0;
	return error_set(
		error, ERROR_FORBIDDEN,
		"root is not erased: take the name away from uid 0 first, by 'allowgate user remove'");
}

/* --- in the transaction ---------------------------------------------------------- */

struct numbers {
	int64_t *ids;
	size_t count;
};

static int number_read(struct store *store, sqlite3_stmt *stmt, void *item, struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};

	*(int64_t *)item = row_number(&row, 1, INT64_MAX);
	return row.bad ? store_damaged(store, error, "a person of the audit log is none") : 0;
}

static int find_persons(struct store *store, const struct target *target, struct numbers *ret,
			struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	void *items = NULL;
	int r = sql_open(store, SQL_ERASE_PERSONS, &stmt, error, sql_text(target->name),
			 SQL_NUMBER(target->uid));

	if (!r)
		r = store_collect(store, stmt, sizeof(int64_t), number_read, NULL, &items, &ret->count,
				  error);
	ret->ids = items;
	return r;
}

/* *count grows by the rows that a statement changed, of its own. */
static int run_counted(struct store *store, enum sql which, struct sql_value value, size_t *count,
		       struct ag_error *error)
{
	int r = sql_run(store, which, error, value);

	if (!r)
		*count += (size_t)sqlite3_changes(store->db);
	return r;
}

static int erase_person(struct store *store, int64_t id, struct store_erased *erased, struct ag_error *error)
{
	int r = run_counted(store, SQL_ERASE_ORIGINS, SQL_NUMBER(id), &erased->addresses, error);

	if (!r)
		r = sql_run(store, SQL_ERASE_PERSON, error, SQL_NUMBER(id));
	if (!r && erased->person_count < STORE_ERASED_PERSONS)
		erased->persons[erased->person_count++] = id;
	return r;
}

/* Where their name says who made what is there. */
static int erase_name(struct store *store, const char *name, struct store_erased *erased,
		      struct ag_error *error)
{
	static const enum sql names[] = {SQL_ERASE_CREATED_BY, SQL_ERASE_HISTORY, SQL_ERASE_PANIC,
					 SQL_ERASE_LISTED,     SQL_ERASE_TOKENS,  SQL_ERASE_PENDING};
	int r = 0;

	for (size_t i = 0; !r && *name && i < sizeof(names) / sizeof(*names); i++)
		r = run_counted(store, names[i], sql_text(name), &erased->names, error);
	return r;
}

/* Who had no name in a panic is there as "uid 1000". */
static int erase_nameless(struct store *store, int64_t uid, struct store_erased *erased,
			  struct ag_error *error)
{
	char by[NAME_SIZE];

	(void)snprintf(by, sizeof(by), "uid %" PRId64, uid); /* fits */
	return uid < 0 ? 0 : run_counted(store, SQL_ERASE_PANIC, sql_text(by), &erased->names, error);
}

static int erase_all(struct store *store, const struct target *target, struct store_erased *erased,
		     struct ag_error *error)
{
	AUTO_FREE int64_t *ids = NULL;
	struct numbers persons = {0};
	int r = 0;

	if (*target->name && !store_user_find(store, target->name, &(struct store_user){0}, NULL)) {
		r = store_user_remove(store, target->name, error);
		erased->user = !r;
	}
	if (!r)
		r = find_persons(store, target, &persons, error);
	ids = persons.ids;
	for (size_t i = 0; !r && i < persons.count; i++)
		r = erase_person(store, ids[i], erased, error);
	if (r >= 0)
		r = erase_nameless(store, target->uid, erased, error);
	return r < 0 ? r : erase_name(store, target->name, erased, error);
}

int store_erase(struct store *store, const char *text, struct store_erased *ret, struct ag_error *error)
{
	struct target target;
	int r = store_editing(store, error);

	*ret = (struct store_erased){0};
	if (!r)
		r = parse_target(store, text, &target, error);
	if (!r)
		r = sql_exec(store, "PRAGMA secure_delete = ON", error);
	if (r < 0)
		return r;
	r = erase_all(store, &target, ret, error);
	(void)sql_exec(store, "PRAGMA secure_delete = OFF",
		       NULL); /* costs time, and no more, where it stays */
	if (!r && !ret->user && !ret->person_count && !ret->names) /* the name is not kept by saying it */
		r = error_set(error, ERROR_NOT_FOUND, "nobody of that name is known here");
	return r;
}

/* --- behind it ------------------------------------------------------------------- */

/* The log's pages go into the file, and the log is cut to nothing. */
static int empty_log(struct store *store, struct ag_error *error)
{
	int64_t busy = 1;
	int r = sql_pragma_number(store, "PRAGMA wal_checkpoint(TRUNCATE)", &busy, error);

	if (r < 0 || !busy)
		return r;
	return error_set(
		error, ERROR_STORE,
		"store %s: another process reads it: end that (a sqlite3 shell?), so that its log can "
		"be emptied",
		store->path);
}

int store_scrub(struct store *store, struct ag_error *error)
{
	int r = store->in_transaction ? -1 : store_files_check(store, error);

	if (r < 0)
		return r;
	atomic_store(&store->wanted, true);
	(void)pthread_mutex_lock(&store->writing); /* cannot fail: this thread does not hold it */
	r = sql_exec(store, "VACUUM", error);
	if (!r)
		r = empty_log(store, error);
	(void)pthread_mutex_unlock(&store->writing); /* as above */
	atomic_store(&store->wanted, false);
	return r;
}

/* --- what is held on somebody ------------------------------------------------------ */

static void made_columns(struct sql_row *row, struct store_made *ret)
{
	int64_t verdict_allow;

	ret->account_id = row_number(row, 1, INT64_MAX);
	row_copy(row, ret->account, sizeof(ret->account));
	row_copy(row, ret->list, sizeof(ret->list));
	row_prefix(row, &ret->prefix);
	ret->since = row_number(row, 0, INT64_MAX);
	ret->current = row_number(row, 0, 1);
	verdict_allow = row_number(row, 0, 1);
	ret->verdict = verdict_allow ? AG_ENTRY_ALLOW : AG_ENTRY_DENY;
	row_copy(row, ret->note, sizeof(ret->note));
	ret->created_at = row_number(row, INT64_MIN, INT64_MAX);
	ret->theirs = row_number(row, 0, 1);
}

static int made_read(struct store *store, sqlite3_stmt *stmt, void *item, struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};
	struct store_made *made = item;

	memset(made, 0, sizeof(*made));
	made_columns(&row, made);
	return row.bad ? store_damaged(store, error, "an entry is none") : 0;
}

int store_made(struct store *store, const char *name, const struct store_made *after, size_t limit,
	       struct store_made **ret, size_t *ret_count, struct ag_error *error)
{
	static const struct store_made first = {.prefix.addr.family = AG_FAMILY_IPV4};
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	void *items;
	int r;

	if (!after)
		after = &first;
	r = sql_open(store, SQL_ENTRIES_MADE, &stmt, error, SQL_NUMBER(after->account_id),
		     SQL_PREFIX(&after->prefix), SQL_NUMBER(after->since), sql_text(name),
		     SQL_NUMBER((int64_t)limit));
	if (!r)
		r = store_collect(store, stmt, sizeof(**ret), made_read, NULL, &items, ret_count, error);
	if (!r)
		*ret = items;
	return r;
}

static int listed_read(struct store *store, sqlite3_stmt *stmt, void *item, struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};
	struct store_made *made = item;

	*made = (struct store_made){.current = true, .verdict = AG_ENTRY_ALLOW};
	made->account_id = row_number(&row, 1, INT64_MAX);
	row_copy(&row, made->list, sizeof(made->list));
	row_prefix(&row, &made->prefix);
	row_copy(&row, made->note, sizeof(made->note));
	made->created_at = row_number(&row, INT64_MIN, INT64_MAX);
	made->theirs = row_number(&row, 0, 1);
	return row.bad ? store_damaged(store, error, "an entry of a list is none") : 0;
}

int store_made_listed(struct store *store, const char *name, const struct store_made *after, size_t limit,
		      struct store_made **ret, size_t *ret_count, struct ag_error *error)
{
	static const struct store_made first = {.prefix.addr.family = AG_FAMILY_IPV4};
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	void *items;
	int r;

	if (!after)
		after = &first;
	r = sql_open(store, SQL_LISTED_MADE, &stmt, error, SQL_NUMBER(after->account_id),
		     SQL_PREFIX(&after->prefix), sql_text(name), SQL_NUMBER((int64_t)limit));
	if (!r)
		r = store_collect(store, stmt, sizeof(**ret), listed_read, NULL, &items, ret_count, error);
	if (!r)
		*ret = items;
	return r;
}

static int made_history_read(struct store *store, sqlite3_stmt *stmt, void *item, struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};
	struct store_made_history *made = item;

	memset(made, 0, sizeof(*made));
	row_copy(&row, made->account, sizeof(made->account));
	made->account_id = row_number(&row, 1, INT64_MAX);
	made->generation = row_number(&row, 0, INT64_MAX);
	made->time = row_number(&row, INT64_MIN, INT64_MAX);
	row_copy(&row, made->action, sizeof(made->action));
	made->added = row_number(&row, 0, INT64_MAX);
	made->removed = row_number(&row, 0, INT64_MAX);
	made->theirs = row_number(&row, 0, 1);
	return row.bad ? store_damaged(store, error, "a row of history is none") : 0;
}

int store_made_history(struct store *store, const char *name, const struct store_made_history *after,
		       size_t limit, struct store_made_history **ret, size_t *ret_count,
		       struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	void *items;
	int r = sql_open(store, SQL_HISTORY_MADE, &stmt, error, SQL_NUMBER(after->account_id),
			 SQL_NUMBER(after->generation), sql_text(name), SQL_NUMBER((int64_t)limit));

	if (!r)
		r = store_collect(store, stmt, sizeof(**ret), made_history_read, NULL, &items, ret_count,
				  error);
	if (!r)
		*ret = items;
	return r;
}
