/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * import.h - a change of a list that takes too long for the loop: prepared in a thread, finished in the loop
 *
 * import_new() (loop) -> import_prepare() (any thread; shares nothing but what it was given) ->
 * import_apply() (loop) -> import_free() (loop). Between the first and the last the account's list and
 * settings must not be changed by anything else: api_imports.c sees to that.
 */
#pragma once

#include "userspace/core/policydoc.h"
#include "userspace/daemon/change.h"
#include "userspace/daemon/named.h"

#define HOLDING_MAX 129 /* one of each length */

enum import_what {
	IMPORT_WHOLE, /* ALLOW_REPLACE: the list in `list` or `body` */
	IMPORT_MORE,  /* ALLOW_ADD, of many */
	IMPORT_BACK,  /* ALLOW_ROLLBACK, ALLOW_REPLACE: the list of the generation `restores` */
	IMPORT_LISTS, /* the change stays what it is; only the kernel's lists are built */
};

/* How a body writes its entries. */
enum list_form {
	LIST_JSON,
	LIST_TEXT,
	LIST_CSV,
};

/* Owns what is not marked as borrowed. */
struct import {
	struct gate *gate;
	enum import_what what;
	struct change change; /* its pointers are to what follows; services are none of an import's */
	enum ag_mode mode;
	struct on_deny on_deny;
	char *label;
	struct account account;
	const char *body; /* borrowed; NULL: `list` is given */
	size_t body_length;
	enum list_form form;		  /* of the body */
	struct list list;		  /* entries that come, or (ALLOW_REMOVE) go */
	const struct policydoc *lists_of; /* borrowed: named lists as it makes them; NULL: as they are */
	struct prepared prepared;
	struct request_entry set;
	int64_t now;
	int64_t policy_now;	/* gate_now() */
	struct list references; /* enabled ones of the list as it will be, which come first in it */
	struct list lists[REFERENCES_MAX]; /* that those are to */
	struct list through;		   /* what comes through them */
	struct union_walk walk;		   /* visit NULL: the references are not complete yet */
	struct entry holding[HOLDING_MAX]; /* those in effect that hold the actor's origin, shortest first */
	size_t holding_count;
	bool cancel;	       /* set by the loop: end soon */
	int err;	       /* of the preparation */
	struct ag_error error; /* with it */
};

/* What change_permitted() says; ERROR_NOT_FOUND where there is no such account; ERROR_CONFLICT where it has
 * an import already. */
int import_new(struct gate *gate, const struct change *change, enum import_what what, struct import **ret,
	       struct ag_error *error);
/* Fills import->err and import->error. */
void import_prepare(void *import);
int import_apply(struct import *import, struct outcome *outcome, struct ag_error *error);
void import_free(struct import *import);
/* Entries of a body; see request.h. */
int import_decode(const char *body, size_t length, enum list_form form, size_t limit, bool allow_empty,
		  struct list *ret, struct ag_error *error);
