/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * routes.h - which method and path means what (private to api*.c)
 */
#pragma once

#include "userspace/core/access.h"
#include "userspace/io/httpd.h"

#define PATH_MAX_BYTES	   2048
#define CALL_ARGUMENTS_MAX 2

struct ag_error;
struct call;
typedef int (*call_handler)(struct call *call);

struct route {
	const char *method;
	const char *path; /* {account} names an account that is there; other braces are arguments */
	enum right right;
	call_handler handle;
	const char *query;  /* parameters it takes, each between blanks, besides those of every change */
	const char *action; /* as the audit log names it; NULL: changes nothing */
	unsigned int done;  /* status when all went well; 0: 200 */
	bool list;	    /* changes an account's list or settings: waits for an import of that account */
	bool confirm;	    /* takes confirm_within */
	bool gone;	    /* its account need not be there: a change that removed it may be asked for */
	bool without_store; /* works while the store cannot be opened */
};

/* A path taken apart; what it points to is in it. */
struct match {
	const struct route *route;
	char scratch[PATH_MAX_BYTES];
	const char *arguments[CALL_ARGUMENTS_MAX];
	const char *account; /* as named in the path, NULL where none is */
	char allow[64];	     /* methods that the path knows */
};

/* ERROR_NOT_FOUND; ERROR_BAD_REQUEST, with `allow` filled where the path takes other methods. */
int routes_find(const struct httpd_request *request, struct match *match, struct ag_error *error);
