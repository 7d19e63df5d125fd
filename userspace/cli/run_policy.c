// SPDX-License-Identifier: GPL-2.0-only
/* run_policy.c - the policy as one document, from a file and to one: see run.h */
#include <unistd.h>

#include "userspace/cli/ask.h"
#include "userspace/cli/change.h"
#include "userspace/cli/client.h"
#include "userspace/cli/command.h"
#include "userspace/cli/run.h"
#include "userspace/cli/show.h"
#include "userspace/cli/upload.h"
#include "userspace/core/table.h"

/* A terminal is shown what is safe to show; a file gets the bytes as they come. It is JSON in any case. */
int run_policy_export(struct invocation *invocation)
{
	CLEANUP(buffer_clear) struct buffer target = {0};
	struct client_answer answer = {0};
	int err;

	ask_target(invocation, &target);
	if (!isatty(STDOUT_FILENO))
		return run_export_stream(invocation, &target);
	err = ask_text(invocation, &target, NULL, 0, &answer);
	if (!err)
		shown_append(&invocation->out, answer.body.data, answer.body.length, SHOWN_JSON);
	client_answer_clear(&answer);
	return err;
}

/* --- what an apply would do --------------------------------------------------- */

/* "  + entry 203.0.113.7" for each; a role is an object. */
static void print_names(struct buffer *lines, char sign, const char *what, const json_t *names)
{
	const json_t *name;
	size_t index;

	json_array_foreach ((json_t *)(uintptr_t)names, index, name) {
		(void)buffer_print(lines, "  %c %s ", sign, what); /* remembered in the buffer, as below */
		if (json_is_object(name)) {
			show_value(lines, json_object_get(name, "user"), false);
			(void)buffer_append(lines, " ", 1);
			show_value(lines, json_object_get(name, "role"), false);
		} else {
			show_value(lines, name, true);
		}
		(void)buffer_append(lines, "\n", 1);
	}
}

/* What the answer has counted and not named. */
static void print_rest(struct buffer *lines, char sign, const char *what, json_int_t count,
		       const json_t *names)
{
	json_int_t rest = count - (json_int_t)json_array_size(names);

	if (rest > 0)
		(void)buffer_print(lines, "  %c %s: %" JSON_INTEGER_FORMAT " more\n", sign, what, rest);
}

static void print_kind(struct buffer *lines, const char *what, const json_t *kind)
{
	static const struct {
		const char *name;
		char sign;
	} ways[] = {{"removed", '-'}, {"changed", '~'}, {"added", '+'}};
	const json_t *difference = json_object_get(kind, "difference");

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		const json_t *names = json_object_get(difference, ways[i].name);

		print_names(lines, ways[i].sign, what, names);
		print_rest(lines, ways[i].sign, what, json_integer_value(json_object_get(kind, ways[i].name)),
			   names);
	}
}

static void print_settings(struct buffer *lines, const json_t *settings)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)settings, name, value) {
		(void)buffer_print(lines, "  ~ %s ", name);
		show_value(lines, value, false);
		(void)buffer_append(lines, "\n", 1);
	}
}

/* "+ account acme" */
static void print_part(struct buffer *lines, const char *what, const json_t *part)
{
	const char *change = json_string_value(json_object_get(part, "change"));

	(void)buffer_print(lines, "%c %s ",
			   !change	      ? '?'
			   : change[0] == 'a' ? '+'
			   : change[0] == 'r' ? '-'
					      : '~',
			   what); /* remembered in the buffer, as below */
	show_value(lines, json_object_get(part, what), false);
	(void)buffer_append(lines, "\n", 1);
}

static void print_list(struct buffer *lines, const json_t *list)
{
	print_part(lines, "list", list);
	print_kind(lines, "entry", json_object_get(list, "entries"));
}

static void print_account(struct buffer *lines, const json_t *account)
{
	print_part(lines, "account", account);
	print_settings(lines, json_object_get(account, "settings"));
	print_kind(lines, "service", json_object_get(account, "services"));
	print_kind(lines, "role", json_object_get(account, "roles"));
	print_kind(lines, "entry", json_object_get(account, "entries"));
}

static void print_plan(struct invocation *invocation, const json_t *answer)
{
	CLEANUP(buffer_clear) struct buffer lines = {0};
	const json_t *account, *list;
	size_t index;

	json_array_foreach (json_object_get(answer, "lists"), index, list)
		print_list(&lines, list);
	json_array_foreach (json_object_get(answer, "accounts"), index, account)
		print_account(&lines, account);
	if (lines.data)
		shown_append(&invocation->out, lines.data, lines.length, SHOWN_TEXT);
	if (lines.failed)
		invocation->out.failed = lines.failed;
}

int run_policy_apply(struct invocation *invocation)
{
	AUTO_JSON json_t *answer = NULL;
	struct upload upload;
	int err = upload_open(invocation->arguments[0], &invocation->problem, &upload);

	if (!err) {
		invocation->transfer = (struct client_transfer){.give = upload_give, .arg = &upload};
		err = change_send(invocation, NULL, upload.length, &answer);
	}
	upload_close(&upload);
	if (!err && option_given(invocation, OPTION_DRY_RUN) && !option_given(invocation, OPTION_JSON))
		print_plan(invocation, answer);
	return err;
}
