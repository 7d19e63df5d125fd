/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * listlines.h - what the forms of a list that have an entry a line share (private to listtext.c, listcsv.c
 * and listlines.c)
 *
 * A bad line does not end the reading (badparts.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "userspace/core/badparts.h"
#include "userspace/core/error.h"
#include "userspace/core/listtext.h"

#define LIST_BLANKS " \t"

struct list_reader {
	/* Of the caller's: */
	size_t limit; /* of entries */
	/* A line, without its end; to be cut up in place. Fails only for what ends the reading. */
	int (*line)(struct list_reader *reader, char *line, struct ag_error *error);
	void *arg;
	/* Of the reader's: */
	size_t number;	  /* of the line, from 1 */
	struct list list; /* created_at of an entry is the number of its line until all is read */
	bool unsorted;	  /* an entry does not sort behind the one before it */
	struct badparts bad;
};

/* Reads all lines: as listtext_parse(). */
int list_reader_run(struct list_reader *reader, const char *text, size_t length, struct list *ret,
		    struct ag_error *error);
/* Notes that the line is bad, and why. */
void list_reader_report(struct list_reader *reader, size_t number, struct ag_error *problem);
/* The entry of the line being read, whose strings it takes over; note (may be NULL) is copied. */
int list_reader_append(struct list_reader *reader, struct entry *entry, const char *note,
		       struct ag_error *error);
