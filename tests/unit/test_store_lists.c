// SPDX-License-Identifier: GPL-2.0-only
/* test_store_lists.c - reading lists: one by one, one entry, the longest match; with rows of other versions
 * and of nobody beside them */
#include "userspace/io/store.h"

#include "tests/unit/store_fixture.h"

/*
 * Rows as imports leave them, of account 1 in version 1: gone in the next (2^32 ahead), to come, and to come
 * for good.
 */
static const char other_versions[] =
	"INSERT INTO entries VALUES (1, 4, x'0a000000', 8, 4294967297, 0, 'allow', '', '', 0, 0, 0, '');"
	"INSERT INTO entries VALUES (1, 4, x'0a010000', 16, 4294967298, 4294967299, 'allow', '', '', 0, 0, "
	"0, '');"
	"INSERT INTO entries VALUES (1, 4, x'cb007101', 32, 4294967297, 0, 'deny', 'other', '', 0, 0, 0, '');"
	"UPDATE entries SET until = 4294967297 WHERE account_id = 1 AND since = 1;"
	"INSERT INTO unswept VALUES (1);";

struct seen {
	char text[256];
	size_t length;
	unsigned int visits;
	unsigned int stop_at;
};

static int note_visit(const struct entry *entry, void *arg)
{
	struct seen *seen = arg;
	char prefix[PREFIX_TEXT_MAX];

	prefix_format(&entry->prefix, prefix);
	seen->length += (size_t)snprintf(seen->text + seen->length, sizeof(seen->text) - seen->length,
					 "%s%s %s %s %" PRId64, seen->visits ? ", " : "", prefix,
					 entry_verdict_name(entry->verdict), entry->note ? entry->note : "-",
					 entry->created_at);
	return ++seen->visits == seen->stop_at ? 42 : 0;
}

static void test_each(void **state)
{
	struct fixture *f = *state;
	struct seen seen = {0};

	make_store(f);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, add_entry(f, 1, "2001:db8::/32", AG_ENTRY_DENY));
	assert_ok(f, add_entry(f, 1, "9.0.0.0/8", AG_ENTRY_ALLOW));
	/* Within the transaction too. */
	assert_int_equal(store_list_each(f->store, 1, note_visit, &seen, &f->error), 0);
	assert_int_equal(seen.visits, 3);
	assert_ok(f, store_commit(f->store, &f->error));
	seen = (struct seen){0};
	assert_int_equal(store_list_each(f->store, 1, note_visit, &seen, &f->error), 0);
	assert_string_equal(seen.text, "9.0.0.0/8 allow office 1700000000, "
				       "203.0.113.1/32 allow office 1700000000, "
				       "2001:db8::/32 deny office 1700000000");
	seen = (struct seen){.stop_at = 2};
	assert_int_equal(store_list_each(f->store, 1, note_visit, &seen, &f->error), 42);
	assert_int_equal(seen.visits, 2);
	assert_int_equal(store_list_each(f->store, 1, NULL, NULL, &f->error), 0);
	assert_error(f, store_list_each(f->store, 7, note_visit, &seen, &f->error), ERROR_NOT_FOUND,
		     "no such account");
	/* What was visited is not known to be the list before the return of 0. */
	raw(f->path, "UPDATE entries SET note = 'other' WHERE family = 6");
	seen = (struct seen){0};
	assert_error(f, store_list_each(f->store, 1, note_visit, &seen, &f->error), ERROR_STORE,
		     "account 'acme' does not fit its sum");
	assert_int_equal(seen.visits, 3);
}

/* Reading leaves no lock behind: another connection may write, and the log be emptied. */
static void test_each_ends_its_reading(void **state)
{
	struct fixture *f = *state;
	struct seen seen = {.stop_at = 1};
	int64_t busy = -1;

	make_store(f);
	assert_int_equal(store_list_each(f->store, 1, note_visit, &seen, &f->error), 42);
	assert_error(f, store_list_each(f->store, 7, note_visit, &seen, &f->error), ERROR_NOT_FOUND, "");
	raw(f->path, "INSERT INTO unswept VALUES (1)");
	assert_ok(f, sql_pragma_number(f->store, "PRAGMA wal_checkpoint(TRUNCATE)", &busy, &f->error));
	assert_int_equal(busy, 0);
}

static void test_find(void **state)
{
	struct fixture *f = *state;
	struct prefix there = prefix_from("203.0.113.1"), wider = prefix_from("203.0.113.0/24");
	struct entry entry = {0};

	make_store(f);
	assert_ok(f, store_entry_find(f->store, 1, &there, &entry, &f->error));
	assert_int_equal(prefix_compare(&entry.prefix, &there), 0);
	assert_int_equal(entry.verdict, AG_ENTRY_ALLOW);
	assert_string_equal(entry.note, "office");
	assert_string_equal(entry.created_by, "ada");
	assert_int_equal(entry.created_at, 1700000000);
	entry_clear(&entry);
	assert_error(f, store_entry_find(f->store, 1, &wider, &entry, &f->error), ERROR_NOT_FOUND,
		     "203.0.113.0/24 is not in the list");
	assert_error(f, store_entry_find(f->store, 7, &there, &entry, &f->error), ERROR_NOT_FOUND,
		     "no such account");
}

static void assert_match(struct fixture *f, const char *address, const char *wanted)
{
	struct prefix prefix = prefix_from(address);
	char text[PREFIX_TEXT_MAX] = "";
	struct entry entry = {0};
	bool found;

	assert_ok(f, store_entry_match(f->store, 1, &prefix.addr, 0, &entry, &found, &f->error));
	assert_int_equal(found, wanted != NULL);
	if (found)
		prefix_format(&entry.prefix, text);
	entry_clear(&entry);
	assert_string_equal(text, wanted ? wanted : "");
}

/* Rows that are gone later or come later are no part of the list now, whoever asks. */
static void assert_version_1(struct fixture *f)
{
	struct prefix to_come = prefix_from("10.0.0.0/8"), there = prefix_from("203.0.113.1");
	struct entry entry = {0};
	struct list page = {0};

	assert_list(f, 1, "203.0.113.1/32");
	assert_ok(f, store_list_page(f->store, 1, NULL, 10, &page, &f->error));
	assert_int_equal(page.count, 1);
	assert_int_equal(prefix_compare(&page.entries[0].prefix, &there), 0);
	list_clear(&page);
	assert_error(f, store_entry_find(f->store, 1, &to_come, &entry, &f->error), ERROR_NOT_FOUND, "");
	assert_ok(f, store_entry_find(f->store, 1, &there, &entry, &f->error));
	assert_string_equal(entry.note, "office");
	entry_clear(&entry);
	assert_match(f, "10.1.2.3", NULL);
	assert_match(f, "203.0.113.1", "203.0.113.1/32");
}

static void test_other_versions_are_not_seen(void **state)
{
	struct fixture *f = *state;
	int64_t until = -1;

	make_store(f);
	raw(f->path, other_versions);
	assert_version_1(f);
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_version_1(f);
	sweep_all(f);
	assert_int_equal(rows(f), 1);
	assert_version_1(f);
	/* Also the mark is gone: the next version must not lose the row. */
	assert_ok(f, sql_pragma_number(f->store, "SELECT until FROM entries", &until, &f->error));
	assert_int_equal(until, 0);
}

/* Small changes beside what an import has left: it neither stands in their way nor comes back. */
static void test_small_changes_beside_leftovers(void **state)
{
	struct fixture *f = *state;
	struct prefix there = prefix_from("203.0.113.1"), to_come = prefix_from("10.0.0.0/8");

	make_store(f);
	raw(f->path, other_versions);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_error(f, store_entry_remove(f->store, 1, &to_come, &f->error), ERROR_NOT_FOUND, "10.0.0.0/8");
	assert_error(f, add_entry(f, 1, "203.0.113.1", AG_ENTRY_ALLOW), ERROR_EXISTS, "203.0.113.1");
	assert_ok(f, store_entry_remove(f->store, 1, &there, &f->error));
	assert_ok(f, add_entry(f, 1, "10.1.0.0/16", AG_ENTRY_DENY));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_list(f, 1, "10.1.0.0/16");
	sweep_all(f);
	assert_list(f, 1, "10.1.0.0/16");
	assert_match(f, "10.1.2.3", "10.1.0.0/16");
	assert_int_equal(rows(f), 1);
}

/* What is old, and one place twice: in the list is one that came in an earlier version and stays. */
static void test_sweep_keeps_the_list(void **state)
{
	static const char *const first[] = {"9.0.0.0/8", "203.0.113.0/24"};
	static const char *const second[] = {"9.0.0.0/8", "198.51.100.0/24"};
	static const char *const *const wanted[] = {first, second, first};
	struct fixture *f = *state;
	bool more = true;

	make_store(f);
	for (size_t i = 0; i < COUNT(wanted); i++) {
		struct list list = list_of(wanted[i], 2);

		assert_ok(f, import_list(f, 1, &list));
		list_clear(&list);
		if (!i)
			continue;
		assert_list(f, 1, i == 1 ? "9.0.0.0/8 198.51.100.0/24" : "9.0.0.0/8 203.0.113.0/24");
	}
	raw(f->path,
	    "INSERT INTO entries SELECT account_id, 4, x'0a000000', 8, list_version + 1, 0, 'allow', "
	    "'', '', 0, 0, 0, '' FROM (SELECT 1 AS account_id, list_version FROM accounts WHERE id = 1)");
	for (int i = 0; more; i++) {
		assert_true(i < 100);
		assert_ok(f, store_sweep(f->store, 1, &more, &f->error));
		assert_list(f, 1, "9.0.0.0/8 203.0.113.0/24");
	}
	assert_int_equal(rows(f), 2);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_error(f, store_sweep(f->store, 1, &more, &f->error), ERROR_STORE, "within a change");
	store_rollback(f->store);
}

/* A sweep that is half done when an import begins finds also what that leaves before the place it was at. */
static void test_sweep_begins_anew_after_an_import(void **state)
{
	static const char *const wanted[] = {"9.0.0.0/8"};
	struct fixture *f = *state;
	struct list many = hosts(50, 1), one = list_of(wanted, 1);
	bool more = false;

	make_store(f);
	assert_ok(f, import_list(f, 1, &many));
	for (int i = 0; i < 4; i++)
		assert_ok(f, store_sweep(f->store, 10, &more, &f->error));
	assert_true(more);
	assert_ok(f, import_list(f, 1, &one));
	sweep_all(f);
	assert_int_equal(rows(f), 1);
	list_clear(&many);
	list_clear(&one);
}

/* Rows of an account that is not there belong to nobody, also not to the next one of that number. */
static void test_orphaned_rows(void **state)
{
	struct fixture *f = *state;

	make_store(f);
	raw(f->path, "INSERT INTO entries VALUES (2, 4, x'0a000000', 8, 0, 0, 'allow', '', '', 0, 0, 0, '')");
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_list(f, 1, "203.0.113.1/32");
	assert_ok(f, store_begin(f->store, &f->error));
	assert_int_equal(add_account(f, "beta").id, 2);
	assert_list(f, 2, "");
	assert_ok(f, add_entry(f, 2, "10.0.0.0/8", AG_ENTRY_DENY));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_list(f, 2, "10.0.0.0/8");
	fixture_close(f);
	raw(f->path, "INSERT INTO unswept VALUES (3)");
	assert_error(f, fixture_open(f, STORE_MUST_EXIST), ERROR_STORE, "a row of unswept refers");
}

/* Close together, so that they contain each other and part from the address at every bit. */
static struct addr random_address(unsigned int *seed, enum ag_family family)
{
	uint8_t bytes[16] = {0x20, 0x01, 0x0d, 0xb8};

	for (size_t i = family == AG_FAMILY_IPV4 ? 1 : 4; i < 16; i++)
		bytes[i] = (uint8_t)(rand_r(seed) % 3 ? 0 : 1 << rand_r(seed) % 8);
	return addr_make(family, bytes);
}

static void fill_randomly(struct fixture *f, unsigned int *seed)
{
	assert_ok(f, store_begin(f->store, &f->error));
	for (int i = 0; i < 800; i++) {
		enum ag_family family = i % 4 ? AG_FAMILY_IPV6 : AG_FAMILY_IPV4;
		struct addr addr = random_address(seed, family);
		unsigned int bits = addr_bits(&addr);
		struct entry entry = {
			.prefix = prefix_of(&addr, (uint8_t)(1 + (unsigned int)rand_r(seed) % bits))};

		(void)store_entry_add(f->store, 1, &entry, NULL); /* some are there already */
	}
	assert_ok(f, store_commit(f->store, &f->error));
}

/* An address of the list, changed in a bit, or any. */
static struct addr asked_address(const struct list *list, unsigned int *seed)
{
	struct addr addr = list->entries[(size_t)rand_r(seed) % list->count].prefix.addr;
	unsigned int bit = (unsigned int)rand_r(seed) % addr_bits(&addr);

	if (rand_r(seed) % 3 == 0)
		return random_address(seed, addr.family);
	addr.bytes[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
	return addr;
}

static void compare_matches(struct fixture *f, const struct list *list, unsigned int *seed)
{
	unsigned int hits = 0;

	for (int i = 0; i < 3000; i++) {
		struct addr addr = asked_address(list, seed);
		const struct entry *wanted = list_match(list, &addr, 0);
		struct entry entry = {0};
		bool found;

		assert_ok(f, store_entry_match(f->store, 1, &addr, 0, &entry, &found, &f->error));
		assert_int_equal(found, wanted != NULL);
		if (found)
			assert_int_equal(prefix_compare(&entry.prefix, &wanted->prefix), 0);
		hits += found;
		entry_clear(&entry);
	}
	assert_in_range(hits, 300, 3000);
}

/* Also when every third row is of a list that was, or of one to come. */
static void test_match_randomly(void **state)
{
	struct fixture *f = *state;
	unsigned int seed = 7;
	struct list list = {0}, some = {0};

	make_store(f);
	fill_randomly(f, &seed);
	for (int round = 0; round < 2; round++) {
		assert_ok(f, store_list(f->store, 1, &list, &f->error));
		compare_matches(f, &list, &seed);
		for (size_t i = 0; !round && i < list.count; i++)
			if (i % 3)
				assert_int_equal(
					list_append(&some, &(struct entry){.prefix = list.entries[i].prefix}),
					0);
		list_clear(&list);
		if (!round)
			assert_ok(f, import_list(f, 1, &some));
	}
	list_clear(&some);
}

#define LIST_TEST(name) cmocka_unit_test_setup_teardown(name, setup_dir, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIST_TEST(test_each),
		LIST_TEST(test_each_ends_its_reading),
		LIST_TEST(test_find),
		LIST_TEST(test_other_versions_are_not_seen),
		LIST_TEST(test_small_changes_beside_leftovers),
		LIST_TEST(test_sweep_keeps_the_list),
		LIST_TEST(test_sweep_begins_anew_after_an_import),
		LIST_TEST(test_orphaned_rows),
		LIST_TEST(test_match_randomly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
