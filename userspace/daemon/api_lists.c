// SPDX-License-Identifier: GPL-2.0-only
/*
 * api_lists.c - allowlists
 */
#include <stdlib.h>
#include <string.h>

#include "userspace/core/listtext.h"
#include "userspace/core/reference.h"
#include "userspace/core/request.h"
#include "userspace/daemon/call.h"
#include "userspace/daemon/exports.h"
#include "userspace/daemon/imports.h"
#include "userspace/daemon/reconcile.h"
#include "userspace/daemon/seen.h"

/* From this size on a body goes to the worker. */
#define IMPORT_BYTES 65536

/* Pages of entries of which hardly any may be asked for: so many are looked through for one answer. */
#define UNUSED_PAGES 10

/* What is asked for of a list. */
struct asked_list {
	bool unused;	    /* those alone that have not been seen ... */
	int64_t unused_for; /* ... for so many seconds */
};

static int ask_list(struct call *call, struct asked_list *ret)
{
	const char *unused = httpd_query(call->request, "unused");

	ret->unused = unused;
	return unused ? duration_parse(unused, &ret->unused_for, &call->error) : 0;
}

/* One that was never seen is as old as itself. */
static bool is_asked_for(const struct asked_list *asked, const struct entry *entry, int64_t now)
{
	int64_t since = entry->last_seen > entry->created_at ? entry->last_seen : entry->created_at;

	return !asked->unused || since <= now - asked->unused_for;
}

static int page_entries(struct call *call, const struct asked_list *asked, struct page *page,
			struct list *list)
{
	int64_t now = gate_now(call->gate);
	char cursor[ENTRY_TEXT_MAX];
	int err = 0;

	for (size_t i = 0; i < list->count && !err; i++) {
		struct entry *entry = &list->entries[i];

		entry->last_seen = seen_last(call->gate, call->account, entry);
		if (!is_asked_for(asked, entry, now))
			continue;
		if (!page_wants(page))
			break;
		entry_format(entry, cursor);
		err = page_add(call, page, cursor, json_entry(entry));
	}
	return err;
}

/* Until the page is full, the list ends, or enough was looked through: then the next page goes on. */
static int fill_page(struct call *call, const struct asked_list *asked, struct page *page,
		     struct prefix *after, bool has_after)
{
	size_t limit = asked->unused ? PAGE_LIMIT_MAX : page->limit + 1, pages = 0;
	bool ends = false;
	int err = 0;

	while (!err && !ends && !page->more && pages++ < UNUSED_PAGES) {
		struct list list = {0};

		err = store_list_page(call->gate->store, call->account->id, has_after ? after : NULL, limit,
				      &list, &call->error);
		if (!err)
			err = page_entries(call, asked, page, &list);
		ends = list.count < limit;
		has_after |= list.count > 0;
		if (list.count)
			*after = list.entries[list.count - 1].prefix;
		list_clear(&list);
	}
	if (!err && !ends && !page->more) {
		page->more = true;
		prefix_format(after, page->last);
	}
	return err;
}

/* Where a page begins: behind an entry, that need not be there. */
static int ask_after(struct call *call, const struct page *page, struct prefix *ret)
{
	struct entry entry = {0};
	int err = page->after ? entry_source_parse(page->after, &entry, &call->error) : 0;

	*ret = entry.prefix;
	entry_clear(&entry);
	return err;
}

int api_list_entries(struct call *call)
{
	struct asked_list asked = {0};
	struct page page = {0};
	struct prefix after;
	int err = page_begin(call, &page);

	call_tag(call, call->account);
	if (!err)
		err = ask_list(call, &asked);
	if (!err)
		err = ask_after(call, &page, &after);
	if (!err)
		err = fill_page(call, &asked, &page, &after, page.after);
	if (!err)
		err = page_end(call, &page);
	page_clear(&page);
	return err;
}

/* A short list is read whole, with its check; a long one in slices. */
int api_export_entries(struct call *call)
{
	struct list list = {0};
	int err;

	if (account_entries(call->account) >= LONG_LIST)
		return exports_start(call);
	call_tag(call, call->account);
	err = store_list(call->gate->store, call->account->id, &list, &call->error);
	for (size_t i = 0; i < list.count && !err; i++)
		listtext_format(&list.entries[i], &call->text);
	if (!err)
		(void)buffer_append(&call->text, "", 0); /* an empty list is an empty text, not none */
	if (!err && call->text.failed)
		err = error_set(&call->error, ERROR_STORE, "no memory for the text of %zu entries",
				list.count);
	list_clear(&list);
	return err;
}

static int ask_import(struct call *call, bool *ret)
{
	const char *value = httpd_query(call->request, "import");

	if (value && strcmp(value, "true") && strcmp(value, "false"))
		return error_set(&call->error, ERROR_BAD_REQUEST, "import is either true or false");
	*ret = value && !strcmp(value, "true");
	return 0;
}

/* Many go to the worker; a few are faster done than handed over. */
int api_add_entries(struct call *call)
{
	const struct httpd_request *request = call->request;
	struct change change = call_change(call, CHANGE_ALLOW_ADD);
	struct list list = {0};
	int err = ask_import(call, &change.keeps_expired);

	if (err)
		return err;
	if (request->body_length > IMPORT_BYTES)
		return imports_start(call, &change, IMPORT_MORE, true);
	err = import_decode(request->body, request->body_length, imports_form(call),
			    call->gate->options->max_entries, false, &list, &call->error);
	change.list = &list;
	if (!err)
		err = call_apply(call, &change);
	list_clear(&list);
	return err;
}

int api_replace_entries(struct call *call)
{
	struct change change = call_change(call, CHANGE_ALLOW_REPLACE);

	return imports_start(call, &change, IMPORT_WHOLE, true);
}

struct asked_prefixes {
	struct call *call;
	struct list list;
};

static int ask_prefix(const char *name, const char *value, void *arg)
{
	struct asked_prefixes *asked = arg;
	struct entry entry = {0};
	int err;

	if (strcmp(name, "prefix"))
		return 0;
	err = entry_source_parse(value, &entry, &asked->call->error);
	if (!err && list_append(&asked->list, &entry))
		err = call_answer(asked->call, NULL);
	return err;
}

static int apply_removal(struct call *call, struct list *list)
{
	struct change change = call_change(call, CHANGE_ALLOW_REMOVE);
	char text[ENTRY_TEXT_MAX];
	const struct entry *twice = list_sort(list);

	if (twice) {
		entry_format(twice, text);
		return error_set(&call->error, ERROR_BAD_REQUEST, "%s is named twice: name it once", text);
	}
	change.list = list;
	return call_apply(call, &change);
}

int api_remove_entries(struct call *call)
{
	struct asked_prefixes asked = {.call = call};
	int err = httpd_query_each(call->request, ask_prefix, &asked);

	if (!err && !asked.list.count)
		err = error_set(&call->error, ERROR_BAD_REQUEST,
				"say which: ?prefix=203.0.113.7&prefix=198.51.100.0/24");
	if (!err)
		err = apply_removal(call, &asked.list);
	list_clear(&asked.list);
	return err;
}

int api_remove_entry(struct call *call)
{
	struct list list = {0};
	struct entry entry = {0};
	int err = entry_source_parse(call->arguments[1], &entry, &call->error);

	if (!err && list_append(&list, &entry))
		err = call_answer(call, NULL);
	if (!err)
		err = apply_removal(call, &list);
	list_clear(&list);
	return err;
}

/* PATCH of one entry. */
int api_set_entry(struct call *call)
{
	struct change change = call_change(call, CHANGE_ALLOW_SET);
	struct request_entry set = {0};
	struct entry entry = {0};
	struct list list = {.entries = &entry, .count = 1};
	int err = entry_source_parse(call->arguments[1], &entry, &call->error);

	if (!err)
		err = request_entry_decode(call->request->body, call->request->body_length, &set,
					   &call->error);
	change.list = &list;
	change.set = &set;
	if (!err)
		err = call_apply(call, &change);
	entry_clear(&entry);
	return err;
}
