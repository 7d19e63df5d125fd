// SPDX-License-Identifier: GPL-2.0-only
/*
 * stage.c - the cheapest way that there is: edits of what the kernel holds, what was prepared, or the whole
 * list
 */
#include "userspace/daemon/stage.h"

#include <errno.h>
#include <stdlib.h>

#include "userspace/core/cleanup.h"
#include "userspace/daemon/named.h"
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
		.count4 = account->entries4 - account->disabled4,
		.count6 = account->entries6 - account->disabled6,
	};
}

/* A list of so few entries, well below what lines hold of either family, is not edited in place. */
#define FEW_ENTRIES (AG_LINES6_MAX * AG_LINE6_ENTRIES / 2)

/* What is seen of the list where an entry was, or will be when it has expired. */
static int find_around(const struct edit *edit, struct compiled_edit *edited, struct ag_error *error)
{
	const struct account *after = &edit->after;
	bool ipv4 = edited->entry.prefix.addr.family == AG_FAMILY_IPV4;
	size_t entries = ipv4 ? after->entries4 - after->disabled4 : after->entries6 - after->disabled6;
	struct entry around = {0};
	int err;

	if (entries <= FEW_ENTRIES)
		return 0;
	err = store_entry_around(edit->gate->store, edit->after.id, &edited->entry.prefix, &around,
				 &edited->has_uncovered, error);
	if (!err && edited->has_uncovered)
		(void)compile_entry(&around, &edited->uncovered); /* enabled, or it would not be around */
	entry_clear(&around);
	return err;
}

/* The edits of what the kernel holds: room for one an entry that was or comes. */
struct kernel_edits {
	const struct edit *edit;
	struct compiled_edit *edits;
	size_t count;
};

/* The entry as the kernel shall hold it; nothing where it is disabled. */
static int add_edit(struct kernel_edits *edits, enum compile_edit kind, const struct entry *entry, bool alone,
		    struct ag_error *error)
{
	struct compiled_edit *edit = &edits->edits[edits->count];

	if (!compile_entry(entry, &edit->entry))
		return 0;
	edit->kind = kind;
	edits->count++;
	if (!alone || (kind == COMPILE_ADD && !entry->expires))
		return 0;
	return find_around(edits->edit, edit, error);
}

static int add_set(struct kernel_edits *edits, struct ag_error *error)
{
	const struct entry *was = &edits->edit->gone.entries[0], *is = &edits->edit->set;
	struct compiled_entry before, after;

	if (is->disabled)
		return add_edit(edits, COMPILE_REMOVE, was, true, error);
	if (compile_entry(was, &before) && compile_entry(is, &after) && compiled_entry_equal(&before, &after))
		return 0;
	return add_edit(edits, COMPILE_ADD, is, true, error);
}

static int add_all(struct kernel_edits *edits, enum compile_edit kind, const struct list *list,
		   struct ag_error *error)
{
	int err = 0;

	for (size_t i = 0; i < list->count && !err; i++)
		err = add_edit(edits, kind, &list->entries[i], list->count == 1, error);
	return err;
}

static int fill_edits(struct kernel_edits *edits, struct ag_error *error)
{
	const struct change *change = edits->edit->change;

	switch (change->kind) {
	case CHANGE_ALLOW_REMOVE:
		return add_all(edits, COMPILE_REMOVE, &edits->edit->gone, error);
	case CHANGE_ALLOW_ADD:
		return add_all(edits, COMPILE_ADD, change->list, error);
	case CHANGE_ALLOW_SET:
		return add_set(edits, error);
	default: /* settings alone */
		return 0;
	}
}

static int stage_edits(const struct edit *edit, struct dataplane_change **ret, struct ag_error *error)
{
	size_t room = edit->gone.count + (edit->change->list ? edit->change->list->count : 0) + 1;
	AUTO_FREE struct compiled_edit *room_for_edits = calloc(room, sizeof(*room_for_edits));
	struct kernel_edits edits = {.edit = edit, .edits = room_for_edits};
	struct compiled_account want = frame_of(&edit->after);
	int err;

	if (!room_for_edits)
		return error_set(error, ERROR_KERNEL, "no memory to stage the change");
	err = fill_edits(&edits, error);
	return err ? err
		   : dataplane_stage_edits(edit->gate->dataplane, &want, edits.edits, edits.count, ret,
					   error);
}

static size_t lengths_expiring(const struct compiled_entry *entries, size_t count)
{
	bool seen[129] = {false};
	size_t lengths = 0;

	for (size_t i = 0; i < count; i++) {
		if (!entries[i].value.expires || seen[entries[i].prefix.len])
			continue;
		seen[entries[i].prefix.len] = true;
		lengths++;
	}
	return lengths;
}

/* The bound that the account's own entries keep (passage.c), with those that come through lists. */
static int check_lengths(const struct edit *edit, const struct compiled_account *want, struct ag_error *error)
{
	size_t lengths4, lengths6;

	if (!account_refers(&edit->after))
		return 0;
	lengths4 = lengths_expiring(want->entries4, want->count4);
	lengths6 = lengths_expiring(want->entries6, want->count6);
	if (lengths4 <= AG_EXPIRING_LENGTHS_MAX && lengths6 <= AG_EXPIRING_LENGTHS_MAX)
		return 0;
	return error_set(error, ERROR_LIMIT,
			 "with its named lists, entries of account %s that expire would have %zu different "
			 "prefix lengths in one family: %d are the most; let some references never expire",
			 edit->change->account, lengths4 > lengths6 ? lengths4 : lengths6,
			 AG_EXPIRING_LENGTHS_MAX);
}

static int stage_whole(const struct edit *edit, struct dataplane_change **ret, struct ag_error *error)
{
	struct compiled_account want = {0};
	size_t more;
	int err = named_size(edit->gate, &edit->after, &more, error);

	if (err)
		return err;
	if (edit->change->may_wait && account_entries(&edit->after) + more > STAGED_AT_ONCE_MAX)
		return -EINPROGRESS;
	err = reconcile_compile(edit->gate, &edit->after, &want, error);
	if (!err)
		err = check_lengths(edit, &want, error);
	if (!err)
		err = dataplane_stage(edit->gate->dataplane, NULL, &want, ret, error);
	compiled_account_clear(&want);
	return err;
}

static int stage_prepared(const struct edit *edit, struct dataplane_change **ret, struct ag_error *error)
{
	struct prepared *prepared = edit->change->prepared;
	const struct compiled_account *want = &prepared->want;
	int err = check_lengths(edit, want, error);

	if (err)
		return err;
	if (prepared_outdated(prepared, edit->gate) || !prepared->lists || want->mode != edit->after.mode ||
	    !on_deny_equal(&want->on_deny, &edit->after.on_deny) || want->slot != edit->after.slot)
		return error_set(
			error, ERROR_CONFLICT,
			"account %s, or a named list, was changed while its list was prepared: try again",
			edit->change->account);
	return dataplane_stage_ready(edit->gate->dataplane, want, TAKE_PTR(prepared->lists), ret, error);
}

int stage_change(struct edit *edit, struct dataplane_change **ret, struct ag_error *error)
{
	struct compiled_account inactive = {.slot = edit->after.slot};
	int err = 0;

	if (!account_active(&edit->after))
		return dataplane_stage(edit->gate->dataplane, NULL, &inactive, ret, error);
	edit->rebuilt = true;
	if (edit->change->prepared)
		return stage_prepared(edit, ret, error);
	if (account_active(&edit->before) && !edit->whole && !account_refers(&edit->before) &&
	    !account_refers(&edit->after))
		err = stage_edits(edit, ret, error);
	edit->rebuilt = !*ret;
	return err || *ret ? err : stage_whole(edit, ret, error);
}
