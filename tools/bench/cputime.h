/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cputime.h - the CPU time that packets take, exactly
 *
 * /proc/stat counts ticks, and getrusage() divides a tick's guess. Exact to the nanosecond is what the
 * scheduler itself keeps: how long each thread ran. A live-frame test run that a thread makes on one core has
 * the receiving side's softirq in that same thread, or, where the kernel puts it off, in that core's
 * ksoftirqd: the sum of both is all that the packets cost. Interrupts of others are in it too, as in any run.
 */
#pragma once

#include <stdint.h>

struct cputime {
	int ksoftirqd_fd; /* of its schedstat */
};

/* Pins the caller to the core, before others of equal rank. Exits with a message where that cannot be done.
 */
void cputime_open(struct cputime *cputime, int core);
/* Of the calling thread and the core's ksoftirqd so far, in nanoseconds. */
uint64_t cputime_now(const struct cputime *cputime);
