/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * call.h - one request on its way through a route (private to api*.c)
 */
#pragma once

#include <jansson.h>

#include "userspace/core/access.h"
#include "userspace/core/buffer.h"
#include "userspace/core/error.h"
#include "userspace/daemon/change.h"
#include "userspace/daemon/gate.h"
#include "userspace/io/httpd.h"

#define CALL_ARGUMENTS_MAX 2
#define PAGE_LIMIT_DEFAULT 100
#define PAGE_LIMIT_MAX	   1000

struct call {
	struct gate *gate;
	const struct httpd_request *request;
	struct actor actor;
	const char *arguments[CALL_ARGUMENTS_MAX]; /* what stands for {...} in the path, decoded, in order */
	const struct account *account;		   /* where the path names one that is there */
	enum role role;				   /* of the actor in it */
	bool open;
	bool force;
	bool dry_run;
	json_t *answer; /* owned; or: */
	struct buffer text;
	struct ag_error error;
};

typedef int (*call_handler)(struct call *call);

/* Handlers: 0 with answer or text filled, or a negative errno with call->error. */
int api_list_accounts(struct call *call);
int api_show_account(struct call *call);
int api_add_account(struct call *call);
int api_set_account(struct call *call);
int api_remove_account(struct call *call);
int api_list_services(struct call *call);
int api_list_account_services(struct call *call);
int api_add_services(struct call *call);
int api_remove_services(struct call *call);
int api_list_entries(struct call *call);
int api_export_entries(struct call *call);
int api_add_entries(struct call *call);
int api_replace_entries(struct call *call);
int api_remove_entries(struct call *call);
int api_remove_entry(struct call *call);
int api_check_address(struct call *call);
int api_list_users(struct call *call);
int api_add_user(struct call *call);
int api_remove_user(struct call *call);
int api_list_roles(struct call *call);
int api_list_account_roles(struct call *call);
int api_grant_role(struct call *call);
int api_revoke_role(struct call *call);
int api_list_interfaces(struct call *call);
int api_attach_interface(struct call *call);
int api_detach_interface(struct call *call);
int api_list_audit(struct call *call);
int api_verify_audit(struct call *call);
int api_show_status(struct call *call);
int api_show_whoami(struct call *call);
int api_reload(struct call *call);

/* Takes over a new reference, or makes NULL the error of no memory. */
int call_answer(struct call *call, json_t *answer);
/* A change of that kind, filled with actor, account and options. */
struct change call_change(const struct call *call, enum change_kind kind);
/* Applies, and answers with what came of it. */
int call_apply(struct call *call, const struct change *change);

/* A page of a list, under construction. */
struct page {
	size_t limit;
	const char *after; /* NULL: from the start */
	json_t *items;
	char last[NAME_SIZE * 2 + SERVICE_TEXT_MAX]; /* cursor of the newest item */
	bool more;
};
/* Reads limit and after. */
int page_begin(struct call *call, struct page *page);
/* Whether one more item fits; notes that there is more otherwise. */
bool page_wants(struct page *page);
/* Takes over the item. */
int page_add(struct call *call, struct page *page, const char *cursor, json_t *item);
int page_end(struct call *call, struct page *page);
void page_clear(struct page *page);
