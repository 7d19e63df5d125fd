// SPDX-License-Identifier: GPL-2.0-only
/*
 * differences.c - a queue of comparisons, each of which gets a slice in its turn
 */
#include "userspace/daemon/differences.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "userspace/core/request.h"
#include "userspace/io/loop.h"

#define STEP_ENTRIES 1000

/* Entries of one kind: how many there are, and the first of them. */
struct found {
	json_int_t count;
	json_t *items; /* an array */
};

struct difference_job {
	TAILQ_ENTRY(difference_job) link;
	struct call *call;
	struct store_difference *difference;
	uint64_t from;
	uint64_t to;
	json_t *settings;
	struct found added;
	struct found removed;
	struct found changed;
};

TAILQ_HEAD(difference_jobs, difference_job);

struct differences {
	struct gate *gate;
	struct loop_idle *idle;
	struct difference_jobs jobs;
};

/* --- what is found ----------------------------------------------------------- */

static int find(struct found *found, json_t *item)
{
	found->count++;
	return json_array_append_new(found->items, item) ? -ENOMEM : 0;
}

static bool has_room(struct found *found)
{
	if (json_array_size(found->items) < DIFFERENCE_ENTRIES_MAX)
		return true;
	found->count++;
	return false;
}

static int visit(const struct entry *before, const struct entry *after, void *arg)
{
	struct difference_job *job = arg;
	struct found *found = !before ? &job->added : !after ? &job->removed : &job->changed;

	if (!has_room(found))
		return 0;
	if (before && after)
		return find(found, json_pack("{s:o, s:o}", "before", json_entry(before), "after",
					     json_entry(after)));
	return find(found, json_entry(before ? before : after));
}

static int set_setting(json_t *settings, const char *name, const char *before, const char *after)
{
	return strcmp(before, after)
		       ? json_object_set_new(settings, name,
					     json_pack("{s:s, s:s}", "before", before, "after", after))
		       : 0;
}

static json_t *compare_settings(const struct account *before, const struct account *after)
{
	char was[ON_DENY_TEXT_MAX], is[ON_DENY_TEXT_MAX];
	json_t *settings = json_object();
	int failed = !settings;

	on_deny_format(&before->on_deny, was);
	on_deny_format(&after->on_deny, is);
	if (!failed)
		failed = set_setting(settings, "mode", mode_name(before->mode), mode_name(after->mode)) ||
			 set_setting(settings, "on_deny", was, is) ||
			 set_setting(settings, "label", before->label ? before->label : "",
				     after->label ? after->label : "");
	if (!failed)
		return settings;
	json_decref(settings);
	return NULL;
}

static json_t *answer_of(const struct difference_job *job)
{
	json_t *answer = json_pack("{s:I, s:I, s:O, s:O, s:O, s:{s:I, s:I, s:I}}", "from",
				   (json_int_t)job->from, "to", (json_int_t)job->to, "added",
				   job->added.items, "removed", job->removed.items, "changed",
				   job->changed.items, "counts", "added", job->added.count, "removed",
				   job->removed.count, "changed", job->changed.count);

	if (answer && json_object_size(job->settings) && json_object_set(answer, "settings", job->settings)) {
		json_decref(answer);
		answer = NULL;
	}
	return answer;
}

/* --- the queue ---------------------------------------------------------------- */

static void job_free(struct difference_job *job)
{
	store_difference_close(job->difference);
	json_decref(job->settings);
	json_decref(job->added.items);
	json_decref(job->removed.items);
	json_decref(job->changed.items);
	free(job);
}

static void finish(struct differences *differences, struct difference_job *job, int err)
{
	struct call *call = job->call;

	TAILQ_REMOVE(&differences->jobs, job, link);
	if (!err)
		err = call_answer(call, answer_of(job));
	job_free(job);
	api_finish(call, err);
}

static int step(struct differences *differences, struct difference_job *job, bool *ret_done)
{
	struct ag_error *error = &job->call->error;
	struct store *store = differences->gate->store;
	int err;

	*ret_done = false;
	if (!store)
		return error_set(error, ERROR_CONFLICT,
				 "the store went while its lists were compared: try again");
	err = store_difference_step(store, job->difference, STEP_ENTRIES, visit, job, ret_done, error);
	return err == -ENOMEM && error->code == ERROR_NONE ? call_answer(job->call, NULL) : err;
}

static bool work(void *arg)
{
	struct differences *differences = arg;
	struct difference_job *job = TAILQ_FIRST(&differences->jobs);
	bool done;
	int err;

	if (!job)
		return false;
	err = step(differences, job, &done);
	if (err || done) {
		finish(differences, job, err);
	} else {
		TAILQ_REMOVE(&differences->jobs, job, link);
		TAILQ_INSERT_TAIL(&differences->jobs, job, link);
	}
	return !TAILQ_EMPTY(&differences->jobs);
}

int differences_new(struct gate *gate, struct loop *loop, struct differences **ret)
{
	struct differences *differences = calloc(1, sizeof(*differences));
	int err;

	if (!differences)
		return -ENOMEM;
	differences->gate = gate;
	TAILQ_INIT(&differences->jobs);
	err = loop_add_idle(loop, work, differences, &differences->idle);
	if (err) {
		free(differences);
		return err;
	}
	*ret = differences;
	return 0;
}

void differences_free(struct differences *differences)
{
	struct difference_job *job;

	if (!differences)
		return;
	while ((job = TAILQ_FIRST(&differences->jobs))) {
		job->call->busy = true;
		finish(differences, job,
		       error_set(&job->call->error, ERROR_CONFLICT,
				 "the daemon is leaving: try again when it is back"));
	}
	free(differences);
}

/* Both generations' rows, and what differs in their settings. */
static int prepare(struct difference_job *job)
{
	struct call *call = job->call;
	struct store *store = call->gate->store;
	struct store_history before = {0}, after = {0};
	int64_t id = call->account->id;
	int err = store_history_find(store, id, job->from, &before, &call->error);

	if (!err && job->to)
		err = store_history_find(store, id, job->to, &after, &call->error);
	if (!err)
		err = store_difference_open(store, id, job->from, job->to, &job->difference, &call->error);
	if (!err) {
		job->settings = compare_settings(&before.account, job->to ? &after.account : call->account);
		if (!job->settings)
			err = call_answer(call, NULL);
	}
	if (!job->to)
		job->to = call->account->generation;
	account_clear(&before.account);
	account_clear(&after.account);
	return err;
}

int differences_start(struct call *call, uint64_t from, uint64_t to)
{
	struct differences *differences = call->api->differences;
	struct difference_job *job = calloc(1, sizeof(*job));
	int err;

	if (!job)
		return call_answer(call, NULL);
	*job = (struct difference_job){.call = call, .from = from, .to = to};
	job->added.items = json_array();
	job->removed.items = json_array();
	job->changed.items = json_array();
	err = prepare(job);
	if (!err && (!job->added.items || !job->removed.items || !job->changed.items))
		err = call_answer(call, NULL);
	if (!err)
		err = call_wait(call);
	if (err) {
		job_free(job);
		return err;
	}
	TAILQ_INSERT_TAIL(&differences->jobs, job, link);
	loop_idle_wake(differences->idle);
	return 0;
}
