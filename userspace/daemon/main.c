// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - the boot order of allowgated
 *
 * Options, the gate (kernel, then store, then both made equal), the sockets, the interfaces, ready. Leaving
 * closes files and nothing else: what is pinned goes on enforcing.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "userspace/core/error.h"
#include "userspace/daemon/api.h"
#include "userspace/daemon/clock.h"
#include "userspace/daemon/features.h"
#include "userspace/daemon/gate.h"
#include "userspace/daemon/interfaces.h"
#include "userspace/daemon/options.h"
#include "userspace/daemon/panic.h"
#include "userspace/daemon/remote.h"
#include "userspace/daemon/retention.h"
#include "userspace/daemon/scrape.h"
#include "userspace/daemon/seen.h"
#include "userspace/daemon/verify.h"
#include "userspace/daemon/watch.h"
#include "userspace/io/httpd.h"
#include "userspace/io/log.h"
#include "userspace/io/loop.h"
#include "userspace/io/rtnl.h"

#define SCRAPE_CONNECTIONS 32
#define RELOAD_RETRY_MS	   250
#define SWEEP_ROWS	   500
#define SCRAPE_BODY_LIMIT  1024

struct daemon {
	struct options options;
	struct loop *loop;
	struct gate *gate;
	struct verify *verify;
	struct api *api;
	struct scrape *scrape;
	struct seen *seen;
	struct retention *retention;
	struct watch *watch;
	bool reload_wanted; /* while an import keeps the store busy */
	struct httpd *control;
	struct httpd *metrics;
	struct remote *remote; /* NULL: nothing is listened on */
	struct rtnl *rtnl;
};

/* --- what the loop calls --------------------------------------------------- */

static void run_httpd(void *httpd)
{
	httpd_run(httpd);
}

static int httpd_timeout(void *httpd)
{
	return httpd_timeout_ms(httpd);
}

static void stop(void *arg)
{
	struct daemon *daemon = arg;

	log_notice("leaving: the kernel goes on enforcing");
	loop_notify_stopping();
	loop_stop(daemon->loop);
}

static void start_interfaces(struct daemon *daemon)
{
	struct ag_error why = {0};

	if (interfaces_start(daemon->gate, &why))
		log_error("%s", why.message);
}

static void reload_now(struct daemon *daemon)
{
	struct ag_error why = {0};
	size_t repaired = 0;

	daemon->reload_wanted = false;
	loop_notify_reloading();
	if (!gate_reload(daemon->gate, false, &repaired, &why)) {
		log_notice("reloaded: generation %llu, %zu elements repaired",
			   (unsigned long long)daemon->gate->generation, repaired);
		start_interfaces(daemon);
	}
	loop_notify_ready("reloaded");
	gate_tell_state(daemon->gate);
}

/* A reload opens the store anew, which an import must not see: it waits for the timer. The certificate waits
 * for nothing. */
static void reload_all(void *arg)
{
	struct daemon *daemon = arg;
	struct ag_error why = {0};

	(void)remote_renew(daemon->remote, &why); /* logs what is wrong */
	daemon->reload_wanted = api_busy(daemon->api);
	if (daemon->reload_wanted)
		log_notice("reloading once the import is done that is under way");
	else
		reload_now(daemon);
}

static void reload_later(void *arg)
{
	struct daemon *daemon = arg;

	if (daemon->reload_wanted && !api_busy(daemon->api))
		reload_now(daemon);
}

/* The periodic verification repairs what it finds; while degraded it is the retry. */
static void verify(void *arg)
{
	struct daemon *daemon = arg;
	struct ag_error why = {0};

	if (!daemon->gate->reason[0])
		verify_repair(daemon->verify);
	else if (!gate_reconcile(daemon->gate, false, NULL, &why))
		start_interfaces(daemon);
	interfaces_retry(daemon->gate);
	gate_tell_state(daemon->gate);
	loop_idle_wake(daemon->gate->sweep);
}

/* History that is too much, and rows that no list has any more, go a few at a time. */
static int tidy_store(const struct gate *gate, bool *ret_more, struct ag_error *error)
{
	bool sweeps = false, prunes = false;
	int err = store_sweep(gate->store, SWEEP_ROWS, &sweeps, error);

	if (!err)
		err = store_history_prune(gate->store, gate->options->history_generations,
					  time(NULL) - (int64_t)gate->options->history_age_s, SWEEP_ROWS,
					  &prunes, error);
	*ret_more = sweeps || prunes;
	return err;
}

/* What the kernel held before goes all at once. */
static bool sweep(void *arg)
{
	struct daemon *daemon = arg;
	struct ag_error why = {0};
	bool more = false;

	if (dataplane_tidy(daemon->gate->dataplane, &why))
		log_warning("%s", why.message);
	else
		seen_harvest(daemon->seen, false);
	if (daemon->gate->reason[0] || !daemon->gate->store)
		return false;
	if (tidy_store(daemon->gate, &more, &why)) {
		log_warning("cannot tidy the store: %s", why.message);
		return false;
	}
	return more;
}

static void read_links(void *arg)
{
	struct daemon *daemon = arg;
	int err = rtnl_read(daemon->rtnl, interfaces_event, daemon->gate);

	interfaces_refresh(daemon->gate);
	if (err == -ENOBUFS)
		interfaces_retry(daemon->gate);
	else if (err)
		log_error("cannot hear of network interfaces: %s", strerror(-err));
}

/* --- boot ------------------------------------------------------------------ */

static int open_control(struct daemon *daemon, struct ag_error *error)
{
	const struct options *options = &daemon->options;
	struct httpd_options control = {
		.body_limit = options->max_body,
		.connections = HTTPD_CONNECTIONS_MAX,
		.connections_per_uid = (unsigned int)options->max_connections_per_uid,
		.deadline_ms = (unsigned int)options->request_timeout_ms,
		.handler = api_handle,
		.refusal = api_refuse,
		.arg = daemon->api,
	};

	int err = httpd_open_unix(options->socket, options->socket_group, &control, &daemon->control, error);

	if (err && error->code == ERROR_NOT_FOUND && !options->socket_group_explicit) {
		log_warning("%s: the control socket is root's alone", error->message);
		err = httpd_open_unix(options->socket, NULL, &control, &daemon->control, error);
	}
	return err;
}

static int open_metrics(struct daemon *daemon, struct ag_error *error)
{
	struct httpd_options metrics = {
		.body_limit = SCRAPE_BODY_LIMIT,
		.connections = SCRAPE_CONNECTIONS,
		.deadline_ms = (unsigned int)daemon->options.request_timeout_ms,
		.handler = scrape_handle,
		.refusal = scrape_refuse,
		.arg = daemon->scrape,
	};

	if (!strcmp(daemon->options.metrics, "off"))
		return 0;
	return httpd_open_tcp(daemon->options.metrics, &metrics, &daemon->metrics, error);
}

static int open_remote(struct daemon *daemon, struct ag_error *error)
{
	int err = remote_open(&daemon->options, daemon->api, &daemon->remote, error);

	api_set_remote(daemon->api, daemon->remote);
	return err;
}

/* What works in the loop's idle time or beside it. */
static int open_parts(struct daemon *daemon)
{
	int err = verify_new(daemon->gate, daemon->loop, &daemon->verify);

	if (!err)
		err = api_new(daemon->gate, daemon->loop, daemon->verify, &daemon->api);
	if (!err)
		err = scrape_new(daemon->gate, daemon->api, daemon->loop, &daemon->scrape);
	if (!err)
		err = seen_new(daemon->gate, daemon->loop, &daemon->seen);
	if (!err)
		err = watch_new(daemon->gate, daemon->loop, &daemon->watch);
	if (!err)
		err = retention_new(daemon->gate, daemon->api, daemon->loop, &daemon->retention);
	if (!err)
		err = loop_add_idle(daemon->loop, sweep, daemon, &daemon->gate->sweep);
	return err;
}

static int open_all(struct daemon *daemon, struct ag_error *error)
{
	int err = gate_open(&daemon->options, &daemon->gate, error);

	if (!err)
		features_log();
	if (!err && open_parts(daemon))
		err = error_set(error, ERROR_KERNEL, "no memory, or no thread, to start");
	if (!err)
		err = rtnl_open(&daemon->rtnl, error);
	if (!err)
		err = open_metrics(daemon, error);
	if (!err)
		err = open_control(daemon, error);
	if (!err)
		err = interfaces_start(daemon->gate, error);
	/* Last: a certificate that cannot be used must not leave anybody unfiltered. */
	return err ? err : open_remote(daemon, error);
}

static int add_sources(struct daemon *daemon)
{
	struct loop *loop = daemon->loop;
	int err = loop_add_fd(loop, httpd_fd(daemon->control), run_httpd, httpd_timeout, daemon->control);

	if (!err && daemon->metrics)
		err = loop_add_fd(loop, httpd_fd(daemon->metrics), run_httpd, httpd_timeout, daemon->metrics);
	if (!err && daemon->remote)
		err = loop_add_fd(loop, httpd_fd(remote_httpd(daemon->remote)), run_httpd, httpd_timeout,
				  remote_httpd(daemon->remote));
	if (!err)
		err = loop_add_fd(loop, rtnl_fd(daemon->rtnl), read_links, NULL, daemon);
	if (!err)
		err = loop_add_timer(loop, daemon->options.verify_interval_ms, verify, daemon);
	if (!err)
		err = loop_add_timer(loop, RELOAD_RETRY_MS, reload_later, daemon);
	if (!err)
		err = clock_follow(daemon->gate, loop);
	return err;
}

/* Signals first, so that none that comes during the start is lost or ends the process half way. */
static int add_signals(struct daemon *daemon)
{
	int err = loop_new(&daemon->loop);

	if (!err)
		err = loop_add_signal(daemon->loop, SIGTERM, stop, daemon);
	if (!err)
		err = loop_add_signal(daemon->loop, SIGINT, stop, daemon);
	if (!err)
		err = loop_add_signal(daemon->loop, SIGHUP, reload_all, daemon);
	return err;
}

static int serve(struct daemon *daemon)
{
	struct ag_error error = {0};
	int err = add_signals(daemon);

	if (!err && open_all(daemon, &error)) {
		log_error("cannot start: %s", error.message);
		return EXIT_FAILURE;
	}
	if (!err)
		err = add_sources(daemon);
	if (!err) {
		log_notice("ready: %s", daemon->options.socket);
		for (size_t i = 0; i < daemon->options.listen_count; i++)
			log_notice("API over TLS: %s", daemon->options.listen[i]);
		loop_notify_ready("ready");
		gate_tell_state(daemon->gate);
		err = loop_run(daemon->loop);
	}
	if (err)
		log_error("the event loop failed: %s", strerror(-err));
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void close_all(struct daemon *daemon)
{
	verify_free(daemon->verify); /* these answer whoever waits, so they come before the sockets */
	api_free(daemon->api);
	scrape_free(daemon->scrape);
	watch_free(daemon->watch);
	seen_free(daemon->seen);
	retention_free(daemon->retention);
	httpd_close(daemon->control);
	httpd_close(daemon->metrics);
	remote_close(daemon->remote);
	rtnl_close(daemon->rtnl);
	gate_close(daemon->gate);
	loop_free(daemon->loop);
}

static int uninstall(const struct options *options)
{
	struct ag_error error = {0};

	if (!dataplane_uninstall(options->pin_dir, &error))
		return EXIT_SUCCESS;
	log_error("cannot uninstall: %s", error.message);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct daemon daemon = {0};
	struct ag_error error = {0};
	int status;

	if (options_load(argc, argv, &daemon.options, &error)) {
		log_error("%s", error.message);
		return 2;
	}
	log_set_level(daemon.options.log_level);
	if (daemon.options.show_help || daemon.options.show_version) {
		if (daemon.options.show_help)
			options_print_help();
		else
			printf("allowgated %s\n", AG_VERSION);
		return EXIT_SUCCESS;
	}
	if (daemon.options.uninstall)
		return uninstall(&daemon.options);
	status = serve(&daemon);
	close_all(&daemon);
	return status;
}
