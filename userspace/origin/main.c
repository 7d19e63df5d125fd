// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - the boot order of allowgate-origin
 *
 * Options, socket, /proc; then every right is given away that is not needed, and only then is anybody
 * answered.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/error.h"
#include "userspace/origin/options.h"
#include "userspace/origin/sandbox.h"
#include "userspace/origin/say.h"
#include "userspace/origin/server.h"

static int serve(const struct options *options, struct ag_error *error)
{
	AUTO_FD int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD int listen_fd = -1;
	struct finder finder = {
		.proc_fd = proc_fd, .sshd = &options->sshd, .other_namespaces = options->other_namespaces};
	int err;

	if (proc_fd < 0)
		return error_set(error, ERROR_KERNEL, "cannot open /proc: %s", strerror(errno));
	err = server_listen(options->socket, &listen_fd, error);
	if (!err)
		err = sandbox_enter(options->user, options->other_namespaces, error);
	if (err)
		return err;
	say("ready: uid %u, with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH%s", (unsigned int)getuid(),
	    options->other_namespaces ? ", and CAP_SYS_ADMIN for other network namespaces" : " alone");
	err = server_run(listen_fd, &finder);
	return error_set(error, ERROR_KERNEL, "cannot wait for requests: %s", strerror(-err));
}

int main(int argc, char *argv[])
{
	struct options options;
	struct ag_error error = {0};

	if (options_parse(argc, argv, &options, &error)) {
		say("%s", error.message);
		return 2;
	}
	if (options.text) {
		(void)fputs(options.text, stdout); /* where it cannot be written there is nobody to tell */
		return EXIT_SUCCESS;
	}
	(void)serve(&options, &error); /* it comes back with an error alone */
	say("%s", error.message);
	return EXIT_FAILURE;
}
