/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * decide.h - the verdict on a source, and what becomes of a packet by its verdict
 *
 * Pure, like parse.h. Whatever a map should never hold is decided closed where the account is active,
 * since only there it is known that somebody asked for a filter.
 */
#pragma once

#include <linux/bpf.h>

#include "bpf/ag_abi.h"

/* What an account's list says of a source: its longest match. */
enum ag_match {
	AG_MATCH_NONE,
	AG_MATCH_ALLOW,
	AG_MATCH_DENY,
};

static inline __attribute__((always_inline)) enum ag_verdict ag_decide(union ag_account_state state,
								       enum ag_match match)
{
	if (!(state.flags & AG_ACCOUNT_ACTIVE))
		return AG_VERDICT_OPEN;
	if (match == AG_MATCH_ALLOW)
		return AG_VERDICT_ALLOWED;
	return state.flags & AG_ACCOUNT_MONITOR ? AG_VERDICT_WOULD_DENY : AG_VERDICT_DENIED;
}

/* `guarded`: the address is gated, or for too many tags, some account enforces. */
static inline __attribute__((always_inline)) enum xdp_action ag_action(enum ag_verdict verdict, _Bool guarded)
{
	if (verdict == AG_VERDICT_DENIED)
		return XDP_DROP;
	return verdict == AG_VERDICT_MALFORMED && guarded ? XDP_DROP : XDP_PASS;
}
