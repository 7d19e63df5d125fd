// SPDX-License-Identifier: GPL-2.0-only
#include "userspace/core/request_fields.h"

#include <string.h>

#include "userspace/core/buffer.h"
#include "userspace/core/error.h"

#define NAMED_FIELDS_LIMIT 300 /* bytes of an error message */

int fields_no_memory(struct ag_error *error)
{
	return error_set(error, ERROR_LIMIT, "not enough memory for this request: send it in smaller parts");
}

int fields_parse_body(const char *body, size_t length, json_t **ret, struct ag_error *error)
{
	json_error_t why;
	AUTO_JSON json_t *json = NULL;

	if (length == 0)
		return error_set(error, ERROR_BAD_REQUEST, "the body is empty: send one JSON object");
	json = json_loadb(body, length, JSON_REJECT_DUPLICATES, &why);
	if (!json && json_error_code(&why) == json_error_out_of_memory)
		return fields_no_memory(error);
	if (!json)
		return error_set_at(error, ERROR_BAD_REQUEST, (size_t)why.position,
				    "the body is not one JSON object: line %d, column %d: %s", why.line,
				    why.column, why.text);
	if (!json_is_object(json))
		return error_set(error, ERROR_BAD_REQUEST, "the body must be one JSON object, in braces");
	*ret = TAKE_PTR(json);
	return 0;
}

static bool field_known(const struct field *fields, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(fields[i].name, name) == 0)
			return true;
	}
	return false;
}

static void append_name(struct buffer *names, const char *name)
{
	(void)buffer_print(names, "%s\"%.80s\"", names->length ? ", " : "",
			   name); /* whether all fit is asked at the end */
}

static const char *buffer_text(const struct buffer *buffer)
{
	return buffer->data ? buffer->data : "";
}

static int check_unknown(json_t *object, const struct field *fields, size_t count, struct ag_error *error)
{
	CLEANUP(buffer_clear) struct buffer unknown = {.limit = NAMED_FIELDS_LIMIT};
	CLEANUP(buffer_clear) struct buffer known = {0};
	bool found = false;
	const char *name;
	json_t *value;

	json_object_foreach (object, name, value) {
		if (field_known(fields, count, name))
			continue;
		append_name(&unknown, name);
		found = true;
	}
	if (!found)
		return 0;
	for (size_t i = 0; i < count; i++)
		append_name(&known, fields[i].name);
	return error_set(error, ERROR_BAD_REQUEST, "unknown field %s%s: what may stand here is %s",
			 buffer_text(&unknown), unknown.failed ? " and others" : "", buffer_text(&known));
}

int fields_decode_named(json_t *object, const struct field *fields, size_t count, void *ret,
			const char **ret_field, struct ag_error *error)
{
	int r = check_unknown(object, fields, count, error);

	*ret_field = NULL;
	for (size_t i = 0; i < count && r == 0; i++) {
		const json_t *value = json_object_get(object, fields[i].name);

		*ret_field = fields[i].name;
		if (value)
			r = fields[i].decode(fields[i].name, value, ret, error);
		else if (fields[i].required)
			r = error_set(error, ERROR_BAD_REQUEST, "the field \"%s\" is missing: it is required",
				      fields[i].name);
	}
	return r;
}

int fields_decode(json_t *object, const struct field *fields, size_t count, void *ret, struct ag_error *error)
{
	const char *field;

	return fields_decode_named(object, fields, count, ret, &field, error);
}

int fields_decode_body(const char *body, size_t length, const struct field *fields, size_t count, void *ret,
		       struct ag_error *error)
{
	AUTO_JSON json_t *object = NULL;
	int r = fields_parse_body(body, length, &object, error);

	return r < 0 ? r : fields_decode(object, fields, count, ret, error);
}

int fields_string(const char *name, const json_t *value, const char **ret, struct ag_error *error)
{
	if (!json_is_string(value))
		return error_set(error, ERROR_BAD_REQUEST, "\"%s\" must be a string", name);
	*ret = json_string_value(value);
	return 0;
}

int fields_bool(const char *name, const json_t *value, bool *ret, struct ag_error *error)
{
	if (!json_is_boolean(value))
		return error_set(error, ERROR_BAD_REQUEST, "\"%s\" must be true or false", name);
	*ret = json_is_true(value);
	return 0;
}

int fields_array(const char *name, const json_t *value, struct ag_error *error)
{
	if (!json_is_array(value))
		return error_set(error, ERROR_BAD_REQUEST, "\"%s\" must be an array", name);
	return 0;
}
