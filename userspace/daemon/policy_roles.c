// SPDX-License-Identifier: GPL-2.0-only
/* policy_roles.c - read once, and found by account */
#include "userspace/daemon/policy_roles.h"

#include <stdlib.h>
#include <string.h>

#include "userspace/core/error.h"

static size_t most_of_one_account(const struct policy_roles *roles)
{
	size_t most = 0, count = 0;

	for (size_t i = 0; i < roles->count; i++) {
		count = i && !strcmp(roles->rows[i - 1].account, roles->rows[i].account) ? count + 1 : 1;
		most = count > most ? count : most;
	}
	return most;
}

int policy_roles_load(struct store *store, struct policy_roles *ret, struct ag_error *error)
{
	int err = store_roles(store, NULL, NULL, &ret->rows, &ret->count, error);

	if (err)
		return err;
	ret->given = calloc(most_of_one_account(ret) + 1, sizeof(*ret->given));
	return ret->given ? 0 : error_set(error, ERROR_STORE, "no memory for the roles");
}

void policy_roles_clear(struct policy_roles *roles)
{
	free(roles->rows);
	free(roles->given);
	*roles = (struct policy_roles){0};
}

/* Index of the first role of that account, or of one behind it. */
static size_t first_of(const struct policy_roles *roles, const char *account)
{
	size_t low = 0, high = roles->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(roles->rows[middle].account, account) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct policydoc_role *policy_roles_of(struct policy_roles *roles, const char *account,
					     size_t *ret_count)
{
	size_t count = 0;

	for (size_t i = first_of(roles, account);
	     i < roles->count && !strcmp(roles->rows[i].account, account); i++) {
		struct policydoc_role *role = &roles->given[count++];

		role->role = roles->rows[i].role;
		memcpy(role->user, roles->rows[i].user, sizeof(role->user));
	}
	*ret_count = count;
	return roles->given;
}
