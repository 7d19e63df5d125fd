// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_verdicts.c - the contract's section 3, row by row: a frame, its verdict, what becomes of it
 *
 * One policy, one table. Each row is run by the program as it is on kernels without and with several buffers
 * a frame, and again with the first buffer ending in every header.
 */
#include "tests/prog/world.h"

static const struct row rows[] = {
	/* what IP allowlists have no business with */
	{"arp", {.ethertype = FRAME_ETH_ARP, .payload = 28}, NOT_JUDGED},
	{"tagged arp", {TAGS(FRAME_VLAN), .ethertype = FRAME_ETH_ARP, .payload = 28}, NOT_JUDGED},
	{"lldp", {.ethertype = 0x88cc, .payload = 40}, NOT_JUDGED},
	{"802.3 length", {.ethertype = 38, .payload = 46}, NOT_JUDGED},
	{"another TPID", {TAGS(0x9100), DENIED4, WEB4, TCP(443)}, NOT_JUDGED},
	{"neighbour solicitation", {DENIED6, WEB6, .proto = 58, .hop_limit = 255, .type = 135}, NOT_JUDGED},
	{"neighbour advertisement", {DENIED6, WEB6, .proto = 58, .hop_limit = 255, .type = 136}, NOT_JUDGED},
	{"router advertisement",
	 {FROM("fe80::1"), TO("ff02::1"), .proto = 58, .hop_limit = 255, .type = 134},
	 NOT_JUDGED},
	{"duplicate address detection",
	 {FROM("::"), WEB6, .proto = 58, .hop_limit = 255, .type = 135},
	 NOT_JUDGED},
	{"mld query", {FROM("fe80::1"), WEB6, .proto = 58, .hop_limit = 1, EXT(0), .type = 130}, NOT_JUDGED},
	{"mldv2 report", {FROM("::"), WEB6, .proto = 58, .hop_limit = 1, EXT(0), .type = 143}, NOT_JUDGED},
	{"neighbour discovery from afar",
	 {DENIED6, WEB6, .proto = 58, .hop_limit = 64, .type = 135},
	 STOPPED("web")},
	{"neighbour discovery with a code",
	 {DENIED6, WEB6, .proto = 58, .hop_limit = 255, .type = 135, .code = 9},
	 STOPPED("web")},
	{"neighbour discovery behind a header",
	 {DENIED6, WEB6, .proto = 58, .hop_limit = 255, EXT(60), .type = 135},
	 STOPPED("web")},
	{"mld from afar", {DENIED6, WEB6, .proto = 58, .hop_limit = 1, .type = 131}, STOPPED("web")},

	/* what nobody's service is */
	{"to another address", {DENIED4, TO("192.0.2.99"), TCP(443)}, UNMATCHED},
	{"to another address, IPv6", {DENIED6, TO("2001:db8::99"), TCP(443)}, UNMATCHED},
	{"to another port", {DENIED4, WEB4, TCP(22)}, UNMATCHED},
	{"reply to the host's own connection",
	 {DENIED4, WEB4, .proto = IPPROTO_TCP, .source_port = 443, .port = 51000},
	 UNMATCHED},
	{"reply to the host's own query",
	 {DENIED6, WEB6, .proto = IPPROTO_UDP, .source_port = 53, .port = 51000},
	 UNMATCHED},
	{"udp to a tcp service", {DENIED4, WEB4, UDP(443)}, UNMATCHED},
	{"sctp to a tcp service", {DENIED4, WEB4, .proto = IPPROTO_SCTP, .port = 443}, UNMATCHED},
	{"dhcp offer, broadcast",
	 {FROM("192.0.2.1"), TO("255.255.255.255"), .proto = 17, .source_port = 67, .port = 68},
	 UNMATCHED},
	{"dhcp offer, unicast",
	 {FROM("192.0.2.1"), WEB4, .proto = 17, .source_port = 67, .port = 68},
	 UNMATCHED},
	{"dhcp discover",
	 {FROM("0.0.0.0"), TO("255.255.255.255"), .proto = 17, .source_port = 68, .port = 67},
	 UNMATCHED},
	{"dhcpv6 reply", {FROM("fe80::1"), WEB6, .proto = 17, .source_port = 547, .port = 546}, UNMATCHED},
	{"multicast", {DENIED4, TO("224.0.0.251"), UDP(5353)}, UNMATCHED},
	{"cut before the destination", {DENIED4, WEB4, TCP(443), .cut = 33}, UNMATCHED},
	{"cut before the destination, IPv6", {DENIED6, WEB6, TCP(443), .cut = 53}, UNMATCHED},
	{"cut in a tag", {TAGS(FRAME_VLAN), DENIED4, WEB4, TCP(443), .cut = 16}, UNMATCHED},
	{"version 6 in IPv4", {DENIED4, WEB4, TCP(443), .version = 6}, UNMATCHED},
	{"version 4 in IPv6", {DENIED6, WEB6, TCP(443), .version = 4}, UNMATCHED},
	{"malformed, to another address",
	 {DENIED4, TO("192.0.2.99"), TCP(443), .false_len = true},
	 UNMATCHED},

	/* sources at an account that enforces */
	{"listed", {ALLOWED4, WEB4, TCP(443)}, PASSES("web")},
	{"listed, IPv6", {ALLOWED6, WEB6, TCP(443)}, PASSES("web")},
	{"not listed", {DENIED4, WEB4, TCP(443)}, STOPPED("web")},
	{"not listed, IPv6", {DENIED6, WEB6, TCP(443)}, STOPPED("web")},
	{"first of the prefix", {FROM("203.0.113.0"), WEB4, TCP(443)}, PASSES("web")},
	{"before the prefix", {FROM("203.0.112.255"), WEB4, TCP(443)}, STOPPED("web")},
	{"behind the prefix", {FROM("203.0.114.0"), WEB4, TCP(443)}, STOPPED("web")},
	{"in a hole", {FROM("203.0.113.129"), WEB4, TCP(443)}, STOPPED("web")},
	{"in an exception to a hole", {FROM("203.0.113.200"), WEB4, TCP(443)}, PASSES("web")},
	{"beside an exception to a hole", {FROM("203.0.113.201"), WEB4, TCP(443)}, STOPPED("web")},
	{"in a hole, IPv6", {FROM("2001:db8:1:dead::1"), WEB6, TCP(443)}, STOPPED("web")},
	{"beside a hole, IPv6", {FROM("2001:db8:1:deae::1"), WEB6, TCP(443)}, PASSES("web")},
	{"icmp, listed", {ALLOWED4, WEB4, .proto = 1, .type = 8}, PASSES("web")},
	{"icmp, not listed", {DENIED4, WEB4, .proto = 1, .type = 8}, STOPPED("web")},
	{"icmpv6, not listed", {DENIED6, WEB6, .proto = 58, .type = 128}, STOPPED("web")},
	{"IPv6's icmp number on IPv4", {DENIED4, WEB4, .proto = 58, .payload = 8}, UNMATCHED},
	{"IPv4's icmp number on IPv6", {DENIED6, WEB6, .proto = 1, .payload = 8}, UNMATCHED},
	{"0.0.0.0 as source", {FROM("0.0.0.0"), WEB4, TCP(443)}, STOPPED("web")},

	/* the other modes, and lists of one kind */
	{"monitor, listed", {ALLOWED4, TO("192.0.2.11"), TCP(443)}, PASSES("watch")},
	{"monitor, not listed", {DENIED4, TO("192.0.2.11"), TCP(443)}, WATCHED("watch")},
	{"monitor, in a hole", {FROM("203.0.113.130"), TO("192.0.2.11"), TCP(443)}, WATCHED("watch")},
	{"monitor, the other family", {ALLOWED6, TO("2001:db8::11"), TCP(443)}, WATCHED("watch")},
	{"off", {DENIED4, TO("192.0.2.12"), TCP(443)}, OPEN("off")},
	{"empty", {DENIED4, TO("192.0.2.13"), TCP(443)}, OPEN("empty")},
	{"empty, IPv6", {DENIED6, TO("2001:db8::13"), UDP(1)}, OPEN("empty")},
	{"IPv4 alone, listed", {ALLOWED4, TO("192.0.2.14"), TCP(443)}, PASSES("four")},
	{"IPv4 alone, IPv6", {ALLOWED6, TO("2001:db8::14"), TCP(443)}, STOPPED("four")},
	{"IPv6 alone, listed", {ALLOWED6, TO("2001:db8::15"), TCP(443)}, PASSES("six")},
	{"IPv6 alone, IPv4", {ALLOWED4, TO("192.0.2.15"), TCP(443)}, STOPPED("six")},
	{"denials alone", {ALLOWED4, TO("192.0.2.16"), TCP(443)}, STOPPED("holes")},
	{"denials alone, elsewhere", {DENIED4, TO("192.0.2.16"), TCP(443)}, STOPPED("holes")},
	{"a service of every port and protocol, esp",
	 {DENIED4, TO("192.0.2.14"), .proto = 50},
	 STOPPED("four")},
	{"a service of every port and protocol, icmp",
	 {DENIED4, TO("192.0.2.14"), .proto = 1},
	 STOPPED("four")},
	{"a service of every port gates replies too",
	 {DENIED4, TO("192.0.2.14"), .proto = 6, .source_port = 443, .port = 51000},
	 STOPPED("four")},

	/* which service */
	{"a port and a protocol first", {DENIED4, TO("198.18.0.20"), TCP(443)}, STOPPED("port and proto")},
	{"then a port", {DENIED4, TO("198.18.0.20"), UDP(443)}, STOPPED("port")},
	{"then a port, of sctp", {DENIED4, TO("198.18.0.20"), .proto = 132, .port = 443}, STOPPED("port")},
	{"then a port, of dccp", {DENIED4, TO("198.18.0.20"), .proto = 33, .port = 443}, STOPPED("port")},
	{"then a port, of udp-lite",
	 {DENIED4, TO("198.18.0.20"), .proto = 136, .port = 443},
	 STOPPED("port")},
	{"then a protocol", {DENIED4, TO("198.18.0.20"), TCP(80)}, STOPPED("proto")},
	{"then a protocol, port 0", {DENIED4, TO("198.18.0.20"), TCP(0)}, STOPPED("proto")},
	{"a protocol before a port, port 0", {DENIED4, TO("198.18.0.21"), TCP(0)}, STOPPED("proto")},
	{"then anything", {DENIED4, TO("198.18.0.20"), UDP(80)}, STOPPED("any")},
	{"then anything, though the prefix names the port",
	 {DENIED4, TO("198.18.0.20"), UDP(53)},
	 STOPPED("any")},
	{"then anything, gre", {DENIED4, TO("198.18.0.20"), .proto = 47, .payload = 8}, STOPPED("any")},
	{"a prefix", {DENIED4, TO("198.18.77.1"), TCP(443)}, STOPPED("net")},
	{"a prefix, listed", {FROM("198.51.100.1"), TO("198.18.77.1"), TCP(8443)}, PASSES("net")},
	{"a prefix, port of any protocol", {DENIED4, TO("198.18.77.1"), UDP(53)}, STOPPED("net")},
	{"a prefix, no service", {DENIED4, TO("198.18.77.1"), TCP(80)}, UNMATCHED},
	{"a prefix, IPv6", {DENIED6, TO("2001:db8:a:1::1"), TCP(443)}, STOPPED("net")},
	{"a prefix, IPv6, listed", {FROM("2001:db8:2::1"), TO("2001:db8:a:1::1"), TCP(443)}, PASSES("net")},
	{"beside a prefix, IPv6", {DENIED6, TO("2001:db8:b::1"), TCP(443)}, UNMATCHED},
	{"the longest prefix", {DENIED4, TO("198.18.1.1"), TCP(443)}, STOPPED("sub")},
	{"the prefix around it", {DENIED4, TO("198.18.1.1"), TCP(8443)}, STOPPED("net")},
	{"the address before its prefixes", {DENIED4, TO("198.18.1.7"), TCP(22)}, STOPPED("sub")},
	{"the prefix around the address", {DENIED4, TO("198.18.1.7"), TCP(443)}, STOPPED("sub")},
	{"the prefix around that", {DENIED4, TO("198.18.1.7"), TCP(8443)}, STOPPED("net")},
	{"none of three", {DENIED4, TO("198.18.1.7"), TCP(9)}, UNMATCHED},
	{"the eighth around", {DENIED4, TO("10.0.0.1"), TCP(1)}, STOPPED("deep")},
	{"none of eight", {DENIED4, TO("10.0.0.1"), TCP(3)}, UNMATCHED},

	/* failsafe */
	{"failsafe", {FROM("203.0.113.250"), WEB4, TCP(443)}, FAILSAFE},
	{"failsafe, IPv6", {FROM("2001:db8:fa::1"), WEB6, TCP(443)}, FAILSAFE},
	{"beside failsafe", {FROM("203.0.113.251"), WEB4, TCP(443)}, STOPPED("web")},
	{"failsafe, malformed", {FROM("203.0.113.250"), WEB4, TCP(443), .trim = 17}, FAILSAFE},
	{"failsafe, later fragment", {FROM("203.0.113.250"), WEB4, TCP(443), .start = 8}, FAILSAFE},
	{"failsafe, to another address", {FROM("203.0.113.250"), TO("192.0.2.99"), TCP(443)}, UNMATCHED},
	{"failsafe in another family", {FROM("::ffff:203.0.113.250"), WEB6, TCP(443)}, BAD_DROPPED},

	/* tags */
	{"one tag, listed", {TAGS(FRAME_VLAN), ALLOWED4, WEB4, TCP(443)}, PASSES("web")},
	{"one tag, not listed", {TAGS(FRAME_VLAN), DENIED4, WEB4, TCP(443)}, STOPPED("web")},
	{"one service tag", {TAGS(FRAME_QINQ), DENIED6, WEB6, TCP(443)}, STOPPED("web")},
	{"two tags", {TAGS(FRAME_QINQ, FRAME_VLAN), DENIED4, WEB4, TCP(443)}, STOPPED("web")},
	{"two tags, listed", {TAGS(FRAME_VLAN, FRAME_VLAN), ALLOWED6, WEB6, TCP(443)}, PASSES("web")},
	{"three tags", {TAGS(FRAME_QINQ, FRAME_VLAN, FRAME_VLAN), ALLOWED4, WEB4, TCP(443)}, BAD_DROPPED},
	{"three tags, to another address",
	 {TAGS(FRAME_VLAN, FRAME_VLAN, FRAME_QINQ), ALLOWED4, TO("192.0.2.99"), TCP(1)},
	 BAD_DROPPED},
	{"three tags, arp",
	 {TAGS(FRAME_VLAN, FRAME_VLAN, FRAME_VLAN), .ethertype = FRAME_ETH_ARP, .payload = 28},
	 BAD_DROPPED},

	/* options, extension headers, padding */
	{"options", {DENIED4, WEB4, TCP(443), .ihl = 6}, STOPPED("web")},
	{"all options", {ALLOWED4, WEB4, TCP(443), .ihl = 15}, PASSES("web")},
	{"padding", {ALLOWED4, WEB4, TCP(443), .padding = 6}, PASSES("web")},
	{"hop-by-hop", {DENIED6, WEB6, TCP(443), EXT(0)}, STOPPED("web")},
	{"ah on IPv6", {DENIED6, WEB6, TCP(443), EXT(51)}, STOPPED("web")},
	{"every extension header",
	 {DENIED6, WEB6, TCP(443), EXT(0, 43, 51, 60, 135, 139, 140, 44)},
	 STOPPED("web")},
	{"every extension header, listed",
	 {ALLOWED6, WEB6, TCP(443), EXT(0, 43, 51, 60, 135, 139, 140, 44)},
	 PASSES("web")},
	{"long extension headers",
	 {DENIED6, WEB6, TCP(443), EXT(60, 43, 60, 0, 60, 60, 60, 60), .extension_len = 40},
	 STOPPED("web")},
	{"esp ends the headers", {DENIED6, WEB6, .proto = 50, EXT(60), .payload = 20}, UNMATCHED},
	{"esp ends the headers, every protocol",
	 {DENIED6, TO("2001:db8::14"), .proto = 50, EXT(60)},
	 STOPPED("four")},
	{"no next header", {DENIED6, TO("2001:db8::14"), .proto = 59}, STOPPED("four")},
	{"ah on IPv4", {DENIED4, TO("192.0.2.14"), .proto = 51, .payload = 40}, STOPPED("four")},

	/* malformed, gated and not */
	{"header length under 20", {ALLOWED4, WEB4, TCP(443), .ihl = 4, .false_ihl = true}, BAD_DROPPED},
	{"header length beyond",
	 {ALLOWED4, WEB4, TCP(443), .ihl = 15, .false_ihl = true, .padding = 60},
	 BAD_DROPPED},
	{"total length under the header",
	 {ALLOWED4, WEB4, TCP(443), .false_len = true, .len = 19},
	 BAD_DROPPED},
	{"total length beyond the frame",
	 {ALLOWED4, WEB4, TCP(443), .false_len = true, .len = 41},
	 BAD_DROPPED},
	{"total length 0", {ALLOWED4, WEB4, TCP(443), .false_len = true}, BAD_DROPPED},
	{"payload length beyond the frame",
	 {ALLOWED6, WEB6, TCP(443), .false_len = true, .len = 21},
	 BAD_DROPPED},
	{"payload length 0, hop-by-hop", {ALLOWED6, WEB6, TCP(443), EXT(0), .false_len = true}, BAD_DROPPED},
	{"nine extension headers",
	 {ALLOWED6, WEB6, TCP(443), EXT(60, 60, 60, 60, 60, 60, 60, 60, 60)},
	 BAD_DROPPED},
	{"two fragment headers", {ALLOWED6, WEB6, TCP(443), EXT(44, 44)}, BAD_DROPPED},
	{"ports cut", {ALLOWED4, WEB4, TCP(443), .trim = 17}, BAD_DROPPED},
	{"ports in the padding", {ALLOWED6, WEB6, TCP(443), .trim = 17, .padding = 20}, BAD_DROPPED},
	{"ports just there", {DENIED4, WEB4, TCP(443), .trim = 16}, STOPPED("web")},
	{"sctp's ports cut", {ALLOWED4, WEB4, .proto = 132, .trim = 5}, BAD_DROPPED},
	{"icmp under eight bytes", {ALLOWED4, WEB4, .proto = 1, .type = 8, .trim = 1}, BAD_DROPPED},
	{"icmpv6 under eight bytes", {ALLOWED6, WEB6, .proto = 58, .type = 128, .trim = 1}, BAD_DROPPED},
	{"gre of no bytes", {DENIED4, TO("192.0.2.14"), .proto = 47}, STOPPED("four")},
	{"mapped source", {FROM("::ffff:203.0.113.7"), WEB6, TCP(443)}, BAD_DROPPED},
	{"mapped source, IPv4 alone",
	 {FROM("::ffff:203.0.113.7"), TO("2001:db8::14"), TCP(443)},
	 BAD_DROPPED},
	{"compatible source", {FROM("::203.0.113.7"), WEB6, TCP(443)}, BAD_DROPPED},
	{"source ::", {FROM("::"), WEB6, TCP(443)}, BAD_DROPPED},
	{"source ::1", {FROM("::1"), WEB6, TCP(443)}, BAD_DROPPED},
	{"fragment beyond 65,535 bytes", {ALLOWED4, WEB4, TCP(443), .start = 65528}, BAD_DROPPED},
	{"fragment beyond 65,535 bytes, IPv6",
	 {ALLOWED6, WEB6, TCP(443), EXT(44), .start = 65528},
	 BAD_DROPPED},
	{"malformed, another port of a gated address", {DENIED4, WEB4, UDP(9), .trim = 5}, BAD_DROPPED},
	{"malformed, in a gated prefix", {DENIED4, TO("198.18.77.1"), TCP(80), .trim = 17}, BAD_DROPPED},
	{"malformed, monitor", {ALLOWED4, TO("192.0.2.11"), TCP(443), .trim = 17}, BAD_PASSED},
	{"malformed, off", {ALLOWED4, TO("192.0.2.12"), TCP(443), .false_len = true}, BAD_PASSED},
	{"malformed, empty", {ALLOWED4, TO("192.0.2.13"), TCP(443), .ihl = 1, .false_ihl = true}, BAD_PASSED},
	{"mapped source, monitor", {FROM("::ffff:203.0.113.7"), TO("2001:db8::11"), TCP(443)}, BAD_PASSED},

	/* fragments */
	{"first fragment, listed", {ALLOWED4, WEB4, TCP(443), .more = true}, PASSES("web")},
	{"first fragment, not listed", {DENIED4, WEB4, TCP(443), .more = true}, STOPPED("web")},
	{"first fragment, IPv6", {DENIED6, WEB6, TCP(443), EXT(44), .more = true}, STOPPED("web")},
	{"first fragment, ports cut", {ALLOWED4, WEB4, TCP(443), .more = true, .trim = 17}, BAD_DROPPED},
	{"first fragment, another port", {DENIED4, WEB4, TCP(80), .more = true}, UNMATCHED},
	{"atomic fragment", {DENIED6, WEB6, TCP(443), EXT(44)}, STOPPED("web")},
	{"atomic fragment, another port", {DENIED6, WEB6, TCP(80), EXT(44)}, UNMATCHED},
	{"later fragment, listed", {ALLOWED4, WEB4, TCP(443), .start = 8}, PASSES("web")},
	{"later fragment, not listed", {DENIED4, WEB4, TCP(443), .start = 8}, STOPPED("web")},
	{"later fragment has no port", {DENIED4, WEB4, TCP(80), .start = 8, .more = true}, STOPPED("web")},
	{"later fragment, IPv6", {DENIED6, WEB6, TCP(443), EXT(44), .start = 8}, STOPPED("web")},
	{"later fragment, IPv6, listed",
	 {ALLOWED6, WEB6, TCP(443), EXT(0, 44), .start = 1448},
	 PASSES("web")},
	{"later fragment of icmp", {DENIED4, WEB4, .proto = 1, .start = 8}, STOPPED("web")},
	{"later fragment of icmpv6", {DENIED6, WEB6, .proto = 58, EXT(44), .start = 8}, STOPPED("web")},
	{"later fragment of no one's protocol", {DENIED4, WEB4, UDP(443), .start = 8}, UNMATCHED},
	{"later fragment, several accounts", {DENIED4, TO("198.18.0.20"), TCP(443), .start = 8}, FRAGMENT},
	{"later fragment, address and prefix", {DENIED4, TO("198.18.1.1"), TCP(443), .start = 8}, FRAGMENT},
	{"later fragment, prefix's any alone",
	 {DENIED4, TO("198.18.1.1"), UDP(443), .start = 8},
	 STOPPED("net")},
	{"later fragment, any protocol",
	 {DENIED4, TO("198.18.77.1"), .proto = 47, .payload = 8, .start = 8},
	 STOPPED("net")},
	{"later fragment, monitor", {DENIED4, TO("192.0.2.11"), TCP(443), .start = 8}, WATCHED("watch")},
	{"later fragment, empty", {DENIED4, TO("192.0.2.13"), TCP(443), .start = 8}, OPEN("empty")},
};

static void check_rows(bool frags, size_t linear)
{
	struct allowgate_bpf *kernel = load_world(frags);

	for (size_t i = 0; i < COUNT(rows); i++)
		check_row(kernel, &rows[i], linear);
	allowgate_bpf__destroy(kernel);
}

static void test_rows(void **state)
{
	(void)state;
	print_message("%zu rows\n", COUNT(rows));
	check_rows(false, 0);
	check_rows(true, 0);
}

/* Kernels before 6.18 cannot be asked to put less than a page into the first buffer. */
static bool can_shorten_linear_part(void)
{
	static const struct frame_spec spec = {DENIED4, WEB4, TCP(443)};
	static struct frame frame;
	struct allowgate_bpf *kernel = load_world(true);
	uint32_t action;
	int r;

	frame_build(&frame, &spec);
	r = kernel_run_raw(kernel, &frame, 14, &action);
	allowgate_bpf__destroy(kernel);
	return r == 0;
}

static void test_rows_short_linear_part(void **state)
{
	(void)state;
	if (!can_shorten_linear_part()) {
		print_message(
			"SKIP: this kernel's BPF_PROG_TEST_RUN puts all of a short frame into one buffer\n");
		skip();
	}
	for (size_t linear = 14; linear < 80; linear += 3)
		check_rows(true, linear);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_rows_short_linear_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
