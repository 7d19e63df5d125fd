// SPDX-License-Identifier: GPL-2.0-only
/*
 * dataplane_watch.c - stopped packets, as the program reports them
 *
 * The ring keeps what was reported while nobody looked, until it is full: of what is then passed over the
 * next report tells the number. Sightings that an earlier daemon did not fetch come first.
 */
#include "userspace/io/dataplane_private.h"

#include <errno.h>
#include <string.h>

#define SIGHTINGS_MAX 10000U /* a call: the ring holds some 3,600, and fills while it is read */

/* Read by one at a time: who holds the lock on pin_dir. */
struct sighting_ring {
	struct ring_buffer *ring;
	/* of the call under way */
	int (*visit)(const struct ag_sighting *sighting, void *arg);
	void *arg;
	size_t left;
	int result; /* of the visit that was not 0 */
};

void dataplane_set_watch(struct dataplane *dataplane, bool watch)
{
	dataplane_set_flags(dataplane, AG_CONFIG_WATCH, watch ? AG_CONFIG_WATCH : 0);
}

/* Negative ends the run, behind the one that it is called for. */
static int view(void *arg, void *data, size_t size)
{
	struct sighting_ring *sightings = arg;
	struct ag_sighting sighting;

	if (size >= sizeof(sighting)) { /* as all of these maps' version */
		memcpy(&sighting, data, sizeof(sighting));
		sightings->result = sightings->visit(&sighting, sightings->arg);
	}
	return sightings->result || !--sightings->left ? -ECANCELED : 0;
}

static int open_ring(struct dataplane *dataplane, struct ag_error *error)
{
	AUTO_FREE struct sighting_ring *sightings = calloc(1, sizeof(*sightings));

	if (dataplane->sightings)
		return 0;
	if (!sightings)
		return dataplane_no_memory(error);
	sightings->ring = ring_buffer__new(dataplane_map_fd(dataplane->skeleton->maps.ag_sightings), view,
					   sightings, NULL);
	if (!sightings->ring)
		return error_set(error, ERROR_KERNEL, "cannot map ag_sightings: %s", strerror(errno));
	dataplane->sightings = TAKE_PTR(sightings);
	return 0;
}

int dataplane_sightings(struct dataplane *dataplane,
			int (*visit)(const struct ag_sighting *sighting, void *arg), void *arg,
			struct ag_error *error)
{
	int result = open_ring(dataplane, error);
	struct sighting_ring *sightings = dataplane->sightings;

	if (result < 0)
		return result;
	sightings->visit = visit;
	sightings->arg = arg;
	sightings->left = SIGHTINGS_MAX;
	sightings->result = 0;
	result = ring_buffer__consume(sightings->ring);
	if (sightings->result)
		return sightings->result;
	if (result < 0 && result != -ECANCELED)
		return error_set(error, ERROR_KERNEL, "cannot read ag_sightings: %s", strerror(-result));
	return 0;
}

void watch_close(struct dataplane *dataplane)
{
	if (!dataplane->sightings)
		return;
	ring_buffer__free(dataplane->sightings->ring);
	free(dataplane->sightings);
	dataplane->sightings = NULL;
}
