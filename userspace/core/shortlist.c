// SPDX-License-Identifier: GPL-2.0-only
/*
 * shortlist.c - an account's short lists as lines of ag_lines, and back
 *
 * The order, longest prefix first, is what makes the first match the longest one. Decoding accepts only what
 * encoding writes, so that a line that was damaged or is another's is never taken for a list.
 */
#include "userspace/core/shortlist.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/number.h"

#define BITS4 32

static size_t line_entries(enum ag_family family)
{
	return family == AG_FAMILY_IPV4 ? AG_LINE4_ENTRIES : AG_LINE6_ENTRIES;
}

static size_t lines_max(enum ag_family family)
{
	return family == AG_FAMILY_IPV4 ? AG_LINES4_MAX : AG_LINES6_MAX;
}

uint8_t shortlist_lines(enum ag_family family, size_t count)
{
	size_t per_line = line_entries(family);

	if (count > per_line * lines_max(family))
		return SHORTLIST_TOO_LONG;
	return (uint8_t)((count + per_line - 1) / per_line);
}

/* --- one entry ------------------------------------------------------------ */

static void put_entry(struct ag_line *line, size_t at, const struct compiled_entry *entry)
{
	unsigned __int128 number = number_of_addr(&entry->prefix.addr);
	uint32_t flags = (entry->value.verdict == AG_ENTRY_DENY ? AG_ENTRY_IS_DENY << 8 : 0) |
			 (entry->value.expires ? AG_ENTRY_EXPIRES << 8 : 0) |
			 (uint32_t)entry->value.seen << AG_LINE4_SEEN_BITS;

	if (entry->prefix.addr.family == AG_FAMILY_IPV4) {
		line->v4.entries[at] = (uint64_t)(number >> 96) << 32 | flags |
				       (uint32_t)(BITS4 - entry->prefix.len);
		return;
	}
	line->v6.high[at] = (uint64_t)(number >> 64);
	line->v6.low[at] = (uint64_t)number;
	line->v6.meta[at] = flags | entry->prefix.len;
}

/* What stands in a line: what follows the address as IPv6 has it, and whether that is well formed. */
static bool get_entry(enum ag_family family, const struct ag_line *line, size_t at, uint32_t expires,
		      struct compiled_entry *ret)
{
	unsigned __int128 number;
	uint32_t meta, len;

	if (family == AG_FAMILY_IPV4) {
		number = (unsigned __int128)(line->v4.entries[at] >> 32) << 96;
		meta = (uint32_t)line->v4.entries[at];
		len = BITS4 - (meta & 0xff);
	} else {
		number = number_make(line->v6.high[at], line->v6.low[at]);
		meta = line->v6.meta[at];
		len = meta & 0xff;
	}
	if (meta & (0xff00 & ~((AG_ENTRY_IS_DENY | AG_ENTRY_EXPIRES) << 8)) || len < 1 ||
	    len > (family == AG_FAMILY_IPV4 ? BITS4 : NUMBER_BITS) || number_cut(number, len) != number)
		return false;
	ret->prefix = number_to_prefix(family, number, (uint8_t)len);
	ret->value = (struct ag_entry){
		.verdict = meta & AG_ENTRY_IS_DENY << 8 ? AG_ENTRY_DENY : AG_ENTRY_ALLOW,
		.len = (uint8_t)len,
		.seen = (uint16_t)(meta >> AG_LINE4_SEEN_BITS),
		.expires = expires,
	};
	return !(meta & AG_ENTRY_EXPIRES << 8) == !expires;
}

/* --- lists ------------------------------------------------------------------ */

static int compare_longest_first(const void *a, const void *b)
{
	const struct compiled_entry *x = a, *y = b;

	if (x->prefix.len != y->prefix.len)
		return x->prefix.len > y->prefix.len ? -1 : 1;
	return prefix_compare(&x->prefix, &y->prefix);
}

static int compare_entries(const void *a, const void *b)
{
	const struct compiled_entry *x = a, *y = b;

	return prefix_compare(&x->prefix, &y->prefix);
}

bool shortlist_expires(const struct compiled_entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (entries[i].value.expires)
			return true;
	return false;
}

int shortlist_encode(enum ag_family family, const struct compiled_entry *entries, size_t count,
		     struct ag_line *lines, uint32_t *expiries)
{
	struct compiled_entry sorted[AG_LINES4_MAX * AG_LINE4_ENTRIES];
	size_t per_line = line_entries(family), filled = shortlist_lines(family, count) * per_line;

	_Static_assert(AG_LINES6_MAX * AG_LINE6_ENTRIES <= AG_LINES4_MAX * AG_LINE4_ENTRIES,
		       "no room for IPv6");
	if (!count)
		return 0;
	if (count > per_line * lines_max(family))
		return -E2BIG;
	if (!expiries && shortlist_expires(entries, count))
		return -EINVAL;
	memcpy(sorted, entries, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare_longest_first);
	memset(lines, 0, filled / per_line * sizeof(*lines));
	for (size_t i = 0; i < filled; i++) {
		const struct compiled_entry *entry = &sorted[i < count ? i : count - 1];

		put_entry(&lines[i / per_line], i % per_line, entry); /* of repeats no mark is ever read */
		if (expiries)
			expiries[i] = entry->value.expires;
	}
	return 0;
}

/* In the order in which they stand, without the repeats. */
static int collect(enum ag_family family, const struct ag_line *lines, size_t line_count,
		   const uint32_t *expiries, struct compiled_entry *entries, size_t *ret_count)
{
	size_t per_line = line_entries(family), filled = line_count * per_line, count = 0;
	bool repeats = false;

	for (size_t i = 0; i < filled; i++) {
		struct compiled_entry *entry = &entries[count];

		if (!get_entry(family, &lines[i / per_line], i % per_line, expiries ? expiries[i] : 0,
			       entry) ||
		    (family == AG_FAMILY_IPV6 && lines[i / per_line].v6.pad))
			return -EBADMSG;
		if (count && i % per_line && i / per_line == line_count - 1 &&
		    compiled_entry_equal(entry - 1, entry)) {
			repeats = true;
			continue;
		}
		if (repeats || (count && compare_longest_first(entry - 1, entry) >= 0))
			return -EBADMSG;
		count++;
	}
	*ret_count = count;
	return 0;
}

int shortlist_decode(enum ag_family family, const struct ag_line *lines, size_t line_count,
		     const uint32_t *expiries, struct compiled_entry **ret, size_t *ret_count)
{
	AUTO_FREE struct compiled_entry *entries = NULL;
	size_t count = 0;
	int r;

	if (line_count > lines_max(family))
		return -EBADMSG;
	if (line_count) {
		entries = calloc(line_count * line_entries(family), sizeof(*entries));
		if (!entries)
			return -ENOMEM;
		r = collect(family, lines, line_count, expiries, entries, &count);
		if (r)
			return r;
		qsort(entries, count, sizeof(*entries), compare_entries);
	}
	*ret = TAKE_PTR(entries);
	*ret_count = count;
	return 0;
}

bool shortlist_match(const struct ag_line *lines, size_t line_count, const uint32_t *expiries,
		     const struct addr *source, int64_t now, struct compiled_entry *ret)
{
	enum ag_family family = (enum ag_family)source->family;
	size_t per_line = line_entries(family);
	struct compiled_entry entry;

	if (!addr_known(source))
		return false;
	for (size_t i = 0; i < line_count * per_line; i++) {
		uint32_t expires = expiries ? expiries[i] : 0;

		if (!get_entry(family, &lines[i / per_line], i % per_line, expires, &entry) ||
		    !prefix_contains(&entry.prefix, source) || (expires && now >= expires))
			continue;
		*ret = entry;
		return true;
	}
	return false;
}
