/* SPDX-License-Identifier: GPL-2.0-only */
/* store_fixture.h - a store in a directory of its own, and short ways to fill and to read it */
#pragma once

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/error.h"
#include "userspace/io/store.h"
#include "userspace/io/store_private.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define UNUSED	     __attribute__((unused))

struct fixture {
	char dir[64];
	char path[128];
	struct store *store;
	struct ag_error error;
};

static const struct store_limits fixture_limits = {.accounts = 1000, .services = 1000, .entries = 200000};

/* Shows the message of what should not have failed. */
#define assert_ok(f, call)                                                                                   \
	do {                                                                                                 \
		if ((call) < 0) {                                                                            \
			print_error("%s: %s\n", #call, (f)->error.message);                                  \
			fail();                                                                              \
		}                                                                                            \
	} while (0)

#define assert_error(f, call, wanted, text)                                                                  \
	do {                                                                                                 \
		(f)->error = (struct ag_error){0};                                                           \
		assert_true((call) < 0);                                                                     \
		if ((f)->error.code != (wanted) || !strstr((f)->error.message, text)) {                      \
			print_error("%s: got %s: %s\n", #call, error_code_name((f)->error.code),             \
				    (f)->error.message);                                                     \
			fail();                                                                              \
		}                                                                                            \
	} while (0)

static UNUSED int fixture_open(struct fixture *f, enum store_create create)
{
	return store_open(f->path, create, &fixture_limits, &f->store, &f->error);
}

static UNUSED void fixture_close(struct fixture *f)
{
	store_close(f->store);
	f->store = NULL;
}

static UNUSED int setup_dir(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	/* In memory: what a disk makes of fsync() is no part of any test here. */
	(void)snprintf(f->dir, sizeof(f->dir), "%s/test_store.XXXXXX",
		       access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/policy.db", f->dir);
	*state = f;
	return 0;
}

static UNUSED int setup_store(void **state)
{
	struct fixture *f;

	setup_dir(state);
	f = *state;
	assert_ok(f, fixture_open(f, STORE_MAY_CREATE));
	return 0;
}

static UNUSED int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	fixture_close(f);
	snprintf(command, sizeof(command), "rm -rf '%s'", f->dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static UNUSED void shell(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	assert_int_equal(system(command), 0);
}

static UNUSED struct prefix prefix_from(const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix, NULL), 0);
	return prefix;
}

static UNUSED struct service service_from(const char *text)
{
	struct service service;

	assert_int_equal(service_parse(text, &service, NULL), 0);
	return service;
}

/* In a transaction. */
static UNUSED struct account add_account(struct fixture *f, const char *name)
{
	struct account account = {.mode = AG_MODE_ENFORCE, .generation = 1};

	snprintf(account.name, sizeof(account.name), "%s", name);
	assert_ok(f, store_account_add(f->store, &account, &f->error));
	return account;
}

static UNUSED int add_entry(struct fixture *f, int64_t id, const char *prefix, enum ag_entry_verdict verdict)
{
	struct entry entry = {.prefix = prefix_from(prefix),
			      .verdict = verdict,
			      .note = (char *)"office",
			      .created_by = (char *)"ada",
			      .created_at = 1700000000};

	return store_entry_add(f->store, id, &entry, &f->error);
}

static UNUSED int add_service(struct fixture *f, int64_t id, const char *text, char owner[NAME_SIZE])
{
	struct service service = service_from(text);

	return store_service_add(f->store, id, &service, owner, &f->error);
}

static UNUSED struct store_user add_user(struct fixture *f, const char *name, int64_t uid)
{
	struct store_user user = {.uid = uid};

	snprintf(user.name, sizeof(user.name), "%s", name);
	assert_ok(f, store_user_add(f->store, &user, &f->error));
	return user;
}

static UNUSED struct account find_account(struct fixture *f, const char *name)
{
	struct account account = {0};

	assert_ok(f, store_account_find(f->store, name, &account, &f->error));
	return account;
}

/* "203.0.113.0/24 198.51.100.7/32 ": the prefixes of a list. */
static UNUSED void assert_list(struct fixture *f, int64_t id, const char *wanted)
{
	struct list list = {0};
	char text[1024] = "";
	size_t length = 0;

	assert_ok(f, store_list(f->store, id, &list, &f->error));
	for (size_t i = 0; i < list.count; i++) {
		char prefix[PREFIX_TEXT_MAX];

		prefix_format(&list.entries[i].prefix, prefix);
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s", i ? " " : "",
					   prefix);
	}
	list_clear(&list);
	assert_string_equal(text, wanted);
}

/* One statement on a connection beside the store's. */
static UNUSED void raw(const char *path, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL)) {
		print_error("%s: %s\n", sql, sqlite3_errmsg(db));
		fail();
	}
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Opens it anew: one account, id 1, with one entry. */
static UNUSED void make_store(struct fixture *f)
{
	assert_ok(f, fixture_open(f, STORE_MAY_CREATE));
	assert_ok(f, store_begin(f->store, &f->error));
	assert_ok(f, add_entry(f, add_account(f, "acme").id, "203.0.113.1", AG_ENTRY_ALLOW));
	assert_ok(f, store_commit(f->store, &f->error));
}

/* `count` hosts, `step` addresses apart. */
static UNUSED struct list hosts(uint32_t count, uint32_t step)
{
	struct list list = {0};

	for (uint32_t i = 0; i < count; i++) {
		struct entry entry = {.prefix = prefix_from("10.0.0.0/32"), .created_at = 1};

		entry.prefix.addr.bytes[1] = (uint8_t)(i * step >> 16);
		entry.prefix.addr.bytes[2] = (uint8_t)(i * step >> 8);
		entry.prefix.addr.bytes[3] = (uint8_t)(i * step);
		assert_int_equal(list_append(&list, &entry), 0);
	}
	return list;
}

/* Sorted; as nobody's, without notes. */
static UNUSED struct list list_of(const char *const *prefixes, size_t count)
{
	struct list list = {0};

	for (size_t i = 0; i < count; i++) {
		struct entry entry = {.prefix = prefix_from(prefixes[i]), .created_at = 7};

		assert_int_equal(list_append(&list, &entry), 0);
	}
	assert_null(list_sort(&list));
	return list;
}

/* The transaction that makes it the list. */
static UNUSED int finish_import(struct fixture *f, struct store_import *import)
{
	int r = store_begin(f->store, &f->error);

	if (!r)
		r = store_import_finish(f->store, import, &f->error);
	if (!r)
		return store_commit(f->store, &f->error);
	store_rollback(f->store);
	return r;
}

/* The whole life of an import that replaces a list. */
static UNUSED int import_list(struct fixture *f, int64_t id, const struct list *list)
{
	struct store_import *import = NULL;
	struct import_result result = {0};
	int r = store_import_open(f->store, id, &import, &f->error);

	if (!r)
		r = store_import_prepare(import, IMPORT_REPLACE, list, false, NULL, NULL, NULL, &result,
					 &f->error);
	if (!r)
		r = finish_import(f, import);
	store_import_close(import);
	list_clear(&result.came);
	list_clear(&result.went);
	return r;
}

static UNUSED void sweep_all(struct fixture *f)
{
	bool more = true;

	for (unsigned int i = 0; more && i < 100000; i++)
		assert_ok(f, store_sweep(f->store, 100, &more, &f->error));
	assert_false(more);
}

/* Of all accounts and versions. */
static UNUSED int64_t rows(struct fixture *f)
{
	int64_t count = -1;

	assert_ok(f, sql_pragma_number(f->store, "SELECT count(*) FROM entries", &count, &f->error));
	return count;
}
