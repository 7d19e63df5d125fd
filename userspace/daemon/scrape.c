// SPDX-License-Identifier: GPL-2.0-only
/*
 * scrape.c - from the kernel's counters and the gate's summary to the text of a scrape
 *
 * A table of families, each with the function that writes its samples; series of packets and bytes appear
 * once they are non-zero. What takes longer than a moment is written in slices and answered later; an account
 * that comes or goes meanwhile may be in some of the families alone.
 */
#include "userspace/daemon/scrape.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/utsname.h>

#include "userspace/core/cleanup.h"
#include "userspace/daemon/slice.h"
#include "userspace/io/loop.h"

#define STEP_ACCOUNTS 256
#define COUNT(array)  (sizeof(array) / sizeof(*(array)))

/* A scrape on its way: each account family is written an account at a time. */
struct collection {
	STAILQ_ENTRY(collection) link;
	struct scrape *scrape;
	struct gate *gate;
	struct httpd_ticket *ticket;
	struct account_counters *accounts; /* by slot */
	uint32_t account_end;
	struct attachment *attachments;
	struct ag_interface_counters *interfaces;
	size_t attachment_count;
	struct dataplane_map_usage *maps;
	size_t map_count;
	size_t row;		/* the family that is written */
	bool begun;		/* its head is */
	char behind[NAME_SIZE]; /* the last account written in it */
	struct buffer out;
};

STAILQ_HEAD(collections, collection);

struct scrape {
	struct gate *gate;
	const struct api *api;
	struct loop_idle *idle;
	struct collections waiting;
};

struct row {
	struct metric_family family;
	void (*sample)(struct collection *collection, const struct metric_family *family);
	/* or, of every account: */
	void (*sample_account)(struct collection *collection, const struct metric_family *family,
			       const struct account *account);
	size_t counter; /* or, without these, the offset of a uint64_t in struct gate */
};

static void by_verdict(struct collection *collection, const struct metric_family *family,
		       const struct account *account, size_t offset)
{
	if (account->slot >= collection->account_end)
		return; /* came since the counters were read */
	for (unsigned int verdict = 0; verdict < AG_VERDICT_ACCOUNT_MAX; verdict++) {
		const struct ag_counter *counter = &collection->accounts[account->slot].by_verdict[verdict];
		struct metric_label labels[] = {{"account", account->name},
						{"verdict", verdict_name(verdict)}};
		uint64_t value;

		memcpy(&value, (const char *)counter + offset, sizeof(value));
		if (value)
			metric_integer(&collection->out, family, labels, COUNT(labels), value);
	}
}

static void packets(struct collection *collection, const struct metric_family *family,
		    const struct account *account)
{
	by_verdict(collection, family, account, offsetof(struct ag_counter, packets));
}

static void bytes(struct collection *collection, const struct metric_family *family,
		  const struct account *account)
{
	by_verdict(collection, family, account, offsetof(struct ag_counter, bytes));
}

static void interface_packets(struct collection *collection, const struct metric_family *family)
{
	for (size_t i = 0; i < collection->attachment_count; i++) {
		for (unsigned int index = 0; index < AG_VERDICT_INTERFACE_MAX; index++) {
			struct metric_label labels[] = {
				{"interface", collection->attachments[i].name},
				{"verdict", verdict_name(AG_VERDICT_ACCOUNT_MAX + index)}};
			uint64_t value = collection->interfaces[i].by_verdict[index].packets;

			if (value)
				metric_integer(&collection->out, family, labels, COUNT(labels), value);
		}
	}
}

static void active(struct collection *collection, const struct metric_family *family,
		   const struct account *account)
{
	struct metric_label labels[] = {{"account", account->name}, {"mode", mode_name(account->mode)}};

	metric_integer(&collection->out, family, labels, COUNT(labels), account_active(account));
}

static void entries(struct collection *collection, const struct metric_family *family,
		    const struct account *account)
{
	struct metric_label ipv4[] = {{"account", account->name}, {"family", "ipv4"}};
	struct metric_label ipv6[] = {{"account", account->name}, {"family", "ipv6"}};

	metric_integer(&collection->out, family, ipv4, COUNT(ipv4), account->entries4);
	metric_integer(&collection->out, family, ipv6, COUNT(ipv6), account->entries6);
}

static const struct attachment *attached_as(const struct collection *collection, const char *name)
{
	for (size_t i = 0; i < collection->attachment_count; i++)
		if (!strcmp(collection->attachments[i].name, name))
			return &collection->attachments[i];
	return NULL;
}

/* 1 for what is attached; 0, with the mode asked for, for what should be and is not. */
static void interface_attached(struct collection *collection, const struct metric_family *family)
{
	const struct gate *gate = collection->gate;

	for (size_t i = 0; i < collection->attachment_count; i++) {
		const struct attachment *attachment = &collection->attachments[i];
		struct metric_label labels[] = {{"interface", attachment->name},
						{"mode", attach_mode_name(attachment->mode)}};

		metric_integer(&collection->out, family, labels, COUNT(labels), 1);
	}
	for (size_t i = 0; i < gate->wanted_count; i++) {
		struct metric_label labels[] = {{"interface", gate->wanted[i].name},
						{"mode", attach_mode_name(gate->wanted[i].mode)}};

		if (!attached_as(collection, gate->wanted[i].name))
			metric_integer(&collection->out, family, labels, COUNT(labels), 0);
	}
}

static void map_entries(struct collection *collection, const struct metric_family *family)
{
	for (size_t i = 0; i < collection->map_count; i++) {
		struct metric_label label = {"map", collection->maps[i].map};

		metric_integer(&collection->out, family, &label, 1, collection->maps[i].entries);
	}
}

static void map_max_entries(struct collection *collection, const struct metric_family *family)
{
	for (size_t i = 0; i < collection->map_count; i++) {
		struct metric_label label = {"map", collection->maps[i].map};

		metric_integer(&collection->out, family, &label, 1, collection->maps[i].max_entries);
	}
}

/* What packets are judged by: the kernel's, not the store's. */
static void generation(struct collection *collection, const struct metric_family *family)
{
	uint64_t store_id, in_force;

	dataplane_seal(collection->gate->dataplane, &store_id, &in_force);
	metric_integer(&collection->out, family, NULL, 0, in_force);
}

static void drift(struct collection *collection, const struct metric_family *family)
{
	if (collection->gate->verified)
		metric_integer(&collection->out, family, NULL, 0, collection->gate->drift);
}

static void apply_seconds(struct collection *collection, const struct metric_family *family)
{
	metric_histogram(&collection->out, family, &collection->gate->apply_seconds);
}

static void requests(struct collection *collection, const struct metric_family *family)
{
	const struct api_count *counts;
	size_t count = api_counts(collection->scrape->api, &counts);
	char code[16];

	for (size_t i = 0; i < count; i++) {
		struct metric_label labels[] = {{"method", counts[i].method}, {"code", code}};

		(void)snprintf(code, sizeof(code), "%u", counts[i].status);
		metric_integer(&collection->out, family, labels, COUNT(labels), counts[i].requests);
	}
}

static void build_info(struct collection *collection, const struct metric_family *family)
{
	struct utsname host;
	struct metric_label labels[] = {{"version", AG_VERSION}, {"kernel", host.release}};

	(void)uname(&host); /* fails for a bad pointer alone */
	metric_integer(&collection->out, family, labels, COUNT(labels), 1);
}

static void up(struct collection *collection, const struct metric_family *family)
{
	metric_integer(&collection->out, family, NULL, 0, !collection->gate->reason[0]);
}

static const struct row rows[] = {
	{{"allowgate_up", "1 if changes are accepted, 0 while the kernel only keeps what it enforces.",
	  METRIC_GAUGE},
	 .sample = up},
	{{"allowgate_build_info", "Version of the daemon and of the kernel.", METRIC_GAUGE},
	 .sample = build_info},
	{{"allowgate_packets_total", "Packets to an account's services, by verdict.", METRIC_COUNTER},
	 .sample_account = packets},
	{{"allowgate_bytes_total", "Bytes of frames to an account's services, by verdict.", METRIC_COUNTER},
	 .sample_account = bytes},
	{{"allowgate_interface_packets_total", "Packets that belong to no account, by verdict.",
	  METRIC_COUNTER},
	 .sample = interface_packets},
	{{"allowgate_account_active", "1 if the account's allowlist is in force.", METRIC_GAUGE},
	 .sample_account = active},
	{{"allowgate_allowlist_entries", "Entries of an account's allowlist.", METRIC_GAUGE},
	 .sample_account = entries},
	{{"allowgate_interface_attached", "1 if the program is attached, 0 if it should be.", METRIC_GAUGE},
	 .sample = interface_attached},
	{{"allowgate_map_entries", "Elements in a map of the kernel.", METRIC_GAUGE}, .sample = map_entries},
	{{"allowgate_map_max_entries", "Elements that a map of the kernel can hold.", METRIC_GAUGE},
	 .sample = map_max_entries},
	{{"allowgate_policy_generation", "Generation of the policy in force in the kernel.", METRIC_GAUGE},
	 .sample = generation},
	{{"allowgate_policy_drift_entries", "Elements in which the kernel differs from the store.",
	  METRIC_GAUGE},
	 .sample = drift},
	{{"allowgate_policy_apply_seconds", "Time from a change's start until it is durable and in force.",
	  METRIC_HISTOGRAM},
	 .sample = apply_seconds},
	{{"allowgate_control_requests_total", "Requests to the control socket.", METRIC_COUNTER},
	 .sample = requests},
	{{"allowgate_denied_admin_changes_total", "Changes refused for want of the right to make them.",
	  METRIC_COUNTER},
	 .counter = offsetof(struct gate, denied_admin_changes)},
	{{"allowgate_denied_unreported_total", "Stopped packets that were not reported one by one.",
	  METRIC_COUNTER},
	 .counter = offsetof(struct gate, denied_unreported)},
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

	while (collection->row < COUNT(rows)) {
		const struct row *row = &rows[collection->row];

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
	collection->scrape = scrape;
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
