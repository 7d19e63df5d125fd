/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guard.h - the rules that keep people from locking themselves out or opening an account by accident
 *
 * Contract, section 4, rules 2, 3 and 4: pure, over an account before and after a change.
 */
#pragma once

#include <stdbool.h>

#include "userspace/core/addr.h"
#include "userspace/core/policy.h"

struct ag_error;

/* An account, as far as the rules ask: so that no list has to be read for them. */
struct guard_view {
	enum ag_mode mode;
	size_t count; /* entries that are enabled */
	/* The longest in effect that holds the origin (NULL: none, or no origin is known), and the longest
	 * that does once that one has expired (NULL: none, or it does not expire). */
	const struct entry *match;
	const struct entry *next;
};

struct guard_change {
	const char *account;
	struct guard_view before;
	struct guard_view after;
	bool removes_account;
	struct addr origin; /* of the acting person; AG_FAMILY_NONE: unknown */
	bool open;	    /* --open was given */
	bool force;	    /* --force was given, by an operator */
};

/*
 * 0, or ERROR_WOULD_OPEN (the last enabled entry goes, or an active account, without --open),
 * ERROR_ORIGIN_NOT_COVERED (the first enabled entry comes and the origin is not allowed by the new list;
 * unknown is not covered), ERROR_WOULD_LOCK_OUT (a known origin that was not stopped before would be).
 * `force` overrides the last two, never the first.
 */
int guard_check(const struct guard_change *change, struct ag_error *error);
/*
 * What the person should know about a change that is accepted (rule 3): that the entry which lets them in
 * expires and none behind it would, when, and what becomes of them then. "" where there is nothing to say, or
 * it was so before already, and no later.
 */
#define GUARD_WARNING_SIZE 384
void guard_warn(const struct guard_change *change, char warning[GUARD_WARNING_SIZE]);
