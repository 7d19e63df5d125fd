/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * listen.h - the listening sockets: made here, or handed over by systemd (sd_listen_fds(3))
 */
#pragma once

#include "userspace/notice/settings.h"

struct listeners {
	int fds[SETTINGS_LISTEN_MAX];
	size_t count;
};

/* Sockets that systemd hands over take the place of the settings'. The fds are the caller's. */
int listen_open(const struct settings *settings, struct listeners *ret, struct ag_error *error);
/* The family, address and port of a socket address; false for any other family. */
bool endpoint_of(const void *address, struct endpoint *ret);
