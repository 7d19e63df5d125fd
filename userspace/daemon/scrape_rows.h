/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scrape_rows.h - the families of a scrape, as a table, and what their samples are written from (private to
 * scrape.c and scrape_rows.c)
 */
#pragma once

#include <sys/queue.h>

#include "userspace/core/buffer.h"
#include "userspace/daemon/scrape.h"

/* A scrape on its way: each account family is written an account at a time. */
struct collection {
	STAILQ_ENTRY(collection) link;
	const struct api *api;
	struct gate *gate;
	struct httpd_ticket *ticket;
	struct account_counters *accounts; /* by slot */
	uint32_t account_end;
	struct attachment *attachments;
	struct ag_interface_counters *interfaces;
	size_t attachment_count;
	struct dataplane_map_usage *maps;
	size_t map_count;
	size_t row;		/* the family that is written */
	bool begun;		/* its head is */
	char behind[NAME_SIZE]; /* the last account written in it */
	struct buffer out;
};

struct row {
	struct metric_family family;
	void (*sample)(struct collection *collection, const struct metric_family *family);
	/* or, of every account: */
	void (*sample_account)(struct collection *collection, const struct metric_family *family,
			       const struct account *account);
	size_t counter; /* or, without these, the offset of a uint64_t in struct gate */
};

extern const struct row scrape_rows[];
extern const size_t scrape_row_count;
