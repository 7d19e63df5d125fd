// SPDX-License-Identifier: GPL-2.0-only
/* options.c - see options.h. The line is taken apart here: core/args refuses an option that stands twice. */
#include "userspace/notice/options.h"

#include <stdlib.h>
#include <string.h>

#include "userspace/core/error.h"

#define DEFAULT_CONFIG "/etc/allowgate/notice.conf"

static const char HELP[] =
	"usage: allowgate-notice [--listen ADDRESS:PORT]... [OPTION]...\n"
	"\n"
	"Answers every HTTP request with a page that says: this address is not allowed here.\n"
	"\n"
	"  --listen ADDRESS:PORT   where; repeatable, IPv6 in brackets\n"
	"  --config FILE           settings; " DEFAULT_CONFIG "\n"
	"  --certificate FILE      HTTPS on the same ports: the certificate, PEM\n"
	"  --key FILE              ... and its key, PEM\n"
	"  --user NAME             whom root becomes; allowgate-notice\n"
	"  --help, --version       print this, or the version\n";

static const char VERSION[] = "allowgate-notice " AG_VERSION "\n";

enum option {
	LISTEN,
	CONFIG,
	CERTIFICATE,
	KEY,
	USER,
	OPTION_END,
};

static const char *const NAMES[] = {
	[LISTEN] = "--listen", [CONFIG] = "--config", [CERTIFICATE] = "--certificate",
	[KEY] = "--key",       [USER] = "--user",
};

struct given {
	const char *values[OPTION_END]; /* the last --listen: the others are in the settings */
	struct endpoint listen[SETTINGS_LISTEN_MAX];
	size_t listen_count;
};

static enum option find(const char *word)
{
	size_t length = strcspn(word, "=");

	for (unsigned int i = 0; i < OPTION_END; i++)
		if (strlen(NAMES[i]) == length && !strncmp(NAMES[i], word, length))
			return (enum option)i;
	return OPTION_END;
}

static int take(struct given *given, enum option option, const char *value, struct ag_error *error)
{
	if (option != LISTEN && given->values[option])
		return error_set(error, ERROR_BAD_REQUEST, "%s is given twice: give it once", NAMES[option]);
	given->values[option] = value;
	if (option != LISTEN)
		return 0;
	if (given->listen_count == SETTINGS_LISTEN_MAX)
		return error_set(error, ERROR_LIMIT, "--listen is given more than %d times: leave some out",
				 SETTINGS_LISTEN_MAX);
	return settings_parse_endpoint(value, &given->listen[given->listen_count++], error);
}

static int parse(int argc, char *const argv[], struct given *given, struct options *options,
		 struct ag_error *error)
{
	for (int i = 1; i < argc && !options->text; i++) {
		enum option option = find(argv[i]);
		const char *value = strchr(argv[i], '=');
		int err;

		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "--version")) {
			options->text = argv[i][2] == 'h' ? HELP : VERSION;
			continue;
		}
		if (option == OPTION_END)
			return error_set(error, ERROR_BAD_REQUEST,
					 "%.64s: there is no such option: see --help", argv[i]);
		value = value ? value + 1 : argv[++i]; /* NULL behind the last */
		if (!value || !*value)
			return error_set(error, ERROR_BAD_REQUEST, "%s: its value is missing", NAMES[option]);
		err = take(given, option, value, error);
		if (err)
			return err;
	}
	return 0;
}

static int override(char **where, const char *value, struct ag_error *error)
{
	char *copy = value ? strdup(value) : NULL;

	if (!value)
		return 0;
	if (!copy)
		return error_set(error, ERROR_LIMIT, "out of memory");
	free(*where);
	*where = copy;
	return 0;
}

static int merge(const struct given *given, struct settings *settings, struct ag_error *error)
{
	int err = override(&settings->certificate, given->values[CERTIFICATE], error);

	if (given->listen_count) {
		memcpy(settings->listen, given->listen, sizeof(given->listen));
		settings->listen_count = given->listen_count;
	}
	return err ? err : override(&settings->key, given->values[KEY], error);
}

int options_parse(int argc, char *const argv[], struct settings *settings, struct options *ret,
		  struct ag_error *error)
{
	struct given given = {0};
	int err = parse(argc, argv, &given, ret, error);

	ret->wrong_usage = err != 0;
	if (err || ret->text)
		return err;
	ret->user = given.values[USER];
	err = settings_read(settings, given.values[CONFIG] ? given.values[CONFIG] : DEFAULT_CONFIG, error);
	if (err && (given.values[CONFIG] || error->code != ERROR_NOT_FOUND))
		return err;
	return merge(&given, settings, error);
}
