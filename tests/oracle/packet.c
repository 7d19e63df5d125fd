// SPDX-License-Identifier: GPL-2.0-only
#include "tests/oracle/packet.h"

#include <string.h>

#define ETHERNET_LEN	14
#define TAG_LEN		4
#define IPV4_LEN	20
#define IPV6_LEN	40
#define EXTENSION_MIN	8
#define EXTENSIONS_MAX	8
#define TAGS_MAX	2
#define REASSEMBLED_MAX 65535

static unsigned int get16(const uint8_t *at)
{
	return (unsigned int)(at[0] << 8 | at[1]);
}

static bool is_tag(unsigned int type)
{
	return type == 0x8100 || type == 0x88a8;
}

bool packet_proto_has_ports(uint8_t proto)
{
	/* TCP, UDP, SCTP, DCCP, UDP-Lite */
	return proto == 6 || proto == 17 || proto == 132 || proto == 33 || proto == 136;
}

static bool is_extension(uint8_t next)
{
	return next == 0 || next == 43 || next == 44 || next == 51 || next == 60 || next == 135 ||
	       next == 139 || next == 140;
}

bool packet_is_icmp(const struct packet *packet)
{
	return packet->proto == (packet->source.family == AG_FAMILY_IPV4 ? 1 : 58);
}

static struct oracle_addr addr_at(uint8_t family, const uint8_t *bytes)
{
	struct oracle_addr addr = {.family = family};

	memcpy(addr.bytes, bytes, family == AG_FAMILY_IPV4 ? 4 : 16);
	return addr;
}

/* The first that is found stands: the row of the table is the same. */
static void fault(struct packet *packet, enum oracle_class class)
{
	if (!packet->malformed)
		packet->fault = class;
	packet->malformed = true;
}

static void set_fragment(struct packet *packet, unsigned int start, bool more, size_t bytes)
{
	packet->later = start > 0;
	packet->first = start == 0 && more;
	if ((packet->later || packet->first) && start + bytes > REASSEMBLED_MAX)
		fault(packet, ORACLE_BAD_FRAGMENT_END);
}

static void read_upper(const uint8_t *frame, struct packet *packet)
{
	size_t left = packet->end > packet->upper ? packet->end - packet->upper : 0;

	packet->has_ports = packet_proto_has_ports(packet->proto);
	if (packet->later)
		return;
	if (packet->has_ports && left < 4) {
		fault(packet, ORACLE_BAD_PORTS);
	} else if (packet->has_ports) {
		packet->source_port = (uint16_t)get16(frame + packet->upper);
		packet->dest_port = (uint16_t)get16(frame + packet->upper + 2);
	} else if (packet_is_icmp(packet) && left < 8) {
		fault(packet, ORACLE_BAD_ICMP);
	}
}

static void read_ipv4(const uint8_t *frame, size_t at, size_t len, struct packet *packet)
{
	const uint8_t *ip = frame + at;
	size_t header = (size_t)(ip[0] & 15) * 4, total = get16(ip + 2), there = len - at;

	packet->hop_limit = ip[8];
	packet->proto = ip[9];
	packet->source = addr_at(AG_FAMILY_IPV4, ip + 12);
	packet->dest = addr_at(AG_FAMILY_IPV4, ip + 16);
	if (header < IPV4_LEN || header > there)
		fault(packet, ORACLE_BAD_HEADER_LEN);
	else if (total < header || total > there)
		fault(packet, ORACLE_BAD_TOTAL_LEN);
	if (packet->malformed)
		return;
	packet->padding = total < there;
	packet->upper = at + header;
	packet->end = at + total;
	packet->whole = true;
	set_fragment(packet, (get16(ip + 6) & 0x1fff) * 8, ip[6] & 0x20, total - header);
	read_upper(frame, packet);
}

static size_t extension_len(uint8_t kind, const uint8_t *header)
{
	if (kind == 44)
		return 8;
	return kind == 51 ? (header[1] + 2U) * 4 : (header[1] + 1U) * 8;
}

/* From the header of kind `next` at packet->upper to the upper layer. */
static void walk_extensions(const uint8_t *frame, uint8_t next, struct packet *packet)
{
	bool fragmented = false;

	while (is_extension(next) && !packet->later) {
		const uint8_t *header = frame + packet->upper;
		size_t left = packet->end > packet->upper ? packet->end - packet->upper : 0;

		if (packet->extensions == EXTENSIONS_MAX)
			return fault(packet, ORACLE_BAD_EXTENSIONS);
		if (next == 44 && fragmented)
			return fault(packet, ORACLE_BAD_SECOND_FRAGMENT);
		if (left < EXTENSION_MIN || left < extension_len(next, header))
			return fault(packet, ORACLE_BAD_EXTENSION_CUT);
		packet->extensions++;
		packet->upper += extension_len(next, header);
		if (next == 44) {
			fragmented = true;
			set_fragment(packet, get16(header + 2) & 0xfff8U, header[3] & 1,
				     packet->end - packet->upper);
		}
		next = header[0];
	}
	packet->proto = next;
	packet->whole = true;
}

/* ::ffff:0:0/96 or ::/96 */
static bool holds_ipv4(const struct oracle_addr *addr)
{
	for (size_t i = 0; i < 10; i++)
		if (addr->bytes[i])
			return false;
	return (addr->bytes[10] == 0xff && addr->bytes[11] == 0xff) ||
	       (addr->bytes[10] == 0 && addr->bytes[11] == 0);
}

static void read_ipv6(const uint8_t *frame, size_t at, size_t len, struct packet *packet)
{
	const uint8_t *ip = frame + at;
	size_t payload = get16(ip + 4), there = len - at - IPV6_LEN;

	packet->hop_limit = ip[7];
	packet->source = addr_at(AG_FAMILY_IPV6, ip + 8);
	packet->dest = addr_at(AG_FAMILY_IPV6, ip + 24);
	if (payload > there || (payload == 0 && ip[6] == 0))
		fault(packet, ORACLE_BAD_PAYLOAD_LEN);
	packet->padding = payload < there;
	packet->upper = at + IPV6_LEN;
	packet->end = packet->upper + (payload < there ? payload : there);
	walk_extensions(frame, ip[6], packet);
	if (packet->whole)
		read_upper(frame, packet);
	if (holds_ipv4(&packet->source))
		fault(packet, ORACLE_BAD_SOURCE);
}

static void read_ip(const uint8_t *frame, size_t at, size_t len, uint8_t family, struct packet *packet)
{
	size_t fixed = family == AG_FAMILY_IPV4 ? IPV4_LEN : IPV6_LEN;

	if (len - at < fixed) {
		packet->kind = PACKET_CUT_OFF;
	} else if (frame[at] >> 4 != family) {
		packet->kind = PACKET_WRONG_VERSION;
	} else {
		packet->kind = PACKET_IP;
		if (family == AG_FAMILY_IPV4)
			read_ipv4(frame, at, len, packet);
		else
			read_ipv6(frame, at, len, packet);
	}
}

void packet_read(const uint8_t *frame, size_t len, struct packet *ret)
{
	unsigned int type = len < ETHERNET_LEN ? 0 : get16(frame + 12);
	size_t at = ETHERNET_LEN;

	memset(ret, 0, sizeof(*ret));
	ret->kind = PACKET_NOT_IP;
	while (is_tag(type)) {
		if (++ret->tags > TAGS_MAX) {
			ret->kind = PACKET_TOO_MANY_TAGS;
			return;
		}
		if (len - at < TAG_LEN) {
			ret->kind = PACKET_CUT_OFF;
			return;
		}
		type = get16(frame + at + 2);
		at += TAG_LEN;
	}
	if (type == 0x0800)
		read_ip(frame, at, len, AG_FAMILY_IPV4, ret);
	else if (type == 0x86dd)
		read_ip(frame, at, len, AG_FAMILY_IPV6, ret);
}

static bool read_quoted_ipv4(const uint8_t *frame, size_t at, struct packet *packet)
{
	const uint8_t *ip = frame + at;

	if (packet->end - at < IPV4_LEN || ip[0] >> 4 != 4 || (ip[0] & 15) < 5)
		return false;
	packet->proto = ip[9];
	packet->source = addr_at(AG_FAMILY_IPV4, ip + 12);
	packet->upper = at + (size_t)(ip[0] & 15) * 4;
	set_fragment(packet, (get16(ip + 6) & 0x1fff) * 8, ip[6] & 0x20, 0);
	return true;
}

static bool read_quoted_ipv6(const uint8_t *frame, size_t at, struct packet *packet)
{
	const uint8_t *ip = frame + at;

	if (packet->end - at < IPV6_LEN || ip[0] >> 4 != 6)
		return false;
	packet->source = addr_at(AG_FAMILY_IPV6, ip + 8);
	packet->upper = at + IPV6_LEN;
	walk_extensions(frame, ip[6], packet);
	return packet->whole;
}

bool packet_read_quoted(const uint8_t *frame, size_t at, size_t end, uint8_t family, struct packet *ret)
{
	size_t left;

	memset(ret, 0, sizeof(*ret));
	ret->end = end;
	if (at > end)
		return false;
	if (!(family == AG_FAMILY_IPV4 ? read_quoted_ipv4(frame, at, ret) : read_quoted_ipv6(frame, at, ret)))
		return false;
	ret->has_ports = packet_proto_has_ports(ret->proto) && !ret->later;
	left = end > ret->upper ? end - ret->upper : 0;
	if (ret->has_ports && left < 2)
		return false;
	if (ret->has_ports)
		ret->source_port = (uint16_t)get16(frame + ret->upper);
	ret->half = ret->upper > end || (ret->has_ports && left < 4);
	return true;
}
