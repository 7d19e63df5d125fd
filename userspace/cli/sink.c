// SPDX-License-Identifier: GPL-2.0-only
/* sink.c - see sink.h */
#include "userspace/cli/sink.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <unistd.h>

/* A pipe that is ready takes so much without waiting (pipe(7)). */
#define STEP ((size_t)PIPE_BUF)

static size_t left_of(const struct sink *sink)
{
	return sink->held.length - sink->written;
}

static bool is_ready(void)
{
	struct pollfd pollfd = {.fd = STDOUT_FILENO, .events = POLLOUT};

	return poll(&pollfd, 1, 0) > 0;
}

static int write_step(struct sink *sink)
{
	size_t left = left_of(sink);
	ssize_t done = write(STDOUT_FILENO, sink->held.data + sink->written, left < STEP ? left : STEP);
	struct pollfd pollfd = {.fd = STDOUT_FILENO, .events = POLLOUT};

	if (done >= 0)
		sink->written += (size_t)done;
	else if (errno == EAGAIN)
		(void)poll(&pollfd, 1, -1); /* whoever reads there made it so; write() says what is wrong */
	else if (errno != EINTR)
		return problem_set(sink->problem, PROBLEM_OUTPUT, "the output could not be written whole");
	if (sink->written == sink->held.length)
		sink->written = sink->held.length = 0;
	return 0;
}

int sink_take(void *arg, const char *data, size_t length)
{
	struct sink *sink = arg;
	int err = 0;

	if (buffer_append(&sink->held, data, length))
		return problem_set(sink->problem, PROBLEM_MEMORY, "there is not enough memory");
	while (!err && left_of(sink) && (left_of(sink) > SINK_HELD_MAX || is_ready()))
		err = write_step(sink);
	return err;
}

int sink_finish(struct sink *sink)
{
	int err = 0;

	while (!err && left_of(sink))
		err = write_step(sink);
	return err;
}

void sink_clear(struct sink *sink)
{
	buffer_clear(&sink->held);
	sink->written = 0;
}
