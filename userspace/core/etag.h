/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * etag.h - the tag that names a state of an account: its list and its settings
 *
 * A strong entity tag of the account's id and generation; whoever changes what they have read sends it back
 * in If-Match, and does not undo what somebody else did meanwhile. Source: RFC 9110, sections 8.8.3
 * and 13.1.1.
 */
#pragma once

#include "userspace/core/policy.h"

struct ag_error;

#define ETAG_SIZE 64

/* With its quotes. */
void etag_of(const struct account *account, char etag[ETAG_SIZE]);
/* ERROR_CONFLICT unless `wanted` is the account's tag, or "", which is any. */
int etag_check(const struct account *account, const char *wanted, struct ag_error *error);
