// SPDX-License-Identifier: GPL-2.0-only
/* test_store_snapshot.c - a store read as it was at one moment, while it changes */
#include "userspace/io/store.h"

#include <pthread.h>

#include "tests/unit/store_fixture.h"

static size_t count_entries(struct fixture *f, struct store *store)
{
	struct list list = {0};
	size_t count;

	assert_ok(f, store_list(store, 1, &list, &f->error));
	count = list.count;
	list_clear(&list);
	return count;
}

static void test_what_changes_is_not_seen(void **state)
{
	struct fixture *f = *state;
	struct store *snapshot = NULL;
	struct account account = {0};
	uint64_t id, generation, before;
	size_t entries;

	make_store(f);
	entries = count_entries(f, f->store);
	assert_ok(f, store_identity(f->store, &id, &before, &f->error));
	assert_ok(f, store_snapshot_open(f->store, &snapshot, &f->error));
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, add_entry(f, 1, "9.0.0.0/8", AG_ENTRY_ALLOW));
	assert_ok(f, store_next_generation(f->store, &generation, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_int_equal(count_entries(f, f->store), entries + 1);
	assert_int_equal(count_entries(f, snapshot), entries);
	assert_ok(f, store_identity(snapshot, &id, &generation, &f->error));
	assert_int_equal(generation, before);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_account_remove(f->store, 1, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_int_equal(count_entries(f, snapshot), entries);
	assert_ok(f, store_account_find(snapshot, "acme", &account, &f->error));
	account_clear(&account);
	store_snapshot_close(snapshot);
	assert_ok(f, store_snapshot_open(f->store, &snapshot, &f->error));
	assert_error(f, store_account_find(snapshot, "acme", &account, &f->error), ERROR_NOT_FOUND, "acme");
	store_snapshot_close(snapshot);
	store_snapshot_close(NULL);
}

/* What is not committed yet is nobody else's business. */
static void test_an_open_transaction_is_not_seen(void **state)
{
	struct fixture *f = *state;
	struct store *snapshot = NULL;
	size_t entries;

	make_store(f);
	entries = count_entries(f, f->store);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, add_entry(f, 1, "9.0.0.0/8", AG_ENTRY_ALLOW));
	assert_ok(f, store_snapshot_open(f->store, &snapshot, &f->error));
	assert_int_equal(count_entries(f, snapshot), entries);
	store_snapshot_close(snapshot);
	assert_ok(f, store_commit(f->store, &f->error));
}

static void test_a_snapshot_is_not_edited(void **state)
{
	struct fixture *f = *state;
	struct store *snapshot = NULL;

	make_store(f);
	assert_ok(f, store_snapshot_open(f->store, &snapshot, &f->error));
	assert_error(f, store_account_remove(snapshot, 1, &f->error), ERROR_STORE,
		     "outside of a transaction");
	store_snapshot_close(snapshot);
}

struct reading {
	struct fixture *f;
	struct store *snapshot;
	size_t counts[20];
};

static void *read_on(void *arg)
{
	struct reading *reading = arg;

	for (size_t i = 0; i < COUNT(reading->counts); i++)
		reading->counts[i] = count_entries(reading->f, reading->snapshot);
	return NULL;
}

static void test_it_is_read_beside_changes(void **state)
{
	struct fixture *f = *state;
	struct reading reading = {.f = &(struct fixture){.dir = ""}};
	char prefix[32];
	pthread_t thread;
	size_t entries;

	make_store(f);
	entries = count_entries(f, f->store);
	assert_ok(f, store_snapshot_open(f->store, &reading.snapshot, &f->error));
	assert_int_equal(pthread_create(&thread, NULL, read_on, &reading), 0);
	for (int i = 0; i < 20; i++) {
		(void)snprintf(prefix, sizeof(prefix), "9.0.0.%d", i);
		assert_ok(f, store_begin(f->store, &f->error));
		assert_ok(f, add_entry(f, 1, prefix, AG_ENTRY_ALLOW));
		assert_ok(f, store_commit(f->store, &f->error));
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	for (size_t i = 0; i < COUNT(reading.counts); i++)
		assert_int_equal(reading.counts[i], entries);
	store_snapshot_close(reading.snapshot);
}

static void test_removed_files_are_noticed(void **state)
{
	struct fixture *f = *state;
	struct store *snapshot = NULL;

	make_store(f);
	shell("mv %s %s.away", f->path, f->path);
	assert_error(f, store_snapshot_open(f->store, &snapshot, &f->error), ERROR_STORE, "");
	assert_null(snapshot);
}

#define SNAPSHOT_TEST(name) cmocka_unit_test_setup_teardown(name, setup_dir, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SNAPSHOT_TEST(test_what_changes_is_not_seen),
		SNAPSHOT_TEST(test_an_open_transaction_is_not_seen),
		SNAPSHOT_TEST(test_a_snapshot_is_not_edited),
		SNAPSHOT_TEST(test_it_is_read_beside_changes),
		SNAPSHOT_TEST(test_removed_files_are_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
