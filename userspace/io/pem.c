// SPDX-License-Identifier: GPL-2.0-only
/* pem.c - the mode is looked at of what was opened, so that it is that of what is read */
#include "userspace/io/pem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/error.h"

#define SIZE_MOST  (1L << 20)
#define OTHERS_MAY (S_IWGRP | S_IRWXO)

static int check_file(const char *path, const struct stat *status, bool secret, struct ag_error *error)
{
	if (!S_ISREG(status->st_mode) || status->st_size <= 0 || status->st_size > SIZE_MOST)
		return error_set(error, ERROR_BAD_REQUEST,
				 "%s is no PEM file: a regular file of 1 byte to 1 MiB is wanted", path);
	if (secret && (status->st_mode & OTHERS_MAY))
		return error_set(
			error, ERROR_BAD_REQUEST,
			"the key %s is open to others (mode %04o): chmod 0600 it, and make a new key if "
			"somebody may have read it",
			path, (unsigned int)(status->st_mode & 07777));
	if (secret && status->st_uid != 0 && status->st_uid != geteuid())
		return error_set(error, ERROR_BAD_REQUEST,
				 "the key %s belongs to uid %u: it must be root's, or allowgated's own", path,
				 (unsigned int)status->st_uid);
	return 0;
}

/* As much as there was a moment ago; a file that changes meanwhile is read again at the next reload. */
static int read_whole(int fd, char *text, size_t size)
{
	size_t length = 0;

	while (length < size) {
		ssize_t count = read(fd, text + length, size - length);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		if (count == 0)
			break;
		length += (size_t)count;
	}
	return 0;
}

int pem_read(const char *path, bool secret, char **ret, struct ag_error *error)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	char *text;
	int err;

	if (fd < 0 || fstat(fd, &status) < 0)
		return error_set(error, ERROR_BAD_REQUEST, "cannot open %s: %s", path, strerror(errno));
	err = check_file(path, &status, secret, error);
	if (err)
		return err;
	text = calloc(1, (size_t)status.st_size + 1);
	if (!text)
		return error_set(error, ERROR_KERNEL, "no memory for %s", path);
	err = read_whole(fd, text, (size_t)status.st_size);
	if (err) {
		pem_free(text);
		return error_set(error, ERROR_BAD_REQUEST, "cannot read %s: %s", path, strerror(-err));
	}
	*ret = text;
	return 0;
}

void pem_free(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}
