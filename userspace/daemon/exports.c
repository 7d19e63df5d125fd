// SPDX-License-Identifier: GPL-2.0-only
/*
 * exports.c - a queue of exports, of which the first is written a page at a time
 *
 * A list that changes while it is written is begun again: what is answered is what the list was at one
 * moment.
 */
#include "userspace/daemon/exports.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "userspace/core/listtext.h"
#include "userspace/io/loop.h"

#define PAGE_ENTRIES 2000
#define ATTEMPTS_MAX 5

struct export_job {
	TAILQ_ENTRY(export_job) link;
	struct call *call;
	char account[NAME_SIZE];
	uint64_t generation;  /* of the account when it was begun */
	struct prefix behind; /* the last entry written */
	bool begun;
	unsigned int attempts;
};

TAILQ_HEAD(export_jobs, export_job);

struct exports {
	struct gate *gate;
	struct loop_idle *idle;
	struct export_jobs jobs;
};

static int begin(struct export_job *job, const struct account *account)
{
	struct ag_error *error = &job->call->error;

	if (job->attempts++ == ATTEMPTS_MAX)
		return error_set(error, ERROR_CONFLICT,
				 "the list of account %s changes faster than it can be written: try again",
				 job->account);
	buffer_clear(&job->call->text);
	(void)buffer_append(&job->call->text, "", 0); /* an empty list is an empty text, not none */
	job->generation = account->generation;
	call_tag(job->call, account);
	job->behind = (struct prefix){0};
	job->begun = false;
	return 0;
}

static int write_page(struct exports *exports, struct export_job *job, const struct account *account,
		      bool *ret_more)
{
	struct ag_error *error = &job->call->error;
	struct list list = {0};
	int err = store_list_page(exports->gate->store, account->id, job->begun ? &job->behind : NULL,
				  PAGE_ENTRIES, &list, error);

	for (size_t i = 0; i < list.count && !err; i++)
		listtext_format(&list.entries[i], &job->call->text);
	if (!err && job->call->text.failed)
		err = error_set(error, ERROR_STORE, "no memory for the text of %zu entries",
				account_entries(account));
	if (!err && list.count) {
		job->behind = list.entries[list.count - 1].prefix;
		job->begun = true;
	}
	*ret_more = list.count == PAGE_ENTRIES;
	list_clear(&list);
	return err;
}

static int step(struct exports *exports, struct export_job *job, bool *ret_more)
{
	struct ag_error *error = &job->call->error;
	const struct account *account = gate_account(exports->gate, job->account);
	int err = 0;

	*ret_more = false;
	if (!account || !exports->gate->store)
		return error_set(error, ERROR_CONFLICT, "account %s went while its list was written",
				 job->account);
	if (!job->attempts || job->generation != account->generation)
		err = begin(job, account);
	return err ? err : write_page(exports, job, account, ret_more);
}

static void finish(struct exports *exports, struct export_job *job, int err)
{
	TAILQ_REMOVE(&exports->jobs, job, link);
	api_finish(job->call, err);
	free(job);
}

/* Export after export: each gets a page in its turn. */
static bool work(void *arg)
{
	struct exports *exports = arg;
	struct export_job *job = TAILQ_FIRST(&exports->jobs);
	bool more;
	int err;

	if (!job)
		return false;
	err = step(exports, job, &more);
	if (err || !more) {
		finish(exports, job, err);
	} else {
		TAILQ_REMOVE(&exports->jobs, job, link);
		TAILQ_INSERT_TAIL(&exports->jobs, job, link);
	}
	return !TAILQ_EMPTY(&exports->jobs);
}

int exports_new(struct gate *gate, struct loop *loop, struct exports **ret)
{
	struct exports *exports = calloc(1, sizeof(*exports));
	int err;

	if (!exports)
		return -ENOMEM;
	exports->gate = gate;
	TAILQ_INIT(&exports->jobs);
	err = loop_add_idle(loop, work, exports, &exports->idle);
	if (err) {
		free(exports);
		return err;
	}
	*ret = exports;
	return 0;
}

void exports_free(struct exports *exports)
{
	struct export_job *job;

	if (!exports)
		return;
	while ((job = TAILQ_FIRST(&exports->jobs))) {
		job->call->busy = true;
		finish(exports, job,
		       error_set(&job->call->error, ERROR_CONFLICT,
				 "the daemon is leaving: try again when it is back"));
	}
	free(exports);
}

int exports_start(struct call *call)
{
	struct exports *exports = call->api->exports;
	struct export_job *job = calloc(1, sizeof(*job));
	int err = job ? call_wait(call) : call_answer(call, NULL);

	if (err) {
		free(job);
		return err;
	}
	job->call = call;
	(void)snprintf(job->account, sizeof(job->account), "%s", call->account->name);
	TAILQ_INSERT_TAIL(&exports->jobs, job, link);
	loop_idle_wake(exports->idle);
	return 0;
}
