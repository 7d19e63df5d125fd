// SPDX-License-Identifier: GPL-2.0-only
/* test_store_import.c - an import is the new list after finish(), and nothing before, across crashes too */
#include "userspace/io/store.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/unit/store_fixture.h"

static int64_t microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void test_visible_when_finished(void **state)
{
	static const char *const wanted[] = {"9.0.0.0/8", "203.0.113.1", "2001:db8::/32"};
	struct fixture *f = *state;
	struct list list = list_of(wanted, COUNT(wanted));
	struct store_import *import = NULL, *other = NULL;
	struct import_result result;

	make_store(f);
	assert_ok(f, store_import_open(f->store, 1, &import, &f->error));
	assert_error(f, store_import_open(f->store, 1, &other, &f->error), ERROR_CONFLICT, "another import");
	assert_error(f, finish_import(f, import), ERROR_STORE, "not prepared");
	assert_ok(f, store_import_prepare(import, IMPORT_REPLACE, &list, false, NULL, NULL, NULL, &result,
					  &f->error));
	/* The one that stays differs in its note. */
	assert_int_equal(result.added, 3);
	assert_int_equal(result.removed, 0);
	assert_int_equal(result.came.count, 3);
	list_clear(&result.came);
	assert_list(f, 1, "203.0.113.1/32");
	assert_ok(f, finish_import(f, import));
	assert_list(f, 1, "9.0.0.0/8 203.0.113.1/32 2001:db8::/32");
	store_import_close(import);
	assert_int_equal(rows(f), 4);
	sweep_all(f);
	assert_int_equal(rows(f), 3);
	assert_list(f, 1, "9.0.0.0/8 203.0.113.1/32 2001:db8::/32");
	assert_int_equal(find_account(f, "acme").entries6, 1);
	list_clear(&list);
}

static void test_add_and_dry_run(void **state)
{
	static const char *const wanted[] = {"9.0.0.0/8"}, *const there[] = {"9.0.0.0/8", "203.0.113.1"};
	struct fixture *f = *state;
	struct list list = list_of(wanted, 1), both = list_of(there, 2);
	struct store_import *import = NULL;
	struct import_result result;
	bool cancel = true;

	make_store(f);
	assert_ok(f, store_import_open(f->store, 1, &import, &f->error));
	assert_error(
		f,
		store_import_prepare(import, IMPORT_ADD, &both, true, NULL, NULL, NULL, &result, &f->error),
		ERROR_EXISTS, "203.0.113.1 is in the list already");
	assert_error(f,
		     store_import_prepare(import, IMPORT_ADD, &list, false, &cancel, NULL, NULL, &result,
					  &f->error),
		     ERROR_STORE, "cancelled");
	assert_ok(f, store_import_prepare(import, IMPORT_ADD, &list, true, NULL, NULL, NULL, &result,
					  &f->error));
	assert_int_equal(result.added, 1);
	list_clear(&result.came);
	assert_int_equal(rows(f), 1);
	assert_error(f, finish_import(f, import), ERROR_STORE, "not prepared");
	assert_ok(f, store_import_prepare(import, IMPORT_ADD, &list, false, NULL, NULL, NULL, &result,
					  &f->error));
	list_clear(&result.came);
	assert_ok(f, finish_import(f, import));
	store_import_close(import);
	assert_list(f, 1, "9.0.0.0/8 203.0.113.1/32");
	list_clear(&list);
	list_clear(&both);
}

/* A small change of the same list wins, what was prepared is swept, and the next import has nothing of it. */
static void test_conflict(void **state)
{
	static const char *const next[] = {"198.51.100.0/24"};
	struct fixture *f = *state;
	struct list list = hosts(2000, 1), second = list_of(next, 1);
	struct store_import *import = NULL;
	struct import_result result;

	make_store(f);
	for (int i = 0; i < 2; i++) {
		assert_ok(f, store_import_open(f->store, 1, &import, &f->error));
		assert_ok(f, store_import_prepare(import, IMPORT_REPLACE, i ? &second : &list, false, NULL,
						  NULL, NULL, &result, &f->error));
		list_clear(&result.came);
		list_clear(&result.went);
		if (i)
			break;
		assert_ok(f, store_begin(f->store, &f->error));
		assert_ok(f, add_entry(f, 1, "10.0.0.1", AG_ENTRY_ALLOW));
		assert_ok(f, store_commit(f->store, &f->error));
		assert_error(f, finish_import(f, import), ERROR_CONFLICT, "account 'acme' was changed");
		store_import_close(import);
		fixture_close(f);
		assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
		assert_list(f, 1, "10.0.0.1/32 203.0.113.1/32");
		assert_int_equal(rows(f), 2002);
	}
	assert_ok(f, finish_import(f, import));
	store_import_close(import);
	assert_list(f, 1, "198.51.100.0/24");
	sweep_all(f);
	assert_int_equal(rows(f), 1);
	list_clear(&list);
	list_clear(&second);
}

static void test_killed(void **state)
{
	struct fixture *f = *state;
	struct list list = hosts(60000, 3);

	make_store(f);
	fixture_close(f);
	for (unsigned int i = 0; i < 12; i++) {
		pid_t child = fork();

		assert_true(child >= 0);
		if (!child) {
			struct store_import *import = NULL;
			struct import_result result;

			if (fixture_open(f, STORE_MUST_EXIST) < 0 ||
			    store_import_open(f->store, 1, &import, &f->error) < 0)
				_exit(1);
			(void)store_import_prepare(import, IMPORT_REPLACE, &list, false, NULL, NULL, NULL,
						   &result, &f->error);
			raise(SIGKILL);
		}
		usleep(20000 + i * 17011);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
		assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
		assert_list(f, 1, "203.0.113.1/32");
		fixture_close(f);
	}
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	sweep_all(f);
	assert_int_equal(rows(f), 1);
	assert_list(f, 1, "203.0.113.1/32");
	list_clear(&list);
}

struct job {
	struct store_import *import;
	const struct list *list;
	struct import_result result;
	struct ag_error error;
	int r;
	bool done;
};

static void *run_job(void *arg)
{
	struct job *job = arg;

	job->r = store_import_prepare(job->import, IMPORT_REPLACE, job->list, false, NULL, NULL, NULL,
				      &job->result, &job->error);
	__atomic_store_n(&job->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Small changes of another account go on meanwhile. */
static void test_others_go_on(void **state)
{
	struct fixture *f = *state;
	struct list list = hosts(100000, 5);
	struct job job = {.list = &list};
	struct prefix prefix = prefix_from("9.9.9.9");
	int64_t other, most = 0;
	unsigned int changes = 0;
	pthread_t thread;

	make_store(f);
	assert_ok(f, store_begin(f->store, &f->error));
	other = add_account(f, "beta").id;
	assert_ok(f, store_commit(f->store, &f->error));
	assert_ok(f, store_import_open(f->store, 1, &job.import, &f->error));
	assert_int_equal(pthread_create(&thread, NULL, run_job, &job), 0);
	for (; !__atomic_load_n(&job.done, __ATOMIC_ACQUIRE); changes++) {
		int64_t start = microseconds();

		assert_ok(f, store_begin(f->store, &f->error));
		if (changes % 2)
			assert_ok(f, store_entry_remove(f->store, other, &prefix, &f->error));
		else
			assert_ok(f, add_entry(f, other, "9.9.9.9", AG_ENTRY_ALLOW));
		assert_ok(f, store_commit(f->store, &f->error));
		start = microseconds() - start;
		most = start > most ? start : most;
		usleep(2000);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_ok(&job, job.r);
	assert_ok(f, finish_import(f, job.import));
	store_import_close(job.import);
	print_message("%u changes during an import, the slowest %" PRId64 " us\n", changes, most);
	assert_true(changes > 0);
	assert_true(most < 2000000); /* far from the import's whole length on any machine */
	assert_int_equal(find_account(f, "acme").entries4, 100000);
	list_clear(&job.result.came);
	list_clear(&job.result.went);
	list_clear(&list);
}

/* What is found in the store is what the list says, garbage beside it or not. */
static void test_match(void **state)
{
	struct fixture *f = *state;
	struct store_import *import = NULL;
	struct import_result result;
	struct list list = {0}, none = {0};
	unsigned int seed = 1;

	make_store(f);
	assert_ok(f, store_begin(f->store, &f->error));
	for (int i = 0; i < 600; i++) {
		struct entry entry = {.verdict = AG_ENTRY_DENY};
		uint8_t bytes[4] = {10, (uint8_t)(rand_r(&seed) % 3), (uint8_t)(rand_r(&seed) % 3),
				    (uint8_t)rand_r(&seed)};
		struct addr addr = addr_make(AG_FAMILY_IPV4, bytes);

		entry.prefix = prefix_of(&addr, (uint8_t)(7 + rand_r(&seed) % 26));
		(void)store_entry_add(f->store, 1, &entry, NULL); /* some are there already */
	}
	assert_ok(f, store_commit(f->store, &f->error));
	for (int round = 0; round < 2; round++) {
		assert_ok(f, store_list(f->store, 1, &list, &f->error));
		for (int i = 0; i < 1500; i++) {
			uint8_t bytes[4] = {10, (uint8_t)(rand_r(&seed) % 4), (uint8_t)(rand_r(&seed) % 4),
					    (uint8_t)rand_r(&seed)};
			struct addr addr = addr_make(AG_FAMILY_IPV4, bytes);
			const struct entry *wanted = list_match(&list, &addr, 0);
			struct entry entry = {0};
			bool found;

			assert_ok(f, store_entry_match(f->store, 1, &addr, 0, &entry, &found, &f->error));
			assert_int_equal(found, wanted != NULL);
			if (found)
				assert_int_equal(prefix_compare(&entry.prefix, &wanted->prefix), 0);
			entry_clear(&entry);
		}
		/* The second time the longer half is garbage. */
		for (size_t i = 0; !round && i < list.count; i++)
			if (list.entries[i].prefix.len < 24)
				assert_int_equal(list_append(&none, &list.entries[i]), 0);
		list_clear(&list);
		if (round)
			break;
		assert_ok(f, store_import_open(f->store, 1, &import, &f->error));
		assert_ok(f, store_import_prepare(import, IMPORT_REPLACE, &none, false, NULL, NULL, NULL,
						  &result, &f->error));
		assert_ok(f, finish_import(f, import));
		store_import_close(import);
		list_clear(&result.came);
		list_clear(&result.went);
	}
	list_clear(&none);
}

/* A store as version 1 left it, with its SHA-256 digests. */
static void test_migration(void **state)
{
	static const char rows_1[] =
		"INSERT INTO meta "
		"VALUES(1,6806330280944432630,1,2,2,1,X'"
		"d9cc4a3031ebf210f067a9452a07108be929105d104acf4bee8cf64a4c59b618',X'"
		"b8ca6f32e249bb7a54c564245153c38072d80431ebce233e28a44a9aea06d923',X'"
		"c92d9b08488f3a37384dd4674492694b2db2087724814aae35a1791e381c6eb9',X'"
		"194baab83979870606b7800527cde996cc12de6d0cea5d61c2a0771d5b953644',X'"
		"9432ad81cea500f132b49b67d045721de04d94ccefd2da48baa9152a7ff40aaf');"
		"INSERT INTO accounts VALUES(1,0,'acme','Acme, "
		"Inc.','monitor','drop',1,2,1,X'"
		"a1e5816732c59525c9cce0df6cb5edacf474c33da956de2c1f91525bcf878664',X'"
		"61fd4e7eef19327ff8a5cddb43d97d183a69b45b7bd314b7b4e4c829a457127a');"
		"INSERT INTO accounts "
		"VALUES(2,1,'beta','','enforce','drop',1,0,0,zeroblob(32),X'"
		"d937214c0d508905ac60a9ff128abe9848b1b06a901d37899c4082b34e51cb59');"
		"INSERT INTO services VALUES(4,X'c000020a',32,6,443,1);"
		"INSERT INTO services VALUES(6,X'20010db8000000000000000000000000',64,17,443,2);"
		"INSERT INTO entries VALUES(1,4,X'cb007100',24,'allow','office','ada',1700000000);"
		"INSERT INTO entries VALUES(1,4,X'cb007107',32,'deny','','ada',1700000000);"
		"INSERT INTO entries "
		"VALUES(1,6,X'20010db8000000000000000000000000',32,'allow','','ada',1700000000);"
		"INSERT INTO users VALUES(1,'ada',1000,1,0);INSERT INTO roles VALUES(1,1,'admin');"
		"INSERT INTO interfaces VALUES('eth0','native');"
		"INSERT INTO audit VALUES(1,1700000000,'ada','',0,'unknown','acme','allow "
		"add','','done',X'd9cc4a3031ebf210f067a9452a07108be929105d104acf4bee8cf64a4c59b618');"
		"PRAGMA application_id = 1095192659; PRAGMA user_version = 1;";
	static const char *const damage[] = {NULL, "UPDATE entries SET verdict = 'allow'",
					     "UPDATE services SET port = 1",
					     "UPDATE accounts SET mode = 'off'", "DELETE FROM meta"};
	struct fixture *f = *state;
	struct account account;
	uint64_t count = 0;

	for (size_t i = COUNT(damage); i-- > 0;) {
		shell("rm -f %s %s-wal %s-shm", f->path, f->path, f->path);
		raw(f->path, store_steps[0].sql);
		raw(f->path, rows_1);
		if (damage[i]) {
			raw(f->path, damage[i]);
			assert_error(f, fixture_open(f, STORE_MUST_EXIST), ERROR_STORE, "damaged");
		}
	}
	for (int i = 0; i < 2; i++) {
		assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
		assert_list(f, 1, "203.0.113.0/24 203.0.113.7/32 2001:db8::/32");
		account = find_account(f, "acme");
		assert_string_equal(account.label, "Acme, Inc.");
		account_clear(&account);
		assert_ok(f, store_audit_verify(f->store, &count, &f->error));
		assert_int_equal(count, 2); /* the last one states the head of the old chain */
		fixture_close(f);
	}
}

#define IMPORT_TEST(name) cmocka_unit_test_setup_teardown(name, setup_dir, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IMPORT_TEST(test_visible_when_finished),
		IMPORT_TEST(test_add_and_dry_run),
		IMPORT_TEST(test_conflict),
		IMPORT_TEST(test_killed),
		IMPORT_TEST(test_others_go_on),
		IMPORT_TEST(test_match),
		IMPORT_TEST(test_migration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
