// SPDX-License-Identifier: GPL-2.0-only
/* test_store_tokens.c - tokens: kept, found, ended with what they stand on, limited, and under the digest */
#include "userspace/io/store.h"

#include "tests/unit/store_fixture.h"

static struct store_token token_of(int64_t id, int64_t account, int64_t user)
{
	struct store_token token = {.id = id,
				    .account_id = account,
				    .user_id = user,
				    .role = ROLE_ADMIN,
				    .created_by = "ops",
				    .created_at = 1700000000,
				    .expires = 1800000000,
				    .note = "for the build"};

	memset(token.hash, (int)id, sizeof(token.hash));
	return token;
}

static void reopen(struct fixture *f)
{
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
}

static size_t count_of(struct fixture *f)
{
	size_t count = SIZE_MAX;

	assert_ok(f, store_token_count(f->store, &count, &f->error));
	return count;
}

/* acme and beta, ada and bob, who have roles on both. */
static void people(struct fixture *f, int64_t accounts[2], int64_t users[2])
{
	assert_ok(f, store_begin(f->store, &f->error));
	accounts[0] = add_account(f, "acme").id;
	accounts[1] = add_account(f, "beta").id;
	users[0] = add_user(f, "ada", 1000).id;
	users[1] = add_user(f, "bob", -1).id;
	for (size_t i = 0; i < 4; i++)
		assert_ok(f,
			  store_role_grant(f->store, accounts[i / 2], users[i % 2], ROLE_ADMIN, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
}

/* Tokens 1 to 4: ada and bob on acme, ada and bob on beta. */
static void four_tokens(struct fixture *f, int64_t accounts[2], int64_t users[2])
{
	people(f, accounts, users);
	assert_ok(f, store_begin(f->store, &f->error));
	for (size_t i = 0; i < 4; i++) {
		struct store_token token = token_of((int64_t)i + 1, accounts[i / 2], users[i % 2]);

		assert_ok(f, store_token_add(f->store, &token, &f->error));
	}
	assert_ok(f, store_commit(f->store, &f->error));
}

static void test_kept(void **state)
{
	struct fixture *f = *state;
	AUTO_FREE struct store_token *tokens = NULL;
	struct store_token got, want;
	int64_t accounts[2], users[2];
	size_t count = 0;

	four_tokens(f, accounts, users);
	reopen(f);
	want = token_of(3, accounts[1], users[0]);
	strcpy(want.account, "beta");
	strcpy(want.user, "ada");
	assert_ok(f, store_token_find(f->store, 3, &got, &f->error));
	assert_memory_equal(&got, &want, sizeof(want));
	assert_error(f, store_token_find(f->store, 9, &got, &f->error), ERROR_NOT_FOUND, "no token");
	assert_ok(f, store_tokens(f->store, 1, 2, &tokens, &count, &f->error));
	assert_int_equal(count, 2);
	assert_int_equal(tokens[0].id, 2);
	assert_memory_equal(&tokens[1], &want, sizeof(want));
	assert_ok(f, store_begin(f->store, &f->error));
	assert_error(f, store_token_add(f->store, &want, &f->error), ERROR_EXISTS, "try again");
	assert_ok(f, store_token_remove(f->store, 3, &f->error));
	assert_error(f, store_token_remove(f->store, 3, &f->error), ERROR_NOT_FOUND, "no token");
	assert_ok(f, store_commit(f->store, &f->error));
	reopen(f);
	assert_int_equal(count_of(f), 3);
}

static void test_needs_a_role(void **state)
{
	struct fixture *f = *state;
	struct store_token token;
	int64_t acme, ada;

	assert_ok(f, store_begin(f->store, &f->error));
	acme = add_account(f, "acme").id;
	ada = add_user(f, "ada", 1000).id;
	token = token_of(1, acme, ada);
	assert_error(f, store_token_add(f->store, &token, &f->error), ERROR_NOT_FOUND, "grant it first");
	assert_ok(f, store_commit(f->store, &f->error));
	reopen(f);
	assert_int_equal(count_of(f), 0);
}

static void remaining(struct fixture *f, const char *want)
{
	AUTO_FREE struct store_token *tokens = NULL;
	char got[32] = "";
	size_t count = 0;

	reopen(f); /* the sum of what is left fits */
	assert_ok(f, store_tokens(f->store, 0, SIZE_MAX, &tokens, &count, &f->error));
	for (size_t i = 0; i < count; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%" PRId64, tokens[i].id);
	assert_string_equal(got, want);
}

static void test_ends_with_its_role(void **state)
{
	struct fixture *f = *state;
	int64_t accounts[2], users[2];

	four_tokens(f, accounts, users);
	assert_ok(f, store_begin(f->store, &f->error));
	/* A role that changes is not one that ends. */
	assert_ok(f, store_role_grant(f->store, accounts[0], users[0], ROLE_VIEWER, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	remaining(f, "1234");
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_role_revoke(f->store, accounts[0], users[0], &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	remaining(f, "234");
}

static void test_ends_with_its_user(void **state)
{
	struct fixture *f = *state;
	int64_t accounts[2], users[2];

	four_tokens(f, accounts, users);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_user_remove(f->store, "bob", &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	remaining(f, "13");
}

static void test_ends_with_its_account(void **state)
{
	struct fixture *f = *state;
	int64_t accounts[2], users[2];

	four_tokens(f, accounts, users);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_account_remove(f->store, accounts[1], &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	remaining(f, "12");
}

/* What a transaction undid is there again, sum included. */
static void test_rolled_back(void **state)
{
	struct fixture *f = *state;
	struct store_token token;
	int64_t accounts[2], users[2];

	four_tokens(f, accounts, users);
	token = token_of(5, accounts[0], users[0]);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_token_add(f->store, &token, &f->error));
	assert_ok(f, store_token_remove(f->store, 1, &f->error));
	assert_ok(f, store_user_remove(f->store, "bob", &f->error));
	store_rollback(f->store);
	remaining(f, "1234");
}

static void test_limits(void **state)
{
	struct fixture *f = *state;
	struct store_token token;
	int64_t accounts[2], users[2];

	people(f, accounts, users);
	assert_ok(f, store_begin(f->store, &f->error));
	for (int64_t id = 1; id <= TOKENS_OF_ROLE_MAX; id++) {
		token = token_of(id, accounts[0], users[0]);
		assert_ok(f, store_token_add(f->store, &token, &f->error));
	}
	token = token_of(1000, accounts[0], users[0]);
	assert_error(f, store_token_add(f->store, &token, &f->error), ERROR_LIMIT, "100 tokens");
	token = token_of(1000, accounts[0], users[1]);
	assert_ok(f, store_token_add(f->store, &token, &f->error));
	/* As many as there may be in all, made without their sums, which this transaction never commits. */
	assert_ok(f, sql_exec(f->store,
			      "WITH RECURSIVE n(i) AS (SELECT 2000 UNION ALL SELECT i + 1 FROM n WHERE i < "
			      "11898) INSERT INTO tokens SELECT i, account_id, user_id, role, hash, note, "
			      "created_by, created_at, expires, 0 FROM tokens, n WHERE id = 1",
			      &f->error));
	assert_int_equal(count_of(f), TOKENS_MAX);
	token = token_of(1001, accounts[1], users[1]);
	assert_error(f, store_token_add(f->store, &token, &f->error), ERROR_LIMIT, "10000 tokens");
	store_rollback(f->store);
}

/* When it was used is no policy: no digest has it, and it never goes back. */
static void test_last_used(void **state)
{
	struct fixture *f = *state;
	struct store_token token;
	int64_t accounts[2], users[2];

	four_tokens(f, accounts, users);
	assert_ok(f, store_token_used(f->store, 2, 1700000500, &f->error));
	assert_ok(f, store_token_used(f->store, 2, 1700000100, &f->error));
	assert_ok(f, store_token_used(f->store, 77, 1700000100, &f->error));
	reopen(f);
	assert_ok(f, store_token_find(f->store, 2, &token, &f->error));
	assert_int_equal(token.last_used, 1700000500);
	assert_ok(f, store_token_find(f->store, 1, &token, &f->error));
	assert_int_equal(token.last_used, 0);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_error(f, store_token_used(f->store, 2, 1, &f->error), ERROR_STORE, "report this as a bug");
	store_rollback(f->store);
}

/* A bit that flips must not make an admin of a viewer, nor another secret the right one. */
static void test_damage_is_noticed(void **state)
{
	static const char *const damage[] = {
		"UPDATE tokens SET role = 'viewer' WHERE id = 2",
		"UPDATE tokens SET hash = zeroblob(32) WHERE id = 2",
		"UPDATE tokens SET expires = 0 WHERE id = 2",
		"UPDATE tokens SET account_id = (SELECT max(id) FROM accounts) WHERE id = 2",
		"UPDATE tokens SET id = 20 WHERE id = 2",
		"DELETE FROM tokens WHERE id = 2",
	};
	struct fixture *f = *state;
	int64_t accounts[2], users[2];

	four_tokens(f, accounts, users);
	fixture_close(f);
	for (size_t i = 0; i < COUNT(damage); i++) {
		shell("cp %s %s.good", f->path, f->path);
		raw(f->path, damage[i]);
		assert_error(f, fixture_open(f, STORE_MUST_EXIST), ERROR_STORE, "");
		shell("mv %s.good %s", f->path, f->path);
	}
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
}

#define TOKENS_TEST(name) cmocka_unit_test_setup_teardown(name, setup_store, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TOKENS_TEST(test_kept),
		TOKENS_TEST(test_needs_a_role),
		TOKENS_TEST(test_ends_with_its_role),
		TOKENS_TEST(test_ends_with_its_user),
		TOKENS_TEST(test_ends_with_its_account),
		TOKENS_TEST(test_rolled_back),
		TOKENS_TEST(test_limits),
		TOKENS_TEST(test_last_used),
		TOKENS_TEST(test_damage_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
