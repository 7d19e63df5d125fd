// SPDX-License-Identifier: GPL-2.0-only
/*
 * run_allow.c - whole lists, from a file and to one: see run.h
 *
 * What a file holds is sent as it is: the daemon reads it, and names bad lines.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "userspace/cli/ask.h"
#include "userspace/cli/change.h"
#include "userspace/cli/command.h"
#include "userspace/cli/run.h"
#include "userspace/cli/show.h"
#include "userspace/cli/sink.h"
#include "userspace/cli/upload.h"
#include "userspace/core/error.h"
#include "userspace/core/listtext.h"
#include "userspace/core/request.h"
#include "userspace/core/table.h"

/* By its name, or by a first line that names a column of that name, which no entry begins with. */
static bool is_csv(const struct upload *upload)
{
	static const char column[] = "prefix", ending[] = ".csv";
	size_t length = strlen(upload->name);
	const char *at = upload->head;

	if (length > strlen(ending) && !strcasecmp(upload->name + length - strlen(ending), ending))
		return true;
	for (; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		const char *field = at + strspn(at, " \t\"\xef\xbb\xbf"); /* a byte order mark too */

		if (!strncasecmp(field, column, strlen(column)) && strchr("\", \t", field[strlen(column)]))
			return true;
	}
	return false;
}

static const char *type_of(const struct upload *upload)
{
	if (upload->first == '{')
		return NULL;
	return is_csv(upload) ? "Content-Type: text/csv" : "Content-Type: text/plain";
}

/* The daemon asks for --open too; but a file that was just about to be written is said to be that. */
static int send_upload(struct invocation *invocation, struct upload *upload)
{
	bool replaces = invocation->command->options & OPTION_BIT(OPEN);

	if (upload->first < 0 && replaces && !option_given(invocation, OPTION_OPEN))
		return problem_set(&invocation->problem, PROBLEM_WOULD_OPEN,
				   "the file holds no entries: that would open the account; to do so on "
				   "purpose give --open");
	invocation->transfer =
		(struct client_transfer){.type = type_of(upload), .give = upload_give, .arg = upload};
	return change_send(invocation, NULL, upload->length, NULL);
}

int run_upload(struct invocation *invocation)
{
	struct upload upload;
	int err = upload_open(invocation->arguments[1], &invocation->problem, &upload);

	if (!err)
		err = send_upload(invocation, &upload);
	upload_close(&upload);
	return err;
}

/* --- from where one is connected --- */

/* As `whoami` is asked, by the same caller. */
static int ask_whoami(struct invocation *invocation, json_t **ret)
{
	static const char *const words[] = {"whoami"};
	const struct command *own = invocation->command;
	CLEANUP(buffer_clear) struct buffer target = {0};
	size_t count;
	int err;

	invocation->command = command_find(words, 1, &count);
	ask_target(invocation, &target);
	err = ask_json(invocation, &target, NULL, 0, ret);
	invocation->command = own;
	return err;
}

int run_me(struct invocation *invocation)
{
	AUTO_JSON json_t *whoami = NULL;
	const char *const *arguments = invocation->arguments;
	const char *origin, *both[2] = {arguments[0]};
	int err = ask_whoami(invocation, &whoami);

	if (err)
		return err;
	origin = json_string_value(json_object_get(whoami, "origin"));
	if (!origin || !strcmp(origin, "unknown"))
		return problem_set(
			&invocation->problem, PROBLEM_NO_ORIGIN,
			"where you are connected from is unknown ('allowgate whoami' says why): name "
			"the address with 'allow add'");
	both[1] = origin;
	invocation->arguments = both;
	invocation->count = 2;
	err = run_change(invocation);
	invocation->arguments = arguments;
	invocation->count = 1;
	return err;
}

/* --- export --- */

static int print_entry(const struct entry *entry, bool first)
{
	AUTO_JSON json_t *json = json_entry_sent(entry);
	AUTO_FREE char *text = json ? json_dumps(json, 0) : NULL;
	CLEANUP(buffer_clear) struct buffer shown = {0};

	if (!text)
		return -1;
	shown_append(&shown, text, strlen(text), SHOWN_JSON);
	if (shown.failed)
		return -1;
	(void)printf("%s\n    %s", first ? "" : ",", shown.data); /* main() looks at the stream's end */
	return 0;
}

static int print_entries(struct invocation *invocation, const struct list *list)
{
	int err = 0;

	(void)fputs("{\n  \"entries\": [", stdout); /* as above, and below */
	for (size_t i = 0; i < list->count && !err; i++)
		err = print_entry(&list->entries[i], i == 0);
	if (err)
		return problem_set(&invocation->problem, PROBLEM_MEMORY,
				   "there is not enough memory: what was written is not the whole list");
	(void)fputs(list->count ? "\n  ]\n}\n" : "]\n}\n", stdout);
	return 0;
}

/* The text that came, as the JSON that replace takes: one answer, so that both are of one moment. */
static int export_json(struct invocation *invocation, struct client_answer *answer)
{
	struct ag_error error = {0};
	struct list list = {0};
	int err = 0;

	if (listtext_parse(answer->body.data, answer->body.length, SIZE_MAX, &list, &error))
		err = problem_set(&invocation->problem, PROBLEM_BAD_ANSWER,
				  "%s: are allowgate and allowgated of one version?", error.message);
	client_answer_clear(answer);
	if (!err)
		err = print_entries(invocation, &list);
	list_clear(&list);
	return err;
}

/* To where it is read back from: byte by byte, and as it comes. What was held when the answer failed is not
 * written any more. */
int run_export_stream(struct invocation *invocation, const struct buffer *target)
{
	struct sink sink = {.problem = &invocation->problem};
	struct client_answer answer = {0};
	int err;

	invocation->transfer = (struct client_transfer){.take = sink_take, .arg = &sink};
	err = ask_text(invocation, target, NULL, 0, &answer);
	if (!err)
		err = sink_finish(&sink);
	client_answer_clear(&answer);
	sink_clear(&sink);
	return err;
}

static int export_collected(struct invocation *invocation, const struct buffer *target)
{
	struct client_answer answer = {0};
	int err = ask_text(invocation, target, NULL, 0, &answer);

	if (!err && option_given(invocation, OPTION_JSON))
		err = export_json(invocation, &answer);
	else if (!err)
		shown_append(&invocation->out, answer.body.data, answer.body.length, SHOWN_TEXT);
	client_answer_clear(&answer);
	return err;
}

/* A terminal is shown what is safe to show, and JSON is made of the whole. */
int run_export(struct invocation *invocation)
{
	CLEANUP(buffer_clear) struct buffer target = {0};
	bool collected = option_given(invocation, OPTION_JSON) || isatty(STDOUT_FILENO);

	ask_target(invocation, &target);
	return (collected ? export_collected : run_export_stream)(invocation, &target);
}
