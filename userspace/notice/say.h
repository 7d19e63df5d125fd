/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * say.h - one line per event to standard error
 *
 * What is not printable ASCII comes out as '?', so that nothing can begin a line of its own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialised lets the first line through. */
struct say_limit {
	int64_t next_ms;
};

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Whether a line may be said now: at most one a minute for each limit. */
bool say_may(struct say_limit *limit, int64_t now_ms);
