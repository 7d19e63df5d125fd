// SPDX-License-Identifier: GPL-2.0-only
/*
 * union.c - lists merged into one, and that into the account's own
 *
 * Which entry of one prefix decides is settled by one comparison, outranks(), here of two lists' and there of
 * the account's own against a list's.
 */
#include "userspace/core/union.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/reference.h"

/* Never is the last of all. */
static bool outlasts(const struct entry *a, const struct entry *b)
{
	return b->expires && (!a->expires || a->expires > b->expires);
}

/* Whether `a`, of a list, decides where `b`, of another list, is of the same prefix. */
static bool outranks(const struct entry *a, const struct entry *b)
{
	if (a->verdict != b->verdict)
		return a->verdict == AG_ENTRY_DENY;
	return outlasts(a, b);
}

static int append(struct list *through, const struct union_source *source, const struct entry *entry)
{
	const struct entry *reference = source->reference;
	struct entry copy = {
		.prefix = entry->prefix,
		.verdict = reference->verdict,
		.expires = reference->expires,
		.list = strdup(reference->list),
	};

	return copy.list ? list_append(through, &copy) : -ENOMEM;
}

static int compare(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;

	return prefix_compare(&left->prefix, &right->prefix);
}

/* Sorted, and of each prefix the one that decides. */
static void settle(struct list *through)
{
	size_t kept = 0;

	if (through->count > 1)
		qsort(through->entries, through->count, sizeof(*through->entries), compare);
	for (size_t i = 0; i < through->count; i++) {
		struct entry *entry = &through->entries[i], *last = kept ? &through->entries[kept - 1] : NULL;

		if (!last || compare(last, entry)) {
			through->entries[kept++] = *entry;
		} else if (outranks(entry, last)) {
			entry_clear(last);
			*last = *entry;
		} else {
			entry_clear(entry);
		}
	}
	through->count = kept;
}

static int give(int r, struct list *through, struct list *ret)
{
	if (r < 0) {
		list_clear(through);
		return r;
	}
	settle(through);
	*ret = *through;
	return 0;
}

int union_through(const struct union_source *sources, size_t count, struct list *ret)
{
	struct list through = {0};
	int r = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t at = 0; at < sources[i].list->count && r == 0; at++)
			r = append(&through, &sources[i], &sources[i].list->entries[at]);
	return give(r, &through, ret);
}

int union_holding(const struct union_source *sources, size_t count, const struct addr *addr, struct list *ret)
{
	struct list through = {0};
	int r = 0;

	for (size_t i = 0; i < count; i++) {
		int len = addr_bits(addr);

		while (len > 0 && r == 0) {
			const struct entry *entry = list_match_within(sources[i].list, addr, (uint8_t)len,
								      INT64_MIN);

			r = entry ? append(&through, &sources[i], entry) : 0;
			len = entry ? entry->prefix.len - 1 : 0;
		}
	}
	return give(r, &through, ret);
}

/* What comes through lists and sorts before the prefix (NULL: all that is left). */
static int visit_before(struct union_walk *walk, const struct prefix *prefix)
{
	int r = 0;

	while (r == 0 && walk->at < walk->through->count &&
	       (!prefix || prefix_compare(&walk->through->entries[walk->at].prefix, prefix) < 0))
		r = walk->visit(&walk->through->entries[walk->at++], walk->arg);
	return r;
}

int union_own(struct union_walk *walk, const struct entry *entry)
{
	const struct entry *through;
	int r;

	if (entry->disabled || prefix_is_reference(&entry->prefix))
		return 0;
	r = visit_before(walk, &entry->prefix);
	if (r)
		return r;
	through = walk->at < walk->through->count ? &walk->through->entries[walk->at] : NULL;
	if (!through || prefix_compare(&through->prefix, &entry->prefix))
		return walk->visit(entry, walk->arg);
	walk->at++;
	if (through->verdict == entry->verdict && outlasts(through, entry))
		return walk->visit(through, walk->arg);
	return walk->visit(entry, walk->arg);
}

int union_end(struct union_walk *walk)
{
	return visit_before(walk, NULL);
}
