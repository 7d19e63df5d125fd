// SPDX-License-Identifier: GPL-2.0-only
/* policydoc_reader.c - places, and objects and arrays whose parts are read by others */
#include "userspace/core/policydoc_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/buffer.h"
#include "userspace/core/request_fields.h"

#define MEMBERS_MAX 16 /* of an object that is known here */

/* --- places ---------------------------------------------------------------- */

/* Goes one step down; the length given back is where reader_leave() returns to. */
static size_t reader_enter(struct policydoc_reader *reader, const char *name)
{
	size_t length = reader->place_length;
	int added = snprintf(reader->place + length, sizeof(reader->place) - length, "%s%s",
			     length ? "." : "", name);

	reader->place_length += (size_t)added;
	return length;
}

static size_t reader_enter_item(struct policydoc_reader *reader, size_t index)
{
	size_t length = reader->place_length;
	int added = snprintf(reader->place + length, sizeof(reader->place) - length, "[%zu]", index);

	reader->place_length += (size_t)added;
	return length;
}

static void reader_leave(struct policydoc_reader *reader, size_t length)
{
	reader->place_length = length;
	reader->place[length] = '\0';
}

/* The problem is here, or, where a field is named, in that field of it. Memory that ended is no fault of the
 * document's. */
int reader_report(struct policydoc_reader *reader, const char *field, struct ag_error *problem)
{
	size_t length = reader->place_length;

	if (problem->code == ERROR_LIMIT)
		return error_set(reader->walk.error, ERROR_LIMIT, "%s", problem->message);
	if (field)
		(void)reader_enter(reader, field);
	policydoc_bad_add(&reader->bad, reader->place, problem);
	reader_leave(reader, length);
	return 0;
}

int reader_over_limit(struct policydoc_reader *reader, size_t limit, const char *what)
{
	return error_set(reader->walk.error, ERROR_LIMIT,
			 "%s: more than %zu %s, and there may be no more: write fewer, or raise that limit "
			 "in the configuration",
			 reader->place, limit, what);
}

bool reader_enough(const struct policydoc_reader *reader)
{
	return reader->bad.count >= POLICYDOC_BAD_STOP;
}

/* --- objects and arrays ---------------------------------------------------- */

/* What stands here is of another kind than it should be. */
static int skip_wrong(struct policydoc_reader *reader, const char *should)
{
	AUTO_JSON json_t *value = NULL;
	struct ag_error problem;
	int r = jsonwalk_load(&reader->walk, &value);

	(void)error_set(&problem, ERROR_BAD_REQUEST, "must be %s", should);
	return r < 0 ? r : reader_report(reader, NULL, &problem);
}

static int skip_unknown(struct policydoc_reader *reader, const char *name,
			const struct policydoc_member *members, size_t count)
{
	CLEANUP(buffer_clear) struct buffer known = {0};
	AUTO_JSON json_t *value = NULL;
	struct ag_error problem;
	int r = jsonwalk_load(&reader->walk, &value);

	for (size_t i = 0; i < count; i++)
		(void)buffer_print(&known, "%s\"%s\"", i ? ", " : "", members[i].name); /* as below */
	(void)error_set(&problem, ERROR_BAD_REQUEST, "unknown field \"%.40s\": what may stand here is %s",
			name, known.data ? known.data : "known to docs/api.md");
	return r < 0 ? r : reader_report(reader, NULL, &problem);
}

static int read_member(struct policydoc_reader *reader, const struct policydoc_member *members, size_t count,
		       bool *seen)
{
	AUTO_JSON json_t *key = NULL;
	struct jsonwalk *walk = &reader->walk;
	size_t start, length;
	int r;

	if (!jsonwalk_next_is(walk, '"'))
		return jsonwalk_fail(walk, walk->at, "string or '}' expected");
	start = walk->at;
	r = jsonwalk_load(walk, &key);
	if (r < 0)
		return r;
	if (!jsonwalk_take(walk, ':'))
		return jsonwalk_fail(walk, walk->at, "':' expected");
	for (size_t i = 0; i < count; i++) {
		if (strcmp(members[i].name, json_string_value(key)) != 0)
			continue;
		if (seen[i])
			return jsonwalk_fail(walk, start, "duplicate object key");
		seen[i] = true;
		length = reader_enter(reader, members[i].name);
		r = members[i].read(reader, members[i].name);
		reader_leave(reader, length);
		return r;
	}
	return skip_unknown(reader, json_string_value(key), members, count);
}

/* From its brace on. An object that is known here, or another value, which is wrong. */
int reader_object(struct policydoc_reader *reader, const struct policydoc_member *members, size_t count)
{
	struct jsonwalk *walk = &reader->walk;
	bool seen[MEMBERS_MAX] = {false};
	int r;

	if (!jsonwalk_take(walk, '{'))
		return skip_wrong(reader, "an object, in braces");
	if (jsonwalk_take(walk, '}'))
		return 0;
	do {
		r = read_member(reader, members, count, seen);
	} while (r == 0 && !reader_enough(reader) && jsonwalk_take(walk, ','));
	if (r < 0 || reader_enough(reader))
		return r;
	return jsonwalk_take(walk, '}') ? 0 : jsonwalk_fail(walk, walk->at, "',' or '}' expected");
}

int reader_array(struct policydoc_reader *reader, int (*item)(struct policydoc_reader *reader, size_t index))
{
	struct jsonwalk *walk = &reader->walk;
	size_t index = 0;
	int r;

	if (!jsonwalk_take(walk, '['))
		return skip_wrong(reader, "an array");
	if (jsonwalk_take(walk, ']'))
		return 0;
	do {
		size_t length = reader_enter_item(reader, index);

		r = item(reader, index++);
		reader_leave(reader, length);
	} while (r == 0 && !reader_enough(reader) && jsonwalk_take(walk, ','));
	if (r < 0 || reader_enough(reader))
		return r;
	return jsonwalk_take(walk, ']') ? 0 : jsonwalk_fail(walk, walk->at, "',' or ']' expected");
}

/* Room for one more in an array. */
int reader_grow(void **items, size_t *room, size_t count, size_t size, struct ag_error *error)
{
	size_t wanted = *room ? *room * 2 : 4;
	void *more;

	if (count < *room)
		return 0;
	more = reallocarray(*items, wanted, size);
	if (!more)
		return fields_no_memory(error);
	*items = more;
	*room = wanted;
	return 0;
}

/* One value that must be an object; *ret stays NULL, and r may be 0, where it is none. */
int reader_load_object(struct policydoc_reader *reader, const char *should, json_t **ret)
{
	AUTO_JSON json_t *value = NULL;
	struct ag_error problem;
	int r = jsonwalk_load(&reader->walk, &value);

	if (r < 0)
		return r;
	if (json_is_object(value)) {
		*ret = TAKE_PTR(value);
		return 0;
	}
	(void)error_set(&problem, ERROR_BAD_REQUEST, "must be an object with %s", should);
	return reader_report(reader, NULL, &problem);
}
