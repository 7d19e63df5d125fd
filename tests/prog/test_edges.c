// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_edges.c - the program at its limits: jumbo frames, cut frames, maps that are empty, wrong or just
 * changed
 */
#include "tests/prog/world.h"

/* Headers behind the first page, and every byte of the frame counted. */
static void test_jumbo(void **state)
{
	static const struct row jumbo[] = {
		{"jumbo, listed", {ALLOWED4, WEB4, TCP(443), .payload = 8946}, PASSES("web")},
		{"jumbo, not listed", {DENIED6, WEB6, TCP(443), .payload = 8926}, STOPPED("web")},
		{"ports in another buffer",
		 {DENIED6, WEB6, TCP(443), EXT(60, 60, 60, 60), .extension_len = 255},
		 STOPPED("web")},
		{"ports in another buffer, listed",
		 {ALLOWED6, WEB6, TCP(443), EXT(60, 60, 60, 60, 60, 60, 60), .extension_len = 255},
		 PASSES("web")},
		{"eight headers of the longest",
		 {ALLOWED6, WEB6, TCP(443), EXT(60, 60, 60, 60, 60, 60, 60, 60), .extension_len = 255},
		 PASSES("web")},
		{"ports cut, in another buffer",
		 {ALLOWED6, WEB6, TCP(443), EXT(60, 60, 60, 60), .extension_len = 255, .trim = 17},
		 BAD_DROPPED},
		{"total length beyond the frame",
		 {ALLOWED4, WEB4, TCP(443), .payload = 8946, .false_len = true, .len = 8987},
		 BAD_DROPPED},
	};
	struct allowgate_bpf *kernel = load_world(true);

	(void)state;
	for (size_t i = 0; i < COUNT(jumbo); i++)
		check_row(kernel, &jumbo[i], 0);
	allowgate_bpf__destroy(kernel);
}

/* A packet cut anywhere never passes for a sound one. */
static void test_every_cut(void **state)
{
	static const struct row cuts[] = {
		{"IPv4", {ALLOWED4, WEB4, TCP(443), .ihl = 7}, PASSES("web")},
		{"IPv6", {ALLOWED6, WEB6, TCP(443), EXT(0, 44)}, PASSES("web")},
		{"tagged", {TAGS(FRAME_QINQ, FRAME_VLAN), ALLOWED4, WEB4, TCP(443)}, PASSES("web")},
	};
	static const uint16_t dest_ends[] = {34, 54, 42};
	struct allowgate_bpf *kernel = load_world(false);
	static struct frame frame;

	(void)state;
	for (size_t i = 0; i < COUNT(cuts); i++) {
		frame_build(&frame, &cuts[i].spec);
		for (size_t len = frame.len - 1; len >= 14; len--) {
			struct outcome outcome;
			bool readable = len >= dest_ends[i];

			frame.len = len;
			outcome = kernel_run(kernel, COUNT(world), &frame, 0);
			if (outcome.verdict != (readable ? AG_VERDICT_MALFORMED : AG_VERDICT_UNMATCHED) ||
			    outcome.action != (readable ? XDP_DROP : XDP_PASS))
				fail_msg("%s cut to %zu bytes: verdict %d, action %u", cuts[i].name, len,
					 outcome.verdict, outcome.action);
		}
	}
	allowgate_bpf__destroy(kernel);
}

static void check_one(struct allowgate_bpf *kernel, enum ag_verdict verdict, const char *account,
		      uint32_t action, const struct frame_spec *spec)
{
	const struct row row = {"", *spec, verdict, account, action};

	check_row(kernel, &row, 0);
}

static void test_tags_where_nobody_enforces(void **state)
{
	static const struct frame_spec spec = {TAGS(FRAME_QINQ, FRAME_VLAN, FRAME_VLAN), ALLOWED4, WEB4,
					       TCP(443)};
	struct allowgate_bpf *kernel = load_world(false);

	(void)state;
	kernel_put_config(kernel, 0);
	check_one(kernel, BAD_PASSED, &spec);
	allowgate_bpf__destroy(kernel);
}

/* The flags that spare a lookup are obeyed: without prefixes none is asked for, without failsafe none. */
static void test_config_flags(void **state)
{
	static const struct frame_spec prefix = {DENIED4, TO("198.18.77.1"), TCP(443)};
	static const struct frame_spec failsafe = {FROM("203.0.113.250"), WEB4, TCP(443)};
	struct allowgate_bpf *kernel = load_world(false);

	(void)state;
	check_one(kernel, STOPPED("net"), &prefix);
	check_one(kernel, FAILSAFE, &failsafe);
	kernel_put_config(kernel, AG_CONFIG_ENFORCING);
	check_one(kernel, UNMATCHED, &prefix);
	check_one(kernel, STOPPED("web"), &failsafe);
	allowgate_bpf__destroy(kernel);
}

static void check_word(struct allowgate_bpf *kernel, union ag_account_state state, enum ag_verdict verdict,
		       const struct frame_spec *spec)
{
	kernel_put_word(kernel, 0, state);
	check_one(kernel, verdict, "web", verdict_passes(verdict) ? XDP_PASS : XDP_DROP, spec);
}

/* A change is the account's word, nothing else. */
static void test_word_alone_decides(void **state)
{
	static const struct frame_spec spec = {DENIED4, WEB4, TCP(443)};
	struct allowgate_bpf *kernel = load_world(false);
	union ag_account_state word;
	struct ag_account account;

	(void)state;
	kernel_get(kernel->maps.ag_accounts, 0, &account);
	word = account.state;
	check_word(kernel, word, AG_VERDICT_DENIED, &spec);
	word.flags = AG_ACCOUNT_ACTIVE | AG_ACCOUNT_MONITOR;
	check_word(kernel, word, AG_VERDICT_WOULD_DENY, &spec);
	word.flags = 0;
	check_word(kernel, word, AG_VERDICT_OPEN, &spec);
	check_word(kernel, (union ag_account_state){0}, AG_VERDICT_OPEN, &spec);
	allowgate_bpf__destroy(kernel);
}

/* An active account lets nobody in whose lists are not where its word says, or held as nothing is. */
static void test_no_list(void **state)
{
	static const struct frame_spec ipv4 = {ALLOWED4, WEB4, TCP(443)}, ipv6 = {ALLOWED6, WEB6, TCP(443)};
	static const uint8_t held[] = {
		0, AG_LINES4_MAX + 1, AG_LINES6_MAX + 1, 128, AG_HELD_INDEX - 1, AG_HELD_INDEX, AG_HELD_TRIE};
	struct allowgate_bpf *kernel = load_world(false);
	union ag_account_state word = {.flags = AG_ACCOUNT_ACTIVE};

	(void)state;
	check_one(kernel, PASSES("web"), &ipv4);
	check_one(kernel, PASSES("web"), &ipv6);
	for (size_t i = 0; i < COUNT(held); i++) {
		word.held4 = word.held6 = held[i];
		word.block = 0;
		if (held[i] <= AG_LINES6_MAX)
			word.block = 0x80000000U; /* beyond the map */
		check_word(kernel, word, AG_VERDICT_DENIED, &ipv4);
		check_word(kernel, word, AG_VERDICT_DENIED, &ipv6);
	}
	allowgate_bpf__destroy(kernel);
}

/* Of the two places of a long list the word names one, for both families and forms. */
static void test_sides(void **state)
{
	static const struct frame_spec ipv4 = {ALLOWED4, WEB4, TCP(443)}, ipv6 = {ALLOWED6, WEB6, TCP(443)};
	struct allowgate_bpf *kernel = load_world(false);
	struct compiled_account web;

	(void)state;
	(void)compile_world_account(0, &web);
	for (uint8_t side = 0; side <= AG_ACCOUNT_SIDE; side += AG_ACCOUNT_SIDE) {
		for (enum kernel_form form = KERNEL_INDEX; form <= KERNEL_TRIE; form++) {
			union ag_account_state word = kernel_put_account_as(kernel, &web, form, form, side);

			assert_int_equal(word.held4, form == KERNEL_TRIE ? AG_HELD_TRIE : AG_HELD_INDEX);
			check_word(kernel, word, AG_VERDICT_ALLOWED, &ipv4);
			check_word(kernel, word, AG_VERDICT_ALLOWED, &ipv6);
			word.flags ^= AG_ACCOUNT_SIDE;
			if (side)
				continue; /* the other has been filled before */
			check_word(kernel, word, AG_VERDICT_DENIED, &ipv4);
			check_word(kernel, word, AG_VERDICT_DENIED, &ipv6);
		}
	}
	compiled_account_clear(&web);
	allowgate_bpf__destroy(kernel);
}

/* A service that names a slot which is none belongs to nobody; nothing else is touched. */
static void test_impossible_slot(void **state)
{
	static const struct frame_spec spec = {DENIED4, WEB4, TCP(443)};
	static const uint32_t slots[] = {KERNEL_ACCOUNTS_MAX, AG_NO_ACCOUNT, 0x80000000U};
	struct allowgate_bpf *kernel = load_world(false);
	struct compiled_service compiled = {0};
	struct kernel_service found;
	struct ag_service4_bucket bucket;
	struct service service;

	(void)state;
	kernel_check(service_parse("192.0.2.10:443/tcp", &service, NULL), "parse");
	compiled.key = compile_service_key(&service);
	found = kernel_service_of(kernel, &compiled);
	for (size_t i = 0; i < COUNT(slots); i++) {
		kernel_get(kernel->maps.ag_services4, found.home, &bucket);
		for (int slot = 0; slot < AG_SERVICE4_SLOTS; slot++)
			if (bucket.slots[slot].key == (found.slot.high | found.slot.key))
				bucket.slots[slot].account = slots[i];
		kernel_put(kernel->maps.ag_services4, &found.home, &bucket);
		check_one(kernel, UNMATCHED, &spec);
	}
	allowgate_bpf__destroy(kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jumbo),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_tags_where_nobody_enforces),
		cmocka_unit_test(test_config_flags),
		cmocka_unit_test(test_word_alone_decides),
		cmocka_unit_test(test_no_list),
		cmocka_unit_test(test_sides),
		cmocka_unit_test(test_impossible_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
