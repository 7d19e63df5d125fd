/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bench_keys.h - what differs from packet to packet: shared by the generator's program and its loader
 *
 * Addresses, port and checksums as they stand in the frame. Every packet is a TCP SYN to its key's
 * destination whose sequence number is the key's index, so that whoever receives one knows which it is.
 */
#pragma once

#include <linux/types.h>

struct bench_key4 {
	__be32 source;
	__be32 dest;
	__be16 port;
	__u16 ip_check;
	__u16 tcp_check;
	__u16 pad;
};

struct bench_key6 {
	__be32 source[4];
	__be32 dest[4];
	__be16 port;
	__u16 tcp_check;
	__u32 pad;
};

/* One element, mapped into the loader: the next key to be sent, of how many, and from where to where. */
struct bench_walk {
	__u32 next;
	__u32 count;
	__u8 macs[12]; /* destination, source */
	__u32 pad;
};

#define BENCH_FRAME4_LEN 60
#define BENCH_FRAME6_LEN 74
#define BENCH_TTL	 64

_Static_assert(sizeof(struct bench_key4) == 16, "four to a cache line");
_Static_assert(sizeof(struct bench_key6) == 40, "no holes");
