// SPDX-License-Identifier: GPL-2.0-only
/*
 * interfaces.c - keep the program on every wanted interface, through restarts and devices made anew
 */
#include "userspace/daemon/interfaces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"

static struct wanted_interface *find_wanted(const struct gate *gate, const char *name)
{
	for (size_t i = 0; i < gate->wanted_count; i++)
		if (!strcmp(gate->wanted[i].name, name))
			return (struct wanted_interface *)&gate->wanted[i];
	return NULL;
}

bool interfaces_wanted(const struct gate *gate, const char *name)
{
	return find_wanted(gate, name) != NULL;
}

static void want(struct gate *gate, const char *name, enum attach_mode mode)
{
	struct wanted_interface *held = find_wanted(gate, name);

	if (!held && gate->wanted_count == WANTED_INTERFACES_MAX) {
		log_warning("more than %d interfaces: %s is not attached again when it is made anew",
			    WANTED_INTERFACES_MAX, name);
		return;
	}
	if (!held) {
		held = &gate->wanted[gate->wanted_count++];
		*held = (struct wanted_interface){0};
	}
	(void)snprintf(held->name, sizeof(held->name), "%s", name);
	held->mode = mode;
}

/* An attachment that was there already says nothing of a fallback: then what is known of it stays. */
static void note_fallback(struct wanted_interface *wanted, const struct attachment *attachment)
{
	if (attachment->fallback[0] || attachment->mode != ATTACH_GENERIC)
		(void)snprintf(wanted->fallback, sizeof(wanted->fallback), "%s", attachment->fallback);
}

void interfaces_want(struct gate *gate, const struct store_interface *interface,
		     const struct attachment *attachment)
{
	enum attach_mode mode = ATTACH_AUTO;
	struct wanted_interface *held;

	(void)attach_mode_parse(interface->mode, &mode, NULL); /* the store keeps no other than the three */
	want(gate, interface->name, mode);
	held = find_wanted(gate, interface->name);
	if (held && attachment)
		note_fallback(held, attachment);
}

const char *interfaces_fallback(const struct gate *gate, const char *name)
{
	const struct wanted_interface *held = find_wanted(gate, name);

	return held ? held->fallback : "";
}

const char *interfaces_mode(const struct gate *gate, const char *name)
{
	const struct wanted_interface *held = find_wanted(gate, name);

	return attach_mode_name(held ? held->mode : ATTACH_AUTO);
}

void interfaces_forget(struct gate *gate, const char *name)
{
	struct wanted_interface *held = find_wanted(gate, name);

	if (held)
		*held = gate->wanted[--gate->wanted_count];
}

bool interfaces_attached(struct gate *gate, const char *name)
{
	AUTO_FREE struct attachment *attachments = NULL;
	struct ag_error ignored;
	size_t count;

	if (dataplane_attachments(gate->dataplane, &attachments, &count, &ignored))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!strcmp(attachments[i].name, name))
			return true;
	return false;
}

static void report(const struct attachment *attachment)
{
	if (attachment->fallback[0])
		log_warning("%s: native mode refused (%s): attached in generic mode", attachment->name,
			    attachment->fallback);
	else
		log_notice("%s: attached in %s mode", attachment->name, attach_mode_name(attachment->mode));
}

int interfaces_attach(struct gate *gate, const struct store_interface *interface, bool dry_run,
		      struct attachment *ret, struct ag_error *error)
{
	enum attach_mode mode;
	int err = attach_mode_parse(interface->mode, &mode, error);

	if (err)
		return err;
	if (dry_run)
		return if_nametoindex(interface->name)
			       ? 0
			       : error_set(error, ERROR_NOT_FOUND, "there is no interface '%s' here",
					   interface->name);
	err = dataplane_attach(gate->dataplane, interface->name, mode, ret, error);
	if (!err)
		report(ret);
	return err;
}

static int collect_wanted(struct gate *gate, struct ag_error *error)
{
	AUTO_FREE struct store_interface *kept = NULL;
	size_t count = 0;
	int err = gate->store ? store_interfaces(gate->store, &kept, &count, error) : 0;

	for (size_t i = 0; i < count && !err; i++)
		interfaces_want(gate, &kept[i], NULL);
	for (size_t i = 0; i < gate->options->interface_count; i++)
		want(gate, gate->options->interfaces[i].name, gate->options->interfaces[i].mode);
	return err;
}

static int attach_wanted(struct gate *gate, struct wanted_interface *wanted, struct ag_error *error)
{
	struct attachment attachment;
	int err = dataplane_attach(gate->dataplane, wanted->name, wanted->mode, &attachment, error);

	if (err)
		return err;
	note_fallback(wanted, &attachment);
	report(&attachment);
	return 0;
}

/* One that refuses must not leave the others without the program: all are tried, and the first refusal is the
 * error. */
static int attach_all(struct gate *gate, struct ag_error *error)
{
	struct ag_error why = {0};
	int first = 0;

	for (size_t i = 0; i < gate->wanted_count; i++) {
		int err = attach_wanted(gate, &gate->wanted[i], first ? &why : error);

		if (err && (first ? &why : error)->code == ERROR_NOT_FOUND)
			log_warning("%s is not there: it is attached when it appears", gate->wanted[i].name);
		else if (err && first)
			log_error("%s", why.message);
		else if (err)
			first = err;
	}
	return first;
}

int interfaces_start(struct gate *gate, struct ag_error *error)
{
	size_t adopted = 0;
	int err = collect_wanted(gate, error);

	if (err || !dataplane_filled(gate->dataplane))
		return err;
	err = dataplane_adopt_links(gate->dataplane, &adopted, error);
	if (!err && adopted)
		log_notice("took over %zu attached interfaces without a gap", adopted);
	if (!err)
		err = attach_all(gate, error);
	if (!err)
		dataplane_drop_old_maps(gate->dataplane);
	return err;
}

void interfaces_retry(struct gate *gate)
{
	struct ag_error why = {0};

	if (!dataplane_filled(gate->dataplane))
		return;
	for (size_t i = 0; i < gate->wanted_count; i++)
		if (!interfaces_attached(gate, gate->wanted[i].name) &&
		    attach_wanted(gate, &gate->wanted[i], &why) && why.code != ERROR_NOT_FOUND)
			log_error("%s: %s", gate->wanted[i].name, why.message);
}

void interfaces_refresh(struct gate *gate)
{
	struct ag_error why = {0};

	if (dataplane_refresh_devices(gate->dataplane, &why))
		log_error("%s", why.message);
}

void interfaces_event(const struct rtnl_link *link, void *arg)
{
	struct gate *gate = arg;
	struct wanted_interface *wanted = find_wanted(gate, link->name);
	struct ag_error why = {0};

	if (link->gone || !wanted || !dataplane_filled(gate->dataplane) ||
	    interfaces_attached(gate, link->name))
		return;
	if (attach_wanted(gate, wanted, &why))
		log_error("%s: %s", link->name, why.message);
}
