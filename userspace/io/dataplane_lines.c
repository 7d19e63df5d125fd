// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_lines.c - room in ag_lines for short lists
 *
 * A block belongs to whoever took it until a word names it; then it is never written again. When the word
 * names it no more it waits in limbo for a grace period, since packets under way may still read it. Which
 * lines are in use is written nowhere: the words say it, and here it is kept beside them.
 */
#include "userspace/io/dataplane_private.h"

#include <string.h>
#include <sys/mman.h>

#define WORD_BITS 64U

static bool bit_get(const uint64_t *bits, uint32_t line)
{
	return bits[line / WORD_BITS] >> (line % WORD_BITS) & 1;
}

static void bits_set(uint64_t *bits, uint32_t line, uint32_t count)
{
	for (uint32_t i = line; i < line + count; i++)
		bits[i / WORD_BITS] |= UINT64_C(1) << (i % WORD_BITS);
}

static void bits_clear(uint64_t *bits, uint32_t line, uint32_t count)
{
	for (uint32_t i = line; i < line + count; i++)
		bits[i / WORD_BITS] &= ~(UINT64_C(1) << (i % WORD_BITS));
}

static size_t words_of(const struct line_space *space)
{
	return (space->count + WORD_BITS - 1) / WORD_BITS;
}

/* The first line that is free at or behind this one; it may lie beyond the end. */
static uint32_t next_free(const struct line_space *space, uint32_t line)
{
	while (line < space->count) {
		uint64_t free_ones = ~space->used[line / WORD_BITS] >> (line % WORD_BITS);

		if (free_ones)
			return line + (uint32_t)__builtin_ctzll(free_ones);
		line = (line / WORD_BITS + 1) * WORD_BITS;
	}
	return space->count;
}

/* The last line of these that is in use; LINES_NONE: all are free. */
static uint32_t last_used(const struct line_space *space, uint32_t line, uint32_t count)
{
	for (uint32_t i = line + count; i > line; i--)
		if (bit_get(space->used, i - 1))
			return i - 1;
	return LINES_NONE;
}

static uint32_t find_run(const struct line_space *space, uint32_t from, uint32_t count)
{
	uint32_t line = next_free(space, from);

	while (line < space->count && count <= space->count - line) {
		uint32_t used = last_used(space, line, count);

		if (used == LINES_NONE)
			return line;
		line = next_free(space, used + 1);
	}
	return LINES_NONE;
}

uint32_t lines_take(struct line_space *space, uint32_t count)
{
	uint32_t block = find_run(space, space->next, count);

	if (block == LINES_NONE)
		block = find_run(space, 0, count);
	if (block == LINES_NONE)
		return LINES_NONE;
	bits_set(space->used, block, count);
	space->in_use += count;
	space->next = block + count;
	return block;
}

void lines_give_back(struct line_space *space, uint32_t block, uint32_t count)
{
	bits_clear(space->used, block, count);
	space->in_use -= count;
}

void lines_retire(struct line_space *space, uint32_t block, uint32_t count)
{
	bits_set(space->limbo, block, count);
	space->in_limbo += count;
}

void lines_after_grace(struct line_space *space)
{
	if (!space->in_limbo)
		return;
	for (size_t i = 0; i < words_of(space); i++) {
		space->used[i] &= ~space->limbo[i];
		space->limbo[i] = 0;
	}
	space->in_use -= space->in_limbo;
	space->in_limbo = 0;
}

static bool held_is_known(enum family_index index, uint8_t held)
{
	return held_is_long(held) || held <= (index == FAMILY4 ? AG_LINES4_MAX : AG_LINES6_MAX);
}

static bool lead_to_lists(const struct dataplane *dataplane, uint32_t slot, union ag_account_state state)
{
	uint32_t place = ag_long_place(slot, state.flags);

	for (enum family_index index = 0; index < FAMILY_INDEX_MAX; index++) {
		uint8_t held = state_held(state, index);

		if (!held_is_known(index, held))
			return false;
		if (held_is_long(held) && !long_is_present(dataplane, long_kind_of(index, held), place))
			return false;
	}
	return true;
}

/* Two words never name the same line. */
static bool claim_block(struct line_space *space, union ag_account_state state)
{
	uint32_t lines = state_lines(state);

	if (!lines)
		return !(state.flags & AG_ACCOUNT_EXPIRES);
	if (lines > space->count || state.block > space->count - lines ||
	    last_used(space, state.block, lines) != LINES_NONE)
		return false;
	bits_set(space->used, state.block, lines);
	space->in_use += lines;
	return true;
}

void lines_adopt(struct dataplane *dataplane)
{
	const uint8_t known = AG_ACCOUNT_ACTIVE | AG_ACCOUNT_MONITOR | AG_ACCOUNT_SIDE | AG_ACCOUNT_EXPIRES;

	for (uint32_t slot = 0; slot < dataplane->limits.accounts; slot++) {
		union ag_account_state state = account_state(dataplane, slot);

		if (!state.word)
			continue;
		dataplane->damaged[slot] = !(state.flags & AG_ACCOUNT_ACTIVE) || (state.flags & ~known) ||
					   !actions_known(dataplane, state.action) ||
					   !lead_to_lists(dataplane, slot, state) ||
					   !claim_block(&dataplane->space, state);
		if (!dataplane->damaged[slot])
			actions_before_word(dataplane, state);
	}
}

int lines_open(struct dataplane *dataplane, struct ag_error *error)
{
	const struct bpf_map *map = dataplane->skeleton->maps.ag_lines;
	struct line_space *space = &dataplane->space;
	void *lines;
	int result;

	space->count = bpf_map__max_entries(map);
	space->used = calloc(words_of(space), sizeof(*space->used));
	space->limbo = calloc(words_of(space), sizeof(*space->limbo));
	if (!space->used || !space->limbo)
		return dataplane_no_memory(error);
	result = map_share(dataplane_map_fd(map), sizeof(*space->lines), space->count, &lines, &space->bytes);
	if (result < 0)
		return error_set(error, ERROR_KERNEL, "cannot map ag_lines: %s", strerror(-result));
	space->lines = lines;
	return 0;
}

void lines_close(struct line_space *space)
{
	if (space->lines)
		(void)munmap(space->lines, space->bytes); /* mapped here, so it cannot fail */
	free(space->used);
	free(space->limbo);
}
