/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * audit.h - rows of the audit log
 */
#pragma once

#include <jansson.h>

#include "userspace/core/access.h"
#include "userspace/daemon/gate.h"

/* In the open transaction, or one of its own. `outcome` is "done", or the code of the refusal. */
int audit_row(struct gate *gate, const struct actor *actor, const char *account, const char *action,
	      const char *detail, const char *outcome, struct ag_error *error);
/* To whoever follows events: once it is done, or refused. */
void audit_tell(struct gate *gate, const struct actor *actor, const char *account, const char *action,
		const char *detail, const char *outcome);
/* Outside of a change: a refusal (why), or what was done (NULL). Failing to write it is logged. Tells too. */
void change_audit(struct gate *gate, const struct actor *actor, const char *account, const char *action,
		  const char *detail, const struct ag_error *why);
/*
 * Refusals beyond so many a minute (refusals.h) are only counted. Writes how many there were, of whom that
 * time is over (`all`: of all).
 */
void audit_refusals(struct gate *gate, bool all);
/* Rows from now on are copied to the journal, if they shall be; before the first. */
void audit_begin(struct gate *gate);
/* api_audit.c: as the API shows it; NULL: no memory. */
json_t *audit_json(const struct store_audit *row);
