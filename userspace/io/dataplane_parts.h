/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dataplane_parts.h - what struct dataplane is made of; included by dataplane_private.h alone
 */
#pragma once

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/ag_abi.h"
#include "userspace/core/addr.h"

enum family_index {
	FAMILY4,
	FAMILY6,
	FAMILY_INDEX_MAX,
};

/* Maps of plain elements, in the order in which the service table's are added; they are removed in the
 * opposite one. */
enum table_index {
	TABLE_SERVICES,
	TABLE_DEST_PREFIXES,
	TABLE_DESTS,
	TABLE_FAILSAFE,
	TABLE_INDEX_MAX,
};

/* The arrays of maps. */
enum long_kind {
	LONG_INDEX4,
	LONG_INDEX6,
	LONG_TRIE4,
	LONG_TRIE6,
	LONG_KIND_MAX,
};

/* ag_lines: a bit a line. */
struct line_space {
	struct ag_line *lines; /* mapped */
	size_t bytes;
	uint32_t count;
	uint32_t next;	 /* where the search for room goes on */
	uint64_t *used;	 /* a word names it, or a staged change has it, or it is in limbo */
	uint64_t *limbo; /* given back since the last grace period */
	uint32_t in_use; /* lines, those in limbo too */
	uint32_t in_limbo;
};

/* ag_indexes* and ag_lists*, by ag_long_place(): a bit 1 << enum long_kind each. */
struct long_space {
	uint8_t *present; /* the kernel may have a map there: ag_long_present, mapped */
	size_t present_bytes;
	uint8_t *stale; /* a word led there since the last grace period, and does no more */
	size_t stale_count;
	size_t unused_count; /* present, of which no word knows any more, and not stale */
};

/* A word of a live index that an edit says is not to be used yet. */
struct held_word {
	uint32_t map_id;
	size_t word;
};
#define HELD_WORDS_MAX 4096U

/* ag_services4 or 6. */
struct bucket_space {
	void *buckets; /* mapped */
	size_t bytes;
	uint32_t count;
	uint32_t in_use;   /* slots with a service */
	uint8_t *limbo;	   /* by bucket: a bit for each slot that was freed since the last grace period */
	uint32_t *others;  /* by home bucket: services in their other bucket ... */
	uint32_t *stashed; /* ... and in ag_services */
};

struct kept_view;
struct sighting_ring;

/* What went out of force and was not harvested yet: see dataplane_retired.c. */
struct retired_map {
	int fd;
	uint32_t slot;
	enum family_index index;
	uint8_t held; /* AG_HELD_* */
};
#define RETIRED_MAPS_MAX    16U
#define RETIRED_ENTRIES_MAX 262144U
struct retired_entry {
	uint32_t slot;
	uint16_t epoch;
	struct prefix prefix;
};
struct retired_space {
	struct retired_map maps[RETIRED_MAPS_MAX]; /* oldest first */
	size_t map_count;
	struct retired_entry *entries; /* a ring */
	size_t capacity;
	size_t first;
	size_t count;
};

/* ag_actions: who uses each. */
struct action_space {
	struct ag_action *actions; /* mapped */
	size_t bytes;
	__u64 *notice_ports; /* mapped */
	size_t port_bytes;
	uint32_t words[AG_ACTIONS_MAX];	    /* that name it */
	uint32_t staged[AG_ACTIONS_MAX];    /* changes that will */
	uint32_t enforcing[AG_ACTIONS_MAX]; /* of the words, those of accounts that are active and enforce */
	bool limbo[AG_ACTIONS_MAX];	    /* not named since the last grace period */
	size_t in_limbo;
	bool egress;	   /* the answers' program is attached, to some interfaces at least */
	bool egress_whole; /* to all of them */
	bool ever;	   /* some account did more than to drop, since this daemon began or the one before */
};
