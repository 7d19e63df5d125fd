// SPDX-License-Identifier: GPL-2.0-only
/*
 * stage.c - the cheapest way that there is: edits of what the kernel holds, what was prepared, or the whole
 * list
 */
#include "userspace/daemon/stage.h"

#include <errno.h>
#include <stdlib.h>

#include "userspace/core/cleanup.h"
#include "userspace/daemon/reconcile.h"

/* A list up to this long is built in the loop. */
#define STAGED_AT_ONCE_MAX 20000

/* The account as it shall be, but for its lists. */
static struct compiled_account frame_of(const struct account *account)
{
	if (!account_active(account))
		return (struct compiled_account){.slot = account->slot};
	return (struct compiled_account){
		.slot = account->slot,
		.active = true,
		.mode = account->mode,
		.on_deny = account->on_deny,
		.count4 = account->entries4,
		.count6 = account->entries6,
	};
}

/* A list of so few entries, well below what lines hold of either family, is not edited in place. */
#define FEW_ENTRIES (AG_LINES6_MAX * AG_LINE6_ENTRIES / 2)

/* What is seen of the list where an entry was: the store has it no more. */
static int find_uncovered(const struct edit *edit, struct compiled_edit *removed, struct ag_error *error)
{
	struct entry around = {0};
	size_t entries = removed->entry.prefix.addr.family == AG_FAMILY_IPV4 ? edit->after.entries4
									     : edit->after.entries6;
	int err;

	if (entries <= FEW_ENTRIES)
		return 0;
	err = store_entry_around(edit->gate->store, edit->after.id, &removed->entry.prefix, &around,
				 &removed->has_uncovered, error);
	if (err || !removed->has_uncovered)
		return err;
	removed->uncovered.prefix = around.prefix;
	removed->uncovered.value.verdict = (__u8)around.verdict;
	removed->uncovered.value.len = around.prefix.len;
	entry_clear(&around);
	return 0;
}

static int stage_edits(const struct edit *edit, struct dataplane_change **ret, struct ag_error *error)
{
	const struct list *list = edit->change->list;
	enum compile_edit kind = edit->change->kind == CHANGE_ALLOW_REMOVE ? COMPILE_REMOVE : COMPILE_ADD;
	struct compiled_account want = frame_of(&edit->after);
	size_t count = edit->change->kind == CHANGE_ACCOUNT_SET ? 0 : list->count;
	AUTO_FREE struct compiled_edit *edits = calloc(count + 1, sizeof(*edits));
	int err = 0;

	if (!edits)
		return error_set(error, ERROR_KERNEL, "no memory to stage the change");
	for (size_t i = 0; i < count && !err; i++) {
		const struct entry *entry = &list->entries[i];

		edits[i].kind = kind;
		edits[i].entry.prefix = entry->prefix;
		edits[i].entry.value.verdict = (__u8)entry->verdict;
		edits[i].entry.value.len = entry->prefix.len;
		if (kind == COMPILE_REMOVE && count == 1)
			err = find_uncovered(edit, &edits[i], error);
	}
	return err ? err : dataplane_stage_edits(edit->gate->dataplane, &want, edits, count, ret, error);
}

static int stage_whole(const struct edit *edit, struct dataplane_change **ret, struct ag_error *error)
{
	struct compiled_account want = {0};
	int err;

	if (edit->change->may_wait && account_entries(&edit->after) > STAGED_AT_ONCE_MAX)
		return -EINPROGRESS;
	err = reconcile_compile(edit->gate, &edit->after, &want, error);
	if (!err)
		err = dataplane_stage(edit->gate->dataplane, NULL, &want, ret, error);
	compiled_account_clear(&want);
	return err;
}

static int stage_prepared(const struct edit *edit, struct dataplane_change **ret, struct ag_error *error)
{
	struct prepared *prepared = edit->change->prepared;
	const struct compiled_account *want = &prepared->want;

	if (!prepared->lists || want->mode != edit->after.mode || want->on_deny != edit->after.on_deny ||
	    want->slot != edit->after.slot)
		return error_set(error, ERROR_CONFLICT,
				 "account %s was changed while its list was prepared: try again",
				 edit->change->account);
	return dataplane_stage_ready(edit->gate->dataplane, want, TAKE_PTR(prepared->lists), ret, error);
}

int stage_change(const struct edit *edit, struct dataplane_change **ret, struct ag_error *error)
{
	struct compiled_account inactive = {.slot = edit->after.slot};
	int err = 0;

	if (!account_active(&edit->after))
		return dataplane_stage(edit->gate->dataplane, NULL, &inactive, ret, error);
	if (edit->change->prepared)
		return stage_prepared(edit, ret, error);
	if (account_active(&edit->before))
		err = stage_edits(edit, ret, error);
	return err || *ret ? err : stage_whole(edit, ret, error);
}
