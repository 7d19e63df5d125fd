// SPDX-License-Identifier: GPL-2.0-only
/* sentence.c - what a change did, in one line: see show.h */
#include <stdio.h>
#include <string.h>

#include "userspace/cli/command.h"
#include "userspace/cli/show.h"
#include "userspace/core/table.h"

static const char OPEN[] = "every source reaches its services";

static void print_count(struct buffer *out, const json_t *number, const char *unit, size_t length)
{
	json_int_t count = json_integer_value(number);
	bool y = unit[length - 1] == 'y';

	/* remembered in the buffer, as all below */
	(void)buffer_print(out, "%" JSON_INTEGER_FORMAT " %.*s%s", count,
			   (int)(count != 1 && y ? length - 1 : length), unit,
			   count == 1 ? ""
			   : y	      ? "ies"
				      : "s");
}

static void print_list(struct buffer *out, const char *account, const json_t *answer)
{
	bool dry = json_is_true(json_object_get(answer, "dry_run"));

	if (json_is_true(json_object_get(answer, "active")))
		(void)buffer_print(out, "the list %s active", dry ? "would be" : "is");
	else
		(void)buffer_print(out, "%s %s open: %s", account, dry ? "would be" : "is", OPEN);
}

static void print_account(struct buffer *out, const json_t *answer)
{
	const json_t *account = json_object_get(answer, "account");

	(void)buffer_print(out, "mode ");
	show_value(out, json_object_get(account, "mode"), false);
	(void)buffer_print(out, ", on deny ");
	show_value(out, json_object_get(account, "on_deny"), false);
	if (json_is_true(json_object_get(account, "active")))
		(void)buffer_print(out, "; the list is active");
	else
		(void)buffer_print(out, "; open: %s", OPEN);
}

static void print_interface(struct buffer *out, const json_t *answer)
{
	const json_t *interface = json_object_get(answer, "interface");
	const char *fallback = json_string_value(json_object_get(interface, "fallback"));

	if (!json_is_object(interface))
		return;
	(void)buffer_print(out, ", mode ");
	show_value(out, json_object_get(interface, "mode"), false);
	if (fallback && *fallback)
		(void)buffer_print(out, " (%s)", fallback);
}

/* Named lists of a policy, where any differs: of each kind how many. */
static void print_lists(struct buffer *out, const json_t *answer)
{
	const json_t *lists = json_object_get(answer, "lists"), *list;
	size_t index, added = 0, removed = 0;

	if (!json_array_size(lists))
		return;
	json_array_foreach ((json_t *)(uintptr_t)lists, index, list) {
		const char *change = json_string_value(json_object_get(list, "change"));

		added += change && !strcmp(change, "added");
		removed += change && !strcmp(change, "removed");
	}
	(void)buffer_print(out, "; %zu list%s added, %zu list%s removed, %zu changed", added,
			   added == 1 ? "" : "s", removed, removed == 1 ? "" : "s",
			   json_array_size(lists) - added - removed);
}

static void print_part(const struct invocation *invocation, const char *part, size_t length,
		       const json_t *answer, struct buffer *out)
{
	if (*part >= '0' && *part <= '9')
		(void)buffer_print(out, "%s", invocation->arguments[*part - '0']);
	else if (*part == '+' || *part == '-')
		print_count(out, json_object_get(answer, *part == '+' ? "added" : "removed"), part + 1,
			    length - 1);
	else if (!strncmp(part, "lists", length) && length == strlen("lists"))
		print_lists(out, answer);
	else if (!strncmp(part, "list", length))
		print_list(out, invocation->arguments[0], answer);
	else if (!strncmp(part, "account", length))
		print_account(out, answer);
	else if (!strncmp(part, "interface", length))
		print_interface(out, answer);
	else
		show_value(out, json_object_getn(answer, part, length), false);
}

void show_sentence(const struct invocation *invocation, const char *sentence, const json_t *answer,
		   struct buffer *out)
{
	struct buffer line = {0};

	if (json_is_true(json_object_get(answer, "dry_run")))
		(void)buffer_print(&line, "dry run, nothing was changed: ");
	while (*sentence) {
		size_t plain = strcspn(sentence, "{");

		(void)buffer_append(&line, sentence, plain);
		sentence += plain;
		if (*sentence) {
			size_t length = strcspn(++sentence, "}");

			print_part(invocation, sentence, length, answer, &line);
			sentence += length + 1;
		}
	}
	if (line.failed)
		out->failed = line.failed;
	else
		shown_append(out, line.data, line.length, SHOWN_LINE);
	(void)buffer_append(out, "\n", 1);
	buffer_clear(&line);
}

void show_warnings(const json_t *answer)
{
	const json_t *warning;
	size_t index;

	json_array_foreach (json_object_get(answer, "warnings"), index, warning) {
		const char *text = json_string_value(warning);
		struct buffer line = {0};

		if (!text)
			continue;
		(void)buffer_print(&line, "allowgate: warning: ");
		shown_append(&line, text, strlen(text), SHOWN_LINE);
		(void)fprintf(stderr, "%s\n", line.data ? line.data : text);
		buffer_clear(&line);
	}
}
