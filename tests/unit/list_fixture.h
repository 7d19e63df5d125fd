/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * list_fixture.h - random lists of one family, and the addresses at which a wrong one would show
 *
 * Include cmocka.h first. Entries are kept as the model's list too, whose list_match() is what every form of
 * holding a list must agree with.
 */
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/compile.h"
#include "userspace/core/number.h"

static inline uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed * 0x2545f4914f6cdd1dULL;
}

/* Bytes from few values, so that prefixes lie within one another and next to one another. */
static inline struct addr near_addr(enum ag_family family, uint64_t *seed)
{
	static const uint8_t values[] = {0x00, 0xff, 0x01, 0x80, 0xfe, 0x7f};
	uint8_t bytes[16];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = values[random_next(seed) % (i < 2 ? 2 : 6)];
	return addr_make(family, bytes);
}

static inline struct addr any_addr(enum ag_family family, uint64_t *seed)
{
	const uint64_t bytes[2] = {random_next(seed), random_next(seed)};

	return addr_make(family, bytes);
}

/* The moment at which lists are asked: some entries have expired then, some at just that second, some not. */
#define FIXTURE_NOW 1000

static inline int64_t fixture_expiry(uint64_t *seed)
{
	static const int64_t expiries[] = {1, FIXTURE_NOW - 1, FIXTURE_NOW, FIXTURE_NOW + 1, EXPIRES_LAST};

	return random_next(seed) % 8 ? 0 : expiries[random_next(seed) % 5];
}

static inline void fixture_add(struct list *list, const struct prefix *prefix, uint64_t *seed)
{
	struct entry entry = {.prefix = *prefix,
			      .verdict = random_next(seed) % 3 ? AG_ENTRY_ALLOW : AG_ENTRY_DENY};

	assert_int_equal(list_append(list, &entry), 0);
}

/* Sorts, and of what stands twice keeps one. */
static inline void fixture_sort(struct list *list)
{
	size_t kept = 0;

	(void)list_sort(list);
	for (size_t i = 0; i < list->count; i++)
		if (!kept || prefix_compare(&list->entries[kept - 1].prefix, &list->entries[i].prefix))
			list->entries[kept++] = list->entries[i];
	list->count = kept;
}

enum fixture_kind {
	FIXTURE_HOSTS,
	FIXTURE_NESTED, /* all lengths, few bytes */
	FIXTURE_MIXED,	/* hosts, and lengths near one another */
	FIXTURE_KINDS,
};

static inline struct list fixture_list(enum ag_family family, enum fixture_kind kind, size_t count,
				       uint64_t *seed)
{
	unsigned int bits = family == AG_FAMILY_IPV4 ? 32 : 128;
	struct list list = {0};

	for (size_t i = 0; i < count; i++) {
		struct addr addr = random_next(seed) % 2 ? near_addr(family, seed) : any_addr(family, seed);
		unsigned int len = bits;
		struct prefix prefix;

		if (kind == FIXTURE_NESTED)
			len = 1 + (unsigned int)(random_next(seed) % bits);
		else if (kind == FIXTURE_MIXED)
			len -= (unsigned int)(random_next(seed) % 2 ? 0 : random_next(seed) % 5);
		prefix = prefix_of(&addr, (uint8_t)len);
		fixture_add(&list, &prefix, seed);
		/* and sometimes its neighbour, or the one around it */
		if (random_next(seed) % 4 == 0) {
			unsigned __int128 number = number_of_addr(&prefix.addr) ^ number_step(len);

			prefix = number_to_prefix(family, number, (uint8_t)(len - (len > 1 && i % 2)));
			fixture_add(&list, &prefix, seed);
		}
	}
	fixture_sort(&list);
	return list;
}

/* Some of them expire. */
static inline void fixture_expire(struct list *list, uint64_t *seed)
{
	for (size_t i = 0; i < list->count; i++)
		list->entries[i].expires = fixture_expiry(seed);
}

/* The caller frees it. */
static inline struct compiled_entry *fixture_compile(const struct list *list)
{
	struct compiled_entry *entries = calloc(list->count ? list->count : 1, sizeof(*entries));

	assert_non_null(entries);
	for (size_t i = 0; i < list->count; i++)
		assert_true(compile_entry(&list->entries[i], &entries[i]));
	return entries;
}

/* First and last address of a prefix, the ones beside these, and one in it: `which` from 0 to 4. */
#define FIXTURE_EDGES 5
static inline struct addr fixture_edge(const struct prefix *prefix, unsigned int which, uint64_t *seed)
{
	enum ag_family family = (enum ag_family)prefix->addr.family;
	unsigned __int128 first = number_of_addr(&prefix->addr),
			  one = number_step(family == AG_FAMILY_IPV4 ? 32 : 128),
			  size = number_step(prefix->len);
	const unsigned __int128 edges[FIXTURE_EDGES] = {
		first, first - one, first + size - one, first + size,
		first | (number_make(random_next(seed), random_next(seed)) & (size - one))};

	return number_to_addr(family, edges[which]);
}

static inline bool fixture_agree(const struct entry *want, bool found, const struct compiled_entry *got)
{
	if (!want || !found)
		return !want && !found;
	return !prefix_compare(&want->prefix, &got->prefix) && want->verdict == got->value.verdict &&
	       got->value.len == want->prefix.len && got->value.expires == want->expires;
}
