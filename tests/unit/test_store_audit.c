// SPDX-License-Identifier: GPL-2.0-only
/* test_store_audit.c - the audit log: read back, only appended to, and every change of it found out */
#include "userspace/io/store.h"

#include "tests/unit/store_fixture.h"
#include "userspace/io/store_audit.h"

static void add_audit(struct fixture *f, const char *detail)
{
	struct store_audit row = {.time = 100,
				  .user = (char *)"ada",
				  .origin = (char *)"203.0.113.7",
				  .account = (char *)"acme",
				  .action = (char *)"allow add",
				  .detail = (char *)detail,
				  .outcome = (char *)"done"};

	assert_ok(f, store_audit_add(f->store, &row, &f->error));
}

/* Zeros are no bounds. */
static void read_rows(struct fixture *f, const struct store_audit_filter *asked, struct store_audit **rows,
		      size_t *count)
{
	struct store_audit_filter filter = *asked;

	if (!filter.until)
		filter.until = INT64_MAX;
	if (!filter.limit)
		filter.limit = 100;
	*count = 0;
	assert_ok(f, store_audit_read(f->store, &filter, rows, count, &f->error));
}

static void assert_ids(struct fixture *f, const struct store_audit_filter *filter, const char *ids)
{
	struct store_audit *rows;
	char text[64] = "";
	size_t count;

	read_rows(f, filter, &rows, &count);
	for (size_t i = 0; i < count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%" PRId64 " ", rows[i].id);
	assert_string_equal(text, ids);
	store_audit_free(rows, count);
}

/* The detail of that row as it stands in the table. */
static void assert_stored(struct fixture *f, int64_t id, const char *detail)
{
	sqlite3_stmt *stmt = NULL;

	assert_int_equal(
		sqlite3_prepare_v2(f->store->db, "SELECT detail FROM audit WHERE id = ?", -1, &stmt, NULL),
		SQLITE_OK);
	sqlite3_bind_int64(stmt, 1, id);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(stmt, 0), detail);
	sqlite3_finalize(stmt);
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

	read_rows(f, &(struct store_audit_filter){0}, &rows, &count);
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
	assert_ids(f, &(struct store_audit_filter){.account = "acme"}, "1 3 ");
	assert_ids(f, &(struct store_audit_filter){.account = "acme", .after = 1}, "3 ");
	assert_ids(f, &(struct store_audit_filter){.since = 200, .limit = 1}, "2 ");
	assert_ids(f, &(struct store_audit_filter){.until = 300}, "1 2 ");
	assert_ids(f, &(struct store_audit_filter){.account = "acme", .limit = 1}, "1 ");
	assert_ids(f, &(struct store_audit_filter){.account = "beta"}, "");
}

/* By name (with whatever uid), by uid alone, and by the number of an erased one. */
static void test_audit_of_user(void **state)
{
	static const struct {
		const char *user;
		int64_t uid;
		const char *account;
	} acts[] = {{"ada", 1000, "acme"}, {"bob", 1001, "acme"}, {"", 1002, "acme"},
		    {"ada", 1000, "beta"}, {"ada", 2000, "acme"}, {"", 1003, "acme"}};
	struct fixture *f = *state;
	struct store_audit row = {.time = 100, .action = (char *)"allow add", .outcome = (char *)"done"};

	for (size_t i = 0; i < COUNT(acts); i++) {
		row.user = (char *)acts[i].user;
		row.uid = acts[i].uid;
		row.account = (char *)acts[i].account;
		assert_ok(f, store_audit_add(f->store, &row, &f->error));
	}
	assert_ids(f, &(struct store_audit_filter){.user = "ada"}, "1 4 5 ");
	assert_ids(f, &(struct store_audit_filter){.user = "ada", .account = "acme"}, "1 5 ");
	assert_ids(f, &(struct store_audit_filter){.user = "ada", .after = 1, .limit = 1}, "4 ");
	assert_ids(f, &(struct store_audit_filter){.user = "bob"}, "2 ");
	assert_ids(f, &(struct store_audit_filter){.user = "bob", .account = "acme"}, "2 ");
	assert_ids(f, &(struct store_audit_filter){.user = "bob", .account = "beta"}, "");
	assert_ids(f, &(struct store_audit_filter){.user = "uid:1002"}, "3 ");
	assert_ids(f, &(struct store_audit_filter){.user = "uid:1000"}, ""); /* she has a name */
	assert_ids(f, &(struct store_audit_filter){.user = "erased#9"}, "");
	assert_ids(f, &(struct store_audit_filter){.user = "eve"}, "");
	assert_ids(f, &(struct store_audit_filter){.user = ""}, "");
}

/* Who is vouched for, and who came over TCP, has the number of the user of that name. */
static void test_one_person_however_they_come(void **state)
{
	struct fixture *f = *state;
	struct store_audit row = {.action = (char *)"x", .outcome = (char *)"done", .user = (char *)"ada"};
	int64_t numbers[4];

	assert_ok(f, store_begin(f->store, &f->error));
	add_user(f, "ada", 1000);
	assert_ok(f, store_commit(f->store, &f->error));
	row.uid = 1000;
	assert_ok(f, store_audit_add(f->store, &row, &f->error));
	row.uid = -1;
	assert_ok(f, store_audit_add(f->store, &row, &f->error));
	row.uid = 33;
	row.delegate = (char *)"webapp";
	assert_ok(f, store_audit_add(f->store, &row, &f->error));
	row = (struct store_audit){.uid = -1, .action = (char *)"x", .outcome = (char *)"done"};
	assert_ok(f, store_audit_add(f->store, &row, &f->error));
	for (int i = 0; i < 4; i++) {
		struct store_audit *rows;
		size_t count;

		read_rows(f, &(struct store_audit_filter){.after = i, .limit = 1}, &rows, &count);
		assert_int_equal(count, 1);
		numbers[i] = rows[0].person;
		if (i == 2)
			assert_int_equal(rows[0].uid, 33);
		store_audit_free(rows, count);
	}
	assert_int_equal(numbers[0], numbers[1]);
	assert_int_equal(numbers[0], numbers[2]);
	assert_int_equal(numbers[3], 0);
}

/* What is written, and what of it may stand in the chain: ada (1, uid 1000), bob (2), eve's uid 1003 alone
 * (3). */
static const struct {
	const char *detail;
	const char *stored;
} references[] = {
	{"", ""},
	{"ada", "{user#1}"},
	{"ada uid=1000 operator", "{user#1} uid={uid#1} operator"},
	{"uid 1003 is no user here", "uid {uid#3} is no user here"},
	{"uid 10030 and uid=77", "uid 10030 and uid=77"},
	{"there is no user 'ada'.", "there is no user '{user#1}'."},
	{"of ada. ada, ada-b adab Ada bada", "of {user#1}. {user#1}, ada-b adab Ada bada"},
	{"--force ada bob admin", "--force {user#1} {user#2} admin"},
	{"+203.0.113.7/32 +203.0.113.77/32 +1203.0.113.7/32",
	 "+{origin}/32 +203.0.113.77/32 +1203.0.113.7/32"},
	{"your address 203.0.113.7. 203.0.113.7.", "your address {origin}. {origin}."},
	{"{user#2} {{x} {origin", "{{user#2} {{{{x} {{origin"},
	{"note=\"caf\xc3\xa9 ada\xc3\xa9\"", "note=\"caf\xc3\xa9 {user#1}\xc3\xa9\""},
	{"user 'Nobody' user ''", "user 'Nobody' user ''"},
};

static void test_details_refer(void **state)
{
	struct fixture *f = *state;
	struct store_audit row = {.user = (char *)"ada",
				  .uid = 1000,
				  .origin = (char *)"203.0.113.7",
				  .action = (char *)"x",
				  .outcome = (char *)"done"};

	assert_ok(f, store_begin(f->store, &f->error));
	add_user(f, "ada", 1000);
	add_user(f, "bob", -1);
	assert_ok(f, store_commit(f->store, &f->error));
	row.user = (char *)"";
	row.uid = 1003;
	row.detail = (char *)"";
	assert_ok(f, store_audit_add(f->store, &row, &f->error));
	for (size_t i = 0; i < COUNT(references); i++) {
		struct store_audit *rows;
		size_t count;

		row.detail = (char *)references[i].detail;
		assert_ok(f, store_audit_add(f->store, &row, &f->error));
		read_rows(f, &(struct store_audit_filter){.after = (int64_t)i + 1}, &rows, &count);
		assert_int_equal(count, 1);
		assert_string_equal(rows[0].detail, references[i].detail);
		store_audit_free(rows, count);
		assert_stored(f, (int64_t)i + 2, references[i].stored);
	}
	/* Whoever is named as a user is one, whether they are here or not. */
	row.detail = (char *)"there is no user 'carol'";
	assert_ok(f, store_audit_add(f->store, &row, &f->error));
	assert_stored(f, (int64_t)COUNT(references) + 2, "there is no user '{user#4}'");
}

/* An IPv6 address is one wherever it stands. */
static void test_details_refer_ipv6(void **state)
{
	struct fixture *f = *state;
	struct store_audit row = {
		.user = (char *)"db8",
		.uid = 1000,
		.origin = (char *)"2001:db8::7",
		.action = (char *)"x",
		.detail = (char *)"+2001:db8::7/128 2001:db8::70 a2001:db8::7 from 2001:db8::7:",
		.outcome = (char *)"done"};
	struct store_audit *rows;
	size_t count;

	assert_ok(f, store_audit_add(f->store, &row, &f->error));
	assert_stored(f, 1, "+{origin}/128 2001:{user#1}::70 a2001:{user#1}::7 from {origin}:");
	read_rows(f, &(struct store_audit_filter){0}, &rows, &count);
	assert_string_equal(rows[0].detail, row.detail);
	store_audit_free(rows, count);
}

static void test_audit_is_only_appended_to(void **state)
{
	struct fixture *f = *state;
	char *message = NULL;
	uint64_t rows = 0;
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_not_equal(sqlite3_exec(db, "UPDATE audit SET person = 5", NULL, NULL, &message),
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
	{"UPDATE audit SET person = 2 WHERE id = 2", "audit row 2", 1},
	{"UPDATE audit SET person = 0 WHERE id = 2", "audit row 2", 1},
	{"UPDATE audit SET delegate = 1 WHERE id = 2", "audit row 2", 1},
	{"UPDATE audit SET delegate = 7 WHERE id = 2", "audit row 2", 1},
	{"UPDATE audit SET time = 5 WHERE id = 2", "audit row 2", 1},
	{"UPDATE audit SET origin_mac = zeroblob(32) WHERE id = 2", "audit row 2", 1},
	{"UPDATE audit_origins SET origin = '203.0.113.8' WHERE id = 2", "audit row 2", 1},
	{"DELETE FROM audit_origins WHERE id = 2", "audit row 2", 1}, /* nobody was erased */
	{"UPDATE persons SET key = zeroblob(32) WHERE id = 1", "audit row 1", 0},
	{"UPDATE persons SET mac = zeroblob(32) WHERE id = 1", "audit row 1", 0},
	{"UPDATE persons SET name = 'eve' WHERE id = 1", "person 1", 4},
	{"UPDATE persons SET uid = 5 WHERE id = 1", "person 1", 4},
	{"UPDATE persons SET name = 'eve' WHERE id = 2", "person 2", 4},
	{"UPDATE audit_bounds SET pruned = 1", "audit log begins", 0},
	{"UPDATE audit_bounds SET forgotten = 4", "audit log begins", 0},
	{"DELETE FROM audit_bounds", "audit log begins", 0},
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
	{"INSERT INTO audit SELECT 5, time, person, delegate, zeroblob(32), account, action, detail, "
	 "outcome, "
	 "hash FROM audit WHERE id = 4",
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
	assert_ok(f, store_begin(f->store, &f->error));
	add_user(f, "bob", 1001);
	assert_ok(f, store_commit(f->store, &f->error));
	raw(f->path,
	    "CREATE TABLE kept AS SELECT * FROM audit; CREATE TABLE kept_persons AS SELECT * FROM persons;"
	    "CREATE TABLE kept_origins AS SELECT * FROM audit_origins;"
	    "CREATE TABLE kept_bounds AS SELECT * FROM audit_bounds");
	for (size_t i = 0; i < COUNT(chain_breaks); i++) {
		raw(f->path, chain_breaks[i].sql);
		assert_error(f, store_audit_verify(f->store, &rows, &f->error), ERROR_STORE,
			     chain_breaks[i].says);
		assert_int_equal(rows, chain_breaks[i].rows);
		raw(f->path,
		    "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept;"
		    "DELETE FROM persons; INSERT INTO persons SELECT * FROM kept_persons;"
		    "DELETE FROM audit_origins; INSERT INTO audit_origins SELECT * FROM kept_origins;"
		    "DELETE FROM audit_bounds; INSERT INTO audit_bounds SELECT * FROM kept_bounds");
	}
	assert_ok(f, store_audit_verify(f->store, &rows, &f->error));
	assert_int_equal(rows, 4);
}

/* The same row behind another one has another hash: who changes a row has to change all that follow. */
static void test_audit_hash_goes_on(void **state)
{
	uint8_t before[2][DIGEST_SIZE] = {{0}, {1}}, out[2][DIGEST_SIZE];
	const struct audit_row row = {
		.id = 2, .account = "acme", .action = "x", .detail = "", .outcome = "done"};
	const uint8_t none[DIGEST_SIZE] = {0};

	(void)state;
	for (int i = 0; i < 2; i++)
		audit_digest(before[i], &row, none, none, out[i]);
	assert_memory_not_equal(out[0], out[1], DIGEST_SIZE);
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

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, setup_store, teardown)
#define LOG_TEST(name)	 cmocka_unit_test_setup_teardown(name, setup_log, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_audit_is_only_appended_to),
		LOG_TEST(test_audit_chain),
		LOG_TEST(test_audit_hash_goes_on),
		LOG_TEST(test_audit_fields_are_apart),
		STORE_TEST(test_audit),
		STORE_TEST(test_audit_of_user),
		STORE_TEST(test_one_person_however_they_come),
		STORE_TEST(test_details_refer),
		STORE_TEST(test_details_refer_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
