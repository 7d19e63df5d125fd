// SPDX-License-Identifier: GPL-2.0-only
/* test_store_set.c - entries that expire or are disabled: how they are set, counted, matched, imported */
#include "userspace/io/store.h"

#include "tests/unit/store_fixture.h"

#define NOW 1700000000

static int set(struct fixture *f, const char *prefix, bool disabled, int64_t expires, const char *note)
{
	struct entry entry = {.prefix = prefix_from(prefix),
			      .disabled = disabled,
			      .expires = expires,
			      .note = (char *)note};

	return store_entry_set(f->store, 1, &entry, &f->error);
}

static void add(struct fixture *f, const char *prefix, enum ag_entry_verdict verdict, int64_t expires)
{
	struct entry entry = {.prefix = prefix_from(prefix), .verdict = verdict, .expires = expires};

	assert_ok(f, store_entry_add(f->store, 1, &entry, &f->error));
}

static void begin(struct fixture *f)
{
	assert_ok(f, store_begin(f->store, &f->error));
}

static void commit(struct fixture *f)
{
	assert_ok(f, store_commit(f->store, &f->error));
}

static size_t enabled(struct fixture *f)
{
	struct account account = find_account(f, "acme");

	account_clear(&account);
	return account_enabled(&account);
}

static void test_set(void **state)
{
	struct fixture *f = *state;
	struct prefix prefix = prefix_from("203.0.113.1");
	struct entry entry = {0};

	make_store(f);
	begin(f);
	assert_ok(f, set(f, "203.0.113.1", true, NOW, "gate"));
	assert_error(f, set(f, "203.0.113.2", true, 0, ""), ERROR_NOT_FOUND, "203.0.113.2");
	commit(f);
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_ok(f, store_entry_find(f->store, 1, &prefix, &entry, &f->error));
	assert_true(entry.disabled);
	assert_int_equal(entry.expires, NOW);
	assert_string_equal(entry.note, "gate");
	assert_string_equal(entry.created_by, "ada"); /* stays whose it was */
	assert_int_equal(entry.created_at, NOW);
	assert_int_equal(entry.verdict, AG_ENTRY_ALLOW);
	entry_clear(&entry);
	assert_int_equal(enabled(f), 0);
	assert_list(f, 1, "203.0.113.1/32");
}

/* The counts follow every way that an entry comes, goes or turns, and a rollback. */
static void test_counts(void **state)
{
	struct fixture *f = *state;
	struct entry off = {.prefix = prefix_from("2001:db8::/32"), .disabled = true};
	struct prefix first = prefix_from("203.0.113.1");

	make_store(f);
	begin(f);
	assert_ok(f, store_entry_add(f->store, 1, &off, &f->error));
	commit(f);
	assert_int_equal(enabled(f), 1);
	begin(f);
	assert_ok(f, set(f, "203.0.113.1", true, 0, ""));
	assert_ok(f, set(f, "203.0.113.1", true, 0, "")); /* no change counts once */
	store_rollback(f->store);
	assert_int_equal(enabled(f), 1);
	begin(f);
	assert_ok(f, set(f, "203.0.113.1", true, 0, ""));
	commit(f);
	assert_int_equal(enabled(f), 0);
	begin(f);
	assert_ok(f, set(f, "2001:db8::/32", false, 0, ""));
	assert_ok(f, store_entry_remove(f->store, 1, &first, &f->error));
	commit(f);
	assert_int_equal(enabled(f), 1);
	begin(f);
	assert_ok(f, store_entries_clear(f->store, 1, &f->error));
	commit(f);
	assert_int_equal(enabled(f), 0);
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_list(f, 1, "");
}

/* "203.0.113.0/24", or "" where none. */
static void assert_match(struct fixture *f, const char *address, int64_t now, const char *wanted)
{
	struct prefix host = prefix_from(address);
	char text[PREFIX_TEXT_MAX] = "";
	struct entry entry = {0};
	bool found;

	assert_ok(f, store_entry_match(f->store, 1, &host.addr, now, &entry, &found, &f->error));
	if (found)
		prefix_format(&entry.prefix, text);
	entry_clear(&entry);
	assert_string_equal(text, wanted);
}

static void test_match_uncovers(void **state)
{
	struct fixture *f = *state;

	make_store(f);
	begin(f);
	add(f, "203.0.0.0/16", AG_ENTRY_ALLOW, 0);
	add(f, "203.0.113.0/24", AG_ENTRY_DENY, NOW + 10);
	commit(f);
	assert_match(f, "203.0.113.9", NOW + 9, "203.0.113.0/24");
	assert_match(f, "203.0.113.9", NOW + 10, "203.0.0.0/16"); /* from that second on */
	assert_match(f, "203.0.113.1", NOW + 9, "203.0.113.1/32");
	begin(f);
	assert_ok(f, set(f, "203.0.113.1", true, 0, ""));
	commit(f);
	assert_match(f, "203.0.113.1", NOW + 9, "203.0.113.0/24");
	assert_match(f, "203.0.113.1", NOW + 10, "203.0.0.0/16");
	begin(f);
	assert_ok(f, set(f, "203.0.0.0/16", true, 0, ""));
	commit(f);
	assert_match(f, "203.0.113.1", NOW + 10, "");
}

static void assert_around(struct fixture *f, const char *text, const char *wanted)
{
	struct prefix prefix = prefix_from(text);
	char found_text[PREFIX_TEXT_MAX] = "";
	struct entry entry = {0};
	bool found;

	assert_ok(f, store_entry_around(f->store, 1, &prefix, &entry, &found, &f->error));
	if (found)
		prefix_format(&entry.prefix, found_text);
	entry_clear(&entry);
	assert_string_equal(found_text, wanted);
}

static void test_around(void **state)
{
	struct fixture *f = *state;

	make_store(f);
	begin(f);
	add(f, "203.0.0.0/16", AG_ENTRY_ALLOW, 0);
	add(f, "203.0.113.0/24", AG_ENTRY_ALLOW, 1); /* expired long ago: it still lies around */
	commit(f);
	assert_around(f, "203.0.113.1", "203.0.113.0/24");
	assert_around(f, "203.0.113.0/24", "203.0.0.0/16"); /* not itself */
	assert_around(f, "203.0.0.0/16", "");
	assert_around(f, "198.51.100.1", "");
	begin(f);
	assert_ok(f, set(f, "203.0.113.0/24", true, 0, ""));
	commit(f);
	assert_around(f, "203.0.113.1", "203.0.0.0/16");
}

static size_t lengths(struct fixture *f)
{
	size_t count = 99;

	assert_ok(f, store_expiring_lengths(f->store, 1, &count, &f->error));
	return count;
}

static void test_expiring_lengths(void **state)
{
	struct fixture *f = *state;
	struct prefix gone = prefix_from("10.0.0.0/9");

	make_store(f);
	assert_int_equal(lengths(f), 0);
	begin(f);
	add(f, "10.0.0.0/8", AG_ENTRY_ALLOW, NOW);
	add(f, "11.0.0.0/8", AG_ENTRY_ALLOW, NOW);
	add(f, "10.0.0.0/9", AG_ENTRY_ALLOW, NOW);
	add(f, "10.0.0.0/10", AG_ENTRY_ALLOW, 0);
	for (unsigned int len = 40; len < 43; len++) {
		char text[32];

		snprintf(text, sizeof(text), "2001:db8::/%u", len);
		add(f, text, AG_ENTRY_ALLOW, NOW);
	}
	assert_int_equal(lengths(f), 3); /* of the family that has more; within a change too */
	commit(f);
	assert_int_equal(lengths(f), 3);
	begin(f);
	assert_ok(f, set(f, "2001:db8::/40", true, NOW, ""));
	assert_ok(f, set(f, "2001:db8::/41", false, 0, ""));
	commit(f);
	assert_int_equal(lengths(f), 2);
	begin(f);
	assert_ok(f, store_entry_remove(f->store, 1, &gone, &f->error));
	commit(f);
	assert_int_equal(lengths(f), 1);
}

/* Of another list of the account, before it is swept, none counts. */
static void test_expiring_lengths_of_the_list(void **state)
{
	struct fixture *f = *state;
	struct list next = list_of((const char *const[]){"198.51.100.0/24"}, 1);

	make_store(f);
	begin(f);
	add(f, "10.0.0.0/8", AG_ENTRY_ALLOW, NOW);
	add(f, "10.0.0.0/9", AG_ENTRY_ALLOW, NOW);
	commit(f);
	next.entries[0].expires = NOW;
	assert_ok(f, import_list(f, 1, &next));
	assert_int_equal(lengths(f), 1);
	list_clear(&next);
}

/* An import brings expiry and enabledness, and what differs in them alone is a change. */
static void test_import(void **state)
{
	struct fixture *f = *state;
	struct list list = list_of((const char *const[]){"203.0.113.1", "203.0.113.2"}, 2), have = {0};

	make_store(f);
	list.entries[0].disabled = true;
	list.entries[1].expires = NOW;
	for (int round = 0; round < 2; round++) {
		assert_ok(f, import_list(f, 1, &list));
		assert_int_equal(enabled(f), round ? 2 : 1);
		assert_ok(f, store_list(f->store, 1, &have, &f->error));
		assert_int_equal(have.entries[0].disabled, list.entries[0].disabled);
		assert_int_equal(have.entries[1].expires, list.entries[1].expires);
		list_clear(&have);
		list.entries[0].disabled = false;
		list.entries[1].expires = NOW + 1;
	}
	list_clear(&list);
}

/* The kernel would not have it: the list from before is in force again, whatever was in it. */
static void test_import_undone(void **state)
{
	struct fixture *f = *state;
	struct list list = hosts(3000, 1), after = hosts(2, 1);
	struct store_import *import = NULL;
	struct import_result result;
	struct account before;

	make_store(f);
	begin(f);
	assert_ok(f, set(f, "203.0.113.1", true, NOW, "kept"));
	commit(f);
	before = find_account(f, "acme");
	assert_ok(f, store_import_open(f->store, 1, &import, &f->error));
	assert_ok(f, store_import_prepare(import, IMPORT_REPLACE, &list, false, NULL, NULL, NULL, &result,
					  &f->error));
	assert_ok(f, finish_import(f, import));
	assert_int_equal(enabled(f), 3000);
	begin(f);
	assert_ok(f, store_import_undo(f->store, import, &before, &f->error));
	commit(f);
	store_import_close(import);
	assert_list(f, 1, "203.0.113.1/32");
	assert_int_equal(enabled(f), 0);
	sweep_all(f);
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_int_equal(rows(f), 1);
	assert_list(f, 1, "203.0.113.1/32");
	assert_ok(f, import_list(f, 1, &after));
	assert_list(f, 1, "10.0.0.0/32 10.0.0.1/32");
	account_clear(&before);
	list_clear(&result.came);
	list_clear(&result.went);
	list_clear(&list);
	list_clear(&after);
}

#define SET_TEST(name) cmocka_unit_test_setup_teardown(name, setup_dir, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SET_TEST(test_set),
		SET_TEST(test_counts),
		SET_TEST(test_match_uncovers),
		SET_TEST(test_around),
		SET_TEST(test_expiring_lengths),
		SET_TEST(test_expiring_lengths_of_the_list),
		SET_TEST(test_import),
		SET_TEST(test_import_undone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
