// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_entries.c - the lists: entries are added to and taken out of their account's sum one by one
 */
#include "userspace/io/store.h"

#include "userspace/io/store_private.h"

#include <errno.h>

/* Whose it is needs no place in it: the sum is of one account, whose row has a digest. */
static void digest_entry(const struct store *store, const struct entry *entry, uint8_t out[DIGEST_SIZE])
{
	struct digest digest;

	digest_init_of(store, &digest);
	digest_text(&digest, "entry");
	digest_prefix(&digest, &entry->prefix);
	digest_text(&digest, entry_verdict_name(entry->verdict));
	digest_text(&digest, entry->note);
	digest_text(&digest, entry->created_by);
	digest_number(&digest, entry->created_at);
	if (entry->disabled || entry->expires) { /* version 2 had none, and fits as it is */
		digest_number(&digest, entry->disabled);
		digest_number(&digest, entry->expires);
	}
	digest_finish(&digest, out);
}

static char *text_or_null(struct sql_row *row)
{
	const char *text = row_text(row);

	return *text ? (char *)text : NULL;
}

/* The strings are borrowed from the row. */
static int entry_read(struct store *store, sqlite3_stmt *stmt, const struct account *account,
		      struct entry *ret, struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};

	row_prefix(&row, &ret->prefix);
	if (entry_verdict_parse(row_text(&row), &ret->verdict, NULL))
		row.bad = true;
	ret->note = text_or_null(&row);
	ret->created_by = text_or_null(&row);
	ret->created_at = row_number(&row, INT64_MIN, INT64_MAX);
	ret->disabled = row_number(&row, 0, 1);
	ret->expires = row_number(&row, 0, EXPIRES_LAST);
	ret->last_seen = 0;
	return row.bad ? store_damaged(store, error, "an entry in the list of account '%s' is none",
				       account->name)
		       : 0;
}

void entries_count(const struct store *store, struct account_record *record, const struct entry *entry,
		   bool more)
{
	struct account *account = &record->account;
	bool ipv4 = entry->prefix.addr.family == AG_FAMILY_IPV4;
	size_t *count = ipv4 ? &account->entries4 : &account->entries6;
	size_t *disabled = ipv4 ? &account->disabled4 : &account->disabled6;
	uint8_t digest[DIGEST_SIZE];

	*count = more ? *count + 1 : *count - 1;
	if (entry->disabled)
		*disabled = more ? *disabled + 1 : *disabled - 1;
	digest_entry(store, entry, digest);
	sum_fold(record->list_sum, digest);
	record->changed = true;
}

int entries_full(const struct account *account, size_t limit, struct ag_error *error)
{
	return error_set(error, ERROR_LIMIT,
			 "the list of account '%s' has %zu entries, which is the limit: remove "
			 "some, join them to wider prefixes, or raise the setting of the entries' limit",
			 account->name, limit);
}

static int check_room(const struct store *store, struct ag_error *error)
{
	const struct account *account = &store->current.account;

	if (account->entries4 + account->entries6 < store->limits.entries)
		return 0;
	return entries_full(account, store->limits.entries, error);
}

int entries_check_canonical(const struct prefix *prefix, struct ag_error *error)
{
	struct prefix canonical = prefix_of(&prefix->addr, prefix->len);
	char text[PREFIX_TEXT_MAX];

	if (addr_equal(&canonical.addr, &prefix->addr))
		return 0;
	prefix_format(&canonical, text);
	return error_set(error, ERROR_BAD_PREFIX, "the prefix has host bits set: write %s", text);
}

int entries_insert(struct store *store, int64_t account_id, const struct entry *entry, int64_t since,
		   struct ag_error *error)
{
	return sql_run(store, SQL_ENTRY_ADD, error, SQL_NUMBER(account_id), SQL_PREFIX(&entry->prefix),
		       SQL_NUMBER(since), sql_text(entry_verdict_name(entry->verdict)), sql_text(entry->note),
		       sql_text(entry->created_by), SQL_NUMBER(entry->created_at),
		       SQL_NUMBER(entry->disabled), SQL_NUMBER(entry->expires));
}

/* The two first arguments of IN_LIST. */
#define LIST_OF(record) SQL_NUMBER((record)->account.id), SQL_NUMBER((record)->list_version)

static int find_step(struct store *store, const struct account_record *record, const struct prefix *prefix,
		     sqlite3_stmt **stmt, struct entry *ret, struct ag_error *error)
{
	int r = sql_open(store, SQL_ENTRY_FIND, stmt, error, LIST_OF(record), SQL_PREFIX(prefix));

	if (!r)
		r = sql_step(store, *stmt, error);
	if (r <= 0)
		return r;
	r = entry_read(store, *stmt, &record->account, ret, error);
	return r < 0 ? r : 1;
}

/* By its key alone the table would take it: a row of an older version may be of the list still. */
static int entries_check_absent(struct store *store, const struct account_record *record,
				const struct prefix *prefix, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	char text[PREFIX_TEXT_MAX];
	struct entry entry;
	int r = find_step(store, record, prefix, &stmt, &entry, error);

	if (r <= 0)
		return r;
	prefix_format_short(prefix, text);
	return error_set(error, ERROR_EXISTS, "%s is in the list already", text);
}

int store_entry_add(struct store *store, int64_t account_id, const struct entry *entry,
		    struct ag_error *error)
{
	int r = account_edit(store, account_id, error);

	if (!r)
		r = check_room(store, error);
	if (!r)
		r = entries_check_canonical(&entry->prefix, error);
	if (!r)
		r = entries_check_absent(store, &store->current, &entry->prefix, error);
	if (r < 0)
		return r;
	r = entries_insert(store, account_id, entry, store->current.list_version, error);
	if (!r)
		entries_count(store, &store->current, entry, true);
	return r;
}

int store_entry_remove(struct store *store, int64_t account_id, const struct prefix *prefix,
		       struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	char text[PREFIX_TEXT_MAX];
	struct entry entry;
	int r = account_edit(store, account_id, error);

	if (!r)
		r = sql_open(store, SQL_ENTRY_REMOVE, &stmt, error, LIST_OF(&store->current),
			     SQL_PREFIX(prefix));
	if (!r)
		r = sql_step(store, stmt, error);
	if (!r) {
		prefix_format_short(prefix, text);
		return error_set(error, ERROR_NOT_FOUND, "%s is not in the list", text);
	}
	if (r > 0)
		r = entry_read(store, stmt, &store->current.account, &entry, error);
	if (!r)
		entries_count(store, &store->current, &entry, false);
	if (!r)
		r = sql_run(store, SQL_SEEN_REMOVE, error, SQL_NUMBER(account_id), SQL_PREFIX(prefix));
	return r;
}

int store_entry_set(struct store *store, int64_t account_id, const struct entry *entry,
		    struct ag_error *error)
{
	struct entry held = {0}, set;
	int r = store_entry_find(store, account_id, &entry->prefix, &held, error);

	if (!r)
		r = account_edit(store, account_id, error);
	if (!r)
		r = sql_run(store, SQL_ENTRY_SET, error, LIST_OF(&store->current), SQL_PREFIX(&entry->prefix),
			    sql_text(entry->note), SQL_NUMBER(entry->disabled), SQL_NUMBER(entry->expires));
	if (!r) {
		entries_count(store, &store->current, &held, false);
		set = held;
		set.note = entry->note;
		set.disabled = entry->disabled;
		set.expires = entry->expires;
		entries_count(store, &store->current, &set, true);
	}
	entry_clear(&held);
	return r;
}

int store_entries_clear(struct store *store, int64_t account_id, struct ag_error *error)
{
	int r = account_edit(store, account_id, error);

	if (!r)
		r = sql_run(store, SQL_ENTRIES_CLEAR, error, SQL_NUMBER(account_id));
	if (!r)
		r = sql_run(store, SQL_SEEN_CLEAR, error, SQL_NUMBER(account_id));
	if (r < 0)
		return r;
	store->current.account.entries4 = store->current.account.entries6 = 0;
	store->current.account.disabled4 = store->current.account.disabled6 = 0;
	memset(store->current.list_sum, 0, DIGEST_SIZE);
	store->current.changed = true;
	return 0;
}

static int copy_text(const char *text, char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return text && !*ret ? -1 : 0;
}

static int copy_entry(const struct entry *borrowed, struct entry *ret)
{
	struct entry entry = *borrowed;
	int r;

	entry.note = entry.created_by = NULL;
	r = copy_text(borrowed->note, &entry.note);
	if (!r)
		r = copy_text(borrowed->created_by, &entry.created_by);
	if (r < 0)
		entry_clear(&entry);
	else
		*ret = entry;
	return r;
}

static int keep_entry(struct list *list, const struct entry *borrowed)
{
	struct entry entry;

	return copy_entry(borrowed, &entry) < 0 ? -1 : list_append(list, &entry);
}

bool entries_fit(const struct account_record *have, const struct account_record *want)
{
	return have->account.entries4 == want->account.entries4 &&
	       have->account.entries6 == want->account.entries6 &&
	       have->account.disabled4 == want->account.disabled4 &&
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

static int keep_visited(const struct entry *entry, void *arg)
{
	return keep_entry(arg, entry) < 0 ? -ENOMEM : 0;
}

int store_list(struct store *store, int64_t account_id, struct list *ret, struct ag_error *error)
{
	struct list list = {0};
	int r = store_list_each(store, account_id, keep_visited, &list, error);

	if (r == -ENOMEM)
		r = store_no_memory(error);
	if (r < 0)
		list_clear(&list);
	else
		*ret = list;
	return r;
}

/* 1 with a copy of the entry, 0 without. */
static int find_copy(struct store *store, const struct account_record *record, const struct prefix *prefix,
		     struct entry *ret, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct entry entry;
	int r = find_step(store, record, prefix, &stmt, &entry, error);

	if (r > 0 && copy_entry(&entry, ret) < 0)
		return store_no_memory(error);
	return r;
}

int store_entry_find(struct store *store, int64_t account_id, const struct prefix *prefix, struct entry *ret,
		     struct ag_error *error)
{
	struct account_record record;
	char text[PREFIX_TEXT_MAX];
	int r = account_record_find(store, account_id, &record, error);

	if (r < 0)
		return r;
	r = find_copy(store, &record, prefix, ret, error);
	if (r)
		return r < 0 ? r : 0;
	prefix_format_short(prefix, text);
	return error_set(error, ERROR_NOT_FOUND, "%s is not in the list", text);
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

/* As find_copy(), but 0 for one that is not in effect. */
static int find_in_effect(struct store *store, const struct account_record *record,
			  const struct prefix *prefix, int64_t now, struct entry *ret, struct ag_error *error)
{
	int r = find_copy(store, record, prefix, ret, error);

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
		if (keep_entry(list, &entry) < 0)
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
