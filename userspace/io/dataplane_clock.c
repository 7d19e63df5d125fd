// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_clock.c - the policy's clock and its epoch, where the program reads them
 *
 * The offset outlives the daemon with its map, so expiry goes on without it. An offset of 0 is none: the
 * policy's clock would be at 1970 at the host's start.
 */
#include "userspace/io/dataplane_private.h"

void dataplane_set_clock(struct dataplane *dataplane, int64_t offset)
{
	store_u64((__u64 *)&dataplane->config->clock, (uint64_t)offset);
}

int64_t dataplane_clock(const struct dataplane *dataplane, bool *ret_set)
{
	int64_t offset = __atomic_load_n(&dataplane->config->clock, __ATOMIC_ACQUIRE);

	if (ret_set)
		*ret_set = offset != 0;
	return offset;
}

void dataplane_set_epoch(struct dataplane *dataplane, uint16_t epoch)
{
	__atomic_store_n(&dataplane->config->now.epoch, epoch, __ATOMIC_RELEASE);
}
