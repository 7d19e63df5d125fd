// SPDX-License-Identifier: GPL-2.0-only
/*
 * call.c - what every handler needs: answers, changes, pages
 */
#include "userspace/daemon/call.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/core/request.h"
#include "userspace/core/text.h"
#include "userspace/daemon/imports.h"

int call_answer(struct call *call, json_t *answer)
{
	call->answer = answer;
	return answer ? 0
		      : error_set(&call->error, ERROR_STORE,
				  "no memory for the answer: ask for less at a time");
}

/* "*" is any; a tag that is too long, weak, or one of several, matches none of ours. */
static void take_if_match(const struct call *call, struct change *change)
{
	const char *tag = httpd_header(call->request, "If-Match", NULL);

	if (tag && strcmp(tag, "*") != 0)
		(void)snprintf(change->if_match, sizeof(change->if_match), "%s", tag[0] ? tag : "?");
}

struct change call_change(const struct call *call, enum change_kind kind)
{
	struct change change = {
		.kind = kind,
		.actor = call->actor,
		.open = call->open,
		.force = call->force,
		.dry_run = call->dry_run,
		.confirm_within = call->confirm_within,
	};

	if (call->account)
		(void)snprintf(change.account, sizeof(change.account), "%s", call->account->name);
	take_if_match(call, &change);
	return change;
}

static json_t *difference(const struct outcome *outcome)
{
	return json_pack("{s:o, s:o}", "added", json_prefixes(&outcome->came, CHANGE_DIFFERENCE_MAX),
			 "removed", json_prefixes(&outcome->went, CHANGE_DIFFERENCE_MAX));
}

static json_t *warnings(const struct outcome *outcome)
{
	return outcome->warning[0] ? json_pack("[s]", outcome->warning) : json_array();
}

static json_t *erased_json(const struct store_erased *erased)
{
	json_t *persons = json_array();

	for (size_t i = 0; i < erased->person_count && persons; i++)
		if (json_array_append_new(persons, json_integer((json_int_t)erased->persons[i]))) {
			json_decref(persons);
			persons = NULL;
		}
	return json_pack("{s:b, s:o, s:I, s:I}", "user", erased->user, "persons", persons, "addresses",
			 (json_int_t)erased->addresses, "names", (json_int_t)erased->names);
}

static int put_time(json_t *answer, const char *name, int64_t time)
{
	char text[TIME_TEXT_MAX];

	time_format(time, text);
	return json_object_set_new(answer, name, json_string(text));
}

static json_t *outcome_json(const struct call *call, const struct outcome *outcome)
{
	json_t *answer = json_pack("{s:I, s:b, s:I, s:I, s:o}", "generation", (json_int_t)outcome->generation,
				   "dry_run", call->dry_run, "added", (json_int_t)outcome->added, "removed",
				   (json_int_t)outcome->removed, "warnings", warnings(outcome));
	int failed = !answer;

	if (!failed && outcome->confirm_by && !call->dry_run)
		failed = put_time(answer, "confirm_by", outcome->confirm_by);
	if (!failed && outcome->concerns_list)
		failed = json_object_set_new(answer, "active", json_boolean(outcome->active));
	if (!failed && outcome->concerns_list && call->dry_run)
		failed = json_object_set_new(answer, "difference", difference(outcome));
	if (!failed && outcome->erases)
		failed = json_object_set_new(answer, "erased", erased_json(&outcome->erased));
	if (!failed && outcome->preview.made)
		failed = json_object_set_new(answer, "preview", preview_json(&outcome->preview));
	if (!failed)
		return answer;
	json_decref(answer);
	return NULL;
}

void call_tag(struct call *call, const struct account *account)
{
	etag_of(account, call->etag);
}

int call_outcome(struct call *call, const struct outcome *outcome)
{
	const char *name = call->match.account;
	const struct account *account = name && !call->dry_run ? gate_account(call->gate, name) : NULL;
	int err = call_answer(call, outcome_json(call, outcome));

	if (account)
		call_tag(call, account);
	return err || !call->conclude ? err : call->conclude(call);
}

int call_apply(struct call *call, const struct change *change)
{
	struct outcome outcome = {0};
	struct change asked = *change;
	int err;

	asked.may_wait = true;
	err = gate_apply(call->gate, &asked, &outcome, &call->error);
	if (err == -EINPROGRESS)
		err = imports_start(call, &asked, IMPORT_LISTS, false);
	else if (!err)
		err = call_outcome(call, &outcome);
	outcome_clear(&outcome);
	return err;
}

int call_wait(struct call *call)
{
	if (!call->ticket)
		call->ticket = httpd_defer(call->request);
	if (!call->ticket)
		return call_answer(call, NULL);
	call->waits = true;
	return 0;
}

int page_begin(struct call *call, struct page *page)
{
	const char *limit = httpd_query(call->request, "limit");
	uint64_t number = PAGE_LIMIT_DEFAULT;
	int err = limit ? number_parse("limit", limit, 1, PAGE_LIMIT_MAX, &number, &call->error) : 0;

	if (err)
		return err;
	page->limit = number;
	page->after = httpd_query(call->request, "after");
	page->items = json_array();
	return page->items ? 0 : call_answer(call, NULL);
}

bool page_wants(struct page *page)
{
	page->more = json_array_size(page->items) >= page->limit;
	return !page->more;
}

int page_add(struct call *call, struct page *page, const char *cursor, json_t *item)
{
	(void)snprintf(page->last, sizeof(page->last), "%s", cursor);
	return json_array_append_new(page->items, item) ? call_answer(call, NULL) : 0;
}

int page_end(struct call *call, struct page *page)
{
	json_t *items = page->items;

	page->items = NULL;
	return call_answer(call, json_pack("{s:o, s:o}", "items", items, "next",
					   page->more ? json_string(page->last) : json_null()));
}

void page_clear(struct page *page)
{
	json_decref(page->items);
}
