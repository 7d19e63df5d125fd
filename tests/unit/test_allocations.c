// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_allocations.c - what one small change asks of the heap, without a clock
 *
 * One entry is added to, set in and removed from lists of several sizes, from the request's structs to the
 * commit and the (fake) kernel. Limits are some 10 % above what was counted when they were set; what matters
 * most is that neither figure grows with the list. The sanitiser's allocator does the counting.
 */
#include "tests/unit/gate_fixture.h"

/* sanitizer/allocator_interface.h, which GCC does not install. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
					      void (*on_free)(const volatile void *));

static struct {
	bool on;
	uint32_t calls;
	size_t bytes;
} heap;

static void count_malloc(const volatile void *block, size_t bytes)
{
	(void)block;
	heap.calls += heap.on;
	heap.bytes += heap.on ? bytes : 0;
}

static void ignore_free(const volatile void *block)
{
	(void)block;
}

static void fill_list(struct fixture *fixture, uint32_t count)
{
	struct change change = change_of(CHANGE_ALLOW_REPLACE);
	struct outcome outcome = {0};
	struct ag_error error = {0};
	struct list list = {0};

	for (uint32_t i = 0; i < count; i++) {
		struct entry entry = {0};
		char text[32];

		(void)snprintf(text, sizeof(text), "10.%u.%u.%u", i >> 16, i >> 8 & 0xff, i & 0xff);
		assert_int_equal(prefix_parse(text, &entry.prefix, NULL), 0);
		assert_int_equal(list_append(&list, &entry), 0);
	}
	assert_null(list_sort(&list));
	change.list = &list;
	change.force = true;
	assert_int_equal(apply_import(fixture, &change, IMPORT_WHOLE, &list, &outcome, &error), 0);
	outcome_clear(&outcome);
	list_clear(&list);
}

/* The second of two such changes: the first one prepares statements and grows what is kept. */
static void measure(struct fixture *fixture, enum change_kind kind, const char *first, const char *second)
{
	struct ag_error error = {0};

	assert_int_equal(apply_list(fixture, kind, PREFIXES(first), &error), 0);
	memset(&heap, 0, sizeof(heap));
	heap.on = true;
	assert_int_equal(apply_list(fixture, kind, PREFIXES(second), &error), 0);
	heap.on = false;
}

static void check(const char *what, uint32_t entries, uint32_t calls_limit, size_t bytes_max)
{
	print_message("%s, %u entries: %u allocations of %u, %zu bytes of %zu\n", what, entries, heap.calls,
		      calls_limit, heap.bytes, bytes_max);
	assert_in_range(heap.calls, 1, calls_limit);
	assert_in_range(heap.bytes, 1, bytes_max);
}

static void allow_long_lists(struct fixture *fixture)
{
	struct ag_error error = {0};

	gate_close(fixture->gate);
	fixture->gate = NULL;
	fixture->options.max_entries = 100000;
	assert_int_equal(gate_open(&fixture->options, &fixture->gate, &error), 0);
}

/* The fake kernel keeps a list in one block, and copies it: 28 bytes an entry are its own. */
static size_t bytes_limit(uint32_t entries)
{
	return 460000 + entries * (size_t)28;
}

static void test_one_change(void **state)
{
	static const uint32_t sizes[] = {1, 10, 1000, 20000};
	struct fixture *fixture = *state;

	allow_long_lists(fixture);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		fill_list(fixture, sizes[i]);
		measure(fixture, CHANGE_ALLOW_ADD, "198.51.100.1", "198.51.100.2");
		check("add", sizes[i], 215, bytes_limit(sizes[i]));
		measure(fixture, CHANGE_ALLOW_REMOVE, "198.51.100.1", "198.51.100.2");
		check("remove", sizes[i], 215, bytes_limit(sizes[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_change, setup, teardown),
	};

	if (!__sanitizer_install_malloc_and_free_hooks(count_malloc, ignore_free))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
