// SPDX-License-Identifier: GPL-2.0-only
/* test_listindex_filter.c - the filter of a large index lets every key pass that is there, and few others */
#include "userspace/core/listindex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/list_fixture.h"

#define ENTRIES 40000
#define LINE	8 /* words */

static struct list hosts(enum ag_family family, uint64_t *seed)
{
	struct list list = {0};

	for (size_t i = 0; i < ENTRIES; i++) {
		struct addr addr = any_addr(family, seed);
		struct prefix prefix = prefix_of(&addr, addr_bits(&addr));

		fixture_add(&list, &prefix, seed);
	}
	fixture_sort(&list);
	return list;
}

static uint32_t filter_lines(const struct listindex *index)
{
	struct ag_index_header header;

	memcpy(&header, index->lines, sizeof(header));
	return header.filter;
}

static void apply(struct listindex *index, const struct listindex_edit *edit)
{
	for (size_t i = 0; i < edit->count; i++)
		index->lines[edit->stores[i].word / LINE].words[edit->stores[i].word % LINE] =
			edit->stores[i].value;
}

/* Entries come and go in place; what comes is found, which it is not without its bits. */
static void edit_some(enum ag_family family, struct listindex *index, uint64_t *seed)
{
	size_t done = 0;

	for (unsigned int i = 0; i < 500; i++) {
		struct addr addr = any_addr(family, seed);
		struct compiled_entry entry = {.prefix = prefix_of(&addr, addr_bits(&addr)),
					       .value = {.len = addr_bits(&addr)}};
		struct compiled_entry found;
		struct listindex_edit edit;

		if (listindex_plan(family, index, COMPILE_ADD, &entry, NULL, NULL, NULL, &edit))
			continue; /* both buckets are full */
		apply(index, &edit);
		assert_true(listindex_match(index, &addr, FIXTURE_NOW, &found));
		assert_true(listindex_holds(family, index, &entry));
		assert_int_equal(
			listindex_plan(family, index, COMPILE_REMOVE, &entry, NULL, NULL, NULL, &edit), 0);
		apply(index, &edit);
		assert_false(listindex_match(index, &addr, FIXTURE_NOW, &found));
		done++;
	}
	assert_true(done > 300);
}

/* Without its bits an entry is not there: this is what reading back notices. */
static void miss_bits(enum ag_family family, struct listindex *index, const struct compiled_entry *entries,
		      size_t count)
{
	size_t missing = 0;

	memset(&index->lines[index->line_count - 1], 0, sizeof(*index->lines));
	for (size_t i = 0; i < count; i++)
		missing += !listindex_holds(family, index, &entries[i]);
	assert_true(missing > 0);
}

static void check_family(enum ag_family family, uint64_t seed)
{
	struct list list = hosts(family, &seed);
	struct compiled_entry *entries = fixture_compile(&list), *read, found;
	struct listindex index;
	size_t read_count;

	assert_int_equal(listindex_build(family, entries, list.count, seed, &index), 0);
	assert_true(filter_lines(&index) > 0);
	for (size_t i = 0; i < list.count; i++)
		assert_true(listindex_match(&index, &list.entries[i].prefix.addr, FIXTURE_NOW, &found) &&
			    listindex_holds(family, &index, &entries[i]));
	for (size_t i = 0; i < ENTRIES; i++) {
		struct addr addr = any_addr(family, &seed);

		assert_true(fixture_agree(list_match(&list, &addr, FIXTURE_NOW),
					  listindex_match(&index, &addr, FIXTURE_NOW, &found), &found));
	}
	edit_some(family, &index, &seed);
	assert_int_equal(listindex_read(family, &index, &read, &read_count), 0);
	assert_int_equal(read_count, list.count);
	assert_memory_equal(read, entries, read_count * sizeof(*read));
	miss_bits(family, &index, entries, list.count);
	free(read);
	free(entries);
	free(index.lines);
	list_clear(&list);
}

static void large_indexes_have_a_filter(void **state)
{
	(void)state;
	check_family(AG_FAMILY_IPV4, 5);
	check_family(AG_FAMILY_IPV6, 6);
}

static void small_ones_have_none(void **state)
{
	uint64_t seed = 7;
	struct list list = fixture_list(AG_FAMILY_IPV4, FIXTURE_MIXED, 1000, &seed);
	struct compiled_entry *entries = fixture_compile(&list);
	struct listindex index;

	(void)state;
	assert_int_equal(listindex_build(AG_FAMILY_IPV4, entries, list.count, seed, &index), 0);
	assert_int_equal(filter_lines(&index), 0);
	free(entries);
	free(index.lines);
	list_clear(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_indexes_have_a_filter),
		cmocka_unit_test(small_ones_have_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
