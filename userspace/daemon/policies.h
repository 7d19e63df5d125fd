/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policies.h - whole policies, written and applied with the worker's help while others are served (private to
 * api*.c)
 */
#pragma once

#include "userspace/daemon/call.h"

int policies_new(struct gate *gate, struct imports *imports, struct policies **ret);
/* What is under way ends soon, with nothing done. Before imports_free(), whose worker they use. */
void policies_cancel(struct policies *policies);
void policies_free(struct policies *policies);
bool policies_busy(const struct policies *policies);
/* Whether an apply has this account's list prepared just now: who wants to change it waits, as for an import.
 */
bool policies_hold(const struct policies *policies, const char *account);
int policies_park(struct call *call);
/* Answers the call with the policy of the host, or of call->account alone, once it is written. */
int policies_export(struct call *call);
/* Answers the call with how many rows of the audit log fit one another, or which does not. */
int policies_verify_audit(struct call *call);
/* Applies the document in the request's body, and answers with what came of it. */
int policies_apply(struct call *call);
