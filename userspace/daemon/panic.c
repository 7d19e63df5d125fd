// SPDX-License-Identifier: GPL-2.0-only
/*
 * panic.c - the switch that lets everything pass: kernel first, then the store
 *
 * That order, because it must work when the store does not. What a crash leaves between the two, and what the
 * store could not take, panic_settle() brings to it.
 */
#include "userspace/daemon/panic.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "userspace/core/text.h"
#include "userspace/daemon/audit.h"
#include "userspace/io/loop.h"

#define REASON_UNKNOWN "not known: switched on while the store could not be used"

const char *gate_state(const struct gate *gate)
{
	if (gate->panics)
		return "panic";
	return gate->reason[0] ? "degraded" : "ok";
}

void gate_tell_state(const struct gate *gate)
{
	char status[2048];

	(void)snprintf(status, sizeof(status), "%s%s%s%s", gate->panics ? "PANIC, everything passes: " : "",
		       gate->panics ? gate->panic.reason : "",
		       gate->reason[0] ? gate->panics ? "; degraded: " : "degraded: "
		       : gate->panics  ? ""
				       : "in force",
		       gate->reason);
	loop_notify_status(status);
}

/* --- the kernel ------------------------------------------------------------------ */

static void note_in_gate(struct gate *gate, const struct store_panic *panic)
{
	if (panic)
		log_warning("PANIC: everything passes, by %s: %s", panic->by, panic->reason);
	else if (gate->panics)
		log_notice("the panic is over: the policy is in force again");
	gate->panics = panic != NULL;
	gate->panic = panic ? *panic : (struct store_panic){0};
	gate_tell_state(gate);
}

/* In these maps it is in force in any case. */
static void switch_kernel(struct gate *gate, const struct store_panic *panic, int64_t when, char warning[256])
{
	const struct dataplane_panic wanted = {.on = panic != NULL, .changed = when};
	struct ag_error why = {0};

	note_in_gate(gate, panic);
	if (!dataplane_set_panic(gate->dataplane, &wanted, &why))
		return;
	log_error("%s", why.message);
	(void)snprintf(warning, 256, "%.250s", why.message);
}

/* --- the store ------------------------------------------------------------------- */

/* Not one of another host, which would only be waiting there to be put aside. */
static bool has_own_store(struct gate *gate)
{
	uint64_t seal_id, seal_generation, id, generation;

	if (!gate->store || store_identity(gate->store, &id, &generation, NULL))
		return false;
	dataplane_seal(gate->dataplane, &seal_id, &seal_generation);
	return !seal_id || seal_id == id;
}

/* With its row in the audit log. */
static int write_store(struct gate *gate, const struct actor *actor, const struct store_panic *panic,
		       struct ag_error *error)
{
	int err = store_begin(gate->store, error);

	if (err)
		return err;
	err = panic ? store_panic_put(gate->store, panic, error) : store_panic_remove(gate->store, error);
	if (!err)
		err = audit_row(gate, actor, "", panic ? "panic" : "panic off", panic ? panic->reason : "",
				"done", error);
	if (!err)
		return store_commit(gate->store, error);
	store_rollback(gate->store);
	return err;
}

static void keep_in_store(struct gate *gate, const struct actor *actor, const struct store_panic *panic,
			  char warning[256])
{
	struct ag_error why = {0};

	audit_tell(gate, actor, "", panic ? "panic" : "panic off", panic ? panic->reason : "", "done");
	if (has_own_store(gate) && !write_store(gate, actor, panic, &why))
		return;
	log_warning("'panic%s' by uid %u is not in the store, nor in the audit log, yet: %s",
		    panic ? "" : " --off", actor->uid, why.message[0] ? why.message : gate->reason);
	(void)snprintf(warning, 256,
		       "in force, but neither in the store nor in the audit log yet: it is written there "
		       "when the store can be used again");
}

/* --- both ------------------------------------------------------------------------ */

static struct store_panic make_panic(const struct gate *gate, const struct actor *actor, const char *reason)
{
	struct store_panic panic = {.since = gate->panics ? gate->panic.since : time(NULL)};

	if (actor->name[0])
		(void)snprintf(panic.by, sizeof(panic.by), "%s", actor->name);
	else
		(void)snprintf(panic.by, sizeof(panic.by), "uid %u", actor->uid);
	(void)snprintf(panic.reason, sizeof(panic.reason), "%s", reason);
	return panic;
}

int panic_switch(struct gate *gate, const struct actor *actor, const char *reason, bool dry_run,
		 char warning[256], struct ag_error *error)
{
	struct store_panic panic;

	warning[0] = '\0';
	if (!reason && !gate->panics)
		return error_set(error, ERROR_NOT_FOUND, "there is no panic: the policy is in force");
	if (dry_run)
		return 0;
	if (reason)
		panic = make_panic(gate, actor, reason);
	switch_kernel(gate, reason ? &panic : NULL, time(NULL), warning);
	keep_in_store(gate, actor, reason ? &panic : NULL, warning);
	return 0;
}

/* What the kernel was switched to while the store could not be used, by whom is not known any more. */
static void bring_to_store(struct gate *gate, const struct store_panic *panic)
{
	const struct actor self = {.name = "", .uid = (unsigned int)geteuid()};
	char warning[256];

	log_notice("the store gets to know that the panic is %s", panic ? "on" : "over");
	keep_in_store(gate, &self, panic, warning);
}

static bool same_panic(const struct store_panic *a, const struct store_panic *b)
{
	return a->since == b->since && !strcmp(a->by, b->by) && !strcmp(a->reason, b->reason);
}

/* Of a kernel that was switched on, as far as anybody knows. */
static struct store_panic known_panic(const struct gate *gate, const struct dataplane_panic *kernel,
				      const struct store_panic *stored, bool is_stored)
{
	if (gate->panics)
		return gate->panic;
	if (is_stored)
		return *stored;
	return (struct store_panic){.since = kernel->changed, .by = "unknown", .reason = REASON_UNKNOWN};
}

void panic_settle(struct gate *gate)
{
	struct store_panic stored = {0}, panic;
	struct dataplane_panic kernel;
	bool is_stored = false, usable;
	struct ag_error why = {0};
	char warning[256];

	dataplane_panic(gate->dataplane, &kernel);
	usable = has_own_store(gate) && !store_panic_get(gate->store, &stored, &is_stored, &why);
	if (!kernel.changed && is_stored) { /* the host was started anew */
		switch_kernel(gate, &stored, stored.since, warning);
		return;
	}
	panic = known_panic(gate, &kernel, &stored, is_stored);
	if (kernel.on != (bool)gate->panics)
		note_in_gate(gate, kernel.on ? &panic : NULL);
	if (usable && (kernel.on != is_stored || (is_stored && !same_panic(&panic, &stored))))
		bring_to_store(gate, kernel.on ? &panic : NULL);
}
