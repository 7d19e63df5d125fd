/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * takeback.h - taking back a change that waits to be confirmed, by whoever asks for it or because its time is
 * over
 */
#pragma once

#include "userspace/daemon/change.h"

#include "userspace/daemon/imports.h"

struct call;

/*
 * Because its time is over, by nobody. 0: done. -EINPROGRESS (no error set): the worker prepares it, and
 * `done` is called in the end. -EAGAIN (no error set): an import of the account is under way.
 */
int takeback_expired(struct gate *gate, struct imports *imports, const struct store_pending *row,
		     imports_done done, void *arg, struct ag_error *error);
/* By the person of the call, which is answered. */
int takeback_asked(struct call *call, const struct store_pending *row);
