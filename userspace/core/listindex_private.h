/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * listindex_private.h - what the parts of listindex share: slots of either family, and how entries become
 * slots
 *
 * An image is reached by 64-bit words: slot `i` of line `l` begins at word 8 * l + i * stride, and the word
 * that makes it live (IPv4's key, IPv6's meta) has the same lower half in both families.
 */
#pragma once

#include "userspace/core/listindex.h"
#include "userspace/core/number.h"

#define LINE_WORDS (sizeof(struct ag_line) / sizeof(uint64_t))

/* A slot that is used: the addresses of `number` up to length `probe`, and the entry that it stands for. */
struct slot {
	unsigned __int128 number; /* zero beyond `probe` */
	uint8_t probe;		  /* the length it is looked up under */
	uint8_t len;		  /* of the entry: <= probe */
	uint8_t flags;		  /* AG_SLOT_USED, AG_SLOT_DENY, AG_SLOT_EXPIRES */
	uint32_t expires;	  /* 0 without that flag */
	uint32_t seen;		  /* epoch */
};

/* An image with its header, copied and checked. */
struct view {
	enum ag_family family;
	size_t per_line; /* slots */
	size_t stride;	 /* words of a slot */
	size_t live;	 /* which of them makes it live */
	struct ag_line *lines;
	struct ag_index_header header;
};

/*
 * In reserved[0] of the header: bit i is set if entries of a shorter length are looked under lengths[i]. Only
 * there may one entry hide another of the same slot.
 */
static inline bool view_is_spread(const struct view *view, unsigned int class)
{
	return view->header.reserved[0] >> class & 1;
}

/* --- listindex_view.c: reaching into an image ------------------------------- */

/* False where the header is none that listindex_build() writes. */
bool view_open(enum ag_family family, const struct listindex *index, struct view *ret);
/* Of an image that has only its size: the header is the caller's to fill. */
struct view view_make(enum ag_family family, struct ag_line *lines);
__u64 *view_word(const struct view *view, size_t word);
size_t view_slot_word(const struct view *view, size_t line, size_t slot);
/* The word that makes the slot at `word` live. */
uint64_t view_live(const struct view *view, size_t word);
/* The same for a slot, without a mark. */
uint64_t view_live_of(const struct view *view, const struct slot *slot);
/* The word beside it, of the slot's expiry and when it was last seen; and the same for a slot. */
size_t view_times_word(const struct view *view, size_t word);
uint64_t view_times_of(const struct slot *slot);
/* What is in the used slot at `word`. */
struct slot view_slot(const struct view *view, size_t word);
/* The slot's flags for an entry's verdict and expiry. */
uint8_t slot_flags(const struct ag_entry *value);
/* The word of the filter that has a slot's bits; SIZE_MAX where there is no filter. */
size_t view_filter_word(const struct view *view, const struct slot *slot, uint64_t *ret_bits);
/* The two lines where a slot may be. */
size_t view_home(const struct view *view, const struct slot *slot, size_t *ret_other);
/* Word of the line's used slot with the number and length of `wanted`; SIZE_MAX: there is none. */
size_t view_find_in_line(const struct view *view, size_t line, const struct slot *wanted);
/* Packets that look for a key of this line look in its other line too. */
bool view_is_marked(const struct view *view, size_t line);
/* Word of the used slot under that number and length, as the program finds it; SIZE_MAX: there is none. */
size_t view_find(const struct view *view, unsigned __int128 number, uint8_t probe);
/* Index in lengths[] under which entries of that length are looked up: the shortest that is no shorter.
 * AG_INDEX_LENGTHS_MAX: none. */
unsigned int listindex_class(const uint8_t lengths[AG_INDEX_LENGTHS_MAX], uint8_t len);

/* --- listindex_spread.c: from entries to slots ------------------------------- */

/*
 * The lengths to be looked under, longest first and zeros behind. -E2BIG where none keep the slots within
 * bounds.
 */
int listindex_choose(enum ag_family family, const struct compiled_entry *entries, size_t count,
		     uint8_t lengths[AG_INDEX_LENGTHS_MAX]);
/*
 * Calls `emit` for every slot of a sorted list, each number once under its length, with the longest entry
 * that holds it, until one returns non-zero, which is returned. No entry is a /0 or longer than lengths[0].
 */
int listindex_spread(const uint8_t lengths[AG_INDEX_LENGTHS_MAX], const struct compiled_entry *entries,
		     size_t count, int (*emit)(const struct slot *slot, void *arg), void *arg);

/* --- listindex_plan.c: stores that are planned -------------------------------- */

struct plan {
	struct view view;
	struct slot slot; /* the one at work upon: each of the entry's in turn */
	bool (*held)(size_t word, void *arg);
	void *arg;
	struct listindex_edit edit;
	size_t named; /* slots that the entry has already */
	size_t other; /* slots that it gets, or that are another's afterwards */
	int slots;    /* more than now */
	/* what makes room first, if anything has to */
	struct listindex_edit room;
	bool waits;
};

/* The word that makes the slot live, as it is after the edit. */
uint64_t edit_live(const struct view *view, const struct listindex_edit *edit, size_t word);
/* A new value of it, which keeps the bucket's mark; 0 frees the slot. */
void edit_set_live(const struct view *view, struct listindex_edit *edit, size_t word, uint64_t value);
/* The slot at `word`, which is used, gets another verdict or entry: for packets by one store. */
void edit_change(const struct view *view, struct listindex_edit *edit, size_t word, const struct slot *slot);
/* A slot that is free. */
void edit_put(const struct view *view, struct listindex_edit *edit, size_t word, const struct slot *slot);
void edit_mark(const struct view *view, struct listindex_edit *edit, size_t line);
/* A slot of the line that `slot` may have; SIZE_MAX: there is none. */
size_t plan_find_free(const struct plan *plan, size_t line, const struct slot *slot);

/* --- listindex_room.c --------------------------------------------------------- */

/*
 * A place for the plan's slot, in whose lines none is free: 0, and *ret_word is one that can be written over
 * when the edit's stores are done; -EAGAIN: after plan->room, or a grace period, there will be one; -E2BIG.
 */
int plan_make_room(struct plan *plan, size_t home, size_t other, size_t *ret_word);
