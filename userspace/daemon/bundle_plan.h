/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bundle_plan.h - the changes that take back several which wait as one (private to bundle_back.c)
 *
 * bundle_plan_new() -> where there are imports, import_prepare() of each, elsewhere -> bundle_plan_apply().
 * Everything that is concerned is claimed by the row, so nothing but this changes it meanwhile.
 */
#pragma once

#include "userspace/daemon/import.h"
#include "userspace/daemon/reversal.h"

struct bundle_plan {
	struct gate *gate;
	char label[64];
	struct change
		common; /* what all of its changes have alike: actor, force, dry_run, action, takes_back */
	bool leads;	/* a change that stands for all comes first */
	struct reversal *parts;
	size_t part_count;
	struct import **imports; /* lists that take long, not applied */
	size_t import_count;
	struct change *changes;
	struct outcome *outcomes;
	size_t count;
	size_t room;
	struct prepared *settings; /* ACCOUNT_SET behind an import: its kernel's lists */
	size_t settings_count;
	bool edits_lists; /* named ones */
};

/* Borrows the gate. `common` as in the struct, but for takes_back. ERROR_STORE where the row cannot be read;
 * what import_new() says. */
int bundle_plan_new(struct gate *gate, const struct store_pending *row, const struct change *common,
		    struct bundle_plan **ret, struct ag_error *error);
/* All of it, or none, as gate_apply_all(). plan->outcomes[0] is then of all, with the last generation. */
int bundle_plan_apply(struct bundle_plan *plan, struct ag_error *error);
void bundle_plan_free(struct bundle_plan *plan);
