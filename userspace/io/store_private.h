/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store_private.h - what the files of the store share; nobody else includes it
 *
 * Versions of a list. An account's row carries the version V of its list, and a row of entries `since` and
 * `until`: it is in the list of a version v when since <= v, and until is 0 or above v. A transaction that
 * edits a list makes V + 1: what it adds is since then, what it removes ends then and stays, so that the list
 * as it was at any version that `history` names can be read. An import writes rows of a version far ahead, in
 * transactions of its own, beside what is in force; the one update of the account's row makes that version
 * the list. Far ahead means that no small change ever comes to the version of an import that was left off:
 * rows since a version above V are in no list, and an `until` above V ends none.
 *
 * What no version has that is now or in `history` is garbage. Rows that ended are found by their index when
 * history is pruned; what imports left, by a walk over the account's rows, for which it is in `unswept`.
 *
 * Who writes. One connection writes at a time, by the mutex `writing`, which is held from the begin of a
 * transaction to its end. An import goes on only while the store does not want to write (`wanted`), and holds
 * the mutex for some milliseconds at a time.
 *
 * How damage is noticed. Every row that matters has a digest over its fields. A set of rows has a sum, the
 * exclusive-or of their digests: entries sum up in their account, accounts, services and people (users,
 * roles, tokens, interfaces, changes to be confirmed) in the one row of meta, which carries a digest of its
 * own. A change takes the old row's digest out of the sum and puts the new one's in, so that a change costs
 * the same in a long list as in a short one, and never makes damage elsewhere look right. This tells
 * accident, not malice: who may write the file may write its sums. Rows cannot cancel each other out, because
 * keys are unique, counted, and read in strictly ascending order.
 *
 * Within a transaction meta and the account last edited are held here and written when something else is
 * asked for.
 */
#pragma once

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/digest.h"
#include "userspace/core/error.h"
#include "userspace/core/reference.h"
#include "userspace/io/store.h"
#include "userspace/io/store_statements.h"

#define STORE_VERSION	     5
#define STORE_STEPS	     5
#define STORE_APPLICATION_ID 0x41475053 /* "AGPS" */

/* How rows are digested. */
enum digests {
	DIGESTS_NOW,
	DIGESTS_1, /* SHA-256, and accounts without the version of their list */
	DIGESTS_3, /* entries with who added them, as in version 1 */
};

struct store_meta {
	int64_t store_id;
	int64_t generation;
	int64_t accounts; /* how many */
	int64_t services;
	int64_t audit_rows;
	uint8_t audit_hash[DIGEST_SIZE]; /* of the newest row; zeros before the first */
	uint8_t account_sum[DIGEST_SIZE];
	uint8_t service_sum[DIGEST_SIZE];
	uint8_t people_sum[DIGEST_SIZE];
};

/* An account's row. An id of 0: none. */
struct account_record {
	struct account account; /* its label is NULL: it stands here, so that records are copied by value */
	char label[NOTE_SIZE + 1]; /* one more than the table takes, so that nothing is cut to fit */
	int64_t list_version;
	bool bumped; /* list_version is the one that this transaction makes */
	uint8_t list_sum[DIGEST_SIZE];
	uint8_t digest[DIGEST_SIZE]; /* as it stands in the table and in meta's sum */
	bool changed;
};

/* How far ahead of the list in force an import's version is: more than there are changes until it is swept.
 */
#define IMPORT_AHEAD (INT64_C(1) << 32)

/* The main file and its log, as they were when the store was opened. */
#define STORE_FILES 2

/* A row of entries: its key within an account. */
struct entry_key {
	struct prefix prefix;
	int64_t since;
};

/* Accounts that store_history_prune() has to look at. */
#define PRUNE_PENDING_MAX 64
struct prune {
	size_t rows;			    /* that ended and are kept for an account; 0: HISTORY_ROWS */
	int64_t pending[PRUNE_PENDING_MAX]; /* whose history got longer */
	size_t pending_count;
	bool all;	/* every account is to be looked at, */
	int64_t behind; /* from the one after this id on */
	bool begun;	/* a pass over all was, */
	int64_t passed; /* for what was too old the last time */
};

/*
 * A store, or the connection of an import to one: that has no lock, no files, and nothing but db, path and
 * statements of its own.
 */
struct store {
	sqlite3 *db;
	char *path; /* never starting with "file:", which SQLite would take for a URI */
	int lock_fd;
	struct store_limits limits;
	sqlite3_stmt *statements[SQL_MAX];
	struct {
		dev_t dev;
		ino_t ino;
	} files[STORE_FILES];
	pthread_mutex_t writing;      /* held within every transaction that writes, and by imports */
	atomic_bool wanted;	      /* the store waits for it, or has it */
	enum digests digests;	      /* others while an older version is migrated */
	struct store_import *imports; /* that are open */
	int64_t swept_account;	      /* where store_sweep() goes on */
	struct entry_key swept;
	struct prune prune;
	bool in_transaction;
	struct store_meta meta; /* within a transaction */
	uint8_t meta_digest[DIGEST_SIZE];
	struct account_record current; /* within a transaction: the account last edited */
	uint32_t slot_hint;	       /* every slot below is taken */
};

/* --- store_sql.c: SQLite without its ceremony -------------------------------- */

enum sql_kind {
	SQL_KIND_NULL,
	SQL_KIND_NUMBER,
	SQL_KIND_TEXT,
	SQL_KIND_BYTES,
};

struct sql_value {
	enum sql_kind kind;
	int64_t number;
	const void *data;
	size_t size;
};

#define SQL_NUMBER(n)	((struct sql_value){.kind = SQL_KIND_NUMBER, .number = (int64_t)(n)})
#define SQL_BYTES(p, n) ((struct sql_value){.kind = SQL_KIND_BYTES, .data = (p), .size = (n)})
#define SQL_DIGEST(p)	SQL_BYTES(p, DIGEST_SIZE)
#define SQL_NULL	((struct sql_value){.kind = SQL_KIND_NULL})
/* NULL counts as empty. */
static inline struct sql_value sql_text(const char *text)
{
	return (struct sql_value){
		.kind = SQL_KIND_TEXT, .data = text ? text : "", .size = text ? strlen(text) : 0};
}

/* The columns of a prefix, as values; the key of a named list has 16 bytes. */
#define SQL_PREFIX(p)                                                                                        \
	SQL_NUMBER((p)->addr.family), SQL_BYTES((p)->addr.bytes, prefix_bytes(p)), SQL_NUMBER((p)->len)

static inline size_t prefix_bytes(const struct prefix *prefix)
{
	return prefix_is_reference(prefix) ? sizeof(prefix->addr.bytes) : addr_size(&prefix->addr);
}

#define SQL_VALUES_(...) ((const struct sql_value[]){__VA_ARGS__})
/* Binds values to a prepared statement: *ret is to be stepped, and reset by AUTO_RESET. What is bound is
 * borrowed. */
#define sql_open(store, which, ret, error, ...)                                                              \
	sql_open_values(store, which, ret, error, SQL_VALUES_(__VA_ARGS__),                                  \
			sizeof(SQL_VALUES_(__VA_ARGS__)) / sizeof(struct sql_value))
/* The same, and runs it to its end; rows are not looked at. */
#define sql_run(store, which, error, ...)                                                                    \
	sql_run_values(store, which, error, SQL_VALUES_(__VA_ARGS__),                                        \
		       sizeof(SQL_VALUES_(__VA_ARGS__)) / sizeof(struct sql_value))

/* store_statements.c */
int sql_open_values(struct store *store, enum sql which, sqlite3_stmt **ret, struct ag_error *error,
		    const struct sql_value *values, size_t count);
int sql_run_values(struct store *store, enum sql which, struct ag_error *error,
		   const struct sql_value *values, size_t count);
/* 1: a row; 0: no more; negative: ERROR_STORE. */
int sql_step(struct store *store, sqlite3_stmt *stmt, struct ag_error *error);
/* A text that needs no cache. */
int sql_exec(struct store *store, const char *text, struct ag_error *error);
/* Its first row's first column, NULL into text where it has none. */
int sql_pragma_number(struct store *store, const char *text, int64_t *ret, struct ag_error *error);
/* Whether the last failure was a key that is there already, or one that refers to nothing. */
bool sql_is_duplicate(const struct store *store);
bool sql_is_dangling(const struct store *store);

static inline void cleanup_reset(sqlite3_stmt **stmt)
{
	if (*stmt)
		(void)sqlite3_reset(*stmt); /* repeats the failure that the step has reported */
}
static inline void cleanup_finalize(sqlite3_stmt **stmt)
{
	(void)sqlite3_finalize(*stmt); /* the same */
}
#define AUTO_RESET    CLEANUP(cleanup_reset)
#define AUTO_FINALIZE CLEANUP(cleanup_finalize)

/* Reads a row's columns from left to right. What is not of the type and size asked for sets `bad`, once for
 * all. */
struct sql_row {
	sqlite3_stmt *stmt;
	int column;
	bool bad;
};

int64_t row_number(struct sql_row *row, int64_t min, int64_t max);
/* -1 for NULL, else from 0. */
int64_t row_number_or_null(struct sql_row *row, int64_t max);
/* Borrowed until the next step; never NULL. */
const char *row_text(struct sql_row *row);
void row_copy(struct sql_row *row, char *to, size_t size);
void row_bytes(struct sql_row *row, void *to, size_t size);
/* Three columns: family, address, length. Bits beyond the length are bad. */
void row_prefix(struct sql_row *row, struct prefix *ret);

/* ERROR_STORE from what SQLite says, with the path and what to do. */
int store_fail(const struct store *store, struct ag_error *error);
/* ERROR_STORE: what was read is not what was written. */
int store_damaged(const struct store *store, struct ag_error *error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int store_no_memory(struct ag_error *error);
/* Room for one more item in *items. */
int store_grow(void **items, size_t *capacity, size_t count, size_t size);

typedef int (*store_read_fn)(struct store *store, sqlite3_stmt *stmt, void *item, struct ag_error *error);
/* All rows of a statement, each read into an item of that size; `clear` (NULL: none) frees what an item owns.
 */
int store_collect(struct store *store, sqlite3_stmt *stmt, size_t size, store_read_fn read,
		  void (*clear)(void *), void **ret, size_t *ret_count, struct ag_error *error);

/* --- store_schema.c: versions ------------------------------------------------ */

struct store_step {
	int64_t from;
	int64_t to;
	const char *sql;
	/* What SQL cannot say, in the same transaction; NULL: nothing. */
	int (*convert)(struct store *store, struct ag_error *error);
};

extern const struct store_step store_steps[STORE_STEPS];
/* Runs the steps that the store has not seen yet, each in a transaction of its own. */
int store_migrate(struct store *store, const struct store_step *steps, size_t count, struct ag_error *error);
/* The tables, indexes and triggers are those of this version, letter by letter. */
int store_schema_check(struct store *store, struct ag_error *error);

/* --- store_migrate.c --------------------------------------------------------- */

/* The digests of version 1, or those of 2 and 3, are checked and replaced; each account's history begins. */
int store_convert_digests_1(struct store *store, struct ag_error *error);
int store_convert_digests_3(struct store *store, struct ag_error *error);

/* --- store_connect.c: connections --------------------------------------------- */

/* Opens store->db, with what every connection has set. */
int store_connect(struct store *store, const char *path, struct ag_error *error);
void store_disconnect(struct store *store);

/* --- store_open.c: files ----------------------------------------------------- */

/* ERROR_STORE if the files under the path are no longer those that are open. */
int store_files_check(const struct store *store, struct ag_error *error);

/* --- store_check.c: before it is used ----------------------------------------- */

/* A store of allowgate, and not of a version to come. */
int store_check_version(struct store *store, struct ag_error *error);
/* The file is a sound database. */
int store_check_structure(struct store *store, struct ag_error *error);
/* Every row that matters fits its digest, but for the lists, which are checked whenever they are read. */
int store_check_content(struct store *store, struct ag_error *error);

/* --- store.c: transactions and meta ------------------------------------------ */

/* 0 within a transaction that SQLite still knows. */
int store_editing(const struct store *store, struct ag_error *error);
/* The first row of meta, of a new store. */
int store_meta_init(struct store *store, struct ag_error *error);
/* As of now: within a transaction what it will be. */
int store_meta_get(struct store *store, struct store_meta *ret, struct ag_error *error);
/* Writes the row of meta with its digest, if it is another than store->meta_digest. */
int store_meta_write(struct store *store, struct ag_error *error);
/* Takes the right to write, then BEGIN IMMEDIATE; store_write_end() in any case after a 0. */
int store_write_begin(struct store *store, struct ag_error *error);
/* Undoes what was not committed, and gives the right back. */
void store_write_end(struct store *store);
/* Writes what is held back of the account last edited. */
int store_settle(struct store *store, struct ag_error *error);
/* A digest of a row of accounts, services or entries. */
void digest_init_of(const struct store *store, struct digest *digest);
void sum_fold(uint8_t sum[DIGEST_SIZE], const uint8_t digest[DIGEST_SIZE]);
void digest_prefix(struct digest *digest, const struct prefix *prefix);

/* --- store_accounts.c, store_services.c, store_entries.c, store_lists.c, store_people.c, ... --- */

/*
 * ERROR_NOT_FOUND. Until *stmt is reset by AUTO_RESET, whatever is read is of the same moment, and need not
 * take SQLite's locks again.
 */
int account_record_open(struct store *store, int64_t id, sqlite3_stmt **stmt, struct account_record *ret,
			struct ag_error *error);
/* ERROR_NOT_FOUND. */
int account_record_find(struct store *store, int64_t id, struct account_record *ret, struct ag_error *error);
/* Makes an account store->current. ERROR_NOT_FOUND. */
int account_edit(struct store *store, int64_t id, struct ag_error *error);
/* Writes the row with a new digest, which replaces the old one in meta's sum. */
int account_write(struct store *store, struct account_record *record, struct ag_error *error);
/* Takes the services of an account that is going out of the sum. */
int services_forget(struct store *store, int64_t account_id, struct ag_error *error);
/* Takes its roles out of the sum. */
int roles_forget_account(struct store *store, int64_t account_id, struct ag_error *error);
/* Folds the tokens of an account (0: of all) and of a user (0: of all) into a sum, or out of it. */
int tokens_fold(struct store *store, int64_t account_id, int64_t user_id, uint8_t sum[DIGEST_SIZE],
		struct ag_error *error);
/* Visits every entry (visit NULL: none), and compares the list with the account's row. */
int entries_each(struct store *store, const struct account_record *record,
		 int (*visit)(const struct entry *entry, void *arg), void *arg, struct ag_error *error);
/* The next entries of the account behind a prefix (len 0: from the start), at most `limit`, appended. */
int entries_page(struct store *store, const struct account_record *record, const struct prefix *after,
		 size_t limit, struct list *list, struct ag_error *error);
/*
 * 1 with the entry of exactly this prefix, its strings borrowed from *stmt until that is reset, and since
 * which version it is there; 0 without.
 */
int entries_find(struct store *store, const struct account_record *record, const struct prefix *prefix,
		 sqlite3_stmt **stmt, struct entry *ret, int64_t *ret_since, struct ag_error *error);
/* The same with a copy. */
int entries_find_copy(struct store *store, const struct account_record *record, const struct prefix *prefix,
		      struct entry *ret, int64_t *ret_since, struct ag_error *error);
/* For entries_each() with a list: keeps a copy of each entry, then gives the list away or clears it. */
int entries_keep(const struct entry *entry, void *list);
int entries_give(struct list *list, int r, struct list *ret, struct ag_error *error);
/* ERROR_NOT_FOUND. */
int entries_not_found(const struct prefix *prefix, struct ag_error *error);
/* A row of entries as of that version. */
int entries_insert(struct store *store, int64_t account_id, const struct entry *entry, int64_t since,
		   struct ag_error *error);
/* One entry more or less, in counts and sum. */
void entries_count(const struct store *store, struct account_record *record, const struct entry *entry,
		   bool more);
/* Prefix, verdict, enabledness, expiry and note: all but who added it and when. */
bool entries_same(const struct entry *a, const struct entry *b);
/* All, references too. */
size_t entries_of(const struct account *account);
/* ERROR_LIMIT. */
int entries_check_references(const struct account *account, struct ag_error *error);
bool entries_fit(const struct account_record *have, const struct account_record *want);
/* ERROR_BAD_PREFIX for host bits. */
int entries_check_canonical(const struct prefix *prefix, struct ag_error *error);
int entries_full(const struct account *account, size_t limit, struct ag_error *error);
/* In a transaction: the sum of all services as they stand. */
int services_fold(struct store *store, uint8_t sum[DIGEST_SIZE], struct ag_error *error);

/* --- store_sweep.c ------------------------------------------------------------ */

/*
 * In a transaction: removes what is garbage among the next max_rows rows of an account behind *after, which
 * moves on. *ret_done: those were the last, and the account has none any more.
 */
int sweep_account(struct store *store, int64_t account_id, struct entry_key *after, size_t max_rows,
		  bool *ret_done, struct ag_error *error);

/* --- store_history.c ---------------------------------------------------------- */

/* The smallest version of the list that can still be read. */
int history_oldest_version(struct store *store, const struct account_record *record, int64_t *ret,
			   struct ag_error *error);
/* The account's history got longer: the next pruning looks at it. */
void prune_later(struct store *store, int64_t account_id);
/* The list of a generation, as entries_each() and entries_page() take it; its account has the label's place.
 */
int history_record(struct store *store, int64_t account_id, uint64_t generation, struct account_record *ret,
		   struct ag_error *error);

/* --- store_import.c ----------------------------------------------------------- */

bool import_is_open(const struct store *store, int64_t account_id);
/*
 * The account or its list is changed in this transaction. The row alone need not show it: an entry that is
 * taken out and put back leaves the row as it was, but not the rows of the version to come.
 */
void imports_touch(struct store *store, int64_t account_id);
/* The transaction is over; while it is, still, nobody else writes. */
void imports_settle(struct store *store, bool committed);

/* Users, roles and tokens into a sum. */
int people_fold(struct store *store, uint8_t sum[DIGEST_SIZE], struct ag_error *error);
/* Named lists into a sum. */
int named_fold_all(struct store *store, uint8_t sum[DIGEST_SIZE], struct ag_error *error);
/* The switch into a sum. */
int panic_fold(struct store *store, uint8_t sum[DIGEST_SIZE], struct ag_error *error);
/* Changes to be confirmed into a sum. */
int pending_fold(struct store *store, uint8_t sum[DIGEST_SIZE], struct ag_error *error);
/* The sum of all of these and of interfaces, compared with meta's. */
int people_check(struct store *store, struct ag_error *error);
