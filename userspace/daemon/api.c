// SPDX-License-Identifier: GPL-2.0-only
/*
 * api.c - the way of every request
 *
 * Who asks, what for, may they, is it well formed, do it, answer; a change that is refused goes to the audit
 * log here, whatever refused it. A request that has to wait is answered later, and may be handled again from
 * the start, when who asks may have lost the right to.
 */
#include "userspace/daemon/api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/request.h"
#include "userspace/daemon/audit.h"
#include "userspace/daemon/bearer.h"
#include "userspace/daemon/call.h"
#include "userspace/daemon/confirms.h"
#include "userspace/daemon/differences.h"
#include "userspace/daemon/exports.h"
#include "userspace/daemon/identity.h"
#include "userspace/daemon/imports.h"
#include "userspace/daemon/origins.h"
#include "userspace/daemon/pending.h"
#include "userspace/daemon/policies.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

int api_new(struct gate *gate, struct loop *loop, struct verify *verify, struct api **ret)
{
	struct api *api = calloc(1, sizeof(*api));
	int err;

	if (!api)
		return -ENOMEM;
	json_object_seed(0); /* before a thread decodes */
	api->gate = gate;
	api->verify = verify;
	err = imports_new(gate, loop, &api->imports);
	if (!err)
		err = policies_new(gate, api->imports, &api->policies);
	if (!err)
		err = confirms_new(gate, api->imports, loop, &api->confirms);
	if (!err)
		err = exports_new(gate, loop, &api->exports);
	if (!err)
		err = differences_new(gate, loop, &api->differences);
	if (!err)
		err = tokens_new(gate, loop, &api->tokens);
	if (!err)
		err = origins_new(gate->options->origin_socket, loop, &api->origins);
	if (err) {
		api_free(api);
		return err;
	}
	*ret = api;
	return 0;
}

void api_free(struct api *api)
{
	if (!api)
		return;
	origins_free(api->origins);
	policies_cancel(api->policies);
	imports_free(api->imports);
	policies_free(api->policies);
	confirms_free(api->confirms);
	exports_free(api->exports);
	differences_free(api->differences);
	tokens_free(api->tokens);
	free(api);
}

void api_set_remote(struct api *api, struct remote *remote)
{
	api->remote = remote;
}

bool api_busy(const struct api *api)
{
	return imports_busy(api->imports) || policies_busy(api->policies);
}

size_t api_counts(const struct api *api, const struct api_count **ret)
{
	*ret = api->counts;
	return api->count;
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

/* How long a change waits to be confirmed. */
static int set_confirm_within(struct call *call, const char *value)
{
	int64_t least = (int64_t)call->gate->options->confirm_min_ms / 1000;
	struct ag_error why = {0};

	if (!duration_parse(value, &call->confirm_within, &why) && call->confirm_within >= least &&
	    call->confirm_within <= CONFIRM_WITHIN_MAX)
		return 0;
	call->confirm_within = 0;
	return error_set(&call->error, ERROR_BAD_REQUEST,
			 "confirm_within is a duration from %llds to 24h, as in 2m", (long long)least);
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
	if (!strcmp(name, "confirm_within") && check->route->confirm)
		return set_confirm_within(call, value);
	if (!strcmp(name, "confirm_within") && check->route->action)
		return error_set(
			&call->error, ERROR_BAD_REQUEST,
			"this is not a change that could be taken back by itself: leave confirm_within out");
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
	if (name && !call->account && call->actor.operator_ && !call->match.route->gone)
		return error_set(&call->error, ERROR_NOT_FOUND,
				 "there is no account of that name: see 'allowgate account list'");
	return access_check(&call->actor, call->role, right, name, &call->error);
}

static int enter(struct call *call)
{
	const struct route *route = call->match.route;
	const char *account = call->match.account;
	enum right right = route->right;

	if (!call->gate->store && !route->without_store)
		return error_set(&call->error, ERROR_STORE, "%s", call->gate->reason);
	if (takes(route->query, "account")) {
		account = httpd_query(call->request, "account");
		right = account ? RIGHT_ACCOUNT_READ : right;
	}
	return enter_account(call, account, right);
}

/* It came over TLS, where a token says who asks. */
static bool is_remote(const struct httpd_request *request)
{
	return addr_known(&request->peer);
}

/* What is recorded or judged by where its actor is; reading is not. */
static bool depends_on_origin(const struct call *call)
{
	return call->match.route->action || call->match.route->handle == api_show_whoami;
}

/* Who asks, and where they are; 0 with call->waits: it goes on from the start when that is known. */
static int identify(struct call *call)
{
	int err;

	call->waits = false;
	if (is_remote(call->request))
		return bearer_identify(call->gate, call->request, &call->actor, &call->refusal, &call->error);
	err = identity_establish(call->gate, call->request, &call->actor, &call->error);
	if (err || !depends_on_origin(call) || !identity_wants_origin(&call->actor))
		return err;
	if (call->origin.reason == ORIGIN_NONE)
		err = origins_ask(call->api->origins, call);
	if (!call->waits)
		call->actor.origin = call->origin.addr;
	return err;
}

static int perform(struct call *call)
{
	const struct route *route = call->match.route;
	struct query_check check = {call, route};
	int err = identify(call);

	if (call->waits)
		return err;
	call->arguments = call->match.arguments;
	if (!err)
		err = enter(call);
	if (!err)
		err = httpd_query_each(call->request, check_parameter, &check);
	if (!err && route->list && imports_hold(call->api->imports, call->match.account))
		return imports_park(call);
	if (!err && route->list && policies_hold(call->api->policies, call->match.account))
		return policies_park(call);
	return err ? err : route->handle(call);
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
		response->content_type = call->text_type ? call->text_type : "text/plain; charset=utf-8";
		response->body_length = call->text.length;
		response->body = TAKE_PTR(call->text.data);
	}
	(void)snprintf(response->etag, sizeof(response->etag), "%s", call->etag);
}

static void refused(struct call *call)
{
	const struct match *match = &call->match;
	struct gate *gate = call->gate;
	const char *account = match->account ? match->account : "";

	if (!match->route->action || (call->dry_run && call->error.code != ERROR_FORBIDDEN))
		return;
	if (call->error.code == ERROR_FORBIDDEN)
		gate->denied_admin_changes++;
	if (name_check("account", account, NULL))
		account = "";
	if (is_remote(call->request) && !tokens_may_note(call->api->tokens, TOKENS_NOTE_REFUSAL))
		return;
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

static void respond(struct call *call, int err, struct httpd_response *response)
{
	if (err) {
		refused(call);
		answer_problem(response, &call->error, call->busy ? 503 : call->refusal.status);
		response->authenticate = call->refusal.authenticate;
		response->retry_after = call->refusal.retry_after;
	} else {
		answer(call, call->match.route, response);
	}
}

static void call_free(struct call *call)
{
	json_decref(call->answer);
	buffer_clear(&call->text);
	free(call);
}

void api_finish(struct call *call, int err)
{
	struct httpd_response response = {0};

	respond(call, err, &response);
	count_request(call->api, httpd_ticket_request(call->ticket)->method, response.status);
	httpd_answer(call->ticket, &response);
	call_free(call);
}

void api_resume(struct call *call)
{
	int err;

	call->error = (struct ag_error){0};
	call->refusal = (struct tokens_refusal){0};
	call->open = call->force = call->dry_run = false;
	call->confirm_within = 0;
	err = perform(call);
	if (err || !call->waits)
		api_finish(call, err);
}

static void no_route(struct call *call, struct httpd_response *response)
{
	const char *allow = call->match.allow;

	answer_problem(response, &call->error, allow[0] ? 405 : 0);
	memcpy(call->api->allow, allow, sizeof(call->api->allow));
	response->allow = allow[0] ? call->api->allow : NULL;
}

/* True where it has to wait. */
static bool handle(struct call *call, struct httpd_response *response)
{
	int err;

	if (routes_find(call->request, &call->match, &call->error)) {
		no_route(call, response);
		return false;
	}
	err = perform(call);
	if (err && call->ticket) { /* deferred before it failed */
		api_finish(call, err);
		return true;
	}
	if (call->waits)
		return true;
	if (!call->streams)
		respond(call, err, response);
	else
		*response = (struct httpd_response){.status = 200, .content_type = call->streams};
	return false;
}

void api_handle(const struct httpd_request *request, struct httpd_response *response, void *arg)
{
	struct api *api = arg;
	struct call *call = calloc(1, sizeof(*call));
	struct ag_error error = {0};

	if (!call) {
		(void)error_set(&error, ERROR_STORE, "no memory for the request");
		answer_problem(response, &error, 0);
		return;
	}
	call->api = api;
	call->gate = api->gate;
	call->request = request;
	if (handle(call, response))
		return;
	count_request(api, request->method, response->status);
	call_free(call);
}

bool api_admit(const struct httpd_request *request, struct httpd_response *response, void *arg)
{
	struct api *api = arg;
	struct tokens_refusal refusal = {0};
	struct ag_error error = {0};

	if (!tokens_admit(api->tokens, request, &refusal, &error))
		return true;
	answer_problem(response, &error, refusal.status);
	response->authenticate = refusal.authenticate;
	response->retry_after = refusal.retry_after;
	count_request(api, request->method, response->status);
	return false;
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
