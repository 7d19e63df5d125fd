// SPDX-License-Identifier: GPL-2.0-only
/*
 * bundle_back.c - see bundle_back.h
 */
#include "userspace/daemon/bundle_back.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "userspace/core/cleanup.h"
#include "userspace/daemon/bundle_plan.h"
#include "userspace/daemon/call.h"
#include "userspace/daemon/pending.h"

/* A plan that the worker prepares, and who waits for it. */
struct back {
	struct bundle_plan *plan;
	struct call *call; /* NULL: nobody's, and `done` hears of its end */
	imports_done done;
	void *arg;
};

static int apply(struct bundle_plan *plan, struct call *call, struct ag_error *error)
{
	int err = bundle_plan_apply(plan, error);

	return err || !call ? err : call_outcome(call, &plan->outcomes[0]);
}

static void prepared(void *arg, int err, const struct ag_error *why)
{
	struct back *back = arg;
	struct call *call = back->call;
	struct ag_error error = *why;

	if (!err)
		err = apply(back->plan, call, &error);
	bundle_plan_free(back->plan);
	if (call) {
		call->error = error;
		api_finish(call, err);
	} else {
		back->done(back->arg, err, &error);
	}
	free(back);
}

/* 0: prepared() has the plan from here on. */
static int prepare(struct bundle_plan *plan, struct imports *imports, const struct back *whose,
		   struct ag_error *error)
{
	struct back *back = malloc(sizeof(*back));
	int err = back ? 0 : error_set(error, ERROR_STORE, "no memory to take the changes back");

	if (!err && whose->call)
		err = call_wait(whose->call);
	if (!err) {
		*back = *whose;
		back->plan = plan;
		err = imports_start_all(imports, plan->imports, plan->import_count, prepared, back, error);
	}
	if (err)
		free(back);
	return err;
}

/* 0: done. -EINPROGRESS (no error set): the worker prepares it. */
static int take_back(struct gate *gate, struct imports *imports, const struct store_pending *row,
		     const struct change *common, const struct back *whose, struct ag_error *error)
{
	struct bundle_plan *plan = NULL;
	int err = bundle_plan_new(gate, row, common, &plan, error);

	if (err)
		return err;
	if (!plan->import_count) {
		err = apply(plan, whose->call, error);
	} else {
		err = prepare(plan, imports, whose, error);
		if (!err)
			return -EINPROGRESS;
	}
	bundle_plan_free(plan);
	return err;
}

bool bundle_back_is(const struct store_pending *row)
{
	return row->subject == PENDING_LIST || row->subject == PENDING_POLICY;
}

/* An import that was begun before the row was there. */
static bool is_held(const struct imports *imports, const struct store_pending *row)
{
	char account[CLAIM_SIZE];
	const char *at = row->claims;

	while (pending_next_claim(&at, "account", account))
		if (imports_hold(imports, account))
			return true;
	return false;
}

int bundle_back_expired(struct gate *gate, struct imports *imports, const struct store_pending *row,
			imports_done done, void *arg, struct ag_error *error)
{
	/* the daemon's own uid, and nobody's name */
	const struct change common = {.actor.uid = geteuid(), .action = "confirm expired"};
	const struct back whose = {.done = done, .arg = arg};

	if (is_held(imports, row))
		return -EAGAIN;
	return take_back(gate, imports, row, &common, &whose, error);
}

int bundle_back_asked(struct call *call, const struct store_pending *row)
{
	const struct change common = {.actor = call->actor,
				      .force = call->force,
				      .dry_run = call->dry_run,
				      .action = "confirm undo"};
	const struct back whose = {.call = call};
	int err = take_back(call->gate, call->api->imports, row, &common, &whose, &call->error);

	return err == -EINPROGRESS ? 0 : err;
}
