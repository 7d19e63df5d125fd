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

/* What an account's list says of a source: its longest match in effect, of a length that stands above. */
enum ag_match {
	AG_MATCH_NONE,
	AG_MATCH_ALLOW,
	AG_MATCH_DENY,
};
#define AG_MATCH_MASK	   0xff
#define AG_MATCH_LEN_SHIFT 8

static inline __attribute__((always_inline)) enum ag_verdict ag_decide(union ag_account_state state,
								       __u32 match)
{
	if (!(state.flags & AG_ACCOUNT_ACTIVE))
		return AG_VERDICT_OPEN;
	if ((match & AG_MATCH_MASK) == AG_MATCH_ALLOW)
		return AG_VERDICT_ALLOWED;
	return state.flags & AG_ACCOUNT_MONITOR ? AG_VERDICT_WOULD_DENY : AG_VERDICT_DENIED;
}

/* Everything passes, until an operator says otherwise. */
static inline __attribute__((always_inline)) _Bool ag_panics(__u32 flags)
{
	return !!(flags & AG_CONFIG_PANIC);
}

/* What an account would stop is then what it would stop, and nothing is done to it. */
static inline __attribute__((always_inline)) enum ag_verdict ag_unless_panic(enum ag_verdict verdict,
									     __u32 flags)
{
	return verdict == AG_VERDICT_DENIED && ag_panics(flags) ? AG_VERDICT_WOULD_DENY : verdict;
}

/*
 * `guarded`: the address is gated; for too many tags, some account enforces; for what no service matches, it
 * is the port of a notice server.
 */
static inline __attribute__((always_inline)) enum xdp_action ag_action_of(enum ag_verdict verdict,
									  _Bool guarded)
{
	return verdict == AG_VERDICT_DENIED || guarded ? XDP_DROP : XDP_PASS;
}
