// SPDX-License-Identifier: GPL-2.0-only
/*
 * loop.c - sd-event sources that carry a plain callback
 *
 * A source with a timeout is two sd-event sources: one for the descriptor, whose prepare callback asks before
 * every sleep how long it may last, and one for the time. Signals come before everything else, so that a busy
 * socket cannot keep the daemon from stopping.
 */
#include "userspace/io/loop.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "userspace/core/cleanup.h"

/* sd-event's own default of 250 ms is too coarse for a server's timeouts. */
#define ACCURACY_US 1000
#define STATUS_MAX  512

struct source {
	SLIST_ENTRY(source) link;
	struct loop *loop;
	sd_event_source *event; /* descriptor, signal or timer */
	sd_event_source *time;	/* of a descriptor with a timeout */
	loop_callback callback;
	loop_timeout timeout;
	uint64_t period_us;
	void *arg;
};

struct loop_idle {
	SLIST_ENTRY(loop_idle) link;
	sd_event_source *event;
	bool (*work)(void *arg);
	void *arg;
	bool woken; /* since its work began: maybe for something that the work had already passed */
};

struct loop {
	sd_event *event;
	SLIST_HEAD(, source) sources;
	SLIST_HEAD(, loop_idle) idles;
};

static void source_free(struct source *source)
{
	(void)sd_event_source_disable_unref(source->event); /* gives NULL */
	(void)sd_event_source_disable_unref(source->time);
	free(source);
}
DEFINE_CLEANUP(source, struct source *, source_free)

static void idle_free(struct loop_idle *idle)
{
	(void)sd_event_source_disable_unref(idle->event); /* gives NULL */
	free(idle);
}
DEFINE_CLEANUP(idle, struct loop_idle *, idle_free)

int loop_new(struct loop **ret)
{
	AUTO_FREE struct loop *loop = calloc(1, sizeof(*loop));
	int result;

	if (!loop)
		return -ENOMEM;
	SLIST_INIT(&loop->sources);
	SLIST_INIT(&loop->idles);
	result = sd_event_new(&loop->event);
	if (result < 0)
		return result;
	*ret = TAKE_PTR(loop);
	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	while (!SLIST_EMPTY(&loop->sources)) {
		struct source *source = SLIST_FIRST(&loop->sources);

		SLIST_REMOVE_HEAD(&loop->sources, link);
		source_free(source);
	}
	while (!SLIST_EMPTY(&loop->idles)) {
		struct loop_idle *idle = SLIST_FIRST(&loop->idles);

		SLIST_REMOVE_HEAD(&loop->idles, link);
		idle_free(idle);
	}
	(void)sd_event_unref(loop->event); /* gives NULL */
	free(loop);
}

static struct source *source_new(struct loop *loop, loop_callback callback, void *arg)
{
	struct source *source = calloc(1, sizeof(*source));

	if (!source)
		return NULL;
	source->loop = loop;
	source->callback = callback;
	source->arg = arg;
	return source;
}

/* Takes the source over where its sd-event source could be made. */
static int source_keep(struct source **source, int result)
{
	struct loop *loop = (*source)->loop;

	if (result < 0)
		return result;
	SLIST_INSERT_HEAD(&loop->sources, *source, link);
	*source = NULL;
	return 0;
}

static uint64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* --- descriptors --------------------------------------------------------------- */

static int on_fd(sd_event_source *event, int fd, uint32_t events, void *arg)
{
	struct source *source = arg;

	(void)event; /* sd-event's form */
	(void)fd;
	(void)events;
	source->callback(source->arg);
	return 0;
}

static int on_timeout(sd_event_source *event, uint64_t time_us, void *arg)
{
	struct source *source = arg;

	(void)event; /* sd-event's form */
	(void)time_us;
	source->callback(source->arg);
	return 0;
}

/* Before the loop sleeps. */
static int on_prepare(sd_event_source *event, void *arg)
{
	struct source *source = arg;
	int timeout_ms = source->timeout(source->arg), result;

	(void)event; /* sd-event's form */
	if (timeout_ms < 0)
		return sd_event_source_set_enabled(source->time, SD_EVENT_OFF);
	result = sd_event_source_set_time(source->time, now_us() + (uint64_t)timeout_ms * 1000);
	return result < 0 ? result : sd_event_source_set_enabled(source->time, SD_EVENT_ONESHOT);
}

static int add_timeout(struct source *source)
{
	int result = sd_event_add_time(source->loop->event, &source->time, CLOCK_MONOTONIC, UINT64_MAX,
				       ACCURACY_US, on_timeout, source);

	if (result >= 0)
		result = sd_event_source_set_enabled(source->time, SD_EVENT_OFF);
	return result < 0 ? result : sd_event_source_set_prepare(source->event, on_prepare);
}

int loop_add_fd(struct loop *loop, int fd, loop_callback callback, loop_timeout timeout, void *arg)
{
	CLEANUP(cleanup_source) struct source *source = source_new(loop, callback, arg);
	int result;

	if (!source)
		return -ENOMEM;
	source->timeout = timeout;
	result = sd_event_add_io(loop->event, &source->event, fd, EPOLLIN, on_fd, source);
	if (result >= 0 && timeout)
		result = add_timeout(source);
	return source_keep(&source, result);
}

/* --- signals, timers --------------------------------------------------------------- */

static int on_signal(sd_event_source *event, const struct signalfd_siginfo *info, void *arg)
{
	struct source *source = arg;

	(void)event; /* sd-event's form */
	(void)info;
	source->callback(source->arg);
	return 0;
}

int loop_add_signal(struct loop *loop, int number, loop_callback callback, void *arg)
{
	CLEANUP(cleanup_source) struct source *source = source_new(loop, callback, arg);
	sigset_t set;
	int result;

	if (!source)
		return -ENOMEM;
	if (sigemptyset(&set) < 0 || sigaddset(&set, number) < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	result = sd_event_add_signal(loop->event, &source->event, number, on_signal, source);
	if (result >= 0)
		result = sd_event_source_set_priority(source->event, SD_EVENT_PRIORITY_IMPORTANT);
	return source_keep(&source, result);
}

static int on_timer(sd_event_source *event, uint64_t time_us, void *arg)
{
	struct source *source = arg;
	int result;

	(void)time_us; /* from now: periods that were missed are not made up for */
	source->callback(source->arg);
	result = sd_event_source_set_time(event, now_us() + source->period_us);
	return result < 0 ? result : sd_event_source_set_enabled(event, SD_EVENT_ONESHOT);
}

int loop_add_timer(struct loop *loop, uint64_t period_ms, loop_callback callback, void *arg)
{
	CLEANUP(cleanup_source) struct source *source = source_new(loop, callback, arg);
	int result;

	if (!source)
		return -ENOMEM;
	source->period_us = period_ms * 1000;
	result = sd_event_add_time(loop->event, &source->event, CLOCK_MONOTONIC, now_us() + source->period_us,
				   ACCURACY_US, on_timer, source);
	return source_keep(&source, result);
}

/* --- when nothing else is due ----------------------------------------------------- */

static int on_idle(sd_event_source *event, void *arg)
{
	struct loop_idle *idle = arg;
	bool more;

	idle->woken = false;
	more = idle->work(idle->arg);
	if (more || idle->woken)
		return 0;
	return sd_event_source_set_enabled(event, SD_EVENT_OFF);
}

int loop_add_idle(struct loop *loop, bool (*work)(void *arg), void *arg, struct loop_idle **ret)
{
	CLEANUP(cleanup_idle) struct loop_idle *idle = calloc(1, sizeof(*idle));
	int result;

	if (!idle)
		return -ENOMEM;
	idle->work = work;
	idle->arg = arg;
	result = sd_event_add_defer(loop->event, &idle->event, on_idle, idle);
	if (result >= 0)
		result = sd_event_source_set_priority(idle->event, SD_EVENT_PRIORITY_IDLE);
	if (result >= 0)
		result = sd_event_source_set_enabled(idle->event, SD_EVENT_ON);
	if (result < 0)
		return result;
	SLIST_INSERT_HEAD(&loop->idles, idle, link);
	*ret = TAKE_PTR(idle);
	return 0;
}

void loop_idle_wake(struct loop_idle *idle)
{
	idle->woken = true;
	/* Its place in the queue of what is due was made with it: this fails for a loop that has ended alone.
	 */
	(void)sd_event_source_set_enabled(idle->event, SD_EVENT_ON);
}

int loop_run(struct loop *loop)
{
	int result = sd_event_loop(loop->event);

	return result < 0 ? result : 0;
}

void loop_stop(struct loop *loop)
{
	(void)sd_event_exit(loop->event, 0); /* fails for a loop that has ended alone */
}

/* --- the service manager --------------------------------------------------------------- */

/* What to tell, and the status: a newline in it would begin a variable of its own. Without a manager nobody
 * is told. */
static void notify(const char *variables, const char *status)
{
	char text[STATUS_MAX];

	(void)snprintf(text, sizeof(text), "%s", status); /* cut where it is too long */
	for (char *c = text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	}
	(void)sd_notifyf(0, "%s%sSTATUS=%s", variables, variables[0] ? "\n" : "", text);
}

void loop_notify_ready(const char *status)
{
	notify("READY=1", status);
}

void loop_notify_status(const char *status)
{
	notify("", status);
}

void loop_notify_reloading(void)
{
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
			 now_us()); /* no manager: nobody to tell */
}

void loop_notify_stopping(void)
{
	(void)sd_notify(0, "STOPPING=1"); /* no manager: nobody to tell */
}
