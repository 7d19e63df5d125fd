// SPDX-License-Identifier: GPL-2.0-only
/*
 * api_watch.c - who was stopped, and what happens
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "userspace/daemon/call.h"
#include "userspace/daemon/watch.h"

struct listing {
	struct call *call;
	struct page *page;
	int err;
};

static json_t *row_json(const struct account *account, const struct denied_row *row)
{
	char source[PREFIX_TEXT_MAX], first[TIME_TEXT_MAX], last[TIME_TEXT_MAX], service[SERVICE_TEXT_MAX];

	prefix_format(&row->source, source);
	time_format(row->first_seen, first);
	time_format(row->last_seen, last);
	service_format(&row->service, service);
	return json_pack("{s:s, s:s, s:I, s:s, s:s, s:s, s:s}", "account", account->name, "source", source,
			 "packets", (json_int_t)row->packets, "first_seen", first, "last_seen", last,
			 "service", service, "verdict", verdict_name(row->verdict));
}

/* Rows of an account that is not the one any more are nobody's. */
static int add_row(uint32_t slot, const struct denied_row *row, void *arg)
{
	struct listing *listing = arg;
	const struct gate *gate = listing->call->gate;
	const struct account *account = summary_slot(&gate->summary, slot);
	char cursor[24];

	if (!account || !denied_knows(watch_denied(gate->watch), account))
		return 0;
	if (!page_wants(listing->page))
		return 1;
	(void)snprintf(cursor, sizeof(cursor), "%" PRIu64, row->sequence);
	listing->err = page_add(listing->call, listing->page, cursor, row_json(account, row));
	return listing->err;
}

static int fill_page(struct call *call, const struct denied *denied, struct page *page)
{
	struct listing listing = {.call = call, .page = page};
	uint64_t before = 0;

	if (page->after && number_parse("after", page->after, 1, UINT64_MAX, &before, &call->error))
		return -EINVAL;
	(void)denied_each(denied, call->account, before, add_row, &listing);
	return listing.err;
}

static int add_missed(struct call *call, const struct denied *denied)
{
	uint64_t missed = denied_missed(denied, call->account);

	if (json_object_set_new(call->answer, "missed", json_integer((json_int_t)missed)) ||
	    json_object_set_new(call->answer, "sampled", json_boolean(missed > 0)))
		return error_set(&call->error, ERROR_STORE, "no memory for the answer");
	return 0;
}

/* Of one account, where the path names one, or of all. */
int api_list_denied(struct call *call)
{
	const struct denied *denied = watch_denied(call->gate->watch);
	struct page page = {0};
	int err = page_begin(call, &page);

	if (!err && !denied)
		err = error_set(&call->error, ERROR_NOT_FOUND,
				"stopped sources are not kept: the setting is \"denied = off\"; set it to "
				"full or truncated, or follow \"allowgate events\"");
	if (!err) {
		watch_drain(call->gate->watch); /* up to now */
		err = fill_page(call, denied, &page);
	}
	if (!err)
		err = page_end(call, &page);
	if (!err)
		err = add_missed(call, denied);
	page_clear(&page);
	return err;
}

int api_follow_events(struct call *call)
{
	int err = watch_follow(call->gate->watch, call->request, &call->actor, call->account, &call->error);

	call->streams = err ? NULL : "text/event-stream";
	call->busy = err && call->error.code == ERROR_LIMIT;
	return err;
}
