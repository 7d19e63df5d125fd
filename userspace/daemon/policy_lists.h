/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy_lists.h - the named lists of a plan: what differs, who may change that, and the changes (private to
 * polic*.c)
 *
 * Lists come and change before the accounts that refer to them do, and go behind all. An account that uses a
 * list which changes follows it, under every rule, unless its own list is edited or goes anyway.
 */
#pragma once

#include "userspace/daemon/policy_plan.h"

/* Whether the accounts' references lead to lists that there will be: ERROR_NOT_FOUND names one. */
int policy_lists_check(const struct policy_ask *ask, const struct policydoc_account *asked,
		       struct ag_error *error);
/* Behind the accounts: as policy_plan_make(). ERROR_CONFLICT for a list that would go and is still used. */
int policy_lists_plan(struct policy_plan *plan, struct ag_error *error);
void policy_lists_clear(struct policy_plan *plan);
/* At most so many changes are added by: */
size_t policy_lists_count(const struct policy_plan *plan);
void policy_lists_come(struct policy_plan *plan);
void policy_lists_follow(struct policy_plan *plan);
void policy_lists_go(struct policy_plan *plan);
