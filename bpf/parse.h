/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * parse.h - a frame -> struct ag_packet
 *
 * No maps and no helpers: compiles for the kernel and on the host. One short function a header,
 * one cursor (an offset into the frame and the end of the IP packet). What every rule here
 * decides is section 3 of the contract: what is malformed, what is a fragment, what has ports.
 *
 * A frame may lie in several buffers, of which only the first (the linear part) can be read
 * directly; the rest is fetched by ag_frame_load(), which whoever includes this defines. Every check of a
 * length is against the whole frame, so where the linear part ends never changes the result. The linear part
 * should start two bytes behind a multiple of four (NET_IP_ALIGN), as drivers place it where unaligned reads
 * cost or trap.
 */
#pragma once

#include <linux/types.h>

#include <bpf/bpf_endian.h>

#include "bpf/ag_abi.h"
#include "bpf/wire.h"

#define AG_INLINE static inline __attribute__((always_inline))
/* The compiler reads anew what it knew of memory. */
#define AG_REREAD() asm volatile("" ::: "memory")

union ag_addr {
	__u8 bytes[16];
	__be32 words[4]; /* an IPv4 address in the first, zeros behind */
};

enum ag_parse_status {
	AG_PARSE_UNREADABLE, /* zero: ends before its destination, or its version is not its EtherType's */
	AG_PARSE_NOT_JUDGED, /* neither IPv4 nor IPv6, or neighbour discovery, or MLD */
	AG_PARSE_TAGGED,     /* more VLAN tags than are walked over */
	AG_PARSE_IP,	     /* family, source and dest are good; the rest too, unless malformed */
};

enum ag_fragment {
	AG_FRAGMENT_NONE,
	AG_FRAGMENT_FIRST,
	AG_FRAGMENT_LATER, /* no port, and proto is that of the whole packet */
};

/* How far the parser has come: in the end, the upper-layer header, where there is one to be read. */
struct ag_cursor {
	__u32 offset;
	__u32 end;	 /* of the IP packet, never beyond the frame's */
	__u8 proto;	 /* what starts at offset, by the family's own number */
	__u8 hop_limit;	 /* IPv6 */
	__u8 extended;	 /* extension headers lie before it */
	__u8 fragmented; /* a fragment header is one of them */
};

struct ag_packet {
	__u8 status;	/* enum ag_parse_status */
	__u8 family;	/* enum ag_family */
	__u8 malformed; /* 0 or 1 */
	__u8 fragment;	/* enum ag_fragment */
	/* as services name it: TCP, UDP, ICMP for either family's own; AG_PROTO_ANY for all others */
	__u8 proto;
	__u8 proto_class; /* of proto: enum ag_proto_class */
	__be16 port_be;	  /* of the destination; 0 without ports, and no service is on port 0 */
	union ag_addr source;
	union ag_addr dest;
	struct ag_cursor cursor;
};

struct ag_frame {
	const __u8 *data; /* the linear part ... */
	const __u8 *end;  /* ... and its end */
	__u32 len;	  /* of the whole frame */
	void *context;	  /* for ag_frame_load() */
};

/*
 * Copies what the linear part does not hold whole; offset + len lies within the frame. Non-zero if it cannot.
 * Defined by whoever includes this.
 */
AG_INLINE long ag_frame_load(const struct ag_frame *frame, __u32 offset, void *to, __u32 len);

AG_INLINE __u16 ag_host16(__be16 wire)
{
	return (__u16)bpf_ntohs(wire);
}

/* Returns false, for those who end with it. */
AG_INLINE _Bool ag_malformed(struct ag_packet *packet)
{
	packet->malformed = 1;
	return 0;
}

/*
 * Where `len` bytes at `offset` can be read: in the linear part, or in `scratch` (of that size, and
 * aligned as they need). False if the frame does not hold them. No offset is as great as 0x8000: tags, IP
 * header and AG_EXTENSION_HEADERS_MAX headers of at most 2048 bytes; the mask tells the verifier.
 */
AG_INLINE _Bool ag_frame_at(const struct ag_frame *frame, __u32 offset, __u32 len, void *scratch,
			    const void **at)
{
	const __u8 *start = frame->data + (offset & 0x7fff);

	if (start + len <= frame->end) {
		*at = start;
		return 1;
	}
	if (offset + len > frame->len || ag_frame_load(frame, offset, scratch, len))
		return 0;
	*at = scratch;
	return 1;
}

/* The same within the IP packet: what lies behind its end is padding. */
AG_INLINE _Bool ag_cursor_at(const struct ag_frame *frame, const struct ag_cursor *cursor, __u32 len,
			     void *scratch, const void **at)
{
	return cursor->offset + len <= cursor->end && ag_frame_at(frame, cursor->offset, len, scratch, at);
}

/* The EtherType behind at most two tags, host order, and the offset behind it. False where the frame ends
 * before. */
AG_INLINE _Bool ag_parse_ethertype(const struct ag_frame *frame, __u16 *type, __u32 *offset)
{
	const void *at;
	__be16 scratch;

	*offset = AG_ETH_TYPE_OFFSET;
	for (int tags = 0; tags <= AG_VLAN_TAGS_MAX; tags++) {
		if (!ag_frame_at(frame, *offset, sizeof(scratch), &scratch, &at))
			return 0;
		*type = ag_host16(*(const __be16 *)at);
		*offset += (__u32)sizeof(scratch);
		if (*type != AG_ETH_VLAN && *type != AG_ETH_QINQ)
			break;
		*offset += (__u32)sizeof(scratch); /* the tag's own two bytes */
	}
	return 1;
}

AG_INLINE _Bool ag_is_extension(__u8 proto)
{
	switch (proto) {
	case AG_IP_HOP_BY_HOP:
	case AG_IP_ROUTING:
	case AG_IP_FRAGMENT:
	case AG_IP_AH:
	case AG_IP_DESTINATION:
	case AG_IP_MOBILITY:
	case AG_IP_HIP:
	case AG_IP_SHIM6:
		return 1;
	default:
		return 0;
	}
}

AG_INLINE _Bool ag_has_ports(__u8 proto)
{
	return proto == AG_IP_TCP || proto == AG_IP_UDP || proto == AG_IP_SCTP || proto == AG_IP_DCCP ||
	       proto == AG_IP_UDP_LITE;
}

/* The other family's ICMP is a protocol like any other. */
AG_INLINE __u8 ag_icmp_of(__u8 family)
{
	return family == AG_FAMILY_IPV4 ? AG_IP_ICMP : AG_IP_ICMPV6;
}

AG_INLINE void ag_set_proto(struct ag_packet *packet, __u8 proto)
{
	packet->proto = AG_PROTO_ANY;
	packet->proto_class = AG_PROTO_CLASS_OTHER;
	if (proto == AG_IP_TCP) {
		packet->proto = AG_IP_TCP;
		packet->proto_class = AG_PROTO_CLASS_TCP;
	} else if (proto == AG_IP_UDP) {
		packet->proto = AG_IP_UDP;
		packet->proto_class = AG_PROTO_CLASS_UDP;
	} else if (proto == ag_icmp_of(packet->family)) {
		packet->proto = AG_IP_ICMP;
		packet->proto_class = AG_PROTO_CLASS_ICMP;
	}
}

/* What stands behind the IP headers, in a packet that is no later fragment. */
AG_INLINE void ag_parse_transport(const struct ag_frame *frame, struct ag_packet *packet)
{
	const struct ag_cursor *cursor = &packet->cursor;
	struct ag_ports scratch;
	const void *at;

	if (ag_has_ports(cursor->proto)) {
		if (!ag_cursor_at(frame, cursor, sizeof(scratch), &scratch, &at)) {
			packet->malformed = 1;
			return;
		}
		packet->port_be = ((const struct ag_ports *)at)->dest;
	} else if (cursor->proto == ag_icmp_of(packet->family) &&
		   cursor->offset + AG_ICMP_SIZE > cursor->end) {
		packet->malformed = 1;
	}
}

/*
 * The data from the cursor on is a piece of the whole packet's, `start` bytes into it. Beyond 65,535 bytes
 * of data no packet can reach, whichever headers it has.
 */
AG_INLINE void ag_parse_fragment(struct ag_packet *packet, __u32 start, _Bool more)
{
	if (start)
		packet->fragment = AG_FRAGMENT_LATER;
	else if (more)
		packet->fragment = AG_FRAGMENT_FIRST;
	if (start + (packet->cursor.end - packet->cursor.offset) > AG_IP_REASSEMBLED_MAX)
		packet->malformed = 1;
}

AG_INLINE void ag_parse_ipv4(const struct ag_frame *frame, __u32 offset, struct ag_packet *packet)
{
	struct ag_cursor *cursor = &packet->cursor;
	struct ag_ipv4_header scratch;
	const struct ag_ipv4_header *ip;
	const void *at;
	__u32 header_len, total_len, fragment;

	if (!ag_frame_at(frame, offset, sizeof(scratch), &scratch, &at))
		return;
	ip = at;
	if (ip->version_ihl >> 4 != AG_FAMILY_IPV4)
		return;
	packet->status = AG_PARSE_IP;
	packet->family = AG_FAMILY_IPV4;
	packet->source.words[0] = ip->source;
	packet->dest.words[0] = ip->dest;
	header_len = (ip->version_ihl & 0xfU) * 4;
	total_len = ag_host16(ip->total_len);
	fragment = ag_host16(ip->fragment);
	cursor->proto = ip->proto;
	ag_set_proto(packet, ip->proto);
	if (header_len < sizeof(*ip) || total_len < header_len || offset + total_len > frame->len) {
		packet->malformed = 1;
		return;
	}
	cursor->offset = offset + header_len;
	cursor->end = offset + total_len;
	ag_parse_fragment(packet, (fragment & AG_IPV4_OFFSET_MASK) * 8, fragment & AG_IPV4_MORE_FRAGMENTS);
	if (packet->fragment != AG_FRAGMENT_LATER)
		ag_parse_transport(frame, packet);
}

/* ::ffff:0:0/96 and ::/96: the stack would take the first for an IPv4 source. */
AG_INLINE _Bool ag_source_holds_ipv4(const union ag_addr *source)
{
	return !source->words[0] && !source->words[1] &&
	       (!source->words[2] || source->words[2] == bpf_htonl(0xffff));
}

AG_INLINE _Bool ag_is_link_local(const union ag_addr *addr)
{
	return addr->bytes[0] == 0xfe && (addr->bytes[1] & 0xc0) == 0x80;
}

AG_INLINE _Bool ag_is_unspecified(const union ag_addr *addr)
{
	return !(addr->words[0] | addr->words[1] | addr->words[2] | addr->words[3]);
}

/* Neighbour discovery and MLD have no business with allowlists: without them the host cannot be reached at
 * all. */
AG_INLINE _Bool ag_is_link_control(const struct ag_frame *frame, const struct ag_packet *packet)
{
	const struct ag_cursor *cursor = &packet->cursor;
	const struct ag_icmp_start *icmp;
	struct ag_icmp_start scratch;
	const void *at;

	if (cursor->hop_limit != AG_ND_HOP_LIMIT && cursor->hop_limit != AG_MLD_HOP_LIMIT)
		return 0;
	if (!ag_cursor_at(frame, cursor, sizeof(scratch), &scratch, &at))
		return 0;
	icmp = at;
	if (cursor->hop_limit == AG_ND_HOP_LIMIT)
		return !cursor->extended && !icmp->code && icmp->type >= AG_ND_FIRST &&
		       icmp->type <= AG_ND_LAST;
	if (icmp->type != AG_MLD2_REPORT && (icmp->type < AG_MLD_QUERY || icmp->type > AG_MLD_DONE))
		return 0;
	return ag_is_link_local(&packet->source) || ag_is_unspecified(&packet->source);
}

AG_INLINE __u32 ag_extension_len(__u8 kind, __u8 len)
{
	if (kind == AG_IP_FRAGMENT)
		return sizeof(struct ag_extension_header);
	return kind == AG_IP_AH ? (len + 2U) * 4 : (len + 1U) * 8;
}

/* Over one extension header. False where nothing behind it is to be read: malformed, or this is a later
 * fragment. */
AG_INLINE _Bool ag_step_extension(const struct ag_frame *frame, struct ag_packet *packet)
{
	struct ag_cursor *cursor = &packet->cursor;
	const struct ag_extension_header *header;
	struct ag_extension_header scratch;
	const void *at;
	__u32 fragment;
	__u8 kind = cursor->proto;

	if (!ag_cursor_at(frame, cursor, sizeof(scratch), &scratch, &at))
		return ag_malformed(packet);
	header = at;
	fragment = ag_host16(header->fragment);
	cursor->offset += ag_extension_len(kind, header->len);
	cursor->proto = header->next;
	cursor->extended = 1;
	if (cursor->offset > cursor->end || (kind == AG_IP_FRAGMENT && cursor->fragmented))
		return ag_malformed(packet);
	if (kind != AG_IP_FRAGMENT)
		return 1;
	cursor->fragmented = 1;
	ag_parse_fragment(packet, fragment & AG_IPV6_OFFSET_MASK, fragment & AG_IPV6_MORE_FRAGMENTS);
	return packet->fragment != AG_FRAGMENT_LATER;
}

/* To the upper-layer protocol; false where there is none to be read. */
AG_INLINE _Bool ag_walk_extensions(const struct ag_frame *frame, struct ag_packet *packet)
{
	for (__u32 headers = 0; headers < AG_EXTENSION_HEADERS_MAX; headers++) {
		AG_REREAD(); /* or the verifier follows all ways through eight headers */
		if (!ag_is_extension(packet->cursor.proto))
			return 1;
		if (!ag_step_extension(frame, packet))
			return 0;
	}
	if (!ag_is_extension(packet->cursor.proto))
		return 1;
	return ag_malformed(packet);
}

/*
 * A packet that ends beyond the frame is malformed, but is read on as far as it goes: it may be neighbour
 * discovery. One of length 0 ends before its first extension header (RFC 2675's jumbograms included), which
 * is malformed too.
 */
AG_INLINE void ag_start_ipv6(const struct ag_frame *frame, __u32 offset, const struct ag_ipv6_header *ip,
			     struct ag_packet *packet)
{
	struct ag_cursor *cursor = &packet->cursor;

	__builtin_memcpy(packet->source.words, ip->source, sizeof(ip->source));
	__builtin_memcpy(packet->dest.words, ip->dest, sizeof(ip->dest));
	packet->status = AG_PARSE_IP;
	packet->family = AG_FAMILY_IPV6;
	cursor->proto = ip->next;
	cursor->hop_limit = ip->hop_limit;
	cursor->offset = offset + (__u32)sizeof(*ip);
	cursor->end = cursor->offset + ag_host16(ip->payload_len);
	packet->malformed = ag_source_holds_ipv4(&packet->source);
	if (cursor->end > frame->len) {
		cursor->end = frame->len;
		packet->malformed = 1;
	}
}

AG_INLINE void ag_parse_ipv6(const struct ag_frame *frame, __u32 offset, struct ag_packet *packet)
{
	struct ag_ipv6_header scratch;
	const struct ag_ipv6_header *ip;
	const void *at;
	_Bool upper;

	if (!ag_frame_at(frame, offset, sizeof(scratch), &scratch, &at))
		return;
	ip = at;
	if (ip->version_class >> 4 != AG_FAMILY_IPV6)
		return;
	ag_start_ipv6(frame, offset, ip, packet);
	upper = ag_walk_extensions(frame, packet);
	ag_set_proto(packet, packet->cursor.proto);
	if (!upper)
		return;
	if (packet->cursor.proto == AG_IP_ICMPV6 && ag_is_link_control(frame, packet))
		packet->status = AG_PARSE_NOT_JUDGED;
	else
		ag_parse_transport(frame, packet);
}

/* *packet is zero before. */
AG_INLINE void ag_parse(const struct ag_frame *frame, struct ag_packet *packet)
{
	__u32 offset;
	__u16 type;

	if (!ag_parse_ethertype(frame, &type, &offset))
		return;
	switch (type) {
	case AG_ETH_IPV4:
		ag_parse_ipv4(frame, offset, packet);
		break;
	case AG_ETH_IPV6:
		ag_parse_ipv6(frame, offset, packet);
		break;
	case AG_ETH_VLAN:
	case AG_ETH_QINQ:
		packet->status = AG_PARSE_TAGGED;
		break;
	default:
		packet->status = AG_PARSE_NOT_JUDGED;
	}
}

/* --- the ordinary packet ------------------------------------------------------ */

/*
 * TCP or UDP straight behind an IPv4 header without options or an IPv6 header, straight behind Ethernet, and
 * all of the linear part but for what pads it to Ethernet's least: what is in it is what ag_parse() would
 * find, and it is not malformed. Whether there are further buffers is not asked, for that costs as much as
 * all of this: there could be only padding in them. Addresses and port are numbers in the host's order.
 */
struct ag_ordinary4 {
	__u32 source;
	__u32 dest;
	__u16 port; /* of the destination */
	__u8 proto;
};

struct ag_ordinary6 {
	__u64 source[2]; /* high, low */
	__u64 dest[2];
	__u16 port;
	__u8 proto;
};

#define AG_ETH_HEADER_LEN 14
#define AG_ETH_LEAST	  60 /* without the check sequence */

/* The IP packet is `len` bytes long, of which `least` must be there. */
AG_INLINE _Bool ag_fills_linear(const struct ag_frame *frame, __u32 len, __u32 least)
{
	__u32 linear = (__u32)(frame->end - frame->data), packet = len + AG_ETH_HEADER_LEN;

	return len >= least && (packet == linear || (packet < linear && linear <= AG_ETH_LEAST));
}

AG_INLINE __u16 ag_linear_ethertype(const struct ag_frame *frame)
{
	const __be16 *type = (const void *)(frame->data + AG_ETH_TYPE_OFFSET);

	return frame->data + AG_ETH_HEADER_LEN <= frame->end ? ag_host16(*type) : 0;
}

AG_INLINE _Bool ag_is_ordinary_proto(__u8 proto)
{
	return proto == AG_IP_TCP || proto == AG_IP_UDP;
}

/* False: ask ag_parse(). */
AG_INLINE _Bool ag_parse_ordinary4(const struct ag_frame *frame, struct ag_ordinary4 *ret)
{
	const struct ag_ipv4_header *ip = (const void *)(frame->data + AG_ETH_HEADER_LEN);
	const struct ag_ports *ports = (const void *)(ip + 1);

	if ((const __u8 *)(ports + 1) > frame->end || ip->version_ihl != 0x45 ||
	    ip->fragment & bpf_htons(AG_IPV4_MORE_FRAGMENTS | AG_IPV4_OFFSET_MASK) ||
	    !ag_is_ordinary_proto(ip->proto) ||
	    !ag_fills_linear(frame, ag_host16(ip->total_len), sizeof(*ip) + sizeof(*ports)))
		return 0;
	ret->source = bpf_ntohl(ip->source);
	ret->dest = bpf_ntohl(ip->dest);
	ret->port = ag_host16(ports->dest);
	ret->proto = ip->proto;
	return 1;
}

AG_INLINE __u64 ag_host64(const __be32 wire[2])
{
	return (__u64)bpf_ntohl(wire[0]) << 32 | bpf_ntohl(wire[1]);
}

AG_INLINE _Bool ag_parse_ordinary6(const struct ag_frame *frame, struct ag_ordinary6 *ret)
{
	const struct ag_ipv6_header *ip = (const void *)(frame->data + AG_ETH_HEADER_LEN);
	const struct ag_ports *ports = (const void *)(ip + 1);

	if ((const __u8 *)(ports + 1) > frame->end || ip->version_class >> 4 != AG_FAMILY_IPV6 ||
	    !ag_is_ordinary_proto(ip->next) ||
	    !ag_fills_linear(frame, (__u32)sizeof(*ip) + ag_host16(ip->payload_len),
			     sizeof(*ip) + sizeof(*ports)))
		return 0;
	ret->source[0] = ag_host64(ip->source);
	ret->source[1] = ag_host64(ip->source + 2);
	if (!ret->source[0] && (ret->source[1] >> 32 == 0 || ret->source[1] >> 32 == 0xffff))
		return 0; /* malformed: see ag_source_holds_ipv4() */
	ret->dest[0] = ag_host64(ip->dest);
	ret->dest[1] = ag_host64(ip->dest + 2);
	ret->port = ag_host16(ports->dest);
	ret->proto = ip->next;
	return 1;
}
