/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * worker.h - a thread for what takes long: one job after the other, each sharing nothing
 */
#pragma once

#include <stdbool.h>

#include "userspace/io/loop.h"

#define WORKER_JOBS_MAX 8

struct worker;
/* Starts the thread, with every signal blocked. Negative errno. */
int worker_new(struct loop *loop, struct worker **ret);
/* Waits for the job that runs, and calls `done` of every job that it was not called for, with ran = false. */
void worker_free(struct worker *worker);
/*
 * `run` is called in the thread, then `done` by the loop. -EBUSY where WORKER_JOBS_MAX are waiting, running,
 * or not yet done.
 */
int worker_submit(struct worker *worker, void (*run)(void *arg), void (*done)(void *arg, bool ran),
		  void *arg);
/* Nothing waits, runs, or is to be told. */
bool worker_idle(const struct worker *worker);
