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

#define AG_ABI_VERSION 4

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
	AG_VERDICT_JUDGED_MAX,
	AG_VERDICT_REJECTED = AG_VERDICT_JUDGED_MAX,
	AG_VERDICT_REDIRECTED,
	AG_VERDICT_ACCOUNT_MAX,
	AG_VERDICT_UNMATCHED = AG_VERDICT_ACCOUNT_MAX,
	AG_VERDICT_FAILSAFE,
	AG_VERDICT_MALFORMED,
	AG_VERDICT_ICMP_ERROR,
	AG_VERDICT_FRAGMENT,
	AG_VERDICT_MAX,
	/* passed because IP addresses are not concerned (ARP, neighbour discovery): not counted */
	AG_VERDICT_NOT_JUDGED = AG_VERDICT_MAX,
};
#define AG_VERDICT_INTERFACE_MAX (AG_VERDICT_MAX - AG_VERDICT_ACCOUNT_MAX)
/* What was done for a stopped packet beside dropping it: counted apart, for few accounts ever do. */
#define AG_VERDICT_ACTION_MAX (AG_VERDICT_ACCOUNT_MAX - AG_VERDICT_JUDGED_MAX)

enum ag_mode {
	AG_MODE_ENFORCE,
	AG_MODE_MONITOR,
	AG_MODE_OFF,
	AG_MODE_MAX,
};

enum ag_on_deny {
	AG_ON_DENY_DROP,
	AG_ON_DENY_REJECT,
	AG_ON_DENY_NOTICE,
	AG_ON_DENY_REDIRECT,
	AG_ON_DENY_MAX,
};

/*
 * ag_actions: what accounts' words name by its index. The first two stand for themselves; the others are
 * complete before a word names them, change nothing but a device's index while one does, and are not used
 * again before a grace period. ag_devices (a devmap) has the device of each redirect under the same index.
 */
#define AG_ACTION_DROP	 0
#define AG_ACTION_REJECT 1
#define AG_ACTIONS_FIRST 2
#define AG_ACTIONS_MAX	 256

struct ag_action {
	__u8 kind; /* enum ag_on_deny */
	__u8 pad;
	__be16 port_be;	    /* of the notice server */
	__u32 ifindex;	    /* of the device to redirect to; 0: there is none of that name now */
	char interface[16]; /* its name, for user space */
	__u8 reserved[8];
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
/* Which kinds of service stand on single addresses, beside a port and a protocol: no other is probed for. */
#define AG_CONFIG_PORT	(1U << 3) /* a port, any protocol */
#define AG_CONFIG_PROTO (1U << 4) /* any port, a protocol */
#define AG_CONFIG_ANY	(1U << 5) /* any port, any protocol */

/* Some account is active in mode enforce and hands visitors to a notice server: ask ag_notice_ports. */
#define AG_CONFIG_NOTICE (1U << 6)
#define AG_CONFIG_WATCH	 (1U << 7) /* stopped packets are reported to ag_sightings */
#define AG_CONFIG_PANIC	 (1U << 8) /* everything passes; asked only of what would not */

/* What every packet asks first, in one load; each member changes by a store of its own. */
union ag_config_now {
	__u64 word;
	struct {
		__u32 flags; /* AG_CONFIG_* */
		__u16 epoch; /* of the policy's clock, for when an entry was last seen: ag_epoch() */
		__u16 pad;
	};
};

struct ag_config {
	union ag_config_now now;
	__s64 clock;	  /* nanoseconds that the policy's clock (since 1970) is ahead of CLOCK_BOOTTIME */
	__u64 store_id;	  /* of the store whose policy this is; 0: none was ever published */
	__u64 generation; /* of that store, the newest in force */
	/* of the service buckets' hash: random, made with the maps, and the same as long as they live */
	__u64 seed;
	__u32 abi_version;
	__u32 pad;
	__s64 panic_changed; /* seconds since 1970, when AG_CONFIG_PANIC was last switched; 0: never */
	__u64 reserved;
};

/* When an entry was last seen: the policy clock's minute, counted round from 1 to 65535; 0 is never. */
#define AG_EPOCH_SECONDS 60
#define AG_EPOCHS	 65535U

static inline __u16 ag_epoch(__u64 seconds)
{
	return (__u16)(seconds / AG_EPOCH_SECONDS % AG_EPOCHS + 1);
}

/*
 * ag_accounts: indexed by the account's slot, mapped into the daemon. The word says all that a packet has to
 * know of an account and where its lists are, and everything changes by one aligned store of it. What it
 * leads to is complete before the store, and left alone from then on: see docs/architecture.md.
 *
 * An account that is not active is all zero and has no lists.
 */
#define AG_ACCOUNT_ACTIVE  (1U << 0) /* the list is to be asked: without it everything passes */
#define AG_ACCOUNT_MONITOR (1U << 1)
#define AG_ACCOUNT_SIDE	   (1U << 2) /* the place of its long lists: ag_long_place() */
#define AG_ACCOUNT_EXPIRES (1U << 3) /* behind its lines stand those of their expiries */

/* How the list of one family is held: up to AG_LINES4_MAX or AG_LINES6_MAX is that many lines (0: no entry).
 */
#define AG_LINES4_MAX 5
#define AG_LINES6_MAX 8
#define AG_HELD_INDEX 254
#define AG_HELD_TRIE  255

union ag_account_state {
	__u64 word;
	struct {
		__u32 block; /* first of its lines in ag_lines: IPv4's, IPv6's, then their expiries */
		__u8 held4;  /* AG_HELD_* or a number of lines */
		__u8 held6;
		__u8 flags;  /* AG_ACCOUNT_* */
		__u8 action; /* index in ag_actions */
	};
};

struct ag_account {
	union ag_account_state state;
};

/*
 * ag_lines: short lists, a cache line at a time. Entries stand longest prefix first, so the first match that
 * has not expired decides. The last entry is repeated to the end of its line, which changes nothing. Entries
 * are numbers in the host's order. The program writes when an entry was last seen, two bytes, and nothing
 * else.
 *
 * Expiries are in seconds of the policy's clock, by the entry's position: IPv4's lines times eight, then
 * IPv6's times three (ag_expiry_lines()); 0 where it has none. Only an entry that is marked is asked for one.
 */
#define AG_LINE4_ENTRIES 8
#define AG_LINE6_ENTRIES 3
#define AG_LINE_EXPIRIES 16
#define AG_ENTRY_IS_DENY (1U << 0)
#define AG_ENTRY_EXPIRES (1U << 1)
#define AG_LINE4_SEEN_BITS                                                                                   \
	16 /* where the epoch stands in an entry of struct ag_line4 and in ag_line6's meta */

struct ag_line4 {
	/* address 32 | epoch last seen 16 | flags 8 | 32 - length 8 */
	__u64 entries[AG_LINE4_ENTRIES];
};

struct ag_line6 {
	__u64 high[AG_LINE6_ENTRIES];
	__u64 low[AG_LINE6_ENTRIES];
	/* epoch last seen 16 | flags 8 | length 8 */
	__u32 meta[AG_LINE6_ENTRIES];
	__u32 pad;
};

struct ag_line {
	union {
		struct ag_line4 v4;
		struct ag_line6 v6;
		__u32 expiries[AG_LINE_EXPIRIES];
		__u64 words[8];
	};
} __attribute__((aligned(64)));

/* How many lines the expiries of so many lines of entries take. */
static inline __u32 ag_expiry_lines(__u32 lines4, __u32 lines6)
{
	return (lines4 * AG_LINE4_ENTRIES + lines6 * AG_LINE6_ENTRIES + AG_LINE_EXPIRIES - 1) /
	       AG_LINE_EXPIRIES;
}

/*
 * ag_indexes4, ag_indexes6 (arrays of maps by ag_long_place()): a long list as a hash table in an array of
 * lines. The first line is its header, the rest are buckets. A list has few lengths of its own to be looked
 * under: an entry of another length stands as several of the next longer one of these. A key is in its home
 * bucket or, if that one's first slot is marked, in the other that the hash names (bpf/hash.h): of a key
 * without entry's length and flags, ag_hash(); for IPv6 ag_hash6() of high, low and the length it is looked
 * up under.
 */
#define AG_INDEX_LENGTHS_MAX 8
#define AG_INDEX4_SLOTS	     4
#define AG_INDEX6_SLOTS	     2

struct ag_index_header {
	__u64 seed;    /* random, of this index alone */
	__u32 buckets; /* they are lines 1 to this */
	__u32 slots_used;
	__u8 lengths[AG_INDEX_LENGTHS_MAX]; /* longest first; 0 ends them */
	__u32 entries;			    /* of the list */
	__u32 filter;			    /* lines of it, behind the buckets; 0: there is none */
	/* of reserved[0] bit i, for user space alone: entries of other lengths stand under lengths[i] too */
	__u64 reserved[4];
};

/* Flags of a slot. One that is free may keep the address that it was used for. */
#define AG_SLOT_USED	(1U << 0)
#define AG_SLOT_DENY	(1U << 1)
#define AG_SLOT_MOVED	(1U << 2) /* in a bucket's first slot, used or not: keys are in their other bucket */
#define AG_SLOT_EXPIRES (1U << 3)

struct ag_index4_slot {
	/* address 32 | length it is looked up under 8 | zero 8 | length of the entry 8 | flags 8 */
	__u64 key;
	__u32 expires; /* seconds of the policy's clock, or 0: looked at where AG_SLOT_EXPIRES is set */
	__u32 seen;    /* epoch, written by the program */
};

struct ag_index6_slot {
	__u64 high;
	__u64 low;
	__u64 meta; /* zero 32 | length it is looked up under 8 | zero 8 | length of the entry 8 | flags 8 */
	__u32 expires;
	__u32 seen;
};

struct ag_index4_bucket {
	struct ag_index4_slot slots[AG_INDEX4_SLOTS];
};

struct ag_index6_bucket {
	struct ag_index6_slot slots[AG_INDEX6_SLOTS];
};

/*
 * Where the long lists (ag_indexes*, ag_lists*) of an account are: each has two places, of which the word
 * names the one in force, so that a list is put in the other first.
 */
static inline __u32 ag_long_place(__u32 slot, __u8 account_flags)
{
	return slot * 2 + (account_flags & AG_ACCOUNT_SIDE ? 1 : 0);
}

/*
 * ag_services4, ag_services6 (arrays of buckets, mapped into the daemon): services on single addresses, two
 * candidate buckets each by the hash of the key and ag_config's seed; what finds no room in either stands in
 * ag_services, as all services on prefixes do. The home bucket's marks say where else to look. A slot is
 * written account first and key last, freed by its key, and not used again before a grace period.
 */
#define AG_SERVICE4_SLOTS 4
#define AG_SERVICE6_SLOTS 2
#define AG_SERVICE_USED	  1U

struct ag_service4_slot {
	__u64 key; /* address 32 | port 16 | protocol 8 | AG_SERVICE_USED, or zero: in the host's order */
	__u32 account;
	__u32 marks; /* of the bucket's first slot: AG_BUCKET_* of those whose home it is */
};

struct ag_service6_slot {
	__u64 high;
	__u64 low;
	__u32 key; /* port 16 | protocol 8 | AG_SERVICE_USED, or zero */
	__u32 account;
	__u32 marks;
	__u32 pad;
};

#define AG_BUCKET_OTHER (1U << 0) /* some are in their other bucket */
#define AG_BUCKET_STASH (1U << 1) /* some are in ag_services */

struct ag_service4_bucket {
	struct ag_service4_slot slots[AG_SERVICE4_SLOTS];
} __attribute__((aligned(64)));

struct ag_service6_bucket {
	struct ag_service6_slot slots[AG_SERVICE6_SLOTS];
} __attribute__((aligned(64)));

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

/* ag_services (hash): services on prefixes, and those that ag_services4 and 6 have no room for; value is the
 * slot of the account, __u32. */
struct ag_service_key {
	__u8 addr[16];
	__u16 port_be; /* AG_PORT_ANY */
	__u8 proto;    /* AG_PROTO_ANY */
	__u8 len;
	__u32 family;
};

/* ag_lists4, ag_lists6 (arrays of maps by ag_long_place()): an account's own tries, one per family, never
 * shared: the general case. */
struct ag_list4_key {
	__u32 prefixlen;
	__u8 addr[4];
};

struct ag_list6_key {
	__u32 prefixlen;
	__u8 addr[16];
};

struct ag_entry {
	__u8 verdict;  /* enum ag_entry_verdict */
	__u8 len;      /* of the prefix, to name the entry that decided */
	__u16 seen;    /* epoch, written by the program */
	__u32 expires; /* seconds of the policy's clock; 0: never */
};

/* Lengths that expiring entries of one family of a list may have: so often a packet looks again in a trie. */
#define AG_EXPIRING_LENGTHS_MAX 8

/* ag_failsafe (LPM trie): sources that always pass; key struct ag_dest_prefix_key, value unused. */

struct ag_counter {
	__u64 packets;
	__u64 bytes;
};

/* ag_account_counters: per-CPU array by slot. */
struct ag_account_counters {
	struct ag_counter by_verdict[AG_VERDICT_JUDGED_MAX];
};

/* ag_action_counters: the same; index is the verdict less AG_VERDICT_JUDGED_MAX. */
struct ag_action_counters {
	struct ag_counter by_verdict[AG_VERDICT_ACTION_MAX];
};

/* ag_interface_counters: per-CPU hash by ifindex; index is the verdict less AG_VERDICT_ACCOUNT_MAX. */
struct ag_interface_counters {
	struct ag_counter by_verdict[AG_VERDICT_INTERFACE_MAX];
};

/* ag_notice_ports: a bit a TCP port (in the host's order) that is a notice server's in use, 64 an element. */
#define AG_NOTICE_PORT_WORDS 1024

/*
 * ag_flows (LRU hash): connections handed to a notice server, from the visitor's side: the service's port, a
 * __be16, that the answers leave with.
 */
struct ag_flow_key {
	__u8 visitor[16];
	__u8 service[16];
	__be16 visitor_port_be;
	__be16 notice_port_be;
	__u32 family;
};

/* ag_sightings (ring buffer): stopped packets, as many as the limits of a CPU let through. */
struct ag_sighting {
	__u64 boot_ns; /* CLOCK_BOOTTIME */
	__u8 source[16];
	__u8 dest[16];
	__u32 slot; /* of the account */
	__u32 ifindex;
	__u32 bytes;	/* of the frame */
	__u32 missed;	/* stopped packets that this CPU did not report since its last */
	__be16 port_be; /* of the destination; 0 without ports */
	__u8 family;
	__u8 proto;   /* as services name it, or AG_PROTO_ANY */
	__u8 verdict; /* enum ag_verdict */
	__u8 pad[3];
};

/* ag_cpu (per-CPU array of one): what a CPU has left of its limits in this tick (a jiffy). */
struct ag_cpu {
	__u64 tick;
	__u32 reports;
	__u32 answers;
	__u32 missed;
	__u32 pad;
};

/*
 * ag_explanation (array of one, of the second instance alone): what is asked of it, and what it says. With a
 * slot, the list of that account is asked, whatever the packet's service.
 */
struct ag_explanation {
	__u32 ask_slot; /* AG_NO_ACCOUNT: as the packet goes */
	__u32 slot;	/* whose verdict it is, or AG_NO_ACCOUNT */
	__u8 verdict;	/* enum ag_verdict */
	__u8 kind;	/* enum ag_on_deny: of the account's action */
	__u8 matched;	/* an entry decides: of this length */
	__u8 len;
	__u8 dest_len; /* of the prefix that services name; 255: to an address of none */
	__u8 gated;    /* that is gated */
	__u8 pad[2];
};

#define AG_ASSERT_SIZE(type, bytes)                                                                          \
	_Static_assert(sizeof(type) == (bytes), #type " has changed: raise AG_ABI_VERSION")
AG_ASSERT_SIZE(struct ag_config, 64);
AG_ASSERT_SIZE(struct ag_action, 32);
AG_ASSERT_SIZE(struct ag_account, 8);
AG_ASSERT_SIZE(struct ag_line, 64);
AG_ASSERT_SIZE(struct ag_index_header, 64);
AG_ASSERT_SIZE(struct ag_index4_bucket, 64);
AG_ASSERT_SIZE(struct ag_index6_bucket, 64);
AG_ASSERT_SIZE(struct ag_service4_bucket, 64);
AG_ASSERT_SIZE(struct ag_service6_bucket, 64);
AG_ASSERT_SIZE(struct ag_dest_key, 20);
AG_ASSERT_SIZE(struct ag_dest_prefix_key, 24);
AG_ASSERT_SIZE(struct ag_dest, 20);
AG_ASSERT_SIZE(struct ag_service_key, 24);
AG_ASSERT_SIZE(struct ag_list4_key, 8);
AG_ASSERT_SIZE(struct ag_list6_key, 20);
AG_ASSERT_SIZE(struct ag_entry, 8);
AG_ASSERT_SIZE(struct ag_account_counters, 64);
AG_ASSERT_SIZE(struct ag_action_counters, 32);
AG_ASSERT_SIZE(struct ag_interface_counters, 80);
AG_ASSERT_SIZE(struct ag_flow_key, 40);
AG_ASSERT_SIZE(struct ag_sighting, 64);
AG_ASSERT_SIZE(struct ag_cpu, 24);
AG_ASSERT_SIZE(struct ag_explanation, 16);
