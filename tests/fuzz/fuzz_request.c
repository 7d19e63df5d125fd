// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_request.c - bodies of requests from any bytes: the first says which decoder, '0' to '7'
 *
 * Properties: what is accepted keeps the bounds of its struct and the order of its list, and a list that is
 * sent on is read as the same one; what is refused has a one-line reason that makes a problem document, and
 * leaves the result alone.
 */
#include "tests/fuzz/fuzz.h"
#include "userspace/core/error.h"
#include "userspace/core/request.h"

#define LIMIT 50

union result {
	struct request_account account;
	struct request_user user;
	struct request_interface interface;
	struct list list;
	enum role role;
	struct {
		struct service *services;
		size_t count;
	};
};

/* A decoder, and what must hold of its result, which is freed. */
struct target {
	int (*decode)(const char *body, size_t length, union result *ret, struct ag_error *error);
	void (*check)(union result *result);
};

static int post_account(const char *body, size_t length, union result *ret, struct ag_error *error)
{
	return request_account_decode(body, length, true, &ret->account, error);
}

static int patch_account(const char *body, size_t length, union result *ret, struct ag_error *error)
{
	return request_account_decode(body, length, false, &ret->account, error);
}

static void check_account(union result *result)
{
	const struct request_account *account = &result->account;

	assert(account->has_name || account->has_mode || account->has_on_deny || account->has_label);
	assert(!account->has_name || name_check("account", account->name, NULL) == 0);
	assert(note_check("label", account->label, NULL) == 0);
	assert(account->mode < AG_MODE_MAX && account->on_deny < AG_ON_DENY_MAX);
}

static int post_entries(const char *body, size_t length, union result *ret, struct ag_error *error)
{
	return request_entries_decode(body, length, LIMIT, false, &ret->list, error);
}

static int put_entries(const char *body, size_t length, union result *ret, struct ag_error *error)
{
	return request_entries_decode(body, length, LIMIT, true, &ret->list, error);
}

static void check_same_list(const struct list *a, const struct list *b)
{
	assert(a->count == b->count);
	for (size_t i = 0; i < a->count; i++) {
		const struct entry *x = &a->entries[i];
		const struct entry *y = &b->entries[i];

		assert(prefix_compare(&x->prefix, &y->prefix) == 0 && x->verdict == y->verdict);
		assert(!x->note == !y->note && (!x->note || strcmp(x->note, y->note) == 0));
	}
}

static void check_entries(union result *result)
{
	struct list *list = &result->list;
	json_t *json = json_entries_sent(list);
	char *text = json_dumps(json, 0);
	struct list again = {0};

	assert(list->count <= LIMIT && text);
	for (size_t i = 0; i < list->count; i++) {
		assert(i == 0 || prefix_compare(&list->entries[i - 1].prefix, &list->entries[i].prefix) < 0);
		assert(list->entries[i].prefix.len > 0);
		assert(!list->entries[i].created_by && !list->entries[i].created_at);
	}
	assert(request_entries_decode(text, strlen(text), LIMIT, true, &again, NULL) == 0);
	check_same_list(list, &again);
	list_clear(&again);
	list_clear(list);
	free(text);
	json_decref(json);
}

static int services(const char *body, size_t length, union result *ret, struct ag_error *error)
{
	return request_services_decode(body, length, &ret->services, &ret->count, error);
}

static void check_services(union result *result)
{
	assert(result->count > 0);
	for (size_t i = 1; i < result->count; i++)
		assert(service_compare(&result->services[i - 1], &result->services[i]) < 0);
	free(result->services);
}

static int user(const char *body, size_t length, union result *ret, struct ag_error *error)
{
	return request_user_decode(body, length, &ret->user, error);
}

static void check_user(union result *result)
{
	assert(name_check("user", result->user.name, NULL) == 0);
	assert(result->user.uid >= -1 && result->user.uid < UINT32_MAX);
}

static int role(const char *body, size_t length, union result *ret, struct ag_error *error)
{
	return request_role_decode(body, length, &ret->role, error);
}

static void check_role(union result *result)
{
	assert(result->role == ROLE_VIEWER || result->role == ROLE_ADMIN);
}

static int interface(const char *body, size_t length, union result *ret, struct ag_error *error)
{
	return request_interface_decode(body, length, &ret->interface, error);
}

static void check_interface(union result *result)
{
	const struct request_interface *got = &result->interface;

	assert(got->interface[0] && memchr(got->interface, '\0', sizeof(got->interface)));
	assert(!strchr(got->interface, '/') && !strchr(got->interface, '\n'));
	assert(memchr(got->mode, '\0', sizeof(got->mode)));
}

static const struct target targets[] = {
	{post_account, check_account},
	{patch_account, check_account},
	{post_entries, check_entries},
	{put_entries, check_entries},
	{services, check_services},
	{user, check_user},
	{role, check_role},
	{interface, check_interface},
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
	const struct target *target;
	union result result, untouched;
	struct ag_error error = {0};
	char *body;

	if (size == 0)
		return 0;
	target = &targets[data[0] % (sizeof(targets) / sizeof(*targets))];
	body = malloc(size); /* one byte more than the body: there is no memory of no size */
	assert(body);
	memcpy(body, data + 1, size - 1);
	body[size - 1] = 'x'; /* a body has no NUL behind it */
	memset(&untouched, 0x5a, sizeof(untouched));
	result = untouched;
	if (target->decode(body, size - 1, &result, &error) == 0) {
		target->check(&result);
	} else {
		check_refusal(&error);
		assert(memcmp(&result, &untouched, sizeof(result)) == 0);
	}
	free(body);
	return 0;
}
