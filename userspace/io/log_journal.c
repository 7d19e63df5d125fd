// SPDX-License-Identifier: GPL-2.0-only
/*
 * log_journal.c - fields to the journal: a value may hold anything, for each goes with its length
 */
#include "userspace/io/log_journal.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#define SD_JOURNAL_SUPPRESS_LOCATION /* ours would be that of every row */
#include <systemd/sd-journal.h>
#include <unistd.h>

#define OWN_FIELDS 3

/* Not a socket that standard error was redirected to since. */
bool log_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat status;

	if (!stream || sscanf(stream, "%" SCNuMAX ":%" SCNuMAX, &device, &inode) != 2)
		return false;
	return fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

static int add(struct iovec *at, const char *name, const char *value)
{
	char *text = NULL;
	int length = asprintf(&text, "%s=%s", name, value);

	if (length < 0)
		return -ENOMEM;
	*at = (struct iovec){.iov_base = text, .iov_len = (size_t)length};
	return 0;
}

int log_journal(enum log_level level, const char *message, const struct log_field *fields, size_t count)
{
	struct iovec entry[LOG_FIELDS_MAX + OWN_FIELDS] = {0};
	char priority[8];
	int err;

	assert(count <= LOG_FIELDS_MAX);
	(void)snprintf(priority, sizeof(priority), "%d", (int)level);
	err = add(&entry[0], "MESSAGE", message);
	if (!err)
		err = add(&entry[1], "PRIORITY", priority);
	if (!err)
		err = add(&entry[2], "SYSLOG_IDENTIFIER", program_invocation_short_name);
	for (size_t i = 0; i < count && !err; i++)
		err = add(&entry[OWN_FIELDS + i], fields[i].name, fields[i].value);
	if (!err)
		err = sd_journal_sendv(entry, (int)(OWN_FIELDS + count));
	for (size_t i = 0; i < OWN_FIELDS + count; i++)
		free(entry[i].iov_base);
	return err;
}
