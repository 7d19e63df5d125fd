/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * chance.h - chance that is the same again from the same seed (splitmix64)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chance {
	uint64_t state;
};

static inline uint64_t chance_next(struct chance *chance)
{
	uint64_t x = chance->state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

/* 0 to below - 1 */
static inline uint32_t chance_below(struct chance *chance, size_t below)
{
	return (uint32_t)(chance_next(chance) % below);
}

static inline bool chance_percent(struct chance *chance, unsigned int percent)
{
	return chance_below(chance, 100) < percent;
}

/* The seed of the nth thing that is made from a seed. */
static inline uint64_t chance_seed(uint64_t seed, uint64_t nth)
{
	struct chance chance = {.state = seed ^ nth * 0xd1342543de82ef95ULL};

	return chance_next(&chance);
}

#define CHANCE_OF(chance, array) ((array)[chance_below((chance), sizeof(array) / sizeof((array)[0]))])
