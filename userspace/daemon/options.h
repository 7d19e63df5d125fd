/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options.h - the settings of allowgated: defaults, then the configuration file, then the command line
 *
 * One table names each setting once: its key in the file ([section] key), its long option, its default, its
 * range and its help. Contract, section 1; allowgate.conf(5).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/core/addr.h"
#include "userspace/io/dataplane.h"
#include "userspace/io/log.h"

struct ag_error;

#define OPTIONS_REPEAT_MAX   64
#define OPTIONS_LISTEN_MAX   8
#define OPTIONS_ADDRESS_SIZE 128

struct option_interface {
	char name[IF_NAMESIZE];
	enum attach_mode mode;
};

/* Which recent stopped sources are kept (denied.h). */
enum denied_sources {
	DENIED_FULL,	  /* each address */
	DENIED_TRUNCATED, /* its /24 or /48 */
	DENIED_OFF,
	DENIED_SOURCES_MAX,
};

/* Whether rows of the audit log are copied to the journal. */
enum audit_journal {
	AUDIT_JOURNAL_AUTO, /* where the log goes there */
	AUDIT_JOURNAL_ON,
	AUDIT_JOURNAL_OFF,
	AUDIT_JOURNAL_MAX,
};

struct options {
	char config[4096];
	char store[4096];
	char socket[108];
	char socket_group[64];
	bool socket_group_explicit; /* else a group that does not exist is no error: the socket keeps the
				       daemon's own */
	char pin_dir[4096];
	char metrics[128];				       /* "ADDR:PORT", or "off" */
	char origin_socket[108];			       /* allowgate-origin's, or "off" */
	char listen[OPTIONS_LISTEN_MAX][OPTIONS_ADDRESS_SIZE]; /* over TLS: "ADDR:PORT" */
	size_t listen_count;
	char tls_cert[4096]; /* "": none, and then nothing listens */
	char tls_key[4096];
	struct option_interface interfaces[OPTIONS_REPEAT_MAX];
	size_t interface_count;
	struct prefix failsafe[OPTIONS_REPEAT_MAX];
	size_t failsafe_count;
	uint64_t max_accounts;
	uint64_t max_services;
	uint64_t max_entries;	    /* of one list */
	uint64_t max_list_accounts; /* that use one named list */
	uint64_t max_body;	    /* bytes of one request */
	uint64_t max_connections_per_uid;
	uint64_t max_connections_per_address; /* over TLS */
	uint64_t max_token_requests;	      /* a minute, of one token */
	uint64_t request_timeout_ms;
	uint64_t history_generations; /* of an account, that are kept ... */
	uint64_t history_age_s;	      /* ... and for how long */
	uint64_t verify_interval_ms;  /* between comparisons of kernel and store */
	uint64_t confirm_min_ms;      /* the least that a change may wait to be confirmed */
	enum log_level log_level;
	enum denied_sources denied;
	enum audit_journal audit_journal;
	uint64_t audit_days; /* how long is kept ... */
	uint64_t audit_rows; /* ... and how many */
	uint64_t address_days;
	uint64_t seen_days;
	bool uninstall;
	bool show_help;
	bool show_version;
};

/*
 * Fills *ret from defaults, the file and argv. An unknown key or option, a value out of range, a file named
 * by
 * --config that is not there, an address to listen on without certificate and key: ERROR_BAD_REQUEST (or what
 * the value's own parser says), naming file and line, or the option. The default file may be absent. What may
 * be given repeatedly adds to the file's (an interface given again gets the later mode); of anything else,
 * argv's last one counts. With --help or
 * --version the file is not read.
 */
int options_load(int argc, char **argv, struct options *ret, struct ag_error *error);
/* The help text of every option, to standard output. */
void options_print_help(void);
