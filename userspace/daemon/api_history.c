// SPDX-License-Identifier: GPL-2.0-only
/*
 * api_history.c - what accounts were: generations, what differs between them, and the way back
 */
#include <inttypes.h>
#include <stdio.h>

#include "userspace/core/etag.h"
#include "userspace/core/request.h"
#include "userspace/core/text.h"
#include "userspace/daemon/call.h"
#include "userspace/daemon/differences.h"
#include "userspace/daemon/imports.h"

static json_t *json_generation(const struct store_history *row, uint64_t current)
{
	const struct account *account = &row->account;
	char time_text[TIME_TEXT_MAX], on_deny[ON_DENY_TEXT_MAX];

	time_format(row->time, time_text);
	on_deny_format(&account->on_deny, on_deny);
	return json_pack("{s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:b, s:s, s:s, s:b}", "generation",
			 (json_int_t)account->generation, "time", time_text, "user", row->user, "action",
			 row->action, "added", (json_int_t)row->added, "removed", (json_int_t)row->removed,
			 "entries", (json_int_t)account_entries(account), "active",
			 policy_active(account->mode, account_enabled(account)), "mode",
			 mode_name(account->mode), "on_deny", on_deny, "current",
			 account->generation == current);
}

static int page_generations(struct call *call, struct page *page, const struct store_history *rows,
			    size_t count)
{
	char cursor[24];
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		if (!page_wants(page))
			break;
		(void)snprintf(cursor, sizeof(cursor), "%" PRIu64, rows[i].account.generation); /* fits */
		err = page_add(call, page, cursor, json_generation(&rows[i], call->account->generation));
	}
	return err;
}

static int ask_number(struct call *call, const char *what, const char *text, uint64_t *ret)
{
	return number_parse(what, text, 1, INT64_MAX, ret, &call->error);
}

/* Newest first; the cursor is the generation behind which it goes on. */
int api_list_generations(struct call *call)
{
	struct store_history *rows = NULL;
	struct page page = {0};
	uint64_t before = 0;
	size_t count = 0;
	int err = page_begin(call, &page);

	call_tag(call, call->account);
	if (!err && page.after)
		err = ask_number(call, "after", page.after, &before);
	if (!err)
		err = store_history(call->gate->store, call->account->id, before, page.limit + 1, &rows,
				    &count, &call->error);
	if (!err)
		err = page_generations(call, &page, rows, count);
	if (!err)
		err = page_end(call, &page);
	store_history_free(rows, count);
	page_clear(&page);
	return err;
}

int api_show_difference(struct call *call)
{
	const char *asked = httpd_query(call->request, "to");
	uint64_t from = 0, to = 0;
	int err = ask_number(call, "the generation", call->arguments[1], &from);

	if (!err && asked)
		err = ask_number(call, "to", asked, &to);
	return err ? err : differences_start(call, from, to);
}

/* The worker reads the list that is to be again, and goes the way of one that is replaced. */
int api_roll_back(struct call *call)
{
	struct change change = call_change(call, CHANGE_ALLOW_ROLLBACK);
	int err = request_generation_decode(call->request->body, call->request->body_length, &change.restores,
					    &call->error);

	if (!err) /* before it is said which generations there are */
		err = etag_check(call->account, change.if_match, &call->error);
	return err ? err : imports_start(call, &change, IMPORT_BACK, false);
}
