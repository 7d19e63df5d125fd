/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * quote.h - the packet that an ICMP error quotes
 *
 * Pure, like parse.h. An error is believed as far as it can be checked without state: what it quotes must
 * have come from the address that it is sent to, and be of a protocol and from a port that a service has
 * there, which is for the caller to look up. Anything else about it is not judged here.
 *
 * Source: RFC 792 (types 3, 11, 12; the IP header and eight bytes are quoted), RFC 4443 (types 1 to 4).
 */
#pragma once

#include "bpf/parse.h"

AG_INLINE _Bool ag_is_icmp_error(__u8 family, __u8 type)
{
	if (family == AG_FAMILY_IPV6)
		return type >= AG_ICMPV6_ERROR_FIRST && type <= AG_ICMPV6_ERROR_LAST;
	return type == AG_ICMP_UNREACHABLE || type == AG_ICMP_TIME_EXCEEDED ||
	       type == AG_ICMP_PARAMETER_PROBLEM;
}

/* The source port, as a service's; only what is quoted counts. */
AG_INLINE _Bool ag_quoted_port(const struct ag_frame *frame, struct ag_packet *quoted)
{
	struct ag_ports scratch;
	const void *at;

	ag_set_proto(quoted, quoted->cursor.proto);
	if (!ag_has_ports(quoted->cursor.proto))
		return 1;
	if (!ag_cursor_at(frame, &quoted->cursor, sizeof(scratch), &scratch, &at))
		return 0;
	quoted->port_be = ((const struct ag_ports *)at)->source;
	return 1;
}

AG_INLINE _Bool ag_quoted_ipv4(const struct ag_frame *frame, const struct ag_packet *packet,
			       struct ag_packet *quoted)
{
	struct ag_cursor *cursor = &quoted->cursor;
	struct ag_ipv4_header scratch;
	const struct ag_ipv4_header *ip;
	const void *at;
	__u32 header_len;

	if (!ag_cursor_at(frame, cursor, sizeof(scratch), &scratch, &at))
		return 0;
	ip = at;
	header_len = (ip->version_ihl & 0xfU) * 4;
	if (ip->version_ihl >> 4 != AG_FAMILY_IPV4 || header_len < sizeof(*ip) ||
	    ip->source != packet->dest.words[0] || ag_host16(ip->fragment) & AG_IPV4_OFFSET_MASK)
		return 0;
	cursor->proto = ip->proto;
	cursor->offset += header_len;
	return cursor->offset <= cursor->end && ag_quoted_port(frame, quoted);
}

AG_INLINE _Bool ag_quoted_ipv6(const struct ag_frame *frame, const struct ag_packet *packet,
			       struct ag_packet *quoted)
{
	struct ag_cursor *cursor = &quoted->cursor;
	struct ag_ipv6_header scratch;
	const struct ag_ipv6_header *ip;
	const void *at;

	if (!ag_cursor_at(frame, cursor, sizeof(scratch), &scratch, &at))
		return 0;
	ip = at;
	if (ip->version_class >> 4 != AG_FAMILY_IPV6)
		return 0;
	for (int i = 0; i < 4; i++)
		if (ip->source[i] != packet->dest.words[i])
			return 0;
	cursor->proto = ip->next;
	cursor->offset += (__u32)sizeof(*ip);
	return ag_walk_extensions(frame, quoted) && ag_quoted_port(frame, quoted);
}

/*
 * Whether the packet is an ICMP error that quotes one from its own destination. *quoted, zero before, is then
 * what to look for a service with: family, dest (where it came from), proto and port_be (that it came from).
 */
AG_INLINE _Bool ag_parse_quoted(const struct ag_frame *frame, const struct ag_packet *packet,
				struct ag_packet *quoted)
{
	struct ag_icmp_start scratch;
	const void *at;

	if (packet->malformed || packet->fragment == AG_FRAGMENT_LATER || packet->proto != AG_IP_ICMP ||
	    !ag_cursor_at(frame, &packet->cursor, sizeof(scratch), &scratch, &at) ||
	    !ag_is_icmp_error(packet->family, ((const struct ag_icmp_start *)at)->type))
		return 0;
	quoted->family = packet->family;
	quoted->dest = packet->dest;
	quoted->cursor.offset = packet->cursor.offset + AG_ICMP_SIZE;
	quoted->cursor.end = packet->cursor.end;
	if (packet->family == AG_FAMILY_IPV4)
		return ag_quoted_ipv4(frame, packet, quoted);
	return ag_quoted_ipv6(frame, packet, quoted);
}
