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
 * this build's program over them. Attaches nothing, and of maps that it adopts it only removes what is out of
 * force. A slot whose state leads nowhere stays as it is: reading it is an error, comparing it a difference,
 * until it is published to. Caller closes *ret.
 */
int dataplane_open(const char *pin_dir, const struct dataplane_limits *limits, struct dataplane **ret,
		   struct ag_error *error);
void dataplane_close(struct dataplane *dataplane);
/* Detaches and unpins everything under pin_dir, also of other versions; needs no daemon. Absent: no error. */
int dataplane_uninstall(const char *pin_dir, struct ag_error *error);

/* What the program uses where the kernel has it, for `doctor` and the log: needs rights, but no dataplane. */
struct dataplane_features {
	bool frags;	    /* frames in several buffers (Linux 5.18): else none comes to a native program */
	bool tcx;	    /* links on the way out (6.6): else clsact */
	bool trie_batches;  /* tries read by many entries at once (5.13) */
	bool outer_batches; /* many long lists put in force at once (5.19) */
};
void dataplane_features(struct dataplane_features *ret);

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
 * A change of one account. stage() does all that can fail, beside what is in force, which stays as it is: a
 * fresh block of lines, fresh long lists, filled and read back; `have` (NULL: unknown) is what is in force,
 * and what does not differ is not built again. publish() brings it into force by one store of the account's
 * word. It cannot fail half: it is idempotent, retried inside with back-off, and an error only when the
 * kernel goes on refusing, upon which it may be called again. What was in force before is used again after a
 * grace period, which is not waited for here.
 *
 * ERROR_LIMIT before anything is done where a limit would be exceeded (of actions too: there are at most
 * AG_ACTIONS_MAX different ones); ERROR_NOT_FOUND for an interface to redirect to that is not there. Of an
 * active account that enforces with a notice, the answers' program is on every interface before stage()
 * returns; of one that redirects, its device in the map.
 */
struct dataplane_change;
int dataplane_stage(struct dataplane *dataplane, const struct compiled_account *have,
		    const struct compiled_account *want, struct dataplane_change **ret,
		    struct ag_error *error);
/*
 * The same from what is in force in the kernel and a few edits of it: `want` gives slot, active, mode,
 * on_deny and the counts that must come of it (its arrays are not looked at). 0, and *ret is NULL where it
 * takes the whole list (the kernel holds another number of entries, or the edits take a fresh long list):
 * then load it and call dataplane_stage().
 */
struct compiled_edit {
	enum compile_edit kind;
	struct compiled_entry entry;
	/* COMPILE_REMOVE from a list too long for lines, and COMPILE_ADD to one of an entry that expires: the
	 * longest other entry that holds this one. */
	bool has_uncovered;
	struct compiled_entry uncovered;
};
int dataplane_stage_edits(struct dataplane *dataplane, const struct compiled_account *want,
			  const struct compiled_edit *edits, size_t count, struct dataplane_change **ret,
			  struct ag_error *error);
/*
 * The part of dataplane_stage() that takes long for a long list, for a thread of its own: touches nothing of
 * the dataplane but its constants. *ret is given to dataplane_stage_ready() with the same `want`, which takes
 * it over, or freed.
 */
struct dataplane_lists;
int dataplane_build_lists(const struct dataplane *dataplane, const struct compiled_account *want,
			  struct dataplane_lists **ret, struct ag_error *error);
void dataplane_lists_free(struct dataplane_lists *lists);
int dataplane_stage_ready(struct dataplane *dataplane, const struct compiled_account *want,
			  struct dataplane_lists *lists, struct dataplane_change **ret,
			  struct ag_error *error);
int dataplane_publish(struct dataplane *dataplane, struct dataplane_change *change, struct ag_error *error);
/*
 * Many at once, of different accounts: the kernel's grace period of 10 to 30 ms, where one is to be waited
 * for, is so once, not for each. A change holds up to two file descriptors: give it some hundred at a time.
 */
int dataplane_publish_all(struct dataplane *dataplane, struct dataplane_change *const *changes, size_t count,
			  struct ag_error *error);
/* Before the dataplane is closed. */
void dataplane_change_free(struct dataplane_change *change);
/*
 * Frees what was in force before: after changes, when nothing is waiting. It takes one grace period of 10 to
 * 30 ms, or nothing where there is nothing to free. Never calling it costs room and memory only.
 */
int dataplane_tidy(struct dataplane *dataplane, struct ag_error *error);
/* Reads a whole account out of the kernel. -ENOMEM or ERROR_KERNEL. Caller clears. */
int dataplane_read_account(struct dataplane *dataplane, uint32_t slot, struct compiled_account *ret,
			   struct ag_error *error);
/*
 * Compares what the kernel holds with what it shall, in pieces of any size: begin, any number of feeds in the
 * order of prefix_compare(), end. *ret_differing counts elements (the settings are one). An account may be
 * published to in between: then end says -EAGAIN (no error set), and nothing is known. end always frees.
 */
struct dataplane_comparison;
int dataplane_compare_begin(struct dataplane *dataplane, uint32_t slot, struct dataplane_comparison **ret,
			    struct ag_error *error);
int dataplane_compare_feed(struct dataplane_comparison *comparison, const struct compiled_entry *entry,
			   struct ag_error *error);
int dataplane_compare_end(struct dataplane_comparison *comparison, bool active, enum ag_mode mode,
			  const struct on_deny *on_deny, size_t *ret_differing, struct ag_error *error);
/* Puts a slot back to nothing: inactive, no lists, counters zero. Idempotent. Its services must be gone
 * before. */
int dataplane_clear_account(struct dataplane *dataplane, uint32_t slot, struct ag_error *error);
/* Every slot whose state is not empty, ascending; the caller frees *ret. */
int dataplane_used_slots(struct dataplane *dataplane, uint32_t **ret, size_t *ret_count,
			 struct ag_error *error);

/*
 * Makes the service table what `want` says, such that a service that stays is never missed: it goes by what
 * is in either table, a grace period, and then what goes is removed. Idempotent; *ret_changed (may be NULL)
 * counts the elements that differed. With dry_run only counts. ERROR_LIMIT for more services than fit.
 */
int dataplane_sync_services(struct dataplane *dataplane, const struct compiled_services *want, bool dry_run,
			    size_t *ret_changed, struct ag_error *error);
/*
 * The same for a part of the table, without reading the rest: `have` and `want` are compile_services() of
 * compile_claims_around() before and after. `flags` are those of the whole table afterwards. Keys in neither
 * stay as they are.
 */
int dataplane_edit_services(struct dataplane *dataplane, const struct compiled_services *have,
			    const struct compiled_services *want, uint32_t flags, struct ag_error *error);
/* Whether it would fit: ERROR_LIMIT before the commit, where `added` more services of which `prefixes` are on
 * prefixes would exceed a map. */
int dataplane_check_services(struct dataplane *dataplane, size_t added, size_t prefixes,
			     struct ag_error *error);
/* Sources that always pass. Replaces all; ERROR_LIMIT for more than fit. */
int dataplane_set_failsafe(struct dataplane *dataplane, const struct prefix *prefixes, size_t count,
			   struct ag_error *error);

/*
 * The kernel's own answer: a second instance of the program, which shares the maps but counts and reports
 * nothing, is run over a frame made for the question.
 */
struct dataplane_question {
	struct addr source;
	struct addr dest; /* of the same family */
	uint8_t proto;	  /* IPPROTO_TCP, ...; AG_PROTO_ANY: one that services do not name */
	uint16_t port;	  /* of the destination, in the host's order; 0 without ports */
	uint32_t slot;	  /* AG_NO_ACCOUNT: as the packet goes; else this account's list is asked */
};
struct dataplane_answer {
	enum ag_verdict verdict;
	bool passes;   /* what becomes of the frame */
	uint32_t slot; /* of the account that judged; AG_NO_ACCOUNT: none */
	bool matched;  /* an entry decides: */
	struct prefix entry;
	bool dest_known; /* services name the destination: by this prefix at the longest */
	struct prefix dest;
	bool gated;
};
int dataplane_ask(struct dataplane *dataplane, const struct dataplane_question *question,
		  struct dataplane_answer *ret, struct ag_error *error);

/*
 * The policy's clock: what expiries are compared with, in the kernel too: CLOCK_BOOTTIME and an offset in
 * nanoseconds, which stays in force while the daemon is not there. *ret_set (may be NULL): it was ever set.
 */
void dataplane_set_clock(struct dataplane *dataplane, int64_t offset);
int64_t dataplane_clock(const struct dataplane *dataplane, bool *ret_set);
/* The epoch (ag_epoch()) that entries are marked with when they decide, until it is set again. */
void dataplane_set_epoch(struct dataplane *dataplane, uint16_t epoch);

/*
 * When entries were last seen, as epochs. seen() is of one entry in force (0: not since it came into force,
 * or there is none). harvest() takes what went out of force since it was last taken, and, with `all`, then
 * what is in force, in steps of about 10 ms: calls for every entry that was seen; *ret_more until it has been
 * through. `visit` non-zero ends the step, and is returned.
 */
int dataplane_seen(struct dataplane *dataplane, uint32_t slot, const struct prefix *prefix,
		   uint16_t *ret_epoch, struct ag_error *error);
struct dataplane_harvest;
int dataplane_harvest_new(struct dataplane *dataplane, bool all, struct dataplane_harvest **ret);
int dataplane_harvest_step(struct dataplane_harvest *harvest,
			   int (*visit)(uint32_t slot, const struct prefix *prefix, uint16_t epoch,
					void *arg),
			   void *arg, bool *ret_more, struct ag_error *error);
void dataplane_harvest_free(struct dataplane_harvest *harvest);

/*
 * The switch that lets everything pass, whatever it is judged, and when (seconds since 1970) it was last
 * switched in these maps; 0: never, so that the store says. set() does the same to maps that these replace
 * while these hold no policy: only that can fail.
 */
struct dataplane_panic {
	bool on;
	int64_t changed;
};
void dataplane_panic(const struct dataplane *dataplane, struct dataplane_panic *ret);
int dataplane_set_panic(struct dataplane *dataplane, const struct dataplane_panic *panic,
			struct ag_error *error);

/* Stopped packets: whether they are reported, and what was, oldest first. */
void dataplane_set_watch(struct dataplane *dataplane, bool watch);
int dataplane_sightings(struct dataplane *dataplane,
			int (*visit)(const struct ag_sighting *sighting, void *arg), void *arg,
			struct ag_error *error);
/* After an interface came or went: those that accounts redirect to are found anew. */
int dataplane_refresh_devices(struct dataplane *dataplane, struct ag_error *error);

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
/* That of any XDP program; "?" where the kernel does not say. */
#define DATAPLANE_PROGRAM_NAME 17
void dataplane_program_name(uint32_t id, char name[DATAPLANE_PROGRAM_NAME]);
/* Removes map directories of other versions or limits, once nothing uses them. */
void dataplane_drop_old_maps(struct dataplane *dataplane);

/* Sums over CPUs. */
struct account_counters {
	struct ag_counter by_verdict[AG_VERDICT_ACCOUNT_MAX];
};
int dataplane_account_counters(struct dataplane *dataplane, uint32_t slot, struct account_counters *ret,
			       struct ag_error *error);
/* All accounts' at once, in bounded memory: calls for every slot below `end` that has counted anything, until
 * it returns non-zero, which is returned. */
int dataplane_counters_each(struct dataplane *dataplane, uint32_t end,
			    int (*visit)(uint32_t slot, const struct account_counters *counters, void *arg),
			    void *arg, struct ag_error *error);
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
