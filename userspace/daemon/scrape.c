// SPDX-License-Identifier: GPL-2.0-only
/*
 * scrape.c - from the kernel's counters and the gate's summary to the text of a scrape
 *
 * The families are in scrape_rows.c. What takes longer than a moment is written in slices and answered later;
 * an account that comes or goes meanwhile may be in some of the families alone.
 */
#include "userspace/daemon/scrape.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "userspace/core/cleanup.h"
#include "userspace/daemon/scrape_rows.h"
#include "userspace/daemon/slice.h"
#include "userspace/io/loop.h"

#define STEP_ACCOUNTS 256

STAILQ_HEAD(collections, collection);

struct scrape {
	struct gate *gate;
	const struct api *api;
	struct loop_idle *idle;
	struct collections waiting;
};

static int note_counters(uint32_t slot, const struct account_counters *counters, void *arg)
{
	struct collection *collection = arg;

	collection->accounts[slot] = *counters;
	return 0;
}

static int read_accounts(struct collection *collection, struct ag_error *error)
{
	struct gate *gate = collection->gate;
	size_t end = gate->summary.slot_room;

	if (end > gate->options->max_accounts)
		end = gate->options->max_accounts;
	collection->accounts = calloc(end + 1, sizeof(*collection->accounts));
	if (!collection->accounts)
		return error_set(error, ERROR_KERNEL, "no memory for the counters of %zu accounts", end);
	collection->account_end = (uint32_t)end;
	return dataplane_counters_each(gate->dataplane, collection->account_end, note_counters, collection,
				       error);
}

static int read_interfaces(struct collection *collection, struct ag_error *error)
{
	struct dataplane *dataplane = collection->gate->dataplane;
	int err = dataplane_attachments(dataplane, &collection->attachments, &collection->attachment_count,
					error);

	if (err)
		return err;
	collection->interfaces = calloc(collection->attachment_count + 1, sizeof(*collection->interfaces));
	if (!collection->interfaces)
		return error_set(error, ERROR_KERNEL, "no memory for the counters of the interfaces");
	for (size_t i = 0; i < collection->attachment_count && !err; i++)
		err = dataplane_interface_counters(dataplane, collection->attachments[i].ifindex,
						   &collection->interfaces[i], error);
	return err;
}

static int collect(struct collection *collection, struct ag_error *error)
{
	int err = read_accounts(collection, error);

	if (!err)
		err = read_interfaces(collection, error);
	return err ? err
		   : dataplane_map_usage(collection->gate->dataplane, &collection->maps,
					 &collection->map_count, error);
}

static void end_row(struct collection *collection)
{
	collection->row++;
	collection->begun = false;
	collection->behind[0] = '\0';
}

static void write_accounts(struct collection *collection, const struct row *row)
{
	const struct summary *summary = &collection->gate->summary;
	size_t next = summary_behind(summary, collection->behind); /* "" stands before every name */

	for (size_t i = 0; i < STEP_ACCOUNTS && next < summary->account_count; i++, next++)
		row->sample_account(collection, &row->family, summary->accounts[next]);
	if (next == summary->account_count)
		end_row(collection);
	else
		(void)snprintf(collection->behind, sizeof(collection->behind), "%s",
			       summary->accounts[next - 1]->name);
}

/* Some 10 ms of the text; true when it is whole. */
static bool write_some(struct collection *collection)
{
	int64_t end = slice_begin();

	while (collection->row < scrape_row_count) {
		const struct row *row = &scrape_rows[collection->row];

		if (slice_over(end))
			return false;
		if (!collection->begun)
			metric_begin(&collection->out, &row->family);
		collection->begun = true;
		if (row->sample_account) {
			write_accounts(collection, row);
			continue;
		}
		if (row->sample)
			row->sample(collection, &row->family);
		else
			metric_integer(&collection->out, &row->family, NULL, 0,
				       *(const uint64_t *)((const char *)collection->gate + row->counter));
		end_row(collection);
	}
	return true;
}

static void answer_text(struct httpd_response *response, unsigned int status, const char *text)
{
	response->status = status;
	response->content_type = "text/plain; charset=utf-8";
	response->body = NULL;
	response->body_length = 0;
	if (asprintf(&response->body, "%s\n", text) < 0)
		response->body = NULL;
	else
		response->body_length = strlen(response->body);
}

static void answer_failure(struct httpd_response *response, const char *why)
{
	log_error("a scrape failed: %s", why);
	answer_text(response, 503, why);
}

static void collection_free(struct collection *collection)
{
	if (!collection)
		return;
	free(collection->accounts);
	free(collection->attachments);
	free(collection->interfaces);
	free(collection->maps);
	free(collection->out.data);
	free(collection);
}

/* It is whole, or there was no memory for that. */
static void answer_collection(struct collection *collection, struct httpd_response *response)
{
	if (collection->out.failed) {
		answer_failure(response, "no memory for the text of the scrape");
		return;
	}
	response->status = 200;
	response->content_type = "text/plain; version=0.0.4; charset=utf-8";
	response->body_length = collection->out.length;
	response->body = TAKE_PTR(collection->out.data);
}

static void finish(struct collection *collection)
{
	struct httpd_response response = {0};

	answer_collection(collection, &response);
	httpd_answer(collection->ticket, &response);
	collection_free(collection);
}

static bool work(void *arg)
{
	struct scrape *scrape = arg;
	struct collection *collection = STAILQ_FIRST(&scrape->waiting);

	if (collection && write_some(collection)) {
		STAILQ_REMOVE_HEAD(&scrape->waiting, link);
		finish(collection);
	}
	return !STAILQ_EMPTY(&scrape->waiting);
}

static void answer_scrape(struct scrape *scrape, const struct httpd_request *request,
			  struct httpd_response *response)
{
	struct collection *collection = calloc(1, sizeof(*collection));
	struct ag_error why = {0};

	if (!collection) {
		answer_failure(response, "no memory");
		return;
	}
	collection->api = scrape->api;
	collection->gate = scrape->gate;
	if (collect(collection, &why)) {
		answer_failure(response, why.message);
	} else if (write_some(collection)) {
		answer_collection(collection, response);
	} else {
		collection->ticket = httpd_defer(request);
		if (collection->ticket) {
			STAILQ_INSERT_TAIL(&scrape->waiting, collection, link);
			loop_idle_wake(scrape->idle);
			return;
		}
		answer_failure(response, "no memory to answer later");
	}
	collection_free(collection);
}

int scrape_new(struct gate *gate, const struct api *api, struct loop *loop, struct scrape **ret)
{
	struct scrape *scrape = calloc(1, sizeof(*scrape));
	int err;

	if (!scrape)
		return -ENOMEM;
	scrape->gate = gate;
	scrape->api = api;
	STAILQ_INIT(&scrape->waiting);
	err = loop_add_idle(loop, work, scrape, &scrape->idle);
	if (err) {
		free(scrape);
		return err;
	}
	*ret = scrape;
	return 0;
}

void scrape_free(struct scrape *scrape)
{
	struct collection *collection;

	if (!scrape)
		return;
	while ((collection = STAILQ_FIRST(&scrape->waiting))) {
		STAILQ_REMOVE_HEAD(&scrape->waiting, link);
		collection->out.failed = -ECANCELED;
		finish(collection);
	}
	free(scrape);
}

void scrape_handle(const struct httpd_request *request, struct httpd_response *response, void *arg)
{
	if (strcmp(request->path, "/metrics")) {
		answer_text(response, 404, "the metrics are at /metrics");
	} else if (strcmp(request->method, "GET")) {
		response->allow = "GET";
		answer_text(response, 405, "the metrics can only be read: GET");
	} else {
		answer_scrape(arg, request, response);
	}
}

void scrape_refuse(unsigned int status, const char *why, struct httpd_response *response, void *arg)
{
	(void)arg;
	answer_text(response, status, why);
}
