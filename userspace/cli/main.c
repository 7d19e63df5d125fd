// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - allowgate: from the words of the command line to a row of the table, and its outcome to an exit
 * code
 *
 * What is printed collects in a buffer and is written at the end, so that a failed command prints nothing
 * half; but for the list that `allow export` writes, which may be long, as it comes.
 */
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/cli/command.h"
#include "userspace/cli/usage.h"
#include "userspace/core/error.h"

/* Widths of characters come from the locale; what is shown is UTF-8, whatever the locale says. */
static void set_locale(void)
{
	if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		(void)setlocale(LC_CTYPE, "C.UTF-8"); /* without it every character takes one cell */
}

/* Known before the command line is, since its errors are said accordingly. */
static bool wants_json(int argc, char *const argv[])
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (!strcmp(argv[i], "--json"))
			return true;
	return false;
}

/* "allow add acme" */
static void print_what(const struct invocation *invocation, struct buffer *what)
{
	const struct command *command = invocation->command;

	if (!command)
		return;
	(void)buffer_print(what, "%s%s%s", command->noun, command->verb ? " " : "",
			   command->verb ? command->verb : "");
	if (invocation->count)
		(void)buffer_print(what, " %s", invocation->arguments[0]);
	/* without memory for it the problem is reported without */
}

static void report(const struct invocation *invocation, bool json)
{
	struct buffer what = {0}, usage = {0};

	print_what(invocation, &what);
	problem_report(&invocation->problem, what.data, json);
	if (invocation->problem.exit == EXIT_USAGE && !json) {
		if (invocation->command)
			usage_line(&usage, invocation->command);
		else
			(void)buffer_print(&usage, "usage: allowgate COMMAND [ARGUMENT...] [OPTION...]; see "
						   "\"allowgate help\"\n");
		(void)fputs(usage.data ? usage.data : "", stderr); /* where else could it be said? */
	}
	buffer_clear(&what);
	buffer_clear(&usage);
}

static int write_out(struct invocation *invocation)
{
	const struct buffer *out = &invocation->out;

	if (out->failed)
		return problem_set(&invocation->problem, PROBLEM_MEMORY,
				   "there is not enough memory to show it");
	if (out->length && fwrite(out->data, 1, out->length, stdout) != out->length)
		return problem_set(&invocation->problem, PROBLEM_OUTPUT,
				   "the output could not be written whole");
	if (fflush(stdout) || ferror(stdout))
		return problem_set(&invocation->problem, PROBLEM_OUTPUT,
				   "the output could not be written whole");
	return 0;
}

/* allowgate help [NOUN [VERB]], and --help behind any words. */
static int print_help(struct invocation *invocation, const char *const *words, size_t count)
{
	size_t used;
	const struct command *command = command_find(words, count, &used);

	if (command)
		usage_command(&invocation->out, command);
	else if (!count || command_noun_exists(words[0]))
		usage_overview(&invocation->out, count ? words[0] : NULL);
	else
		return problem_set(&invocation->problem, PROBLEM_USAGE, "%s: there is no such command",
				   words[0]);
	return 0;
}

static int no_such_command(struct invocation *invocation, const char *const *words, size_t count)
{
	struct buffer help = {0};
	int err;

	if (count && !command_noun_exists(words[0]))
		return problem_set(&invocation->problem, PROBLEM_USAGE, "%s: there is no such command",
				   words[0]);
	if (count > 1)
		return problem_set(&invocation->problem, PROBLEM_USAGE,
				   "%s %s: there is no such command: see \"allowgate help %s\"", words[0],
				   words[1], words[0]);
	err = problem_set(&invocation->problem, PROBLEM_USAGE, "%s",
			  count ? "say what to do" : "say which command");
	if (!option_given(invocation, OPTION_JSON)) {
		usage_overview(&help, count ? words[0] : NULL);
		(void)fputs(help.data ? help.data : "", stderr); /* where else could it be said? */
		buffer_clear(&help);
	}
	return err;
}

static int check_options(struct invocation *invocation)
{
	const struct command *command = invocation->command;
	uint64_t surplus = invocation->args.given & ~(command->options | OPTIONS_COMMON);

	if (!surplus)
		return 0;
	return problem_set(&invocation->problem, PROBLEM_USAGE, "it takes no %s",
			   OPTIONS[__builtin_ctzll(surplus)].name);
}

static int check_arguments(struct invocation *invocation)
{
	const struct command *command = invocation->command;

	if (invocation->count < command->least)
		return problem_set(&invocation->problem, PROBLEM_USAGE, "an argument is missing: it takes %s",
				   command->arguments);
	if (invocation->count > command->most)
		return problem_set(&invocation->problem, PROBLEM_USAGE, "\"%s\" is one argument too many",
				   invocation->arguments[command->most]);
	for (size_t i = 0; i < invocation->count; i++)
		if (!*invocation->arguments[i])
			return problem_set(&invocation->problem, PROBLEM_USAGE,
					   "an argument is empty: it takes %s", command->arguments);
	return 0;
}

/* What goes into a header as it stands must not be able to end it. */
static int check_header(struct invocation *invocation, enum option option)
{
	const char *value = invocation->args.values[option];

	for (; value && *value; value++)
		if (*value <= ' ' || *value > '~')
			return problem_set(&invocation->problem, PROBLEM_USAGE,
					   "%s: blanks and characters other than ASCII cannot stand in %s",
					   OPTIONS[option].name, OPTIONS[option].value);
	return 0;
}

static int run(struct invocation *invocation)
{
	const char *environment = getenv("ALLOWGATE_SOCKET");
	const char *socket = invocation->args.values[OPTION_SOCKET];
	struct client_options options = {
		.socket = socket			? socket
			  : environment && *environment ? environment
							: CLIENT_SOCKET_DEFAULT,
		.as = invocation->args.values[OPTION_AS],
		.origin = invocation->args.values[OPTION_ORIGIN],
	};
	int err = check_options(invocation);

	err = err ? err : check_arguments(invocation);
	err = err ? err : check_header(invocation, OPTION_AS);
	err = err ? err : check_header(invocation, OPTION_ORIGIN);
	if (!err && invocation->command->path)
		err = client_new(&options, &invocation->client, &invocation->problem);
	return err ? err : invocation->command->run(invocation);
}

static int dispatch(struct invocation *invocation)
{
	const char *const *words = invocation->args.arguments;
	size_t count = invocation->args.words, used;
	bool help = count && !strcmp(words[0], "help");

	if (option_given(invocation, OPTION_VERSION)) {
		(void)buffer_print(&invocation->out, "allowgate %s\n",
				   AG_VERSION); /* remembered in the buffer */
		return 0;
	}
	if (help || option_given(invocation, OPTION_HELP))
		return print_help(invocation, words + help, count - help);
	invocation->command = command_find(words, count, &used);
	if (!invocation->command)
		return no_such_command(invocation, words, count);
	invocation->arguments = words + used;
	invocation->count = invocation->args.count - used;
	return run(invocation);
}

/* The command that was probably meant, for its usage: the first words that name one. */
static const struct command *guess(int argc, char *const argv[])
{
	const struct command *command = NULL;
	size_t used;

	for (int i = 1; i < argc && !command; i++)
		command = command_find((const char *const *)argv + i, (size_t)(argc - i), &used);
	return command;
}

static int start(struct invocation *invocation, int argc, char *const argv[])
{
	struct ag_error error = {0};
	int err;

	if (!args_parse(argc, argv, OPTIONS, OPTION_MAX, &invocation->args, &error))
		return dispatch(invocation);
	err = error.code ? problem_set(&invocation->problem, PROBLEM_USAGE, "%s", error.message)
			 : problem_set(&invocation->problem, PROBLEM_MEMORY, "there is not enough memory");
	invocation->command = guess(argc, argv);
	return err;
}

int main(int argc, char *argv[])
{
	struct invocation invocation = {0};
	int status, failed;

	set_locale();
	terminal_find(&invocation.terminal);
	status = start(&invocation, argc, argv);
	if (status == EXIT_DONE || status == EXIT_STOPPED || invocation.out.length) {
		failed = write_out(&invocation);
		status = failed ? failed : status;
	}
	if (invocation.problem.exit != EXIT_DONE)
		report(&invocation, wants_json(argc, argv));
	client_free(invocation.client);
	args_clear(&invocation.args);
	buffer_clear(&invocation.out);
	problem_clear(&invocation.problem);
	return status;
}
