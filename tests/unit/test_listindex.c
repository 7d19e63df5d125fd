// SPDX-License-Identifier: GPL-2.0-only
/* test_listindex.c - indexes: any list as the model's, built, read back, and hostile ones refused */
#include "userspace/core/listindex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "bpf/hash.h"
#include "tests/unit/list_fixture.h"

static const enum ag_family families[] = {AG_FAMILY_IPV4, AG_FAMILY_IPV6};

static struct ag_index_header header_of(const struct listindex *index)
{
	struct ag_index_header header;

	memcpy(&header, index->lines, sizeof(header));
	return header;
}

static void check_matches(const struct list *list, const struct listindex *index, const struct addr *source)
{
	struct compiled_entry got;
	bool found = listindex_match(index, source, FIXTURE_NOW, &got);

	assert_true(fixture_agree(list_match(list, source, FIXTURE_NOW), found, &got));
}

static void check_everywhere(const struct list *list, enum ag_family family, const struct listindex *index,
			     uint64_t *seed)
{
	for (size_t i = 0; i < list->count * FIXTURE_EDGES; i++) {
		struct addr source = fixture_edge(&list->entries[i / FIXTURE_EDGES].prefix,
						  (unsigned int)(i % FIXTURE_EDGES), seed);

		check_matches(list, index, &source);
	}
	for (size_t i = 0; i < 100; i++) {
		struct addr source = i % 2 ? near_addr(family, seed) : any_addr(family, seed);

		check_matches(list, index, &source);
	}
}

/* What is read is the list, less those that nobody can match. */
static void check_read(enum ag_family family, const struct compiled_entry *entries, size_t count,
		       const struct listindex *index)
{
	struct compiled_entry *back;
	size_t back_count, at = 0;

	assert_int_equal(listindex_read(family, index, &back, &back_count), 0);
	for (size_t i = 0; i < count; i++) {
		assert_true(listindex_holds(family, index, &entries[i]));
		if (at < back_count && compiled_entry_equal(&back[at], &entries[i]))
			at++;
		else
			assert_true(entries[i].prefix.len < header_of(index).lengths[0]);
	}
	assert_int_equal(at, back_count);
	assert_int_equal(listindex_count(index), count);
	free(back);
}

static void any_list_matches_as_the_model_and_comes_back(void **state)
{
	uint64_t seed = 20261125;
	size_t built = 0;

	(void)state;
	for (unsigned int round = 0; round < 240; round++) {
		enum ag_family family = families[round % 2];
		struct list list = fixture_list(family, (enum fixture_kind)(round / 2 % FIXTURE_KINDS),
						1 + random_next(&seed) % 200, &seed);
		struct compiled_entry *entries;
		struct listindex index;
		int r;

		if (round % 4 > 1)
			fixture_expire(&list, &seed);
		entries = fixture_compile(&list);
		r = listindex_build(family, entries, list.count, random_next(&seed), &index);

		if (r == 0) {
			check_everywhere(&list, family, &index, &seed);
			check_read(family, entries, list.count, &index);
			free(index.lines);
			built++;
		} else {
			assert_int_equal(r, -E2BIG);
		}
		free(entries);
		list_clear(&list);
	}
	assert_true(built > 100);
}

static void no_list_and_the_ends_of_the_space(void **state)
{
	static const char *const texts[] = {"0.0.0.0/2", "255.255.255.254/31", "255.255.255.255", "0.0.0.0"};
	struct list list = {0};
	struct compiled_entry *entries;
	struct listindex index;
	uint64_t seed = 5;

	(void)state;
	assert_int_equal(listindex_build(AG_FAMILY_IPV4, NULL, 0, 1, &index), 0);
	assert_int_equal(listindex_count(&index), 0);
	check_everywhere(&list, AG_FAMILY_IPV4, &index, &seed);
	free(index.lines);
	for (size_t i = 0; i < 4; i++) {
		struct prefix prefix;

		assert_int_equal(prefix_parse(texts[i], &prefix, NULL), 0);
		fixture_add(&list, &prefix, &seed);
	}
	fixture_sort(&list);
	entries = fixture_compile(&list);
	assert_int_equal(listindex_build(AG_FAMILY_IPV4, entries, list.count, 1, &index), 0);
	check_everywhere(&list, AG_FAMILY_IPV4, &index, &seed);
	check_read(AG_FAMILY_IPV4, entries, list.count, &index);
	free(index.lines);
	free(entries);
	list_clear(&list);
}

/* Lengths that are far apart are looked under each; what is near is spread, and the fewest lengths are taken.
 */
static void lengths_are_few(void **state)
{
	uint64_t seed = 11;
	struct list list = {0};
	struct compiled_entry *entries;
	struct listindex index;
	struct ag_index_header header;

	(void)state;
	for (size_t i = 0; i < 3000; i++) {
		struct addr addr = any_addr(AG_FAMILY_IPV4, &seed);
		struct prefix prefix = prefix_of(&addr, i % 10 == 0 ? 31 : i % 3 == 0 ? 24 : 32);

		fixture_add(&list, &prefix, &seed);
	}
	fixture_sort(&list);
	entries = fixture_compile(&list);
	assert_int_equal(listindex_build(AG_FAMILY_IPV4, entries, list.count, 1, &index), 0);
	header = header_of(&index);
	assert_int_equal(header.lengths[0], 32);
	assert_int_equal(header.lengths[1], 24);
	assert_int_equal(header.lengths[2], 0);
	assert_in_range(header.slots_used, list.count, list.count * LISTINDEX_SPREAD_MAX / 100);
	assert_in_range(header.buckets * 4ULL * 65, header.slots_used * 100ULL,
			header.slots_used * 100ULL + 4 * 65);
	check_everywhere(&list, AG_FAMILY_IPV4, &index, &seed);
	free(index.lines);
	free(entries);
	list_clear(&list);
}

static void a_list_of_every_length_takes_a_trie(void **state)
{
	uint64_t seed = 13;

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		struct list list = fixture_list(families[f], FIXTURE_NESTED, 5000, &seed);
		struct compiled_entry *entries = fixture_compile(&list), all = {0};
		struct listindex index;

		assert_int_equal(listindex_build(families[f], entries, list.count, 1, &index), -E2BIG);
		all.prefix.addr.family = (uint8_t)families[f]; /* a /0 */
		assert_int_equal(listindex_build(families[f], &all, 1, 1, &index), -EINVAL);
		free(entries);
		list_clear(&list);
	}
}

#define COLLIDING 40

/* Addresses that all want the same two buckets of those that so many entries get. */
static void keys_that_collide_need_another_seed(void **state)
{
	const uint64_t known = 0x1234567890abcdefULL;
	const uint32_t buckets = (COLLIDING * 100 + 259) / 260;
	struct compiled_entry entries[COLLIDING];
	struct listindex index;
	size_t count = 0;

	(void)state;
	for (uint32_t i = 1; count < COLLIDING; i++) {
		uint64_t hash = ag_hash((uint64_t)i << 32 | 32U << 24, known);
		unsigned __int128 number = (unsigned __int128)i << 96;

		if (ag_hash_home(hash, buckets) > 1 || ag_hash_other(hash, buckets) > 1)
			continue;
		entries[count++] = (struct compiled_entry){
			.prefix = number_to_prefix(AG_FAMILY_IPV4, number, 32), .value = {.len = 32}};
	}
	assert_int_equal(listindex_build(AG_FAMILY_IPV4, entries, count, known, &index), -E2BIG);
	assert_int_equal(listindex_build(AG_FAMILY_IPV4, entries, count, known + 1, &index), 0);
	check_read(AG_FAMILY_IPV4, entries, count, &index);
	free(index.lines);
}

/* Every reader of an image that anything may be in; what it takes for a list must be one. */
static size_t check_hostile(enum ag_family family, const struct listindex *index, uint64_t *seed)
{
	struct addr source = any_addr(family, seed);
	struct compiled_entry got, entry = {.prefix = prefix_of(&source, 24), .value = {.len = 24}}, *back;
	struct listindex_edit edit;
	size_t count;
	int r;

	(void)listindex_match(index, &source, FIXTURE_NOW, &got);
	(void)listindex_holds(family, index, &entry);
	(void)listindex_plan(family, index, COMPILE_ADD, &entry, NULL, NULL, NULL, &edit);
	(void)listindex_plan(family, index, COMPILE_REMOVE, &entry, NULL, NULL, NULL, &edit);
	r = listindex_read(family, index, &back, &count);
	if (r) {
		assert_int_equal(r, -EBADMSG);
		return 0;
	}
	for (size_t i = 1; i < count; i++)
		assert_true(prefix_compare(&back[i - 1].prefix, &back[i].prefix) < 0);
	free(back);
	return 1;
}

static void damage_is_refused(void **state)
{
	uint64_t seed = 17;
	size_t taken = 0, rounds = 0;

	(void)state;
	for (unsigned int list_number = 0; list_number < 12; list_number++) {
		enum ag_family family = families[list_number % 2];
		struct list list = fixture_list(family, FIXTURE_MIXED, 40, &seed);
		struct compiled_entry *entries = fixture_compile(&list);
		struct listindex index;

		assert_int_equal(listindex_build(family, entries, list.count, 1, &index), 0);
		for (unsigned int i = 0; i < 400; i++, rounds++) {
			uint64_t bit = random_next(&seed) % (index.line_count * 512);

			index.lines[bit / 512].words[bit % 512 / 64] ^= 1ULL << bit % 64;
			taken += check_hostile(family, &index, &seed);
			index.lines[bit / 512].words[bit % 512 / 64] ^= 1ULL << bit % 64;
		}
		for (size_t i = 0; i < 200; i++) {
			for (size_t word = i % 2 ? 8 : 0; word < index.line_count * 8; word++)
				index.lines[word / 8].words[word % 8] = random_next(&seed);
			assert_int_equal(check_hostile(family, &index, &seed), 0);
		}
		free(index.lines);
		free(entries);
		list_clear(&list);
	}
	/* a verdict, a mark, a hair of a count, the address of a free slot are not to be told from others */
	assert_true(taken < rounds / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_list_matches_as_the_model_and_comes_back),
		cmocka_unit_test(no_list_and_the_ends_of_the_space),
		cmocka_unit_test(lengths_are_few),
		cmocka_unit_test(a_list_of_every_length_takes_a_trie),
		cmocka_unit_test(keys_that_collide_need_another_seed),
		cmocka_unit_test(damage_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
