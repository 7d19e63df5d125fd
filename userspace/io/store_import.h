/* SPDX-License-Identifier: GPL-2.0-only */
/* store_import.h - what store_import.c and store_prepare.c share; nobody else includes it */
#pragma once

#include "userspace/io/store_private.h"

struct store_import {
	struct store_import *next; /* of the store's */
	struct store *store; /* of which the import's thread uses the path, the right to write and files */
	struct store connection;
	struct account_record base; /* as it was when the import was opened */
	struct account_record seen; /* counts and sum of the list that it makes */
	bool prepared;
	bool touched;	   /* in the transaction that is open */
	atomic_bool stale; /* changed since, even if the row looks as before */
};

/* ERROR_CONFLICT. */
int import_conflict(const struct account *account, struct ag_error *error);
/* Of the list that it makes. */
int64_t import_version(const struct store_import *import);
