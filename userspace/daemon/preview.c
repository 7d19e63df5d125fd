// SPDX-License-Identifier: GPL-2.0-only
/*
 * preview.c - whom changes would stop
 *
 * What becomes of a connection's packets now the kernel says itself; what would become of them then, the
 * store as it is within the transaction, or, for a list that was prepared, the list that would go to the
 * kernel.
 */
#include "userspace/daemon/preview.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/daemon/named.h"
#include "userspace/daemon/preview_private.h"

#define SOCKETS_MAX 100000

void preview_clear(struct preview *preview)
{
	free(preview->connections);
	free(preview->sources);
	*preview = (struct preview){0};
}

void *preview_one_more(void **items, size_t count, size_t size)
{
	void *grown = count < PREVIEW_MAX ? realloc(*items, (count + 1) * size) : NULL;

	if (!grown)
		return NULL;
	*items = grown;
	return (char *)grown + count * size;
}

/* --- whom it concerns ---------------------------------------------------------------- */

static int compare_concerns(const void *a, const void *b)
{
	const struct concern *x = a, *y = b;

	return (x->slot > y->slot) - (x->slot < y->slot);
}

const struct concern *preview_find_concern(const struct inquiry *inquiry, uint32_t slot)
{
	const struct concern key = {.slot = slot};

	return inquiry->concern_count ? bsearch(&key, inquiry->concerns, inquiry->concern_count, sizeof(key),
						compare_concerns)
				      : NULL;
}

static int take_concerns(struct inquiry *inquiry)
{
	const struct convoy *convoy = inquiry->convoy;

	inquiry->concerns = calloc(convoy->count, sizeof(*inquiry->concerns));
	if (!inquiry->concerns)
		return -ENOMEM;
	for (size_t i = 0; i < convoy->count; i++) {
		const struct passage *passage = &convoy->passages[i];
		const struct edit *edit = &passage->edit;

		if (passage->closes)
			inquiry->concerns[inquiry->concern_count++] = (struct concern){
				.slot = passage->kind->removes_account ? edit->before.slot : edit->after.slot,
				.first = passage->first,
				.last = passage};
	}
	qsort(inquiry->concerns, inquiry->concern_count, sizeof(*inquiry->concerns), compare_concerns);
	return 0;
}

/* --- the policy as it would be ------------------------------------------------------ */

static bool goes(const struct passage *passage, const struct claim *claim)
{
	const struct change *change = passage->edit.change;

	if (claim->slot != passage->edit.before.slot)
		return false;
	if (passage->kind->removes_account)
		return true;
	for (size_t i = 0; i < change->service_count && passage->kind->removes_services; i++)
		if (!service_compare(&change->services[i], &claim->service))
			return true;
	return false;
}

/* Of several changes that touch services the summary has been read anew. */
static int take_services(struct inquiry *inquiry)
{
	const struct summary *summary = inquiry->summary;
	const struct passage *passage = inquiry->convoy->passages;
	const struct change *change = passage->edit.change;
	const struct edit_kind *kind = passage->kind;
	size_t count = 0;

	inquiry->claims = summary->by_service;
	inquiry->claim_count = summary->claim_count;
	if (inquiry->convoy->count > 1 || (!kind->services && !kind->removes_account))
		return 0;
	inquiry->own = calloc(summary->claim_count + change->service_count + 1, sizeof(*inquiry->own));
	if (!inquiry->own)
		return -ENOMEM;
	for (size_t i = 0; i < summary->claim_count; i++)
		if (!goes(passage, &summary->by_service[i]))
			inquiry->own[count++] = summary->by_service[i];
	for (size_t i = 0; i < change->service_count && kind->services && !kind->removes_services; i++)
		inquiry->own[count++] = (struct claim){.service = change->services[i],
						       .slot = passage->edit.before.slot};
	qsort(inquiry->own, count, sizeof(*inquiry->own), claim_compare);
	inquiry->claims = inquiry->own;
	inquiry->claim_count = count;
	return 0;
}

/* The account of that slot as it would be. */
static const struct account *account_then(const struct inquiry *inquiry, uint32_t slot)
{
	const struct concern *concern = preview_find_concern(inquiry, slot);

	return concern ? &concern->last->edit.after : summary_slot(inquiry->summary, slot);
}

static int compare_to_entry(const void *key, const void *item)
{
	const struct compiled_entry *entry = item;

	return prefix_compare(key, &entry->prefix);
}

/* The longest in effect, in what would go to the kernel. */
static bool list_allows(const struct compiled_account *list, const struct addr *addr, int64_t now)
{
	bool ipv4 = addr->family == AG_FAMILY_IPV4;
	const struct compiled_entry *entries = ipv4 ? list->entries4 : list->entries6;
	size_t count = ipv4 ? list->count4 : list->count6;

	for (unsigned int len = addr_bits(addr); len > 0 && count; len--) {
		struct prefix prefix = prefix_of(addr, (uint8_t)len);
		const struct compiled_entry *found = bsearch(&prefix, entries, count, sizeof(*entries),
							     compare_to_entry);

		if (found && (!found->value.expires || found->value.expires > now))
			return found->value.verdict == AG_ENTRY_ALLOW;
	}
	return false;
}

int preview_allows_then(const struct inquiry *inquiry, const struct account *account, const struct addr *addr)
{
	const struct concern *concern = preview_find_concern(inquiry, account->slot);
	const struct prepared *prepared = concern ? concern->last->edit.change->prepared : NULL;
	struct ag_error ignored;
	struct entry entry = {0};
	bool matched = false, allows;

	if (prepared && prepared->import)
		return list_allows(&prepared->want, addr, inquiry->now);
	if (named_match(inquiry->gate, account, addr, inquiry->now, &entry, &matched, &ignored))
		return -1;
	allows = matched && entry.verdict == AG_ENTRY_ALLOW;
	entry_clear(&entry);
	return allows;
}

/* --- connections -------------------------------------------------------------------- */

static bool is_failsafe(const struct gate *gate, const struct addr *addr)
{
	for (size_t i = 0; i < gate->options->failsafe_count; i++)
		if (prefix_contains(&gate->options->failsafe[i], addr))
			return true;
	return false;
}

/* As it goes through the whole table; a panic, which ends, counts for nothing. */
static bool passes_now(const struct inquiry *inquiry, const struct sockdiag_connection *ends)
{
	const struct dataplane_question question = {.source = ends->remote,
						    .dest = ends->local,
						    .proto = IPPROTO_TCP,
						    .port = ends->local_port,
						    .slot = AG_NO_ACCOUNT};
	struct dataplane_answer answer;
	struct ag_error ignored;

	if (dataplane_ask(inquiry->gate->dataplane, &question, &answer, &ignored)) {
		inquiry->preview->complete = false;
		return false;
	}
	return answer.passes;
}

static void note_connection(struct preview *preview, const struct sockdiag_connection *ends,
			    const struct service *service)
{
	struct preview_connection *kept = preview_one_more(
		(void **)&preview->connections, preview->connection_count, sizeof(*preview->connections));

	preview->connections_total++;
	if (!kept)
		return;
	*kept = (struct preview_connection){.ends = *ends, .service = *service};
	preview->connection_count++;
}

static int judge_connection(const struct sockdiag_connection *ends, void *arg)
{
	struct inquiry *inquiry = arg;
	const struct claim *claim = policy_find_claim(inquiry->claims, inquiry->claim_count, &ends->local,
						      IPPROTO_TCP, ends->local_port);
	const struct account *account = claim ? account_then(inquiry, claim->slot) : NULL;
	int allows;

	if (!account || !account_gates(account) || is_failsafe(inquiry->gate, &ends->remote))
		return 0;
	allows = preview_allows_then(inquiry, account, &ends->remote);
	if (allows < 0)
		inquiry->preview->complete = false;
	if (!allows && passes_now(inquiry, ends))
		note_connection(inquiry->preview, ends, &claim->service);
	return 0;
}

/* The first question of all loads the program that answers, which is not to count as time that is looked. */
static void find_connections(struct inquiry *inquiry)
{
	const uint8_t any[4] = {192, 0, 2, 1};
	const struct sockdiag_connection nobody = {.local = addr_make(AG_FAMILY_IPV4, any),
						   .remote = addr_make(AG_FAMILY_IPV4, any)};
	bool complete = true;

	(void)passes_now(inquiry, &nobody);
	if (sockdiag_established(SOCKETS_MAX, PREVIEW_WAIT_MS, judge_connection, inquiry, &complete) ||
	    !complete)
		inquiry->preview->complete = false;
}

/* --- all of it ----------------------------------------------------------------------- */

static bool stops_anybody(const struct convoy *convoy)
{
	bool stops = false;

	for (size_t i = 0; i < convoy->count; i++)
		stops |= convoy->passages[i].kind->list || convoy->passages[i].kind->services;
	return stops;
}

void preview_make(const struct convoy *convoy, struct preview *ret)
{
	struct inquiry inquiry = {.convoy = convoy,
				  .gate = convoy->gate,
				  .summary = convoy->anew ? &convoy->summary : &convoy->gate->summary,
				  .now = gate_now(convoy->gate),
				  .preview = ret};

	if (!stops_anybody(convoy))
		return;
	ret->made = ret->complete = true;
	if (take_concerns(&inquiry) || take_services(&inquiry)) {
		ret->complete = false;
	} else {
		find_connections(&inquiry);
		preview_sources(&inquiry);
	}
	free(inquiry.own);
	free(inquiry.concerns);
}
