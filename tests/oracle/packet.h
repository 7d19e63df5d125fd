/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * packet.h - what a frame holds, for the oracle
 */
#pragma once

#include "tests/oracle/oracle.h"

enum packet_kind {
	PACKET_TOO_MANY_TAGS,
	PACKET_NOT_IP,
	PACKET_CUT_OFF, /* before its destination */
	PACKET_WRONG_VERSION,
	PACKET_IP,
};

struct packet {
	enum packet_kind kind;
	size_t tags;
	struct oracle_addr source;
	struct oracle_addr dest;
	uint8_t hop_limit;
	bool malformed;
	enum oracle_class fault; /* if malformed */
	bool first;		 /* of several fragments */
	bool later;		 /* a fragment that is not the first */
	size_t extensions;
	bool padding;
	bool whole;	/* its headers could be followed to the upper layer */
	uint8_t proto;	/* of the upper layer; of a later fragment, what its header says of it */
	size_t upper;	/* where that begins in the frame ... */
	size_t end;	/* ... and where the packet ends */
	bool has_ports; /* the protocol has; they are there unless malformed, or in a later fragment */
	uint16_t source_port;
	uint16_t dest_port;
	bool half; /* of a quoted packet: all that is asked for is there, but headers or ports are cut off */
};

void packet_read(const uint8_t *frame, size_t len, struct packet *ret);
/* Whether it is the family's own ICMP. */
bool packet_is_icmp(const struct packet *packet);
/*
 * What an ICMP error quotes, from `at` on: as a packet without Ethernet header, of which lengths say more
 * than is there. False where no source and protocol can be read from it.
 */
bool packet_read_quoted(const uint8_t *frame, size_t at, size_t end, uint8_t family, struct packet *ret);
bool packet_proto_has_ports(uint8_t proto);
