// SPDX-License-Identifier: GPL-2.0-only
/* test_shortlist.c - short lists in lines: as the model's list, and back, and nothing else */
#include "userspace/core/shortlist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/list_fixture.h"

#define LINES_MAX 8

static const enum ag_family families[] = {AG_FAMILY_IPV4, AG_FAMILY_IPV6};

static size_t entries_max(enum ag_family family)
{
	return family == AG_FAMILY_IPV4 ? AG_LINES4_MAX * AG_LINE4_ENTRIES : AG_LINES6_MAX * AG_LINE6_ENTRIES;
}

static void lines_for_a_number_of_entries(void **state)
{
	(void)state;
	assert_int_equal(shortlist_lines(AG_FAMILY_IPV4, 0), 0);
	assert_int_equal(shortlist_lines(AG_FAMILY_IPV4, 1), 1);
	assert_int_equal(shortlist_lines(AG_FAMILY_IPV4, 8), 1);
	assert_int_equal(shortlist_lines(AG_FAMILY_IPV4, 9), 2);
	assert_int_equal(shortlist_lines(AG_FAMILY_IPV4, 40), 5);
	assert_int_equal(shortlist_lines(AG_FAMILY_IPV4, 41), SHORTLIST_TOO_LONG);
	assert_int_equal(shortlist_lines(AG_FAMILY_IPV6, 3), 1);
	assert_int_equal(shortlist_lines(AG_FAMILY_IPV6, 4), 2);
	assert_int_equal(shortlist_lines(AG_FAMILY_IPV6, 24), 8);
	assert_int_equal(shortlist_lines(AG_FAMILY_IPV6, 25), SHORTLIST_TOO_LONG);
	assert_int_equal(shortlist_lines(AG_FAMILY_IPV6, SIZE_MAX), SHORTLIST_TOO_LONG);
}

static void an_entry_is_what_the_program_reads(void **state)
{
	struct compiled_entry entries[2] = {{.value = {.verdict = AG_ENTRY_DENY}}};
	struct ag_line lines[1];

	(void)state;
	assert_int_equal(prefix_parse("203.0.113.128/25", &entries[0].prefix, NULL), 0);
	assert_int_equal(prefix_parse("203.0.113.0/24", &entries[1].prefix, NULL), 0);
	assert_int_equal(shortlist_encode(AG_FAMILY_IPV4, entries, 2, lines, NULL), 0);
	assert_true(lines->v4.entries[0] == (0xcb007180ULL << 32 | AG_ENTRY_IS_DENY << 8 | 7));
	for (size_t i = 1; i < AG_LINE4_ENTRIES; i++)
		assert_true(lines->v4.entries[i] == (0xcb007100ULL << 32 | 8));
	assert_int_equal(prefix_parse("2001:db8:1::/48", &entries[0].prefix, NULL), 0);
	assert_int_equal(shortlist_encode(AG_FAMILY_IPV6, entries, 1, lines, NULL), 0);
	assert_true(lines->v6.high[2] == 0x20010db800010000ULL && lines->v6.low[2] == 0);
	assert_int_equal(lines->v6.meta[2], AG_ENTRY_IS_DENY << 8 | 48);
	assert_int_equal(lines->v6.pad, 0);
}

/* Where expiries and marks stand, which the program reads and writes. */
static void an_expiry_stands_by_its_position(void **state)
{
	struct compiled_entry entries[2] = {{.value = {.expires = 77, .seen = 0x1234}}}, *back;
	struct ag_line lines[2] = {0};
	uint32_t *expiries = shortlist_expiries(AG_FAMILY_IPV4, &lines[1], 1);
	size_t count;

	(void)state;
	assert_int_equal(prefix_parse("203.0.113.0/24", &entries[0].prefix, NULL), 0);
	assert_int_equal(prefix_parse("203.0.113.128/25", &entries[1].prefix, NULL), 0);
	assert_int_equal(shortlist_encode(AG_FAMILY_IPV4, entries, 2, lines, NULL), -EINVAL);
	assert_int_equal(shortlist_encode(AG_FAMILY_IPV4, entries, 2, lines, expiries), 0);
	assert_true(lines->v4.entries[0] == (0xcb007180ULL << 32 | 7));
	for (size_t i = 1; i < AG_LINE4_ENTRIES; i++) {
		assert_true((lines->v4.entries[i] | 0xffff0000) ==
			    (0xcb007100ULL << 32 | 0xffff0000 | AG_ENTRY_EXPIRES << 8 | 8));
		assert_int_equal(lines[1].expiries[i], 77);
	}
	assert_int_equal(lines->v4.entries[1] >> 16 & 0xffff, 0x1234);
	assert_int_equal(lines[1].expiries[0], 0);
	assert_int_equal(shortlist_decode(AG_FAMILY_IPV4, lines, 1, NULL, &back, &count), -EBADMSG);
	assert_int_equal(shortlist_decode(AG_FAMILY_IPV4, lines, 1, expiries, &back, &count), 0);
	assert_int_equal(back[0].value.seen, 0x1234);
	free(back);
	expiries[0] = 5; /* of an entry that says it has none */
	assert_int_equal(shortlist_decode(AG_FAMILY_IPV4, lines, 1, expiries, &back, &count), -EBADMSG);
	assert_ptr_equal(shortlist_expiries(AG_FAMILY_IPV6, &lines[1], 1), &lines[1].expiries[8]);
	assert_int_equal(ag_expiry_lines(1, 0), 1);
	assert_int_equal(ag_expiry_lines(1, 3), 2);
	assert_int_equal(ag_expiry_lines(2, 0), 1);
	assert_int_equal(ag_expiry_lines(AG_LINES4_MAX, AG_LINES6_MAX), 4);
}

static void check_matches(const struct list *list, const struct ag_line *lines, size_t line_count,
			  const uint32_t *expiries, const struct addr *source)
{
	struct compiled_entry got;
	bool found = shortlist_match(lines, line_count, expiries, source, FIXTURE_NOW, &got);

	assert_true(fixture_agree(list_match(list, source, FIXTURE_NOW), found, &got));
}

static void check_list(enum ag_family family, const struct list *list, uint64_t *seed)
{
	struct compiled_entry *entries = fixture_compile(list), *back;
	size_t line_count = shortlist_lines(family, list->count), back_count;
	struct ag_line lines[LINES_MAX], times[4] = {0};
	uint32_t *expiries = shortlist_expires(entries, list->count) ? times->expiries : NULL;

	assert_int_equal(shortlist_encode(family, entries, list->count, lines, expiries), 0);
	for (size_t i = 0; i < list->count * FIXTURE_EDGES; i++) {
		struct addr source = fixture_edge(&list->entries[i / FIXTURE_EDGES].prefix,
						  (unsigned int)(i % FIXTURE_EDGES), seed);

		check_matches(list, lines, line_count, expiries, &source);
	}
	for (size_t i = 0; i < 50; i++) {
		struct addr source = near_addr(family, seed);

		check_matches(list, lines, line_count, expiries, &source);
	}
	assert_int_equal(shortlist_decode(family, lines, line_count, expiries, &back, &back_count), 0);
	assert_int_equal(back_count, list->count);
	if (back_count)
		assert_memory_equal(back, entries, back_count * sizeof(*back));
	free(back);
	free(entries);
}

static void any_list_matches_as_the_model_and_comes_back(void **state)
{
	uint64_t seed = 20261124;

	(void)state;
	for (unsigned int round = 0; round < 1500; round++) {
		enum ag_family family = families[round % 2];
		struct list list = fixture_list(family, (enum fixture_kind)(round / 2 % FIXTURE_KINDS),
						random_next(&seed) % entries_max(family), &seed);

		if (list.count > entries_max(family))
			list.count = entries_max(family);
		if (round % 4 > 1)
			fixture_expire(&list, &seed);
		check_list(family, &list, &seed);
		list_clear(&list);
	}
}

/* Any bit that is turned, but of when an entry was last seen, gives another list or none, and no list that
 * would be written otherwise. */
static bool is_seen_bit(enum ag_family family, uint64_t bit)
{
	size_t in_line = bit % 512;

	if (family == AG_FAMILY_IPV4)
		return in_line % 64 >= 16 && in_line % 64 < 32;
	return in_line >= 384 && in_line < 480 && in_line % 32 >= 16;
}

static void what_is_decoded_is_what_is_written(void **state)
{
	uint64_t seed = 7;
	size_t refused = 0, taken = 0;

	(void)state;
	for (unsigned int round = 0; round < 6000; round++) {
		enum ag_family family = families[round % 2];
		struct list list = fixture_list(family, FIXTURE_NESTED, 1 + random_next(&seed) % 10, &seed);
		struct compiled_entry *entries = fixture_compile(&list), *back;
		struct ag_line lines[LINES_MAX], again[LINES_MAX];
		size_t line_count = shortlist_lines(family, list.count), count;
		uint64_t bit = random_next(&seed) % (line_count * 512);

		if (is_seen_bit(family, bit))
			bit -= AG_LINE4_SEEN_BITS;
		assert_int_equal(shortlist_encode(family, entries, list.count, lines, NULL), 0);
		lines[bit / 512].words[bit % 512 / 64] ^= 1ULL << bit % 64;
		if (shortlist_decode(family, lines, line_count, NULL, &back, &count)) {
			refused++;
		} else {
			assert_int_equal(shortlist_lines(family, count), line_count);
			assert_int_equal(shortlist_encode(family, back, count, again, NULL), 0);
			assert_memory_equal(lines, again, line_count * sizeof(*lines));
			free(back);
			taken++;
		}
		free(entries);
		list_clear(&list);
	}
	assert_true(refused > 3000 && taken > 100);
}

static void other_lines_are_refused(void **state)
{
	struct ag_line lines[LINES_MAX + 1] = {0};
	struct compiled_entry *back = NULL;
	size_t count = 1;
	uint64_t seed = 3;

	(void)state;
	assert_int_equal(shortlist_decode(AG_FAMILY_IPV4, lines, 2, NULL, &back, &count), -EBADMSG);
	assert_int_equal(shortlist_decode(AG_FAMILY_IPV4, lines, 6, NULL, &back, &count), -EBADMSG);
	assert_int_equal(shortlist_decode(AG_FAMILY_IPV6, lines, 1, NULL, &back, &count), -EBADMSG);
	assert_int_equal(shortlist_decode(AG_FAMILY_IPV6, lines, 9, NULL, &back, &count), -EBADMSG);
	for (size_t i = 0; i < 2000; i++) {
		for (size_t word = 0; word < LINES_MAX * 8; word++)
			lines[word / 8].words[word % 8] = random_next(&seed);
		assert_int_equal(shortlist_decode(families[i % 2], lines, 5, NULL, &back, &count), -EBADMSG);
	}
	assert_int_equal(shortlist_decode(AG_FAMILY_IPV4, lines, 0, NULL, &back, &count), 0);
	assert_null(back);
	assert_int_equal(count, 0);
}

static void more_than_fit_is_refused(void **state)
{
	struct compiled_entry entries[41] = {0};
	struct ag_line lines[LINES_MAX];

	(void)state;
	assert_int_equal(shortlist_encode(AG_FAMILY_IPV4, entries, 41, lines, NULL), -E2BIG);
	assert_int_equal(shortlist_encode(AG_FAMILY_IPV6, entries, 25, lines, NULL), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_for_a_number_of_entries),
		cmocka_unit_test(an_entry_is_what_the_program_reads),
		cmocka_unit_test(an_expiry_stands_by_its_position),
		cmocka_unit_test(any_list_matches_as_the_model_and_comes_back),
		cmocka_unit_test(what_is_decoded_is_what_is_written),
		cmocka_unit_test(other_lines_are_refused),
		cmocka_unit_test(more_than_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
