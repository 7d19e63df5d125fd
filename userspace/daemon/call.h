/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * call.h - one request on its way through a route (private to api*.c)
 */
#pragma once

#include <jansson.h>

#include "userspace/core/access.h"
#include "userspace/core/buffer.h"
#include "userspace/core/error.h"
#include "userspace/core/origin.h"
#include "userspace/daemon/api.h"
#include "userspace/daemon/change.h"
#include "userspace/daemon/gate.h"
#include "userspace/daemon/routes.h"
#include "userspace/daemon/tokens.h"
#include "userspace/io/httpd.h"

#define PAGE_LIMIT_DEFAULT 100
#define PAGE_LIMIT_MAX	   1000
#define COUNTS_MAX	   128

struct confirms;
struct import;
struct imports;
struct differences;
struct exports;
struct origins;
struct policies;
struct remote;
struct verify;

struct api {
	struct gate *gate;
	struct confirms *confirms;
	struct imports *imports;
	struct exports *exports;
	struct differences *differences;
	struct origins *origins;
	struct policies *policies;
	struct verify *verify;
	struct tokens *tokens;
	struct remote *remote; /* whose certificate a reload renews; NULL: none */
	struct api_count counts[COUNTS_MAX];
	size_t count;
	char allow[64]; /* of the newest 405, until httpd has copied it */
};

struct call {
	struct api *api;
	struct gate *gate;
	const struct httpd_request *request;
	struct httpd_ticket *ticket; /* once it was deferred */
	bool waits;		     /* for something that calls api_finish() or api_resume() */
	const char *streams;	     /* the answer, from now on, with this type; NULL: it does not */
	struct match match;
	struct actor actor;
	struct origin origin;	       /* of the peer (origins.h); ORIGIN_NONE: not asked for */
	const char *const *arguments;  /* what stands for {...} in the path, decoded, in order */
	const struct account *account; /* where the path names one that is there; not across a wait */
	enum role role;		       /* of the actor in it */
	bool open;
	bool force;
	bool dry_run;
	int64_t confirm_within; /* seconds; 0: it stays */
	/* Adds to the answer of a change that went well; NULL: nothing. */
	int (*conclude)(struct call *call);
	char subject[NAME_SIZE]; /* the account that it adds */
	char etag[ETAG_SIZE];	 /* of what is shown; "": none */
	bool busy;		 /* the error is of the moment: 503 */
	struct tokens_refusal refusal;
	json_t *answer; /* owned; or: */
	struct buffer text;
	const char *text_type; /* static; NULL: plain */
	struct ag_error error;
};

/* The request is answered later: then the handler returns 0. No memory: an error. */
int call_wait(struct call *call);
/* Answers a call that waited, and frees it; err as a handler's. */
void api_finish(struct call *call, int err);
/* Has a call that waited handled again from the start. */
void api_resume(struct call *call);

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
int api_set_entry(struct call *call);
int api_list_generations(struct call *call);
int api_show_difference(struct call *call);
int api_roll_back(struct call *call);
int api_check_address(struct call *call);
int api_check_packet(struct call *call);
int api_list_denied(struct call *call);
int api_follow_events(struct call *call);
int api_list_users(struct call *call);
int api_add_user(struct call *call);
int api_remove_user(struct call *call);
int api_export_user(struct call *call);
int api_erase_user(struct call *call);
int api_list_roles(struct call *call);
int api_list_account_roles(struct call *call);
int api_grant_role(struct call *call);
int api_revoke_role(struct call *call);
int api_list_tokens(struct call *call);
int api_create_token(struct call *call);
int api_revoke_token(struct call *call);
int api_list_named(struct call *call);
int api_show_named(struct call *call);
int api_create_named(struct call *call);
int api_remove_named(struct call *call);
int api_list_named_entries(struct call *call);
int api_add_named_entries(struct call *call);
int api_remove_named_entries(struct call *call);
int api_list_interfaces(struct call *call);
int api_attach_interface(struct call *call);
int api_detach_interface(struct call *call);
int api_list_audit(struct call *call);
int api_export_audit(struct call *call);
int api_verify_audit(struct call *call);
int api_show_document(struct call *call);
int api_show_status(struct call *call);
int api_show_whoami(struct call *call);
int api_reload(struct call *call);
int api_examine_host(struct call *call);
int api_start_panic(struct call *call);
int api_end_panic(struct call *call);
/* Whom a change would stop. */
json_t *preview_json(const struct preview *preview);
/* null, or since when, and in full by whom and why. */
json_t *panic_json(const struct gate *gate, bool in_full);
int api_export_policy(struct call *call);
int api_apply_policy(struct call *call);
int api_list_pending(struct call *call);
int api_show_pending(struct call *call);
int api_undo_pending(struct call *call);
int api_confirm(struct call *call);

/* Whether the actor may change that list: an admin of every account that uses it; of one that nobody does, an
 * operator. */
int named_check_right(struct call *call, const char *named);

/* Takes over a new reference, or makes NULL the error of no memory. */
int call_answer(struct call *call, json_t *answer);
/* The answer carries the account's tag. */
void call_tag(struct call *call, const struct account *account);
/* A change of that kind, filled with actor, account and options. */
struct change call_change(const struct call *call, enum change_kind kind);
/* Applies, now or once it is prepared, and answers with what came of it. */
int call_apply(struct call *call, const struct change *change);
/* The answer to a change that came to this. */
int call_outcome(struct call *call, const struct outcome *outcome);

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
