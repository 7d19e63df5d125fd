/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * judge.h - what the store says becomes of a packet: the other side of dataplane_ask()
 */
#pragma once

#include "userspace/daemon/gate.h"

struct ag_error;

/* What the policy says; clear with opinion_clear(). Borrows from the gate's summary. */
struct opinion {
	enum ag_verdict verdict;
	bool passes;
	const struct prefix *dest; /* the longest prefix of services around the destination; NULL: none */
	bool gated;
	const struct claim *claim;     /* the service; NULL: none, or an account was asked for */
	const struct account *account; /* whose list was asked; NULL: nobody's */
	bool matched;		       /* entry decides */
	struct entry entry;
};

/* As the question goes, whole packets alone. ERROR_STORE. */
int judge(const struct gate *gate, const struct dataplane_question *question, struct opinion *ret,
	  struct ag_error *error);
void opinion_clear(struct opinion *opinion);
/* Whether the kernel's answer is the same: verdict, account, entry, and what becomes of the packet. */
bool opinion_agrees(const struct opinion *opinion, const struct dataplane_answer *answer);
