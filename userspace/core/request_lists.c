// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bodies that hold many of a kind. One that is bad spoils all, and the error says which it is.
 */
#include <stdlib.h>
#include <string.h>

#include "userspace/core/error.h"
#include "userspace/core/request.h"
#include "userspace/core/request_fields.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* --- entries --- */

static int decode_entry_prefix(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct entry *entry = ret;
	const char *text;
	int r = fields_string(name, value, &text, error);

	return r < 0 ? r : prefix_parse(text, &entry->prefix, error);
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

static int append_entry(json_t *object, struct list *list, struct ag_error *error)
{
	static const struct field fields[] = {
		{"prefix", true, decode_entry_prefix},
		{"note", false, decode_entry_note},
		{"verdict", false, decode_entry_verdict},
	};
	struct entry entry = {.verdict = AG_ENTRY_ALLOW};
	int r = fields_decode(object, fields, COUNT(fields), &entry, error);

	if (r < 0) {
		free(entry.note);
		return r;
	}
	return list_append(list, &entry) < 0 ? fields_no_memory(error) : 0;
}

/* One of many, counted from 1. */
static int append_numbered_entry(json_t *value, size_t number, struct list *list, struct ag_error *error)
{
	const char *prefix = json_string_value(json_object_get(value, "prefix"));
	int r;

	if (!json_is_object(value))
		return error_set(error, ERROR_BAD_REQUEST, "entry %zu must be an object with a \"prefix\"",
				 number);
	r = append_entry(value, list, error);
	if (r < 0 && prefix)
		error_prepend(error, "entry %zu, %.80s", number, prefix);
	else if (r < 0)
		error_prepend(error, "entry %zu", number);
	return r;
}

/* Keeps the array alone: what is wrong in it can be said better where its length and purpose are known. */
static int decode_entries(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	const json_t **entries = ret;

	*entries = value;
	return fields_array(name, value, error);
}

static int append_entries(json_t *object, size_t limit, bool allow_empty, struct list *list,
			  struct ag_error *error)
{
	static const struct field fields[] = {{"entries", true, decode_entries}};
	const json_t *entries = NULL;
	int r = fields_decode(object, fields, COUNT(fields), &entries, error);
	size_t count = json_array_size(entries);

	if (r < 0)
		return r;
	if (count == 0 && !allow_empty)
		return error_set(error, ERROR_BAD_REQUEST, "\"entries\" is empty: name at least one prefix");
	if (count > limit)
		return error_set(error, ERROR_LIMIT,
				 "%zu entries in one request, and a list may hold %zu: send fewer, or raise "
				 "that limit in the "
				 "configuration",
				 count, limit);
	for (size_t i = 0; i < count && r == 0; i++)
		r = append_numbered_entry(json_array_get(entries, i), i + 1, list, error);
	return r;
}

int request_entries_decode(const char *body, size_t length, size_t limit, bool allow_empty, struct list *ret,
			   struct ag_error *error)
{
	AUTO_JSON json_t *object = NULL;
	CLEANUP(list_clear) struct list list = {0};
	const struct entry *twice;
	char text[PREFIX_TEXT_MAX];
	int r = fields_parse_body(body, length, &object, error);

	if (r < 0)
		return r;
	if (allow_empty || json_object_get(object, "entries"))
		r = append_entries(object, limit, allow_empty, &list, error);
	else
		r = append_entry(object, &list, error);
	if (r < 0)
		return r;
	twice = list_sort(&list);
	if (twice) {
		prefix_format_short(&twice->prefix, text);
		return error_set(error, ERROR_BAD_REQUEST, "%s stands twice in this request: send it once",
				 text);
	}
	*ret = list;
	list = (struct list){0};
	return 0;
}

/* --- services --- */

static int decode_services(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	const json_t **services = ret;
	int r = fields_array(name, value, error);

	if (r == 0 && json_array_size(value) == 0)
		r = error_set(error, ERROR_BAD_REQUEST, "\"%s\" is empty: name at least one service", name);
	*services = value;
	return r;
}

static int compare_services(const void *a, const void *b)
{
	return service_compare(a, b);
}

static int check_services_once(const struct service *services, size_t count, struct ag_error *error)
{
	char text[SERVICE_TEXT_MAX];

	for (size_t i = 1; i < count; i++) {
		if (service_compare(&services[i - 1], &services[i]) != 0)
			continue;
		service_format(&services[i], text);
		return error_set(error, ERROR_BAD_REQUEST, "%s stands twice in this request: send it once",
				 text);
	}
	return 0;
}

static int parse_services(const json_t *array, struct service *services, struct ag_error *error)
{
	size_t count = json_array_size(array);

	for (size_t i = 0; i < count; i++) {
		const char *text = json_string_value(json_array_get(array, i));
		int r;

		if (!text)
			return error_set(error, ERROR_BAD_REQUEST,
					 "service %zu must be a string like \"192.0.2.10:443/tcp\"", i + 1);
		r = service_parse(text, &services[i], error);
		if (r < 0) {
			error_prepend(error, "service %zu, %.80s", i + 1, text);
			return r;
		}
	}
	return 0;
}

int request_services_decode(const char *body, size_t length, struct service **ret, size_t *ret_count,
			    struct ag_error *error)
{
	static const struct field fields[] = {{"services", true, decode_services}};
	AUTO_JSON json_t *object = NULL;
	AUTO_FREE struct service *services = NULL;
	const json_t *array = NULL;
	size_t count;
	int r = fields_parse_body(body, length, &object, error);

	if (r == 0)
		r = fields_decode(object, fields, COUNT(fields), &array, error);
	if (r < 0)
		return r;
	count = json_array_size(array);
	services = calloc(count, sizeof(*services));
	if (!services)
		return fields_no_memory(error);
	r = parse_services(array, services, error);
	if (r < 0)
		return r;
	qsort(services, count, sizeof(*services), compare_services);
	r = check_services_once(services, count, error);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(services);
	*ret_count = count;
	return 0;
}
