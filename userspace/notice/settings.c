// SPDX-License-Identifier: GPL-2.0-only
/*
 * settings.c - notice.conf: sections, keys and their values
 *
 * inih reads the lines; what it would take silently (a line cut in two, a section's name cut short) is
 * refused before it gets there.
 */
#include "userspace/notice/settings.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/core/cleanup.h"
#include "userspace/core/error.h"
#include "userspace/notice/value.h"

#define SECTION_MAX 49 /* bytes of a section's name; inih cuts longer ones short */

struct reading {
	struct settings *settings;
	FILE *file;
	char *line; /* getline()'s */
	size_t size;
	unsigned int number;
	char section[SECTION_MAX + 1];
	struct site *site; /* of the section; NULL before the first */
	int result;
	struct ag_error *error;
};

static const struct site_view BUILT_IN = {
	.title = "You are attempting to log in from an unauthorized location",
	.support = "",
	.redirect = "",
	.parameter = "notice",
};

void settings_init(struct settings *settings)
{
	*settings = (struct settings){
		.connections = 1000,
		.connections_per_address = 64,
		.timeout_s = 10,
	};
}

static void site_clear(struct site *site)
{
	free(site->title);
	free(site->support);
	free(site->redirect);
	free(site->parameter);
}

void settings_clear(struct settings *settings)
{
	for (size_t i = 0; i < settings->site_count; i++)
		site_clear(&settings->sites[i]);
	site_clear(&settings->defaults);
	free(settings->sites);
	free(settings->certificate);
	free(settings->key);
	settings_init(settings);
}

/* --- finding ------------------------------------------------------------------- */

static bool better(const struct site *a, const struct site *b)
{
	return !b || a->prefix.len > b->prefix.len || (a->prefix.len == b->prefix.len && a->port > b->port);
}

static const char *first_set(const char *of_site, const char *of_notice, const char *built_in)
{
	if (of_site)
		return of_site;
	return of_notice ? of_notice : built_in;
}

struct site_view settings_find(const struct settings *settings, const struct addr *addr, uint16_t port)
{
	const struct site *defaults = &settings->defaults, *found = NULL;

	for (size_t i = 0; i < settings->site_count; i++) {
		const struct site *site = &settings->sites[i];

		if (prefix_contains(&site->prefix, addr) && (!site->port || site->port == port) &&
		    better(site, found))
			found = site;
	}
	found = found ? found : defaults;
	return (struct site_view){
		.title = first_set(found->title, defaults->title, BUILT_IN.title),
		.support = first_set(found->support, defaults->support, BUILT_IN.support),
		.redirect = first_set(found->redirect, defaults->redirect, BUILT_IN.redirect),
		.parameter = first_set(found->parameter, defaults->parameter, BUILT_IN.parameter),
	};
}

int settings_parse_endpoint(const char *text, struct endpoint *ret, struct ag_error *error)
{
	static const char HOW[] = "write ADDRESS:PORT, an IPv6 address in brackets";
	const char *colon = strrchr(text, ':');
	char host[ADDR_TEXT_MAX + 2];
	struct endpoint endpoint;
	uint32_t port = 0;
	size_t length;
	bool bracket;

	if (!colon || (size_t)(colon - text) >= sizeof(host))
		return error_set(error, ERROR_BAD_REQUEST, "\"%.80s\" is no place to listen: %s", text, HOW);
	length = (size_t)(colon - text);
	memcpy(host, text, length);
	host[length] = '\0';
	bracket = host[0] == '[' && length > 1 && host[length - 1] == ']';
	if (bracket)
		host[length - 1] = '\0';
	if (addr_parse(host + bracket, &endpoint.addr, error) ||
	    bracket != (endpoint.addr.family == AG_FAMILY_IPV6))
		return error_set(error, ERROR_BAD_REQUEST, "\"%.80s\" is no place to listen: %s", text, HOW);
	if (value_number(colon + 1, 1, UINT16_MAX, &port, error)) {
		error_prepend(error, "the port of \"%.80s\"", text);
		return -EINVAL;
	}
	endpoint.port = (uint16_t)port;
	*ret = endpoint;
	return 0;
}

/* --- keys ------------------------------------------------------------------------ */

/* A setting that may stand once. */
static int set_text(char **where, const char *key, const char *value, struct ag_error *error)
{
	if (*where)
		return error_set(error, ERROR_BAD_REQUEST, "%s is set twice here: set it once", key);
	*where = strdup(value);
	return *where ? 0 : error_set(error, ERROR_LIMIT, "out of memory");
}

/* Several lines of support stand below each other. */
static int add_support(struct site *site, const char *value, struct ag_error *error)
{
	char *text = NULL;

	if (!site->support)
		return set_text(&site->support, "support", value, error);
	if (strlen(site->support) > SUPPORT_MAX || asprintf(&text, "%s\n%s", site->support, value) < 0)
		return error_set(error, ERROR_LIMIT, "support is longer than %d bytes: shorten it",
				 SUPPORT_MAX);
	free(site->support);
	site->support = text;
	return 0;
}

/* 1: it is no key of a site. */
static int take_site(struct site *site, const char *key, const char *value, struct ag_error *error)
{
	int err = 0;

	if (!strcmp(key, "support") || !strcmp(key, "title")) {
		err = value_text(value, error);
		if (err)
			return err;
		return key[0] == 's' ? add_support(site, value, error)
				     : set_text(&site->title, key, value, error);
	}
	if (!strcmp(key, "redirect")) {
		err = *value ? value_url(value, error) : 0;
		return err ? err : set_text(&site->redirect, key, value, error);
	}
	if (!strcmp(key, "parameter")) {
		err = value_parameter(value, error);
		return err ? err : set_text(&site->parameter, key, value, error);
	}
	return 1;
}

static int add_listen(struct settings *settings, const char *value, struct ag_error *error)
{
	if (settings->listen_count == SETTINGS_LISTEN_MAX)
		return error_set(error, ERROR_LIMIT, "there are more than %d places to listen: remove some",
				 SETTINGS_LISTEN_MAX);
	return settings_parse_endpoint(value, &settings->listen[settings->listen_count++], error);
}

static int take_notice(struct settings *settings, const char *key, const char *value, struct ag_error *error)
{
	if (!strcmp(key, "listen"))
		return add_listen(settings, value, error);
	if (!strcmp(key, "certificate"))
		return set_text(&settings->certificate, key, value, error);
	if (!strcmp(key, "key"))
		return set_text(&settings->key, key, value, error);
	if (!strcmp(key, "connections"))
		return value_number(value, 1, 20000, &settings->connections, error);
	if (!strcmp(key, "connections_per_address"))
		return value_number(value, 1, 20000, &settings->connections_per_address, error);
	if (!strcmp(key, "timeout"))
		return value_number(value, 1, 600, &settings->timeout_s, error);
	return 1;
}

/* inih's form: 0 is failure. */
static int take_setting(void *arg, const char *section, const char *key, const char *value)
{
	struct reading *reading = arg;
	int err;

	(void)section; /* is the one that was looked at before inih saw it */
	if (!reading->site) {
		reading->result = error_set(reading->error, ERROR_BAD_REQUEST,
					    "this stands before any section: write [notice] above it");
		return 0;
	}
	err = take_site(reading->site, key, value ? value : "", reading->error);
	if (err == 1 && reading->site == &reading->settings->defaults)
		err = take_notice(reading->settings, key, value ? value : "", reading->error);
	if (err == 1)
		err = error_set(reading->error, ERROR_BAD_REQUEST,
				"there is no setting %.60s in [%s]: see allowgate-notice.conf(5)", key,
				reading->section);
	else if (err)
		error_prepend(reading->error, "%.60s", key);
	reading->result = err;
	return err == 0;
}

/* --- sections ---------------------------------------------------------------------- */

/* "PREFIX" or "PREFIX PORT". */
static int parse_site(char *name, struct site *ret, struct ag_error *error)
{
	char *blank = strchr(name, ' ');
	uint32_t port = 0;
	int err = 0;

	if (blank) {
		*blank = '\0';
		err = value_number(blank + 1, 1, UINT16_MAX, &port, error);
	}
	if (!err)
		err = prefix_parse(name, &ret->prefix, error);
	if (blank)
		*blank = ' ';
	ret->port = (uint16_t)port;
	return err;
}

static int add_site(struct reading *reading, const struct site *site)
{
	struct settings *settings = reading->settings;
	struct site *sites;

	for (size_t i = 0; i < settings->site_count; i++)
		if (!prefix_compare(&settings->sites[i].prefix, &site->prefix) &&
		    settings->sites[i].port == site->port)
			return error_set(reading->error, ERROR_EXISTS, "[%s] is there twice: write it once",
					 reading->section);
	if (settings->site_count == SETTINGS_SITES_MAX)
		return error_set(reading->error, ERROR_LIMIT,
				 "there are more than %d sections: name prefixes instead",
				 SETTINGS_SITES_MAX);
	sites = reallocarray(settings->sites, settings->site_count + 1, sizeof(*sites));
	if (!sites)
		return error_set(reading->error, ERROR_LIMIT, "out of memory");
	settings->sites = sites;
	sites[settings->site_count] = *site;
	reading->site = &sites[settings->site_count++];
	return 0;
}

static int begin_section(struct reading *reading, const char *text)
{
	size_t length = strcspn(text + 1, "]");
	const char *rest = text + 1 + length;
	struct site site = {0};
	int err;

	rest += *rest == ']' ? 1 + strspn(rest + 1, " \t") : 0;
	if (text[1 + length] != ']' || (*rest && *rest != '#' && *rest != ';') || length > SECTION_MAX)
		return error_set(reading->error, ERROR_BAD_REQUEST,
				 "this is no section: write [notice], [ADDRESS] or [PREFIX] on a line of "
				 "its own");
	memcpy(reading->section, text + 1, length);
	reading->section[length] = '\0';
	if (!strcmp(reading->section, "notice")) {
		reading->site = &reading->settings->defaults;
		return 0;
	}
	err = parse_site(reading->section, &site, reading->error);
	if (err) {
		error_prepend(reading->error, "[%s] is neither [notice] nor a prefix", reading->section);
		return err;
	}
	return add_site(reading, &site);
}

/* --- lines --------------------------------------------------------------------------- */

static int check_line(struct reading *reading, size_t length, size_t room, const char **ret)
{
	char *text = reading->line;

	if (memchr(text, '\0', length))
		return error_set(reading->error, ERROR_BAD_REQUEST,
				 "there is a NUL byte in this line: remove it");
	while (length > 0 && strchr(" \t\r\n", text[length - 1]))
		text[--length] = '\0';
	text += strspn(text, " \t");
	if (strlen(text) >= room)
		return error_set(reading->error, ERROR_LIMIT,
				 "this line is longer than %zu bytes: shorten it", room - 1);
	*ret = text;
	return *text == '[' ? begin_section(reading, text) : 0;
}

/* inih's fgets(): NULL ends the reading. */
static char *next_line(char *buffer, int size, void *arg)
{
	struct reading *reading = arg;
	const char *text = NULL;
	ssize_t length;

	if (reading->result)
		return NULL;
	length = getline(&reading->line, &reading->size, reading->file);
	if (length < 0) {
		if (ferror(reading->file))
			reading->result = error_set(reading->error, ERROR_BAD_REQUEST, "%s", strerror(errno));
		return NULL;
	}
	reading->number++;
	reading->result = check_line(reading, (size_t)length, (size_t)size, &text);
	if (reading->result)
		return NULL;
	memcpy(buffer, text, strlen(text) + 1);
	return buffer;
}

static int parse(struct reading *reading, const char *path)
{
	int first_bad = ini_parse_stream(next_line, reading, take_setting, reading);

	if (first_bad > 0 && (!reading->result || (unsigned int)first_bad < reading->number)) {
		reading->number = (unsigned int)first_bad;
		reading->result = error_set(reading->error, ERROR_BAD_REQUEST,
					    "this is no setting: write key = value");
	} else if (first_bad < 0 && !reading->result) {
		reading->result = error_set(reading->error, ERROR_LIMIT, "out of memory");
	}
	if (reading->result)
		error_prepend(reading->error, "%s:%u", path, reading->number);
	return reading->result;
}

int settings_read(struct settings *settings, const char *path, struct ag_error *error)
{
	struct reading reading = {.settings = settings, .error = error};
	int result;

	reading.file = fopen(path, "re");
	if (!reading.file)
		return error_set(error, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_BAD_REQUEST,
				 "cannot read %s: %s", path, strerror(errno));
	result = parse(&reading, path);
	free(reading.line);
	(void)fclose(reading.file); /* it was read from alone */
	return result;
}
