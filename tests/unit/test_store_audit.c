// SPDX-License-Identifier: GPL-2.0-only
/* test_store_audit.c - the audit log: read back, only appended to, and every change of it found out */
#include "userspace/io/store.h"

#include "tests/unit/store_fixture.h"

static void add_audit(struct fixture *f, const char *detail)
{
	struct store_audit row = {.time = 100,
				  .user = (char *)"ada",
				  .origin = (char *)"unknown",
				  .account = (char *)"acme",
				  .action = (char *)"allow add",
				  .detail = (char *)detail,
				  .outcome = (char *)"done"};

	assert_ok(f, store_audit_add(f->store, &row, &f->error));
}

/* Four rows. */
static int setup_log(void **state)
{
	char text[32];

	setup_store(state);
	for (int i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "change %d", i);
		add_audit(*state, text);
	}
	return 0;
}

static void test_audit(void **state)
{
	struct fixture *f = *state;
	struct store_audit row = {.id = 77,
				  .time = 100,
				  .user = (char *)"ada",
				  .delegate = (char *)"webapp",
				  .uid = 33,
				  .origin = (char *)"203.0.113.7",
				  .account = (char *)"acme",
				  .action = (char *)"allow add",
				  .detail = (char *)"203.0.113.0/24, --force",
				  .outcome = (char *)"done"};
	struct store_audit *rows;
	uint64_t verified = 0;
	size_t count = 0;

	assert_ok(f, store_audit_add(f->store, &row, &f->error));
	row.time = 200;
	row.account = NULL;
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_audit_add(f->store, &row, &f->error));
	row.time = 300;
	row.account = (char *)"acme";
	row.outcome = (char *)"forbidden";
	assert_ok(f, store_audit_add(f->store, &row, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_ok(f, store_audit_verify(f->store, &verified, &f->error));
	assert_int_equal(verified, 3);

	assert_ok(f, store_audit_read(f->store, NULL, 0, 0, 100, &rows, &count, &f->error));
	assert_int_equal(count, 3);
	assert_int_equal(rows[0].id, 1);
	assert_int_equal(rows[2].id, 3);
	assert_string_equal(rows[0].user, "ada");
	assert_string_equal(rows[0].delegate, "webapp");
	assert_int_equal(rows[0].uid, 33);
	assert_string_equal(rows[0].origin, "203.0.113.7");
	assert_string_equal(rows[0].action, "allow add");
	assert_string_equal(rows[0].detail, "203.0.113.0/24, --force");
	assert_string_equal(rows[1].account, "");
	assert_string_equal(rows[2].outcome, "forbidden");
	store_audit_free(rows, count);
	assert_ok(f, store_audit_read(f->store, "acme", 0, 0, 100, &rows, &count, &f->error));
	assert_int_equal(count, 2);
	store_audit_free(rows, count);
	assert_ok(f, store_audit_read(f->store, "acme", 1, 0, 100, &rows, &count, &f->error));
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].id, 3);
	store_audit_free(rows, count);
	assert_ok(f, store_audit_read(f->store, NULL, 0, 200, 1, &rows, &count, &f->error));
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].id, 2);
	store_audit_free(rows, count);
	assert_ok(f, store_audit_read(f->store, "acme", 0, 0, 1, &rows, &count, &f->error));
	assert_int_equal(count, 1);
	store_audit_free(rows, count);
	assert_ok(f, store_audit_read(f->store, "beta", 0, 0, SIZE_MAX, &rows, &count, &f->error));
	assert_int_equal(count, 0);
	store_audit_free(rows, count);
}

static void test_audit_is_only_appended_to(void **state)
{
	struct fixture *f = *state;
	char *message = NULL;
	uint64_t rows = 0;
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_not_equal(sqlite3_exec(db, "UPDATE audit SET user = 'x'", NULL, NULL, &message),
			     SQLITE_OK);
	assert_non_null(strstr(message, "only appended to"));
	sqlite3_free(message);
	assert_int_not_equal(sqlite3_exec(db, "DELETE FROM audit WHERE id = 1", NULL, NULL, &message),
			     SQLITE_OK);
	assert_non_null(strstr(message, "only appended to"));
	sqlite3_free(message);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_ok(f, store_audit_verify(f->store, &rows, &f->error));
	assert_int_equal(rows, 4);
}

static const struct {
	const char *sql;
	const char *says;
	uint64_t rows;
} chain_breaks[] = {
	{"UPDATE audit SET user = 'eve' WHERE id = 2", "audit row 2", 1},
	{"UPDATE audit SET delegate = 'eve' WHERE id = 2", "audit row 2", 1},
	{"UPDATE audit SET uid = 5 WHERE id = 2", "audit row 2", 1},
	{"UPDATE audit SET time = 5 WHERE id = 2", "audit row 2", 1},
	{"UPDATE audit SET origin = '' WHERE id = 2", "audit row 2", 1},
	{"UPDATE audit SET account = 'beta' WHERE id = 2", "audit row 2", 1},
	{"UPDATE audit SET action = '' WHERE id = 2", "audit row 2", 1},
	{"UPDATE audit SET detail = '' WHERE id = 2", "audit row 2", 1},
	{"UPDATE audit SET outcome = 'x' WHERE id = 2", "audit row 2", 1},
	{"UPDATE audit SET hash = zeroblob(32) WHERE id = 4", "audit row 4", 3},
	{"DELETE FROM audit WHERE id = 1", "audit row 1", 0},
	{"DELETE FROM audit WHERE id = 3", "audit row 3", 2},
	{"DELETE FROM audit WHERE id = 3; UPDATE audit SET id = 3 WHERE id = 4", "audit row 3", 2},
	{"DELETE FROM audit WHERE id = 4", "ends at row 3, but 4 were written", 3},
	{"DELETE FROM audit", "ends at row 0, but 4 were written", 0},
	{"INSERT INTO audit SELECT 5, time, user, delegate, uid, origin, account, action, detail, outcome, "
	 "hash "
	 "FROM audit WHERE id = 4",
	 "audit row 5", 4},
	{"UPDATE audit SET id = 9 WHERE id = 2; UPDATE audit SET id = 2 WHERE id = 3; "
	 "UPDATE audit SET id = 3 WHERE id = 9",
	 "audit row 2", 1},
};

static void test_audit_chain(void **state)
{
	static const char drop[] = "DROP TRIGGER audit_keeps_rows; DROP TRIGGER audit_keeps_all";
	struct fixture *f = *state;
	uint64_t rows = 0;

	raw(f->path, drop);
	raw(f->path, "CREATE TABLE kept AS SELECT * FROM audit");
	for (size_t i = 0; i < COUNT(chain_breaks); i++) {
		raw(f->path, chain_breaks[i].sql);
		assert_error(f, store_audit_verify(f->store, &rows, &f->error), ERROR_STORE,
			     chain_breaks[i].says);
		assert_int_equal(rows, chain_breaks[i].rows);
		raw(f->path, "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept");
	}
	assert_ok(f, store_audit_verify(f->store, &rows, &f->error));
	assert_int_equal(rows, 4);
}

static void read_hash(const char *path, uint8_t hash[DIGEST_SIZE])
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT hash FROM audit WHERE id = 5", -1, &stmt, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_int_equal(sqlite3_column_bytes(stmt, 0), DIGEST_SIZE);
	memcpy(hash, sqlite3_column_blob(stmt, 0), DIGEST_SIZE);
	assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The same row behind another one has another hash: who changes a row has to change all that follow. */
static void test_audit_hash_goes_on(void **state)
{
	static const char *const details[] = {"first", "other"};
	uint8_t hashes[COUNT(details)][DIGEST_SIZE];

	for (size_t i = 0; i < COUNT(details); i++) {
		struct fixture *f;

		setup_store((void **)&f);
		for (int row = 1; row <= 5; row++)
			add_audit(f, row == 1 ? details[i] : "same");
		read_hash(f->path, hashes[i]);
		teardown((void **)&f);
	}
	assert_memory_not_equal(hashes[0], hashes[1], DIGEST_SIZE);
	(void)state;
}

/* The hash does not depend on where one field ends and the next begins only by accident. */
static void test_audit_fields_are_apart(void **state)
{
	struct fixture *f = *state;
	uint64_t rows;

	raw(f->path, "DROP TRIGGER audit_keeps_rows");
	raw(f->path, "UPDATE audit SET action = 'allow ', detail = 'add' || detail WHERE id = 2");
	assert_error(f, store_audit_verify(f->store, &rows, &f->error), ERROR_STORE, "audit row 2");
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, setup_log, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_audit_is_only_appended_to),
		LOG_TEST(test_audit_chain),
		LOG_TEST(test_audit_hash_goes_on),
		LOG_TEST(test_audit_fields_are_apart),
		cmocka_unit_test_setup_teardown(test_audit, setup_store, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
