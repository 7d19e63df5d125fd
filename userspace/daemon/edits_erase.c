// SPDX-License-Identifier: GPL-2.0-only
/*
 * edits_erase.c - a person goes from the store: a row of the table in edits.c
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "userspace/core/error.h"
#include "userspace/daemon/edits.h"

/* Who erases themselves would be in the audit log again at once. */
static bool erases_itself(const struct change *change)
{
	const struct actor *actor = &change->actor;
	char uid[24];

	(void)snprintf(uid, sizeof(uid), "uid:%u", (unsigned int)actor->uid);
	return actor->name[0] ? !strcmp(change->erase, actor->name) : !strcmp(change->erase, uid);
}

/* By the numbers that stay in the audit log: the name is not said. */
static void describe(struct edit *edit)
{
	const struct store_erased *erased = &edit->outcome->erased;

	for (size_t i = 0; i < erased->person_count; i++)
		(void)buffer_print(&edit->detail, "erased#%" PRId64 " ", erased->persons[i]);
	(void)buffer_print(&edit->detail, "%zu addresses, %zu names ", erased->addresses, erased->names);
}

int edit_user_erase(struct edit *edit, struct ag_error *error)
{
	struct store_erased *erased = &edit->outcome->erased;
	int err = erases_itself(edit->change)
			  ? error_set(error, ERROR_FORBIDDEN,
				      "nobody erases themselves, for the audit log would name them again: "
				      "ask another operator")
			  : store_erase(edit->gate->store, edit->change->erase, erased, error);

	if (err)
		return err;
	edit->outcome->removed = 1;
	edit->outcome->erases = true;
	describe(edit);
	return 0;
}
