// SPDX-License-Identifier: GPL-2.0-only
/*
 * takeback.c - see takeback.h
 */
#include "userspace/daemon/takeback.h"

#include <errno.h>
#include <unistd.h>

#include "userspace/daemon/bundle_back.h"
#include "userspace/daemon/call.h"
#include "userspace/daemon/imports.h"
#include "userspace/daemon/reversal.h"

static int apply(struct gate *gate, struct imports *imports, const struct change *change, imports_done done,
		 void *arg, struct ag_error *error)
{
	struct outcome outcome = {0};
	int err = change->restores ? -EINPROGRESS : gate_apply(gate, change, &outcome, error);

	outcome_clear(&outcome);
	if (err != -EINPROGRESS)
		return err;
	err = imports_start_own(imports, change, change->restores ? IMPORT_BACK : IMPORT_LISTS, done, arg,
				error);
	return err ? err : -EINPROGRESS;
}

int takeback_expired(struct gate *gate, struct imports *imports, const struct store_pending *row,
		     imports_done done, void *arg, struct ag_error *error)
{
	struct reversal reversal;
	int err;

	if (bundle_back_is(row))
		return bundle_back_expired(gate, imports, row, done, arg, error);
	if (row->subject == PENDING_ACCOUNT && imports_hold(imports, row->name))
		return -EAGAIN;
	err = reversal_read(row, &reversal, error);
	if (err)
		return err;
	reversal.change.actor.uid = geteuid(); /* the daemon's own, and nobody's name */
	reversal.change.action = "confirm expired";
	reversal.change.may_wait = true;
	err = apply(gate, imports, &reversal.change, done, arg, error);
	reversal_clear(&reversal);
	return err;
}

int takeback_asked(struct call *call, const struct store_pending *row)
{
	struct reversal reversal;
	int err;

	if (bundle_back_is(row))
		return bundle_back_asked(call, row);
	err = reversal_read(row, &reversal, &call->error);
	if (err)
		return err;
	reversal.change.actor = call->actor;
	reversal.change.force = call->force;
	reversal.change.dry_run = call->dry_run;
	reversal.change.action = "confirm undo";
	err = reversal.change.restores ? imports_start(call, &reversal.change, IMPORT_BACK, false)
				       : call_apply(call, &reversal.change);
	reversal_clear(&reversal);
	return err;
}
