/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * walk.h - from a process up to the sshd of root's that it comes from
 *
 * Everything that ever breaks the way (a process that was set free, and has init for a parent) ends in "not
 * known": what it once came from is not looked for.
 */
#pragma once

#include "userspace/core/origin.h"
#include "userspace/origin/process.h"

#define WALK_MAX 64

/* Initialised to zero with count 0; walk_clear() ends it. */
struct walk {
	struct process steps[WALK_MAX]; /* from the peer to the sshd */
	size_t count;
};

/* Takes the first process over in any case. ORIGIN_FOUND: the last step is the sshd that has the connection;
 * else why there is none. */
enum origin_reason walk_up(int proc_fd, struct process *first, const struct programs *programs,
			   struct walk *walk);
/* Whether all of them live, and still are each other's parents. */
bool walk_stands(struct walk *walk);
void walk_clear(struct walk *walk);
/* What an error of process.h means here. */
enum origin_reason walk_reason(int err);
