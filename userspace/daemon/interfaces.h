/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * interfaces.h - which interfaces the program is to be on, and that it is
 *
 * Wanted are those of the configuration and those attached by command (kept in the store). A wanted interface
 * that appears, or is made anew, is attached again; the program on others is left alone.
 */
#pragma once

#include "userspace/daemon/gate.h"
#include "userspace/io/rtnl.h"

/*
 * At start: adopts what an earlier daemon left, and attaches what is wanted. An interface that is not there
 * is waited for; one that refuses is an error. Does nothing while no policy was ever in the maps, for a
 * program over empty maps would pass everything.
 */
int interfaces_start(struct gate *gate, struct ag_error *error);
/* After a reconcile or lost messages: attaches what is wanted and is not; failures are logged. */
void interfaces_retry(struct gate *gate); /* Devices that accounts redirect to, after some came or went. */
void interfaces_refresh(struct gate *gate);
/* A link came, changed or went. */
void interfaces_event(const struct rtnl_link *link, void *gate);

/* Attaches now; dry_run only sees whether the interface is there. */
int interfaces_attach(struct gate *gate, const struct store_interface *interface, bool dry_run,
		      struct attachment *ret, struct ag_error *error);
bool interfaces_attached(struct gate *gate, const char *name);
bool interfaces_wanted(const struct gate *gate, const char *name);
/*
 * Watches it from now on, and notes why it fell back to generic mode (attachment; NULL: nothing is known
 * yet). Over WANTED_INTERFACES_MAX the interface stays attached but is not watched; logged.
 */
void interfaces_want(struct gate *gate, const struct store_interface *interface,
		     const struct attachment *attachment);
/* Why native mode was refused when it was attached; "" where it was not, or by an earlier daemon. */
const char *interfaces_fallback(const struct gate *gate, const char *name);
/* "auto", "native" or "generic", as it is wanted; "auto" where it is not. */
const char *interfaces_mode(const struct gate *gate, const char *name);
void interfaces_forget(struct gate *gate, const char *name);
