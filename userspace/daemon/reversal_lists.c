// SPDX-License-Identifier: GPL-2.0-only
/*
 * reversal_lists.c - allowlists and named lists in a document: see reversal_private.h
 *
 * Few entries go back one by one, as they were; a list that was put in place whole goes back to the
 * generation of before, which is pinned meanwhile. Lists that are referred to on the way back must be there
 * then.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/request.h"
#include "userspace/daemon/reversal_private.h"

DEFINE_CLEANUP(json, json_t *, json_decref)
#define AUTO_JSON CLEANUP(cleanup_json)

/* --- to a document ---------------------------------------------------------- */

/* As they are sent, and beside them who added them and when, in the same order. */
static int put_list(json_t *document, const struct list *list, struct ag_error *error)
{
	AUTO_JSON json_t *authors = json_array();
	int err = reversal_check_count(list->count, "entries", error);

	for (size_t i = 0; i < list->count && !err; i++) {
		const char *by = list->entries[i].created_by;

		if (json_array_append_new(authors, json_pack("[s, I]", by ? by : "",
							     (json_int_t)list->entries[i].created_at)))
			err = reversal_no_memory(error);
	}
	if (!err)
		err = reversal_put(document, "list", json_entries_sent(list), error);
	return err ? err : reversal_put(document, "authors", TAKE_PTR(authors), error);
}

void reversal_claim_references(struct buffer *claims, const struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->entries[i].list)
			reversal_claim(claims, "uses=%s", list->entries[i].list);
}

int reversal_put_entries(struct edit *edit, json_t *document, struct buffer *claims, struct ag_error *error)
{
	struct list list = {0};
	int err = reversal_check_count(account_entries(&edit->before), "entries", error);

	if (!err)
		err = store_list(edit->gate->store, edit->before.id, &list, error);
	if (!err) {
		reversal_claim_references(claims, &list);
		err = put_list(document, &list, error);
	}
	list_clear(&list);
	return err;
}

int reversal_claim_list(struct edit *edit, struct buffer *claims, struct ag_error *error)
{
	struct list references = {0};
	int err = edit->before.references
			  ? store_references(edit->gate->store, edit->before.id, &references, error)
			  : 0;

	reversal_claim_references(claims, &references);
	list_clear(&references);
	return err;
}

/* The generation that everybody enforces, whatever the changes before have made of it. */
int reversal_describe_whole(struct edit *edit, json_t *document, struct buffer *claims,
			    struct ag_error *error)
{
	const struct account *account = gate_account(edit->gate, edit->change->account);
	json_int_t generation = (json_int_t)(account ? account->generation : edit->before.generation);
	int err = reversal_claim_list(edit, claims, error);

	reversal_claim(claims, "back=%s@%lld", edit->change->account, (long long)generation);
	if (!err)
		err = reversal_put(document, "do", json_string("allow replace"), error);
	return err ? err : reversal_put(document, "restores", json_integer(generation), error);
}

int reversal_describe_allow_add(struct edit *edit, json_t *document, struct buffer *claims,
				struct ag_error *error)
{
	const struct change *change = edit->change;
	int err;

	if (change->prepared && change->prepared->import)
		return reversal_describe_whole(edit, document, claims, error);
	err = reversal_put(document, "do", json_string("allow remove"), error);
	return err ? err : put_list(document, change->list, error);
}

/* Those of the account's entries that are named. What is not there, the edit will find. */
static int find_held(struct edit *edit, struct list *ret, struct ag_error *error)
{
	const struct list *asked = edit->change->list;
	struct ag_error why = {0};

	for (size_t i = 0; i < asked->count; i++) {
		struct entry held = {0};
		int err = store_entry_find(edit->gate->store, edit->before.id, &asked->entries[i].prefix,
					   &held, &why);

		if (err && why.code != ERROR_NOT_FOUND) {
			*error = why;
			return err;
		}
		if (!err && list_append(ret, &held))
			return reversal_no_memory(error);
	}
	(void)list_sort(ret); /* each is there once */
	return 0;
}

int reversal_describe_held(struct edit *edit, json_t *document, struct buffer *claims, struct ag_error *error)
{
	struct list held = {0};
	int err = find_held(edit, &held, error);

	if (!err) {
		reversal_claim_references(claims, &held);
		err = put_list(document, &held, error);
	}
	list_clear(&held);
	return err;
}

/* --- named lists to a document ------------------------------------------------ */

int reversal_describe_list(struct edit *edit, json_t *document, struct buffer *claims, struct ag_error *error)
{
	reversal_claim(claims, "list=%s", edit->change->named);
	return edit->change->list ? put_list(document, edit->change->list, error) : 0;
}

/* The list, or those of its entries that are named. What is not there, the edit will find. */
static int put_listed(struct edit *edit, json_t *document, const struct list *asked, struct ag_error *error)
{
	struct store *store = edit->gate->store;
	struct list all = {0}, some = {.count = 0};
	struct store_named named;
	int err = store_named_find(store, edit->change->named, &named, error);

	if (!err)
		err = store_named_list(store, &named, &all, error);
	some.entries = err ? NULL : calloc(all.count + 1, sizeof(*some.entries));
	if (!err && !some.entries)
		err = reversal_no_memory(error);
	for (size_t i = 0; i < all.count && !err; i++)
		if (!asked || list_find(asked, &all.entries[i].prefix))
			some.entries[some.count++] = all.entries[i]; /* with strings that stay its own */
	if (!err)
		err = put_list(document, &some, error);
	if (!err && !asked)
		err = reversal_put(document, "created_at", json_integer(named.created_at), error);
	free(some.entries);
	list_clear(&all);
	return err;
}

int reversal_describe_list_remove(struct edit *edit, json_t *document, struct buffer *claims,
				  struct ag_error *error)
{
	reversal_claim(claims, "list=%s", edit->change->named);
	return put_listed(edit, document, NULL, error);
}

int reversal_describe_list_remove_entries(struct edit *edit, json_t *document, struct buffer *claims,
					  struct ag_error *error)
{
	reversal_claim(claims, "list=%s", edit->change->named);
	return put_listed(edit, document, edit->change->list, error);
}

/* --- and back ----------------------------------------------------------------- */

static int sign_entries(const json_t *authors, struct list *list, struct ag_error *error)
{
	if (json_array_size(authors) != list->count)
		return error_set(error, ERROR_STORE, "entries and their authors are not as many");
	for (size_t i = 0; i < list->count; i++) {
		const json_t *author = json_array_get(authors, i);
		const char *by = json_string_value(json_array_get(author, 0));

		list->entries[i].created_by = strdup(by ? by : "");
		list->entries[i].created_at = json_integer_value(json_array_get(author, 1));
		if (!list->entries[i].created_by)
			return reversal_no_memory(error);
	}
	return 0;
}

int reversal_read_list(const json_t *document, struct reversal *reversal, struct ag_error *error)
{
	AUTO_FREE char *text = json_dumps(json_object_get(document, "list"), JSON_COMPACT);
	int err = text ? request_entries_decode(text, strlen(text), REVERSAL_ITEMS_MAX, true, &reversal->list,
						error)
		       : reversal_no_memory(error);

	reversal->change.list = &reversal->list;
	reversal->change.keeps_expired = true;
	reversal->change.created_at = json_integer_value(json_object_get(document, "created_at"));
	return err ? err : sign_entries(json_object_get(document, "authors"), &reversal->list, error);
}

/* The one entry, as it was. */
int reversal_read_set(const json_t *document, struct reversal *reversal, struct ag_error *error)
{
	struct request_entry *set = &reversal->set;
	const struct entry *was;
	int err = reversal_read_list(document, reversal, error);

	if (err)
		return err;
	if (reversal->list.count != 1)
		return error_set(error, ERROR_STORE, "it is not of one entry");
	was = &reversal->list.entries[0];
	*set = (struct request_entry){.has_note = true,
				      .has_expires = true,
				      .has_enabled = true,
				      .expires = was->expires,
				      .enabled = !was->disabled};
	(void)snprintf(set->note, sizeof(set->note), "%s", was->note ? was->note : "");
	reversal->change.set = set;
	return 0;
}

int reversal_read_whole(const json_t *document, struct reversal *reversal, struct ag_error *error)
{
	reversal->change.restores = (uint64_t)json_integer_value(json_object_get(document, "restores"));
	return reversal->change.restores ? 0 : error_set(error, ERROR_STORE, "it names no generation");
}
