/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * verify.h - compare the kernel with the store, in slices between which requests are served
 *
 * A pass goes over every account, then the services, then slots that nobody has. It either only compares, and
 * then notes the drift, or repairs what differs too. Whoever asks gets what a pass says that began after they
 * asked; those who ask meanwhile share the next one.
 */
#pragma once

#include <stdbool.h>

#include "userspace/daemon/gate.h"

struct loop;

/* A pass, step by step. */
struct verify_pass;
/* NULL: no memory. */
struct verify_pass *verify_pass_new(struct gate *gate, bool repair);
void verify_pass_free(struct verify_pass *pass);
/* Some 10 ms of it: *ret_more until it is through, when gate->drift says what was found. An error ends it. */
int verify_pass_step(struct verify_pass *pass, bool *ret_more, struct ag_error *error);
/* Elements that it repaired. */
size_t verify_pass_repaired(const struct verify_pass *pass);

struct verify;
int verify_new(struct gate *gate, struct loop *loop, struct verify **ret);
/* Whoever waits is told. */
void verify_free(struct verify *verify);
/* Calls once, when gate->drift is that of a pass that began after this, or could not be found out. -ENOMEM.
 */
int verify_ask(struct verify *verify, void (*told)(void *arg), void *arg);
/* A pass that repairs; what it did is logged. */
void verify_repair(struct verify *verify);
