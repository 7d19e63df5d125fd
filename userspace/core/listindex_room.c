// SPDX-License-Identifier: GPL-2.0-only
/*
 * listindex_room.c - room in the buckets of a live index, by moving what is in them to its other bucket
 *
 * First a copy is made in the other bucket, the home bucket being marked before; later what is then there
 * twice is written over where it was. A packet that does not find the key there any more must find the copy.
 * It does where it looks at the copy's bucket last, which is so of what moves away from home, on a processor
 * that loads in the order of the program: then nothing is waited for. Otherwise the copy has to be a grace
 * period old.
 *
 * IPv4's slot can be written over at once, for all of it is one word, but for an expiry. IPv6's, and one of
 * an entry that expires, must be free for a grace period before it gets another address.
 */
#include "userspace/core/listindex_private.h"

#include <errno.h>

#ifndef LISTINDEX_LOADS_IN_ORDER
#if defined(__x86_64__) || defined(__i386__) || defined(__s390x__)
#define LISTINDEX_LOADS_IN_ORDER 1
#else
#define LISTINDEX_LOADS_IN_ORDER 0
#endif
#endif

/* How many others may have to move before one can, each of which takes a grace period. */
#define DEPTH_MAX 3

/* A slot that may move. */
struct mover {
	struct slot slot;
	size_t word;
	size_t home;
	size_t to; /* the other of its lines */
	bool leaves_home;
};

static bool is_held(const struct plan *plan, size_t word)
{
	return plan->held && plan->held(word, plan->arg);
}

static bool is_changed(const struct plan *plan, size_t word)
{
	uint64_t change = edit_live(&plan->view, &plan->edit, word) ^ view_live(&plan->view, word);

	return change & ~(uint64_t)AG_SLOT_MOVED;
}

static bool is_touched(const struct listindex_edit *edit, size_t line)
{
	for (size_t i = 0; i < edit->count; i++)
		if (edit->stores[i].word / LINE_WORDS == line)
			return true;
	return false;
}

/* Not one that this plan has changed, nor in the way of another's move. */
static bool may_move(const struct plan *plan, size_t line, size_t index, struct mover *ret)
{
	const struct view *view = &plan->view;
	size_t word = view_slot_word(view, line, index);
	struct slot slot = view_slot(view, word);

	if (!(slot.flags & AG_SLOT_USED) || is_changed(plan, word))
		return false;
	*ret = (struct mover){.slot = slot, .word = word};
	ret->home = view_home(view, &slot, &ret->to);
	ret->leaves_home = ret->home == line;
	if (!ret->leaves_home)
		ret->to = ret->home;
	return ret->to != line && !is_touched(&plan->room, line) && !is_touched(&plan->room, ret->to);
}

static bool is_one_word(const struct plan *plan, const struct mover *mover)
{
	return plan->view.family == AG_FAMILY_IPV4 && !mover->slot.expires;
}

/* The first is not needed any more: *ret_word, or, if it is more than one word, only after a grace period. */
static int take(struct plan *plan, const struct mover *mover, bool at_once, size_t *ret_word)
{
	if (is_one_word(plan, mover) && at_once) {
		*ret_word = mover->word;
		return 0;
	}
	edit_set_live(&plan->view, &plan->room, mover->word, 0);
	plan->room.held[plan->room.held_count++] = mover->word;
	return -EAGAIN;
}

/* at_once: what is done is part of the edit itself, where it can be. */
static int move(struct plan *plan, const struct mover *mover, bool at_once, size_t *ret_word)
{
	const struct view *view = &plan->view;
	size_t copy = view_find_in_line(view, mover->to, &mover->slot);
	bool ordered = mover->leaves_home && LISTINDEX_LOADS_IN_ORDER;
	struct listindex_edit *edit = &plan->room;

	if (copy != SIZE_MAX) {
		if (is_changed(plan, copy))
			return -E2BIG; /* that one goes already */
		if (!is_held(plan, copy))
			return take(plan, mover, at_once, ret_word);
		plan->waits = true;
		return -EAGAIN;
	}
	copy = plan_find_free(plan, mover->to, &mover->slot);
	if (copy == SIZE_MAX)
		return -E2BIG;
	if (ordered && at_once && is_one_word(plan, mover))
		edit = &plan->edit;
	edit_mark(view, edit, mover->home);
	edit_put(view, edit, copy, &mover->slot);
	if (ordered)
		return take(plan, mover, at_once, ret_word);
	plan->room.held[plan->room.held_count++] = copy;
	return -EAGAIN;
}

static int move_one_that(bool leaves_home, struct plan *plan, size_t line, bool at_once, size_t *ret_word)
{
	int r = -E2BIG;

	for (size_t i = 0; i < plan->view.per_line && r == -E2BIG; i++) {
		struct mover mover;

		if (may_move(plan, line, i, &mover) && mover.leaves_home == leaves_home)
			r = move(plan, &mover, at_once, ret_word);
	}
	return r;
}

/* What can go without waiting, before what cannot. */
static int move_one_of(struct plan *plan, size_t line, bool at_once, size_t *ret_word)
{
	int r = move_one_that(true, plan, line, at_once, ret_word);

	return r == -E2BIG ? move_one_that(false, plan, line, at_once, ret_word) : r;
}

/* So that something of this line can move the next time, or the time after that. */
static int move_beyond(struct plan *plan, size_t line, unsigned int depth)
{
	int r = -E2BIG;
	size_t word;

	for (size_t i = 0; i < plan->view.per_line && r == -E2BIG; i++) {
		struct mover mover;

		if (!may_move(plan, line, i, &mover))
			continue;
		r = depth > 1 ? move_beyond(plan, mover.to, depth - 1)
			      : move_one_of(plan, mover.to, false, &word);
	}
	return r;
}

/* A slot was freed and is only to be waited for. */
static bool is_due(const struct plan *plan, size_t line)
{
	for (size_t i = 0; i < plan->view.per_line; i++) {
		size_t word = view_slot_word(&plan->view, line, i);

		if (!(edit_live(&plan->view, &plan->edit, word) & AG_SLOT_USED) && is_held(plan, word))
			return true;
	}
	return false;
}

int plan_make_room(struct plan *plan, size_t home, size_t other, size_t *ret_word)
{
	int r;

	if (is_due(plan, home) || is_due(plan, other)) {
		plan->waits = true;
		return -EAGAIN;
	}
	r = move_one_of(plan, home, true, ret_word);
	if (r == -E2BIG)
		r = move_one_of(plan, other, true, ret_word);
	for (unsigned int depth = 1; depth <= DEPTH_MAX && r == -E2BIG; depth++) {
		r = move_beyond(plan, home, depth);
		if (r == -E2BIG)
			r = move_beyond(plan, other, depth);
	}
	return r == -E2BIG && (plan->room.count || plan->waits) ? -EAGAIN : r;
}
