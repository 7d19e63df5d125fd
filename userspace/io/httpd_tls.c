// SPDX-License-Identifier: GPL-2.0-only
/*
 * httpd_tls.c - a certificate is taken, and replaced by its renewal
 *
 * libmicrohttpd has one certificate for as long as it runs. So a new one is a new instance of it, which gets
 * the connections from then on; the instance before is kept until its last connection has ended, and that
 * takes no longer than a request may.
 */
#include "userspace/io/httpd_private.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "userspace/core/error.h"

static int start(struct httpd *httpd, const struct httpd_tls *tls, struct MHD_Daemon **ret,
		 struct ag_error *error)
{
	struct MHD_Daemon *daemon;
	int result;

	if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
		return error_set(error, ERROR_KERNEL,
				 "libmicrohttpd was built without TLS: install one that has it");
	daemon = httpd_start_daemon(httpd, tls);
	if (!daemon)
		return error_set(error, ERROR_BAD_REQUEST,
				 "the certificate and the key are no PEM files that belong together");
	result = httpd_watch_daemon(httpd, daemon);
	if (result) {
		MHD_stop_daemon(daemon);
		return error_set(error, ERROR_KERNEL, "cannot take the certificate: %s", strerror(-result));
	}
	*ret = daemon;
	return 0;
}

int httpd_renew_tls(struct httpd *httpd, const struct httpd_tls *tls, struct ag_error *error)
{
	struct MHD_Daemon *daemon = NULL;
	int result;

	httpd_end_retired(httpd);
	if (httpd->retired_count == RETIRED_MAX)
		return error_set(error, ERROR_CONFLICT,
				 "%d older certificates still have connections: try again in a minute",
				 RETIRED_MAX);
	result = start(httpd, tls, &daemon, error);
	if (result)
		return result;
	if (httpd->daemon)
		httpd->retired[httpd->retired_count++] = httpd->daemon;
	httpd->daemon = daemon;
	return 0;
}

static bool is_idle(struct MHD_Daemon *daemon)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

	return info && info->num_connections == 0;
}

static void stop(struct httpd *httpd, struct MHD_Daemon *daemon)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);

	if (info)
		(void)epoll_ctl(httpd->epoll_fd, EPOLL_CTL_DEL, info->epoll_fd, NULL); /* it is in */
	MHD_stop_daemon(daemon);
}

void httpd_end_retired(struct httpd *httpd)
{
	size_t kept = 0;

	for (size_t i = 0; i < httpd->retired_count; i++) {
		if (is_idle(httpd->retired[i]))
			stop(httpd, httpd->retired[i]);
		else
			httpd->retired[kept++] = httpd->retired[i];
	}
	httpd->retired_count = kept;
}
