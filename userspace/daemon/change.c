// SPDX-License-Identifier: GPL-2.0-only
/*
 * change.c - the way of a change: begin, edit, load, guard, compile, stage | commit | publish
 *
 * Everything that can fail stands before the commit; what follows it is idempotent and retried. Should the
 * kernel refuse even so, the store gets back what it held, and the answer is an error: then either both hold
 * the new policy or both the old.
 */
#include "userspace/daemon/change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "userspace/core/compile.h"
#include "userspace/core/guard.h"
#include "userspace/daemon/edits.h"

/* A change with what it will publish. */
struct passage {
	struct edit edit;
	const struct edit_kind *kind;
	struct compiled_account have;
	struct compiled_account want;
	struct compiled_services services;
	bool syncs_services;
	struct dataplane_change *staged;
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

static void passage_clear(struct passage *passage)
{
	list_clear(&passage->edit.before_list);
	list_clear(&passage->edit.after_list);
	buffer_clear(&passage->edit.detail);
	compiled_account_clear(&passage->have);
	compiled_account_clear(&passage->want);
	compiled_services_clear(&passage->services);
	dataplane_change_free(passage->staged);
}

static int load_before(struct passage *passage, struct ag_error *error)
{
	struct edit *edit = &passage->edit;
	int err = 0;

	if (passage->kind->account)
		err = store_account_find(edit->gate->store, edit->change->account, &edit->before, error);
	if (!err && passage->kind->list)
		err = store_list(edit->gate->store, edit->before.id, &edit->before_list, error);
	return err;
}

/* Every change of an account's list or settings makes its next generation. */
static int load_after(struct passage *passage, struct ag_error *error)
{
	struct edit *edit = &passage->edit;
	struct store *store = edit->gate->store;
	int err = store_next_generation(store, &edit->outcome->generation, error);

	if (err || !passage->kind->list || passage->kind->removes_account)
		return err;
	err = store_account_find(store, edit->change->account, &edit->after, error);
	if (err)
		return err;
	edit->after.generation = edit->outcome->generation;
	err = store_account_update(store, &edit->after, error);
	return err ? err : store_list(store, edit->after.id, &edit->after_list, error);
}

static int guard(struct passage *passage, struct ag_error *error)
{
	const struct edit *edit = &passage->edit;
	struct guard_change change = {
		.account = edit->change->account,
		.before = {edit->before.mode, &edit->before_list},
		.after = {edit->after.mode, &edit->after_list},
		.removes_account = passage->kind->removes_account,
		.origin = edit->change->actor.origin,
		.open = edit->change->open,
		.force = edit->change->force,
	};

	return passage->kind->list ? guard_check(&change, error) : 0;
}

static bool gates(const struct account *account, const struct list *list)
{
	return account->mode == AG_MODE_ENFORCE && policy_active(account->mode, list->count);
}

static int compile_table(struct passage *passage, struct ag_error *error)
{
	struct store *store = passage->edit.gate->store;
	struct account *accounts = NULL;
	struct claim *claims = NULL;
	size_t account_count = 0, claim_count = 0;
	int err = store_accounts(store, &accounts, &account_count, error);

	if (!err)
		err = store_claims(store, &claims, &claim_count, error);
	if (!err)
		err = compile_services(claims, claim_count, accounts, account_count, &passage->services,
				       error);
	free(accounts);
	free(claims);
	return err;
}

static int compile(struct passage *passage, struct ag_error *error)
{
	const struct edit *edit = &passage->edit;
	int err = 0;

	if (passage->kind->list) {
		err = compile_account(&edit->before, &edit->before_list, &passage->have);
		if (!err && !passage->kind->removes_account)
			err = compile_account(&edit->after, &edit->after_list, &passage->want);
		passage->syncs_services = gates(&edit->before, &edit->before_list) !=
					  gates(&edit->after, &edit->after_list);
	}
	if (err)
		return error_set(error, ERROR_STORE, "no memory to compile the list of '%s'",
				 edit->change->account);
	passage->syncs_services |= passage->kind->services;
	return passage->syncs_services ? compile_table(passage, error) : 0;
}

static int stage(struct passage *passage, struct ag_error *error)
{
	struct gate *gate = passage->edit.gate;

	if (!passage->kind->list || passage->kind->removes_account)
		return 0;
	return dataplane_stage(gate->dataplane, &passage->have, &passage->want, &passage->staged, error);
}

static void origin_text(const struct actor *actor, char text[ADDR_TEXT_MAX])
{
	if (addr_known(&actor->origin))
		addr_format(&actor->origin, text);
	else
		(void)snprintf(text, ADDR_TEXT_MAX, "unknown");
}

static int audit_row(struct gate *gate, const struct actor *actor, const char *account, const char *action,
		     const char *detail, const char *outcome, struct ag_error *error)
{
	char origin[ADDR_TEXT_MAX];
	struct store_audit row = {
		.time = time(NULL),
		.user = (char *)(uintptr_t)actor->name, /* borrowed by store_audit_add, as its header says */
		.delegate = (char *)(uintptr_t)actor->delegate,
		.uid = (int64_t)actor->uid,
		.origin = origin,
		.account = (char *)(uintptr_t)account,
		.action = (char *)(uintptr_t)action,
		.detail = (char *)(uintptr_t)detail,
		.outcome = (char *)(uintptr_t)outcome,
	};

	origin_text(actor, origin);
	return store_audit_add(gate->store, &row, error);
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

void change_audit(struct gate *gate, const struct actor *actor, const char *account, const char *action,
		  const char *detail, const struct ag_error *why)
{
	const char *outcome = why ? error_code_name(why->code) : "done";
	struct ag_error error = {0};

	if (gate->store && !audit_row(gate, actor, account, action, detail, outcome, &error))
		return;
	log_warning("'%s' by uid %u (%s) is not in the audit log: %s", action, actor->uid, outcome,
		    gate->store ? error.message : gate->reason);
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
	if (!err)
		err = compile(passage, error);
	if (!err)
		err = stage(passage, error);
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
	if (!err && passage->syncs_services)
		err = dataplane_sync_services(dataplane, &passage->services, false, NULL, error);
	if (!err && passage->kind->removes_account)
		err = dataplane_clear_account(dataplane, edit->before.slot, error);
	if (!err && passage->kind->publish)
		err = passage->kind->publish(edit, error);
	if (!err)
		dataplane_set_seal(dataplane, passage->store_id, edit->outcome->generation);
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
	return store_commit(store, error);
}

/* The kernel refused what is committed: both go back to what was. What cannot even be put back leaves the
 * gate degraded, and the timer tries again. */
static void take_back(struct passage *passage, struct ag_error *error)
{
	struct gate *gate = passage->edit.gate;
	struct ag_error why = {0};

	if (!passage->kind->undo || undo_in_store(passage, &why) || gate_reconcile(gate, false, NULL, &why)) {
		gate_degrade(gate, passage->kind->undo ? &why : error);
		error_prepend(
			error,
			"the change is in the store and will be put into force when the kernel takes it: ");
		return;
	}
	error_prepend(error, "nothing was changed: ");
}

/* The summary follows the store; if it cannot be read, what follows must not go by an old one. */
static void refresh(struct passage *passage)
{
	struct gate *gate = passage->edit.gate;
	struct ag_error why = {0};
	bool whole = passage->kind->services || passage->kind->removes_account ||
		     passage->edit.change->kind == CHANGE_ACCOUNT_ADD;
	int err = whole || !passage->edit.change->account[0]
			  ? gate_refresh(gate, &why)
			  : gate_refresh_account(gate, passage->edit.change->account, &why);

	if (err)
		gate_degrade(gate, &why);
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
	edit->outcome->active = policy_active(edit->after.mode, edit->after_list.count);
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
	if (err)
		take_back(passage, error);
	refresh(passage);
	if (!err)
		histogram_observe(&gate->apply_seconds, seconds_since(&start));
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
	int err = gate_ready(gate, error);

	if (!err && change->force && !change->actor.operator_)
		err = error_set(error, ERROR_FORBIDDEN, "--force is for operators: leave it out, or ask one");
	if (!err)
		err = store_begin(gate->store, error);
	if (!err)
		err = pass(&passage, error);
	passage_clear(&passage);
	return err;
}
