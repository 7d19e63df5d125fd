/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake_watch.h - what the kernel that tests stand in for reports of stopped packets; included by
 * fake_kernel.h
 */
#pragma once

#include <stdbool.h>

#define REPORTS_MAX 32768

static struct {
	bool on;
	struct ag_sighting sightings[REPORTS_MAX];
	size_t count;
	bool broken; /* reading fails */
} reports;

void dataplane_set_watch(struct dataplane *dataplane, bool watch)
{
	(void)dataplane;
	reports.on = watch;
}

int dataplane_sightings(struct dataplane *dataplane,
			int (*visit)(const struct ag_sighting *sighting, void *arg), void *arg,
			struct ag_error *error)
{
	int err = 0;

	(void)dataplane;
	if (reports.broken)
		return error_set(error, ERROR_KERNEL, "made to fail: wait and try again");
	for (size_t i = 0; i < reports.count && !err; i++)
		err = visit(&reports.sightings[i], arg);
	reports.count = 0;
	return err;
}
