// SPDX-License-Identifier: GPL-2.0-only
/*
 * policies.c - jobs of the worker that concern the whole policy, and exports
 *
 * A job is the loop's but while the worker runs it, which then uses nothing but the job's own and, of the
 * store, a snapshot. The store is not closed while there is one (api_busy()).
 */
#include "userspace/daemon/policies_private.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/daemon/imports.h"
#include "userspace/daemon/policy_export.h"
#include "userspace/daemon/worker.h"

#define LARGE ((size_t)16 << 20) /* bytes of a text */

int policies_new(struct gate *gate, struct imports *imports, struct policies **ret)
{
	struct policies *policies = calloc(1, sizeof(*policies));

	if (!policies)
		return -ENOMEM;
	policies->gate = gate;
	policies->imports = imports;
	TAILQ_INIT(&policies->jobs);
	*ret = policies;
	return 0;
}

void policies_cancel(struct policies *policies)
{
	struct policy_job *job;

	if (!policies)
		return;
	policies->leaving = true;
	TAILQ_FOREACH(job, &policies->jobs, link)
	{
		__atomic_store_n(&job->cancel, true, __ATOMIC_RELAXED);
		if (job->apply)
			apply_cancel(job->apply);
	}
}

void policies_free(struct policies *policies)
{
	free(policies);
}

bool policies_busy(const struct policies *policies)
{
	return !TAILQ_EMPTY(&policies->jobs);
}

static struct apply *find_holder(const struct policies *policies, const char *account)
{
	struct policy_job *job;

	TAILQ_FOREACH(job, &policies->jobs, link)
	if (account && job->apply && apply_holds(job->apply, account))
		return job->apply;
	return NULL;
}

bool policies_hold(const struct policies *policies, const char *account)
{
	return find_holder(policies, account);
}

int policies_park(struct call *call)
{
	return apply_park(find_holder(call->api->policies, call->match.account), call);
}

/* --- jobs ------------------------------------------------------------------ */

int policy_job_new(struct call *call, struct policy_job **ret)
{
	struct policies *policies = call->api->policies;
	struct policy_job *job = calloc(1, sizeof(*job));

	if (!job)
		return call_answer(call, NULL);
	job->policies = policies;
	job->call = call;
	job->store = call->gate->store;
	TAILQ_INSERT_TAIL(&policies->jobs, job, link);
	*ret = job;
	return 0;
}

void policy_job_free(struct policy_job *job, bool large)
{
	TAILQ_REMOVE(&job->policies->jobs, job, link);
	buffer_clear(&job->text);
	free(job);
	if (large)
		(void)malloc_trim(0); /* gives back what it can */
}

int policy_job_submit(struct policy_job *job, void (*run)(void *arg), void (*done)(void *arg, bool ran))
{
	struct call *call = job->call;
	int err = call_wait(call);

	if (err || !imports_submit(job->policies->imports, run, done, job))
		return err;
	call->busy = true;
	return error_set(&call->error, ERROR_LIMIT,
			 "%d imports and exports are under way already: try again when one is done",
			 WORKER_JOBS_MAX);
}

int policy_job_result(struct policy_job *job, bool ran)
{
	struct call *call = job->call;

	if (!ran || job->policies->leaving) {
		call->busy = true;
		return error_set(&call->error, ERROR_CONFLICT,
				 "the daemon is leaving, and nothing was changed: try again when it is back");
	}
	call->error = job->error;
	return job->err;
}

/* --- export ---------------------------------------------------------------- */

static void export_run(void *arg)
{
	struct policy_job *job = arg;

	job->err = policy_export(job->store, job->account, &job->cancel, &job->text, &job->error);
}

static void export_done(void *arg, bool ran)
{
	struct policy_job *job = arg;
	struct call *call = job->call;
	int err = policy_job_result(job, ran);
	bool large = job->text.capacity > LARGE;

	if (!err) {
		call->text = job->text;
		call->text_type = "application/json";
		job->text = (struct buffer){0};
	}
	policy_job_free(job, large);
	api_finish(call, err);
}

int policies_export(struct call *call)
{
	struct policy_job *job = NULL;
	int err = policy_job_new(call, &job);

	if (err)
		return err;
	if (call->account)
		memcpy(job->account, call->account->name, sizeof(job->account));
	err = policy_job_submit(job, export_run, export_done);
	if (err)
		policy_job_free(job, false);
	return err;
}
