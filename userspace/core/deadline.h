/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * deadline.h - a moment that comes, whatever becomes of the wall clock
 *
 * Kept on two clocks: the wall clock, which survives a reboot but may be set, and the time since boot, which
 * cannot be set but is another one after a reboot. Whichever comes first counts. Where only the wall clock is
 * left, and it says that more is left than was ever given, it was set back: then the moment is now. So a
 * deadline may come early where clocks are set, and never later than it was given for since the last boot.
 *
 * All in whole seconds.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BOOT_ID_SIZE 37 /* of /proc/sys/kernel/random/boot_id, with the NUL */

struct moment {
	int64_t wall; /* since 1970 */
	int64_t up;   /* since boot, suspended time included */
	char boot[BOOT_ID_SIZE];
};

struct deadline {
	int64_t within; /* what was given */
	struct moment at;
};

/* `within` seconds from now. */
struct deadline deadline_after(const struct moment *now, int64_t within);
/* Seconds that are left, 0 or less where it has come. */
int64_t deadline_left(const struct deadline *deadline, const struct moment *now);
/*
 * Whether it was made before the last boot: then *deadline is given what is left on this boot's clock, and is
 * to be kept so.
 */
bool deadline_adopt(struct deadline *deadline, const struct moment *now);
