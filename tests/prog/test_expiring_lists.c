// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_expiring_lists.c - lists with entries that expire: put in force, edited, compared, adopted, let go
 *
 * What an address comes to is said here by a search over all entries.
 */
#include "tests/prog/traffic.h"

#define NOON   1800000000U /* of some day; the clock stands there */
#define ROUNDS 150U

static const struct settings MONITOR = {.active = true, .mode = AG_MODE_MONITOR};

static int at_noon(void **state)
{
	int result = setup(state);
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	dataplane_set_clock(dataplane, (NOON - now.tv_sec) * 1000000000);
	return result;
}

static bool has_expiries(uint32_t slot)
{
	return account_state(dataplane, slot).flags & AG_ACCOUNT_EXPIRES;
}

/* --- which lines ------------------------------------------------------------------ */

/* Lines of expiries stand behind those of the entries where one of these expires, and go with them. */
static void test_lines_in_use(void **state)
{
	static const struct {
		const char *text;
		size_t lines;
		bool expires;
	} rows[] = {
		{"203.0.113.1", 1, false},
		{"203.0.113.1@9", 2, true},
		{"203.0.113.1 2001:db8::1@4294967295", 3, true},
		{"203.0.113.1@7 203.0.113.2 203.0.113.3 203.0.113.4 203.0.113.5 203.0.113.6 203.0.113.7 "
		 "203.0.113.8 203.0.113.9 203.0.113.10 203.0.113.11 203.0.113.12 203.0.113.13 203.0.113.14 "
		 "203.0.113.15 203.0.113.16 203.0.113.17",
		 5, true}, /* 24 positions */
		{"203.0.113.1 203.0.113.2", 1, false},
		{"2001:db8::1@1800000000", 2, true},
	};

	(void)state;
	for (size_t i = 0; i < 2 * COUNT(rows); i++) {
		struct compiled_account want = account_of(3, ENFORCE, rows[i % COUNT(rows)].text);

		change(NULL, &want);
		check_ok(dataplane_tidy(dataplane, &error));
		assert_int_equal(entries_of_map("ag_lines"), rows[i % COUNT(rows)].lines);
		assert_int_equal(has_expiries(3), rows[i % COUNT(rows)].expires);
		reopen();
		assert_int_equal(entries_of_map("ag_lines"), rows[i % COUNT(rows)].lines);
		assert_in_kernel(&want);
		compiled_account_clear(&want);
	}
	check_ok(dataplane_clear_account(dataplane, 3, &error));
	check_ok(dataplane_tidy(dataplane, &error));
	assert_int_equal(entries_of_map("ag_lines"), 0);
}

/* Settings alone leave block and flag as they are; a family that is a long list has its expiries there. */
static void test_settings_alone(void **state)
{
	struct compiled_account enforces = account_of(3, ENFORCE, "203.0.113.1@1900000000");
	struct compiled_account watches = account_of(3, MONITOR, "203.0.113.1@1900000000");
	union ag_account_state before;

	(void)state;
	change(NULL, &enforces);
	before = account_state(dataplane, 3);
	change(&enforces, &watches);
	assert_int_equal(account_state(dataplane, 3).block, before.block);
	assert_true(has_expiries(3));
	change(&watches, &enforces);
	assert_int_equal(account_state(dataplane, 3).word, before.word);
	compiled_account_clear(&enforces);
	compiled_account_clear(&watches);
	enforces = account_of(3, ENFORCE, "203.0.113.1@1900000000 2001:db8::1");
	add_many(&enforces, FAMILY4, 200, 0, false);
	change(NULL, &enforces);
	assert_true(held_is_long(held4(3)));
	assert_false(has_expiries(3)); /* of those in lines, none does */
	compiled_account_clear(&enforces);
}

/* --- compared ------------------------------------------------------------------------ */

static size_t differing_from(const struct compiled_account *want)
{
	struct dataplane_comparison *comparison = NULL;
	size_t differing = 0;

	check_ok(dataplane_compare_begin(dataplane, 3, &comparison, &error));
	for (size_t i = 0; i < want->count4 + want->count6; i++)
		check_ok(dataplane_compare_feed(
			comparison, i < want->count4 ? &want->entries4[i] : &want->entries6[i - want->count4],
			&error));
	check_ok(dataplane_compare_end(comparison, want->active, want->mode, &want->on_deny, &differing,
				       &error));
	return differing;
}

static struct compiled_entry *entry_at(struct compiled_account *account, const char *text)
{
	struct compiled_entry wanted = {.prefix = prefix_text(text)};
	bool v4 = wanted.prefix.addr.family == AG_FAMILY_IPV4;
	struct compiled_entry *found = bsearch(&wanted, v4 ? account->entries4 : account->entries6,
					       v4 ? account->count4 : account->count6, sizeof(*found),
					       compare_entries);

	assert_non_null(found);
	return found;
}

/* Another expiry is a difference; when it was last seen is none. */
static void test_compare(void **state)
{
	(void)state;
	assert_true(sync_text(WEB, false) > 0);
	dataplane_set_epoch(dataplane, 99);
	for (enum filling filling = 0; filling < FILL_MAX; filling++) {
		struct compiled_account want = filled("203.0.113.1@1900000000 203.0.113.2 "
						      "2001:db8:1::1@1900000000 2001:db8:1::2",
						      filling);

		enforce(&want);
		assert_int_equal(knock("203.0.113.1"), XDP_PASS);
		assert_int_equal(knock("2001:db8:1::2"), XDP_PASS);
		assert_int_equal(seen_at("203.0.113.1"), 99);
		assert_int_equal(differing_from(&want), 0);
		entry_at(&want, "203.0.113.1")->value.expires++;
		assert_int_equal(differing_from(&want), 1);
		entry_at(&want, "2001:db8:1::1")->value.expires = 0;
		assert_int_equal(differing_from(&want), 2);
		entry_at(&want, "2001:db8:1::2")->value.expires = 1900000000;
		assert_int_equal(differing_from(&want), 3);
		compiled_account_clear(&want);
	}
}

/* --- edited in place ------------------------------------------------------------------- */

static void edit(const struct compiled_account *want, const char *text, uint32_t expires, bool has_uncovered)
{
	struct compiled_edit change = {
		.kind = COMPILE_ADD, .entry = {.prefix = prefix_text(text)}, .has_uncovered = has_uncovered};
	struct dataplane_change *staged = NULL;

	change.entry.value.len = change.entry.prefix.len;
	change.entry.value.expires = expires;
	if (has_uncovered) {
		change.uncovered.prefix = prefix_text("203.0.113.0/24");
		change.uncovered.value.len = 24;
	}
	check_ok(dataplane_stage_edits(dataplane, want, &change, 1, &staged, &error));
	assert_non_null(staged);
	check_ok(dataplane_publish(dataplane, staged, &error));
	dataplane_change_free(staged);
}

/* An expiry comes, moves and goes where the entry stands, which stays the one that was seen. */
static void test_in_place(void **state)
{
	static const uint32_t expiries[] = {NOON + 1000, NOON + 2000, 0, NOON - 1, NOON + 1000, 0};

	(void)state;
	assert_true(sync_text(WEB, false) > 0);
	for (enum filling filling = FILL_INDEX; filling < FILL_MAX; filling++) {
		struct compiled_account have = filled("203.0.113.7 198.51.100.1", filling);
		uint32_t id;

		dataplane_set_epoch(dataplane, 100);
		enforce(&have);
		id = list_id(3, FAMILY4);
		assert_int_equal(held4(3), FILLED_AS[filling]);
		assert_int_equal(knock("203.0.113.7"), XDP_PASS);
		dataplane_set_epoch(dataplane, 101);
		for (size_t i = 0; i < COUNT(expiries); i++) {
			entry_at(&have, "203.0.113.7")->value.expires = expiries[i];
			edit(&have, "203.0.113.7", expiries[i], false);
			assert_int_equal(list_id(3, FAMILY4), id);
			assert_int_equal(seen_at("203.0.113.7"), i ? 101 : 100);
			assert_int_equal(knock("203.0.113.7"),
					 expiries[i] && expiries[i] <= NOON ? XDP_DROP : XDP_PASS);
			assert_int_equal(differing_from(&have), 0);
		}
		compiled_account_clear(&have);
	}
}

/* --- from any to any ----------------------------------------------------------------------- */

static uint32_t next_number(uint32_t *seed)
{
	*seed = *seed * 1664525U + 1013904223U;
	return *seed >> 8;
}

/* Some of a few prefixes within one another, each allowed or denied, for good, for now, or over. */
static void random_list(char *text, size_t size, uint32_t *seed)
{
	static const char *const places[] = {
		"203.0.113.0/24",  "203.0.113.0/28",	"203.0.113.4/30",  "203.0.113.5",
		"203.0.113.6",	   "203.0.113.9",	"2001:db8:1::/48", "2001:db8:1::/64",
		"2001:db8:1::/96", "2001:db8:1::4/126", "2001:db8:1::5",   "2001:db8:1::9",
	};
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < COUNT(places); i++) {
		uint32_t kind = next_number(seed) % 6;

		if (next_number(seed) % 2)
			continue;
		length += (size_t)snprintf(text + length, size - length, "%s%s", kind % 2 ? "!" : "",
					   places[i]);
		if (kind < 4)
			length += (size_t)snprintf(text + length, size - length, "@%u",
						   kind < 2 ? NOON + 5000 : NOON - 5);
		length += (size_t)snprintf(text + length, size - length, " ");
	}
}

static const struct compiled_entry *decides(const struct compiled_account *account, const struct addr *source)
{
	const struct compiled_entry *longest = NULL;
	size_t count;
	const struct compiled_entry *entries =
		entries_of(account, source->family == AG_FAMILY_IPV4 ? FAMILY4 : FAMILY6, &count);

	for (size_t i = 0; i < count; i++) {
		if (entries[i].value.expires && entries[i].value.expires <= NOON)
			continue;
		if (prefix_contains(&entries[i].prefix, source) &&
		    (!longest || entries[i].prefix.len > longest->prefix.len))
			longest = &entries[i];
	}
	return longest;
}

static void assert_answers(const struct compiled_account *account)
{
	static const char *const sources[] = {"203.0.113.5",	"203.0.113.6",	  "203.0.113.7",
					      "203.0.113.9",	"203.0.113.99",	  "198.51.100.1",
					      "2001:db8:1::5",	"2001:db8:1::6",  "2001:db8:1::9",
					      "2001:db8:1::ff", "2001:db8:1:2::1"};

	for (size_t i = 0; i < COUNT(sources); i++) {
		struct addr source;
		struct prefix entry;
		enum ag_verdict verdict;
		const struct compiled_entry *want;

		check_ok(addr_parse(sources[i], &source, &error));
		want = decides(account, &source);
		verdict = ask_source(3, &source, &entry);
		if (!account->active) {
			assert_int_equal(verdict, AG_VERDICT_OPEN);
			continue;
		}
		assert_int_equal(verdict, want && want->value.verdict == AG_ENTRY_ALLOW ? AG_VERDICT_ALLOWED
											: AG_VERDICT_DENIED);
		assert_int_equal(entry.len, want ? want->prefix.len : 255);
	}
}

/*
 * Any list to any other, known or not, in every form, across new starts: what is read back and what packets
 * come to is the new list, and at the end nothing is left in use.
 */
static void test_any_to_any(void **state)
{
	struct compiled_account have = account_of(3, INACTIVE, "");
	uint32_t seed = 7;
	size_t with_expiries = 0;

	(void)state;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		char text[1024];
		struct compiled_account want;

		random_list(text, sizeof(text), &seed);
		want = filled(text, (enum filling)(i / 5 % FILL_MAX));
		want.active = want.count4 + want.count6;
		change(i % 3 ? &have : NULL, &want);
		with_expiries += has_expiries(3);
		assert_answers(&want);
		assert_int_equal(differing_from(&want), 0);
		if (i % 20 == 19)
			reopen();
		if (i % 10 == 9)
			check_ok(dataplane_tidy(dataplane, &error));
		compiled_account_clear(&have);
		have = want;
	}
	assert_true(with_expiries > 20);
	compiled_account_clear(&have);
	check_ok(dataplane_clear_account(dataplane, 3, &error));
	check_ok(dataplane_tidy(dataplane, &error));
	assert_int_equal(entries_of_map("ag_lines"), 0);
}

/* A word that says there are expiries and has no lines, or whose expiries are a neighbour's, is damaged. */
static void test_damaged(void **state)
{
	struct compiled_account account = account_of(3, ENFORCE, "203.0.113.1"), have;
	struct compiled_account neighbour = account_of(4, ENFORCE, "203.0.113.2");
	union ag_account_state words[2];

	(void)state;
	change(NULL, &account);
	change(NULL, &neighbour);
	words[0] = words[1] = account_state(dataplane, 3);
	words[0].flags |= AG_ACCOUNT_EXPIRES; /* the next line is the neighbour's */
	words[1].flags |= AG_ACCOUNT_EXPIRES;
	words[1].held4 = words[1].held6 = 0;
	assert_int_equal(account_state(dataplane, 4).block, words[0].block + 1);
	for (size_t i = 0; i < COUNT(words); i++) {
		store_u64(&dataplane->accounts[3].state.word, words[i].word);
		reopen();
		/* of two that name a line, one is believed */
		if (i)
			assert_in_kernel(&neighbour);
		check_refused(dataplane_read_account(dataplane, i ? 3 : 4, &have, &error), ERROR_KERNEL,
			      "damaged");
	}
	compiled_account_clear(&account);
	compiled_account_clear(&neighbour);
}

#define AT_NOON(name) cmocka_unit_test_setup_teardown(name, at_noon, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_NOON(test_lines_in_use), AT_NOON(test_settings_alone), AT_NOON(test_compare),
		AT_NOON(test_in_place),	    AT_NOON(test_any_to_any),	  AT_NOON(test_damaged),
	};
	int failed;

	host_enter();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	host_leave();
	return failed;
}
