// SPDX-License-Identifier: GPL-2.0-only
/*
 * api_host.c - the host: status, interfaces, reload
 */
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/request.h"
#include "userspace/daemon/audit.h"
#include "userspace/daemon/call.h"
#include "userspace/daemon/interfaces.h"
#include "userspace/daemon/panic.h"
#include "userspace/daemon/remote.h"
#include "userspace/daemon/totals.h"
#include "userspace/daemon/verify.h"

/* --- interfaces ------------------------------------------------------------ */

static json_t *interface_json(const struct gate *gate, const char *name, const struct attachment *attachment)
{
	return json_pack("{s:s, s:I, s:s, s:b, s:s}", "interface", name, "ifindex",
			 (json_int_t)(attachment ? attachment->ifindex : 0), "mode",
			 attachment ? attach_mode_name(attachment->mode) : "none", "attached",
			 attachment != NULL, "fallback", attachment ? interfaces_fallback(gate, name) : "");
}

static const struct attachment *find_attachment(const struct attachment *attachments, size_t count,
						const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(attachments[i].name, name))
			return &attachments[i];
	return NULL;
}

/* What is attached, and what is wanted but is not. */
static json_t *interfaces_json(struct call *call)
{
	const struct gate *gate = call->gate;
	AUTO_FREE struct attachment *attachments = NULL;
	json_t *items = NULL;
	size_t count = 0;
	int failed = dataplane_attachments(gate->dataplane, &attachments, &count, &call->error);

	if (!failed)
		items = json_array();
	for (size_t i = 0; i < count && items; i++)
		failed |= json_array_append_new(items,
						interface_json(gate, attachments[i].name, &attachments[i]));
	for (size_t i = 0; i < gate->wanted_count && items; i++)
		if (!find_attachment(attachments, count, gate->wanted[i].name))
			failed |= json_array_append_new(items,
							interface_json(gate, gate->wanted[i].name, NULL));
	if (!failed && items)
		return items;
	json_decref(items);
	return NULL;
}

int api_list_interfaces(struct call *call)
{
	json_t *items = interfaces_json(call);

	if (!items && call->error.code)
		return -1;
	return call_answer(call, items ? json_pack("{s:o, s:n}", "items", items, "next") : NULL);
}

int api_attach_interface(struct call *call)
{
	struct change change = call_change(call, CHANGE_INTERFACE_ATTACH);
	AUTO_FREE struct attachment *attachments = NULL;
	struct request_interface asked;
	size_t count = 0;
	int err = request_interface_decode(call->request->body, call->request->body_length, &asked,
					   &call->error);

	if (err)
		return err;
	(void)snprintf(change.interface.name, sizeof(change.interface.name), "%s", asked.interface);
	(void)snprintf(change.interface.mode, sizeof(change.interface.mode), "%s", asked.mode);
	err = call_apply(call, &change);
	if (err || call->dry_run)
		return err;
	err = dataplane_attachments(call->gate->dataplane, &attachments, &count, &call->error);
	if (!err && json_object_set_new(call->answer, "interface",
					interface_json(call->gate, asked.interface,
						       find_attachment(attachments, count, asked.interface))))
		err = call_answer(call, NULL);
	return err;
}

int api_detach_interface(struct call *call)
{
	struct change change = call_change(call, CHANGE_INTERFACE_DETACH);

	if (strlen(call->arguments[0]) >= sizeof(change.interface.name))
		return error_set(&call->error, ERROR_BAD_REQUEST, "an interface's name has at most 15 bytes");
	(void)snprintf(change.interface.name, sizeof(change.interface.name), "%s", call->arguments[0]);
	return call_apply(call, &change);
}

/* --- status and reload ----------------------------------------------------- */

/* The certificate is no part of the policy: that it stays the one before is a warning. */
static json_t *renewed(struct call *call)
{
	struct ag_error why = {0};

	return remote_renew(call->api->remote, &why) ? json_pack("[s]", why.message) : json_array();
}

int api_reload(struct call *call)
{
	size_t repaired = 0;
	int err = 0;

	if (call->open || call->dry_run)
		return error_set(&call->error, ERROR_BAD_REQUEST, "a reload takes force alone");
	if (api_busy(call->api)) {
		call->busy = true;
		return error_set(
			&call->error, ERROR_CONFLICT,
			"an import is under way, and a reload opens the store anew: try again when it "
			"is done");
	}
	err = gate_reload(call->gate, call->force, &repaired, &call->error);
	if (!err)
		err = interfaces_start(call->gate, &call->error);
	if (err)
		return err;
	change_audit(call->gate, &call->actor, "", "reload", call->force ? "--force" : "", NULL);
	return call_answer(call,
			   json_pack("{s:I, s:I, s:o}", "generation", (json_int_t)call->gate->generation,
				     "repaired", (json_int_t)repaired, "warnings", renewed(call)));
}

static json_t *counter_json(const struct ag_counter *counter)
{
	return json_pack("{s:I, s:I}", "packets", (json_int_t)counter->packets, "bytes",
			 (json_int_t)counter->bytes);
}

static json_t *totals_json(struct call *call)
{
	struct ag_counter totals[AG_VERDICT_MAX];
	json_t *object = NULL;

	if (!totals_collect(call->gate, totals, &call->error))
		object = json_object();
	for (unsigned int verdict = 0; verdict < AG_VERDICT_MAX && object; verdict++)
		if (json_object_set_new(object, verdict_name(verdict), counter_json(&totals[verdict])))
			return NULL;
	return object;
}

static void count_policy(const struct gate *gate, size_t *ret_active, size_t *ret_entries)
{
	*ret_active = *ret_entries = 0;
	for (size_t i = 0; i < gate->summary.account_count; i++) {
		*ret_active += account_active(gate->summary.accounts[i]);
		*ret_entries += account_entries(gate->summary.accounts[i]);
	}
}

static json_t *public_status(const struct gate *gate)
{
	uint64_t store_id, kernel_generation;
	size_t active, entries;
	struct utsname host;

	(void)uname(&host); /* fails for a bad pointer alone */
	dataplane_seal(gate->dataplane, &store_id, &kernel_generation);
	count_policy(gate, &active, &entries);
	return json_pack("{s:s, s:s, s:I, s:s, s:b, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I}", "version",
			 AG_VERSION, "kernel", host.release, "uptime_seconds",
			 (json_int_t)(time(NULL) - gate->started_at), "state", gate_state(gate), "degraded",
			 gate->reason[0] != '\0', "generation", (json_int_t)gate->generation,
			 "kernel_generation", (json_int_t)kernel_generation, "drift",
			 gate->verified ? json_integer((json_int_t)gate->drift) : json_null(), "accounts",
			 (json_int_t)gate->summary.account_count, "active_accounts", (json_int_t)active,
			 "services", (json_int_t)gate->summary.claim_count, "entries", (json_int_t)entries,
			 "pending", (json_int_t)gate->pending_changes);
}

static int answer_status(struct call *call)
{
	struct gate *gate = call->gate;
	json_t *answer = public_status(gate);
	int failed = !answer;

	if (!failed)
		failed = json_object_set_new(answer, "interfaces", interfaces_json(call)) ||
			 json_object_set_new(answer, "panic", panic_json(gate, call->actor.operator_));
	if (!failed && call->actor.operator_)
		failed = json_object_set_new(answer, "reason", json_string(gate->reason)) ||
			 json_object_set_new(answer, "store", json_string(gate->options->store)) ||
			 json_object_set_new(answer, "totals", totals_json(call));
	if (!failed)
		return call_answer(call, answer);
	json_decref(answer);
	return call->error.code ? -1 : call_answer(call, NULL);
}

static void verified(void *arg)
{
	struct call *call = arg;

	api_finish(call, answer_status(call));
}

/* Says what a comparison of kernel and store finds that begins now; a gate that is degraded says so at once.
 */
int api_show_status(struct call *call)
{
	int err;

	if (call->gate->reason[0])
		return answer_status(call);
	err = call_wait(call);
	return err || !verify_ask(call->api->verify, verified, call) ? err : call_answer(call, NULL);
}
