// SPDX-License-Identifier: GPL-2.0-only
/*
 * policies_apply.c - a document on its way into force
 *
 *	worker: read it, and compare its entries with a snapshot
 *	loop: plan; where some lists are long, hold their accounts, and
 *	worker: prepare those
 *	loop: plan again, and apply all of it at once
 *
 * A plan that is no longer of the policy there is (-EAGAIN) is begun anew with the comparison. Held accounts
 * cannot change, so that what was prepared is not in vain.
 */
#include "userspace/daemon/policies_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/daemon/imports.h"
#include "userspace/daemon/policy_answer.h"
#include "userspace/daemon/policy_plan.h"

#define ATTEMPTS_MAX 5
#define LARGE_BODY   ((size_t)4 << 20)

struct apply {
	struct policy_ask ask;
	struct policydoc document;
	bool read; /* the document was */
	struct policy_comparison comparison;
	unsigned int attempts;
	struct import **imports;
	size_t import_count;
	char (*held)[NAME_SIZE]; /* while there are imports: every account that differs */
	size_t held_count;
	struct call *parked[PARKED_MAX];
	size_t parked_count;
};

static void apply_free(struct apply *apply)
{
	for (size_t i = 0; i < apply->import_count; i++)
		import_free(apply->imports[i]);
	free(apply->imports);
	free(apply->held);
	policy_comparison_clear(&apply->comparison);
	policydoc_clear(&apply->document);
	free(apply);
}

void apply_cancel(struct apply *apply)
{
	for (size_t i = 0; i < apply->import_count; i++)
		__atomic_store_n(&apply->imports[i]->cancel, true, __ATOMIC_RELAXED);
}

bool apply_holds(const struct apply *apply, const char *account)
{
	for (size_t i = 0; i < apply->held_count; i++)
		if (!strcmp(apply->held[i], account))
			return true;
	return false;
}

int apply_park(struct apply *apply, struct call *call)
{
	int err;

	if (apply->parked_count == PARKED_MAX)
		return error_set(
			&call->error, ERROR_CONFLICT,
			"a policy with this account's list is being applied: try again when it is done");
	err = call_wait(call);
	if (!err)
		apply->parked[apply->parked_count++] = call;
	return err;
}

/* --- its end --------------------------------------------------------------- */

static void wake(struct call *call, bool leaving)
{
	if (!leaving) {
		api_resume(call);
		return;
	}
	call->busy = true;
	api_finish(call, error_set(&call->error, ERROR_CONFLICT,
				   "the daemon is leaving: try again when it is back"));
}

/* Whoever waited comes when nothing is held any more. */
static void finish(struct policy_job *job, int err)
{
	struct apply *apply = job->apply;
	struct call *call = job->call, *parked[PARKED_MAX];
	size_t parked_count = apply->parked_count;
	bool leaving = job->policies->leaving;

	memcpy(parked, apply->parked, sizeof(parked));
	apply_free(apply);
	policy_job_free(job, call->request->body_length > LARGE_BODY);
	api_finish(call, err);
	for (size_t i = 0; i < parked_count; i++)
		wake(parked[i], leaving);
}

static int put_in_force(struct policy_job *job, struct policy_plan *plan)
{
	struct call *call = job->call;
	int err = plan->part_count || plan->list_count ? policy_plan_apply(plan, &call->error) : 0;

	return err ? err : call_answer(call, policy_answer(plan));
}

/* --- lists that take long ---------------------------------------------------- */

static void prepare_run(void *arg)
{
	struct policy_job *job = arg;
	struct apply *apply = job->apply;

	job->err = 0;
	job->error = (struct ag_error){0};
	for (size_t i = 0; i < apply->import_count && !job->err; i++) {
		struct import *import = apply->imports[i];

		import_prepare(import);
		job->err = import->err;
		job->error = import->error;
	}
}

/* The settings alone are edited by the change itself: its import has read what it had to. */
static void take_import(struct apply *apply, struct policy_part *part)
{
	for (size_t i = 0; i < apply->import_count; i++) {
		struct import *import = apply->imports[i];

		if (strcmp(import->change.account, part->account) != 0)
			continue;
		if (import->what == IMPORT_LISTS) {
			store_import_close(import->prepared.import);
			import->prepared.import = NULL;
		}
		part->import = import;
		part->imports = true;
	}
}

/* Those that the document makes others are given; none may be another than when they were read. */
static int give_lists(struct policy_job *job, const struct policy_plan *plan)
{
	struct apply *apply = job->apply;
	struct ag_error *error = &job->call->error;

	for (size_t i = 0; i < apply->import_count && plan->list_count; i++) {
		struct prepared *prepared = &apply->imports[i]->prepared;

		if (prepared_outdated(prepared, apply->ask.gate))
			return error_set(
				error, ERROR_CONFLICT,
				"a named list was changed while account %s was prepared: apply again",
				apply->imports[i]->change.account);
		prepared->named_given = true;
	}
	return 0;
}

static int apply_prepared(struct policy_job *job, struct policy_plan *plan)
{
	struct apply *apply = job->apply;
	int err = policy_plan_make(&apply->ask, plan, &job->call->error);

	if (!err)
		err = give_lists(job, plan);
	for (size_t i = 0; i < plan->part_count && !err; i++) {
		struct policy_part *part = &plan->parts[i];

		part->imports = false;
		take_import(apply, part);
	}
	if (err == -EAGAIN)
		err = error_set(&job->call->error, ERROR_CONFLICT,
				"the policy was changed while this one was prepared: apply it again");
	return err ? err : put_in_force(job, plan);
}

static void prepare_done(void *arg, bool ran)
{
	struct policy_job *job = arg;
	struct policy_plan plan = {0};
	int err = policy_job_result(job, ran);

	if (!err)
		err = apply_prepared(job, &plan);
	policy_plan_clear(&plan);
	finish(job, err);
}

static int hold_all(struct policy_job *job, const struct policy_plan *plan)
{
	struct apply *apply = job->apply;
	struct ag_error *error = &job->call->error;

	apply->held = calloc(plan->part_count, sizeof(*apply->held));
	apply->imports = calloc(plan->part_count, sizeof(struct import *));
	if (!apply->held || !apply->imports)
		return error_set(error, ERROR_STORE, "no memory to prepare the policy");
	for (size_t i = 0; i < plan->part_count; i++) {
		const char *account = plan->parts[i].account;

		if (imports_hold(job->policies->imports, account) || policies_hold(job->policies, account))
			return error_set(error, ERROR_CONFLICT,
					 "an import of account %s is under way: apply again when it is done",
					 account);
		(void)snprintf(apply->held[i], NAME_SIZE, "%s", account);
	}
	apply->held_count = plan->part_count;
	return 0;
}

/* The document's own entries become the import's. */
static int new_import(struct apply *apply, const struct policy_plan *plan, const struct policy_part *part,
		      struct ag_error *error)
{
	struct change change = policy_plan_import(plan, part);
	enum import_what what = policy_plan_import_what(part);
	struct import *import = NULL;
	int err = import_new(apply->ask.gate, &change, what, &import, error);

	if (err)
		return err;
	apply->imports[apply->import_count++] = import;
	import->lists_of = &apply->document;
	for (size_t i = 0; i < apply->document.account_count && what == IMPORT_WHOLE; i++) {
		struct policydoc_account *asked = &apply->document.accounts[i];

		if (asked != part->entries->asked)
			continue;
		import->list = asked->entries;
		asked->entries = (struct list){0};
	}
	return 0;
}

static int prepare(struct policy_job *job, const struct policy_plan *plan)
{
	int err = hold_all(job, plan);

	for (size_t i = 0; i < plan->part_count && !err; i++)
		if (plan->parts[i].imports)
			err = new_import(job->apply, plan, &plan->parts[i], &job->call->error);
	return err ? err : policy_job_submit(job, prepare_run, prepare_done);
}

/* --- the document, and what differs ------------------------------------------ */

static void compare_run(void *arg)
{
	struct policy_job *job = arg;
	struct apply *apply = job->apply;
	const struct options *options = apply->ask.gate->options;
	const struct httpd_request *request = job->call->request;
	struct policydoc_limits limits = {.accounts = options->max_accounts,
					  .services = options->max_services,
					  .entries = options->max_entries,
					  .lists = NAMED_LISTS_MAX,
					  .list_entries = NAMED_ENTRIES_MAX};

	job->err = 0;
	job->error = (struct ag_error){0};
	if (!apply->read)
		job->err = policydoc_read(request->body, request->body_length, &limits, &apply->document,
					  &job->error);
	apply->read = !job->err;
	if (!job->err)
		job->err = policy_compare(job->store, &apply->document, &job->cancel, &apply->comparison,
					  &job->error);
}

static void compare_done(void *arg, bool ran);

/* 0: it goes on, or is done (*ret_done). */
static int go_on(struct policy_job *job, struct policy_plan *plan, bool *ret_done)
{
	struct apply *apply = job->apply;
	bool imports = false;
	int err = policy_plan_make(&apply->ask, plan, &job->call->error);

	if (err == -EAGAIN && ++apply->attempts < ATTEMPTS_MAX) {
		policy_comparison_clear(&apply->comparison);
		return policy_job_submit(job, compare_run, compare_done);
	}
	if (err == -EAGAIN)
		err = error_set(&job->call->error, ERROR_CONFLICT,
				"the policy changes faster than it can be compared: apply it again");
	for (size_t i = 0; i < plan->part_count; i++)
		imports |= plan->parts[i].imports;
	if (!err && imports)
		return prepare(job, plan);
	*ret_done = true;
	return err ? err : put_in_force(job, plan);
}

static void compare_done(void *arg, bool ran)
{
	struct policy_job *job = arg;
	struct policy_plan plan = {0};
	bool done = false;
	int err = policy_job_result(job, ran);

	if (!err)
		err = go_on(job, &plan, &done);
	policy_plan_clear(&plan);
	if (err || done)
		finish(job, err);
}

int policies_apply(struct call *call)
{
	struct policy_job *job = NULL;
	struct apply *apply = calloc(1, sizeof(*apply));
	int err = apply ? policy_job_new(call, &job) : call_answer(call, NULL);

	if (err) {
		free(apply);
		return err;
	}
	job->apply = apply;
	apply->ask = (struct policy_ask){
		.gate = call->gate,
		.actor = call->actor,
		.open = call->open,
		.force = call->force,
		.dry_run = call->dry_run,
		.confirm_within = call->confirm_within,
		.document = &apply->document,
		.comparison = &apply->comparison,
	};
	err = policy_job_submit(job, compare_run, compare_done);
	if (err) {
		apply_free(apply);
		policy_job_free(job, false);
	}
	return err;
}
