// SPDX-License-Identifier: GPL-2.0-only
/* run_watch.c - who was stopped, and what happens: see run.h */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "userspace/cli/ask.h"
#include "userspace/cli/command.h"
#include "userspace/cli/run.h"
#include "userspace/cli/show.h"
#include "userspace/cli/sink.h"
#include "userspace/core/table.h"

/* --- denied -------------------------------------------------------------------- */

static int bad_answer(struct invocation *invocation)
{
	return problem_set(&invocation->problem, PROBLEM_BAD_ANSWER,
			   "the answer is not understood: are allowgate and allowgated of one version?");
}

static int ask_rows(struct invocation *invocation, const char *after, json_t **ret)
{
	CLEANUP(buffer_clear) struct buffer target = {0};

	ask_target(invocation, &target);
	ask_parameter(&target, "limit", "1000");
	if (after)
		ask_parameter(&target, "after", after);
	return ask_json(invocation, &target, NULL, 0, ret);
}

/* All pages as one list, with what the first one says of the whole; rows come and go meanwhile. */
static int ask_denied(struct invocation *invocation, json_t **ret)
{
	AUTO_JSON json_t *list = NULL, *page = NULL;
	const char *after;
	int err = ask_rows(invocation, NULL, &list);

	after = err ? NULL : json_string_value(json_object_get(list, "next"));
	while (!err && after) {
		json_t *next = NULL;

		err = ask_rows(invocation, after, &next);
		json_decref(page);
		page = next;
		if (!err && !json_array_size(json_object_get(page, "items")))
			break;
		if (!err && json_array_extend(json_object_get(list, "items"), json_object_get(page, "items")))
			err = problem_set(&invocation->problem, PROBLEM_MEMORY, "there is not enough memory");
		after = json_string_value(json_object_get(page, "next"));
	}
	if (!err && !json_is_array(json_object_get(list, "items")))
		err = bad_answer(invocation);
	if (err)
		return err;
	(void)json_object_del(list, "next"); /* it is whole */
	*ret = json_incref(list);
	return 0;
}

int run_denied(struct invocation *invocation)
{
	AUTO_JSON json_t *list = NULL;
	int err = ask_denied(invocation, &list);

	if (!err)
		err = show_list(invocation, list);
	if (!err && json_is_true(json_object_get(list, "sampled")))
		(void)fprintf(stderr,
			      "allowgate: %" JSON_INTEGER_FORMAT
			      " stopped packets were not reported one by one\n",
			      json_integer_value(json_object_get(list, "missed")));
	return err;
}

/* --- events: one as it is shown ------------------------------------------------ */

/* A stream of events, taken apart line by line. */
struct following {
	struct invocation *invocation;
	struct sink sink;
	struct buffer line;
	char event[32]; /* the name of the one that comes */
	struct buffer data;
	bool ended; /* with a reason, which is the problem */
};
#define LINE_MAX_BYTES ((size_t)1024 * 1024)

static void add_cell(struct buffer *out, const json_t *data, const char *name)
{
	CLEANUP(buffer_clear) struct buffer cell = {0};

	show_value(&cell, json_object_get(data, name), !strcmp(name, "source"));
	if (cell.failed)
		out->failed = cell.failed;
	else if (cell.data)
		shown_append(out, cell.data, cell.length, SHOWN_LINE);
}

/* Text, with what stands in braces replaced by a member of the event. */
static void add_template(struct buffer *out, const char *template, const json_t *data)
{
	while (*template) {
		size_t plain = strcspn(template, "{");
		char name[16];

		(void)buffer_append(out, template, plain); /* remembered in the buffer, as below */
		template += plain;
		if (!*template)
			return;
		(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(template, "}") - 1, template + 1);
		add_cell(out, data, name);
		template += strcspn(template, "}") + 1;
	}
}

/* What was passed over stands before what comes behind it. */
static void add_missed(struct buffer *out, const json_t *data, bool quiet)
{
	json_int_t missed = json_integer_value(json_object_get(data, "missed"));

	if (missed > 0) /* remembered in the buffer */
		(void)buffer_print(out,
				   quiet ? "\tmissed\t\t\t%" JSON_INTEGER_FORMAT "\n"
					 : "events missed: %" JSON_INTEGER_FORMAT "\n",
				   missed);
}

static void add_text(struct following *following, struct buffer *out, const json_t *data)
{
	bool quiet = option_given(following->invocation, OPTION_QUIET);
	const char *event = following->event;

	add_missed(out, data, quiet);
	if (!strcmp(event, "missed"))
		return;
	add_template(out, quiet ? "{time}\t" : "{time} ", data);
	shown_append_word(out, event, !quiet && following->invocation->terminal.colour);
	if (strcmp(event, "change") != 0)
		add_template(out,
			     quiet ? "\t{account}\t{source}\t{service}\n"
				   : " {account} {source} -> {service}\n",
			     data);
	else
		add_template(out,
			     quiet ? "\t{account}\t{user}\t{action}\t{outcome}\t{detail}\n"
				   : " {account} {user} from {origin}: {action}: {outcome} {detail}\n",
			     data);
}

static void add_json(const struct following *following, struct buffer *out, json_t *data)
{
	AUTO_JSON json_t *document = json_pack("{s:s}", "event", following->event);
	AUTO_FREE char *text = NULL;

	if (document && !json_object_update(document, data))
		text = json_dumps(document, JSON_COMPACT);
	if (!text)
		out->failed = -1;
	else
		shown_append(out, text, strlen(text), SHOWN_JSON);
	(void)buffer_append(out, "\n", 1); /* remembered in the buffer */
}

static int show_event(struct following *following, json_t *data)
{
	CLEANUP(buffer_clear) struct buffer out = {0};
	int err;

	if (option_given(following->invocation, OPTION_JSON))
		add_json(following, &out, data);
	else
		add_text(following, &out, data);
	if (out.failed)
		return problem_set(&following->invocation->problem, PROBLEM_MEMORY,
				   "there is not enough memory");
	err = sink_take(&following->sink, out.data ? out.data : "", out.length);
	return err ? err : sink_finish(&following->sink);
}

/* --- events: as they come ------------------------------------------------------ */

/* Why the daemon ends it. */
static int take_end(struct following *following, const json_t *data)
{
	struct problem *problem = &following->invocation->problem;
	const char *code = json_string_value(json_object_get(data, "code"));
	const char *detail = json_string_value(json_object_get(data, "detail"));
	long status = (long)json_integer_value(json_object_get(data, "status"));

	following->ended = true;
	if (code && detail && !strcmp(code, "conflict"))
		return problem_set(problem, PROBLEM_UNREACHABLE, "%s", detail);
	return problem_from_answer(problem, status, following->data.data, following->data.length);
}

static int take_event(struct following *following)
{
	AUTO_JSON json_t *data = NULL;

	if (!following->data.length)
		return 0;
	data = json_loadb(following->data.data, following->data.length, 0, NULL);
	if (!json_is_object(data))
		return bad_answer(following->invocation);
	return strcmp(following->event, "end") != 0 ? show_event(following, data) : take_end(following, data);
}

static int take_line(struct following *following, const char *line)
{
	int err = 0;

	if (!strncmp(line, "event: ", 7)) {
		(void)snprintf(following->event, sizeof(following->event), "%s", line + 7);
	} else if (!strncmp(line, "data: ", 6)) {
		if (buffer_append(&following->data, line + 6, strlen(line + 6)))
			return bad_answer(following->invocation);
	} else if (!*line) {
		err = take_event(following);
		following->data.length = 0;
	}
	return err; /* anything else is a comment */
}

static int take_some(void *arg, const char *data, size_t length)
{
	struct following *following = arg;
	char *line, *end;
	int err = 0;

	if (buffer_append(&following->line, data, length))
		return bad_answer(following->invocation);
	line = following->line.data;
	while (!err && (end = strchr(line, '\n'))) {
		*end = '\0';
		err = take_line(following, line);
		line = end + 1;
	}
	following->line.length = strlen(line);
	memmove(following->line.data, line, following->line.length + 1);
	return err;
}

/* Every line was written when it came: there is nothing to be done but to end. */
static void interrupted(int number)
{
	(void)number; /* the one it is for */
	_exit(EXIT_DONE);
}

static int follow(struct following *following, const struct buffer *target)
{
	struct invocation *invocation = following->invocation;
	struct client_answer answer = {0};
	int err;

	invocation->transfer = (struct client_transfer){.take = take_some, .arg = following, .endless = true};
	err = ask_text(invocation, target, NULL, 0, &answer);
	client_answer_clear(&answer);
	if (err || following->ended)
		return err;
	return problem_set(&invocation->problem, PROBLEM_UNREACHABLE,
			   "the daemon ended what was followed, and did not say why: is it running?");
}

int run_events(struct invocation *invocation)
{
	CLEANUP(buffer_clear) struct buffer target = {0};
	struct following following = {.invocation = invocation,
				      .sink = {.problem = &invocation->problem},
				      .line = {.limit = LINE_MAX_BYTES},
				      .data = {.limit = LINE_MAX_BYTES}};
	const struct sigaction action = {.sa_handler = interrupted};
	int err;

	ask_target(invocation, &target);
	(void)sigaction(SIGINT, &action, NULL); /* fails for a bad number alone */
	err = follow(&following, &target);
	sink_clear(&following.sink);
	buffer_clear(&following.line);
	buffer_clear(&following.data);
	return err;
}
