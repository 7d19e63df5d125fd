/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * listindex.h - a long list as the hash table of ag_indexes4 and ag_indexes6: built, edited, searched, read
 *
 * Pure: an index is an image in memory of lines, of which the first is the header (bpf/ag_abi.h). A list is
 * looked under at most AG_INDEX_LENGTHS_MAX lengths, which are chosen so that few entries have to stand
 * several times: as few lengths as keep the slots within LISTINDEX_SPREAD_MAX of the entries, the fewest
 * slots among those. A list for which there are none is not for an index but for a trie (-E2BIG).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/ag_abi.h"
#include "userspace/core/compile.h"

/* Slots used, over entries, at most, in percent. */
#define LISTINDEX_SPREAD_MAX 150

struct listindex {
	struct ag_line *lines;
	size_t line_count;
};

/*
 * Builds the image of a sorted list. `seed` is random and secret. 0; -E2BIG where the list is not for an
 * index (no lengths to look under; one that expires would hide another of the same key) or its keys find no
 * place (the caller takes a trie, or another seed); -ENOMEM. Deterministic for a seed. The caller frees
 * ret->lines.
 */
int listindex_build(enum ag_family family, const struct compiled_entry *entries, size_t count, uint64_t seed,
		    struct listindex *ret);

/*
 * One entry that comes, goes, or gets another verdict, as stores into the live image that a packet may be
 * reading, to be done in order, each aligned and of eight bytes. An entry has up to LISTINDEX_SLOTS_MAX
 * slots, and what is said of an address changes by one of the stores: so after any of them every packet sees
 * the old list or the new one. `uncovers`: when one goes, or comes with an expiry, the longest other entry of
 * the list that holds it (NULL: there is none). Words in `held` are not to be used again before a grace
 * period: `held` says so of a word (NULL: of none).
 *
 * 0; -EAGAIN where *ret only makes room, which leaves the list as it is: do it, wait for a grace period, and
 * plan again; -E2BIG where it takes a fresh index (no length to look it up under, too many slots, no room,
 * or an edit before was not finished); -ENOENT, -EEXIST where the entry is not or already there (with that
 * verdict); -EINVAL for an `uncovers` that does not hold the entry; -EBADMSG for what has no index's header.
 */
#define LISTINDEX_SLOTS_MAX  32
#define LISTINDEX_STORES_MAX (8 * LISTINDEX_SLOTS_MAX + 4)
struct listindex_store {
	size_t word; /* index of the eight bytes in the image */
	uint64_t value;
};
struct listindex_edit {
	struct listindex_store stores[LISTINDEX_STORES_MAX];
	size_t count;
	size_t held[LISTINDEX_SLOTS_MAX];
	size_t held_count;
	size_t entries; /* that the index will say it has */
};
int listindex_plan(enum ag_family family, const struct listindex *index, enum compile_edit kind,
		   const struct compiled_entry *entry, const struct compiled_entry *uncovers,
		   bool (*held)(size_t word, void *arg), void *arg, struct listindex_edit *ret);

/* The entry that decides at `now`, as the program looks for it. */
bool listindex_match(const struct listindex *index, const struct addr *source, int64_t now,
		     struct compiled_entry *ret);
/* Whether exactly this entry is in it, in all places where it must be. */
bool listindex_holds(enum ag_family family, const struct listindex *index,
		     const struct compiled_entry *entry);
/*
 * When exactly this prefix was last seen, as epochs: of its slots the one of the newest, `epoch` being the
 * present one; 0: never, or there is no such entry.
 */
uint16_t listindex_seen(const struct listindex *index, const struct prefix *prefix, uint16_t epoch);
/*
 * Calls for every slot from line *line on that was seen, with its entry's prefix (an entry may come several
 * times), over `lines` lines, until a non-zero return, which is given back. *line is where to go on; 0 is the
 * start, and the end.
 */
int listindex_seen_each(enum ag_family family, const struct listindex *index, size_t *line, size_t lines,
			int (*visit)(const struct prefix *prefix, uint16_t epoch, void *arg), void *arg);
/* Whether a slot is there of exactly this prefix, with whatever verdict and expiry. */
bool listindex_names(const struct listindex *index, const struct prefix *prefix);
/* How many entries it says it has. */
size_t listindex_count(const struct listindex *index);
/*
 * All entries but those whose every address longer ones have, sorted; the caller frees *ret. -EBADMSG for an
 * image that neither listindex_build() nor a plan makes; of a plan done in part, the old list, the new one,
 * or -EBADMSG. -ENOMEM.
 */
int listindex_read(enum ag_family family, const struct listindex *index, struct compiled_entry **ret,
		   size_t *ret_count);
