// SPDX-License-Identifier: GPL-2.0-only
/* run_policy.c - the policy as one document, from a file and to one: see run.h */
#include <unistd.h>

#include "userspace/cli/ask.h"
#include "userspace/cli/client.h"
#include "userspace/cli/command.h"
#include "userspace/cli/run.h"
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
