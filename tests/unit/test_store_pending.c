// SPDX-License-Identifier: GPL-2.0-only
/* test_store_pending.c - changes to be confirmed: kept whole, one of a subject, bounded, and part of the sum
 */
#include "userspace/io/store.h"

#include "tests/unit/store_fixture.h"

static struct store_pending row_of(const char *name)
{
	struct store_pending row = {
		.subject = PENDING_ACCOUNT,
		.action = "service remove",
		.user = "ada",
		.admins = true,
		.generation = 7,
		.restores = 6,
		.made_at = 1700000000,
		.deadline = {.within = 120, .at = {.wall = 1700000120, .up = 5120, .boot = "this boot"}},
		.claims = (char *)" 192.0.2.10:443/tcp uid=1000 ",
		.inverse = (char *)"{\"a\": 1}",
	};

	snprintf(row.name, sizeof(row.name), "%s", name);
	return row;
}

static void put(struct fixture *f, const struct store_pending *row)
{
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_pending_add(f->store, row, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
}

static void reopen(struct fixture *f)
{
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
}

static void assert_same(const struct store_pending *a, const struct store_pending *b)
{
	assert_int_equal(a->subject, b->subject);
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->action, b->action);
	assert_string_equal(a->user, b->user);
	assert_int_equal(a->admins, b->admins);
	assert_int_equal(a->generation, b->generation);
	assert_int_equal(a->restores, b->restores);
	assert_int_equal(a->made_at, b->made_at);
	assert_int_equal(a->deadline.within, b->deadline.within);
	assert_int_equal(a->deadline.at.wall, b->deadline.at.wall);
	assert_int_equal(a->deadline.at.up, b->deadline.at.up);
	assert_string_equal(a->deadline.at.boot, b->deadline.at.boot);
	assert_string_equal(a->claims, b->claims);
	assert_string_equal(a->inverse, b->inverse);
}

static void test_kept_across_opening(void **state)
{
	struct fixture *f = *state;
	struct store_pending row = row_of("acme"), got = {0}, *all = NULL;
	uint64_t count = 0;
	size_t listed = 0;

	put(f, &row);
	for (row.subject = PENDING_USER; row.subject < PENDING_SUBJECT_MAX; row.subject++)
		put(f, &row); /* the same name, of another subject */
	reopen(f);
	for (row.subject = PENDING_ACCOUNT; row.subject < PENDING_SUBJECT_MAX; row.subject++) {
		assert_ok(f, store_pending_find(f->store, row.subject, "acme", &got, &f->error));
		assert_same(&got, &row);
		store_pending_clear(&got);
	}
	assert_ok(f, store_pending_count(f->store, &count, &f->error));
	assert_int_equal(count, PENDING_SUBJECT_MAX);
	assert_ok(f, store_pendings(f->store, &all, &listed, &f->error));
	assert_int_equal(listed, PENDING_SUBJECT_MAX);
	assert_int_equal(all[0].subject, PENDING_ACCOUNT);
	store_pendings_free(all, listed);
	assert_error(f, store_pending_find(f->store, PENDING_INTERFACE, "beta", &got, &f->error),
		     ERROR_NOT_FOUND, "no change of interface 'beta'");
}

static void test_one_of_a_subject(void **state)
{
	struct fixture *f = *state;
	struct store_pending row = row_of("acme");

	put(f, &row);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_error(f, store_pending_add(f->store, &row, &f->error), ERROR_CONFLICT, "already");
	assert_ok(f, store_pending_remove(f->store, PENDING_ACCOUNT, "acme", &f->error));
	assert_error(f, store_pending_remove(f->store, PENDING_ACCOUNT, "acme", &f->error), ERROR_NOT_FOUND,
		     "'acme'");
	assert_ok(f, store_commit(f->store, &f->error));
	reopen(f);
	assert_error(f, store_pending_add(f->store, &row, &f->error), ERROR_STORE,
		     "outside of a transaction");
}

static void test_rolled_back(void **state)
{
	struct fixture *f = *state;
	struct store_pending row = row_of("acme"), got = {0};

	put(f, &row);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_pending_remove(f->store, PENDING_ACCOUNT, "acme", &f->error));
	store_rollback(f->store);
	reopen(f);
	assert_ok(f, store_pending_find(f->store, PENDING_ACCOUNT, "acme", &got, &f->error));
	store_pending_clear(&got);
}

static void test_claims(void **state)
{
	struct fixture *f = *state;
	struct store_pending row = row_of("acme");
	struct store_pending owner = {0};

	put(f, &row);
	row.claims = row.inverse = (char *)"";
	assert_int_equal(store_pending_claimed(f->store, "192.0.2.10:443/tcp", &owner, &f->error), 1);
	assert_same(&owner, &row);
	store_pending_clear(&owner);
	assert_int_equal(store_pending_claimed(f->store, "uid=1000", &owner, &f->error), 1);
	store_pending_clear(&owner);
	assert_int_equal(store_pending_claimed(f->store, "uid=100", &owner, &f->error), 0);
	assert_int_equal(store_pending_claimed(f->store, "192.0.2.10:443", &owner, &f->error), 0);
	row = row_of("beta");
	row.claims = row.inverse = NULL;
	put(f, &row);
	assert_int_equal(store_pending_claimed(f->store, "", &owner, &f->error), 0);
}

static void test_bounded(void **state)
{
	struct fixture *f = *state;
	struct store_pending row;
	char name[NAME_SIZE];

	assert_ok(f, store_begin(f->store, &f->error));
	for (unsigned int i = 0; i < STORE_PENDINGS_MAX; i++) {
		snprintf(name, sizeof(name), "a%u", i);
		row = row_of(name);
		assert_ok(f, store_pending_add(f->store, &row, &f->error));
	}
	row = row_of("more");
	assert_error(f, store_pending_add(f->store, &row, &f->error), ERROR_LIMIT, "1000");
	assert_ok(f, store_commit(f->store, &f->error));
}

/* Whatever is changed behind its back: the store is not opened. */
static void test_part_of_the_sum(void **state)
{
	static const char *const edits[] = {
		"UPDATE pending SET wall = wall + 1",
		"UPDATE pending SET up = up + 1",
		"UPDATE pending SET boot = ''",
		"UPDATE pending SET admins = 0",
		"UPDATE pending SET inverse = ''",
		"UPDATE pending SET claims = ''",
		"UPDATE pending SET restores = 5",
		"UPDATE pending SET name = 'beta'",
		"UPDATE pending SET generation = 8",
		"UPDATE pending SET subject = 'user'",
		"UPDATE pending SET action = 'allow add'",
		"DELETE FROM pending",
	};
	struct fixture *f = *state;
	struct store_pending row = row_of("acme");

	put(f, &row);
	fixture_close(f);
	for (size_t i = 0; i < COUNT(edits); i++) {
		shell("cp %s %s.good", f->path, f->path);
		raw(f->path, edits[i]);
		assert_error(f, fixture_open(f, STORE_MUST_EXIST), ERROR_STORE, "do not fit their sum");
		shell("mv %s.good %s; rm -f %s-wal %s-shm", f->path, f->path, f->path, f->path);
	}
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
}

/* Version 4 knew fewer subjects of what waits to be confirmed, and was the same otherwise. */
static void make_version_4(struct fixture *f)
{
	struct store_pending row = row_of("acme");
	const char *start = strstr(store_steps[3].sql, "CREATE TABLE pending ("), *end;
	char sql[2048];

	assert_non_null(start);
	end = strchr(start, ';');
	assert_non_null(end);
	put(f, &row);
	fixture_close(f);
	snprintf(sql, sizeof(sql),
		 "ALTER TABLE pending RENAME TO newer; %.*s; INSERT INTO pending SELECT * FROM newer; "
		 "DROP TABLE newer; PRAGMA user_version = 4",
		 (int)(end - start), start);
	raw(f->path, sql);
}

static void test_what_waits_goes_on(void **state)
{
	struct fixture *f = *state;
	struct store_pending row = row_of("acme"), got = {0};

	make_version_4(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_ok(f, store_pending_find(f->store, PENDING_ACCOUNT, "acme", &got, &f->error));
	assert_same(&got, &row);
	store_pending_clear(&got);
	row.subject = PENDING_POLICY;
	put(f, &row);
	reopen(f);
}

static void test_what_was_damaged_before_is_none(void **state)
{
	struct fixture *f = *state;

	make_version_4(f);
	raw(f->path, "UPDATE pending SET wall = wall + 1");
	assert_error(f, fixture_open(f, STORE_MUST_EXIST), ERROR_STORE, "do not fit their sum");
}

#define PENDING_TEST(name) cmocka_unit_test_setup_teardown(name, setup_store, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PENDING_TEST(test_kept_across_opening),
		PENDING_TEST(test_one_of_a_subject),
		PENDING_TEST(test_rolled_back),
		PENDING_TEST(test_claims),
		PENDING_TEST(test_bounded),
		PENDING_TEST(test_part_of_the_sum),
		PENDING_TEST(test_what_waits_goes_on),
		PENDING_TEST(test_what_was_damaged_before_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
