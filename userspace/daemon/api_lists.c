// SPDX-License-Identifier: GPL-2.0-only
/*
 * api_lists.c - allowlists, and what they say of an address
 */
#include <stdlib.h>
#include <string.h>

#include "userspace/core/listtext.h"
#include "userspace/core/request.h"
#include "userspace/daemon/call.h"
#include "userspace/daemon/exports.h"
#include "userspace/daemon/imports.h"
#include "userspace/daemon/reconcile.h"

/* From this size on a body goes to the worker. */
#define IMPORT_BYTES 65536

static int page_entries(struct call *call, struct page *page, const struct list *list)
{
	char cursor[PREFIX_TEXT_MAX];
	int err = 0;

	for (size_t i = 0; i < list->count && !err && page_wants(page); i++) {
		prefix_format(&list->entries[i].prefix, cursor);
		err = page_add(call, page, cursor, json_entry(&list->entries[i]));
	}
	return err;
}

int api_list_entries(struct call *call)
{
	struct page page = {0};
	struct prefix after;
	struct list list = {0};
	int err = page_begin(call, &page);

	if (!err && page.after)
		err = prefix_parse(page.after, &after, &call->error);
	if (!err)
		err = store_list_page(call->gate->store, call->account->id, page.after ? &after : NULL,
				      page.limit + 1, &list, &call->error);
	if (!err)
		err = page_entries(call, &page, &list);
	if (!err)
		err = page_end(call, &page);
	page_clear(&page);
	list_clear(&list);
	return err;
}

/* A short list is read whole, with its check; a long one in slices. */
int api_export_entries(struct call *call)
{
	struct list list = {0};
	int err;

	if (account_entries(call->account) >= LONG_LIST)
		return exports_start(call);
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

/* Many go to the worker; a few are faster done than handed over. */
int api_add_entries(struct call *call)
{
	const struct httpd_request *request = call->request;
	struct change change = call_change(call, CHANGE_ALLOW_ADD);
	struct list list = {0};
	int err;

	if (request->body_length > IMPORT_BYTES)
		return imports_start(call, &change, IMPORT_MORE, true);
	err = import_decode(request->body, request->body_length, imports_text(call),
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
	err = prefix_parse(value, &entry.prefix, &asked->call->error);
	if (!err && list_append(&asked->list, &entry))
		err = call_answer(asked->call, NULL);
	return err;
}

static int apply_removal(struct call *call, struct list *list)
{
	struct change change = call_change(call, CHANGE_ALLOW_REMOVE);
	char text[PREFIX_TEXT_MAX];
	const struct entry *twice = list_sort(list);

	if (twice) {
		prefix_format(&twice->prefix, text);
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
	int err = prefix_parse(call->arguments[1], &entry.prefix, &call->error);

	if (!err && list_append(&list, &entry))
		err = call_answer(call, NULL);
	if (!err)
		err = apply_removal(call, &list);
	list_clear(&list);
	return err;
}

/* --- check ----------------------------------------------------------------- */

static json_t *kernel_entry(const struct prefix *prefix)
{
	char text[PREFIX_TEXT_MAX];

	if (prefix->len == UINT8_MAX)
		return json_null();
	prefix_format(prefix, text);
	return json_string(text);
}

static bool same_prefix(const struct entry *entry, const struct prefix *kernel)
{
	return entry ? kernel->len != UINT8_MAX && !prefix_compare(&entry->prefix, kernel)
		     : kernel->len == UINT8_MAX;
}

static enum ag_verdict judge(const struct account *account, const struct entry *entry)
{
	struct list list = {.entries = (struct entry *)(uintptr_t)entry, .count = entry ? 1 : 0};

	if (!account_active(account) || entry)
		return policy_decide(account->mode, &list, entry ? &entry->prefix.addr : &(struct addr){0},
				     NULL);
	return account->mode == AG_MODE_MONITOR ? AG_VERDICT_WOULD_DENY : AG_VERDICT_DENIED;
}

static int answer_check(struct call *call, const struct entry *entry, const struct addr *address)
{
	const struct account *account = call->account;
	enum ag_verdict verdict = judge(account, entry), kernel;
	struct prefix decides;
	char text[ADDR_TEXT_MAX];
	int err = dataplane_decide(call->gate->dataplane, account->slot, address, &kernel, &decides,
				   &call->error);

	if (!account_active(account))
		entry = NULL; /* nothing decides */
	if (err)
		return err;
	addr_format(address, text);
	return call_answer(call, json_pack("{s:s, s:s, s:s, s:o, s:s, s:o, s:b}", "account", account->name,
					   "address", text, "verdict", verdict_name(verdict), "entry",
					   entry ? json_entry(entry) : json_null(), "kernel",
					   verdict_name(kernel), "kernel_entry", kernel_entry(&decides),
					   "agree", verdict == kernel && same_prefix(entry, &decides)));
}

int api_check_address(struct call *call)
{
	const char *text = httpd_query(call->request, "address");
	struct entry entry = {0};
	struct addr address;
	bool found = false;
	int err;

	if (!text)
		return error_set(&call->error, ERROR_BAD_REQUEST, "say which address: ?address=203.0.113.7");
	err = addr_parse(text, &address, &call->error);
	if (!err)
		err = store_entry_match(call->gate->store, call->account->id, &address, &entry, &found,
					&call->error);
	if (!err)
		err = answer_check(call, found ? &entry : NULL, &address);
	entry_clear(&entry);
	return err;
}
