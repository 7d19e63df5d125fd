// SPDX-License-Identifier: GPL-2.0-only
/* listlines.c - a text cut into lines, the list that comes of it, and the bad ones named */
#include "userspace/core/listlines.h"

#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/reference.h"

void list_reader_report(struct list_reader *reader, size_t number, struct ag_error *problem)
{
	badparts_add(&reader->bad, number, NULL, problem);
}

static int no_memory(struct ag_error *error)
{
	return error_set(error, ERROR_LIMIT, "not enough memory to read the list");
}

int list_reader_append(struct list_reader *reader, struct entry *entry, const char *note,
		       struct ag_error *error)
{
	struct list *list = &reader->list;

	if (list->count == reader->limit) {
		entry_clear(entry);
		return error_set(error, ERROR_LIMIT,
				 "more than %zu entries in one request, and a list may hold no more: send "
				 "fewer, or raise that limit in the configuration",
				 reader->limit);
	}
	if (list->count && prefix_compare(&list->entries[list->count - 1].prefix, &entry->prefix) >= 0)
		reader->unsorted = true;
	entry->created_at = (int64_t)reader->number;
	if (note && note[0]) {
		entry->note = strdup(note);
		if (!entry->note) {
			entry_clear(entry);
			return no_memory(error);
		}
	}
	return list_append(list, entry) < 0 ? no_memory(error) : 0;
}

static int read_bytes(struct list_reader *reader, const char *bytes, size_t length, struct ag_error *error)
{
	char line[LISTTEXT_LINE_MAX + 1];
	struct ag_error problem;

	if (length > 0 && bytes[length - 1] == '\r')
		length--;
	if (length > LISTTEXT_LINE_MAX) {
		(void)error_set(&problem, ERROR_BAD_REQUEST,
				"longer than %d bytes: one entry stands on a line", LISTTEXT_LINE_MAX);
		list_reader_report(reader, reader->number, &problem);
		return 0;
	}
	if (memchr(bytes, '\0', length)) {
		(void)error_set(&problem, ERROR_BAD_REQUEST, "holds a NUL byte: send text as UTF-8");
		list_reader_report(reader, reader->number, &problem);
		return 0;
	}
	memcpy(line, bytes, length);
	line[length] = '\0';
	return reader->line(reader, line, error);
}

static int read_text(struct list_reader *reader, const char *text, size_t length, struct ag_error *error)
{
	const char *end = length ? text + length : text; /* no text may be NULL */
	int r = 0;

	while (text < end && r == 0 && !badparts_enough(&reader->bad)) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;

		reader->number++;
		r = read_bytes(reader, text, (size_t)(stop - text), error);
		text = newline ? newline + 1 : end;
	}
	return r;
}

/* The later line of two with one prefix is the bad one. */
static void report_twice(struct list_reader *reader, const struct entry *a, const struct entry *b)
{
	const struct entry *first = a->created_at < b->created_at ? a : b;
	const struct entry *second = first == a ? b : a;
	char text[ENTRY_TEXT_MAX];
	struct ag_error problem;

	entry_format_short(first, text);
	(void)error_set(&problem, ERROR_BAD_REQUEST, "%s stands on line %zu already: keep one of them", text,
			(size_t)first->created_at);
	list_reader_report(reader, (size_t)second->created_at, &problem);
}

static void finish_list(struct list_reader *reader)
{
	struct list *list = &reader->list;

	if (reader->unsorted && list_sort(list)) {
		for (size_t i = 1; i < list->count && !badparts_enough(&reader->bad); i++) {
			if (prefix_compare(&list->entries[i - 1].prefix, &list->entries[i].prefix) == 0)
				report_twice(reader, &list->entries[i - 1], &list->entries[i]);
		}
	}
	for (size_t i = 0; i < list->count; i++)
		list->entries[i].created_at = 0;
}

static void reader_clear(struct list_reader *reader)
{
	list_clear(&reader->list);
}

int list_reader_run(struct list_reader *reader, const char *text, size_t length, struct list *ret,
		    struct ag_error *error)
{
	int r;

	reader->bad = (struct badparts){.one = "line", .many = "lines"};
	r = read_text(reader, text, length, error);
	if (r == 0) {
		finish_list(reader);
		r = badparts_finish(&reader->bad, error);
	}
	if (r == 0) {
		*ret = reader->list;
		reader->list = (struct list){0};
	}
	reader_clear(reader);
	return r;
}
