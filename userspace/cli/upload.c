// SPDX-License-Identifier: GPL-2.0-only
/*
 * upload.c - see upload.h. A file that cannot be read, or not to its end, is an error and never a shorter
 * list: that would lock people out, and an empty one would open the account.
 */
#include "userspace/cli/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "userspace/core/cleanup.h"

/* More than the daemon takes in one request unless it is told to: it is the judge of that. */
#define UPLOAD_MAX ((size_t)256 << 20)
#define CHUNK	   ((size_t)64 << 10)

static int cannot_read(const struct upload *upload, int number)
{
	return problem_set(upload->problem, PROBLEM_INPUT, "%s cannot be read: %s; nothing was changed",
			   upload->name, strerror(number));
}

static int too_long(const struct upload *upload)
{
	return problem_set(upload->problem, PROBLEM_LIMIT, "%s is longer than %zu MiB; nothing was changed",
			   upload->name, UPLOAD_MAX >> 20);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* --- read whole --- */

static int read_whole(struct upload *upload, int fd)
{
	AUTO_FREE char *chunk = malloc(CHUNK);
	ssize_t length = 1;

	upload->text.limit = UPLOAD_MAX;
	while (chunk && length) {
		length = read(fd, chunk, CHUNK);
		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return cannot_read(upload, errno);
		if (buffer_append(&upload->text, chunk, (size_t)length))
			break;
	}
	if (upload->text.failed == -EFBIG)
		return too_long(upload);
	if (!chunk || upload->text.failed)
		return cannot_read(upload, ENOMEM);
	upload->length = upload->text.length;
	return 0;
}

/* --- read as it is sent --- */

/* Exactly the bytes asked for: of a file that has them. */
static int read_part(const struct upload *upload, char *data, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t got = pread(upload->fd, data + done, length - done,
				    upload->from + (off_t)(upload->at + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return cannot_read(upload, errno);
		if (got == 0)
			return problem_set(upload->problem, PROBLEM_INPUT,
					   "%s became shorter while it was read; nothing was changed",
					   upload->name);
		done += (size_t)got;
	}
	return 0;
}

/* Asked before the last bytes are given: without them the daemon does nothing. */
static int check_unchanged(const struct upload *upload)
{
	struct stat now;

	if (fstat(upload->fd, &now))
		return cannot_read(upload, errno);
	if (now.st_size == upload->about.st_size && now.st_mtim.tv_sec == upload->about.st_mtim.tv_sec &&
	    now.st_mtim.tv_nsec == upload->about.st_mtim.tv_nsec)
		return 0;
	return problem_set(upload->problem, PROBLEM_INPUT,
			   "%s changed while it was read; nothing was changed: try again", upload->name);
}

static size_t left_of(const struct upload *upload, size_t size)
{
	size_t left = upload->length - upload->at;

	return left < size ? left : size;
}

static int give_part(struct upload *upload, char *data, size_t length)
{
	int err = 0;

	if (upload->fd < 0)
		memcpy(data, upload->text.data + upload->at, length);
	else
		err = read_part(upload, data, length);
	if (!err && upload->fd >= 0 && upload->at + length == upload->length)
		err = check_unchanged(upload);
	return err;
}

ssize_t upload_give(void *arg, char *data, size_t size)
{
	struct upload *upload = arg;
	size_t length = left_of(upload, size);

	if (length && give_part(upload, data, length))
		return -1;
	upload->at += length;
	return (ssize_t)length;
}

/* --- opening --- */

static void keep_head(struct upload *upload, const char *line, size_t length)
{
	size_t i = 0;

	for (; i < length && i < UPLOAD_HEAD_SIZE - 1 && !strchr("\r\n", line[i]); i++)
		upload->head[i] = line[i];
	upload->head[i] = '\0';
	upload->first = (unsigned char)line[0];
}

/* Looks for it as the bytes are given, and begins again. */
static int find_first(struct upload *upload)
{
	AUTO_FREE char *chunk = malloc(CHUNK);
	ssize_t length = chunk ? 1 : 0;

	upload->first = -1;
	while (length > 0 && upload->first < 0) {
		length = upload_give(upload, chunk, CHUNK);
		for (ssize_t i = 0; i < length && upload->first < 0; i++) {
			if (!is_blank(chunk[i]))
				keep_head(upload, chunk + i, (size_t)(length - i));
		}
	}
	upload->at = 0;
	if (!chunk)
		return cannot_read(upload, ENOMEM);
	return length < 0 ? (int)upload->problem->exit : 0;
}

/* A regular file without a size may be one of the kernel's, which has something to read all the same. */
static int measure(struct upload *upload, int fd)
{
	upload->from = fd == STDIN_FILENO ? lseek(fd, 0, SEEK_CUR) : 0;
	if (!S_ISREG(upload->about.st_mode) || upload->from < 0 || upload->about.st_size <= upload->from)
		return read_whole(upload, fd);
	upload->length = (size_t)(upload->about.st_size - upload->from);
	upload->fd = fd;
	return upload->length > UPLOAD_MAX ? too_long(upload) : 0;
}

int upload_open(const char *name, struct problem *problem, struct upload *ret)
{
	bool standard = strcmp(name, "-") == 0;
	AUTO_FD int fd = standard ? -1 : open(name, O_RDONLY | O_CLOEXEC);
	int used = standard ? STDIN_FILENO : fd, err;

	*ret = (struct upload){
		.problem = problem, .name = standard ? "standard input" : name, .fd = -1, .first = -1};
	if (used < 0 || fstat(used, &ret->about))
		return cannot_read(ret, errno);
	if (S_ISDIR(ret->about.st_mode))
		return cannot_read(ret, EISDIR);
	err = measure(ret, used);
	if (!err)
		err = find_first(ret);
	if (ret->fd == fd)
		(void)TAKE_FD(fd); /* it is the upload's now */
	return err;
}

void upload_close(struct upload *upload)
{
	if (upload->fd > STDIN_FILENO)
		(void)close(upload->fd); /* it was read alone */
	upload->fd = -1;
	buffer_clear(&upload->text);
}
