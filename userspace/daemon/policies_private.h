/* SPDX-License-Identifier: GPL-2.0-only */
/* policies_private.h - what the files of policies.h share */
#pragma once

#include <sys/queue.h>

#include "userspace/daemon/policies.h"

struct apply;

struct policy_job {
	TAILQ_ENTRY(policy_job) link;
	struct policies *policies;
	struct call *call;
	const struct store *store;
	char account[NAME_SIZE]; /* of an export; "": the whole host */
	bool cancel;		 /* set by the loop: end soon */
	struct buffer text;	 /* of an export */
	struct apply *apply;	 /* NULL: it is another job */
	uint64_t rows;		 /* of the audit log, that were verified */
	int err;		 /* of the worker */
	struct ag_error error;
};

TAILQ_HEAD(policy_jobs, policy_job);

struct policies {
	struct gate *gate;
	struct imports *imports;
	struct policy_jobs jobs;
	bool leaving;
};

int policy_job_new(struct call *call, struct policy_job **ret);
/* Runs in the worker, then is told of it. The error is the call's; the job stays. */
int policy_job_submit(struct policy_job *job, void (*run)(void *arg), void (*done)(void *arg, bool ran));
/* What the worker says, or, where the daemon leaves before that, does not. */
int policy_job_result(struct policy_job *job, bool ran);
/* Takes it out of its list. `large`: much memory was had. */
void policy_job_free(struct policy_job *job, bool large);

/* policies_apply.c */
void apply_cancel(struct apply *apply);
bool apply_holds(const struct apply *apply, const char *account);
/* ERROR_CONFLICT where too many wait. */
int apply_park(struct apply *apply, struct call *call);
