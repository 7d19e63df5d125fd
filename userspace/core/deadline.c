// SPDX-License-Identifier: GPL-2.0-only
/*
 * deadline.c - see deadline.h
 */
#include "userspace/core/deadline.h"

#include <string.h>

struct deadline deadline_after(const struct moment *now, int64_t within)
{
	struct deadline deadline = {.within = within, .at = *now};

	deadline.at.wall += within;
	deadline.at.up += within;
	return deadline;
}

static bool same_boot(const struct deadline *deadline, const struct moment *now)
{
	return strcmp(deadline->at.boot, now->boot) == 0;
}

int64_t deadline_left(const struct deadline *deadline, const struct moment *now)
{
	int64_t wall = deadline->at.wall - now->wall;
	int64_t up = deadline->at.up - now->up;

	if (same_boot(deadline, now))
		return wall < up ? wall : up;
	return wall > deadline->within ? 0 : wall;
}

bool deadline_adopt(struct deadline *deadline, const struct moment *now)
{
	if (same_boot(deadline, now))
		return false;
	deadline->at.up = now->up + deadline_left(deadline, now);
	memcpy(deadline->at.boot, now->boot, sizeof(deadline->at.boot));
	return true;
}
