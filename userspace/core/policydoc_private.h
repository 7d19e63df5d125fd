/* SPDX-License-Identifier: GPL-2.0-only */
/* policydoc_private.h - what the files of policydoc.h share: what is wrong with a document, by its places */
#pragma once

#include "userspace/core/error.h"
#include "userspace/core/policydoc.h"

/* Wrong places after which reading ends: whoever sends so many has sent something else. */
#define POLICYDOC_BAD_STOP 1000

struct policydoc_bad {
	size_t count;
	char places[POLICYDOC_BAD_MAX][POLICYDOC_PLACE_SIZE]; /* of the first */
	struct ag_error first;
};

/* Takes note of the problem, which is at that place. */
void policydoc_bad_add(struct policydoc_bad *bad, const char *place, struct ag_error *problem);
/* 0 where nothing is wrong; else all of it as one error. */
int policydoc_bad_finish(const struct policydoc_bad *bad, struct ag_error *error);

/*
 * Whatever stands twice in a document that was read: then it is sorted, and created_at of entries, which is
 * their place in the list until then, is zero. -ENOMEM.
 */
int policydoc_settle(struct policydoc *document, struct policydoc_bad *bad);
