// SPDX-License-Identifier: GPL-2.0-only
/* test_store_files.c - the store's files: made, locked, versioned, lost */
#include "userspace/io/store.h"

#include <sys/wait.h>

#include "tests/unit/store_fixture.h"

static void assert_mode(const struct fixture *f, const char *suffix)
{
	struct stat st;
	char path[256];

	snprintf(path, sizeof(path), "%s%s", f->path, suffix);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_create(void **state)
{
	struct fixture *f = *state;
	mode_t old = umask(0);
	int64_t number = 0;

	assert_false(store_exists(f->path));
	assert_error(f, fixture_open(f, STORE_MUST_EXIST), ERROR_STORE, "is not there");
	/* Nothing is left of the attempt. */
	shell("test -z \"$(ls -A %s)\"", f->dir);
	make_store(f);
	umask(old);
	assert_true(store_exists(f->path));
	assert_mode(f, "");
	assert_mode(f, "-wal");
	assert_mode(f, ".lock");
	assert_ok(f, sql_pragma_number(f->store, "PRAGMA synchronous", &number, &f->error));
	assert_int_equal(number, 2);
	assert_ok(f, sql_pragma_number(f->store, "PRAGMA foreign_keys", &number, &f->error));
	assert_int_equal(number, 1);
	assert_ok(f, sql_pragma_number(f->store, "PRAGMA trusted_schema", &number, &f->error));
	assert_int_equal(number, 0);
	assert_ok(f, sql_pragma_number(f->store, "PRAGMA user_version", &number, &f->error));
	assert_int_equal(number, STORE_VERSION);
	fixture_close(f);
	/* Nothing but the store and its lock, whole in one file. */
	shell("test \"$(ls -A %s | tr '\\n' ' ')\" = 'policy.db policy.db.lock '", f->dir);
	shell("test \"$(head -c 20 %s | od -An -j18 -N2 -tx1)\" = ' 02 02'", f->path);
}

static void test_umask_takes_nothing_away(void **state)
{
	struct fixture *f = *state;
	mode_t old = umask(0277);
	int r = fixture_open(f, STORE_MAY_CREATE);

	umask(old);
	assert_ok(f, r);
	assert_mode(f, "");
}

static void test_unfinished_creation_is_begun_anew(void **state)
{
	struct fixture *f = *state;

	shell("echo half > %s.new; echo half > %s.new-journal", f->path, f->path);
	make_store(f);
	shell("! ls %s.new* 2> /dev/null", f->path);
}

static void test_leftover_log(void **state)
{
	struct fixture *f = *state;

	shell("echo log > %s-wal", f->path);
	assert_error(f, fixture_open(f, STORE_MAY_CREATE), ERROR_STORE, "is not there, but its log");
	assert_false(store_exists(f->path));
	shell("grep -q log %s-wal", f->path);
}

/* Refused with that text, and left as it is. */
static void assert_refused(struct fixture *f, const char *text)
{
	shell("cp %s %s/copy", f->path, f->dir);
	assert_error(f, fixture_open(f, STORE_MAY_CREATE), ERROR_STORE, text);
	assert_null(f->store);
	shell("cmp %s %s/copy", f->path, f->dir);
}

static void test_not_a_store(void **state)
{
	struct fixture *f = *state;

	shell(": > %s", f->path);
	assert_refused(f, "the file is empty");
	shell("head -c 9000 /dev/zero | tr '\\0' x > %s", f->path);
	assert_refused(f, "no database");
	shell("echo short > %s", f->path);
	assert_refused(f, "no database");
	shell("rm %s", f->path);
	raw(f->path, "CREATE TABLE entries (a)");
	assert_refused(f, "not of allowgate");
	/* Ours by its mark alone. */
	raw(f->path, "PRAGMA application_id = 1095192659");
	assert_refused(f, "not of allowgate");
	raw(f->path, "PRAGMA user_version = 2");
	fixture_close(f);
	assert_error(f, fixture_open(f, STORE_MUST_EXIST), ERROR_STORE, "migrating to version 5");
	raw(f->path, "PRAGMA user_version = 5");
	assert_error(f, fixture_open(f, STORE_MUST_EXIST), ERROR_STORE, "not those that allowgated made");
	shell("rm %s; mkdir %s", f->path, f->path);
	assert_error(f, fixture_open(f, STORE_MAY_CREATE), ERROR_STORE, "no regular file");
	shell("rmdir %s; ln -s nowhere %s", f->path, f->path);
	assert_error(f, fixture_open(f, STORE_MAY_CREATE), ERROR_STORE, "cannot be read");
}

static void test_newer_version(void **state)
{
	struct fixture *f = *state;

	make_store(f);
	fixture_close(f);
	raw(f->path, "PRAGMA application_id = 7");
	assert_refused(f, "not of allowgate");
	raw(f->path, "PRAGMA application_id = 1095192659; PRAGMA user_version = 9");
	assert_refused(f, "is of version 9, this allowgated knows 5: upgrade allowgated");
}

static void test_foreign_schema(void **state)
{
	struct fixture *f = *state;

	make_store(f);
	fixture_close(f);
	raw(f->path, "ANALYZE");
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
	fixture_close(f);
	raw(f->path, "CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM entries; END");
	assert_error(f, fixture_open(f, STORE_MUST_EXIST), ERROR_STORE, "not those that allowgated made");
	raw(f->path, "DROP TRIGGER t");
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
}

/* What is refused is not changed by being closed: its log stays a log. */
static void test_refused_with_its_log(void **state)
{
	struct fixture *f = *state;

	make_store(f);
	raw(f->path, "CREATE TABLE more (a)");
	shell("cd %s && cp policy.db other.db && cp policy.db-wal other.db-wal && cp other.db before && "
	      "cp other.db-wal before-wal",
	      f->dir);
	fixture_close(f);
	snprintf(f->path, sizeof(f->path), "%s/other.db", f->dir);
	assert_error(f, fixture_open(f, STORE_MUST_EXIST), ERROR_STORE, "not those that allowgated made");
	shell("cd %s && cmp other.db before && cmp other.db-wal before-wal", f->dir);
}

static void test_migration(void **state)
{
	struct fixture *f = *state;
	const struct store_step broken[] = {
		{4, 5, "SELECT nonsense", NULL},
		{5, 6, "CREATE TABLE extra (a); INSERT INTO extra VALUES (1); SELECT nonsense", NULL}};
	const struct store_step steps[] = {{4, 5, "SELECT nonsense", NULL},
					   {5, 6, "CREATE TABLE extra (a)", NULL},
					   {6, 7, "INSERT INTO extra VALUES (7)", NULL},
					   {7, 8, "SELECT nonsense", NULL}};
	int64_t number = 0;

	make_store(f);
	/* A step that fails leaves nothing of itself. */
	assert_error(f, store_migrate(f->store, broken, COUNT(broken), &f->error), ERROR_STORE,
		     "migrating to version 6");
	assert_ok(f, sql_pragma_number(f->store, "PRAGMA user_version", &number, &f->error));
	assert_int_equal(number, 5);
	/* Those that were taken before stay; the first is not taken again. */
	assert_error(f, store_migrate(f->store, steps, COUNT(steps), &f->error), ERROR_STORE,
		     "migrating to version 8");
	assert_ok(f, sql_pragma_number(f->store, "PRAGMA user_version", &number, &f->error));
	assert_int_equal(number, 7);
	assert_ok(f, sql_pragma_number(f->store, "SELECT sum(a) FROM extra", &number, &f->error));
	assert_int_equal(number, 7);
	assert_ok(f, store_migrate(f->store, steps, 3, &f->error));
}

static void test_second_daemon(void **state)
{
	struct fixture *f = *state;
	struct store *other = NULL;

	make_store(f);
	assert_error(f, store_open(f->path, STORE_MUST_EXIST, &fixture_limits, &other, &f->error),
		     ERROR_STORE, "another allowgated has it open");
	assert_null(other);
	/* Others may read. */
	raw(f->path, "SELECT * FROM accounts");
	fixture_close(f);
	assert_ok(f, store_open(f->path, STORE_MUST_EXIST, &fixture_limits, &other, &f->error));
	store_close(other);
}

static void test_locked_by_another(void **state)
{
	struct fixture *f = *state;
	struct account account;
	sqlite3 *db = NULL;

	make_store(f);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_error(f, store_begin(f->store, &f->error), ERROR_STORE, "another process holds its lock");
	/* Reading goes on. */
	account = find_account(f, "acme");
	assert_int_equal(account.entries4, 1);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_ok(f, store_begin(f->store, &f->error));
	store_rollback(f->store);
}

static void test_lost_file(void **state)
{
	struct fixture *f = *state;

	make_store(f);
	shell("cp %s %s/copy; mv %s %s/away", f->path, f->dir, f->path, f->dir);
	assert_error(f, store_begin(f->store, &f->error), ERROR_STORE,
		     "removed or replaced under the running daemon");
	/* The same content is not the same file. */
	shell("cp %s/away %s", f->dir, f->path);
	assert_error(f, store_begin(f->store, &f->error), ERROR_STORE, "removed or replaced");
	shell("mv %s/away %s", f->dir, f->path);
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, store_entries_clear(f->store, 1, &f->error));
	shell("mv %s %s/away", f->path, f->dir);
	assert_error(f, store_commit(f->store, &f->error), ERROR_STORE, "removed or replaced");
	shell("mv %s/away %s", f->dir, f->path);
	assert_list(f, 1, "203.0.113.1/32");
	/* Without its log, what is committed would be lost too. */
	shell("mv %s-wal %s/away", f->path, f->dir);
	assert_error(f, store_begin(f->store, &f->error), ERROR_STORE,
		     "policy.db-wal was removed or replaced");
	shell("mv %s/away %s-wal", f->dir, f->path);
	assert_ok(f, store_begin(f->store, &f->error));
	store_rollback(f->store);
}

/* As somebody without rights: root may write anywhere. */
static void test_read_only_directory(void **state)
{
	struct fixture *f = *state;
	int status = 0;
	pid_t child;

	make_store(f);
	fixture_close(f);
	shell("rm %s.lock; chmod 0444 %s; chmod 0555 %s", f->path, f->path, f->dir);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
			_exit(9);
		if (fixture_open(f, STORE_MUST_EXIST) >= 0 || f->error.code != ERROR_STORE)
			_exit(1);
		if (!strstr(f->error.message, "check owner and mode of the directory"))
			_exit(2);
		snprintf(f->path, sizeof(f->path), "%s/other.db", f->dir);
		_exit(fixture_open(f, STORE_MAY_CREATE) < 0 && f->error.code == ERROR_STORE ? 0 : 3);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	shell("chmod 0755 %s", f->dir);
}

static void test_no_directory(void **state)
{
	struct fixture *f = *state;

	snprintf(f->path, sizeof(f->path), "%s/none/policy.db", f->dir);
	assert_error(f, fixture_open(f, STORE_MAY_CREATE), ERROR_STORE, "No such file or directory");
	assert_error(f, fixture_open(f, STORE_MUST_EXIST), ERROR_STORE, "is not there");
}

static void test_path_is_no_uri(void **state)
{
	struct fixture *f = *state;
	char old[256];

	assert_non_null(getcwd(old, sizeof(old)));
	assert_int_equal(chdir(f->dir), 0);
	strcpy(f->path, "file:x?mode=memory");
	make_store(f);
	fixture_close(f);
	assert_int_equal(access("./file:x?mode=memory", F_OK), 0);
	assert_int_equal(chdir(old), 0);
}

#define FILES_TEST(name) cmocka_unit_test_setup_teardown(name, setup_dir, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILES_TEST(test_create),
		FILES_TEST(test_umask_takes_nothing_away),
		FILES_TEST(test_unfinished_creation_is_begun_anew),
		FILES_TEST(test_leftover_log),
		FILES_TEST(test_not_a_store),
		FILES_TEST(test_newer_version),
		FILES_TEST(test_foreign_schema),
		FILES_TEST(test_refused_with_its_log),
		FILES_TEST(test_migration),
		FILES_TEST(test_second_daemon),
		FILES_TEST(test_locked_by_another),
		FILES_TEST(test_lost_file),
		FILES_TEST(test_read_only_directory),
		FILES_TEST(test_no_directory),
		FILES_TEST(test_path_is_no_uri),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
