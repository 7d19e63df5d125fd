/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * request_fields.h - private to request*.c and policydoc*.c: a JSON object decoded by a table of its fields
 *
 * Each kind of object is a table, and each field has one decoder; what is unknown, missing or of the wrong
 * type is refused here, so that no kind of object can forget to. Errors are ERROR_BAD_REQUEST.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "userspace/core/cleanup.h"

struct ag_error;

struct field {
	const char *name;
	bool required;
	/* Puts the value into the struct at `ret`, which nobody looks at when a decoder fails. */
	int (*decode)(const char *name, const json_t *value, void *ret, struct ag_error *error);
};

static inline void cleanup_json(json_t **json)
{
	json_decref(*json);
}
#define AUTO_JSON CLEANUP(cleanup_json)

/* The one object that the body is; the caller owns *ret. */
int fields_parse_body(const char *body, size_t length, json_t **ret, struct ag_error *error);
/* The fields of an object, in the table's order. */
int fields_decode(json_t *object, const struct field *fields, size_t count, void *ret,
		  struct ag_error *error);
/* The same; *ret_field is the table's name of the field that is refused, NULL where it is none of them. */
int fields_decode_named(json_t *object, const struct field *fields, size_t count, void *ret,
			const char **ret_field, struct ag_error *error);
/* Both at once. */
int fields_decode_body(const char *body, size_t length, const struct field *fields, size_t count, void *ret,
		       struct ag_error *error);

/* Values; `name` is that of the field, for the error. A string is borrowed from `value`. */
int fields_string(const char *name, const json_t *value, const char **ret, struct ag_error *error);
int fields_bool(const char *name, const json_t *value, bool *ret, struct ag_error *error);
int fields_array(const char *name, const json_t *value, struct ag_error *error);
int fields_no_memory(struct ag_error *error);

struct entry;
struct request_account;
/* One field of an account: "name", "mode", "on_deny" or "label". */
int request_account_field(const char *name, const json_t *value, struct request_account *ret,
			  struct ag_error *error);
/* An entry as it is sent, of an object; the caller owns its note. */
int request_entry_fields(json_t *object, struct entry *ret, const char **ret_field, struct ag_error *error);
