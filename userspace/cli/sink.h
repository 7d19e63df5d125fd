/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sink.h - standard output, for an answer that is written as it comes
 *
 * What whoever reads there (a pager) is too slow for is held, so that the daemon need not wait: it would cut
 * the connection. Over SINK_HELD_MAX it has to. Functions return an exit code, and set the problem.
 */
#pragma once

#include <stddef.h>

#include "userspace/cli/problem.h"
#include "userspace/core/buffer.h"

#define SINK_HELD_MAX ((size_t)256 << 20)

/* Zero-initialised but for the problem, which is borrowed. */
struct sink {
	struct problem *problem;
	struct buffer held; /* written up to `written` */
	size_t written;
};

/* For client_transfer. */
int sink_take(void *sink, const char *data, size_t length);
/* Writes what is held, however long that takes. */
int sink_finish(struct sink *sink);
void sink_clear(struct sink *sink);
