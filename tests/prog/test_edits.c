// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_edits.c - what is in force is edited: lines written anew, long lists where they stand
 */
#include "tests/prog/dataplane_fixture.h"

static const struct settings MONITOR = {.active = true, .mode = AG_MODE_MONITOR};

/* One entry of a long list changes where it stands; more than one, or with the settings, take a fresh list.
 */
static void test_one_entry_in_place(void **state)
{
	static const bool every[] = {false, true};

	(void)state;
	for (size_t i = 0; i < COUNT(every); i++) {
		struct compiled_account have = account_of(3, ENFORCE, "198.51.100.1 203.0.113.1");
		struct compiled_account more = account_of(3, ENFORCE, "198.51.100.1 203.0.113.1 203.0.113.2");
		struct compiled_account other = account_of(3, ENFORCE, "198.51.100.1 !203.0.113.1");
		struct compiled_account both = account_of(3, MONITOR, "203.0.113.1");
		struct compiled_account *all[] = {&have, &more, &have, &other, &have};
		uint32_t id;

		for (size_t j = 0; j < 3; j++)
			add_many(all[j == 2 ? 3 : j], FAMILY4, 200, 0, every[i]);
		add_many(&both, FAMILY4, 200, 0, every[i]);
		change(NULL, &have);
		id = list_id(3, FAMILY4);
		assert_int_not_equal(id, 0);
		/* adding may take a fresh index for want of room; the rest never does */
		for (size_t j = 1; j < COUNT(all); j++) {
			change(all[j - 1], all[j]);
			if (j > 1 || every[i])
				assert_int_equal(list_id(3, FAMILY4), id);
			id = list_id(3, FAMILY4);
		}
		change(&have, &both);
		assert_int_not_equal(list_id(3, FAMILY4), id);
		compiled_account_clear(&have);
		compiled_account_clear(&more);
		compiled_account_clear(&other);
		compiled_account_clear(&both);
		check_ok(dataplane_clear_account(dataplane, 3, &error));
	}
}

/* By edits; false where it takes the whole list. */
static bool edit_to(const struct compiled_account *want, const struct compiled_edit *edits, size_t count)
{
	struct dataplane_change *staged = NULL;

	check_ok(dataplane_stage_edits(dataplane, want, edits, count, &staged, &error));
	if (!staged)
		return false;
	check_ok(dataplane_publish(dataplane, staged, &error));
	dataplane_change_free(staged);
	assert_in_kernel(want);
	return true;
}

static struct compiled_edit edit_of(enum compile_edit kind, const char *text)
{
	struct compiled_edit edit = {.kind = kind};

	check_ok(prefix_parse(text, &edit.entry.prefix, &error));
	edit.entry.value.len = edit.entry.prefix.len;
	return edit;
}

static void test_stage_edits(void **state)
{
	struct compiled_account have = account_of(3, ENFORCE, "203.0.113.1 2001:db8::1");
	struct compiled_account want = account_of(3, ENFORCE, "203.0.113.2 2001:db8::1 2001:db8::2");
	struct compiled_account watched = account_of(3, MONITOR, "203.0.113.2 2001:db8::1 2001:db8::2");
	struct compiled_edit edits[] = {
		edit_of(COMPILE_ADD, "203.0.113.2"),
		edit_of(COMPILE_ADD, "2001:db8::2"),
		edit_of(COMPILE_REMOVE, "203.0.113.1"),
	};

	unsigned int tries;

	(void)state;
	assert_false(edit_to(&want, edits, COUNT(edits))); /* nothing is there to be edited */
	change(NULL, &have);
	assert_false(edit_to(&want, edits, 2)); /* it does not come to that number */
	assert_in_kernel(&have);
	assert_true(edit_to(&want, edits, COUNT(edits)));
	assert_true(edit_to(&watched, NULL, 0));
	assert_true(edit_to(&want, NULL, 0));
	for (int every = 0; every < 2; every++) {
		struct compiled_account whole = account_of(3, ENFORCE, "203.0.113.1 2001:db8::1");
		struct compiled_account more = account_of(3, ENFORCE, "203.0.113.1 203.0.113.2 2001:db8::1");

		add_many(&whole, FAMILY4, 100, 0, every);
		add_many(&more, FAMILY4, 100, 0, every);
		change(NULL, &whole);
		/* by the index's random seed there may be no room where the entry must be: then by another */
		for (tries = 0; !edit_to(&more, edits, 1); tries++) {
			assert_true(tries < 20);
			change(NULL, &whole);
		}
		if (tries)
			print_message("# %u fresh indexes until there was room\n", tries);
		assert_false(edit_to(&whole, edits, 1)); /* another number */
		assert_false(edit_to(&more, edits, 2));	 /* two at once cannot be seen whole */
		change(NULL, &whole);
		compiled_account_clear(&whole);
		compiled_account_clear(&more);
	}
	compiled_account_clear(&have);
	compiled_account_clear(&want);
	compiled_account_clear(&watched);
}

/* A change stands upon what was in force when it was staged. */
static void test_changed_in_between(void **state)
{
	struct compiled_account first = account_of(3, ENFORCE, "203.0.113.1");
	struct compiled_account second = account_of(3, ENFORCE, "203.0.113.2");
	struct dataplane_change *staged = NULL;

	(void)state;
	check_ok(dataplane_stage(dataplane, NULL, &first, &staged, &error));
	change(NULL, &second);
	check_refused(dataplane_publish(dataplane, staged, &error), ERROR_KERNEL, "has changed since");
	assert_in_kernel(&second);
	dataplane_change_free(staged);
	compiled_account_clear(&first);
	compiled_account_clear(&second);
}

/* --- long lists ------------------------------------------------------------------ */

static uint32_t next_number(uint32_t *seed)
{
	*seed = *seed * 1664525U + 1013904223U;
	return *seed >> 3 ^ *seed << 11;
}

/* Hosts, and a few networks around some of them. */
static struct compiled_entry ordinary_entry(enum family_index index, uint32_t number, bool network)
{
	uint8_t bits = index == FAMILY4 ? 32 : 128, bytes[16] = {10};
	struct addr addr;
	struct compiled_entry entry = {.value.verdict = number % 16 == 0};

	memcpy(bytes + 1, &number, sizeof(number));
	addr = addr_make(family_of_index(index), bytes);
	entry.value.len = network ? (uint8_t)(bits - 3) : bits;
	entry.prefix = prefix_of(&addr, entry.value.len);
	return entry;
}

static struct compiled_account ordinary_account(enum family_index index, size_t count)
{
	struct compiled_account account = {.slot = 3, .active = true};
	struct compiled_entry *entries = calloc(count, sizeof(*entries));
	uint32_t seed = 1;
	size_t kept = 0;

	assert_non_null(entries);
	for (size_t i = 0; i < count; i++)
		entries[i] = ordinary_entry(index, next_number(&seed), i % 10 == 0);
	qsort(entries, count, sizeof(*entries), compare_entries);
	for (size_t i = 0; i < count; i++)
		if (!i || compare_entries(&entries[kept - 1], &entries[i]))
			entries[kept++] = entries[i];
	*(index == FAMILY4 ? &account.entries4 : &account.entries6) = entries;
	*(index == FAMILY4 ? &account.count4 : &account.count6) = kept;
	return account;
}

static const struct compiled_entry *longest_around(const struct compiled_account *account,
						   enum family_index index, const struct prefix *prefix)
{
	size_t count;
	const struct compiled_entry *entries = entries_of(account, index, &count), *longest = NULL;

	for (size_t i = 0; i < count; i++)
		if (entries[i].prefix.len < prefix->len && prefix_covers(&entries[i].prefix, prefix))
			longest = &entries[i];
	return longest;
}

static void assert_said_of(const struct compiled_entry *want, const struct addr *source)
{
	struct prefix entry;
	enum ag_verdict verdict = ask_source(3, source, &entry);

	if (!want) {
		assert_int_equal(entry.len, 255);
		return;
	}
	assert_int_equal(verdict,
			 want->value.verdict == AG_ENTRY_ALLOW ? AG_VERDICT_ALLOWED : AG_VERDICT_DENIED);
	assert_int_equal(prefix_compare(&entry, &want->prefix), 0);
}

/* Staged and published in place: there is no other way for it. */
static void edit_in_place(struct compiled_account *account, enum family_index index,
			  const struct compiled_edit *edit)
{
	struct dataplane_change *staged = NULL;
	size_t *count = index == FAMILY4 ? &account->count4 : &account->count6;

	*count += edit->kind == COMPILE_ADD ? 1 : -1UL;
	check_ok(dataplane_stage_edits(dataplane, account, edit, 1, &staged, &error));
	assert_non_null(staged);
	check_ok(dataplane_publish(dataplane, staged, &error));
	dataplane_change_free(staged);
	assert_said_of(edit->kind == COMPILE_ADD ? &edit->entry
		       : edit->has_uncovered	 ? &edit->uncovered
						 : NULL,
		       &edit->entry.prefix.addr);
}

/* Takes one out and puts it back, and another one in and out; each leaves the list as it was. */
static void edit_there_and_back(struct compiled_account *account, enum family_index index, uint32_t number)
{
	struct compiled_entry *entries = index == FAMILY4 ? account->entries4 : account->entries6;
	size_t count = index == FAMILY4 ? account->count4 : account->count6;
	struct compiled_edit edit = {.kind = COMPILE_REMOVE, .entry = entries[number % count]};
	const struct compiled_entry *around = longest_around(account, index, &edit.entry.prefix);

	edit.has_uncovered = around;
	if (around)
		edit.uncovered = *around;
	edit_in_place(account, index, &edit);
	edit.kind = COMPILE_ADD;
	edit_in_place(account, index, &edit);
	/* networks in IPv6 stand in several slots, each of which may have to be made room for */
	edit.entry = ordinary_entry(index, number, index == FAMILY4 && number % 8 == 0);
	around = longest_around(account, index, &edit.entry.prefix);
	if (bsearch(&edit.entry, entries, count, sizeof(*entries), compare_entries))
		return;
	edit_in_place(account, index, &edit);
	edit.kind = COMPILE_REMOVE;
	edit.has_uncovered = around;
	if (around)
		edit.uncovered = *around;
	edit_in_place(account, index, &edit);
}

/*
 * A list that grows by one entry after another has room for the third part more before it is built anew:
 * where buckets are full, something moves.
 */
static void test_room_is_made(void **state)
{
	(void)state;
	for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++) {
		struct compiled_account account = ordinary_account(index, 200);
		size_t *count = index == FAMILY4 ? &account.count4 : &account.count6, before = *count;
		uint32_t id, seed = 5;

		change(NULL, &account);
		id = list_id(3, index);
		while (*count < before + before / 5) {
			struct compiled_edit edit = {
				.entry = ordinary_entry(index, next_number(&seed) | 1, false)};

			edit_in_place(&account, index, &edit);
		}
		assert_int_equal(list_id(3, index), id);
		*count = before;
		compiled_account_clear(&account);
		check_ok(dataplane_clear_account(dataplane, 3, &error));
	}
}

static int count_difference(enum compile_edit kind, const struct compiled_entry *entry, void *arg)
{
	(void)kind;
	(void)entry;
	++*(size_t *)arg;
	return 0;
}

static void test_long_list_in_place(void **state)
{
	static const struct dataplane_limits long_lists = {.accounts = 64, .services = 16, .entries = 200000};
	static const size_t counts[] = {100, 100000};

	(void)state;
	dataplane_close(dataplane);
	check_ok(dataplane_open(host.pins, &long_lists, &dataplane, &error));
	for (size_t i = 0; i < 4; i++) {
		enum family_index index = i % 2 ? FAMILY6 : FAMILY4;
		struct compiled_account account = ordinary_account(index, counts[i / 2]), have = {0};
		struct dataplane_change *staged = NULL;
		uint32_t id, seed = 99;
		size_t differing = 0;
		const struct kept_view *kept;

		check_ok(dataplane_stage(dataplane, NULL, &account, &staged, &error));
		check_ok(dataplane_publish(dataplane, staged, &error));
		dataplane_change_free(staged);
		assert_null(dataplane->edited);
		id = list_id(3, index);
		edit_there_and_back(&account, index, 0);
		kept = dataplane->edited;
		assert_non_null(kept);
		for (unsigned int j = 0; j < 25; j++)
			edit_there_and_back(&account, index, next_number(&seed));
		check_ok(dataplane_tidy(dataplane, &error));
		assert_ptr_equal(dataplane->edited, kept); /* mapped once, for all of them */
		assert_int_equal(list_id(3, index), id);
		check_ok(dataplane_read_account(dataplane, 3, &have, &error));
		(void)compile_difference(
			index ? have.entries6 : have.entries4, index ? have.count6 : have.count4,
			index ? account.entries6 : account.entries4, index ? account.count6 : account.count4,
			count_difference, &differing);
		assert_int_equal(differing, 0);
		compiled_account_clear(&have);
		compiled_account_clear(&account);
		check_ok(dataplane_clear_account(dataplane, 3, &error));
		assert_null(dataplane->edited);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_entry_in_place), TEST(test_stage_edits),	      TEST(test_changed_in_between),
		TEST(test_room_is_made),       TEST(test_long_list_in_place),
	};
	int failed;

	host_enter();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	host_leave();
	return failed;
}
