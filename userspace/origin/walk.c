// SPDX-License-Identifier: GPL-2.0-only
/*
 * walk.c - see walk.h
 *
 * A parent's number is read from the child, its directory opened, and the child read again: while it still
 * names that number, the directory is its parent's and no later process'. An older child than its parent is
 * refused besides: numbers and times must agree.
 *
 * sshd of root's is the one that serves the connection (its monitor); what belongs to the user below it is
 * another sshd, its direct child. An sshd without rights anywhere else is one that a user has started.
 */
#include "userspace/origin/walk.h"

#include <errno.h>

#define TRIES 4

enum origin_reason walk_reason(int err)
{
	switch (err) {
	case -ESRCH:
		return ORIGIN_GONE;
	case -E2BIG:
		return ORIGIN_TOO_MANY;
	default:
		return ORIGIN_FAILED;
	}
}

/* 0; -ENOENT: it has none; -EAGAIN: it has got another one meanwhile. */
static int open_parent(int proc_fd, struct process *child, struct process *ret)
{
	struct process parent = {.fd = -1};
	uint32_t number = child->stat.parent;
	uint64_t start = child->stat.start;
	int err;

	if (!number)
		return -ENOENT;
	err = process_open(proc_fd, number, &parent);
	if (!err)
		err = process_read(&parent);
	if (err && err != -ESRCH) {
		process_close(&parent);
		return err;
	}
	if (!err)
		err = process_read(child);
	else if (!process_read(child))
		err = -EAGAIN;
	if (!err && child->stat.parent != number)
		err = -EAGAIN;
	if (!err && (child->stat.start != start || parent.stat.start > start))
		err = -ESRCH;
	if (err)
		process_close(&parent);
	else
		*ret = parent;
	return err;
}

static int step_up(int proc_fd, struct walk *walk)
{
	int err = -EAGAIN;

	if (walk->count == WALK_MAX)
		return -E2BIG;
	for (int i = 0; i < TRIES && err == -EAGAIN; i++)
		err = open_parent(proc_fd, &walk->steps[walk->count - 1], &walk->steps[walk->count]);
	if (!err)
		walk->count++;
	return err == -EAGAIN ? -ESRCH : err;
}

/* ORIGIN_NONE: go on. *below_user says that the step before was an sshd without rights. */
static enum origin_reason judge(const struct process *process, const struct programs *programs,
				bool *below_user)
{
	enum program program = PROGRAM_OTHER;
	bool root = false;
	int err = process_program(process, programs, &program);

	if (!err)
		err = process_is_root(process, &root);
	if (err == -EACCES && !process->stat.parent)
		return ORIGIN_NONE; /* init, in the hands of who runs this machine: there is nothing above it
				     */
	if (err)
		return walk_reason(err);
	if (program == PROGRAM_SSHD && root)
		return ORIGIN_FOUND;
	if (program == PROGRAM_RELAY || *below_user)
		return ORIGIN_RELAYED;
	*below_user = program == PROGRAM_SSHD;
	return ORIGIN_NONE;
}

enum origin_reason walk_up(int proc_fd, struct process *first, const struct programs *programs,
			   struct walk *walk)
{
	enum origin_reason reason = ORIGIN_NONE;
	bool below_user = false;

	walk->steps[0] = *first;
	walk->count = 1;
	first->fd = -1;
	for (;;) {
		int err;

		reason = judge(&walk->steps[walk->count - 1], programs, &below_user);
		if (reason != ORIGIN_NONE)
			return reason;
		err = step_up(proc_fd, walk);
		if (err == -ENOENT)
			return below_user ? ORIGIN_RELAYED : ORIGIN_NO_SSHD;
		if (err)
			return walk_reason(err);
	}
}

bool walk_stands(struct walk *walk)
{
	for (size_t i = 0; i < walk->count; i++) {
		struct process *step = &walk->steps[i];
		struct proc_stat before = step->stat;

		if (process_read(step) || step->stat.start != before.start)
			return false;
		if (i + 1 < walk->count && step->stat.parent != walk->steps[i + 1].pid)
			return false;
	}
	return true;
}

void walk_clear(struct walk *walk)
{
	while (walk->count)
		process_close(&walk->steps[--walk->count]);
}
