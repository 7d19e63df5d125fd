// SPDX-License-Identifier: GPL-2.0-only
/*
 * scrape_rows.c - a table of families, each with the function that writes its samples
 *
 * Series of packets and bytes appear once they are non-zero.
 */
#include "userspace/daemon/scrape_rows.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

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
	size_t count = api_counts(collection->api, &counts);
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

/* Absent while the store cannot say. */
static void tokens(struct collection *collection, const struct metric_family *family)
{
	struct store *store = collection->gate->store;
	size_t count = 0;

	if (store && !store_token_count(store, &count, NULL))
		metric_integer(&collection->out, family, NULL, 0, count);
}

static void up(struct collection *collection, const struct metric_family *family)
{
	metric_integer(&collection->out, family, NULL, 0, !collection->gate->reason[0]);
}

const struct row scrape_rows[] = {
	{{"allowgate_up", "1 if changes are accepted, 0 while the kernel only keeps what it enforces.",
	  METRIC_GAUGE},
	 .sample = up},
	{{"allowgate_build_info", "Version of the daemon and of the kernel.", METRIC_GAUGE},
	 .sample = build_info},
	{{"allowgate_panic", "1 while everything passes, whatever the policy says.", METRIC_GAUGE},
	 .counter = offsetof(struct gate, panics)},
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
	{{"allowgate_auth_failures_total", "Requests over TLS without a token that is one.", METRIC_COUNTER},
	 .counter = offsetof(struct gate, auth_failures)},
	{{"allowgate_tokens", "API tokens, those that have expired included.", METRIC_GAUGE},
	 .sample = tokens},
	{{"allowgate_pending_changes", "Changes in force that wait to be confirmed.", METRIC_GAUGE},
	 .counter = offsetof(struct gate, pending_changes)},
	{{"allowgate_denied_unreported_total", "Stopped packets that were not reported one by one.",
	  METRIC_COUNTER},
	 .counter = offsetof(struct gate, denied_unreported)},
};
const size_t scrape_row_count = COUNT(scrape_rows);
