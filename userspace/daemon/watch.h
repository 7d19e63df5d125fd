/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * watch.h - what the kernel reports of stopped packets, to those who keep it (denied.h) and those who follow
 * (events.h)
 *
 * The kernel reports while sources are kept or somebody follows, some packets a CPU and moment, and counts
 * the others; every 200 ms what it reported is taken.
 */
#pragma once

#include "userspace/daemon/denied.h"
#include "userspace/daemon/events.h"
#include "userspace/daemon/gate.h"

struct loop;
struct watch;

/* Borrows both; gate->watch is it until watch_free(). -ENOMEM, or what a timer meets. */
int watch_new(struct gate *gate, struct loop *loop, struct watch **ret);
/* Ends what is followed: before httpd_close(). */
void watch_free(struct watch *watch);
/* Takes what was reported up to now. */
void watch_drain(struct watch *watch);

/* NULL where [daemon] denied is off. */
const struct denied *watch_denied(const struct watch *watch);
/* As events_follow(). */
int watch_follow(struct watch *watch, const struct httpd_request *request, const struct actor *actor,
		 const struct account *account, struct ag_error *error);
/* An account is about to go from the summary, and has gone from the kernel. NULL: nobody keeps anything. */
void watch_forget(struct watch *watch, uint32_t slot);
/* A change was done, or refused, outside of a transaction. NULL: nobody hears. */
void watch_change(struct watch *watch, const struct event_change *change);
