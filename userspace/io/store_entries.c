// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_entries.c - the lists: entries are added to and taken out of their account's sum one by one
 */
#include "userspace/io/store.h"

#include "userspace/io/store_private.h"

/* Whose it is needs no place in it: the sum is of one account, whose row has a digest. */
static void digest_entry(const struct entry *entry, uint8_t out[DIGEST_SIZE])
{
	struct digest digest;

	digest_init(&digest);
	digest_text(&digest, "entry");
	digest_prefix(&digest, &entry->prefix);
	digest_text(&digest, entry_verdict_name(entry->verdict));
	digest_text(&digest, entry->note);
	digest_text(&digest, entry->created_by);
	digest_number(&digest, entry->created_at);
	digest_finish(&digest, out);
}

#define PREFIX_KEY(p)                                                                                        \
	SQL_NUMBER((p)->addr.family), SQL_BYTES((p)->addr.bytes, addr_size(&(p)->addr)), SQL_NUMBER((p)->len)

/* The strings are borrowed from the row. */
static int entry_read(struct store *store, sqlite3_stmt *stmt, const struct account *account,
		      struct entry *ret, struct ag_error *error)
{
	struct sql_row row = {.stmt = stmt};

	row_prefix(&row, &ret->prefix);
	if (entry_verdict_parse(row_text(&row), &ret->verdict, NULL))
		row.bad = true;
	ret->note = (char *)row_text(&row);
	ret->created_by = (char *)row_text(&row);
	ret->created_at = row_number(&row, INT64_MIN, INT64_MAX);
	return row.bad ? store_damaged(store, error, "an entry in the list of account '%s' is none",
				       account->name)
		       : 0;
}

/* One entry more or less in the account being edited. */
static void count_entry(struct account_record *record, const struct entry *entry, bool more)
{
	size_t *count = entry->prefix.addr.family == AG_FAMILY_IPV4 ? &record->account.entries4
								    : &record->account.entries6;
	uint8_t digest[DIGEST_SIZE];

	*count = more ? *count + 1 : *count - 1;
	digest_entry(entry, digest);
	sum_fold(record->list_sum, digest);
	record->changed = true;
}

static int check_room(const struct store *store, struct ag_error *error)
{
	const struct account *account = &store->current.account;

	if (account->entries4 + account->entries6 < store->limits.entries)
		return 0;
	return error_set(error, ERROR_LIMIT,
			 "the list of account '%s' has %zu entries, which is the limit: remove "
			 "some, join them to wider prefixes, or raise the setting of the entries' limit",
			 account->name, store->limits.entries);
}

static int check_canonical(const struct prefix *prefix, struct ag_error *error)
{
	struct prefix canonical = prefix_of(&prefix->addr, prefix->len);
	char text[PREFIX_TEXT_MAX];

	if (addr_equal(&canonical.addr, &prefix->addr))
		return 0;
	prefix_format(&canonical, text);
	return error_set(error, ERROR_BAD_PREFIX, "the prefix has host bits set: write %s", text);
}

int store_entry_add(struct store *store, int64_t account_id, const struct entry *entry,
		    struct ag_error *error)
{
	char text[PREFIX_TEXT_MAX];
	int r = account_edit(store, account_id, error);

	if (!r)
		r = check_room(store, error);
	if (!r)
		r = check_canonical(&entry->prefix, error);
	if (r < 0)
		return r;
	r = sql_run(store, SQL_ENTRY_ADD, error, SQL_NUMBER(account_id), PREFIX_KEY(&entry->prefix),
		    sql_text(entry_verdict_name(entry->verdict)), sql_text(entry->note),
		    sql_text(entry->created_by), SQL_NUMBER(entry->created_at));
	if (r < 0 && sql_is_duplicate(store)) {
		prefix_format_short(&entry->prefix, text);
		return error_set(error, ERROR_EXISTS, "%s is in the list already", text);
	}
	if (!r)
		count_entry(&store->current, entry, true);
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
		r = sql_open(store, SQL_ENTRY_REMOVE, &stmt, error, SQL_NUMBER(account_id),
			     PREFIX_KEY(prefix));
	if (!r)
		r = sql_step(store, stmt, error);
	if (!r) {
		prefix_format_short(prefix, text);
		return error_set(error, ERROR_NOT_FOUND, "%s is not in the list", text);
	}
	if (r > 0)
		r = entry_read(store, stmt, &store->current.account, &entry, error);
	if (!r)
		count_entry(&store->current, &entry, false);
	return r;
}

int store_entries_clear(struct store *store, int64_t account_id, struct ag_error *error)
{
	int r = account_edit(store, account_id, error);

	if (!r)
		r = sql_run(store, SQL_ENTRIES_CLEAR, error, SQL_NUMBER(account_id));
	if (r < 0)
		return r;
	store->current.account.entries4 = store->current.account.entries6 = 0;
	memset(store->current.list_sum, 0, DIGEST_SIZE);
	store->current.changed = true;
	return 0;
}

static int copy_text(const char *text, char **ret)
{
	*ret = *text ? strdup(text) : NULL;
	return *text && !*ret ? -1 : 0;
}

static int keep_entry(struct list *list, const struct entry *borrowed)
{
	struct entry entry = *borrowed;
	int r;

	entry.note = entry.created_by = NULL;
	r = copy_text(borrowed->note, &entry.note);
	if (!r)
		r = copy_text(borrowed->created_by, &entry.created_by);
	if (!r)
		return list_append(list, &entry);
	free(entry.note);
	free(entry.created_by);
	return r;
}

static bool list_fits(const struct account_record *have, const struct account_record *want)
{
	return have->account.entries4 == want->account.entries4 &&
	       have->account.entries6 == want->account.entries6 &&
	       !memcmp(have->list_sum, want->list_sum, DIGEST_SIZE);
}

static int entries_step(struct store *store, const struct account_record *record, struct list *list,
			struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct account_record seen = {0};
	struct prefix last = {0};
	struct entry entry;
	int r = sql_open(store, SQL_ENTRIES, &stmt, error, SQL_NUMBER(record->account.id));

	while (!r && (r = sql_step(store, stmt, error)) > 0) {
		r = entry_read(store, stmt, &record->account, &entry, error);
		if (r < 0)
			return r;
		if (last.len && prefix_compare(&last, &entry.prefix) >= 0)
			return store_damaged(store, error, "the list of account '%s' is out of order",
					     record->account.name);
		last = entry.prefix;
		count_entry(&seen, &entry, true);
		if (list && keep_entry(list, &entry) < 0)
			return store_no_memory(error);
	}
	if (!r && !list_fits(&seen, record))
		return store_damaged(store, error, "the list of account '%s' does not fit its sum",
				     record->account.name);
	return r;
}

int entries_read(struct store *store, const struct account_record *record, struct list *ret,
		 struct ag_error *error)
{
	struct list list = {0};
	int r = entries_step(store, record, ret ? &list : NULL, error);

	if (r < 0)
		list_clear(&list);
	else if (ret)
		*ret = list;
	return r;
}

int store_list(struct store *store, int64_t account_id, struct list *ret, struct ag_error *error)
{
	struct account_record record;
	int r = account_record_find(store, account_id, &record, error);

	return r < 0 ? r : entries_read(store, &record, ret, error);
}

static int page_step(struct store *store, sqlite3_stmt *stmt, const struct account *account,
		     struct list *list, struct ag_error *error)
{
	struct entry entry;
	int r;

	while ((r = sql_step(store, stmt, error)) > 0) {
		r = entry_read(store, stmt, account, &entry, error);
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
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	const struct prefix *from = after ? after : &none;
	struct account_record record;
	struct list list = {0};
	int r = account_record_find(store, account_id, &record, error);

	if (!r)
		r = sql_open(store, SQL_ENTRIES_PAGE, &stmt, error, SQL_NUMBER(account_id), PREFIX_KEY(from),
			     SQL_NUMBER((int64_t)limit));
	if (!r)
		r = page_step(store, stmt, &record.account, &list, error);
	if (r < 0)
		list_clear(&list);
	else
		*ret = list;
	return r;
}
