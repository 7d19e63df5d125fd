// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_structure.c - what the program's speed rests on, without a clock: its size, what it asks, lines
 * touched
 *
 * A limit is some 10 % above what was counted when it was set. To raise one, measure first that the packet
 * does not pay for it (`make bench-quick`), and say so in the commit. Sizes of instructions differ a little
 * by compiler and kernel, which the slack is for.
 */
#include "tests/prog/world.h"

struct measure {
	const char *name;
	uint32_t is;
	uint32_t limit;
};

static void check_measures(const struct measure *measures, size_t count)
{
	for (size_t i = 0; i < count; i++)
		print_message("%s: %u, limit %u\n", measures[i].name, measures[i].is, measures[i].limit);
	for (size_t i = 0; i < count; i++)
		if (measures[i].is > measures[i].limit)
			fail_msg("%s: %u, more than %u", measures[i].name, measures[i].is, measures[i].limit);
}

/* Maps named and helpers called, in all of the program. */
static void count_references(const struct bpf_program *program, uint32_t *maps, uint32_t *helpers)
{
	const struct bpf_insn *insns = bpf_program__insns(program);

	for (size_t i = 0; i < bpf_program__insn_cnt(program); i++) {
		*maps += insns[i].code == (BPF_LD | BPF_DW | BPF_IMM) &&
			 insns[i].src_reg == BPF_PSEUDO_MAP_FD;
		*helpers += insns[i].code == (BPF_JMP | BPF_CALL) && !insns[i].src_reg;
	}
}

static void test_program_size(void **state)
{
	struct allowgate_bpf *kernel = kernel_load(true, 100);
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info), maps = 0, helpers = 0;

	(void)state;
	kernel_check(bpf_obj_get_info_by_fd(bpf_program__fd(kernel->progs.ag_ingress), &info, &len), "info");
	count_references(kernel->progs.ag_ingress, &maps, &helpers);
	const struct measure measures[] = {
		{"instructions the verifier walked", info.verified_insns, 184000},
		{"bytes of instructions", info.xlated_prog_len, 55000},
		{"bytes of machine code", info.jited_prog_len, 30400},
		{"references to maps", maps, 72},
		{"calls of helpers", helpers, 147},
	};
	check_measures(measures, COUNT(measures));
	allowgate_bpf__destroy(kernel);
}

/* An ordinary packet of one account with ten entries: its service's bucket, the word, the list, the counters.
 */
static void test_lines_touched(void **state)
{
	const uint32_t line = sizeof(struct ag_line);
	const struct measure measures[] = {
		{"bucket of services, IPv4", sizeof(struct ag_service4_bucket) / line, 1},
		{"bucket of services, IPv6", sizeof(struct ag_service6_bucket) / line, 1},
		{"bytes of an account's word", sizeof(struct ag_account), 8},
		{"lines of ten entries, IPv4", shortlist_lines(AG_FAMILY_IPV4, 10), 2},
		{"lines of ten entries, IPv6", shortlist_lines(AG_FAMILY_IPV6, 10), 4},
		{"bucket of an index, IPv4", sizeof(struct ag_index4_bucket) / line, 1},
		{"bucket of an index, IPv6", sizeof(struct ag_index6_bucket) / line, 1},
		{"bytes of an account's counters", sizeof(struct ag_account_counters), 64},
	};

	(void)state;
	assert_int_equal(line, 64);
	check_measures(measures, COUNT(measures));
}

static void empty_map(const struct bpf_map *map, size_t key_size)
{
	uint8_t key[32];

	assert_true(key_size <= sizeof(key));
	while (bpf_map_get_next_key(bpf_map__fd(map), NULL, key) == 0)
		kernel_check(bpf_map_delete_elem(bpf_map__fd(map), key), bpf_map__name(map));
}

/* What only packets need that do not go the short way. */
static void empty_other_tables(struct allowgate_bpf *kernel)
{
	empty_map(kernel->maps.ag_dests, sizeof(struct ag_dest_key));
	empty_map(kernel->maps.ag_dest_prefixes, sizeof(struct ag_dest_prefix_key));
	empty_map(kernel->maps.ag_services, sizeof(struct ag_service_key));
	empty_map(kernel->maps.ag_failsafe, sizeof(struct ag_dest_prefix_key));
}

/*
 * Where a service of its own is found, nothing else is asked: the same verdicts with every table empty that
 * only other packets need. One that does need them shows that they are empty.
 */
static void test_short_way_asks_nothing_else(void **state)
{
	static const struct row rows[] = {
		{"listed", {ALLOWED4, WEB4, TCP(443)}, PASSES("web")},
		{"not listed", {DENIED4, WEB4, TCP(443)}, STOPPED("web")},
		{"listed, IPv6", {ALLOWED6, WEB6, TCP(443)}, PASSES("web")},
		{"not listed, IPv6", {DENIED6, WEB6, TCP(443)}, STOPPED("web")},
		{"monitor", {DENIED4, TO("192.0.2.11"), TCP(443)}, WATCHED("watch")},
		{"off", {DENIED4, TO("192.0.2.12"), TCP(443)}, OPEN("off")},
		{"tagged: the whole way", {TAGS(FRAME_VLAN), DENIED4, WEB4, TCP(443)}, UNMATCHED},
	};
	struct allowgate_bpf *kernel = load_world(true);

	(void)state;
	empty_other_tables(kernel);
	kernel_put_config(kernel, 0);
	for (size_t i = 0; i < COUNT(rows); i++)
		check_row(kernel, &rows[i], 0);
	allowgate_bpf__destroy(kernel);
}

/* Of the kinds of service the short way asks for those that stand somewhere, each by its own flag. */
static void test_short_way_asks_kinds_there_are(void **state)
{
	static const struct {
		uint32_t flag;
		struct row row;
	} cases[] = {
		{AG_CONFIG_PORT, {"port", {DENIED4, TO("198.18.0.21"), UDP(443)}, STOPPED("port")}},
		{AG_CONFIG_PROTO, {"protocol", {DENIED4, TO("198.18.0.21"), TCP(99)}, STOPPED("proto")}},
		{AG_CONFIG_ANY, {"any", {DENIED4, TO("198.18.0.21"), UDP(99)}, STOPPED("any")}},
		{AG_CONFIG_ANY, {"any, IPv6", {DENIED6, TO("2001:db8::13"), UDP(99)}, OPEN("empty")}},
	};
	struct allowgate_bpf *kernel = load_world(true);

	(void)state;
	empty_other_tables(kernel);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct row without = {"without its flag", cases[i].row.spec, UNMATCHED};

		kernel_put_config(kernel, cases[i].flag);
		check_row(kernel, &cases[i].row, 0);
		kernel_put_config(kernel, 0);
		check_row(kernel, &without, 0);
	}
	allowgate_bpf__destroy(kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_program_size),
		cmocka_unit_test(test_lines_touched),
		cmocka_unit_test(test_short_way_asks_nothing_else),
		cmocka_unit_test(test_short_way_asks_kinds_there_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
