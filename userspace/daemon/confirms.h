/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * confirms.h - deadlines of changes that wait to be confirmed: what was not in time is taken back
 *
 * Every deadline is kept in the store; here is who looks at them: twice a second while any change waits, and
 * never otherwise, so that neither a wall clock that is set nor a host that slept is missed. What cannot be
 * taken back now is tried again, less and less often, until it can: once a minute at least.
 */
#pragma once

#include "userspace/daemon/gate.h"

struct confirms;
struct imports;
struct loop;

/* Borrows all. -ENOMEM, or what the loop meets. */
int confirms_new(struct gate *gate, struct imports *imports, struct loop *loop, struct confirms **ret);
/* Behind imports_free(), which ends what it began. */
void confirms_free(struct confirms *confirms);
/* How long until there is something to do; -1: nothing waits. */
int confirms_timeout_ms(struct confirms *confirms);
/* Takes back what is due. */
void confirms_run(struct confirms *confirms);
