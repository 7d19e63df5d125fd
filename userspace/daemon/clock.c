// SPDX-License-Identifier: GPL-2.0-only
/*
 * clock.c - the policy's clock follows the wall clock forward, and back only when it is told to
 *
 * A timer that the kernel cancels whenever the wall clock is set (TFD_TIMER_CANCEL_ON_SET) tells of that at
 * once. CLOCK_BOOTTIME is slewed as the wall clock is, so between such steps both keep pace.
 *
 * Source: timerfd_create(2), clock_gettime(2).
 */
#include "userspace/daemon/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "userspace/io/log.h"
#include "userspace/io/loop.h"

/* Twice an epoch, so that none is passed over for long. */
#define EPOCH_TIMER_MS (AG_EPOCH_SECONDS * 1000 / 2)

#define SECOND INT64_C(1000000000)

static int64_t nanoseconds_of(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return now.tv_sec * SECOND + now.tv_nsec;
}

int64_t gate_now(const struct gate *gate)
{
	return (nanoseconds_of(CLOCK_BOOTTIME) + dataplane_clock(gate->dataplane, NULL)) / SECOND;
}

static void tell_epoch(struct gate *gate)
{
	dataplane_set_epoch(gate->dataplane, ag_epoch((uint64_t)gate_now(gate)));
}

void clock_take(struct gate *gate, bool back)
{
	/* In this order: what passes between the two makes the offset smaller, and never runs ahead. */
	int64_t real = nanoseconds_of(CLOCK_REALTIME);
	int64_t wall = real - nanoseconds_of(CLOCK_BOOTTIME);
	bool set = false;
	int64_t have = dataplane_clock(gate->dataplane, &set);
	bool was_set_back = wall < have - SECOND; /* less is what passed between */

	if (!set || wall > have || (back && was_set_back))
		dataplane_set_clock(gate->dataplane, wall);
	else if (was_set_back)
		log_warning(
			"the wall clock was set back by %lld s: expiries go on by the time it was before; "
			"'allowgate reload' takes the new one",
			(long long)((have - wall) / SECOND));
	tell_epoch(gate);
}

/* --- in the loop --------------------------------------------------------------- */

static int arm(int fd)
{
	const struct itimerspec never = {.it_value = {.tv_sec = TIME_LAST}};

	return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

static void was_set(void *arg)
{
	struct gate *gate = arg;
	uint64_t expirations;

	if (read(gate->clock_fd, &expirations, sizeof(expirations)) < 0 && errno != ECANCELED)
		return;
	(void)arm(gate->clock_fd); /* it could be armed before */
	clock_take(gate, false);
}

static void next_epoch(void *arg)
{
	tell_epoch(arg);
}

int clock_follow(struct gate *gate, struct loop *loop)
{
	int err;

	gate->clock_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (gate->clock_fd < 0 || arm(gate->clock_fd))
		return -errno;
	err = loop_add_fd(loop, gate->clock_fd, was_set, NULL, gate);
	return err ? err : loop_add_timer(loop, EPOCH_TIMER_MS, next_epoch, gate);
}
