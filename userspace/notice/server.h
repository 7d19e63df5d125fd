/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * server.h - visitors: accepted, told apart (HTTP or TLS), answered, cut at their deadline
 *
 * One thread and one epoll. Everything it will ever hold is allocated by server_new(), but for what
 * libmicrohttpd and GnuTLS keep for a connection, whose number is bounded.
 */
#pragma once

#include "userspace/notice/listen.h"
#include "userspace/notice/settings.h"

struct server;
struct ag_error;

/* Borrows the settings and the listeners. certificate and key are PEM; NULL: no HTTPS. */
int server_new(const struct settings *settings, const struct listeners *listeners, const char *certificate,
	       const char *key, struct server **ret, struct ag_error *error);
void server_free(struct server *server);
/* Descriptors that it may need at once. */
uint32_t server_files(const struct settings *settings);
/* Until SIGTERM or SIGINT: 0. A negative errno where it cannot go on. */
int server_run(struct server *server);
