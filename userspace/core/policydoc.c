// SPDX-License-Identifier: GPL-2.0-only
/*
 * policydoc.c - a document in memory: what stands twice in it, and its order
 *
 * An account's objects are sorted in place, so what must be told of the document's own order is looked for
 * before that.
 */
#include "userspace/core/policydoc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/buffer.h"
#include "userspace/core/cleanup.h"
#include "userspace/core/policydoc_private.h"
#include "userspace/core/reference.h"

void policydoc_account_clear(struct policydoc_account *account)
{
	free(account->label);
	free(account->services);
	free(account->roles);
	list_clear(&account->entries);
	*account = (struct policydoc_account){0};
}

void policydoc_clear(struct policydoc *document)
{
	for (size_t i = 0; i < document->account_count; i++)
		policydoc_account_clear(&document->accounts[i]);
	for (size_t i = 0; i < document->list_count; i++)
		list_clear(&document->lists[i].entries);
	free(document->accounts);
	free(document->lists);
	*document = (struct policydoc){0};
}

static int compare_name(const void *name, const void *account)
{
	return strcmp(name, ((const struct policydoc_account *)account)->name);
}

const struct policydoc_account *policydoc_find(const struct policydoc *document, const char *name)
{
	if (!document->account_count)
		return NULL;
	return bsearch(name, document->accounts, document->account_count, sizeof(*document->accounts),
		       compare_name);
}

static int compare_list_name(const void *name, const void *list)
{
	return strcmp(name, ((const struct policydoc_list *)list)->name);
}

const struct policydoc_list *policydoc_find_list(const struct policydoc *document, const char *name)
{
	if (!document->list_count)
		return NULL;
	return bsearch(name, document->lists, document->list_count, sizeof(*document->lists),
		       compare_list_name);
}

/* --- what is wrong --------------------------------------------------------- */

void policydoc_bad_add(struct policydoc_bad *bad, const char *place, struct ag_error *problem)
{
	if (bad->count < POLICYDOC_BAD_MAX)
		(void)snprintf(bad->places[bad->count], POLICYDOC_PLACE_SIZE, "%s", place);
	if (bad->count++ == 0) {
		if (place[0])
			error_prepend(problem, "%s", place);
		bad->first = *problem;
	}
}

/* "accounts[0].name: what is wrong with it (wrong too: accounts[3].mode, and 2 more)" */
int policydoc_bad_finish(const struct policydoc_bad *bad, struct ag_error *error)
{
	CLEANUP(buffer_clear) struct buffer others = {.limit = sizeof(bad->first.message) - 280 - 48};
	size_t named = 1;

	if (!bad->count)
		return 0;
	if (bad->count == 1)
		return error_set(error, bad->first.code, "%s", bad->first.message);
	while (named < bad->count && named < POLICYDOC_BAD_MAX &&
	       !buffer_print(&others, "%s%s", named > 1 ? ", " : "", bad->places[named]))
		named++;
	if (named == bad->count)
		return error_set(error, bad->first.code, "%.280s (wrong too: %s)", bad->first.message,
				 others.data);
	return error_set(error, bad->first.code, "%.280s (wrong too: %s and %s%zu more)", bad->first.message,
			 others.data ? others.data : "", bad->count >= POLICYDOC_BAD_STOP ? "at least " : "",
			 bad->count - named);
}

/* --- what stands twice ----------------------------------------------------- */

static size_t later(size_t a, size_t b)
{
	return a > b ? a : b;
}

static size_t earlier(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int compare_accounts(const void *a, const void *b)
{
	const struct policydoc_account *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x->index > y->index) - (x->index < y->index);
}

static void settle_accounts(struct policydoc *document, struct policydoc_bad *bad)
{
	struct policydoc_account *accounts = document->accounts;
	char place[POLICYDOC_PLACE_SIZE];
	struct ag_error problem;

	if (document->account_count)
		qsort(accounts, document->account_count, sizeof(*accounts), compare_accounts);
	for (size_t i = 1; i < document->account_count; i++) {
		if (!accounts[i].name[0] || strcmp(accounts[i - 1].name, accounts[i].name) != 0)
			continue;
		(void)snprintf(place, sizeof(place), "accounts[%zu].name", accounts[i].index);
		(void)error_set(&problem, ERROR_BAD_REQUEST,
				"account '%s' stands in accounts[%zu] already: write it once",
				accounts[i].name, accounts[i - 1].index);
		policydoc_bad_add(bad, place, &problem);
	}
}

/* A service and where it stands. */
struct placed_service {
	struct service service;
	size_t account;
	size_t index;
};

static int compare_placed(const void *a, const void *b)
{
	const struct placed_service *x = a, *y = b;
	int order = service_compare(&x->service, &y->service);

	if (order)
		return order;
	if (x->account != y->account)
		return x->account > y->account ? 1 : -1;
	return (x->index > y->index) - (x->index < y->index);
}

static void report_service(const struct placed_service *first, const struct placed_service *again,
			   struct policydoc_bad *bad)
{
	char place[POLICYDOC_PLACE_SIZE], text[SERVICE_TEXT_MAX];
	struct ag_error problem;

	service_format(&again->service, text);
	(void)snprintf(place, sizeof(place), "accounts[%zu].services[%zu]", again->account, again->index);
	(void)error_set(&problem, ERROR_BAD_REQUEST,
			"%s is in accounts[%zu].services[%zu] already: a service is of one account", text,
			first->account, first->index);
	policydoc_bad_add(bad, place, &problem);
}

static size_t place_services(const struct policydoc *document, struct placed_service *placed)
{
	size_t count = 0;

	for (size_t i = 0; i < document->account_count; i++) {
		const struct policydoc_account *account = &document->accounts[i];

		for (size_t k = 0; k < account->service_count; k++)
			placed[count++] = (struct placed_service){account->services[k], account->index, k};
	}
	return count;
}

static int compare_services(const void *a, const void *b)
{
	return service_compare(a, b);
}

/* Of the whole document: whose a service is must not depend on the order in which they are looked at. */
static int settle_services(struct policydoc *document, struct policydoc_bad *bad)
{
	AUTO_FREE struct placed_service *placed = NULL;
	size_t count = 0;

	for (size_t i = 0; i < document->account_count; i++)
		count += document->accounts[i].service_count;
	if (!count)
		return 0;
	placed = calloc(count, sizeof(*placed));
	if (!placed)
		return -ENOMEM;
	qsort(placed, place_services(document, placed), sizeof(*placed), compare_placed);
	for (size_t i = 1; i < count && bad->count < POLICYDOC_BAD_STOP; i++)
		if (service_compare(&placed[i - 1].service, &placed[i].service) == 0)
			report_service(&placed[i - 1], &placed[i], bad);
	for (size_t i = 0; i < document->account_count; i++)
		if (document->accounts[i].service_count)
			qsort(document->accounts[i].services, document->accounts[i].service_count,
			      sizeof(struct service), compare_services);
	return 0;
}

static int compare_roles(const void *a, const void *b)
{
	const struct policydoc_role *x = a, *y = b;
	int order = strcmp(x->user, y->user);

	return order ? order : (x->index > y->index) - (x->index < y->index);
}

static void settle_roles(struct policydoc_account *account, struct policydoc_bad *bad)
{
	char place[POLICYDOC_PLACE_SIZE];
	struct ag_error problem;

	if (account->role_count)
		qsort(account->roles, account->role_count, sizeof(*account->roles), compare_roles);
	for (size_t i = 1; i < account->role_count; i++) {
		const struct policydoc_role *role = &account->roles[i];

		if (strcmp(role[-1].user, role->user) != 0)
			continue;
		(void)snprintf(place, sizeof(place), "accounts[%zu].roles[%zu].user", account->index,
			       role->index);
		(void)error_set(&problem, ERROR_BAD_REQUEST,
				"user '%s' has a role in roles[%zu] already: write one", role->user,
				role[-1].index);
		policydoc_bad_add(bad, place, &problem);
	}
}

/* An array of entries: "accounts" or "lists", and the index of what it is of. */
struct entries_place {
	const char *array;
	size_t index;
};

static void report_entry(const struct entries_place *of, const struct entry *a, const struct entry *b,
			 struct policydoc_bad *bad)
{
	size_t first = earlier((size_t)a->created_at, (size_t)b->created_at);
	size_t again = later((size_t)a->created_at, (size_t)b->created_at);
	char place[POLICYDOC_PLACE_SIZE], text[ENTRY_TEXT_MAX];
	struct ag_error problem;

	entry_format_short(a, text);
	(void)snprintf(place, sizeof(place), "%s[%zu].entries[%zu].prefix", of->array, of->index, again);
	(void)error_set(&problem, ERROR_BAD_REQUEST, "%s stands in entries[%zu] already: keep one of them",
			text, first);
	policydoc_bad_add(bad, place, &problem);
}

static void settle_entries(struct list *list, const struct entries_place *of, struct policydoc_bad *bad)
{
	if (list_sort(list))
		for (size_t i = 1; i < list->count && bad->count < POLICYDOC_BAD_STOP; i++)
			if (prefix_compare(&list->entries[i - 1].prefix, &list->entries[i].prefix) == 0)
				report_entry(of, &list->entries[i - 1], &list->entries[i], bad);
	for (size_t i = 0; i < list->count; i++)
		list->entries[i].created_at = 0;
}

static int compare_lists(const void *a, const void *b)
{
	const struct policydoc_list *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x->index > y->index) - (x->index < y->index);
}

static void settle_lists(struct policydoc *document, struct policydoc_bad *bad)
{
	struct policydoc_list *lists = document->lists;
	char place[POLICYDOC_PLACE_SIZE];
	struct ag_error problem;

	for (size_t i = 0; i < document->list_count && bad->count < POLICYDOC_BAD_STOP; i++)
		settle_entries(&lists[i].entries, &(struct entries_place){"lists", lists[i].index}, bad);
	if (document->list_count)
		qsort(lists, document->list_count, sizeof(*lists), compare_lists);
	for (size_t i = 1; i < document->list_count; i++) {
		if (!lists[i].name[0] || strcmp(lists[i - 1].name, lists[i].name) != 0)
			continue;
		(void)snprintf(place, sizeof(place), "lists[%zu].name", lists[i].index);
		(void)error_set(&problem, ERROR_BAD_REQUEST,
				"list '%s' stands in lists[%zu] already: write it once", lists[i].name,
				lists[i - 1].index);
		policydoc_bad_add(bad, place, &problem);
	}
}

int policydoc_settle(struct policydoc *document, struct policydoc_bad *bad)
{
	int r = settle_services(document, bad);

	for (size_t i = 0; i < document->account_count && bad->count < POLICYDOC_BAD_STOP; i++) {
		struct policydoc_account *account = &document->accounts[i];

		settle_roles(account, bad);
		settle_entries(&account->entries, &(struct entries_place){"accounts", account->index}, bad);
	}
	settle_lists(document, bad);
	if (r == 0)
		settle_accounts(document, bad);
	return r;
}
