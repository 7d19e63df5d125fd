/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bundle_back.h - taking back several changes that wait as one (bundle.h): all of them, or none
 *
 * The same contract as takeback.h's, which calls it for such rows.
 */
#pragma once

#include "userspace/daemon/takeback.h"

/* Whether the row is of several changes. */
bool bundle_back_is(const struct store_pending *row);
int bundle_back_expired(struct gate *gate, struct imports *imports, const struct store_pending *row,
			imports_done done, void *arg, struct ag_error *error);
int bundle_back_asked(struct call *call, const struct store_pending *row);
