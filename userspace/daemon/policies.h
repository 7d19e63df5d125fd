/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policies.h - whole policies, written and read in the worker while others are served (private to api*.c)
 */
#pragma once

#include "userspace/daemon/call.h"

int policies_new(struct gate *gate, struct imports *imports, struct policies **ret);
/* What is under way ends soon, with nothing done. Before imports_free(), whose worker they use. */
void policies_cancel(struct policies *policies);
void policies_free(struct policies *policies);
bool policies_busy(const struct policies *policies);
/* Answers the call with the policy of the host, or of call->account alone, once it is written. */
int policies_export(struct call *call);
