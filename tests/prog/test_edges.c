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

/* A change is the state's word and the outer map's element, nothing else. */
static void test_state_alone_decides(void **state)
{
	static const struct frame_spec spec = {DENIED4, WEB4, TCP(443)};
	struct allowgate_bpf *kernel = load_world(false);
	struct ag_account account = {.state = {.active = 0, .mode = AG_MODE_ENFORCE}};
	const uint32_t slot = 0;

	(void)state;
	check_one(kernel, STOPPED("web"), &spec);
	kernel_put(kernel->maps.ag_accounts, &slot, &account);
	check_one(kernel, OPEN("web"), &spec);
	account.state.active = 1;
	account.state.mode = AG_MODE_MONITOR;
	kernel_put(kernel->maps.ag_accounts, &slot, &account);
	check_one(kernel, WATCHED("web"), &spec);
	account.state.mode = AG_MODE_OFF;
	kernel_put(kernel->maps.ag_accounts, &slot, &account);
	check_one(kernel, OPEN("web"), &spec);
	allowgate_bpf__destroy(kernel);
}

/* An active account whose lists are not there lets nobody in. */
static void test_no_list(void **state)
{
	static const struct frame_spec ipv4 = {ALLOWED4, WEB4, TCP(443)}, ipv6 = {ALLOWED6, WEB6, TCP(443)};
	struct allowgate_bpf *kernel = load_world(false);
	const uint32_t slot = 0;

	(void)state;
	check_one(kernel, PASSES("web"), &ipv4);
	kernel_check(bpf_map_delete_elem(bpf_map__fd(kernel->maps.ag_lists4), &slot), "delete");
	check_one(kernel, STOPPED("web"), &ipv4);
	check_one(kernel, PASSES("web"), &ipv6);
	kernel_check(bpf_map_delete_elem(bpf_map__fd(kernel->maps.ag_lists6), &slot), "delete");
	check_one(kernel, STOPPED("web"), &ipv6);
	allowgate_bpf__destroy(kernel);
}

/* A service that names a slot which is none belongs to nobody; nothing else is touched. */
static void test_impossible_slot(void **state)
{
	static const struct frame_spec spec = {DENIED4, WEB4, TCP(443)};
	static const uint32_t slots[] = {KERNEL_ACCOUNTS_MAX, AG_NO_ACCOUNT, 0x80000000U};
	struct allowgate_bpf *kernel = load_world(false);
	struct ag_service_key key;
	struct service service;

	(void)state;
	kernel_check(service_parse("192.0.2.10:443/tcp", &service, NULL), "parse");
	key = compile_service_key(&service);
	for (size_t i = 0; i < COUNT(slots); i++) {
		kernel_put(kernel->maps.ag_services, &key, &slots[i]);
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
		cmocka_unit_test(test_state_alone_decides),
		cmocka_unit_test(test_no_list),
		cmocka_unit_test(test_impossible_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
