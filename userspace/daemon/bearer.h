/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bearer.h - whose token a request over TLS brings (private to tokens.c, events.c and api.c)
 *
 * As often as one likes: nothing is counted, and nothing noted (tokens.h does both).
 */
#pragma once

#include "userspace/daemon/tokens.h"

#define BEARER_SCHEME "Bearer "

/* The token, which is known, right and not expired. What is refused has its status in *refusal. */
int bearer_find(const struct gate *gate, const struct httpd_request *request, struct store_token *ret,
		struct tokens_refusal *refusal, struct ag_error *error);
/* Who asks by it. *ret is filled as far as it is known. */
int bearer_identify(const struct gate *gate, const struct httpd_request *request, struct actor *ret,
		    struct tokens_refusal *refusal, struct ag_error *error);
