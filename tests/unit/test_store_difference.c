// SPDX-License-Identifier: GPL-2.0-only
/* test_store_difference.c - two generations compared step by step, and one of them restored */
#include "userspace/io/store.h"

#include "tests/unit/history_fixture.h"

struct differences {
	char text[512];
	size_t length;
};

static int note_difference(const struct entry *before, const struct entry *after, void *arg)
{
	struct differences *found = arg;
	char prefix[PREFIX_TEXT_MAX];

	prefix_format_short(before ? &before->prefix : &after->prefix, prefix);
	found->length += (size_t)snprintf(found->text + found->length, sizeof(found->text) - found->length,
					  "%c%s ",
					  !before  ? '+'
					  : !after ? '-'
						   : '~',
					  prefix);
	return found->length > 400 ? 42 : 0;
}

static void assert_differ(struct fixture *f, uint64_t from, uint64_t to, size_t step, const char *wanted)
{
	struct store_difference *difference = NULL;
	struct differences found = {0};
	bool done = false;

	assert_ok(f, store_difference_open(f->store, 1, from, to, &difference, &f->error));
	while (!done)
		assert_ok(f, store_difference_step(f->store, difference, step, note_difference, &found, &done,
						   &f->error));
	store_difference_close(difference);
	assert_string_equal(found.text, wanted);
}

static void test_difference(void **state)
{
	struct fixture *f = *state;
	struct store_difference *difference = NULL;
	struct differences found = {0};
	bool done = false;

	make_history(f);
	begin(f);
	assert_ok(f, add_entry(f, 1, "203.0.113.2", AG_ENTRY_DENY));
	assert_ok(f, add_entry(f, 1, "9.9.9.9", AG_ENTRY_DENY));
	assert_int_equal(conclude(f), 2);
	begin(f);
	assert_ok(f, set(f, "203.0.113.1", true, "gate"));
	assert_ok(f, drop(f, "203.0.113.2"));
	assert_int_equal(conclude(f), 3);
	for (size_t step = 1; step < 4; step++) {
		assert_differ(f, 1, 2, step, "+9.9.9.9 +203.0.113.2 ");
		assert_differ(f, 2, 1, step, "-9.9.9.9 -203.0.113.2 ");
		assert_differ(f, 1, 0, step, "+9.9.9.9 ~203.0.113.1 ");
		assert_differ(f, 3, 0, step, "");
	}
	assert_error(f, store_difference_open(f->store, 1, 4, 0, &difference, &f->error), ERROR_NOT_FOUND,
		     "not kept");
	assert_error(f, store_difference_open(f->store, 1, 1, 4, &difference, &f->error), ERROR_NOT_FOUND,
		     "not kept");
	/* One that went while it was being compared; and damage. */
	assert_ok(f, store_difference_open(f->store, 1, 1, 0, &difference, &f->error));
	prune(f, 1, 0, 100);
	assert_error(
		f,
		store_difference_step(f->store, difference, 100, note_difference, &found, &done, &f->error),
		ERROR_NOT_FOUND, "not kept");
	store_difference_close(difference);
	assert_ok(f, store_difference_open(f->store, 1, 3, 0, &difference, &f->error));
	raw(f->path, "UPDATE entries SET verdict = 'allow' WHERE verdict = 'deny'");
	assert_error(
		f,
		store_difference_step(f->store, difference, 100, note_difference, &found, &done, &f->error),
		ERROR_STORE, "does not fit its sum");
	store_difference_close(difference);
}

/* What is restored has again who added it, and when; what stays as it is counts for nothing. */
static void test_restore(void **state)
{
	struct fixture *f = *state;
	struct store_import *import = NULL;
	struct import_result result = {0};
	struct entry again = {.prefix = prefix_from("203.0.113.1"),
			      .note = (char *)"office",
			      .created_by = (char *)"bob",
			      .created_at = NOW + 7};
	struct list list = {0};

	make_history(f);
	begin(f);
	assert_ok(f, drop(f, "203.0.113.1"));
	assert_ok(f, store_entry_add(f->store, 1, &again, &f->error));
	assert_int_equal(conclude(f), 2);
	for (size_t i = 0; i < 2; i++) {
		assert_ok(f, store_import_open(f->store, 1, &import, &f->error));
		assert_error(f, store_import_list_at(import, 99, &list, &f->error), ERROR_NOT_FOUND,
			     "not kept");
		assert_ok(f, store_import_list_at(import, 1, &list, &f->error));
		assert_ok(f, store_import_prepare(import, IMPORT_RESTORE, &list, false, NULL, NULL, NULL,
						  &result, &f->error));
		assert_int_equal(result.added, i ? 0 : 1);
		assert_int_equal(result.removed, 0);
		list_clear(&result.came);
		list_clear(&list);
		assert_ok(f, finish_import(f, import));
		store_import_close(import);
		begin(f);
		assert_int_equal(conclude(f), 3 + i);
		assert_ok(f, store_list(f->store, 1, &list, &f->error));
		assert_string_equal(list.entries[0].created_by, "ada");
		assert_int_equal(list.entries[0].created_at, NOW);
		list_clear(&list);
	}
}

#define DIFFERENCE_TEST(name) cmocka_unit_test_setup_teardown(name, setup_dir, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIFFERENCE_TEST(test_difference),
		DIFFERENCE_TEST(test_restore),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
