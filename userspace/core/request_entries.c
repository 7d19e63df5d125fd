// SPDX-License-Identifier: GPL-2.0-only
/*
 * request_entries.c - bodies that hold entries, up to a million
 *
 * The outer object and its array are walked (jsonwalk.h): one entry at a time. What stands beside "entries"
 * is kept, and judged by the table of fields when all is read. What is no JSON ends the reading; an entry
 * that is wrong does not (badparts.h).
 */
#include <stdlib.h>
#include <string.h>

#include "userspace/core/badparts.h"
#include "userspace/core/error.h"
#include "userspace/core/jsonwalk.h"
#include "userspace/core/listcsv.h"
#include "userspace/core/listtext.h"
#include "userspace/core/reference.h"
#include "userspace/core/request.h"
#include "userspace/core/request_fields.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
/* Of fields beside "entries": some that are unknown are named, and the rest need not be read. */
#define OTHERS_MAX 16

struct reader {
	struct jsonwalk walk;
	size_t limit;	  /* of entries */
	struct list list; /* created_at of an entry is its number until all is read */
	bool unsorted;	  /* an entry does not sort behind the one before it */
	struct badparts bad;
	json_t *fields; /* of the outer object; "entries" is empty in there */
	struct ag_error *error;
};

/* --- one entry --- */

static int decode_entry_prefix(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct entry *entry = ret;
	const char *text;
	int r = fields_string(name, value, &text, error);

	return r < 0 ? r : entry_source_parse(text, entry, error);
}

static int decode_entry_verdict(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct entry *entry = ret;
	const char *text;
	int r = fields_string(name, value, &text, error);

	return r < 0 ? r : entry_verdict_parse(text, &entry->verdict, error);
}

static int decode_entry_note(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct entry *entry = ret;
	const char *text;
	int r = fields_string(name, value, &text, error);

	if (r == 0)
		r = note_check("note", text, error);
	if (r < 0 || !text[0])
		return r;
	entry->note = strdup(text);
	return entry->note ? 0 : fields_no_memory(error);
}

/* How long from now is the command line's to say: a body that waits must not mean another time. */
static int parse_expires(const char *name, const json_t *value, int64_t *ret, struct ag_error *error)
{
	int r;

	*ret = 0;
	if (json_is_null(value))
		return 0;
	if (!json_is_string(value))
		return error_set(error, ERROR_BAD_REQUEST,
				 "\"%s\" must be a time, as in \"2026-01-02T03:04:05Z\", or null", name);
	r = expiry_time_parse(json_string_value(value), ret, error);
	if (r < 0)
		error_prepend(error, "\"%s\"", name);
	return r;
}

static int decode_entry_expires(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct entry *entry = ret;

	return parse_expires(name, value, &entry->expires, error);
}

static int decode_entry_enabled(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct entry *entry = ret;
	bool enabled = true;
	int r = fields_bool(name, value, &enabled, error);

	entry->disabled = !enabled;
	return r;
}

int request_entry_fields(json_t *object, struct entry *ret, const char **ret_field, struct ag_error *error)
{
	static const struct field fields[] = {
		{"prefix", true, decode_entry_prefix},	  {"note", false, decode_entry_note},
		{"verdict", false, decode_entry_verdict}, {"expires", false, decode_entry_expires},
		{"enabled", false, decode_entry_enabled},
	};
	struct entry entry = {.verdict = AG_ENTRY_ALLOW};
	int r = fields_decode_named(object, fields, COUNT(fields), &entry, ret_field, error);

	if (r < 0)
		entry_clear(&entry);
	else
		*ret = entry;
	return r;
}

static int append_entry(struct entry *entry, struct reader *reader)
{
	struct list *list = &reader->list;
	size_t count = list->count;

	if (count && prefix_compare(&list->entries[count - 1].prefix, &entry->prefix) >= 0)
		reader->unsorted = true;
	return list_append(list, entry) < 0 ? fields_no_memory(reader->error) : 0;
}

static int decode_set_note(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct request_entry *entry = ret;
	const char *text;
	int r = fields_string(name, value, &text, error);

	if (r == 0)
		r = note_check("note", text, error);
	if (r < 0)
		return r;
	entry->has_note = true;
	memcpy(entry->note, text, strlen(text) + 1);
	return 0;
}

static int decode_set_expires(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct request_entry *entry = ret;

	entry->has_expires = true;
	return parse_expires(name, value, &entry->expires, error);
}

static int decode_set_enabled(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct request_entry *entry = ret;

	entry->has_enabled = true;
	return fields_bool(name, value, &entry->enabled, error);
}

int request_entry_decode(const char *body, size_t length, struct request_entry *ret, struct ag_error *error)
{
	static const struct field fields[] = {
		{"note", false, decode_set_note},
		{"expires", false, decode_set_expires},
		{"enabled", false, decode_set_enabled},
	};
	struct request_entry entry = {0};
	int r = fields_decode_body(body, length, fields, COUNT(fields), &entry, error);

	if (r < 0)
		return r;
	if (!entry.has_note && !entry.has_expires && !entry.has_enabled)
		return error_set(error, ERROR_BAD_REQUEST,
				 "there is nothing to set: give \"note\", \"expires\" or \"enabled\"");
	*ret = entry;
	return 0;
}

/* --- JSON, piece by piece --- */

/* One of many, counted from 1. Memory that ended is no fault of the entry's. */
static int judge_entry(json_t *value, size_t number, struct reader *reader)
{
	struct entry entry;
	struct ag_error problem = {0};
	const char *field;
	int r;

	if (json_is_object(value))
		r = request_entry_fields(value, &entry, &field, &problem);
	else
		r = error_set(&problem, ERROR_BAD_REQUEST, "must be an object with a \"prefix\"");
	if (r < 0 && problem.code == ERROR_LIMIT)
		return error_set(reader->error, ERROR_LIMIT, "%s", problem.message);
	if (r < 0) {
		badparts_add(&reader->bad, number, json_string_value(json_object_get(value, "prefix")),
			     &problem);
		return 0;
	}
	entry.created_at = (int64_t)number;
	return append_entry(&entry, reader);
}

static int read_entry(struct reader *reader, size_t number)
{
	AUTO_JSON json_t *value = NULL;
	int r;

	if (reader->list.count == reader->limit)
		return error_set(reader->error, ERROR_LIMIT,
				 "more than %zu entries in one request, and a list may hold no more: send "
				 "fewer, or raise that limit in the configuration",
				 reader->limit);
	r = jsonwalk_load(&reader->walk, &value);
	return r < 0 ? r : judge_entry(value, number, reader);
}

/* From the bracket on. */
static int read_entries(struct reader *reader)
{
	size_t number = 0;
	int r;

	reader->walk.at++;
	if (jsonwalk_take(&reader->walk, ']'))
		return 0;
	do {
		r = read_entry(reader, ++number);
	} while (r == 0 && !badparts_enough(&reader->bad) && jsonwalk_take(&reader->walk, ','));
	if (r < 0 || badparts_enough(&reader->bad))
		return r;
	return jsonwalk_take(&reader->walk, ']')
		       ? 0
		       : jsonwalk_fail(&reader->walk, reader->walk.at, "']' expected behind an entry");
}

static int read_value(struct reader *reader, const char *name)
{
	json_t *value = NULL;
	int r;

	if (strcmp(name, "entries") == 0 && jsonwalk_next_is(&reader->walk, '[')) {
		r = read_entries(reader);
		value = r ? NULL : json_array();
	} else {
		r = jsonwalk_load(&reader->walk, &value);
	}
	if (r < 0)
		return r;
	return json_object_set_new(reader->fields, name, value) < 0 ? fields_no_memory(reader->error) : 0;
}

static int read_member(struct reader *reader)
{
	AUTO_JSON json_t *key = NULL;
	size_t start;
	int r;

	if (!jsonwalk_next_is(&reader->walk, '"'))
		return jsonwalk_fail(&reader->walk, reader->walk.at, "string or '}' expected");
	start = reader->walk.at;
	r = jsonwalk_load(&reader->walk, &key);
	if (r < 0)
		return r;
	if (json_object_get(reader->fields, json_string_value(key)))
		return jsonwalk_fail(&reader->walk, start, "duplicate object key");
	if (!jsonwalk_take(&reader->walk, ':'))
		return jsonwalk_fail(&reader->walk, reader->walk.at, "':' expected");
	return read_value(reader, json_string_value(key));
}

static bool reads_on(const struct reader *reader)
{
	return json_object_size(reader->fields) <= OTHERS_MAX && !badparts_enough(&reader->bad);
}

/* Ends early, without an error of its own, where there are too many fields to be known ones, or bad entries.
 */
static int read_object(struct reader *reader)
{
	int r;

	if (reader->walk.length == 0)
		return error_set(reader->error, ERROR_BAD_REQUEST, "the body is empty: send one JSON object");
	if (!jsonwalk_take(&reader->walk, '{'))
		return error_set(reader->error, ERROR_BAD_REQUEST,
				 "the body must be one JSON object, in braces");
	if (!jsonwalk_take(&reader->walk, '}')) {
		do {
			r = read_member(reader);
		} while (r == 0 && reads_on(reader) && jsonwalk_take(&reader->walk, ','));
		if (r < 0 || !reads_on(reader))
			return r;
		if (!jsonwalk_take(&reader->walk, '}'))
			return jsonwalk_fail(&reader->walk, reader->walk.at, "',' or '}' expected");
	}
	return jsonwalk_end(&reader->walk);
}

/* --- the bodies --- */

static int decode_entries(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	(void)ret; /* they were read already */
	return fields_array(name, value, error);
}

static int read_single(struct reader *reader)
{
	struct entry entry;
	const char *field;
	int r = request_entry_fields(reader->fields, &entry, &field, reader->error);

	return r < 0 ? r : append_entry(&entry, reader);
}

static int check_fields(struct reader *reader, bool allow_empty)
{
	static const struct field fields[] = {{"entries", true, decode_entries}};
	int r;

	if (!allow_empty && !json_object_get(reader->fields, "entries"))
		return read_single(reader);
	r = fields_decode(reader->fields, fields, COUNT(fields), NULL, reader->error);
	if (r == 0 && reader->list.count == 0 && !allow_empty)
		r = error_set(reader->error, ERROR_BAD_REQUEST,
			      "\"entries\" is empty: name at least one prefix");
	return r;
}

/* The later one of two with one prefix is the bad one. */
static void report_twice(struct reader *reader, const struct entry *a, const struct entry *b)
{
	const struct entry *first = a->created_at < b->created_at ? a : b;
	const struct entry *again = first == a ? b : a;
	char text[ENTRY_TEXT_MAX];
	struct ag_error problem;

	entry_format_short(first, text);
	(void)error_set(&problem, ERROR_BAD_REQUEST, "%s stands twice, as entry %zu too: send it once", text,
			(size_t)first->created_at);
	badparts_add(&reader->bad, (size_t)again->created_at, NULL, &problem);
}

static void settle(struct reader *reader)
{
	struct list *list = &reader->list;

	if (reader->unsorted && list_sort(list))
		for (size_t i = 1; i < list->count && !badparts_enough(&reader->bad); i++)
			if (prefix_compare(&list->entries[i - 1].prefix, &list->entries[i].prefix) == 0)
				report_twice(reader, &list->entries[i - 1], &list->entries[i]);
	for (size_t i = 0; i < list->count; i++)
		list->entries[i].created_at = 0;
}

static void reader_clear(struct reader *reader)
{
	json_decref(reader->fields);
	list_clear(&reader->list);
}

int request_entries_decode(const char *body, size_t length, size_t limit, bool allow_empty, struct list *ret,
			   struct ag_error *error)
{
	CLEANUP(reader_clear)
	struct reader reader = {.walk = {.text = body, .length = length, .error = error},
				.limit = limit,
				.bad = {.one = "entry", .many = "entries"},
				.fields = json_object(),
				.error = error};
	int r = reader.fields ? read_object(&reader) : fields_no_memory(error);

	if (r == 0) {
		settle(&reader);
		r = badparts_finish(&reader.bad, error);
	}
	if (r == 0)
		r = check_fields(&reader, allow_empty);
	if (r < 0)
		return r;
	*ret = reader.list;
	reader.list = (struct list){0};
	return 0;
}

/* The reading, if it is a list that may be sent. */
static int take_lines(int r, struct list *list, bool allow_empty, struct list *ret, struct ag_error *error)
{
	if (r < 0)
		return r;
	if (list->count == 0 && !allow_empty)
		return error_set(error, ERROR_BAD_REQUEST,
				 "the text holds no entry: name at least one prefix");
	*ret = *list;
	return 0;
}

int request_entries_decode_text(const char *body, size_t length, size_t limit, bool allow_empty,
				struct list *ret, struct ag_error *error)
{
	struct list list;

	return take_lines(listtext_parse(body, length, limit, &list, error), &list, allow_empty, ret, error);
}

int request_entries_decode_csv(const char *body, size_t length, size_t limit, bool allow_empty,
			       struct list *ret, struct ag_error *error)
{
	struct list list;

	return take_lines(listcsv_parse(body, length, limit, &list, error), &list, allow_empty, ret, error);
}
