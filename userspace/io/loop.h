/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * loop.h - the one event loop (sd-event), and what systemd is told (sd_notify)
 *
 * Callbacks run one at a time, in the thread that runs the loop. Sources live until the loop is freed.
 * Errors are negative errno. Source: sd-event(3), sd_notify(3).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct loop;
typedef void (*loop_callback)(void *arg);
/* Says how long the loop may sleep before the callback is due; -1: until the fd is readable. */
typedef int (*loop_timeout)(void *arg);

int loop_new(struct loop **ret);
void loop_free(struct loop *loop);
/* Calls when fd is readable, and when the time that `timeout` (may be NULL) last named is over. */
int loop_add_fd(struct loop *loop, int fd, loop_callback callback, loop_timeout timeout, void *arg);
/* Blocks the signal and calls when it arrives. */
int loop_add_signal(struct loop *loop, int number, loop_callback callback, void *arg);
/* Calls every period_ms, first after one period. */
int loop_add_timer(struct loop *loop, uint64_t period_ms, loop_callback callback, void *arg);
/* Calls again and again from the start, whenever nothing else is due, as long as it returns true;
 * loop_idle_wake(), also from within the call, makes it begin anew. Several take turns. One call should not
 * take longer than some 20 ms. */
struct loop_idle;
int loop_add_idle(struct loop *loop, bool (*work)(void *arg), void *arg, struct loop_idle **ret);
void loop_idle_wake(struct loop_idle *idle);
/* Until loop_stop(): returns 0. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Tell the service manager, where there is one. */
void loop_notify_ready(const char *status);
void loop_notify_status(const char *status);
void loop_notify_reloading(void);
void loop_notify_stopping(void);
