// SPDX-License-Identifier: GPL-2.0-only
/* run_audit.c - the audit log: see run.h */
#include <stdint.h>
#include <time.h>

#include "userspace/cli/ask.h"
#include "userspace/cli/command.h"
#include "userspace/cli/run.h"
#include "userspace/cli/show.h"
#include "userspace/cli/sink.h"
#include "userspace/core/error.h"
#include "userspace/core/text.h"

/* A point in time, or how long ago it was. */
static int add_time(struct invocation *invocation, enum option option, struct buffer *target)
{
	const char *name = OPTIONS[option].name, *text = invocation->args.values[option];
	char formatted[TIME_TEXT_MAX];
	struct ag_error error = {0};
	int64_t seconds;

	if (!option_given(invocation, option))
		return 0;
	if (!duration_parse(text, &seconds, &error))
		seconds = (int64_t)time(NULL) - seconds;
	else if (time_parse(text, &seconds, &error))
		return problem_set(
			&invocation->problem, PROBLEM_USAGE,
			"%s: \"%s\" is no time: write 2026-01-02T03:04:05Z, or 24h, 7d for so long ago", name,
			text);
	time_format(seconds, formatted);
	ask_parameter(target, name + 2, formatted);
	return 0;
}

static int audit_target(struct invocation *invocation, const char *path, struct buffer *target)
{
	int err;

	if (path) {
		(void)buffer_print(target, "%s", path); /* remembered in the buffer */
		if (invocation->count)
			ask_parameter(target, "account", invocation->arguments[0]);
	} else {
		ask_target(invocation, target);
	}
	if (option_given(invocation, OPTION_USER))
		ask_parameter(target, "user", invocation->args.values[OPTION_USER]);
	err = add_time(invocation, OPTION_SINCE, target);
	return err ? err : add_time(invocation, OPTION_UNTIL, target);
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

/* To standard output as it comes, however long it is. */
static int stream(struct invocation *invocation, const struct buffer *target)
{
	struct sink sink = {.problem = &invocation->problem};
	struct client_answer answer = {0};
	int err;

	invocation->transfer = (struct client_transfer){.take = sink_take, .endless = true, .arg = &sink};
	err = ask_text(invocation, target, NULL, 0, &answer);
	if (!err)
		err = sink_finish(&sink);
	client_answer_clear(&answer);
	sink_clear(&sink);
	return err;
}

int run_document(struct invocation *invocation)
{
	CLEANUP(buffer_clear) struct buffer target = {0};

	ask_target(invocation, &target);
	return stream(invocation, &target);
}

static int export_lines(struct invocation *invocation)
{
	CLEANUP(buffer_clear) struct buffer target = {0};
	int err;

	if (option_given(invocation, OPTION_LIMIT))
		return problem_set(&invocation->problem, PROBLEM_USAGE,
				   "--jsonl writes all rows, without --limit: bound them by --since");
	err = audit_target(invocation, "/v1/audit/export", &target);
	return err ? err : stream(invocation, &target);
}

int run_audit(struct invocation *invocation)
{
	CLEANUP(buffer_clear) struct buffer target = {0};
	AUTO_JSON json_t *list = NULL;
	size_t limit = SIZE_MAX;
	int err;

	if (option_given(invocation, OPTION_JSONL))
		return export_lines(invocation);
	err = parse_limit(invocation, &limit);
	if (!err)
		err = audit_target(invocation, NULL, &target);
	if (!err)
		err = ask_items(invocation, &target, limit, &list);
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
