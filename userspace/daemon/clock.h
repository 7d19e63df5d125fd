/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clock.h - the policy's clock, which expiries are compared with
 *
 * CLOCK_BOOTTIME and an offset that the kernel's program has too. It begins with the wall clock's time, and
 * follows that one when it is set forward; set back, it does not: what has expired stays so. An operator's
 * reload takes the wall clock as it is. Moves on while no daemon runs.
 */
#pragma once

#include <stdint.h>

#include "userspace/daemon/gate.h"

struct loop;

/* Takes the wall clock's time: `back` too, where it is earlier than what was believed. */
void clock_take(struct gate *gate, bool back);
/* Follows the wall clock from now on, and tells the kernel each epoch. Negative errno. */
int clock_follow(struct gate *gate, struct loop *loop);
