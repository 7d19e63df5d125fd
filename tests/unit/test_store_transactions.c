// SPDX-License-Identifier: GPL-2.0-only
/* test_store_transactions.c - all of a change or nothing, and nothing outside of one */
#include "userspace/io/store.h"

#include <inttypes.h>
#include <time.h>

#include "tests/unit/store_fixture.h"

static void test_rollback_restores(void **state)
{
	struct fixture *f = *state;
	struct store_interface interface = {"eth0", "auto"};
	struct account account, changed;
	struct store_audit row = {.user = (char *)"ada"};
	uint64_t id, generation, rows = 9;
	char owner[NAME_SIZE];

	assert_ok(f, store_begin(f->store, &f->error));
	account = add_account(f, "acme");
	assert_ok(f, add_entry(f, account.id, "203.0.113.1", AG_ENTRY_ALLOW));
	assert_ok(f, store_commit(f->store, &f->error));
	account = find_account(f, "acme");

	assert_ok(f, store_begin(f->store, &f->error));
	changed = account;
	changed.mode = AG_MODE_OFF;
	assert_ok(f, store_account_update(f->store, &changed, &f->error));
	assert_ok(f, store_entries_clear(f->store, account.id, &f->error));
	assert_ok(f, add_entry(f, account.id, "9.9.9.9", AG_ENTRY_ALLOW));
	assert_ok(f, add_service(f, add_account(f, "beta").id, "192.0.2.1", owner));
	assert_ok(f, store_role_grant(f->store, account.id, add_user(f, "ada", 1).id, ROLE_ADMIN, &f->error));
	assert_ok(f, store_interface_put(f->store, &interface, &f->error));
	assert_ok(f, store_next_generation(f->store, &generation, &f->error));
	assert_ok(f, store_audit_add(f->store, &row, &f->error));
	assert_list(f, account.id, "9.9.9.9/32");
	store_rollback(f->store);
	store_rollback(f->store);

	changed = find_account(f, "acme");
	assert_memory_equal(&changed, &account, sizeof(account));
	assert_list(f, account.id, "203.0.113.1/32");
	assert_ok(f, store_identity(f->store, &id, &generation, &f->error));
	assert_int_equal(generation, 0);
	assert_ok(f, store_audit_verify(f->store, &rows, &f->error));
	assert_int_equal(rows, 0);
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_error(f, store_account_find(f->store, "beta", &account, &f->error), ERROR_NOT_FOUND, "'beta'");
}

static void test_transactions(void **state)
{
	struct fixture *f = *state;
	struct account account = {.name = "acme"};
	struct prefix prefix = prefix_from("203.0.113.1");
	struct store_user user = {.name = "ada"};
	uint64_t generation;

	assert_error(f, store_account_add(f->store, &account, &f->error), ERROR_STORE,
		     "outside of a transaction");
	assert_error(f, store_entry_remove(f->store, 1, &prefix, &f->error), ERROR_STORE,
		     "outside of a transaction");
	assert_error(f, store_user_add(f->store, &user, &f->error), ERROR_STORE, "outside of a transaction");
	assert_error(f, store_next_generation(f->store, &generation, &f->error), ERROR_STORE, "outside of");
	assert_error(f, store_commit(f->store, &f->error), ERROR_STORE, "outside of a transaction");
	assert_ok(f, store_begin(f->store, &f->error));
	assert_error(f, store_begin(f->store, &f->error), ERROR_STORE, "a change within a change");
	/* SQLite undid it on its own: what follows must not be committed one by one. */
	assert_int_equal(sqlite3_exec(f->store->db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	assert_error(f, store_account_add(f->store, &account, &f->error), ERROR_STORE, "was undone");
	assert_error(f, store_commit(f->store, &f->error), ERROR_STORE, "was undone");
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
}

static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void test_hundred_thousand_entries(void **state)
{
	struct fixture *f = *state;
	struct entry entry = {.prefix = prefix_from("10.0.0.0/32"), .created_by = (char *)"ada"};
	struct list list = {0};
	int64_t id, before = milliseconds();

	assert_ok(f, store_begin(f->store, &f->error));
	id = add_account(f, "acme").id;
	for (uint32_t i = 0; i < 100000; i++) {
		entry.prefix.addr.bytes[1] = (uint8_t)(i >> 16);
		entry.prefix.addr.bytes[2] = (uint8_t)(i >> 8);
		entry.prefix.addr.bytes[3] = (uint8_t)i;
		assert_ok(f, store_entry_add(f->store, id, &entry, &f->error));
	}
	assert_ok(f, store_commit(f->store, &f->error));
	print_message("100,000 entries added and committed in %" PRId64 " ms\n", milliseconds() - before);
	/* Prepared once and in one transaction: far from the minutes that one by one would take. */
	assert_true(milliseconds() - before < 30000);
	assert_ok(f, store_list(f->store, id, &list, &f->error));
	assert_int_equal(list.count, 100000);
	list_clear(&list);
}

#define TRANSACTION_TEST(name) cmocka_unit_test_setup_teardown(name, setup_store, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRANSACTION_TEST(test_rollback_restores),
		TRANSACTION_TEST(test_transactions),
		TRANSACTION_TEST(test_hundred_thousand_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
