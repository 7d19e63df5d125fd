/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * oracle.h - what must become of a frame under a policy, by the table of what happens to a packet
 *
 * Written from that table and the notes under it alone, and to be slow and obvious: it asks every service and
 * every entry in turn and compares prefixes bit by bit. It shares no code with the program and none with the
 * daemon, but the names of verdicts, modes and actions. Addresses are in network byte order, an IPv4 address
 * in the first four bytes; numbers are in the host's order.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/ag_abi.h"

#define ORACLE_ACCOUNTS_MAX  8
#define ORACLE_ENTRIES_MAX   192 /* of one list */
#define ORACLE_SERVICES_MAX  48
#define ORACLE_FAILSAFES_MAX 3

struct oracle_addr {
	uint8_t family; /* enum ag_family */
	uint8_t bytes[16];
};

struct oracle_prefix {
	struct oracle_addr addr;
	uint8_t len;
};

struct oracle_entry {
	struct oracle_prefix prefix;
	bool deny;
	bool disabled;
	uint32_t expires; /* 0: never */
};

struct oracle_account {
	enum ag_mode mode;
	enum ag_on_deny on_deny;
	uint16_t notice_port;
	struct oracle_entry entries[ORACLE_ENTRIES_MAX];
	size_t entry_count;
};

struct oracle_service {
	struct oracle_prefix dest;
	uint8_t proto; /* 6, 17, 1 (for ICMPv6 too) or AG_PROTO_ANY */
	uint16_t port; /* AG_PORT_ANY */
	uint32_t account;
};

struct oracle_policy {
	struct oracle_account accounts[ORACLE_ACCOUNTS_MAX];
	size_t account_count;
	struct oracle_service services[ORACLE_SERVICES_MAX];
	size_t service_count;
	struct oracle_prefix failsafes[ORACLE_FAILSAFES_MAX];
	size_t failsafe_count;
	uint32_t now;
	bool panic; /* everything passes; what an account would stop is counted as what it would deny */
	/*
	 * The table can be read in two ways in places; each is judged as the first says, or with this as the
	 * second:
	 *
	 * - An ICMP error quotes a later fragment, so that its source port cannot be seen: it may be of any
	 *   service whose port is `any`, or it is of none.
	 * - It quotes a packet's source port, but is cut off before the other one: that is enough, or it is
	 * not.
	 * - TCP without a whole header is handed to a notice server all the same, or it is "the rest".
	 * - Everything with a whole transport header is rejected with an answer, or only what the standards
	 * let be answered: no TCP reset, no ICMP error, nothing to or from what is no single host.
	 */
	bool other_reading;
};

/* The row of the table that a packet went by; what is malformed, and what an action came to, in more detail.
 */
enum oracle_class {
	ORACLE_TAGS,
	ORACLE_NOT_IP,
	ORACLE_NEIGHBOUR,
	ORACLE_LISTENER,
	ORACLE_CUT_OFF,
	ORACLE_VERSION,
	ORACLE_NO_ADDRESS,
	ORACLE_FAILSAFE,
	ORACLE_BAD_HEADER_LEN,
	ORACLE_BAD_TOTAL_LEN,
	ORACLE_BAD_PAYLOAD_LEN,
	ORACLE_BAD_EXTENSIONS,
	ORACLE_BAD_EXTENSION_CUT,
	ORACLE_BAD_SECOND_FRAGMENT,
	ORACLE_BAD_FRAGMENT_END,
	ORACLE_BAD_PORTS,
	ORACLE_BAD_ICMP,
	ORACLE_BAD_SOURCE,
	ORACLE_ICMP_ERROR,
	ORACLE_SEVERAL,
	ORACLE_NO_SERVICE,
	ORACLE_NOTICE_PORT,
	ORACLE_OPEN,
	ORACLE_ALLOWED,
	ORACLE_WOULD_DENY,
	ORACLE_DROP,
	ORACLE_REJECT,
	ORACLE_REJECT_PART, /* without a whole transport header */
	ORACLE_NOTICE,
	ORACLE_NOTICE_REST,
	ORACLE_REDIRECT,
	ORACLE_CLASS_MAX,
};

/* What else is so of a packet: of these, too, a run must have seen enough. */
enum oracle_trait {
	ORACLE_HAS_IPV4 = 1 << 0,
	ORACLE_HAS_IPV6 = 1 << 1,
	ORACLE_HAS_ONE_TAG = 1 << 2,
	ORACLE_HAS_TWO_TAGS = 1 << 3,
	ORACLE_HAS_EXTENSIONS = 1 << 4,
	ORACLE_IS_FIRST = 1 << 5,  /* of several fragments */
	ORACLE_IS_LATER = 1 << 6,  /* judged by the one account there is */
	ORACLE_BY_PREFIX = 1 << 7, /* its service is on a prefix */
	ORACLE_BY_ENTRY = 1 << 8,
	ORACLE_BY_HOLE = 1 << 9,
	ORACLE_PAST_EXPIRED = 1 << 10, /* a longer entry has expired */
	ORACLE_PAST_DISABLED = 1 << 11,
	ORACLE_HAS_PADDING = 1 << 12,
	ORACLE_HAS_NO_PORTS = 1 << 13, /* another protocol: tunnels, ESP, ... */
	ORACLE_FORGED_ERROR = 1 << 14, /* an ICMP error that quotes no flow of a service */
};
#define ORACLE_TRAITS 15

enum oracle_action {
	ORACLE_PASSES,
	ORACLE_DROPPED,
	ORACLE_ANSWERED,   /* or, over the rate limit, dropped and counted as denied */
	ORACLE_REWRITTEN,  /* and passed */
	ORACLE_REDIRECTED, /* to another interface */
};

struct oracle_answer {
	enum oracle_class class;
	enum ag_verdict verdict; /* AG_VERDICT_NOT_JUDGED: nothing is counted */
	uint32_t account;	 /* AG_NO_ACCOUNT */
	enum oracle_action action;
	unsigned int traits;
};

struct oracle_answer oracle_judge(const struct oracle_policy *policy, const uint8_t *frame, size_t len);

const char *oracle_class_name(enum oracle_class class);
/* Of one bit. */
const char *oracle_trait_name(unsigned int trait);
bool oracle_prefix_holds(const struct oracle_prefix *prefix, const struct oracle_addr *addr);
/* The prefix of this length around the address. */
struct oracle_prefix oracle_prefix_around(const struct oracle_addr *addr, unsigned int len);
bool oracle_prefix_same(const struct oracle_prefix *a, const struct oracle_prefix *b);
/* Whether it has an enabled entry and its mode is not off. */
bool oracle_is_active(const struct oracle_account *account);
