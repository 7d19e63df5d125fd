/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * page.h - what a visitor is sent: pure
 *
 * Nothing of the request comes back in it. Texts of the configuration are escaped for where they stand.
 */
#pragma once

#include <stdbool.h>

#include "userspace/core/buffer.h"
#include "userspace/notice/settings.h"

struct page {
	unsigned int status; /* 403, or 302 with a location */
	const char *content_type;
	struct buffer body;
	struct buffer location; /* empty: none */
};

/* `accept` is the request's Accept, NULL where it has none. 0; -ENOMEM. */
int page_make(const struct site_view *site, const struct addr *visitor, const char *accept, struct page *ret);
void page_clear(struct page *page);
/* A JSON type is named, and not behind an HTML one. */
bool page_wants_json(const char *accept);
