/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * api_people.h - users, tokens and what waits to be confirmed, as the API shows them (private to api*.c)
 */
#pragma once

#include <jansson.h>

#include "userspace/io/store.h"

/* NULL: no memory. */
json_t *user_json(const struct store_user *user);
json_t *token_json(const struct store_token *token);
json_t *pending_json(const struct store_pending *row);
