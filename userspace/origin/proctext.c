// SPDX-License-Identifier: GPL-2.0-only
/*
 * proctext.c - see proctext.h
 *
 * A process chooses its name (comm), which stands in brackets in the middle of stat, and may have brackets,
 * blanks and newlines in it: what follows it is found behind the last bracket of the line. In status the
 * kernel escapes newlines, so that a line of it begins where the kernel has it begin.
 */
#include "userspace/origin/proctext.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Fields of stat behind the name, from 0. */
#define FIELD_PARENT 1
#define FIELD_START  19

/* A decimal number without a sign, up to max; *text goes on behind it. */
static bool take_number(const char **text, uint64_t max, uint64_t *ret)
{
	const char *at = *text;
	uint64_t value = 0;

	if (*at < '0' || *at > '9')
		return false;
	for (; *at >= '0' && *at <= '9'; at++) {
		uint64_t digit = (uint64_t)(*at - '0');

		if (value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*text = at;
	*ret = value;
	return true;
}

static bool take_id(const char **text, uint32_t *ret)
{
	uint64_t value;

	if (!take_number(text, UINT32_MAX, &value))
		return false;
	*ret = (uint32_t)value;
	return true;
}

/* The field of that number, counted from the one at text on, which all end with one blank; NULL: none. */
static const char *field(const char *text, unsigned int number)
{
	for (; number && text; number--) {
		text = strchr(text, ' ');
		text = text ? text + 1 : NULL;
	}
	return text;
}

int proctext_stat(const char *text, struct proc_stat *ret)
{
	const char *fields = strrchr(text, ')');
	const char *parent, *start;
	struct proc_stat stat = {0};

	if (!take_id(&text, &stat.pid) || !stat.pid || strncmp(text, " (", 2) != 0)
		return -EPROTO;
	if (!fields || fields < text + 2 || fields[1] != ' ' || fields[2] < 'A' || fields[2] > 'z' ||
	    fields[3] != ' ')
		return -EPROTO;
	fields += 2;
	stat.state = *fields;
	parent = field(fields, FIELD_PARENT);
	start = field(fields, FIELD_START);
	if (!parent || !take_id(&parent, &stat.parent) || *parent != ' ')
		return -EPROTO;
	if (!start || !take_number(&start, UINT64_MAX, &stat.start) || *start != ' ')
		return -EPROTO;
	*ret = stat;
	return 0;
}

/* Behind "NAME:" and a tab, at the beginning of a line; NULL: there is no such line. */
static const char *value_of(const char *text, const char *name)
{
	size_t length = strlen(name);

	while (text) {
		if (!strncmp(text, name, length) && text[length] == ':' && text[length + 1] == '\t')
			return text + length + 2;
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return NULL;
}

int proctext_uids(const char *text, uint32_t ret[4])
{
	const char *at = value_of(text, "Uid");
	uint32_t uids[4];

	if (!at)
		return -EPROTO;
	for (size_t i = 0; i < COUNT(uids); i++) {
		if (!take_id(&at, &uids[i]) || *at++ != (i + 1 < COUNT(uids) ? '\t' : '\n'))
			return -EPROTO;
	}
	memcpy(ret, uids, sizeof(uids));
	return 0;
}

int proctext_pidfd(const char *text, uint32_t *ret)
{
	const char *at = value_of(text, "Pid");
	uint32_t pid;

	if (!at)
		return -EPROTO;
	if (!strncmp(at, "-1\n", 3))
		return -ESRCH; /* it was waited for */
	if (!take_id(&at, &pid) || *at != '\n')
		return -EPROTO;
	if (!pid)
		return -ESRCH; /* it is in a pid namespace that is none of ours */
	*ret = pid;
	return 0;
}

int proctext_socket(const char *text, uint32_t *ret)
{
	static const char begin[] = "socket:[";
	uint32_t inode;

	if (strncmp(text, begin, sizeof(begin) - 1) != 0)
		return -EPROTO;
	text += sizeof(begin) - 1;
	if (!take_id(&text, &inode) || strcmp(text, "]") != 0)
		return -EPROTO;
	*ret = inode;
	return 0;
}

bool proctext_relays(const char *path)
{
	static const char *const names[] = {
		"tmux",	    "screen", "screen-", "zellij", "dtach",	 "abduco",	 "mosh-server",
		"dropbear", "sshd",   "sshd-",	 "ttyd",   "wetty",	 "shellinaboxd", "et",
		"etserver", "gotty",  "tmate",	 "byobu",  "etterminal",
	};
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t length = strcspn(name, " "); /* " (deleted)" */

	for (size_t i = 0; i < COUNT(names); i++) {
		size_t known = strlen(names[i]);
		bool family = names[i][known - 1] == '-'; /* the version, or the part, follows */

		if (!strncmp(name, names[i], known) && (family || length == known))
			return true;
	}
	return false;
}
