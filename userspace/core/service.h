/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * service.h - where an account is reached: destination, protocol, port
 *
 * Text: ADDRESS-OR-PREFIX[:PORT|:any][/PROTO], an IPv6 one with a port in brackets, the
 * prefix length inside them ("[2001:db8::]/64:443" is understood too). Without brackets
 * "192.0.2.0/28/udp" is a prefix with a protocol. Ports are in host byte order here.
 * "any" may be written for port and protocol, and is what a missing one means.
 */
#pragma once

#include <stdint.h>

#include "userspace/core/addr.h"

#define SERVICE_TEXT_MAX 72 /* with the NUL */

struct service {
	struct prefix dest;
	uint16_t port; /* AG_PORT_ANY */
	uint8_t proto; /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP (for ICMPv6 too), AG_PROTO_ANY */
};

/* ERROR_BAD_REQUEST, or ERROR_BAD_PREFIX for its destination; a /0 is refused, a port with icmp too. *ret is
 * untouched on failure. */
int service_parse(const char *text, struct service *ret, struct ag_error *error);
/* Canonical: "192.0.2.10:443/tcp", "192.0.2.10" for every port and protocol; parses back to the same. */
void service_format(const struct service *service, char text[SERVICE_TEXT_MAX]);
/* By destination, then protocol, then port. */
int service_compare(const struct service *a, const struct service *b);
/* "tcp", "udp", "icmp", "any"; NULL for another number. */
const char *service_proto_name(uint8_t proto);
