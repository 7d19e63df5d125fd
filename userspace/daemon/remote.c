// SPDX-License-Identifier: GPL-2.0-only
/* remote.c - certificate, key and listener; a certificate is renewed in place */
#include "userspace/daemon/remote.h"

#include <errno.h>
#include <stdlib.h>

#include "userspace/core/cleanup.h"
#include "userspace/io/httpd.h"
#include "userspace/io/log.h"
#include "userspace/io/pem.h"

#define REMOTE_CONNECTIONS 64

_Static_assert(OPTIONS_LISTEN_MAX <= HTTPD_LISTENERS_MAX, "httpd listens on as many addresses");

struct remote {
	const struct options *options;
	struct httpd *httpd;
};
DEFINE_CLEANUP(remote, struct remote *, remote_close)
DEFINE_CLEANUP(pem, char *, pem_free)

static int read_files(const struct options *options, char **ret_certificate, char **ret_key,
		      struct ag_error *error)
{
	int err = pem_read(options->tls_cert, false, ret_certificate, error);

	return err ? err : pem_read(options->tls_key, true, ret_key, error);
}

static int listen_on(struct remote *remote, const struct httpd_tls *tls, struct api *api,
		     struct ag_error *error)
{
	const struct options *options = remote->options;
	const char *addresses[OPTIONS_LISTEN_MAX];
	struct httpd_options wanted = {
		.body_limit = options->max_body,
		.connections = REMOTE_CONNECTIONS,
		.connections_per_address = (unsigned int)options->max_connections_per_address,
		.deadline_ms = (unsigned int)options->request_timeout_ms,
		.handler = api_handle,
		.refusal = api_refuse,
		.admission = api_admit,
		.arg = api,
	};

	for (size_t i = 0; i < options->listen_count; i++)
		addresses[i] = options->listen[i];
	return httpd_open_tls(addresses, options->listen_count, tls, &wanted, &remote->httpd, error);
}

int remote_open(const struct options *options, struct api *api, struct remote **ret, struct ag_error *error)
{
	CLEANUP(cleanup_remote) struct remote *remote = NULL;
	CLEANUP(cleanup_pem) char *certificate = NULL;
	CLEANUP(cleanup_pem) char *key = NULL;
	int err;

	if (!options->listen_count)
		return 0;
	remote = calloc(1, sizeof(*remote));
	if (!remote)
		return error_set(error, ERROR_KERNEL, "no memory to listen on %s", options->listen[0]);
	remote->options = options;
	err = read_files(options, &certificate, &key, error);
	if (!err)
		err = listen_on(remote, &(struct httpd_tls){certificate, key}, api, error);
	if (err)
		return err;
	*ret = TAKE_PTR(remote);
	return 0;
}

void remote_close(struct remote *remote)
{
	if (!remote)
		return;
	httpd_close(remote->httpd);
	free(remote);
}

struct httpd *remote_httpd(const struct remote *remote)
{
	return remote->httpd;
}

int remote_renew(struct remote *remote, struct ag_error *error)
{
	CLEANUP(cleanup_pem) char *certificate = NULL;
	CLEANUP(cleanup_pem) char *key = NULL;
	int err;

	if (!remote)
		return 0;
	err = read_files(remote->options, &certificate, &key, error);
	if (!err)
		err = httpd_renew_tls(remote->httpd, &(struct httpd_tls){certificate, key}, error);
	if (err)
		error_prepend(error, "the TLS certificate stays the one before");
	if (err)
		log_error("%s", error->message);
	else
		log_notice("new connections over TLS get the certificate in %s", remote->options->tls_cert);
	return err;
}
