// SPDX-License-Identifier: GPL-2.0-only
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "userspace/daemon/worker.h"

struct fixture {
	struct loop *loop;
	struct worker *worker;
	pthread_mutex_t gate; /* held by the test while jobs are not to end */
	int order[64];
	int count;
	int ran;
	int not_run;
	int expected;
};

struct job {
	struct fixture *fixture;
	int number;
	pthread_t thread;
	bool blocked; /* signals, in the thread */
};

static void run(void *arg)
{
	struct job *job = arg;
	sigset_t mask;

	(void)pthread_mutex_lock(&job->fixture->gate);
	(void)pthread_mutex_unlock(&job->fixture->gate);
	job->thread = pthread_self();
	(void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
	job->blocked = sigismember(&mask, SIGTERM) == 1;
}

static void done(void *arg, bool ran)
{
	struct job *job = arg;
	struct fixture *fixture = job->fixture;

	fixture->order[fixture->count++] = job->number;
	fixture->ran += ran;
	fixture->not_run += !ran;
	if (fixture->count == fixture->expected)
		loop_stop(fixture->loop);
}

static int setup(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){0};
	assert_int_equal(pthread_mutex_init(&fixture.gate, NULL), 0);
	assert_int_equal(loop_new(&fixture.loop), 0);
	assert_int_equal(worker_new(fixture.loop, &fixture.worker), 0);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	worker_free(fixture->worker);
	loop_free(fixture->loop);
	(void)pthread_mutex_destroy(&fixture->gate);
	return 0;
}

static void test_jobs_run_in_order_in_a_thread(void **state)
{
	struct fixture *fixture = *state;
	struct job jobs[3];

	assert_true(worker_idle(fixture->worker));
	fixture->expected = 3;
	for (int i = 0; i < 3; i++) {
		jobs[i] = (struct job){.fixture = fixture, .number = i};
		assert_int_equal(worker_submit(fixture->worker, run, done, &jobs[i]), 0);
	}
	assert_false(worker_idle(fixture->worker));
	assert_int_equal(loop_run(fixture->loop), 0);
	assert_true(worker_idle(fixture->worker));
	assert_int_equal(fixture->ran, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fixture->order[i], i);
		assert_false(pthread_equal(jobs[i].thread, pthread_self()));
		assert_true(jobs[i].blocked);
	}
}

static void test_no_more_than_the_limit_wait(void **state)
{
	struct fixture *fixture = *state;
	struct job jobs[WORKER_JOBS_MAX + 1];

	(void)pthread_mutex_lock(&fixture->gate);
	fixture->expected = WORKER_JOBS_MAX;
	for (int i = 0; i <= WORKER_JOBS_MAX; i++) {
		jobs[i] = (struct job){.fixture = fixture, .number = i};
		assert_int_equal(worker_submit(fixture->worker, run, done, &jobs[i]),
				 i < WORKER_JOBS_MAX ? 0 : -EBUSY);
	}
	(void)pthread_mutex_unlock(&fixture->gate);
	assert_int_equal(loop_run(fixture->loop), 0);
	assert_int_equal(fixture->ran, WORKER_JOBS_MAX);
	assert_int_equal(worker_submit(fixture->worker, run, done, &jobs[WORKER_JOBS_MAX]), 0);
	worker_free(fixture->worker);
	fixture->worker = NULL;
	assert_int_equal(fixture->count, WORKER_JOBS_MAX + 1);
}

/* Everybody hears of the end, once, also of a job that never ran. */
static void test_leaving_tells_everybody(void **state)
{
	struct fixture *fixture = *state;
	struct job jobs[4];

	for (int i = 0; i < 4; i++) {
		jobs[i] = (struct job){.fixture = fixture, .number = i};
		assert_int_equal(worker_submit(fixture->worker, run, done, &jobs[i]), 0);
	}
	worker_free(fixture->worker);
	fixture->worker = NULL;
	assert_int_equal(fixture->count, 4);
	assert_int_equal(fixture->not_run, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_jobs_run_in_order_in_a_thread, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_more_than_the_limit_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(test_leaving_tells_everybody, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
