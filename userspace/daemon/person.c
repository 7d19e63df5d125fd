// SPDX-License-Identifier: GPL-2.0-only
/* person.c - the parts of what is held on one person, each read from the store as far as a piece goes */
#include "userspace/daemon/person.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/request.h"
#include "userspace/daemon/api_people.h"
#include "userspace/daemon/audit.h"
#include "userspace/daemon/edits.h"

#define EXPORT_ROWS    64
#define EXPORT_ENTRIES 1000
/* Rows of the audit log that are looked at for whom they name. */
#define EXPORT_SPAN 5000

/* Writes the next piece of a part; *more: it is not the last one. */
typedef int (*export_part)(struct person_export *export, struct buffer *text, bool *more,
			   struct ag_error *error);

/* Takes the item over. */
static int add_item(struct person_export *export, struct buffer *text, json_t *item)
{
	AUTO_FREE char *line = item ? json_dumps(item, JSON_COMPACT) : NULL;

	json_decref(item);
	if (!line)
		return -1;
	(void)buffer_print(text, "%s\n%s", export->begun ? "," : "", line); /* remembered in the buffer */
	export->begun = true;
	return 0;
}

/* --- the parts ----------------------------------------------------------------- */

static int write_user(struct person_export *export, struct buffer *text, bool *more, struct ag_error *error)
{
	struct store_user user;
	char when[TIME_TEXT_MAX];
	int err = store_user_find(export->gate->store, export->who, &user, error);
	AUTO_FREE char *line = NULL;
	json_t *json = err ? json_null() : user_json(&user);

	*more = false;
	if (err && error->code != ERROR_NOT_FOUND)
		return err;
	line = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	json_decref(json);
	time_format(time(NULL), when);
	return line ? buffer_print(text, "{\"exported_at\":\"%s\",\"who\":\"%s\",\"user\":%s", when,
				   export->who, line)
		    : -1;
}

static int write_roles(struct person_export *export, struct buffer *text, bool *more, struct ag_error *error)
{
	AUTO_FREE struct store_role *roles = NULL;
	size_t count = 0;
	int err = store_roles(export->gate->store, NULL, export->who, &roles, &count, error);

	*more = false;
	for (size_t i = 0; i < count && !err; i++)
		err = add_item(export, text, json_role(roles[i].account, roles[i].user, roles[i].role));
	return err;
}

/* Those that act for them, and those that they made for others. */
static int write_tokens(struct person_export *export, struct buffer *text, bool *more, struct ag_error *error)
{
	AUTO_FREE struct store_token *tokens = NULL;
	size_t count = 0;
	int err = store_tokens(export->gate->store, export->row, EXPORT_ENTRIES, &tokens, &count, error);

	for (size_t i = 0; i < count && !err; i++)
		if (!strcmp(tokens[i].user, export->who) || !strcmp(tokens[i].created_by, export->who))
			err = add_item(export, text, token_json(&tokens[i]));
	if (count)
		export->row = tokens[count - 1].id;
	*more = count == EXPORT_ENTRIES;
	return err;
}

/* At most STORE_PENDINGS_MAX. */
static int write_pending(struct person_export *export, struct buffer *text, bool *more,
			 struct ag_error *error)
{
	struct store_pending *rows = NULL;
	size_t count = 0;
	int err = store_pendings(export->gate->store, &rows, &count, error);

	*more = false;
	for (size_t i = 0; i < count && !err; i++)
		if (!strcmp(rows[i].user, export->who) || pending_names(&rows[i], export->who))
			err = add_item(export, text, pending_json(&rows[i]));
	store_pendings_free(rows, count);
	return err;
}

/* Who has no name is in it as "uid 1000". */
static int write_panic(struct person_export *export, struct buffer *text, bool *more, struct ag_error *error)
{
	struct store_panic panic = {0};
	char since[TIME_TEXT_MAX];
	bool on = false;
	int err = store_panic_get(export->gate->store, &panic, &on, error);

	*more = false;
	if (!strncmp(panic.by, "uid ", 4))
		panic.by[3] = ':';
	if (err || !on || strcmp(panic.by, export->who) != 0)
		return err;
	time_format(panic.since, since);
	return add_item(export, text, json_pack("{s:s, s:s}", "since", since, "reason", panic.reason));
}

static json_t *made_json(const struct store_made *made)
{
	char prefix[PREFIX_TEXT_MAX + NAME_SIZE], when[TIME_TEXT_MAX];

	if (made->list[0])
		(void)snprintf(prefix, sizeof(prefix), "@%s", made->list);
	else
		prefix_format(&made->prefix, prefix);
	time_format(made->created_at, when);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "account", made->account, "prefix", prefix,
			 "verdict", made->verdict == AG_ENTRY_DENY ? "deny" : "allow", "note", made->note,
			 "created_at", when, "current", made->current);
}

static int write_entries(struct person_export *export, struct buffer *text, bool *more,
			 struct ag_error *error)
{
	AUTO_FREE struct store_made *made = NULL;
	size_t count = 0;
	int err = store_made(export->gate->store, export->who, export->cursor ? &export->made : NULL,
			     EXPORT_ENTRIES, &made, &count, error);

	for (size_t i = 0; i < count && !err; i++)
		if (made[i].theirs)
			err = add_item(export, text, made_json(&made[i]));
	if (!err && count) {
		export->made = made[count - 1];
		export->cursor = true;
	}
	*more = count == EXPORT_ENTRIES;
	return err;
}

static json_t *listed_json(const struct store_made *made)
{
	char prefix[PREFIX_TEXT_MAX], when[TIME_TEXT_MAX];

	prefix_format(&made->prefix, prefix);
	time_format(made->created_at, when);
	return json_pack("{s:s, s:s, s:s, s:s}", "list", made->list, "prefix", prefix, "note", made->note,
			 "created_at", when);
}

static int write_listed(struct person_export *export, struct buffer *text, bool *more, struct ag_error *error)
{
	AUTO_FREE struct store_made *made = NULL;
	size_t count = 0;
	int err = store_made_listed(export->gate->store, export->who, export->cursor ? &export->made : NULL,
				    EXPORT_ENTRIES, &made, &count, error);

	for (size_t i = 0; i < count && !err; i++)
		if (made[i].theirs)
			err = add_item(export, text, listed_json(&made[i]));
	if (!err && count) {
		export->made = made[count - 1];
		export->cursor = true;
	}
	*more = count == EXPORT_ENTRIES;
	return err;
}

static json_t *history_json(const struct store_made_history *made)
{
	char when[TIME_TEXT_MAX];

	time_format(made->time, when);
	return json_pack("{s:s, s:I, s:s, s:s, s:I, s:I}", "account", made->account, "generation",
			 (json_int_t)made->generation, "time", when, "action", made->action, "added",
			 (json_int_t)made->added, "removed", (json_int_t)made->removed);
}

static int write_history(struct person_export *export, struct buffer *text, bool *more,
			 struct ag_error *error)
{
	AUTO_FREE struct store_made_history *made = NULL;
	size_t count = 0;
	int err = store_made_history(export->gate->store, export->who, &export->history, EXPORT_ENTRIES,
				     &made, &count, error);

	for (size_t i = 0; i < count && !err; i++)
		if (made[i].theirs)
			err = add_item(export, text, history_json(&made[i]));
	if (!err && count)
		export->history = made[count - 1];
	*more = count == EXPORT_ENTRIES;
	return err;
}

static int write_audit(struct person_export *export, struct buffer *text, bool *more, struct ag_error *error)
{
	const struct store_audit_filter filter = {.user = export->who,
						  .after = export->row,
						  .since = INT64_MIN,
						  .until = INT64_MAX,
						  .limit = EXPORT_ROWS};
	struct store_audit *rows = NULL;
	size_t count = 0;
	int err = store_audit_read(export->gate->store, &filter, &rows, &count, error);

	for (size_t i = 0; i < count && !err; i++)
		err = add_item(export, text, audit_json(&rows[i]));
	if (count)
		export->row = rows[count - 1].id;
	*more = count == EXPORT_ROWS;
	store_audit_free(rows, count);
	return err;
}

/* Rows of others that name them. */
static int write_naming(struct person_export *export, struct buffer *text, bool *more, struct ag_error *error)
{
	struct store_audit *rows = NULL;
	size_t count = 0;
	int64_t newest = 0;
	int err = store_audit_newest(export->gate->store, &newest, error);

	if (!err)
		err = store_audit_naming(export->gate->store, export->who, export->row, EXPORT_SPAN, &rows,
					 &count, error);
	for (size_t i = 0; i < count && !err; i++)
		err = add_item(export, text, audit_json(&rows[i]));
	export->row += EXPORT_SPAN;
	*more = export->row < newest;
	store_audit_free(rows, count);
	return err;
}

static const struct {
	const char *name; /* of a list; NULL: the beginning */
	export_part write;
} parts[] = {
	{NULL, write_user},	     {"roles", write_roles},  {"tokens", write_tokens},
	{"entries", write_entries},  {"lists", write_listed}, {"history", write_history},
	{"pending", write_pending},  {"panic", write_panic},  {"audit", write_audit},
	{"mentioned", write_naming},
};
#define PARTS (sizeof(parts) / sizeof(*parts))

/* --- the document ---------------------------------------------------------------- */

static void next_part(struct person_export *export)
{
	export->part++;
	export->opened = export->begun = export->cursor = false;
	export->row = 0;
	export->whole = export->part == PARTS;
}

int person_write(struct person_export *export, struct buffer *text)
{
	const char *name = parts[export->part].name;
	struct ag_error ignored = {0};
	bool more = false;
	int err;

	if (!export->gate->store)
		return -1;
	if (name && !export->opened)
		(void)buffer_print(text, ",\"%s\":[", name); /* remembered in the buffer, as below */
	export->opened = true;
	err = parts[export->part].write(export, text, &more, &ignored);
	if (!err && !more) {
		(void)buffer_print(text, "%s", name ? "]" : "");
		next_part(export);
	}
	(void)buffer_print(text, export->whole ? "}\n" : "\n"); /* a piece is never empty */
	return err ? err : text->failed;
}
