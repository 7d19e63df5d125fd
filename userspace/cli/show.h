/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * show.h - answers as people read them: tables by fields, sentences by template, JSON as it came
 *
 * Everything goes to the invocation's `out`, made safe to show (core/table.h). All return an exit code.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct buffer;
struct field;
struct invocation;

/* The member of that name, "entry.prefix" within another; NULL where it is not. */
const json_t *show_member(const json_t *object, const char *name);
/* A value as it stands in a cell: "yes", "12", text; "" for null, and nothing for what has no text. Appends.
 */
void show_value(struct buffer *out, const json_t *value, bool short_prefix);

/* The word of a verdict or a state, coloured where the terminal may. */
void show_word(struct invocation *invocation, const char *word);

/* One document. */
int show_json(struct invocation *invocation, const json_t *document);
/* A row for each item, with headers or by --quiet without. */
int show_items(struct invocation *invocation, const struct field *fields, const json_t *items);
/* A list's document: as it is by --json, else the rows of its items by the command's own fields. */
int show_list(struct invocation *invocation, const json_t *list);
/* One object: "name value" lines, or by --quiet one row. */
int show_object(struct invocation *invocation, const struct field *fields, const json_t *object);

/*
 * A sentence with what came of a change: {0} an argument, {name} a member of the answer, {+unit} and {-unit}
 * how many were added and removed ("2 entries"), {list} whether the list is active, {account} and {interface}
 * the new state.
 */
void show_sentence(const struct invocation *invocation, const char *sentence, const json_t *answer,
		   struct buffer *out);
/* The answer's warnings, on standard error. */
void show_warnings(const json_t *answer);

/* What a dry run says: entries that come and go, connections that would be cut, sources that would be
 * stopped. */
void show_preview(struct invocation *invocation, const json_t *answer);
