// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables of fields, and what each may hold. A struct is filled on the stack and handed over only when all
 * of it is good.
 */
#include "userspace/core/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/choice.h"
#include "userspace/core/error.h"
#include "userspace/core/request_fields.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static int decode_name(const char *name, const char *what, const json_t *value, char ret[NAME_SIZE],
		       struct ag_error *error)
{
	const char *text;
	int r = fields_string(name, value, &text, error);

	if (r == 0)
		r = name_check(what, text, error);
	if (r == 0)
		memcpy(ret, text, strlen(text) + 1);
	return r;
}

/* --- accounts --- */

static int decode_account_name(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct request_account *account = ret;

	account->has_name = true;
	return decode_name(name, "account", value, account->name, error);
}

static int decode_account_mode(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct request_account *account = ret;
	const char *text;
	int r = fields_string(name, value, &text, error);

	account->has_mode = true;
	return r < 0 ? r : mode_parse(text, &account->mode, error);
}

static int decode_account_on_deny(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct request_account *account = ret;
	const char *text;
	int r = fields_string(name, value, &text, error);

	account->has_on_deny = true;
	return r < 0 ? r : on_deny_parse(text, &account->on_deny, error);
}

static int decode_account_label(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct request_account *account = ret;
	const char *text;
	int r = fields_string(name, value, &text, error);

	if (r == 0)
		r = note_check("label", text, error);
	if (r < 0)
		return r;
	account->has_label = true;
	memcpy(account->label, text, strlen(text) + 1);
	return 0;
}

static const struct field account_fields[] = {
	{"name", true, decode_account_name},
	{"mode", false, decode_account_mode},
	{"on_deny", false, decode_account_on_deny},
	{"label", false, decode_account_label},
};

int request_account_field(const char *name, const json_t *value, struct request_account *ret,
			  struct ag_error *error)
{
	const struct field *field = account_fields;

	while (strcmp(field->name, name) != 0)
		field++;
	return field->decode(name, value, ret, error);
}

int request_account_decode(const char *body, size_t length, bool needs_name, struct request_account *ret,
			   struct ag_error *error)
{
	size_t skip = needs_name ? 0 : 1;
	struct request_account account = {0};
	int r = fields_decode_body(body, length, account_fields + skip, COUNT(account_fields) - skip,
				   &account, error);

	if (r < 0)
		return r;
	if (!needs_name && !account.has_mode && !account.has_on_deny && !account.has_label)
		return error_set(error, ERROR_BAD_REQUEST,
				 "there is nothing to set: give \"mode\", \"on_deny\" or \"label\"");
	*ret = account;
	return 0;
}

/* --- users and roles --- */

static int decode_user_name(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct request_user *user = ret;

	return decode_name(name, "user", value, user->name, error);
}

/* The highest number of 32 bits means "no uid" to the kernel. */
static int decode_user_uid(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct request_user *user = ret;
	json_int_t uid = json_is_null(value) ? -1 : json_integer_value(value);

	if (!json_is_null(value) && (!json_is_integer(value) || uid < 0 || uid >= UINT32_MAX))
		return error_set(error, ERROR_BAD_REQUEST, "\"%s\" must be a number from 0 to %u, or null",
				 name, UINT32_MAX - 1);
	user->uid = uid;
	return 0;
}

static int decode_user_operator(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct request_user *user = ret;

	return fields_bool(name, value, &user->operator_, error);
}

static int decode_user_delegate(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct request_user *user = ret;

	return fields_bool(name, value, &user->delegate, error);
}

int request_user_decode(const char *body, size_t length, struct request_user *ret, struct ag_error *error)
{
	static const struct field fields[] = {
		{"name", true, decode_user_name},
		{"uid", false, decode_user_uid},
		{"operator", false, decode_user_operator},
		{"delegate", false, decode_user_delegate},
	};
	struct request_user user = {.uid = -1};
	int r = fields_decode_body(body, length, fields, COUNT(fields), &user, error);

	if (r == 0)
		*ret = user;
	return r;
}

static int decode_reason(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	const char *text;
	int r = fields_string(name, value, &text, error);

	if (r == 0)
		r = note_check(name, text, error);
	if (r == 0 && !*text)
		r = error_set(error, ERROR_BAD_REQUEST,
			      "the reason is empty: say why, for those who read it");
	if (r == 0)
		(void)snprintf(ret, NOTE_SIZE, "%s", text); /* note_check() bounds it */
	return r;
}

int request_panic_decode(const char *body, size_t length, char ret[NOTE_SIZE], struct ag_error *error)
{
	static const struct field fields[] = {{"reason", true, decode_reason}};

	return fields_decode_body(body, length, fields, COUNT(fields), ret, error);
}

static int decode_role(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	const char *text;
	int r = fields_string(name, value, &text, error);

	return r < 0 ? r : role_parse(text, ret, error);
}

int request_role_decode(const char *body, size_t length, enum role *ret, struct ag_error *error)
{
	static const struct field fields[] = {{"role", true, decode_role}};
	enum role role = ROLE_NONE;
	int r = fields_decode_body(body, length, fields, COUNT(fields), &role, error);

	if (r == 0)
		*ret = role;
	return r;
}

static int decode_generation(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return error_set(error, ERROR_BAD_REQUEST, "\"%s\" is no generation: give its number, 12",
				 name);
	*(uint64_t *)ret = (uint64_t)json_integer_value(value);
	return 0;
}

int request_generation_decode(const char *body, size_t length, uint64_t *ret, struct ag_error *error)
{
	static const struct field fields[] = {{"generation", true, decode_generation}};

	return fields_decode_body(body, length, fields, COUNT(fields), ret, error);
}

/* --- tokens --- */

static int decode_token_user(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct request_token *token = ret;

	return decode_name(name, "user", value, token->user, error);
}

static int decode_token_account(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct request_token *token = ret;

	return decode_name(name, "account", value, token->account, error);
}

static int decode_token_role(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct request_token *token = ret;

	return decode_role(name, value, &token->role, error);
}

static int decode_token_expires(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct request_token *token = ret;
	const char *text;
	int r;

	token->has_expires = true;
	if (json_is_null(value))
		return 0;
	r = fields_string(name, value, &text, error);
	return r < 0 ? r : expiry_time_parse(text, &token->expires, error);
}

static int decode_token_note(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct request_token *token = ret;
	const char *text;
	int r = fields_string(name, value, &text, error);

	if (r == 0)
		r = note_check("note", text, error);
	if (r == 0)
		memcpy(token->note, text, strlen(text) + 1);
	return r;
}

int request_token_decode(const char *body, size_t length, struct request_token *ret, struct ag_error *error)
{
	static const struct field fields[] = {
		{"user", true, decode_token_user},  {"account", true, decode_token_account},
		{"role", true, decode_token_role},  {"expires", false, decode_token_expires},
		{"note", false, decode_token_note},
	};
	struct request_token token = {0};
	int r = fields_decode_body(body, length, fields, COUNT(fields), &token, error);

	if (r == 0)
		*ret = token;
	return r;
}

/* --- interfaces --- */

static int decode_interface_name(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	struct request_interface *interface = ret;
	const char *text;
	int r = fields_string(name, value, &text, error);

	if (r < 0)
		return r;
	if (!interface_name_valid(text))
		return error_set(error, ERROR_BAD_REQUEST,
				 "\"%s\": \"%.80s\" is no name of an interface: give 1 to 15 characters "
				 "without blanks, "
				 "slashes and colons",
				 name, text);
	memcpy(interface->interface, text, strlen(text) + 1);
	return 0;
}

static int decode_interface_mode(const char *name, const json_t *value, void *ret, struct ag_error *error)
{
	static const char *const modes[] = {"auto", "native", "generic"};
	struct request_interface *interface = ret;
	const char *text;
	size_t index;
	int r = fields_string(name, value, &text, error);

	if (r == 0)
		r = choice_parse("mode of an interface", modes, COUNT(modes), text, &index, error);
	if (r == 0)
		memcpy(interface->mode, text, strlen(text) + 1);
	return r;
}

int request_interface_decode(const char *body, size_t length, struct request_interface *ret,
			     struct ag_error *error)
{
	static const struct field fields[] = {
		{"interface", true, decode_interface_name},
		{"mode", false, decode_interface_mode},
	};
	struct request_interface interface = {.mode = "auto"};
	int r = fields_decode_body(body, length, fields, COUNT(fields), &interface, error);

	if (r == 0)
		*ret = interface;
	return r;
}
