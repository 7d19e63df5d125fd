/* SPDX-License-Identifier: GPL-2.0-only */
/* change.h - a change sent with a body that the caller made, and what came of it shown */
#pragma once

#include <jansson.h>
#include <stddef.h>

struct invocation;

/* body may be NULL. *ret gets a new reference to the answer, where ret is not NULL. Returns an exit code. */
int change_send(struct invocation *invocation, const char *body, size_t length, json_t **ret);
/* What must be done for the change to stay; nothing where it stays by itself. */
void show_confirm_by(struct invocation *invocation, const json_t *answer, const char *name);
