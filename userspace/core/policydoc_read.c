// SPDX-License-Identifier: GPL-2.0-only
/* policydoc_read.c - what a document has, account by account */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/choice.h"
#include "userspace/core/policydoc_reader.h"
#include "userspace/core/request_fields.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* --- what an account has --------------------------------------------------- */

static int read_setting(struct policydoc_reader *reader, const char *name)
{
	AUTO_JSON json_t *value = NULL;
	struct ag_error problem = {0};
	int r = jsonwalk_load(&reader->walk, &value);

	if (r < 0 || request_account_field(name, value, &reader->settings, &problem) == 0)
		return r;
	return reader_report(reader, NULL, &problem);
}

static int read_service(struct policydoc_reader *reader, size_t index)
{
	struct policydoc_account *account = reader->account;
	AUTO_JSON json_t *value = NULL;
	struct ag_error problem = {0};
	struct service service;
	int r;

	(void)index;
	if (reader->services++ == reader->limits->services)
		return reader_over_limit(reader, reader->limits->services, "services");
	r = jsonwalk_load(&reader->walk, &value);
	if (r < 0)
		return r;
	if (!json_is_string(value))
		(void)error_set(&problem, ERROR_BAD_REQUEST, "must be a string like \"192.0.2.10:443/tcp\"");
	else
		(void)service_parse(json_string_value(value), &service, &problem); /* it says what is wrong */
	if (problem.code != ERROR_NONE)
		return reader_report(reader, NULL, &problem);
	r = reader_grow((void **)&account->services, &account->service_room, account->service_count,
			sizeof(service), reader->walk.error);
	if (r == 0)
		account->services[account->service_count++] = service;
	return r;
}

static int read_services(struct policydoc_reader *reader, const char *name)
{
	(void)name;
	reader->account->has_services = true;
	return reader_array(reader, read_service);
}

static int decode_role_user(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct policydoc_role *role = ret;
	const char *text;
	int r = fields_string(name, value, &text, error);

	if (r == 0)
		r = name_check("user", text, error);
	if (r == 0)
		(void)snprintf(role->user, sizeof(role->user), "%s", text);
	return r;
}

static int decode_role_role(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct policydoc_role *role = ret;
	const char *text;
	int r = fields_string(name, value, &text, error);

	return r < 0 ? r : role_parse(text, &role->role, error);
}

static int read_role(struct policydoc_reader *reader, size_t index)
{
	static const struct field fields[] = {
		{"user", true, decode_role_user},
		{"role", true, decode_role_role},
	};
	struct policydoc_account *account = reader->account;
	struct policydoc_role role = {.index = index};
	AUTO_JSON json_t *object = NULL;
	struct ag_error problem = {0};
	const char *field;
	int r = reader_load_object(reader, "a \"user\" and a \"role\"", &object);

	if (r < 0 || !object)
		return r;
	if (fields_decode_named(object, fields, COUNT(fields), &role, &field, &problem) < 0)
		return reader_report(reader, field, &problem);
	r = reader_grow((void **)&account->roles, &account->role_room, account->role_count, sizeof(role),
			reader->walk.error);
	if (r == 0)
		account->roles[account->role_count++] = role;
	return r;
}

static int read_roles(struct policydoc_reader *reader, const char *name)
{
	(void)name;
	reader->account->has_roles = true;
	return reader_array(reader, read_role);
}

static int read_entry(struct policydoc_reader *reader, size_t index)
{
	struct list *list = &reader->account->entries;
	AUTO_JSON json_t *object = NULL;
	struct ag_error problem = {0};
	struct entry entry;
	const char *field;
	int r;

	if (list->count == reader->limits->entries)
		return reader_over_limit(reader, reader->limits->entries, "entries");
	r = reader_load_object(reader, "a \"prefix\"", &object);
	if (r < 0 || !object)
		return r;
	if (request_entry_fields(object, &entry, &field, &problem) < 0)
		return reader_report(reader, field, &problem);
	entry.created_at = (int64_t)index;
	return list_append(list, &entry) < 0 ? fields_no_memory(reader->walk.error) : 0;
}

static int read_entries(struct policydoc_reader *reader, const char *name)
{
	(void)name;
	reader->account->has_entries = true;
	return reader_array(reader, read_entry);
}

/* --- accounts, and the document -------------------------------------------- */

static int keep_settings(struct policydoc_reader *reader)
{
	struct policydoc_account *account = reader->account;
	const struct request_account *settings = &reader->settings;
	struct ag_error problem;

	account->has_label = settings->has_label;
	account->has_mode = settings->has_mode;
	account->has_on_deny = settings->has_on_deny;
	account->mode = settings->mode;
	account->on_deny = settings->on_deny;
	memcpy(account->name, settings->name, sizeof(account->name));
	account->label = settings->has_label && settings->label[0] ? strdup(settings->label) : NULL;
	if (settings->label[0] && !account->label)
		return fields_no_memory(reader->walk.error);
	if (settings->has_name)
		return 0;
	(void)error_set(&problem, ERROR_BAD_REQUEST, "the field \"name\" is missing: it is required");
	return reader_report(reader, NULL, &problem);
}

static int read_account(struct policydoc_reader *reader, size_t index)
{
	static const struct policydoc_member members[] = {
		{"name", read_setting},	   {"label", read_setting},	{"mode", read_setting},
		{"on_deny", read_setting}, {"services", read_services}, {"roles", read_roles},
		{"entries", read_entries},
	};
	struct policydoc *document = &reader->document;
	bool is_object = jsonwalk_next_is(&reader->walk, '{');
	int r;

	if (document->account_count == reader->limits->accounts)
		return reader_over_limit(reader, reader->limits->accounts, "accounts");
	r = reader_grow((void **)&document->accounts, &document->account_room, document->account_count,
			sizeof(*document->accounts), reader->walk.error);
	if (r < 0)
		return r;
	reader->account = &document->accounts[document->account_count++];
	*reader->account = (struct policydoc_account){.index = index};
	reader->settings = (struct request_account){0};
	r = reader_object(reader, members, COUNT(members));
	return r < 0 || !is_object ? r : keep_settings(reader);
}

static int read_accounts(struct policydoc_reader *reader, const char *name)
{
	(void)name;
	reader->has_accounts = true;
	return reader_array(reader, read_account);
}

static int read_scope(struct policydoc_reader *reader, const char *name)
{
	static const char *const scopes[POLICYDOC_SCOPE_MAX] = {
		[POLICYDOC_ACCOUNTS] = "accounts",
		[POLICYDOC_HOST] = "host",
	};
	AUTO_JSON json_t *value = NULL;
	struct ag_error problem = {0};
	size_t scope = POLICYDOC_ACCOUNTS;
	int r = jsonwalk_load(&reader->walk, &value);

	if (r < 0)
		return r;
	if (!json_is_string(value))
		(void)error_set(&problem, ERROR_BAD_REQUEST, "must be \"host\" or \"accounts\"");
	else
		(void)choice_parse(name, scopes, COUNT(scopes), json_string_value(value), &scope, &problem);
	reader->document.scope = scope;
	return problem.code == ERROR_NONE ? 0 : reader_report(reader, NULL, &problem);
}

static int read_document(struct policydoc_reader *reader)
{
	static const struct policydoc_member members[] = {
		{"scope", read_scope}, {"accounts", read_accounts}, {"lists", reader_read_lists}};
	struct jsonwalk *walk = &reader->walk;
	int r;

	if (walk->length == 0)
		return error_set(walk->error, ERROR_BAD_REQUEST, "the body is empty: send one JSON object");
	if (!jsonwalk_next_is(walk, '{'))
		return error_set(walk->error, ERROR_BAD_REQUEST,
				 "the body must be one JSON object, in braces");
	r = reader_object(reader, members, COUNT(members));
	return r < 0 || reader_enough(reader) ? r : jsonwalk_end(walk);
}

/* A document that does not say which accounts there shall be must not be taken for one that says: none. */
static int check_document(struct policydoc_reader *reader)
{
	struct ag_error problem;

	if (reader->has_accounts)
		return 0;
	(void)error_set(&problem, ERROR_BAD_REQUEST, "the field \"accounts\" is missing: it is required");
	return reader_report(reader, NULL, &problem);
}

static void reader_clear(struct policydoc_reader *reader)
{
	policydoc_clear(&reader->document);
}

int policydoc_read(const char *text, size_t length, const struct policydoc_limits *limits,
		   struct policydoc *ret, struct ag_error *error)
{
	CLEANUP(reader_clear)
	struct policydoc_reader reader = {.walk = {.text = text, .length = length, .error = error},
					  .limits = limits};
	int r = read_document(&reader);

	if (r == 0)
		r = check_document(&reader);
	if (r == 0 && policydoc_settle(&reader.document, &reader.bad))
		r = fields_no_memory(error);
	if (r == 0)
		r = policydoc_bad_finish(&reader.bad, error);
	if (r < 0)
		return r;
	*ret = reader.document;
	reader.document = (struct policydoc){0};
	return 0;
}
