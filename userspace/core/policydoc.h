/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policydoc.h - the policy of a host, or of some accounts, as one JSON document
 *
 *	{"scope": "host" | "accounts",
 *	 "lists": [{"name", "entries": [{"prefix", "note"}...]}...],
 *	 "accounts": [{"name", "label", "mode", "on_deny", "services": [text...],
 *		       "roles": [{"user", "role"}...], "entries": [{entry}...]}...]}
 *
 * A document says what shall be. Of "host" it names every account there shall be, of "accounts" (which is
 *what one without a scope is) only those it is about. What an account's object does not mention stays as it
 *is, or, where the account is new, is what a new account has: absent is never empty. So with named lists: one
 * without "lists" leaves them alone, one of "host" with them names every list there shall be.
 *
 * Reading is strict, as in request.h, and walks the text (jsonwalk.h): a million entries never stand in
 * memory as JSON. All that is wrong is named by its place, "accounts[3].entries[17].prefix", but for what is
 * no JSON at all, which ends the reading.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "userspace/core/access.h"
#include "userspace/core/policy.h"
#include "userspace/core/request.h"

struct ag_error;
struct buffer;

enum policydoc_scope {
	POLICYDOC_ACCOUNTS,
	POLICYDOC_HOST,
	POLICYDOC_SCOPE_MAX,
};

struct policydoc_role {
	char user[NAME_SIZE];
	enum role role;
	size_t index; /* in the document */
};

/* Owns its label and arrays. */
struct policydoc_account {
	size_t index; /* in the document */
	char name[NAME_SIZE];
	bool has_label;
	bool has_mode;
	bool has_on_deny;
	bool has_services;
	bool has_roles;
	bool has_entries;
	char *label; /* NULL is empty */
	enum ag_mode mode;
	struct on_deny on_deny;
	struct service *services; /* by service_compare() */
	size_t service_count;
	size_t service_room;
	struct policydoc_role *roles; /* by user */
	size_t role_count;
	size_t role_room;
	struct list entries; /* sorted; created_* and last_seen are empty */
};

/* A named list. Owns its entries. */
struct policydoc_list {
	size_t index; /* in the document */
	char name[NAME_SIZE];
	bool has_name;
	bool has_entries;
	struct list entries; /* sorted; prefixes and notes alone */
};

/* Zero-initialised is empty; policydoc_clear(). */
struct policydoc {
	enum policydoc_scope scope;
	bool has_lists;
	struct policydoc_list *lists; /* by name */
	size_t list_count;
	size_t list_room;
	struct policydoc_account *accounts; /* by name */
	size_t account_count;
	size_t account_room;
};

struct policydoc_limits {
	size_t accounts;
	size_t services;
	size_t entries;	     /* of one account's list */
	size_t lists;	     /* named ones */
	size_t list_entries; /* of one of them */
};

/* Places that an error names beside the first, where they fit into it. */
#define POLICYDOC_BAD_MAX    20
#define POLICYDOC_PLACE_SIZE 96 /* "accounts[1048576].entries[1048576].verdict" */

/*
 * ERROR_BAD_REQUEST, ERROR_BAD_PREFIX where a prefix is what is wrong first, ERROR_LIMIT over a limit. A
 * name, a service, a user of one account or a prefix of one list that stands twice is wrong where it stands
 * again. *ret is untouched on failure; the caller clears it otherwise.
 */
int policydoc_read(const char *text, size_t length, const struct policydoc_limits *limits,
		   struct policydoc *ret, struct ag_error *error);
void policydoc_clear(struct policydoc *document);
void policydoc_account_clear(struct policydoc_account *account);
/* NULL where it has no account of that name. */
const struct policydoc_account *policydoc_find(const struct policydoc *document, const char *name);
const struct policydoc_list *policydoc_find_list(const struct policydoc *document, const char *name);

/*
 * Writing, in this order: begin; where lists are written, lists, and for each, in the order of names, list,
 * its entries, list_end; accounts, and for each, in that order, account, its entries, account_end; end.
 * Whoever writes sorts. Errors collect in the buffer.
 */
struct policydoc_writer {
	struct buffer *out;
	bool has_lists;
	size_t items;	/* lists or accounts written so far */
	size_t entries; /* of the newest */
};
void policydoc_write_begin(struct policydoc_writer *writer, enum policydoc_scope scope);
void policydoc_write_lists(struct policydoc_writer *writer);
void policydoc_write_list(struct policydoc_writer *writer, const char *name);
/* Of prefix and note alone. */
void policydoc_write_listed(struct policydoc_writer *writer, const struct entry *entry);
void policydoc_write_list_end(struct policydoc_writer *writer);
void policydoc_write_accounts(struct policydoc_writer *writer);
void policydoc_write_account(struct policydoc_writer *writer, const struct account *account,
			     const struct claim *services, size_t service_count,
			     const struct policydoc_role *roles, size_t role_count);
void policydoc_write_entry(struct policydoc_writer *writer, const struct entry *entry);
void policydoc_write_account_end(struct policydoc_writer *writer);
void policydoc_write_end(struct policydoc_writer *writer);
