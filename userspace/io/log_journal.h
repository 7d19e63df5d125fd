/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * log_journal.h - an entry of the journal with fields of its own
 *
 * Source: sd_journal_sendv(3), systemd.journal-fields(7), systemd.exec(5) for $JOURNAL_STREAM.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "userspace/io/log.h"

struct log_field {
	const char *name; /* "ALLOWGATE_USER" */
	const char *value;
};

#define LOG_FIELDS_MAX 16

/* Whether standard error is the journal's: whoever started us reads the log there. */
bool log_is_journal(void);
/* With MESSAGE, PRIORITY and SYSLOG_IDENTIFIER. 0, also where no journal is there; negative errno. */
int log_journal(enum log_level level, const char *message, const struct log_field *fields, size_t count);
