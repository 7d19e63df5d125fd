// SPDX-License-Identifier: GPL-2.0-only
/* test_listindex_plan.c - edits of a live index: after each store the old list or the new one, everywhere */
#include "userspace/core/listindex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/live_fixture.h"

static void every_store_leaves_the_old_or_the_new_list(void **state)
{
	size_t spread = 0, graces = 0;

	(void)state;
	for (unsigned int round = 0; round < 16; round++) {
		struct live live = {.family = round % 2 ? AG_FAMILY_IPV6 : AG_FAMILY_IPV4,
				    .seed = 99 + round,
				    .in_steps = true};

		live_begin(&live, round % 4 < 2 ? FIXTURE_HOSTS : FIXTURE_MIXED, 60);
		for (unsigned int i = 0; i < 150; i++) {
			struct compiled_entry entry = random_entry(&live, 5);

			edit_once(&live, random_next(&live.seed) % 2 ? COMPILE_ADD : COMPILE_REMOVE, &entry);
			check_read(&live, &live.list);
		}
		assert_true(live.done[0] > 5 && live.done[1] > 5 && live.done[2] > 5);
		spread += live.spread;
		graces += live.graces;
		live_end(&live);
	}
	assert_true(spread > 20 && graces > 5);
}

/* 10,000 edits of one image, which is then what a fresh one of the list would be. */
static void thousands_of_edits_leave_what_a_fresh_index_is(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 4; round++) {
		struct live live = {.family = round % 2 ? AG_FAMILY_IPV6 : AG_FAMILY_IPV4, .seed = 7 + round};

		live_begin(&live, round < 2 ? FIXTURE_HOSTS : FIXTURE_MIXED, 100);
		for (unsigned int i = 0; i < 10000; i++) {
			struct compiled_entry entry = random_entry(&live, 6);
			bool comes = random_next(&live.seed) % 2 && live.list.count < 200;

			edit_once(&live, comes || live.list.count < 50 ? COMPILE_ADD : COMPILE_REMOVE,
				  &entry);
			check_either(&live, &live.list, i % 16 == 0, &entry);
			if (i % 64 == 0)
				check_read(&live, &live.list);
		}
		print_message(
			"# %zu came, %zu went, %zu changed, %zu in several slots; %zu graces, %zu built "
			"anew\n",
			live.done[0], live.done[1], live.done[2], live.spread, live.graces, live.rebuilds);
		assert_true(live.done[0] > 500 && live.done[1] > 500 && live.done[2] > 100);
		assert_true(live.spread > 100);
		check_read(&live, &live.list);
		live_end(&live);
	}
}

/* What plans never make is refused, or takes a fresh index: nothing half is built upon. */
static void half_an_edit_is_not_built_upon(void **state)
{
	struct live live = {.family = AG_FAMILY_IPV4, .seed = 9};
	struct compiled_entry entry = {.value = {.len = 29}}, around;
	struct listindex_edit edit, again;

	(void)state;
	for (unsigned int i = 0; i < 200; i++) { /* of one length: nothing is spread yet */
		struct addr addr = any_addr(live.family, &live.seed);
		struct prefix prefix = prefix_of(&addr, 32);

		fixture_add(&live.list, &prefix, &live.seed);
	}
	fixture_sort(&live.list);
	rebuild(&live);
	assert_int_equal(prefix_parse("198.51.100.8/29", &entry.prefix, NULL), 0);
	assert_int_equal(plan_with_room(&live, COMPILE_ADD, &entry, &edit), 0);
	for (size_t i = 0; i < edit.count; i++) {
		live.index.lines[edit.stores[i].word / 8].words[edit.stores[i].word % 8] =
			edit.stores[i].value;
		if (i > 2 && i + 4 < edit.count) {
			assert_int_equal(plan(&live, COMPILE_ADD, &entry, &again), -E2BIG);
			assert_int_equal(plan(&live, COMPILE_REMOVE, &entry, &again), -ENOENT);
		}
	}
	assert_int_not_equal(read_count(&live), SIZE_MAX);
	around = entry;
	assert_int_equal(
		listindex_plan(live.family, &live.index, COMPILE_REMOVE, &entry, &around, NULL, NULL, &edit),
		-EINVAL);
	assert_int_equal(prefix_parse("198.51.100.8/31", &around.prefix, NULL), 0);
	assert_int_equal(
		listindex_plan(live.family, &live.index, COMPILE_REMOVE, &entry, &around, NULL, NULL, &edit),
		-EINVAL);
	live_end(&live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_store_leaves_the_old_or_the_new_list),
		cmocka_unit_test(thousands_of_edits_leave_what_a_fresh_index_is),
		cmocka_unit_test(half_an_edit_is_not_built_upon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
