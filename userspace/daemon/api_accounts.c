// SPDX-License-Identifier: GPL-2.0-only
/*
 * api_accounts.c - accounts and their services
 */
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/request.h"
#include "userspace/daemon/call.h"
#include "userspace/daemon/pending.h"

/* Until when its newest change is to be confirmed. */
static json_t *with_confirm_by(json_t *account, int64_t until)
{
	char text[TIME_TEXT_MAX];

	if (!account || !until)
		return account;
	time_format(until, text);
	if (!json_object_set_new(account, "confirm_by", json_string(text)))
		return account;
	json_decref(account);
	return NULL;
}

static json_t *account_json(const struct gate *gate, const struct account *account)
{
	size_t services;

	(void)summary_claims_of(&gate->summary, account->slot,
				&services); /* only their number is asked for */
	return with_confirm_by(json_account(account, services), pending_confirm_by(gate, account->name));
}

static bool may_see(const struct call *call, const struct store_role *roles, size_t count,
		    const char *account)
{
	if (call->actor.operator_)
		return true;
	for (size_t i = 0; i < count; i++)
		if (!strcmp(roles[i].account, account))
			return true;
	return false;
}

int api_list_accounts(struct call *call)
{
	const struct gate *gate = call->gate;
	AUTO_FREE struct store_role *roles = NULL;
	struct page page = {0};
	size_t role_count = 0;
	int err = page_begin(call, &page);

	if (!err && !call->actor.operator_)
		err = store_roles(gate->store, NULL, call->actor.name, &roles, &role_count, &call->error);
	for (size_t i = page.after ? summary_behind(&gate->summary, page.after) : 0;
	     i < gate->summary.account_count && !err; i++) {
		const struct account *account = gate->summary.accounts[i];

		if (!may_see(call, roles, role_count, account->name))
			continue;
		if (!page_wants(&page))
			break;
		err = page_add(call, &page, account->name, account_json(gate, account));
	}
	if (!err)
		err = page_end(call, &page);
	page_clear(&page);
	return err;
}

int api_show_account(struct call *call)
{
	call_tag(call, call->account);
	return call_answer(call, account_json(call->gate, call->account));
}

/* A change of an account answers with the account as it is then; a dry run with what came of it alone. */
static int conclude_account(struct call *call)
{
	const struct account *account = gate_account(call->gate, call->subject);

	if (call->dry_run || !account)
		return 0;
	return json_object_set_new(call->answer, "account", account_json(call->gate, account))
		       ? call_answer(call, NULL)
		       : 0;
}

static int settle_account(struct call *call, enum change_kind kind, const struct request_account *asked)
{
	struct change change = call_change(call, kind);

	if (asked->has_name)
		(void)snprintf(change.account, sizeof(change.account), "%s", asked->name);
	change.mode = asked->has_mode ? &asked->mode : NULL;
	change.on_deny = asked->has_on_deny ? &asked->on_deny : NULL;
	change.label = asked->has_label ? asked->label : NULL;
	(void)snprintf(call->subject, sizeof(call->subject), "%s", change.account);
	call->conclude = conclude_account;
	return call_apply(call, &change);
}

int api_add_account(struct call *call)
{
	struct request_account asked = {0};
	int err = request_account_decode(call->request->body, call->request->body_length, true, &asked,
					 &call->error);

	return err ? err : settle_account(call, CHANGE_ACCOUNT_ADD, &asked);
}

int api_set_account(struct call *call)
{
	struct request_account asked = {0};
	int err = request_account_decode(call->request->body, call->request->body_length, false, &asked,
					 &call->error);

	if (!err && asked.has_label && !call->actor.operator_)
		err = error_set(&call->error, ERROR_FORBIDDEN,
				"only an operator changes the label of an account: leave it out, or ask one");
	return err ? err : settle_account(call, CHANGE_ACCOUNT_SET, &asked);
}

int api_remove_account(struct call *call)
{
	struct change change = call_change(call, CHANGE_ACCOUNT_REMOVE);

	return call_apply(call, &change);
}

/* --- services -------------------------------------------------------------- */

/* Cursor of a service: its account, a blank, the service. */
struct service_cursor {
	char account[NAME_SIZE];
	struct service service;
};

static int parse_service_cursor(struct call *call, const char *text, struct service_cursor *ret)
{
	const char *blank = strchr(text, ' ');

	if (!blank || (size_t)(blank - text) >= sizeof(ret->account))
		return error_set(&call->error, ERROR_BAD_REQUEST,
				 "after: give back the cursor of the page before as it came");
	memcpy(ret->account, text, (size_t)(blank - text));
	ret->account[blank - text] = '\0';
	return service_parse(blank + 1, &ret->service, &call->error);
}

static bool behind_cursor(const struct page *page, const struct service_cursor *cursor, const char *account,
			  const struct service *service)
{
	int order = page->after ? strcmp(account, cursor->account) : 1;

	return order > 0 || (order == 0 && service_compare(service, &cursor->service) > 0);
}

static int page_services(struct call *call, struct page *page, const struct service_cursor *cursor,
			 const struct account *account)
{
	char text[SERVICE_TEXT_MAX], last[NAME_SIZE + SERVICE_TEXT_MAX];
	bool passed = page->after && strcmp(account->name, cursor->account) < 0;
	size_t count = 0;
	const struct claim *claims = passed ? NULL
					    : summary_claims_of(&call->gate->summary, account->slot, &count);
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		if (!behind_cursor(page, cursor, account->name, &claims[i].service))
			continue;
		if (!page_wants(page))
			return 0;
		service_format(&claims[i].service, text);
		(void)snprintf(last, sizeof(last), "%s %s", account->name, text);
		err = page_add(call, page, last, json_service(account->name, &claims[i].service));
	}
	return err;
}

static int answer_services(struct call *call, struct account *const *accounts, size_t count)
{
	struct service_cursor cursor = {0};
	struct page page = {0};
	int err = page_begin(call, &page);

	if (!err && page.after)
		err = parse_service_cursor(call, page.after, &cursor);
	for (size_t i = 0; i < count && !err && !page.more; i++)
		err = page_services(call, &page, &cursor, accounts[i]);
	if (!err)
		err = page_end(call, &page);
	page_clear(&page);
	return err;
}

int api_list_services(struct call *call)
{
	return answer_services(call, call->gate->summary.accounts, call->gate->summary.account_count);
}

int api_list_account_services(struct call *call)
{
	struct account *account = gate_account(call->gate, call->account->name);

	return answer_services(call, &account, 1);
}

int api_add_services(struct call *call)
{
	struct change change = call_change(call, CHANGE_SERVICE_ADD);
	AUTO_FREE struct service *services = NULL;
	int err = request_services_decode(call->request->body, call->request->body_length, &services,
					  &change.service_count, &call->error);

	change.services = services;
	return err ? err : call_apply(call, &change);
}

int api_remove_services(struct call *call)
{
	struct change change = call_change(call, CHANGE_SERVICE_REMOVE);
	const char *text = httpd_query(call->request, "service");
	struct service service;
	int err;

	if (!text)
		return error_set(&call->error, ERROR_BAD_REQUEST, "say which: ?service=192.0.2.10:443/tcp");
	err = service_parse(text, &service, &call->error);
	change.services = &service;
	change.service_count = 1;
	return err ? err : call_apply(call, &change);
}
