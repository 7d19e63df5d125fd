// SPDX-License-Identifier: GPL-2.0-only
/*
 * api_policy.c - the policy of the host, or of one account, as one document
 */
#include "userspace/daemon/call.h"
#include "userspace/daemon/policies.h"

int api_export_policy(struct call *call)
{
	return policies_export(call);
}

int api_apply_policy(struct call *call)
{
	struct change change = call_change(call, CHANGE_POLICY_APPLY);
	int err = change_permitted(call->gate, &change, &call->error);

	return err ? err : policies_apply(call);
}
