// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_named.c - named lists, which accounts refer to
 *
 * Their rows share the sum of users, roles and interfaces, which is checked when the store is opened. Each
 * carries the sum of its entries, with which they are compared whenever they are read whole. Who added an
 * entry decides nothing, and is in no digest, so that a person can be forgotten.
 */
#include "userspace/io/store_named.h"

#include "userspace/core/reference.h"
#include "userspace/io/store_private.h"

#include <errno.h>

_Static_assert(sizeof(((struct store_named *)NULL)->content) == DIGEST_SIZE, "content is a digest");

static void fold_named(uint8_t sum[DIGEST_SIZE], const struct store_named *named)
{
	uint8_t out[DIGEST_SIZE];
	struct digest digest;

	digest_init(&digest);
	digest_text(&digest, "list");
	digest_number(&digest, named->id);
	digest_text(&digest, named->name);
	digest_number(&digest, (int64_t)named->entries);
	digest_number(&digest, (int64_t)named->generation);
	digest_number(&digest, named->created_at);
	digest_bytes(&digest, named->content, DIGEST_SIZE);
	digest_finish(&digest, out);
	sum_fold(sum, out);
}

/* The same takes an entry in and out. */
static void fold_entry(struct store_named *named, const struct entry *entry)
{
	uint8_t out[DIGEST_SIZE];
	struct digest digest;

	digest_init_row(&digest);
	digest_text(&digest, "listed");
	digest_prefix(&digest, &entry->prefix);
	digest_text(&digest, entry->note);
	digest_number(&digest, entry->created_at);
	digest_finish(&digest, out);
	sum_fold(named->content, out);
}

/* --- rows ------------------------------------------------------------------ */

static int named_read(struct store *store, sqlite3_stmt *stmt, void *item, struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};
	struct store_named *named = item;

	memset(named, 0, sizeof(*named));
	named->id = row_number(&row, 1, INT64_MAX);
	row_copy(&row, named->name, sizeof(named->name));
	named->entries = (size_t)row_number(&row, 0, INT64_MAX);
	named->generation = (uint64_t)row_number(&row, 0, INT64_MAX);
	named->created_at = row_number(&row, INT64_MIN, INT64_MAX);
	row_bytes(&row, named->content, DIGEST_SIZE);
	return row.bad ? store_damaged(store, error, "list '%s' is none", named->name) : 0;
}

int store_named_find(struct store *store, const char *name, struct store_named *ret, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	int r = sql_open(store, SQL_NAMED_FIND, &stmt, error, sql_text(name));

	if (!r)
		r = sql_step(store, stmt, error);
	if (!r)
		return error_set(error, ERROR_NOT_FOUND, "there is no list '%s': see 'allowgate list list'",
				 name);
	return r < 0 ? r : named_read(store, stmt, ret, error);
}

int store_named_all(struct store *store, struct store_named **ret, size_t *ret_count, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	void *items;
	int r = sql_open(store, SQL_NAMED_ALL, &stmt, error);

	if (!r)
		r = store_collect(store, stmt, sizeof(**ret), named_read, NULL, &items, ret_count, error);
	if (!r)
		*ret = items;
	return r;
}

int named_fold_all(struct store *store, uint8_t sum[DIGEST_SIZE], struct ag_error *error)
{
	AUTO_FREE struct store_named *lists = NULL;
	size_t count = 0;
	int r = store_named_all(store, &lists, &count, error);

	for (size_t i = 0; !r && i < count; i++)
		fold_named(sum, &lists[i]);
	return r;
}

static int check_limit(struct store *store, struct ag_error *error)
{
	AUTO_FREE struct store_named *lists = NULL;
	size_t count = 0;
	int r = store_named_all(store, &lists, &count, error);

	if (r < 0 || count < NAMED_LISTS_MAX)
		return r;
	return error_set(error, ERROR_LIMIT, "there are %d named lists, which is the limit: remove one",
			 NAMED_LISTS_MAX);
}

int store_named_add(struct store *store, const char *name, int64_t now, struct ag_error *error)
{
	struct store_named named = {.created_at = now};
	int r = store_editing(store, error);

	if (!r)
		r = check_limit(store, error);
	if (r < 0)
		return r;
	r = sql_run(store, SQL_NAMED_ADD, error, sql_text(name), SQL_NUMBER(now), SQL_DIGEST(named.content));
	if (r < 0 && sql_is_duplicate(store))
		return error_set(error, ERROR_EXISTS, "list '%s' is there already", name);
	if (!r)
		r = store_named_find(store, name, &named, error);
	if (!r)
		fold_named(store->meta.people_sum, &named);
	return r;
}

int store_named_remove(struct store *store, const char *name, struct ag_error *error)
{
	struct store_named named;
	int r = store_editing(store, error);

	if (!r)
		r = store_named_find(store, name, &named, error);
	if (!r)
		r = sql_run(store, SQL_NAMED_REMOVE, error, SQL_NUMBER(named.id));
	if (!r)
		fold_named(store->meta.people_sum, &named);
	return r;
}

/* --- entries --------------------------------------------------------------- */

/* The strings are borrowed from the row. */
static int listed_read(struct store *store, sqlite3_stmt *stmt, const struct store_named *named,
		       struct entry *ret, struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};

	*ret = (struct entry){.verdict = AG_ENTRY_ALLOW};
	row_prefix(&row, &ret->prefix);
	ret->note = (char *)(uintptr_t)row_text(&row);
	ret->created_by = (char *)(uintptr_t)row_text(&row);
	ret->created_at = row_number(&row, INT64_MIN, INT64_MAX);
	return row.bad || !addr_known(&ret->prefix.addr)
		       ? store_damaged(store, error, "an entry of list '%s' is none", named->name)
		       : 0;
}

static int keep_text(const char *text, char **ret)
{
	*ret = *text ? strdup(text) : NULL;
	return *text && !*ret ? -ENOMEM : 0;
}

static int keep_listed(struct list *list, const struct entry *borrowed)
{
	struct entry entry = *borrowed;
	int r;

	entry.note = entry.created_by = NULL;
	r = keep_text(borrowed->note, &entry.note);
	if (!r)
		r = keep_text(borrowed->created_by, &entry.created_by);
	if (r < 0)
		entry_clear(&entry);
	return r < 0 ? r : list_append(list, &entry);
}

int store_named_page(struct store *store, const struct store_named *named, const struct prefix *after,
		     size_t limit, struct list *ret, struct ag_error *error)
{
	static const struct prefix none;
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct list list = {0};
	struct entry entry;
	int r = sql_open(store, SQL_NAMED_PAGE, &stmt, error, SQL_NUMBER(named->id),
			 SQL_PREFIX(after ? after : &none), SQL_NUMBER((int64_t)limit));

	while (!r && (r = sql_step(store, stmt, error)) > 0) {
		r = listed_read(store, stmt, named, &entry, error);
		if (!r && keep_listed(&list, &entry) < 0)
			r = store_no_memory(error);
	}
	if (r < 0)
		list_clear(&list);
	else
		*ret = list;
	return r;
}

int store_named_list(struct store *store, const struct store_named *named, struct list *ret,
		     struct ag_error *error)
{
	struct store_named seen = {0};
	struct list list = {0};
	int r = store_named_page(store, named, NULL, NAMED_ENTRIES_MAX + 1, &list, error);

	for (size_t i = 0; !r && i < list.count; i++)
		fold_entry(&seen, &list.entries[i]);
	if (!r && (list.count != named->entries || memcmp(seen.content, named->content, DIGEST_SIZE) != 0))
		r = store_damaged(store, error, "list '%s' does not fit its sum", named->name);
	if (r < 0)
		list_clear(&list);
	else
		*ret = list;
	return r;
}

/* --- edits ------------------------------------------------------------------ */

static int named_write(struct store *store, const struct store_named *before, struct store_named *named,
		       struct ag_error *error)
{
	int r;

	named->generation++;
	r = sql_run(store, SQL_NAMED_WRITE, error, SQL_NUMBER(named->id), SQL_NUMBER((int64_t)named->entries),
		    SQL_NUMBER((int64_t)named->generation), SQL_DIGEST(named->content));
	if (r < 0)
		return r;
	fold_named(store->meta.people_sum, before);
	fold_named(store->meta.people_sum, named);
	return 0;
}

static size_t entries_limit(const struct store *store)
{
	return store->limits.entries < NAMED_ENTRIES_MAX ? store->limits.entries : NAMED_ENTRIES_MAX;
}

static int add_listed(struct store *store, struct store_named *named, const struct entry *entry,
		      struct ag_error *error)
{
	char text[PREFIX_TEXT_MAX];
	int r = entries_check_canonical(&entry->prefix, error);

	if (r < 0)
		return r;
	if (named->entries >= entries_limit(store))
		return error_set(
			error, ERROR_LIMIT,
			"list '%s' has %zu entries, which is the limit: remove some, or join them to "
			"wider prefixes",
			named->name, named->entries);
	r = sql_run(store, SQL_NAMED_ENTRY_ADD, error, SQL_NUMBER(named->id), SQL_PREFIX(&entry->prefix),
		    sql_text(entry->note), sql_text(entry->created_by), SQL_NUMBER(entry->created_at));
	if (r < 0 && sql_is_duplicate(store)) {
		prefix_format_short(&entry->prefix, text);
		return error_set(error, ERROR_EXISTS, "%s is in list '%s' already", text, named->name);
	}
	if (r < 0)
		return r;
	named->entries++;
	fold_entry(named, entry);
	return 0;
}

static int remove_listed(struct store *store, struct store_named *named, const struct prefix *prefix,
			 struct list *gone, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	char text[PREFIX_TEXT_MAX];
	struct entry entry;
	int r = sql_open(store, SQL_NAMED_ENTRY_REMOVE, &stmt, error, SQL_NUMBER(named->id),
			 SQL_PREFIX(prefix));

	if (!r)
		r = sql_step(store, stmt, error);
	if (!r) {
		prefix_format_short(prefix, text);
		return error_set(error, ERROR_NOT_FOUND, "%s is not in list '%s'", text, named->name);
	}
	if (r > 0)
		r = listed_read(store, stmt, named, &entry, error);
	if (r < 0)
		return r;
	named->entries--;
	fold_entry(named, &entry);
	return keep_listed(gone, &entry) < 0 ? store_no_memory(error) : 0;
}

int store_named_entries_add(struct store *store, const char *name, const struct list *entries,
			    struct ag_error *error)
{
	struct store_named before, named;
	int r = store_editing(store, error);

	if (!r)
		r = store_named_find(store, name, &before, error);
	if (r < 0)
		return r;
	named = before;
	for (size_t i = 0; !r && i < entries->count; i++)
		r = add_listed(store, &named, &entries->entries[i], error);
	return r < 0 ? r : named_write(store, &before, &named, error);
}

int store_named_entries_remove(struct store *store, const char *name, const struct list *entries,
			       struct list *gone, struct ag_error *error)
{
	struct store_named before, named;
	int r = store_editing(store, error);

	if (!r)
		r = store_named_find(store, name, &before, error);
	if (r < 0)
		return r;
	named = before;
	for (size_t i = 0; !r && i < entries->count; i++)
		r = remove_listed(store, &named, &entries->entries[i].prefix, gone, error);
	return r < 0 ? r : named_write(store, &before, &named, error);
}

/* --- who uses it -------------------------------------------------------------- */

static int user_read(struct store *store, sqlite3_stmt *stmt, void *item, struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};
	struct store_named_user *user = item;

	memset(user, 0, sizeof(*user));
	user->account_id = row_number(&row, 1, INT64_MAX);
	row_copy(&row, user->account, sizeof(user->account));
	return row.bad ? store_damaged(store, error, "account '%s' is none", user->account) : 0;
}

int store_named_users(struct store *store, const char *name, struct store_named_user **ret, size_t *ret_count,
		      struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct prefix key = reference_key(name);
	void *items;
	int r = store_settle(store, error);

	if (!r)
		r = sql_open(store, SQL_NAMED_USERS, &stmt, error,
			     SQL_BYTES(key.addr.bytes, sizeof(key.addr.bytes)));
	if (!r)
		r = store_collect(store, stmt, sizeof(**ret), user_read, NULL, &items, ret_count, error);
	if (!r)
		*ret = items;
	return r;
}

int store_named_user_count(struct store *store, const char *name, size_t *ret, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct prefix key = reference_key(name);
	int r = store_settle(store, error);

	if (!r)
		r = sql_open(store, SQL_NAMED_USER_COUNT, &stmt, error,
			     SQL_BYTES(key.addr.bytes, sizeof(key.addr.bytes)));
	if (!r)
		r = sql_step(store, stmt, error);
	if (r > 0)
		*ret = (size_t)sqlite3_column_int64(stmt, 0);
	return r < 0 ? r : 0;
}

/* References sort in front of all other entries. */
int store_references(struct store *store, int64_t account_id, struct list *ret, struct ag_error *error)
{
	struct list list = {0};
	int r = store_list_page(store, account_id, NULL, REFERENCES_MAX, &list, error);
	size_t count = list_count_references(&list);

	if (r < 0)
		return r;
	while (list.count > count)
		entry_clear(&list.entries[--list.count]);
	*ret = list;
	return 0;
}
