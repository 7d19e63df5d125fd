/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * services.h - what a change does to the kernel's table of services, without looking at the rest of it
 */
#pragma once

#include "userspace/core/compile.h"
#include "userspace/daemon/gate.h"

/* The neighbourhood of a change, before and after; services_edit_clear(). */
struct services_edit {
	struct compiled_services have;
	struct compiled_services want;
	uint32_t had_flags; /* of the whole table */
	uint32_t flags;
};

struct services_change {
	const struct account *before; /* the account whose services they are */
	const struct account *after;  /* as it will be */
	const struct service *services;
	size_t count;
	enum {
		SERVICES_STAY, /* but the account begins or ceases to gate them all */
		SERVICES_COME,
		SERVICES_GO,
		SERVICES_ALL_GO, /* the account is removed */
	} kind;
};

/* From the summary as it is before the change. ERROR_LIMIT where the table has no room for it. */
int services_edit_plan(const struct gate *gate, const struct services_change *change,
		       struct services_edit *ret, struct ag_error *error);
/* Of any number of changes: from the summary as it is to what it will be. */
int services_edit_between(const struct gate *gate, const struct summary *after, struct services_edit *ret,
			  struct ag_error *error);
int services_edit_publish(struct gate *gate, const struct services_edit *edit, struct ag_error *error);
/* The way back. */
int services_edit_revert(struct gate *gate, const struct services_edit *edit, struct ag_error *error);
void services_edit_clear(struct services_edit *edit);
