/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * badparts.h - what is wrong with a text of numbered parts, be they lines or entries: all of it, as one error
 *
 * A bad part does not end the reading: whoever wrote the text wants to know of all of them at once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "userspace/core/error.h"

#define BADPARTS_NAMED 20 /* parts that an error names, the first one among them */
/* Bad parts after which reading ends: whoever sends so many has sent something else. */
#define BADPARTS_STOP 1000

/* Initialise what a part is called; the rest is zero. */
struct badparts {
	const char *one;  /* "line"; borrowed, as is: */
	const char *many; /* "lines" */
	size_t count;
	size_t numbers[BADPARTS_NAMED]; /* of the first that were added */
	struct ag_error first;
};

/* Takes note of the problem, with the part's number and, unless it is NULL, what stands in it: "entry 2,
 * 192.0.2.1/33: ". */
void badparts_add(struct badparts *bad, size_t number, const char *which, struct ag_error *problem);
bool badparts_enough(const struct badparts *bad);
/* 0 where nothing is bad. Else the error that was added first, with the numbers of the others behind it in
 * order, as many as BADPARTS_NAMED allows, and how many more there are. */
int badparts_finish(struct badparts *bad, struct ag_error *error);
