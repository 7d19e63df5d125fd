/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policydoc_reader.h - a document walked by tables of members, of which each knows how to read its value
 * (private to policydoc_read*.c)
 *
 * Two kinds of trouble: what is no JSON ends the walk with an error; what is JSON and wrong is noted with its
 * place, and the walk goes on behind it.
 */
#pragma once

#include <jansson.h>

#include "userspace/core/jsonwalk.h"
#include "userspace/core/policydoc_private.h"

struct policydoc_reader {
	struct jsonwalk walk;
	const struct policydoc_limits *limits;
	struct policydoc document;
	bool has_accounts;
	struct policydoc_account *account; /* the one being read */
	struct request_account settings;   /* of it */
	struct policydoc_list *list;	   /* the named list being read */
	size_t services;		   /* read so far */
	struct policydoc_bad bad;
	char place[POLICYDOC_PLACE_SIZE];
	size_t place_length;
};

/* A member of an object: `read` is given its name, and goes past its value. */
struct policydoc_member {
	const char *name;
	int (*read)(struct policydoc_reader *reader, const char *name);
};

/* The problem is here, or, where a field is named, in that field of it. Memory that ended is no fault of the
 * document's. */
int reader_report(struct policydoc_reader *reader, const char *field, struct ag_error *problem);
/* Ends the walk. */
int reader_over_limit(struct policydoc_reader *reader, size_t limit, const char *what);
/* So much is wrong that nothing more is read. */
bool reader_enough(const struct policydoc_reader *reader);
/* From its brace on. An object that is known here, or another value, which is wrong. */
int reader_object(struct policydoc_reader *reader, const struct policydoc_member *members, size_t count);
int reader_array(struct policydoc_reader *reader, int (*item)(struct policydoc_reader *reader, size_t index));
/* One value that must be an object, with what `should` says; *ret stays NULL, and it may be 0, where it is
 * none. */
int reader_load_object(struct policydoc_reader *reader, const char *should, json_t **ret);
/* Room for one more in an array. */
int reader_grow(void **items, size_t *room, size_t count, size_t size, struct ag_error *error);

/* policydoc_read_lists.c: the member "lists". */
int reader_read_lists(struct policydoc_reader *reader, const char *name);
