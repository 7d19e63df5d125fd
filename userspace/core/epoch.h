/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * epoch.h - the time that an epoch of the kernel's stands for (ag_epoch())
 */
#pragma once

#include <stdint.h>

#include "bpf/ag_abi.h"

/* The latest time that is not after `now` (seconds since 1970) and of that epoch, to the minute; 0 of epoch
 * 0. */
static inline int64_t epoch_time(uint16_t epoch, int64_t now)
{
	int64_t minute = now / AG_EPOCH_SECONDS;
	int64_t back = (ag_epoch((uint64_t)now) - epoch + (int64_t)AG_EPOCHS) % AG_EPOCHS;

	return epoch ? (minute - back) * AG_EPOCH_SECONDS : 0;
}
