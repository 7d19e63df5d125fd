/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * person.h - everything that is held on one person, as one JSON document, a piece at a time (private to
 * api_person.c and person.c)
 *
 * What is written here is what `user erase` ends, and tests/system/privacy.sh holds both to the columns that
 * there are.
 */
#pragma once

#include "userspace/core/buffer.h"
#include "userspace/daemon/gate.h"

/* Initialise the first two; the rest is zero. */
struct person_export {
	struct gate *gate;   /* borrowed */
	char who[NAME_SIZE]; /* a name, or uid:1000 */
	bool whole;	     /* the last piece was written */
	size_t part;
	bool opened; /* this part was begun ... */
	bool begun;  /* ... and has an item */
	bool cursor; /* ... and goes on behind: */
	struct store_made made;
	struct store_made_history history;
	int64_t row;
};

/* Appends the next piece, which is never empty. A negative errno: what was written before is not all. */
int person_write(struct person_export *export, struct buffer *text);
