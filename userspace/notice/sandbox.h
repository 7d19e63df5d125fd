/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sandbox.h - rights given away for good, before the first visitor is spoken to
 *
 * First sandbox_drop(), then sandbox_close(). What the kernel must do and does not is an error; Landlock is
 * the one part that an older kernel may lack, which the caller says.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct ag_error;

/* Root becomes `user` (NULL: allowgate-notice); anybody else stays, and `user` may name no other. No
 * capability is left in any set, and no program that is started could gain one. */
int sandbox_drop(const char *user, struct ag_error *error);
/* No process, no core file, at most `files` descriptors; with Landlock no file and no connection out.
 * *ret_landlock: its version, or 0 where the kernel has none. */
int sandbox_close(uint32_t files, int *ret_landlock, struct ag_error *error);
