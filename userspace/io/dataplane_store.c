// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_store.c - the stores into memory that the program reads
 *
 * In a file of their own, so that a test can put its own in their place and look at every moment.
 */
#include "userspace/io/dataplane_private.h"

void store_u32(uint32_t *to, uint32_t value)
{
	__atomic_store_n(to, value, __ATOMIC_RELEASE);
}

void store_u64(__u64 *to, uint64_t value)
{
	__atomic_store_n(to, value, __ATOMIC_RELEASE);
}
