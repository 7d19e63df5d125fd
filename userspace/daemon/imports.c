// SPDX-License-Identifier: GPL-2.0-only
/*
 * imports.c - one worker, and for each account with an import the calls that wait for its end
 */
#include "userspace/daemon/imports.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "userspace/daemon/worker.h"

/* An import on its way, and who waits for it. */
struct job {
	TAILQ_ENTRY(job) link;
	struct imports *imports;
	struct call *call; /* NULL: nobody's, and `done` hears of its end */
	imports_done done;
	void *arg;
	struct import *import; /* NULL: several, which are somebody else's */
	struct import **group;
	size_t group_count;
	char account[NAME_SIZE];
	struct call *parked[PARKED_MAX];
	size_t parked_count;
};

TAILQ_HEAD(jobs, job);

struct imports {
	struct gate *gate;
	struct worker *worker;
	struct jobs jobs;
	bool leaving;
};

int imports_new(struct gate *gate, struct loop *loop, struct imports **ret)
{
	struct imports *imports = calloc(1, sizeof(*imports));
	int err;

	if (!imports)
		return -ENOMEM;
	imports->gate = gate;
	TAILQ_INIT(&imports->jobs);
	err = worker_new(loop, &imports->worker);
	if (err) {
		free(imports);
		return err;
	}
	*ret = imports;
	return 0;
}

static void cancel(struct job *job)
{
	if (job->import)
		__atomic_store_n(&job->import->cancel, true, __ATOMIC_RELAXED);
	for (size_t i = 0; i < job->group_count; i++)
		__atomic_store_n(&job->group[i]->cancel, true, __ATOMIC_RELAXED);
}

void imports_free(struct imports *imports)
{
	struct job *job;

	if (!imports)
		return;
	imports->leaving = true;
	TAILQ_FOREACH(job, &imports->jobs, link)
	cancel(job);
	worker_free(imports->worker);
	free(imports);
}

bool imports_busy(const struct imports *imports)
{
	return !TAILQ_EMPTY(&imports->jobs);
}

static bool holds(const struct job *job, const char *account)
{
	for (size_t i = 0; i < job->group_count; i++)
		if (!strcmp(job->group[i]->change.account, account))
			return true;
	return !strcmp(job->account, account);
}

static struct job *find_job(const struct imports *imports, const char *account)
{
	struct job *job;

	TAILQ_FOREACH(job, &imports->jobs, link)
	if (holds(job, account))
		return job;
	return NULL;
}

bool imports_hold(const struct imports *imports, const char *account)
{
	return account && find_job(imports, account);
}

int imports_park(struct call *call)
{
	struct job *job = find_job(call->api->imports, call->match.account);
	int err;

	if (job->parked_count == PARKED_MAX)
		return error_set(&call->error, ERROR_CONFLICT,
				 "an import of this account's list is under way: try again when it is done");
	err = call_wait(call);
	if (!err)
		job->parked[job->parked_count++] = call;
	return err;
}

int imports_submit(struct imports *imports, void (*run)(void *arg), void (*done)(void *arg, bool ran),
		   void *arg)
{
	return worker_submit(imports->worker, run, done, arg);
}

/* --- an import ends -------------------------------------------------------- */

/* In their order; one that begins an import again has the others wait for that one. */
static void wake_parked(struct job *job)
{
	for (size_t i = 0; i < job->parked_count; i++) {
		struct call *call = job->parked[i];

		if (!job->imports->leaving) {
			api_resume(call);
			continue;
		}
		call->busy = true;
		api_finish(call, error_set(&call->error, ERROR_CONFLICT,
					   "the daemon is leaving: try again when it is back"));
	}
}

static int leaving(struct job *job, struct ag_error *error)
{
	if (job->call)
		job->call->busy = true;
	return error_set(error, ERROR_CONFLICT,
			 "the daemon is leaving, and nothing was changed: try again when it is back");
}

static int conclude(struct job *job, bool ran, struct ag_error *error)
{
	struct call *call = job->call;
	struct outcome outcome = {0};
	int err;

	if (!ran || job->imports->leaving)
		return leaving(job, error);
	err = import_apply(job->import, &outcome, error);
	if (!err && call)
		err = call_outcome(call, &outcome);
	outcome_clear(&outcome);
	return err;
}

static void job_done(void *arg, bool ran)
{
	struct job *job = arg;
	struct ag_error own = {0};
	int err = conclude(job, ran, job->call ? &job->call->error : &own);

	import_free(job->import);
	TAILQ_REMOVE(&job->imports->jobs, job, link);
	if (job->call)
		api_finish(job->call, err);
	else
		job->done(job->arg, err, &own);
	wake_parked(job);
	free(job);
}

static int conclude_group(struct job *job, bool ran, struct ag_error *error)
{
	if (!ran || job->imports->leaving)
		return leaving(job, error);
	for (size_t i = 0; i < job->group_count; i++) {
		if (!job->group[i]->err)
			continue;
		*error = job->group[i]->error;
		return job->group[i]->err;
	}
	return 0;
}

static void group_done(void *arg, bool ran)
{
	struct job *job = arg;
	struct ag_error why = {0};
	int err = conclude_group(job, ran, &why);

	TAILQ_REMOVE(&job->imports->jobs, job, link);
	job->done(job->arg, err, &why);
	wake_parked(job);
	free(job);
}

static void group_run(void *arg)
{
	struct job *job = arg;
	int err = 0;

	for (size_t i = 0; i < job->group_count && !err; i++) {
		import_prepare(job->group[i]);
		err = job->group[i]->err;
	}
}

static void job_run(void *arg)
{
	struct job *job = arg;

	import_prepare(job->import);
}

/* --- an import begins ------------------------------------------------------ */

/* The media type alone decides: what stands behind a semicolon are its parameters. */
enum list_form imports_form(const struct call *call)
{
	static const char *const types[] = {[LIST_TEXT] = "text/plain", [LIST_CSV] = "text/csv"};
	const char *value = httpd_header(call->request, "Content-Type", NULL);

	for (enum list_form form = LIST_TEXT; value && form <= LIST_CSV; form++)
		if (!strncasecmp(value, types[form], strlen(types[form])) &&
		    strchr("; \t", value[strlen(types[form])]))
			return form;
	return LIST_JSON;
}

static int submit(struct job *job, struct ag_error *error)
{
	struct call *call = job->call;
	int err = call ? call_wait(call) : 0;

	if (err)
		return err;
	if (!worker_submit(job->imports->worker, job->import ? job_run : group_run,
			   job->import ? job_done : group_done, job))
		return 0;
	if (call)
		call->busy = true;
	return error_set(error, ERROR_LIMIT, "%d imports are under way already: try again when one is done",
			 WORKER_JOBS_MAX);
}

static int job_new(struct imports *imports, const struct change *change, enum import_what what,
		   struct job **ret, struct ag_error *error)
{
	struct job *job = calloc(1, sizeof(*job));
	int err = job ? import_new(imports->gate, change, what, &job->import, error)
		      : error_set(error, ERROR_STORE, "no memory for the import");

	if (err) {
		free(job);
		return err;
	}
	job->imports = imports;
	(void)snprintf(job->account, sizeof(job->account), "%s", change->account);
	*ret = job;
	return 0;
}

static int job_start(struct job *job, struct ag_error *error)
{
	struct imports *imports = job->imports;
	int err;

	TAILQ_INSERT_TAIL(&imports->jobs, job, link);
	err = submit(job, error);
	if (err) {
		TAILQ_REMOVE(&imports->jobs, job, link);
		import_free(job->import);
		free(job);
	}
	return err;
}

int imports_start(struct call *call, const struct change *change, enum import_what what, bool body)
{
	struct job *job;
	int err = job_new(call->api->imports, change, what, &job, &call->error);

	if (err)
		return err;
	job->call = call;
	if (body) {
		job->import->body = call->request->body;
		job->import->body_length = call->request->body_length;
		job->import->form = imports_form(call);
	}
	return job_start(job, &call->error);
}

int imports_start_own(struct imports *imports, const struct change *change, enum import_what what,
		      imports_done done, void *arg, struct ag_error *error)
{
	struct job *job;
	int err = job_new(imports, change, what, &job, error);

	if (err)
		return err;
	job->done = done;
	job->arg = arg;
	return job_start(job, error);
}

int imports_start_all(struct imports *imports, struct import **list, size_t count, imports_done done,
		      void *arg, struct ag_error *error)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return error_set(error, ERROR_STORE, "no memory for the imports");
	job->imports = imports;
	job->group = list;
	job->group_count = count;
	job->done = done;
	job->arg = arg;
	return job_start(job, error);
}
