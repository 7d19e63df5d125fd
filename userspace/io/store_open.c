// SPDX-License-Identifier: GPL-2.0-only
/*
 * store_open.c - the files of the store: found, locked, created, checked, opened
 *
 * A store is created under another name and renamed when it is whole, so that a file under its own name is
 * never half made. What fails its check is left as it is: its log is not written into it. The lock of SQLite
 * ends with any descriptor of the file that this process closes: none is opened here beside it.
 */
#include "userspace/io/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

DEFINE_CLEANUP(store, struct store *, store_close)
#define AUTO_STORE CLEANUP(cleanup_store)

static const char *const file_suffixes[STORE_FILES] = {"", "-wal"};

static char *path_with(const char *path, const char *suffix)
{
	char *joined = NULL;

	return asprintf(&joined, "%s%s", path, suffix) < 0 ? NULL : joined;
}

static int fail_file(struct ag_error *error, const char *path, const char *what, const char *advice)
{
	return error_set(error, ERROR_STORE, "store %s: %s: %s: %s", path, what, strerror(errno), advice);
}

bool store_exists(const char *path)
{
	struct stat st;

	/* What cannot be looked at is not known to be absent. */
	return !lstat(path, &st) || (errno != ENOENT && errno != ENOTDIR);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	if (store->db)
		store_rollback(store);
	store_disconnect(store);
	cleanup_fd(&store->lock_fd);
	(void)pthread_mutex_destroy(&store->writing); /* nobody holds it */
	free(store->path);
	free(store);
}

/* NULL: out of memory. */
static struct store *store_new(const char *path, const struct store_limits *limits)
{
	AUTO_STORE struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->lock_fd = -1;
	(void)pthread_mutex_init(&store->writing, NULL); /* cannot fail with these attributes */
	store->limits = *limits;
	if (asprintf(&store->path, "%s%s", strncmp(path, "file:", 5) ? "" : "./", path) < 0) {
		store->path = NULL; /* undefined after a failure */
		return NULL;
	}
	return TAKE_PTR(store);
}

/* A file of its own, so that reading the store with other tools stays possible. It is never removed. */
static int take_lock(struct store *store, struct ag_error *error)
{
	AUTO_FREE char *path = path_with(store->path, ".lock");

	if (!path)
		return store_no_memory(error);
	store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (store->lock_fd < 0)
		return fail_file(error, store->path, "its lock file cannot be created",
				 "check owner and mode of the directory");
	if (!flock(store->lock_fd, LOCK_EX | LOCK_NB))
		return 0;
	if (errno != EWOULDBLOCK)
		return fail_file(error, store->path, "it cannot be locked", "keep it on a local file system");
	return error_set(error, ERROR_STORE,
			 "store %s: another allowgated has it open: stop that one, or use another --store",
			 store->path);
}

static int use_wal(struct store *store, struct ag_error *error)
{
	AUTO_FINALIZE sqlite3_stmt *stmt = NULL;
	struct sql_row row = {0};
	int r;

	if (sqlite3_prepare_v2(store->db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL))
		return store_fail(store, error);
	r = sql_step(store, stmt, error);
	if (r < 0)
		return r;
	row.stmt = stmt;
	if (!r || strcmp(row_text(&row), "wal") != 0)
		return error_set(error, ERROR_STORE,
				 "store %s: cannot keep a write-ahead log there: "
				 "keep it on a local file system",
				 store->path);
	return 0;
}

/* What a store that was begun and never finished has left. */
static int remove_unfinished(const struct store *store, const char *path, struct ag_error *error)
{
	static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		AUTO_FREE char *name = path_with(path, suffixes[i]);

		if (!name)
			return store_no_memory(error);
		if (unlink(name) && errno != ENOENT)
			return fail_file(error, store->path, "an unfinished one beside it cannot be removed",
					 "check owner and mode of the directory");
	}
	return 0;
}

static int create_empty(const struct store *store, const char *path, struct ag_error *error)
{
	AUTO_FD int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || fchmod(fd, 0600)) /* whatever the umask is */
		return fail_file(error, store->path, "it cannot be created",
				 "check owner and mode of the directory");
	return 0;
}

/* In SQLite's rollback mode, where a commit is in the file itself; the last thing is to make it WAL. */
static int fill(struct store *store, const char *path, struct ag_error *error)
{
	int r = store_connect(store, path, error);

	if (!r)
		r = store_migrate(store, store_steps, STORE_STEPS, error);
	if (!r)
		r = store_meta_init(store, error);
	if (!r)
		r = use_wal(store, error);
	store_disconnect(store);
	return r;
}

static int sync_directory(const struct store *store, struct ag_error *error)
{
	AUTO_FREE char *copy = strdup(store->path);
	AUTO_FD int fd = -1;

	if (!copy)
		return store_no_memory(error);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		return fail_file(error, store->path, "its directory cannot be written to disk",
				 "check the disk");
	return 0;
}

/* A log without its store is what is left of a lost one, not a place for a new one. */
static int refuse_orphan(const struct store *store, struct ag_error *error)
{
	static const char *const suffixes[] = {"-wal", "-journal"};

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		AUTO_FREE char *name = path_with(store->path, suffixes[i]);

		if (!name)
			return store_no_memory(error);
		if (store_exists(name))
			return error_set(error, ERROR_STORE,
					 "store %s: it is not there, but its log %s is: restore "
					 "it from a backup, or remove the log to begin anew",
					 store->path, name);
	}
	return 0;
}

static int create_store(struct store *store, struct ag_error *error)
{
	AUTO_FREE char *path = path_with(store->path, ".new");
	int r;

	if (!path)
		return store_no_memory(error);
	r = refuse_orphan(store, error);
	if (!r)
		r = remove_unfinished(store, path, error);
	if (!r)
		r = create_empty(store, path, error);
	if (!r)
		r = fill(store, path, error);
	if (!r && rename(path, store->path))
		r = fail_file(error, store->path, "it cannot be renamed from its .new",
			      "check the directory");
	if (!r)
		return sync_directory(store, error);
	(void)remove_unfinished(store, path, NULL); /* the next start tries again */
	return r;
}

static int check_file(const struct store *store, struct ag_error *error)
{
	struct stat st;

	if (stat(store->path, &st))
		return fail_file(error, store->path, "it cannot be read", "restore it from a backup");
	if (!S_ISREG(st.st_mode))
		return error_set(error, ERROR_STORE, "store %s: it is no regular file: name another",
				 store->path);
	/* SQLite would take it for a new database: no accounts, and so everything open. */
	if (st.st_size == 0)
		return error_set(error, ERROR_STORE,
				 "store %s: the file is empty: restore it from a backup, or "
				 "remove it to begin anew",
				 store->path);
	return 0;
}

static int note_files(struct store *store, struct ag_error *error)
{
	for (size_t i = 0; i < STORE_FILES; i++) {
		AUTO_FREE char *path = path_with(store->path, file_suffixes[i]);
		struct stat st;

		if (!path)
			return store_no_memory(error);
		if (stat(path, &st))
			return fail_file(error, path, "it cannot be found", "start again");
		store->files[i].dev = st.st_dev;
		store->files[i].ino = st.st_ino;
	}
	return 0;
}

int store_files_check(const struct store *store, struct ag_error *error)
{
	for (size_t i = 0; i < STORE_FILES; i++) {
		AUTO_FREE char *path = path_with(store->path, file_suffixes[i]);
		struct stat st;

		if (!path)
			return store_no_memory(error);
		if (!stat(path, &st) && st.st_dev == store->files[i].dev && st.st_ino == store->files[i].ino)
			continue;
		return error_set(error, ERROR_STORE,
				 "store %s: %s was removed or replaced under the running daemon: "
				 "put the right one in place and restart allowgated",
				 store->path, path);
	}
	return 0;
}

static int open_and_check(struct store *store, struct ag_error *error)
{
	int r = store_connect(store, store->path, error);

	if (!r)
		r = store_check_version(store, error);
	if (!r)
		r = store_check_structure(store, error);
	if (!r)
		r = use_wal(store, error);
	if (!r)
		r = store_migrate(store, store_steps, STORE_STEPS, error);
	if (!r)
		r = store_schema_check(store, error);
	if (!r)
		r = store_check_content(store, error);
	if (!r)
		r = note_files(store, error);
	if (!r && sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL))
		r = store_fail(store, error);
	return r;
}

int store_open(const char *path, enum store_create create, const struct store_limits *limits,
	       struct store **ret, struct ag_error *error)
{
	AUTO_STORE struct store *store = NULL;
	int r;

	if (create == STORE_MUST_EXIST && !store_exists(path))
		return error_set(error, ERROR_STORE, "store %s: it is not there: restore it from a backup",
				 path);
	store = store_new(path, limits);
	if (!store)
		return store_no_memory(error);
	r = take_lock(store, error);
	if (!r && create == STORE_MAY_CREATE && !store_exists(store->path))
		r = create_store(store, error);
	if (!r)
		r = check_file(store, error);
	if (!r)
		r = open_and_check(store, error);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(store);
	return 0;
}
