// SPDX-License-Identifier: GPL-2.0-only
/* show_preview.c - what a dry run says beside its sentence: see show.h */
#include "userspace/cli/show.h"

#include <stdio.h>
#include <string.h>

#include "userspace/cli/command.h"
#include "userspace/core/table.h"

static void print_lines(struct invocation *invocation, struct buffer *lines)
{
	if (lines->data)
		shown_append(&invocation->out, lines->data, lines->length, SHOWN_TEXT);
	if (lines->failed)
		invocation->out.failed = lines->failed;
	buffer_clear(lines);
}

static void print_difference(struct invocation *invocation, const json_t *answer, const char *which,
			     char sign)
{
	const json_t *prefixes = json_object_get(json_object_get(answer, "difference"), which), *prefix;
	json_int_t all = json_integer_value(json_object_get(answer, which));
	struct buffer lines = {0};
	size_t index;

	if (!prefixes)
		return;
	json_array_foreach ((json_t *)prefixes, index, prefix) {
		(void)buffer_print(&lines, "%c ", sign); /* remembered in the buffer, as below */
		show_value(&lines, prefix, true);
		(void)buffer_append(&lines, "\n", 1);
	}
	if (all > (json_int_t)json_array_size(prefixes))
		(void)buffer_print(&lines, "%c and %" JSON_INTEGER_FORMAT " more\n", sign,
				   all - (json_int_t)json_array_size(prefixes));
	print_lines(invocation, &lines);
}

static void print_member(struct buffer *lines, const char *before, const json_t *item, const char *name)
{
	(void)buffer_print(lines, "%s", before); /* remembered in the buffer, as below */
	show_value(lines, json_object_get(item, name), true);
}

/* "3 connections would be cut:" or nothing, and then what. */
static void print_count(struct buffer *lines, json_int_t count, const char *one, const char *many)
{
	if (count)
		(void)buffer_print(lines, "%" JSON_INTEGER_FORMAT " %s\n", count, count == 1 ? one : many);
}

static void print_rest(struct buffer *lines, json_int_t total, const json_t *shown)
{
	if (total > (json_int_t)json_array_size(shown))
		(void)buffer_print(lines, "  and %" JSON_INTEGER_FORMAT " more\n",
				   total - (json_int_t)json_array_size(shown));
}

static void print_connections(struct buffer *lines, const json_t *preview)
{
	const json_t *connections = json_object_get(preview, "connections"), *connection;
	json_int_t total = json_integer_value(json_object_get(preview, "connections_total"));
	size_t index;

	print_count(lines, total, "connection would be cut:", "connections would be cut:");
	json_array_foreach ((json_t *)connections, index, connection) {
		print_member(lines, "  ", connection, "remote");
		print_member(lines, " to ", connection, "local");
		print_member(lines, " (", connection, "service");
		(void)buffer_print(lines, ")\n");
	}
	print_rest(lines, total, connections);
}

static void print_sources(struct buffer *lines, const json_t *preview)
{
	const json_t *sources = json_object_get(preview, "sources"), *source;
	json_int_t total = json_integer_value(json_object_get(preview, "sources_total"));
	size_t index;

	print_count(lines, total, "source seen lately would newly be stopped:",
		    "sources seen lately would newly be stopped:");
	json_array_foreach ((json_t *)sources, index, source) {
		print_member(lines, "  ", source, "source");
		print_member(lines, ", last seen ", source, "last_seen");
		print_member(lines, ": ", source, "why");
		print_member(lines, " (account ", source, "account");
		(void)buffer_print(lines, ")\n");
	}
	print_rest(lines, total, sources);
}

void show_preview(struct invocation *invocation, const json_t *answer)
{
	const json_t *preview = json_object_get(answer, "preview");
	struct buffer lines = {0};

	print_difference(invocation, answer, "removed", '-');
	print_difference(invocation, answer, "added", '+');
	if (!json_is_object(preview))
		return;
	print_connections(&lines, preview);
	print_sources(&lines, preview);
	if (json_is_false(json_object_get(preview, "complete")))
		(void)buffer_print(&lines, "not everything could be looked at: there may be more\n");
	print_lines(invocation, &lines);
}
