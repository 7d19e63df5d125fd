/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * notice.h - a stopped TCP packet handed to the notice server on this host, and its answers on their way out
 *
 * Only ports change, and the checksum by their difference. A packet that the sender's own host left the
 * checksum of to a device (CHECKSUM_PARTIAL, as on veth) holds another sum there: it is wrong then before and
 * after, and the stack knows not to look.
 *
 * On the way in nothing has to be remembered: whoever is stopped is handed over, packet by packet. On the way
 * out the port that the visitor knows must be put back, and one notice server may stand for several services
 * of an address: ag_flows has it for each connection. Every packet of a visitor's puts it there again, so
 * that one pushed out by a flood is back before the server has answered. A visitor who comes from one port to
 * two ports of one address at a time gets one of the two; the other connection is tried again by anyone's
 * stack.
 *
 * Source: RFC 1624 (equation 3).
 */
#pragma once

#include <linux/pkt_cls.h>

#include "bpf/answer.h"

/* Of the program's own file, allowgate.bpf.c. */
extern const volatile _Bool ag_has_frags;

AG_INLINE _Bool ag_is_notice_port(__be16 port_be)
{
	__u16 port = ag_host16(port_be);
	__u32 word = port / 64;
	const __u64 *bits = bpf_map_lookup_elem(&ag_notice_ports, &word);

	return bits && *(const volatile __u64 *)bits >> (port & 63) & 1;
}

/* --- in ---------------------------------------------------------------------------- */

AG_INLINE __be16 ag_check_after(__be16 check, __be16 was, __be16 is)
{
	return ag_fold((__u64)(__u16)~check + (__u16)~was + is);
}

AG_INLINE _Bool ag_remember_flow(const struct ag_flow_key *key, __be16 port_be)
{
	const __be16 *held = bpf_map_lookup_elem(&ag_flows, key);

	return (held && *held == port_be) || !bpf_map_update_elem(&ag_flows, key, &port_be, BPF_ANY);
}

/* Within the frame, wherever that lies. */
AG_INLINE _Bool ag_frame_store(struct xdp_md *ctx, __u32 offset, const __be16 *from)
{
	__be16 *at = (void *)((__u8 *)(long)ctx->data + (offset & AG_OFFSET_MASK));

	if ((const __u8 *)(at + 1) > (const __u8 *)(long)ctx->data_end)
		return ag_has_frags && !bpf_xdp_store_bytes(ctx, offset, (void *)from, sizeof(*from));
	*at = *from;
	return 1;
}

/* The checksum by what the port changes it, where the packet goes as far: it is not for this to judge. */
AG_INLINE _Bool ag_turn_check(const struct ag_frame *frame, const struct ag_cursor *cursor, __be16 was,
			      __be16 is)
{
	__u32 offset = cursor->offset + (__u32) __builtin_offsetof(struct ag_tcp_header, check);
	__be16 scratch, check;
	const void *at;

	if (offset + sizeof(check) > cursor->end)
		return 1;
	if (!ag_frame_at(frame, offset, sizeof(scratch), &scratch, &at))
		return 0;
	check = ag_check_after(*(const __be16 *)at, was, is);
	return ag_frame_store(frame->context, offset, &check);
}

AG_INLINE _Bool ag_turn_port(const struct ag_frame *frame, const struct ag_cursor *cursor, __be16 was,
			     __be16 is)
{
	__u32 offset = cursor->offset + (__u32) __builtin_offsetof(struct ag_tcp_header, dest);

	return ag_turn_check(frame, cursor, was, is) && ag_frame_store(frame->context, offset, &is);
}

/* False: it has no ports, or is not TCP. */
AG_INLINE _Bool ag_copy_ports(const struct ag_frame *frame, const struct ag_packet *packet,
			      struct ag_ports *ret)
{
	struct ag_ports scratch;
	const void *at;

	if (packet->status != AG_PARSE_IP || packet->malformed || packet->fragment == AG_FRAGMENT_LATER ||
	    packet->cursor.proto != AG_IP_TCP ||
	    !ag_cursor_at(frame, &packet->cursor, sizeof(scratch), &scratch, &at))
		return 0;
	*ret = *(const struct ag_ports *)at;
	return 1;
}

/* Whether the frame, `len` bytes in all, goes to the notice server now. */
static __attribute__((noinline)) int ag_hand_to_notice(struct xdp_md *ctx, const struct ag_packet *packet,
						       __u32 len, __be16 notice_port_be)
{
	const struct ag_frame frame = {
		.data = (const __u8 *)(long)ctx->data,
		.end = (const __u8 *)(long)ctx->data_end,
		.len = len,
		.context = ctx,
	};
	struct ag_flow_key key = {.family = packet->family, .notice_port_be = notice_port_be};
	struct ag_ports ports;

	if (!ag_copy_ports(&frame, packet, &ports))
		return 0;
	__builtin_memcpy(key.visitor, packet->source.bytes, sizeof(key.visitor));
	__builtin_memcpy(key.service, packet->dest.bytes, sizeof(key.service));
	key.visitor_port_be = ports.source;
	return ag_remember_flow(&key, ports.dest) &&
	       ag_turn_port(&frame, &packet->cursor, ports.dest, notice_port_be);
}

/* --- out --------------------------------------------------------------------------- */

/* A TCP packet on its way out. */
struct ag_leaving {
	struct ag_flow_key key; /* the visitor is whom it goes to */
	__u32 tcp;		/* offset of its header */
};

/* The EtherType behind the tags that stand in the frame, and the offset behind it. */
AG_INLINE __u16 ag_leaving_type(struct __sk_buff *skb, __u32 *offset)
{
	__be16 type = 0;

	*offset = AG_ETH_TYPE_OFFSET;
	for (int tags = 0; tags <= AG_VLAN_TAGS_MAX; tags++) {
		if (bpf_skb_load_bytes(skb, *offset, &type, sizeof(type)))
			return 0;
		*offset += (__u32)sizeof(type);
		if (type != bpf_htons(AG_ETH_VLAN) && type != bpf_htons(AG_ETH_QINQ))
			break;
		*offset += (__u32)sizeof(type);
	}
	return ag_host16(type);
}

AG_INLINE _Bool ag_leaving_ipv4(struct __sk_buff *skb, __u32 offset, struct ag_leaving *leaving)
{
	struct ag_ipv4_header ip;

	if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)) || ip.proto != AG_IP_TCP ||
	    ip.fragment & bpf_htons(AG_IPV4_OFFSET_MASK))
		return 0;
	leaving->key.family = AG_FAMILY_IPV4;
	__builtin_memcpy(leaving->key.visitor, &ip.dest, sizeof(ip.dest));
	__builtin_memcpy(leaving->key.service, &ip.source, sizeof(ip.source));
	leaving->tcp = offset + (ip.version_ihl & 0xfU) * 4;
	return 1;
}

/* Whoever sends extension headers before TCP is no notice server. */
AG_INLINE _Bool ag_leaving_ipv6(struct __sk_buff *skb, __u32 offset, struct ag_leaving *leaving)
{
	struct ag_ipv6_header ip;

	if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)) || ip.next != AG_IP_TCP)
		return 0;
	leaving->key.family = AG_FAMILY_IPV6;
	__builtin_memcpy(leaving->key.visitor, ip.dest, sizeof(ip.dest));
	__builtin_memcpy(leaving->key.service, ip.source, sizeof(ip.source));
	leaving->tcp = offset + (__u32)sizeof(ip);
	return 1;
}

/* False: it comes from no port of a notice server. */
AG_INLINE _Bool ag_parse_leaving(struct __sk_buff *skb, struct ag_leaving *leaving)
{
	struct ag_ports ports;
	_Bool tcp = 0;
	__u32 offset;
	__u16 type;

	type = ag_leaving_type(skb, &offset);
	if (type == AG_ETH_IPV4)
		tcp = ag_leaving_ipv4(skb, offset, leaving);
	else if (type == AG_ETH_IPV6)
		tcp = ag_leaving_ipv6(skb, offset, leaving);
	if (!tcp || bpf_skb_load_bytes(skb, leaving->tcp, &ports, sizeof(ports)))
		return 0;
	leaving->key.visitor_port_be = ports.dest;
	leaving->key.notice_port_be = ports.source;
	return ag_is_notice_port(ports.source);
}

AG_INLINE _Bool ag_notices_are_given(void)
{
	const __u32 zero = 0;
	const struct ag_config *config = bpf_map_lookup_elem(&ag_config, &zero);

	return config && *(const volatile __u32 *)&config->now.flags & AG_CONFIG_NOTICE;
}

/*
 * The program on the way out. A packet that is half changed does not leave; any other is left to whatever
 * other programs there are.
 */
AG_INLINE int ag_answer_leaves(struct __sk_buff *skb)
{
	struct ag_leaving leaving = {};
	const __be16 *found;
	__be16 port_be;

	if (!ag_notices_are_given() || !ag_parse_leaving(skb, &leaving))
		return TC_ACT_UNSPEC;
	found = bpf_map_lookup_elem(&ag_flows, &leaving.key);
	if (!found)
		return TC_ACT_UNSPEC;
	port_be = *found;
	if (bpf_l4_csum_replace(skb, leaving.tcp + (__u32) __builtin_offsetof(struct ag_tcp_header, check),
				leaving.key.notice_port_be, port_be, sizeof(port_be)) ||
	    bpf_skb_store_bytes(skb, leaving.tcp, &port_be, sizeof(port_be), 0))
		return TC_ACT_SHOT;
	return TC_ACT_UNSPEC;
}
