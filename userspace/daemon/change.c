// SPDX-License-Identifier: GPL-2.0-only
/*
 * change.c - the way of changes: begin, edit, guard, compile, stage | commit | publish
 *
 * Everything that can fail stands before the commit; what follows it is idempotent and retried. Should the
 * kernel refuse even so, the store gets back what it held, and the answer is an error: then either both hold
 * the new policy or both the old.
 */
#include "userspace/daemon/change.h"

#include <stdlib.h>
#include <time.h>

#include "userspace/core/cleanup.h"
#include "userspace/daemon/audit.h"
#include "userspace/daemon/bundle.h"
#include "userspace/daemon/convoy.h"
#include "userspace/daemon/pending.h"
#include "userspace/io/loop.h"

const char *change_action(enum change_kind kind)
{
	return edit_kinds[kind].action;
}

bool change_is_of_list(enum change_kind kind)
{
	return edit_kinds[kind].of_list;
}

void outcome_clear(struct outcome *outcome)
{
	list_clear(&outcome->came);
	list_clear(&outcome->went);
	preview_clear(&outcome->preview);
}

/* --- within the transaction ------------------------------------------------- */

static int begin_first(struct passage *passage, struct ag_error *error)
{
	return passage->follows ? 0 : passage_begin(passage, error);
}

static int edit(struct passage *passage, struct ag_error *error)
{
	int err = passage->follows ? passage_begin(passage, error) : 0;

	return err ? err : passage_edit(passage, error);
}

/* Several changes may touch services of one another: then the tables before and after are compared. */
static int plan_services(struct convoy *convoy, struct ag_error *error)
{
	bool touches = false;
	int err = 0;

	for (size_t i = 0; i < convoy->count; i++) {
		const struct passage *passage = &convoy->passages[i];

		touches |= passage_touches_services(passage);
		convoy->anew |= passage->edit.change->kind == CHANGE_ACCOUNT_ADD;
	}
	convoy->anew = convoy->count > 1 && (convoy->anew || touches);
	if (convoy->anew)
		err = gate_load_summary(convoy->gate, &convoy->summary, error);
	if (!touches || err)
		return err;
	err = convoy->anew ? services_edit_between(convoy->gate, &convoy->summary, &convoy->services, error)
			   : passage_plan_services(convoy->passages, &convoy->services, error);
	convoy->edits_services = !err;
	return err;
}

static int audit_done(struct passage *passage, struct ag_error *error)
{
	return passage_audit(passage, "done", error);
}

/* It is no one's of them alone that fails here. */
static int write_bundle(struct convoy *convoy, struct ag_error *error)
{
	convoy->at = convoy->count;
	return bundle_write(convoy->bundle, error);
}

/* All that can fail, in the open transaction. */
static int prepare(struct convoy *convoy, struct ag_error *error)
{
	/* What was before is looked at before anything is edited, but where an edit must come first. */
	int err = convoy_each(convoy, begin_first, error);

	if (!err)
		err = convoy_each(convoy, edit, error);
	if (!err)
		err = convoy_each(convoy, passage_judge, error);
	if (!err)
		err = plan_services(convoy, error);
	if (!err && !convoy->anew)
		err = convoy_each(convoy, passage_reserve, error);
	if (!err)
		err = convoy_each(convoy, passage_stage, error);
	if (!err && convoy->bundle)
		err = write_bundle(convoy, error);
	if (!err && !convoy->dry_run)
		err = convoy_each(convoy, passage_remember, error);
	if (!err && !convoy->dry_run)
		err = convoy_each(convoy, audit_done, error);
	if (err)
		return err;
	convoy->at = convoy->count;
	return store_identity(convoy->gate->store, &convoy->store_id, &convoy->generation, error);
}

/* --- behind the commit ------------------------------------------------------ */

static int publish_lists(struct convoy *convoy, struct ag_error *error)
{
	AUTO_FREE struct dataplane_change **staged = calloc(convoy->count, sizeof(struct dataplane_change *));
	size_t count = 0;

	if (!staged)
		return error_set(error, ERROR_KERNEL, "no memory to publish the change");
	for (size_t i = 0; i < convoy->count; i++)
		if (convoy->passages[i].staged)
			staged[count++] = convoy->passages[i].staged;
	return count ? dataplane_publish_all(convoy->gate->dataplane, staged, count, error) : 0;
}

static int publish_rest(struct passage *passage, struct ag_error *error)
{
	struct edit *edit = &passage->edit;
	int err = 0;

	if (passage->kind->removes_account)
		err = dataplane_clear_account(edit->gate->dataplane, edit->before.slot, error);
	if (!err && passage->kind->publish)
		err = passage->kind->publish(edit, error);
	return err;
}

/* An account that goes is out of the service table before its slot is cleared; one that stays is in force
 * before it is reached. */
static int publish(struct convoy *convoy, struct ag_error *error)
{
	int err = publish_lists(convoy, error);

	if (!err && convoy->edits_services)
		err = services_edit_publish(convoy->gate, &convoy->services, error);
	if (!err)
		err = convoy_each(convoy, publish_rest, error);
	convoy->at = convoy->count;
	if (!err)
		gate_seal(convoy->gate, convoy->store_id, convoy->generation);
	return err;
}

/* --- all of it ---------------------------------------------------------------- */

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static void conclude(struct convoy *convoy)
{
	for (size_t i = 0; i < convoy->count; i++) {
		const struct passage *passage = &convoy->passages[i];
		struct outcome *outcome = passage->edit.outcome;

		outcome->concerns_list = passage->kind->list && !passage->kind->removes_account;
		outcome->active = account_active(&passage->edit.after);
	}
}

static void tell(struct convoy *convoy)
{
	bool rebuilt = false;

	for (size_t i = 0; i < convoy->count; i++) {
		const struct edit *edit = &convoy->passages[i].edit;
		const struct change *change = edit->change;

		audit_tell(edit->gate, &change->actor, change->account, passage_action(&convoy->passages[i]),
			   edit->detail.data ? edit->detail.data : "", "done");
		rebuilt |= edit->rebuilt;
	}
	if (rebuilt && convoy->gate->sweep)
		loop_idle_wake(convoy->gate->sweep);
}

static void abandon(struct convoy *convoy)
{
	store_rollback(convoy->gate->store);
	for (size_t i = convoy->count; i-- > 0;) {
		struct passage *passage = &convoy->passages[i];

		if (passage->edited && passage->kind->abandon)
			passage->kind->abandon(&passage->edit);
	}
}

static int pass(struct convoy *convoy, struct ag_error *error)
{
	struct gate *gate = convoy->gate;
	struct timespec start;
	int err;

	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	err = prepare(convoy, error);
	conclude(convoy);
	if (!err && convoy->dry_run)
		preview_make(convoy, &convoy->passages[0].edit.outcome->preview);
	if (err || convoy->dry_run) {
		abandon(convoy);
		return err;
	}
	err = store_commit(gate->store, error); /* THE commit point */
	if (err) {
		abandon(convoy);
		return err;
	}
	err = publish(convoy, error);
	if (err) {
		convoy_take_back(convoy, error);
		return err;
	}
	convoy_follow(convoy);
	tell(convoy);
	histogram_observe(&gate->apply_seconds, seconds_since(&start));
	return 0;
}

int change_permitted(const struct gate *gate, const struct change *change, struct ag_error *error)
{
	int err = gate_ready(gate, error);

	if (!err && change->force && !change->actor.operator_)
		err = error_set(error, ERROR_FORBIDDEN, "--force is for operators: leave it out, or ask one");
	return err ? err : pending_check(gate, change, error);
}

int gate_apply_all(struct gate *gate, const struct change *changes, size_t count, struct outcome *outcomes,
		   size_t *ret_failed, struct ag_error *error)
{
	struct convoy convoy = {0};
	int err = 0;

	for (; convoy.at < count && !err; convoy.at += !err)
		err = change_permitted(gate, &changes[convoy.at], error);
	if (!err && count && (convoy_new(gate, changes, count, outcomes, &convoy)))
		err = error_set(error, ERROR_STORE, "no memory for %zu changes", count);
	if (!err && count)
		err = store_begin(gate->store, error);
	if (!err && count)
		err = pass(&convoy, error);
	if (ret_failed)
		*ret_failed = convoy.at;
	convoy_clear(&convoy);
	return err;
}

int gate_apply(struct gate *gate, const struct change *change, struct outcome *outcome,
	       struct ag_error *error)
{
	return gate_apply_all(gate, change, 1, outcome, NULL, error);
}
