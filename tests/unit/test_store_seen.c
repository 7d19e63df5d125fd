// SPDX-License-Identifier: GPL-2.0-only
/* test_store_seen.c - when entries were last seen: the latest wins, nothing but the entry's removal loses it,
 * and it is no policy */
#include "userspace/io/store.h"

#include "tests/unit/store_fixture.h"

static int put(struct fixture *f, int64_t id, const char *prefix, int64_t time)
{
	struct store_seen seen = {.account_id = id, .prefix = prefix_from(prefix), .time = time};

	return store_seen_put(f->store, &seen, 1, &f->error);
}

static int64_t seen_of(struct fixture *f, int64_t id, const char *text)
{
	struct prefix prefix = prefix_from(text);
	int64_t time = -1;

	assert_ok(f, store_seen_get(f->store, id, &prefix, &time, &f->error));
	return time;
}

static void test_latest_wins(void **state)
{
	struct fixture *f = *state;

	make_store(f);
	assert_int_equal(seen_of(f, 1, "203.0.113.1"), 0);
	assert_ok(f, put(f, 1, "203.0.113.1", 1700000000));
	assert_int_equal(seen_of(f, 1, "203.0.113.1"), 1700000000);
	assert_ok(f, put(f, 1, "203.0.113.1", 1600000000));
	assert_int_equal(seen_of(f, 1, "203.0.113.1"), 1700000000);
	assert_ok(f, put(f, 1, "203.0.113.1", 1700000060));
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_int_equal(seen_of(f, 1, "203.0.113.1"), 1700000060);
}

/* Of what is not there nothing is kept: a prefix, an account; a row that a list had once, when it is swept.
 */
static void test_absent_entries(void **state)
{
	struct fixture *f = *state;
	struct list next = list_of((const char *const[]){"198.51.100.0/24"}, 1);
	int64_t count;

	make_store(f);
	assert_ok(f, import_list(f, 1, &next));
	assert_int_equal(rows(f), 2); /* 203.0.113.1 is not yet swept */
	assert_ok(f, put(f, 1, "203.0.113.1", 1700000000));
	assert_ok(f, put(f, 1, "203.0.113.2", 1700000000));
	assert_ok(f, put(f, 99, "203.0.113.1", 1700000000));
	sweep_all(f);
	assert_ok(f, sql_pragma_number(f->store, "SELECT count(*) FROM seen", &count, &f->error));
	assert_int_equal(count, 0);
	assert_ok(f, put(f, 1, "198.51.100.0/24", 1700000000));
	assert_int_equal(seen_of(f, 1, "198.51.100.0/24"), 1700000000);
	list_clear(&next);
}

static void test_many_at_once(void **state)
{
	struct fixture *f = *state;
	struct list list = hosts(1000, 1);
	struct store_seen seen[1000];

	make_store(f);
	assert_ok(f, import_list(f, 1, &list));
	for (size_t i = 0; i < COUNT(seen); i++)
		seen[i] = (struct store_seen){1, list.entries[i].prefix, 1700000000 + (int64_t)i};
	assert_ok(f, store_seen_put(f->store, seen, COUNT(seen), &f->error));
	assert_int_equal(seen_of(f, 1, "10.0.0.0"), 1700000000);
	assert_int_equal(seen_of(f, 1, "10.0.3.231"), 1700000999);
	list_clear(&list);
}

/* A replacement with the same prefix keeps it, whatever else changes; sweeping does not take it away. */
static void test_kept_across_changes(void **state)
{
	struct fixture *f = *state;
	struct list list = list_of((const char *const[]){"10.0.0.1", "203.0.113.1"}, 2);
	struct entry entry = {.prefix = prefix_from("203.0.113.1"), .disabled = true};

	make_store(f);
	assert_ok(f, put(f, 1, "203.0.113.1", 1700000000));
	assert_ok(f, import_list(f, 1, &list));
	assert_int_equal(seen_of(f, 1, "203.0.113.1"), 1700000000);
	sweep_all(f);
	assert_int_equal(seen_of(f, 1, "203.0.113.1"), 1700000000);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_entry_set(f->store, 1, &entry, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_int_equal(seen_of(f, 1, "203.0.113.1"), 1700000000);
	list_clear(&list);
}

/* An entry that is taken away and added later was never seen. */
static void test_gone_with_the_entry(void **state)
{
	struct fixture *f = *state;
	struct prefix prefix = prefix_from("203.0.113.1");

	make_store(f);
	assert_ok(f, put(f, 1, "203.0.113.1", 1700000000));
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_entry_remove(f->store, 1, &prefix, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	sweep_all(f);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, add_entry(f, 1, "203.0.113.1", AG_ENTRY_ALLOW));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_int_equal(seen_of(f, 1, "203.0.113.1"), 0);
	assert_ok(f, put(f, 1, "203.0.113.1", 1700000000));
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_account_remove(f->store, 1, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_int_equal(seen_of(f, 1, "203.0.113.1"), 0);
}

static void test_no_policy(void **state)
{
	struct fixture *f = *state;
	uint64_t id, before, after;
	int64_t audit;

	make_store(f);
	assert_ok(f, store_identity(f->store, &id, &before, &f->error));
	assert_ok(f, put(f, 1, "203.0.113.1", 1700000000));
	assert_ok(f, store_identity(f->store, &id, &after, &f->error));
	assert_int_equal(before, after);
	assert_ok(f, sql_pragma_number(f->store, "SELECT count(*) FROM audit", &audit, &f->error));
	assert_int_equal(audit, 0);
	fixture_close(f);
	raw(f->path, "UPDATE seen SET time = 5"); /* no digest covers it */
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_list(f, 1, "203.0.113.1/32");
}

static void test_not_within_a_change(void **state)
{
	struct fixture *f = *state;

	make_store(f);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_error(f, put(f, 1, "203.0.113.1", 1700000000), ERROR_STORE, "within a change");
	store_rollback(f->store);
}

/* All of a call or none of it, and the store goes on. */
static void test_failure_in_the_middle(void **state)
{
	struct fixture *f = *state;
	struct store_seen seen[2] = {{1, prefix_from("203.0.113.1"), 1700000000},
				     {1, prefix_from("203.0.113.2"), 1700000000}};

	make_store(f);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, add_entry(f, 1, "203.0.113.2", AG_ENTRY_ALLOW));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_int_equal(
		sqlite3_exec(
			f->store->db,
			"CREATE TEMP TRIGGER fault BEFORE INSERT ON main.seen WHEN NEW.addr = X'cb007102' "
			"BEGIN SELECT RAISE(ABORT, 'fault'); END",
			NULL, NULL, NULL),
		SQLITE_OK);
	assert_error(f, store_seen_put(f->store, seen, 2, &f->error), ERROR_STORE, "fault");
	assert_int_equal(seen_of(f, 1, "203.0.113.1"), 0);
	assert_int_equal(sqlite3_exec(f->store->db, "DROP TRIGGER fault", NULL, NULL, NULL), SQLITE_OK);
	assert_ok(f, store_seen_put(f->store, seen, 2, &f->error));
	assert_int_equal(seen_of(f, 1, "203.0.113.2"), 1700000000);
}

#define SEEN_TEST(name) cmocka_unit_test_setup_teardown(name, setup_dir, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SEEN_TEST(test_latest_wins),	     SEEN_TEST(test_absent_entries),
		SEEN_TEST(test_many_at_once),	     SEEN_TEST(test_kept_across_changes),
		SEEN_TEST(test_gone_with_the_entry), SEEN_TEST(test_no_policy),
		SEEN_TEST(test_not_within_a_change), SEEN_TEST(test_failure_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
