/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * originclient.h - ask allowgate-origin, and never wait for it
 *
 * Everything is non-blocking. A question that was taken is answered exactly once, by its callback, from
 * originclient_run() or originclient_free(): within ORIGINCLIENT_DEADLINE_MS, as ORIGIN_LATE if need be.
 * Connects when it is made (which has a service manager start the helper), and again when it is asked.
 */
#pragma once

#include "userspace/core/origin.h"

#define ORIGINCLIENT_DEADLINE_MS 100
#define ORIGINCLIENT_PENDING_MAX 128

struct originclient;
typedef void (*originclient_callback)(const struct origin *origin, void *arg);

/* A path of "" or "off": every question is answered by ORIGIN_NO_HELPER. Negative errno. */
int originclient_new(const char *path, struct originclient **ret);
void originclient_free(struct originclient *client);
/* For the event loop: wait until the fd is readable or the timeout is over (-1: none), then run. */
int originclient_fd(const struct originclient *client);
int originclient_timeout_ms(const struct originclient *client);
void originclient_run(struct originclient *client);
/*
 * Where the process of that pidfd comes from. connection: -1, or the connection whose other end it must hold
 * to be believed. Both stay the caller's, and may be closed at once. ORIGIN_NONE: the callback will tell;
 * anything else is the answer, and there will be no other.
 */
enum origin_reason originclient_ask(struct originclient *client, int pidfd, int connection,
				    originclient_callback callback, void *arg);
/* The question with that argument, if it is open: there will be no answer. */
void originclient_cancel(struct originclient *client, const void *arg);
