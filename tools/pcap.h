/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pcap.h - frames out of a capture file, one after the other
 *
 * The classic format, of either byte order, with microseconds or nanoseconds, of Ethernet: what `tcpdump -w`
 * writes. Not pcapng: `tcpdump -r FILE -w OTHER` makes the one of the other.
 *
 * Source: draft-ietf-opsawg-pcap.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PCAP_FRAME_MAX 65535

struct pcap {
	FILE *file;
	bool swapped;
};

struct pcap_frame {
	_Alignas(8) uint8_t bytes[PCAP_FRAME_MAX];
	size_t len;
};

/* NULL, or what is wrong, static. Then the file is to be closed. */
const char *pcap_open(const char *path, struct pcap *ret);
/* 1, 0 at the end, or -1: it ends within a frame, or a frame is longer than any or was captured in part. */
int pcap_next(struct pcap *pcap, struct pcap_frame *ret);
void pcap_close(struct pcap *pcap);
