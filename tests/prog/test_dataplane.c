// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_dataplane.c - accounts in the kernel: staged, published, read back, asked, cleared
 */
#include "tests/prog/dataplane_fixture.h"

#include <arpa/inet.h>
#include <time.h>

static const struct settings MONITOR = {.active = true, .mode = AG_MODE_MONITOR};

/* How a family's list may be held: entries, and whether of every length. */
struct form {
	size_t count;
	bool every;
	uint8_t held4;
	uint8_t held6;
};

static const struct form FORMS[] = {
	{0, false, 0, 0},
	{1, false, 1, 1},
	{8, false, 1, 3},
	{9, false, 2, 3},
	{24, true, 3, 8},
	{40, false, 5, AG_HELD_INDEX},
	{41, false, AG_HELD_INDEX, AG_HELD_INDEX},
	{300, true, AG_HELD_TRIE, AG_HELD_TRIE},
};

static struct compiled_account account_of_forms(const struct form *four, const struct form *six,
						uint32_t salt)
{
	bool active = four->count + six->count;
	struct compiled_account account = account_of(3, active ? ENFORCE : INACTIVE, "");

	add_many(&account, FAMILY4, four->count, salt, four->every);
	add_many(&account, FAMILY6, six->count, salt, six->every);
	return account;
}

/* From any form of either family to any other, known or not, across a new start. */
static void test_every_form_to_every_other(void **state)
{
	struct compiled_account have = account_of(3, INACTIVE, "");

	(void)state;
	for (unsigned int i = 0, at = 1; i < 400; i++, at = (at * 37 + 11) % 4096) {
		const struct form *four = &FORMS[at % COUNT(FORMS)], *six = &FORMS[at / 8 % COUNT(FORMS)];
		struct compiled_account want = account_of_forms(four, six, i % 3);

		change(i % 2 ? &have : NULL, &want);
		if (i % 2 == 0) {
			assert_int_equal(held4(3), four->held4);
			assert_int_equal(held6(3), six->held6);
		}
		if (i % 100 == 99)
			reopen();
		if (i % 10 == 9)
			check_ok(dataplane_tidy(dataplane, &error));
		assert_in_kernel(&want);
		compiled_account_clear(&have);
		have = want;
	}
	compiled_account_clear(&have);
	check_ok(dataplane_clear_account(dataplane, 3, &error));
	check_ok(dataplane_tidy(dataplane, &error));
	assert_int_equal(entries_of_map("ag_lines"), 0);
	for (uint32_t place = 0; place < LIMITS.accounts * 2; place++)
		assert_int_equal(dataplane->longs.present[place], 0);
}

static size_t differing_from(const struct compiled_account *want, int *ret)
{
	struct dataplane_comparison *comparison = NULL;
	size_t differing = 0;

	check_ok(dataplane_compare_begin(dataplane, 3, &comparison, &error));
	for (size_t i = 0; i < want->count4; i++)
		check_ok(dataplane_compare_feed(comparison, &want->entries4[i], &error));
	for (size_t i = 0; i < want->count6; i++)
		check_ok(dataplane_compare_feed(comparison, &want->entries6[i], &error));
	if (ret) /* published to in between */
		change(NULL, want);
	*(ret ? ret : &(int){0}) = dataplane_compare_end(comparison, want->active, want->mode, &want->on_deny,
							 &differing, &error);
	return differing;
}

static void test_compare(void **state)
{
	static const struct form forms[] = {{4, false, 0, 0}, {60, false, 0, 0}, {300, true, 0, 0}};
	int result = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(forms); i++) {
		struct compiled_account want = account_of_forms(&forms[i], &forms[i], 1);
		struct compiled_account other = account_of(3, ENFORCE, "203.0.113.9");

		assert_int_equal(differing_from(&want, NULL), 2 * forms[i].count + 1);
		change(NULL, &want);
		assert_int_equal(differing_from(&want, NULL), 0);
		want.mode = AG_MODE_MONITOR;
		assert_int_equal(differing_from(&want, NULL), 1);
		want.entries4[2].value.verdict ^= 1;
		assert_int_equal(differing_from(&want, NULL), 2);
		assert_int_equal(differing_from(&other, NULL), 2 * forms[i].count + 1);
		(void)differing_from(&want, &result);
		assert_int_equal(result, -EAGAIN);
		check_ok(dataplane_clear_account(dataplane, 3, &error));
		compiled_account_clear(&want);
		compiled_account_clear(&other);
	}
}

/* A word that leads nowhere is neither empty nor trusted, and is mended by publishing. */
static void test_damaged_words(void **state)
{
	struct compiled_account neighbour = account_of(2, ENFORCE, "203.0.113.1");
	struct compiled_account want = account_of(3, ENFORCE, "203.0.113.2");
	union ag_account_state good, words[6];

	(void)state;
	change(NULL, &neighbour);
	good = account_state(dataplane, 2);
	for (size_t i = 0; i < COUNT(words); i++)
		words[i] = good;
	words[0].block = dataplane->space.count;
	words[1].held4 = AG_LINES4_MAX + 1;
	words[2].held6 = AG_HELD_INDEX; /* there is none */
	words[3].flags |= 1U << 7;
	words[4].action = 77; /* of a row that is empty */
	/* words[5] names the neighbour's lines */
	for (size_t i = 0; i < COUNT(words); i++) {
		struct compiled_account have;

		store_u64(&dataplane->accounts[3].state.word, words[i].word);
		reopen();
		assert_int_equal(account_state(dataplane, 3).word, words[i].word);
		check_refused(dataplane_read_account(dataplane, 3, &have, &error), ERROR_KERNEL, "damaged");
		assert_int_equal(differing_from(&want, NULL), 2);
		{
			struct dataplane_change *staged;

			check_ok(dataplane_stage(dataplane, NULL, &want, &staged, &error));
			check_ok(dataplane_publish(dataplane, staged, &error));
			dataplane_change_free(staged);
			assert_in_kernel(&want);
		}
		assert_in_kernel(&neighbour);
		check_ok(dataplane_clear_account(dataplane, 3, &error));
	}
	compiled_account_clear(&neighbour);
	compiled_account_clear(&want);
}

static void test_state_alone(void **state)
{
	struct compiled_account enforce = account_of(3, ENFORCE, "203.0.113.1");
	struct compiled_account monitor = account_of(3, MONITOR, "203.0.113.1");
	uint32_t block;

	(void)state;
	change(NULL, &enforce);
	block = account_state(dataplane, 3).block;
	change(&enforce, &monitor);
	assert_int_equal(account_state(dataplane, 3).block, block);
	compiled_account_clear(&enforce);
	compiled_account_clear(&monitor);
}

/* The change is whole by itself: what it was made of may go, and it may be dropped unpublished. */
static void test_staged_change_owns_what_it_needs(void **state)
{
	struct compiled_account have = account_of(3, ENFORCE, "203.0.113.1");
	struct compiled_account want = account_of(3, ENFORCE, "203.0.113.1 203.0.113.2");
	struct compiled_account copy = account_of(3, ENFORCE, "203.0.113.1 203.0.113.2");
	struct dataplane_change *dropped, *staged;

	(void)state;
	change(NULL, &have);
	check_ok(dataplane_stage(dataplane, &have, &want, &dropped, &error));
	dataplane_change_free(dropped);
	check_ok(dataplane_stage(dataplane, &have, &want, &staged, &error));
	assert_in_kernel(&have);
	compiled_account_clear(&want);
	compiled_account_clear(&have);
	check_ok(dataplane_publish(dataplane, staged, &error));
	dataplane_change_free(staged);
	assert_in_kernel(&copy);
	compiled_account_clear(&copy);
	dataplane_change_free(NULL);
}

static struct compiled_account big_account(uint32_t slot, size_t count4, size_t count6)
{
	struct compiled_account account = {.slot = slot, .active = true};

	for (size_t i = 0; i < count4 + count6; i++) {
		bool v4 = i < count4;
		uint32_t number = htonl((uint32_t)i * 2654435761U);
		struct compiled_entry entry = {.prefix.addr.family = v4 ? AG_FAMILY_IPV4 : AG_FAMILY_IPV6};

		memcpy(entry.prefix.addr.bytes, &number, sizeof(number));
		entry.prefix = prefix_of(&entry.prefix.addr, (uint8_t)(v4 ? 32 : 64 + i % 60));
		entry.value = (struct ag_entry){.verdict = i % 2, .len = entry.prefix.len};
		append(v4 ? &account.entries4 : &account.entries6, v4 ? &account.count4 : &account.count6,
		       &entry);
	}
	if (count4)
		qsort(account.entries4, count4, sizeof(*account.entries4), compare_entries);
	if (count6)
		qsort(account.entries6, count6, sizeof(*account.entries6), compare_entries);
	return account;
}

/* More than one batch, to the limit; one more is refused, before anything is touched. */
static void test_lists_to_the_limit(void **state)
{
	struct compiled_account full = big_account(5, LIMITS.entries, LIMITS.entries);
	struct compiled_account over = big_account(5, LIMITS.entries + 1, 0);
	struct compiled_account beyond = big_account(LIMITS.accounts, 1, 0);
	struct dataplane_change *staged = NULL;

	(void)state;
	change(NULL, &full);
	check_refused(dataplane_stage(dataplane, NULL, &over, &staged, &error), ERROR_LIMIT, "4096");
	check_refused(dataplane_stage(dataplane, NULL, &beyond, &staged, &error), ERROR_LIMIT, "slot 64");
	assert_null(staged);
	assert_in_kernel(&full);
	compiled_account_clear(&full);
	compiled_account_clear(&over);
	compiled_account_clear(&beyond);
}

static void test_used_slots_and_clear(void **state)
{
	static const uint32_t all[] = {2, 7, 63};
	static const uint32_t rest[] = {2, 63};
	struct compiled_account accounts[] = {
		account_of(2, ENFORCE, "203.0.113.1"),
		account_of(7, ENFORCE, "203.0.113.1 2001:db8::1"),
		account_of(63, ENFORCE, "2001:db8::1"),
	};
	uint64_t cpus = (uint64_t)libbpf_num_possible_cpus();

	(void)state;
	assert_used(NULL, 0);
	for (size_t i = 0; i < COUNT(accounts); i++)
		change(NULL, &accounts[i]);
	assert_used(all, COUNT(all));
	count_packets(7);
	assert_denied(7, 10 * cpus);
	for (int i = 0; i < 2; i++) {
		check_ok(dataplane_clear_account(dataplane, 7, &error));
		assert_used(rest, COUNT(rest));
		assert_denied(7, 0);
	}
	check_refused(dataplane_clear_account(dataplane, 64, &error), ERROR_LIMIT, "slot 64");
	check_refused(dataplane_account_counters(dataplane, 64, &(struct account_counters){0}, &error),
		      ERROR_LIMIT, "slot 64");
	for (size_t i = 0; i < COUNT(accounts); i++)
		compiled_account_clear(&accounts[i]);
}

struct question {
	const char *source;
	enum ag_verdict verdict;
	const char *entry; /* NULL for none */
};

static void assert_decides(const struct question *question)
{
	struct prefix entry, want;
	struct addr source;

	check_ok(addr_parse(question->source, &source, &error));
	assert_int_equal(ask_source(3, &source, &entry), question->verdict);
	if (!question->entry) {
		assert_int_equal(entry.len, 255);
		return;
	}
	check_ok(prefix_parse(question->entry, &want, &error));
	assert_int_equal(prefix_compare(&entry, &want), 0);
}

static void test_decide(void **state)
{
	static const struct question enforced[] = {
		{"203.0.113.1", AG_VERDICT_ALLOWED, "203.0.113.0/24"},
		{"203.0.113.200", AG_VERDICT_DENIED, "203.0.113.128/25"},
		{"203.0.113.201", AG_VERDICT_ALLOWED, "203.0.113.201/32"},
		{"198.51.100.1", AG_VERDICT_DENIED, NULL},
		{"2001:db8::1", AG_VERDICT_DENIED, NULL},
	};
	static const struct question watched[] = {
		{"203.0.113.1", AG_VERDICT_ALLOWED, "203.0.113.0/24"},
		{"203.0.113.200", AG_VERDICT_WOULD_DENY, "203.0.113.128/25"},
		{"2001:db8::1", AG_VERDICT_WOULD_DENY, NULL},
	};
	static const struct question open = {"198.51.100.1", AG_VERDICT_OPEN, NULL};
	static const char *const text = "203.0.113.0/24 !203.0.113.128/25 203.0.113.201";
	struct compiled_account account = account_of(3, ENFORCE, text);

	(void)state;
	assert_decides(&open);
	change(NULL, &account);
	for (size_t i = 0; i < COUNT(enforced); i++)
		assert_decides(&enforced[i]);
	account.mode = AG_MODE_MONITOR;
	change(NULL, &account);
	for (size_t i = 0; i < COUNT(watched); i++)
		assert_decides(&watched[i]);
	check_ok(dataplane_clear_account(dataplane, 3, &error));
	assert_decides(&open);
	compiled_account_clear(&account);
}

static double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double publish_many(const char *text, struct settings settings)
{
	struct dataplane_change *changes[60];
	struct compiled_account accounts[60];
	double started;

	for (uint32_t i = 0; i < COUNT(changes); i++) {
		accounts[i] = account_of(i, settings, text);
		check_ok(dataplane_stage(dataplane, NULL, &accounts[i], &changes[i], &error));
	}
	started = seconds();
	check_ok(dataplane_publish_all(dataplane, changes, COUNT(changes), &error));
	started = seconds() - started;
	for (uint32_t i = 0; i < COUNT(changes); i++) {
		assert_in_kernel(&accounts[i]);
		dataplane_change_free(changes[i]);
		compiled_account_clear(&accounts[i]);
	}
	return started;
}

static void test_publish_all(void **state)
{
	(void)state;
	check_ok(dataplane_publish_all(dataplane, NULL, 0, &error));
	print_message("# 60 activated in %.3f s\n", publish_many("203.0.113.1 2001:db8::1", ENFORCE));
	print_message("# 60 edited in %.3f s\n",
		      publish_many("203.0.113.1 203.0.113.2 2001:db8::1", ENFORCE));
	print_message("# 60 swapped in %.3f s\n", publish_many("203.0.113.4 203.0.113.5", ENFORCE));
	print_message("# 60 opened in %.3f s\n", publish_many("", INACTIVE));
	assert_used(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_form_to_every_other),
		TEST(test_compare),
		TEST(test_damaged_words),
		TEST(test_state_alone),
		TEST(test_staged_change_owns_what_it_needs),
		TEST(test_lists_to_the_limit),
		TEST(test_used_slots_and_clear),
		TEST(test_decide),
		TEST(test_publish_all),
	};
	int failed;

	host_enter();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	host_leave();
	return failed;
}
