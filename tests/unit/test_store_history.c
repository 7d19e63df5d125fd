// SPDX-License-Identifier: GPL-2.0-only
/* test_store_history.c - lists as they were: read at any generation that is kept, checked, and bounded */
#include "userspace/io/store.h"

#include <inttypes.h>

#include "tests/unit/history_fixture.h"

static void test_every_kind_of_change(void **state)
{
	struct fixture *f = *state;
	struct list next = list_of((const char *const[]){"9.0.0.0/8", "203.0.113.2"}, 2);

	make_history(f);
	begin(f);
	assert_ok(f, add_entry(f, 1, "203.0.113.2", AG_ENTRY_DENY));
	assert_int_equal(conclude(f), 2);
	begin(f);
	assert_ok(f, set(f, "203.0.113.1", true, "gate"));
	assert_int_equal(conclude(f), 3);
	begin(f);
	assert_ok(f, drop(f, "203.0.113.2"));
	assert_int_equal(conclude(f), 4);
	assert_ok(f, import_list(f, 1, &next));
	begin(f);
	assert_int_equal(conclude(f), 5);
	begin(f);
	assert_ok(f, store_entries_clear(f->store, 1, &f->error));
	assert_int_equal(conclude(f), 6);
	for (int i = 0; i < 2; i++) {
		assert_at(f, 1, "203.0.113.1=office");
		assert_at(f, 2, "203.0.113.1=office 203.0.113.2!=office");
		assert_at(f, 3, "203.0.113.1#=gate 203.0.113.2!=office");
		assert_at(f, 4, "203.0.113.1#=gate");
		assert_at(f, 5, "9.0.0.0/8 203.0.113.2");
		assert_at(f, 6, "");
		assert_list(f, 1, "");
		sweep_all(f); /* takes nothing that is kept */
		reopen(f);
	}
	list_clear(&next);
}

/* What comes and goes within one transaction was in no list, and leaves no row. */
static void test_within_one_change(void **state)
{
	struct fixture *f = *state;

	make_history(f);
	begin(f);
	assert_ok(f, add_entry(f, 1, "10.0.0.1", AG_ENTRY_ALLOW));
	assert_ok(f, set(f, "10.0.0.1", true, "twice"));
	assert_ok(f, drop(f, "10.0.0.1"));
	assert_ok(f, drop(f, "203.0.113.1"));
	assert_ok(f, add_entry(f, 1, "203.0.113.1", AG_ENTRY_DENY));
	assert_ok(f, set(f, "203.0.113.1", false, "new"));
	assert_int_equal(rows(f), 2);
	assert_int_equal(conclude(f), 2);
	assert_at(f, 1, "203.0.113.1=office");
	assert_at(f, 2, "203.0.113.1!=new");
}

/* A change of two accounts at once: each has its own versions. */
static void test_two_accounts(void **state)
{
	struct fixture *f = *state;
	int64_t other;

	make_history(f);
	begin(f);
	other = add_account(f, "beta").id;
	for (unsigned int i = 0; i < 3; i++) {
		char text[32];

		snprintf(text, sizeof(text), "10.0.0.%u", i);
		assert_ok(f, add_entry(f, 1, text, AG_ENTRY_ALLOW));
		assert_ok(f, add_entry(f, other, text, AG_ENTRY_DENY));
		assert_ok(f, drop(f, i ? text : "203.0.113.1"));
	}
	assert_int_equal(conclude(f), 2);
	assert_at(f, 1, "203.0.113.1=office");
	assert_at(f, 2, "10.0.0.0=office");
	assert_list(f, other, "10.0.0.0/32 10.0.0.1/32 10.0.0.2/32");
}

static void test_import_undone(void **state)
{
	struct fixture *f = *state;
	struct list next = hosts(3, 1);
	struct store_import *import = NULL;
	struct import_result result;
	struct account before;
	uint64_t refused;

	make_history(f);
	before = find_account(f, "acme");
	assert_ok(f, store_import_open(f->store, 1, &import, &f->error));
	assert_ok(f, store_import_prepare(import, IMPORT_REPLACE, &next, false, NULL, NULL, NULL, &result,
					  &f->error));
	assert_ok(f, finish_import(f, import));
	begin(f);
	refused = conclude(f);
	assert_at(f, refused, "10.0.0.0 10.0.0.1 10.0.0.2");
	begin(f);
	assert_ok(f, store_import_undo(f->store, import, &before, &f->error));
	assert_ok(f, store_history_remove(f->store, 1, refused, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	store_import_close(import);
	assert_at(f, 1, "203.0.113.1=office");
	assert_error(f, store_list_at(f->store, 1, refused, &next, &f->error), ERROR_NOT_FOUND, "not kept");
	begin(f);
	assert_ok(f, add_entry(f, 1, "10.0.0.9", AG_ENTRY_ALLOW)); /* beside what the import has left */
	assert_int_equal(conclude(f), 3);
	for (int i = 0; i < 2; i++) {
		assert_at(f, 1, "203.0.113.1=office");
		assert_at(f, 3, "10.0.0.9=office 203.0.113.1=office");
		sweep_all(f);
	}
	assert_int_equal(rows(f), 2);
	list_clear(&result.came);
	list_clear(&result.went);
	list_clear(&next);
}

/* The rows say what was, with who and when; also those of settings alone. */
static void test_rows(void **state)
{
	struct fixture *f = *state;
	struct account account;
	struct store_history *list = NULL, one = {0};
	size_t count = 0;

	make_history(f);
	begin(f);
	account = find_account(f, "acme");
	account.mode = AG_MODE_MONITOR;
	account.label = strdup("Acme, Inc.");
	assert_ok(f, store_account_update(f->store, &account, &f->error));
	assert_int_equal(conclude_at(f, NOW + 5), 2);
	account_clear(&account);
	assert_ok(f, store_history(f->store, 1, 0, 10, &list, &count, &f->error));
	assert_int_equal(count, 2);
	assert_int_equal(list[0].account.generation, 2);
	assert_int_equal(list[0].time, NOW + 5);
	assert_string_equal(list[0].user, "ada");
	assert_string_equal(list[0].action, "allow add");
	assert_int_equal(list[0].account.mode, AG_MODE_MONITOR);
	assert_string_equal(list[0].account.label, "Acme, Inc.");
	assert_int_equal(list[0].account.entries4, 1);
	assert_int_equal(list[1].account.mode, AG_MODE_ENFORCE);
	assert_null(list[1].account.label);
	store_history_free(list, count);
	assert_ok(f, store_history(f->store, 1, 2, 10, &list, &count, &f->error));
	assert_int_equal(count, 1);
	store_history_free(list, count);
	assert_ok(f, store_history_find(f->store, 1, 2, &one, &f->error));
	assert_string_equal(one.account.name, "acme");
	account_clear(&one.account);
	assert_error(f, store_history_find(f->store, 1, 7, &one, &f->error), ERROR_NOT_FOUND,
		     "those that are go from 1 to 2");
	assert_error(f, store_history_find(f->store, 9, 1, &one, &f->error), ERROR_NOT_FOUND,
		     "no such account");
	begin(f);
	one = (struct store_history){.time = NOW};
	assert_error(f, store_history_add(f->store, 1, &one, &f->error), ERROR_EXISTS, "is there already");
	store_rollback(f->store);
}

/* --- any changes, and a model ------------------------------------------------ */

#define CHANGES 200

static struct prefix random_prefix(unsigned int *seed)
{
	const uint8_t bytes[4] = {10, 0, 0, (uint8_t)(rand_r(seed) % 24)};
	struct addr addr = addr_make(AG_FAMILY_IPV4, bytes);

	return prefix_of(&addr, (uint8_t)(28 + rand_r(seed) % 5));
}

static void random_edit(struct fixture *f, unsigned int *seed)
{
	struct entry entry = {.prefix = random_prefix(seed),
			      .verdict = rand_r(seed) % 4 ? AG_ENTRY_ALLOW : AG_ENTRY_DENY,
			      .disabled = rand_r(seed) % 4 == 0,
			      .note = (char *)(rand_r(seed) % 2 ? "one" : "two")};
	int r;

	switch (rand_r(seed) % 40) {
	case 0:
		r = store_entries_clear(f->store, 1, &f->error);
		break;
	case 1 ... 12:
		r = store_entry_remove(f->store, 1, &entry.prefix, &f->error);
		break;
	case 13 ... 20:
		r = store_entry_set(f->store, 1, &entry, &f->error);
		break;
	default:
		r = store_entry_add(f->store, 1, &entry, &f->error);
	}
	if (r < 0)
		assert_true(f->error.code == ERROR_EXISTS || f->error.code == ERROR_NOT_FOUND);
}

static void random_import(struct fixture *f, unsigned int *seed)
{
	struct list list = {0};

	for (uint8_t i = 0; i < 24; i++)
		if (rand_r(seed) % 2) {
			const uint8_t bytes[4] = {10, 0, 0, i};
			struct addr addr = addr_make(AG_FAMILY_IPV4, bytes);
			struct entry entry = {.prefix = prefix_of(&addr, 32)};

			assert_int_equal(list_append(&list, &entry), 0);
		}
	if (rand_r(seed) % 3) {
		assert_ok(f, import_list(f, 1, &list));
	} else { /* one that is left off */
		struct store_import *import = NULL;
		struct import_result result;

		assert_ok(f, store_import_open(f->store, 1, &import, &f->error));
		assert_ok(f, store_import_prepare(import, IMPORT_REPLACE, &list, false, NULL, NULL, NULL,
						  &result, &f->error));
		list_clear(&result.came);
		list_clear(&result.went);
		store_import_close(import);
	}
	list_clear(&list);
}

static uint64_t random_change(struct fixture *f, unsigned int *seed)
{
	if (rand_r(seed) % 8 == 0)
		random_import(f, seed);
	begin(f);
	for (int i = rand_r(seed) % 4; i > 0; i--)
		random_edit(f, seed);
	return conclude(f);
}

static void check_model(struct fixture *f, char *const *model, uint64_t first, uint64_t last)
{
	for (uint64_t i = first; i <= last; i++)
		assert_at(f, i, model[i]);
}

static void test_any_changes(void **state)
{
	struct fixture *f = *state;
	static char *model[CHANGES + 2];
	struct list list = {0};
	unsigned int seed = 20;
	char text[1024];

	make_history(f);
	for (uint64_t i = 1; i < CHANGES; i++) {
		uint64_t generation = i == 1 ? 1 : random_change(f, &seed);

		assert_int_equal(generation, i);
		assert_ok(f, store_list(f->store, 1, &list, &f->error));
		list_text(&list, text, sizeof(text));
		list_clear(&list);
		model[i] = strdup(text);
		if (i % 50 == 0)
			sweep_all(f);
	}
	check_model(f, model, 1, CHANGES - 1);
	sweep_all(f);
	check_model(f, model, 1, CHANGES - 1);
	prune(f, 50, 0, 7);
	assert_int_equal(kept(f), 50);
	check_model(f, model, CHANGES - 50, CHANGES - 1);
	reopen(f);
	prune(f, 1, 0, 1000);
	check_model(f, model, CHANGES - 1, CHANGES - 1);
	assert_ok(f, store_list(f->store, 1, &list, &f->error));
	assert_int_equal(rows(f), list.count); /* nothing beside the list is left */
	list_clear(&list);
	for (size_t i = 0; i < COUNT(model); i++)
		free(model[i]);
}

/* However often a prefix came and went, looking for it costs the same. */
static void test_many_changes_of_one_prefix(void **state)
{
	struct fixture *f = *state;
	struct prefix prefix = prefix_from("203.0.113.1");
	struct entry entry = {0};

	make_history(f);
	begin(f);
	assert_ok(
		f,
		sql_exec(f->store,
			 "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) "
			 "INSERT INTO entries SELECT 1, 4, x'cb007101', 32, -1 + i, i, 'deny', '', '', 0, 0, "
			 "0, '' FROM n WHERE i > 2; UPDATE entries SET since = 10000 WHERE until = 0; "
			 "UPDATE accounts SET list_version = 10000",
			 &f->error));
	assert_ok(f, sql_exec(f->store, "COMMIT", &f->error));
	store_rollback(f->store);
	for (int64_t version = 9999; version <= 10000; version++) {
		struct account_record record = {.account.id = 1, .list_version = version};
		int64_t since = 0;
		int steps;

		assert_int_equal(entries_find_copy(f->store, &record, &prefix, &entry, &since, &f->error), 1);
		assert_int_equal(since, version);
		entry_clear(&entry);
		steps = sqlite3_stmt_status(f->store->statements[SQL_ENTRY_FIND], SQLITE_STMTSTATUS_VM_STEP,
					    1);
		assert_in_range(steps, 1, 200);
	}
}

/* --- damage and faults ------------------------------------------------------- */

static void test_damage(void **state)
{
	static const char *const damage[] = {
		"UPDATE history SET list_version = 1",
		"UPDATE history SET entries4 = 0",
		"UPDATE history SET list_sum = zeroblob(32)",
		"UPDATE history SET mode = 'off'",
		"UPDATE history SET on_deny = 'reject'",
		"UPDATE history SET label = 'other'",
		"UPDATE history SET time = 1",
		"UPDATE history SET action = 'other'",
		"UPDATE history SET digest = zeroblob(32)",
		"UPDATE history SET generation = 9 WHERE generation = 2",
		"UPDATE entries SET note = 'other' WHERE until > 0",
		"DELETE FROM entries WHERE until > 0",
		"UPDATE entries SET until = 3 WHERE until = 2",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(damage); i++) {
		struct list list = {0};
		int r = 0;

		shell("rm -f %s*", f->path);
		make_history(f);
		change_often(f, 4);
		fixture_close(f);
		raw(f->path, damage[i]);
		assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
		for (uint64_t generation = 1; generation <= 9 && r != -1; generation++) {
			f->error = (struct ag_error){0};
			if (store_list_at(f->store, 1, generation, &list, &f->error) < 0 &&
			    f->error.code == ERROR_STORE)
				r = -1;
			list_clear(&list);
		}
		if (r != -1)
			print_error("not noticed: %s\n", damage[i]);
		assert_int_equal(r, -1);
		assert_ok(f, store_begin(f->store, &f->error)); /* what is now is whole */
		assert_list(f, 1, "203.0.113.1/32");
		fixture_close(f);
	}
	shell("rm -f %s*", f->path);
	/* Who made it, and whether it is held, may change. */
	make_history(f);
	raw(f->path, "UPDATE history SET user = '', pinned = 1; UPDATE entries SET created_by = ''");
	assert_at(f, 1, "203.0.113.1=office");
}

/* Each write of a change with its history fails in turn: the list and the history from before. */
static void test_faults(void **state)
{
	static const char *const faults[] = {
		"BEFORE INSERT ON main.history",
		"BEFORE INSERT ON main.entries",
		"BEFORE UPDATE ON main.entries",
		"BEFORE UPDATE ON main.accounts",
	};
	struct fixture *f = *state;
	struct store_history row = {.time = NOW};
	struct account account;

	make_history(f);
	for (size_t i = 0; i < COUNT(faults); i++) {
		char trigger[256];
		int r;

		snprintf(trigger, sizeof(trigger),
			 "CREATE TEMP TRIGGER fault %s BEGIN SELECT RAISE(ABORT, 'fault'); END", faults[i]);
		assert_int_equal(sqlite3_exec(f->store->db, trigger, NULL, NULL, NULL), SQLITE_OK);
		begin(f);
		account = find_account(f, "acme");
		account.generation++;
		r = set(f, "203.0.113.1", true, "never");
		if (!r)
			r = store_account_update(f->store, &account, &f->error);
		if (!r)
			r = store_history_add(f->store, 1, &row, &f->error);
		if (!r)
			r = store_commit(f->store, &f->error);
		assert_true(r < 0);
		assert_non_null(strstr(f->error.message, "fault"));
		store_rollback(f->store);
		assert_int_equal(sqlite3_exec(f->store->db, "DROP TRIGGER fault", NULL, NULL, NULL),
				 SQLITE_OK);
		assert_int_equal(kept(f), 1);
		assert_at(f, 1, "203.0.113.1=office");
		assert_list(f, 1, "203.0.113.1/32");
	}
	change_often(f, 3);
	assert_at(f, 3, "203.0.113.1=3");
}

#define HISTORY_TEST(name) cmocka_unit_test_setup_teardown(name, setup_dir, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HISTORY_TEST(test_every_kind_of_change),
		HISTORY_TEST(test_within_one_change),
		HISTORY_TEST(test_two_accounts),
		HISTORY_TEST(test_import_undone),
		HISTORY_TEST(test_rows),
		HISTORY_TEST(test_any_changes),
		HISTORY_TEST(test_many_changes_of_one_prefix),
		HISTORY_TEST(test_damage),
		HISTORY_TEST(test_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
