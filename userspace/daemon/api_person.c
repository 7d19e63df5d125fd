// SPDX-License-Identifier: GPL-2.0-only
/*
 * api_person.c - everything that is held on one person, and its end
 *
 * What is held may be as much as the audit log and all lists have, so it is one document that is written a
 * piece at a time, as its reader takes it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/request.h"
#include "userspace/daemon/api_people.h"
#include "userspace/daemon/audit.h"
#include "userspace/daemon/call.h"
#include "userspace/daemon/imports.h"

#define EXPORT_ROWS    64
#define EXPORT_ENTRIES 1000
/* 1,000 entries with the longest notes, or a role in each of as many accounts as there may be. */
#define EXPORT_HELD ((size_t)256 * 1024 * 1024)

struct person_export;
/* Writes the next piece of a part; *more: it is not the last one. */
typedef int (*export_part)(struct person_export *export, struct buffer *text, bool *more,
			   struct ag_error *error);

struct person_export {
	struct gate *gate;
	char who[NAME_SIZE];
	size_t part;
	bool opened; /* this part was begun ... */
	bool begun;  /* ... and has an item */
	struct store_made entry;
	bool entry_begun;
	struct store_made_history history;
	int64_t row;
};

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
	int err = store_made(export->gate->store, export->who, export->entry_begun ? &export->entry : NULL,
			     EXPORT_ENTRIES, &made, &count, error);

	for (size_t i = 0; i < count && !err; i++)
		if (made[i].theirs)
			err = add_item(export, text, made_json(&made[i]));
	if (!err && count) {
		export->entry = made[count - 1];
		export->entry_begun = true;
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

static const struct {
	const char *name; /* of a list; NULL: the beginning */
	export_part write;
} parts[] = {
	{NULL, write_user},	    {"roles", write_roles}, {"entries", write_entries},
	{"history", write_history}, {"audit", write_audit},
};
#define PARTS (sizeof(parts) / sizeof(*parts))

/* --- the document ---------------------------------------------------------------- */

static int write_piece(struct person_export *export, struct buffer *text)
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
		export->part++;
		export->opened = export->begun = false;
	}
	(void)buffer_print(text, export->part == PARTS ? "}\n" : "\n"); /* a piece is never empty */
	return err ? err : text->failed;
}

static void export_more(struct httpd_stream *stream, void *arg)
{
	CLEANUP(buffer_clear) struct buffer text = {0};
	struct person_export *export = arg;
	int err = write_piece(export, &text);

	if (!err)
		err = httpd_stream_write(stream, text.data, text.length);
	if (!err && export->part < PARTS)
		return;
	if (err)
		httpd_stream_fail(stream);
	else
		httpd_stream_end(stream);
	free(export);
}

static void export_gone(struct httpd_stream *stream, void *arg)
{
	(void)stream; /* the export's own */
	free(arg);
}

/* Of oneself, or as an operator; whoever is not here looks like any other to the rest. */
static int check_reader(struct call *call, const char *who)
{
	const struct actor *actor = &call->actor;
	char uid[24];
	int err = 0;

	(void)snprintf(uid, sizeof(uid), "uid:%u", (unsigned int)actor->uid);
	if (!actor->operator_ && strcmp(who, actor->name) != 0)
		return error_set(&call->error, ERROR_FORBIDDEN,
				 "what is held on somebody is for themselves and for operators");
	if (strncmp(who, "uid:", 4) != 0)
		err = name_check("user", who, &call->error);
	else if (strlen(who) >= NAME_SIZE || strspn(who + 4, "0123456789") != strlen(who + 4))
		err = error_set(&call->error, ERROR_BAD_REQUEST, "write a uid as uid:1000");
	return err;
}

int api_export_user(struct call *call)
{
	const char *who = call->arguments[0];
	struct person_export *export;
	int err = check_reader(call, who);

	if (err)
		return err;
	export = calloc(1, sizeof(*export));
	if (!export)
		return call_answer(call, NULL);
	export->gate = call->gate;
	(void)snprintf(export->who, sizeof(export->who), "%s", who);
	if (!httpd_stream(call->request, &(struct httpd_stream_options){.limit = EXPORT_HELD,
									.gone = export_gone,
									.more = export_more,
									.arg = export})) {
		free(export);
		return call_answer(call, NULL);
	}
	call->streams = "application/json";
	return 0;
}

/* --- the end of it ---------------------------------------------------------------- */

/* What was deleted is out of the file before this is answered; where it cannot be, that is said and tried
 * again. */
static int scrubbed(struct call *call)
{
	struct ag_error why = {0};
	json_t *warnings = json_object_get(call->answer, "warnings");
	char text[sizeof(why.message) + 128];

	if (call->dry_run || !store_scrub(call->gate->store, &why))
		return 0;
	call->gate->scrub_wanted = true;
	(void)snprintf(text, sizeof(text),
		       "the file of the store may still hold what was erased until it is written anew, which "
		       "is tried again every minute: %s",
		       why.message);
	return json_array_append_new(warnings, json_string(text)) ? call_answer(call, NULL) : 0;
}

int api_erase_user(struct call *call)
{
	struct change change = call_change(call, CHANGE_USER_ERASE);

	if (api_busy(call->api)) {
		call->busy = true;
		return error_set(&call->error, ERROR_CONFLICT,
				 "an import is under way, which may be theirs: try again when it is done");
	}
	change.erase = call->arguments[0];
	call->conclude = scrubbed;
	return call_apply(call, &change);
}
