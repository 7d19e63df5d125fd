/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * access.h - who may do what (contract, sections 2 and 4, rule 1)
 *
 * Pure: the caller finds out who acts and which role they have; this decides. An account
 * that exists and one that does not look alike to whoever may not read it. A token opens its own account
 * alone, and what is anyone's.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "userspace/core/addr.h"
#include "userspace/core/text.h"

struct ag_error;

enum role {
	ROLE_NONE,
	ROLE_VIEWER,
	ROLE_ADMIN,
	ROLE_MAX,
};

enum right {
	RIGHT_ANYONE,	    /* whoever reached the socket: whoami, the API document */
	RIGHT_KNOWN,	    /* operators and users of this host's policy, whatever their roles */
	RIGHT_OPERATE,	    /* accounts, services, users, roles, interfaces */
	RIGHT_ACCOUNT_READ, /* operators, admins, viewers */
	RIGHT_ACCOUNT_TUNE, /* mode and action: the account's admins, operators */
	RIGHT_ACCOUNT_LIST, /* the allowlist: the account's admins alone */
	RIGHT_MAX,
};

/* The person a request is for, and where they are. */
struct actor {
	char name[NAME_SIZE];	  /* empty: no such user here */
	bool operator_;		  /* root, or marked so */
	struct addr origin;	  /* family AG_FAMILY_NONE: unknown */
	uid_t uid;		  /* the peer's, by the socket */
	char delegate[NAME_SIZE]; /* who vouches; empty: the peer acts for itself */
	/* Who came with a token has no uid, is no operator, and has no right outside of the token's account,
	 * nor there more than its role. */
	int64_t token; /* its id; 0: none */
	char token_account[NAME_SIZE];
	enum role token_role;
	int64_t token_expires; /* 0: never */
};

/* What the role comes to for this actor. */
enum role access_role(const struct actor *actor, enum role role);

const char *role_name(enum role role);
/* "admin" or "viewer"; ERROR_BAD_REQUEST otherwise. */
int role_parse(const char *text, enum role *ret, struct ag_error *error);
/* 0, or ERROR_FORBIDDEN. `account` is named in the message, NULL where none is concerned. */
int access_check(const struct actor *actor, enum role role, enum right right, const char *account,
		 struct ag_error *error);
