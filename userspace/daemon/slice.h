/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * slice.h - how long the loop is held at a time by what takes long
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define SLICE_NS 10000000

static inline int64_t slice_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* fails for a bad pointer alone */
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* When a slice that begins now is over. */
static inline int64_t slice_begin(void)
{
	return slice_now() + SLICE_NS;
}

static inline bool slice_over(int64_t end)
{
	return slice_now() >= end;
}
