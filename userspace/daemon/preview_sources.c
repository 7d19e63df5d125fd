// SPDX-License-Identifier: GPL-2.0-only
/* preview_sources.c - sources of entries that go or count no more, and those that monitor has counted */
#include "userspace/daemon/preview_private.h"

#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "userspace/daemon/named.h"
#include "userspace/daemon/seen.h"
#include "userspace/daemon/watch.h"

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool out_of_time(struct inquiry *inquiry)
{
	if (now_ms() < inquiry->end_ms)
		return false;
	inquiry->preview->complete = false;
	return true;
}

static void note_source(struct preview *preview, const struct account *account, const struct prefix *prefix,
			int64_t last_seen, const char *why)
{
	struct preview_source *kept = preview_one_more((void **)&preview->sources, preview->source_count,
						       sizeof(*preview->sources));

	preview->sources_total++;
	if (!kept)
		return;
	*kept = (struct preview_source){.prefix = *prefix, .last_seen = last_seen, .why = why};
	memcpy(kept->account, account->name, sizeof(kept->account));
	preview->source_count++;
}

/* An entry that let in, and goes, or counts no more: unless a wider one lets in the same. */
static void judge_entry(struct inquiry *inquiry, const struct concern *concern, const struct entry *entry)
{
	const struct account *before = &concern->first->edit.before;
	int64_t seen = seen_last(inquiry->gate, before, entry);

	if (entry->verdict == AG_ENTRY_ALLOW && entry_in_effect(entry, inquiry->now) && seen &&
	    seen > inquiry->now - PREVIEW_LATELY &&
	    preview_allows_then(inquiry, &concern->last->edit.after, &entry->prefix.addr) == 0)
		note_source(inquiry->preview, before, &entry->prefix, seen, "its entry lets in no more");
}

/* What came through a named list is marked by its own prefix; whether it let in, the kernel says. */
static void judge_listed(struct inquiry *inquiry, const struct concern *concern, const struct entry *entry)
{
	const struct account *before = &concern->first->edit.before;
	const struct dataplane_question question = {.source = entry->prefix.addr,
						    .dest = entry->prefix.addr, /* no service is asked */
						    .proto = IPPROTO_TCP,
						    .slot = before->slot};
	int64_t seen = seen_last(inquiry->gate, before, entry);
	struct dataplane_answer answer;
	struct ag_error ignored;

	if (seen <= inquiry->now - PREVIEW_LATELY ||
	    dataplane_ask(inquiry->gate->dataplane, &question, &answer, &ignored) || !answer.passes ||
	    preview_allows_then(inquiry, &concern->last->edit.after, &entry->prefix.addr) != 0)
		return;
	note_source(inquiry->preview, before, &entry->prefix, seen,
		    "its entry of a named list lets in no more");
}

static bool is_stopping(const struct concern *concern)
{
	return !concern->last->kind->removes_account && account_gates(&concern->last->edit.after);
}

/* Entries that go from a list, for everybody who used it. */
static void judge_list(struct inquiry *inquiry, const struct list *gone)
{
	for (size_t i = 0; i < inquiry->concern_count; i++) {
		const struct concern *concern = &inquiry->concerns[i];

		if (!account_refers(&concern->first->edit.before) || !is_stopping(concern))
			continue;
		for (size_t k = 0; k < gone->count && !out_of_time(inquiry); k++)
			judge_listed(inquiry, concern, &gone->entries[k]);
	}
}

/* A reference that goes, or counts no more. A list that goes with it is judged by itself. */
static void judge_reference(struct inquiry *inquiry, const struct concern *concern, const struct entry *entry)
{
	struct store *store = inquiry->gate->store;
	struct store_named named;
	struct list list = {0};
	struct ag_error ignored;

	if (!entry_in_effect(entry, inquiry->now) || store_named_find(store, entry->list, &named, &ignored))
		return;
	if (store_named_list(store, &named, &list, &ignored))
		inquiry->preview->complete = false;
	for (size_t i = 0; i < list.count && !out_of_time(inquiry); i++)
		judge_listed(inquiry, concern, &list.entries[i]);
	list_clear(&list);
}

struct judging {
	struct inquiry *inquiry;
	const struct concern *concern;
};

static int judge_watched(uint32_t slot, const struct denied_row *row, void *arg)
{
	const struct judging *judging = arg;
	struct inquiry *inquiry = judging->inquiry;
	const struct account *after = &judging->concern->last->edit.after;

	(void)slot;
	if (row->verdict == AG_VERDICT_WOULD_DENY &&
	    preview_allows_then(inquiry, after, &row->source.addr) == 0)
		note_source(inquiry->preview, &judging->concern->first->edit.before, &row->source,
			    row->last_seen, "monitor counted it as would_deny");
	return out_of_time(inquiry);
}

static void judge_all_watched(struct inquiry *inquiry)
{
	const struct denied *denied = inquiry->gate->watch ? watch_denied(inquiry->gate->watch) : NULL;

	for (size_t i = 0; i < inquiry->concern_count && denied; i++) {
		const struct concern *concern = &inquiry->concerns[i];
		const struct account *before = &concern->first->edit.before;
		struct judging judging = {inquiry, concern};

		if (before->mode == AG_MODE_MONITOR && is_stopping(concern) && denied_knows(denied, before))
			(void)denied_each(denied, before, 0, judge_watched, &judging); /* to the end */
	}
}

/* What has gone (or was set) as it was; of an import the first of what goes. */
static const struct list *entries_concerned(const struct edit *edit)
{
	return edit->gone.count ? &edit->gone : &edit->outcome->went;
}

static void judge_passage(struct inquiry *inquiry, const struct passage *passage)
{
	const struct edit *edit = &passage->edit;
	const struct list *list = entries_concerned(edit);
	const struct concern *concern = preview_find_concern(inquiry, edit->before.slot);

	if (!concern || !is_stopping(concern))
		return;
	for (size_t i = 0; i < list->count && !out_of_time(inquiry); i++) {
		if (prefix_is_reference(&list->entries[i].prefix))
			judge_reference(inquiry, concern, &list->entries[i]);
		else
			judge_entry(inquiry, concern, &list->entries[i]);
	}
	if (edit->outcome->removed > list->count)
		inquiry->preview->complete = false;
}

void preview_sources(struct inquiry *inquiry)
{
	const struct convoy *convoy = inquiry->convoy;

	inquiry->end_ms = now_ms() + PREVIEW_WAIT_MS;
	for (size_t i = 0; i < convoy->count; i++) {
		const struct passage *passage = &convoy->passages[i];

		if (passage->first)
			judge_passage(inquiry, passage);
		else if (!passage->kind->account) /* a list's, or nobody's */
			judge_list(inquiry, &passage->edit.gone);
	}
	judge_all_watched(inquiry);
}
