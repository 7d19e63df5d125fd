/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * seen.h - when entries were last seen: from the kernel, where they are marked, into the store
 *
 * The kernel marks the entry that decides with the minute (ag_epoch()). From time to time, and when the
 * daemon ends, what is newer than what the store has goes there; what a list holds that is replaced goes
 * there soon after. So a power cut costs the marks of SEEN_INTERVAL at most, and nothing is written while
 * packets come.
 */
#pragma once

#include "userspace/daemon/gate.h"

struct loop;
struct seen;

int seen_new(struct gate *gate, struct loop *loop, struct seen **ret);
void seen_free(struct seen *seen);
/* What the kernel's lists were marked with goes to the store, in slices; those out of force alone, or all. */
void seen_harvest(struct seen *seen, bool all);
/* The later of what the store says and the kernel: 0 for never. */
int64_t seen_last(const struct gate *gate, const struct account *account, const struct entry *entry);
