/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ask.h - from an invocation to its request: target, query, body; and the answer as JSON
 *
 * All return an exit code and leave the reason in the invocation's problem. JSON comes as a new reference.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "userspace/core/buffer.h"
#include "userspace/core/cleanup.h"

struct invocation;
struct client_answer;

DEFINE_CLEANUP(json, json_t *, json_decref)
#define AUTO_JSON CLEANUP(cleanup_json)

/* The command's path, with its arguments percent-encoded, its query, and for a change the options that are
 * parameters. */
void ask_target(const struct invocation *invocation, struct buffer *target);
/* Adds "name=value", percent-encoded, to a target. */
void ask_parameter(struct buffer *target, const char *name, const char *value);
/* The request's body by the command's row; *ret stays NULL for a command without. */
int ask_body(struct invocation *invocation, json_t **ret);

/* Sends; the answer's text is the caller's (client_answer_clear). body may be NULL. */
int ask_text(struct invocation *invocation, const struct buffer *target, const char *body, size_t length,
	     struct client_answer *ret);
/* The same, for an answer that is a JSON object. */
int ask_json(struct invocation *invocation, const struct buffer *target, const char *body, size_t length,
	     json_t **ret);
/* The items of all pages, or of the newest `most` (SIZE_MAX: all), as {"items": [...]}. */
int ask_items(struct invocation *invocation, const struct buffer *target, size_t most, json_t **ret);
