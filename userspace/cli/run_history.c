// SPDX-License-Identifier: GPL-2.0-only
/* run_history.c - what differs between two generations, and the way back to one: see run.h */
#include <string.h>

#include "userspace/cli/ask.h"
#include "userspace/cli/change.h"
#include "userspace/cli/command.h"
#include "userspace/cli/run.h"
#include "userspace/cli/show.h"
#include "userspace/core/error.h"
#include "userspace/core/table.h"
#include "userspace/core/text.h"

static int check_number(struct invocation *invocation, size_t index, uint64_t *ret)
{
	struct ag_error error = {0};

	if (number_parse("the generation", invocation->arguments[index], 1, INT64_MAX, ret, &error))
		return problem_set(&invocation->problem, PROBLEM_USAGE,
				   "%s ('allowgate allow history %s' lists them)", error.message,
				   invocation->arguments[0]);
	return 0;
}

/* Text in quotes, so that none is seen to be. */
static void print_value(struct buffer *lines, const json_t *value, bool quoted)
{
	const char *quote = quoted ? "\"" : "";

	(void)buffer_print(lines, " %s", quote); /* remembered in the buffer, as below */
	if (json_is_null(value))
		(void)buffer_print(lines, "never");
	else
		show_value(lines, value, true);
	(void)buffer_print(lines, "%s", quote);
}

static bool is_text(const char *member)
{
	return !strcmp(member, "note") || !strcmp(member, "label");
}

/* " note "office" -> "berlin"" */
static void print_member(struct buffer *lines, const char *name, const json_t *before, const json_t *after)
{
	(void)buffer_print(lines, " %s", name);
	print_value(lines, before, is_text(name));
	(void)buffer_print(lines, " ->");
	print_value(lines, after, is_text(name));
}

static const char *const members[] = {"verdict", "enabled", "expires", "note"};

/* "+ 203.0.113.0/24 deny # office": as a list is written. */
static void print_entry(struct buffer *lines, char sign, const json_t *entry)
{
	const char *note = json_string_value(json_object_get(entry, "note"));
	const char *verdict = json_string_value(json_object_get(entry, "verdict"));

	(void)buffer_print(lines, "%c ", sign);
	show_value(lines, json_object_get(entry, "prefix"), true);
	(void)buffer_print(lines, "%s%s", verdict && !strcmp(verdict, "deny") ? " deny" : "",
			   json_is_false(json_object_get(entry, "enabled")) ? " disabled" : "");
	if (json_string_value(json_object_get(entry, "expires")))
		(void)buffer_print(lines, " expires=%s",
				   json_string_value(json_object_get(entry, "expires")));
	if (note && *note)
		(void)buffer_print(lines, " # %s", note);
	(void)buffer_append(lines, "\n", 1);
}

/* "~ 203.0.113.0/24: note "office" -> "berlin"": what became another. */
static void print_change(struct buffer *lines, const json_t *change)
{
	const json_t *before = json_object_get(change, "before"), *after = json_object_get(change, "after");
	const char *comma = "";

	(void)buffer_print(lines, "~ ");
	show_value(lines, json_object_get(before, "prefix"), true);
	(void)buffer_print(lines, ":");
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		const json_t *was = json_object_get(before, members[i]);
		const json_t *is = json_object_get(after, members[i]);

		if (json_equal(was, is))
			continue;
		(void)buffer_print(lines, "%s", comma);
		print_member(lines, members[i], was, is);
		comma = ",";
	}
	(void)buffer_append(lines, "\n", 1);
}

static void print_kind(struct buffer *lines, const json_t *answer, const char *name, char sign)
{
	const json_t *items = json_object_get(answer, name), *item;
	json_int_t all = json_integer_value(json_object_get(json_object_get(answer, "counts"), name));
	size_t index;

	json_array_foreach ((json_t *)items, index, item) {
		if (sign == '~')
			print_change(lines, item);
		else
			print_entry(lines, sign, item);
	}
	if (all > (json_int_t)json_array_size(items))
		(void)buffer_print(lines, "%c and %" JSON_INTEGER_FORMAT " more\n", sign,
				   all - (json_int_t)json_array_size(items));
}

static void print_settings(struct buffer *lines, json_t *settings)
{
	const char *name;
	json_t *value;

	json_object_foreach (settings, name, value) {
		(void)buffer_print(lines, "~");
		print_member(lines, name, json_object_get(value, "before"), json_object_get(value, "after"));
		(void)buffer_append(lines, "\n", 1);
	}
}

static int show_difference(struct invocation *invocation, const json_t *answer)
{
	CLEANUP(buffer_clear) struct buffer lines = {0};

	if (option_given(invocation, OPTION_JSON))
		return show_json(invocation, answer);
	print_settings(&lines, json_object_get(answer, "settings"));
	print_kind(&lines, answer, "removed", '-');
	print_kind(&lines, answer, "added", '+');
	print_kind(&lines, answer, "changed", '~');
	if (lines.data)
		shown_append(&invocation->out, lines.data, lines.length, SHOWN_TEXT);
	if (lines.failed)
		invocation->out.failed = lines.failed;
	return 0;
}

int run_diff(struct invocation *invocation)
{
	CLEANUP(buffer_clear) struct buffer target = {0};
	AUTO_JSON json_t *answer = NULL;
	uint64_t number;
	int err = check_number(invocation, 1, &number);

	if (!err && invocation->count > 2)
		err = check_number(invocation, 2, &number);
	if (err)
		return err;
	ask_target(invocation, &target);
	if (invocation->count > 2)
		ask_parameter(&target, "to", invocation->arguments[2]);
	err = ask_json(invocation, &target, NULL, 0, &answer);
	return err ? err : show_difference(invocation, answer);
}

int run_rollback(struct invocation *invocation)
{
	CLEANUP(buffer_clear) struct buffer body = {0};
	uint64_t number = 0;
	int err = check_number(invocation, 1, &number);

	if (err)
		return err;
	(void)buffer_print(&body, "{\"generation\":%llu}", (unsigned long long)number);
	if (body.failed)
		return problem_set(&invocation->problem, PROBLEM_MEMORY, "there is not enough memory");
	return change_send(invocation, body.data, body.length, NULL);
}
