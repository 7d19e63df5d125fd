// SPDX-License-Identifier: GPL-2.0-only
/* test_store_erase.c - a person goes from the store and its files, and the audit log still verifies; what is
 * too old goes from its beginning, and it still does */
#include "userspace/io/store.h"

#include "tests/unit/store_fixture.h"
#include "userspace/io/store_audit.h"

static void act(struct fixture *f, const char *user, int64_t uid, const char *origin, const char *detail,
		int64_t time)
{
	const struct store_audit row = {.time = time,
					.user = (char *)(uintptr_t)user,
					.uid = uid,
					.origin = (char *)(uintptr_t)origin,
					.account = (char *)"acme",
					.action = (char *)"allow add",
					.detail = (char *)(uintptr_t)detail,
					.outcome = (char *)"done"};

	assert_ok(f, store_audit_add(f->store, &row, &f->error));
}

/* ada (uid 1000) and zebulon (uid 4711) act; he has a role, an entry, and acted before he had a name. */
static int setup_people(void **state)
{
	struct account account;
	struct store_user zebulon;
	struct fixture *f;
	struct entry entry = {
		.prefix = prefix_from("203.0.113.1"), .created_by = (char *)"zebulon", .created_at = 1};

	setup_store(state);
	f = *state;
	act(f, "", 4711, "198.51.100.231", "", 100);
	assert_ok(f, store_begin(f->store, &f->error));
	account = add_account(f, "acme");
	add_user(f, "ada", 1000);
	zebulon = add_user(f, "zebulon", 4711);
	assert_ok(f, store_role_grant(f->store, account.id, zebulon.id, ROLE_ADMIN, &f->error));
	assert_ok(f, add_entry(f, account.id, "203.0.113.0/24", AG_ENTRY_ALLOW));
	assert_ok(f, store_entry_add(f->store, account.id, &entry, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	act(f, "ada", 1000, "198.51.100.9", "zebulon uid=4711 admin", 200);
	act(f, "zebulon", 4711, "198.51.100.231", "+198.51.100.231/32", 300);
	act(f, "zebulon", 4711, "198.51.100.232", "zebulon was here", 400);
	act(f, "ada", 1000, "198.51.100.9", "-203.0.113.7/32", 500);
	return 0;
}

static int erase(struct fixture *f, const char *who, struct store_erased *erased)
{
	int r = store_begin(f->store, &f->error);

	if (!r)
		r = store_erase(f->store, who, erased, &f->error);
	if (!r)
		return store_commit(f->store, &f->error);
	store_rollback(f->store);
	return r;
}

/* How many of the store's files have the text. */
static int traces(const struct fixture *f, const char *text)
{
	char command[512];

	snprintf(command, sizeof(command), "exit $(cat %s %s-wal | grep -aoF '%s' | wc -l)", f->path, f->path,
		 text);
	return system(command);
}

static void verify(struct fixture *f, uint64_t rows)
{
	uint64_t verified = 0;

	assert_ok(f, store_audit_verify(f->store, &verified, &f->error));
	assert_int_equal(verified, rows);
}

static void read_rows(struct fixture *f, struct store_audit **rows, size_t *count)
{
	const struct store_audit_filter all = {.since = INT64_MIN, .until = INT64_MAX, .limit = 1000};

	assert_ok(f, store_audit_read(f->store, &all, rows, count, &f->error));
}

static void test_erased(void **state)
{
	static const char *const texts[] = {"zebulon", "198.51.100.231", "198.51.100.232"};
	struct fixture *f = *state;
	struct store_erased erased;
	struct store_audit *rows;
	struct store_user user;
	struct list list = {0};
	size_t count = 0;

	for (size_t i = 0; i < COUNT(texts); i++)
		assert_int_not_equal(traces(f, texts[i]), 0);
	assert_ok(f, erase(f, "zebulon", &erased));
	assert_true(erased.user);
	assert_int_equal(erased.person_count, 2); /* and who had the uid before the name */
	assert_int_equal(erased.addresses, 3);
	assert_true(erased.names >= 1);
	assert_ok(f, store_scrub(f->store, &f->error));
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_int_equal(traces(f, texts[i]), 0);
	verify(f, 5);
	read_rows(f, &rows, &count);
	assert_int_equal(count, 5);
	assert_string_equal(rows[0].origin, "erased");
	assert_int_equal(rows[0].uid, -1);
	assert_string_equal(rows[1].user, "ada");
	assert_string_equal(rows[1].origin, "198.51.100.9");
	assert_non_null(strstr(rows[1].detail, "erased#"));
	assert_non_null(strstr(rows[1].detail, " uid=erased admin"));
	assert_non_null(strstr(rows[2].user, "erased#"));
	assert_string_equal(rows[2].detail, "+erased/32");
	assert_string_equal(rows[2].user, rows[3].user);
	store_audit_free(rows, count);
	assert_error(f, store_user_find(f->store, "zebulon", &user, &f->error), ERROR_NOT_FOUND, "");
	assert_ok(f,
		  store_list(f->store, find_account(f, "acme").id, &list, &f->error)); /* it fits its sum */
	assert_int_equal(list.count, 2);
	assert_string_equal(list.entries[0].created_by, "ada");
	assert_null(list.entries[1].created_by);
	list_clear(&list);
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	verify(f, 5);
}

/* What somebody made, and what stands on no row of theirs, is there afterwards, and fits its sums. */
static void test_erased_as_maker(void **state)
{
	struct fixture *f = *state;
	struct account account = find_account(f, "acme");
	struct store_panic panic = {.since = 7, .by = "zebulon", .reason = "drill"};
	struct store_pending pending = {.subject = PENDING_INTERFACE,
					.name = "eth9",
					.action = "interface attach",
					.user = "zebulon",
					.generation = 1,
					.made_at = 1,
					.deadline = {.within = 60, .at = {.wall = 61, .boot = "b"}}};
	struct store_token token = {.id = 5,
				    .account_id = account.id,
				    .role = ROLE_VIEWER,
				    .created_by = "zebulon",
				    .created_at = 1};
	struct store_erased erased;
	struct store_user ada;

	assert_ok(f, store_user_find(f->store, "ada", &ada, &f->error));
	token.user_id = ada.id;
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_role_grant(f->store, account.id, ada.id, ROLE_ADMIN, &f->error));
	assert_ok(f, store_token_add(f->store, &token, &f->error));
	assert_ok(f, store_panic_put(f->store, &panic, &f->error));
	assert_ok(f, store_pending_add(f->store, &pending, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_ok(f, erase(f, "zebulon", &erased));
	assert_int_equal(erased.names, 4);
	assert_ok(f, store_scrub(f->store, &f->error));
	assert_int_equal(traces(f, "zebulon"), 0);
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_ok(f, store_token_find(f->store, 5, &token, &f->error));
	assert_string_equal(token.created_by, "");
}

/* Whoever began a panic without a name is known by the uid, which an erasure by name or by uid ends. */
static void test_erased_by_uid(void **state)
{
	struct fixture *f = *state;
	struct store_panic panic = {.since = 7, .by = "uid 4711", .reason = "drill"};
	struct store_erased erased;
	bool on = false;

	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_panic_put(f->store, &panic, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_ok(f, erase(f, "zebulon", &erased));
	assert_ok(f, store_panic_get(f->store, &panic, &on, &f->error));
	assert_true(on);
	assert_string_equal(panic.by, "");
}

static void put_listed(struct fixture *f, const char *list, const char *prefix, const char *by)
{
	struct entry entry = {.prefix = prefix_from(prefix),
			      .note = (char *)"depot",
			      .created_by = (char *)(uintptr_t)by,
			      .created_at = 9};
	struct list entries = {.entries = &entry, .count = 1};

	assert_ok(f, store_named_entries_add(f->store, list, &entries, &f->error));
}

/* What somebody put into named lists is read a page at a time, among what others did. */
static void test_listed_are_shown(void **state)
{
	struct fixture *f = *state;
	struct store_made *made = NULL, last = {0};
	size_t count = 0, theirs = 0, rounds = 0;

	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_named_add(f->store, "lab", 1, &f->error));
	assert_ok(f, store_named_add(f->store, "corp", 1, &f->error));
	put_listed(f, "lab", "2001:db8::/32", "zebulon");
	put_listed(f, "lab", "192.0.2.1", "ada");
	put_listed(f, "corp", "192.0.2.0/24", "zebulon");
	assert_ok(f, store_commit(f->store, &f->error));
	do {
		assert_ok(f, store_made_listed(f->store, "zebulon", rounds ? &last : NULL, 1, &made, &count,
					       &f->error));
		if (count)
			last = made[0];
		theirs += count && last.theirs;
		assert_true(!count || !last.theirs || !strcmp(last.note, "depot"));
		free(made);
		made = NULL;
		rounds++;
	} while (count);
	assert_int_equal(rounds, 4);
	assert_int_equal(theirs, 2);
	assert_string_equal(last.list, "corp");
}

static void naming(struct fixture *f, const char *who, int64_t after, int64_t span, size_t wanted,
		   int64_t first)
{
	struct store_audit *rows = NULL;
	size_t count = 0;

	assert_ok(f, store_audit_naming(f->store, who, after, span, &rows, &count, &f->error));
	assert_int_equal(count, wanted);
	if (count)
		assert_int_equal(rows[0].id, first);
	store_audit_free(rows, count);
}

/* Of the rows of others those that name somebody, as the one it is about or as the one who vouched. */
static void test_naming_rows(void **state)
{
	struct fixture *f = *state;
	const struct store_audit vouched = {.time = 600,
					    .user = (char *)"ada",
					    .delegate = (char *)"zebulon",
					    .uid = 4711,
					    .origin = (char *)"unknown",
					    .account = (char *)"acme",
					    .action = (char *)"allow add",
					    .detail = (char *)"",
					    .outcome = (char *)"done"};

	naming(f, "zebulon", 0, 100, 1, 2);
	naming(f, "zebulon", 2, 100, 0, 0);
	naming(f, "zebulon", 0, 1, 0, 0);
	naming(f, "nobody", 0, 100, 0, 0);
	naming(f, "ada", 0, 100, 0, 0);
	assert_ok(f, store_audit_add(f->store, &vouched, &f->error));
	naming(f, "zebulon", 2, 100, 1, 6);
	naming(f, "zebulon", 0, 100, 2, 2);
}

/* The name is somebody else's afterwards, and what was changed is still found out. */
static void test_afterwards(void **state)
{
	static const char *const breaks[] = {
		"UPDATE audit SET outcome = 'x' WHERE id = 3",
		"UPDATE audit SET person = 2 WHERE id = 3",
		"UPDATE audit_origins SET origin = '198.51.100.8' WHERE id = 2",
		"DELETE FROM audit_origins WHERE id = 2",
		"INSERT INTO audit_origins VALUES (3, '198.51.100.231')",
		"UPDATE persons SET mac = zeroblob(32) WHERE key IS NULL",
		"UPDATE persons SET key = zeroblob(32), name = 'eve', uid = 5 WHERE key IS NULL AND id > 1",
	};
	struct fixture *f = *state;
	struct store_erased erased;
	uint64_t rows;

	assert_ok(f, erase(f, "zebulon", &erased));
	assert_error(f, erase(f, "zebulon", &erased), ERROR_NOT_FOUND, "nobody of that name");
	assert_ok(f, store_begin(f->store, &f->error));
	add_user(f, "zebulon", 4711);
	assert_ok(f, store_commit(f->store, &f->error));
	act(f, "zebulon", 4711, "192.0.2.1", "", 600);
	verify(f, 6);
	raw(f->path,
	    "DROP TRIGGER audit_keeps_rows; CREATE TABLE kept AS SELECT * FROM audit;"
	    "CREATE TABLE kept_persons AS SELECT * FROM persons;"
	    "CREATE TABLE kept_origins AS SELECT * FROM audit_origins; DROP TRIGGER audit_keeps_all");
	for (size_t i = 0; i < COUNT(breaks); i++) {
		raw(f->path, breaks[i]);
		assert_error(f, store_audit_verify(f->store, &rows, &f->error), ERROR_STORE, "");
		raw(f->path,
		    "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept;"
		    "DELETE FROM persons; INSERT INTO persons SELECT * FROM kept_persons;"
		    "DELETE FROM audit_origins; INSERT INTO audit_origins SELECT * FROM kept_origins");
	}
	verify(f, 6);
}

static void test_who_is_not_erased(void **state)
{
	struct fixture *f = *state;
	struct store_erased erased;

	assert_ok(f, store_begin(f->store, &f->error));
	add_user(f, "ops", 0);
	assert_ok(f, store_commit(f->store, &f->error));
	assert_error(f, erase(f, "ops", &erased), ERROR_FORBIDDEN, "root");
	assert_error(f, erase(f, "uid:0", &erased), ERROR_FORBIDDEN, "root");
	assert_error(f, erase(f, "uid:x", &erased), ERROR_BAD_REQUEST, "uid");
	assert_error(f, erase(f, "No Name", &erased), ERROR_BAD_REQUEST, "");
	assert_error(f, erase(f, "nobody", &erased), ERROR_NOT_FOUND, "nobody of that name");
	assert_error(f, erase(f, "uid:77", &erased), ERROR_NOT_FOUND, "nobody of that name");
	assert_error(f, erase(f, "uid:1000", &erased), ERROR_NOT_FOUND, ""); /* that is ada's, by her name */
	verify(f, 5);
}

/* Whose uid is another user's by now is not erased with somebody who had it before. */
static void test_uid_of_another(void **state)
{
	struct fixture *f = *state;
	struct store_erased erased;
	struct store_audit *rows;
	size_t count = 0;

	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_user_remove(f->store, "zebulon", &f->error));
	add_user(f, "carol", 4711);
	assert_ok(f, store_commit(f->store, &f->error));
	assert_ok(f, erase(f, "zebulon", &erased));
	assert_false(erased.user);
	assert_int_equal(erased.person_count, 1);
	read_rows(f, &rows, &count);
	assert_int_equal(rows[0].uid, 4711);
	assert_string_equal(rows[0].origin, "198.51.100.231");
	store_audit_free(rows, count);
}

/* --- retention -------------------------------------------------------------------- */

static void retain(struct fixture *f, int64_t rows_since, int64_t rows, int64_t addresses_since,
		   size_t at_once)
{
	const struct store_retention keep = {
		.rows_since = rows_since, .rows = rows, .addresses_since = addresses_since};
	bool more = true;

	for (int i = 0; more && i < 100; i++)
		assert_ok(f, store_audit_retain(f->store, &keep, at_once, &more, &f->error));
	assert_false(more);
}

static void test_old_rows_go(void **state)
{
	struct fixture *f = *state;
	struct store_audit *rows;
	size_t count = 0;

	retain(f, 0, 100, 0, 10);
	verify(f, 5);
	retain(f, 300, 100, 0, 1);
	verify(f, 3);
	read_rows(f, &rows, &count);
	assert_int_equal(rows[0].id, 3);
	store_audit_free(rows, count);
	retain(f, 0, 1, 0, 10);
	verify(f, 1);
	act(f, "ada", 1000, "198.51.100.9", "", 600);
	verify(f, 2);
	retain(f, 10000, 100, 0, 10);
	verify(f, 0);
	act(f, "ada", 1000, "198.51.100.9", "", 700);
	verify(f, 1);
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	verify(f, 1);
	/* Rows that are left are kept as before, and no other bound is believed. */
	assert_int_not_equal(sqlite3_exec(f->store->db, "DELETE FROM audit", NULL, NULL, NULL), SQLITE_OK);
	raw(f->path, "UPDATE audit_bounds SET pruned = pruned + 1; DELETE FROM audit");
	assert_error(f, store_audit_verify(f->store, &(uint64_t){0}, &f->error), ERROR_STORE, "begins");
}

/* Who is named by no row any more, and is no user, goes with them. */
static void test_old_persons_go(void **state)
{
	struct fixture *f = *state;
	int64_t persons = 0;

	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_user_remove(f->store, "zebulon", &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	retain(f, 500, 100, 0, 10);
	verify(f, 1);
	assert_ok(f, sql_pragma_number(f->store, "SELECT count(*) FROM persons", &persons, &f->error));
	assert_int_equal(persons, 1);
	assert_int_equal(traces(f, "no such text"), 0);
}

static void test_old_addresses_go(void **state)
{
	struct fixture *f = *state;
	struct store_audit *rows;
	size_t count = 0;
	uint64_t verified;

	retain(f, 0, 100, 400, 2);
	verify(f, 5);
	read_rows(f, &rows, &count);
	assert_string_equal(rows[0].origin, "erased");
	assert_string_equal(rows[2].origin, "erased");
	assert_string_equal(rows[2].user, "zebulon");
	assert_string_equal(rows[2].detail, "+erased/32");
	assert_string_equal(rows[3].origin, "198.51.100.232");
	store_audit_free(rows, count);
	raw(f->path, "DELETE FROM audit_origins WHERE id = 5");
	assert_error(f, store_audit_verify(f->store, &verified, &f->error), ERROR_STORE, "audit row 5");
}

static void test_old_sightings_go(void **state)
{
	struct fixture *f = *state;
	const struct store_seen seen[] = {
		{.account_id = 1, .prefix = prefix_from("203.0.113.0/24"), .time = 100},
		{.account_id = 1, .prefix = prefix_from("203.0.113.1"), .time = 200},
	};
	struct store_seen cursor = {0};
	int64_t time = -1;
	bool more = true;

	assert_ok(f, store_seen_put(f->store, seen, COUNT(seen), &f->error));
	for (int i = 0; more && i < 10; i++)
		assert_ok(f, store_seen_forget(f->store, 150, &cursor, 1, &more, &f->error));
	assert_false(more);
	assert_ok(f, store_seen_get(f->store, 1, &seen[0].prefix, &time, &f->error));
	assert_int_equal(time, 0);
	assert_ok(f, store_seen_get(f->store, 1, &seen[1].prefix, &time, &f->error));
	assert_int_equal(time, 200);
}

#define PEOPLE_TEST(name) cmocka_unit_test_setup_teardown(name, setup_people, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PEOPLE_TEST(test_erased),
		PEOPLE_TEST(test_erased_as_maker),
		PEOPLE_TEST(test_erased_by_uid),
		PEOPLE_TEST(test_listed_are_shown),
		PEOPLE_TEST(test_naming_rows),
		PEOPLE_TEST(test_afterwards),
		PEOPLE_TEST(test_who_is_not_erased),
		PEOPLE_TEST(test_uid_of_another),
		PEOPLE_TEST(test_old_rows_go),
		PEOPLE_TEST(test_old_persons_go),
		PEOPLE_TEST(test_old_addresses_go),
		PEOPLE_TEST(test_old_sightings_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
