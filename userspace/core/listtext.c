// SPDX-License-Identifier: GPL-2.0-only
/*
 * listtext.c - line by line, and within a line word by word. A bad line does not end the reading: whoever
 * wrote the file wants to know of all of them at once.
 */
#include "userspace/core/listtext.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/error.h"

#define BLANKS " \t"
/* Bad lines after which reading ends: whoever sends so many has sent something else. */
#define BAD_STOP 1000

struct reader {
	struct list list; /* created_at of an entry is the number of its line until all is read */
	size_t number;	  /* of the line, from 1 */
	size_t limit;	  /* of entries */
	bool unsorted;	  /* an entry does not sort behind the one before it */
	size_t bad;
	size_t bad_lines[LISTTEXT_BAD_MAX]; /* the first of them */
	struct ag_error first;		    /* what is wrong with the first bad line */
};

static void report(struct reader *reader, size_t number, struct ag_error *problem)
{
	if (reader->bad < LISTTEXT_BAD_MAX)
		reader->bad_lines[reader->bad] = number;
	if (reader->bad++ == 0) {
		error_prepend(problem, "line %zu", number);
		reader->first = *problem;
	}
}

static int no_memory(struct ag_error *error)
{
	return error_set(error, ERROR_LIMIT, "not enough memory to read the list");
}

#define EXPIRES "expires="

/* What a word behind the prefix says. */
enum word {
	WORD_VERDICT = 1,
	WORD_DISABLED = 2,
	WORD_EXPIRES = 4,
};

static int take_word(const char *word, unsigned int *given, struct entry *entry, struct ag_error *error)
{
	enum word kind = WORD_VERDICT;
	int r = 0;

	if (strcmp(word, "disabled") == 0)
		kind = WORD_DISABLED;
	else if (strncmp(word, EXPIRES, strlen(EXPIRES)) == 0)
		kind = WORD_EXPIRES;
	else if (entry_verdict_parse(word, &entry->verdict, NULL) < 0)
		return error_set(error, ERROR_BAD_REQUEST,
				 "\"%.80s\" stands behind the prefix: write allow, deny, disabled, "
				 "expires=TIME, or a note as in \"# office\"",
				 word);
	if (*given & kind)
		return error_set(error, ERROR_BAD_REQUEST,
				 "\"%.80s\" is said once already: a line has one verdict, \"disabled\" and "
				 "expiry at most",
				 word);
	*given |= kind;
	entry->disabled |= kind == WORD_DISABLED;
	if (kind == WORD_EXPIRES)
		r = expiry_time_parse(word + strlen(EXPIRES), &entry->expires, error);
	return r;
}

/* "PREFIX [allow|deny] [disabled] [expires=TIME]", which is not blank, cut into words in place. */
static int take_words(char *words, struct entry *entry, struct ag_error *error)
{
	unsigned int given = 0;
	char *rest = NULL;
	int r = prefix_parse(strtok_r(words, BLANKS, &rest), &entry->prefix, error);

	for (char *word = strtok_r(NULL, BLANKS, &rest); word && r == 0; word = strtok_r(NULL, BLANKS, &rest))
		r = take_word(word, &given, entry, error);
	return r;
}

/* The first '#' of the line or behind a blank: what is before it is ended there. NULL: no note. */
static const char *split_note(char *line)
{
	for (char *at = strchr(line, '#'); at; at = strchr(at + 1, '#')) {
		if (at > line && !strchr(BLANKS, at[-1]))
			continue;
		*at++ = '\0';
		return at + (*at && strchr(BLANKS, *at) ? 1 : 0);
	}
	return NULL;
}

static int append_entry(struct reader *reader, struct entry *entry, const char *note, struct ag_error *error)
{
	struct list *list = &reader->list;

	if (list->count == reader->limit)
		return error_set(error, ERROR_LIMIT,
				 "more than %zu entries in one request, and a list may hold no more: send "
				 "fewer, or raise that limit in the configuration",
				 reader->limit);
	if (list->count && prefix_compare(&list->entries[list->count - 1].prefix, &entry->prefix) >= 0)
		reader->unsorted = true;
	if (note && note[0]) {
		entry->note = strdup(note);
		if (!entry->note)
			return no_memory(error);
	}
	return list_append(list, entry) < 0 ? no_memory(error) : 0;
}

/* Fails only for what ends the reading. */
static int read_line(struct reader *reader, char *line, struct ag_error *error)
{
	struct entry entry = {.verdict = AG_ENTRY_ALLOW, .created_at = (int64_t)reader->number};
	const char *note = split_note(line);
	struct ag_error problem;
	int r;

	if (line[strspn(line, BLANKS)] == '\0')
		return 0;
	r = take_words(line, &entry, &problem);
	if (r == 0 && note)
		r = note_check("note", note, &problem);
	if (r == 0)
		return append_entry(reader, &entry, note, error);
	report(reader, reader->number, &problem);
	return 0;
}

static int read_bytes(struct reader *reader, const char *bytes, size_t length, struct ag_error *error)
{
	char line[LISTTEXT_LINE_MAX + 1];
	struct ag_error problem;

	if (length > 0 && bytes[length - 1] == '\r')
		length--;
	if (length > LISTTEXT_LINE_MAX) {
		(void)error_set(&problem, ERROR_BAD_REQUEST,
				"longer than %d bytes: one entry stands on a line", LISTTEXT_LINE_MAX);
		report(reader, reader->number, &problem);
		return 0;
	}
	if (memchr(bytes, '\0', length)) {
		(void)error_set(&problem, ERROR_BAD_REQUEST, "holds a NUL byte: send text as UTF-8");
		report(reader, reader->number, &problem);
		return 0;
	}
	memcpy(line, bytes, length);
	line[length] = '\0';
	return read_line(reader, line, error);
}

static int read_text(struct reader *reader, const char *text, size_t length, struct ag_error *error)
{
	const char *end = length ? text + length : text; /* no text may be NULL */
	int r = 0;

	while (text < end && r == 0 && reader->bad < BAD_STOP) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;

		reader->number++;
		r = read_bytes(reader, text, (size_t)(stop - text), error);
		text = newline ? newline + 1 : end;
	}
	return r;
}

/* The later line of two with one prefix is the bad one. */
static void report_twice(struct reader *reader, const struct entry *a, const struct entry *b)
{
	const struct entry *first = a->created_at < b->created_at ? a : b;
	const struct entry *second = first == a ? b : a;
	char text[PREFIX_TEXT_MAX];
	struct ag_error problem;

	prefix_format_short(&first->prefix, text);
	(void)error_set(&problem, ERROR_BAD_REQUEST, "%s stands on line %zu already: keep one of them", text,
			(size_t)first->created_at);
	report(reader, (size_t)second->created_at, &problem);
}

static void finish_list(struct reader *reader)
{
	struct list *list = &reader->list;

	if (reader->unsorted && list_sort(list)) {
		for (size_t i = 1; i < list->count && reader->bad < BAD_STOP; i++) {
			if (prefix_compare(&list->entries[i - 1].prefix, &list->entries[i].prefix) == 0)
				report_twice(reader, &list->entries[i - 1], &list->entries[i]);
		}
	}
	for (size_t i = 0; i < list->count; i++)
		list->entries[i].created_at = 0;
}

static void reader_clear(struct reader *reader)
{
	list_clear(&reader->list);
}

static int compare_numbers(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* "line 3: what is wrong with it (bad too: lines 7, 9 and 12 more)" */
static int refuse(struct reader *reader, struct ag_error *error)
{
	CLEANUP(buffer_clear) struct buffer others = {0};
	size_t named = reader->bad < LISTTEXT_BAD_MAX ? reader->bad : LISTTEXT_BAD_MAX;

	if (reader->bad == 1)
		return error_set(error, reader->first.code, "%s", reader->first.message);
	qsort(reader->bad_lines + 1, named - 1, sizeof(*reader->bad_lines), compare_numbers);
	for (size_t i = 1; i < named; i++)
		(void)buffer_print(&others, "%s%zu", i > 1 ? ", " : "", reader->bad_lines[i]);
	if (reader->bad >= BAD_STOP)
		(void)buffer_print(&others, " and many more");
	else if (reader->bad > named)
		(void)buffer_print(&others, " and %zu more", reader->bad - named);
	return error_set(error, reader->first.code, "%.280s (bad too: line%s %s)", reader->first.message,
			 reader->bad == 2 ? "" : "s", others.data ? others.data : "out of memory");
}

int listtext_parse(const char *text, size_t length, size_t limit, struct list *ret, struct ag_error *error)
{
	CLEANUP(reader_clear) struct reader reader = {.limit = limit};
	int r = read_text(&reader, text, length, error);

	if (r < 0)
		return r;
	finish_list(&reader);
	if (reader.bad)
		return refuse(&reader, error);
	*ret = reader.list;
	reader.list = (struct list){0};
	return 0;
}

void listtext_format(const struct entry *entry, struct buffer *out)
{
	bool noted = entry->note && entry->note[0];
	char prefix[PREFIX_TEXT_MAX], expires[TIME_TEXT_MAX];

	prefix_format_short(&entry->prefix, prefix);
	time_format(entry->expires, expires);
	(void)buffer_print(out, "%s%s%s%s%s%s%s\n", prefix, entry->verdict == AG_ENTRY_DENY ? " deny" : "",
			   entry->disabled ? " disabled" : "", entry->expires ? " " EXPIRES : "",
			   entry->expires ? expires : "", noted ? " # " : "", noted ? entry->note : "");
}
