/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * answer.h - reject: a stopped packet is answered from where it came in
 *
 * TCP gets a RST, written over the packet itself; all else an ICMP error, put before the IP packet, which it
 * quotes as far as the standards let it. The answer leaves by XDP_TX, so it takes neither a route nor a
 * neighbour: the MAC addresses change places, and the tags stay.
 *
 * Nobody is answered who might not have asked: see ag_is_answerable(), and the limit of answers, which is
 * what a forged source can be sent through this host. Everything is made in the first buffer of the frame,
 * what is in others is cut off. What cannot be answered is dropped as without this action.
 *
 * Source: RFC 9293 (section 3.10.7.1: sequence numbers of a RST), RFC 792 and 1812 (section 4.3.2: when to
 * send an error, and how much to quote), RFC 4443 (sections 2.4 and 3.1), RFC 6864 (the id where DF is set).
 */
#pragma once

#include "bpf/tick.h"

/*
 * Answers a CPU sends in a jiffy, that is 1,000 to 10,000 a second: more than people who knock will ever ask
 * for, and at 1,300 bytes at most a hundredth of what a link of 10 Gbit/s carries. The kernel's own limit for
 * ICMP is 1,000 a second.
 */
#define AG_ANSWERS_PER_TICK 10

#define AG_ETH_ADDRESS_LEN	6
#define AG_ETH_LONGEST		(AG_ETH_HEADER_LEN + 4 * AG_VLAN_TAGS_MAX)
#define AG_OFFSET_MASK		0x7fff /* see ag_frame_at() */
#define AG_ANSWER_HOPS		64
#define AG_IPV4_DONT_FRAGMENT	0x4000
#define AG_TOS_NETWORK_CONTROL	0xc0 /* of ICMP errors: RFC 1812, section 4.3.2.5 */
#define AG_ICMP4_ANSWER_MAX	576
#define AG_ICMP6_ANSWER_MAX	1280
#define AG_ICMP_ANSWER_WORDS	(AG_ICMP6_ANSWER_MAX / 4)
#define AG_ICMP_QUOTED_AT_LEAST 8 /* behind the IP headers */
#define AG_ICMP_TYPES_KNOWN	18

/* A frame on its way to be an answer. */
struct ag_answer {
	__u32 len;     /* of the whole frame */
	__u32 network; /* offset of the IP header */
};

/* IPv6's, in which that of IPv4 stands with zeros: they come to the same sum. */
struct ag_pseudo_header {
	union ag_addr source;
	union ag_addr dest;
	__be32 len;
	__be32 proto;
};

struct ag_reset {
	struct ag_pseudo_header pseudo;
	struct ag_tcp_header tcp;
};

AG_INLINE __be16 ag_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__be16)~sum;
}

/* `len` is a multiple of four. */
AG_INLINE __u32 ag_sum(void *from, __u32 len)
{
	return (__u32)bpf_csum_diff(0, 0, from, len, 0);
}

/* Whether this CPU may send one more answer in this tick. */
AG_INLINE _Bool ag_may_answer(void)
{
	struct ag_cpu *cpu = ag_this_tick();

	if (!cpu || cpu->answers >= AG_ANSWERS_PER_TICK)
		return 0;
	cpu->answers++;
	return 1;
}

/* --- what is answered ------------------------------------------------------------ */

/* Neither "this network", loopback, multicast, reserved nor broadcast. */
AG_INLINE _Bool ag_is_host4(__be32 addr)
{
	__u32 first = bpf_ntohl(addr) >> 24;

	return first != 0 && first != 127 && first < 224;
}

/* Neither multicast, unspecified nor loopback. */
AG_INLINE _Bool ag_is_host6(const union ag_addr *addr)
{
	if (addr->bytes[0] == 0xff)
		return 0;
	return addr->words[0] | addr->words[1] | addr->words[2] || bpf_ntohl(addr->words[3]) > 1;
}

AG_INLINE _Bool ag_are_hosts(const struct ag_packet *packet)
{
	if (packet->family == AG_FAMILY_IPV4)
		return ag_is_host4(packet->source.words[0]) && ag_is_host4(packet->dest.words[0]);
	return ag_is_host6(&packet->source) && ag_is_host6(&packet->dest);
}

/* Errors, and what is not known not to be one. */
AG_INLINE _Bool ag_is_icmp_unanswered(__u8 family, __u8 type)
{
	if (family == AG_FAMILY_IPV6)
		return type < AG_ICMPV6_INFORMATIONAL || type == AG_ICMPV6_REDIRECT;
	return type == AG_ICMP_UNREACHABLE || type == AG_ICMP_SOURCE_QUENCH || type == AG_ICMP_REDIRECT ||
	       type == AG_ICMP_TIME_EXCEEDED || type == AG_ICMP_PARAMETER_PROBLEM ||
	       type > AG_ICMP_TYPES_KNOWN;
}

/* Without this much behind the IP headers there is no telling whose packet it was. */
AG_INLINE __u32 ag_transport_least(__u8 proto)
{
	switch (proto) {
	case AG_IP_TCP:
		return AG_TCP_SIZE;
	case AG_IP_SCTP:
		return AG_SCTP_SIZE;
	case AG_IP_DCCP:
		return AG_DCCP_SIZE;
	default:
		return AG_ICMP_QUOTED_AT_LEAST;
	}
}

/* Sent to one host by one host. */
AG_INLINE _Bool ag_is_unicast(const __u8 *data, const __u8 *end)
{
	return data + AG_ETH_HEADER_LEN <= end && !((data[0] | data[AG_ETH_ADDRESS_LEN]) & 1);
}

/* What holds for every protocol; more is asked where its header is read. */
AG_INLINE _Bool ag_is_answerable(const struct xdp_md *ctx, const struct ag_packet *packet)
{
	const struct ag_cursor *cursor = &packet->cursor;

	return packet->status == AG_PARSE_IP && !packet->malformed && packet->fragment != AG_FRAGMENT_LATER &&
	       cursor->offset + ag_transport_least(cursor->proto) <= cursor->end && ag_are_hosts(packet) &&
	       ag_is_unicast((const __u8 *)(long)ctx->data, (const __u8 *)(long)ctx->data_end);
}

/* Behind the tags; 0 where that is not in the first buffer. */
AG_INLINE __u32 ag_network_offset(struct xdp_md *ctx)
{
	struct ag_frame frame = {
		.data = (const __u8 *)(long)ctx->data,
		.end = (const __u8 *)(long)ctx->data_end,
		.context = ctx,
	};
	__u32 offset;
	__u16 type;

	frame.len = (__u32)(frame.end - frame.data);
	return ag_parse_ethertype(&frame, &type, &offset) ? offset : 0;
}

/* --- headers --------------------------------------------------------------------- */

/*
 * The Ethernet header at `from` to `to`, addresses changing places. As many bytes as the longest has: the IP
 * header is written over what is too many.
 */
AG_INLINE void ag_turn_ethernet(__u8 *to, const __u8 *from)
{
	const __be16 *old = (const void *)from;
	__be16 *new = (void *)to;

	for (__u32 i = 0; i < AG_ETH_ADDRESS_LEN / 2; i++) {
		__be16 was_dest = old[i];

		new[i] = old[i + AG_ETH_ADDRESS_LEN / 2];
		new[i + AG_ETH_ADDRESS_LEN / 2] = was_dest;
	}
	for (__u32 i = AG_ETH_ADDRESS_LEN; i < AG_ETH_LONGEST / 2; i++)
		new[i] = old[i];
}

AG_INLINE void ag_put_ipv4(void *at, const struct ag_packet *packet, __u8 proto, __u32 len)
{
	struct ag_ipv4_header ip = {
		.version_ihl = AG_FAMILY_IPV4 << 4 | sizeof(ip) / 4,
		.tos = proto == AG_IP_ICMP ? AG_TOS_NETWORK_CONTROL : 0,
		.total_len = bpf_htons((__u16)(sizeof(ip) + len)),
		.fragment = bpf_htons(AG_IPV4_DONT_FRAGMENT),
		.ttl = AG_ANSWER_HOPS,
		.proto = proto,
		.source = packet->dest.words[0],
		.dest = packet->source.words[0],
	};

	ip.check = ag_fold(ag_sum(&ip, sizeof(ip)));
	__builtin_memcpy(at, &ip, sizeof(ip));
}

AG_INLINE void ag_put_ipv6(void *at, const struct ag_packet *packet, __u8 proto, __u32 len)
{
	struct ag_ipv6_header *ip = at;

	ip->version_class = AG_FAMILY_IPV6 << 4;
	__builtin_memset(ip->class_flow, 0, sizeof(ip->class_flow));
	ip->payload_len = bpf_htons((__u16)len);
	ip->next = proto;
	ip->hop_limit = AG_ANSWER_HOPS;
	__builtin_memcpy(ip->source, packet->dest.words, sizeof(ip->source));
	__builtin_memcpy(ip->dest, packet->source.words, sizeof(ip->dest));
}

AG_INLINE void ag_put_pseudo(struct ag_pseudo_header *pseudo, const struct ag_packet *packet, __u8 proto,
			     __u32 len)
{
	pseudo->source = packet->dest;
	pseudo->dest = packet->source;
	pseudo->len = bpf_htonl(len);
	pseudo->proto = bpf_htonl(proto);
}

/* --- TCP -------------------------------------------------------------------------- */

/* The RST for a segment, but for its checksum. False where there is none. */
AG_INLINE _Bool ag_reset_for(const struct ag_tcp_header *tcp, const struct ag_cursor *cursor,
			     struct ag_tcp_header *reset)
{
	__u32 header_len = (tcp->data_offset >> 4) * 4U, len = cursor->end - cursor->offset;

	if (tcp->flags & AG_TCP_RST || header_len < AG_TCP_SIZE || header_len > len)
		return 0;
	reset->source = tcp->dest;
	reset->dest = tcp->source;
	reset->data_offset = AG_TCP_SIZE / 4 << 4;
	reset->flags = AG_TCP_RST;
	if (tcp->flags & AG_TCP_ACK) {
		reset->seq = tcp->ack;
		return 1;
	}
	len = len - header_len + !!(tcp->flags & AG_TCP_SYN) + !!(tcp->flags & AG_TCP_FIN);
	reset->ack = bpf_htonl(bpf_ntohl(tcp->seq) + len);
	reset->flags |= AG_TCP_ACK;
	return 1;
}

/* Writes the RST over the packet, which has at least its length. Returns the frame's length then; 0: no. */
AG_INLINE __u32 ag_write_reset(struct xdp_md *ctx, const struct ag_packet *packet, __u32 network,
			       const struct ag_tcp_header *reset)
{
	__u8 *data = (__u8 *)(long)ctx->data, *end = (__u8 *)(long)ctx->data_end;
	__u8 *ip = data + (network & AG_OFFSET_MASK);
	_Bool ipv4 = packet->family == AG_FAMILY_IPV4;
	__u32 ip_len = ipv4 ? sizeof(struct ag_ipv4_header) : sizeof(struct ag_ipv6_header);

	if (data + AG_ETH_LONGEST > end || ip + ip_len + AG_TCP_SIZE > end)
		return 0;
	ag_turn_ethernet(data, data);
	if (ipv4)
		ag_put_ipv4(ip, packet, AG_IP_TCP, AG_TCP_SIZE);
	else
		ag_put_ipv6(ip, packet, AG_IP_TCP, AG_TCP_SIZE);
	__builtin_memcpy(ip + ip_len, reset, AG_TCP_SIZE);
	return network + ip_len + AG_TCP_SIZE;
}

/* Whether the frame is a RST now. */
static __attribute__((noinline)) int ag_answer_tcp(struct xdp_md *ctx, const struct ag_packet *packet,
						   const struct ag_answer *answer)
{
	const __u8 *data = (const __u8 *)(long)ctx->data, *end = (const __u8 *)(long)ctx->data_end;
	const struct ag_tcp_header *tcp = (const void *)(data + (packet->cursor.offset & AG_OFFSET_MASK));
	struct ag_reset reset = {};
	__u32 len;

	if ((const __u8 *)(tcp + 1) > end || !ag_reset_for(tcp, &packet->cursor, &reset.tcp) ||
	    !ag_may_answer())
		return 0;
	ag_put_pseudo(&reset.pseudo, packet, AG_IP_TCP, AG_TCP_SIZE);
	reset.tcp.check = ag_fold(ag_sum(&reset, sizeof(reset)));
	len = ag_write_reset(ctx, packet, answer->network, &reset.tcp);
	return len && !bpf_xdp_adjust_tail(ctx, (int)len - (int)answer->len);
}

/* --- all else ---------------------------------------------------------------------- */

/*
 * The sum of all that stands from `offset` on, at most AG_ICMP_ANSWER_WORDS and three bytes. A global
 * function: looked at once.
 */
__attribute__((noinline)) __u64 ag_sum_rest(struct xdp_md *ctx, __u32 offset)
{
	const __u8 *end = (const __u8 *)(long)ctx->data_end;
	const __u8 *at = (const __u8 *)(long)ctx->data + (offset & AG_OFFSET_MASK);
	__u64 sum = 0;

	for (__u32 i = 0; i < AG_ICMP_ANSWER_WORDS && at + 4 <= end; i++, at += 4)
		sum += *(const __be32 *)at;
	if (at + 2 <= end) {
		sum += *(const __be16 *)at;
		at += 2;
	}
	if (at + 1 <= end)
		sum += bpf_htons((__u16)(*at << 8));
	return sum;
}

/* How much of the IP packet is quoted: what may be and is in the first buffer. 0: too little. */
AG_INLINE __u32 ag_quoted_len(const struct xdp_md *ctx, const struct ag_packet *packet, __u32 network,
			      __u32 most)
{
	__u32 least = packet->cursor.offset - network + AG_ICMP_QUOTED_AT_LEAST;
	const __u8 *data = (const __u8 *)(long)ctx->data, *end = (const __u8 *)(long)ctx->data_end;
	__u64 readable = (__u64)(end - data);
	__u32 len = packet->cursor.end - network;

	barrier_var(readable); /* else clang subtracts pointers' lower halves, which the verifier refuses */
	readable -= network;
	if (least > most)
		least = most;
	if (len > most)
		len = most;
	if (len > readable)
		len = (__u32)readable;
	return len < least ? 0 : len;
}

/* Cuts the frame behind what is quoted, and makes room before it. */
AG_INLINE _Bool ag_make_room(struct xdp_md *ctx, const struct ag_answer *answer, __u32 quoted, __u32 room)
{
	return !bpf_xdp_adjust_tail(ctx, (int)(answer->network + quoted) - (int)answer->len) &&
	       !bpf_xdp_adjust_head(ctx, -(int)room);
}

AG_INLINE _Bool ag_seal_icmp(struct xdp_md *ctx, __u32 offset, __u64 sum)
{
	const __u8 *end = (const __u8 *)(long)ctx->data_end;
	struct ag_icmp_error *icmp;

	sum += ag_sum_rest(ctx, offset);
	end = (const __u8 *)(long)ctx->data_end;
	icmp = (void *)((__u8 *)(long)ctx->data + (offset & AG_OFFSET_MASK));
	if ((const __u8 *)(icmp + 1) > end)
		return 0;
	icmp->check = ag_fold(sum);
	return 1;
}

AG_INLINE void ag_put_icmp(struct ag_icmp_error *icmp, __u8 type, __u8 code)
{
	icmp->type = type;
	icmp->code = code;
	icmp->check = 0;
	icmp->unused = 0;
}

AG_INLINE _Bool ag_answer_icmp4(struct xdp_md *ctx, const struct ag_packet *packet,
				const struct ag_answer *answer)
{
	const __u32 room = sizeof(struct ag_ipv4_header) + sizeof(struct ag_icmp_error);
	__u32 quoted = ag_quoted_len(ctx, packet, answer->network, AG_ICMP4_ANSWER_MAX - room);
	__u8 *data, *ip;

	if (!quoted || !ag_may_answer() || !ag_make_room(ctx, answer, quoted, room))
		return 0;
	data = (__u8 *)(long)ctx->data;
	ip = data + (answer->network & AG_OFFSET_MASK);
	if (data + room + AG_ETH_LONGEST > (__u8 *)(long)ctx->data_end ||
	    ip + room > (__u8 *)(long)ctx->data_end)
		return 0;
	ag_turn_ethernet(data, data + room);
	ag_put_ipv4(ip, packet, AG_IP_ICMP, quoted + (__u32)sizeof(struct ag_icmp_error));
	ag_put_icmp((void *)(ip + sizeof(struct ag_ipv4_header)), AG_ICMP_UNREACHABLE, AG_ICMP_PROHIBITED);
	return ag_seal_icmp(ctx, answer->network + (__u32)sizeof(struct ag_ipv4_header), 0);
}

AG_INLINE _Bool ag_answer_icmp6(struct xdp_md *ctx, const struct ag_packet *packet,
				const struct ag_answer *answer)
{
	const __u32 room = sizeof(struct ag_ipv6_header) + sizeof(struct ag_icmp_error);
	__u32 quoted = ag_quoted_len(ctx, packet, answer->network, AG_ICMP6_ANSWER_MAX - room);
	__u32 len = quoted + (__u32)sizeof(struct ag_icmp_error);
	struct ag_pseudo_header pseudo;
	__u8 *data, *ip;

	if (!quoted || !ag_may_answer() || !ag_make_room(ctx, answer, quoted, room))
		return 0;
	data = (__u8 *)(long)ctx->data;
	ip = data + (answer->network & AG_OFFSET_MASK);
	if (data + room + AG_ETH_LONGEST > (__u8 *)(long)ctx->data_end ||
	    ip + room > (__u8 *)(long)ctx->data_end)
		return 0;
	ag_turn_ethernet(data, data + room);
	ag_put_ipv6(ip, packet, AG_IP_ICMPV6, len);
	ag_put_icmp((void *)(ip + sizeof(struct ag_ipv6_header)), AG_ICMPV6_UNREACHABLE,
		    AG_ICMPV6_PROHIBITED);
	ag_put_pseudo(&pseudo, packet, AG_IP_ICMPV6, len);
	return ag_seal_icmp(ctx, answer->network + (__u32)sizeof(struct ag_ipv6_header),
			    ag_sum(&pseudo, sizeof(pseudo)));
}

/* Whether the frame is an ICMP error now. */
static __attribute__((noinline)) int ag_answer_others(struct xdp_md *ctx, const struct ag_packet *packet,
						      const struct ag_answer *answer)
{
	const __u8 *data = (const __u8 *)(long)ctx->data;
	const __u8 *type = data + (packet->cursor.offset & AG_OFFSET_MASK);

	if (type + 1 > (const __u8 *)(long)ctx->data_end)
		return 0;
	if (packet->cursor.proto == ag_icmp_of(packet->family) &&
	    ag_is_icmp_unanswered(packet->family, *type))
		return 0;
	if (packet->family == AG_FAMILY_IPV4)
		return ag_answer_icmp4(ctx, packet, answer);
	return ag_answer_icmp6(ctx, packet, answer);
}

/*
 * Whether the frame, `len` bytes in all, is the answer to *packet now, to be sent back. If not, it may have
 * been changed all the same.
 */
AG_INLINE _Bool ag_answer(struct xdp_md *ctx, const struct ag_packet *packet, __u32 len)
{
	struct ag_answer answer = {.len = len, .network = ag_network_offset(ctx)};

	if (!answer.network || !ag_is_answerable(ctx, packet))
		return 0;
	if (packet->cursor.proto == AG_IP_TCP)
		return ag_answer_tcp(ctx, packet, &answer);
	return ag_answer_others(ctx, packet, &answer);
}
