// SPDX-License-Identifier: GPL-2.0-only
/*
 * options_table.c - the settings themselves
 */
#include "userspace/daemon/options_table.h"

#include "userspace/daemon/options.h"

#define AT(member)	.offset = offsetof(struct options, member)
#define TEXT_AT(member) .kind = OPTION_TEXT, AT(member), .size = sizeof(((struct options *)0)->member)
#define RANGE(from, to) .min = (from), .max = (to)
#define SETTING(in_section, in_key, as_option, takes)                                                        \
	.section = (in_section), .key = (in_key), .name = (as_option), .argument = (takes)
#define COMMAND(as_option, takes) .name = (as_option), .argument = (takes)

const struct option_row OPTION_ROWS[] = {
	{SETTING("daemon", "interface", "interface", "IFACE[:auto|native|generic]"), .kind = OPTION_INTERFACE,
	 .help = "attach to this interface; repeatable; auto: native, else generic"},
	{SETTING("daemon", "failsafe", "failsafe", "PREFIX"), .kind = OPTION_FAILSAFE,
	 .help = "a source that passes always, on every interface; repeatable"},
	{SETTING("daemon", "store", "store", "FILE"), TEXT_AT(store),
	 .initial = "/var/lib/allowgate/policy.db", .help = "the policy's database"},
	{SETTING("daemon", "socket", "socket", "FILE"), TEXT_AT(socket),
	 .initial = "/run/allowgate/control.sock", .help = "the control socket, made with mode 0660"},
	{SETTING("daemon", "socket_group", "socket-group", "GROUP"), TEXT_AT(socket_group),
	 .initial = "allowgate", .help = "the control socket's group; it must exist when it is set here"},
	{SETTING("daemon", "pin_dir", "pin-dir", "DIR"), TEXT_AT(pin_dir), .initial = "/sys/fs/bpf/allowgate",
	 .help = "where maps and links are pinned, in a bpf file system"},
	{SETTING("daemon", "metrics", "metrics", "ADDR:PORT|off"), TEXT_AT(metrics),
	 .initial = "127.0.0.1:9812", .help = "where /metrics is served, over HTTP"},
	{SETTING("daemon", "origin_socket", "origin-socket", "FILE|off"), TEXT_AT(origin_socket),
	 .initial = "/run/allowgate/origin.sock",
	 .help = "where allowgate-origin says from where an SSH session comes"},
	{SETTING("daemon", "log_level", "log-level", "LEVEL"), .kind = OPTION_LEVEL, AT(log_level),
	 .initial = "info", .help = "error, warning, notice, info or debug"},
	{SETTING("daemon", "verify_interval", "verify-interval", "SECONDS"), .kind = OPTION_SECONDS,
	 AT(verify_interval_ms), RANGE(1, 86400), .initial = "60",
	 .help = "between two comparisons of kernel and store"},
	{SETTING("daemon", "denied", "denied", "full|truncated|off"), .kind = OPTION_DENIED, AT(denied),
	 .initial = "full",
	 .help = "recent stopped sources: their addresses, the /24 or /48 they are in, or none are kept"},
	{SETTING("daemon", "audit_journal", "audit-journal", "auto|on|off"), .kind = OPTION_JOURNAL,
	 AT(audit_journal), .initial = "auto",
	 .help = "copy rows of the audit log to the journal; auto: where the log goes there"},
	{SETTING("retention", "audit_days", "retention-audit-days", "DAYS"), .kind = OPTION_NUMBER,
	 AT(audit_days), RANGE(1, 36500), .initial = "400", .help = "rows of the audit log"},
	{SETTING("retention", "audit_rows", "retention-audit-rows", "COUNT"), .kind = OPTION_NUMBER,
	 AT(audit_rows), RANGE(100, 100000000), .initial = "1000000",
	 .help = "rows of the audit log, however young"},
	{SETTING("retention", "address_days", "retention-address-days", "DAYS"), .kind = OPTION_NUMBER,
	 AT(address_days), RANGE(0, 36500), .initial = "90",
	 .help = "plain addresses in the audit log; then only an HMAC is left"},
	{SETTING("retention", "seen_days", "retention-seen-days", "DAYS"), .kind = OPTION_NUMBER,
	 AT(seen_days), RANGE(1, 36500), .initial = "400", .help = "when an entry was last seen"},
	{SETTING("limits", "accounts", "max-accounts", "COUNT"), .kind = OPTION_NUMBER, AT(max_accounts),
	 RANGE(1, 1000000), .initial = "100000", .help = "accounts"},
	{SETTING("limits", "services", "max-services", "COUNT"), .kind = OPTION_NUMBER, AT(max_services),
	 RANGE(1, 1000000), .initial = "100000", .help = "services, of all accounts"},
	{SETTING("limits", "entries", "max-entries", "COUNT"), .kind = OPTION_NUMBER, AT(max_entries),
	 RANGE(1, 1000000), .initial = "100000", .help = "entries of one allowlist"},
	{SETTING("limits", "body", "max-body", "BYTES"), .kind = OPTION_BYTES, AT(max_body),
	 RANGE(1024, 1024UL * 1024 * 1024), .initial = "128M",
	 .help = "one request's body; K, M and G may follow"},
	{SETTING("limits", "connections_per_uid", "max-connections-per-uid", "COUNT"), .kind = OPTION_NUMBER,
	 AT(max_connections_per_uid), RANGE(1, 120), .initial = "32",
	 .help = "connections of one user to the control socket"},
	{SETTING("limits", "request_timeout", "request-timeout", "SECONDS"), .kind = OPTION_SECONDS,
	 AT(request_timeout_ms), RANGE(1, 3600), .initial = "30",
	 .help = "one request, from connecting (or the one before) to its answer"},
	{SETTING("retention", "history_generations", "history-generations", "COUNT"), .kind = OPTION_NUMBER,
	 AT(history_generations), RANGE(1, 10000), .initial = "100",
	 .help = "generations of an account that can be gone back to"},
	{SETTING("retention", "history_age", "history-age", "AGE"), .kind = OPTION_DURATION,
	 AT(history_age_s), RANGE(3600, 3650ULL * 86400), .initial = "90d",
	 .help = "for how long: 90d, 8h; what was in force then is kept too"},
	{COMMAND("config", "FILE"), TEXT_AT(config), .initial = "/etc/allowgate/allowgate.conf",
	 .help = "the configuration file"},
	{COMMAND("uninstall", NULL), .kind = OPTION_FLAG, AT(uninstall),
	 .help = "detach and remove everything under --pin-dir, and exit"},
	{COMMAND("help", NULL), .kind = OPTION_FLAG, AT(show_help), .help = "print this text, and exit"},
	{COMMAND("version", NULL), .kind = OPTION_FLAG, AT(show_version),
	 .help = "print the version, and exit"},
};
const size_t OPTION_ROW_COUNT = sizeof(OPTION_ROWS) / sizeof(OPTION_ROWS[0]);
