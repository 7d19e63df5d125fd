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

/* A name stands in quotes there, alone. */
bool pending_names(const struct store_pending *row, const char *who)
{
	char quoted[NAME_SIZE + 2];

	if (row->subject == PENDING_USER && !strcmp(row->name, who))
		return true;
	(void)snprintf(quoted, sizeof(quoted), "\"%s\"", who);
	return row->inverse && strstr(row->inverse, quoted);
}

/* What takes such a change back would bring them back. */
static int check_pending(const struct edit *edit, struct ag_error *error)
{
	struct store_pending *rows = NULL;
	size_t count = 0;
	int err = store_pendings(edit->gate->store, &rows, &count, error);

	for (size_t i = 0; i < count && !err; i++)
		if (pending_names(&rows[i], edit->change->erase))
			err = error_set(
				error, ERROR_CONFLICT,
				"a change that waits to be confirmed ('%s') would bring them back: confirm "
				"it, or take it back, first: GET /v1/pending has it",
				rows[i].action);
	store_pendings_free(rows, count);
	return err;
}

/* What the gate remembers of the store. */
int publish_user_erase(struct edit *edit, struct ag_error *error)
{
	struct store_panic panic = {0};
	bool on = false;

	(void)error;
	if (edit->gate->panics && !store_panic_get(edit->gate->store, &panic, &on, NULL) && on)
		edit->gate->panic = panic;
	return 0;
}

int edit_user_erase(struct edit *edit, struct ag_error *error)
{
	struct store_erased *erased = &edit->outcome->erased;
	int err;

	if (erases_itself(edit->change))
		return error_set(error, ERROR_FORBIDDEN,
				 "nobody erases themselves, for the audit log would name them again: ask "
				 "another operator");
	err = check_pending(edit, error);
	if (!err)
		err = store_erase(edit->gate->store, edit->change->erase, erased, error);
	if (err)
		return err;
	edit->outcome->removed = 1;
	edit->outcome->erases = true;
	describe(edit);
	return 0;
}
