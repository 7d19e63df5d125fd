// SPDX-License-Identifier: GPL-2.0-only
/*
 * api_doctor.c - what is well with the host and its interfaces, what is not, and what to do
 */
#include <stdlib.h>

#include "userspace/core/text.h"
#include "userspace/daemon/call.h"
#include "userspace/daemon/doctor.h"

static json_t *finding_json(const struct doctor_finding *finding)
{
	return json_pack("{s:s, s:o, s:s, s:s, s:s}", "check", finding->check, "interface",
			 finding->interface[0] ? json_string(finding->interface) : json_null(), "state",
			 doctor_state_name(finding->state), "detail", finding->detail, "advice",
			 finding->advice);
}

static json_t *report_json(const struct doctor_report *report)
{
	json_t *items = json_array();

	for (size_t i = 0; i < report->count && items; i++) {
		if (!json_array_append_new(items, finding_json(&report->findings[i])))
			continue;
		json_decref(items);
		return NULL;
	}
	return items ? json_pack("{s:o, s:n}", "items", items, "next") : NULL;
}

int api_examine_host(struct call *call)
{
	const char *interface = httpd_query(call->request, "interface");
	struct doctor_report report = {0};
	int err = 0;

	if (interface && !interface_name_valid(interface))
		return error_set(&call->error, ERROR_BAD_REQUEST, "that is no name of an interface");
	err = doctor_examine(call->gate, interface, &report, &call->error);
	if (!err)
		err = call_answer(call, report_json(&report));
	free(report.findings);
	return err;
}
