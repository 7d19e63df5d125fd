// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_hostile_lists.c - lists made to be slow or decided wrong: of all lengths, full, and, by somebody who
 * knows the seed, with keys that collide
 */
#include "tests/prog/hostile.h"

/* The next address up or down; false: there is none. */
static bool step(struct addr *addr, int by)
{
	for (size_t i = addr_size(addr); i > 0; i--) {
		addr->bytes[i - 1] = (uint8_t)(addr->bytes[i - 1] + by);
		if (addr->bytes[i - 1] != (by > 0 ? 0 : 0xff))
			return true;
	}
	return false;
}

static void check_source(struct allowgate_bpf *kernel, const struct list *list, const struct addr *source)
{
	static struct frame frame;
	struct outcome outcome;
	enum ag_verdict verdict = policy_decide(AG_MODE_ENFORCE, list, source, 0, NULL);
	char text[ADDR_TEXT_MAX];

	gate_frame(&frame, source);
	outcome = kernel_run(kernel, 1, &frame, 0);
	addr_format(source, text);
	if (outcome.verdict != verdict || outcome.slot != 0)
		fail_msg("%s: verdict %d, wanted %d", text, outcome.verdict, verdict);
}

/* The first address of each entry, its last, and those next to them. */
static void check_boundaries(struct allowgate_bpf *kernel, const struct list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct prefix *prefix = &list->entries[i].prefix;
		struct addr first = prefix->addr, last = prefix->addr;

		for (size_t bit = prefix->len; bit < addr_bits(&last); bit++)
			last.bytes[bit / 8] |= (uint8_t)(0x80U >> bit % 8);
		check_source(kernel, list, &first);
		check_source(kernel, list, &last);
		if (step(&first, -1))
			check_source(kernel, list, &first);
		if (step(&last, 1))
			check_source(kernel, list, &last);
	}
}

static struct addr filled_addr(enum ag_family family, uint8_t with)
{
	uint8_t bytes[16];

	memset(bytes, with, sizeof(bytes));
	return addr_make(family, bytes);
}

static void check_source_cost(struct allowgate_bpf *kernel, const struct addr *source, const char *what)
{
	static struct frame frame;

	gate_frame(&frame, source);
	check_cost(kernel, &frame, (enum ag_family)source->family, what);
}

/* Every length there is, one in the other, allowed and denied by turns: no index takes that. */
static void check_all_lengths(enum ag_family family)
{
	struct allowgate_bpf *kernel = load_gate();
	struct addr addr = filled_addr(family, 0xaa);
	union ag_account_state word;
	struct list list = {0};

	for (uint8_t len = 1; len <= addr_bits(&addr); len++)
		add_entry(&list, &addr, len, len % 2 ? AG_ENTRY_ALLOW : AG_ENTRY_DENY);
	word = put_list(kernel, 0, &list, KERNEL_INDEX);
	assert_int_equal(family == AG_FAMILY_IPV4 ? word.held4 : word.held6, AG_HELD_TRIE);
	check_boundaries(kernel, &list);
	check_source_cost(kernel, &addr, "a list of all lengths");
	list_clear(&list);
	allowgate_bpf__destroy(kernel);
}

static void test_lists_of_all_lengths(void **state)
{
	(void)state;
	check_all_lengths(AG_FAMILY_IPV4);
	check_all_lengths(AG_FAMILY_IPV6);
}

/* As many lengths as an index is looked under, with too many entries of each for any to be spread. */
static void check_most_lengths(struct allowgate_bpf *kernel, enum ag_family family)
{
	struct addr addr = filled_addr(family, 0);
	uint8_t apart = (uint8_t)(addr_bits(&addr) / AG_INDEX_LENGTHS_MAX);
	union ag_account_state word;
	struct list list = {0};

	for (uint8_t n = 1; n <= AG_INDEX_LENGTHS_MAX * 31; n++) {
		addr.bytes[0] = n;
		add_entry(&list, &addr, (uint8_t)(addr_bits(&addr) - n % AG_INDEX_LENGTHS_MAX * (apart - 1U)),
			  n % 3 ? AG_ENTRY_ALLOW : AG_ENTRY_DENY);
	}
	word = put_list(kernel, 0, &list, KERNEL_INDEX);
	assert_int_equal(family == AG_FAMILY_IPV4 ? word.held4 : word.held6, AG_HELD_INDEX);
	check_boundaries(kernel, &list);
	list_clear(&list);
}

static void test_indexes_of_most_lengths(void **state)
{
	struct allowgate_bpf *kernel = load_gate();

	(void)state;
	check_most_lengths(kernel, AG_FAMILY_IPV4);
	check_most_lengths(kernel, AG_FAMILY_IPV6);
	allowgate_bpf__destroy(kernel);
}

/* Every length once more, as many at a time as lines have room for. */
static void check_all_lengths_short(struct allowgate_bpf *kernel, enum ag_family family, uint8_t room)
{
	const struct addr addr = filled_addr(family, 0xaa);
	union ag_account_state word;
	uint8_t len = 1;

	while (len <= addr_bits(&addr)) {
		struct list list = {0};

		for (; list.count < room && len <= addr_bits(&addr); len++)
			add_entry(&list, &addr, len, len % 2 ? AG_ENTRY_ALLOW : AG_ENTRY_DENY);
		word = put_list(kernel, 0, &list, KERNEL_SHORT);
		assert_true(word.held4 <= AG_LINES4_MAX && word.held6 <= AG_LINES6_MAX);
		check_boundaries(kernel, &list);
		list_clear(&list);
	}
}

static void test_short_lists_of_all_lengths(void **state)
{
	struct allowgate_bpf *kernel = load_gate();

	(void)state;
	check_all_lengths_short(kernel, AG_FAMILY_IPV4, AG_LINES4_MAX * AG_LINE4_ENTRIES);
	check_all_lengths_short(kernel, AG_FAMILY_IPV6, AG_LINES6_MAX * AG_LINE6_ENTRIES);
	allowgate_bpf__destroy(kernel);
}

/* As many entries as lines have room for, of all lengths from whole addresses on; then one more. */
/* One so large that it has a filter: what is listed passes it, and of what is not, each is still stopped. */
static void check_filtered(struct allowgate_bpf *kernel, enum ag_family family)
{
	struct list list = {0};
	struct addr addr = filled_addr(family, 0x31);

	for (uint32_t i = 0; i < 40000; i++) {
		uint32_t number = i * 2654435761U;

		memcpy(addr.bytes, &number, sizeof(number));
		addr.bytes[0] = 10;
		add_entry(&list, &addr, addr_bits(&addr), i % 8 ? AG_ENTRY_ALLOW : AG_ENTRY_DENY);
	}
	put_list(kernel, 0, &list, KERNEL_INDEX);
	for (uint32_t i = 0; i < list.count; i += 40) {
		addr = list.entries[i].prefix.addr;
		check_source(kernel, &list, &addr);
		addr.bytes[1] ^= 0x40;
		check_source(kernel, &list, &addr);
	}
	list_clear(&list);
}

static void test_index_with_a_filter(void **state)
{
	struct allowgate_bpf *kernel = load_gate();

	(void)state;
	check_filtered(kernel, AG_FAMILY_IPV4);
	check_filtered(kernel, AG_FAMILY_IPV6);
	allowgate_bpf__destroy(kernel);
}

static void test_full_lines(void **state)
{
	const uint8_t count[] = {AG_LINES4_MAX * AG_LINE4_ENTRIES, AG_LINES6_MAX * AG_LINE6_ENTRIES};
	struct addr addr[] = {filled_addr(AG_FAMILY_IPV4, 0x55), filled_addr(AG_FAMILY_IPV6, 0x55)};
	struct allowgate_bpf *kernel = load_gate();
	union ag_account_state word;
	struct list list = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(addr); i++) {
		for (uint8_t n = 0; n < count[i]; n++) {
			addr[i].bytes[0] = n % 2 ? (n < 24 ? 0x55 : 0x54) : (uint8_t)(0x56 + n);
			add_entry(&list, &addr[i], (uint8_t)(addr_bits(&addr[i]) - n % 24),
				  n % 3 ? AG_ENTRY_ALLOW : AG_ENTRY_DENY);
		}
	}
	word = put_list(kernel, 0, &list, KERNEL_SHORT);
	assert_int_equal(word.held4, AG_LINES4_MAX);
	assert_int_equal(word.held6, AG_LINES6_MAX);
	check_boundaries(kernel, &list);
	for (size_t i = 0; i < COUNT(addr); i++) {
		addr[i].bytes[0] = 0x44;
		check_source_cost(kernel, &addr[i], "full lines");
		add_entry(&list, &addr[i], 16, AG_ENTRY_ALLOW);
	}
	word = put_list(kernel, 0, &list, KERNEL_SHORT);
	assert_true(word.held4 > AG_LINES4_MAX && word.held6 > AG_LINES6_MAX);
	check_boundaries(kernel, &list);
	list_clear(&list);
	allowgate_bpf__destroy(kernel);
}

/* --- lists whose keys all want the same place ------------------------------------- */

#define COLLIDING 200 /* entries */
#define CROWDED	  20  /* of them, where not all collide */

/* Buckets that an index of so many whole addresses has. */
static uint32_t buckets_of(enum ag_family family, const struct compiled_entry *entries, size_t count)
{
	struct listindex index = {0};
	struct ag_index_header header;

	kernel_check(listindex_build(family, entries, count, KERNEL_SEED, &index), "build an index");
	memcpy(&header, index.lines, sizeof(header));
	assert_int_equal(header.seed, KERNEL_SEED);
	free(index.lines);
	return header.buckets;
}

static struct addr nth_addr(enum ag_family family, uint32_t n)
{
	struct addr addr = addr_of(family == AG_FAMILY_IPV4 ? "10.0.0.0" : "2001:db8:77::");
	size_t size = addr_size(&addr);

	for (size_t i = 1; i <= 3; i++)
		addr.bytes[size - i] = (uint8_t)(n >> (i - 1) * 8);
	return addr;
}

/* Of a whole address in an index of KERNEL_SEED. */
static uint64_t hash_of(const struct addr *addr)
{
	uint64_t high = 0, low = 0;

	for (int i = 0; i < 8; i++) {
		high = high << 8 | addr->bytes[i];
		low = low << 8 | addr->bytes[i + 8];
	}
	return addr->family == AG_FAMILY_IPV4 ? ag_hash(high | 32U << 24, KERNEL_SEED)
					      : ag_hash6(high, low, 128, KERNEL_SEED);
}

/* What the keys of a list have in common. */
enum crowd {
	CROWD_NONE,
	CROWD_HOME, /* some their home, too many for it, but their other buckets differ */
	CROWD_PAIR, /* all both their buckets */
};

/* Whether the n-th address goes into the list. */
static bool in_crowd(enum ag_family family, uint32_t n, enum crowd crowd, uint32_t buckets)
{
	const struct addr first = nth_addr(family, 0), addr = nth_addr(family, n);
	uint64_t wanted = hash_of(&first), hash = hash_of(&addr);

	if (crowd == CROWD_NONE)
		return true;
	if (ag_hash_home(hash, buckets) != ag_hash_home(wanted, buckets))
		return false;
	return crowd == CROWD_HOME || ag_hash_other(hash, buckets) == ag_hash_other(wanted, buckets);
}

/* Whole addresses; returns the last that is of the crowd. */
static struct addr craft_list(enum ag_family family, enum crowd crowd, uint32_t buckets, struct list *list)
{
	struct addr addr, last = nth_addr(family, 0);

	for (uint32_t n = 0; list->count < COLLIDING; n++) {
		if (crowd == CROWD_HOME && list->count == CROWDED)
			crowd = CROWD_NONE;
		if (!in_crowd(family, n, crowd, buckets))
			continue;
		addr = nth_addr(family, n);
		add_entry(list, &addr, addr_bits(&addr), list->count % 2 ? AG_ENTRY_ALLOW : AG_ENTRY_DENY);
		if (crowd != CROWD_NONE)
			last = addr;
	}
	return last;
}

static const struct compiled_entry *entries_of(const struct compiled_account *compiled, enum ag_family family)
{
	return family == AG_FAMILY_IPV4 ? compiled->entries4 : compiled->entries6;
}

/* With a seed that nobody knew when the list was made. */
static void check_other_seed(struct allowgate_bpf *kernel, enum ag_family family, struct list *list)
{
	struct compiled_account compiled = compile_list(0, list);
	const struct kernel_list held = {.kernel = kernel, .family = family, .place = ag_long_place(0, 0)};
	union ag_account_state word = {.flags = AG_ACCOUNT_ACTIVE};
	struct listindex index = {0};

	kernel_check(listindex_build(family, entries_of(&compiled, family), COLLIDING, ~KERNEL_SEED, &index),
		     "another seed");
	kernel_put_image(&held, &index);
	word.held4 = family == AG_FAMILY_IPV4 ? AG_HELD_INDEX : 0;
	word.held6 = family == AG_FAMILY_IPV6 ? AG_HELD_INDEX : 0;
	kernel_put_word(kernel, 0, word);
	check_boundaries(kernel, list);
	free(index.lines);
	compiled_account_clear(&compiled);
}

static void check_colliding(enum ag_family family, enum crowd crowd)
{
	struct list any = {0}, list = {0};
	struct allowgate_bpf *kernel = load_gate();
	struct compiled_account compiled;
	union ag_account_state word;
	struct addr source;

	(void)craft_list(family, CROWD_NONE, 1, &any);
	compiled = compile_list(0, &any);
	source = craft_list(family, crowd, buckets_of(family, entries_of(&compiled, family), COLLIDING),
			    &list);
	word = put_list(kernel, 0, &list, KERNEL_INDEX);
	assert_int_equal(family == AG_FAMILY_IPV4 ? word.held4 : word.held6,
			 crowd == CROWD_PAIR ? AG_HELD_TRIE : AG_HELD_INDEX);
	check_boundaries(kernel, &list);
	check_source_cost(kernel, &source,
			  crowd == CROWD_PAIR ? "keys of one pair of buckets" : "keys of one home");
	if (crowd == CROWD_PAIR)
		check_other_seed(kernel, family, &list);
	compiled_account_clear(&compiled);
	list_clear(&any);
	list_clear(&list);
	allowgate_bpf__destroy(kernel);
}

static void test_lists_that_collide(void **state)
{
	(void)state;
	for (enum crowd crowd = CROWD_HOME; crowd <= CROWD_PAIR; crowd++) {
		check_colliding(AG_FAMILY_IPV4, crowd);
		check_colliding(AG_FAMILY_IPV6, crowd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists_of_all_lengths),
		cmocka_unit_test(test_indexes_of_most_lengths),
		cmocka_unit_test(test_short_lists_of_all_lengths),
		cmocka_unit_test(test_index_with_a_filter),
		cmocka_unit_test(test_full_lines),
		cmocka_unit_test(test_lists_that_collide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
