// SPDX-License-Identifier: GPL-2.0-only
#include "tests/oracle/oracle.h"

static const char *const class_names[] = {
	[ORACLE_TAGS] = "more than two tags",
	[ORACLE_NOT_IP] = "not IP",
	[ORACLE_NEIGHBOUR] = "neighbour discovery",
	[ORACLE_LISTENER] = "listener discovery",
	[ORACLE_CUT_OFF] = "cut off before the destination",
	[ORACLE_VERSION] = "IP version against EtherType",
	[ORACLE_NO_ADDRESS] = "to an address no service names",
	[ORACLE_FAILSAFE] = "failsafe",
	[ORACLE_BAD_HEADER_LEN] = "malformed: IPv4 header length",
	[ORACLE_BAD_TOTAL_LEN] = "malformed: IPv4 total length",
	[ORACLE_BAD_PAYLOAD_LEN] = "malformed: IPv6 payload length",
	[ORACLE_BAD_EXTENSIONS] = "malformed: extension headers",
	[ORACLE_BAD_EXTENSION_CUT] = "malformed: extension header cut off",
	[ORACLE_BAD_SECOND_FRAGMENT] = "malformed: second fragment header",
	[ORACLE_BAD_FRAGMENT_END] = "malformed: fragment beyond 65,535",
	[ORACLE_BAD_PORTS] = "malformed: ports cut off",
	[ORACLE_BAD_ICMP] = "malformed: ICMP cut off",
	[ORACLE_BAD_SOURCE] = "malformed: IPv4 address as source",
	[ORACLE_ICMP_ERROR] = "ICMP error",
	[ORACLE_SEVERAL] = "fragment of several accounts",
	[ORACLE_NO_SERVICE] = "no service matches",
	[ORACLE_NOTICE_PORT] = "port of a notice server",
	[ORACLE_OPEN] = "open",
	[ORACLE_ALLOWED] = "allowed",
	[ORACLE_WOULD_DENY] = "would be denied",
	[ORACLE_DROP] = "denied, dropped",
	[ORACLE_REJECT] = "denied, rejected",
	[ORACLE_REJECT_PART] = "denied, too short to reject",
	[ORACLE_NOTICE] = "denied, given to a notice server",
	[ORACLE_NOTICE_REST] = "denied, not for a notice server",
	[ORACLE_REDIRECT] = "denied, redirected",
};
_Static_assert(sizeof(class_names) / sizeof(class_names[0]) == ORACLE_CLASS_MAX, "a class without a name");

const char *oracle_class_name(enum oracle_class class)
{
	return class_names[class];
}

static const char *const trait_names[ORACLE_TRAITS] = {
	"IPv4",
	"IPv6",
	"one tag",
	"two tags",
	"extension headers",
	"first of fragments",
	"later fragment judged",
	"by a prefix's service",
	"by an entry",
	"by a hole",
	"past an expired entry",
	"past a disabled entry",
	"padding",
	"protocol without ports",
	"forged error",
};

const char *oracle_trait_name(unsigned int trait)
{
	for (int i = 0; i < ORACLE_TRAITS; i++)
		if (trait == 1U << i)
			return trait_names[i];
	return "";
}
