/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * wire.h - headers and numbers as they stand in a frame
 *
 * Members are in network byte order. No header needs more than four bytes' alignment.
 *
 * Source: IEEE 802.1Q, RFC 791, 792, 4443, 4861, 3810, 8200 (section 4), 4302 (AH's length is in 4-byte
 * units), 9293, IANA "IPv6 Extension Header Types".
 */
#pragma once

#include <linux/types.h>

enum ag_wire {
	AG_ETH_TYPE_OFFSET = 12,
	AG_ETH_IPV4 = 0x0800,
	AG_ETH_IPV6 = 0x86dd,
	AG_ETH_VLAN = 0x8100,
	AG_ETH_QINQ = 0x88a8,
	AG_VLAN_TAGS_MAX = 2,

	AG_IP_HOP_BY_HOP = 0,
	AG_IP_ICMP = 1,
	AG_IP_TCP = 6,
	AG_IP_UDP = 17,
	AG_IP_DCCP = 33,
	AG_IP_ROUTING = 43,
	AG_IP_FRAGMENT = 44,
	AG_IP_AH = 51,
	AG_IP_ICMPV6 = 58,
	AG_IP_DESTINATION = 60,
	AG_IP_SCTP = 132,
	AG_IP_MOBILITY = 135,
	AG_IP_UDP_LITE = 136,
	AG_IP_HIP = 139,
	AG_IP_SHIM6 = 140,

	AG_IPV4_MORE_FRAGMENTS = 0x2000,
	AG_IPV4_OFFSET_MASK = 0x1fff,
	AG_IPV6_MORE_FRAGMENTS = 0x0001,
	AG_IPV6_OFFSET_MASK = 0xfff8, /* in bytes as it stands */
	AG_IP_REASSEMBLED_MAX = 65535,

	AG_TCP_SIZE = 20, /* without options */
	AG_TCP_FIN = 0x01,
	AG_TCP_SYN = 0x02,
	AG_TCP_RST = 0x04,
	AG_TCP_ACK = 0x10,
	AG_SCTP_SIZE = 12,
	AG_DCCP_SIZE = 12, /* with the short sequence number */

	AG_ICMP_SIZE = 8,
	AG_ICMP_UNREACHABLE = 3,
	AG_ICMP_PROHIBITED = 13, /* its code: by an administrator */
	AG_ICMP_SOURCE_QUENCH = 4,
	AG_ICMP_REDIRECT = 5,
	AG_ICMP_TIME_EXCEEDED = 11,
	AG_ICMP_PARAMETER_PROBLEM = 12,
	AG_ICMPV6_ERROR_FIRST = 1,
	AG_ICMPV6_ERROR_LAST = 4,
	AG_ICMPV6_UNREACHABLE = 1,
	AG_ICMPV6_PROHIBITED = 1,
	AG_ICMPV6_INFORMATIONAL = 128, /* all types below are errors, known or not */
	AG_ICMPV6_REDIRECT = 137,
	AG_MLD_QUERY = 130,
	AG_MLD_DONE = 132,
	AG_ND_FIRST = 133,
	AG_ND_LAST = 137,
	AG_MLD2_REPORT = 143,
	AG_ND_HOP_LIMIT = 255,
	AG_MLD_HOP_LIMIT = 1,
};

struct ag_ipv4_header {
	__u8 version_ihl;
	__u8 tos;
	__be16 total_len;
	__be16 id;
	__be16 fragment;
	__u8 ttl;
	__u8 proto;
	__be16 check;
	__be32 source;
	__be32 dest;
};

struct ag_ipv6_header {
	__u8 version_class;
	__u8 class_flow[3];
	__be16 payload_len;
	__u8 next;
	__u8 hop_limit;
	__be32 source[4];
	__be32 dest[4];
};

/* The first eight bytes of any extension header; `fragment` means something in a fragment header alone. */
struct ag_extension_header {
	__u8 next;
	__u8 len;
	__be16 fragment;
	__be32 rest;
};

struct ag_ports {
	__be16 source;
	__be16 dest;
};

struct ag_tcp_header {
	__be16 source;
	__be16 dest;
	__be32 seq;
	__be32 ack;
	__u8 data_offset; /* in words, in the upper half */
	__u8 flags;
	__be16 window;
	__be16 check;
	__be16 urgent;
};

struct ag_icmp_start {
	__u8 type;
	__u8 code;
};

struct ag_icmp_error {
	__u8 type;
	__u8 code;
	__be16 check;
	__be32 unused;
};

_Static_assert(sizeof(struct ag_ipv4_header) == 20, "RFC 791");
_Static_assert(sizeof(struct ag_ipv6_header) == 40, "RFC 8200");
_Static_assert(sizeof(struct ag_extension_header) == 8, "RFC 8200");
_Static_assert(sizeof(struct ag_tcp_header) == AG_TCP_SIZE, "RFC 9293");
_Static_assert(sizeof(struct ag_icmp_error) == AG_ICMP_SIZE, "RFC 792");
