// SPDX-License-Identifier: GPL-2.0-only
/*
 * run_allow.c - whole lists, from a file and to one: see run.h
 *
 * A file that cannot be read, or not to its end, is an error and never an empty list: that would open the
 * account.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/cli/ask.h"
#include "userspace/cli/change.h"
#include "userspace/cli/command.h"
#include "userspace/cli/run.h"
#include "userspace/cli/show.h"
#include "userspace/core/error.h"
#include "userspace/core/listtext.h"
#include "userspace/core/request.h"
#include "userspace/core/table.h"

#define FILE_MAX ((size_t)64 << 20)
#define CHUNK	 ((size_t)64 << 10)
#define BLANKS	 " \t\r\n"

static int cannot_read(struct invocation *invocation, const char *name, int number)
{
	return problem_set(&invocation->problem, PROBLEM_INPUT, "%s cannot be read: %s; nothing was changed",
			   name, strerror(number));
}

/* Until its end. */
static int read_all(struct invocation *invocation, int fd, const char *name, struct buffer *text)
{
	AUTO_FREE char *chunk = malloc(CHUNK);
	ssize_t length = 1;

	while (chunk && length) {
		length = read(fd, chunk, CHUNK);
		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return cannot_read(invocation, name, errno);
		if (buffer_append(text, chunk, (size_t)length))
			break;
	}
	if (text->failed == -EFBIG)
		return problem_set(&invocation->problem, PROBLEM_LIMIT,
				   "%s is longer than %zu MiB; nothing was changed", name, FILE_MAX >> 20);
	if (!chunk || text->failed)
		return cannot_read(invocation, name, ENOMEM);
	return 0;
}

static int read_file(struct invocation *invocation, const char *name, struct buffer *text)
{
	bool standard = !strcmp(name, "-");
	AUTO_FD int opened = standard ? -1 : open(name, O_RDONLY | O_CLOEXEC);
	int fd = standard ? STDIN_FILENO : opened;
	struct stat about;

	if (fd < 0 || fstat(fd, &about))
		return cannot_read(invocation, name, errno);
	if (S_ISDIR(about.st_mode))
		return cannot_read(invocation, name, EISDIR);
	return read_all(invocation, fd, standard ? "standard input" : name, text);
}

static int check_empty(struct invocation *invocation, bool empty)
{
	if (!empty || option_given(invocation, OPTION_OPEN))
		return 0;
	return problem_set(
		&invocation->problem, PROBLEM_WOULD_OPEN,
		"the file holds no entries: that would open the account; to do so on purpose give --open");
}

/* {"entries": [...]} is sent as it is, the daemon being its judge, once it is known to be whole and not
 * empty. */
static int send_json(struct invocation *invocation, const char *name, const struct buffer *text, json_t **ret)
{
	json_error_t why;
	AUTO_JSON json_t *document = json_loadb(text->data, text->length, JSON_REJECT_DUPLICATES, &why);
	const json_t *entries = json_object_get(document, "entries");
	int err;

	if (!document)
		return problem_set(&invocation->problem, PROBLEM_INPUT,
				   "%s: line %d: %s: the JSON cannot be read; nothing was changed", name,
				   why.line, why.text);
	err = check_empty(invocation, json_is_array(entries) && !json_array_size(entries));
	return err ? err : change_send(invocation, text->data, text->length, ret);
}

/* Every bad line as a member of the document; how many there are is given back. */
static size_t note_lines(struct invocation *invocation, const char *line)
{
	json_t *list = json_array();
	size_t count = 0;

	for (; *line; count++) {
		size_t length = strcspn(line, "\n");

		(void)json_array_append_new(
			list, json_stringn(line, length)); /* the error says the first of them */
		line += length + (line[length] == '\n');
	}
	(void)json_object_set_new(invocation->problem.document, "problems", list); /* as above */
	return count;
}

/* One bad line is the error itself; of several, each is said, and the error how many they are. */
static int bad_lines(struct invocation *invocation, const char *name, struct buffer *problems,
		     const struct ag_error *error)
{
	int err = problem_from_error(&invocation->problem, error);
	const char *lines = problems->data ? problems->data : "";
	size_t count = note_lines(invocation, lines);
	struct buffer said = {0};

	if (count == 1)
		(void)buffer_print(&said, "%s: %.*s; nothing was changed", name, (int)strcspn(lines, "\n"),
				   lines);
	else if (count)
		(void)buffer_print(&said, "%s: lines that are no entries: %zu; nothing was changed", name,
				   count);
	if (said.data)
		(void)json_object_set_new(invocation->problem.document, "detail",
					  json_string(said.data)); /* the error says the first of them */
	buffer_clear(&said);
	if (count > 1) {
		invocation->problem.lines = *problems;
		*problems = (struct buffer){0};
	}
	return err;
}

static int send_list(struct invocation *invocation, const struct list *list, json_t **ret)
{
	AUTO_JSON json_t *body = NULL;
	AUTO_FREE char *text = NULL;
	int err = check_empty(invocation, !list->count);

	if (err)
		return err;
	body = json_entries_sent(list);
	text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	if (!text)
		return problem_set(&invocation->problem, PROBLEM_MEMORY, "there is not enough memory");
	return change_send(invocation, text, strlen(text), ret);
}

static int send_text(struct invocation *invocation, const char *name, const struct buffer *text, json_t **ret)
{
	struct buffer problems = {0};
	struct ag_error error = {0};
	struct list list = {0};
	int err;

	if (listtext_parse(text->data ? text->data : "", text->length, &list, &problems, &error))
		err = bad_lines(invocation, name, &problems, &error);
	else
		err = send_list(invocation, &list, ret);
	list_clear(&list);
	buffer_clear(&problems);
	return err;
}

static void print_difference(struct invocation *invocation, const json_t *answer, const char *which,
			     char sign)
{
	const json_t *prefixes = json_object_get(json_object_get(answer, "difference"), which), *prefix;
	json_int_t all = json_integer_value(json_object_get(answer, which));
	struct buffer lines = {0};
	size_t index;

	json_array_foreach ((json_t *)prefixes, index, prefix) {
		(void)buffer_print(&lines, "%c ", sign); /* remembered in the buffer, as below */
		show_value(&lines, prefix, true);
		(void)buffer_append(&lines, "\n", 1);
	}
	if (all > (json_int_t)json_array_size(prefixes))
		(void)buffer_print(&lines, "%c and %" JSON_INTEGER_FORMAT " more\n", sign,
				   all - (json_int_t)json_array_size(prefixes));
	if (lines.data)
		shown_append(&invocation->out, lines.data, lines.length, SHOWN_TEXT);
	if (lines.failed)
		invocation->out.failed = lines.failed;
	buffer_clear(&lines);
}

int run_replace(struct invocation *invocation)
{
	const char *name = invocation->arguments[1];
	struct buffer text = {.limit = FILE_MAX};
	AUTO_JSON json_t *answer = NULL;
	int err = read_file(invocation, name, &text);
	bool json = !err && text.data && text.data[strspn(text.data, BLANKS)] == '{';

	if (!err)
		err = json ? send_json(invocation, name, &text, &answer)
			   : send_text(invocation, name, &text, &answer);
	buffer_clear(&text);
	if (!err && option_given(invocation, OPTION_DRY_RUN) && !option_given(invocation, OPTION_JSON)) {
		print_difference(invocation, answer, "removed", '-');
		print_difference(invocation, answer, "added", '+');
	}
	return err;
}

/* The text that came, as the JSON that replace takes: one answer, so that both are of one moment. */
static int export_json(struct invocation *invocation, const struct buffer *text)
{
	AUTO_JSON json_t *document = NULL;
	struct buffer problems = {0};
	struct ag_error error = {0};
	struct list list = {0};
	int err = 0;

	if (listtext_parse(text->data, text->length, &list, &problems, &error))
		err = problem_set(&invocation->problem, PROBLEM_BAD_ANSWER,
				  "%s: are allowgate and allowgated of one version?", error.message);
	if (!err)
		document = json_entries_sent(&list);
	if (!err)
		err = document ? show_json(invocation, document)
			       : problem_set(&invocation->problem, PROBLEM_MEMORY,
					     "there is not enough memory");
	list_clear(&list);
	buffer_clear(&problems);
	return err;
}

int run_export(struct invocation *invocation)
{
	struct client_answer answer = {0};
	struct buffer target = {0};
	int err;

	ask_target(invocation, &target);
	err = ask_text(invocation, &target, NULL, 0, &answer);
	buffer_clear(&target);
	if (err)
		return err;
	if (option_given(invocation, OPTION_JSON))
		err = export_json(invocation, &answer.body);
	else if (isatty(STDOUT_FILENO))
		shown_append(&invocation->out, answer.body.data, answer.body.length, SHOWN_TEXT);
	else
		(void)buffer_append(&invocation->out, answer.body.data,
				    answer.body.length); /* checked when written */
	client_answer_clear(&answer);
	return err;
}
