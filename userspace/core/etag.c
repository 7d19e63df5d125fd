// SPDX-License-Identifier: GPL-2.0-only
/* etag.c - see etag.h */
#include "userspace/core/etag.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "userspace/core/error.h"

void etag_of(const struct account *account, char etag[ETAG_SIZE])
{
	(void)snprintf(etag, ETAG_SIZE, "\"%" PRId64 "-%" PRIu64 "\"", account->id, account->generation);
}

int etag_check(const struct account *account, const char *wanted, struct ag_error *error)
{
	char etag[ETAG_SIZE];

	etag_of(account, etag);
	if (!wanted[0] || !strcmp(wanted, etag))
		return 0;
	return error_set(error, ERROR_CONFLICT,
			 "account %s has changed since it was read, and is at %s now: read it again",
			 account->name, etag);
}
