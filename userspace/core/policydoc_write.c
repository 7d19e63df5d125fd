// SPDX-License-Identifier: GPL-2.0-only
/*
 * policydoc_write.c - a document as text that people read and compare: an entry, a role, a service a line
 */
#include <errno.h>
#include <jansson.h>

#include "userspace/core/buffer.h"
#include "userspace/core/policydoc.h"
#include "userspace/core/request_fields.h"

/* Appends without looking: the buffer remembers what failed, and is asked at the end. */
static void put(struct policydoc_writer *writer, const char *text)
{
	(void)buffer_print(writer->out, "%s", text);
}

static int append_json(const char *text, size_t length, void *out)
{
	return buffer_append(out, text, length);
}

/* The value on one line; NULL is what there was no memory for. */
static void put_json(struct policydoc_writer *writer, json_t *json)
{
	if (!json || json_dump_callback(json, append_json, writer->out, JSON_ENCODE_ANY))
		writer->out->failed = writer->out->failed ? writer->out->failed : -ENOMEM;
	json_decref(json);
}

void policydoc_write_begin(struct policydoc_writer *writer, enum policydoc_scope scope)
{
	put(writer,
	    scope == POLICYDOC_HOST ? "{\n  \"scope\": \"host\",\n" : "{\n  \"scope\": \"accounts\",\n");
}

void policydoc_write_lists(struct policydoc_writer *writer)
{
	writer->has_lists = true;
	writer->items = 0;
	put(writer, "  \"lists\": [");
}

void policydoc_write_list(struct policydoc_writer *writer, const char *name)
{
	writer->entries = 0;
	(void)buffer_print(writer->out, "%s\n    {\n      \"name\": \"%s\",\n      \"entries\": [",
			   writer->items++ ? "," : "", name);
}

void policydoc_write_listed(struct policydoc_writer *writer, const struct entry *entry)
{
	char prefix[PREFIX_TEXT_MAX];

	prefix_format(&entry->prefix, prefix);
	put(writer, writer->entries++ ? ",\n        " : "\n        ");
	put_json(writer, json_pack("{s:s, s:s}", "prefix", prefix, "note", entry->note ? entry->note : ""));
}

void policydoc_write_list_end(struct policydoc_writer *writer)
{
	policydoc_write_account_end(writer); /* there ends the array of entries too */
}

void policydoc_write_accounts(struct policydoc_writer *writer)
{
	if (writer->has_lists)
		put(writer, writer->items ? "\n  ],\n" : "],\n");
	writer->items = 0;
	put(writer, "  \"accounts\": [");
}

static void put_services(struct policydoc_writer *writer, const struct claim *services, size_t count)
{
	char text[SERVICE_TEXT_MAX];

	put(writer, "      \"services\": [");
	for (size_t i = 0; i < count; i++) {
		service_format(&services[i].service, text); /* digits and marks that JSON takes as they are */
		(void)buffer_print(writer->out, "%s\n        \"%s\"", i ? "," : "", text);
	}
	put(writer, count ? "\n      ],\n" : "],\n");
}

static void put_roles(struct policydoc_writer *writer, const struct policydoc_role *roles, size_t count)
{
	put(writer, "      \"roles\": [");
	for (size_t i = 0; i < count; i++) /* names likewise */
		(void)buffer_print(writer->out, "%s\n        {\"user\": \"%s\", \"role\": \"%s\"}",
				   i ? "," : "", roles[i].user, role_name(roles[i].role));
	put(writer, count ? "\n      ],\n" : "],\n");
}

void policydoc_write_account(struct policydoc_writer *writer, const struct account *account,
			     const struct claim *services, size_t service_count,
			     const struct policydoc_role *roles, size_t role_count)
{
	char on_deny[ON_DENY_TEXT_MAX];

	on_deny_format(&account->on_deny, on_deny);
	writer->entries = 0;
	(void)buffer_print(writer->out, "%s\n    {\n      \"name\": \"%s\",\n      \"label\": ",
			   writer->items++ ? "," : "", account->name);
	put_json(writer, json_string(account->label ? account->label : ""));
	(void)buffer_print(writer->out,
			   ",\n      \"mode\": \"%s\",\n      \"on_deny\": ", mode_name(account->mode));
	put_json(writer, json_string(on_deny)); /* an interface's name may be anything */
	put(writer, ",\n");
	put_services(writer, services, service_count);
	put_roles(writer, roles, role_count);
	put(writer, "      \"entries\": [");
}

void policydoc_write_entry(struct policydoc_writer *writer, const struct entry *entry)
{
	put(writer, writer->entries++ ? ",\n        " : "\n        ");
	put_json(writer, json_entry_sent(entry));
}

void policydoc_write_account_end(struct policydoc_writer *writer)
{
	put(writer, writer->entries ? "\n      ]\n    }" : "]\n    }");
}

void policydoc_write_end(struct policydoc_writer *writer)
{
	put(writer, writer->items ? "\n  ]\n}\n" : "]\n}\n");
}
