/* SPDX-License-Identifier: GPL-2.0-only */
/* change.h - a change sent with a body that the caller made, and what came of it shown */
#pragma once

#include <jansson.h>
#include <stddef.h>

struct invocation;

/* body may be NULL. *ret gets a new reference to the answer, where ret is not NULL. Returns an exit code. */
int change_send(struct invocation *invocation, const char *body, size_t length, json_t **ret);
