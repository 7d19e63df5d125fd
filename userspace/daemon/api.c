// SPDX-License-Identifier: GPL-2.0-only
/*
 * api.c - the route table, and the way of every request through it
 *
 * Who asks, what for, may they, is it well formed, do it, answer; a change that is refused goes to the audit
 * log here, whatever refused it.
 */
#include "userspace/daemon/api.h"

#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/request.h"
#include "userspace/core/uri.h"
#include "userspace/daemon/call.h"
#include "userspace/daemon/identity.h"

#define SEGMENTS_MAX   8
#define PATH_MAX_BYTES 2048
#define COUNTS_MAX     128
#define COUNT(array)   (sizeof(array) / sizeof(*(array)))

struct route {
	const char *method;
	const char *path; /* {account} names an account that is there; other braces are arguments */
	enum right right;
	call_handler handle;
	const char *query;  /* parameters it takes, each between blanks, besides those of every change */
	const char *action; /* as the audit log names it; NULL: changes nothing */
	unsigned int done;  /* status when all went well; 0: 200 */
	bool without_store; /* works while the store cannot be opened */
};

static const struct route routes[] = {
	{"GET", "/v1/status", RIGHT_KNOWN, api_show_status, .without_store = true},
	{"GET", "/v1/whoami", RIGHT_ANYONE, api_show_whoami, .without_store = true},
	{"POST", "/v1/reload", RIGHT_OPERATE, api_reload, .action = "reload", .without_store = true},
	{"GET", "/v1/accounts", RIGHT_KNOWN, api_list_accounts, .query = " limit after "},
	{"POST", "/v1/accounts", RIGHT_OPERATE, api_add_account, .action = "account add", .done = 201},
	{"GET", "/v1/accounts/{account}", RIGHT_ACCOUNT_READ, api_show_account, .query = NULL},
	{"PATCH", "/v1/accounts/{account}", RIGHT_ACCOUNT_TUNE, api_set_account, .action = "account set"},
	{"DELETE", "/v1/accounts/{account}", RIGHT_OPERATE, api_remove_account, .action = "account remove"},
	{"GET", "/v1/accounts/{account}/allowlist", RIGHT_ACCOUNT_READ, api_list_entries,
	 .query = " limit after "},
	{"POST", "/v1/accounts/{account}/allowlist", RIGHT_ACCOUNT_LIST, api_add_entries,
	 .action = "allow add", .done = 201},
	{"PUT", "/v1/accounts/{account}/allowlist", RIGHT_ACCOUNT_LIST, api_replace_entries,
	 .action = "allow replace"},
	{"DELETE", "/v1/accounts/{account}/allowlist", RIGHT_ACCOUNT_LIST, api_remove_entries,
	 .query = " prefix ", .action = "allow remove"},
	{"GET", "/v1/accounts/{account}/allowlist/export", RIGHT_ACCOUNT_READ, api_export_entries,
	 .query = NULL},
	{"DELETE", "/v1/accounts/{account}/allowlist/{prefix}", RIGHT_ACCOUNT_LIST, api_remove_entry,
	 .action = "allow remove"},
	{"GET", "/v1/accounts/{account}/check", RIGHT_ACCOUNT_READ, api_check_address, .query = " address "},
	{"GET", "/v1/accounts/{account}/services", RIGHT_ACCOUNT_READ, api_list_account_services,
	 .query = " limit after "},
	{"POST", "/v1/accounts/{account}/services", RIGHT_OPERATE, api_add_services, .action = "service add",
	 .done = 201},
	{"DELETE", "/v1/accounts/{account}/services", RIGHT_OPERATE, api_remove_services,
	 .query = " service ", .action = "service remove"},
	{"GET", "/v1/services", RIGHT_OPERATE, api_list_services, .query = " limit after "},
	{"GET", "/v1/accounts/{account}/roles", RIGHT_ACCOUNT_READ, api_list_account_roles,
	 .query = " limit after "},
	{"PUT", "/v1/accounts/{account}/roles/{user}", RIGHT_OPERATE, api_grant_role, .action = "role grant"},
	{"DELETE", "/v1/accounts/{account}/roles/{user}", RIGHT_OPERATE, api_revoke_role,
	 .action = "role revoke"},
	{"GET", "/v1/roles", RIGHT_OPERATE, api_list_roles, .query = " limit after "},
	{"GET", "/v1/users", RIGHT_OPERATE, api_list_users, .query = " limit after "},
	{"POST", "/v1/users", RIGHT_OPERATE, api_add_user, .action = "user add", .done = 201},
	{"DELETE", "/v1/users/{user}", RIGHT_OPERATE, api_remove_user, .action = "user remove"},
	{"GET", "/v1/interfaces", RIGHT_OPERATE, api_list_interfaces, .without_store = true},
	{"POST", "/v1/interfaces", RIGHT_OPERATE, api_attach_interface, .action = "interface attach",
	 .done = 201},
	{"DELETE", "/v1/interfaces/{interface}", RIGHT_OPERATE, api_detach_interface,
	 .action = "interface detach"},
	{"GET", "/v1/audit", RIGHT_OPERATE, api_list_audit, .query = " limit after since account "},
	{"POST", "/v1/audit/verify", RIGHT_OPERATE, api_verify_audit, .query = NULL},
};

struct api {
	struct gate *gate;
	struct api_count counts[COUNTS_MAX];
	size_t count;
	char allow[64]; /* of the newest 405, until httpd has copied it */
};

int api_new(struct gate *gate, struct api **ret)
{
	struct api *api = calloc(1, sizeof(*api));

	if (!api)
		return -1;
	api->gate = gate;
	*ret = api;
	return 0;
}

void api_free(struct api *api)
{
	free(api);
}

size_t api_counts(const struct api *api, const struct api_count **ret)
{
	*ret = api->counts;
	return api->count;
}

/* --- which route ----------------------------------------------------------- */

struct match {
	const struct route *route;
	char scratch[PATH_MAX_BYTES];
	const char *arguments[CALL_ARGUMENTS_MAX];
	const char *account; /* as named in the path, NULL where none is */
	char allow[64];	     /* methods that the path knows */
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
static int find_route(const struct httpd_request *request, struct match *match, struct ag_error *error)
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

/* --- what is asked --------------------------------------------------------- */

static const char *const change_options[] = {"open", "force", "dry_run"};

struct query_check {
	struct call *call;
	const struct route *route;
};

static bool takes(const char *list, const char *name)
{
	char between[64];

	return list && (size_t)snprintf(between, sizeof(between), " %s ", name) < sizeof(between) &&
	       strstr(list, between);
}

static int set_option(struct call *call, size_t index, const char *name, const char *value)
{
	bool *const flags[COUNT(change_options)] = {&call->open, &call->force, &call->dry_run};

	if (strcmp(value, "true") && strcmp(value, "false"))
		return error_set(&call->error, ERROR_BAD_REQUEST, "%s is either true or false", name);
	*flags[index] = !strcmp(value, "true");
	return 0;
}

/* A parameter stands once (but prefix), and is one that the route takes. */
static int check_parameter(const char *name, const char *value, void *arg)
{
	const struct query_check *check = arg;
	struct call *call = check->call;

	if (strcmp(name, "prefix") && httpd_query(call->request, name) != value)
		return error_set(&call->error, ERROR_BAD_REQUEST, "%s stands more than once: give it once",
				 name);
	if (takes(check->route->query, name))
		return 0;
	for (size_t i = 0; i < COUNT(change_options) && check->route->action; i++)
		if (!strcmp(name, change_options[i]))
			return set_option(call, i, name, value);
	return error_set(&call->error, ERROR_BAD_REQUEST,
			 "a query parameter that this path does not take: see docs/api.md for those it does");
}

/*
 * The account the path (or the audit log's parameter) names. To whoever may not read it, one that does not
 * exist is the same as one that does.
 */
static int enter_account(struct call *call, const char *name, enum right right)
{
	struct gate *gate = call->gate;
	int err = 0;

	call->account = name ? gate_account(gate, name) : NULL;
	if (call->account && call->actor.name[0])
		err = store_role_of(gate->store, call->account->id, call->actor.name, &call->role,
				    &call->error);
	if (err)
		return err;
	if (name && !call->account && call->actor.operator_)
		return error_set(&call->error, ERROR_NOT_FOUND,
				 "there is no account of that name: see 'allowgate account list'");
	return access_check(&call->actor, call->role, right, name, &call->error);
}

static int enter(struct call *call, const struct match *match)
{
	const struct route *route = match->route;
	const char *account = match->account;
	enum right right = route->right;

	if (!call->gate->store && !route->without_store)
		return error_set(&call->error, ERROR_STORE, "%s", call->gate->reason);
	if (takes(route->query, "account")) {
		account = httpd_query(call->request, "account");
		right = account ? RIGHT_ACCOUNT_READ : right;
	}
	return enter_account(call, account, right);
}

static int perform(struct call *call, const struct match *match)
{
	struct query_check check = {call, match->route};
	int err;

	memcpy(call->arguments, match->arguments, sizeof(call->arguments));
	err = identity_establish(call->gate, call->request, &call->actor, &call->error);
	if (!err)
		err = enter(call, match);
	if (!err)
		err = httpd_query_each(call->request, check_parameter, &check);
	return err ? err : match->route->handle(call);
}

/* --- the answer ------------------------------------------------------------ */

static void answer_json(struct httpd_response *response, json_t *document)
{
	response->body = document ? json_dumps(document, JSON_COMPACT) : NULL;
	response->body_length = response->body ? strlen(response->body) : 0;
	json_decref(document);
}

static void answer_problem(struct httpd_response *response, const struct ag_error *error, unsigned int status)
{
	json_t *problem = json_problem(error);

	response->status = status ? status : error_code_http_status(error->code);
	response->content_type = "application/problem+json";
	if (status && problem && json_object_set_new(problem, "status", json_integer(status)))
		log_error("no memory for an answer");
	answer_json(response, problem);
}

static void answer(struct call *call, const struct route *route, struct httpd_response *response)
{
	response->status = route->done && !call->dry_run ? route->done : 200;
	if (call->answer) {
		response->content_type = "application/json";
		answer_json(response, TAKE_PTR(call->answer));
	} else {
		response->content_type = "text/plain; charset=utf-8";
		response->body_length = call->text.length;
		response->body = TAKE_PTR(call->text.data);
	}
}

static void refused(struct call *call, const struct match *match)
{
	struct gate *gate = call->gate;
	const char *account = match->account ? match->account : "";

	if (!match->route->action || (call->dry_run && call->error.code != ERROR_FORBIDDEN))
		return;
	if (call->error.code == ERROR_FORBIDDEN)
		gate->denied_admin_changes++;
	if (name_check("account", account, NULL))
		account = "";
	change_audit(gate, &call->actor, account, match->route->action, call->error.message, &call->error);
}

static void count_request(struct api *api, const char *method, unsigned int status)
{
	static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
	const char *known = "other";

	for (size_t i = 0; i < COUNT(methods); i++)
		if (!strcmp(method, methods[i]))
			known = methods[i];
	for (size_t i = 0; i < api->count; i++) {
		if (api->counts[i].status == status && !strcmp(api->counts[i].method, known)) {
			api->counts[i].requests++;
			return;
		}
	}
	if (api->count < COUNTS_MAX)
		api->counts[api->count++] = (struct api_count){known, status, 1};
}

void api_handle(const struct httpd_request *request, struct httpd_response *response, void *arg)
{
	struct api *api = arg;
	struct call call = {.gate = api->gate, .request = request};
	struct match match = {0};
	bool failed;

	if (find_route(request, &match, &call.error)) {
		answer_problem(response, &call.error, match.allow[0] ? 405 : 0);
		memcpy(api->allow, match.allow, sizeof(api->allow));
		response->allow = match.allow[0] ? api->allow : NULL;
	} else {
		failed = perform(&call, &match) != 0;
		if (failed) {
			refused(&call, &match);
			answer_problem(response, &call.error, 0);
		} else {
			answer(&call, match.route, response);
		}
	}
	count_request(api, request->method, response->status);
	json_decref(call.answer);
	buffer_clear(&call.text);
}

void api_refuse(unsigned int status, const char *why, struct httpd_response *response, void *arg)
{
	bool limit = status == 413 || status == 429 || status == 503; /* too large, too many */
	struct api *api = arg;
	struct ag_error error = {0};

	(void)error_set(&error, limit ? ERROR_LIMIT : ERROR_BAD_REQUEST, "%s", why);
	answer_problem(response, &error, status);
	count_request(api, "other", status);
}
