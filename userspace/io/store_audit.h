/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store_audit.h - what the files of the audit log share (private to the store)
 *
 * What is hashed has nothing in it that tells who a person is: a row names persons by their numbers and MACs,
 * and has a MAC of the address. Names and uids stand in the table `persons`, addresses in `audit_origins`,
 * keys in `persons`: erasing a person empties these and leaves every hash as it is. While they are there,
 * they are compared with their MACs.
 *
 * A person is a name with a uid: either may be missing ("", -1). Number 0 is the daemon itself.
 */
#pragma once

#include "userspace/core/buffer.h"
#include "userspace/core/text.h"
#include "userspace/io/store_private.h"

#define ORIGIN_UNKNOWN	"unknown"
#define ERASED		"erased"
#define PERSON_TEXT_MAX (NAME_SIZE + 32)

struct person {
	int64_t id;
	uint8_t mac[DIGEST_SIZE]; /* of name and uid under the key; it stays */
	uint8_t key[DIGEST_SIZE];
	bool erased; /* no key, name and uid any more */
	char name[NAME_SIZE];
	int64_t uid;
};

/* As it is in the table and in the chain; the texts are borrowed. */
struct audit_row {
	int64_t id;
	int64_t time;
	int64_t person;
	int64_t delegate;
	uint8_t origin_mac[DIGEST_SIZE]; /* zeros: unknown */
	const char *account;
	const char *action;
	const char *detail;
	const char *outcome;
	uint8_t hash[DIGEST_SIZE];
};

/* Where the log begins, as far as rows and plain addresses were let go. */
struct audit_bounds {
	int64_t pruned; /* the last row that went */
	uint8_t pruned_hash[DIGEST_SIZE];
	int64_t forgotten; /* the last row whose address was let go for its age */
};

/* --- store_audit.c -------------------------------------------------------------- */

/* The next hash of the chain. The MACs are the persons'; zeros for number 0. */
void audit_digest(const uint8_t before[DIGEST_SIZE], const struct audit_row *row,
		  const uint8_t person_mac[DIGEST_SIZE], const uint8_t delegate_mac[DIGEST_SIZE],
		  uint8_t out[DIGEST_SIZE]);
/* The columns of a row, of SQL_AUDIT_*; those behind the hash are left. */
void audit_columns(struct sql_row *row, struct audit_row *ret);
/* In a transaction: the row with that id behind store->meta.audit_hash, which it becomes. *hash (NULL: as it
 * is) stands in the place of its hash. */
int audit_put(struct store *store, int64_t id, const struct store_audit *given, const uint8_t *hash,
	      struct ag_error *error);
void audit_bounds_digest(const struct audit_bounds *bounds, uint8_t out[DIGEST_SIZE]);
int audit_bounds_get(struct store *store, struct audit_bounds *ret, struct ag_error *error);

/* --- store_audit_migrate.c ------------------------------------------------------ */

/* The log up to version 3 is checked and chained anew. */
int store_convert_audit(struct store *store, struct ag_error *error);

/* --- store_persons.c ------------------------------------------------------------ */

void person_digest(const struct person *person, uint8_t out[DIGEST_SIZE]);
void origin_digest(const uint8_t key[DIGEST_SIZE], const char *origin, uint8_t out[DIGEST_SIZE]);
int person_read(struct store *store, sqlite3_stmt *stmt, void *item, struct ag_error *error);
/* In a transaction: the person of that name and uid, made if need be, whom the audit row `row` names. Number
 * 0 for neither name nor uid. */
int person_take(struct store *store, const char *name, int64_t uid, int64_t row, struct person *ret,
		struct ag_error *error);
/* Whoever came without a name and without a uid: all of them are one, so that their addresses have a key. */
int person_take_stranger(struct store *store, int64_t row, struct person *ret, struct ag_error *error);
/* How a person is named: "ada", "uid:1000"; "erased#12". */
struct person_query {
	int64_t id; /* 0: there is none, or there are several: by the name */
	char name[NAME_SIZE];
};
/* 1 where there is such a person; 0: there is none. */
int person_query(struct store *store, const char *text, struct person_query *ret, struct ag_error *error);

/* --- store_persons_text.c ------------------------------------------------------- */

/* In a transaction: the text with references ("{user#12}", "{uid#12}", "{origin}") in the place of users'
 * names, uids of persons, and the origin. */
int persons_refer(struct store *store, const char *text, const char *origin, int64_t row, struct buffer *out,
		  struct ag_error *error);
/* And back, with what there is of them. */
int persons_resolve(struct store *store, const char *text, const char *origin, struct buffer *out,
		    struct ag_error *error);
