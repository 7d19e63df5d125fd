// SPDX-License-Identifier: GPL-2.0-only
/*
 * api_audit.c - the audit log: a page of it, all of it as it is read, and whether it is whole
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/digest.h"
#include "userspace/daemon/audit.h"
#include "userspace/daemon/call.h"
#include "userspace/daemon/policies.h"

#define EXPORT_ROWS 64
#define EXPORT_HELD ((size_t)1024 * 1024) /* 64 rows of the longest, and more */

json_t *audit_json(const struct store_audit *row)
{
	char when[TIME_TEXT_MAX], hash[DIGEST_HEX_SIZE];

	_Static_assert(STORE_HASH_SIZE == DIGEST_SIZE, "a row's hash is a digest");
	time_format(row->time, when);
	digest_hex(row->hash, hash);
	return json_pack("{s:I, s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s}", "id",
			 (json_int_t)row->id, "time", when, "user", row->user, "uid",
			 row->uid < 0 ? json_null() : json_integer((json_int_t)row->uid), "delegate",
			 row->delegate, "origin", row->origin, "account", row->account, "action", row->action,
			 "detail", row->detail, "outcome", row->outcome, "person", (json_int_t)row->person,
			 "hash", hash);
}

static int take_time(struct call *call, const char *name, int64_t initial, int64_t *ret)
{
	const char *text = httpd_query(call->request, name);
	int err = text ? time_parse(text, ret, &call->error) : 0;

	if (!text)
		*ret = initial;
	if (err)
		error_prepend(&call->error, "%s: ", name);
	return err;
}

/* Borrows from the request. */
static int take_filter(struct call *call, struct store_audit_filter *filter)
{
	int err;

	*filter = (struct store_audit_filter){.account = httpd_query(call->request, "account"),
					      .user = httpd_query(call->request, "user")};
	err = take_time(call, "since", INT64_MIN, &filter->since);
	return err ? err : take_time(call, "until", INT64_MAX, &filter->until);
}

/* --- a page ------------------------------------------------------------------ */

static int page_audit(struct call *call, struct page *page, const struct store_audit *rows, size_t count)
{
	char cursor[24];
	int err = 0;

	for (size_t i = 0; i < count && !err && page_wants(page); i++) {
		(void)snprintf(cursor, sizeof(cursor), "%" PRId64, rows[i].id);
		err = page_add(call, page, cursor, audit_json(&rows[i]));
	}
	return err;
}

/* The whole log is for operators; the rows of one account for those who read it, which the route has seen to.
 */
int api_list_audit(struct call *call)
{
	struct store_audit_filter filter;
	struct store_audit *rows = NULL;
	struct page page = {0};
	uint64_t after = 0;
	size_t count = 0;
	int err = page_begin(call, &page);

	if (!err && page.after)
		err = number_parse("after", page.after, 0, INT64_MAX, &after, &call->error);
	if (!err)
		err = take_filter(call, &filter);
	if (!err) {
		filter.after = (int64_t)after;
		filter.limit = page.limit + 1;
		err = store_audit_read(call->gate->store, &filter, &rows, &count, &call->error);
	}
	if (!err)
		err = page_audit(call, &page, rows, count);
	if (!err)
		err = page_end(call, &page);
	page_clear(&page);
	store_audit_free(rows, count);
	return err;
}

int api_verify_audit(struct call *call)
{
	return policies_verify_audit(call);
}

/* --- all of it --------------------------------------------------------------- */

struct audit_export {
	struct gate *gate;
	struct store_audit_filter filter; /* its texts are the request's, which stays as long as the stream */
};

static void export_gone(struct httpd_stream *stream, void *arg)
{
	(void)stream; /* the export's own */
	free(arg);
}

static void append_line(struct buffer *text, const struct store_audit *row)
{
	json_t *json = audit_json(row);
	AUTO_FREE char *line = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	if (line)
		(void)buffer_print(text, "%s\n", line); /* remembered in the buffer */
	else
		text->failed = -1;
}

/* The next rows. The log grows at its end alone, so what was written stays right while others go on. */
static int next_rows(struct audit_export *export, struct buffer *text, bool *ret_more)
{
	struct store_audit *rows = NULL;
	struct ag_error ignored;
	size_t count = 0;
	int err = export->gate->store
			  ? store_audit_read(export->gate->store, &export->filter, &rows, &count, &ignored)
			  : -1;

	for (size_t i = 0; i < count && !err; i++)
		append_line(text, &rows[i]);
	if (count)
		export->filter.after = rows[count - 1].id;
	*ret_more = count == export->filter.limit;
	store_audit_free(rows, count);
	return err ? err : text->failed;
}

static void export_more(struct httpd_stream *stream, void *arg)
{
	CLEANUP(buffer_clear) struct buffer text = {0};
	struct audit_export *export = arg;
	bool more = false;
	int err = next_rows(export, &text, &more);

	if (!err && text.length)
		err = httpd_stream_write(stream, text.data, text.length);
	if (!err && more)
		return;
	if (err)
		httpd_stream_fail(stream);
	else
		httpd_stream_end(stream);
	free(export);
}

int api_export_audit(struct call *call)
{
	struct store_audit_filter filter;
	struct audit_export *export = NULL;
	int err = take_filter(call, &filter);

	if (err)
		return err;
	export = calloc(1, sizeof(*export));
	if (!export)
		return call_answer(call, NULL);
	export->gate = call->gate;
	export->filter = filter;
	export->filter.limit = EXPORT_ROWS;
	if (!httpd_stream(call->request, &(struct httpd_stream_options){.limit = EXPORT_HELD,
									.gone = export_gone,
									.more = export_more,
									.arg = export})) {
		free(export);
		return call_answer(call, NULL);
	}
	call->streams = "application/x-ndjson";
	return 0;
}
