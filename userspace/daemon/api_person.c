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

#include "userspace/core/cleanup.h"
#include "userspace/daemon/call.h"
#include "userspace/daemon/imports.h"
#include "userspace/daemon/person.h"

/* 1,000 entries with the longest notes, or a role in each of as many accounts as there may be. */
#define EXPORT_HELD ((size_t)256 * 1024 * 1024)

/* --- the document ---------------------------------------------------------------- */

static void export_more(struct httpd_stream *stream, void *arg)
{
	CLEANUP(buffer_clear) struct buffer text = {0};
	struct person_export *export = arg;
	int err = person_write(export, &text);

	if (!err)
		err = httpd_stream_write(stream, text.data, text.length);
	if (!err && !export->whole)
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
