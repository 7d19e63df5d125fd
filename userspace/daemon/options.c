// SPDX-License-Identifier: GPL-2.0-only
/*
 * options.c - one way to take a value, whether it comes from the table, the file or the command line
 *
 * getopt_long() would do half of it, with globals, abbreviations and messages of its own.
 */
#include "userspace/daemon/options.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "userspace/core/choice.h"
#include "userspace/core/error.h"
#include "userspace/core/text.h"
#include "userspace/daemon/options_table.h"
#include "userspace/io/conf.h"

#define SEEN_MAX 64

/* --- values ------------------------------------------------------------------ */

static int take_text(const struct option_row *row, const char *text, void *at, struct ag_error *error)
{
	size_t length = strlen(text);

	if (length == 0)
		return error_set(error, ERROR_BAD_REQUEST, "%s has no value: give it one, or leave it out",
				 row->name);
	if (length >= row->size)
		return error_set(error, ERROR_BAD_REQUEST, "the value is too long: %zu bytes are the most",
				 row->size - 1);
	memcpy(at, text, length + 1);
	return 0;
}

static int take_seconds(const struct option_row *row, const char *text, uint64_t *ret, struct ag_error *error)
{
	uint64_t seconds;
	int result = number_parse("the value", text, row->min, row->max, &seconds, error);

	if (!result)
		*ret = seconds * 1000;
	return result;
}

static int take_duration(const struct option_row *row, const char *text, uint64_t *ret,
			 struct ag_error *error)
{
	int64_t seconds;
	int result = duration_parse(text, &seconds, error);

	if (result)
		return result;
	if ((uint64_t)seconds < row->min || (uint64_t)seconds > row->max)
		return error_set(error, ERROR_BAD_REQUEST,
				 "%.40s is out of range: it goes from %" PRIu64 "h to %" PRIu64 "d", text,
				 row->min / 3600, row->max / 86400);
	*ret = (uint64_t)seconds;
	return 0;
}

/* 0 without a suffix. */
static unsigned int suffix_shift(char suffix)
{
	switch (suffix) {
	case 'K':
		return 10;
	case 'M':
		return 20;
	case 'G':
		return 30;
	default:
		return 0;
	}
}

static int take_bytes(const struct option_row *row, const char *text, uint64_t *ret, struct ag_error *error)
{
	size_t length = strlen(text);
	unsigned int shift = length > 1 ? suffix_shift(text[length - 1]) : 0;
	char digits[24];
	uint64_t value;
	int result;

	if (shift)
		length--;
	if (length >= sizeof(digits))
		return error_set(error, ERROR_BAD_REQUEST, "the value %.40s is out of range", text);
	memcpy(digits, text, length);
	digits[length] = '\0';
	result = number_parse("the value", digits, 0, UINT64_MAX, &value, error);
	if (result)
		return result;
	if (value > UINT64_MAX >> shift || value << shift < row->min || value << shift > row->max)
		return error_set(error, ERROR_BAD_REQUEST,
				 "the value %s is out of range: it goes from %" PRIu64 " to %" PRIu64
				 " bytes",
				 text, row->min, row->max);
	*ret = value << shift;
	return 0;
}

static int take_level(const char *text, enum log_level *ret, struct ag_error *error)
{
	if (log_level_parse(text, ret))
		return error_set(error, ERROR_BAD_REQUEST,
				 "\"%.40s\" is no log level: write error, warning, notice, info or debug",
				 text);
	return 0;
}

static int take_denied(const char *text, enum denied_sources *ret, struct ag_error *error)
{
	static const char *const NAMES[] = {
		[DENIED_FULL] = "full", [DENIED_TRUNCATED] = "truncated", [DENIED_OFF] = "off"};
	size_t index;
	int result = choice_parse("setting", NAMES, DENIED_SOURCES_MAX, text, &index, error);

	_Static_assert(sizeof(NAMES) / sizeof(*NAMES) == DENIED_SOURCES_MAX, "a setting has no name");
	if (!result)
		*ret = (enum denied_sources)index;
	return result;
}

static int take_journal(const char *text, enum audit_journal *ret, struct ag_error *error)
{
	static const char *const NAMES[] = {
		[AUDIT_JOURNAL_AUTO] = "auto", [AUDIT_JOURNAL_ON] = "on", [AUDIT_JOURNAL_OFF] = "off"};
	size_t index;
	int result = choice_parse("setting", NAMES, AUDIT_JOURNAL_MAX, text, &index, error);

	_Static_assert(sizeof(NAMES) / sizeof(*NAMES) == AUDIT_JOURNAL_MAX, "a setting has no name");
	if (!result)
		*ret = (enum audit_journal)index;
	return result;
}

/* As the kernel has it (dev_valid_name() in net/core/dev.c); no colon either, which an alias alone has. */
static bool interface_name_ok(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length >= IF_NAMESIZE || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (; *name; name++) {
		if (*name == '/' || *name == ':' || isspace((unsigned char)*name))
			return false;
	}
	return true;
}

static int take_interface(const char *text, struct options *options, struct ag_error *error)
{
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : strlen(text), i = 0;
	struct option_interface interface = {.mode = ATTACH_AUTO};
	char name[IF_NAMESIZE + 1]; /* one more than fits, so that too long a name stays one */
	int result = colon ? attach_mode_parse(colon + 1, &interface.mode, error) : 0;

	if (result)
		return result;
	(void)snprintf(name, sizeof(name), "%.*s", (int)(length < sizeof(name) ? length : sizeof(name)),
		       text);
	if (!interface_name_ok(name))
		return error_set(error, ERROR_BAD_REQUEST,
				 "\"%.80s\" names no interface: write its name (ip link shows it), then "
				 ":auto, :native or :generic",
				 text);
	memcpy(interface.name, name, sizeof(interface.name));
	while (i < options->interface_count && strcmp(options->interfaces[i].name, interface.name) != 0)
		i++;
	if (i == OPTIONS_REPEAT_MAX)
		return error_set(
			error, ERROR_LIMIT,
			"there are more than %d interfaces: attach others by 'allowgate interface attach'",
			OPTIONS_REPEAT_MAX);
	options->interfaces[i] = interface;
	options->interface_count += i == options->interface_count;
	return 0;
}

static int take_failsafe(const char *text, struct options *options, struct ag_error *error)
{
	struct prefix prefix;
	int result = prefix_parse(text, &prefix, error);

	if (result)
		return result;
	for (size_t i = 0; i < options->failsafe_count; i++) {
		if (prefix_compare(&options->failsafe[i], &prefix) == 0)
			return 0;
	}
	if (options->failsafe_count == OPTIONS_REPEAT_MAX)
		return error_set(error, ERROR_LIMIT,
				 "there are more than %d failsafe prefixes: join some into wider ones",
				 OPTIONS_REPEAT_MAX);
	options->failsafe[options->failsafe_count++] = prefix;
	return 0;
}

/* Whether it is an address is found out by listening on it. */
static int take_listen(const char *text, struct options *options, struct ag_error *error)
{
	size_t length = strlen(text);

	if (length == 0 || length >= OPTIONS_ADDRESS_SIZE)
		return error_set(error, ERROR_BAD_REQUEST,
				 "\"%.80s\" is no address to listen on: write it as 192.0.2.10:8443 or "
				 "[2001:db8::10]:8443",
				 text);
	for (size_t i = 0; i < options->listen_count; i++) {
		if (strcmp(options->listen[i], text) == 0)
			return 0;
	}
	if (options->listen_count == OPTIONS_LISTEN_MAX)
		return error_set(error, ERROR_LIMIT, "there are more than %d addresses to listen on",
				 OPTIONS_LISTEN_MAX);
	memcpy(options->listen[options->listen_count++], text, length + 1);
	return 0;
}

static int take(const struct option_row *row, const char *text, struct options *options,
		struct ag_error *error)
{
	void *at = (char *)options + row->offset;

	switch (row->kind) {
	case OPTION_TEXT:
		return take_text(row, text, at, error);
	case OPTION_NUMBER:
		return number_parse("the value", text, row->min, row->max, at, error);
	case OPTION_SECONDS:
		return take_seconds(row, text, at, error);
	case OPTION_DURATION:
		return take_duration(row, text, at, error);
	case OPTION_BYTES:
		return take_bytes(row, text, at, error);
	case OPTION_LEVEL:
		return take_level(text, at, error);
	case OPTION_DENIED:
		return take_denied(text, at, error);
	case OPTION_JOURNAL:
		return take_journal(text, at, error);
	case OPTION_INTERFACE:
		return take_interface(text, options, error);
	case OPTION_FAILSAFE:
		return take_failsafe(text, options, error);
	case OPTION_LISTEN:
		return take_listen(text, options, error);
	case OPTION_FLAG:
		*(bool *)at = true;
		return 0;
	}
	return -EINVAL; /* no such kind */
}

/* By the user, in the file or on the command line. */
static int take_explicit(const struct option_row *row, const char *text, struct options *options,
			 struct ag_error *error)
{
	int result = take(row, text, options, error);

	if (!result && row->offset == offsetof(struct options, socket_group) && row->kind == OPTION_TEXT)
		options->socket_group_explicit = true;
	return result;
}

static int take_defaults(struct options *options, struct ag_error *error)
{
	int result = 0;

	for (size_t i = 0; i < OPTION_ROW_COUNT && !result; i++) {
		if (OPTION_ROWS[i].initial)
			result = take(&OPTION_ROWS[i], OPTION_ROWS[i].initial, options, error);
	}
	return result;
}

/* --- the file ---------------------------------------------------------------- */

struct file_reading {
	struct options *options;
	unsigned int seen[SEEN_MAX]; /* the line of each row's setting; 0: none yet */
};

static const struct option_row *row_by_key(const struct conf_setting *setting)
{
	for (size_t i = 0; i < OPTION_ROW_COUNT; i++) {
		const struct option_row *row = &OPTION_ROWS[i];

		if (row->section && strcmp(row->section, setting->section) == 0 &&
		    strcmp(row->key, setting->key) == 0)
			return row;
	}
	return NULL;
}

static int take_setting(const struct conf_setting *setting, void *arg, struct ag_error *error)
{
	const struct option_row *row = row_by_key(setting);
	struct file_reading *reading = arg;
	unsigned int *seen;
	int result;

	if (!row)
		return error_set(error, ERROR_BAD_REQUEST,
				 "there is no setting \"%.60s\" in section [%.60s]: see allowgate.conf(5)",
				 setting->key, setting->section);
	seen = &reading->seen[row - OPTION_ROWS];
	if (*seen && row->kind != OPTION_INTERFACE && row->kind != OPTION_FAILSAFE &&
	    row->kind != OPTION_LISTEN)
		return error_set(error, ERROR_BAD_REQUEST,
				 "%s was set in line %u already: remove one of them", row->key, *seen);
	*seen = setting->line;
	result = take_explicit(row, setting->value, reading->options, error);
	if (result)
		error_prepend(error, "%s", row->key);
	return result;
}

static int load_file(struct options *options, bool must_exist, struct ag_error *error)
{
	struct file_reading reading = {.options = options};
	struct ag_error local = {0};
	int result = conf_read(options->config, take_setting, &reading, &local);

	if (!result || (local.code == ERROR_NOT_FOUND && !must_exist))
		return 0;
	return error_set(error, ERROR_BAD_REQUEST, "%s", local.message);
}

/* --- the command line ------------------------------------------------------------ */

struct argument {
	const struct option_row *row;
	const char *value; /* NULL: takes none */
};

static const struct option_row *row_by_name(const char *name, size_t length)
{
	for (size_t i = 0; i < OPTION_ROW_COUNT; i++) {
		if (strlen(OPTION_ROWS[i].name) == length && memcmp(OPTION_ROWS[i].name, name, length) == 0)
			return &OPTION_ROWS[i];
	}
	return NULL;
}

/* The argument at argv[*at], as "--name=value", "--name value" or "--flag"; *at goes on behind it. */
static int next_argument(char **argv, int *at, struct argument *ret, struct ag_error *error)
{
	const char *text = argv[*at], *equals = strchr(text, '=');
	const struct option_row *row;

	if (strncmp(text, "--", 2) != 0)
		return error_set(error, ERROR_BAD_REQUEST,
				 "allowgated takes options alone, not \"%.80s\": see --help", text);
	row = row_by_name(text + 2, equals ? (size_t)(equals - text - 2) : strlen(text + 2));
	if (!row)
		return error_set(error, ERROR_BAD_REQUEST, "there is no option \"%.80s\": see --help", text);
	if (!row->argument && equals)
		return error_set(error, ERROR_BAD_REQUEST, "--%s takes no value: write it alone", row->name);
	if (row->argument && !equals && !argv[*at + 1])
		return error_set(error, ERROR_BAD_REQUEST, "--%s needs a value: write --%s %s", row->name,
				 row->name, row->argument);
	*ret = (struct argument){.row = row};
	if (row->argument)
		ret->value = equals ? equals + 1 : argv[++*at];
	++*at;
	return 0;
}

/* What decides whether the file is read, and which. */
static bool comes_before_file(const struct option_row *row)
{
	return !row->section;
}

/* Takes the options that come before the file, or those that come behind it. */
static int take_arguments(char **argv, bool before_file, struct options *options, bool *ret_config_named,
			  struct ag_error *error)
{
	struct argument argument = {0};
	int at = 1, result = 0;

	while (!result && argv[at]) {
		result = next_argument(argv, &at, &argument, error);
		if (result || comes_before_file(argument.row) != before_file)
			continue;
		result = take_explicit(argument.row, argument.value, options, error);
		if (result)
			error_prepend(error, "--%s", argument.row->name);
		*ret_config_named |= argument.row->offset == offsetof(struct options, config) &&
				     argument.row->kind == OPTION_TEXT;
	}
	return result;
}

/* A token must never travel in the clear. */
static int check_tls(const struct options *options, struct ag_error *error)
{
	if (!options->listen_count || (options->tls_cert[0] && options->tls_key[0]))
		return 0;
	return error_set(
		error, ERROR_BAD_REQUEST,
		"listen %s needs a certificate and its key, for it serves TLS alone: give tls_cert and "
		"tls_key",
		options->listen[0]);
}

int options_load(int argc, char **argv, struct options *ret, struct ag_error *error)
{
	struct options options = {0};
	bool config_named = false;
	int result = take_defaults(&options, error);

	if (!result && argc > 0)
		result = take_arguments(argv, true, &options, &config_named, error);
	if (!result && !options.show_help && !options.show_version) {
		result = load_file(&options, config_named, error);
		if (!result && argc > 0)
			result = take_arguments(argv, false, &options, &config_named, error);
		if (!result)
			result = check_tls(&options, error);
	}
	if (!result)
		*ret = options;
	return result;
}

/* --- help ------------------------------------------------------------------------ */

void options_print_help(void)
{
	(void)printf("usage: allowgated [OPTION]...\n\n"
		     "The daemon of allowgate: loads the filter, keeps the policy, serves the control socket "
		     "and the metrics.\n"
		     "Settings may stand in the configuration file too, as named in brackets; options "
		     "override it.\n\n");
	for (size_t i = 0; i < OPTION_ROW_COUNT; i++) {
		const struct option_row *row = &OPTION_ROWS[i];

		(void)printf("  --%s%s%s\n        %s", row->name, row->argument ? " " : "",
			     row->argument ? row->argument : "", row->help);
		if (row->initial)
			(void)printf(" (default: %s)", row->initial);
		if (row->section)
			(void)printf(" [%s: %s]", row->section, row->key);
		(void)printf("\n");
	}
}
