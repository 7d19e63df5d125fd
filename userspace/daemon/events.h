/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * events.h - stopped packets and changes to whoever follows them, as server-sent events
 *
 * A follower hears of one account, or of all. What it may hear of is asked again after every change and every
 * now and then, with the same headers that it came with; where the right is gone, or the token that it came
 * with has expired, the stream ends with a problem. Nobody is waited for: at most EVENTS_PER_TICK packets a
 * tick go to a follower, and what does not fit what may wait for it is missed. What was missed (by the kernel
 * too, of whatever account) is said with the next packet, or at the end of the tick.
 *
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "userspace/core/access.h"
#include "userspace/daemon/denied.h"
#include "userspace/daemon/gate.h"
#include "userspace/io/httpd.h"

#define EVENTS_FOLLOWERS_MAX 16
#define EVENTS_REMOTE_MAX    8 /* of them by tokens, so that there is room for who is on the host ... */
#define EVENTS_TOKEN_MAX     2 /* ... and by one token */
#define EVENTS_TICK_MS	     200
#define EVENTS_PER_TICK	     200
#define EVENTS_KEEP_ALIVE_MS 15000
#define EVENTS_STUCK_MS	     60000 /* a follower that took nothing for so long is let go */
#define EVENTS_HELD_MAX	     ((size_t)256 * 1024)
#define EVENTS_HELD_CHANGES  ((size_t)64 * 1024) /* of that, for all but packets */

struct events;

/* As a row of the audit log; borrowed. */
struct event_change {
	int64_t time;
	const struct actor *actor;
	char origin[ADDR_TEXT_MAX];
	const char *account; /* "" where none is concerned */
	const char *action;
	const char *detail;
	const char *outcome;
};

/* Borrows the gate. -ENOMEM. */
int events_new(struct gate *gate, struct events **ret);
/* Ends all streams: before httpd_close(). */
void events_free(struct events *events);
/* Has the request answered by a stream, of one account or (NULL) of all; its right to was established, of the
 * actor. ERROR_LIMIT. */
int events_follow(struct events *events, const struct httpd_request *request, const struct actor *actor,
		  const struct account *account, struct ag_error *error);
size_t events_followers(const struct events *events);

/* A tick: begin, then what happened, then flush. */
void events_begin(struct events *events);
void events_miss(struct events *events, uint64_t count);
void events_stopped(struct events *events, const struct stopped *stopped);
void events_flush(struct events *events);
/* At any time outside of a transaction. */
void events_change(struct events *events, const struct event_change *change);
