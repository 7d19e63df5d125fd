// SPDX-License-Identifier: GPL-2.0-only
/*
 * request_lists.c - bodies that hold many services, of which one that is bad spoils all, and the error says
 * which it is; and the name of a list
 */
#include <stdlib.h>
#include <string.h>

#include "userspace/core/error.h"
#include "userspace/core/request.h"
#include "userspace/core/request_fields.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static int decode_list_name(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	const char *text;
	int r = fields_string(name, value, &text, error);

	if (r == 0)
		r = name_check("list", text, error);
	if (r == 0)
		memcpy(ret, text, strlen(text) + 1);
	return r;
}

int request_list_decode(const char *body, size_t length, char ret[NAME_SIZE], struct ag_error *error)
{
	static const struct field fields[] = {{"name", true, decode_list_name}};
	char name[NAME_SIZE];
	int r = fields_decode_body(body, length, fields, COUNT(fields), name, error);

	if (r == 0)
		memcpy(ret, name, sizeof(name));
	return r;
}

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
