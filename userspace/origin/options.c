// SPDX-License-Identifier: GPL-2.0-only
/* options.c - see options.h */
#include "userspace/origin/options.h"

#include <string.h>

#include "userspace/core/error.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char HELP[] = "usage: allowgate-origin [OPTION]...\n"
			   "\n"
			   "Tells allowgated from which address the SSH connection of a process comes.\n"
			   "\n"
			   "  --socket FILE        listen there; a service manager's socket takes its place\n"
			   "                       (default: /run/allowgate/origin.sock)\n"
			   "  --user NAME          whom root becomes (default: allowgate-origin)\n"
			   "  --sshd FILE          another executable that is sshd, besides those of the\n"
			   "                       distributions; an absolute path; repeatable\n"
			   "  --other-namespaces   follow an sshd into another network namespace, for which\n"
			   "                       CAP_SYS_ADMIN is kept\n"
			   "  --help, --version    print this, or the version\n";

static const char VERSION[] = "allowgate-origin " AG_VERSION "\n";

/* OpenSSH as Debian, Ubuntu, Fedora, RHEL, Amazon Linux, Alpine, Arch and SUSE have it. From 9.8 on the
 * sessions are sshd-session's, from 10.0 on a person is let in by sshd-auth. */
static const char *const SSHD[] = {
	"/usr/sbin/sshd",
	"/usr/bin/sshd",
	"/usr/lib/openssh/sshd-session",
	"/usr/lib/openssh/sshd-auth",
	"/usr/libexec/openssh/sshd-session",
	"/usr/libexec/openssh/sshd-auth",
	"/usr/lib/ssh/sshd-session",
	"/usr/lib/ssh/sshd-auth",
	"/usr/libexec/ssh/sshd-session",
	"/usr/libexec/ssh/sshd-auth",
	"/usr/libexec/sshd-session",
	"/usr/libexec/sshd-auth",
};
_Static_assert(COUNT(SSHD) <= PROGRAMS_MAX, "the list has room for what is known");

static int add_sshd(const char *path, struct programs *sshd, struct ag_error *error)
{
	if (path[0] != '/')
		return error_set(error, ERROR_BAD_REQUEST, "--sshd %.80s: write the path from the root on",
				 path);
	if (sshd->count == PROGRAMS_MAX)
		return error_set(error, ERROR_LIMIT, "--sshd is given too often: %zu times are the most",
				 PROGRAMS_MAX - COUNT(SSHD));
	sshd->paths[sshd->count++] = path;
	return 0;
}

static int take_value(const char *name, const char *value, struct options *options, struct ag_error *error)
{
	if (!strcmp(name, "--sshd"))
		return add_sshd(value, &options->sshd, error);
	if (!strcmp(name, "--socket"))
		options->socket = value;
	else
		options->user = value;
	return 0;
}

static bool takes_value(const char *name)
{
	return !strcmp(name, "--sshd") || !strcmp(name, "--socket") || !strcmp(name, "--user");
}

int options_parse(int argc, char *const argv[], struct options *ret, struct ag_error *error)
{
	*ret = (struct options){.socket = "/run/allowgate/origin.sock", .user = "allowgate-origin"};
	memcpy(ret->sshd.paths, SSHD, sizeof(SSHD));
	ret->sshd.count = COUNT(SSHD);
	for (int i = 1; i < argc && !ret->text; i++) {
		const char *name = argv[i];
		int err;

		if (!strcmp(name, "--help") || !strcmp(name, "--version")) {
			ret->text = name[2] == 'h' ? HELP : VERSION;
			continue;
		}
		if (!strcmp(name, "--other-namespaces")) {
			ret->other_namespaces = true;
			continue;
		}
		if (!takes_value(name))
			return error_set(error, ERROR_BAD_REQUEST,
					 "%.64s: there is no such option: see --help", name);
		if (i + 1 == argc || !argv[i + 1][0])
			return error_set(error, ERROR_BAD_REQUEST, "%s: its value is missing", name);
		err = take_value(name, argv[++i], ret, error);
		if (err)
			return err;
	}
	return 0;
}
