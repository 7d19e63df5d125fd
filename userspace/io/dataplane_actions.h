/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dataplane_actions.h - what is done with stopped packets, and the program for notice servers' answers;
 * included by dataplane_private.h alone
 */
#pragma once

#include "userspace/io/dataplane_private.h"

/* dataplane_actions.c: what words name by an index. */
int actions_open(struct dataplane *dataplane, struct ag_error *error);
void actions_close(struct dataplane *dataplane);
/* Whether a word may name it: one that stands for itself, or is in the table. */
bool actions_known(const struct dataplane *dataplane, uint8_t index);
/*
 * The index of that action, found or made, and held for a change until actions_let_go(). ERROR_LIMIT,
 * ERROR_NOT_FOUND for an interface that is not there, ERROR_KERNEL where the answers' program cannot be
 * attached that an account needs which enforces with a notice.
 */
int actions_take(struct dataplane *dataplane, const struct on_deny *on_deny, bool enforces, uint8_t *ret,
		 struct ag_error *error);
void actions_let_go(struct dataplane *dataplane, uint8_t index);
/* Around the store of a word: before it what the new one needs, after it what the old one does no more. */
void actions_before_word(struct dataplane *dataplane, union ag_account_state new);
void actions_after_word(struct dataplane *dataplane, union ag_account_state old);
/* The answers' program is attached, and no account needs it any more. */
bool actions_egress_is_idle(const struct dataplane *dataplane);
void actions_after_grace(struct dataplane *dataplane);
/* Once all words were told: what none of them names is free. */
void actions_settle(struct dataplane *dataplane);
struct on_deny actions_read(const struct dataplane *dataplane, uint8_t index);

/* dataplane_egress.c: the answers' program, on every device that the program is attached to. */
/* On all of them, and in each the newest program. Idempotent. */
int egress_attach_all(struct dataplane *dataplane, struct ag_error *error);
int egress_attach(struct dataplane *dataplane, unsigned int ifindex, struct ag_error *error);
/* From all, or one. What is not there is no error. */
int egress_detach_all(const char *pin_dir);
int egress_detach(const char *pin_dir, unsigned int ifindex);
