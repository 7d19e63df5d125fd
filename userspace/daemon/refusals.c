// SPDX-License-Identifier: GPL-2.0-only
/*
 * refusals.c - a window of a minute for each uid that was refused lately
 */
#include "userspace/daemon/refusals.h"

#include <stddef.h>

#define WINDOW_SECONDS 60

static bool is_over(const struct refusals_of *of, int64_t now)
{
	return of->used && now - of->since >= WINDOW_SECONDS;
}

/* The one it has, or a free one, or that of all others. */
static struct refusals_of *find(struct refusals *refusals, uid_t uid)
{
	struct refusals_of *of = NULL;

	for (size_t i = 0; i < REFUSALS_UIDS; i++) {
		struct refusals_of *at = &refusals->uids[i];

		if (at->used && at->uid == uid)
			return at;
		if (!at->used && !of)
			of = at;
	}
	return of ? of : &refusals->uids[REFUSALS_UIDS];
}

bool refusals_admit(struct refusals *refusals, uid_t uid, int64_t now)
{
	struct refusals_of *of = find(refusals, uid);

	if (!of->used)
		*of = (struct refusals_of){.uid = of == &refusals->uids[REFUSALS_UIDS] ? (uid_t)-1 : uid,
					   .used = true,
					   .since = now};
	if (of->written < REFUSALS_A_MINUTE) {
		of->written++;
		return true;
	}
	of->skipped++;
	return false;
}

bool refusals_take(struct refusals *refusals, int64_t now, bool all, uid_t *ret_uid, uint64_t *ret_skipped)
{
	for (size_t i = 0; i <= REFUSALS_UIDS; i++) {
		struct refusals_of *of = &refusals->uids[i];

		if (!is_over(of, now) && !(all && of->used))
			continue;
		*ret_uid = of->uid;
		*ret_skipped = of->skipped;
		*of = (struct refusals_of){0};
		if (*ret_skipped)
			return true;
	}
	return false;
}
