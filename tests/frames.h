/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * frames.h - frames for tests, from a description in a table
 *
 * What a description leaves out is what a sound packet has. Checksums are zero: nothing under test looks at
 * them.
 */
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define FRAME_MAX   20000
#define FRAME_ALIGN 2 /* of the Ethernet header, so that the IP header is aligned (NET_IP_ALIGN) */

#define FRAME_ETH_IPV4 0x0800
#define FRAME_ETH_IPV6 0x86dd
#define FRAME_ETH_ARP  0x0806
#define FRAME_VLAN     0x8100
#define FRAME_QINQ     0x88a8

struct frame_spec {
	uint16_t tags[4];   /* TPIDs; 0 ends */
	uint16_t ethertype; /* 0: that of the destination's family */
	const char *source; /* NULL with dest: no IP packet, `payload` bytes instead */
	const char *dest;
	uint8_t proto; /* of the upper layer; IPPROTO_TCP has 20 bytes, UDP and ICMP 8, all with ports the
			  ports */
	uint16_t source_port;
	uint16_t port;
	uint8_t type; /* of ICMP */
	uint8_t code;
	uint16_t payload;	/* bytes behind the transport header */
	uint8_t version;	/* 0: right */
	uint8_t ihl;		/* IPv4, in words; 0: 5. The words behind the fifth are there */
	bool false_ihl;		/* ... but for these, `ihl` is said and five are there */
	uint8_t hop_limit;	/* 0: 64 */
	uint8_t extensions[12]; /* IPv6 */
	uint8_t extension_count;
	uint8_t extension_len; /* the length field of those that are neither fragment nor AH */
	uint16_t start;	       /* of a fragment, in bytes; for IPv6 in each fragment header */
	bool more;
	bool false_len; /* the length field of the IP header is `len` ... */
	uint16_t len;
	uint16_t trim;	  /* bytes missing at the packet's end, the length field being right */
	uint16_t padding; /* bytes behind the packet */
	uint16_t cut;	  /* the frame ends after this many bytes; 0: not cut */
};

struct frame {
	_Alignas(8) uint8_t storage[FRAME_MAX + FRAME_ALIGN];
	size_t len;
};

static inline __attribute__((unused)) uint8_t *frame_data(struct frame *frame)
{
	return frame->storage + FRAME_ALIGN;
}

static inline uint8_t *frame_push(struct frame *frame, size_t len)
{
	uint8_t *at = frame_data(frame) + frame->len;

	memset(at, 0, len);
	frame->len += len;
	return at;
}

static inline void frame_put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline bool frame_is_ipv6(const struct frame_spec *spec)
{
	return spec->dest && strchr(spec->dest, ':');
}

static inline bool frame_proto_has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP ||
	       proto == IPPROTO_DCCP || proto == IPPROTO_UDPLITE;
}

static inline void frame_push_ethernet(struct frame *frame, const struct frame_spec *spec)
{
	static const uint8_t macs[12] = {0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2};
	uint16_t type = spec->ethertype;

	if (!type)
		type = frame_is_ipv6(spec) ? FRAME_ETH_IPV6 : FRAME_ETH_IPV4;
	memcpy(frame_push(frame, sizeof(macs)), macs, sizeof(macs));
	for (size_t i = 0; i < 4 && spec->tags[i]; i++) {
		uint8_t *tag = frame_push(frame, 4);

		frame_put16(tag, spec->tags[i]);
		frame_put16(tag + 2, 100 + i);
	}
	frame_put16(frame_push(frame, 2), type);
}

static inline void frame_push_ipv4(struct frame *frame, const struct frame_spec *spec)
{
	uint8_t words = spec->ihl && !spec->false_ihl ? spec->ihl : 5;
	uint8_t *ip = frame_push(frame, words * 4U);
	uint8_t version = spec->version ? spec->version : 4;

	ip[0] = (uint8_t)(version << 4 | (spec->ihl ? spec->ihl : 5));
	frame_put16(ip + 4, 0x1234);
	frame_put16(ip + 6, spec->start / 8U | (spec->more ? 0x2000U : 0));
	ip[8] = spec->hop_limit ? spec->hop_limit : 64;
	ip[9] = spec->proto;
	inet_pton(AF_INET, spec->source, ip + 12);
	inet_pton(AF_INET, spec->dest, ip + 16);
	if (words > 5)
		memset(ip + 20, 1, (words - 5U) * 4U); /* no-operation */
}

static inline void frame_push_extension(struct frame *frame, const struct frame_spec *spec, size_t i)
{
	bool last = i + 1 == spec->extension_count;
	uint8_t kind = spec->extensions[i];
	uint8_t len = spec->extension_len;
	uint8_t *header;

	if (kind == IPPROTO_FRAGMENT) {
		header = frame_push(frame, 8);
		frame_put16(header + 2, spec->start | (spec->more ? 1U : 0));
		len = 0;
	} else if (kind == IPPROTO_AH) {
		header = frame_push(frame, 16);
		len = 2;
	} else {
		header = frame_push(frame, (len + 1U) * 8);
		header[2] = 1; /* a PadN option where there are options */
	}
	header[0] = last ? spec->proto : spec->extensions[i + 1];
	header[1] = len;
}

static inline void frame_push_ipv6(struct frame *frame, const struct frame_spec *spec)
{
	uint8_t *ip = frame_push(frame, 40);

	ip[0] = (uint8_t)((spec->version ? spec->version : 6) << 4);
	ip[6] = spec->extension_count ? spec->extensions[0] : spec->proto;
	ip[7] = spec->hop_limit ? spec->hop_limit : 64;
	inet_pton(AF_INET6, spec->source, ip + 8);
	inet_pton(AF_INET6, spec->dest, ip + 24);
	for (size_t i = 0; i < spec->extension_count; i++)
		frame_push_extension(frame, spec, i);
}

static inline void frame_push_transport(struct frame *frame, const struct frame_spec *spec)
{
	uint8_t *header;

	if (frame_proto_has_ports(spec->proto)) {
		header = frame_push(frame, spec->proto == IPPROTO_TCP ? 20 : 8);
		frame_put16(header, spec->source_port);
		frame_put16(header + 2, spec->port);
	} else if (spec->proto == IPPROTO_ICMP || spec->proto == IPPROTO_ICMPV6) {
		header = frame_push(frame, 8);
		header[0] = spec->type;
		header[1] = spec->code;
	}
	(void)frame_push(frame, spec->payload);
}

static inline __attribute__((unused)) void frame_build(struct frame *frame, const struct frame_spec *spec)
{
	size_t ip, len;

	frame->len = 0;
	frame_push_ethernet(frame, spec);
	ip = frame->len;
	if (!spec->source) {
		(void)frame_push(frame, spec->payload);
	} else {
		if (frame_is_ipv6(spec))
			frame_push_ipv6(frame, spec);
		else
			frame_push_ipv4(frame, spec);
		frame_push_transport(frame, spec);
		frame->len -= spec->trim;
		len = frame_is_ipv6(spec) ? frame->len - ip - 40 : frame->len - ip;
		frame_put16(frame_data(frame) + ip + (frame_is_ipv6(spec) ? 4 : 2),
			    spec->false_len ? spec->len : len);
	}
	(void)frame_push(frame, spec->padding);
	if (spec->cut && spec->cut < frame->len)
		frame->len = spec->cut;
}
