// SPDX-License-Identifier: GPL-2.0-only
/*
 * scrape.c - from the kernel's counters and the gate's summary to the text of a scrape
 *
 * A table of families, each with the function that writes its samples; series of packets and bytes appear
 * once they are non-zero.
 */
#include "userspace/daemon/scrape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "userspace/core/cleanup.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct collection {
	const struct scrape *scrape;
	struct gate *gate;
	struct ag_account_counters *accounts; /* by the gate's order of accounts */
	struct attachment *attachments;
	struct ag_interface_counters *interfaces;
	size_t attachment_count;
	struct dataplane_map_usage *maps;
	size_t map_count;
	struct buffer out;
};

typedef void (*sampler)(struct collection *collection, const struct metric_family *family);

struct row {
	struct metric_family family;
	sampler sample;
};

static void by_account(struct collection *collection, const struct metric_family *family, size_t offset)
{
	for (size_t i = 0; i < collection->gate->account_count; i++) {
		for (unsigned int verdict = 0; verdict < AG_VERDICT_ACCOUNT_MAX; verdict++) {
			const struct ag_counter *counter = &collection->accounts[i].by_verdict[verdict];
			struct metric_label labels[] = {{"account", collection->gate->accounts[i].name},
							{"verdict", verdict_name(verdict)}};
			uint64_t value;

			memcpy(&value, (const char *)counter + offset, sizeof(value));
			if (value)
				metric_integer(&collection->out, family, labels, COUNT(labels), value);
		}
	}
}

static void packets(struct collection *collection, const struct metric_family *family)
{
	by_account(collection, family, offsetof(struct ag_counter, packets));
}

static void bytes(struct collection *collection, const struct metric_family *family)
{
	by_account(collection, family, offsetof(struct ag_counter, bytes));
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

static void account_active(struct collection *collection, const struct metric_family *family)
{
	for (size_t i = 0; i < collection->gate->account_count; i++) {
		const struct account *account = &collection->gate->accounts[i];
		struct metric_label labels[] = {{"account", account->name},
						{"mode", mode_name(account->mode)}};

		metric_integer(&collection->out, family, labels, COUNT(labels), gate_account_active(account));
	}
}

static void entries(struct collection *collection, const struct metric_family *family)
{
	for (size_t i = 0; i < collection->gate->account_count; i++) {
		const struct account *account = &collection->gate->accounts[i];
		struct metric_label ipv4[] = {{"account", account->name}, {"family", "ipv4"}};
		struct metric_label ipv6[] = {{"account", account->name}, {"family", "ipv6"}};

		metric_integer(&collection->out, family, ipv4, COUNT(ipv4), account->entries4);
		metric_integer(&collection->out, family, ipv6, COUNT(ipv6), account->entries6);
	}
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

static void denied_changes(struct collection *collection, const struct metric_family *family)
{
	metric_integer(&collection->out, family, NULL, 0, collection->gate->denied_admin_changes);
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
	 up},
	{{"allowgate_build_info", "Version of the daemon and of the kernel.", METRIC_GAUGE}, build_info},
	{{"allowgate_packets_total", "Packets to an account's services, by verdict.", METRIC_COUNTER},
	 packets},
	{{"allowgate_bytes_total", "Bytes of frames to an account's services, by verdict.", METRIC_COUNTER},
	 bytes},
	{{"allowgate_interface_packets_total", "Packets that belong to no account, by verdict.",
	  METRIC_COUNTER},
	 interface_packets},
	{{"allowgate_account_active", "1 if the account's allowlist is in force.", METRIC_GAUGE},
	 account_active},
	{{"allowgate_allowlist_entries", "Entries of an account's allowlist.", METRIC_GAUGE}, entries},
	{{"allowgate_interface_attached", "1 if the program is attached, 0 if it should be.", METRIC_GAUGE},
	 interface_attached},
	{{"allowgate_map_entries", "Elements in a map of the kernel.", METRIC_GAUGE}, map_entries},
	{{"allowgate_map_max_entries", "Elements that a map of the kernel can hold.", METRIC_GAUGE},
	 map_max_entries},
	{{"allowgate_policy_generation", "Generation of the policy in force in the kernel.", METRIC_GAUGE},
	 generation},
	{{"allowgate_policy_drift_entries", "Elements in which the kernel differs from the store.",
	  METRIC_GAUGE},
	 drift},
	{{"allowgate_policy_apply_seconds", "Time from a change's start until it is durable and in force.",
	  METRIC_HISTOGRAM},
	 apply_seconds},
	{{"allowgate_control_requests_total", "Requests to the control socket.", METRIC_COUNTER}, requests},
	{{"allowgate_denied_admin_changes_total", "Changes refused for want of the right to make them.",
	  METRIC_COUNTER},
	 denied_changes},
};

static int read_accounts(struct collection *collection, struct ag_error *error)
{
	struct gate *gate = collection->gate;
	int err = 0;

	collection->accounts = calloc(gate->account_count + 1, sizeof(*collection->accounts));
	if (!collection->accounts)
		return error_set(error, ERROR_KERNEL, "no memory for the counters of %zu accounts",
				 gate->account_count);
	for (size_t i = 0; i < gate->account_count && !err; i++)
		err = dataplane_account_counters(gate->dataplane, gate->accounts[i].slot,
						 &collection->accounts[i], error);
	return err;
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
	if (!err)
		err = dataplane_map_usage(collection->gate->dataplane, &collection->maps,
					  &collection->map_count, error);
	for (size_t i = 0; i < COUNT(rows) && !err; i++) {
		metric_begin(&collection->out, &rows[i].family);
		rows[i].sample(collection, &rows[i].family);
	}
	if (!err && collection->out.failed)
		err = error_set(error, ERROR_KERNEL, "no memory for the text of the scrape");
	return err;
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

static void answer_scrape(const struct scrape *scrape, struct httpd_response *response)
{
	struct collection collection = {.scrape = scrape, .gate = scrape->gate};
	struct ag_error why = {0};

	if (collect(&collection, &why)) {
		log_error("a scrape failed: %s", why.message);
		answer_text(response, 503, why.message);
	} else {
		response->status = 200;
		response->content_type = "text/plain; version=0.0.4; charset=utf-8";
		response->body_length = collection.out.length;
		response->body = TAKE_PTR(collection.out.data);
	}
	free(collection.accounts);
	free(collection.attachments);
	free(collection.interfaces);
	free(collection.maps);
	free(collection.out.data);
}

void scrape_handle(const struct httpd_request *request, struct httpd_response *response, void *arg)
{
	if (strcmp(request->path, "/metrics")) {
		answer_text(response, 404, "the metrics are at /metrics");
	} else if (strcmp(request->method, "GET")) {
		response->allow = "GET";
		answer_text(response, 405, "the metrics can only be read: GET");
	} else {
		answer_scrape(arg, response);
	}
}

void scrape_refuse(unsigned int status, const char *why, struct httpd_response *response, void *arg)
{
	(void)arg;
	answer_text(response, status, why);
}
