// SPDX-License-Identifier: GPL-2.0-only
/* test_options.c - defaults, the file, the command line, and which wins; and that the sample file tells the
 * truth */
#include "userspace/daemon/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "userspace/core/error.h"
#include "userspace/daemon/options_table.h"

#define ARGUMENTS_MAX 24
#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))

static struct options *loaded; /* the last one; too large for the stack of every test */
static struct ag_error error;
static char config[] = "/tmp/test_options.XXXXXX";

static int setup(void **state)
{
	int fd = mkstemp(config);

	(void)state;
	loaded = calloc(1, sizeof(*loaded));
	return fd < 0 || close(fd) || !loaded;
}

static int teardown(void **state)
{
	(void)state;
	free(loaded);
	return unlink(config);
}

static void write_config(const char *text, size_t length)
{
	FILE *file = fopen(config, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

/* Loads with this file and these arguments, separated by '|'. */
static int load(const char *file, const char *arguments)
{
	char text[512], *argv[ARGUMENTS_MAX] = {(char *)"allowgated", (char *)"--config", config},
			*rest = text;
	int argc = 3;

	write_config(file, strlen(file));
	(void)snprintf(text, sizeof(text), "%s", arguments);
	while (*text && rest && argc < ARGUMENTS_MAX - 1)
		argv[argc++] = strsep(&rest, "|");
	memset(&error, 0, sizeof(error));
	memset(loaded, 0xee, sizeof(*loaded));
	return options_load(argc, argv, loaded, &error);
}

static void assert_refused(const char *file, const char *arguments, const char *message_part)
{
	struct options *untouched = malloc(sizeof(*untouched));
	int result = load(file, arguments);

	if (!result || error.code == ERROR_NONE || !strstr(error.message, message_part))
		fail_msg("\"%s\" with \"%s\": %d, %s", file, arguments, result, error.message);
	assert_non_null(untouched);
	memset(untouched, 0xee, sizeof(*untouched));
	assert_memory_equal(loaded, untouched, sizeof(*untouched));
	free(untouched);
}

static void assert_defaults(void)
{
	assert_string_equal(loaded->store, "/var/lib/allowgate/policy.db");
	assert_string_equal(loaded->socket, "/run/allowgate/control.sock");
	assert_string_equal(loaded->socket_group, "allowgate");
	assert_string_equal(loaded->pin_dir, "/sys/fs/bpf/allowgate");
	assert_string_equal(loaded->metrics, "127.0.0.1:9812");
	assert_int_equal(loaded->max_accounts, 100000);
	assert_int_equal(loaded->max_services, 100000);
	assert_int_equal(loaded->max_entries, 100000);
	assert_int_equal(loaded->max_list_accounts, 1000);
	assert_int_equal(loaded->max_body, 128 << 20);
	assert_int_equal(loaded->max_connections_per_uid, 32);
	assert_int_equal(loaded->max_connections_per_address, 16);
	assert_int_equal(loaded->max_token_requests, 600);
	assert_int_equal(loaded->request_timeout_ms, 30000);
	assert_int_equal(loaded->history_generations, 100);
	assert_int_equal(loaded->history_age_s, 90 * 86400);
	assert_int_equal(loaded->verify_interval_ms, 60000);
	assert_int_equal(loaded->log_level, LOG_LEVEL_INFO);
	assert_int_equal(loaded->denied, DENIED_FULL);
	assert_false(loaded->uninstall || loaded->show_help || loaded->show_version);
}

static void test_defaults(void **state)
{
	(void)state;
	assert_int_equal(load("", ""), 0);
	assert_defaults();
	assert_false(loaded->socket_group_explicit);
	assert_int_equal(loaded->interface_count, 0);
	assert_int_equal(loaded->failsafe_count, 0);
}

static void test_file(void **state)
{
	(void)state;
	assert_int_equal(load("; a comment\n"
			      "[daemon]\n"
			      "  store = /tmp/s.db ; indented, and commented\n"
			      "socket=/tmp/c.sock\r\n"
			      "# another\n"
			      "\n"
			      "interface = eth0\n"
			      "interface = eth1.5:native\n"
			      "failsafe = 192.0.2.1\n"
			      "failsafe = 2001:db8::/32\n"
			      "log_level = debug\n"
			      "verify_interval = 1\n"
			      "[limits] # a section's comment\n"
			      "accounts = 1000000\n"
			      "body = 2G",
			      ""),
			 -22);
	assert_non_null(strstr(error.message, ":15: body: "));
	assert_int_equal(
		load("[daemon]\nstore = /tmp/s.db ; indented, and commented\nsocket=/tmp/c.sock\r\n"
		     "interface = eth0\ninterface = eth1.5:native\nfailsafe = 192.0.2.1\n"
		     "failsafe = 2001:db8::/32\nlog_level = debug\nverify_interval = 1\ndenied = truncated\n"
		     "[limits] # a section's comment\naccounts = 1000000\nbody = 1G",
		     ""),
		0);
	assert_string_equal(loaded->store, "/tmp/s.db");
	assert_string_equal(loaded->socket, "/tmp/c.sock");
	assert_int_equal(loaded->interface_count, 2);
	assert_string_equal(loaded->interfaces[0].name, "eth0");
	assert_int_equal(loaded->interfaces[0].mode, ATTACH_AUTO);
	assert_string_equal(loaded->interfaces[1].name, "eth1.5");
	assert_int_equal(loaded->interfaces[1].mode, ATTACH_NATIVE);
	assert_int_equal(loaded->failsafe_count, 2);
	assert_int_equal(loaded->failsafe[0].len, 32);
	assert_int_equal(loaded->failsafe[1].len, 32);
	assert_int_equal(loaded->failsafe[1].addr.family, AG_FAMILY_IPV6);
	assert_int_equal(loaded->log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(loaded->verify_interval_ms, 1000);
	assert_int_equal(loaded->denied, DENIED_TRUNCATED);
	assert_int_equal(loaded->max_accounts, 1000000);
	assert_int_equal(loaded->max_body, 1 << 30);
}

static void test_denied(void **state)
{
	(void)state;
	assert_int_equal(load("[daemon]\ndenied = off\n", ""), 0);
	assert_int_equal(loaded->denied, DENIED_OFF);
	assert_int_equal(load("[daemon]\ndenied = off\n", "--denied=full"), 0);
	assert_int_equal(loaded->denied, DENIED_FULL);
	assert_int_equal(load("[daemon]\ndenied = some\n", ""), -22);
	assert_non_null(
		strstr(error.message, "denied: no such setting, \"some\": use full, truncated or off"));
}

static void test_command_line_wins(void **state)
{
	(void)state;
	assert_int_equal(
		load("[daemon]\nstore = /file\nmetrics = 127.0.0.1:1\ninterface = eth0:native\n"
		     "interface = eth1\nfailsafe = 192.0.2.1\n[limits]\nentries = 5\n",
		     "--store=/first|--store|/last|--interface|eth0:generic|--interface=eth2|--failsafe|"
		     "192.0.2.2|--failsafe=192.0.2.1/32|--max-entries|7|--socket-group|adm"),
		0);
	assert_string_equal(loaded->store, "/last");
	assert_string_equal(loaded->metrics, "127.0.0.1:1");
	assert_int_equal(loaded->interface_count,
			 3); /* added to the file's; the same one gets the later mode */
	assert_string_equal(loaded->interfaces[0].name, "eth0");
	assert_int_equal(loaded->interfaces[0].mode, ATTACH_GENERIC);
	assert_string_equal(loaded->interfaces[2].name, "eth2");
	assert_int_equal(loaded->failsafe_count, 2); /* the same one counts once */
	assert_int_equal(loaded->max_entries, 7);
	assert_string_equal(loaded->socket_group, "adm");
	assert_true(loaded->socket_group_explicit);
	assert_int_equal(load("[daemon]\nsocket_group = allowgate\n", ""), 0);
	assert_true(loaded->socket_group_explicit);
}

static void test_bad_arguments(void **state)
{
	static const char *const ROWS[][2] = {
		{"--nonsense", "--nonsense"},
		{"--stor=/x", "--stor"}, /* no abbreviations */
		{"--stores=/x", "--stores"},
		{"start", "start"},
		{"-v", "-v"},
		{"--", "--"},
		{"", "\"\""},
		{"--store", "needs a value"},
		{"--store=", "--store: "},
		{"--help=yes", "takes no value"},
		{"--uninstall=", "takes no value"},
		{"--interface=:native", "--interface: "},
		{"--interface=eth0:fast", "fast"},
		{"--interface=eth0:", "--interface: "},
		{"--interface=eth0:1:native", "eth0:1"}, /* an alias is no interface */
		{"--interface=abcdefghijklmnop", "abcdefghijklmnop"},
		{"--interface=a/b", "a/b"},
		{"--interface=a b", "a b"},
		{"--interface=.", "--interface: "},
		{"--interface=..:generic", "--interface: "},
		{"--failsafe=192.0.2.1/24", "--failsafe: "},
		{"--failsafe=0.0.0.0/0", "--failsafe: "},
		{"--max-accounts=0", "--max-accounts: "},
		{"--max-accounts=1000001", "1000000"},
		{"--max-accounts=-1", "--max-accounts: "},
		{"--max-accounts=1k", "--max-accounts: "},
		{"--max-accounts=99999999999999999999", "--max-accounts: "},
		{"--max-body=1023", "1024"},
		{"--max-body=1025M", "out of range"},
		{"--max-body=2G", "out of range"},
		{"--max-body=M", "--max-body: "},
		{"--max-body=99999999999G", "out of range"},
		{"--max-body=18446744073709551615G", "out of range"},
		{"--max-body=111111111111111111111111111111", "out of range"},
		{"--max-connections-per-uid=121", "120"},
		{"--max-connections-per-address=65", "64"},
		{"--max-token-requests=0", "--max-token-requests: "},
		{"--listen=", "--listen: "},
		{"--listen=192.0.2.1:8443", "needs a certificate and its key"},
		{"--listen=192.0.2.1:8443|--tls-cert=/c", "needs a certificate and its key"},
		{"--listen=192.0.2.1:8443|--tls-key=/k", "needs a certificate and its key"},
		{"--tls-key=", "--tls-key: "},
		{"--request-timeout=0", "--request-timeout: "},
		{"--history-generations=0", "--history-generations: "},
		{"--history-age=90", "--history-age: "},
		{"--history-age=59m", "it goes from 1h to 3650d"},
		{"--verify-interval=86401", "86400"},
		{"--log-level=loud", "loud"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		if (ROWS[i][0][0])
			assert_refused("", ROWS[i][0], ROWS[i][1]);
		else
			assert_refused("", "--metrics|off|", ROWS[i][1]);
	}
}

static void test_bad_files(void **state)
{
	static const char *const ROWS[][2] = {
		{"store = /x\n", ":1: "}, /* in no section */
		{"[daemon]\n\nstores = /x\n", ":3: "},
		{"[Daemon]\nstore = /x\n", ":2: "},
		{"[limits]\nstore = /x\n", "section [limits]"},
		{"[daemon]\nstore\n", ":2: "},
		{"[daemon]\nstore /x\nnonsense = 1\n", ":2: "}, /* the first bad line is named */
		{"[daemon]\nnonsense = 1\nstore /x\n", ":2: "},
		{"[daemon\nstore = /x\n", ":1: "},
		{"[daemon] store = /x\n", ":1: "},
		{"[daemon]\nstore =\n", ":2: store: "},
		{"[daemon]\nstore = /x\nstore = /y\n", ":3: "},
		{"[daemon]\nstore = /x\n    /y\n", ":3: "}, /* a value does not go on in the next line */
		{"[daemon]\nmetrics = off\ninterface = eth0:slow\n", ":3: interface: "},
		{"[daemon]\nconfig = /x\n", "\"config\""}, /* the command line's alone */
		{"[daemon]\nhelp = 1\n", "\"help\""},
		{"[limits]\nbody = 1T\n", ":2: body: "},
		{"= 1\n", ":1: "},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(ROWS); i++)
		assert_refused(ROWS[i][0], "", ROWS[i][1]);
}

static void test_long_and_binary_lines(void **state)
{
	static const char NUL[] = "[daemon]\nstore = /x\0/y\n";
	char *argv[] = {(char *)"allowgated", (char *)"--config", config, NULL}, text[512];
	int length;

	(void)state;
	write_config(NUL, sizeof(NUL) - 1);
	assert_true(options_load(3, argv, loaded, &error) < 0);
	assert_non_null(strstr(error.message, ":2: "));

	length = snprintf(text, sizeof(text), "[daemon]\nstore = /%0190d", 0);
	assert_int_equal(load(text, ""), 0); /* 199 bytes */
	assert_int_equal(strlen(loaded->store), 191);
	assert_int_equal(length, 9 + 199);
	(void)snprintf(text, sizeof(text), "[daemon]\nstore = /%0191d\n", 0);
	assert_refused(text, "", ":2: this line is too long");
}

static void test_absent_file(void **state)
{
	char *named[] = {(char *)"allowgated", (char *)"--config", (char *)"/nonexistent/allowgate.conf",
			 NULL};
	char *directory[] = {(char *)"allowgated", (char *)"--config", (char *)"/tmp", NULL};

	(void)state;
	assert_true(options_load(3, named, loaded, &error) < 0);
	assert_int_equal(error.code, ERROR_BAD_REQUEST);
	assert_non_null(strstr(error.message, "/nonexistent/allowgate.conf"));
	assert_true(options_load(3, directory, loaded, &error) < 0);
	assert_non_null(strstr(error.message, "/tmp"));
}

/* --config counts wherever it stands, and the file named last is the one. */
static void test_config_position(void **state)
{
	static const char TEXT[] = "[daemon]\nmetrics = 127.0.0.1:1\nstore = /x\n";
	char *argv[] = {(char *)"allowgated",
			(char *)"--metrics=off",
			(char *)"--config",
			(char *)"/nonexistent",
			(char *)"--config",
			config,
			NULL};

	(void)state;
	write_config(TEXT, strlen(TEXT));
	assert_int_equal(options_load(6, argv, loaded, &error), 0);
	assert_string_equal(loaded->metrics, "off");
	assert_string_equal(loaded->store, "/x");
}

static void test_flags(void **state)
{
	(void)state;
	assert_int_equal(load("[daemon]\npin_dir = /sys/fs/bpf/t\n", "--uninstall"), 0);
	assert_true(loaded->uninstall);
	assert_string_equal(loaded->pin_dir, "/sys/fs/bpf/t");
	/* a broken file keeps nobody from reading the help */
	assert_int_equal(load("nonsense\n", "--help"), 0);
	assert_true(loaded->show_help);
	assert_int_equal(load("nonsense\n", "--version"), 0);
	assert_true(loaded->show_version);
	assert_refused("", "--help|--nonsense", "--nonsense");
}

static void test_repeats_are_bounded(void **state)
{
	char text[8192] = "[daemon]\n";
	size_t length = strlen(text);

	(void)state;
	for (int i = 0; i < OPTIONS_REPEAT_MAX; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length,
					   "interface = i%d\nfailsafe = 192.0.2.%d\n", i, i);
	assert_int_equal(load(text, ""), 0);
	assert_int_equal(loaded->interface_count, OPTIONS_REPEAT_MAX);
	assert_int_equal(loaded->failsafe_count, OPTIONS_REPEAT_MAX);
	assert_int_equal(load(text, "--interface=i0:generic"), 0); /* there already */
	assert_true(load(text, "--interface=other") < 0);
	assert_true(load(text, "--failsafe=198.51.100.1") < 0);
}

static void test_listen(void **state)
{
	(void)state;
	assert_int_equal(load("[daemon]\nlisten = 192.0.2.1:1\nlisten = [2001:db8::1]:1\ntls_cert = /c\n"
			      "tls_key = /k\n",
			      "--listen=192.0.2.1:2|--listen=192.0.2.1:1|--tls-key=/k2"),
			 0);
	assert_int_equal(loaded->listen_count, 3);
	assert_string_equal(loaded->listen[1], "[2001:db8::1]:1");
	assert_string_equal(loaded->listen[2], "192.0.2.1:2");
	assert_string_equal(loaded->tls_cert, "/c");
	assert_string_equal(loaded->tls_key, "/k2");
	assert_int_equal(load("[daemon]\ntls_cert = /c\n", ""), 0); /* alone it does nothing */
	assert_refused("[daemon]\nlisten = 192.0.2.1:1\n", "", "needs a certificate and its key");
	assert_refused("",
		       "--listen=a:1|--listen=a:2|--listen=a:3|--listen=a:4|--listen=a:5|--listen=a:6|"
		       "--listen=a:7|--listen=a:8|--listen=a:9",
		       "more than 8 addresses");
}

/* systemd/allowgate.conf with each setting put into force says what the defaults are, and names them all. */
static void test_sample_file(void **state)
{
	char line[256], text[8192] = "", needle[80];
	FILE *sample = fopen("systemd/allowgate.conf", "r");

	(void)state;
	assert_non_null(sample); /* tests run in the repository's root */
	while (fgets(line, sizeof(line), sample)) {
		bool setting = line[0] == '#' && line[1] >= 'a' && line[1] <= 'z';

		assert_true(strlen(text) + strlen(line) < sizeof(text));
		strcat(text, line + setting);
	}
	assert_int_equal(fclose(sample), 0);
	if (load(text, ""))
		fail_msg("%s", error.message);
	assert_defaults();
	for (size_t i = 0; i < OPTION_ROW_COUNT; i++) {
		if (!OPTION_ROWS[i].section)
			continue;
		(void)snprintf(needle, sizeof(needle), "\n%s = ", OPTION_ROWS[i].key);
		if (!strstr(text, needle))
			fail_msg("%s is not in the sample file", OPTION_ROWS[i].key);
		(void)snprintf(needle, sizeof(needle), "--%s", OPTION_ROWS[i].name);
		if (!strstr(text, needle))
			fail_msg("%s is not in the sample file", needle);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_denied),
		cmocka_unit_test(test_command_line_wins),
		cmocka_unit_test(test_bad_arguments),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_long_and_binary_lines),
		cmocka_unit_test(test_absent_file),
		cmocka_unit_test(test_config_position),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_repeats_are_bounded),
		cmocka_unit_test(test_listen),
		cmocka_unit_test(test_sample_file),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
