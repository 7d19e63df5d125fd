// SPDX-License-Identifier: GPL-2.0-only
/*
 * confirms.c - see confirms.h
 *
 * What waits is read from the store whenever it has become other (gate->pending_version), and kept here
 * without what it takes to take it back, so that the loop can ask how long it may sleep at no cost.
 */
#include "userspace/daemon/confirms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "userspace/daemon/imports.h"
#include "userspace/daemon/pending.h"
#include "userspace/daemon/takeback.h"
#include "userspace/io/log.h"
#include "userspace/io/loop.h"

#define TICK_MS	     500
#define RETRY_MAX_S  60
#define FAILURES_MAX 6 /* 2^6 s are more than that */

struct waiting {
	enum pending_subject subject;
	char name[NAME_SIZE];
	uint64_t generation;
	struct deadline deadline;
	bool running; /* the worker is taking it back */
	unsigned int failures;
	int64_t retry_up; /* not before this, by the time since boot */
};

struct confirms {
	struct gate *gate;
	struct imports *imports;
	struct waiting *waiting;
	size_t count;
	uint64_t version; /* of what was read: gate->pending_version */
	bool read;
	int64_t next_ms; /* when to look again */
	int fd;		 /* never readable: the loop hangs the timeout on it */
};

/* --- what waits ------------------------------------------------------------- */

static struct waiting *find(const struct confirms *confirms, const struct store_pending *row)
{
	for (size_t i = 0; i < confirms->count; i++)
		if (confirms->waiting[i].generation == row->generation &&
		    confirms->waiting[i].subject == row->subject &&
		    !strcmp(confirms->waiting[i].name, row->name))
			return &confirms->waiting[i];
	return NULL;
}

/* What is known of one that waited before stays. */
static struct waiting waiting_of(const struct confirms *confirms, const struct store_pending *row)
{
	const struct waiting *before = find(confirms, row);
	struct waiting waiting = {.subject = row->subject, .generation = row->generation};

	if (before)
		waiting = *before;
	waiting.deadline = row->deadline;
	memcpy(waiting.name, row->name, sizeof(waiting.name));
	return waiting;
}

static int take_rows(struct confirms *confirms, const struct store_pending *rows, size_t count)
{
	struct waiting *waiting = calloc(count + 1, sizeof(*waiting));

	if (!waiting)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		waiting[i] = waiting_of(confirms, &rows[i]);
	free(confirms->waiting);
	confirms->waiting = waiting;
	confirms->count = count;
	return 0;
}

/* A deadline of before the last boot is given this one's clock. */
static int adopt(struct confirms *confirms, struct store_pending *row, struct ag_error *error)
{
	struct moment now = pending_now();
	struct store *store = confirms->gate->store;
	int err;

	if (!deadline_adopt(&row->deadline, &now))
		return 0;
	err = store_begin(store, error);
	if (err)
		return err;
	err = store_pending_remove(store, row->subject, row->name, error);
	if (!err)
		err = store_pending_add(store, row, error);
	if (!err)
		return store_commit(store, error);
	store_rollback(store);
	return err;
}

static int read_rows(struct confirms *confirms, struct ag_error *error)
{
	struct store_pending *rows = NULL;
	size_t count = 0;
	int err = store_pendings(confirms->gate->store, &rows, &count, error);

	for (size_t i = 0; i < count && !err; i++)
		err = adopt(confirms, &rows[i], error);
	if (!err && take_rows(confirms, rows, count))
		err = error_set(error, ERROR_STORE, "no memory for %zu changes", count);
	store_pendings_free(rows, count);
	return err;
}

/* As it is in the store; what was read before, where that cannot be read. */
static void refresh(struct confirms *confirms)
{
	const struct gate *gate = confirms->gate;
	struct ag_error why = {0};

	if (confirms->read && confirms->version == gate->pending_version)
		return;
	confirms->version = gate->pending_version;
	confirms->read = !read_rows(confirms, &why);
	if (!confirms->read)
		log_error("the changes that wait to be confirmed cannot be read: %s", why.message);
}

static bool can_run(const struct confirms *confirms)
{
	return confirms->gate->store && !confirms->gate->reason[0];
}

/* --- what is due ------------------------------------------------------------ */

/* A change that the worker is taking back. */
struct attempt {
	struct confirms *confirms;
	struct store_pending row; /* without what takes it back */
};

static void failed(struct waiting *waiting, const struct ag_error *why)
{
	int64_t pause = INT64_C(1) << waiting->failures;

	if (waiting->failures < FAILURES_MAX)
		waiting->failures++;
	waiting->retry_up = pending_now().up + (pause < RETRY_MAX_S ? pause : RETRY_MAX_S);
	log_error("the change of %s '%s' was not confirmed, and cannot be taken back yet: %s",
		  pending_subject_name(waiting->subject), waiting->name, why->message);
}

static void settle(struct waiting *waiting, const struct store_pending *row, int err,
		   const struct ag_error *why)
{
	if (err && waiting)
		failed(waiting, why);
	else if (!err)
		log_notice("the change of %s '%s' (%s) was not confirmed in time: taken back",
			   pending_subject_name(row->subject), row->name, row->action);
}

static void attempted(void *arg, int err, const struct ag_error *why)
{
	struct attempt *attempt = arg;
	struct waiting *waiting = find(attempt->confirms, &attempt->row);

	if (waiting)
		waiting->running = false;
	settle(waiting, &attempt->row, err, why);
	free(attempt);
}

static struct attempt *attempt_new(struct confirms *confirms, const struct store_pending *row)
{
	struct attempt *attempt = calloc(1, sizeof(*attempt));

	if (!attempt)
		return NULL;
	attempt->confirms = confirms;
	attempt->row = *row;
	attempt->row.claims = attempt->row.inverse = NULL;
	return attempt;
}

static int attempt_row(struct confirms *confirms, const struct store_pending *row, struct ag_error *error)
{
	struct attempt *attempt = attempt_new(confirms, row);
	int err = attempt ? takeback_expired(confirms->gate, confirms->imports, row, attempted, attempt,
					     error)
			  : error_set(error, ERROR_STORE, "no memory to take it back");

	if (err != -EINPROGRESS)
		free(attempt);
	return err;
}

static void take_back(struct confirms *confirms, struct waiting *waiting)
{
	struct store_pending row = {0};
	struct ag_error why = {0};
	int err = store_pending_find(confirms->gate->store, waiting->subject, waiting->name, &row, &why);

	if (!err)
		err = attempt_row(confirms, &row, &why);
	waiting->running = err == -EINPROGRESS;
	if (err != -EINPROGRESS && err != -EAGAIN)
		settle(waiting, &row, err, &why);
	store_pending_clear(&row);
}

static bool is_due(const struct waiting *waiting, const struct moment *now)
{
	return !waiting->running && deadline_left(&waiting->deadline, now) <= 0 &&
	       waiting->retry_up <= now->up;
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void confirms_run(struct confirms *confirms)
{
	struct moment now = pending_now();

	confirms->next_ms = now_ms() + TICK_MS;
	if (!can_run(confirms))
		return;
	refresh(confirms);
	for (size_t i = 0; i < confirms->count && can_run(confirms); i++)
		if (is_due(&confirms->waiting[i], &now))
			take_back(confirms, &confirms->waiting[i]);
}

static void run(void *arg)
{
	confirms_run(arg);
}

/* --- when to look ----------------------------------------------------------- */

int confirms_timeout_ms(struct confirms *confirms)
{
	int64_t left = confirms->next_ms - now_ms();

	if (!confirms->gate->pending_changes)
		return -1;
	return left > 0 ? (int)left : 0;
}

static int timeout(void *arg)
{
	return confirms_timeout_ms(arg);
}

int confirms_new(struct gate *gate, struct imports *imports, struct loop *loop, struct confirms **ret)
{
	struct confirms *confirms = calloc(1, sizeof(*confirms));
	int err;

	if (!confirms)
		return -ENOMEM;
	confirms->gate = gate;
	confirms->imports = imports;
	confirms->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = confirms->fd < 0 ? -errno : loop_add_fd(loop, confirms->fd, run, timeout, confirms);
	if (err) {
		confirms_free(confirms);
		return err;
	}
	*ret = confirms;
	return 0;
}

void confirms_free(struct confirms *confirms)
{
	if (!confirms)
		return;
	if (confirms->fd >= 0)
		(void)close(confirms->fd);
	free(confirms->waiting);
	free(confirms);
}
