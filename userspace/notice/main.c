// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - the boot order of allowgate-notice
 *
 * Options, configuration, sockets, certificate: what needs rights. Then the rights are given away, and only
 * then is anybody spoken to.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/error.h"
#include "userspace/notice/listen.h"
#include "userspace/notice/options.h"
#include "userspace/notice/sandbox.h"
#include "userspace/notice/say.h"
#include "userspace/notice/server.h"
#include "userspace/notice/settings.h"

#define PEM_MAX 262144

static int read_pem(const char *path, char **ret, struct ag_error *error)
{
	AUTO_FREE char *text = calloc(1, PEM_MAX + 1);
	FILE *file = fopen(path, "re");
	size_t length;
	int failed;

	if (!file || !text) {
		if (file)
			(void)fclose(file); /* it was read from alone */
		return error_set(error, ERROR_BAD_REQUEST, "cannot read %s: %s", path, strerror(errno));
	}
	length = fread(text, 1, PEM_MAX + 1, file);
	failed = ferror(file) ? errno : 0;
	(void)fclose(file); /* it was read from alone */
	if (failed || !length || length > PEM_MAX)
		return error_set(error, ERROR_BAD_REQUEST, "%s is no PEM file: %s", path,
				 failed ? strerror(failed) : "it is empty, or over 256 KiB");
	text[length] = '\0';
	*ret = TAKE_PTR(text);
	return 0;
}

static int read_certificate(const struct settings *settings, char **ret_certificate, char **ret_key,
			    struct ag_error *error)
{
	int err;

	if (!settings->certificate && !settings->key)
		return 0;
	if (!settings->certificate || !settings->key)
		return error_set(error, ERROR_BAD_REQUEST,
				 "HTTPS needs certificate and key: give both, or neither");
	err = read_pem(settings->certificate, ret_certificate, error);
	return err ? err : read_pem(settings->key, ret_key, error);
}

static int enter_sandbox(const struct settings *settings, const char *user, struct ag_error *error)
{
	int landlock = 0;
	int err = sandbox_drop(user, error);

	if (!err)
		err = sandbox_close(server_files(settings), &landlock, error);
	if (err)
		return err;
	if (landlock)
		say("sandboxed: uid %u, no capabilities, no files (Landlock version %d)",
		    (unsigned int)getuid(), landlock);
	else
		say("sandboxed: uid %u, no capabilities; this kernel has no Landlock, so that the files this "
		    "user may read stay readable",
		    (unsigned int)getuid());
	return 0;
}

static int serve(const struct settings *settings, const char *user, struct ag_error *error)
{
	AUTO_FREE char *certificate = NULL;
	AUTO_FREE char *key = NULL;
	struct listeners listeners = {0};
	struct server *server = NULL;
	int err = read_certificate(settings, &certificate, &key, error);

	if (!err)
		err = listen_open(settings, &listeners, error);
	if (!err)
		err = server_new(settings, &listeners, certificate, key, &server, error);
	if (!err)
		err = enter_sandbox(settings, user, error);
	if (!err) {
		say("ready: %zu place%s to listen, %s", listeners.count, listeners.count == 1 ? "" : "s",
		    certificate ? "HTTP and HTTPS" : "HTTP alone (no certificate)");
		(void)sd_notify(0, "READY=1"); /* whoever waits finds out by himself */
		err = server_run(server);
		if (err)
			error_set(error, ERROR_KERNEL, "cannot wait for connections: %s", strerror(-err));
	}
	server_free(server);
	for (size_t i = 0; i < listeners.count; i++)
		(void)close(listeners.fds[i]); /* it was listened on alone */
	if (key)
		explicit_bzero(key, strlen(key));
	return err;
}

int main(int argc, char *argv[])
{
	struct settings settings;
	struct options options = {0};
	struct ag_error error = {0};
	int status = EXIT_SUCCESS;
	int err;

	settings_init(&settings);
	err = options_parse(argc, argv, &settings, &options, &error);
	if (err) {
		say("%s", error.message);
		status = options.wrong_usage ? 2 : EXIT_FAILURE;
	} else if (options.text) {
		(void)fputs(options.text, stdout); /* where it cannot be written there is nobody to tell */
	} else if (serve(&settings, options.user, &error)) {
		say("%s", error.message);
		status = EXIT_FAILURE;
	}
	settings_clear(&settings);
	return status;
}
