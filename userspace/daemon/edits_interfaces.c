// SPDX-License-Identifier: GPL-2.0-only
/*
 * edits_interfaces.c - the changes of interfaces
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/core/error.h"
#include "userspace/daemon/edits.h"
#include "userspace/daemon/interfaces.h"

/* One of the configuration's is not in the store. */
static int forget_in_store(struct edit *edit, struct ag_error *error)
{
	int err = store_interface_remove(edit->gate->store, edit->change->interface.name, error);

	return err && error->code == ERROR_NOT_FOUND ? 0 : err;
}

/* Attaching is what can fail, so it comes before the commit; abandon takes it back. */
int edit_interface_attach(struct edit *edit, struct ag_error *error)
{
	const struct store_interface *interface = &edit->change->interface;
	int err;

	(void)buffer_print(&edit->detail, "%s mode=%s ", interface->name, interface->mode);
	edit->outcome->added = 1;
	edit->was_attached = interfaces_attached(edit->gate, interface->name);
	err = interfaces_attach(edit->gate, interface, edit->change->dry_run, &edit->outcome->attachment,
				error);
	if (err && edit->change->takes_back) {
		log_warning("%s: it is attached when it can be: %s", interface->name, error->message);
		err = 0;
	}
	if (!err && edit->change->unstored)
		return forget_in_store(edit, error);
	return err ? err : store_interface_put(edit->gate->store, interface, error);
}

void abandon_interface_attach(struct edit *edit)
{
	struct ag_error why = {0};

	if (edit->was_attached || edit->change->dry_run || !edit->outcome->attachment.ifindex)
		return;
	if (dataplane_detach(edit->gate->dataplane, edit->change->interface.name, &why))
		log_error("cannot take back the attachment to %s: %s", edit->change->interface.name,
			  why.message);
}

int publish_interface_attach(struct edit *edit, struct ag_error *error)
{
	(void)error;
	interfaces_want(edit->gate, &edit->change->interface, &edit->outcome->attachment);
	return 0;
}

int edit_interface_detach(struct edit *edit, struct ag_error *error)
{
	const char *name = edit->change->interface.name;
	bool wanted = interfaces_wanted(edit->gate, name);

	(void)buffer_print(&edit->detail, "%s ", name);
	edit->outcome->removed = 1;
	if (!wanted && !interfaces_attached(edit->gate, name) && !edit->change->takes_back)
		return error_set(
			error, ERROR_NOT_FOUND,
			"nothing of this daemon's is attached to '%s': see 'allowgate interface list'", name);
	return forget_in_store(edit, error);
}

int publish_interface_detach(struct edit *edit, struct ag_error *error)
{
	const char *name = edit->change->interface.name;

	interfaces_forget(edit->gate, name);
	if (!interfaces_attached(edit->gate, name))
		return 0;
	return dataplane_detach(edit->gate->dataplane, name, error);
}

int undo_interface_detach(struct edit *edit, struct ag_error *error)
{
	struct store_interface interface = edit->change->interface;

	(void)snprintf(interface.mode, sizeof(interface.mode), "auto");
	interfaces_want(edit->gate, &interface, NULL);
	return store_interface_put(edit->gate->store, &interface, error);
}
