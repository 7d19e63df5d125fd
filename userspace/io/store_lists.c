// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_lists.c - reading lists, of this version or of an older one: whole, a page, one entry, the longest
 * match
 */
#include "userspace/io/store.h"

#include "userspace/io/store_private.h"

#include <errno.h>

static char *text_or_null(struct sql_row *row)
{
	const char *text = row_text(row);

	return *text ? (char *)text : NULL;
}

static void entry_columns(struct sql_row *row, struct entry *ret)
{
	row_prefix(row, &ret->prefix);
	if (entry_verdict_parse(row_text(row), &ret->verdict, NULL))
		row->bad = true;
	ret->note = text_or_null(row);
	ret->created_by = text_or_null(row);
	ret->created_at = row_number(row, INT64_MIN, INT64_MAX);
	ret->disabled = row_number(row, 0, 1);
	ret->expires = row_number(row, 0, EXPIRES_LAST);
	ret->list = text_or_null(row);
	ret->last_seen = 0;
}

static int no_entry(const struct store *store, const struct account *account, struct ag_error *error)
{
	return store_damaged(store, error, "an entry in the list of account '%s' is none", account->name);
}

/* The strings are borrowed from the row. */
static int entry_read(struct store *store, sqlite3_stmt *stmt, const struct account *account,
		      struct entry *ret, struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};

	entry_columns(&row, ret);
	return row.bad ? no_entry(store, account, error) : 0;
}

/* The two first arguments of IN_LIST. */
#define LIST_OF(record) SQL_NUMBER((record)->account.id), SQL_NUMBER((record)->list_version)

int entries_find(struct store *store, const struct account_record *record, const struct prefix *prefix,
		 sqlite3_stmt **stmt, struct entry *ret, int64_t *ret_since, struct ag_error *error)
{
	struct sql_row row = {0};
	int64_t until;
	int r = sql_open(store, SQL_ENTRY_FIND, stmt, error, LIST_OF(record), SQL_PREFIX(prefix));

	if (!r)
		r = sql_step(store, *stmt, error);
	if (r <= 0)
		return r;
	row.stmt = *stmt;
	entry_columns(&row, ret);
	*ret_since = row_number(&row, 0, INT64_MAX);
	until = row_number(&row, 0, INT64_MAX);
	if (row.bad)
		return no_entry(store, &record->account, error);
	return !until || until > record->list_version;
}

int entries_find_copy(struct store *store, const struct account_record *record, const struct prefix *prefix,
		      struct entry *ret, int64_t *ret_since, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct entry entry;
	int r = entries_find(store, record, prefix, &stmt, &entry, ret_since, error);

	if (r > 0 && entry_copy(&entry, ret) < 0)
		return store_no_memory(error);
	return r;
}

int store_entry_find(struct store *store, int64_t account_id, const struct prefix *prefix, struct entry *ret,
		     struct ag_error *error)
{
	struct account_record record;
	int64_t since;
	int r = account_record_find(store, account_id, &record, error);

	if (r < 0)
		return r;
	r = entries_find_copy(store, &record, prefix, ret, &since, error);
	if (!r)
		return entries_not_found(prefix, error);
	return r < 0 ? r : 0;
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

bool entries_same(const struct entry *a, const struct entry *b)
{
	return a->verdict == b->verdict && a->disabled == b->disabled && a->expires == b->expires &&
	       same_text(a->note, b->note) && same_text(a->list, b->list);
}

bool entries_fit(const struct account_record *have, const struct account_record *want)
{
	return have->account.entries4 == want->account.entries4 &&
	       have->account.entries6 == want->account.entries6 &&
	       have->account.disabled4 == want->account.disabled4 &&
	       have->account.references == want->account.references &&
	       have->account.disabled_references == want->account.disabled_references &&
	       have->account.disabled6 == want->account.disabled6 &&
	       !memcmp(have->list_sum, want->list_sum, DIGEST_SIZE);
}

static int entries_step(struct store *store, const struct account_record *record, struct account_record *seen,
			int (*visit)(const struct entry *entry, void *arg), void *arg, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct prefix last = {0};
	struct entry entry;
	int r = sql_open(store, SQL_ENTRIES, &stmt, error, LIST_OF(record));

	while (!r && (r = sql_step(store, stmt, error)) > 0) {
		r = entry_read(store, stmt, &record->account, &entry, error);
		if (r < 0)
			return r;
		if (last.len && prefix_compare(&last, &entry.prefix) >= 0)
			return store_damaged(store, error, "the list of account '%s' is out of order",
					     record->account.name);
		last = entry.prefix;
		entries_count(store, seen, &entry, true);
		r = visit ? visit(&entry, arg) : 0;
	}
	return r;
}

int entries_each(struct store *store, const struct account_record *record,
		 int (*visit)(const struct entry *entry, void *arg), void *arg, struct ag_error *error)
{
	struct account_record seen = {0};
	int r = entries_step(store, record, &seen, visit, arg, error);

	if (!r && !entries_fit(&seen, record))
		return store_damaged(store, error, "the list of account '%s' does not fit its sum",
				     record->account.name);
	return r;
}

int store_list_each(struct store *store, int64_t account_id,
		    int (*visit)(const struct entry *entry, void *arg), void *arg, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct account_record record;
	int r = account_record_open(store, account_id, &stmt, &record, error);

	return r < 0 ? r : entries_each(store, &record, visit, arg, error);
}

int entries_keep(const struct entry *entry, void *list)
{
	return list_append_copy(list, entry);
}

int entries_give(struct list *list, int r, struct list *ret, struct ag_error *error)
{
	if (r == -ENOMEM)
		r = store_no_memory(error);
	if (r < 0)
		list_clear(list);
	else
		*ret = *list;
	return r;
}

int store_list(struct store *store, int64_t account_id, struct list *ret, struct ag_error *error)
{
	struct list list = {0};

	return entries_give(&list, store_list_each(store, account_id, entries_keep, &list, error), ret,
			    error);
}

/* The longest prefix that holds both addresses of one family. */
static struct prefix common_prefix(const struct addr *a, const struct addr *b)
{
	uint8_t len = addr_bits(a);
	struct prefix prefix = prefix_of(a, len);

	while (len && !prefix_contains(&prefix, b))
		prefix = prefix_of(a, --len);
	return prefix;
}

/* 1 with the last row that does not sort behind *probe, in the list or not; 0 without. */
static int floor_step(struct store *store, int64_t account_id, const struct prefix *probe, struct prefix *ret,
		      struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct sql_row row = {0};
	int r = sql_open(store, SQL_ENTRY_FLOOR, &stmt, error, SQL_NUMBER(account_id), SQL_PREFIX(probe));

	if (!r)
		r = sql_step(store, stmt, error);
	if (r <= 0)
		return r;
	row.stmt = stmt;
	row_prefix(&row, ret);
	return row.bad ? store_damaged(store, error, "an entry is none") : 1;
}

/* As entries_find_copy(), but 0 for one that is not in effect. */
static int find_in_effect(struct store *store, const struct account_record *record,
			  const struct prefix *prefix, int64_t now, struct entry *ret, struct ag_error *error)
{
	int64_t since;
	int r = entries_find_copy(store, record, prefix, ret, &since, error);

	if (r > 0 && !entry_in_effect(ret, now)) {
		entry_clear(ret);
		r = 0;
	}
	return r;
}

/*
 * As list_match() of entries up to that length: what does not sort behind the address is the longest prefix
 * that holds it, or parts from it at a bit where the search goes on. One that is not in the list, or not in
 * effect, gives way to what is shorter. Each round is shorter than the last, so there are at most as many as
 * an address has bits.
 */
static int match_up_to(struct store *store, int64_t account_id, const struct addr *addr, uint8_t len,
		       int64_t now, struct entry *ret, bool *ret_found, struct ag_error *error)
{
	struct account_record record;
	struct prefix probe, found;
	int r = account_record_find(store, account_id, &record, error);

	if (r < 0)
		return r;
	*ret_found = false;
	probe = prefix_of(addr, len);
	while (probe.len && (r = floor_step(store, account_id, &probe, &found, error)) > 0 &&
	       found.addr.family == addr->family) {
		bool holds = prefix_contains(&found, addr);

		r = holds ? find_in_effect(store, &record, &found, now, ret, error) : 0;
		*ret_found = r > 0;
		if (r)
			break;
		probe = holds ? prefix_of(addr, (uint8_t)(found.len - 1)) : common_prefix(addr, &found.addr);
	}
	return r < 0 ? r : 0;
}

int store_entry_match(struct store *store, int64_t account_id, const struct addr *addr, int64_t now,
		      struct entry *ret, bool *ret_found, struct ag_error *error)
{
	return match_up_to(store, account_id, addr, addr_bits(addr), now, ret, ret_found, error);
}

/* What is shorter and holds the prefix's first address covers it. */
int store_entry_around(struct store *store, int64_t account_id, const struct prefix *prefix,
		       struct entry *ret, bool *ret_found, struct ag_error *error)
{
	return match_up_to(store, account_id, &prefix->addr, (uint8_t)(prefix->len - 1), INT64_MIN, ret,
			   ret_found, error);
}

int entries_page(struct store *store, const struct account_record *record, const struct prefix *after,
		 size_t limit, struct list *list, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct entry entry;
	int r = sql_open(store, SQL_ENTRIES_PAGE, &stmt, error, LIST_OF(record), SQL_PREFIX(after),
			 SQL_NUMBER((int64_t)limit));

	while (!r && (r = sql_step(store, stmt, error)) > 0) {
		r = entry_read(store, stmt, &record->account, &entry, error);
		if (r < 0)
			return r;
		if (list_append_copy(list, &entry) < 0)
			return store_no_memory(error);
	}
	return r;
}

int store_list_page(struct store *store, int64_t account_id, const struct prefix *after, size_t limit,
		    struct list *ret, struct ag_error *error)
{
	static const struct prefix none; /* before every prefix there is */
	struct account_record record;
	struct list list = {0};
	int r = account_record_find(store, account_id, &record, error);

	if (!r)
		r = entries_page(store, &record, after ? after : &none, limit, &list, error);
	if (r < 0)
		list_clear(&list);
	else
		*ret = list;
	return r;
}
