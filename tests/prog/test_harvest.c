// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_harvest.c - when entries were last seen: marked by the program, told once, and not lost with a list
 */
#include "tests/prog/traffic.h"

#include <dlfcn.h>

#define SEEN_MAX 4096

/* In libbpf's place, so that a kernel can be played that has no batches of tries. */
static bool no_batches;

int bpf_map_lookup_batch(int fd, void *in_batch, void *out_batch, void *keys, void *values, __u32 *count,
			 const struct bpf_map_batch_opts *opts)
{
	int (*real)(int, void *, void *, void *, void *, __u32 *, const struct bpf_map_batch_opts *) =
		(__typeof__(real))dlsym(RTLD_NEXT, "bpf_map_lookup_batch");

	assert_non_null(real);
	return no_batches ? -EINVAL : real(fd, in_batch, out_batch, keys, values, count, opts);
}

static struct {
	uint32_t slots[SEEN_MAX];
	struct prefix prefixes[SEEN_MAX];
	uint16_t epochs[SEEN_MAX];
	size_t count;
	int answer; /* what note() says, once it has been told of stop_after */
	size_t stop_after;
} told;

static int note(uint32_t slot, const struct prefix *prefix, uint16_t epoch, void *arg)
{
	assert_ptr_equal(arg, &told);
	assert_true(told.count < SEEN_MAX);
	told.slots[told.count] = slot;
	told.prefixes[told.count] = *prefix;
	told.epochs[told.count++] = epoch;
	return told.answer && told.count > told.stop_after ? told.answer : 0;
}

static void step_to_end(struct dataplane_harvest *harvest)
{
	bool more = true;

	while (more)
		check_ok(dataplane_harvest_step(harvest, note, &told, &more, &error));
}

static void harvest(bool all)
{
	struct dataplane_harvest *run;

	memset(&told, 0, sizeof(told));
	assert_int_equal(dataplane_harvest_new(dataplane, all, &run), 0);
	step_to_end(run);
	dataplane_harvest_free(run);
}

/* The last epoch it was told with, of slot 3; 0: it was not. */
static uint16_t told_of(const char *text)
{
	struct prefix prefix = prefix_text(text);
	uint16_t epoch = 0;

	for (size_t i = 0; i < told.count; i++) {
		assert_int_equal(told.slots[i], 3);
		if (prefix_compare(&told.prefixes[i], &prefix) == 0)
			epoch = told.epochs[i];
	}
	return epoch;
}

#define LISTED "203.0.113.7 !203.0.113.8 198.51.100.0/24 2001:db8:1::7 !2001:db8:1::8 2001:db8:2::/48"

/* One allowed and one denied of each family; of each family one that nobody came from. */
static void knock_all(uint16_t epoch)
{
	dataplane_set_epoch(dataplane, epoch);
	assert_int_equal(knock("203.0.113.7"), XDP_PASS);
	assert_int_equal(knock("203.0.113.8"), XDP_DROP);
	assert_int_equal(knock("2001:db8:1::7"), XDP_PASS);
	assert_int_equal(knock("2001:db8:1::8"), XDP_DROP);
	assert_int_equal(knock("100.64.0.9"), XDP_DROP);
}

static void assert_told(uint16_t epoch)
{
	assert_int_equal(told.count, epoch ? 4 : 0);
	assert_int_equal(told_of("203.0.113.7"), epoch);
	assert_int_equal(told_of("203.0.113.8"), epoch);
	assert_int_equal(told_of("2001:db8:1::7"), epoch);
	assert_int_equal(told_of("2001:db8:1::8"), epoch);
}

static void check_in_force(enum filling filling)
{
	assert_true(sync_text(WEB, false) > 0);
	fill(LISTED, filling);
	harvest(true);
	assert_told(0);
	assert_int_equal(seen_at("203.0.113.7"), 0);
	knock_all(100);
	harvest(false); /* nothing went out of force */
	assert_told(0);
	harvest(true);
	assert_told(100);
	assert_int_equal(seen_at("203.0.113.7"), 100);
	assert_int_equal(seen_at("203.0.113.8"), 100);
	assert_int_equal(seen_at("2001:db8:1::8"), 100);
	assert_int_equal(seen_at("198.51.100.0/24"), 0);
	assert_int_equal(seen_at("203.0.113.0/24"), 0); /* there is none */
	assert_int_equal(seen_at("203.0.113.9"), 0);
	assert_int_equal(seen_at("2001:db8:2::1"), 0); /* within one that there is */
	knock_all(65535);
	harvest(true);
	assert_told(65535);
	assert_int_equal(knock("198.51.100.7"), XDP_PASS);
	assert_int_equal(seen_at("198.51.100.0/24"), 65535);
	assert_int_equal(seen_at("198.51.100.7"), 0); /* there is none: not what is around it */
	dataplane_set_epoch(dataplane, 0);
	assert_int_equal(knock("198.51.100.7"), XDP_PASS);
	assert_int_equal(seen_at("198.51.100.0/24"), 65535); /* not marked without an epoch */
}

static void check_retired(enum filling filling)
{
	assert_true(sync_text(WEB, false) > 0);
	fill(LISTED, filling);
	knock_all(100);
	fill("192.0.2.1", FILL_NOTHING);
	check_ok(dataplane_tidy(dataplane, &error));
	fill("192.0.2.2", FILL_NOTHING);
	harvest(false);
	assert_told(100);
	harvest(true); /* it is told once */
	assert_told(0);
}

static void test_lines(void **state)
{
	(void)state;
	check_in_force(FILL_NOTHING);
}

static void test_index(void **state)
{
	(void)state;
	check_in_force(FILL_INDEX);
}

static void test_trie(void **state)
{
	(void)state;
	check_in_force(FILL_TRIE);
}

static void test_retired_lines(void **state)
{
	(void)state;
	check_retired(FILL_NOTHING);
}

static void test_retired_index(void **state)
{
	(void)state;
	check_retired(FILL_INDEX);
}

static void test_retired_trie(void **state)
{
	(void)state;
	check_retired(FILL_TRIE);
}

static void test_without_batches(void **state)
{
	(void)state;
	no_batches = true;
	check_in_force(FILL_TRIE);
	no_batches = false;
}

/* What leaves together with its account is told too. */
static void test_cleared_account(void **state)
{
	(void)state;
	assert_true(sync_text(WEB, false) > 0);
	fill(LISTED, FILL_TRIE);
	knock_all(9);
	check_ok(dataplane_clear_account(dataplane, 3, &error));
	harvest(true);
	assert_told(9);
}

/* A list that is replaced between the steps of a harvest is told by it all the same. */
static void check_replaced_meanwhile(enum filling from, enum filling to)
{
	struct dataplane_harvest *run;
	bool more = true;

	assert_true(sync_text(WEB, false) > 0);
	fill(LISTED, from);
	knock_all(100);
	memset(&told, 0, sizeof(told));
	assert_int_equal(dataplane_harvest_new(dataplane, true, &run), 0);
	fill("203.0.113.7 198.51.100.0/24", to);
	check_ok(dataplane_tidy(dataplane, &error));
	step_to_end(run);
	assert_told(100);
	/* and again, behind the end of what is in force */
	assert_int_equal(knock("198.51.100.1"), XDP_PASS);
	fill("192.0.2.1", FILL_NOTHING);
	check_ok(dataplane_harvest_step(run, note, &told, &more, &error));
	assert_false(more);
	dataplane_harvest_free(run);
	assert_int_equal(told_of("198.51.100.0/24"), 100);
}

static void test_replaced_meanwhile(void **state)
{
	(void)state;
	check_replaced_meanwhile(FILL_NOTHING, FILL_NOTHING);
}

static void test_replaced_meanwhile_trie(void **state)
{
	(void)state;
	check_replaced_meanwhile(FILL_TRIE, FILL_TRIE);
}

/* The caller's function ends a step, and is not called again for what it was told. */
static void test_visit_ends_step(void **state)
{
	struct dataplane_harvest *run;
	bool more;

	(void)state;
	assert_true(sync_text(WEB, false) > 0);
	fill(LISTED, FILL_NOTHING);
	knock_all(100);
	fill("192.0.2.1", FILL_NOTHING);
	memset(&told, 0, sizeof(told));
	told.answer = -42;
	told.stop_after = 1;
	assert_int_equal(dataplane_harvest_new(dataplane, true, &run), 0);
	assert_int_equal(dataplane_harvest_step(run, note, &told, &more, &error), -42);
	assert_int_equal(told.count, 2);
	told.answer = 0;
	step_to_end(run);
	assert_told(100);
	dataplane_harvest_free(run);
}

/* The list in which it ended one is told from its start by the next step. */
static void check_ended_in_force(enum filling filling)
{
	struct dataplane_harvest *run;
	bool more;

	assert_true(sync_text(WEB, false) > 0);
	fill(LISTED, filling);
	knock_all(100);
	memset(&told, 0, sizeof(told));
	told.answer = 7;
	assert_int_equal(dataplane_harvest_new(dataplane, true, &run), 0);
	assert_int_equal(dataplane_harvest_step(run, note, &told, &more, &error), 7);
	assert_int_equal(told.count, 1);
	memset(&told, 0, sizeof(told));
	step_to_end(run);
	assert_told(100);
	dataplane_harvest_free(run);
	/* and in the other family's */
	memset(&told, 0, sizeof(told));
	told.answer = 7;
	told.stop_after = 2;
	assert_int_equal(dataplane_harvest_new(dataplane, true, &run), 0);
	assert_int_equal(dataplane_harvest_step(run, note, &told, &more, &error), 7);
	memset(&told, 0, sizeof(told));
	step_to_end(run);
	assert_int_equal(told.count, 2);
	assert_int_equal(told_of("2001:db8:1::7"), 100);
	assert_int_equal(told_of("2001:db8:1::8"), 100);
	dataplane_harvest_free(run);
}

static void test_ended_in_lines(void **state)
{
	(void)state;
	check_ended_in_force(FILL_NOTHING);
}

static void test_ended_in_index(void **state)
{
	(void)state;
	check_ended_in_force(FILL_INDEX);
}

static void test_ended_in_trie(void **state)
{
	(void)state;
	check_ended_in_force(FILL_TRIE);
}

/* A retired trie that a harvest began and did not finish is read by the next from its start. */
static void test_unfinished(void **state)
{
	struct dataplane_harvest *run;
	bool more;

	(void)state;
	assert_true(sync_text(WEB, false) > 0);
	fill(LISTED, FILL_TRIE);
	knock_all(100);
	fill("192.0.2.1", FILL_NOTHING);
	memset(&told, 0, sizeof(told));
	told.answer = 7;
	assert_int_equal(dataplane_harvest_new(dataplane, false, &run), 0);
	assert_int_equal(dataplane_harvest_step(run, note, &told, &more, &error), 7);
	dataplane_harvest_free(run);
	assert_int_equal(told.count, 1);
	harvest(false);
	assert_told(100);
}

/* Beyond the queue's end the oldest are dropped, and nothing worse. */
static void test_queue_is_bounded(void **state)
{
	const size_t lists = RETIRED_MAPS_MAX; /* of two families each: twice as many as there is room for */

	(void)state;
	assert_true(sync_text(WEB, false) > 0);
	for (size_t i = 0; i < lists; i++) {
		fill(LISTED, FILL_TRIE);
		knock_all((uint16_t)(100 + i));
		check_ok(dataplane_tidy(dataplane, &error));
	}
	assert_int_equal(dataplane->retired.map_count, RETIRED_MAPS_MAX);
	fill("192.0.2.1", FILL_NOTHING);
	harvest(false);
	assert_int_equal(told.count, RETIRED_MAPS_MAX * 2);
	assert_int_equal(told.epochs[0], 100 + lists - RETIRED_MAPS_MAX / 2);
	assert_int_equal(told_of("203.0.113.7"), 100 + lists - 1);
	assert_int_equal(dataplane->retired.map_count, 0);
}

static void test_queue_of_entries_is_bounded(void **state)
{
	struct retired_space *retired = &dataplane->retired;
	struct retired_entry first;

	(void)state;
	assert_true(sync_text(WEB, false) > 0);
	fill("203.0.113.7", FILL_NOTHING);
	assert_int_equal(knock("203.0.113.7"), XDP_PASS);
	dataplane_set_epoch(dataplane, 5);
	assert_int_equal(knock("203.0.113.7"), XDP_PASS);
	for (uint32_t i = 0; i < RETIRED_ENTRIES_MAX + 3; i++)
		harvest_retired_lines(dataplane, i, account_state(dataplane, 3));
	assert_int_equal(retired->count, RETIRED_ENTRIES_MAX);
	assert_true(retired_take_entry(retired, &first));
	assert_int_equal(first.slot, 3); /* the first three are gone */
	assert_int_equal(first.epoch, 5);
}

/* Expiries stand behind the lines, and are not taken for entries. */
static void test_lines_with_expiries(void **state)
{
	struct compiled_account account = account_of(3, ENFORCE, LISTED);

	(void)state;
	assert_true(sync_text(WEB, false) > 0);
	for (size_t i = 0; i < account.count6; i++)
		account.entries6[i].value.expires = UINT32_MAX;
	enforce(&account);
	knock_all(100);
	harvest(true);
	assert_told(100);
	assert_int_equal(seen_at("2001:db8:1::7"), 100);
	fill("192.0.2.1", FILL_NOTHING);
	harvest(false);
	assert_told(100);
	compiled_account_clear(&account);
}

static void test_refused(void **state)
{
	struct prefix prefix = prefix_text("203.0.113.7");
	uint16_t epoch = 77;

	(void)state;
	check_refused(dataplane_seen(dataplane, LIMITS.accounts, &prefix, &epoch, &error), ERROR_LIMIT,
		      "account slot");
	assert_int_equal(epoch, 77);
}

static void add_networks(struct compiled_account *account, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t bytes[16] = {0x20, 0x02, 0, 0, (uint8_t)(i >> 8), (uint8_t)i};
		struct addr addr = addr_make(AG_FAMILY_IPV6, bytes);
		uint8_t len = (uint8_t)(48 + i % 80);
		struct compiled_entry entry = {.prefix = prefix_of(&addr, len), .value = {.len = len}};

		append(&account->entries6, &account->count6, &entry);
	}
	qsort(account->entries6, account->count6, sizeof(*account->entries6), compare_entries);
}

/* A step of a long list takes its 10 ms, and not the whole list. */
static void test_steps_are_short(void **state)
{
	struct compiled_account account = filled(LISTED, FILL_TRIE);
	struct dataplane_harvest *run;
	bool more = true;

	(void)state;
	assert_true(sync_text(WEB, false) > 0);
	add_networks(&account, 3500);
	enforce(&account);
	assert_int_equal(held6(3), AG_HELD_TRIE);
	knock_all(100);
	memset(&told, 0, sizeof(told));
	assert_int_equal(dataplane_harvest_new(dataplane, true, &run), 0);
	while (more) {
		struct timespec begun, ended;
		int64_t took;

		(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begun);
		check_ok(dataplane_harvest_step(run, note, &told, &more, &error));
		(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ended);
		took = (ended.tv_sec - begun.tv_sec) * 1000000000 + ended.tv_nsec - begun.tv_nsec;
		assert_true(took < 50000000);
	}
	dataplane_harvest_free(run);
	assert_told(100);
	compiled_account_clear(&account);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lines),
		TEST(test_index),
		TEST(test_trie),
		TEST(test_without_batches),
		TEST(test_retired_lines),
		TEST(test_retired_index),
		TEST(test_retired_trie),
		TEST(test_cleared_account),
		TEST(test_replaced_meanwhile),
		TEST(test_replaced_meanwhile_trie),
		TEST(test_visit_ends_step),
		TEST(test_ended_in_lines),
		TEST(test_ended_in_index),
		TEST(test_ended_in_trie),
		TEST(test_unfinished),
		TEST(test_queue_is_bounded),
		TEST(test_queue_of_entries_is_bounded),
		TEST(test_lines_with_expiries),
		TEST(test_refused),
		TEST(test_steps_are_short),
	};
	int failed;

	host_enter();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	host_leave();
	return failed;
}
