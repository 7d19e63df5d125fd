/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * upload.h - a file, or standard input, that becomes the body of a request
 *
 * A regular file is sent as it is read, and may not change meanwhile; anything else (a pipe, a file without a
 * size) is read whole before the first byte is sent. The daemon acts on a whole body alone, so what fails
 * here changes nothing. Functions that can fail set the problem.
 */
#pragma once

#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "userspace/cli/problem.h"
#include "userspace/core/buffer.h"

#define UPLOAD_HEAD_SIZE 256

/* Owns its descriptor and its text: upload_close(). */
struct upload {
	struct problem *problem;
	const char *name;
	int fd;		   /* -1: all is in text */
	struct stat about; /* as the file was when it was opened */
	off_t from;	   /* where in the file it begins: standard input may have been read already */
	struct buffer text;
	size_t length;		     /* bytes in all */
	size_t at;		     /* bytes that were given */
	int first;		     /* the first byte that is no blank and ends no line; -1: there is none */
	char head[UPLOAD_HEAD_SIZE]; /* what follows it on its line, itself included */
};

/* "-" is standard input. name and problem are borrowed. Returns an exit code. */
int upload_open(const char *name, struct problem *problem, struct upload *ret);
/* The next bytes, 1 to size of them while there are any; -1: the problem is set. For client_transfer. */
ssize_t upload_give(void *upload, char *data, size_t size);
void upload_close(struct upload *upload);
