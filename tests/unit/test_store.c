// SPDX-License-Identifier: GPL-2.0-only
/* test_store.c - accounts, services and lists: kept, refused, and given back */
#include "userspace/io/store.h"

#include <netinet/in.h>

#include "tests/unit/store_fixture.h"

static void test_identity(void **state)
{
	struct fixture *f = *state;
	uint64_t id = 0, again = 0, generation = 9, next = 0;

	assert_ok(f, store_identity(f->store, &id, &generation, &f->error));
	assert_true(id != 0);
	assert_int_equal(generation, 0);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_next_generation(f->store, &next, &f->error));
	assert_int_equal(next, 1);
	assert_ok(f, store_identity(f->store, &again, &generation, &f->error));
	assert_int_equal(generation, 1);
	assert_ok(f, store_commit(f->store, &f->error));
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_ok(f, store_identity(f->store, &again, &generation, &f->error));
	assert_int_equal(again, id);
	assert_int_equal(generation, 1);
}

static void test_account_round_trip(void **state)
{
	struct fixture *f = *state;
	struct account account = {
		.name = "acme", .label = (char *)"Acme \xc3\x9c, Inc.", .mode = AG_MODE_MONITOR};
	struct account got, missing = {0};

	account.generation = 7;
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_account_add(f->store, &account, &f->error));
	assert_true(account.id > 0);
	assert_int_equal(account.slot, 0);
	assert_ok(f, store_commit(f->store, &f->error));
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	got = find_account(f, "acme");
	assert_string_equal(got.label, account.label);
	assert_string_equal(got.name, "acme");
	assert_int_equal(got.id, account.id);
	assert_int_equal(got.slot, 0);
	assert_int_equal(got.mode, AG_MODE_MONITOR);
	assert_int_equal(got.generation, 7);
	account_clear(&got);
	assert_error(f, store_account_find(f->store, "nobody", &missing, &f->error), ERROR_NOT_FOUND,
		     "'nobody'");
	assert_int_equal(missing.id, 0);
}

static void test_account_exists(void **state)
{
	struct fixture *f = *state;
	struct account again = {.name = "acme"};

	assert_ok(f, store_begin(f->store, &f->error));
	add_account(f, "acme");
	assert_error(f, store_account_add(f->store, &again, &f->error), ERROR_EXISTS,
		     "account 'acme' is there already");
	assert_int_equal(again.id, 0);
	/* A refusal leaves the transaction as it was. */
	add_account(f, "beta");
	assert_ok(f, store_commit(f->store, &f->error));
	assert_int_equal(find_account(f, "beta").slot, 1);
}

static void test_account_update(void **state)
{
	struct fixture *f = *state;
	struct account account, got, absent = {.id = 99};

	assert_ok(f, store_begin(f->store, &f->error));
	account = add_account(f, "acme");
	assert_ok(f, add_entry(f, account.id, "203.0.113.7", AG_ENTRY_ALLOW));
	account.label = (char *)"new";
	strcpy(account.name, "ignored");
	account.mode = AG_MODE_OFF;
	account.generation = 12;
	assert_ok(f, store_account_update(f->store, &account, &f->error));
	assert_error(f, store_account_update(f->store, &absent, &f->error), ERROR_NOT_FOUND,
		     "no such account");
	assert_ok(f, store_commit(f->store, &f->error));
	got = find_account(f, "acme");
	assert_string_equal(got.label, "new");
	account_clear(&got);
	assert_int_equal(got.mode, AG_MODE_OFF);
	assert_int_equal(got.generation, 12);
	assert_int_equal(got.entries4, 1);
}

static void test_accounts_by_name(void **state)
{
	struct fixture *f = *state;
	struct account *accounts = NULL;
	size_t count = 9;

	assert_ok(f, store_accounts(f->store, &accounts, &count, &f->error));
	assert_int_equal(count, 0);
	assert_ok(f, store_begin(f->store, &f->error));
	add_account(f, "zeta");
	add_account(f, "acme");
	add_account(f, "beta");
	/* Within the transaction too. */
	assert_ok(f, store_accounts(f->store, &accounts, &count, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_int_equal(count, 3);
	assert_string_equal(accounts[0].name, "acme");
	assert_string_equal(accounts[1].name, "beta");
	assert_string_equal(accounts[2].name, "zeta");
	assert_int_equal(accounts[0].slot, 1);
	accounts_free(accounts, count);
}

static void test_slots_are_reused(void **state)
{
	struct fixture *f = *state;
	int64_t ids[6];

	assert_ok(f, store_begin(f->store, &f->error));
	for (size_t i = 0; i < COUNT(ids); i++) {
		char name[16];

		snprintf(name, sizeof(name), "a%zu", i);
		ids[i] = add_account(f, name).id;
	}
	assert_ok(f, store_account_remove(f->store, ids[4], &f->error));
	assert_ok(f, store_account_remove(f->store, ids[1], &f->error));
	assert_int_equal(add_account(f, "b1").slot, 1);
	assert_int_equal(add_account(f, "b4").slot, 4);
	assert_int_equal(add_account(f, "b6").slot, 6);
	assert_ok(f, store_account_remove(f->store, ids[0], &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_ok(f, store_begin(f->store, &f->error));
	assert_int_equal(add_account(f, "c0").slot, 0);
	/* What is rolled back does not keep its slot. */
	assert_int_equal(add_account(f, "c7").slot, 7);
	store_rollback(f->store);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_int_equal(add_account(f, "d0").slot, 0);
	assert_ok(f, store_commit(f->store, &f->error));
}

static void test_limits(void **state)
{
	struct fixture *f = *state;
	const struct store_limits limits = {.accounts = 2, .services = 2, .entries = 3};
	struct account account = {.name = "third"};
	char owner[NAME_SIZE];
	int64_t id, other;

	fixture_close(f);
	assert_ok(f, store_open(f->path, STORE_MUST_EXIST, &limits, &f->store, &f->error));
	assert_ok(f, store_begin(f->store, &f->error));
	id = add_account(f, "acme").id;
	other = add_account(f, "beta").id;
	assert_error(f, store_account_add(f->store, &account, &f->error), ERROR_LIMIT,
		     "2 accounts, which is the limit");
	assert_ok(f, add_service(f, id, "192.0.2.1:443/tcp", owner));
	assert_ok(f, add_service(f, other, "192.0.2.2:443/tcp", owner));
	assert_error(f, add_service(f, id, "192.0.2.3:443/tcp", owner), ERROR_LIMIT,
		     "2 services, which is the limit");
	assert_ok(f, add_entry(f, id, "203.0.113.1", AG_ENTRY_ALLOW));
	assert_ok(f, add_entry(f, id, "203.0.113.2", AG_ENTRY_ALLOW));
	assert_ok(f, add_entry(f, id, "2001:db8::1", AG_ENTRY_ALLOW));
	assert_error(f, add_entry(f, id, "203.0.113.4", AG_ENTRY_ALLOW), ERROR_LIMIT, "'acme' has 3 entries");
	/* Of one list. */
	assert_ok(f, add_entry(f, other, "203.0.113.4", AG_ENTRY_ALLOW));
	assert_ok(f, store_commit(f->store, &f->error));
	/* The count is that of the store, not of the transaction. */
	assert_ok(f, store_begin(f->store, &f->error));
	assert_error(f, add_entry(f, id, "203.0.113.4", AG_ENTRY_ALLOW), ERROR_LIMIT, "3 entries");
	assert_ok(f, store_account_remove(f->store, other, &f->error));
	assert_ok(f, add_service(f, id, "192.0.2.3:443/tcp", owner));
	assert_ok(f, store_account_add(f->store, &account, &f->error));
	store_rollback(f->store);
}

static void test_form_is_kept(void **state)
{
	struct fixture *f = *state;
	struct account bad = {.name = "Acme"};
	struct account account;
	struct entry entry = {.prefix = prefix_from("203.0.113.0/24")};
	char note[300];

	memset(note, 'x', sizeof(note) - 1);
	note[sizeof(note) - 1] = '\0';
	assert_ok(f, store_begin(f->store, &f->error));
	assert_error(f, store_account_add(f->store, &bad, &f->error), ERROR_STORE, "CHECK constraint failed");
	account = add_account(f, "acme");
	account.label = note;
	assert_error(f, store_account_update(f->store, &account, &f->error), ERROR_STORE,
		     "CHECK constraint failed");
	entry.note = note;
	assert_error(f, store_entry_add(f->store, account.id, &entry, &f->error), ERROR_STORE,
		     "CHECK constraint");
	entry.note = NULL;
	entry.prefix.addr.bytes[3] = 7;
	assert_error(f, store_entry_add(f->store, account.id, &entry, &f->error), ERROR_BAD_PREFIX,
		     "write 203.0.113.0/24");
	entry.prefix.addr.bytes[3] = 0;
	entry.prefix.len = 33;
	assert_error(f, store_entry_add(f->store, account.id, &entry, &f->error), ERROR_STORE,
		     "CHECK constraint");
	assert_ok(f, store_commit(f->store, &f->error));
	assert_null(find_account(f, "acme").label);
	assert_list(f, account.id, "");
}

static void test_services(void **state)
{
	struct fixture *f = *state;
	AUTO_FREE struct claim *claims = NULL;
	struct service service = service_from("[2001:db8::/64]:443/tcp");
	char owner[NAME_SIZE] = "untouched";
	int64_t acme, beta;
	size_t count = 0;

	assert_ok(f, store_begin(f->store, &f->error));
	acme = add_account(f, "acme").id;
	beta = add_account(f, "beta").id;
	assert_ok(f, add_service(f, acme, "192.0.2.10:443/tcp", owner));
	assert_ok(f, add_service(f, beta, "192.0.2.0/28/udp", owner));
	assert_ok(f, add_service(f, beta, "[2001:db8::/64]:443/tcp", owner));
	assert_ok(f, add_service(f, acme, "192.0.2.10:443/udp", owner));
	assert_ok(f, add_service(f, acme, "192.0.2.10/tcp", owner));
	assert_string_equal(owner, "untouched");
	assert_error(f, add_service(f, beta, "192.0.2.10:443/tcp", owner), ERROR_EXISTS,
		     "192.0.2.10:443/tcp belongs to account 'acme' already");
	assert_string_equal(owner, "acme");
	assert_error(f, add_service(f, beta, "192.0.2.0/28/udp", owner), ERROR_EXISTS,
		     "account 'beta' has the service 192.0.2.0/28/udp already");
	assert_error(f, add_service(f, 99, "192.0.2.11", owner), ERROR_NOT_FOUND, "no such account");
	assert_error(f, store_service_remove(f->store, acme, &service, &f->error), ERROR_NOT_FOUND,
		     "account 'acme' has no service [2001:db8::/64]:443/tcp");
	assert_ok(f, store_service_remove(f->store, beta, &service, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_ok(f, store_claims(f->store, &claims, &count, &f->error));
	assert_int_equal(count, 4);
	for (size_t i = 0; i < count; i++) {
		bool prefix = claims[i].service.dest.len == 28;

		assert_int_equal(claims[i].slot, prefix ? 1 : 0);
		assert_int_equal(claims[i].service.proto == IPPROTO_UDP && !claims[i].service.port, prefix);
	}
	service = service_from("192.0.2.10:443/tcp");
	assert_int_equal(service_compare(&claims[2].service, &service), 0);
}

static void test_entry_round_trip(void **state)
{
	struct fixture *f = *state;
	struct entry entry = {.prefix = prefix_from("2001:db8::/32"), .verdict = AG_ENTRY_DENY};
	struct list list = {0};
	int64_t id;

	entry.note = (char *)"B\xc3\xbcro";
	entry.created_by = (char *)"ada";
	entry.created_at = 1700000000;
	assert_ok(f, store_begin(f->store, &f->error));
	id = add_account(f, "acme").id;
	assert_ok(f, store_entry_add(f->store, id, &entry, &f->error));
	entry = (struct entry){.prefix = prefix_from("203.0.113.7")};
	assert_ok(f, store_entry_add(f->store, id, &entry, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_ok(f, store_list(f->store, id, &list, &f->error));
	assert_int_equal(list.count, 2);
	assert_null(list.entries[0].note);
	assert_null(list.entries[0].created_by);
	assert_int_equal(list.entries[0].verdict, AG_ENTRY_ALLOW);
	assert_string_equal(list.entries[1].note, "B\xc3\xbcro");
	assert_string_equal(list.entries[1].created_by, "ada");
	assert_int_equal(list.entries[1].created_at, 1700000000);
	assert_int_equal(list.entries[1].verdict, AG_ENTRY_DENY);
	list_clear(&list);
	assert_error(f, store_list(f->store, 99, &list, &f->error), ERROR_NOT_FOUND, "no such account");
}

static void test_list_order_and_edits(void **state)
{
	struct fixture *f = *state;
	static const char *const prefixes[] = {"2001:db8::/32", "203.0.113.0/25", "203.0.113.0/24",
					       "9.0.0.0/8",	"2001:db8::/48",  "198.51.100.7"};
	struct prefix prefix = prefix_from("203.0.113.0/25"), absent = prefix_from("203.0.113.9");
	struct account account;

	assert_ok(f, store_begin(f->store, &f->error));
	account = add_account(f, "acme");
	for (size_t i = 0; i < COUNT(prefixes); i++)
		assert_ok(f, add_entry(f, account.id, prefixes[i], AG_ENTRY_ALLOW));
	/* Also before it is committed. */
	assert_list(f, account.id,
		    "9.0.0.0/8 198.51.100.7/32 203.0.113.0/24 203.0.113.0/25 2001:db8::/32 2001:db8::/48");
	assert_int_equal(find_account(f, "acme").entries4, 4);
	assert_int_equal(find_account(f, "acme").entries6, 2);
	assert_error(f, add_entry(f, account.id, "203.0.113.0/24", AG_ENTRY_DENY), ERROR_EXISTS,
		     "203.0.113.0/24 is in the list already");
	assert_error(f, add_entry(f, account.id, "198.51.100.7", AG_ENTRY_DENY), ERROR_EXISTS,
		     "198.51.100.7 is in the list already");
	assert_ok(f, store_entry_remove(f->store, account.id, &prefix, &f->error));
	assert_error(f, store_entry_remove(f->store, account.id, &prefix, &f->error), ERROR_NOT_FOUND,
		     "203.0.113.0/25 is not in the list");
	assert_error(f, store_entry_remove(f->store, account.id, &absent, &f->error), ERROR_NOT_FOUND,
		     "203.0.113.9 is not in the list");
	assert_error(f, add_entry(f, 99, "203.0.113.0/24", AG_ENTRY_DENY), ERROR_NOT_FOUND,
		     "no such account");
	assert_ok(f, store_commit(f->store, &f->error));
	assert_list(f, account.id, "9.0.0.0/8 198.51.100.7/32 203.0.113.0/24 2001:db8::/32 2001:db8::/48");
	assert_int_equal(find_account(f, "acme").entries4, 3);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_entries_clear(f->store, account.id, &f->error));
	assert_ok(f, add_entry(f, account.id, "9.9.9.9", AG_ENTRY_ALLOW));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_list(f, account.id, "9.9.9.9/32");
	assert_int_equal(find_account(f, "acme").entries6, 0);
}

/* Pages of every size, put together, are the list, and stop at its end and at the account's. */
static void test_pages_are_the_list(void **state)
{
	static const char *const prefixes[] = {"10.0.0.0/8",	 "10.0.0.0/16",	  "10.0.0.1",
					       "203.0.113.0/24", "2001:db8::/32", "2001:db8::/48"};
	struct fixture *f = *state;
	int64_t id;

	assert_ok(f, store_begin(f->store, &f->error));
	id = add_account(f, "acme").id;
	for (size_t i = COUNT(prefixes); i-- > 0;)
		assert_ok(f, add_entry(f, id, prefixes[i], AG_ENTRY_ALLOW));
	assert_ok(f, add_entry(f, add_account(f, "beta").id, "10.0.0.2", AG_ENTRY_ALLOW));
	assert_ok(f, store_commit(f->store, &f->error));
	for (size_t limit = 1; limit <= COUNT(prefixes) + 1; limit++) {
		struct prefix after;
		struct list page = {0};
		size_t seen = 0;

		do {
			list_clear(&page);
			assert_ok(f, store_list_page(f->store, id, seen ? &after : NULL, limit, &page,
						     &f->error));
			for (size_t i = 0; i < page.count; i++, seen++) {
				struct prefix expected = prefix_from(prefixes[seen]);

				after = page.entries[i].prefix;
				assert_int_equal(prefix_compare(&after, &expected), 0);
				assert_string_equal(page.entries[i].note, "office");
			}
		} while (page.count == limit);
		list_clear(&page);
		assert_int_equal(seen, COUNT(prefixes));
	}
}

static void test_lists_are_apart(void **state)
{
	struct fixture *f = *state;
	int64_t acme, beta;

	assert_ok(f, store_begin(f->store, &f->error));
	acme = add_account(f, "acme").id;
	beta = add_account(f, "beta").id;
	/* Switching back and forth writes each account when the other one comes. */
	assert_ok(f, add_entry(f, acme, "203.0.113.1", AG_ENTRY_ALLOW));
	assert_ok(f, add_entry(f, beta, "203.0.113.1", AG_ENTRY_ALLOW));
	assert_ok(f, add_entry(f, acme, "203.0.113.2", AG_ENTRY_ALLOW));
	assert_ok(f, add_entry(f, beta, "203.0.113.3", AG_ENTRY_ALLOW));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_list(f, acme, "203.0.113.1/32 203.0.113.2/32");
	assert_list(f, beta, "203.0.113.1/32 203.0.113.3/32");
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_entries_clear(f->store, acme, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_list(f, acme, "");
	assert_list(f, beta, "203.0.113.1/32 203.0.113.3/32");
}

static void test_account_remove(void **state)
{
	struct fixture *f = *state;
	AUTO_FREE struct store_role *roles = NULL;
	AUTO_FREE struct claim *claims = NULL;
	char owner[NAME_SIZE];
	struct account account;
	size_t count = 9;

	assert_ok(f, store_begin(f->store, &f->error));
	account = add_account(f, "acme");
	assert_ok(f, add_service(f, account.id, "192.0.2.10:443/tcp", owner));
	assert_ok(f, add_service(f, account.id, "[2001:db8::10]:443", owner));
	assert_ok(f, add_entry(f, account.id, "203.0.113.1", AG_ENTRY_ALLOW));
	assert_ok(f,
		  store_role_grant(f->store, account.id, add_user(f, "ada", 1000).id, ROLE_ADMIN, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_ok(f, store_begin(f->store, &f->error));
	assert_error(f, store_account_remove(f->store, 99, &f->error), ERROR_NOT_FOUND, "no such account");
	/* With an edit pending. */
	assert_ok(f, add_entry(f, account.id, "203.0.113.2", AG_ENTRY_ALLOW));
	assert_ok(f, store_account_remove(f->store, account.id, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_error(f, store_account_find(f->store, "acme", &account, &f->error), ERROR_NOT_FOUND, "'acme'");
	assert_ok(f, store_claims(f->store, &claims, &count, &f->error));
	assert_int_equal(count, 0);
	assert_ok(f, store_roles(f->store, NULL, NULL, &roles, &count, &f->error));
	assert_int_equal(count, 0);
	/* A new one of that name has nothing of the old. */
	assert_ok(f, store_begin(f->store, &f->error));
	account = add_account(f, "acme");
	assert_ok(f, add_service(f, account.id, "192.0.2.10:443/tcp", owner));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_list(f, account.id, "");
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, setup_store, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(test_identity),
		STORE_TEST(test_account_round_trip),
		STORE_TEST(test_account_exists),
		STORE_TEST(test_account_update),
		STORE_TEST(test_accounts_by_name),
		STORE_TEST(test_slots_are_reused),
		STORE_TEST(test_limits),
		STORE_TEST(test_form_is_kept),
		STORE_TEST(test_services),
		STORE_TEST(test_entry_round_trip),
		STORE_TEST(test_list_order_and_edits),
		STORE_TEST(test_pages_are_the_list),
		STORE_TEST(test_lists_are_apart),
		STORE_TEST(test_account_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
