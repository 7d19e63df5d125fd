/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parse_fixture.h - the kernel's parser compiled on the host, and rows of frames with what it must find
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bpf/parse.h"
#include "tests/frames.h"

AG_INLINE long ag_frame_load(const struct ag_frame *frame, __u32 offset, void *to, __u32 len)
{
	memcpy(to, (const uint8_t *)frame->context + offset, len);
	return 0;
}

/* As if only the first `linear` bytes could be read directly. */
static inline struct ag_packet parse(struct frame *frame, size_t linear)
{
	struct ag_frame view = {
		.data = frame_data(frame),
		.end = frame_data(frame) + (linear < frame->len ? linear : frame->len),
		.len = (uint32_t)frame->len,
		.context = frame_data(frame),
	};
	struct ag_packet packet = {0};

	ag_parse(&view, &packet);
	return packet;
}

struct row {
	const char *name;
	struct frame_spec spec;
	enum ag_parse_status status;
	bool malformed;
	enum ag_fragment fragment;
	uint8_t proto; /* where neither malformed nor NOT_JUDGED */
	uint16_t port; /* 0: none */
};

#define V4		    .source = "203.0.113.7", .dest = "192.0.2.10"
#define V6		    .source = "2001:db8:1::7", .dest = "2001:db8::10"
#define TCP		    .proto = IPPROTO_TCP, .source_port = 4000, .port = 443
#define EXT(...)	    .extensions = {__VA_ARGS__}, .extension_count = sizeof((uint8_t[]){__VA_ARGS__})
#define GOOD		    .status = AG_PARSE_IP
#define BAD		    .status = AG_PARSE_IP, .malformed = true
#define NOT_JUDGED	    .status = AG_PARSE_NOT_JUDGED
#define TAGGED		    .status = AG_PARSE_TAGGED
#define UNREADABLE	    .status = AG_PARSE_UNREADABLE
#define IS_TCP		    .status = AG_PARSE_IP, .proto = IPPROTO_TCP, .port = 443
#define LATER		    .status = AG_PARSE_IP, .fragment = AG_FRAGMENT_LATER
#define ND_FROM(from, hops) .source = (from), .dest = "fe80::2", .proto = IPPROTO_ICMPV6, .hop_limit = (hops)
#define ND		    ND_FROM("fe80::1", 255)
#define MLD_FROM(from, hops)                                                                                 \
	.source = (from), .dest = "ff02::16", .proto = IPPROTO_ICMPV6, .hop_limit = (hops)
#define MLD MLD_FROM("fe80::1", 1)

static const struct row rows[] = {
	{"tcp over IPv4", {V4, TCP}, IS_TCP},
	{"tcp over IPv6", {V6, TCP}, IS_TCP},
	{"udp", {V4, .proto = IPPROTO_UDP, .port = 53}, GOOD, .proto = IPPROTO_UDP, .port = 53},
	{"sctp has ports", {V4, .proto = IPPROTO_SCTP, .port = 9}, GOOD, .proto = AG_PROTO_ANY, .port = 9},
	{"dccp has ports", {V6, .proto = IPPROTO_DCCP, .port = 9}, GOOD, .proto = AG_PROTO_ANY, .port = 9},
	{"udp-lite has ports",
	 {V4, .proto = IPPROTO_UDPLITE, .port = 9},
	 GOOD,
	 .proto = AG_PROTO_ANY,
	 .port = 9},
	{"esp has none", {V4, .proto = IPPROTO_ESP, .payload = 20}, GOOD, .proto = AG_PROTO_ANY},
	{"ah on IPv4 is a plain protocol", {V4, .proto = IPPROTO_AH}, GOOD, .proto = AG_PROTO_ANY},
	{"a plain protocol with nothing in it", {V6, .proto = IPPROTO_NONE}, GOOD, .proto = AG_PROTO_ANY},
	{"icmp", {V4, .proto = IPPROTO_ICMP, .type = 8}, GOOD, .proto = IPPROTO_ICMP},
	{"icmpv6", {V6, .proto = IPPROTO_ICMPV6, .type = 128}, GOOD, .proto = IPPROTO_ICMP},
	{"icmpv6 on IPv4 is not icmp", {V4, .proto = IPPROTO_ICMPV6}, GOOD, .proto = AG_PROTO_ANY},
	{"icmp on IPv6 is not icmp", {V6, .proto = IPPROTO_ICMP}, GOOD, .proto = AG_PROTO_ANY},
	{"icmp under eight bytes", {V4, .proto = IPPROTO_ICMP, .trim = 1}, BAD},
	{"icmpv6 under eight bytes",
	 {V6, .proto = IPPROTO_ICMPV6, .type = 128, .trim = 1, .padding = 9},
	 BAD},

	{"one tag", {.tags = {FRAME_VLAN}, V4, TCP}, IS_TCP},
	{"two tags", {.tags = {FRAME_QINQ, FRAME_VLAN}, V6, TCP}, IS_TCP},
	{"three tags", {.tags = {FRAME_QINQ, FRAME_VLAN, FRAME_VLAN}, V4, TCP}, TAGGED},
	{"three tags, the third cut",
	 {.tags = {FRAME_VLAN, FRAME_VLAN, FRAME_VLAN}, V4, TCP, .cut = 22},
	 TAGGED},
	{"a tag of another TPID", {.tags = {0x9100}, V4, TCP}, NOT_JUDGED},
	{"a tag cut off", {.tags = {FRAME_VLAN}, V4, TCP, .cut = 17}, UNREADABLE},
	{"arp", {.ethertype = FRAME_ETH_ARP, .payload = 28}, NOT_JUDGED},
	{"a tagged arp", {.tags = {FRAME_VLAN}, .ethertype = FRAME_ETH_ARP, .payload = 28}, NOT_JUDGED},
	{"802.3", {.ethertype = 3, .payload = 46}, NOT_JUDGED},
	{"no EtherType", {V4, TCP, .cut = 13}, UNREADABLE},
	{"nothing", {V4, TCP, .cut = 1}, UNREADABLE},

	{"IPv4 cut before its destination ends", {V4, TCP, .cut = 33}, UNREADABLE},
	{"IPv4 cut behind it", {V4, TCP, .cut = 34}, BAD},
	{"IPv6 cut before its destination ends", {V6, TCP, .cut = 53}, UNREADABLE},
	{"IPv6 cut behind it", {V6, TCP, .cut = 54}, BAD},
	{"IPv4 with version 6", {V4, TCP, .version = 6}, UNREADABLE},
	{"IPv6 with version 4", {V6, TCP, .version = 4}, UNREADABLE},
	{"IPv6 behind the EtherType of IPv4", {V6, TCP, .ethertype = FRAME_ETH_IPV4}, UNREADABLE},
	{"IPv4 behind the EtherType of IPv6",
	 {V4, TCP, .ethertype = FRAME_ETH_IPV6, .payload = 20},
	 UNREADABLE},

	{"options", {V4, TCP, .ihl = 6}, IS_TCP},
	{"options as many as there can be", {V4, TCP, .ihl = 15}, IS_TCP},
	{"header length under 20", {V4, TCP, .ihl = 4, .false_ihl = true}, BAD},
	{"header length beyond the packet",
	 {V4, .proto = 47, .ihl = 7, .false_ihl = true, .padding = 40},
	 BAD},
	{"total length under the header", {V4, TCP, .false_len = true, .len = 19}, BAD},
	{"total length 0", {V4, TCP, .false_len = true}, BAD},
	{"total length beyond the frame", {V4, TCP, .false_len = true, .len = 41}, BAD},
	{"padding", {V4, TCP, .padding = 6}, IS_TCP},
	{"ports in the padding", {V4, TCP, .trim = 17, .padding = 20}, BAD},
	{"ports just there", {V4, TCP, .trim = 16}, IS_TCP},
	{"ports just there, IPv6", {V6, TCP, .trim = 16, .padding = 3}, IS_TCP},
	{"ports cut, IPv6", {V6, TCP, .trim = 17, .padding = 3}, BAD},

	{"payload length beyond the frame", {V6, TCP, .false_len = true, .len = 21}, BAD},
	{"payload length 0 with tcp", {V6, TCP, .false_len = true}, BAD},
	{"payload length 0 with hop-by-hop", {V6, TCP, EXT(0), .false_len = true}, BAD},
	{"payload length 0 and nothing", {V6, .proto = IPPROTO_NONE}, GOOD, .proto = AG_PROTO_ANY},
	{"hop-by-hop", {V6, TCP, EXT(0)}, IS_TCP},
	{"every extension header", {V6, TCP, EXT(0, 43, 51, 60, 135, 139, 140, 44)}, IS_TCP},
	{"ah", {V6, TCP, EXT(51)}, IS_TCP},
	{"eight extension headers", {V6, TCP, EXT(60, 60, 60, 60, 60, 60, 60, 60)}, IS_TCP},
	{"nine extension headers", {V6, TCP, EXT(60, 60, 60, 60, 60, 60, 60, 60, 60)}, BAD},
	{"long extension headers",
	 {V6, TCP, EXT(60, 60, 60, 60, 60, 60, 60, 60), .extension_len = 255},
	 IS_TCP},
	{"esp ends the headers",
	 {V6, .proto = IPPROTO_ESP, EXT(60), .payload = 8},
	 GOOD,
	 .proto = AG_PROTO_ANY},
	{"no next header", {V6, .proto = IPPROTO_NONE, EXT(60)}, GOOD, .proto = AG_PROTO_ANY},
	{"an extension header cut in the packet",
	 {V6, .proto = IPPROTO_NONE, EXT(60), .trim = 1, .padding = 8},
	 BAD},
	{"an extension header longer than the packet",
	 {V6, .proto = IPPROTO_NONE, EXT(60), .extension_len = 2, .trim = 1, .padding = 8},
	 BAD},
	{"an extension header to the packet's end",
	 {V6, .proto = 47, EXT(60), .extension_len = 2},
	 GOOD,
	 .proto = AG_PROTO_ANY},

	{"first fragment", {V4, TCP, .more = true}, IS_TCP, .fragment = AG_FRAGMENT_FIRST},
	{"first fragment, IPv6", {V6, TCP, EXT(44), .more = true}, IS_TCP, .fragment = AG_FRAGMENT_FIRST},
	{"first fragment, ports cut",
	 {V4, TCP, .more = true, .trim = 17},
	 BAD,
	 .fragment = AG_FRAGMENT_FIRST},
	{"first fragment, ports cut, IPv6",
	 {V6, TCP, EXT(44), .more = true, .trim = 17},
	 BAD,
	 .fragment = AG_FRAGMENT_FIRST},
	{"first fragment, icmp cut",
	 {V4, .proto = IPPROTO_ICMP, .more = true, .trim = 1},
	 BAD,
	 .fragment = AG_FRAGMENT_FIRST},
	{"first fragment, headers cut",
	 {V6, TCP, EXT(44, 60), .more = true, .trim = 21},
	 BAD,
	 .fragment = AG_FRAGMENT_FIRST},
	{"headers behind a first fragment's",
	 {V6, TCP, EXT(44, 60), .more = true},
	 IS_TCP,
	 .fragment = AG_FRAGMENT_FIRST},
	{"atomic fragment", {V6, TCP, EXT(44)}, IS_TCP},
	{"atomic fragment among others", {V6, TCP, EXT(0, 44, 60)}, IS_TCP},
	{"later fragment", {V4, TCP, .start = 8}, LATER, .proto = IPPROTO_TCP},
	{"later fragment, more to come", {V4, TCP, .start = 8, .more = true}, LATER, .proto = IPPROTO_TCP},
	{"later fragment, IPv6", {V6, TCP, EXT(44), .start = 8}, LATER, .proto = IPPROTO_TCP},
	{"later fragment of icmpv6",
	 {V6, .proto = IPPROTO_ICMPV6, EXT(0, 44), .start = 8},
	 LATER,
	 .proto = IPPROTO_ICMP},
	{"later fragment of one byte",
	 {V4, .proto = IPPROTO_UDP, .start = 8, .trim = 7},
	 LATER,
	 .proto = IPPROTO_UDP},
	{"later fragment: what follows is data",
	 {V6, TCP, EXT(44, 60), .start = 8},
	 LATER,
	 .proto = AG_PROTO_ANY},
	{"two fragment headers", {V6, TCP, EXT(44, 44), .more = true}, BAD, .fragment = AG_FRAGMENT_FIRST},
	{"two atomic fragment headers", {V6, TCP, EXT(44, 60, 44)}, BAD},
	{"fragment to 65,535 bytes",
	 {V4, .proto = 47, .start = 65528, .payload = 7},
	 LATER,
	 .proto = AG_PROTO_ANY},
	{"fragment beyond 65,535 bytes",
	 {V4, .proto = 47, .start = 65528, .payload = 8},
	 BAD,
	 .fragment = AG_FRAGMENT_LATER},
	{"fragment to 65,535 bytes, IPv6",
	 {V6, .proto = 47, EXT(44), .start = 65528, .payload = 7},
	 LATER,
	 .proto = AG_PROTO_ANY},
	{"fragment beyond 65,535 bytes, IPv6",
	 {V6, .proto = 47, EXT(44), .start = 65528, .payload = 8},
	 BAD,
	 .fragment = AG_FRAGMENT_LATER},

	{"mapped source", {.source = "::ffff:203.0.113.7", .dest = "2001:db8::10", TCP}, BAD},
	{"compatible source", {.source = "::203.0.113.7", .dest = "2001:db8::10", TCP}, BAD},
	{"source ::", {.source = "::", .dest = "2001:db8::10", TCP}, BAD},
	{"source ::1", {.source = "::1", .dest = "2001:db8::10", TCP}, BAD},
	{"source ::fffe:0:0", {.source = "::fffe:203.0.113.7", .dest = "2001:db8::10", TCP}, IS_TCP},
	{"source ::1:ffff:0:0", {.source = "::1:ffff:cb00:7107", .dest = "2001:db8::10", TCP}, IS_TCP},
	{"source 64:ff9b::", {.source = "64:ff9b::203.0.113.7", .dest = "2001:db8::10", TCP}, IS_TCP},

	{"router solicitation", {ND, .type = 133}, NOT_JUDGED},
	{"neighbour solicitation", {ND, .type = 135, .payload = 16}, NOT_JUDGED},
	{"redirect", {ND, .type = 137}, NOT_JUDGED},
	{"duplicate address detection", {ND_FROM("::", 255), .type = 135, .payload = 16}, NOT_JUDGED},
	{"neighbour discovery, cut", {ND, .type = 135, .payload = 16, .cut = 60}, NOT_JUDGED},
	{"neighbour discovery, cut before its code", {ND, .type = 135, .payload = 16, .cut = 55}, BAD},
	{"neighbour discovery in the padding", {ND, .type = 135, .trim = 7, .padding = 8}, BAD},
	{"132 is none", {ND, .type = 132}, GOOD, .proto = IPPROTO_ICMP},
	{"138 is none", {ND, .type = 138}, GOOD, .proto = IPPROTO_ICMP},
	{"with a code it is none", {ND, .type = 135, .code = 1}, GOOD, .proto = IPPROTO_ICMP},
	{"with hop limit 254 it is none",
	 {ND_FROM("fe80::1", 254), .type = 135},
	 GOOD,
	 .proto = IPPROTO_ICMP},
	{"behind a header it is none", {ND, EXT(60), .type = 135}, GOOD, .proto = IPPROTO_ICMP},
	{"in an atomic fragment it is none", {ND, EXT(44), .type = 135}, GOOD, .proto = IPPROTO_ICMP},
	{"on IPv4 it is none",
	 {V4, .proto = IPPROTO_ICMPV6, .hop_limit = 255, .type = 135},
	 GOOD,
	 .proto = AG_PROTO_ANY},
	{"mld query", {MLD, EXT(0), .type = 130}, NOT_JUDGED},
	{"mld report", {MLD, EXT(0), .type = 131}, NOT_JUDGED},
	{"mld done", {MLD, .type = 132}, NOT_JUDGED},
	{"mldv2 report", {MLD, EXT(0), .type = 143}, NOT_JUDGED},
	{"mldv2 report from ::", {MLD_FROM("::", 1), EXT(0), .type = 143}, NOT_JUDGED},
	{"mld from febf::", {MLD_FROM("febf::1", 1), .type = 131}, NOT_JUDGED},
	{"from fec0:: it is none", {MLD_FROM("fec0::1", 1), .type = 131}, GOOD, .proto = IPPROTO_ICMP},
	{"from elsewhere it is none", {MLD_FROM("2001:db8::1", 1), .type = 131}, GOOD, .proto = IPPROTO_ICMP},
	{"with hop limit 2 it is none", {MLD_FROM("fe80::1", 2), .type = 131}, GOOD, .proto = IPPROTO_ICMP},
	{"from :: with hop limit 2", {MLD_FROM("::", 2), .type = 131}, BAD},
	{"142 is none", {MLD, .type = 142}, GOOD, .proto = IPPROTO_ICMP},
	{"133 with hop limit 1 is none", {MLD, .type = 133}, GOOD, .proto = IPPROTO_ICMP},
};
