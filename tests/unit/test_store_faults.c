// SPDX-License-Identifier: GPL-2.0-only
/* test_store_faults.c - a full disk and SIGKILL leave the old policy or the new one, never a mixture */
#include "userspace/io/store.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/unit/store_fixture.h"

#define KILLS 12

/* Adds to the list until that fails, which must leave the list as it was. */
static void fill_until_refused(struct fixture *f, const char *text)
{
	struct entry entry = {.prefix = prefix_from("10.0.0.0/32"),
			      .note = (char *)"a note that takes some room"};
	int r = store_begin(f->store, &f->error);

	for (uint32_t i = 0; !r && i < 100000; i++) {
		entry.prefix.addr.bytes[1] = (uint8_t)(i >> 16);
		entry.prefix.addr.bytes[2] = (uint8_t)(i >> 8);
		entry.prefix.addr.bytes[3] = (uint8_t)i;
		r = store_entry_add(f->store, 1, &entry, &f->error);
	}
	if (r < 0)
		store_rollback(f->store);
	else
		r = store_commit(f->store, &f->error);
	assert_true(r < 0);
	assert_int_equal(f->error.code, ERROR_STORE);
	if (!strstr(f->error.message, text))
		print_error("%s\n", f->error.message);
	assert_non_null(strstr(f->error.message, text));
	assert_list(f, 1, "203.0.113.1/32");
}

/* After the obstacle is gone: everything works, and nothing of what failed is there. */
static void assert_usable(struct fixture *f)
{
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, add_entry(f, 1, "203.0.113.2", AG_ENTRY_ALLOW));
	assert_ok(f, store_commit(f->store, &f->error));
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_list(f, 1, "203.0.113.1/32 203.0.113.2/32");
}

static void test_page_limit(void **state)
{
	struct fixture *f = *state;

	make_store(f);
	assert_ok(f, sql_exec(f->store, "PRAGMA max_page_count = 40", &f->error));
	fill_until_refused(f, "the disk is full: free some space");
	assert_ok(f, sql_exec(f->store, "PRAGMA max_page_count = 1000000", &f->error));
	assert_usable(f);
}

static void test_file_size_limit(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, small = {.rlim_cur = 300000};
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);

	make_store(f);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	fill_until_refused(f, "check the disk and its free space");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, handler);
	assert_usable(f);
}

static void test_disk_full(void **state)
{
	struct fixture *f = *state;

	if (geteuid() != 0 || unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("test_store", f->dir, "tmpfs", 0, "size=1m")) {
		print_message("SKIP: a small tmpfs to fill up needs root\n");
		skip();
	}
	make_store(f);
	fill_until_refused(f, "the disk is full: free some space");
	/* Full to the last byte, by somebody else: a small change fails as well, and nothing is lost. */
	shell("! cat /dev/zero > %s/ballast 2> /dev/null", f->dir);
	for (int i = 0; i < 3; i++)
		fill_until_refused(f, "the disk is full: free some space");
	shell("rm %s/ballast", f->dir);
	assert_usable(f);
	fixture_close(f);
	assert_int_equal(umount(f->dir), 0);
}

static void test_creation_on_a_full_disk(void **state)
{
	struct fixture *f = *state;

	if (geteuid() != 0 || unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("test_store", f->dir, "tmpfs", 0, "size=40k")) {
		print_message("SKIP: a small tmpfs to fill up needs root\n");
		skip();
	}
	assert_error(f, fixture_open(f, STORE_MAY_CREATE), ERROR_STORE, "the disk is full");
	assert_false(store_exists(f->path));
	shell("! ls %s.new* 2> /dev/null", f->path);
	assert_int_equal(mount("test_store", f->dir, "tmpfs", MS_REMOUNT, "size=4m"), 0);
	make_store(f);
	fixture_close(f);
	assert_int_equal(umount(f->dir), 0);
}

/* A child opens the store and changes it until it is killed; it writes a byte before and after each commit.
 */
static void child_changes(struct fixture *f, int fd)
{
	uint64_t generation;

	if (fixture_open(f, STORE_MUST_EXIST) < 0)
		_exit(1);
	for (;;) {
		if (store_begin(f->store, &f->error) < 0 ||
		    store_next_generation(f->store, &generation, &f->error) < 0)
			_exit(2);
		if (generation % 2 ? add_entry(f, 1, "203.0.113.2", AG_ENTRY_ALLOW) < 0
				   : store_entry_remove(f->store, 1,
							&(struct prefix){prefix_from("203.0.113.2").addr, 32},
							&f->error) < 0)
			_exit(3);
		if (write(fd, "b", 1) != 1 || store_commit(f->store, &f->error) < 0 || write(fd, "a", 1) != 1)
			_exit(4);
	}
}

/* Kills it some time after it has seen that many bytes; returns how many commits it was told of. */
static uint64_t kill_after(struct fixture *f, unsigned int bytes, unsigned int microseconds)
{
	uint64_t committed = 0;
	int pipes[2], status;
	pid_t child;
	char byte;

	assert_int_equal(pipe(pipes), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		close(pipes[0]);
		child_changes(f, pipes[1]);
	}
	close(pipes[1]);
	for (unsigned int i = 0; i < bytes; i++) {
		assert_int_equal(read(pipes[0], &byte, 1), 1);
		committed += byte == 'a';
	}
	usleep(microseconds);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	while (read(pipes[0], &byte, 1) == 1)
		committed += byte == 'a';
	close(pipes[0]);
	return committed;
}

static void test_killed(void **state)
{
	struct fixture *f = *state;
	uint64_t id, generation = 0, before = 0, committed, total = 0;
	const char *rounds = getenv("STORE_KILLS"); /* more, in check-long */
	unsigned int kills = rounds ? (unsigned int)atoi(rounds) : KILLS;

	make_store(f);
	fixture_close(f);
	for (unsigned int i = 0; i < kills; i++) {
		committed = kill_after(f, 1 + i % 5, i * 331 % 5000);
		assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
		assert_ok(f, store_identity(f->store, &id, &generation, &f->error));
		/* What was answered is there; at most the one commit on its way is there besides. */
		assert_true(generation == before + committed || generation == before + committed + 1);
		assert_list(f, 1, generation % 2 ? "203.0.113.1/32 203.0.113.2/32" : "203.0.113.1/32");
		fixture_close(f);
		before = generation;
		total += committed;
	}
	assert_true(total > 0);
}

static void test_killed_in_mid_transaction(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t child;

	make_store(f);
	fixture_close(f);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		if (fixture_open(f, STORE_MUST_EXIST) < 0 || store_begin(f->store, &f->error) < 0 ||
		    store_entries_clear(f->store, 1, &f->error) < 0 ||
		    add_entry(f, 1, "9.9.9.9", AG_ENTRY_ALLOW) < 0 || store_settle(f->store, &f->error) < 0 ||
		    sqlite3_db_cacheflush(f->store->db))
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	assert_list(f, 1, "203.0.113.1/32");
}

#define FAULT_TEST(name) cmocka_unit_test_setup_teardown(name, setup_dir, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAULT_TEST(test_page_limit), FAULT_TEST(test_file_size_limit),
		FAULT_TEST(test_disk_full),  FAULT_TEST(test_creation_on_a_full_disk),
		FAULT_TEST(test_killed),     FAULT_TEST(test_killed_in_mid_transaction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
