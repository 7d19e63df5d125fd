/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * answers_rows.h - frames that `reject` answers, and those that it does not, for test_answers.c
 */
#pragma once

#include "tests/prog/actions.h"

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define PSH 0x08
#define ACK 0x10

#define FROM(text)  .source = (text)
#define TO(text)    .dest = (text)
#define FOUR	    FROM(STRANGER4), TO("192.0.2.10")
#define SIX	    FROM(STRANGER6), TO("2001:db8::10")
#define FOUR_AROUND FROM(STRANGER4), TO("198.18.3.4")
#define SIX_AROUND  FROM(STRANGER6), TO("2001:db8:a::4")
#define BY_KIND	    FROM(STRANGER4), TO("192.0.2.40")
#define TCP	    .proto = IPPROTO_TCP, .source_port = 40000, .port = 443
#define UDP	    .proto = IPPROTO_UDP, .source_port = 40000, .port = 443
#define EXT(...)    .extensions = {__VA_ARGS__}, .extension_count = sizeof((uint8_t[]){__VA_ARGS__})
#define TAGS(...)   .tags = {__VA_ARGS__}

/* --- TCP ---------------------------------------------------------------------- */

struct segment {
	const char *name;
	struct frame_spec spec;
	uint32_t seq;
	uint32_t ack;
	uint8_t flags;
	uint8_t words; /* of the TCP header; 0: 5 */
	/* of the RST; no flags: there is none */
	uint8_t reset_flags;
	uint32_t reset_seq;
	uint32_t reset_ack;
};

static const struct segment segments[] = {
	{"SYN", {FOUR, TCP}, 1000, 7, SYN, 0, RST | ACK, 0, 1001},
	{"SYN, IPv6", {SIX, TCP}, 1000, 7, SYN, 0, RST | ACK, 0, 1001},
	{"SYN, sequence numbers wrap", {FOUR, TCP}, 0xffffffff, 7, SYN, 0, RST | ACK, 0, 0},
	{"SYN, highest bit", {FOUR, TCP}, 0x7fffffff, 0, SYN, 0, RST | ACK, 0, 0x80000000},
	{"SYN with options", {FOUR, TCP, .payload = 20}, 1000, 7, SYN, 10, RST | ACK, 0, 1001},
	{"SYN with all options", {SIX, TCP, .payload = 40}, 1000, 7, SYN, 15, RST | ACK, 0, 1001},
	{"SYN with data", {FOUR, TCP, .payload = 33}, 1000, 7, SYN, 6, RST | ACK, 0, 1030},
	{"SYN and FIN", {FOUR, TCP}, 1000, 7, SYN | FIN, 0, RST | ACK, 0, 1002},
	{"FIN", {SIX, TCP}, 1000, 7, FIN, 0, RST | ACK, 0, 1001},
	{"no flags, data", {FOUR, TCP, .payload = 100}, 1000, 7, PSH, 0, RST | ACK, 0, 1100},
	{"ACK", {FOUR, TCP}, 1000, 0xfffffff0, ACK, 0, RST, 0xfffffff0, 0},
	{"ACK, IPv6", {SIX, TCP}, 1000, 77, ACK, 0, RST, 77, 0},
	{"SYN and ACK", {FOUR, TCP}, 1000, 77, SYN | ACK, 0, RST, 77, 0},
	{"data", {FOUR, TCP, .payload = 1000}, 1000, 77, ACK | PSH, 8, RST, 77, 0},
	{"data, IPv6", {SIX, TCP, .payload = 1000}, 1000, 77, ACK | PSH, 8, RST, 77, 0},
	{"FIN and ACK", {FOUR, TCP}, 1000, 77, FIN | ACK, 0, RST, 77, 0},
	{"padding is no data", {FOUR, TCP, .padding = 6}, 1000, 7, SYN, 0, RST | ACK, 0, 1001},
	{"in a prefix", {FOUR_AROUND, TCP}, 1000, 7, SYN, 0, RST | ACK, 0, 1001},
	{"in a prefix, IPv6", {SIX_AROUND, TCP}, 1000, 7, SYN, 0, RST | ACK, 0, 1001},
	{"reject by kind", {BY_KIND, TCP}, 1000, 7, SYN, 0, RST | ACK, 0, 1001},
	{"one tag", {TAGS(FRAME_VLAN), FOUR, TCP}, 1000, 7, SYN, 0, RST | ACK, 0, 1001},
	{"one tag, IPv6", {TAGS(FRAME_QINQ), SIX, TCP}, 1000, 7, SYN, 0, RST | ACK, 0, 1001},
	{"two tags", {TAGS(FRAME_QINQ, FRAME_VLAN), FOUR, TCP}, 1000, 7, SYN, 0, RST | ACK, 0, 1001},
	{"two tags, IPv6", {TAGS(FRAME_QINQ, FRAME_VLAN), SIX, TCP}, 1000, 7, SYN, 0, RST | ACK, 0, 1001},
	{"IPv4 options", {FOUR, TCP, .ihl = 6}, 1000, 7, SYN, 0, RST | ACK, 0, 1001},
	{"all IPv4 options", {FOUR, TCP, .ihl = 15, .payload = 5}, 1000, 7, SYN, 0, RST | ACK, 0, 1006},
	{"extension headers", {SIX, TCP, EXT(0, 60, 43), .payload = 5}, 9, 7, SYN, 0, RST | ACK, 0, 15},
	{"long extension headers",
	 {SIX, TCP, EXT(60, 60, 60), .extension_len = 40},
	 9,
	 7,
	 SYN,
	 0,
	 RST | ACK,
	 0,
	 10},
	{"an atomic fragment", {SIX, TCP, EXT(44)}, 9, 7, SYN, 0, RST | ACK, 0, 10},
	{"a first fragment", {FOUR, TCP, .more = true, .payload = 12}, 9, 77, ACK, 0, RST, 77, 0},
	{"a jumbo frame", {FOUR, TCP, .payload = 8000}, 9, 77, ACK, 0, RST, 77, 0},
	{"a jumbo frame, IPv6, data", {SIX, TCP, .payload = 8000}, 9, 77, PSH, 0, RST | ACK, 0, 8009},

	{"RST", {FOUR, TCP}, .flags = RST},
	{"RST and ACK", {SIX, TCP}, .flags = RST | ACK, .ack = 77},
	{"SYN and RST", {FOUR, TCP}, .flags = SYN | RST},
	{"a header of four words", {FOUR, TCP}, .flags = SYN, .words = 4},
	{"a header beyond the packet", {FOUR, TCP, .payload = 3}, .flags = SYN, .words = 6},
	{"a header in the padding", {SIX, TCP, .padding = 8}, .flags = SYN, .words = 6},
	{"half a header", {FOUR, TCP, .trim = 1}, .flags = SYN},
	{"half a header, padding", {SIX, TCP, .trim = 1, .padding = 9}, .flags = SYN},
	{"half a header in a first fragment", {FOUR, TCP, .trim = 12, .more = true}, .flags = SYN},
	{"a later fragment", {FOUR, TCP, .start = 8}, .flags = SYN},
	{"a later fragment, IPv6", {SIX, TCP, EXT(44), .start = 8}, .flags = SYN},
};

/* Sources and destinations that nobody answers; the services around them are gated all the same. */
static const struct segment no_hosts[] = {
	{"from 0.0.0.0", {FROM("0.0.0.0"), TO("192.0.2.10"), TCP}, .flags = SYN},
	{"from this network", {FROM("0.1.2.3"), TO("192.0.2.10"), TCP}, .flags = SYN},
	{"from loopback", {FROM("127.0.0.1"), TO("192.0.2.10"), TCP}, .flags = SYN},
	{"from all of loopback", {FROM("127.255.255.254"), TO("192.0.2.10"), TCP}, .flags = SYN},
	{"from multicast", {FROM("224.0.0.1"), TO("192.0.2.10"), TCP}, .flags = SYN},
	{"from multicast's end", {FROM("239.255.255.255"), TO("192.0.2.10"), TCP}, .flags = SYN},
	{"from broadcast", {FROM("255.255.255.255"), TO("192.0.2.10"), TCP}, .flags = SYN},
	{"from multicast, IPv6", {FROM("ff02::1"), TO("2001:db8::10"), TCP}, .flags = SYN},
};

/* --- all else ----------------------------------------------------------------- */

#define AS_LONG_AS_ALLOWED 0xffff
#define SILENCE		   0

struct other {
	const char *name;
	struct frame_spec spec;
	uint16_t quoted; /* bytes of the IP packet; AS_LONG_AS_ALLOWED, SILENCE */
};

static const struct other others[] = {
	{"UDP", {FOUR, UDP, .payload = 100}, 128},
	{"UDP, IPv6", {SIX, UDP, .payload = 100}, 148},
	{"UDP of no bytes", {FOUR, UDP}, 28},
	{"UDP of no bytes, IPv6", {SIX, UDP}, 48},
	{"one byte more than a word", {FOUR, UDP, .payload = 5}, 33},
	{"two bytes more than a word, IPv6", {SIX, UDP, .payload = 6}, 54},
	{"three bytes more than a word", {FOUR, UDP, .payload = 7}, 35},
	{"padding is not quoted", {FOUR, UDP, .payload = 1, .padding = 17}, 29},
	{"as long as may be quoted", {FOUR, UDP, .payload = 520}, 548},
	{"longer than may be quoted", {FOUR, UDP, .payload = 521}, AS_LONG_AS_ALLOWED},
	{"a full frame", {FOUR, UDP, .payload = 1472}, AS_LONG_AS_ALLOWED},
	{"as long as may be quoted, IPv6", {SIX, UDP, .payload = 1184}, 1232},
	{"longer than may be quoted, IPv6", {SIX, UDP, .payload = 1185}, AS_LONG_AS_ALLOWED},
	{"a full frame, IPv6", {SIX, UDP, .payload = 1452}, AS_LONG_AS_ALLOWED},
	{"a jumbo frame", {FOUR, UDP, .payload = 8000}, AS_LONG_AS_ALLOWED},
	{"a jumbo frame, IPv6", {SIX, UDP, .payload = 8000}, AS_LONG_AS_ALLOWED},
	{"in a prefix", {FOUR_AROUND, UDP}, 28},
	{"in a prefix, IPv6", {SIX_AROUND, UDP}, 48},
	{"reject by kind", {BY_KIND, UDP}, 28},
	{"one tag", {TAGS(FRAME_VLAN), FOUR, UDP, .payload = 9}, 37},
	{"one tag, IPv6", {TAGS(FRAME_VLAN), SIX, UDP, .payload = 9}, 57},
	{"two tags", {TAGS(FRAME_QINQ, FRAME_VLAN), FOUR, UDP, .payload = 9}, 37},
	{"two tags, IPv6", {TAGS(FRAME_QINQ, FRAME_VLAN), SIX, UDP, .payload = 9}, 57},
	{"options are quoted", {FOUR, UDP, .ihl = 15}, 68},
	{"extension headers are quoted", {SIX, UDP, EXT(0, 60, 44)}, 72},
	{"extension headers longer than may be quoted",
	 {SIX, UDP, EXT(60, 60, 60, 60), .extension_len = 40},
	 AS_LONG_AS_ALLOWED},
	{"a first fragment", {FOUR, UDP, .more = true, .payload = 8}, 36},
	{"echo request", {FOUR, .proto = IPPROTO_ICMP, .type = 8, .payload = 56}, 84},
	{"echo request, IPv6", {SIX, .proto = IPPROTO_ICMPV6, .type = 128, .payload = 56}, 104},
	{"echo reply", {FOUR, .proto = IPPROTO_ICMP, .type = 0}, 28},
	{"timestamp request", {FOUR, .proto = IPPROTO_ICMP, .type = 13, .payload = 12}, 40},
	{"the other family's ICMP", {FOUR, .proto = IPPROTO_ICMPV6, .type = 1}, 28},
	{"IPv4's ICMP in IPv6", {SIX, .proto = IPPROTO_ICMP, .type = 3}, 48},
	{"SCTP", {FOUR, .proto = IPPROTO_SCTP, .port = 9, .payload = 8}, 36},
	{"DCCP", {SIX, .proto = IPPROTO_DCCP, .port = 9, .payload = 8}, 56},
	{"UDP-Lite", {FOUR, .proto = IPPROTO_UDPLITE, .port = 9}, 28},
	{"ESP", {FOUR, .proto = IPPROTO_ESP, .payload = 60}, 80},
	{"GRE", {SIX, .proto = IPPROTO_GRE, .payload = 8}, 48},

	{"half a UDP header", {FOUR, UDP, .trim = 1}, SILENCE},
	{"half a UDP header, padding", {SIX, UDP, .trim = 1, .padding = 9}, SILENCE},
	{"a later fragment", {FOUR, UDP, .start = 8}, SILENCE},
	{"a later fragment, IPv6", {SIX, UDP, EXT(44), .start = 8}, SILENCE},
	{"SCTP without its whole header", {FOUR, .proto = IPPROTO_SCTP, .port = 9, .payload = 3}, SILENCE},
	{"DCCP without its whole header", {SIX, .proto = IPPROTO_DCCP, .port = 9, .payload = 3}, SILENCE},
	{"ESP of seven bytes", {FOUR, .proto = IPPROTO_ESP, .payload = 7}, SILENCE},
	{"no next header", {SIX, .proto = IPPROTO_NONE}, SILENCE},
	{"from 0.0.0.0", {FROM("0.0.0.0"), TO("192.0.2.10"), UDP}, SILENCE},
	{"from broadcast", {FROM("255.255.255.255"), TO("192.0.2.10"), UDP}, SILENCE},
	{"from multicast, IPv6", {FROM("ff0e::1"), TO("2001:db8::10"), UDP}, SILENCE},
};
