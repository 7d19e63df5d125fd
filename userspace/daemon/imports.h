/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * imports.h - changes that wait: imports in the worker, and what wants to change the same account meanwhile
 * (private to api*.c)
 *
 * While an account's list is being prepared, other changes of it wait their turn, in order, up to
 * PARKED_MAX; those of other accounts go on. A client that leaves does not stop what it began.
 */
#pragma once

#include "userspace/daemon/call.h"
#include "userspace/daemon/import.h"

#define PARKED_MAX 16

int imports_new(struct gate *gate, struct loop *loop, struct imports **ret);
/* Cancels what is under way: nothing of it will have happened. Everybody is answered. */
void imports_free(struct imports *imports);
bool imports_busy(const struct imports *imports);
/* Whether the account has one under way. */
bool imports_hold(const struct imports *imports, const char *account);
/* Handles the call again when that is over; ERROR_CONFLICT where too many wait. */
int imports_park(struct call *call);
/* Prepares the change in the worker, of the request's body if `body`, applies it then, and answers. */
int imports_start(struct call *call, const struct change *change, enum import_what what, bool body);
/* The worker of the imports, for what else takes long: see worker_submit(). */
int imports_submit(struct imports *imports, void (*run)(void *arg), void (*done)(void *arg, bool ran),
		   void *arg);
/*
 * The same of nobody's request. Unless this fails, `done` is called once, later: err as that of gate_apply(),
 * with its error.
 */
typedef void (*imports_done)(void *arg, int err, const struct ag_error *error);
int imports_start_own(struct imports *imports, const struct change *change, enum import_what what,
		      imports_done done, void *arg, struct ag_error *error);
/*
 * Prepares several, which stay the caller's, one behind the other; their accounts are held meanwhile. Unless
 * this fails, `done` is called once, later: with the error of the first that failed. They are not applied.
 */
int imports_start_all(struct imports *imports, struct import **list, size_t count, imports_done done,
		      void *arg, struct ag_error *error);
/* How the request's body writes its list, by its Content-Type. */
enum list_form imports_form(const struct call *call);
