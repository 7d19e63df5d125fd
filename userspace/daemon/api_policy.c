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
