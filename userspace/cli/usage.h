/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * usage.h - help, printed from the table of commands
 *
 * Errors collect in the buffer.
 */
#pragma once

#include "userspace/core/buffer.h"

struct command;

/* "usage: allowgate allow add ACCOUNT PREFIX... [--note TEXT] ...": its own options; one line. */
void usage_line(struct buffer *out, const struct command *command);
/* The line, what it does, every option it takes, the exit codes. */
void usage_command(struct buffer *out, const struct command *command);
/* All commands, or those of a noun. */
void usage_overview(struct buffer *out, const char *noun);
