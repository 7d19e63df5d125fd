// SPDX-License-Identifier: GPL-2.0-only
/* show.c - see show.h: values, tables, JSON */
#include "userspace/cli/show.h"

#include <stdio.h>
#include <string.h>

#include "userspace/cli/ask.h"
#include "userspace/cli/command.h"
#include "userspace/core/table.h"

const json_t *show_member(const json_t *object, const char *name)
{
	const char *dot = strchr(name, '.');

	if (!dot)
		return json_object_get(object, name);
	return json_object_get(json_object_getn(object, name, (size_t)(dot - name)), dot + 1);
}

/* "203.0.113.7/32" and "2001:db8::1/128" are single hosts. */
static size_t short_length(const char *prefix)
{
	const char *slash = strchr(prefix, '/');
	const char *whole = strchr(prefix, ':') ? "/128" : "/32";

	return slash && !strcmp(slash, whole) ? (size_t)(slash - prefix) : strlen(prefix);
}

void show_value(struct buffer *out, const json_t *value, bool short_prefix)
{
	const char *text = json_string_value(value);

	if (text)
		(void)buffer_append(out, text, short_prefix ? short_length(text) : strlen(text));
	else if (json_is_integer(value))
		(void)buffer_print(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		(void)buffer_print(out, "%g", json_real_value(value));
	else if (json_is_boolean(value))
		(void)buffer_print(out, "%s", json_is_true(value) ? "yes" : "no");
	/* what could not be appended is remembered in the buffer */
}

void show_word(struct invocation *invocation, const char *word)
{
	shown_append_word(&invocation->out, word, invocation->terminal.colour);
}

static int written(struct invocation *invocation, int err)
{
	return err ? problem_set(&invocation->problem, PROBLEM_MEMORY,
				 "there is not enough memory to show it")
		   : 0;
}

int show_json(struct invocation *invocation, const json_t *document)
{
	AUTO_FREE char *text = json_dumps(document, JSON_INDENT(2));

	if (!text)
		return written(invocation, -1);
	shown_append(&invocation->out, text, strlen(text), SHOWN_JSON);
	return written(invocation, buffer_append(&invocation->out, "\n", 1));
}

static void add_cell(struct table *table, const struct field *field, const json_t *item)
{
	const json_t *value = show_member(item, field->name);
	struct buffer cell = {0};

	if (field->kind == FIELD_TIME && json_is_null(value))
		(void)buffer_print(&cell, "never");
	else
		show_value(&cell, value, field->kind == FIELD_PREFIX);
	if (cell.failed)
		table->failed = cell.failed;
	else
		table_add(table, cell.data);
	buffer_clear(&cell);
}

static size_t make_columns(const struct field *fields, struct table_column *columns)
{
	size_t count = 0;

	for (; fields[count].header; count++)
		columns[count] = (struct table_column){.header = fields[count].header,
						       .right = fields[count].right,
						       .word = fields[count].kind == FIELD_WORD};
	return count;
}

int show_items(struct invocation *invocation, const struct field *fields, const json_t *items)
{
	struct table_column columns[FIELDS_MAX];
	struct table table = {
		.columns = columns,
		.column_count = make_columns(fields, columns),
		.width = invocation->terminal.columns,
		.colour = invocation->terminal.colour,
	};
	bool quiet = option_given(invocation, OPTION_QUIET);
	const json_t *item;
	size_t index;
	int err;

	json_array_foreach ((json_t *)items, index, item)
		for (const struct field *field = fields; field->header; field++)
			add_cell(&table, field, item);
	err = table_print(&table, quiet ? TABLE_TABS : TABLE_ALIGNED, &invocation->out);
	table_clear(&table);
	return written(invocation, err);
}

int show_list(struct invocation *invocation, const json_t *list)
{
	if (option_given(invocation, OPTION_JSON))
		return show_json(invocation, list);
	return show_items(invocation, invocation->command->fields, json_object_get(list, "items"));
}

int show_object(struct invocation *invocation, const struct field *fields, const json_t *object)
{
	static const struct table_column PAIR[] = {{.header = ""}, {.header = ""}};
	struct table table = {.columns = PAIR, .column_count = 2};
	AUTO_JSON json_t *row = json_pack("[O]", object);
	int err;

	if (!row)
		return written(invocation, -1);
	if (option_given(invocation, OPTION_QUIET))
		return show_items(invocation, fields, row);
	for (const struct field *field = fields; field->header; field++) {
		table_add(&table, field->header);
		add_cell(&table, field, object);
	}
	err = table_print(&table, TABLE_PLAIN, &invocation->out);
	table_clear(&table);
	return written(invocation, err);
}
