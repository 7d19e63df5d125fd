// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic cell rate algorithm (ITU-T I.371): of each client there is one time, at which it would have
 * earned all that it has taken. It may be a minute ahead.
 */
#include "userspace/core/pace.h"

#include <assert.h>

#define MINUTE_US UINT64_C(60000000)

static struct pace_client *client_of(struct pace *pace, int64_t id)
{
	struct pace_client *idle = &pace->clients[0];

	for (size_t i = 0; i < PACE_CLIENTS; i++) {
		struct pace_client *client = &pace->clients[i];

		if (client->id == id)
			return client;
		if (client->free_us < idle->free_us)
			idle = client;
	}
	*idle = (struct pace_client){.id = id};
	return idle;
}

uint64_t pace_take(struct pace *pace, int64_t id, uint64_t now_ms)
{
	struct pace_client *client = client_of(pace, id);
	uint64_t now = now_ms * 1000, cost, ready;

	assert(pace->per_minute > 0 && pace->per_minute <= PACE_PER_MINUTE);
	cost = MINUTE_US / pace->per_minute;
	ready = client->free_us > now ? client->free_us : now;
	if (ready + cost > now + MINUTE_US)
		return (ready + cost - now - MINUTE_US + 999) / 1000;
	client->free_us = ready + cost;
	return 0;
}
