/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * server.h - requests in, answers out
 */
#pragma once

#include "userspace/origin/find.h"

struct ag_error;

/* The socket that a service manager hands over (sd_listen_fds(3)), else one that it binds at the path, with
 * mode 0600. ERROR_EXISTS where somebody listens there, ERROR_KERNEL. *ret is the caller's. */
int server_listen(const char *path, int *ret, struct ag_error *error);
/* Serves until it cannot wait any more: a negative errno. */
int server_run(int listen_fd, const struct finder *finder);
