// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_request.c - bodies of requests from any bytes: the first says which decoder, '0' to '9'
 *
 * Properties: what is accepted keeps the bounds of its struct and the order of its list, and a list that is
 * sent on is read as the same one; what is refused has a one-line reason that makes a problem document, and
 * leaves the result alone.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/request_any.h"
#include "userspace/core/error.h"
#include "userspace/core/request.h"

#define LIMIT 50

/* What is shown of an action is read as the same one. */
static void check_on_deny(const struct on_deny *on_deny)
{
	char text[ON_DENY_TEXT_MAX];
	struct on_deny again;

	on_deny_format(on_deny, text);
	assert(on_deny_parse(text, &again, NULL) == 0 && on_deny_equal(on_deny, &again));
}

static void check_account(union any *any)
{
	const struct request_account *account = &any->account;

	assert(account->has_name || account->has_mode || account->has_on_deny || account->has_label);
	assert(!account->has_name || name_check("account", account->name, NULL) == 0);
	assert(note_check("label", account->label, NULL) == 0);
	assert(account->mode < AG_MODE_MAX);
	if (account->has_on_deny)
		check_on_deny(&account->on_deny);
}

static void check_same_list(const struct list *a, const struct list *b)
{
	assert(a->count == b->count);
	for (size_t i = 0; i < a->count; i++) {
		const struct entry *x = &a->entries[i];
		const struct entry *y = &b->entries[i];

		assert(prefix_compare(&x->prefix, &y->prefix) == 0 && x->verdict == y->verdict);
		assert(x->expires == y->expires && x->disabled == y->disabled);
		assert(!x->note == !y->note && (!x->note || strcmp(x->note, y->note) == 0));
	}
}

static void check_entries(union any *any)
{
	struct list *list = &any->list;
	json_t *json = json_entries_sent(list);
	char *text = json_dumps(json, 0);
	struct list again = {0};

	assert(list->count <= LIMIT && text);
	for (size_t i = 0; i < list->count; i++) {
		assert(i == 0 || prefix_compare(&list->entries[i - 1].prefix, &list->entries[i].prefix) < 0);
		assert(list->entries[i].prefix.len > 0);
		assert(list->entries[i].expires >= 0 && list->entries[i].expires <= EXPIRES_LAST);
		assert(!list->entries[i].created_by && !list->entries[i].created_at);
		assert(!list->entries[i].last_seen);
	}
	assert(request_entries_decode(text, strlen(text), LIMIT, true, &again, NULL) == 0);
	check_same_list(list, &again);
	list_clear(&again);
	free(text);
	json_decref(json);
}

static void check_services(union any *any)
{
	assert(any->count > 0);
	for (size_t i = 1; i < any->count; i++)
		assert(service_compare(&any->services[i - 1], &any->services[i]) < 0);
}

static void check_user(union any *any)
{
	assert(name_check("user", any->user.name, NULL) == 0);
	assert(any->user.uid >= -1 && any->user.uid < UINT32_MAX);
}

static void check_role(union any *any)
{
	assert(any->role == ROLE_VIEWER || any->role == ROLE_ADMIN);
}

static void check_interface(union any *any)
{
	const struct request_interface *got = &any->interface;

	assert(got->interface[0] && memchr(got->interface, '\0', sizeof(got->interface)));
	assert(!strchr(got->interface, '/') && !strchr(got->interface, '\n'));
	assert(memchr(got->mode, '\0', sizeof(got->mode)));
}

static void check_entry(union any *any)
{
	const struct request_entry *entry = &any->entry;

	assert(entry->has_note || entry->has_expires || entry->has_enabled);
	assert(note_check("note", entry->note, NULL) == 0);
	assert(entry->expires >= 0 && entry->expires <= EXPIRES_LAST);
	assert(entry->has_expires || !entry->expires);
}

static void check_token(union any *any)
{
	const struct request_token *token = &any->token;

	assert(name_check("user", token->user, NULL) == 0);
	assert(name_check("account", token->account, NULL) == 0);
	assert(token->role == ROLE_VIEWER || token->role == ROLE_ADMIN);
	assert(token->expires >= 0 && token->expires <= EXPIRES_LAST);
	assert(token->has_expires || !token->expires);
	assert(note_check("note", token->note, NULL) == 0);
}

/* What must hold of a result. */
static void (*const checks[KIND_MAX])(union any *any) = {
	[POST_ACCOUNT] = check_account,
	[PATCH_ACCOUNT] = check_account,
	[POST_ENTRIES] = check_entries,
	[PUT_ENTRIES] = check_entries,
	[SERVICES] = check_services,
	[USER] = check_user,
	[ROLE] = check_role,
	[INTERFACE] = check_interface,
	[PATCH_ENTRY] = check_entry,
	[TOKEN] = check_token,
};

static void check_refusal(const struct ag_error *error)
{
	json_t *problem = json_problem(error);

	assert(error->code == ERROR_BAD_REQUEST || error->code == ERROR_BAD_PREFIX ||
	       error->code == ERROR_LIMIT);
	assert(error->message[0] && !strchr(error->message, '\n'));
	assert(problem);
	json_decref(problem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	union any any, untouched;
	enum kind kind;
	struct ag_error error = {0};
	char *body;

	if (size == 0)
		return 0;
	kind = (uint8_t)(data[0] - '0') % KIND_MAX;
	body = malloc(size); /* one byte more than the body: there is no memory of no size */
	assert(body);
	memcpy(body, data + 1, size - 1);
	body[size - 1] = 'x'; /* a body has no NUL behind it */
	memset(&untouched, 0x5a, sizeof(untouched));
	any = untouched;
	if (decode_any(kind, body, size - 1, LIMIT, &any, &error) == 0) {
		checks[kind](&any);
		clear_any(kind, &any);
	} else {
		check_refusal(&error);
		assert(memcmp(&any, &untouched, sizeof(any)) == 0);
	}
	free(body);
	return 0;
}
