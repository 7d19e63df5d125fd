// SPDX-License-Identifier: GPL-2.0-only
/* listcsv.c - a record's fields, by the columns that the header names */
#include "userspace/core/listcsv.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "userspace/core/listlines.h"
#include "userspace/core/reference.h"
#include "userspace/core/text.h"

#define COLUMNS_MAX	16
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* What a record says, before it is an entry. */
struct record {
	struct entry entry;
	const char *note;
};

typedef int (*take_field)(char *field, struct record *record, struct ag_error *error);

struct column {
	const char *name;
	take_field take; /* NULL: understood, and not read */
};

struct csv {
	const struct column *columns[COLUMNS_MAX];
	size_t count; /* 0: the header is still to come */
};

static int take_prefix(char *field, struct record *record, struct ag_error *error)
{
	return entry_source_parse(field, &record->entry, error);
}

static int take_verdict(char *field, struct record *record, struct ag_error *error)
{
	return field[0] ? entry_verdict_parse(field, &record->entry.verdict, error) : 0;
}

static int take_note(char *field, struct record *record, struct ag_error *error)
{
	record->note = field;
	return note_check("note", field, error);
}

static int take_expires(char *field, struct record *record, struct ag_error *error)
{
	return field[0] ? expiry_time_parse(field, &record->entry.expires, error) : 0;
}

static int take_enabled(char *field, struct record *record, struct ag_error *error)
{
	if (field[0] && strcasecmp(field, "true") != 0 && strcasecmp(field, "false") != 0)
		return error_set(error, ERROR_BAD_REQUEST, "enabled is \"%.80s\": write true or false",
				 field);
	record->entry.disabled = strcasecmp(field, "false") == 0;
	return 0;
}

static const struct column known[] = {
	{"prefix", take_prefix},   {"verdict", take_verdict}, {"note", take_note},  {"expires", take_expires},
	{"enabled", take_enabled}, {"created_by", NULL},      {"created_at", NULL}, {"last_seen", NULL},
};
#define KNOWN (sizeof(known) / sizeof(*known))

/* --- fields ---------------------------------------------------------------- */

static char *trim(char *field)
{
	size_t length;

	field += strspn(field, LIST_BLANKS);
	length = strlen(field);
	while (length && strchr(LIST_BLANKS, field[length - 1]))
		field[--length] = '\0';
	return field;
}

/* From behind the opening quote; gives what stands behind the closing one. NULL: there is none. */
static char *unquote(char *field)
{
	char *to = field;

	for (char *from = field; *from; from++) {
		if (*from == '"' && from[1] != '"') {
			char *rest = from + 1;

			*to = '\0'; /* not behind the quote */
			return rest;
		}
		from += *from == '"';
		*to++ = *from;
	}
	return NULL;
}

/* Cuts off the next field of *at, which is NULL behind the last one. */
static int next_field(char **at, char **ret, struct ag_error *error)
{
	char *start = *at + strspn(*at, LIST_BLANKS), *end;

	if (*start != '"') {
		end = strchr(*at, ',');
		*ret = *at;
		*at = end ? end + 1 : NULL;
		if (end)
			*end = '\0';
		*ret = trim(*ret);
		if (strchr(*ret, '"'))
			return error_set(
				error, ERROR_BAD_REQUEST,
				"a quote within a field: quote the whole field, and write the quote twice");
		return 0;
	}
	*ret = start + 1;
	end = unquote(*ret);
	if (!end)
		return error_set(error, ERROR_BAD_REQUEST,
				 "a quoted field has no end on its line: close it with a quote");
	end += strspn(end, LIST_BLANKS);
	if (*end && *end != ',')
		return error_set(error, ERROR_BAD_REQUEST,
				 "\"%.80s\" stands behind a quoted field: a comma must", end);
	*at = *end ? end + 1 : NULL;
	return 0;
}

/* --- the header ------------------------------------------------------------ */

static const struct column *find_column(const char *name)
{
	for (size_t i = 0; i < KNOWN; i++)
		if (strcasecmp(name, known[i].name) == 0)
			return &known[i];
	return NULL;
}

static bool has_column(const struct csv *csv, const struct column *column)
{
	for (size_t i = 0; i < csv->count; i++)
		if (csv->columns[i] == column)
			return true;
	return false;
}

static int add_column(struct csv *csv, const char *name, struct ag_error *error)
{
	const struct column *column = find_column(name);

	if (!column)
		return error_set(
			error, ERROR_BAD_REQUEST,
			"\"%.80s\" is no column: a header names prefix, verdict, note, expires, enabled",
			name);
	if (has_column(csv, column))
		return error_set(error, ERROR_BAD_REQUEST, "the column %s stands twice: name it once", name);
	csv->columns[csv->count++] = column; /* each once, so there is room */
	return 0;
}

static int read_header(struct csv *csv, char *line, struct ag_error *error)
{
	char *at = line, *field;
	int r = 0;

	if (strncmp(at, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
		at += strlen(BYTE_ORDER_MARK);
	while (at && r == 0) {
		r = next_field(&at, &field, error);
		if (r == 0)
			r = add_column(csv, field, error);
	}
	if (r == 0 && !has_column(csv, &known[0]))
		r = error_set(error, ERROR_BAD_REQUEST,
			      "the header has no column \"prefix\": the first line names the columns");
	return r;
}

/* --- records --------------------------------------------------------------- */

static int wrong_count(const struct csv *csv, struct ag_error *error)
{
	return error_set(error, ERROR_BAD_REQUEST, "the header names %zu columns: give as many fields",
			 csv->count);
}

static int read_record(const struct csv *csv, char *line, struct record *record, struct ag_error *error)
{
	char *at = line, *field;
	size_t i = 0;
	int r = 0;

	for (; at && r == 0 && i < csv->count; i++) {
		r = next_field(&at, &field, error);
		if (r == 0 && csv->columns[i]->take)
			r = csv->columns[i]->take(field, record, error);
	}
	return r == 0 && (at || i < csv->count) ? wrong_count(csv, error) : r;
}

static int read_line(struct list_reader *reader, char *line, struct ag_error *error)
{
	struct record record = {.entry.verdict = AG_ENTRY_ALLOW};
	struct csv *csv = reader->arg;
	struct ag_error problem;
	int r;

	if (line[strspn(line, LIST_BLANKS)] == '\0')
		return 0;
	if (!csv->count) {
		r = read_header(csv, line, error);
		if (r < 0)
			error_prepend(error, "line %zu", reader->number);
		return r;
	}
	if (read_record(csv, line, &record, &problem) == 0)
		return list_reader_append(reader, &record.entry, record.note, error);
	entry_clear(&record.entry);
	list_reader_report(reader, reader->number, &problem);
	return 0;
}

int listcsv_parse(const char *text, size_t length, size_t limit, struct list *ret, struct ag_error *error)
{
	struct csv csv = {.count = 0};
	struct list_reader reader = {.limit = limit, .line = read_line, .arg = &csv};

	return list_reader_run(&reader, text, length, ret, error);
}
