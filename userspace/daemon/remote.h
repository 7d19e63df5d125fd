/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * remote.h - the API over TLS, for those who come with a token (tokens.h)
 *
 * There only where the settings name an address to listen on. Its requests go the way of all others (api.h).
 */
#pragma once

#include "userspace/daemon/api.h"

struct remote;

/* *ret stays NULL where nothing is to be listened on. Borrows options and api. ERROR_BAD_REQUEST for a
 * certificate or key that cannot be used, or an address that is none; ERROR_KERNEL. */
int remote_open(const struct options *options, struct api *api, struct remote **ret, struct ag_error *error);
void remote_close(struct remote *remote);
struct httpd *remote_httpd(const struct remote *remote);
/*
 * Takes the certificate as it stands in its files now, for connections from now on. What cannot be used is
 * logged (and said in *error), and the one before stays. NULL: no effect.
 */
int remote_renew(struct remote *remote, struct ag_error *error);
