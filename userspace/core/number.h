/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * number.h - addresses as numbers, as the lists in the kernel hold them
 *
 * The first bit of the address is the highest of 128; an IPv4 address is in the upper 32, with zeros below.
 * So one arithmetic does for both families, and a length means the same in both.
 */
#pragma once

#include <stdint.h>
#include <string.h>

#include "userspace/core/addr.h"

#define NUMBER_BITS 128

static inline unsigned __int128 number_make(uint64_t high, uint64_t low)
{
	return (unsigned __int128)high << 64 | low;
}

static inline unsigned __int128 number_of_addr(const struct addr *addr)
{
	uint64_t halves[2];

	memcpy(halves, addr->bytes, sizeof(halves));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return number_make(__builtin_bswap64(halves[0]), __builtin_bswap64(halves[1]));
#else
	return number_make(halves[0], halves[1]);
#endif
}

static inline struct addr number_to_addr(enum ag_family family, unsigned __int128 number)
{
	uint64_t halves[2] = {(uint64_t)(number >> 64), (uint64_t)number};
	struct addr addr = {.family = (uint8_t)family};

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	halves[0] = __builtin_bswap64(halves[0]);
	halves[1] = __builtin_bswap64(halves[1]);
#endif
	memcpy(addr.bytes, halves, family == AG_FAMILY_IPV4 ? 4 : sizeof(addr.bytes));
	return addr;
}

/* How many numbers a prefix of that length holds, of all 128 bits; 0, since it overflows, for length 0. */
static inline unsigned __int128 number_step(unsigned int len)
{
	return len ? (unsigned __int128)1 << (NUMBER_BITS - len) : 0;
}

/* The bits beyond the length are zero; 0 <= len <= 128. */
static inline unsigned __int128 number_cut(unsigned __int128 number, unsigned int len)
{
	return len ? number & -number_step(len) : 0;
}

static inline struct prefix number_to_prefix(enum ag_family family, unsigned __int128 number, uint8_t len)
{
	return (struct prefix){.addr = number_to_addr(family, number_cut(number, len)), .len = len};
}
