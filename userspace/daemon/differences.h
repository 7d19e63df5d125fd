/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * differences.h - what differs between two generations, compared in slices between which others are served
 * (private to api*.c)
 */
#pragma once

#include "userspace/daemon/call.h"

#define DIFFERENCE_ENTRIES_MAX 1000 /* of each kind that are shown */

struct loop;

int differences_new(struct gate *gate, struct loop *loop, struct differences **ret);
/* Everybody is answered. */
void differences_free(struct differences *differences);
/* Answers the call with call->account's generations compared, once they are. to 0: with the account as it is.
 */
int differences_start(struct call *call, uint64_t from, uint64_t to);
