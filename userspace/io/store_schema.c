// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_schema.c - the tables, and the steps from one version of them to the next
 *
 * A step that has been released is never changed: what is new is a new step.
 * In a table WITHOUT ROWID the primary key's columns stand first: for others integrity_check of SQLite 3.40
 * takes one column for another ("NULL value in services.account_id").
 */
#include "userspace/io/store_audit.h"

#include <inttypes.h>
#include <stdio.h>

#define NAME_CHECK(column)                                                                                   \
	"CHECK (length(" column ") BETWEEN 1 AND 63 AND " column " GLOB '[a-z0-9]*' AND " column             \
	" NOT GLOB '*[^a-z0-9._-]*')"
#define DIGEST_CHECK(column) "BLOB NOT NULL CHECK (length(" column ") = 32)"
#define PREFIX_COLUMNS                                                                                       \
	"	family INTEGER NOT NULL CHECK (family IN (4, 6)),\n"                                               \
	"	addr BLOB NOT NULL CHECK (length(addr) = iif(family = 4, 4, 16)),\n"                               \
	"	len INTEGER NOT NULL CHECK (len BETWEEN 1 AND 8 * length(addr)),\n"
#define ACCOUNT_REFERENCE "account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE"

/* clang-format off */
static const char version_1[] =
	"CREATE TABLE meta (\n"
	"	id INTEGER PRIMARY KEY CHECK (id = 1),\n"
	"	store_id INTEGER NOT NULL CHECK (store_id > 0),\n"
	"	generation INTEGER NOT NULL CHECK (generation >= 0),\n"
	"	accounts INTEGER NOT NULL CHECK (accounts >= 0),\n"
	"	services INTEGER NOT NULL CHECK (services >= 0),\n"
	"	audit_rows INTEGER NOT NULL CHECK (audit_rows >= 0),\n"
	"	audit_hash " DIGEST_CHECK("audit_hash") ",\n"
	"	account_sum " DIGEST_CHECK("account_sum") ",\n"
	"	service_sum " DIGEST_CHECK("service_sum") ",\n"
	"	people_sum " DIGEST_CHECK("people_sum") ",\n"
	"	digest " DIGEST_CHECK("digest") "\n"
	") STRICT;\n"
	"CREATE TABLE accounts (\n"
	"	id INTEGER PRIMARY KEY CHECK (id > 0),\n"
	"	slot INTEGER NOT NULL UNIQUE CHECK (slot BETWEEN 0 AND 4294967293),\n"
	"	name TEXT NOT NULL UNIQUE " NAME_CHECK("name") ",\n"
	"	label TEXT NOT NULL CHECK (length(label) <= 256),\n"
	"	mode TEXT NOT NULL CHECK (mode IN ('enforce', 'monitor', 'off')),\n"
	"	on_deny TEXT NOT NULL CHECK (length(on_deny) BETWEEN 1 AND 63),\n"
	"	generation INTEGER NOT NULL CHECK (generation >= 0),\n"
	"	entries4 INTEGER NOT NULL CHECK (entries4 >= 0),\n"
	"	entries6 INTEGER NOT NULL CHECK (entries6 >= 0),\n"
	"	list_sum " DIGEST_CHECK("list_sum") ",\n"
	"	digest " DIGEST_CHECK("digest") "\n"
	") STRICT;\n"
	"CREATE TABLE services (\n"
	PREFIX_COLUMNS
	"	proto INTEGER NOT NULL CHECK (proto IN (1, 6, 17, 255)),\n"
	"	port INTEGER NOT NULL CHECK (port BETWEEN 0 AND 65535),\n"
	"	" ACCOUNT_REFERENCE ",\n"
	"	PRIMARY KEY (family, addr, len, proto, port)\n"
	") STRICT, WITHOUT ROWID;\n"
	"CREATE INDEX services_by_account ON services (account_id);\n"
	"CREATE TABLE entries (\n"
	"	" ACCOUNT_REFERENCE ",\n"
	PREFIX_COLUMNS
	"	verdict TEXT NOT NULL CHECK (verdict IN ('allow', 'deny')),\n"
	"	note TEXT NOT NULL CHECK (length(note) <= 256),\n"
	"	created_by TEXT NOT NULL,\n"
	"	created_at INTEGER NOT NULL,\n"
	"	PRIMARY KEY (account_id, family, addr, len)\n"
	") STRICT, WITHOUT ROWID;\n"
	"CREATE TABLE users (\n"
	"	id INTEGER PRIMARY KEY CHECK (id > 0),\n"
	"	name TEXT NOT NULL UNIQUE " NAME_CHECK("name") ",\n"
	"	uid INTEGER UNIQUE CHECK (uid BETWEEN 0 AND 4294967294),\n"
	"	operator INTEGER NOT NULL CHECK (operator IN (0, 1)),\n"
	"	delegate INTEGER NOT NULL CHECK (delegate IN (0, 1))\n"
	") STRICT;\n"
	"CREATE TABLE roles (\n"
	"	" ACCOUNT_REFERENCE ",\n"
	"	user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,\n"
	"	role TEXT NOT NULL CHECK (role IN ('viewer', 'admin')),\n"
	"	PRIMARY KEY (account_id, user_id)\n"
	") STRICT, WITHOUT ROWID;\n"
	"CREATE INDEX roles_by_user ON roles (user_id);\n"
	"CREATE TABLE interfaces (\n"
	"	name TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 15),\n"
	"	mode TEXT NOT NULL CHECK (mode IN ('auto', 'native', 'generic'))\n"
	") STRICT, WITHOUT ROWID;\n"
	"CREATE TABLE audit (\n"
	"	id INTEGER PRIMARY KEY CHECK (id > 0),\n"
	"	time INTEGER NOT NULL,\n"
	"	user TEXT NOT NULL,\n"
	"	delegate TEXT NOT NULL,\n"
	"	uid INTEGER NOT NULL,\n"
	"	origin TEXT NOT NULL,\n"
	"	account TEXT NOT NULL,\n"
	"	action TEXT NOT NULL,\n"
	"	detail TEXT NOT NULL,\n"
	"	outcome TEXT NOT NULL,\n"
	"	hash " DIGEST_CHECK("hash") "\n"
	") STRICT;\n"
	"CREATE INDEX audit_by_account ON audit (account, id);\n"
	"CREATE TRIGGER audit_keeps_rows BEFORE UPDATE ON audit BEGIN\n"
	"	SELECT RAISE(ABORT, 'the audit log is only appended to');\n"
	"END;\n"
	"CREATE TRIGGER audit_keeps_all BEFORE DELETE ON audit BEGIN\n"
	"	SELECT RAISE(ABORT, 'the audit log is only appended to');\n"
	"END;\n";
#define VERSION_2 \
	"ALTER TABLE accounts ADD COLUMN list_version INTEGER NOT NULL DEFAULT 0 CHECK (list_version >= 0);\n" \
	"CREATE TABLE entries_2 (\n" \
	"	" ACCOUNT_REFERENCE ",\n" \
	PREFIX_COLUMNS \
	"	since INTEGER NOT NULL CHECK (since >= 0),\n" \
	"	until INTEGER NOT NULL CHECK (until = 0 OR until > since),\n" \
	"	verdict TEXT NOT NULL CHECK (verdict IN ('allow', 'deny')),\n" \
	"	note TEXT NOT NULL CHECK (length(note) <= 256),\n" \
	"	created_by TEXT NOT NULL,\n" \
	"	created_at INTEGER NOT NULL,\n" \
	"	PRIMARY KEY (account_id, family, addr, len, since)\n" \
	") STRICT, WITHOUT ROWID;\n" \
	"INSERT INTO entries_2 SELECT account_id, family, addr, len, 0, 0, verdict, note, created_by, created_at\n" \
	"	FROM entries ORDER BY account_id, family, addr, len;\n" \
	"DROP TABLE entries;\n" \
	"ALTER TABLE entries_2 RENAME TO entries;\n" \
	"CREATE TABLE unswept (\n" \
	"	account_id INTEGER PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE\n" \
	") STRICT;\n"
#define VERSION_3 \
	"ALTER TABLE accounts ADD COLUMN disabled4 INTEGER NOT NULL DEFAULT 0 CHECK (disabled4 >= 0);\n" \
	"ALTER TABLE accounts ADD COLUMN disabled6 INTEGER NOT NULL DEFAULT 0 CHECK (disabled6 >= 0);\n" \
	"ALTER TABLE entries ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1));\n" \
	"ALTER TABLE entries ADD COLUMN expires INTEGER NOT NULL DEFAULT 0\n" \
	"	CHECK (expires BETWEEN 0 AND 4294967295);\n" \
	"CREATE INDEX entries_expiring ON entries (account_id, family, len) WHERE expires > 0 AND disabled = 0;\n" \
	"CREATE TABLE seen (\n" \
	"	" ACCOUNT_REFERENCE ",\n" \
	PREFIX_COLUMNS \
	"	time INTEGER NOT NULL,\n" \
	"	PRIMARY KEY (account_id, family, addr, len)\n" \
	") STRICT, WITHOUT ROWID;\n"
/*
 * Only what is in a list comes over: nothing names the versions before. SQLite makes a table for every check of
 * IN with more than two values, at each row, so those here are written out.
 */
#define HISTORY_4 \
	"CREATE TABLE entries_4 (\n" \
	"	" ACCOUNT_REFERENCE ",\n" \
	"	family INTEGER NOT NULL CHECK (family = 0 OR family = 4 OR family = 6),\n" \
	"	addr BLOB NOT NULL CHECK (length(addr) = iif(family = 4, 4, 16)),\n" \
	"	len INTEGER NOT NULL CHECK (len BETWEEN iif(family = 0, 128, 1) AND 8 * length(addr)),\n" \
	"	since INTEGER NOT NULL CHECK (since >= 0),\n" \
	"	until INTEGER NOT NULL CHECK (until = 0 OR until > since),\n" \
	"	verdict TEXT NOT NULL CHECK (verdict IN ('allow', 'deny')),\n" \
	"	note TEXT NOT NULL CHECK (length(note) <= 256),\n" \
	"	created_by TEXT NOT NULL,\n" \
	"	created_at INTEGER NOT NULL,\n" \
	"	disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),\n" \
	"	expires INTEGER NOT NULL DEFAULT 0 CHECK (expires BETWEEN 0 AND 4294967295),\n" \
	"	list TEXT NOT NULL DEFAULT '' CHECK (length(list) <= 63 AND (family = 0) = (list <> '')),\n" \
	"	PRIMARY KEY (account_id, family, addr, len, since)\n" \
	") STRICT, WITHOUT ROWID;\n" \
	"INSERT INTO entries_4 SELECT e.account_id, e.family, e.addr, e.len, e.since, 0, e.verdict, e.note,\n" \
	"	e.created_by, e.created_at, e.disabled, e.expires, ''\n" \
	"	FROM accounts AS a CROSS JOIN entries AS e ON e.account_id = a.id WHERE e.since <= a.list_version\n" \
	"	AND (e.until = 0 OR e.until > a.list_version)\n" \
	"	ORDER BY e.account_id, e.family, e.addr, e.len;\n" \
	"DROP TABLE entries;\n" \
	"ALTER TABLE entries_4 RENAME TO entries;\n" \
	"CREATE INDEX entries_expiring ON entries (account_id, family, len, until)\n" \
	"	WHERE expires > 0 AND disabled = 0;\n" \
	"CREATE INDEX entries_ended ON entries (account_id, until) WHERE until > 0;\n" \
	"CREATE TABLE history (\n" \
	"	" ACCOUNT_REFERENCE ",\n" \
	"	generation INTEGER NOT NULL CHECK (generation >= 0),\n" \
	"	time INTEGER NOT NULL,\n" \
	"	user TEXT NOT NULL,\n" \
	"	action TEXT NOT NULL,\n" \
	"	list_version INTEGER NOT NULL CHECK (list_version >= 0),\n" \
	"	added INTEGER NOT NULL CHECK (added >= 0),\n" \
	"	removed INTEGER NOT NULL CHECK (removed >= 0),\n" \
	"	entries4 INTEGER NOT NULL CHECK (entries4 >= 0),\n" \
	"	entries6 INTEGER NOT NULL CHECK (entries6 >= 0),\n" \
	"	disabled4 INTEGER NOT NULL CHECK (disabled4 >= 0),\n" \
	"	disabled6 INTEGER NOT NULL CHECK (disabled6 >= 0),\n" \
	"	list_sum " DIGEST_CHECK("list_sum") ",\n" \
	"	mode TEXT NOT NULL CHECK (mode = 'enforce' OR mode = 'monitor' OR mode = 'off'),\n" \
	"	on_deny TEXT NOT NULL CHECK (length(on_deny) BETWEEN 1 AND 63),\n" \
	"	label TEXT NOT NULL CHECK (length(label) <= 256),\n" \
	"	pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1)),\n" \
	"	digest " DIGEST_CHECK("digest") ",\n" \
	"	PRIMARY KEY (account_id, generation)\n" \
	") STRICT, WITHOUT ROWID;\n"
#define PENDING_4 \
	"CREATE TABLE pending (\n" \
	"	subject TEXT NOT NULL CHECK (subject IN ('account', 'user', 'interface')),\n" \
	"	name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 63),\n" \
	"	action TEXT NOT NULL CHECK (length(action) > 0),\n" \
	"	user TEXT NOT NULL,\n" \
	"	admins INTEGER NOT NULL CHECK (admins IN (0, 1)),\n" \
	"	generation INTEGER NOT NULL CHECK (generation > 0),\n" \
	"	restores INTEGER NOT NULL CHECK (restores >= 0),\n" \
	"	made_at INTEGER NOT NULL,\n" \
	"	within INTEGER NOT NULL CHECK (within > 0),\n" \
	"	wall INTEGER NOT NULL,\n" \
	"	up INTEGER NOT NULL,\n" \
	"	boot TEXT NOT NULL,\n" \
	"	claims TEXT NOT NULL,\n" \
	"	inverse TEXT NOT NULL,\n" \
	"	PRIMARY KEY (subject, name)\n" \
	") STRICT, WITHOUT ROWID;\n"
/* The rows of old go to audit_3, which store_convert_audit() empties into the new table and drops. */
#define AUDIT_4 \
	"DROP TRIGGER audit_keeps_rows;\n" \
	"DROP TRIGGER audit_keeps_all;\n" \
	"DROP INDEX audit_by_account;\n" \
	"ALTER TABLE audit RENAME TO audit_3;\n" \
	"CREATE TABLE persons (\n" \
	"	id INTEGER PRIMARY KEY CHECK (id > 0),\n" \
	"	mac " DIGEST_CHECK("mac") ",\n" \
	"	last_row INTEGER NOT NULL CHECK (last_row >= 0),\n" \
	"	key BLOB CHECK (length(key) = 32),\n" \
	"	name TEXT CHECK (length(name) < 64),\n" \
	"	uid INTEGER CHECK (uid BETWEEN -1 AND 4294967294),\n" \
	"	CHECK ((key IS NULL) = (name IS NULL) AND (key IS NULL) = (uid IS NULL)),\n" \
	"	UNIQUE (name, uid)\n" \
	") STRICT;\n" \
	"CREATE TABLE audit (\n" \
	"	id INTEGER PRIMARY KEY CHECK (id > 0),\n" \
	"	time INTEGER NOT NULL,\n" \
	"	person INTEGER NOT NULL,\n" \
	"	delegate INTEGER NOT NULL,\n" \
	"	origin_mac " DIGEST_CHECK("origin_mac") ",\n" \
	"	account TEXT NOT NULL,\n" \
	"	action TEXT NOT NULL,\n" \
	"	detail TEXT NOT NULL,\n" \
	"	outcome TEXT NOT NULL,\n" \
	"	hash " DIGEST_CHECK("hash") "\n" \
	") STRICT;\n" \
	"CREATE INDEX audit_by_account ON audit (account, id);\n" \
	"CREATE INDEX audit_by_person ON audit (person, id);\n" \
	"CREATE TABLE audit_origins (\n" \
	"	id INTEGER PRIMARY KEY CHECK (id > 0),\n" \
	"	origin TEXT NOT NULL\n" \
	") STRICT;\n" \
	"CREATE TABLE audit_bounds (\n" \
	"	id INTEGER PRIMARY KEY CHECK (id = 1),\n" \
	"	pruned INTEGER NOT NULL CHECK (pruned >= 0),\n" \
	"	pruned_hash " DIGEST_CHECK("pruned_hash") ",\n" \
	"	forgotten INTEGER NOT NULL CHECK (forgotten >= 0),\n" \
	"	digest " DIGEST_CHECK("digest") "\n" \
	") STRICT;\n" \
	"CREATE TRIGGER audit_keeps_rows BEFORE UPDATE ON audit BEGIN\n" \
	"	SELECT RAISE(ABORT, 'the audit log is only appended to');\n" \
	"END;\n" \
	"CREATE TRIGGER audit_keeps_all BEFORE DELETE ON audit\n" \
	"	WHEN old.id > coalesce((SELECT pruned FROM audit_bounds), 0) BEGIN\n" \
	"	SELECT RAISE(ABORT, 'the audit log is only appended to');\n" \
	"END;\n"
#define TOKENS_4 \
	"CREATE TABLE tokens (\n" \
	"	id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 281474976710655),\n" \
	"	account_id INTEGER NOT NULL,\n" \
	"	user_id INTEGER NOT NULL,\n" \
	"	role TEXT NOT NULL CHECK (role IN ('viewer', 'admin')),\n" \
	"	hash " DIGEST_CHECK("hash") ",\n" \
	"	note TEXT NOT NULL CHECK (length(note) <= 256),\n" \
	"	created_by TEXT NOT NULL,\n" \
	"	created_at INTEGER NOT NULL,\n" \
	"	expires INTEGER NOT NULL CHECK (expires BETWEEN 0 AND 4294967295),\n" \
	"	last_used INTEGER NOT NULL DEFAULT 0,\n" \
	"	FOREIGN KEY (account_id, user_id) REFERENCES roles (account_id, user_id) ON DELETE CASCADE\n" \
	") STRICT;\n" \
	"CREATE INDEX tokens_by_role ON tokens (account_id, user_id);\n"
#define NAMED_LISTS_4 \
	"CREATE TABLE lists (\n" \
	"	id INTEGER PRIMARY KEY CHECK (id > 0),\n" \
	"	name TEXT NOT NULL UNIQUE " NAME_CHECK("name") ",\n" \
	"	entries INTEGER NOT NULL CHECK (entries >= 0),\n" \
	"	generation INTEGER NOT NULL CHECK (generation >= 0),\n" \
	"	created_at INTEGER NOT NULL,\n" \
	"	content " DIGEST_CHECK("content") "\n" \
	") STRICT;\n" \
	"CREATE TABLE list_entries (\n" \
	"	list_id INTEGER NOT NULL REFERENCES lists (id) ON DELETE CASCADE,\n" \
	PREFIX_COLUMNS \
	"	note TEXT NOT NULL CHECK (length(note) <= 256),\n" \
	"	created_by TEXT NOT NULL,\n" \
	"	created_at INTEGER NOT NULL,\n" \
	"	PRIMARY KEY (list_id, family, addr, len)\n" \
	") STRICT, WITHOUT ROWID;\n" \
	"CREATE INDEX entries_references ON entries (addr, account_id) WHERE family = 0;\n" \
	"ALTER TABLE accounts ADD COLUMN refs INTEGER NOT NULL DEFAULT 0 CHECK (refs >= 0);\n" \
	"ALTER TABLE accounts ADD COLUMN disabled_refs INTEGER NOT NULL DEFAULT 0\n" \
	"	CHECK (disabled_refs BETWEEN 0 AND refs);\n" \
	"ALTER TABLE history ADD COLUMN refs INTEGER NOT NULL DEFAULT 0 CHECK (refs >= 0);\n" \
	"ALTER TABLE history ADD COLUMN disabled_refs INTEGER NOT NULL DEFAULT 0\n" \
	"	CHECK (disabled_refs BETWEEN 0 AND refs);\n"
#define PANIC_4 \
	"CREATE TABLE panic (\n" \
	"	id INTEGER PRIMARY KEY CHECK (id = 1),\n" \
	"	since INTEGER NOT NULL,\n" \
	"	by TEXT NOT NULL CHECK (length(by) <= 63),\n" \
	"	reason TEXT NOT NULL CHECK (length(reason) BETWEEN 1 AND 256)\n" \
	") STRICT;\n"
#define VERSION_4 HISTORY_4 PENDING_4 NAMED_LISTS_4 TOKENS_4 AUDIT_4 PANIC_4
/* Tokens, lists and policies can wait too; what waits goes on to. */
#define PENDING_5 \
	"CREATE TABLE pending_5 (\n" \
	"	subject TEXT NOT NULL\n" \
	"		CHECK (subject IN ('account', 'user', 'interface', 'token', 'list', 'policy')),\n" \
	"	name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 63),\n" \
	"	action TEXT NOT NULL CHECK (length(action) > 0),\n" \
	"	user TEXT NOT NULL,\n" \
	"	admins INTEGER NOT NULL CHECK (admins IN (0, 1)),\n" \
	"	generation INTEGER NOT NULL CHECK (generation > 0),\n" \
	"	restores INTEGER NOT NULL CHECK (restores >= 0),\n" \
	"	made_at INTEGER NOT NULL,\n" \
	"	within INTEGER NOT NULL CHECK (within > 0),\n" \
	"	wall INTEGER NOT NULL,\n" \
	"	up INTEGER NOT NULL,\n" \
	"	boot TEXT NOT NULL,\n" \
	"	claims TEXT NOT NULL,\n" \
	"	inverse TEXT NOT NULL,\n" \
	"	PRIMARY KEY (subject, name)\n" \
	") STRICT, WITHOUT ROWID;\n" \
	"INSERT INTO pending_5 SELECT * FROM pending;\n" \
	"DROP TABLE pending;\n" \
	"ALTER TABLE pending_5 RENAME TO pending;\n"
#define VERSION_5 PENDING_5
static const char version_5[] = VERSION_5;
static const char version_5_from_3[] = VERSION_4 VERSION_5;
static const char version_5_from_2[] = VERSION_3 VERSION_4 VERSION_5;
static const char version_5_from_1[] = VERSION_2 VERSION_3 VERSION_4 VERSION_5;
/* clang-format on */

static int convert_from_1(struct store *store, struct ag_error *error)
{
	int r = store_convert_digests_1(store, error);

	return r < 0 ? r : store_convert_audit(store, error);
}

/* Version 2 too. */
static int convert_from_3(struct store *store, struct ag_error *error)
{
	int r = store_convert_digests_3(store, error);

	return r < 0 ? r : store_convert_audit(store, error);
}

/* What converts rows is written for the tables of now, so the way from version 1 is one step. */
const struct store_step store_steps[STORE_STEPS] = {
	{0, 1, version_1, NULL},
	{1, 5, version_5_from_1, convert_from_1},
	{2, 5, version_5_from_2, convert_from_3},
	{3, 5, version_5_from_3, convert_from_3},
	{4, 5, version_5, NULL},
};

static const struct store_step *step_from(const struct store_step *steps, size_t count, int64_t version)
{
	for (size_t i = 0; i < count; i++)
		if (steps[i].from == version)
			return &steps[i];
	return NULL;
}

static int run_step(struct store *store, const struct store_step *step, struct ag_error *error)
{
	char set_version[128];
	int r;

	(void)snprintf(set_version, sizeof(set_version),
		       "PRAGMA application_id = %d; PRAGMA user_version = %" PRId64, STORE_APPLICATION_ID,
		       step->to); /* fits */
	r = sql_exec(store, "BEGIN IMMEDIATE", error);
	if (!r)
		r = sql_exec(store, step->sql, error);
	if (!r && step->convert)
		r = step->convert(store, error);
	if (!r)
		r = sql_exec(store, set_version, error);
	if (!r)
		r = sql_exec(store, "COMMIT", error);
	if (r < 0 && !sqlite3_get_autocommit(store->db))
		(void)sql_exec(store, "ROLLBACK", NULL); /* closing does it too */
	if (r < 0)
		error_prepend(error, "migrating to version %" PRId64, step->to);
	return r;
}

int store_migrate(struct store *store, const struct store_step *steps, size_t count, struct ag_error *error)
{
	const struct store_step *step;
	int64_t version;
	int r = sql_pragma_number(store, "PRAGMA user_version", &version, error);

	while (!r && (step = step_from(steps, count, version))) {
		r = run_step(store, step, error);
		version = step->to;
	}
	return r;
}

/* Everything but the statistics that ANALYZE leaves behind. */
static int schema_digest(struct store *store, uint8_t out[DIGEST_SIZE], struct ag_error *error)
{
	static const char text[] = "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema "
				   "WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name";
	AUTO_FINALIZE sqlite3_stmt *stmt = NULL;
	struct digest digest;
	int r;

	if (sqlite3_prepare_v2(store->db, text, -1, &stmt, NULL))
		return store_fail(store, error);
	digest_init(&digest);
	while ((r = sql_step(store, stmt, error)) > 0)
		for (int i = 0; i < 4; i++)
			digest_text(&digest, (const char *)sqlite3_column_text(stmt, i));
	if (r < 0)
		return r;
	digest_finish(&digest, out);
	return 0;
}

/* What the steps make of an empty database: in memory, and gone at the end. */
static int expected_digest(uint8_t out[DIGEST_SIZE], struct ag_error *error)
{
	struct store reference = {.path = (char *)":memory:", .lock_fd = -1};
	int r;

	if (sqlite3_open_v2(":memory:", &reference.db, SQLITE_OPEN_READWRITE, NULL))
		r = store_fail(&reference, error);
	else
		r = store_migrate(&reference, store_steps, STORE_STEPS, error);
	if (!r)
		r = schema_digest(&reference, out, error);
	store_disconnect(&reference); /* nothing in it is kept */
	return r;
}

int store_schema_check(struct store *store, struct ag_error *error)
{
	uint8_t have[DIGEST_SIZE], want[DIGEST_SIZE];
	int r = schema_digest(store, have, error);

	if (!r)
		r = expected_digest(want, error);
	if (r < 0)
		return r;
	if (memcmp(have, want, DIGEST_SIZE) != 0)
		return store_damaged(store, error, "its tables are not those that allowgated made");
	return 0;
}
