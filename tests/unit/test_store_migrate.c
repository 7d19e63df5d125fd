// SPDX-License-Identifier: GPL-2.0-only
/* test_store_migrate.c - a store as version 2 or 3 left it: taken over whole, once, or not at all */
#include "userspace/io/store.h"

#include "tests/unit/store_fixture.h"

/*
 * Accounts acme (monitor, with a label, its list replaced once, the old row not yet swept) and beta (a deny
 * entry alone), each with a service; a user, a role, an interface, a row of audit. Written by that version.
 */
/* clang-format off */
static const char rows_2[] =
	"INSERT INTO meta VALUES(1,6988877151021425755,1,2,2,1,X'd9cc4a3031ebf210f067a9452a07108b"
	"e929105d104acf4bee8cf64a4c59b618',X'9a972a60d607ce6fc1a910eeacd87895765d95b88f050220bf1d"
	"af38997a4dcd',X'cb86eccb316be76b68e598032aded043461c2004cffde2839c5974457411c6b7',X'ebb8"
	"d57ad8815f9de9027b3669a6340b7040a2ad92eb341da2dfe6063bb02fe3',X'e2b046436ab4fca81e497300"
	"ea80c38b3b8190f45da3cb70b988f6700625f631');"
	"INSERT INTO accounts VALUES(1,0,'acme','Acme, Inc.','monitor','drop',1,2,1,X'fee7c9f34ae"
	"cd53bc7b1f6ad496b72f407dc6b952fb359939189aa7e6a7b907f',X'9f1e25b667d8bebe70996d96a947898"
	"22e161f65022b3ca9ef0fdf241c614d73',1);"
	"INSERT INTO accounts VALUES(2,1,'beta','','enforce','drop',1,1,0,X'6cc7dad2b249f569f6a26"
	"ff64674be9062267ceb0ebb24103de960c9be9a769c',X'05890fd6b1df70d1b1307d78059ff117584b8add8"
	"d2e3e895012701c851b00be',0);"
	"INSERT INTO services VALUES(4,X'c000020a',32,6,443,1);"
	"INSERT INTO services VALUES(6,X'20010db8000000000000000000000000',64,17,0,2);"
	"INSERT INTO users VALUES(1,'ada',1000,0,0);"
	"INSERT INTO roles VALUES(1,1,'admin');"
	"INSERT INTO interfaces VALUES('eth0','native');"
	"INSERT INTO audit VALUES(1,1700000000,'ada','',0,'unknown','acme','allow add','','done',"
	"X'd9cc4a3031ebf210f067a9452a07108be929105d104acf4bee8cf64a4c59b618');"
	"INSERT INTO entries VALUES(1,4,X'c6336409',32,0,1,'allow','office','ada',1700000000);"
	"INSERT INTO entries VALUES(1,4,X'cb007100',24,1,0,'allow','','',7);"
	"INSERT INTO entries VALUES(1,4,X'cb007107',32,1,0,'deny','','',7);"
	"INSERT INTO entries VALUES(1,6,X'20010db8000000000000000000000000',32,1,0,'allow','','',"
	"7);"
	"INSERT INTO entries VALUES(2,4,X'c633644d',32,0,0,'deny','office','ada',1700000000);"
	"INSERT INTO unswept VALUES(1);"
	"PRAGMA application_id = 1095192659; PRAGMA user_version = 2;";
/* clang-format on */

/* The tables of version 2 are those of 1 and the first part of the step that leads from there to 3. */
static void make_version_2(const struct fixture *f)
{
	char *sql = strdup(store_steps[1].sql), *end;

	assert_non_null(sql);
	end = strstr(sql, "ALTER TABLE accounts ADD COLUMN disabled4");
	assert_non_null(end);
	*end = '\0';
	shell("rm -f %s %s-wal %s-shm", f->path, f->path, f->path);
	raw(f->path, store_steps[0].sql);
	raw(f->path, sql);
	raw(f->path, rows_2);
	free(sql);
}

/* Version 3 brought columns and a table, and left every row and digest as it was. */
static void make_version_3(const struct fixture *f)
{
	char *sql = strdup(store_steps[2].sql), *end;

	assert_non_null(sql);
	end = strstr(sql, "CREATE TABLE entries_4");
	assert_non_null(end);
	*end = '\0';
	make_version_2(f);
	raw(f->path, sql);
	raw(f->path, "INSERT INTO seen VALUES (1, 4, X'cb007107', 32, 1700000060);"
		     "INSERT INTO entries VALUES (1, 4, X'0a000000', 8, 2, 0, 'allow', '', '', 7, 0, 0);"
		     "UPDATE entries SET until = 2 WHERE account_id = 1 AND len = 24;"
		     "PRAGMA user_version = 3");
	free(sql);
}

static void (*const makers[])(const struct fixture *f) = {make_version_2, make_version_3};

static void parse_hex(const char *hex, uint8_t out[DIGEST_SIZE])
{
	for (size_t i = 0; i < DIGEST_SIZE; i++)
		assert_int_equal(sscanf(hex + 2 * i, "%2hhx", &out[i]), 1);
}

static void run_bound(const struct fixture *f, const char *sql, const struct store_audit *row,
		      const uint8_t *hash)
{
	const char *texts[] = {row->user,   row->delegate, row->origin, row->account,
			       row->action, row->detail,   row->outcome};
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	sqlite3_bind_int64(stmt, 1, row->id);
	sqlite3_bind_blob(stmt, 2, hash, DIGEST_SIZE, SQLITE_STATIC);
	for (int i = 0; i < (int)COUNT(texts) && sqlite3_bind_parameter_count(stmt) > 4; i++)
		sqlite3_bind_text(stmt, 5 + i, texts[i] ? texts[i] : "", -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 3, row->time);
	sqlite3_bind_int64(stmt, 4, row->uid);
	assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

/* The digest of version 1 to 3, names and addresses included. */
static void add_old_row(const struct fixture *f, const struct store_audit *row, uint8_t hash[DIGEST_SIZE])
{
	struct digest digest;

	digest_init(&digest);
	digest_bytes(&digest, hash, DIGEST_SIZE);
	digest_number(&digest, row->id);
	digest_number(&digest, row->time);
	digest_text(&digest, row->user);
	digest_text(&digest, row->delegate);
	digest_number(&digest, row->uid);
	digest_text(&digest, row->origin);
	digest_text(&digest, row->account);
	digest_text(&digest, row->action);
	digest_text(&digest, row->detail);
	digest_text(&digest, row->outcome);
	digest_finish(&digest, hash);
	run_bound(f,
		  "INSERT INTO audit (id, hash, time, uid, user, delegate, origin, account, action, detail, "
		  "outcome) "
		  "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		  row, hash);
}

static int64_t count_sql(const struct fixture *f, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;
	int64_t count;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	count = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return count;
}

static void digest_blob(const struct fixture *f, struct digest *digest, const char *column)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;
	char sql[64];

	snprintf(sql, sizeof(sql), "SELECT %s FROM meta", column);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	digest_bytes(digest, sqlite3_column_blob(stmt, 0), DIGEST_SIZE);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

/* The row of meta with so many rows of audit, and their last hash. */
static void set_old_meta(const struct fixture *f, int64_t count, const uint8_t hash[DIGEST_SIZE])
{
	static const char *const numbers[] = {"SELECT store_id FROM meta", "SELECT generation FROM meta",
					      "SELECT accounts FROM meta", "SELECT services FROM meta"};
	const struct store_audit row = {.id = count};
	struct digest digest;
	uint8_t out[DIGEST_SIZE];

	digest_init(&digest);
	digest_text(&digest, "meta");
	for (size_t i = 0; i < COUNT(numbers); i++)
		digest_number(&digest, count_sql(f, numbers[i]));
	digest_number(&digest, count);
	digest_bytes(&digest, hash, DIGEST_SIZE);
	digest_blob(f, &digest, "account_sum");
	digest_blob(f, &digest, "service_sum");
	digest_blob(f, &digest, "people_sum");
	digest_finish(&digest, out);
	run_bound(f, "UPDATE meta SET audit_rows = ?1, audit_hash = ?2 WHERE ?3 = ?4", &row, hash);
	run_bound(f, "UPDATE meta SET audit_rows = ?1, digest = ?2 WHERE ?3 = ?4", &row, out);
}

static const char keeping_triggers[] = "CREATE TRIGGER audit_keeps_rows BEFORE UPDATE ON audit BEGIN\n"
				       "	SELECT RAISE(ABORT, 'the audit log is only appended to');\n"
				       "END;\n"
				       "CREATE TRIGGER audit_keeps_all BEFORE DELETE ON audit BEGIN\n"
				       "	SELECT RAISE(ABORT, 'the audit log is only appended to');\n"
				       "END;\n";

static void assert_all_is_there(struct fixture *f)
{
	struct account acme = find_account(f, "acme"), beta = find_account(f, "beta");
	struct store_user user;
	enum role role;
	uint64_t id, generation, count = 0;

	assert_list(f, acme.id, "203.0.113.0/24 203.0.113.7/32 2001:db8::/32");
	assert_list(f, beta.id, "198.51.100.77/32");
	assert_string_equal(acme.label, "Acme, Inc.");
	assert_int_equal(acme.mode, AG_MODE_MONITOR);
	assert_int_equal(acme.entries4, 2);
	assert_int_equal(acme.entries6, 1);
	assert_int_equal(acme.disabled4 + acme.disabled6, 0);
	assert_int_equal(account_enabled(&beta), 1);
	account_clear(&acme);
	account_clear(&beta);
	assert_ok(f, store_user_find(f->store, "ada", &user, &f->error));
	assert_ok(f, store_role_of(f->store, acme.id, "ada", &role, &f->error));
	assert_int_equal(role, ROLE_ADMIN);
	assert_ok(f, store_identity(f->store, &id, &generation, &f->error));
	assert_int_equal(generation, 1);
	assert_ok(f, store_audit_verify(f->store, &count, &f->error));
	assert_int_equal(count, 2); /* the last one states the head of the old chain */
}

static void test_entries_stay_as_they_were(void **state)
{
	struct fixture *f = *state;
	struct list list = {0};
	int64_t seen = -1;

	make_version_2(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_ok(f, store_list(f->store, 1, &list, &f->error));
	for (size_t i = 0; i < list.count; i++) {
		assert_false(list.entries[i].disabled);
		assert_int_equal(list.entries[i].expires, 0);
		assert_int_equal(list.entries[i].created_at, 7);
		assert_ok(f, store_seen_get(f->store, 1, &list.entries[i].prefix, &seen, &f->error));
		assert_int_equal(seen, 0);
	}
	assert_int_equal(list.entries[1].verdict, AG_ENTRY_DENY);
	list_clear(&list);
}

static void test_taken_over_once(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < 2 * COUNT(makers); i++) {
		if (i % 2 == 0)
			makers[i / 2](f);
		assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
		assert_all_is_there(f);
		assert_int_equal(rows(f),
				 4); /* what no list had, and what an import has left, stays behind */
		sweep_all(f);
		assert_int_equal(rows(f), 4);
		assert_all_is_there(f);
		fixture_close(f);
	}
}

/* What it held is the first generation that can be gone back to. */
static void test_history_begins(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(makers); i++) {
		struct store_history *history = NULL;
		struct list list = {0};
		struct prefix prefix = prefix_from("203.0.113.0/24");
		int64_t seen = -1;
		size_t count = 0;

		makers[i](f);
		assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
		assert_ok(f, store_begin(f->store, &f->error));
		assert_ok(f, store_entry_remove(f->store, 1, &prefix, &f->error));
		assert_ok(f, store_commit(f->store, &f->error));
		assert_ok(f, store_history(f->store, 1, 0, 10, &history, &count, &f->error));
		assert_int_equal(count, 1);
		assert_string_equal(history[0].action, "upgrade");
		assert_string_equal(history[0].account.label, "Acme, Inc.");
		assert_ok(f, store_list_at(f->store, 1, history[0].account.generation, &list, &f->error));
		assert_int_equal(list.count, 3);
		list_clear(&list);
		store_history_free(history, count);
		prefix = prefix_from("203.0.113.7");
		assert_ok(f, store_seen_get(f->store, 1, &prefix, &seen, &f->error));
		assert_int_equal(seen, i ? 1700000060 : 0);
		fixture_close(f);
	}
}

/* Further rows of version 2, chained as that version did. */
static void add_old_rows(const struct fixture *f)
{
	static const struct store_audit added[] = {
		{.id = 2,
		 .time = 1700000001,
		 .user = (char *)"ada",
		 .uid = 1000,
		 .origin = (char *)"203.0.113.7",
		 .action = (char *)"user add",
		 .detail = (char *)"gone uid=1007 operator",
		 .outcome = (char *)"done"},
		{.id = 3,
		 .time = 1700000002,
		 .user = (char *)"ada",
		 .delegate = (char *)"webapp",
		 .uid = 33,
		 .origin = (char *)"203.0.113.7",
		 .account = (char *)"acme",
		 .action = (char *)"allow add",
		 .detail = (char *)"+203.0.113.7/32",
		 .outcome = (char *)"done"},
		{.id = 4,
		 .time = 1700000003,
		 .user = (char *)"",
		 .uid = 1009,
		 .origin = (char *)"unknown",
		 .action = (char *)"user remove",
		 .detail = (char *)"uid 1009 may not remove user 'gone'",
		 .outcome = (char *)"forbidden"},
	};
	uint8_t hash[DIGEST_SIZE];

	parse_hex("d9cc4a3031ebf210f067a9452a07108be929105d104acf4bee8cf64a4c59b618", hash);
	for (size_t i = 0; i < COUNT(added); i++)
		add_old_row(f, &added[i], hash);
	set_old_meta(f, (int64_t)COUNT(added) + 1, hash);
}

static const char *const old_texts[] = {"gone uid=1007 operator", "+203.0.113.7/32",
					"uid 1009 may not remove user 'gone'"};

static void read_log(struct fixture *f, struct store_audit **rows, size_t *count)
{
	const struct store_audit_filter all = {.since = INT64_MIN, .until = INT64_MAX, .limit = 100};

	assert_ok(f, store_audit_read(f->store, &all, rows, count, &f->error));
}

static void test_audit_is_chained_anew(void **state)
{
	struct fixture *f = *state;
	struct store_audit *rows = NULL;
	size_t count = 0;
	uint64_t verified = 0;

	make_version_2(f);
	add_old_rows(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_ok(f, store_audit_verify(f->store, &verified, &f->error));
	assert_int_equal(verified, 5);
	read_log(f, &rows, &count);
	assert_int_equal(count, 5);
	for (size_t i = 0; i < COUNT(old_texts); i++)
		assert_string_equal(rows[i + 1].detail, old_texts[i]);
	assert_string_equal(rows[1].user, "ada");
	assert_string_equal(rows[2].delegate, "webapp");
	assert_int_equal(rows[2].uid, 33);
	assert_string_equal(rows[2].origin, "203.0.113.7");
	assert_string_equal(rows[3].user, "");
	assert_int_equal(rows[3].uid, 1009);
	assert_string_equal(rows[3].origin, "unknown");
	assert_string_equal(rows[4].action, "audit migrate");
	assert_string_equal(rows[4].outcome, "done");
	assert_non_null(
		strstr(rows[4].detail, "rows 1 to 4 were chained anew; the head of their old chain was "));
	assert_int_equal(strlen(strrchr(rows[4].detail, ' ') + 1), 64);
	store_audit_free(rows, count);
	fixture_close(f);
	/* In the chain there is none of it. */
	assert_int_equal(
		count_sql(f, "SELECT count(*) FROM audit WHERE detail GLOB '*ada*' OR detail GLOB '*gone*' "
			     "OR detail GLOB '*203.0.113.7*' OR detail GLOB '*1007*' OR detail GLOB "
			     "'*1009*'"),
		0);
	assert_int_equal(count_sql(f, "SELECT count(*) FROM sqlite_schema WHERE name = 'audit_3'"), 0);
}

/* A log that was changed, or cut off, stays so: the migration makes nothing right. */
static void test_broken_audit_stays_broken(void **state)
{
	static const struct {
		const char *sql;
		const char *says;
		const char *stated;
	} breaks[] = {
		{"UPDATE audit SET detail = 'other' WHERE id = 2", "audit row 2", "broken before at row 2 "},
		{"UPDATE audit SET user = 'eve' WHERE id = 3", "audit row 3", "broken before at row 3 "},
		{"UPDATE audit SET hash = zeroblob(32) WHERE id = 1", "audit row 1",
		 "broken before at row 1 "},
		{"DELETE FROM audit WHERE id = 2", "audit row 2", "broken before at row 3 "},
		{"DELETE FROM audit WHERE id = 4", "audit row 4", "broken before at row 4 "},
		{"DELETE FROM audit", "audit row 1", "broken before at row 1 "},
		{"INSERT INTO audit SELECT 5, time, user, delegate, uid, origin, account, action, detail, "
		 "outcome, "
		 "hash FROM audit WHERE id = 4",
		 "audit row 5", "broken before at row 5 "},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(breaks); i++) {
		struct store_audit *rows = NULL;
		size_t count = 0;
		uint64_t verified;

		make_version_2(f);
		add_old_rows(f);
		raw(f->path, "DROP TRIGGER audit_keeps_rows; DROP TRIGGER audit_keeps_all");
		raw(f->path, breaks[i].sql);
		raw(f->path, keeping_triggers);
		assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
		assert_error(f, store_audit_verify(f->store, &verified, &f->error), ERROR_STORE,
			     breaks[i].says);
		read_log(f, &rows, &count);
		assert_string_equal(rows[count - 1].outcome, "store");
		assert_non_null(strstr(rows[count - 1].detail, breaks[i].stated));
		store_audit_free(rows, count);
		fixture_close(f);
	}
}

/* It is a store like any other afterwards. */
static void test_edited_afterwards(void **state)
{
	struct fixture *f = *state;
	struct entry entry = {.prefix = prefix_from("203.0.113.7"), .disabled = true, .expires = 1900000000};
	struct account acme;

	make_version_2(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_entry_set(f->store, 1, &entry, &f->error));
	assert_ok(f, add_entry(f, 1, "198.51.100.9", AG_ENTRY_ALLOW));
	assert_ok(f, store_commit(f->store, &f->error));
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_list(f, 1, "198.51.100.9/32 203.0.113.0/24 203.0.113.7/32 2001:db8::/32");
	acme = find_account(f, "acme");
	assert_int_equal(account_enabled(&acme), 3);
	account_clear(&acme);
}

/* Damage is not made right by it, and the file is left as it was. */
static void test_damaged(void **state)
{
	static const char *const damage[] = {"UPDATE accounts SET mode = 'off' WHERE id = 1",
					     "DELETE FROM meta",
					     "UPDATE services SET port = 1",
					     "UPDATE users SET operator = 1",
					     "DROP TABLE unswept",
					     "UPDATE entries SET verdict = 'allow' WHERE account_id = 2",
					     "UPDATE entries SET created_by = 'bob' WHERE account_id = 2"};
	struct fixture *f = *state;

	for (size_t i = 0; i < 2 * COUNT(damage); i++) {
		makers[i % 2](f);
		raw(f->path, damage[i / 2]);
		assert_error(f, fixture_open(f, STORE_MUST_EXIST), ERROR_STORE, "");
	}
}

#define MIGRATE_TEST(name) cmocka_unit_test_setup_teardown(name, setup_dir, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MIGRATE_TEST(test_entries_stay_as_they_were),
		MIGRATE_TEST(test_taken_over_once),
		MIGRATE_TEST(test_history_begins),
		MIGRATE_TEST(test_edited_afterwards),
		MIGRATE_TEST(test_damaged),

		MIGRATE_TEST(test_entries_stay_as_they_were),
		MIGRATE_TEST(test_taken_over_once),
		MIGRATE_TEST(test_edited_afterwards),
		MIGRATE_TEST(test_damaged),
		MIGRATE_TEST(test_audit_is_chained_anew),
		MIGRATE_TEST(test_broken_audit_stays_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
