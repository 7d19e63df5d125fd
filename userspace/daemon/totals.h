/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * totals.h - the whole host's packets and bytes by verdict
 */
#pragma once

#include "userspace/daemon/gate.h"

/* Sums over accounts and attached interfaces. */
int totals_collect(struct gate *gate, struct ag_counter totals[AG_VERDICT_MAX], struct ag_error *error);
