// SPDX-License-Identifier: GPL-2.0-only
/* test_union.c - own entries united with those of lists, against a slow and plain union of the same */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/buffer.h"
#include "userspace/core/listtext.h"
#include "userspace/core/reference.h"
#include "userspace/core/union.h"

#define SOURCES_MAX 4

/* An account's list, and the lists of that name. */
struct world {
	struct list own;
	struct list lists[SOURCES_MAX]; /* "a", "b", ... */
	struct union_source sources[SOURCES_MAX];
	size_t count;
};

static struct list parsed(const char *text)
{
	struct list list = {0};

	assert_int_equal(listtext_parse(text, strlen(text), 1000, &list, NULL), 0);
	return list;
}

/* What the references of `own` are to; those that are disabled have none. */
static void world_link(struct world *world)
{
	world->count = 0;
	for (size_t i = 0; i < list_count_references(&world->own); i++) {
		const struct entry *entry = &world->own.entries[i];

		if (!entry->disabled)
			world->sources[world->count++] =
				(struct union_source){entry, &world->lists[entry->list[0] - 'a']};
	}
}

static void world_fill(struct world *world, const char *own, const char *a, const char *b)
{
	*world = (struct world){.own = parsed(own), .lists = {parsed(a), parsed(b)}};
	world_link(world);
}

static void world_clear(struct world *world)
{
	list_clear(&world->own);
	for (size_t i = 0; i < SOURCES_MAX; i++)
		list_clear(&world->lists[i]);
}

static int print(const struct entry *entry, void *arg)
{
	char text[ENTRY_DESCRIPTION_MAX];
	struct entry plain = *entry;

	plain.note = plain.list = NULL;
	entry_describe(entry, text);
	(void)buffer_print(arg, "%s%s%s%lld; ", text, entry->verdict == AG_ENTRY_DENY ? " deny" : "",
			   entry->expires ? " until " : " ", (long long)entry->expires);
	return 0;
}

static char *united(const struct list *own, const struct list *through)
{
	struct buffer out = {0};
	struct union_walk walk = {.through = through, .visit = print, .arg = &out};

	for (size_t i = 0; i < own->count; i++)
		assert_int_equal(union_own(&walk, &own->entries[i]), 0);
	assert_int_equal(union_end(&walk), 0);
	(void)buffer_append(&out, "", 0);
	assert_false(out.failed);
	return out.data;
}

static void check(const char *own, const char *a, const char *b, const char *wanted)
{
	struct list through = {0};
	struct world world;
	char *text;

	world_fill(&world, own, a, b);
	assert_int_equal(union_through(world.sources, world.count, &through), 0);
	text = united(&world.own, &through);
	assert_string_equal(text, wanted);
	free(text);
	list_clear(&through);
	world_clear(&world);
}

#define Y1 "expires=1970-01-01T00:00:01Z"
#define Y2 "expires=1970-01-01T00:00:02Z"

static void test_union(void **state)
{
	(void)state;
	check("@a\n203.0.113.7\n", "198.51.100.0/24\n2001:db8::/32\n", "",
	      "198.51.100.0/24 of @a 0; 203.0.113.7 0; 2001:db8::/32 of @a 0; ");
	check("@a\n@b\n", "198.51.100.7\n", "198.51.100.0/24\n",
	      "198.51.100.0/24 of @b 0; 198.51.100.7 of @a 0; ");
	check("@a\n", "", "198.51.100.7\n", "");
	check("@a disabled\n", "198.51.100.7\n", "", "");
	check("203.0.113.7 disabled\n", "", "", "");
}

static void test_reference_gives_verdict_and_expiry(void **state)
{
	(void)state;
	check("@a deny " Y1 "\n", "198.51.100.7\n", "", "198.51.100.7 of @a deny until 1; ");
}

static void test_own_entry_decides(void **state)
{
	(void)state;
	check("@a\n203.0.113.7 deny\n", "203.0.113.7\n", "", "203.0.113.7 deny 0; ");
	check("@a deny\n203.0.113.7\n", "203.0.113.7\n", "", "203.0.113.7 0; ");
	check("@a\n203.0.113.7 deny disabled\n", "203.0.113.7\n", "", "203.0.113.7 of @a 0; ");
	check("@a\n203.0.113.7 deny " Y1 "\n", "203.0.113.7\n", "", "203.0.113.7 deny until 1; ");
}

static void test_deny_between_lists(void **state)
{
	(void)state;
	check("@a\n@b deny\n", "203.0.113.7\n", "203.0.113.7\n", "203.0.113.7 of @b deny 0; ");
	check("@a deny\n@b\n", "203.0.113.7\n", "203.0.113.7\n", "203.0.113.7 of @a deny 0; ");
	check("@a deny\n@b deny\n203.0.113.7\n", "203.0.113.7\n", "203.0.113.7\n", "203.0.113.7 0; ");
}

static void test_last_to_expire_of_those_that_agree(void **state)
{
	(void)state;
	check("@a " Y1 "\n@b " Y2 "\n", "203.0.113.7\n", "203.0.113.7\n", "203.0.113.7 of @b until 2; ");
	check("@a " Y2 "\n@b " Y1 "\n", "203.0.113.7\n", "203.0.113.7\n", "203.0.113.7 of @a until 2; ");
	check("@a\n@b " Y1 "\n", "203.0.113.7\n", "203.0.113.7\n", "203.0.113.7 of @a 0; ");
	check("@a\n203.0.113.7 " Y1 "\n", "203.0.113.7\n", "", "203.0.113.7 of @a 0; ");
	check("@a " Y1 "\n203.0.113.7 " Y2 "\n", "203.0.113.7\n", "", "203.0.113.7 until 2; ");
	check("@a " Y1 "\n203.0.113.7 " Y1 "\n", "203.0.113.7\n", "", "203.0.113.7 until 1; ");
}

static int stop(const struct entry *entry, void *arg)
{
	(void)entry;
	++*(int *)arg;
	return 7;
}

static void test_visit_ends_it(void **state)
{
	struct list through = {0};
	int calls = 0;
	struct union_walk walk = {.through = &through, .visit = stop, .arg = &calls};
	struct world world;

	(void)state;
	world_fill(&world, "@a\n203.0.113.7\n", "198.51.100.7\n", "");
	assert_int_equal(union_through(world.sources, world.count, &through), 0);
	assert_int_equal(union_own(&walk, &world.own.entries[0]), 0); /* the reference */
	assert_int_equal(union_own(&walk, &world.own.entries[1]), 7);
	assert_int_equal(calls, 1);
	list_clear(&through);
	world_clear(&world);
}

/* --- at random ----------------------------------------------------------------- */

static unsigned int chance(unsigned int below)
{
	return (unsigned int)random() % below;
}

/* Prefixes around a few addresses, so that they meet. */
static struct prefix random_prefix(void)
{
	static const uint8_t lengths[] = {8, 16, 24, 30, 31, 32};
	struct addr addr = {.family = AG_FAMILY_IPV4, .bytes = {203, 0, 113, (uint8_t)chance(4)}};

	return prefix_of(&addr, lengths[chance(sizeof(lengths))]);
}

static void random_list(struct list *list, bool own)
{
	for (size_t i = chance(6); i > 0; i--) {
		struct entry entry = {.prefix = random_prefix()};

		entry.verdict = own && chance(3) == 0 ? AG_ENTRY_DENY : AG_ENTRY_ALLOW;
		entry.expires = own ? chance(3) : 0;
		entry.disabled = own && chance(4) == 0;
		(void)list_sort(list);
		if (!list_find(list, &entry.prefix))
			assert_int_equal(list_append(list, &entry), 0);
	}
}

static void random_world(struct world *world)
{
	for (size_t i = 0; i < SOURCES_MAX; i++) {
		char name[] = {'@', (char)('a' + i), '\0'};
		struct entry entry = {.verdict = chance(3) ? AG_ENTRY_ALLOW : AG_ENTRY_DENY,
				      .expires = chance(3),
				      .disabled = chance(4) == 0};

		random_list(&world->lists[i], false);
		(void)list_sort(&world->lists[i]);
		assert_int_equal(entry_source_parse(name, &entry, NULL), 0);
		assert_int_equal(list_append(&world->own, &entry), 0);
	}
	random_list(&world->own, true);
	(void)list_sort(&world->own);
	world_link(world);
}

static int64_t latest(int64_t a, int64_t b)
{
	return !a || !b ? 0 : a > b ? a : b;
}

/* By the words of the header, prefix by prefix: what the lists say of it. */
static bool plain_lists(const struct world *world, const struct prefix *prefix,
			enum ag_entry_verdict *verdict, int64_t *expires)
{
	bool any = false;

	*verdict = AG_ENTRY_ALLOW;
	for (size_t i = 0; i < world->count; i++)
		if (list_find(world->sources[i].list, prefix) &&
		    world->sources[i].reference->verdict == AG_ENTRY_DENY)
			*verdict = AG_ENTRY_DENY;
	for (size_t i = 0; i < world->count; i++) {
		const struct entry *reference = world->sources[i].reference;

		if (!list_find(world->sources[i].list, prefix) || reference->verdict != *verdict)
			continue;
		*expires = any ? latest(*expires, reference->expires) : reference->expires;
		any = true;
	}
	return any;
}

static bool plain(const struct world *world, const struct prefix *prefix, enum ag_entry_verdict *verdict,
		  int64_t *expires)
{
	const struct entry *own = list_find(&world->own, prefix);
	bool listed = plain_lists(world, prefix, verdict, expires);

	if (!own || own->disabled)
		return listed;
	*expires = listed && *verdict == own->verdict ? latest(*expires, own->expires) : own->expires;
	*verdict = own->verdict;
	return true;
}

static int keep(const struct entry *entry, void *arg)
{
	struct entry copy = *entry;

	copy.note = copy.created_by = copy.list = NULL;
	return list_append(arg, &copy);
}

static void check_prefix(const struct world *world, const struct list *got, const struct prefix *prefix)
{
	const struct entry *entry = list_find(got, prefix);
	enum ag_entry_verdict verdict;
	int64_t expires;

	assert_int_equal(plain(world, prefix, &verdict, &expires), entry != NULL);
	if (!entry)
		return;
	assert_int_equal(entry->verdict, verdict);
	assert_int_equal(entry->expires, expires);
}

static void unite(const struct list *own, const struct list *through, struct list *ret)
{
	struct union_walk walk = {.through = through, .visit = keep, .arg = ret};

	for (size_t i = 0; i < own->count; i++)
		assert_int_equal(union_own(&walk, &own->entries[i]), 0);
	assert_int_equal(union_end(&walk), 0);
	for (size_t i = 1; i < ret->count; i++)
		assert_true(prefix_compare(&ret->entries[i - 1].prefix, &ret->entries[i].prefix) < 0);
}

static void test_random_unions(void **state)
{
	(void)state;
	srandom(5);
	for (int round = 0; round < 3000; round++) {
		struct world world = {0};
		struct list through = {0}, got = {0};

		random_world(&world);
		assert_int_equal(union_through(world.sources, world.count, &through), 0);
		unite(&world.own, &through, &got);
		for (int i = 0; i < 20; i++) {
			struct prefix prefix = random_prefix();

			check_prefix(&world, &got, &prefix);
		}
		list_clear(&got);
		list_clear(&through);
		world_clear(&world);
	}
}

/* Of the entries that hold an address, the same: what is longest in effect. */
static void test_random_holding(void **state)
{
	(void)state;
	srandom(6);
	for (int round = 0; round < 3000; round++) {
		struct world world = {0};
		struct list through = {0}, holding = {0}, all = {0}, some = {0};
		struct addr addr = {.family = AG_FAMILY_IPV4, .bytes = {203, 0, 113, (uint8_t)chance(5)}};

		random_world(&world);
		assert_int_equal(union_through(world.sources, world.count, &through), 0);
		assert_int_equal(union_holding(world.sources, world.count, &addr, &holding), 0);
		unite(&world.own, &through, &all);
		unite(&world.own, &holding, &some);
		for (int64_t now = 0; now < 3; now++) {
			const struct entry *a = list_match(&all, &addr, now),
					   *b = list_match(&some, &addr, now);

			assert_int_equal(a != NULL, b != NULL);
			if (a)
				assert_int_equal(prefix_compare(&a->prefix, &b->prefix), 0);
			if (a)
				assert_int_equal(a->verdict, b->verdict);
		}
		for (size_t i = 0; i < holding.count; i++)
			assert_true(prefix_contains(&holding.entries[i].prefix, &addr));
		list_clear(&all);
		list_clear(&some);
		list_clear(&holding);
		list_clear(&through);
		world_clear(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_union),
		cmocka_unit_test(test_reference_gives_verdict_and_expiry),
		cmocka_unit_test(test_own_entry_decides),
		cmocka_unit_test(test_deny_between_lists),
		cmocka_unit_test(test_last_to_expire_of_those_that_agree),
		cmocka_unit_test(test_visit_ends_it),
		cmocka_unit_test(test_random_unions),
		cmocka_unit_test(test_random_holding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
