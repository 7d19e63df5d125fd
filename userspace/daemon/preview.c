// SPDX-License-Identifier: GPL-2.0-only
/*
 * preview.c - whom a change would stop
 *
 * What becomes of a connection's packets now the kernel says itself; what would become of them then, the
 * store as it is within the transaction, or, for a list that was prepared, the list that would go to the
 * kernel.
 */
#include "userspace/daemon/preview.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/daemon/named.h"
#include "userspace/daemon/passage.h"
#include "userspace/daemon/seen.h"
#include "userspace/daemon/watch.h"

/* The loop waits for it. */
#define SOCKETS_MAX 100000
#define WAIT_MS	    80

struct inquiry {
	const struct passage *passage;
	struct gate *gate;
	int64_t now;
	struct claim *own; /* the services as they would be, where any come or go; else NULL */
	const struct claim *claims;
	size_t claim_count;
	struct preview *preview;
};

void preview_clear(struct preview *preview)
{
	free(preview->connections);
	free(preview->sources);
	*preview = (struct preview){0};
}

/* Room for one more in an array of `count`; NULL where it is full, or there is no memory. */
static void *one_more(void **items, size_t count, size_t size)
{
	void *grown = count < PREVIEW_MAX ? realloc(*items, (count + 1) * size) : NULL;

	if (!grown)
		return NULL;
	*items = grown;
	return (char *)grown + count * size;
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

static int take_services(struct inquiry *inquiry)
{
	const struct summary *summary = &inquiry->gate->summary;
	const struct change *change = inquiry->passage->edit.change;
	const struct edit_kind *kind = inquiry->passage->kind;
	size_t count = 0;

	inquiry->claims = summary->by_service;
	inquiry->claim_count = summary->claim_count;
	if (!kind->services && !kind->removes_account)
		return 0;
	inquiry->own = calloc(summary->claim_count + change->service_count + 1, sizeof(*inquiry->own));
	if (!inquiry->own)
		return -1;
	for (size_t i = 0; i < summary->claim_count; i++)
		if (!goes(inquiry->passage, &summary->by_service[i]))
			inquiry->own[count++] = summary->by_service[i];
	for (size_t i = 0; i < change->service_count && kind->services && !kind->removes_services; i++)
		inquiry->own[count++] = (struct claim){.service = change->services[i],
						       .slot = inquiry->passage->edit.before.slot};
	qsort(inquiry->own, count, sizeof(*inquiry->own), claim_compare);
	inquiry->claims = inquiry->own;
	inquiry->claim_count = count;
	return 0;
}

/* The account of that slot as it would be. */
static const struct account *account_then(const struct inquiry *inquiry, uint32_t slot)
{
	const struct edit *edit = &inquiry->passage->edit;

	if (slot != edit->before.slot || !inquiry->passage->kind->account)
		return summary_slot(&inquiry->gate->summary, slot);
	return inquiry->passage->kind->list ? &edit->after : &edit->before;
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

/* -1: it cannot be told. */
static int allows_then(const struct inquiry *inquiry, const struct account *account, const struct addr *addr)
{
	const struct change *change = inquiry->passage->edit.change;
	struct ag_error ignored;
	struct entry entry = {0};
	bool matched = false, allows;

	if (change->prepared && change->prepared->import &&
	    account->slot == inquiry->passage->edit.before.slot)
		return list_allows(&change->prepared->want, addr, inquiry->now);
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
	struct preview_connection *kept = one_more((void **)&preview->connections, preview->connection_count,
						   sizeof(*preview->connections));

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
	allows = allows_then(inquiry, account, &ends->remote);
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
	if (sockdiag_established(SOCKETS_MAX, WAIT_MS, judge_connection, inquiry, &complete) || !complete)
		inquiry->preview->complete = false;
}

/* --- sources ------------------------------------------------------------------------- */

static void note_source(struct preview *preview, const struct prefix *prefix, int64_t last_seen,
			const char *why)
{
	struct preview_source *kept = one_more((void **)&preview->sources, preview->source_count,
					       sizeof(*preview->sources));

	preview->sources_total++;
	if (!kept)
		return;
	*kept = (struct preview_source){.prefix = *prefix, .last_seen = last_seen, .why = why};
	preview->source_count++;
}

/* An entry that let in, and goes, or counts no more: unless a wider one lets in the same. */
static void judge_entry(struct inquiry *inquiry, const struct entry *entry)
{
	const struct account *before = &inquiry->passage->edit.before;
	int64_t seen = seen_last(inquiry->gate, before, entry);

	if (entry->verdict == AG_ENTRY_ALLOW && entry_in_effect(entry, inquiry->now) && seen &&
	    seen > inquiry->now - PREVIEW_LATELY &&
	    allows_then(inquiry, &inquiry->passage->edit.after, &entry->prefix.addr) == 0)
		note_source(inquiry->preview, &entry->prefix, seen, "its entry lets in no more");
}

static int judge_watched(uint32_t slot, const struct denied_row *row, void *arg)
{
	struct inquiry *inquiry = arg;

	(void)slot;
	if (row->verdict == AG_VERDICT_WOULD_DENY &&
	    allows_then(inquiry, &inquiry->passage->edit.after, &row->source.addr) == 0)
		note_source(inquiry->preview, &row->source, row->last_seen,
			    "monitor counted it as would_deny");
	return 0;
}

/* What has gone (or was set) as it was; of an import the first of what goes. */
static const struct list *entries_concerned(const struct edit *edit)
{
	return edit->gone.count ? &edit->gone : &edit->outcome->went;
}

static void find_sources(struct inquiry *inquiry)
{
	const struct edit *edit = &inquiry->passage->edit;
	const struct list *list = entries_concerned(edit);
	const struct denied *denied = inquiry->gate->watch ? watch_denied(inquiry->gate->watch) : NULL;

	if (!inquiry->passage->kind->list || inquiry->passage->kind->removes_account ||
	    !account_gates(&edit->after))
		return;
	for (size_t i = 0; i < list->count; i++)
		judge_entry(inquiry, &list->entries[i]);
	if (edit->outcome->removed > list->count)
		inquiry->preview->complete = false;
	if (denied && edit->before.mode == AG_MODE_MONITOR && denied_knows(denied, &edit->before))
		(void)denied_each(denied, &edit->before, 0, judge_watched, inquiry); /* to the end */
}

void preview_make(const struct passage *passage, struct preview *ret)
{
	struct inquiry inquiry = {.passage = passage,
				  .gate = passage->edit.gate,
				  .now = gate_now(passage->edit.gate),
				  .preview = ret};

	if (!passage->kind->list && !passage->kind->services)
		return;
	ret->made = ret->complete = true;
	if (take_services(&inquiry)) {
		ret->complete = false;
		return;
	}
	find_connections(&inquiry);
	find_sources(&inquiry);
	free(inquiry.own);
}
