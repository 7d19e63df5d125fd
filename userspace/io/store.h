/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store.h - the policy on disk: SQLite, WAL, synchronous=FULL
 *
 * The only module that sees sqlite3.h. A change is store_begin(), any number of edits, then store_commit()
 * (durable when it returns 0) or store_rollback(). Reads may stand outside of a transaction; within one they
 * see its edits. Nothing here knows who acts or what is allowed; what it keeps by itself is form: unique
 * names, services and prefixes, lengths that fit, an audit log that is only appended to, and digests over all
 * that decides about packets and rights, checked when it is opened and (accounts, services, lists) at every
 * read.
 *
 * Beside the store stand its write-ahead log (-wal, -shm), its lock (.lock, never removed: one process at a
 * time has a store open), and for a moment, while it is created, .new. Other tools may read it meanwhile.
 *
 * Errors: ERROR_STORE for what SQLite, the disk or a digest says; ERROR_EXISTS, ERROR_NOT_FOUND, ERROR_LIMIT
 * where named. Source: https://www.sqlite.org/wal.html, pragma.html (synchronous, user_version),
 * stricttables.html.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/core/access.h"
#include "userspace/core/deadline.h"
#include "userspace/core/policy.h"
#include "userspace/io/store_made.h"

struct ag_error;
struct store;

struct store_limits {
	size_t accounts;
	size_t services;
	size_t entries; /* of one list */
};

enum store_create {
	STORE_MUST_EXIST,
	STORE_MAY_CREATE,
};

/*
 * Opens and checks a store, migrating an older version step by step in one transaction each. A file that is
 * there and empty, is no database, fails its check, or is of a newer version, is ERROR_STORE, and left as it
 * is; so is an absent one with STORE_MUST_EXIST, one that another process has open, and one of which only the
 * log is left. Creates the file with mode 0600, whole or not at all. Caller closes *ret. The check reads
 * everything but the entries: every list is checked whenever store_list() or store_list_each() reads it, and
 * must be read so before it is enforced.
 */
int store_open(const char *path, enum store_create create, const struct store_limits *limits,
	       struct store **ret, struct ag_error *error);
void store_close(struct store *store);
/* Whether there is a file of that name, of whatever content. */
bool store_exists(const char *path);

/* ERROR_STORE too when the files were removed or replaced since they were opened, as in store_commit(). */
int store_begin(struct store *store, struct ag_error *error);
/*
 * THE commit point. Writes the digests of what was touched, then commits. On failure the transaction is
 * rolled back.
 */
int store_commit(struct store *store, struct ag_error *error);
/* No transaction: no effect. */
void store_rollback(struct store *store);

/* Identity and age. The id is random, non-zero, and never changes; the generation counts changes. */
int store_identity(struct store *store, uint64_t *ret_id, uint64_t *ret_generation, struct ag_error *error);
/* In a transaction: one more, given back. */
int store_next_generation(struct store *store, uint64_t *ret, struct ag_error *error);

/* Accounts. add fills id and slot (the smallest free one); ERROR_EXISTS, ERROR_LIMIT. */
int store_account_add(struct store *store, struct account *account, struct ag_error *error);
/* Writes label, mode, on_deny, generation of the account with that id. */
int store_account_update(struct store *store, const struct account *account, struct ag_error *error);
/* With its services, entries and roles. */
int store_account_remove(struct store *store, int64_t id, struct ag_error *error);
/* ERROR_NOT_FOUND. Counts of entries included. */
int store_account_find(struct store *store, const char *name, struct account *ret, struct ag_error *error);
/* All, by name; *ret is an array that the caller frees. */
int store_accounts(struct store *store, struct account **ret, size_t *ret_count, struct ag_error *error);

/* Services. `owner` gets the name of the account that has it where ERROR_EXISTS is returned. */
int store_service_add(struct store *store, int64_t account_id, const struct service *service,
		      char owner[NAME_SIZE], struct ag_error *error);
int store_service_remove(struct store *store, int64_t account_id, const struct service *service,
			 struct ag_error *error);
/* Every service with its account's slot, unordered; the caller frees. */
int store_claims(struct store *store, struct claim **ret, size_t *ret_count, struct ag_error *error);

/* Entries. ERROR_EXISTS and ERROR_NOT_FOUND name the prefix; ERROR_LIMIT over the limit of one list. */
int store_entry_add(struct store *store, int64_t account_id, const struct entry *entry,
		    struct ag_error *error);
int store_entry_remove(struct store *store, int64_t account_id, const struct prefix *prefix,
		       struct ag_error *error);
int store_entries_clear(struct store *store, int64_t account_id, struct ag_error *error);
/* Gives the entry of that prefix this one's note, expiry and enabledness. ERROR_NOT_FOUND. */
int store_entry_set(struct store *store, int64_t account_id, const struct entry *entry,
		    struct ag_error *error);
/* The whole list, sorted, checked against the account's digest. *ret must be empty. Caller clears. */
int store_list(struct store *store, int64_t account_id, struct list *ret, struct ag_error *error);
/*
 * The same without holding it: calls for every entry, sorted, whose strings are borrowed, until a non-zero
 * return, which is given back. `visit` does not use the store. Only after a return of 0 is it known that the
 * list fits its digest.
 */
int store_list_each(struct store *store, int64_t account_id,
		    int (*visit)(const struct entry *entry, void *arg), void *arg, struct ag_error *error);
/* The entry of exactly this prefix: ERROR_NOT_FOUND. The caller frees its strings (entry_clear()). */
int store_entry_find(struct store *store, int64_t account_id, const struct prefix *prefix, struct entry *ret,
		     struct ag_error *error);
/* The longest entry in effect at `now` that holds the address, without reading the list: *ret_found says
 * whether there is one. */
int store_entry_match(struct store *store, int64_t account_id, const struct addr *addr, int64_t now,
		      struct entry *ret, bool *ret_found, struct ag_error *error);
/*
 * How many different lengths the list's enabled entries that expire have, in the family that has more: see
 * AG_EXPIRING_LENGTHS_MAX. Costs as much as there are such entries.
 */
int store_expiring_lengths(struct store *store, int64_t account_id, size_t *ret, struct ag_error *error);
/* The longest enabled entry that covers the prefix, other than itself, expired or not: likewise. */
int store_entry_around(struct store *store, int64_t account_id, const struct prefix *prefix,
		       struct entry *ret, bool *ret_found, struct ag_error *error);
/*
 * For showing: up to `limit` entries behind the prefix `after` (NULL: from the start), sorted. A page cannot
 * be checked against the digest, so nothing is ever enforced by one. *ret must be empty. Caller clears.
 */
int store_list_page(struct store *store, int64_t account_id, const struct prefix *after, size_t limit,
		    struct list *ret, struct ag_error *error);

/*
 * A change of a list that is too large for one transaction, prepared in a thread of its own by a connection
 * of its own, in steps of a few milliseconds between which the store serves others. Until finish() nobody
 * sees any of it, not even across a crash. At most one at a time for an account, which must not change
 * meanwhile (its list, or itself): finish() is ERROR_CONFLICT if it did. `created_by` and `created_at` of
 * entries that stay as they are (prefix, verdict, note, expiry, enabledness) are kept.
 */
struct store_import;
enum import_kind {
	IMPORT_REPLACE,
	IMPORT_ADD,	/* ERROR_EXISTS where a prefix is there already */
	IMPORT_RESTORE, /* replaces too; who added entries and when becomes as it is in the new list */
};
/* In the thread of the store, which outlives the import. */
int store_import_open(struct store *store, int64_t account_id, struct store_import **ret,
		      struct ag_error *error);
struct import_result {
	size_t added; /* one whose verdict or note changes counts here alone */
	size_t removed;
	struct list came; /* the first IMPORT_DIFFERENCE_MAX of each; the caller clears */
	struct list went;
};
#define IMPORT_DIFFERENCE_MAX 1000
/* In the same thread as prepare(): the account's list after that generation, as store_list_at(). */
int store_import_list_at(struct store_import *import, uint64_t generation, struct list *ret,
			 struct ag_error *error);
/*
 * In a thread of its own: everything that takes long. `list` is sorted, without doubles. With dry_run only
 * compares. *cancel, when another thread sets it, ends it soon: ERROR_STORE. `visit` (may be NULL) is called
 * for every entry of the resulting list, sorted, as in store_list_each().
 */
int store_import_prepare(struct store_import *import, enum import_kind kind, const struct list *list,
			 bool dry_run, const bool *cancel, int (*visit)(const struct entry *entry, void *arg),
			 void *arg, struct import_result *result, struct ag_error *error);
/* Within `visit`: a named list as of now. ERROR_NOT_FOUND. *ret must be empty; the caller clears. */
int store_import_named(struct store_import *import, const char *name, struct list *ret,
		       struct ag_error *error);
/*
 * In the thread of the store, in a transaction, before any other edit of that account in it: the account has
 * the new list.
 */
int store_import_finish(struct store *store, struct store_import *import, struct ag_error *error);
/*
 * In a transaction behind the one that finished it: the account has again the list from before, and its
 * settings from `before`; whatever the length. Only while nothing else has changed the account, and before
 * the import is closed.
 */
int store_import_undo(struct store *store, struct store_import *import, const struct account *before,
		      struct ag_error *error);
/* What was not finished is left to store_sweep(). NULL: no effect. In the thread of the store. */
void store_import_close(struct store_import *import);
/*
 * Removes up to max_rows that no list has any more: those that were replaced, and what imports left that
 * never finished. *ret_more: there are more. Not within a transaction; leaves imports that are open alone.
 */
int store_sweep(struct store *store, size_t max_rows, bool *ret_more, struct ag_error *error);

/*
 * History: what an account was after each of its generations. Every transaction that edits a list makes its
 * next version, and a row of history names the one that belongs to it; so the list of any generation that is
 * kept can be read, and is checked against the sum that it had. A row that does not fit its digest is
 * ERROR_STORE.
 */
struct store_history {
	int64_t time;
	char user[NAME_SIZE]; /* who made it; "" for nobody */
	char action[HISTORY_ACTION_SIZE];
	size_t added;
	size_t removed;
	bool pinned;
	struct account account; /* as it was then; owns its label */
};

/*
 * In a transaction, behind all edits of that account in it: a row for the account's generation, with what it
 * is now. Time, user, action, added and removed are the row's; the rest is not looked at. ERROR_EXISTS where
 * that generation has one.
 */
int store_history_add(struct store *store, int64_t account_id, const struct store_history *row,
		      struct ag_error *error);
/* In a transaction: a generation that never came to be in force is none. */
int store_history_remove(struct store *store, int64_t account_id, uint64_t generation,
			 struct ag_error *error);
/* Newest first, at most `limit` of those older than `before` (0: from the newest); the caller frees. */
int store_history(struct store *store, int64_t account_id, uint64_t before, size_t limit,
		  struct store_history **ret, size_t *ret_count, struct ag_error *error);
void store_history_free(struct store_history *rows, size_t count);
/* ERROR_NOT_FOUND, which says what is kept. The caller clears ret->account. */
int store_history_find(struct store *store, int64_t account_id, uint64_t generation,
		       struct store_history *ret, struct ag_error *error);
/* As store_list() and store_list_each(), of the list after that generation. ERROR_NOT_FOUND. */
int store_list_at(struct store *store, int64_t account_id, uint64_t generation, struct list *ret,
		  struct ag_error *error);
int store_list_at_each(struct store *store, int64_t account_id, uint64_t generation,
		       int (*visit)(const struct entry *entry, void *arg), void *arg, struct ag_error *error);
/*
 * What differs between the lists of two generations (to 0: and the list as it is), in steps of up to max_rows
 * prefixes between which the store may be used, changed, or opened anew. `visit` gets an entry as it was and
 * as it is, NULL for none; its non-zero return ends it and is given back. ERROR_NOT_FOUND for a generation
 * that is not kept, or no longer; ERROR_CONFLICT where the list as it is became another. Known to be right
 * once *ret_done.
 */
struct store_difference;
typedef int (*store_difference_fn)(const struct entry *before, const struct entry *after, void *arg);
int store_difference_open(struct store *store, int64_t account_id, uint64_t from, uint64_t to,
			  struct store_difference **ret, struct ag_error *error);
int store_difference_step(struct store *store, struct store_difference *difference, size_t max_rows,
			  store_difference_fn visit, void *arg, bool *ret_done, struct ag_error *error);
/* NULL: no effect. */
void store_difference_close(struct store_difference *difference);
/* In a transaction: pruning passes it over, or no longer. ERROR_NOT_FOUND. */
int store_history_pin(struct store *store, int64_t account_id, uint64_t generation, bool pinned,
		      struct ag_error *error);
/*
 * Removes generations that are too many (beyond the `keep` newest of an account), too old (what was in force
 * at `not_older_than`, and later, is kept), or hold on to more rows that ended than HISTORY_ROWS or twice the
 * list, oldest first, but never an account's newest, nor one that is pinned; and then the rows that no list
 * has any more. At most max_rows of either at a time; *ret_more: there is more to look at. Accounts that were
 * changed are looked at in the next calls, all of them once after opening and whenever an hour has gone by.
 * Not within a transaction; leaves accounts alone that have an import open.
 */
#define HISTORY_ROWS 20000
int store_history_prune(struct store *store, size_t keep, int64_t not_older_than, size_t max_rows,
			bool *ret_more, struct ag_error *error);

/*
 * The store as it is now, to be read as a store of its own, in any one thread, whatever becomes of it
 * meanwhile: every function that reads takes it, none that edits. While one is open the store must be, and
 * its log grows by all that is changed, so that it is closed when it has been read.
 */
int store_snapshot_open(const struct store *store, struct store **ret, struct ag_error *error);
void store_snapshot_close(struct store *snapshot);

/*
 * When entries were last seen: no policy, so outside of digests and generations, and kept across everything
 * but the removal of the entry. put() is a transaction of its own (not within another), takes for each the
 * later of what is there and what comes, and passes over entries that are not there. get() says 0 for never.
 * Lists that are read do not have it.
 */
struct store_seen {
	int64_t account_id;
	struct prefix prefix;
	int64_t time;
};
int store_seen_put(struct store *store, const struct store_seen *seen, size_t count, struct ag_error *error);
int store_seen_get(struct store *store, int64_t account_id, const struct prefix *prefix, int64_t *ret,
		   struct ag_error *error);

#include "userspace/io/store_named.h"

/* Users. uid -1: has none of this host (a name that a delegate vouches for). */
struct store_user {
	int64_t id;
	char name[NAME_SIZE];
	int64_t uid;
	bool operator_;
	bool delegate;
};

/* ERROR_EXISTS for the name or the uid. */
int store_user_add(struct store *store, struct store_user *user, struct ag_error *error);
int store_user_remove(struct store *store, const char *name, struct ag_error *error);
int store_user_find(struct store *store, const char *name, struct store_user *ret, struct ag_error *error);
int store_user_find_uid(struct store *store, int64_t uid, struct store_user *ret, struct ag_error *error);
int store_users(struct store *store, struct store_user **ret, size_t *ret_count, struct ag_error *error);

struct store_role {
	char account[NAME_SIZE];
	char user[NAME_SIZE];
	enum role role;
};

/* Granting again replaces. */
int store_role_grant(struct store *store, int64_t account_id, int64_t user_id, enum role role,
		     struct ag_error *error);
int store_role_revoke(struct store *store, int64_t account_id, int64_t user_id, struct ag_error *error);
/* ROLE_NONE where there is none: no error. */
int store_role_of(struct store *store, int64_t account_id, const char *user, enum role *ret,
		  struct ag_error *error);
/* By account (NULL: all) and user (NULL: all), ordered. */
int store_roles(struct store *store, const char *account, const char *user, struct store_role **ret,
		size_t *ret_count, struct ag_error *error);

#include "userspace/io/store_tokens.h"

/* Interfaces to attach to, as commanded over the socket. `mode` is "auto", "native" or "generic". */
struct store_interface {
	char name[16];
	char mode[8];
};

int store_interface_put(struct store *store, const struct store_interface *interface, struct ag_error *error);
int store_interface_remove(struct store *store, const char *name, struct ag_error *error);
int store_interfaces(struct store *store, struct store_interface **ret, size_t *ret_count,
		     struct ag_error *error);

/* The switch that lets everything pass: a row while it is on. `by` is the user, "" for nobody known here. */
struct store_panic {
	int64_t since;
	char by[NAME_SIZE];
	char reason[NOTE_SIZE];
};

int store_panic_put(struct store *store, const struct store_panic *panic, struct ag_error *error);
/* Off already: no error. */
int store_panic_remove(struct store *store, struct ag_error *error);
int store_panic_get(struct store *store, struct store_panic *ret, bool *ret_on, struct ag_error *error);

#include "userspace/io/store_pending.h"

#define STORE_HASH_SIZE 32
/*
 * Audit. Strings are borrowed for add, and owned by the row for read (free with store_audit_free). Within the
 * chain a person is a number, and their address an HMAC under a key of theirs: what is read has names and
 * addresses while they are kept, and "erased#12" and "erased" afterwards; so in `detail`, where add() puts
 * references in the place of names of users, their uids and the actor's address.
 */
struct store_audit {
	int64_t id;
	int64_t time;		       /* seconds since 1970 */
	char *user;		       /* who acted; "" for nobody known here */
	char *delegate;		       /* who vouched; "" */
	int64_t uid;		       /* the peer's; -1: none, or erased */
	char *origin;		       /* address, or "unknown" */
	char *account;		       /* "" where none is concerned */
	char *action;		       /* "allow add" */
	char *detail;		       /* what, in words; --force stands here */
	char *outcome;		       /* "done", or the code of the refusal */
	int64_t person;		       /* read: the number within the chain; 0: the daemon itself */
	uint8_t hash[STORE_HASH_SIZE]; /* read */
};

/* Appends, with the hash of the row before. In a transaction of its own when none is open. */
int store_audit_add(struct store *store, const struct store_audit *row, struct ag_error *error);
/* The id of the newest row; 0: there is none. */
int store_audit_newest(struct store *store, int64_t *ret, struct ag_error *error);
/* NULL: all. */
struct store_audit_filter {
	const char *account;
	const char *user; /* a name; "uid:1000" for who has none; "erased#12" */
	int64_t after;	  /* ids above */
	int64_t since;	  /* from then on */
	int64_t until;	  /* before */
	size_t limit;
};
/* Newest last. */
int store_audit_read(struct store *store, const struct store_audit_filter *filter, struct store_audit **ret,
		     size_t *ret_count, struct ag_error *error);
/* Rows that name a person and are not theirs: who vouched, and whom `detail` is about. Of the ids behind
 * `after`, up to `span` of them. */
int store_audit_naming(struct store *store, const char *user, int64_t after, int64_t span,
		       struct store_audit **ret, size_t *ret_count, struct ag_error *error);
void store_audit_free(struct store_audit *rows, size_t count);
/* Recomputes the chain, and what is kept beside it: 0, or ERROR_STORE naming the first row that does not fit.
 * *ret_rows: how many do, in both cases. */
int store_audit_verify(struct store *store, uint64_t *ret_rows, struct ag_error *error);

/*
 * Lets go of what is older, or more: up to max_rows rows of the audit log from its old end, and the addresses
 * of as many. *ret_more: call it again. The chain verifies from the first row that is left. Not within a
 * transaction. What goes is overwritten in the file.
 */
struct store_retention {
	int64_t rows_since; /* times */
	int64_t rows;	    /* at most */
	int64_t addresses_since;
};
int store_audit_retain(struct store *store, const struct store_retention *keep, size_t max_rows,
		       bool *ret_more, struct ag_error *error);
/* Of the next max_rows entries behind *cursor (zeros: from the first), which moves on, forgets when they were
 * seen if that was before a time. Not within a transaction. */
int store_seen_forget(struct store *store, int64_t before, struct store_seen *cursor, size_t max_rows,
		      bool *ret_more, struct ag_error *error);

/*
 * A person, by name, or "uid:1000" for one who has none: goes from the store with their user and roles, what
 * the audit log holds of them beside its chain, and their name wherever it says who made something. Entries
 * stay, as nobody's. In a transaction; store_scrub() behind its end. ERROR_FORBIDDEN for root;
 * ERROR_NOT_FOUND.
 */
#define STORE_ERASED_PERSONS 8
struct store_erased {
	bool user;
	int64_t persons[STORE_ERASED_PERSONS]; /* numbers in the audit log, the first ones */
	size_t person_count;
	size_t addresses; /* of rows of the audit log */
	size_t names;	  /* entries and others that said who made them */
};
int store_erase(struct store *store, const char *who, struct store_erased *ret, struct ag_error *error);
/*
 * Writes the file anew and empties its log, so that neither has anything of what was deleted. Takes as long
 * as that takes. Not within a transaction, nor while an import is open. Where it fails the store is as it
 * was.
 */
int store_scrub(struct store *store, struct ag_error *error);
