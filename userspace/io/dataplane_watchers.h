/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dataplane_watchers.h - what looks at the kernel without changing it: questions, last seen, sightings,
 * features; included by dataplane_private.h alone
 */
#pragma once

#include "userspace/io/dataplane_private.h"

/* dataplane_retired.c: what was last seen of lists that went out of force, until a harvest takes it. */
/*
 * After the word was stored that leads to the lines of `old` no more, and before they may be used again:
 * reads them. What there is no memory for is not told.
 */
void harvest_retired_lines(struct dataplane *dataplane, uint32_t slot, union ag_account_state old);
/* Of the long list of a family that the word `old` led to; while its place still has the map. */
void harvest_retired_long(struct dataplane *dataplane, uint32_t slot, enum family_index index,
			  union ag_account_state old);
/* The oldest; false: there is none. The caller closes ret->fd. */
bool retired_take_entry(struct retired_space *retired, struct retired_entry *ret);
bool retired_take_map(struct retired_space *retired, struct retired_map *ret);
/* One that was not read to its end: first in the queue again. Takes the fd. */
void retired_put_back(struct retired_space *retired, const struct retired_map *map);
void retired_clear(struct retired_space *retired);

/* dataplane_harvest.c */
typedef int (*seen_visit)(uint32_t slot, const struct prefix *prefix, uint16_t epoch, void *arg);
/* Of one family's lines: calls for every entry that was seen. 0, -ENOMEM, -EBADMSG, or what `visit` says. */
int harvest_lines(struct dataplane *dataplane, enum family_index index, uint32_t slot,
		  union ag_account_state state, seen_visit visit, void *arg);

/* dataplane_ask.c, dataplane_watch.c */
void ask_close(struct dataplane *dataplane);
void watch_close(struct dataplane *dataplane);

/* dataplane_features.c */
/* What the program cannot do without, and what brought it. */
struct kernel_need {
	enum {
		NEED_HELPER,
		NEED_MAP,
		NEED_FLAGS, /* of an array */
		NEED_MAX,
	} kind;
	uint32_t id; /* enum bpf_func_id, enum bpf_map_type, or BPF_F_* */
	enum bpf_prog_type program;
	const char *name;
	const char *since;
	const char *purpose;
};
const struct kernel_need *features_needs(size_t *ret_count);
/* Whether the running kernel has it, by its own word. */
bool features_probe(const struct kernel_need *need);
/* ERROR_KERNEL with the first that `has` says no to; NULL: features_probe(). */
int features_check(bool (*has)(const struct kernel_need *need, void *arg), void *arg, struct ag_error *error);
/* ERROR_KERNEL for a program that was refused: the kernel's version where that explains it. `reason` is the
 * verifier's; release NULL: the running kernel's. */
int features_refusal(int result, const char *reason, const char *release, struct ag_error *error);
