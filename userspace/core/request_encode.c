// SPDX-License-Identifier: GPL-2.0-only
/*
 * From structs to JSON. All text comes from parsers and checks that let only UTF-8 through, so that what can
 * fail is memory.
 */
#include "userspace/core/error.h"
#include "userspace/core/reference.h"
#include "userspace/core/request.h"
#include "userspace/core/request_fields.h"

static const char *text_or_empty(const char *text)
{
	return text ? text : "";
}

/* A new reference; 0 is none. */
static json_t *json_time(int64_t seconds)
{
	char text[TIME_TEXT_MAX];

	time_format(seconds, text);
	return seconds ? json_string(text) : json_null();
}

json_t *json_entry_sent(const struct entry *entry)
{
	char source[ENTRY_TEXT_MAX];

	entry_format(entry, source);
	return json_pack("{s:s, s:s, s:s, s:o, s:b}", "prefix", source, "verdict",
			 entry_verdict_name(entry->verdict), "note", text_or_empty(entry->note), "expires",
			 json_time(entry->expires), "enabled", !entry->disabled);
}

json_t *json_entry(const struct entry *entry)
{
	AUTO_JSON json_t *json = json_entry_sent(entry);
	char created_at[TIME_TEXT_MAX];

	time_format(entry->created_at, created_at);
	if (json_object_set_new(json, "created_by", json_string(text_or_empty(entry->created_by))) < 0 ||
	    json_object_set_new(json, "created_at", json_string(created_at)) < 0 ||
	    json_object_set_new(json, "last_seen", json_time(entry->last_seen)) < 0)
		return NULL;
	return TAKE_PTR(json);
}

json_t *json_entries_sent(const struct list *list)
{
	AUTO_JSON json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++) {
		if (json_array_append_new(array, json_entry_sent(&list->entries[i])) < 0)
			return NULL;
	}
	return json_pack("{s:O}", "entries", array);
}

json_t *json_prefixes(const struct list *list, size_t max)
{
	AUTO_JSON json_t *array = json_array();

	for (size_t i = 0; i < list->count && i < max; i++) {
		char text[ENTRY_TEXT_MAX];

		entry_format(&list->entries[i], text);
		if (json_array_append_new(array, json_string(text)) < 0)
			return NULL;
	}
	return TAKE_PTR(array);
}

json_t *json_account(const struct account *account, size_t services)
{
	size_t entries = account->entries4 + account->entries6 + account->references;
	size_t enabled = account_enabled(account);
	char on_deny[ON_DENY_TEXT_MAX];

	on_deny_format(&account->on_deny, on_deny);
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "name", account->name,
			 "label", text_or_empty(account->label), "mode", mode_name(account->mode), "on_deny",
			 on_deny, "active", policy_active(account->mode, enabled), "entries",
			 (json_int_t)entries, "enabled", (json_int_t)enabled, "entries4",
			 (json_int_t)account->entries4, "entries6", (json_int_t)account->entries6, "services",
			 (json_int_t)services, "generation", (json_int_t)account->generation);
}

json_t *json_service(const char *account, const struct service *service)
{
	char text[SERVICE_TEXT_MAX];

	service_format(service, text);
	return json_pack("{s:s, s:s}", "account", account, "service", text);
}

json_t *json_role(const char *account, const char *user, enum role role)
{
	return json_pack("{s:s, s:s, s:s}", "account", account, "user", user, "role", role_name(role));
}

/* A message is printable UTF-8: error.c sees to it. */
json_t *json_problem(const struct ag_error *error)
{
	return json_pack("{s:s, s:s, s:I, s:s, s:s}", "type", "about:blank", "title",
			 error_code_title(error->code), "status",
			 (json_int_t)error_code_http_status(error->code), "detail", error->message, "code",
			 error_code_name(error->code));
}
