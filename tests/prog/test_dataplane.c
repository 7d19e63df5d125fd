// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_dataplane.c - accounts in the kernel: staged, published, read back, asked, cleared
 */
#include "tests/prog/dataplane_fixture.h"

#include <arpa/inet.h>
#include <time.h>

static const union ag_account_state MONITOR = {.active = 1, .mode = AG_MODE_MONITOR};

struct step {
	const char *from;
	const char *to;
	bool same4; /* the trie is the same one afterwards */
	bool same6;
};

static const struct step STEPS[] = {
	{"203.0.113.1 2001:db8::1", "203.0.113.1 203.0.113.2 2001:db8::1", true, true},
	{"203.0.113.1 203.0.113.2", "203.0.113.2", true, true},
	{"203.0.113.1", "!203.0.113.1", true, true},
	{"203.0.113.1 2001:db8::1", "203.0.113.1 2001:db8::1 2001:db8::2", true, true},
	{"203.0.113.1 2001:db8::1", "203.0.113.1 203.0.113.2 2001:db8::1 2001:db8::2", true, true},
	{"203.0.113.1 2001:db8::1", "203.0.113.2 2001:db8::1", false, true},
	{"203.0.113.1 2001:db8::1", "203.0.113.1 203.0.113.2 203.0.113.3 2001:db8::1", false, true},
	{"203.0.113.1 2001:db8::1", "203.0.113.1 2001:db8::/64 2001:db8::2", true, false},
	{"203.0.113.1 2001:db8::1", "203.0.113.1 2001:db8::1", true, true},
	{"203.0.113.1", "203.0.113.1 2001:db8::1", true, false},
	{"203.0.113.1 2001:db8::1", "203.0.113.1", true, false},
};

static void test_one_edit_or_a_fresh_trie(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * COUNT(STEPS); i++) {
		const struct step *step = &STEPS[i / 2];
		uint32_t id4, id6;

		print_message("# '%s' to '%s'\n", step->from, step->to);
		change_text("", step->from, false);
		id4 = LIST4;
		id6 = LIST6;
		change_text(step->from, step->to, i % 2);
		assert_int_equal(LIST4 == id4, step->same4);
		assert_int_equal(LIST6 == id6, step->same6);
		change_text(step->to, "", true);
		assert_int_equal(LIST4, 0);
		assert_int_equal(LIST6, 0);
	}
}

/* What a caller believes of an account that is not active in the kernel does not count. */
static void test_activation_asks_the_kernel(void **state)
{
	struct compiled_account off = account_of(3, INACTIVE, "203.0.113.1");
	struct compiled_account on = account_of(3, ENFORCE, "203.0.113.1");
	struct compiled_account other = account_of(3, INACTIVE, "203.0.113.9");
	struct compiled_account one_more = account_of(3, ENFORCE, "203.0.113.1 203.0.113.2");
	uint32_t id;

	(void)state;
	change(&on, &on);
	change(&on, &off); /* mode off keeps the list */
	change(&off, &other);
	change(&on, &on); /* a lie: the kernel has the other one */
	change(&on, &off);
	id = LIST4;
	change(&off,
	       &one_more); /* becomes active with a list that was read back, not with one that was edited */
	assert_int_not_equal(LIST4, id);
	compiled_account_clear(&one_more);
	compiled_account_clear(&off);
	compiled_account_clear(&on);
	compiled_account_clear(&other);
}

static void test_state_alone(void **state)
{
	struct compiled_account enforce = account_of(3, ENFORCE, "203.0.113.1");
	struct compiled_account monitor = account_of(3, MONITOR, "203.0.113.1");
	uint32_t id;

	(void)state;
	change(NULL, &enforce);
	id = LIST4;
	change(&enforce, &monitor);
	assert_int_equal(LIST4, id);
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

/* An edit that the kernel refuses (here: a trie that is full of what was not expected) becomes a swap. */
static void test_refused_edit_becomes_a_swap(void **state)
{
	struct compiled_account have = account_of(3, ENFORCE, "203.0.113.1");
	struct compiled_account want = account_of(3, ENFORCE, "203.0.113.1 203.0.113.2");
	uint32_t id;
	int fd;

	(void)state;
	change(NULL, &have);
	id = LIST4;
	fd = bpf_map_get_fd_by_id(id);
	assert_true(fd >= 0);
	for (uint32_t i = 0; i < LIMITS.entries - 1; i++) {
		struct ag_list4_key key = {.prefixlen = 32, .addr = {10, 0, (uint8_t)(i >> 8), (uint8_t)i}};
		struct ag_entry entry = {.len = 32};

		assert_int_equal(bpf_map_update_elem(fd, &key, &entry, BPF_ANY), 0);
	}
	(void)close(fd);
	{
		struct dataplane_change *staged;

		check_ok(dataplane_stage(dataplane, &have, &want, &staged, &error));
		check_ok(dataplane_publish(dataplane, staged, &error));
		dataplane_change_free(staged);
	}
	assert_in_kernel(&want);
	assert_int_not_equal(LIST4, id);
	compiled_account_clear(&have);
	compiled_account_clear(&want);
}

static struct compiled_account big_account(uint32_t slot, size_t count4, size_t count6)
{
	struct compiled_account account = {.slot = slot, .state = ENFORCE};

	for (size_t i = 0; i < count4 + count6; i++) {
		bool v4 = i < count4;
		uint32_t number = htonl((uint32_t)i * 2654435761U);
		struct compiled_entry entry = {.prefix.addr.family = v4 ? AG_FAMILY_IPV4 : AG_FAMILY_IPV6};

		memcpy(entry.prefix.addr.bytes, &number, sizeof(number));
		entry.prefix = prefix_of(&entry.prefix.addr, (uint8_t)(v4 ? 32 : 64 + i % 64));
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
		account_of(2, ENFORCE, "203.0.113.1"), account_of(7, ENFORCE, "203.0.113.1 2001:db8::1"),
		account_of(63, INACTIVE, "2001:db8::1"), /* nothing but a list is use too */
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
	check_refused(dataplane_account_counters(dataplane, 64, &(struct ag_account_counters){0}, &error),
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
	enum ag_verdict verdict = AG_VERDICT_MAX;
	struct prefix entry, want;
	struct addr source;

	check_ok(addr_parse(question->source, &source, &error));
	check_ok(dataplane_decide(dataplane, 3, &source, &verdict, &entry, &error));
	assert_int_equal(verdict, question->verdict);
	if (!question->entry) {
		assert_int_equal(entry.len, 255);
		return;
	}
	check_ok(prefix_parse(question->entry, &want, &error));
	assert_int_equal(prefix_compare(&entry, &want), 0);
	check_ok(dataplane_decide(dataplane, 3, &source, &verdict, NULL, &error));
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
	account.state = MONITOR;
	change(NULL, &account);
	for (size_t i = 0; i < COUNT(watched); i++)
		assert_decides(&watched[i]);
	account.state = INACTIVE;
	change(NULL, &account);
	assert_decides(&open);
	check_refused(dataplane_decide(dataplane, 3, &(struct addr){0}, &(enum ag_verdict){0}, NULL, &error),
		      ERROR_BAD_REQUEST, "address");
	compiled_account_clear(&account);
}

static double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double publish_many(const char *text, union ag_account_state state)
{
	struct dataplane_change *changes[60];
	struct compiled_account accounts[60];
	double started;

	for (uint32_t i = 0; i < COUNT(changes); i++) {
		accounts[i] = account_of(i, state, text);
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
		TEST(test_one_edit_or_a_fresh_trie),
		TEST(test_activation_asks_the_kernel),
		TEST(test_state_alone),
		TEST(test_staged_change_owns_what_it_needs),
		TEST(test_refused_edit_becomes_a_swap),
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
