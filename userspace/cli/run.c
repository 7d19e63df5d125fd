// SPDX-License-Identifier: GPL-2.0-only
/* run.c - commands that are data alone: see run.h */
#include "userspace/cli/run.h"

#include <string.h>

#include "userspace/cli/ask.h"
#include "userspace/cli/change.h"
#include "userspace/cli/command.h"
#include "userspace/cli/show.h"
#include "userspace/core/table.h"

/* Of all nouns but these it is the account's change. */
static const char *confirm_option(const char *noun)
{
	static const char *const nouns[][2] = {{"user", "--user "},
					       {"interface", "--interface "},
					       {"token", "--token "},
					       {"list", "--list "},
					       {"policy", "--policy"}};

	for (size_t i = 0; i < sizeof(nouns) / sizeof(*nouns); i++)
		if (!strcmp(noun, nouns[i][0]))
			return nouns[i][1];
	return "";
}

void show_confirm_by(struct invocation *invocation, const json_t *answer, const char *name)
{
	const char *until = json_string_value(json_object_get(answer, "confirm_by"));
	struct buffer line = {0};

	if (!until || !name || option_given(invocation, OPTION_QUIET))
		return;
	(void)buffer_print(&line, "taken back at %s unless you confirm it: allowgate confirm %s%s\n", until,
			   confirm_option(invocation->command->noun), name); /* remembered in the buffer */
	if (line.failed)
		invocation->out.failed = line.failed;
	else
		shown_append(&invocation->out, line.data, line.length, SHOWN_TEXT);
	buffer_clear(&line);
}

/* Of a policy there is one, and its argument is a file. */
static const char *subject_of(const struct invocation *invocation)
{
	if (!strcmp(invocation->command->noun, "policy"))
		return "";
	return invocation->count ? invocation->arguments[0] : NULL;
}

static int show_change(struct invocation *invocation, const json_t *answer)
{
	if (option_given(invocation, OPTION_JSON))
		return show_json(invocation, answer);
	show_warnings(answer);
	if (!option_given(invocation, OPTION_QUIET))
		show_sentence(invocation, invocation->command->done, answer, &invocation->out);
	if (option_given(invocation, OPTION_DRY_RUN))
		show_preview(invocation, answer);
	if (option_given(invocation, OPTION_CONFIRM_WITHIN)) /* the answer has it, unless it is a dry run */
		show_confirm_by(invocation, answer, subject_of(invocation));
	return 0;
}

int change_send(struct invocation *invocation, const char *body, size_t length, json_t **ret)
{
	struct buffer target = {0};
	json_t *answer = NULL;
	int err;

	ask_target(invocation, &target);
	err = ask_json(invocation, &target, body, length, &answer);
	buffer_clear(&target);
	if (!err)
		err = show_change(invocation, answer);
	if (!err && ret)
		*ret = json_incref(answer);
	json_decref(answer);
	return err;
}

static int send_body(struct invocation *invocation, const json_t *body)
{
	AUTO_FREE char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

	if (body && !text)
		return problem_set(&invocation->problem, PROBLEM_MEMORY, "there is not enough memory");
	return change_send(invocation, text, text ? strlen(text) : 0, NULL);
}

int run_change(struct invocation *invocation)
{
	AUTO_JSON json_t *body = NULL;
	int err = ask_body(invocation, &body);

	return err ? err : send_body(invocation, body);
}

int run_account_set(struct invocation *invocation)
{
	AUTO_JSON json_t *body = NULL;
	int err = ask_body(invocation, &body);

	if (!err && !json_object_size(body))
		err = problem_set(&invocation->problem, PROBLEM_USAGE,
				  "there is nothing to set: give --mode, --on-deny or --label");
	return err ? err : send_body(invocation, body);
}

int run_list(struct invocation *invocation)
{
	struct buffer target = {0};
	AUTO_JSON json_t *list = NULL;
	int err;

	ask_target(invocation, &target);
	err = ask_items(invocation, &target, SIZE_MAX, &list);
	buffer_clear(&target);
	return err ? err : show_list(invocation, list);
}

int run_show(struct invocation *invocation)
{
	struct buffer target = {0};
	AUTO_JSON json_t *object = NULL;
	int err;

	ask_target(invocation, &target);
	err = ask_json(invocation, &target, NULL, 0, &object);
	buffer_clear(&target);
	if (err)
		return err;
	if (option_given(invocation, OPTION_JSON))
		return show_json(invocation, object);
	return show_object(invocation, invocation->command->fields, object);
}
