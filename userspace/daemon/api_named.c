// SPDX-License-Identifier: GPL-2.0-only
/*
 * api_named.c - named lists, and their changes for all accounts that use them
 *
 * Whoever changes a list changes the allowlist of every account that refers to it, so they must be admin of
 * each; of one that nobody uses, operator.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/reference.h"
#include "userspace/core/request.h"
#include "userspace/daemon/call.h"
#include "userspace/daemon/imports.h"

/* --- reading ------------------------------------------------------------------ */

static json_t *named_json(struct call *call, const struct store_named *named)
{
	AUTO_FREE struct store_named_user *users = NULL;
	char created_at[TIME_TEXT_MAX];
	size_t count = 0;

	if (store_named_users(call->gate->store, named->name, &users, &count, &call->error))
		return NULL;
	time_format(named->created_at, created_at);
	return json_pack("{s:s, s:I, s:I, s:I, s:s}", "name", named->name, "entries",
			 (json_int_t)named->entries, "accounts", (json_int_t)count, "generation",
			 (json_int_t)named->generation, "created_at", created_at);
}

int api_list_named(struct call *call)
{
	AUTO_FREE struct store_named *lists = NULL;
	struct page page = {0};
	size_t count = 0;
	int err = page_begin(call, &page);

	if (!err)
		err = store_named_all(call->gate->store, &lists, &count, &call->error);
	for (size_t i = 0; i < count && !err; i++) {
		if (page.after && strcmp(lists[i].name, page.after) <= 0)
			continue;
		if (!page_wants(&page))
			break;
		err = page_add(call, &page, lists[i].name, named_json(call, &lists[i]));
	}
	if (!err)
		err = page_end(call, &page);
	page_clear(&page);
	return err;
}

static int find_named(struct call *call, struct store_named *ret)
{
	const char *name = call->arguments[0];
	int err = name_check("list", name, &call->error);

	return err ? err : store_named_find(call->gate->store, name, ret, &call->error);
}

int api_show_named(struct call *call)
{
	struct store_named named;
	int err = find_named(call, &named);

	return err ? err : call_answer(call, named_json(call, &named));
}

static json_t *listed_json(const struct entry *entry)
{
	char prefix[PREFIX_TEXT_MAX], created_at[TIME_TEXT_MAX];

	prefix_format(&entry->prefix, prefix);
	time_format(entry->created_at, created_at);
	return json_pack("{s:s, s:s, s:s, s:s}", "prefix", prefix, "note", entry->note ? entry->note : "",
			 "created_by", entry->created_by ? entry->created_by : "", "created_at", created_at);
}

static int fill_page(struct call *call, const struct store_named *named, struct page *page)
{
	struct prefix after;
	struct list list = {0};
	char cursor[PREFIX_TEXT_MAX];
	int err = page->after ? prefix_parse(page->after, &after, &call->error) : 0;

	if (!err)
		err = store_named_page(call->gate->store, named, page->after ? &after : NULL, page->limit + 1,
				       &list, &call->error);
	for (size_t i = 0; i < list.count && !err && page_wants(page); i++) {
		prefix_format(&list.entries[i].prefix, cursor);
		err = page_add(call, page, cursor, listed_json(&list.entries[i]));
	}
	page->more = list.count > page->limit;
	list_clear(&list);
	return err;
}

int api_list_named_entries(struct call *call)
{
	struct page page = {0};
	struct store_named named;
	int err = page_begin(call, &page);

	if (!err)
		err = find_named(call, &named);
	if (!err)
		err = fill_page(call, &named, &page);
	if (!err)
		err = page_end(call, &page);
	page_clear(&page);
	return err;
}

/* --- the list itself ------------------------------------------------------------ */

static struct change named_change(const struct call *call, enum change_kind kind, const char *name)
{
	struct change change = call_change(call, kind);

	(void)snprintf(change.named, sizeof(change.named), "%s", name);
	change.if_match[0] = '\0'; /* tags are of accounts */
	return change;
}

int api_create_named(struct call *call)
{
	char name[NAME_SIZE];
	struct change change;
	int err = request_list_decode(call->request->body, call->request->body_length, name, &call->error);

	if (err)
		return err;
	change = named_change(call, CHANGE_LIST_CREATE, name);
	return call_apply(call, &change);
}

int api_remove_named(struct call *call)
{
	struct store_named named;
	struct change change;
	int err = find_named(call, &named);

	if (err)
		return err;
	change = named_change(call, CHANGE_LIST_REMOVE, named.name);
	return call_apply(call, &change);
}

/* --- its entries, for all that use it ---------------------------------------------- */

struct edition {
	struct call *call;
	struct store_named named;
	struct store_named_user *users;
	size_t user_count;
	struct change *changes;
	struct outcome *outcomes;
	size_t count;
	struct list entries;
};

static void edition_clear(struct edition *edition)
{
	for (size_t i = 0; i < edition->count; i++)
		outcome_clear(&edition->outcomes[i]);
	free(edition->users);
	free(edition->changes);
	free(edition->outcomes);
	list_clear(&edition->entries);
}

/* Rule 1, without a word about accounts that the person may not see. */
static int check_roles(struct edition *edition)
{
	struct call *call = edition->call;
	size_t lacking = 0;
	int err = 0;

	if (!edition->user_count)
		return access_check(&call->actor, ROLE_NONE, RIGHT_OPERATE, NULL, &call->error);
	for (size_t i = 0; i < edition->user_count && !err; i++) {
		enum role role = ROLE_NONE;

		if (call->actor.name[0])
			err = store_role_of(call->gate->store, edition->users[i].account_id, call->actor.name,
					    &role, &call->error);
		lacking += role != ROLE_ADMIN;
	}
	if (err || !lacking)
		return err;
	return error_set(
		&call->error, ERROR_FORBIDDEN,
		"list '%s' is used by %zu accounts, of %zu of which you are not an admin: only who is "
		"admin of all that use a list may change it",
		edition->named.name, edition->user_count, lacking);
}

static int plan(struct edition *edition, enum change_kind kind, enum change_kind listed)
{
	struct call *call = edition->call;
	const char *name = edition->named.name;
	size_t count = edition->user_count + 1;

	edition->changes = calloc(count, sizeof(*edition->changes));
	edition->outcomes = calloc(count, sizeof(*edition->outcomes));
	if (!edition->changes || !edition->outcomes)
		return call_answer(call, NULL);
	edition->count = count;
	for (size_t i = 0; i < count; i++) {
		struct change *change = &edition->changes[i];

		*change = named_change(call, i ? listed : kind, name);
		change->list = &edition->entries;
		if (!i)
			continue;
		change->confirm_within = 0; /* the first has it for all */
		(void)snprintf(change->account, sizeof(change->account), "%s", edition->users[i - 1].account);
	}
	return 0;
}

/* The answer is the list's, with the last generation of all and the first warning. */
static int conclude(struct edition *edition)
{
	struct call *call = edition->call;
	struct outcome *outcome = &edition->outcomes[0];
	int err;

	outcome->generation = edition->outcomes[edition->count - 1].generation;
	for (size_t i = 1; i < edition->count && !outcome->warning[0]; i++)
		memcpy(outcome->warning, edition->outcomes[i].warning, sizeof(outcome->warning));
	err = call_outcome(call, outcome);
	if (!err &&
	    json_object_set_new(call->answer, "accounts", json_integer((json_int_t)edition->user_count)))
		err = call_answer(call, NULL);
	return err;
}

static int find_users(struct edition *edition)
{
	struct call *call = edition->call;
	int err = store_named_users(call->gate->store, edition->named.name, &edition->users,
				    &edition->user_count, &call->error);

	return err ? err : check_roles(edition);
}

int named_check_right(struct call *call, const char *named)
{
	struct edition edition = {.call = call};
	int err;

	(void)snprintf(edition.named.name, sizeof(edition.named.name), "%s", named);
	err = find_users(&edition);
	edition_clear(&edition);
	return err;
}

static int change_entries(struct edition *edition, enum change_kind kind, enum change_kind listed)
{
	struct call *call = edition->call;
	int err = find_named(call, &edition->named);

	if (!err)
		err = find_users(edition);
	if (!err)
		err = plan(edition, kind, listed);
	if (!err)
		err = gate_apply_all(call->gate, edition->changes, edition->count, edition->outcomes, NULL,
				     &call->error);
	return err ? err : conclude(edition);
}

/* An entry of a list is a prefix: what becomes of it, the accounts' references say. */
static int check_plain(struct call *call, const struct list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct entry *entry = &list->entries[i];
		char text[ENTRY_TEXT_MAX];

		if (!entry->list && !entry->disabled && !entry->expires && entry->verdict == AG_ENTRY_ALLOW)
			continue;
		entry_format(entry, text);
		return error_set(&call->error, ERROR_BAD_REQUEST,
				 "%s: entries of a named list are prefixes with notes; verdict, expiry and "
				 "whether it is enabled are said where an account refers to the list",
				 text);
	}
	return 0;
}

int api_add_named_entries(struct call *call)
{
	const struct httpd_request *request = call->request;
	struct edition edition = {.call = call};
	int err = import_decode(request->body, request->body_length, imports_form(call), NAMED_ENTRIES_MAX,
				false, &edition.entries, &call->error);

	if (!err)
		err = check_plain(call, &edition.entries);
	if (!err)
		err = change_entries(&edition, CHANGE_LIST_ADD, CHANGE_LISTED_ADD);
	edition_clear(&edition);
	return err;
}

static int take_prefix(const char *name, const char *value, void *arg)
{
	struct edition *edition = arg;
	struct entry entry = {0};
	int err;

	if (strcmp(name, "prefix"))
		return 0;
	err = prefix_parse(value, &entry.prefix, &edition->call->error);
	if (!err && list_append(&edition->entries, &entry))
		err = call_answer(edition->call, NULL);
	return err;
}

int api_remove_named_entries(struct call *call)
{
	struct edition edition = {.call = call};
	int err = httpd_query_each(call->request, take_prefix, &edition);

	if (!err && !edition.entries.count)
		err = error_set(&call->error, ERROR_BAD_REQUEST,
				"say which: ?prefix=203.0.113.7&prefix=198.51.100.0/24");
	if (!err && list_sort(&edition.entries))
		err = error_set(&call->error, ERROR_BAD_REQUEST, "a prefix is named twice: name it once");
	if (!err)
		err = change_entries(&edition, CHANGE_LIST_REMOVE_ENTRIES, CHANGE_LISTED_REMOVE);
	edition_clear(&edition);
	return err;
}
