// SPDX-License-Identifier: GPL-2.0-only
/*
 * undo.c - the way back from a commit that the kernel refused
 */
#include "userspace/daemon/convoy.h"

#include "userspace/daemon/bundle.h"
#include "userspace/daemon/pending.h"
#include "userspace/daemon/reconcile.h"

static bool can_undo(const struct convoy *convoy)
{
	for (size_t i = 0; i < convoy->count; i++)
		if (!convoy->passages[i].kind->undo)
			return false;
	return true;
}

static int audit_refused(struct passage *passage, struct ag_error *error)
{
	return passage_audit(passage, error_code_name(ERROR_KERNEL), error);
}

/* The account is again at the generation from before. */
static int forget(struct passage *passage, struct ag_error *error)
{
	const struct edit *edit = &passage->edit;

	return passage->remembers ? store_history_remove(edit->gate->store, edit->after.id,
							 edit->after.generation, error)
				  : 0;
}

static int undo_edits(struct convoy *convoy, struct ag_error *error)
{
	int err = 0;

	for (size_t i = convoy->count; i-- > 0 && !err;) {
		struct passage *passage = &convoy->passages[i];

		err = passage->kind->undo(&passage->edit, error);
		if (!err && !convoy->bundle)
			err = pending_unwrite(&passage->edit, error);
	}
	if (!err && convoy->bundle)
		err = bundle_unwrite(convoy->bundle, error);
	if (!err)
		err = convoy_each(convoy, forget, error);
	return err ? err : convoy_each(convoy, audit_refused, error);
}

static int undo_in_store(struct convoy *convoy, struct ag_error *error)
{
	struct store *store = convoy->gate->store;
	uint64_t generation;
	int err = store_begin(store, error);

	if (err)
		return err;
	err = store_next_generation(store, &generation, error);
	if (!err)
		err = undo_edits(convoy, error);
	if (err) {
		store_rollback(store);
		return err;
	}
	err = store_commit(store, error);
	if (!err)
		convoy->generation = generation;
	return err;
}

static int restore_account(struct passage *passage, struct ag_error *error)
{
	size_t drift = 0;

	return passage->first == passage && passage->kind->list
		       ? reconcile_account(passage->edit.gate, &passage->edit.before, &drift, error)
		       : 0;
}

static int clear_added(struct passage *passage, struct ag_error *error)
{
	struct edit *edit = &passage->edit;

	return edit->change->kind == CHANGE_ACCOUNT_ADD
		       ? dataplane_clear_account(edit->gate->dataplane, edit->after.slot, error)
		       : 0;
}

/* The store holds what it held; the kernel gets the same. */
static int undo_in_kernel(struct convoy *convoy, struct ag_error *error)
{
	struct gate *gate = convoy->gate;
	int err;

	gate->generation = convoy->generation;
	err = convoy_each(convoy, restore_account, error);
	if (!err && convoy->edits_services)
		err = services_edit_revert(gate, &convoy->services, error);
	if (!err)
		err = convoy_each(convoy, clear_added, error);
	convoy->at = convoy->count;
	if (!err)
		gate_seal(gate, convoy->store_id, gate->generation);
	return err;
}

void convoy_take_back(struct convoy *convoy, struct ag_error *error)
{
	struct gate *gate = convoy->gate;
	struct ag_error why = *error;
	bool undone = can_undo(convoy) && !undo_in_store(convoy, &why);

	if (!undone)
		convoy_follow(convoy);
	if (!undone || undo_in_kernel(convoy, &why)) {
		gate_degrade(gate, &why);
		error_prepend(
			error,
			undone ? "the store holds what was before, and the kernel will when it takes it: "
			       : "the change is in the store and will be put into force when the "
				 "kernel takes it: ");
		return;
	}
	error_prepend(error, "nothing was changed: ");
}
