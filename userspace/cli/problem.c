// SPDX-License-Identifier: GPL-2.0-only
/* problem.c - see problem.h */
#include "userspace/cli/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "userspace/core/buffer.h"
#include "userspace/core/cleanup.h"
#include "userspace/core/table.h"

#define DETAIL_MAX 1024

static const struct {
	enum exit_code exit;
	int status;
	const char *code;
	const char *title;
} KINDS[] = {
	[PROBLEM_USAGE] = {EXIT_USAGE, 400, "bad_request", "Wrong usage"},
	[PROBLEM_INPUT] = {EXIT_REFUSED, 400, "bad_request", "Bad request"},
	[PROBLEM_LIMIT] = {EXIT_REFUSED, 413, "limit", "Limit reached"},
	[PROBLEM_NO_ORIGIN] = {EXIT_REFUSED, 409, "origin_not_covered", "Your own address is not known"},
	[PROBLEM_WOULD_OPEN] = {EXIT_REFUSED, 409, "would_open", "The change would open the account"},
	[PROBLEM_KERNEL] = {EXIT_REFUSED, 503, "kernel", "Kernel and store disagree"},
	[PROBLEM_STORE] = {EXIT_REFUSED, 503, "store", "The audit log is not intact"},
	[PROBLEM_FINDINGS] = {EXIT_REFUSED, 0, "findings", "Checks of the host failed"},
	[PROBLEM_UNREACHABLE] = {EXIT_UNREACHABLE, 0, "unreachable", "The daemon is not reachable"},
	[PROBLEM_BAD_ANSWER] = {EXIT_REFUSED, 0, "bad_answer", "The answer cannot be understood"},
	[PROBLEM_OUTPUT] = {EXIT_REFUSED, 0, "output", "The output cannot be written"},
	[PROBLEM_MEMORY] = {EXIT_REFUSED, 0, "memory", "Out of memory"},
};
_Static_assert(sizeof(KINDS) / sizeof(*KINDS) == PROBLEM_KIND_MAX, "every kind has its row");

int problem_set(struct problem *problem, enum problem_kind kind, const char *format, ...)
{
	struct buffer safe = {0};
	char detail[DETAIL_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(detail, sizeof(detail), format, args); /* cut where it is too long */
	va_end(args);
	shown_append(&safe, detail, strlen(detail), SHOWN_LINE);
	json_decref(problem->document);
	problem->exit = KINDS[kind].exit;
	problem->document = json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", "about:blank", "title",
				      KINDS[kind].title, "status", KINDS[kind].status, "detail",
				      safe.data ? safe.data : "", "code", KINDS[kind].code);
	buffer_clear(&safe);
	return (int)problem->exit;
}

static int not_understood(struct problem *problem, long status)
{
	if (status == 414)
		return problem_set(problem, PROBLEM_LIMIT,
				   "too much for one request: name fewer at once, or use \"allow replace\"");
	return problem_set(problem, PROBLEM_BAD_ANSWER,
			   "an answer with HTTP status %ld and no reason: is this allowgated's socket?",
			   status);
}

int problem_from_answer(struct problem *problem, long status, const char *body, size_t length)
{
	json_t *document = body ? json_loadb(body, length, 0, NULL) : NULL;

	if (!json_is_string(json_object_get(document, "detail")) ||
	    !json_is_string(json_object_get(document, "code"))) {
		json_decref(document);
		return not_understood(problem, status);
	}
	json_decref(problem->document);
	problem->document = document;
	problem->exit = status == 403 ? EXIT_FORBIDDEN : EXIT_REFUSED;
	return (int)problem->exit;
}

static void print_json(const struct problem *problem, struct buffer *out)
{
	AUTO_FREE char *text = json_dumps(problem->document, JSON_COMPACT);

	if (text)
		shown_append(out, text, strlen(text), SHOWN_JSON);
	(void)buffer_append(out, "\n", 1); /* remembered in the buffer */
}

static void print_line(struct buffer *out, const char *what, const char *why)
{
	(void)buffer_print(out, "allowgate: "); /* remembered in the buffer */
	if (what) {
		shown_append(out, what, strlen(what), SHOWN_LINE);
		(void)buffer_print(out, ": "); /* remembered in the buffer */
	}
	shown_append(out, why, strlen(why), SHOWN_LINE);
	(void)buffer_append(out, "\n", 1); /* remembered in the buffer */
}

static void print_text(const struct problem *problem, const char *what, struct buffer *out)
{
	const char *detail = json_string_value(json_object_get(problem->document, "detail"));

	print_line(out, what, detail ? detail : "there is not enough memory");
}

void problem_report(const struct problem *problem, const char *what, bool json)
{
	struct buffer out = {0};

	if (json && problem->document)
		print_json(problem, &out);
	else
		print_text(problem, what, &out);
	if (out.data)
		(void)fwrite(out.data, 1, out.length, stderr); /* where else could it be said? */
	buffer_clear(&out);
}

void problem_clear(struct problem *problem)
{
	json_decref(problem->document);
	*problem = (struct problem){0};
}
