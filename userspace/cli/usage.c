// SPDX-License-Identifier: GPL-2.0-only
/* usage.c - see usage.h */
#include "userspace/cli/usage.h"

#include <string.h>

#include "userspace/cli/command.h"

/* Where the help of an option or a command begins. */
#define HELP_COLUMN 42

static const char EXIT_CODES[] =
	"Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 check: would be stopped,\n"
	"            4 forbidden, 5 daemon not reachable.\n";

/* What is appended here and cannot be is remembered in the buffer, throughout. */

static void print_name(struct buffer *out, const struct command *command)
{
	(void)buffer_print(out, "%s%s%s%s%s", command->noun, command->verb ? " " : "",
			   command->verb ? command->verb : "", *command->arguments ? " " : "",
			   command->arguments);
}

static void print_option(struct buffer *out, const struct args_option *option)
{
	(void)buffer_print(out, "%s%s%s", option->name, option->value ? " " : "",
			   option->value ? option->value : "");
}

static void pad(struct buffer *out, size_t from)
{
	size_t width = out->length - from;

	if (width + 2 > HELP_COLUMN)
		(void)buffer_print(out, "\n%*s", HELP_COLUMN, "");
	else
		(void)buffer_print(out, "%*s", (int)(HELP_COLUMN - width), "");
}

static void print_options(struct buffer *out, uint64_t options)
{
	for (unsigned int i = 0; i < OPTION_MAX; i++) {
		size_t from = out->length;

		if (!(options & UINT64_C(1) << i))
			continue;
		(void)buffer_print(out, "  ");
		print_option(out, &OPTIONS[i]);
		pad(out, from);
		(void)buffer_print(out, "%s\n", OPTIONS[i].help);
	}
}

void usage_line(struct buffer *out, const struct command *command)
{
	(void)buffer_print(out, "usage: allowgate ");
	print_name(out, command);
	for (unsigned int i = 0; i < OPTION_MAX; i++) {
		if (!(command->options & UINT64_C(1) << i))
			continue;
		(void)buffer_print(out, " [");
		print_option(out, &OPTIONS[i]);
		(void)buffer_print(out, "]");
	}
	(void)buffer_print(out, "\n");
}

void usage_command(struct buffer *out, const struct command *command)
{
	usage_line(out, command);
	(void)buffer_print(out, "\n%s\n", command->help);
	if (command->options) {
		(void)buffer_print(out, "\nOptions:\n");
		print_options(out, command->options);
	}
	(void)buffer_print(out, "\nOptions of every command:\n");
	print_options(out, OPTIONS_COMMON);
	(void)buffer_print(out, "\n%s", EXIT_CODES);
}

void usage_overview(struct buffer *out, const char *noun)
{
	(void)buffer_print(out, "usage: allowgate %s [ARGUMENT...] [OPTION...]\n\n", noun ? noun : "COMMAND");
	for (const struct command *command = COMMANDS; command->noun; command++) {
		size_t from = out->length;

		if (noun && strcmp(noun, command->noun) != 0)
			continue;
		(void)buffer_print(out, "  ");
		print_name(out, command);
		pad(out, from);
		(void)buffer_print(out, "%s\n", command->help);
	}
	(void)buffer_print(out, "\nOptions of every command:\n");
	print_options(out, OPTIONS_COMMON);
	(void)buffer_print(out, "\n%s\"allowgate COMMAND --help\" says more of one; so does allowgate(1).\n",
			   EXIT_CODES);
}
