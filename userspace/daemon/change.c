// SPDX-License-Identifier: GPL-2.0-only
/*
 * change.c - the way of a change: begin, edit, guard, compile, stage | commit | publish
 *
 * Everything that can fail stands before the commit; what follows it is idempotent and retried. Should the
 * kernel refuse even so, the store gets back what it held, and the answer is an error: then either both hold
 * the new policy or both the old.
 */
#include "userspace/daemon/change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/etag.h"
#include "userspace/core/guard.h"
#include "userspace/daemon/audit.h"
#include "userspace/daemon/edits.h"
#include "userspace/daemon/reconcile.h"
#include "userspace/daemon/services.h"
#include "userspace/daemon/stage.h"
#include "userspace/daemon/watch.h"
#include "userspace/io/loop.h"

/* What a list says of the actor's origin. */
struct origin_match {
	struct entry entry; /* the longest in effect that holds it */
	struct entry next;  /* the longest once that one has expired */
	bool matched;
	bool follows;
};

/* A change with what it will publish. */
struct passage {
	struct edit edit;
	const struct edit_kind *kind;
	struct origin_match before_match;
	struct origin_match after_match;
	struct services_edit services;
	bool edits_services;
	struct dataplane_change *staged;
	struct account *fresh; /* for the summary */
	uint64_t store_id;
};

const char *change_action(enum change_kind kind)
{
	return edit_kinds[kind].action;
}

void outcome_clear(struct outcome *outcome)
{
	list_clear(&outcome->came);
	list_clear(&outcome->went);
}

static void origin_match_clear(struct origin_match *match)
{
	entry_clear(&match->entry);
	entry_clear(&match->next);
}

static void passage_clear(struct passage *passage)
{
	account_clear(&passage->edit.before);
	account_clear(&passage->edit.after);
	list_clear(&passage->edit.gone);
	buffer_clear(&passage->edit.detail);
	origin_match_clear(&passage->before_match);
	origin_match_clear(&passage->after_match);
	services_edit_clear(&passage->services);
	dataplane_change_free(passage->staged);
	if (passage->fresh)
		account_clear(passage->fresh);
	free(passage->fresh);
}

static bool changes_entries(enum change_kind kind)
{
	return kind == CHANGE_ALLOW_ADD || kind == CHANGE_ALLOW_SET || kind == CHANGE_ALLOW_REPLACE;
}

static bool imports(const struct change *change)
{
	return change->prepared && change->prepared->import;
}

static int match_origin(const struct edit *edit, int64_t account_id, struct origin_match *ret,
			struct ag_error *error)
{
	const struct addr *origin = &edit->change->actor.origin;
	struct store *store = edit->gate->store;
	int err;

	if (!addr_known(origin))
		return 0;
	err = store_entry_match(store, account_id, origin, gate_now(edit->gate), &ret->entry, &ret->matched,
				error);
	if (err || !ret->matched || !ret->entry.expires)
		return err;
	return store_entry_match(store, account_id, origin, ret->entry.expires, &ret->next, &ret->follows,
				 error);
}

static int load_before(struct passage *passage, struct ag_error *error)
{
	struct edit *edit = &passage->edit;
	int err = 0;

	if (passage->kind->account)
		err = store_account_find(edit->gate->store, edit->change->account, &edit->before, error);
	if (!err && passage->kind->account)
		err = etag_check(&edit->before, edit->change->if_match, error);
	if (!err && passage->kind->list)
		err = match_origin(edit, edit->before.id, &passage->before_match, error);
	return err;
}

/* What an import makes of the list is not to be seen in the store before it is finished. */
static int load_prepared(struct passage *passage, struct ag_error *error)
{
	struct edit *edit = &passage->edit;
	const struct prepared *prepared = edit->change->prepared;

	if (account_copy(&edit->after, &edit->before))
		return error_set(error, ERROR_STORE, "no memory for the account");
	edit->after.entries4 = prepared->entries4;
	edit->after.entries6 = prepared->entries6;
	edit->after.disabled4 = prepared->disabled4;
	edit->after.disabled6 = prepared->disabled6;
	passage->after_match = (struct origin_match){.entry = prepared->match,
						     .next = prepared->next,
						     .matched = prepared->matched,
						     .follows = prepared->follows};
	return 0;
}

static int load_edited(struct passage *passage, struct ag_error *error)
{
	struct edit *edit = &passage->edit;
	int err = store_account_find(edit->gate->store, edit->change->account, &edit->after, error);

	if (!err)
		err = match_origin(edit, edit->after.id, &passage->after_match, error);
	return err;
}

/* Every change of an account's list or settings makes its next generation. */
static int load_after(struct passage *passage, struct ag_error *error)
{
	struct edit *edit = &passage->edit;
	int err = store_next_generation(edit->gate->store, &edit->outcome->generation, error);

	if (err || !passage->kind->list || passage->kind->removes_account)
		return err;
	err = imports(edit->change) ? load_prepared(passage, error) : load_edited(passage, error);
	edit->after.generation = edit->outcome->generation;
	return err ? err : store_account_update(edit->gate->store, &edit->after, error);
}

static struct guard_view view_of(const struct account *account, const struct origin_match *match)
{
	return (struct guard_view){
		.mode = account->mode,
		.count = account_enabled(account),
		.match = match->matched ? &match->entry : NULL,
		.next = match->follows ? &match->next : NULL,
	};
}

static int guard(struct passage *passage, struct ag_error *error)
{
	const struct edit *edit = &passage->edit;
	struct guard_change change = {
		.account = edit->change->account,
		.before = view_of(&edit->before, &passage->before_match),
		.after = view_of(&edit->after, &passage->after_match),
		.removes_account = passage->kind->removes_account,
		.origin = edit->change->actor.origin,
		.open = edit->change->open,
		.force = edit->change->force,
	};

	int err = passage->kind->list ? guard_check(&change, error) : 0;

	if (!err && passage->kind->list && !passage->kind->removes_account && !edit->outcome->warning[0])
		guard_warn(&change, edit->outcome->warning);
	return err;
}

/* What a packet may have to look up again and again is bounded: see AG_EXPIRING_LENGTHS_MAX. */
static int check_lengths(const struct edit *edit, struct ag_error *error)
{
	size_t lengths;
	int err = store_expiring_lengths(edit->gate->store, edit->before.id, &lengths, error);

	if (err || lengths <= AG_EXPIRING_LENGTHS_MAX)
		return err;
	return error_set(
		error, ERROR_LIMIT,
		"entries of account %s that expire would have %zu different prefix lengths in one "
		"family: %d are the most; let some of them never expire, or write them by fewer lengths",
		edit->change->account, lengths, AG_EXPIRING_LENGTHS_MAX);
}

/* Services that come and go, and those of an account that begins or ceases to gate their addresses. */
static int plan_services(struct passage *passage, struct ag_error *error)
{
	const struct edit_kind *kind = passage->kind;
	const struct edit *edit = &passage->edit;
	struct services_change change = {
		.before = &edit->before,
		.after = kind->list ? &edit->after : &edit->before,
		.services = edit->change->services,
		.count = edit->change->service_count,
		.kind = kind->removes_account	 ? SERVICES_ALL_GO
			: kind->removes_services ? SERVICES_GO
			: kind->services	 ? SERVICES_COME
						 : SERVICES_STAY,
	};
	int err;

	if (change.kind == SERVICES_STAY &&
	    (!kind->list || account_gates(change.before) == account_gates(change.after)))
		return 0;
	err = services_edit_plan(edit->gate, &change, &passage->services, error);
	passage->edits_services = !err;
	return err;
}

/* Room for what the summary will be told behind the commit, where nothing may fail any more. */
static int reserve(struct passage *passage, struct ag_error *error)
{
	const struct edit *edit = &passage->edit;
	bool concerns = edit->change->kind == CHANGE_ACCOUNT_ADD ||
			(passage->kind->list && !passage->kind->removes_account);
	size_t claims = passage->kind->services ? edit->change->service_count : 0;
	int err = 0;

	if (concerns) {
		passage->fresh = calloc(1, sizeof(*passage->fresh));
		err = passage->fresh ? account_copy(passage->fresh, &edit->after) : -ENOMEM;
	}
	if (!err && (concerns || claims))
		err = summary_reserve(&edit->gate->summary, edit->after.slot, claims);
	return err ? error_set(error, ERROR_STORE, "no memory for the change") : 0;
}

static int audit(struct passage *passage, const char *outcome, struct ag_error *error)
{
	struct edit *edit = &passage->edit;
	const struct change *change = edit->change;

	if (change->force)
		(void)buffer_print(&edit->detail, "--force ");
	if (change->open)
		(void)buffer_print(&edit->detail, "--open ");
	if (edit->detail.length && edit->detail.data[edit->detail.length - 1] == ' ')
		edit->detail.data[edit->detail.length - 1] = '\0';
	if (edit->detail.failed)
		return error_set(error, ERROR_STORE, "no memory to describe the change for the audit log");
	return audit_row(edit->gate, &change->actor, change->account, passage->kind->action,
			 edit->detail.data ? edit->detail.data : "", outcome, error);
}

/* All that can fail, in the open transaction. */
static int prepare(struct passage *passage, struct ag_error *error)
{
	struct edit *edit = &passage->edit;
	uint64_t generation;
	int err = load_before(passage, error);

	if (!err)
		err = passage->kind->edit(edit, error);
	if (!err)
		err = load_after(passage, error);
	if (!err)
		err = guard(passage, error);
	if (!err && changes_entries(edit->change->kind))
		err = check_lengths(edit, error);
	if (!err)
		err = plan_services(passage, error);
	if (!err)
		err = reserve(passage, error);
	if (!err && passage->kind->list && !passage->kind->removes_account)
		err = stage_change(edit, &passage->staged, error);
	if (!err)
		err = store_identity(edit->gate->store, &passage->store_id, &generation, error);
	if (!err && !edit->change->dry_run)
		err = audit(passage, "done", error);
	return err;
}

/* An account that goes is out of the service table before its slot is cleared; one that stays is in force
 * before it is reached. */
static int publish(struct passage *passage, struct ag_error *error)
{
	struct edit *edit = &passage->edit;
	struct dataplane *dataplane = edit->gate->dataplane;
	int err = 0;

	if (passage->staged)
		err = dataplane_publish(dataplane, passage->staged, error);
	if (!err && passage->edits_services)
		err = services_edit_publish(edit->gate, &passage->services, error);
	if (!err && passage->kind->removes_account)
		err = dataplane_clear_account(dataplane, edit->before.slot, error);
	if (!err && passage->kind->publish)
		err = passage->kind->publish(edit, error);
	if (!err)
		gate_seal(edit->gate, passage->store_id, edit->outcome->generation);
	return err;
}

static int undo_in_store(struct passage *passage, struct ag_error *error)
{
	struct edit *edit = &passage->edit;
	struct store *store = edit->gate->store;
	uint64_t generation;
	int err = store_begin(store, error);

	if (err)
		return err;
	err = passage->kind->undo(edit, error);
	if (!err)
		err = store_next_generation(store, &generation, error);
	if (!err)
		err = audit(passage, error_code_name(ERROR_KERNEL), error);
	if (err) {
		store_rollback(store);
		return err;
	}
	err = store_commit(store, error);
	if (!err)
		edit->outcome->generation = generation;
	return err;
}

/* The store holds what it held; the kernel gets the same. */
static int undo_in_kernel(struct passage *passage, struct ag_error *error)
{
	struct edit *edit = &passage->edit;
	struct gate *gate = edit->gate;
	size_t drift = 0;
	int err = 0;

	gate->generation = edit->outcome->generation;
	if (passage->kind->list)
		err = reconcile_account(gate, &edit->before, &drift, error);
	if (!err && passage->edits_services)
		err = services_edit_revert(gate, &passage->services, error);
	if (!err)
		gate_seal(gate, passage->store_id, gate->generation);
	return err;
}

/* The summary follows what was committed. */
static void follow(struct passage *passage)
{
	struct edit *edit = &passage->edit;
	const struct change *change = edit->change;
	struct summary *summary = &edit->gate->summary;

	edit->gate->generation = edit->outcome->generation;
	if (passage->fresh)
		summary_put_account(summary, TAKE_PTR(passage->fresh));
	if (passage->kind->removes_account) {
		watch_forget(edit->gate->watch, edit->before.slot);
		summary_remove_account(summary, edit->before.slot);
	}
	for (size_t i = 0; i < change->service_count && passage->kind->services; i++) {
		struct claim claim = {.service = change->services[i], .slot = edit->before.slot};

		if (passage->kind->removes_services)
			summary_remove_claim(summary, &claim);
		else
			summary_add_claim(summary, &claim);
	}
}

/* The kernel refused what is committed: both go back to what was. What cannot even be put back leaves the
 * gate degraded, and the timer tries again. */
static void take_back(struct passage *passage, struct ag_error *error)
{
	struct gate *gate = passage->edit.gate;
	struct ag_error why = *error;
	bool undone = passage->kind->undo && !undo_in_store(passage, &why);

	if (!undone)
		follow(passage);
	if (!undone || undo_in_kernel(passage, &why)) {
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

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static void conclude(struct passage *passage)
{
	struct edit *edit = &passage->edit;

	edit->outcome->concerns_list = passage->kind->list && !passage->kind->removes_account;
	edit->outcome->active = account_active(&edit->after);
}

static void tell(struct passage *passage)
{
	const struct edit *edit = &passage->edit;
	const struct change *change = edit->change;

	audit_tell(edit->gate, &change->actor, change->account, passage->kind->action,
		   edit->detail.data ? edit->detail.data : "", "done");
}

static void abandon(struct passage *passage)
{
	store_rollback(passage->edit.gate->store);
	if (passage->kind->abandon)
		passage->kind->abandon(&passage->edit);
}

static int pass(struct passage *passage, struct ag_error *error)
{
	struct gate *gate = passage->edit.gate;
	struct timespec start;
	int err;

	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	err = prepare(passage, error);
	conclude(passage);
	if (err || passage->edit.change->dry_run) {
		abandon(passage);
		return err;
	}
	err = store_commit(gate->store, error); /* THE commit point */
	if (err) {
		abandon(passage);
		return err;
	}
	err = publish(passage, error);
	if (err) {
		take_back(passage, error);
		return err;
	}
	follow(passage);
	tell(passage);
	if (passage->edit.rebuilt && gate->sweep)
		loop_idle_wake(gate->sweep);
	histogram_observe(&gate->apply_seconds, seconds_since(&start));
	return 0;
}

int change_permitted(const struct gate *gate, const struct change *change, struct ag_error *error)
{
	int err = gate_ready(gate, error);

	if (!err && change->force && !change->actor.operator_)
		err = error_set(error, ERROR_FORBIDDEN, "--force is for operators: leave it out, or ask one");
	return err;
}

int gate_apply(struct gate *gate, const struct change *change, struct outcome *outcome,
	       struct ag_error *error)
{
	struct passage passage = {
		.edit = {.gate = gate,
			 .change = change,
			 .outcome = outcome,
			 .detail = {.limit = CHANGE_DETAIL_SIZE}},
		.kind = &edit_kinds[change->kind],
	};
	int err = change_permitted(gate, change, error);

	if (!err)
		err = store_begin(gate->store, error);
	if (!err)
		err = pass(&passage, error);
	passage_clear(&passage);
	return err;
}
