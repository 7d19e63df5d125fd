/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * origins.h - where the peer of a request is connected from, asked of allowgate-origin
 *
 * identity_establish() says who the actor is. Where identity_wants_origin() holds, origins_ask() then says
 * where: at once, or later, by handling the call again from the start (api_resume()). Either way call->origin
 * is filled with a reason other than ORIGIN_NONE, after which it is not asked again; with ORIGIN_FOUND its
 * address is the actor's origin, and in every other case that is unknown. A request waits for it 100 ms at
 * the most, and the loop not at all.
 */
#pragma once

struct call;
struct loop;
struct origins;

/* path: allowgate-origin's socket, "" or "off": none. Negative errno. */
int origins_new(const char *path, struct loop *loop, struct origins **ret);
/* Resumes whoever waits: before what handles the calls. */
void origins_free(struct origins *origins);
/* 0: call->origin is filled, or call->waits. Negative errno, with call->error: it cannot wait. */
int origins_ask(struct origins *origins, struct call *call);
