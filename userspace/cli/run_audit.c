// SPDX-License-Identifier: GPL-2.0-only
/* run_audit.c - the audit log: see run.h */
#include <stdint.h>
#include <time.h>

#include "userspace/cli/ask.h"
#include "userspace/cli/command.h"
#include "userspace/cli/run.h"
#include "userspace/cli/show.h"
#include "userspace/core/error.h"
#include "userspace/core/text.h"

/* A point in time, or how long ago it was. */
static int parse_since(struct invocation *invocation, char text[TIME_TEXT_MAX])
{
	const char *since = invocation->args.values[OPTION_SINCE];
	struct ag_error error = {0};
	int64_t seconds;

	if (!duration_parse(since, &seconds, &error))
		seconds = (int64_t)time(NULL) - seconds;
	else if (time_parse(since, &seconds, &error))
		return problem_set(
			&invocation->problem, PROBLEM_USAGE,
			"--since: \"%s\" is no time: write 2026-01-02T03:04:05Z, or 24h, 7d for so long ago",
			since);
	time_format(seconds, text);
	return 0;
}

static int audit_target(struct invocation *invocation, struct buffer *target)
{
	char since[TIME_TEXT_MAX];
	int err = 0;

	ask_target(invocation, target);
	if (!option_given(invocation, OPTION_SINCE))
		return 0;
	err = parse_since(invocation, since);
	if (!err)
		ask_parameter(target, "since", since);
	return err;
}

static int parse_limit(struct invocation *invocation, size_t *ret)
{
	struct ag_error error = {0};
	uint64_t limit = SIZE_MAX;

	if (option_given(invocation, OPTION_LIMIT) &&
	    number_parse("--limit", invocation->args.values[OPTION_LIMIT], 1, SIZE_MAX, &limit, &error))
		return problem_set(&invocation->problem, PROBLEM_USAGE, "%s", error.message);
	*ret = limit;
	return 0;
}

int run_audit(struct invocation *invocation)
{
	struct buffer target = {0};
	AUTO_JSON json_t *list = NULL;
	size_t limit = SIZE_MAX;
	int err = parse_limit(invocation, &limit);

	if (!err)
		err = audit_target(invocation, &target);
	if (!err)
		err = ask_items(invocation, &target, limit, &list);
	buffer_clear(&target);
	return err ? err : show_list(invocation, list);
}

int run_audit_verify(struct invocation *invocation)
{
	struct buffer target = {0};
	AUTO_JSON json_t *answer = NULL;
	int err;

	ask_target(invocation, &target);
	err = ask_json(invocation, &target, NULL, 0, &answer);
	buffer_clear(&target);
	if (err)
		return err;
	if (option_given(invocation, OPTION_JSON))
		err = show_json(invocation, answer);
	if (!err && !json_is_true(json_object_get(answer, "intact")))
		return problem_set(
			&invocation->problem, PROBLEM_STORE,
			"the log is not intact: rows were changed or removed; keep a copy of the store");
	if (!err && !option_given(invocation, OPTION_JSON) && !option_given(invocation, OPTION_QUIET))
		show_sentence(invocation, "the log is intact, rows read: {rows}", answer, &invocation->out);
	return err;
}
