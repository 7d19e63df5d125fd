/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * preview.h - whom changes would stop: connections that are there, and sources seen lately
 *
 * For a dry run, within its transaction: of all its changes together, as they would be behind the last of
 * them. Bounded in time, in what is looked at and in what is kept; `complete` says whether that was all.
 * Reads alone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/core/service.h"
#include "userspace/core/text.h"
#include "userspace/io/sockdiag.h"

#define PREVIEW_MAX 1000 /* kept of each */
/* A source was seen lately if within this time. */
#define PREVIEW_LATELY ((int64_t)30 * 24 * 3600)

struct convoy;

struct preview_connection {
	struct sockdiag_connection ends;
	struct service service;
};

struct preview_source {
	char account[NAME_SIZE]; /* whose entry it is, or who counted it */
	struct prefix prefix;
	int64_t last_seen;
	const char *why; /* a literal */
};

/* Owns both arrays. */
struct preview {
	bool made;
	struct preview_connection *connections;
	size_t connection_count;
	size_t connections_total;
	struct preview_source *sources;
	size_t source_count;
	size_t sources_total;
	bool complete;
};

/* What fails leaves it incomplete: a dry run is answered all the same. */
void preview_make(const struct convoy *convoy, struct preview *ret);
void preview_clear(struct preview *preview);
