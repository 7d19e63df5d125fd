// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule 2 asks the list alone, in any mode: an account in `monitor` must be ready for `enforce`. Rule 3 asks
 * what would become of the person's packets, so that `monitor` stops nobody and going back to `enforce` is
 * where it bites.
 */
#include "userspace/core/guard.h"

#include <stdio.h>

#include "userspace/core/error.h"
#include "userspace/core/reference.h"

static bool view_active(const struct guard_view *view)
{
	return policy_active(view->mode, view->count);
}

/* A match without an origin would be a caller's mistake, and must not let anything through. */
static bool view_allows(const struct guard_view *view, const struct addr *origin)
{
	return addr_known(origin) && view->match && view->match->verdict == AG_ENTRY_ALLOW;
}

static bool view_enforces(const struct guard_view *view)
{
	return view_active(view) && view->mode != AG_MODE_MONITOR;
}

/* As policy_decide() would say it of the list. */
static bool view_stops(const struct guard_view *view, const struct addr *origin)
{
	return view_enforces(view) && !view_allows(view, origin);
}

/* Rule 3, second half: never opened but knowingly. */
static int check_open(const struct guard_change *change, struct ag_error *error)
{
	if (change->open)
		return 0;
	if (change->removes_account) {
		if (!view_active(&change->before))
			return 0;
		return error_set(error, ERROR_WOULD_OPEN,
				 "removing account %s, which is active, opens its services to every source: "
				 "give --open if that is meant",
				 change->account);
	}
	if (change->before.count == 0 || change->after.count > 0)
		return 0;
	return error_set(
		error, ERROR_WOULD_OPEN,
		"this takes away the last enabled entry of account %s, and a list without one is open to "
		"every source: give --open if that is meant",
		change->account);
}

/* Rule 2: the first enabled entry must let the person in who brings it. */
static int check_first_entry(const struct guard_change *change, struct ag_error *error)
{
	char text[ADDR_TEXT_MAX];

	if (change->before.count > 0 || change->after.count == 0)
		return 0;
	if (view_allows(&change->after, &change->origin))
		return 0;
	if (!addr_known(&change->origin))
		return error_set(error, ERROR_ORIGIN_NOT_COVERED,
				 "the first enabled entry of account %s must let in whoever adds or enables "
				 "it, and it "
				 "is not known where you are connected from: a delegate names it with "
				 "--origin; an operator may use --force",
				 change->account);
	addr_format(&change->origin, text);
	if (change->after.match)
		return error_set(
			error, ERROR_ORIGIN_NOT_COVERED,
			"the first enabled entries of account %s deny the address you are connected from, "
			"%s: allow it in the "
			"same request; an operator may use --force",
			change->account, text);
	return error_set(
		error, ERROR_ORIGIN_NOT_COVERED,
		"the first enabled entry of account %s must hold the address you are connected from, "
		"%s, and not be expired: add it in the same request; an operator may use --force",
		change->account, text);
}

/* Rule 3, first half: nobody saws off their own branch. */
static int check_lock_out(const struct guard_change *change, struct ag_error *error)
{
	const struct entry *entry = change->after.match;
	char origin[ADDR_TEXT_MAX];
	char prefix[ENTRY_DESCRIPTION_MAX];

	if (!addr_known(&change->origin) || view_stops(&change->before, &change->origin) ||
	    !view_stops(&change->after, &change->origin))
		return 0;
	addr_format(&change->origin, origin);
	if (!entry)
		return error_set(error, ERROR_WOULD_LOCK_OUT,
				 "the address you are connected from, %s, would be stopped at account %s, "
				 "since no entry would "
				 "hold it: keep or add one that does; an operator may use --force",
				 origin, change->account);
	entry_describe(entry, prefix);
	return error_set(error, ERROR_WOULD_LOCK_OUT,
			 "the address you are connected from, %s, would be stopped at account %s by the "
			 "entry that denies %s: "
			 "allow it by a longer prefix first; an operator may use --force",
			 origin, change->account, prefix);
}

int guard_check(const struct guard_change *change, struct ag_error *error)
{
	int r = check_open(change, error);

	/* Without an account nobody is stopped. */
	if (r < 0 || change->removes_account || change->force)
		return r;
	r = check_first_entry(change, error);
	return r < 0 ? r : check_lock_out(change, error);
}

/* When the only entry that lets the origin in expires; INT64_MAX: it never does, or another is behind it. */
static int64_t view_lapse(const struct guard_view *view, const struct addr *origin)
{
	bool follows = view->next && view->next->verdict == AG_ENTRY_ALLOW;

	return view_allows(view, origin) && view->match->expires && !follows ? view->match->expires
									     : INT64_MAX;
}

void guard_warn(const struct guard_change *change, char warning[GUARD_WARNING_SIZE])
{
	const struct guard_view *before = &change->before, *after = &change->after;
	int64_t lapse = view_lapse(after, &change->origin);
	char origin[ADDR_TEXT_MAX], prefix[ENTRY_DESCRIPTION_MAX], when[TIME_TEXT_MAX];

	warning[0] = '\0';
	if (change->removes_account || lapse == INT64_MAX)
		return;
	if (lapse >= view_lapse(before, &change->origin) && (view_enforces(before) || !view_enforces(after)))
		return;
	addr_format(&change->origin, origin);
	entry_describe(after->match, prefix);
	time_format(lapse, when);
	(void)snprintf(warning, GUARD_WARNING_SIZE,
		       "entry %s, which lets you in from %s, expires at %s: account %s then %s", prefix,
		       origin, when, change->account,
		       view_enforces(after) ? "stops you" : "no longer lists you");
}
