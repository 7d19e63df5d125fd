// SPDX-License-Identifier: GPL-2.0-only
/*
 * routes.c - the route table
 */
#include "userspace/daemon/routes.h"

#include <stdio.h>
#include <string.h>

#include "userspace/core/error.h"
#include "userspace/core/uri.h"
#include "userspace/daemon/call.h"

#define SEGMENTS_MAX 8
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct route routes[] = {
	{"GET", "/v1/openapi.yaml", RIGHT_ANYONE, api_show_document, .without_store = true},
	{"GET", "/v1/status", RIGHT_KNOWN, api_show_status, .without_store = true},
	{"GET", "/v1/whoami", RIGHT_ANYONE, api_show_whoami, .without_store = true},
	{"POST", "/v1/reload", RIGHT_OPERATE, api_reload, .action = "reload", .without_store = true},
	{"GET", "/v1/doctor", RIGHT_OPERATE, api_examine_host, .query = " interface ", .without_store = true},
	{"PUT", "/v1/panic", RIGHT_OPERATE, api_start_panic, .action = "panic", .without_store = true},
	{"DELETE", "/v1/panic", RIGHT_OPERATE, api_end_panic, .action = "panic off", .without_store = true},
	{"GET", "/v1/accounts", RIGHT_KNOWN, api_list_accounts, .query = " limit after "},
	{"POST", "/v1/accounts", RIGHT_OPERATE, api_add_account, .action = "account add", .confirm = true,
	 .done = 201},
	{"GET", "/v1/accounts/{account}", RIGHT_ACCOUNT_READ, api_show_account, .query = NULL},
	{"PATCH", "/v1/accounts/{account}", RIGHT_ACCOUNT_TUNE, api_set_account, .action = "account set",
	 .confirm = true, .list = true},
	{"DELETE", "/v1/accounts/{account}", RIGHT_OPERATE, api_remove_account, .action = "account remove",
	 .confirm = true, .list = true},
	{"GET", "/v1/accounts/{account}/allowlist", RIGHT_ACCOUNT_READ, api_list_entries,
	 .query = " limit after unused "},
	{"POST", "/v1/accounts/{account}/allowlist", RIGHT_ACCOUNT_LIST, api_add_entries, .query = " import ",
	 .action = "allow add", .confirm = true, .done = 201, .list = true},
	{"PUT", "/v1/accounts/{account}/allowlist", RIGHT_ACCOUNT_LIST, api_replace_entries,
	 .action = "allow replace", .confirm = true, .list = true},
	{"DELETE", "/v1/accounts/{account}/allowlist", RIGHT_ACCOUNT_LIST, api_remove_entries,
	 .query = " prefix ", .action = "allow remove", .confirm = true, .list = true},
	{"GET", "/v1/accounts/{account}/allowlist/export", RIGHT_ACCOUNT_READ, api_export_entries,
	 .query = NULL},
	{"PATCH", "/v1/accounts/{account}/allowlist/{prefix}", RIGHT_ACCOUNT_LIST, api_set_entry,
	 .action = "allow set", .confirm = true, .list = true},
	{"DELETE", "/v1/accounts/{account}/allowlist/{prefix}", RIGHT_ACCOUNT_LIST, api_remove_entry,
	 .action = "allow remove", .confirm = true, .list = true},
	{"GET", "/v1/accounts/{account}/generations", RIGHT_ACCOUNT_READ, api_list_generations,
	 .query = " limit after "},
	{"GET", "/v1/accounts/{account}/generations/{generation}/diff", RIGHT_ACCOUNT_READ,
	 api_show_difference, .query = " to "},
	{"POST", "/v1/accounts/{account}/rollback", RIGHT_ACCOUNT_LIST, api_roll_back,
	 .action = "allow rollback", .confirm = true, .list = true},
	{"GET", "/v1/accounts/{account}/check", RIGHT_ACCOUNT_READ, api_check_address, .query = " address "},
	{"GET", "/v1/check", RIGHT_OPERATE, api_check_packet, .query = " from to "},
	{"GET", "/v1/accounts/{account}/denied", RIGHT_ACCOUNT_READ, api_list_denied,
	 .query = " limit after "},
	{"GET", "/v1/denied", RIGHT_OPERATE, api_list_denied, .query = " limit after "},
	{"GET", "/v1/events", RIGHT_OPERATE, api_follow_events, .query = " account "},
	{"GET", "/v1/accounts/{account}/services", RIGHT_ACCOUNT_READ, api_list_account_services,
	 .query = " limit after "},
	{"POST", "/v1/accounts/{account}/services", RIGHT_OPERATE, api_add_services, .action = "service add",
	 .confirm = true, .done = 201},
	{"DELETE", "/v1/accounts/{account}/services", RIGHT_OPERATE, api_remove_services,
	 .query = " service ", .action = "service remove", .confirm = true},
	{"GET", "/v1/services", RIGHT_OPERATE, api_list_services, .query = " limit after "},
	{"GET", "/v1/accounts/{account}/roles", RIGHT_ACCOUNT_READ, api_list_account_roles,
	 .query = " limit after "},
	{"PUT", "/v1/accounts/{account}/roles/{user}", RIGHT_OPERATE, api_grant_role, .action = "role grant",
	 .confirm = true},
	{"DELETE", "/v1/accounts/{account}/roles/{user}", RIGHT_OPERATE, api_revoke_role,
	 .action = "role revoke", .confirm = true},
	{"GET", "/v1/roles", RIGHT_OPERATE, api_list_roles, .query = " limit after "},
	{"GET", "/v1/users", RIGHT_OPERATE, api_list_users, .query = " limit after "},
	{"GET", "/v1/users/{user}/export", RIGHT_KNOWN, api_export_user, .query = NULL},
	{"POST", "/v1/users/{user}/erase", RIGHT_OPERATE, api_erase_user, .action = "user erase"},
	{"GET", "/v1/tokens", RIGHT_OPERATE, api_list_tokens, .query = " limit after "},
	{"POST", "/v1/tokens", RIGHT_OPERATE, api_create_token, .action = "token create", .confirm = true,
	 .done = 201},
	{"DELETE", "/v1/tokens/{token}", RIGHT_OPERATE, api_revoke_token, .action = "token revoke",
	 .confirm = true},
	{"POST", "/v1/users", RIGHT_OPERATE, api_add_user, .action = "user add", .confirm = true,
	 .done = 201},
	{"DELETE", "/v1/users/{user}", RIGHT_OPERATE, api_remove_user, .action = "user remove",
	 .confirm = true},
	{"GET", "/v1/lists", RIGHT_KNOWN, api_list_named, .query = " limit after "},
	{"POST", "/v1/lists", RIGHT_OPERATE, api_create_named, .action = "list create", .confirm = true,
	 .done = 201},
	{"GET", "/v1/lists/{list}", RIGHT_KNOWN, api_show_named, .query = NULL},
	{"DELETE", "/v1/lists/{list}", RIGHT_OPERATE, api_remove_named, .action = "list remove",
	 .confirm = true},
	{"GET", "/v1/lists/{list}/entries", RIGHT_KNOWN, api_list_named_entries, .query = " limit after "},
	{"POST", "/v1/lists/{list}/entries", RIGHT_KNOWN, api_add_named_entries, .action = "list add",
	 .confirm = true, .done = 201},
	{"DELETE", "/v1/lists/{list}/entries", RIGHT_KNOWN, api_remove_named_entries, .query = " prefix ",
	 .action = "list remove-entry", .confirm = true},
	{"GET", "/v1/interfaces", RIGHT_OPERATE, api_list_interfaces, .without_store = true},
	{"POST", "/v1/interfaces", RIGHT_OPERATE, api_attach_interface, .action = "interface attach",
	 .confirm = true, .done = 201},
	{"DELETE", "/v1/interfaces/{interface}", RIGHT_OPERATE, api_detach_interface,
	 .action = "interface detach", .confirm = true},
	{"GET", "/v1/audit", RIGHT_OPERATE, api_list_audit,
	 .query = " limit after since until user account "},
	{"GET", "/v1/audit/export", RIGHT_OPERATE, api_export_audit, .query = " since until user account "},
	{"GET", "/v1/pending", RIGHT_OPERATE, api_list_pending, .query = NULL},
	{"GET", "/v1/accounts/{account}/pending", RIGHT_ACCOUNT_READ, api_show_pending, .gone = true},
	{"DELETE", "/v1/accounts/{account}/pending", RIGHT_ACCOUNT_READ, api_undo_pending,
	 .action = "confirm undo", .list = true, .gone = true},
	{"POST", "/v1/accounts/{account}/confirm", RIGHT_ACCOUNT_READ, api_confirm, .action = "confirm",
	 .list = true, .gone = true},
	{"GET", "/v1/users/{user}/pending", RIGHT_OPERATE, api_show_pending, .query = NULL},
	{"DELETE", "/v1/users/{user}/pending", RIGHT_OPERATE, api_undo_pending, .action = "confirm undo"},
	{"POST", "/v1/users/{user}/confirm", RIGHT_OPERATE, api_confirm, .action = "confirm"},
	{"GET", "/v1/interfaces/{interface}/pending", RIGHT_OPERATE, api_show_pending, .query = NULL},
	{"DELETE", "/v1/interfaces/{interface}/pending", RIGHT_OPERATE, api_undo_pending,
	 .action = "confirm undo"},
	{"POST", "/v1/interfaces/{interface}/confirm", RIGHT_OPERATE, api_confirm, .action = "confirm"},
	{"GET", "/v1/tokens/{token}/pending", RIGHT_OPERATE, api_show_pending, .query = NULL},
	{"DELETE", "/v1/tokens/{token}/pending", RIGHT_OPERATE, api_undo_pending, .action = "confirm undo"},
	{"POST", "/v1/tokens/{token}/confirm", RIGHT_OPERATE, api_confirm, .action = "confirm"},
	{"GET", "/v1/lists/{list}/pending", RIGHT_KNOWN, api_show_pending, .query = NULL},
	{"DELETE", "/v1/lists/{list}/pending", RIGHT_KNOWN, api_undo_pending, .action = "confirm undo"},
	{"POST", "/v1/lists/{list}/confirm", RIGHT_KNOWN, api_confirm, .action = "confirm"},
	{"GET", "/v1/policy/pending", RIGHT_OPERATE, api_show_pending, .query = NULL},
	{"DELETE", "/v1/policy/pending", RIGHT_OPERATE, api_undo_pending, .action = "confirm undo"},
	{"POST", "/v1/policy/confirm", RIGHT_OPERATE, api_confirm, .action = "confirm"},
	{"GET", "/v1/policy", RIGHT_OPERATE, api_export_policy, .query = " account "},
	{"PUT", "/v1/policy", RIGHT_OPERATE, api_apply_policy, .action = "policy apply", .confirm = true},
	{"POST", "/v1/audit/verify", RIGHT_OPERATE, api_verify_audit, .query = NULL},
};

static bool same_segment(const char *pattern, size_t length, const char *segment)
{
	return strlen(segment) == length && !memcmp(pattern, segment, length);
}

/* Matches a pattern's segments and collects what stands for its braces. */
static bool match_path(const char *pattern, const char *const *segments, size_t count, struct match *match)
{
	size_t arguments = 0, i = 0;

	match->account = NULL;
	for (const char *at = pattern + 1; at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL, i++) {
		size_t length = strcspn(at, "/");

		if (i == count)
			return false;
		if (*at == '{') {
			match->arguments[arguments++] = segments[i];
			if (same_segment(at, length, "{account}"))
				match->account = segments[i];
		} else if (!same_segment(at, length, segments[i])) {
			return false;
		}
	}
	return i == count;
}

static void note_method(struct match *match, const char *method)
{
	size_t used = strlen(match->allow);

	(void)snprintf(match->allow + used, sizeof(match->allow) - used, "%s%s", used ? ", " : "", method);
}

/* Literal paths stand before those with braces of the same length, so the first match is the right one. */
int routes_find(const struct httpd_request *request, struct match *match, struct ag_error *error)
{
	const char *segments[SEGMENTS_MAX];
	size_t count;
	int err = uri_path_segments(request->path, match->scratch, sizeof(match->scratch), segments,
				    SEGMENTS_MAX, &count, error);

	if (err)
		return err;
	for (size_t i = 0; i < COUNT(routes); i++) {
		struct match candidate = {0};

		if (!match_path(routes[i].path, segments, count, &candidate))
			continue;
		if (!strcmp(routes[i].method, request->method)) {
			match->route = &routes[i];
			memcpy(match->arguments, candidate.arguments, sizeof(match->arguments));
			match->account = candidate.account;
			return 0;
		}
		note_method(match, routes[i].method);
	}
	if (match->allow[0])
		return error_set(error, ERROR_BAD_REQUEST, "%s takes another method: %s", request->path,
				 match->allow);
	return error_set(error, ERROR_NOT_FOUND, "there is nothing at %s: see docs/api.md", request->path);
}
