// SPDX-License-Identifier: GPL-2.0-only
/*
 * verify.c - when a pass begins, and who is told of its end
 */
#include "userspace/daemon/verify.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "userspace/io/loop.h"

struct waiter {
	STAILQ_ENTRY(waiter) link;
	void (*told)(void *arg);
	void *arg;
};

STAILQ_HEAD(waiters, waiter);

struct verify {
	struct gate *gate;
	struct loop_idle *idle;
	struct verify_pass *pass; /* NULL: none is under way */
	bool repairs;		  /* it does */
	bool repair_asked;	  /* the next one shall */
	struct waiters next;	  /* who asked since it began */
	struct waiters now;	  /* whom it is for */
};

static void tell(struct waiters *waiters)
{
	struct waiter *waiter;

	while ((waiter = STAILQ_FIRST(waiters))) {
		STAILQ_REMOVE_HEAD(waiters, link);
		waiter->told(waiter->arg);
		free(waiter);
	}
}

/* Those who ask and the one who repairs take turns, so that neither keeps the other waiting. */
static bool begin(struct verify *verify)
{
	bool asked = !STAILQ_EMPTY(&verify->next);

	if (!asked && !verify->repair_asked)
		return false;
	verify->repairs = verify->repair_asked && !(asked && verify->repairs);
	verify->pass = verify_pass_new(verify->gate, verify->repairs);
	if (verify->repairs)
		verify->repair_asked = false;
	else
		STAILQ_CONCAT(&verify->now, &verify->next);
	return true;
}

static void report(const struct verify *verify)
{
	size_t repaired = verify_pass_repaired(verify->pass);

	if (repaired)
		log_warning("the kernel differed from the store in %zu elements: repaired", repaired);
}

static void end(struct verify *verify, int err, const struct ag_error *why)
{
	if (err && !verify->gate->reason[0])
		gate_degrade(verify->gate, why);
	if (verify->pass)
		report(verify);
	verify_pass_free(verify->pass);
	verify->pass = NULL;
	tell(&verify->now);
}

static bool work(void *arg)
{
	struct verify *verify = arg;
	struct ag_error why = {0};
	bool more = false;
	int err;

	if (!verify->pass && !begin(verify))
		return false;
	if (verify->pass)
		err = verify_pass_step(verify->pass, &more, &why);
	else
		err = error_set(&why, ERROR_STORE, "no memory to compare the kernel with the store");
	if (err || !more)
		end(verify, err, &why);
	return true;
}

int verify_new(struct gate *gate, struct loop *loop, struct verify **ret)
{
	struct verify *verify = calloc(1, sizeof(*verify));
	int err;

	if (!verify)
		return -ENOMEM;
	verify->gate = gate;
	STAILQ_INIT(&verify->next);
	STAILQ_INIT(&verify->now);
	err = loop_add_idle(loop, work, verify, &verify->idle);
	if (err) {
		free(verify);
		return err;
	}
	*ret = verify;
	return 0;
}

void verify_free(struct verify *verify)
{
	if (!verify)
		return;
	verify_pass_free(verify->pass);
	tell(&verify->now);
	tell(&verify->next);
	free(verify);
}

int verify_ask(struct verify *verify, void (*told)(void *arg), void *arg)
{
	struct waiter *waiter = calloc(1, sizeof(*waiter));

	if (!waiter)
		return -ENOMEM;
	waiter->told = told;
	waiter->arg = arg;
	STAILQ_INSERT_TAIL(&verify->next, waiter, link);
	loop_idle_wake(verify->idle);
	return 0;
}

void verify_repair(struct verify *verify)
{
	verify->repair_asked = true;
	loop_idle_wake(verify->idle);
}
