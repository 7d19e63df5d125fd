// SPDX-License-Identifier: GPL-2.0-only
/*
 * service.c - services as text
 *
 * The text is first cut into destination, port and protocol, whichever way it is
 * written, then each part is parsed by itself.
 */
#include "userspace/core/service.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "userspace/core/error.h"
#include "userspace/core/text.h"

#define PART_SIZE 64

/* Each as it stands in the text; empty where it is missing. */
struct parts {
	char dest[PART_SIZE];
	char port[PART_SIZE];
	char proto[PART_SIZE];
	size_t port_offset;
	size_t proto_offset;
};

struct proto_row {
	uint8_t proto;
	const char *name;
};

static const struct proto_row PROTOS[] = {
	{IPPROTO_TCP, "tcp"},
	{IPPROTO_UDP, "udp"},
	{IPPROTO_ICMP, "icmp"},
	{AG_PROTO_ANY, "any"},
};
#define PROTO_COUNT (sizeof(PROTOS) / sizeof(PROTOS[0]))

static int refuse(const char *text, struct ag_error *error)
{
	return error_set(error, ERROR_BAD_REQUEST,
			 "\"%.80s\" is no service: write ADDRESS[:PORT][/PROTO], as in 192.0.2.10:443/tcp or "
			 "[2001:db8::10]:443/tcp",
			 text);
}

/* Appends [from, to) to a part; false if it is empty or has no room: no valid part is that long. */
static bool part_append(char part[PART_SIZE], const char *from, const char *to)
{
	size_t used = strlen(part), length = (size_t)(to - from);

	if (length == 0 || used + length >= PART_SIZE)
		return false;
	memcpy(part + used, from, length);
	part[used + length] = '\0';
	return true;
}

static bool part_take(char part[PART_SIZE], size_t *ret_offset, const char *text, const char *from,
		      const char *to)
{
	*ret_offset = (size_t)(from - text);
	return part_append(part, from, to);
}

static bool starts_length(const char *slash)
{
	return slash[0] == '/' && slash[1] >= '0' && slash[1] <= '9';
}

/* What follows the destination: [:PORT][/PROTO]. */
static bool split_tail(const char *text, const char *at, struct parts *parts)
{
	if (*at == ':') {
		const char *end = strchrnul(at, '/');

		if (!part_take(parts->port, &parts->port_offset, text, at + 1, end))
			return false;
		at = end;
	}
	if (*at == '/') {
		const char *end = at + strlen(at);

		if (!part_take(parts->proto, &parts->proto_offset, text, at + 1, end))
			return false;
		at = end;
	}
	return !*at;
}

/* "[2001:db8::/64]...", or "[2001:db8::]/64...": the length is inside the brackets or right behind them. */
static bool split_brackets(const char *text, struct parts *parts)
{
	const char *close = strchr(text, ']');
	const char *at;

	if (!close || !memchr(text, ':', (size_t)(close - text)) ||
	    !part_append(parts->dest, text + 1, close))
		return false;
	at = close + 1;
	if (starts_length(at) && !strchr(parts->dest, '/')) {
		const char *end = at + 1 + strcspn(at + 1, ":/");

		if (!part_append(parts->dest, at, end))
			return false;
		at = end;
	}
	return split_tail(text, at, parts);
}

/* Without brackets only IPv4 has a port: more than one colon is an IPv6 address, and the colons are all its
 * own. */
static bool split_bare(const char *text, struct parts *parts)
{
	const char *colon = strchr(text, ':');
	bool ipv6 = colon && strchr(colon + 1, ':');
	const char *end = text + strcspn(text, ipv6 ? "/" : ":/");

	if (starts_length(end))
		end += 1 + strcspn(end + 1, ":/");
	return part_append(parts->dest, text, end) && split_tail(text, end, parts);
}

static int proto_parse(const char *text, uint8_t *ret, struct ag_error *error)
{
	for (size_t i = 0; i < PROTO_COUNT; i++) {
		if (strcmp(PROTOS[i].name, text) == 0) {
			*ret = PROTOS[i].proto;
			return 0;
		}
	}
	return error_set(error, ERROR_BAD_REQUEST,
			 "\"%.80s\" is no protocol of a service: it is tcp, udp, icmp (ICMPv6 too) or any",
			 text);
}

static int port_parse(const char *text, uint16_t *ret, struct ag_error *error)
{
	uint64_t port = AG_PORT_ANY;
	int result = 0;

	if (strcmp(text, "any") != 0)
		result = number_parse("port", text, 1, UINT16_MAX, &port, error);
	if (!result)
		*ret = (uint16_t)port;
	return result;
}

/* As for a source, but a /0 is refused with another reason. */
static int dest_parse(const char *text, struct prefix *ret, struct ag_error *error)
{
	size_t length = strlen(text);
	char bare[PART_SIZE];
	struct addr addr;

	if (length > 2 && strcmp(text + length - 2, "/0") == 0) {
		memcpy(bare, text, length - 2);
		bare[length - 2] = '\0';
		if (addr_parse(bare, &addr, NULL) == 0)
			return error_set(error, ERROR_BAD_PREFIX,
					 "%s is every address: name the service's own address or prefix",
					 text);
	}
	return prefix_parse(text, ret, error);
}

/* An offset in a part becomes one in the whole text. */
static int shifted(int result, size_t offset, struct ag_error *error)
{
	if (result && error)
		error->offset += offset;
	return result;
}

static int parts_parse(const struct parts *parts, struct service *ret, struct ag_error *error)
{
	struct service service = {.port = AG_PORT_ANY, .proto = AG_PROTO_ANY};
	int result = dest_parse(parts->dest, &service.dest, error);

	if (!result && parts->port[0])
		result = shifted(port_parse(parts->port, &service.port, error), parts->port_offset, error);
	if (!result && parts->proto[0])
		result = shifted(proto_parse(parts->proto, &service.proto, error), parts->proto_offset,
				 error);
	if (result)
		return result;
	if (service.proto == IPPROTO_ICMP && service.port != AG_PORT_ANY)
		return error_set_at(error, ERROR_BAD_REQUEST, parts->port_offset,
				    "icmp has no ports: leave out :%u, or name tcp or udp", service.port);
	*ret = service;
	return 0;
}

int service_parse(const char *text, struct service *ret, struct ag_error *error)
{
	struct parts parts = {.port_offset = 0};
	bool split = text[0] == '[' ? split_brackets(text, &parts) : split_bare(text, &parts);

	if (!split)
		return refuse(text, error);
	if (text[0] != '[' && parts.port[0] && strchr(parts.dest, ':'))
		return error_set_at(
			error, ERROR_BAD_REQUEST, parts.port_offset,
			"\"%.80s\": an IPv6 service with a port stands in brackets: write [%s]:%s", text,
			parts.dest, parts.port);
	return parts_parse(&parts, ret, error);
}

void service_format(const struct service *service, char text[SERVICE_TEXT_MAX])
{
	const char *proto = service_proto_name(service->proto);
	bool with_port = service->port != AG_PORT_ANY, with_proto = service->proto != AG_PROTO_ANY && proto;
	bool brackets = with_port && service->dest.addr.family == AG_FAMILY_IPV6;
	char dest[PREFIX_TEXT_MAX], port[8] = "";

	prefix_format_short(&service->dest, dest);
	if (with_port)
		(void)snprintf(port, sizeof(port), ":%u", service->port); /* fits */
	(void)snprintf(text, SERVICE_TEXT_MAX, "%s%s%s%s%s%s", brackets ? "[" : "", dest, brackets ? "]" : "",
		       port, with_proto ? "/" : "", with_proto ? proto : ""); /* fits */
}

int service_compare(const struct service *a, const struct service *b)
{
	int dest = prefix_compare(&a->dest, &b->dest);

	if (dest)
		return dest;
	if (a->proto != b->proto)
		return a->proto < b->proto ? -1 : 1;
	return (a->port > b->port) - (a->port < b->port);
}

const char *service_proto_name(uint8_t proto)
{
	for (size_t i = 0; i < PROTO_COUNT; i++)
		if (PROTOS[i].proto == proto)
			return PROTOS[i].name;
	return NULL;
}
