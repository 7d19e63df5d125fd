// SPDX-License-Identifier: GPL-2.0-only
/*
 * policydoc_read.c - a document walked: tables of members, of which each knows how to read its value
 *
 * Two kinds of trouble: what is no JSON ends the walk with an error; what is JSON and wrong is noted with its
 * place, and the walk goes on behind it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/buffer.h"
#include "userspace/core/choice.h"
#include "userspace/core/jsonwalk.h"
#include "userspace/core/policydoc_private.h"
#include "userspace/core/request_fields.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define MEMBERS_MAX  16 /* of an object that is known here */

struct reader {
	struct jsonwalk walk;
	const struct policydoc_limits *limits;
	struct policydoc document;
	bool has_accounts;
	struct policydoc_account *account; /* the one being read */
	struct request_account settings;   /* of it */
	size_t services;		   /* read so far */
	struct policydoc_bad bad;
	char place[POLICYDOC_PLACE_SIZE];
	size_t place_length;
};

/* A member of an object: `read` is given its name, and goes past its value. */
struct member {
	const char *name;
	int (*read)(struct reader *reader, const char *name);
};

/* --- places ---------------------------------------------------------------- */

/* Goes one step down; the length given back is where place_leave() returns to. */
static size_t place_enter(struct reader *reader, const char *name)
{
	size_t length = reader->place_length;
	int added = snprintf(reader->place + length, sizeof(reader->place) - length, "%s%s",
			     length ? "." : "", name);

	reader->place_length += (size_t)added;
	return length;
}

static size_t place_enter_item(struct reader *reader, size_t index)
{
	size_t length = reader->place_length;
	int added = snprintf(reader->place + length, sizeof(reader->place) - length, "[%zu]", index);

	reader->place_length += (size_t)added;
	return length;
}

static void place_leave(struct reader *reader, size_t length)
{
	reader->place_length = length;
	reader->place[length] = '\0';
}

/* The problem is here, or, where a field is named, in that field of it. Memory that ended is no fault of the
 * document's. */
static int report(struct reader *reader, const char *field, struct ag_error *problem)
{
	size_t length = reader->place_length;

	if (problem->code == ERROR_LIMIT)
		return error_set(reader->walk.error, ERROR_LIMIT, "%s", problem->message);
	if (field)
		(void)place_enter(reader, field);
	policydoc_bad_add(&reader->bad, reader->place, problem);
	place_leave(reader, length);
	return 0;
}

static int over_limit(struct reader *reader, size_t limit, const char *what)
{
	return error_set(reader->walk.error, ERROR_LIMIT,
			 "%s: more than %zu %s, and there may be no more: write fewer, or raise that limit "
			 "in the configuration",
			 reader->place, limit, what);
}

static bool enough(const struct reader *reader)
{
	return reader->bad.count >= POLICYDOC_BAD_STOP;
}

/* --- objects and arrays ---------------------------------------------------- */

/* What stands here is of another kind than it should be. */
static int skip_wrong(struct reader *reader, const char *should)
{
	AUTO_JSON json_t *value = NULL;
	struct ag_error problem;
	int r = jsonwalk_load(&reader->walk, &value);

	(void)error_set(&problem, ERROR_BAD_REQUEST, "must be %s", should);
	return r < 0 ? r : report(reader, NULL, &problem);
}

static int skip_unknown(struct reader *reader, const char *name, const struct member *members, size_t count)
{
	CLEANUP(buffer_clear) struct buffer known = {0};
	AUTO_JSON json_t *value = NULL;
	struct ag_error problem;
	int r = jsonwalk_load(&reader->walk, &value);

	for (size_t i = 0; i < count; i++)
		(void)buffer_print(&known, "%s\"%s\"", i ? ", " : "", members[i].name); /* as below */
	(void)error_set(&problem, ERROR_BAD_REQUEST, "unknown field \"%.40s\": what may stand here is %s",
			name, known.data ? known.data : "known to docs/api.md");
	return r < 0 ? r : report(reader, NULL, &problem);
}

static int read_member(struct reader *reader, const struct member *members, size_t count, bool *seen)
{
	AUTO_JSON json_t *key = NULL;
	struct jsonwalk *walk = &reader->walk;
	size_t start, length;
	int r;

	if (!jsonwalk_next_is(walk, '"'))
		return jsonwalk_fail(walk, walk->at, "string or '}' expected");
	start = walk->at;
	r = jsonwalk_load(walk, &key);
	if (r < 0)
		return r;
	if (!jsonwalk_take(walk, ':'))
		return jsonwalk_fail(walk, walk->at, "':' expected");
	for (size_t i = 0; i < count; i++) {
		if (strcmp(members[i].name, json_string_value(key)) != 0)
			continue;
		if (seen[i])
			return jsonwalk_fail(walk, start, "duplicate object key");
		seen[i] = true;
		length = place_enter(reader, members[i].name);
		r = members[i].read(reader, members[i].name);
		place_leave(reader, length);
		return r;
	}
	return skip_unknown(reader, json_string_value(key), members, count);
}

/* From its brace on. An object that is known here, or another value, which is wrong. */
static int read_object(struct reader *reader, const struct member *members, size_t count)
{
	struct jsonwalk *walk = &reader->walk;
	bool seen[MEMBERS_MAX] = {false};
	int r;

	if (!jsonwalk_take(walk, '{'))
		return skip_wrong(reader, "an object, in braces");
	if (jsonwalk_take(walk, '}'))
		return 0;
	do {
		r = read_member(reader, members, count, seen);
	} while (r == 0 && !enough(reader) && jsonwalk_take(walk, ','));
	if (r < 0 || enough(reader))
		return r;
	return jsonwalk_take(walk, '}') ? 0 : jsonwalk_fail(walk, walk->at, "',' or '}' expected");
}

static int read_array(struct reader *reader, int (*item)(struct reader *reader, size_t index))
{
	struct jsonwalk *walk = &reader->walk;
	size_t index = 0;
	int r;

	if (!jsonwalk_take(walk, '['))
		return skip_wrong(reader, "an array");
	if (jsonwalk_take(walk, ']'))
		return 0;
	do {
		size_t length = place_enter_item(reader, index);

		r = item(reader, index++);
		place_leave(reader, length);
	} while (r == 0 && !enough(reader) && jsonwalk_take(walk, ','));
	if (r < 0 || enough(reader))
		return r;
	return jsonwalk_take(walk, ']') ? 0 : jsonwalk_fail(walk, walk->at, "',' or ']' expected");
}

/* Room for one more in an array. */
static int grow(void **items, size_t *room, size_t count, size_t size, struct ag_error *error)
{
	size_t wanted = *room ? *room * 2 : 4;
	void *more;

	if (count < *room)
		return 0;
	more = reallocarray(*items, wanted, size);
	if (!more)
		return fields_no_memory(error);
	*items = more;
	*room = wanted;
	return 0;
}

/* --- what an account has --------------------------------------------------- */

static int read_setting(struct reader *reader, const char *name)
{
	AUTO_JSON json_t *value = NULL;
	struct ag_error problem = {0};
	int r = jsonwalk_load(&reader->walk, &value);

	if (r < 0 || request_account_field(name, value, &reader->settings, &problem) == 0)
		return r;
	return report(reader, NULL, &problem);
}

static int read_service(struct reader *reader, size_t index)
{
	struct policydoc_account *account = reader->account;
	AUTO_JSON json_t *value = NULL;
	struct ag_error problem = {0};
	struct service service;
	int r;

	(void)index;
	if (reader->services++ == reader->limits->services)
		return over_limit(reader, reader->limits->services, "services");
	r = jsonwalk_load(&reader->walk, &value);
	if (r < 0)
		return r;
	if (!json_is_string(value))
		(void)error_set(&problem, ERROR_BAD_REQUEST, "must be a string like \"192.0.2.10:443/tcp\"");
	else
		(void)service_parse(json_string_value(value), &service, &problem); /* it says what is wrong */
	if (problem.code != ERROR_NONE)
		return report(reader, NULL, &problem);
	r = grow((void **)&account->services, &account->service_room, account->service_count, sizeof(service),
		 reader->walk.error);
	if (r == 0)
		account->services[account->service_count++] = service;
	return r;
}

static int read_services(struct reader *reader, const char *name)
{
	(void)name;
	reader->account->has_services = true;
	return read_array(reader, read_service);
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

/* One value that must be an object; *ret stays NULL, and r may be 0, where it is none. */
static int load_object(struct reader *reader, const char *should, json_t **ret)
{
	AUTO_JSON json_t *value = NULL;
	struct ag_error problem;
	int r = jsonwalk_load(&reader->walk, &value);

	if (r < 0)
		return r;
	if (json_is_object(value)) {
		*ret = TAKE_PTR(value);
		return 0;
	}
	(void)error_set(&problem, ERROR_BAD_REQUEST, "must be an object with %s", should);
	return report(reader, NULL, &problem);
}

static int read_role(struct reader *reader, size_t index)
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
	int r = load_object(reader, "a \"user\" and a \"role\"", &object);

	if (r < 0 || !object)
		return r;
	if (fields_decode_named(object, fields, COUNT(fields), &role, &field, &problem) < 0)
		return report(reader, field, &problem);
	r = grow((void **)&account->roles, &account->role_room, account->role_count, sizeof(role),
		 reader->walk.error);
	if (r == 0)
		account->roles[account->role_count++] = role;
	return r;
}

static int read_roles(struct reader *reader, const char *name)
{
	(void)name;
	reader->account->has_roles = true;
	return read_array(reader, read_role);
}

static int read_entry(struct reader *reader, size_t index)
{
	struct list *list = &reader->account->entries;
	AUTO_JSON json_t *object = NULL;
	struct ag_error problem = {0};
	struct entry entry;
	const char *field;
	int r;

	if (list->count == reader->limits->entries)
		return over_limit(reader, reader->limits->entries, "entries");
	r = load_object(reader, "a \"prefix\"", &object);
	if (r < 0 || !object)
		return r;
	if (request_entry_fields(object, &entry, &field, &problem) < 0)
		return report(reader, field, &problem);
	entry.created_at = (int64_t)index;
	return list_append(list, &entry) < 0 ? fields_no_memory(reader->walk.error) : 0;
}

static int read_entries(struct reader *reader, const char *name)
{
	(void)name;
	reader->account->has_entries = true;
	return read_array(reader, read_entry);
}

/* --- accounts, and the document -------------------------------------------- */

static int keep_settings(struct reader *reader)
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
	return report(reader, NULL, &problem);
}

static int read_account(struct reader *reader, size_t index)
{
	static const struct member members[] = {
		{"name", read_setting},	   {"label", read_setting},	{"mode", read_setting},
		{"on_deny", read_setting}, {"services", read_services}, {"roles", read_roles},
		{"entries", read_entries},
	};
	struct policydoc *document = &reader->document;
	bool is_object = jsonwalk_next_is(&reader->walk, '{');
	int r;

	if (document->account_count == reader->limits->accounts)
		return over_limit(reader, reader->limits->accounts, "accounts");
	r = grow((void **)&document->accounts, &document->account_room, document->account_count,
		 sizeof(*document->accounts), reader->walk.error);
	if (r < 0)
		return r;
	reader->account = &document->accounts[document->account_count++];
	*reader->account = (struct policydoc_account){.index = index};
	reader->settings = (struct request_account){0};
	r = read_object(reader, members, COUNT(members));
	return r < 0 || !is_object ? r : keep_settings(reader);
}

static int read_accounts(struct reader *reader, const char *name)
{
	(void)name;
	reader->has_accounts = true;
	return read_array(reader, read_account);
}

static int read_scope(struct reader *reader, const char *name)
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
	return problem.code == ERROR_NONE ? 0 : report(reader, NULL, &problem);
}

static int read_document(struct reader *reader)
{
	static const struct member members[] = {{"scope", read_scope}, {"accounts", read_accounts}};
	struct jsonwalk *walk = &reader->walk;
	int r;

	if (walk->length == 0)
		return error_set(walk->error, ERROR_BAD_REQUEST, "the body is empty: send one JSON object");
	if (!jsonwalk_next_is(walk, '{'))
		return error_set(walk->error, ERROR_BAD_REQUEST,
				 "the body must be one JSON object, in braces");
	r = read_object(reader, members, COUNT(members));
	return r < 0 || enough(reader) ? r : jsonwalk_end(walk);
}

/* A document that does not say which accounts there shall be must not be taken for one that says: none. */
static int check_document(struct reader *reader)
{
	struct ag_error problem;

	if (reader->has_accounts)
		return 0;
	(void)error_set(&problem, ERROR_BAD_REQUEST, "the field \"accounts\" is missing: it is required");
	return report(reader, NULL, &problem);
}

static void reader_clear(struct reader *reader)
{
	policydoc_clear(&reader->document);
}

int policydoc_read(const char *text, size_t length, const struct policydoc_limits *limits,
		   struct policydoc *ret, struct ag_error *error)
{
	CLEANUP(reader_clear)
	struct reader reader = {.walk = {.text = text, .length = length, .error = error}, .limits = limits};
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
