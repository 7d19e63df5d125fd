// SPDX-License-Identifier: GPL-2.0-only
/*
 * policies_audit.c - the chain of the audit log recomputed by the worker: a million rows take seconds
 */
#include "userspace/daemon/policies_private.h"

#include "userspace/core/cleanup.h"

DEFINE_CLEANUP(snapshot, struct store *, store_snapshot_close)

static void verify_run(void *arg)
{
	struct policy_job *job = arg;
	CLEANUP(cleanup_snapshot) struct store *snapshot = NULL;

	job->err = store_snapshot_open(job->store, &snapshot, &job->error);
	if (!job->err)
		job->err = store_audit_verify(snapshot, &job->rows, &job->error);
}

static void verify_done(void *arg, bool ran)
{
	struct policy_job *job = arg;
	struct call *call = job->call;
	int err = policy_job_result(job, ran);

	if (!err)
		err = call_answer(call, json_pack("{s:I, s:b}", "rows", (json_int_t)job->rows, "intact", 1));
	policy_job_free(job, false);
	api_finish(call, err);
}

int policies_verify_audit(struct call *call)
{
	struct policy_job *job = NULL;
	int err = policy_job_new(call, &job);

	if (err)
		return err;
	err = policy_job_submit(job, verify_run, verify_done);
	if (err)
		policy_job_free(job, false);
	return err;
}
