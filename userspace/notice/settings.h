/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * settings.h - what allowgate-notice is told: the command line, and notice.conf
 *
 * Every text is checked when it is read (UTF-8 without control characters, a URL that may stand in a header),
 * so that what a visitor is sent can be written without a further question.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/core/addr.h"

struct ag_error;

#define SETTINGS_LISTEN_MAX 16
#define SETTINGS_SITES_MAX  10000

struct endpoint {
	struct addr addr;
	uint16_t port;
};

/* What is said at one address. NULL: not set, [notice] decides; "" is set, and none. */
struct site {
	struct prefix prefix; /* [notice]: family AG_FAMILY_NONE */
	uint16_t port;	      /* of the notice server; 0: any */
	char *title;
	char *support;
	char *redirect;
	char *parameter;
};

struct settings {
	struct endpoint listen[SETTINGS_LISTEN_MAX];
	size_t listen_count;
	char *certificate; /* PEM files; both or neither */
	char *key;
	uint32_t connections;
	uint32_t connections_per_address;
	uint32_t timeout_s;
	struct site defaults;
	struct site *sites;
	size_t site_count;
};

/* What a visitor is told: every text is set, and "" where there is none. Borrows from the settings. */
struct site_view {
	const char *title;
	const char *support;
	const char *redirect;
	const char *parameter;
};

void settings_init(struct settings *settings);
void settings_clear(struct settings *settings);
/* Reads the file; the message names file and line. ERROR_NOT_FOUND where there is none. */
int settings_read(struct settings *settings, const char *path, struct ag_error *error);
/* "192.0.2.10:8403" or "[2001:db8::10]:8403"; the address may be 0.0.0.0 or [::]. */
int settings_parse_endpoint(const char *text, struct endpoint *ret, struct ag_error *error);
/* The section that fits the address and port: the longest prefix, then one with the port. */
struct site_view settings_find(const struct settings *settings, const struct addr *addr, uint16_t port);
