// SPDX-License-Identifier: GPL-2.0-only
/*
 * policydoc_read_lists.c - the named lists of a document
 *
 * What an entry of a list has beside its prefix and its note is said where an account refers to the list.
 */
#include <stdio.h>
#include <string.h>

#include "userspace/core/policydoc_reader.h"
#include "userspace/core/reference.h"
#include "userspace/core/request_fields.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static int check_plain(const struct entry *entry, struct ag_error *error)
{
	if (!entry->list && !entry->disabled && !entry->expires && entry->verdict == AG_ENTRY_ALLOW)
		return 0;
	return error_set(error, ERROR_BAD_REQUEST,
			 "entries of a named list are prefixes with notes: verdict, expiry and whether it is "
			 "enabled are said where an account refers to the list");
}

/* These limits are nobody's to raise. */
static int over_limit(struct policydoc_reader *reader, size_t limit, const char *what)
{
	return error_set(reader->walk.error, ERROR_LIMIT,
			 "%s: more than %zu %s, which are the most: write fewer", reader->place, limit, what);
}

static int read_entry(struct policydoc_reader *reader, size_t index)
{
	struct list *list = &reader->list->entries;
	AUTO_JSON json_t *object = NULL;
	struct ag_error problem = {0};
	struct entry entry;
	const char *field;
	int r;

	if (list->count == reader->limits->list_entries)
		return over_limit(reader, reader->limits->list_entries, "entries");
	r = reader_load_object(reader, "a \"prefix\"", &object);
	if (r < 0 || !object)
		return r;
	if (request_entry_fields(object, &entry, &field, &problem) < 0)
		return reader_report(reader, field, &problem);
	if (check_plain(&entry, &problem) < 0) {
		entry_clear(&entry);
		return reader_report(reader, NULL, &problem);
	}
	entry.created_at = (int64_t)index;
	return list_append(list, &entry) < 0 ? fields_no_memory(reader->walk.error) : 0;
}

static int read_entries(struct policydoc_reader *reader, const char *name)
{
	(void)name;
	reader->list->has_entries = true;
	return reader_array(reader, read_entry);
}

static int read_name(struct policydoc_reader *reader, const char *name)
{
	AUTO_JSON json_t *value = NULL;
	struct ag_error problem = {0};
	const char *text;
	int r = jsonwalk_load(&reader->walk, &value);

	if (r < 0)
		return r;
	reader->list->has_name = true;
	if (fields_string(name, value, &text, &problem) < 0 || name_check("list", text, &problem) < 0)
		return reader_report(reader, NULL, &problem);
	(void)snprintf(reader->list->name, sizeof(reader->list->name), "%s", text); /* fits */
	return 0;
}

static int read_list(struct policydoc_reader *reader, size_t index)
{
	static const struct policydoc_member members[] = {{"name", read_name}, {"entries", read_entries}};
	struct policydoc *document = &reader->document;
	bool is_object = jsonwalk_next_is(&reader->walk, '{');
	struct ag_error problem = {0};
	int r;

	if (document->list_count == reader->limits->lists)
		return over_limit(reader, reader->limits->lists, "lists");
	r = reader_grow((void **)&document->lists, &document->list_room, document->list_count,
			sizeof(*document->lists), reader->walk.error);
	if (r < 0)
		return r;
	reader->list = &document->lists[document->list_count++];
	*reader->list = (struct policydoc_list){.index = index};
	r = reader_object(reader, members, COUNT(members));
	if (r < 0 || !is_object || reader->list->has_name || reader_enough(reader))
		return r;
	(void)error_set(&problem, ERROR_BAD_REQUEST, "the field \"name\" is missing: it is required");
	return reader_report(reader, NULL, &problem);
}

int reader_read_lists(struct policydoc_reader *reader, const char *name)
{
	(void)name;
	reader->document.has_lists = true;
	return reader_array(reader, read_list);
}
