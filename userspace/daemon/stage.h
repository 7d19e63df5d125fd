/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stage.h - bring a change of an account beside what is in force
 */
#pragma once

#include "userspace/daemon/edits.h"

/* The account as the edited store has it. -EINPROGRESS as gate_apply() says. */
int stage_change(struct edit *edit, struct dataplane_change **ret, struct ag_error *error);
