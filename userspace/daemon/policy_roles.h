/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy_roles.h - every role of the host, by account (private to polic*.c)
 */
#pragma once

#include "userspace/core/policydoc.h"
#include "userspace/io/store.h"

struct policy_roles {
	struct store_role *rows; /* by account, then user */
	size_t count;
	struct policydoc_role *given; /* of the account last asked for */
};

/* Clear it in any case. */
int policy_roles_load(struct store *store, struct policy_roles *ret, struct ag_error *error);
void policy_roles_clear(struct policy_roles *roles);
/* By user; borrowed until the next call. */
const struct policydoc_role *policy_roles_of(struct policy_roles *roles, const char *account,
					     size_t *ret_count);
