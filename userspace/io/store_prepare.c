// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_prepare.c - the long part of an import, in its thread: the list in force and the list that is wanted
 * are walked side by side, and what differs is written as rows of the version to come
 *
 * Reading takes no lock. Writing takes the right to write for a batch at a time, and makes sure of the
 * account's row each time.
 */
#include "userspace/io/store.h"

#include "userspace/io/store_import.h"

#include <unistd.h>

#define PAGE_ROWS  512
#define BATCH_ROWS 256 /* some milliseconds at most */
#define SWEEP_ROWS 1024
#define TURN_US	   500

struct edit {
	const struct entry *entry; /* of the page, or of the list that is wanted */
	bool comes;
};

struct walk {
	struct store_import *import;
	enum import_kind kind;
	const struct list *wanted;
	size_t next; /* of it */
	struct list page;
	size_t at; /* in the page */
	bool ended;
	struct prefix last;
	struct account_record had; /* counts and sum of the list in force, as read */
	struct edit edits[BATCH_ROWS];
	size_t edit_count;
	bool dry_run;
	const bool *cancel;
	int (*visit)(const struct entry *entry, void *arg);
	void *arg;
	struct import_result *result;
};

int import_conflict(const struct account *account, struct ag_error *error)
{
	return error_set(error, ERROR_CONFLICT,
			 "account '%s' was changed while its list was being imported: try again",
			 account->name);
}

static bool cancelled(const bool *cancel)
{
	return cancel && __atomic_load_n(cancel, __ATOMIC_RELAXED);
}

static int check_base(struct store_import *import, struct ag_error *error)
{
	AUTO_RESET sqlite3_stmt *stmt = NULL;
	struct sql_row row = {0};
	uint8_t digest[DIGEST_SIZE] = {0};
	int r;

	if (atomic_load(&import->stale))
		return import_conflict(&import->base.account, error);
	r = sql_open(&import->connection, SQL_ACCOUNT_DIGEST, &stmt, error,
		     SQL_NUMBER(import->base.account.id));
	if (!r)
		r = sql_step(&import->connection, stmt, error);
	if (r < 0)
		return r;
	row.stmt = stmt;
	if (r)
		row_bytes(&row, digest, DIGEST_SIZE);
	if (!r || row.bad || memcmp(digest, import->base.digest, DIGEST_SIZE) != 0)
		return import_conflict(&import->base.account, error);
	return 0;
}

/* Commits, or undoes after a failure, and gives the right back. */
static int write_end(struct store_import *import, int r, struct ag_error *error)
{
	struct store *own = &import->connection;

	if (!r)
		r = sql_exec(own, "COMMIT", error);
	if (!sqlite3_get_autocommit(own->db))
		(void)sql_exec(own, "ROLLBACK", NULL);	     /* a lost connection has undone it as well */
	(void)pthread_mutex_unlock(&import->store->writing); /* cannot fail: this thread holds it */
	return r;
}

/* The right to write, after all who want it more, with the account's row as it was. Not held on failure. */
static int write_begin(struct store_import *import, const bool *cancel, struct ag_error *error)
{
	int r;

	while (atomic_load(&import->store->wanted) && !cancelled(cancel))
		(void)usleep(TURN_US); /* interrupted is as good */
	if (cancelled(cancel))
		return error_set(error, ERROR_STORE, "the import was cancelled: start it again");
	(void)pthread_mutex_lock(&import->store->writing); /* cannot fail: this thread does not hold it */
	r = store_files_check(import->store, error);
	if (!r)
		r = sql_exec(&import->connection, "BEGIN IMMEDIATE", error);
	if (!r)
		r = check_base(import, error);
	return r < 0 ? write_end(import, r, error) : 0;
}

/* Rows of the version to come must be this import's alone. */
static int sweep_before(struct store_import *import, const bool *cancel, struct ag_error *error)
{
	struct entry_key after = {0};
	bool done = false;
	int r = 0;

	while (!r && !done) {
		r = write_begin(import, cancel, error);
		if (r < 0)
			return r;
		r = sweep_account(&import->connection, import->base.account.id, &after, SWEEP_ROWS, &done,
				  error);
		if (!r && done) /* what this one will leave */
			r = sql_run(&import->connection, SQL_UNSWEPT_ADD, error,
				    SQL_NUMBER(import->base.account.id));
		r = write_end(import, r, error);
	}
	return r;
}

static int write_edit(struct store_import *import, const struct edit *edit, struct ag_error *error)
{
	struct store *own = &import->connection;
	const struct account_record *base = &import->base;
	int r;

	if (edit->comes)
		return entries_insert(own, base->account.id, edit->entry, import_version(import), error);
	r = sql_run(own, SQL_ENTRY_LEAVE, error, SQL_NUMBER(base->account.id), SQL_NUMBER(base->list_version),
		    SQL_PREFIX(&edit->entry->prefix), SQL_NUMBER(import_version(import)));
	if (!r && sqlite3_changes(own->db) != 1)
		return store_damaged(own, error, "an entry of account '%s' is gone", base->account.name);
	return r;
}

static int flush(struct walk *walk, struct ag_error *error)
{
	int r = 0;

	if (walk->edit_count && !walk->dry_run) {
		r = write_begin(walk->import, walk->cancel, error);
		if (r < 0)
			return r;
		for (size_t i = 0; !r && i < walk->edit_count; i++)
			r = write_edit(walk->import, &walk->edits[i], error);
		r = write_end(walk->import, r, error);
	}
	walk->edit_count = 0;
	return r;
}

/* The next page once this one is through. What is not written yet may lie in it. */
static int refill(struct walk *walk, struct ag_error *error)
{
	struct store_import *import = walk->import;
	int r;

	if (walk->ended || walk->at < walk->page.count)
		return 0;
	if (cancelled(walk->cancel))
		return error_set(error, ERROR_STORE, "the import was cancelled: start it again");
	r = flush(walk, error);
	if (r < 0)
		return r;
	list_clear(&walk->page);
	walk->at = 0;
	r = entries_page(&import->connection, &import->base, &walk->last, PAGE_ROWS, &walk->page, error);
	if (r < 0)
		return r;
	walk->ended = !walk->page.count;
	for (size_t i = 0; i < walk->page.count; i++)
		entries_count(&import->connection, &walk->had, &walk->page.entries[i], true);
	if (walk->page.count)
		walk->last = walk->page.entries[walk->page.count - 1].prefix;
	return 0;
}

/* A copy of its prefix, verdict and note into the difference, while there is room. */
static int note_difference(struct list *list, const struct entry *entry, struct ag_error *error)
{
	if (list->count >= IMPORT_DIFFERENCE_MAX)
		return 0;
	return list_append_copy(list, entry) < 0 ? store_no_memory(error) : 0;
}

static int add_edit(struct walk *walk, const struct entry *entry, bool comes, struct ag_error *error)
{
	walk->edits[walk->edit_count++] = (struct edit){entry, comes};
	return walk->edit_count == BATCH_ROWS ? flush(walk, error) : 0;
}

/* An entry of the list that is made. */
static int result_has(struct walk *walk, const struct entry *entry)
{
	entries_count(&walk->import->connection, &walk->import->seen, entry, true);
	return walk->visit ? walk->visit(entry, walk->arg) : 0;
}

static int comes(struct walk *walk, const struct entry *entry, struct ag_error *error)
{
	int r = entries_check_canonical(&entry->prefix, error);

	walk->result->added++;
	if (!r)
		r = note_difference(&walk->result->came, entry, error);
	if (!r)
		r = add_edit(walk, entry, true, error);
	return r < 0 ? r : result_has(walk, entry);
}

static int goes(struct walk *walk, const struct entry *entry, struct ag_error *error)
{
	int r;

	if (walk->kind == IMPORT_ADD)
		return result_has(walk, entry);
	walk->result->removed++;
	r = note_difference(&walk->result->went, entry, error);
	return r < 0 ? r : add_edit(walk, entry, false, error);
}

static bool same_origin(const struct entry *a, const struct entry *b)
{
	return a->created_at == b->created_at &&
	       strcmp(a->created_by ? a->created_by : "", b->created_by ? b->created_by : "") == 0;
}

static int stands_in_both(struct walk *walk, const struct entry *had, const struct entry *wanted,
			  struct ag_error *error)
{
	char text[ENTRY_TEXT_MAX];
	int r;

	if (walk->kind == IMPORT_ADD) {
		entry_format_short(had, text);
		return error_set(error, ERROR_EXISTS, "%s is in the list already", text);
	}
	if (entries_same(had, wanted) && (walk->kind != IMPORT_RESTORE || same_origin(had, wanted)))
		return result_has(walk, had);
	r = add_edit(walk, had, false, error);
	return r < 0 ? r : comes(walk, wanted, error);
}

/* The next prefix of either list, or *ret_end: there is none. */
static int walk_step(struct walk *walk, bool *ret_end, struct ag_error *error)
{
	const struct entry *had, *wanted;
	int order, r = refill(walk, error);

	if (r < 0)
		return r;
	had = walk->at < walk->page.count ? &walk->page.entries[walk->at] : NULL;
	wanted = walk->next < walk->wanted->count ? &walk->wanted->entries[walk->next] : NULL;
	*ret_end = !had && !wanted;
	if (*ret_end)
		return 0;
	order = !had ? 1 : !wanted ? -1 : prefix_compare(&had->prefix, &wanted->prefix);
	walk->at += order <= 0;
	walk->next += order >= 0;
	if (order < 0)
		return goes(walk, had, error);
	return order > 0 ? comes(walk, wanted, error) : stands_in_both(walk, had, wanted, error);
}

/* What was read is the list that the import was opened for: a change in mid-walk is no damage. */
static int check_whole(struct walk *walk, struct ag_error *error)
{
	const struct account_record *base = &walk->import->base;
	int r = check_base(walk->import, error);

	if (!r && !entries_fit(&walk->had, base))
		r = store_damaged(&walk->import->connection, error,
				  "the list of account '%s' does not fit its sum", base->account.name);
	return r;
}

static int too_many_references(const struct account_record *base, const struct account *seen,
			       struct ag_error *error)
{
	struct account account = base->account;

	account.references = seen->references;
	return entries_check_references(&account, error);
}

static int walk_all(struct walk *walk, struct ag_error *error)
{
	struct account_record *base = &walk->import->base;
	const struct account *seen = &walk->import->seen.account;
	size_t limit = walk->import->store->limits.entries;
	bool end = false;
	int r;

	do {
		r = walk_step(walk, &end, error);
		if (!r && entries_of(seen) > limit)
			r = entries_full(&base->account, limit, error);
		if (!r && seen->references > REFERENCES_MAX)
			r = too_many_references(base, seen, error);
	} while (!r && !end);
	if (!r)
		r = flush(walk, error);
	return r ? r : check_whole(walk, error);
}

int store_import_list_at(struct store_import *import, uint64_t generation, struct list *ret,
			 struct ag_error *error)
{
	return store_list_at(&import->connection, import->base.account.id, generation, ret, error);
}

int store_import_prepare(struct store_import *import, enum import_kind kind, const struct list *list,
			 bool dry_run, const bool *cancel, int (*visit)(const struct entry *entry, void *arg),
			 void *arg, struct import_result *result, struct ag_error *error)
{
	struct walk walk = {.import = import,
			    .kind = kind,
			    .wanted = list,
			    .dry_run = dry_run,
			    .cancel = cancel,
			    .visit = visit,
			    .arg = arg,
			    .result = result};
	int r = 0;

	*result = (struct import_result){0};
	import->prepared = false;
	import->seen = (struct account_record){0};
	if (!dry_run)
		r = sweep_before(import, cancel, error);
	if (!r)
		r = walk_all(&walk, error);
	list_clear(&walk.page);
	if (r) {
		list_clear(&result->came);
		list_clear(&result->went);
	}
	import->prepared = !r && !dry_run;
	return r;
}
