// SPDX-License-Identifier: GPL-2.0-only
/*
 * api_panic.c - the switch that lets everything pass
 */
#include "userspace/core/request.h"
#include "userspace/core/text.h"
#include "userspace/daemon/call.h"
#include "userspace/daemon/panic.h"

json_t *panic_json(const struct gate *gate, bool in_full)
{
	char since[TIME_TEXT_MAX];

	if (!gate->panics)
		return json_null();
	time_format(gate->panic.since, since);
	if (!in_full)
		return json_pack("{s:s}", "since", since);
	return json_pack("{s:s, s:s, s:s}", "since", since, "by", gate->panic.by, "reason",
			 gate->panic.reason);
}

static int switch_it(struct call *call, const char *reason)
{
	char warning[256];
	int err = panic_switch(call->gate, &call->actor, reason, call->dry_run, warning, &call->error);

	if (err)
		return err;
	return call_answer(call,
			   json_pack("{s:I, s:b, s:o, s:o}", "generation", (json_int_t)call->gate->generation,
				     "dry_run", call->dry_run, "panic", panic_json(call->gate, true),
				     "warnings", warning[0] ? json_pack("[s]", warning) : json_array()));
}

int api_start_panic(struct call *call)
{
	char reason[NOTE_SIZE];
	int err = request_panic_decode(call->request->body, call->request->body_length, reason, &call->error);

	return err ? err : switch_it(call, reason);
}

int api_end_panic(struct call *call)
{
	return switch_it(call, NULL);
}
