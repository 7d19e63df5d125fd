/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy_export.h - the policy of one moment as a document (private to policies.c)
 */
#pragma once

#include <stdbool.h>

#include "userspace/core/buffer.h"
#include "userspace/core/error.h"
#include "userspace/io/store.h"

/*
 * In any thread, while the store is open: appends the document, of the whole host (account "") or of one
 * account. ERROR_NOT_FOUND where there is none of that name. *cancel, when another thread sets it, ends it
 * soon: ERROR_CONFLICT.
 */
int policy_export(const struct store *store, const char *account, const bool *cancel, struct buffer *out,
		  struct ag_error *error);
