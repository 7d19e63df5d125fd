// SPDX-License-Identifier: GPL-2.0-only
/* test_store_import_faults.c - what comes between: limits, an end in mid-run, changes of the account, a full
 * disk; each leaves the list as it was, and an import after it works */
#include "userspace/io/store.h"

#include <pthread.h>

#include "tests/unit/store_fixture.h"
#include "userspace/io/store_import.h"

#define INTERRUPTED_AT 3000

/* Prepares an import of many hosts; after some thousand of them, `interrupt` is called. */
struct run {
	struct fixture *f;
	struct store_import *import;
	struct list list;
	struct import_result result;
	void (*interrupt)(struct fixture *f);
	unsigned int visits;
	bool cancel;
	bool dry_run;
	int r;
	struct ag_error error;
};

static int interrupt(const struct entry *entry, void *arg)
{
	struct run *run = arg;

	(void)entry;
	if (++run->visits != INTERRUPTED_AT)
		return 0;
	if (run->interrupt)
		run->interrupt(run->f);
	else
		__atomic_store_n(&run->cancel, true, __ATOMIC_RELAXED);
	return 0;
}

static void *prepare(void *arg)
{
	struct run *run = arg;

	run->r = store_import_prepare(run->import, IMPORT_REPLACE, &run->list, run->dry_run, &run->cancel,
				      interrupt, run, &run->result, &run->error);
	return NULL;
}

static struct run begin_run(struct fixture *f, uint32_t count)
{
	struct run run = {.f = f, .list = hosts(count, 1)};

	assert_ok(f, store_import_open(f->store, 1, &run.import, &f->error));
	return run;
}

static void end_run(struct run *run)
{
	store_import_close(run->import);
	list_clear(&run->list);
	list_clear(&run->result.came);
	list_clear(&run->result.went);
}

/* The list that is wanted now is the one that comes, and nothing of the run before is left. */
static void assert_next_import_works(struct fixture *f)
{
	static const char *const wanted[] = {"9.0.0.0/8"};
	struct list list = list_of(wanted, 1);

	assert_ok(f, import_list(f, 1, &list));
	assert_list(f, 1, "9.0.0.0/8");
	sweep_all(f);
	assert_int_equal(rows(f), 1);
	list_clear(&list);
}

static void test_limit(void **state)
{
	struct fixture *f = *state;
	struct run run;

	make_store(f);
	run = begin_run(f, (uint32_t)fixture_limits.entries + 1);
	run.visits = INTERRUPTED_AT; /* nothing comes between */
	(void)prepare(&run);
	assert_true(run.r < 0);
	assert_int_equal(run.error.code, ERROR_LIMIT);
	assert_error(f, finish_import(f, run.import), ERROR_STORE, "not prepared");
	end_run(&run);
	assert_list(f, 1, "203.0.113.1/32");
	assert_next_import_works(f);
}

static void test_cancelled_in_mid_run(void **state)
{
	struct fixture *f = *state;
	struct run run;

	make_store(f);
	run = begin_run(f, 20000);
	(void)prepare(&run);
	assert_true(run.r < 0);
	assert_non_null(strstr(run.error.message, "cancelled"));
	assert_in_range(run.visits, INTERRUPTED_AT, INTERRUPTED_AT + 1000);
	assert_true(rows(f) > 1);
	assert_error(f, finish_import(f, run.import), ERROR_STORE, "not prepared");
	end_run(&run);
	assert_list(f, 1, "203.0.113.1/32");
	assert_next_import_works(f);
}

static void add_one(struct fixture *f)
{
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, add_entry(f, 1, "9.9.9.9", AG_ENTRY_ALLOW));
	assert_ok(f, store_commit(f->store, &f->error));
}

/* The row of the account is as before, letter by letter. */
static void replace_one(struct fixture *f)
{
	struct prefix there = prefix_from("203.0.113.1");

	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_entry_remove(f->store, 1, &there, &f->error));
	assert_ok(f, add_entry(f, 1, "203.0.113.1", AG_ENTRY_ALLOW));
	assert_ok(f, store_commit(f->store, &f->error));
}

static void rename_label(struct fixture *f)
{
	struct account account = find_account(f, "acme");

	account.label = (char *)"other";
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_account_update(f->store, &account, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
}

static void remove_and_add_account(struct fixture *f)
{
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_account_remove(f->store, 1, &f->error));
	assert_ok(f, add_entry(f, add_account(f, "acme").id, "203.0.113.1", AG_ENTRY_ALLOW));
	assert_ok(f, store_commit(f->store, &f->error));
}

static void remove_account(struct fixture *f)
{
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_account_remove(f->store, 1, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
}

static void (*const changes[])(struct fixture *f) = {add_one, rename_label, replace_one,
						     remove_and_add_account, remove_account};

/* In mid-run, comparing only, and after it; never taken for damage. */
static void test_changed_meanwhile(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < 3 * COUNT(changes); i++) {
		struct run run;

		shell("rm -f %s*", f->path);
		make_store(f);
		run = begin_run(f, 20000);
		run.dry_run = i % 3 == 1;
		run.visits = i % 3 == 2 ? INTERRUPTED_AT : 0;
		run.interrupt = changes[i / 3];
		(void)prepare(&run);
		if (i % 3 == 2) {
			assert_ok(&run, run.r);
			changes[i / 3](f);
			assert_error(f, finish_import(f, run.import), ERROR_CONFLICT, "was changed");
		} else {
			assert_true(run.r < 0);
			assert_int_equal(run.error.code, ERROR_CONFLICT);
		}
		end_run(&run);
		if (changes[i / 3] != remove_account)
			assert_next_import_works(f);
		fixture_close(f);
	}
}

/* A change that is undone is none. */
static void test_undone_change_is_none(void **state)
{
	struct fixture *f = *state;
	struct run run;

	make_store(f);
	run = begin_run(f, 10);
	(void)prepare(&run);
	assert_ok(&run, run.r);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, add_entry(f, 1, "9.9.9.9", AG_ENTRY_ALLOW));
	assert_ok(f, store_settle(f->store, &f->error));
	store_rollback(f->store);
	assert_ok(f, finish_import(f, run.import));
	end_run(&run);
	assert_int_equal(find_account(f, "acme").entries4, 10);
}

/* While the store wants to write, an import writes nothing; and it can be ended then. */
static void test_gives_way(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;
	struct run run;

	make_store(f);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_true(atomic_load(&f->store->wanted));
	store_rollback(f->store);
	assert_false(atomic_load(&f->store->wanted));
	run = begin_run(f, 1000);
	atomic_store(&f->store->wanted, true);
	assert_int_equal(pthread_create(&thread, NULL, prepare, &run), 0);
	usleep(100000);
	assert_int_equal(rows(f), 1);
	__atomic_store_n(&run.cancel, true, __ATOMIC_RELAXED);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(run.r < 0);
	assert_int_equal(rows(f), 1);
	atomic_store(&f->store->wanted, false);
	end_run(&run);
	assert_next_import_works(f);
}

static void test_disk_full(void **state)
{
	struct fixture *f = *state;
	struct run run;

	make_store(f);
	run = begin_run(f, 20000);
	run.visits = INTERRUPTED_AT;
	assert_ok(f, sql_exec(&run.import->connection, "PRAGMA max_page_count = 60", &f->error));
	(void)prepare(&run);
	assert_true(run.r < 0);
	assert_non_null(strstr(run.error.message, "the disk is full"));
	end_run(&run);
	assert_list(f, 1, "203.0.113.1/32");
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_list(f, 1, "203.0.113.1/32");
	assert_next_import_works(f);
}

#define FAULT_TEST(name) cmocka_unit_test_setup_teardown(name, setup_dir, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAULT_TEST(test_limit),
		FAULT_TEST(test_cancelled_in_mid_run),
		FAULT_TEST(test_changed_meanwhile),
		FAULT_TEST(test_undone_change_is_none),
		FAULT_TEST(test_gives_way),
		FAULT_TEST(test_disk_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
