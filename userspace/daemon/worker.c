// SPDX-License-Identifier: GPL-2.0-only
/*
 * worker.c - a ring of jobs between the loop and one thread
 *
 * Jobs are finished in the order in which they came, so three counters that only grow say all: how many were
 * submitted, were run, were told. The lock holds for them alone, never while a job runs.
 */
#include "userspace/daemon/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct job {
	void (*run)(void *arg);
	void (*done)(void *arg, bool ran);
	void *arg;
};

struct worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct job jobs[WORKER_JOBS_MAX];
	uint64_t submitted;
	uint64_t run;
	uint64_t told; /* the loop's alone */
	bool leaving;
	bool started;
	int event_fd; /* readable: there is somebody to be told */
};

static struct job *job_at(struct worker *worker, uint64_t index)
{
	return &worker->jobs[index % WORKER_JOBS_MAX];
}

static struct job *next_job(struct worker *worker)
{
	struct job *job = NULL;

	(void)pthread_mutex_lock(&worker->lock); /* of our own, and used right: cannot fail */
	while (!worker->leaving && worker->run == worker->submitted)
		(void)pthread_cond_wait(&worker->wake, &worker->lock);
	if (!worker->leaving)
		job = job_at(worker, worker->run);
	(void)pthread_mutex_unlock(&worker->lock);
	return job;
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	const uint64_t one = 1;
	struct job *job;

	while ((job = next_job(worker))) {
		job->run(job->arg);
		(void)pthread_mutex_lock(&worker->lock);
		worker->run++;
		(void)pthread_mutex_unlock(&worker->lock);
		while (write(worker->event_fd, &one, sizeof(one)) < 0 && errno == EINTR)
			;
	}
	return NULL;
}

static uint64_t count_run(struct worker *worker)
{
	uint64_t run;

	(void)pthread_mutex_lock(&worker->lock);
	run = worker->run;
	(void)pthread_mutex_unlock(&worker->lock);
	return run;
}

/* A job's place is free once it was told: it may submit the next one itself. */
static void tell_one(struct worker *worker, bool ran)
{
	struct job job = *job_at(worker, worker->told);

	worker->told++;
	job.done(job.arg, ran);
}

static void tell(void *arg)
{
	struct worker *worker = arg;
	uint64_t counted, run;

	(void)!read(worker->event_fd, &counted, sizeof(counted)); /* nothing to read: nothing to tell */
	run = count_run(worker);
	while (worker->told < run)
		tell_one(worker, true);
}

static int start_thread(struct worker *worker)
{
	sigset_t all, before;
	int err;

	(void)sigfillset(&all);
	err = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (err)
		return -err;
	err = pthread_create(&worker->thread, NULL, work, worker);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* the mask that was there is a good one */
	worker->started = !err;
	return -err;
}

int worker_new(struct loop *loop, struct worker **ret)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int err = 0;

	if (!worker)
		return -ENOMEM;
	(void)pthread_mutex_init(&worker->lock, NULL); /* cannot fail without attributes */
	(void)pthread_cond_init(&worker->wake, NULL);
	worker->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->event_fd < 0)
		err = -errno;
	if (!err)
		err = loop_add_fd(loop, worker->event_fd, tell, NULL, worker);
	if (!err)
		err = start_thread(worker);
	if (err) {
		worker_free(worker);
		return err;
	}
	*ret = worker;
	return 0;
}

void worker_free(struct worker *worker)
{
	if (!worker)
		return;
	(void)pthread_mutex_lock(&worker->lock);
	worker->leaving = true;
	(void)pthread_cond_signal(&worker->wake);
	(void)pthread_mutex_unlock(&worker->lock);
	if (worker->started)
		(void)pthread_join(worker->thread, NULL);
	while (worker->told < worker->submitted)
		tell_one(worker, false);
	if (worker->event_fd >= 0)
		(void)close(worker->event_fd);
	(void)pthread_cond_destroy(&worker->wake);
	(void)pthread_mutex_destroy(&worker->lock);
	free(worker);
}

int worker_submit(struct worker *worker, void (*run)(void *arg), void (*done)(void *arg, bool ran), void *arg)
{
	if (worker->leaving || worker->submitted - worker->told >= WORKER_JOBS_MAX)
		return -EBUSY;
	(void)pthread_mutex_lock(&worker->lock);
	*job_at(worker, worker->submitted++) = (struct job){run, done, arg};
	(void)pthread_cond_signal(&worker->wake);
	(void)pthread_mutex_unlock(&worker->lock);
	return 0;
}

bool worker_idle(const struct worker *worker)
{
	return worker->told == worker->submitted;
}
