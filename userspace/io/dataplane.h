/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dataplane.h - the program in the kernel: load, adopt, attach, publish, count
 *
 * The only module that sees libbpf and the skeleton. Pins and links outlive the process on purpose: closing a
 * dataplane never detaches and never removes. Pins are <pin_dir>/maps-<abi>-<limits>/<map> and
 * <pin_dir>/links/<ifindex> (an interface's name may hold a dot, which bpffs refuses).
 *
 * Errors are ERROR_KERNEL with what to do, unless named.
 * Source: Documentation/bpf/ (map_of_maps, map_lpm_trie, libbpf), membarrier(2), bpf(2).
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/ag_abi.h"
#include "userspace/core/compile.h"

struct ag_error;
struct dataplane;

struct dataplane_limits {
	uint32_t accounts;
	uint32_t services;
	uint32_t entries; /* of one list */
};

/*
 * Creates or adopts the maps under pin_dir (a bpffs directory, made if absent; mounts nothing) and loads
 * this build's program over them. Attaches nothing and changes no map that it adopts. Caller closes *ret.
 */
int dataplane_open(const char *pin_dir, const struct dataplane_limits *limits, struct dataplane **ret,
		   struct ag_error *error);
void dataplane_close(struct dataplane *dataplane);
/* Detaches and unpins everything under pin_dir, also of other versions; needs no daemon. Absent: no error. */
int dataplane_uninstall(const char *pin_dir, struct ag_error *error);

/*
 * Whose policy the kernel holds: the store's id (0: none was ever published) and its generation. While these
 * maps have never been filled, that of the maps which an earlier version, or one with other limits, left
 * under pin_dir.
 */
void dataplane_seal(const struct dataplane *dataplane, uint64_t *ret_store_id, uint64_t *ret_generation);
void dataplane_set_seal(struct dataplane *dataplane, uint64_t store_id, uint64_t generation);
/* Whether these maps hold a policy: a program over maps that do not passes everything. */
bool dataplane_filled(const struct dataplane *dataplane);

/*
 * A change of one account. stage() does all that can fail: from what is in force (`have`, NULL: unknown, take
 * it that everything differs) to what shall be, it decides between nothing, one edit of the live trie, and a
 * fresh trie, filled and read back. Nothing in force changes. publish() brings it into force and cannot fail
 * half: it is idempotent, retried inside with back-off, and returns an error only when the kernel goes on
 * refusing, upon which it may be called again. An account that becomes active gets its lists first and its
 * state last; one that opens gets its state first.
 */
struct dataplane_change;
int dataplane_stage(struct dataplane *dataplane, const struct compiled_account *have,
		    const struct compiled_account *want, struct dataplane_change **ret,
		    struct ag_error *error);
int dataplane_publish(struct dataplane *dataplane, struct dataplane_change *change, struct ag_error *error);
/*
 * Many at once, of different accounts: the kernel's grace period of 10 to 30 ms is waited for once, not for
 * each. A change holds up to two file descriptors: give it some hundred at a time.
 */
int dataplane_publish_all(struct dataplane *dataplane, struct dataplane_change *const *changes, size_t count,
			  struct ag_error *error);
void dataplane_change_free(struct dataplane_change *change);
/* Reads a whole account out of the kernel. -ENOMEM or ERROR_KERNEL. Caller clears. */
int dataplane_read_account(struct dataplane *dataplane, uint32_t slot, struct compiled_account *ret,
			   struct ag_error *error);
/* Puts a slot back to nothing: inactive, no lists, counters zero. Idempotent. Its services must be gone
 * before. */
int dataplane_clear_account(struct dataplane *dataplane, uint32_t slot, struct ag_error *error);
/* Every slot whose state or lists are not empty, ascending; the caller frees *ret. */
int dataplane_used_slots(struct dataplane *dataplane, uint32_t **ret, size_t *ret_count,
			 struct ag_error *error);

/*
 * Makes the service table what `want` says, element by element, such that a service that stays is never
 * missed: what comes is added before what goes is removed, and flags widen first. Idempotent; *ret_changed
 * (may be NULL) counts the elements that differed. With dry_run only counts. ERROR_LIMIT for more services
 * than fit.
 */
int dataplane_sync_services(struct dataplane *dataplane, const struct compiled_services *want, bool dry_run,
			    size_t *ret_changed, struct ag_error *error);
/* Sources that always pass. Replaces all; ERROR_LIMIT for more than fit. */
int dataplane_set_failsafe(struct dataplane *dataplane, const struct prefix *prefixes, size_t count,
			   struct ag_error *error);

/* The kernel's own answer for a source at an account: AG_VERDICT_OPEN to AG_VERDICT_DENIED; *ret_entry (may
 * be NULL) gets the prefix that decides, len 255 for none. */
int dataplane_decide(struct dataplane *dataplane, uint32_t slot, const struct addr *source,
		     enum ag_verdict *ret, struct prefix *ret_entry, struct ag_error *error);

enum attach_mode {
	ATTACH_AUTO,
	ATTACH_NATIVE,
	ATTACH_GENERIC,
	ATTACH_MODE_MAX,
};
const char *attach_mode_name(enum attach_mode mode);
int attach_mode_parse(const char *text, enum attach_mode *ret, struct ag_error *error);

struct attachment {
	unsigned int ifindex;
	char name[IF_NAMESIZE];
	enum attach_mode mode; /* in force: native or generic */
	char fallback[256];    /* why native was refused, where auto fell back just now; else "" */
};

/*
 * Attaches and pins, or, where our link is there, replaces the program in it without a gap. A program of
 * somebody else's is never removed: ERROR_KERNEL names its id and name. ERROR_NOT_FOUND for an interface that
 * is not there, ERROR_EXISTS where it is attached in another mode than the one asked for (auto keeps the one
 * in force).
 */
int dataplane_attach(struct dataplane *dataplane, const char *interface, enum attach_mode mode,
		     struct attachment *ret, struct ag_error *error);
/* ERROR_NOT_FOUND where nothing of ours is attached. */
int dataplane_detach(struct dataplane *dataplane, const char *interface, struct ag_error *error);
/* Gives every link an earlier daemon left this build's program; drops the pins of devices that are gone.
 * *ret_count: links updated. */
int dataplane_adopt_links(struct dataplane *dataplane, size_t *ret_count, struct ag_error *error);
/*
 * What is attached now, of the devices of this process's network namespace; the caller frees *ret (NULL for
 * none).
 */
int dataplane_attachments(struct dataplane *dataplane, struct attachment **ret, size_t *ret_count,
			  struct ag_error *error);
/* Removes map directories of other versions or limits, once nothing uses them. */
void dataplane_drop_old_maps(struct dataplane *dataplane);

/* Sums over CPUs. */
int dataplane_account_counters(struct dataplane *dataplane, uint32_t slot, struct ag_account_counters *ret,
			       struct ag_error *error);
int dataplane_interface_counters(struct dataplane *dataplane, unsigned int ifindex,
				 struct ag_interface_counters *ret, struct ag_error *error);

/* For metrics: how full each map is. Array of `count` rows, static names; the caller frees *ret. */
struct dataplane_map_usage {
	const char *map;
	uint64_t entries;
	uint64_t max_entries;
};
int dataplane_map_usage(struct dataplane *dataplane, struct dataplane_map_usage **ret, size_t *ret_count,
			struct ag_error *error);
