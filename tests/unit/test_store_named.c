// SPDX-License-Identifier: GPL-2.0-only
/* test_store_named.c - named lists, the references to them, and damage to either */
#include "userspace/io/store.h"

#include "tests/unit/store_fixture.h"

static struct list entries_of_texts(const char *const *texts)
{
	struct list list = {0};

	for (; *texts; texts++) {
		struct entry entry = {.created_at = 7};

		assert_int_equal(entry_source_parse(*texts, &entry, NULL), 0);
		assert_int_equal(list_append(&list, &entry), 0);
	}
	assert_null(list_sort(&list));
	return list;
}
#define TEXTS(...) entries_of_texts((const char *const[]){__VA_ARGS__, NULL})

static int add_listed(struct fixture *f, const char *name, struct list list)
{
	int r = store_named_entries_add(f->store, name, &list, &f->error);

	list_clear(&list);
	return r;
}

static int remove_listed(struct fixture *f, const char *name, struct list list)
{
	struct list gone = {0};
	int r = store_named_entries_remove(f->store, name, &list, &gone, &f->error);

	if (r == 0)
		assert_int_equal(gone.count, list.count);
	list_clear(&gone);
	list_clear(&list);
	return r;
}

static void assert_named(struct fixture *f, const char *name, const char *wanted)
{
	struct store_named named;
	struct list list = {0};
	char text[4096] = "", source[ENTRY_TEXT_MAX];
	size_t used = 0;

	assert_ok(f, store_named_find(f->store, name, &named, &f->error));
	assert_ok(f, store_named_list(f->store, &named, &list, &f->error));
	for (size_t i = 0; i < list.count; i++) {
		entry_format_short(&list.entries[i], source);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s ", source);
	}
	assert_string_equal(text, wanted);
	list_clear(&list);
}

static void reopen(struct fixture *f)
{
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
}

/* A list "vpn" of two prefixes, and account acme. */
static int setup_named(void **state)
{
	struct fixture *f;

	setup_store(state);
	f = *state;
	assert_ok(f, store_begin(f->store, &f->error));
	add_account(f, "acme");
	add_account(f, "beta");
	assert_ok(f, store_named_add(f->store, "vpn", 5, &f->error));
	assert_ok(f, add_listed(f, "vpn", TEXTS("203.0.113.0/24", "2001:db8::/32")));
	assert_ok(f, store_commit(f->store, &f->error));
	return 0;
}

static void test_lists(void **state)
{
	struct fixture *f = *state;
	AUTO_FREE struct store_named *all = NULL;
	struct store_named before, after;
	size_t count = 0;

	assert_named(f, "vpn", "203.0.113.0/24 2001:db8::/32 ");
	assert_ok(f, store_named_find(f->store, "vpn", &before, &f->error));
	assert_int_equal(before.entries, 2);
	assert_int_equal(before.created_at, 5);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_error(f, store_named_add(f->store, "vpn", 6, &f->error), ERROR_EXISTS,
		     "'vpn' is there already");
	assert_ok(f, store_named_add(f->store, "abc", 6, &f->error));
	assert_ok(f, remove_listed(f, "vpn", TEXTS("203.0.113.0/24")));
	assert_ok(f, store_commit(f->store, &f->error));
	reopen(f);
	assert_named(f, "vpn", "2001:db8::/32 ");
	assert_named(f, "abc", "");
	assert_ok(f, store_named_find(f->store, "vpn", &after, &f->error));
	assert_true(after.generation > before.generation);
	assert_memory_not_equal(after.content, before.content, sizeof(after.content));
	assert_ok(f, store_named_all(f->store, &all, &count, &f->error));
	assert_int_equal(count, 2);
	assert_string_equal(all[0].name, "abc");
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_named_remove(f->store, "vpn", &f->error));
	assert_error(f, store_named_remove(f->store, "vpn", &f->error), ERROR_NOT_FOUND, "no list 'vpn'");
	assert_ok(f, store_commit(f->store, &f->error));
	reopen(f);
}

static void test_all_or_none(void **state)
{
	struct fixture *f = *state;

	assert_ok(f, store_begin(f->store, &f->error));
	assert_error(f, add_listed(f, "vpn", TEXTS("192.0.2.1", "203.0.113.0/24")), ERROR_EXISTS,
		     "203.0.113.0/24 is in list 'vpn' already");
	store_rollback(f->store);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_error(f, remove_listed(f, "vpn", TEXTS("203.0.113.0/24", "192.0.2.1")), ERROR_NOT_FOUND,
		     "192.0.2.1 is not in list 'vpn'");
	store_rollback(f->store);
	assert_error(f, add_listed(f, "vpn", TEXTS("192.0.2.1")), ERROR_STORE, "outside of a transaction");
	assert_named(f, "vpn", "203.0.113.0/24 2001:db8::/32 ");
}

static void test_limit_of_lists(void **state)
{
	struct fixture *f = *state;
	char name[NAME_SIZE];

	assert_ok(f, store_begin(f->store, &f->error));
	for (int i = 1; i < NAMED_LISTS_MAX; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		assert_ok(f, store_named_add(f->store, name, 0, &f->error));
	}
	assert_error(f, store_named_add(f->store, "more", 0, &f->error), ERROR_LIMIT, "1000 named lists");
	assert_ok(f, store_commit(f->store, &f->error));
}

static void test_pages(void **state)
{
	struct fixture *f = *state;
	struct prefix after = prefix_from("203.0.113.0/24");
	struct store_named named;
	struct list list = {0};

	assert_ok(f, store_named_find(f->store, "vpn", &named, &f->error));
	assert_ok(f, store_named_page(f->store, &named, NULL, 1, &list, &f->error));
	assert_int_equal(list.count, 1);
	assert_int_equal(list.entries[0].prefix.len, 24);
	list_clear(&list);
	assert_ok(f, store_named_page(f->store, &named, &after, 9, &list, &f->error));
	assert_int_equal(list.count, 1);
	assert_int_equal(list.entries[0].prefix.len, 32);
	list_clear(&list);
}

/* --- references -------------------------------------------------------------- */

static struct account found(struct fixture *f, const char *name)
{
	struct account account;

	assert_ok(f, store_account_find(f->store, name, &account, &f->error));
	return account;
}

static int refer(struct fixture *f, const char *account, const char *source, bool disabled)
{
	struct entry entry = {.disabled = disabled};
	int r;

	assert_int_equal(entry_source_parse(source, &entry, NULL), 0);
	r = store_entry_add(f->store, found(f, account).id, &entry, &f->error);
	entry_clear(&entry);
	return r;
}

static size_t users_of(struct fixture *f, const char *name)
{
	struct store_named_user *users = NULL;
	size_t count = 0;

	assert_ok(f, store_named_users(f->store, name, &users, &count, &f->error));
	for (size_t i = 1; i < count; i++)
		assert_true(strcmp(users[i - 1].account, users[i].account) < 0);
	free(users);
	return count;
}

static void test_references_are_entries(void **state)
{
	struct fixture *f = *state;
	struct prefix key = reference_key("vpn");
	struct list list = {0};
	struct account account;
	struct entry entry = {0};

	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, refer(f, "acme", "@vpn", false));
	assert_ok(f, refer(f, "acme", "203.0.113.7", false));
	assert_ok(f, refer(f, "acme", "@abc", true));
	assert_error(f, refer(f, "acme", "@vpn", false), ERROR_EXISTS,
		     "the named list is in the list already");
	assert_ok(f, store_commit(f->store, &f->error));
	reopen(f);
	account = found(f, "acme");
	assert_int_equal(account.references, 2);
	assert_int_equal(account.disabled_references, 1);
	assert_int_equal(account.entries4 + account.entries6, 1);
	assert_int_equal(account_enabled(&account), 2);
	assert_ok(f, store_list(f->store, account.id, &list, &f->error)); /* fits its sum */
	assert_int_equal(list.count, 3);
	assert_int_equal(list_count_references(&list), 2);
	list_clear(&list);
	assert_ok(f, store_references(f->store, account.id, &list, &f->error));
	assert_int_equal(list.count, 2);
	list_clear(&list);
	assert_ok(f, store_entry_find(f->store, account.id, &key, &entry, &f->error));
	assert_string_equal(entry.list, "vpn");
	entry_clear(&entry);
}

static void test_users_follow_the_list_in_force(void **state)
{
	struct fixture *f = *state;
	struct prefix key = reference_key("vpn");

	assert_int_equal(users_of(f, "vpn"), 0);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, refer(f, "acme", "@vpn", true));
	assert_ok(f, refer(f, "beta", "@vpn", false));
	assert_int_equal(users_of(f, "vpn"), 2);
	assert_ok(f, store_commit(f->store, &f->error));
	assert_int_equal(users_of(f, "vpn"), 2);
	assert_int_equal(users_of(f, "abc"), 0);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_entry_remove(f->store, found(f, "acme").id, &key, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_int_equal(users_of(f, "vpn"), 1); /* the row that ended is one of history */
	assert_int_equal(found(f, "acme").references, 0);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_account_remove(f->store, found(f, "beta").id, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_int_equal(users_of(f, "vpn"), 0);
}

static void test_limit_of_references(void **state)
{
	struct fixture *f = *state;
	char source[NAME_SIZE];

	assert_ok(f, store_begin(f->store, &f->error));
	for (int i = 0; i < REFERENCES_MAX; i++) {
		snprintf(source, sizeof(source), "@l%d", i);
		assert_ok(f, refer(f, "acme", source, i % 2));
	}
	assert_error(f, refer(f, "acme", "@more", false), ERROR_LIMIT, "more than 16 references");
	assert_ok(f, refer(f, "acme", "203.0.113.7", false));
	assert_ok(f, store_commit(f->store, &f->error));
}

struct sources {
	char text[1024];
};

static int note(const struct entry *entry, void *arg)
{
	struct sources *sources = arg;
	char source[ENTRY_TEXT_MAX];
	size_t used = strlen(sources->text);

	entry_format_short(entry, source);
	(void)snprintf(sources->text + used, sizeof(sources->text) - used, "%s ", source);
	return 0;
}

static void test_import_has_them(void **state)
{
	struct fixture *f = *state;
	struct account acme = found(f, "acme");
	struct store_import *import = NULL;
	struct import_result result = {0};
	struct sources sources = {0};
	struct list list = TEXTS("203.0.113.7", "@vpn"), named = {0}, many = {0};

	assert_ok(f, store_import_open(f->store, acme.id, &import, &f->error));
	assert_ok(f, store_import_prepare(import, IMPORT_REPLACE, &list, false, NULL, note, &sources, &result,
					  &f->error));
	assert_string_equal(sources.text, "@vpn 203.0.113.7 ");
	assert_ok(f, store_import_named(import, "vpn", &named, &f->error));
	assert_int_equal(named.count, 2);
	list_clear(&named);
	assert_error(f, store_import_named(import, "abc", &named, &f->error), ERROR_NOT_FOUND,
		     "no list 'abc'");
	assert_string_equal(result.came.entries[0].list, "vpn");
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_import_finish(f->store, import, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_int_equal(found(f, "acme").references, 1);
	assert_int_equal(users_of(f, "vpn"), 1);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_import_undo(f->store, import, &acme, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_int_equal(found(f, "acme").references, 0);
	assert_int_equal(users_of(f, "vpn"), 0);
	store_import_close(import);
	list_clear(&list);
	list_clear(&result.came);
	list_clear(&result.went);

	for (int i = 0; i <= REFERENCES_MAX; i++) {
		struct entry entry = {0};
		char source[NAME_SIZE];

		snprintf(source, sizeof(source), "@l%d", i);
		assert_int_equal(entry_source_parse(source, &entry, NULL), 0);
		assert_int_equal(list_append(&many, &entry), 0);
	}
	assert_null(list_sort(&many));
	assert_ok(f, store_import_open(f->store, acme.id, &import, &f->error));
	assert_error(f,
		     store_import_prepare(import, IMPORT_REPLACE, &many, false, NULL, NULL, NULL, &result,
					  &f->error),
		     ERROR_LIMIT, "more than 16 references");
	store_import_close(import);
	list_clear(&many);
}

/* --- damage -------------------------------------------------------------------- */

static void assert_no_store(struct fixture *f, const char *sql, const char *why)
{
	fixture_close(f);
	raw(f->path, sql);
	assert_error(f, fixture_open(f, STORE_MUST_EXIST), ERROR_STORE, why);
}

static void test_damaged_row(void **state)
{
	assert_no_store(*state, "UPDATE lists SET name = 'vpm'", "do not fit their sum");
}

static void test_lost_row(void **state)
{
	assert_no_store(*state, "PRAGMA foreign_keys = OFF; DELETE FROM list_entries; DELETE FROM lists",
			"do not fit their sum");
}

static void test_damaged_entry(void **state)
{
	struct fixture *f = *state;
	struct store_named named;
	struct list list = {0};

	fixture_close(f);
	raw(f->path, "UPDATE list_entries SET len = 25 WHERE len = 24");
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_ok(f, store_named_find(f->store, "vpn", &named, &f->error));
	assert_error(f, store_named_list(f->store, &named, &list, &f->error), ERROR_STORE,
		     "list 'vpn' does not fit its sum");
	assert_int_equal(list.count, 0);
}

static void test_lost_reference(void **state)
{
	struct fixture *f = *state;
	struct list list = {0};

	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, refer(f, "acme", "@vpn", false));
	assert_ok(f, store_commit(f->store, &f->error));
	fixture_close(f);
	raw(f->path, "DELETE FROM entries WHERE family = 0");
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_error(f, store_list(f->store, found(f, "acme").id, &list, &f->error), ERROR_STORE,
		     "does not fit its sum");
}

#define NAMED_TEST(test) cmocka_unit_test_setup_teardown(test, setup_named, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NAMED_TEST(test_lists),
		NAMED_TEST(test_all_or_none),
		NAMED_TEST(test_limit_of_lists),
		NAMED_TEST(test_pages),
		NAMED_TEST(test_references_are_entries),
		NAMED_TEST(test_users_follow_the_list_in_force),
		NAMED_TEST(test_limit_of_references),
		NAMED_TEST(test_import_has_them),
		NAMED_TEST(test_damaged_row),
		NAMED_TEST(test_lost_row),
		NAMED_TEST(test_damaged_entry),
		NAMED_TEST(test_lost_reference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
