// SPDX-License-Identifier: GPL-2.0-only
/* test_store_prune.c - history is bounded by number, age and rows, oldest first, and what is held stays */
#include "userspace/io/store.h"

#include "tests/unit/history_fixture.h"

static void test_prune_by_number_and_age(void **state)
{
	struct fixture *f = *state;
	struct list list = {0};

	make_history(f);
	change_often(f, 10);
	prune(f, 6, 0, 100);
	assert_int_equal(kept(f), 6);
	assert_int_equal(rows(f), 6);
	assert_at(f, 5, "203.0.113.1=5");
	assert_error(f, store_list_at(f->store, 1, 4, &list, &f->error), ERROR_NOT_FOUND, "go from 5 to 10");
	/* What was in force at that time is kept, however old it is. */
	prune(f, 100, NOW + 8, 100);
	assert_int_equal(kept(f), 4);
	assert_at(f, 7, "203.0.113.1=7");
	/* The newest always, without a change for however long. */
	prune(f, 100, NOW + FOREVER, 100);
	assert_int_equal(kept(f), 1);
	assert_at(f, 10, "203.0.113.1=10");
	assert_list(f, 1, "203.0.113.1/32");
	assert_int_equal(rows(f), 1);
}

/* Age is looked at for accounts that nobody changes: at the beginning, and every hour. */
static void test_prune_passes(void **state)
{
	struct fixture *f = *state;

	make_history(f);
	change_often(f, 5);
	prune(f, 100, NOW, 100);
	assert_int_equal(kept(f), 5);
	prune(f, 100, NOW + 5, 100); /* within the hour */
	assert_int_equal(kept(f), 5);
	prune(f, 100, NOW + 3600, 100);
	assert_int_equal(kept(f), 1);
	change_often(f, 1);
	reopen(f);
	prune(f, 100, NOW + 3601, 100);
	assert_int_equal(kept(f), 1);
}

static void test_pinned(void **state)
{
	struct fixture *f = *state;

	make_history(f);
	change_often(f, 6);
	begin(f);
	assert_ok(f, store_history_pin(f->store, 1, 2, true, &f->error));
	assert_error(f, store_history_pin(f->store, 1, 77, true, &f->error), ERROR_NOT_FOUND, "not kept");
	assert_ok(f, store_commit(f->store, &f->error));
	reopen(f);
	prune(f, 2, 0, 100);
	assert_int_equal(kept(f), 3);
	assert_at(f, 2, "203.0.113.1=2");
	assert_at(f, 5, "203.0.113.1=5");
	begin(f);
	assert_ok(f, store_history_pin(f->store, 1, 2, false, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	prune(f, 2, 0, 100);
	assert_int_equal(kept(f), 2);
	assert_int_equal(rows(f), 2);
}

/* Large generations go when what only they have becomes too much. */
static void test_prune_by_rows(void **state)
{
	struct fixture *f = *state;
	struct list small = list_of((const char *const[]){"9.9.9.9"}, 1);

	make_history(f);
	f->store->prune.rows = 200;
	for (uint32_t i = 0; i < 4; i++) {
		struct list list = hosts(90, 1);

		for (size_t j = 0; j < list.count; j++)
			list.entries[j].prefix.addr.bytes[1] = (uint8_t)(100 + i); /* nothing in common */
		assert_ok(f, import_list(f, 1, &list));
		list_clear(&list);
		begin(f);
		assert_int_equal(conclude(f), i + 2);
	}
	prune(f, 100, 0, 50);
	assert_int_equal(kept(f), 3); /* the list's 90, and two times 90 that ended */
	assert_int_equal(rows(f), 270);
	assert_ok(f, import_list(f, 1, &small));
	begin(f);
	assert_int_equal(conclude(f), 6);
	prune(f, 100, 0, 50);
	assert_int_equal(kept(f), 3);
	assert_int_equal(rows(f), 181);
	list_clear(&small);
}

static void test_prune_leaves_imports_alone(void **state)
{
	struct fixture *f = *state;
	struct store_import *import = NULL;
	bool more = false;

	make_history(f);
	change_often(f, 6);
	assert_ok(f, store_import_open(f->store, 1, &import, &f->error));
	prune(f, 1, 0, 100);
	assert_int_equal(kept(f), 6);
	store_import_close(import);
	change_often(f, 1);
	reopen(f);
	prune(f, 1, 0, 100);
	assert_int_equal(kept(f), 1);
	begin(f);
	assert_error(f, store_history_prune(f->store, 1, 0, 100, &more, &f->error), ERROR_STORE,
		     "within a change");
	store_rollback(f->store);
}

/* An account that goes takes its history along; one that comes under its number has none of it. */
static void test_gone_with_the_account(void **state)
{
	struct fixture *f = *state;
	int64_t count = -1;

	make_history(f);
	change_often(f, 4);
	begin(f);
	assert_ok(f, store_account_remove(f->store, 1, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_ok(f, sql_pragma_number(f->store, "SELECT count(*) FROM history", &count, &f->error));
	assert_int_equal(count, 0);
	prune(f, 1, 0, 100);
	fixture_close(f);
	raw(f->path, "INSERT INTO history VALUES (1, 9, 0, '', '', 0, 0, 0, 0, 0, 0, 0, zeroblob(32), 'off', "
		     "'drop', '', 0, zeroblob(32), 0, 0)");
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	begin(f);
	assert_int_equal(add_account(f, "acme").id, 1);
	assert_ok(f, store_commit(f->store, &f->error));
	assert_int_equal(kept(f), 0);
}

/* Pruning that fails leaves what there was, and is done later. */
static void test_prune_faults(void **state)
{
	static const char *const faults[] = {"BEFORE DELETE ON main.history",
					     "BEFORE DELETE ON main.entries"};
	struct fixture *f = *state;
	bool more;

	make_history(f);
	change_often(f, 6);
	for (size_t i = 0; i < COUNT(faults); i++) {
		char trigger[256];

		snprintf(trigger, sizeof(trigger),
			 "CREATE TEMP TRIGGER fault %s BEGIN SELECT RAISE(ABORT, 'fault'); END", faults[i]);
		assert_int_equal(sqlite3_exec(f->store->db, trigger, NULL, NULL, NULL), SQLITE_OK);
		assert_error(f, store_history_prune(f->store, 2, 0, 100, &more, &f->error), ERROR_STORE,
			     "fault");
		assert_int_equal(sqlite3_exec(f->store->db, "DROP TRIGGER fault", NULL, NULL, NULL),
				 SQLITE_OK);
		assert_int_equal(kept(f), 6);
		assert_at(f, 1, "203.0.113.1=office");
	}
	reopen(f);
	prune(f, 2, 0, 1);
	assert_int_equal(kept(f), 2);
	assert_int_equal(rows(f), 2);
}

#define PRUNE_TEST(name) cmocka_unit_test_setup_teardown(name, setup_dir, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PRUNE_TEST(test_prune_by_number_and_age),
		PRUNE_TEST(test_prune_passes),
		PRUNE_TEST(test_pinned),
		PRUNE_TEST(test_prune_by_rows),
		PRUNE_TEST(test_prune_leaves_imports_alone),
		PRUNE_TEST(test_gone_with_the_account),
		PRUNE_TEST(test_prune_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
