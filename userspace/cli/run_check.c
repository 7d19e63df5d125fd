// SPDX-License-Identifier: GPL-2.0-only
/* run_check.c - what becomes of a source, or of a packet: see run.h */
#include <string.h>

#include "userspace/cli/ask.h"
#include "userspace/cli/command.h"
#include "userspace/cli/run.h"
#include "userspace/cli/show.h"
#include "userspace/core/table.h"

/* ", by 203.0.113.0/24 of @corp-vpn (deny) # note" */
static void print_entry(struct buffer *line, const json_t *entry)
{
	const char *note = json_string_value(json_object_get(entry, "note"));
	const char *list = json_string_value(json_object_get(entry, "list"));

	if (!json_is_object(entry)) {
		(void)buffer_print(line, ", by no entry"); /* remembered in the buffer, as below */
		return;
	}
	(void)buffer_print(line, ", by ");
	show_value(line, json_object_get(entry, "prefix"), true);
	(void)buffer_print(line, "%s%s (", list ? " of @" : "", list ? list : "");
	show_value(line, json_object_get(entry, "verdict"), false);
	(void)buffer_print(line, ")%s%s", note && *note ? " # " : "", note ? note : "");
}

static void print_out(struct invocation *invocation, struct buffer *line)
{
	if (line->failed)
		invocation->out.failed = line->failed;
	else
		shown_append(&invocation->out, line->data, line->length, SHOWN_TEXT);
	buffer_clear(line);
}

/* What stands before a word, and the word. */
static void print_word(struct invocation *invocation, struct buffer *line, const char *word)
{
	print_out(invocation, line);
	show_word(invocation, word ? word : "unknown");
}

/* The last of an answer. */
static void print_kernel(struct invocation *invocation, struct buffer *line, const json_t *check)
{
	const json_t *entry = json_object_get(check, "kernel_entry");

	(void)buffer_print(line, "\nthe kernel "); /* remembered in the buffer, as below */
	print_word(invocation, line, json_is_true(json_object_get(check, "agree")) ? "agrees" : "DISAGREES");
	(void)buffer_print(line, ": ");
	print_word(invocation, line, json_string_value(json_object_get(check, "kernel")));
	(void)buffer_print(line, json_is_string(entry) ? ", by " : "");
	show_value(line, entry, true);
	(void)buffer_print(line, "\n");
	if (json_is_true(json_object_get(check, "panic")))
		(void)buffer_print(line, "panic: everything passes, whatever the policy says\n");
	print_out(invocation, line);
}

static void print_check(struct invocation *invocation, const json_t *check)
{
	const char *verdict = json_string_value(json_object_get(check, "verdict"));
	bool passes = json_is_true(json_object_get(check, "passes"));
	struct buffer line = {0};

	(void)buffer_print(&line, "%s: ", invocation->arguments[0]); /* remembered in the buffer, as below */
	show_value(&line, json_object_get(check, "address"), false);
	(void)buffer_print(&line, " %s: ", passes ? "gets through" : "is stopped");
	print_word(invocation, &line, verdict);
	if (!verdict || strcmp(verdict, "open") != 0)
		print_entry(&line, json_object_get(check, "entry"));
	print_kernel(invocation, &line, check);
}

/* A packet's way through the table, a line a row. */
static void print_explanation(struct invocation *invocation, const json_t *check)
{
	const json_t *step;
	struct buffer line = {0};
	size_t index;

	(void)buffer_print(&line, "from "); /* remembered in the buffer, as below */
	show_value(&line, json_object_get(check, "from"), false);
	(void)buffer_print(&line, " to ");
	show_value(&line, json_object_get(check, "to"), false);
	(void)buffer_print(&line, " %s: ",
			   json_is_true(json_object_get(check, "passes")) ? "gets through" : "is stopped");
	print_word(invocation, &line, json_string_value(json_object_get(check, "verdict")));
	json_array_foreach (json_object_get(check, "steps"), index, step)
		(void)buffer_print(&line, "\n  %s", json_string_value(step) ? json_string_value(step) : "");
	print_kernel(invocation, &line, check);
}

static int judge(struct invocation *invocation, const json_t *check)
{
	const char *verdict = json_string_value(json_object_get(check, "verdict"));
	const char *kernel = json_string_value(json_object_get(check, "kernel"));

	if (!json_is_true(json_object_get(check, "agree")))
		return problem_set(
			&invocation->problem, PROBLEM_KERNEL,
			"the kernel's answer (%s) is not that of the store (%s): run \"allowgate reload\"",
			kernel ? kernel : "none", verdict ? verdict : "none");
	if (!verdict)
		return problem_set(&invocation->problem, PROBLEM_BAD_ANSWER, "the answer has no verdict");
	return json_is_true(json_object_get(check, "passes")) ? EXIT_DONE : EXIT_STOPPED;
}

/* An account and an address, or both ends of a packet. */
static int check_usage(struct invocation *invocation)
{
	bool from = option_given(invocation, OPTION_FROM), to = option_given(invocation, OPTION_TO);

	if ((invocation->count == 2 && !from && !to) || (!invocation->count && from && to))
		return 0;
	return problem_set(&invocation->problem, PROBLEM_USAGE,
			   "give an account and an address, or --from ADDRESS and --to SERVICE");
}

int run_check(struct invocation *invocation)
{
	CLEANUP(buffer_clear) struct buffer target = {0};
	AUTO_JSON json_t *check = NULL;
	int err = check_usage(invocation);

	if (err)
		return err;
	ask_target(invocation, &target);
	err = ask_json(invocation, &target, NULL, 0, &check);
	if (err)
		return err;
	if (option_given(invocation, OPTION_JSON))
		err = show_json(invocation, check);
	else if (option_given(invocation, OPTION_QUIET))
		err = show_object(invocation, invocation->command->fields, check);
	else if (invocation->count)
		print_check(invocation, check);
	else
		print_explanation(invocation, check);
	return err ? err : judge(invocation, check);
}
