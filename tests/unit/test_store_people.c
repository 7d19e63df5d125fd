// SPDX-License-Identifier: GPL-2.0-only
/* test_store_people.c - users, their roles, and the interfaces and the switch that share their sum */
#include "userspace/io/store.h"

#include "tests/unit/store_fixture.h"

static void test_users(void **state)
{
	struct fixture *f = *state;
	AUTO_FREE struct store_user *users = NULL;
	struct store_user web = {.name = "webapp", .uid = 33, .delegate = true};
	struct store_user root = {.name = "ops", .uid = 0, .operator_ = true, .delegate = true};
	struct store_user again = {.name = "webapp", .uid = 34}, same_uid = {.name = "other", .uid = 33}, got;
	size_t count = 0;

	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_user_add(f->store, &web, &f->error));
	assert_ok(f, store_user_add(f->store, &root, &f->error));
	add_user(f, "grace", -1);
	add_user(f, "ada", -1);
	assert_error(f, store_user_add(f->store, &again, &f->error), ERROR_EXISTS,
		     "user 'webapp' is there already");
	assert_error(f, store_user_add(f->store, &same_uid, &f->error), ERROR_EXISTS,
		     "uid 33 is user 'webapp' already");
	assert_ok(f, store_commit(f->store, &f->error));
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_ok(f, store_users(f->store, &users, &count, &f->error));
	assert_int_equal(count, 4);
	assert_string_equal(users[0].name, "ada");
	assert_int_equal(users[0].uid, -1);
	assert_memory_equal(&users[2], &root, sizeof(root));
	assert_memory_equal(&users[3], &web, sizeof(web));
	assert_ok(f, store_user_find_uid(f->store, 0, &got, &f->error));
	assert_string_equal(got.name, "ops");
	assert_ok(f, store_user_find(f->store, "webapp", &got, &f->error));
	assert_true(got.delegate && !got.operator_ && got.id == web.id);
	assert_error(f, store_user_find(f->store, "nobody", &got, &f->error), ERROR_NOT_FOUND,
		     "no user 'nobody'");
	assert_error(f, store_user_find_uid(f->store, 77, &got, &f->error), ERROR_NOT_FOUND, "uid 77");
	/* The uid of those who have none finds nobody. */
	assert_error(f, store_user_find_uid(f->store, -1, &got, &f->error), ERROR_NOT_FOUND, "uid -1");
}

/* A switch that is thrown by hand, or whose reason is, does not fit the sum. */
static void test_panic(void **state)
{
	const struct store_panic first = {.since = 1700000000, .by = "ops", .reason = "locked out"};
	const struct store_panic second = {.since = 1700000000, .by = "ada", .reason = "still"};
	struct fixture *f = *state;
	struct store_panic got = {0};
	bool on = true;

	assert_ok(f, store_panic_get(f->store, &got, &on, &f->error));
	assert_false(on);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_panic_remove(f->store, &f->error));
	assert_ok(f, store_panic_put(f->store, &first, &f->error));
	assert_ok(f, store_panic_put(f->store, &second, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_ok(f, store_panic_get(f->store, &got, &on, &f->error));
	assert_true(on);
	assert_memory_equal(&got, &second, sizeof(got));
	fixture_close(f);
	raw(f->path, "UPDATE panic SET reason = 'other'");
	assert_error(f, fixture_open(f, STORE_MUST_EXIST), ERROR_STORE, "do not fit their sum");
	raw(f->path, "UPDATE panic SET reason = 'still'");
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_panic_remove(f->store, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_ok(f, store_panic_get(f->store, &got, &on, &f->error));
	assert_false(on);
}

static void test_user_remove(void **state)
{
	struct fixture *f = *state;
	int64_t account, ada;
	enum role role = ROLE_MAX;

	assert_ok(f, store_begin(f->store, &f->error));
	account = add_account(f, "acme").id;
	ada = add_user(f, "ada", 1000).id;
	assert_ok(f, store_role_grant(f->store, account, ada, ROLE_ADMIN, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_user_remove(f->store, "ada", &f->error));
	assert_error(f, store_user_remove(f->store, "ada", &f->error), ERROR_NOT_FOUND, "no user 'ada'");
	add_user(f, "ada", 1001);
	assert_ok(f, store_commit(f->store, &f->error));
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_ok(f, store_role_of(f->store, account, "ada", &role, &f->error));
	assert_int_equal(role, ROLE_NONE);
}

static void test_roles(void **state)
{
	struct fixture *f = *state;
	struct store_role *roles;
	int64_t acme, beta, ada, bob;
	enum role role = ROLE_MAX;
	size_t count = 0;

	assert_ok(f, store_begin(f->store, &f->error));
	beta = add_account(f, "beta").id;
	acme = add_account(f, "acme").id;
	bob = add_user(f, "bob", -1).id;
	ada = add_user(f, "ada", 1000).id;
	assert_ok(f, store_role_grant(f->store, acme, ada, ROLE_VIEWER, &f->error));
	assert_ok(f, store_role_grant(f->store, acme, ada, ROLE_ADMIN, &f->error));
	assert_ok(f, store_role_grant(f->store, acme, ada, ROLE_ADMIN, &f->error));
	assert_ok(f, store_role_grant(f->store, acme, bob, ROLE_VIEWER, &f->error));
	assert_ok(f, store_role_grant(f->store, beta, ada, ROLE_VIEWER, &f->error));
	assert_error(f, store_role_grant(f->store, 99, ada, ROLE_ADMIN, &f->error), ERROR_NOT_FOUND,
		     "no such account");
	assert_error(f, store_role_grant(f->store, acme, 99, ROLE_ADMIN, &f->error), ERROR_NOT_FOUND,
		     "or user");
	assert_error(f, store_role_grant(f->store, beta, bob, ROLE_NONE, &f->error), ERROR_STORE,
		     "CHECK constraint");
	assert_error(f, store_role_revoke(f->store, beta, bob, &f->error), ERROR_NOT_FOUND, "no role");
	assert_ok(f, store_commit(f->store, &f->error));
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_ok(f, store_role_of(f->store, acme, "ada", &role, &f->error));
	assert_int_equal(role, ROLE_ADMIN);
	assert_ok(f, store_role_of(f->store, beta, "bob", &role, &f->error));
	assert_int_equal(role, ROLE_NONE);

	assert_ok(f, store_roles(f->store, NULL, NULL, &roles, &count, &f->error));
	assert_int_equal(count, 3);
	assert_string_equal(roles[0].account, "acme");
	assert_string_equal(roles[0].user, "ada");
	assert_string_equal(roles[1].user, "bob");
	assert_int_equal(roles[1].role, ROLE_VIEWER);
	assert_string_equal(roles[2].account, "beta");
	free(roles);
	assert_ok(f, store_roles(f->store, "acme", NULL, &roles, &count, &f->error));
	assert_int_equal(count, 2);
	free(roles);
	assert_ok(f, store_roles(f->store, NULL, "ada", &roles, &count, &f->error));
	assert_int_equal(count, 2);
	assert_string_equal(roles[1].account, "beta");
	free(roles);
	assert_ok(f, store_roles(f->store, "acme", "bob", &roles, &count, &f->error));
	assert_int_equal(count, 1);
	free(roles);
	assert_ok(f, store_roles(f->store, "beta", "bob", &roles, &count, &f->error));
	assert_int_equal(count, 0);
	free(roles);

	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_role_revoke(f->store, acme, ada, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	assert_ok(f, store_role_of(f->store, acme, "ada", &role, &f->error));
	assert_int_equal(role, ROLE_NONE);
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
}

static void test_interfaces(void **state)
{
	struct fixture *f = *state;
	AUTO_FREE struct store_interface *interfaces = NULL;
	struct store_interface eth0 = {"eth0", "auto"}, eth1 = {"eth1", "native"}, bad = {"eth2", "offload"};
	size_t count = 0;

	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_interface_put(f->store, &eth1, &f->error));
	assert_ok(f, store_interface_put(f->store, &eth0, &f->error));
	strcpy(eth0.mode, "generic");
	assert_ok(f, store_interface_put(f->store, &eth0, &f->error));
	assert_error(f, store_interface_put(f->store, &bad, &f->error), ERROR_STORE, "CHECK constraint");
	assert_ok(f, store_commit(f->store, &f->error));
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_ok(f, store_interfaces(f->store, &interfaces, &count, &f->error));
	assert_int_equal(count, 2);
	assert_memory_equal(&interfaces[0], &eth0, sizeof(eth0));
	assert_memory_equal(&interfaces[1], &eth1, sizeof(eth1));
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_interface_remove(f->store, "eth0", &f->error));
	assert_error(f, store_interface_remove(f->store, "eth0", &f->error), ERROR_NOT_FOUND, "'eth0'");
	assert_ok(f, store_commit(f->store, &f->error));
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
}

#define PEOPLE_TEST(name) cmocka_unit_test_setup_teardown(name, setup_store, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PEOPLE_TEST(test_users),      PEOPLE_TEST(test_user_remove), PEOPLE_TEST(test_roles),
		PEOPLE_TEST(test_interfaces), PEOPLE_TEST(test_panic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
