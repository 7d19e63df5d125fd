/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sandbox.h - every right given away for good but the two that the work needs
 */
#pragma once

#include <stdbool.h>

struct ag_error;

/*
 * Root becomes `user`; anybody else stays. What is left is CAP_SYS_PTRACE (to see what another's process is,
 * and has open) and CAP_DAC_READ_SEARCH (to list it), with `namespaces` CAP_SYS_ADMIN too (to enter a network
 * namespace); ERROR_FORBIDDEN where they are not there to begin with. No program can be started, no file
 * written, no process or socket of another's be taken hold of.
 */
int sandbox_enter(const char *user, bool namespaces, struct ag_error *error);
