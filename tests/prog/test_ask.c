// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_ask.c - the kernel's own answer: the same as the packet's, with what decides, and without a trace
 */
#include "tests/prog/traffic.h"

static struct dataplane_answer ask_of(const char *source, const char *dest, uint8_t proto, uint16_t port,
				      uint32_t slot)
{
	struct dataplane_question question = {.proto = proto, .port = port, .slot = slot};
	struct dataplane_answer answer;

	memset(&answer, 0xff, sizeof(answer));
	check_ok(addr_parse(source, &question.source, &error));
	check_ok(addr_parse(dest, &question.dest, &error));
	check_ok(dataplane_ask(dataplane, &question, &answer, &error));
	return answer;
}

static struct dataplane_answer ask(const char *source)
{
	return ask_of(source, strchr(source, ':') ? "2001:db8::10" : "192.0.2.10", IPPROTO_TCP, 443,
		      AG_NO_ACCOUNT);
}

static void assert_prefix(const struct prefix *have, const char *want)
{
	char text[PREFIX_TEXT_MAX];

	prefix_format_short(have, text);
	assert_string_equal(text, want);
}

static void assert_answer(struct dataplane_answer answer, enum ag_verdict verdict, uint32_t slot,
			  const char *entry)
{
	assert_int_equal(answer.verdict, verdict);
	assert_int_equal(answer.slot, slot);
	assert_int_equal(answer.passes, verdict != AG_VERDICT_DENIED);
	assert_int_equal(answer.matched, entry != NULL);
	if (entry)
		assert_prefix(&answer.entry, entry);
}

#define LISTED "203.0.113.0/24 !203.0.113.8 2001:db8:1::/48 !2001:db8:1::8"

static void check_lists(enum filling filling)
{
	assert_true(sync_text(WEB, false) > 0);
	fill(LISTED, filling);
	assert_answer(ask("203.0.113.7"), AG_VERDICT_ALLOWED, 3, "203.0.113.0/24");
	assert_answer(ask("203.0.113.8"), AG_VERDICT_DENIED, 3, "203.0.113.8");
	assert_answer(ask("100.64.0.9"), AG_VERDICT_DENIED, 3, NULL);
	assert_answer(ask("2001:db8:1::7"), AG_VERDICT_ALLOWED, 3, "2001:db8:1::/48");
	assert_answer(ask("2001:db8:1::8"), AG_VERDICT_DENIED, 3, "2001:db8:1::8");
	assert_answer(ask("2001:db8:2::8"), AG_VERDICT_DENIED, 3, NULL);
}

static void test_lines(void **state)
{
	(void)state;
	check_lists(FILL_NOTHING);
}

static void test_index(void **state)
{
	(void)state;
	check_lists(FILL_INDEX);
}

static void test_trie(void **state)
{
	(void)state;
	check_lists(FILL_TRIE);
}

/* Every protocol's frame comes to the service that names it. */
static void test_protocols(void **state)
{
	static const struct {
		uint8_t proto;
		uint16_t port;
		uint32_t slot;
	} cases[] = {
		{IPPROTO_TCP, 443, 3},	{IPPROTO_UDP, 53, 4},  {IPPROTO_ICMP, 0, 5},
		{IPPROTO_SCTP, 443, 6}, {AG_PROTO_ANY, 0, 6},  {IPPROTO_TCP, 80, 6},
		{IPPROTO_UDP, 443, 6},	{IPPROTO_DCCP, 53, 6}, {IPPROTO_GRE, 0, 6},
	};

	(void)state;
	assert_true(sync_text("192.0.2.10:443/tcp>3 192.0.2.10:53/udp>4 192.0.2.10/icmp>5 192.0.2.10>6 "
			      "[2001:db8::10]:443/tcp>3 [2001:db8::10]:53/udp>4 [2001:db8::10]/icmp>5 "
			      "2001:db8::10>6",
			      false) > 0);
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(
			ask_of("203.0.113.7", "192.0.2.10", cases[i].proto, cases[i].port, AG_NO_ACCOUNT)
				.slot,
			cases[i].slot);
		assert_int_equal(
			ask_of("2001:db8:1::7", "2001:db8::10", cases[i].proto, cases[i].port, AG_NO_ACCOUNT)
				.slot,
			cases[i].slot);
	}
}

/* Where the address is none of a service's, or is in a service's prefix; and what is gated. */
static void test_destination(void **state)
{
	struct dataplane_answer answer;

	(void)state;
	assert_true(sync_text("192.0.2.0/24:443/tcp>3 [2001:db8::/64]:443/tcp>3", false) > 0);
	fill("203.0.113.7", FILL_NOTHING);
	answer = ask_of("203.0.113.7", "192.0.2.77", IPPROTO_TCP, 80, AG_NO_ACCOUNT);
	assert_answer(answer, AG_VERDICT_UNMATCHED, AG_NO_ACCOUNT, NULL);
	assert_true(answer.dest_known && answer.gated);
	assert_prefix(&answer.dest, "192.0.2.0/24");
	answer = ask_of("2001:db8:1::7", "2001:db8::77", IPPROTO_TCP, 443, AG_NO_ACCOUNT);
	assert_answer(answer, AG_VERDICT_DENIED, 3, NULL);
	assert_prefix(&answer.dest, "2001:db8::/64");
	answer = ask_of("203.0.113.7", "198.51.100.1", IPPROTO_TCP, 443, AG_NO_ACCOUNT);
	assert_answer(answer, AG_VERDICT_UNMATCHED, AG_NO_ACCOUNT, NULL);
	assert_false(answer.dest_known || answer.gated);
}

/* An account's list is asked whatever the packet is for; another's is not. */
static void test_slot(void **state)
{
	(void)state;
	assert_true(sync_text(WEB, false) > 0);
	fill("203.0.113.7", FILL_NOTHING);
	assert_answer(ask_of("203.0.113.7", "198.51.100.1", IPPROTO_TCP, 80, 3), AG_VERDICT_ALLOWED, 3,
		      "203.0.113.7");
	assert_answer(ask_of("203.0.113.9", "198.51.100.1", IPPROTO_TCP, 80, 3), AG_VERDICT_DENIED, 3, NULL);
	assert_answer(ask_of("203.0.113.7", "192.0.2.10", IPPROTO_TCP, 443, 7), AG_VERDICT_OPEN, 7, NULL);
}

static void test_failsafe(void **state)
{
	const struct prefix failsafe = prefix_text("203.0.113.250");

	(void)state;
	assert_true(sync_text(WEB, false) > 0);
	fill("203.0.113.7", FILL_NOTHING);
	check_ok(dataplane_set_failsafe(dataplane, &failsafe, 1, &error));
	assert_answer(ask("203.0.113.250"), AG_VERDICT_FAILSAFE, AG_NO_ACCOUNT, NULL);
}

static void test_refused(void **state)
{
	struct dataplane_question question = {.proto = IPPROTO_TCP, .port = 443, .slot = AG_NO_ACCOUNT};
	struct dataplane_answer answer;

	(void)state;
	check_refused(dataplane_ask(dataplane, &question, &answer, &error), ERROR_BAD_REQUEST, "families");
	check_ok(addr_parse("203.0.113.7", &question.source, &error));
	check_ok(addr_parse("2001:db8::10", &question.dest, &error));
	check_refused(dataplane_ask(dataplane, &question, &answer, &error), ERROR_BAD_REQUEST, "families");
	question.dest = question.source;
	question.slot = LIMITS.accounts;
	check_refused(dataplane_ask(dataplane, &question, &answer, &error), ERROR_LIMIT, "account slot");
}

/* --- without a trace --------------------------------------------------------------- */

/* Every element of a map as the kernel gives it, per-CPU ones of all CPUs. */
struct dump {
	uint8_t *bytes;
	size_t size;
};

static void dump_map(const struct bpf_map *map, struct dump *ret)
{
	bool per_cpu = bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_ARRAY ||
		       bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_HASH;
	size_t each = (bpf_map__value_size(map) + 7U) / 8 * 8 *
		      (per_cpu ? (size_t)libbpf_num_possible_cpus() : 1);
	size_t key_size = bpf_map__key_size(map);
	uint8_t key[64], previous[64];
	bool started = false;

	*ret = (struct dump){0};
	while (bpf_map_get_next_key(bpf_map__fd(map), started ? previous : NULL, key) == 0) {
		ret->bytes = realloc(ret->bytes, ret->size + key_size + each);
		assert_non_null(ret->bytes);
		memset(ret->bytes + ret->size, 0, key_size + each);
		memcpy(ret->bytes + ret->size, key, key_size);
		/* a place in an array of maps or devices may be empty */
		(void)bpf_map_lookup_elem(bpf_map__fd(map), key, ret->bytes + ret->size + key_size);
		ret->size += key_size + each;
		memcpy(previous, key, key_size);
		started = true;
	}
}

#define MAPS_MAX 64

static size_t dump_all(struct dump dumps[MAPS_MAX])
{
	struct bpf_map *map;
	size_t count = 0;

	bpf_object__for_each_map (map, dataplane->skeleton->obj) {
		if (bpf_map__is_internal(map) || bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF ||
		    map == dataplane->skeleton->maps.ag_explanation)
			continue;
		assert_true(count < MAPS_MAX);
		dump_map(map, &dumps[count++]);
	}
	return count;
}

static int count_sighting(const struct ag_sighting *sighting, void *arg)
{
	(void)sighting;
	++*(size_t *)arg;
	return 0;
}

static size_t sightings(void)
{
	size_t count = 0;

	check_ok(dataplane_sightings(dataplane, count_sighting, &count, &error));
	return count;
}

static void check_without_trace(enum filling filling)
{
	static const char *const sources[] = {"203.0.113.7", "203.0.113.8",   "100.64.0.9",
					      "2001:db8::9", "2001:db8:1::7", "2001:db8:1::8"};
	static struct dump before[MAPS_MAX], after[MAPS_MAX];
	size_t count;

	assert_true(sync_text(WEB, false) > 0);
	fill(LISTED, filling);
	dataplane_set_epoch(dataplane, 100);
	dataplane_set_watch(dataplane, true);
	count = dump_all(before);
	assert_true(count > 15);
	for (size_t i = 0; i < 1000; i++)
		(void)ask(sources[i % COUNT(sources)]);
	assert_int_equal(dump_all(after), count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(before[i].size, after[i].size);
		if (before[i].size)
			assert_memory_equal(before[i].bytes, after[i].bytes, before[i].size);
		free(before[i].bytes);
		free(after[i].bytes);
	}
	assert_int_equal(seen_at("203.0.113.0/24"), 0);
	assert_int_equal(seen_at("203.0.113.8"), 0);
	assert_int_equal(seen_at("2001:db8:1::/48"), 0);
	assert_int_equal(sightings(), 0);
	/* that all of it would have been seen: */
	assert_int_equal(knock("203.0.113.8"), XDP_DROP);
	assert_int_equal(seen_at("203.0.113.8"), 100);
	assert_int_equal(sightings(), 1);
}

static void test_without_trace(void **state)
{
	(void)state;
	check_without_trace(FILL_NOTHING);
}

static void test_without_trace_index(void **state)
{
	(void)state;
	check_without_trace(FILL_INDEX);
}

static void test_without_trace_trie(void **state)
{
	(void)state;
	check_without_trace(FILL_TRIE);
}

/* --- as the packet ------------------------------------------------------------------ */

static uint32_t seed = 12345;

static uint32_t random_below(uint32_t limit)
{
	seed = seed * 1103515245 + 12345;
	return seed / 65536 % limit;
}

/* From few addresses, so that lists and packets meet. */
static void random_source(char text[64], bool v6)
{
	if (v6)
		(void)snprintf(text, 64, "2001:db8:%x::%x", random_below(3), random_below(6) + 1);
	else
		(void)snprintf(text, 64, "203.0.%u.%u", random_below(3), random_below(6) + 1);
}

static void random_list(char *text, size_t size)
{
	size_t used = 0;

	*text = '\0';
	for (uint32_t v6 = 0; v6 < 2; v6++)
		for (uint32_t i = 0; i < 3; i++) {
			static const char *const wide[] = {"203.0.%u.0/24", "2001:db8:%x::/48"};
			char entry[64];

			if (i == 0)
				(void)snprintf(entry, sizeof(entry), wide[v6], random_below(3));
			else if (v6)
				(void)snprintf(entry, sizeof(entry), "2001:db8:%x::%x", i,
					       random_below(6) + 1);
			else
				(void)snprintf(entry, sizeof(entry), "203.0.%u.%u", i, random_below(6) + 1);
			used += (size_t)snprintf(text + used, size - used, "%s%s%s", used ? " " : "",
						 random_below(3) ? "" : "!", entry);
		}
}

static void assert_same(const char *source, bool v6)
{
	static const uint16_t ports[] = {443, 80, 53};
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP};
	const char *dests[] = {v6 ? "2001:db8::10" : "192.0.2.10", v6 ? "2001:db8::11" : "192.0.2.11",
			       v6 ? "2001:db9::11" : "198.18.0.1"};
	uint16_t port = ports[random_below(COUNT(ports))];
	uint8_t proto = protos[random_below(COUNT(protos))];
	const char *dest = dests[random_below(COUNT(dests))];
	struct account_counters before, after;
	struct dataplane_answer answer = ask_of(source, dest, proto, port, AG_NO_ACCOUNT);
	uint32_t slot = answer.slot == AG_NO_ACCOUNT ? 0 : answer.slot;
	uint32_t action;

	check_ok(dataplane_account_counters(dataplane, slot, &before, &error));
	action = knock_at(source, dest, proto, port);
	check_ok(dataplane_account_counters(dataplane, slot, &after, &error));
	assert_int_equal(action == XDP_PASS, answer.passes);
	for (size_t i = 0; i < AG_VERDICT_ACCOUNT_MAX; i++)
		assert_int_equal(after.by_verdict[i].packets - before.by_verdict[i].packets,
				 answer.slot != AG_NO_ACCOUNT && answer.verdict == i);
}

static void test_as_the_packet(void **state)
{
	(void)state;
	assert_true(sync_text("192.0.2.10:443/tcp>3 192.0.2.0/24>3 [2001:db8::10]:443/tcp>3 "
			      "[2001:db8::/64]:53/udp>4",
			      false) > 0);
	for (size_t policy = 0; policy < 60; policy++) {
		char text[512];

		random_list(text, sizeof(text));
		fill(text, (enum filling)(policy % FILL_MAX));
		for (size_t i = 0; i < 60; i++) {
			bool v6 = random_below(2);
			char source[64];

			random_source(source, v6);
			assert_same(source, v6);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lines),
		TEST(test_index),
		TEST(test_trie),
		TEST(test_protocols),
		TEST(test_destination),
		TEST(test_slot),
		TEST(test_failsafe),
		TEST(test_refused),
		TEST(test_without_trace),
		TEST(test_without_trace_index),
		TEST(test_without_trace_trie),
		TEST(test_as_the_packet),
	};
	int failed;

	host_enter();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	host_leave();
	return failed;
}
