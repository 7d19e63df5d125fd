/* SPDX-License-Identifier: GPL-2.0-only */
/* history_fixture.h - an account with generations, and short ways to make and to read them */
#pragma once

#include "tests/unit/store_fixture.h"

#define NOW	1700000000
#define FOREVER 1000000

static UNUSED void begin(struct fixture *f)
{
	assert_ok(f, store_begin(f->store, &f->error));
}

/* Ends a change of account 1 as the daemon does: its next generation, with a row of history. */
static UNUSED uint64_t conclude_at(struct fixture *f, int64_t time)
{
	struct store_history row = {.time = time, .user = "ada", .action = "allow add"};
	struct account account = find_account(f, "acme");

	assert_ok(f, store_next_generation(f->store, &account.generation, &f->error));
	assert_ok(f, store_account_update(f->store, &account, &f->error));
	assert_ok(f, store_history_add(f->store, account.id, &row, &f->error));
	assert_ok(f, store_commit(f->store, &f->error));
	account_clear(&account);
	return account.generation;
}

static UNUSED uint64_t conclude(struct fixture *f)
{
	return conclude_at(f, NOW);
}

static UNUSED void make_history(struct fixture *f)
{
	assert_ok(f, fixture_open(f, STORE_MAY_CREATE));
	begin(f);
	assert_ok(f, add_entry(f, add_account(f, "acme").id, "203.0.113.1", AG_ENTRY_ALLOW));
	(void)conclude(f);
}

/* "203.0.113.1/32 allow office, ...": what decides of each entry, and its note. */
static UNUSED void list_text(const struct list *list, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < list->count; i++) {
		const struct entry *entry = &list->entries[i];
		char prefix[PREFIX_TEXT_MAX];

		prefix_format_short(&entry->prefix, prefix);
		length += (size_t)snprintf(text + length, size - length, "%s%s%s%s%s%s", i ? " " : "", prefix,
					   entry->verdict == AG_ENTRY_DENY ? "!" : "",
					   entry->disabled ? "#" : "", entry->note ? "=" : "",
					   entry->note ? entry->note : "");
	}
}

static UNUSED void assert_at(struct fixture *f, uint64_t generation, const char *wanted)
{
	struct list list = {0};
	char text[1024];

	assert_ok(f, store_list_at(f->store, 1, generation, &list, &f->error));
	list_text(&list, text, sizeof(text));
	list_clear(&list);
	assert_string_equal(text, wanted);
}

static UNUSED int set(struct fixture *f, const char *prefix, bool disabled, const char *note)
{
	struct entry entry = {
		.prefix = prefix_from(prefix), .disabled = disabled, .note = (char *)(uintptr_t)note};

	return store_entry_set(f->store, 1, &entry, &f->error);
}

static UNUSED int drop(struct fixture *f, const char *text)
{
	struct prefix prefix = prefix_from(text);

	return store_entry_remove(f->store, 1, &prefix, &f->error);
}

static UNUSED void reopen(struct fixture *f)
{
	fixture_close(f);
	assert_ok(f, fixture_open(f, STORE_MUST_EXIST));
}

static UNUSED void prune(struct fixture *f, size_t keep, int64_t not_older_than, size_t max_rows)
{
	bool more = true;

	for (unsigned int i = 0; more && i < 10000; i++)
		assert_ok(f, store_history_prune(f->store, keep, not_older_than, max_rows, &more, &f->error));
	assert_false(more);
}

static UNUSED size_t kept(struct fixture *f)
{
	struct store_history *list = NULL;
	size_t count = 0;

	assert_ok(f, store_history(f->store, 1, 0, 1000, &list, &count, &f->error));
	store_history_free(list, count);
	return count;
}

/* Generations 2 to `last`, a second apart: each replaces the one entry's note. */
static UNUSED void change_often(struct fixture *f, uint64_t last)
{
	for (uint64_t i = 2; i <= last; i++) {
		char note[16];

		snprintf(note, sizeof(note), "%" PRIu64, i);
		begin(f);
		assert_ok(f, set(f, "203.0.113.1", false, note));
		assert_int_equal(conclude_at(f, NOW + (int64_t)i), i);
	}
}
