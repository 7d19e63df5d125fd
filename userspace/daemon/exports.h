/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exports.h - long lists as text, written in slices between which others are served (private to api*.c)
 */
#pragma once

#include "userspace/daemon/call.h"

struct loop;

int exports_new(struct gate *gate, struct loop *loop, struct exports **ret);
/* Everybody is answered. */
void exports_free(struct exports *exports);
/* Answers the call with call->account's list, once it is written. */
int exports_start(struct call *call);
