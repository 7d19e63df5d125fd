// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_entries.c - edits of the lists: entries are added to and taken out of their account's sum one by one
 *
 * The first edit of a list in a transaction makes its next version. What goes stays as a row that ended with
 * that version, unless it came with it.
 */
#include "userspace/io/store.h"

#include "userspace/io/store_private.h"

#include <errno.h>

/*
 * Whose it is needs no place in it: the sum is of one account, whose row has a digest. Nor does who added it,
 * which decides nothing: a person can be forgotten, and the sums of all versions stay right.
 */
static void digest_entry(const struct store *store, const struct entry *entry, uint8_t out[DIGEST_SIZE])
{
	struct digest digest;

	digest_init_of(store, &digest);
	digest_text(&digest, "entry");
	digest_prefix(&digest, &entry->prefix);
	digest_text(&digest, entry_verdict_name(entry->verdict));
	digest_text(&digest, entry->note);
	if (store->digests != DIGESTS_NOW)
		digest_text(&digest, entry->created_by);
	digest_number(&digest, entry->created_at);
	if (entry->disabled || entry->expires) { /* version 2 had none, and fits as it is */
		digest_number(&digest, entry->disabled);
		digest_number(&digest, entry->expires);
	}
	if (entry->list)
		digest_text(&digest, entry->list);
	digest_finish(&digest, out);
}

void entries_count(const struct store *store, struct account_record *record, const struct entry *entry,
		   bool more)
{
	struct account *account = &record->account;
	bool ipv4 = entry->prefix.addr.family == AG_FAMILY_IPV4, refers = prefix_is_reference(&entry->prefix);
	size_t *count = refers ? &account->references : ipv4 ? &account->entries4 : &account->entries6;
	size_t *disabled = refers ? &account->disabled_references
			   : ipv4 ? &account->disabled4
				  : &account->disabled6;
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

int entries_check_references(const struct account *account, struct ag_error *error)
{
	if (account->references <= REFERENCES_MAX)
		return 0;
	return error_set(
		error, ERROR_LIMIT,
		"the list of account '%s' would hold more than %d references to named lists, which is "
		"the limit: join some of those lists",
		account->name, REFERENCES_MAX);
}

size_t entries_of(const struct account *account)
{
	return account->entries4 + account->entries6 + account->references;
}

static int check_room(const struct store *store, const struct entry *entry, struct ag_error *error)
{
	struct account account = store->current.account;

	account.references += prefix_is_reference(&entry->prefix);
	if (entries_of(&store->current.account) < store->limits.entries)
		return entries_check_references(&account, error);
	account = store->current.account;
	return entries_full(&account, store->limits.entries, error);
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
		       SQL_NUMBER(entry->disabled), SQL_NUMBER(entry->expires), sql_text(entry->list));
}

int entries_not_found(const struct prefix *prefix, struct ag_error *error)
{
	char text[PREFIX_TEXT_MAX];

	prefix_format_short(prefix, text);
	return error_set(error, ERROR_NOT_FOUND, "%s is not in the list", text);
}

/* By its key alone the table would take it: a row of an older version may be of the list still. */
static int entries_check_absent(struct store *store, const struct account_record *record,
				const struct prefix *prefix, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	char text[PREFIX_TEXT_MAX];
	struct entry entry;
	int64_t since;
	int r = entries_find(store, record, prefix, &stmt, &entry, &since, error);

	if (r <= 0)
		return r;
	prefix_format_short(prefix, text);
	return error_set(error, ERROR_EXISTS, "%s is in the list already", text);
}

/* The version that this transaction makes of the list being edited. */
static int64_t next_version(struct store *store)
{
	struct account_record *record = &store->current;

	if (!record->bumped)
		record->list_version++;
	record->bumped = record->changed = true;
	return record->list_version;
}

/* A row of the list goes with the version that is being made; one that came with it was in none. */
static int end_row(struct store *store, const struct prefix *prefix, int64_t since, struct ag_error *error)
{
	int64_t id = store->current.account.id, version = next_version(store);

	if (since == version)
		return sql_run(store, SQL_ENTRY_REMOVE, error, SQL_NUMBER(id), SQL_PREFIX(prefix),
			       SQL_NUMBER(since));
	return sql_run(store, SQL_ENTRY_END, error, SQL_NUMBER(id), SQL_PREFIX(prefix), SQL_NUMBER(since),
		       SQL_NUMBER(version));
}

int store_entry_add(struct store *store, int64_t account_id, const struct entry *entry,
		    struct ag_error *error)
{
	int r = account_edit(store, account_id, error);

	if (!r)
		r = check_room(store, entry, error);
	if (!r)
		r = entries_check_canonical(&entry->prefix, error);
	if (!r)
		r = entries_check_absent(store, &store->current, &entry->prefix, error);
	if (r < 0)
		return r;
	r = entries_insert(store, account_id, entry, next_version(store), error);
	if (!r)
		entries_count(store, &store->current, entry, true);
	return r;
}

int store_entry_remove(struct store *store, int64_t account_id, const struct prefix *prefix,
		       struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct entry entry;
	int64_t since;
	int r = account_edit(store, account_id, error);

	if (!r)
		r = entries_find(store, &store->current, prefix, &stmt, &entry, &since, error);
	if (!r)
		return entries_not_found(prefix, error);
	if (r < 0)
		return r;
	entries_count(store, &store->current, &entry, false);
	r = end_row(store, prefix, since, error);
	if (r < 0)
		entries_count(store, &store->current, &entry, true);
	else
		r = sql_run(store, SQL_SEEN_REMOVE, error, SQL_NUMBER(account_id), SQL_PREFIX(prefix));
	return r;
}

/* What is set is a row of its own: the list before has the other. */
static int replace_row(struct store *store, int64_t account_id, const struct entry *held, int64_t since,
		       const struct entry *set, struct ag_error *error)
{
	int r = end_row(store, &held->prefix, since, error);

	if (!r)
		r = entries_insert(store, account_id, set, store->current.list_version, error);
	if (r < 0)
		return r;
	entries_count(store, &store->current, held, false);
	entries_count(store, &store->current, set, true);
	return 0;
}

int store_entry_set(struct store *store, int64_t account_id, const struct entry *entry,
		    struct ag_error *error)
{
	struct entry held = {0}, set;
	int64_t since = 0;
	int r = account_edit(store, account_id, error);

	if (!r)
		r = entries_find_copy(store, &store->current, &entry->prefix, &held, &since, error);
	if (!r)
		return entries_not_found(&entry->prefix, error);
	if (r < 0)
		return r;
	set = held;
	set.note = entry->note;
	set.disabled = entry->disabled;
	set.expires = entry->expires;
	r = replace_row(store, account_id, &held, since, &set, error);
	entry_clear(&held);
	return r;
}

int store_entries_clear(struct store *store, int64_t account_id, struct ag_error *error)
{
	int64_t version;
	int r = account_edit(store, account_id, error);

	if (r < 0)
		return r;
	version = next_version(store);
	r = sql_run(store, SQL_ENTRIES_REMOVE, error, SQL_NUMBER(account_id), SQL_NUMBER(version));
	if (!r)
		r = sql_run(store, SQL_ENTRIES_END, error, SQL_NUMBER(account_id), SQL_NUMBER(version));
	if (!r)
		r = sql_run(store, SQL_SEEN_CLEAR, error, SQL_NUMBER(account_id));
	if (r < 0)
		return r;
	store->current.account.entries4 = store->current.account.entries6 = 0;
	store->current.account.disabled4 = store->current.account.disabled6 = 0;
	store->current.account.references = store->current.account.disabled_references = 0;
	memset(store->current.list_sum, 0, DIGEST_SIZE);
	store->current.changed = true;
	return 0;
}
