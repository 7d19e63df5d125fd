/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reconcile.h - compare the kernel with the store, and make it hold what the store says
 *
 * By account, each atomically; then the table of services; then slots that nobody has. Every list is read
 * with its check before it is enforced. *drift counts elements that differed, added to what stands there.
 */
#pragma once

#include "userspace/core/compile.h"
#include "userspace/daemon/gate.h"

/* From this many entries on a list is long: it is published alone, and read in pages to be compared. */
#define LONG_LIST 4096

/* Everything, from the summary. */
int reconcile_all(struct gate *gate, size_t *drift, struct ag_error *error);
int reconcile_account(struct gate *gate, const struct account *account, size_t *drift,
		      struct ag_error *error);
/* Without `repair` these two only compare. */
int reconcile_services(struct gate *gate, bool repair, size_t *drift, struct ag_error *error);
int reconcile_stale_slots(struct gate *gate, bool repair, size_t *drift, struct ag_error *error);

/* The list as the kernel must hold it, read whole and checked. Caller clears, also after a failure. */
int reconcile_compile(struct gate *gate, const struct account *account, struct compiled_account *ret,
		      struct ag_error *error);
