// SPDX-License-Identifier: GPL-2.0-only
/* run_token.c - a token is made, and shown this once: see run.h */
#include <string.h>

#include "userspace/cli/ask.h"
#include "userspace/cli/change.h"
#include "userspace/cli/command.h"
#include "userspace/cli/run.h"
#include "userspace/cli/show.h"

static const char SENTENCE[] = "token {id} for {user}, {role} on {on}, {until}";

static int check_options(struct invocation *invocation)
{
	if (option_given(invocation, OPTION_USER) && option_given(invocation, OPTION_ACCOUNT) &&
	    option_given(invocation, OPTION_ROLE))
		return 0;
	return problem_set(&invocation->problem, PROBLEM_USAGE,
			   "a token is for somebody, somewhere: give --user, --account and --role");
}

static json_t *until(const json_t *expires)
{
	return json_is_string(expires) ? json_sprintf("until %s", json_string_value(expires))
				       : json_string("for ever");
}

static int print_token(struct invocation *invocation, const json_t *answer)
{
	json_t *token = json_object_get(answer, "token");
	const char *secret = json_string_value(json_object_get(answer, "secret"));
	AUTO_JSON json_t *said = json_pack(
		"{s:O*, s:O*, s:O*, s:O*, s:O*, s:o}", "dry_run", json_object_get(answer, "dry_run"), "id",
		json_object_get(token, "id"), "user", json_object_get(token, "user"), "role",
		json_object_get(token, "role"), "on", json_object_get(token, "account"), "until",
		until(json_object_get(token, "expires")));

	if (!said)
		return problem_set(&invocation->problem, PROBLEM_MEMORY, "there is not enough memory");
	show_warnings(answer);
	if (!option_given(invocation, OPTION_QUIET)) {
		show_sentence(invocation, SENTENCE, said, &invocation->out);
		if (secret)
			(void)buffer_print(&invocation->out, "it is shown this once:\n");
	}
	if (secret)
		(void)buffer_print(&invocation->out, "%s\n", secret); /* remembered in the buffer */
	show_confirm_by(invocation, answer, json_string_value(json_object_get(token, "id")));
	return 0;
}

int run_token_create(struct invocation *invocation)
{
	AUTO_JSON json_t *body = NULL;
	AUTO_JSON json_t *answer = NULL;
	AUTO_FREE char *text = NULL;
	struct buffer target = {0};
	int err = check_options(invocation);

	if (!err)
		err = ask_body(invocation, &body);
	if (err)
		return err;
	text = json_dumps(body, JSON_COMPACT);
	if (!text)
		return problem_set(&invocation->problem, PROBLEM_MEMORY, "there is not enough memory");
	ask_target(invocation, &target);
	err = ask_json(invocation, &target, text, strlen(text), &answer);
	buffer_clear(&target);
	if (err)
		return err;
	if (option_given(invocation, OPTION_JSON))
		return show_json(invocation, answer);
	return print_token(invocation, answer);
}
