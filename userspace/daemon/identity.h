/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * identity.h - who a request over the control socket is for, and where they are (over TLS: tokens.h)
 *
 * The peer's uid comes from the socket alone. A peer that is a delegate may say in headers on whose behalf it
 * asks (Allowgate-On-Behalf-Of) and where that person is connected from (Allowgate-Origin); from anyone else
 * these headers are refused. Whoever speaks for themselves is where their SSH connection comes from, which
 * takes a while to find: origins.h.
 */
#pragma once

#include "userspace/core/access.h"
#include "userspace/daemon/gate.h"
#include "userspace/io/httpd.h"

/*
 * *ret is filled as far as it is known even on failure (for the audit log). ERROR_FORBIDDEN for headers of a
 * peer that is no delegate or for a user who is not known, ERROR_BAD_REQUEST for a header that does not parse
 * or stands twice. A peer that is not known is no error: it has no name.
 */
int identity_establish(struct gate *gate, const struct httpd_request *request, struct actor *ret,
		       struct ag_error *error);
/* Whether the request says on whose behalf or from where it comes. */
bool identity_claims(const struct httpd_request *request);
/* Whether the actor is the peer itself, whose origin the socket can tell: not for a delegate that speaks for
 * another, whose own place says nothing, nor where a delegate has said it. */
bool identity_wants_origin(const struct actor *actor);
