/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * panic.h - everything passes until an operator says otherwise
 *
 * The switch is in the kernel, where it works whatever has become of the store; the store has it for after
 * the host's next start, with who, since when and why. What was switched while the store could not be written
 * is written when it can be: the kernel is right, unless its maps are new.
 */
#pragma once

#include "userspace/core/access.h"
#include "userspace/daemon/gate.h"

/*
 * On with a reason, off without (NULL). Always in force when it returns 0; `warning` says what of it is not
 * durable yet, or "". ERROR_NOT_FOUND for off where it is not on. With dry_run nothing changes.
 */
int panic_switch(struct gate *gate, const struct actor *actor, const char *reason, bool dry_run,
		 char warning[256], struct ag_error *error);
/* Makes the kernel, the store (where it can be used) and the gate say the same: at the start, and when the
 * store was opened anew. */
void panic_settle(struct gate *gate);

/* "ok", "degraded" or "panic", and what the service manager is told. */
const char *gate_state(const struct gate *gate);
void gate_tell_state(const struct gate *gate);
