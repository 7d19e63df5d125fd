/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * request.h - the bodies of requests and answers: JSON to structs and back (docs/api.md)
 *
 * Decoding is strict: one object and nothing behind it, no duplicate key, no unknown field, no NUL in a
 * string, depth bounded by jansson. What is refused is ERROR_BAD_REQUEST (ERROR_BAD_PREFIX, ERROR_LIMIT where
 * named) with one line of printable text that names the field. Outputs are the caller's and untouched on
 * failure.
 *
 * Encoding returns a new reference that the caller owns, NULL where there is no memory.
 * Source: RFC 8259 (JSON), RFC 9457 (problem documents), https://jansson.readthedocs.io/en/2.14/apiref.html
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/core/access.h"
#include "userspace/core/policy.h"

struct ag_error;

struct request_account {
	bool has_name;
	bool has_mode;
	bool has_on_deny;
	bool has_label;
	char name[NAME_SIZE];
	enum ag_mode mode;
	struct on_deny on_deny;
	char label[NOTE_SIZE];
};

/* needs_name: POST, the name is required. Otherwise PATCH: no name, and at least one thing to set. */
int request_account_decode(const char *body, size_t length, bool needs_name, struct request_account *ret,
			   struct ag_error *error);

/*
 * {"entries": [...]} or one entry, {"prefix", "verdict", "note", "expires", "enabled"}. *ret gets a sorted
 * list, which the caller clears; created_by, created_at and last_seen are empty. An expiry is RFC 3339 or
 * null, and may be in the past. Bad entries are named by their numbers, from 1, all at once
 * (badparts.h). Over `limit` entries: ERROR_LIMIT. allow_empty is for what replaces the whole
 * list: there no entry at all is a list too, and an entry outside of "entries" is refused, since it would
 * quietly stand for all of them.
 */
int request_entries_decode(const char *body, size_t length, size_t limit, bool allow_empty, struct list *ret,
			   struct ag_error *error);

/*
 * The same from text, a line an entry (listtext.h); with allow_empty no line is a
 * list too. Bad lines are named by their numbers. No decoder shares anything with other calls, so that
 * each may run in a thread of its own, once json_object_seed(0) was called in the first one.
 */
int request_entries_decode_text(const char *body, size_t length, size_t limit, bool allow_empty,
				struct list *ret, struct ag_error *error);
/* The same from comma-separated values (listcsv.h). */
int request_entries_decode_csv(const char *body, size_t length, size_t limit, bool allow_empty,
			       struct list *ret, struct ag_error *error);

/* PATCH of one entry: {"note", "expires", "enabled"}, at least one; "expires": null is never, which is 0. */
struct request_entry {
	bool has_note;
	bool has_expires;
	bool has_enabled;
	char note[NOTE_SIZE];
	int64_t expires;
	bool enabled;
};
int request_entry_decode(const char *body, size_t length, struct request_entry *ret, struct ag_error *error);

/* {"services": ["192.0.2.10:443/tcp", ...]}, at least one. *ret gets an array sorted by service_compare(),
 * which the caller frees. */
int request_services_decode(const char *body, size_t length, struct service **ret, size_t *ret_count,
			    struct ag_error *error);

struct request_user {
	char name[NAME_SIZE];
	int64_t uid; /* -1: none */
	bool operator_;
	bool delegate;
};
int request_user_decode(const char *body, size_t length, struct request_user *ret, struct ag_error *error);

/* {"name": "corp-vpn"}, of a named list. */
int request_list_decode(const char *body, size_t length, char ret[NAME_SIZE], struct ag_error *error);

/* {"role": "admin"} */
int request_role_decode(const char *body, size_t length, enum role *ret, struct ag_error *error);

/* {"reason": "..."}: a note, not empty. */
int request_panic_decode(const char *body, size_t length, char ret[NOTE_SIZE], struct ag_error *error);
/* {"user", "account", "role", "expires", "note"}: the last two may be absent; "expires": null is never, which
 * is 0. */
struct request_token {
	char user[NAME_SIZE];
	char account[NAME_SIZE];
	enum role role;
	bool has_expires;
	int64_t expires;
	char note[NOTE_SIZE];
};
int request_token_decode(const char *body, size_t length, struct request_token *ret, struct ag_error *error);

/* {"generation": 12} */
int request_generation_decode(const char *body, size_t length, uint64_t *ret, struct ag_error *error);

struct request_interface {
	char interface[INTERFACE_SIZE]; /* a name that the kernel would take */
	char mode[8];			/* "auto", "native" or "generic" */
};
int request_interface_decode(const char *body, size_t length, struct request_interface *ret,
			     struct ag_error *error);

/* An entry as it comes back, and as it is sent: without created_by, created_at and last_seen. All its members
 * are always there; what never expires, or was never seen, is null. */
json_t *json_entry(const struct entry *entry);
json_t *json_entry_sent(const struct entry *entry);
/* {"entries": [...]}, as it is sent. */
json_t *json_entries_sent(const struct list *list);
/* ["203.0.113.0/24", ...], the first `max` of them. */
json_t *json_prefixes(const struct list *list, size_t max);
/* "entries" are all, references too; "enabled" those of them that are. */
json_t *json_account(const struct account *account, size_t services);
json_t *json_service(const char *account, const struct service *service);
json_t *json_role(const char *account, const char *user, enum role role);
/* The RFC 9457 document. */
json_t *json_problem(const struct ag_error *error);
