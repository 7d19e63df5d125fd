/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * convoy.h - changes that go through one transaction (private to change.c, convoy.c and undo.c)
 */
#pragma once

#include "userspace/daemon/passage.h"

/* The changes, with what they publish together. */
struct convoy {
	struct gate *gate;
	struct passage *passages;
	size_t count;
	size_t at; /* the one that is being worked on; `count`: all */
	bool dry_run;
	bool anew;		/* the summary is read anew, since several things in it change: */
	struct summary summary; /* as it will be */
	struct bundle *bundle;	/* they wait as one, or take such back; NULL: they do not */
	struct services_edit services;
	bool edits_services;
	uint64_t store_id;
	uint64_t generation; /* of the store behind it */
};

/* -ENOMEM. Clear it in any case. */
int convoy_new(struct gate *gate, const struct change *changes, size_t count, struct outcome *outcomes,
	       struct convoy *convoy);
void convoy_clear(struct convoy *convoy);
/* Takes the step with each of them in order, up to the first that fails, which `at` then names. */
int convoy_each(struct convoy *convoy, int (*step)(struct passage *passage, struct ag_error *error),
		struct ag_error *error);
/* The summary follows what was committed. */
void convoy_follow(struct convoy *convoy);
/*
 * The kernel refused what is committed: both go back to what was. What cannot even be put back leaves the
 * gate degraded, and the timer tries again. *error then says what became of it.
 */
void convoy_take_back(struct convoy *convoy, struct ag_error *error);
