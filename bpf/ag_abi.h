/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ag_abi.h - what the program in the kernel and the daemon both read and write
 *
 * The only header that both sides share. Keys and values have a fixed width and
 * explicit padding. Addresses are in network byte order, an IPv4 address in the
 * first four bytes with zeros behind it; *_be members are in network byte order,
 * all others in the host's. A change of any layout here raises AG_ABI_VERSION,
 * which is part of the pins' directory: maps of another version are never reused.
 *
 * Source: Documentation/bpf/map_lpm_trie.rst (prefixlen is in host byte order and
 * counts bits of the data in network byte order), map_of_maps.rst, map_array.rst.
 */
#pragma once

#include <linux/types.h>

#define AG_ABI_VERSION 1

/* In a service: every protocol; 255 is reserved by IANA and never on the wire. */
#define AG_PROTO_ANY 255
/* In a service: every port; a service on port 0 does not exist. */
#define AG_PORT_ANY 0
/* Covering prefixes that hold one address, at most: bounds the program's walk. */
#define AG_DEST_DEPTH_MAX 8
/* IPv6 extension headers the program walks over; one more is malformed. */
#define AG_EXTENSION_HEADERS_MAX 8
#define AG_NO_ACCOUNT		 0xffffffffU
#define AG_SEVERAL_ACCOUNTS	 0xfffffffeU

enum ag_family {
	AG_FAMILY_NONE = 0,
	AG_FAMILY_IPV4 = 4,
	AG_FAMILY_IPV6 = 6,
};

/*
 * What became of a packet: first the verdicts counted by account, then those
 * counted by interface. Their order is that of the counters' arrays.
 */
enum ag_verdict {
	AG_VERDICT_OPEN,
	AG_VERDICT_ALLOWED,
	AG_VERDICT_WOULD_DENY,
	AG_VERDICT_DENIED,
	AG_VERDICT_ACCOUNT_MAX,
	AG_VERDICT_UNMATCHED = AG_VERDICT_ACCOUNT_MAX,
	AG_VERDICT_FAILSAFE,
	AG_VERDICT_MALFORMED,
	AG_VERDICT_FRAGMENT,
	AG_VERDICT_MAX,
	/* passed because IP addresses are not concerned (ARP, neighbour discovery): not counted */
	AG_VERDICT_NOT_JUDGED = AG_VERDICT_MAX,
};
#define AG_VERDICT_INTERFACE_MAX (AG_VERDICT_MAX - AG_VERDICT_ACCOUNT_MAX)

enum ag_mode {
	AG_MODE_ENFORCE,
	AG_MODE_MONITOR,
	AG_MODE_OFF,
	AG_MODE_MAX,
};

enum ag_on_deny {
	AG_ON_DENY_DROP,
	AG_ON_DENY_MAX,
};

enum ag_entry_verdict {
	AG_ENTRY_ALLOW,
	AG_ENTRY_DENY,
	AG_ENTRY_VERDICT_MAX,
};

/* ag_config: one element, mapped into the daemon. */
#define AG_CONFIG_PREFIX_DESTS (1U << 0) /* some service is on a prefix: ask ag_dest_prefixes */
#define AG_CONFIG_FAILSAFE     (1U << 1) /* ag_failsafe has entries */
#define AG_CONFIG_ENFORCING    (1U << 2) /* some account is active in mode enforce */

struct ag_config {
	__u32 abi_version;
	__u32 flags;	  /* AG_CONFIG_* */
	__u64 store_id;	  /* of the store whose policy this is; 0: none was ever published */
	__u64 generation; /* of that store, the newest in force */
};

/*
 * ag_accounts: indexed by the account's slot, mapped into the daemon. The whole
 * state changes by one aligned store of `word`, and the program reads it once.
 */
union ag_account_state {
	__u64 word;
	struct {
		__u8 active; /* the list is to be asked: 0 passes everything */
		__u8 mode;   /* enum ag_mode */
		__u8 on_deny;
		__u8 pad;
		__u32 generation; /* low bits of the account's generation */
	};
};

struct ag_account {
	union ag_account_state state;
};

/* ag_dests (hash, single addresses) and ag_dest_prefixes (LPM trie): an address that services name. */
struct ag_dest_key {
	__u8 addr[16];
	__u32 family; /* enum ag_family */
};

struct ag_dest_prefix_key {
	__u32 prefixlen; /* 32 + the length of the prefix: the family always matches whole */
	__u32 family_be;
	__u8 addr[16];
};

enum ag_proto_class {
	AG_PROTO_CLASS_TCP,
	AG_PROTO_CLASS_UDP,
	AG_PROTO_CLASS_ICMP,
	AG_PROTO_CLASS_OTHER,
	AG_PROTO_CLASS_MAX,
};

#define AG_DEST_GATED                                                                                        \
	(1U << 0) /* an active account in mode enforce has a service here or on a prefix around */
#define AG_DEST_HAS_PARENT (1U << 1)
/* Which kinds of service stand on exactly this prefix: the program probes for no other. */
#define AG_DEST_PORT_PROTO (1U << 4) /* a port and a protocol */
#define AG_DEST_PORT	   (1U << 5) /* a port, any protocol */
#define AG_DEST_PROTO	   (1U << 6) /* any port, a protocol */
#define AG_DEST_ANY	   (1U << 7) /* any port, any protocol */

struct ag_dest {
	__u8 flags;	 /* AG_DEST_* */
	__u8 len;	 /* of this prefix */
	__u8 parent_len; /* of the next wider prefix that services name, if AG_DEST_HAS_PARENT */
	__u8 pad;
	/* The one account that judges later fragments of a protocol, this prefix and those around it taken
	 * together. */
	__u32 fragment_account[AG_PROTO_CLASS_MAX]; /* slot, AG_NO_ACCOUNT or AG_SEVERAL_ACCOUNTS */
};

/* ag_services (hash): value is the slot of the account, __u32. */
struct ag_service_key {
	__u8 addr[16];
	__u16 port_be; /* AG_PORT_ANY */
	__u8 proto;    /* AG_PROTO_ANY */
	__u8 len;
	__u32 family;
};

/* ag_lists4, ag_lists6 (arrays of maps by slot): an account's own tries, one per family, never shared. */
struct ag_list4_key {
	__u32 prefixlen;
	__u8 addr[4];
};

struct ag_list6_key {
	__u32 prefixlen;
	__u8 addr[16];
};

struct ag_entry {
	__u8 verdict; /* enum ag_entry_verdict */
	__u8 len;     /* of the prefix, to name the entry that decided */
	__u8 pad[6];
};

/* ag_failsafe (LPM trie): sources that always pass; the key is struct ag_dest_prefix_key, the value unused.
 */

struct ag_counter {
	__u64 packets;
	__u64 bytes;
};

/* ag_account_counters: per-CPU array by slot. */
struct ag_account_counters {
	struct ag_counter by_verdict[AG_VERDICT_ACCOUNT_MAX];
};

/* ag_interface_counters: per-CPU hash by ifindex; index is the verdict less AG_VERDICT_ACCOUNT_MAX. */
struct ag_interface_counters {
	struct ag_counter by_verdict[AG_VERDICT_INTERFACE_MAX];
};

#define AG_ASSERT_SIZE(type, bytes)                                                                          \
	_Static_assert(sizeof(type) == (bytes), #type " has changed: raise AG_ABI_VERSION")
AG_ASSERT_SIZE(struct ag_config, 24);
AG_ASSERT_SIZE(struct ag_account, 8);
AG_ASSERT_SIZE(struct ag_dest_key, 20);
AG_ASSERT_SIZE(struct ag_dest_prefix_key, 24);
AG_ASSERT_SIZE(struct ag_dest, 20);
AG_ASSERT_SIZE(struct ag_service_key, 24);
AG_ASSERT_SIZE(struct ag_list4_key, 8);
AG_ASSERT_SIZE(struct ag_list6_key, 20);
AG_ASSERT_SIZE(struct ag_entry, 8);
AG_ASSERT_SIZE(struct ag_account_counters, 64);
AG_ASSERT_SIZE(struct ag_interface_counters, 64);
