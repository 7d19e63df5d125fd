// SPDX-License-Identifier: GPL-2.0-only
/* commands.c - the table of commands and the table of options: the whole of what allowgate understands */
#include "userspace/cli/command.h"

#include <string.h>

#include "userspace/cli/run.h"

const struct args_option OPTIONS[OPTION_MAX] = {
	[OPTION_SOCKET] = {"--socket", "PATH", "the daemon's control socket (or ALLOWGATE_SOCKET)", false},
	[OPTION_JSON] = {"--json", NULL, "print one JSON document", false},
	[OPTION_QUIET] = {"--quiet", NULL, "tab-separated without header; changes print nothing", false},
	[OPTION_AS] = {"--as", "USER", "delegates: on behalf of this user", false},
	[OPTION_ORIGIN] = {"--origin", "ADDRESS", "delegates: the address that user is connected from",
			   false},
	[OPTION_FORCE] = {"--force", NULL, "operators: even if it stops the person who does it", false},
	[OPTION_DRY_RUN] = {"--dry-run", NULL, "change nothing, say what would be", false},
	[OPTION_HELP] = {"--help", NULL, "print this help", false},
	[OPTION_VERSION] = {"--version", NULL, "print the version", false},
	[OPTION_MODE] = {"--mode", "MODE",
			 "account: enforce, monitor or off; interface: auto, native or generic", false},
	[OPTION_ON_DENY] = {"--on-deny", "ACTION",
			    "what is done with a stopped packet: drop, reject, notice:PORT or redirect:IFACE",
			    false},
	[OPTION_LABEL] = {"--label", "TEXT", "a description for people", true},
	[OPTION_OPEN] = {"--open", NULL, "even if every source then reaches the account", false},
	[OPTION_NOTE] = {"--note", "TEXT", "why the entry, or the token, is there", true},
	[OPTION_DENY] = {"--deny", NULL, "a hole: stop these sources within a wider allowed prefix", false},
	[OPTION_OS_USER] = {"--os-user", "USER", "the operating system's user it is", false},
	[OPTION_UID] = {"--uid", "UID", "the same, by number", false},
	[OPTION_OPERATOR] = {"--operator", NULL, "may manage accounts, services, users, roles and interfaces",
			     false},
	[OPTION_DELEGATE] = {"--delegate", NULL, "may act on behalf of other users", false},
	[OPTION_SINCE] = {"--since", "TIME", "rows from then on: 2026-01-02T03:04:05Z, or 24h back", false},
	[OPTION_UNTIL] = {"--until", "TIME", "rows before then alone", false},
	[OPTION_USER] = {"--user", "USER", "of this user alone; of a token, whom it acts for", false},
	[OPTION_JSONL] = {"--jsonl", NULL, "a JSON document a line, as it comes", false},
	[OPTION_LIMIT] = {"--limit", "N", "the newest N rows alone", false},
	[OPTION_EXPIRES] = {"--expires", "WHEN",
			    "from then on the entry matches nothing, or the token is refused: 8h, "
			    "2026-01-02T03:04:05Z, never",
			    false},
	[OPTION_DISABLE] = {"--disable", NULL, "the entry stays, and counts as absent", false},
	[OPTION_ENABLE] = {"--enable", NULL, "the entry counts again", false},
	[OPTION_UNUSED] = {"--unused", "AGE", "entries alone that were not seen for so long: 90d", false},
	[OPTION_FROM] = {"--from", "ADDRESS", "explain what becomes of a packet from there ...", false},
	[OPTION_TO] = {"--to", "SERVICE", "... to this address, port and protocol: 192.0.2.10:443/tcp",
		       false},
	[OPTION_REASON] = {"--reason", "TEXT", "why everything is to pass, for those who read it", false},
	[OPTION_OFF] = {"--off", NULL, "the policy is in force again", false},
	[OPTION_ACCOUNT] = {"--account", "ACCOUNT", "the one account that the token is for", false},
	[OPTION_ROLE] = {"--role", "admin|viewer", "the most that the token may do there", false},
	[OPTION_CONFIRM_WITHIN] = {"--confirm-within", "DURATION",
				   "take it back unless it is confirmed in time: 2m, 90s, 1h", false},
	[OPTION_INTERFACE] = {"--interface", "IFACE", "of this interface", false},
	[OPTION_UNDO] = {"--undo", NULL, "take the change back now", false},
	[OPTION_TOKEN] = {"--token", "ID", "of this token", false},
	[OPTION_LIST] = {"--list", "NAME", "of this shared list", false},
	[OPTION_POLICY] = {"--policy", NULL, "of the policy that was applied", false},
};
_Static_assert(OPTION_MAX <= ARGS_OPTIONS_MAX, "args.h has room for them all");

static const struct field ACCOUNT[] = {
	{"ACCOUNT", "name", false, FIELD_PLAIN},	 {"MODE", "mode", false, FIELD_PLAIN},
	{"ON DENY", "on_deny", false, FIELD_PLAIN},	 {"ACTIVE", "active", false, FIELD_PLAIN},
	{"ENTRIES", "entries", true, FIELD_PLAIN},	 {"IPV4", "entries4", true, FIELD_PLAIN},
	{"IPV6", "entries6", true, FIELD_PLAIN},	 {"SERVICES", "services", true, FIELD_PLAIN},
	{"GENERATION", "generation", true, FIELD_PLAIN}, {"CONFIRM BY", "confirm_by", false, FIELD_PLAIN},
	{"LABEL", "label", false, FIELD_PLAIN},		 {NULL, NULL, false, FIELD_PLAIN},
};

static const struct field SERVICE[] = {
	{"ACCOUNT", "account", false, FIELD_PLAIN},
	{"SERVICE", "service", false, FIELD_PLAIN},
	{NULL, NULL, false, FIELD_PLAIN},
};

static const struct field USER[] = {
	{"USER", "name", false, FIELD_PLAIN},
	{"UID", "uid", true, FIELD_PLAIN},
	{"OPERATOR", "operator", false, FIELD_PLAIN},
	{"DELEGATE", "delegate", false, FIELD_PLAIN},
	{NULL, NULL, false, FIELD_PLAIN},
};

static const struct field ROLE[] = {
	{"ACCOUNT", "account", false, FIELD_PLAIN},
	{"USER", "user", false, FIELD_PLAIN},
	{"ROLE", "role", false, FIELD_PLAIN},
	{NULL, NULL, false, FIELD_PLAIN},
};

static const struct field TOKEN[] = {
	{"TOKEN", "id", false, FIELD_PLAIN},
	{"USER", "user", false, FIELD_PLAIN},
	{"ACCOUNT", "account", false, FIELD_PLAIN},
	{"ROLE", "role", false, FIELD_PLAIN},
	{"CREATED AT", "created_at", false, FIELD_PLAIN},
	{"CREATED BY", "created_by", false, FIELD_PLAIN},
	{"EXPIRES", "expires", false, FIELD_TIME},
	{"LAST USED", "last_used", false, FIELD_TIME},
	{"NOTE", "note", false, FIELD_PLAIN},
	{NULL, NULL, false, FIELD_PLAIN},
};

static const struct field ENTRY[] = {
	{"PREFIX", "prefix", false, FIELD_PREFIX},
	{"VERDICT", "verdict", false, FIELD_WORD},
	{"ENABLED", "enabled", false, FIELD_PLAIN},
	{"EXPIRES", "expires", false, FIELD_TIME},
	{"LAST SEEN", "last_seen", false, FIELD_TIME},
	{"ADDED BY", "created_by", false, FIELD_PLAIN},
	{"ADDED AT", "created_at", false, FIELD_PLAIN},
	{"NOTE", "note", false, FIELD_PLAIN},
	{NULL, NULL, false, FIELD_PLAIN},
};

static const struct field GENERATION[] = {
	{"GENERATION", "generation", true, FIELD_PLAIN},
	{"TIME", "time", false, FIELD_PLAIN},
	{"USER", "user", false, FIELD_PLAIN},
	{"ACTION", "action", false, FIELD_PLAIN},
	{"ADDED", "added", true, FIELD_PLAIN},
	{"REMOVED", "removed", true, FIELD_PLAIN},
	{"ENTRIES", "entries", true, FIELD_PLAIN},
	{"ACTIVE", "active", false, FIELD_PLAIN},
	{"MODE", "mode", false, FIELD_PLAIN},
	{"ON DENY", "on_deny", false, FIELD_PLAIN},
	{"CURRENT", "current", false, FIELD_PLAIN},
	{NULL, NULL, false, FIELD_PLAIN},
};

static const struct field NAMED[] = {
	{"LIST", "name", false, FIELD_PLAIN},
	{"ENTRIES", "entries", true, FIELD_PLAIN},
	{"ACCOUNTS", "accounts", true, FIELD_PLAIN},
	{"GENERATION", "generation", true, FIELD_PLAIN},
	{"CREATED AT", "created_at", false, FIELD_PLAIN},
	{NULL, NULL, false, FIELD_PLAIN},
};

static const struct field LISTED[] = {
	{"PREFIX", "prefix", false, FIELD_PREFIX},
	{"ADDED BY", "created_by", false, FIELD_PLAIN},
	{"ADDED AT", "created_at", false, FIELD_PLAIN},
	{"NOTE", "note", false, FIELD_PLAIN},
	{NULL, NULL, false, FIELD_PLAIN},
};

static const struct field AUDIT[] = {
	{"ID", "id", true, FIELD_PLAIN},
	{"TIME", "time", false, FIELD_PLAIN},
	{"USER", "user", false, FIELD_PLAIN},
	{"UID", "uid", true, FIELD_PLAIN},
	{"DELEGATE", "delegate", false, FIELD_PLAIN},
	{"ORIGIN", "origin", false, FIELD_PLAIN},
	{"ACCOUNT", "account", false, FIELD_PLAIN},
	{"ACTION", "action", false, FIELD_PLAIN},
	{"OUTCOME", "outcome", false, FIELD_PLAIN},
	{"DETAIL", "detail", false, FIELD_PLAIN},
	{NULL, NULL, false, FIELD_PLAIN},
};

static const struct field INTERFACE[] = {
	{"INTERFACE", "interface", false, FIELD_PLAIN}, {"IFINDEX", "ifindex", true, FIELD_PLAIN},
	{"MODE", "mode", false, FIELD_PLAIN},		{"ATTACHED", "attached", false, FIELD_PLAIN},
	{"FALLBACK", "fallback", false, FIELD_PLAIN},	{NULL, NULL, false, FIELD_PLAIN},
};

static const struct field CHECK[] = {
	{"ACCOUNT", "account", false, FIELD_PLAIN}, {"ADDRESS", "address", false, FIELD_PLAIN},
	{"VERDICT", "verdict", false, FIELD_WORD},  {"ENTRY", "entry.prefix", false, FIELD_PREFIX},
	{"KERNEL", "kernel", false, FIELD_WORD},    {"AGREE", "agree", false, FIELD_PLAIN},
	{NULL, NULL, false, FIELD_PLAIN},
};

static const struct field DENIED[] = {
	{"ACCOUNT", "account", false, FIELD_PLAIN},    {"SOURCE", "source", false, FIELD_PREFIX},
	{"PACKETS", "packets", true, FIELD_PLAIN},     {"FIRST SEEN", "first_seen", false, FIELD_PLAIN},
	{"LAST SEEN", "last_seen", false, FIELD_TIME}, {"SERVICE", "service", false, FIELD_PLAIN},
	{"VERDICT", "verdict", false, FIELD_WORD},     {NULL, NULL, false, FIELD_PLAIN},
};

static const struct field WHOAMI[] = {
	{"USER", "user", false, FIELD_PLAIN},
	{"UID", "uid", true, FIELD_PLAIN},
	{"OPERATOR", "operator", false, FIELD_PLAIN},
	{"DELEGATE", "delegate", false, FIELD_PLAIN},
	{"ORIGIN", "origin", false, FIELD_PLAIN},
	{"ORIGIN FROM", "origin_from", false, FIELD_PLAIN},
	{"ORIGIN WHY", "origin_reason", false, FIELD_PLAIN},
	{NULL, NULL, false, FIELD_PLAIN},
};

static const struct field FINDING[] = {
	{"CHECK", "check", false, FIELD_PLAIN},	  {"INTERFACE", "interface", false, FIELD_PLAIN},
	{"STATE", "state", false, FIELD_WORD},	  {"DETAIL", "detail", false, FIELD_PLAIN},
	{"ADVICE", "advice", false, FIELD_PLAIN}, {NULL, NULL, false, FIELD_PLAIN},
};

#define CHANGE (OPTION_BIT(DRY_RUN) | OPTION_BIT(CONFIRM_WITHIN))
#define TUNING (CHANGE | OPTION_BIT(MODE) | OPTION_BIT(ON_DENY) | OPTION_BIT(LABEL))

#define ACCOUNTS  "/v1/accounts"
#define ACCOUNT_0 ACCOUNTS "/{0}"
#define LIST_0	  ACCOUNT_0 "/allowlist"
#define TOKENS	  "/v1/tokens"
#define NAMED_0	  "/v1/lists/{0}"
#define TUNED                                                                                                \
	{"mode", SOURCE_TEXT, OPTION_MODE}, {"on_deny", SOURCE_TEXT, OPTION_ON_DENY},                        \
	{                                                                                                    \
		"label", SOURCE_TEXT, OPTION_LABEL                                                           \
	}

/* clang-format off */
const struct command COMMANDS[] = {
	{.noun = "status", .arguments = "", .help = "daemon, interfaces, totals, and whether kernel and store agree",
	 .run = run_status, .method = "GET", .path = "/v1/status"},
	{.noun = "whoami", .arguments = "", .help = "user, roles and origin as the daemon sees them",
	 .run = run_whoami, .method = "GET", .path = "/v1/whoami", .fields = WHOAMI},
	{.noun = "reload", .arguments = "", .help = "bring the kernel in line with the store",
	 .forceful = true,
	 .run = run_change, .method = "POST", .path = "/v1/reload",
	 .done = "generation {generation} is in force; repaired in the kernel: {repaired}"},

	{.noun = "doctor", .arguments = "[IFACE]", .help = "preflight: kernel, driver, MTU, queues, other XDP programs; says what to do",
	 .most = 1, .run = run_doctor, .method = "GET", .path = "/v1/doctor", .query = "interface", .fields = FINDING, .unpaged = true},
	{.noun = "panic", .arguments = "", .help = "operators: everything passes until switched off",
	 .options = OPTION_BIT(DRY_RUN) | OPTION_BIT(REASON) | OPTION_BIT(OFF),
	 .run = run_panic, .method = "PUT", .path = "/v1/panic", .body = {{"reason", SOURCE_TEXT, OPTION_REASON}},
	 .done = "PANIC: everything passes on every interface, until \"allowgate panic --off\""},

	{.noun = "account", .verb = "add", .arguments = "NAME", .help = "a new account, open until its allowlist has an entry",
	 .options = TUNING, .least = 1, .most = 1,
	 .run = run_change, .method = "POST", .path = ACCOUNTS,
	 .body = {{"name", SOURCE_ARGUMENT, 0}, TUNED}, .done = "{0}: account added; {account}"},
	{.noun = "account", .verb = "set", .arguments = "NAME", .help = "change its mode, action or label",
	 .options = TUNING, .least = 1, .most = 1,
	 .run = run_account_set, .method = "PATCH", .path = ACCOUNT_0,
	 .body = {TUNED}, .done = "{0}: account changed; {account}"},
	{.noun = "account", .verb = "list", .arguments = "", .help = "the accounts you may see",
	 .run = run_list, .method = "GET", .path = ACCOUNTS, .fields = ACCOUNT},
	{.noun = "account", .verb = "show", .arguments = "NAME", .help = "one account", .least = 1, .most = 1,
	 .run = run_show, .method = "GET", .path = ACCOUNT_0, .fields = ACCOUNT},
	{.noun = "account", .verb = "remove", .arguments = "NAME", .help = "with its services, roles and allowlist",
	 .options = CHANGE | OPTION_BIT(OPEN), .least = 1, .most = 1,
	 .run = run_change, .method = "DELETE", .path = ACCOUNT_0, .done = "{0}: account removed"},

	{.noun = "service", .verb = "add", .arguments = "ACCOUNT SERVICE...",
	 .help = "where it is reached: 192.0.2.10:443/tcp, 192.0.2.0/28/udp, [2001:db8::10]:443",
	 .options = CHANGE, .least = 2, .most = UINT32_MAX,
	 .run = run_change, .method = "POST", .path = ACCOUNT_0 "/services",
	 .body = {{"services", SOURCE_ARGUMENTS, 1}}, .done = "{0}: {+service} added"},
	{.noun = "service", .verb = "list", .arguments = "[ACCOUNT]", .help = "services, of one account or all", .most = 1,
	 .run = run_list, .method = "GET", .path = ACCOUNT_0 "/services", .path_bare = "/v1/services", .fields = SERVICE},
	{.noun = "service", .verb = "remove", .arguments = "ACCOUNT SERVICE", .help = "it is no longer judged",
	 .options = CHANGE, .least = 2, .most = 2,
	 .run = run_change, .method = "DELETE", .path = ACCOUNT_0 "/services", .query = "service", .query_from = 1,
	 .done = "{0}: {-service} removed"},

	{.noun = "user", .verb = "add", .arguments = "NAME", .help = "an operating-system user, or a name a delegate vouches for",
	 .options = CHANGE | OPTION_BIT(OS_USER) | OPTION_BIT(UID) | OPTION_BIT(OPERATOR) | OPTION_BIT(DELEGATE),
	 .least = 1, .most = 1, .run = run_change, .method = "POST", .path = "/v1/users",
	 .body = {{"name", SOURCE_ARGUMENT, 0}, {"uid", SOURCE_UID, 0}, {"operator", SOURCE_FLAG, OPTION_OPERATOR},
		  {"delegate", SOURCE_FLAG, OPTION_DELEGATE}},
	 .done = "{0}: user added"},
	{.noun = "user", .verb = "list", .arguments = "", .help = "all users",
	 .run = run_list, .method = "GET", .path = "/v1/users", .fields = USER},
	{.noun = "user", .verb = "remove", .arguments = "NAME", .help = "with their roles",
	 .options = CHANGE, .least = 1, .most = 1,
	 .run = run_change, .method = "DELETE", .path = "/v1/users/{0}", .done = "{0}: user removed"},
	{.noun = "user", .verb = "export", .arguments = "NAME", .help = "everything that is held on them, as one JSON document",
	 .least = 1, .most = 1, .run = run_document, .method = "GET", .path = "/v1/users/{0}/export"},
	{.noun = "user", .verb = "erase", .arguments = "NAME", .help = "with all that tells who they were, in the audit log too",
	 .options = OPTION_BIT(DRY_RUN), .least = 1, .most = 1,
	 .run = run_change, .method = "POST", .path = "/v1/users/{0}/erase",
	 .done = "{0}: erased"},

	{.noun = "role", .verb = "grant", .arguments = "ACCOUNT USER admin|viewer", .help = "admins change the list, viewers read it",
	 .options = CHANGE, .least = 3, .most = 3,
	 .run = run_change, .method = "PUT", .path = ACCOUNT_0 "/roles/{1}", .body = {{"role", SOURCE_ARGUMENT, 2}},
	 .done = "{0}: {1} is {2}"},
	{.noun = "role", .verb = "revoke", .arguments = "ACCOUNT USER", .help = "take the user's role away",
	 .options = CHANGE, .least = 2, .most = 2,
	 .run = run_change, .method = "DELETE", .path = ACCOUNT_0 "/roles/{1}", .done = "{0}: {1} has no role any more"},
	{.noun = "role", .verb = "list", .arguments = "[ACCOUNT]", .help = "roles, of one account or all", .most = 1,
	 .run = run_list, .method = "GET", .path = ACCOUNT_0 "/roles", .path_bare = "/v1/roles", .fields = ROLE},

	{.noun = "token", .verb = "create", .arguments = "", .help = "a token that acts for a user over TLS, on one account; it is shown this once",
	 .options = CHANGE | OPTION_BIT(USER) | OPTION_BIT(ACCOUNT) | OPTION_BIT(ROLE) | OPTION_BIT(EXPIRES) | OPTION_BIT(NOTE),
	 .run = run_token_create, .method = "POST", .path = TOKENS,
	 .body = {{"user", SOURCE_TEXT, OPTION_USER}, {"account", SOURCE_TEXT, OPTION_ACCOUNT}, {"role", SOURCE_TEXT, OPTION_ROLE},
		  {"expires", SOURCE_EXPIRY, 0}, {"note", SOURCE_TEXT, OPTION_NOTE}},
	},
	{.noun = "token", .verb = "list", .arguments = "", .help = "all tokens, without their secrets",
	 .run = run_list, .method = "GET", .path = TOKENS, .fields = TOKEN},
	{.noun = "token", .verb = "revoke", .arguments = "ID", .help = "it is refused from now on",
	 .options = CHANGE, .least = 1, .most = 1,
	 .run = run_change, .method = "DELETE", .path = TOKENS "/{0}", .done = "{0}: token revoked"},

	{.noun = "allow", .verb = "add", .arguments = "ACCOUNT PREFIX...", .help = "let these sources in; the first entry closes the account to all others",
	 .options = CHANGE | OPTION_BIT(NOTE) | OPTION_BIT(DENY) | OPTION_BIT(EXPIRES), .least = 2, .most = UINT32_MAX,
	 .run = run_change, .method = "POST", .path = LIST_0, .body = {{"entries", SOURCE_ENTRIES, 1}},
	 .done = "{0}: {+entry} added; {list}"},
	{.noun = "allow", .verb = "me", .arguments = "ACCOUNT", .help = "let in the address that you are connected from",
	 .options = CHANGE | OPTION_BIT(NOTE) | OPTION_BIT(EXPIRES), .least = 1, .most = 1,
	 .run = run_me, .method = "POST", .path = LIST_0, .body = {{"entries", SOURCE_ENTRIES, 1}},
	 .done = "{0}: {1}, where you are connected from, added; {list}"},
	{.noun = "allow", .verb = "set", .arguments = "ACCOUNT PREFIX", .help = "an entry's note, expiry, and whether it counts",
	 .options = CHANGE | OPTION_BIT(NOTE) | OPTION_BIT(EXPIRES) | OPTION_BIT(DISABLE) | OPTION_BIT(ENABLE) | OPTION_BIT(OPEN),
	 .least = 2, .most = 2, .run = run_change, .method = "PATCH", .path = LIST_0 "/{1}",
	 .body = {{"note", SOURCE_TEXT, OPTION_NOTE}, {"expires", SOURCE_EXPIRY, 0}, {"enabled", SOURCE_ENABLED, 0}},
	 .done = "{0}: {1} changed; {list}"},
	{.noun = "allow", .verb = "list", .arguments = "ACCOUNT", .help = "the allowlist", .least = 1, .most = 1,
	 .options = OPTION_BIT(UNUSED), .run = run_list, .method = "GET", .path = LIST_0, .fields = ENTRY},
	{.noun = "allow", .verb = "remove", .arguments = "ACCOUNT PREFIX...", .help = "take entries away; the last one opens the account",
	 .options = CHANGE | OPTION_BIT(OPEN), .least = 2, .most = UINT32_MAX,
	 .run = run_change, .method = "DELETE", .path = LIST_0, .query = "prefix", .query_from = 1,
	 .done = "{0}: {-entry} removed; {list}"},
	{.noun = "allow", .verb = "history", .arguments = "ACCOUNT", .help = "its generations, the newest first: who made them, and what they were",
	 .least = 1, .most = 1, .run = run_list, .method = "GET", .path = ACCOUNT_0 "/generations", .fields = GENERATION},
	{.noun = "allow", .verb = "diff", .arguments = "ACCOUNT N [M]", .help = "what differs between generation N and M, or what is now",
	 .least = 2, .most = 3, .run = run_diff, .method = "GET", .path = ACCOUNT_0 "/generations/{1}/diff"},
	{.noun = "allow", .verb = "rollback", .arguments = "ACCOUNT N", .help = "the list becomes what it was after generation N; --dry-run prints the difference",
	 .options = CHANGE | OPTION_BIT(OPEN), .least = 2, .most = 2,
	 .run = run_rollback, .method = "POST", .path = ACCOUNT_0 "/rollback",
	 .done = "{0}: the list is that of generation {1}: {+entry} added, {-entry} removed; {list}"},
	{.noun = "allow", .verb = "replace", .arguments = "ACCOUNT FILE|-", .help = "the whole list in one atomic step; --dry-run prints the difference",
	 .options = CHANGE | OPTION_BIT(OPEN), .least = 2, .most = 2,
	 .run = run_upload, .method = "PUT", .path = LIST_0,
	 .done = "{0}: {+entry} added, {-entry} removed; {list}"},
	{.noun = "allow", .verb = "import", .arguments = "ACCOUNT FILE|-", .help = "adds to the list, all or nothing: text, CSV with a header, or JSON",
	 .options = CHANGE, .least = 2, .most = 2,
	 .run = run_upload, .method = "POST", .path = LIST_0 "?import=true",
	 .done = "{0}: {+entry} added; {list}"},
	{.noun = "allow", .verb = "export", .arguments = "ACCOUNT", .help = "the list as replace reads it: PREFIX [allow|deny] [disabled] [expires=TIME] [# note]",
	 .least = 1, .most = 1, .run = run_export, .method = "GET", .path = LIST_0 "/export"},

	{.noun = "confirm", .arguments = "[ACCOUNT]", .help = "keep a change made with --confirm-within, or take it back; without a name: list what waits",
	 .options = OPTION_BIT(DRY_RUN) | OPTION_BIT(USER) | OPTION_BIT(INTERFACE) | OPTION_BIT(TOKEN) | OPTION_BIT(LIST) | OPTION_BIT(POLICY) |
		    OPTION_BIT(UNDO),
	 .most = 1, .run = run_confirm, .method = "POST", .path = ACCOUNT_0 "/confirm", .path_bare = "/v1/pending",
	 .unpaged = true},
	{.noun = "list", .verb = "create", .arguments = "NAME", .help = "a shared list, that allowlists hold as @NAME",
	 .options = CHANGE, .least = 1, .most = 1,
	 .run = run_change, .method = "POST", .path = "/v1/lists", .body = {{"name", SOURCE_ARGUMENT, 0}},
	 .done = "{0}: list created"},
	{.noun = "list", .verb = "remove", .arguments = "NAME", .help = "one that no allowlist holds",
	 .options = CHANGE, .least = 1, .most = 1,
	 .run = run_change, .method = "DELETE", .path = NAMED_0, .done = "{0}: list removed"},
	{.noun = "list", .verb = "add", .arguments = "NAME PREFIX...", .help = "to the list, for all accounts that use it at once",
	 .options = CHANGE | OPTION_BIT(NOTE), .least = 2, .most = UINT32_MAX,
	 .run = run_change, .method = "POST", .path = NAMED_0 "/entries", .body = {{"entries", SOURCE_ENTRIES, 1}},
	 .done = "{0}: {+entry} added; accounts that use it: {accounts}"},
	{.noun = "list", .verb = "remove-entry", .arguments = "NAME PREFIX...", .help = "from the list, for all accounts that use it at once",
	 .options = CHANGE, .least = 2, .most = UINT32_MAX,
	 .run = run_change, .method = "DELETE", .path = NAMED_0 "/entries", .query = "prefix", .query_from = 1,
	 .done = "{0}: {-entry} removed; accounts that use it: {accounts}"},
	{.noun = "list", .verb = "show", .arguments = "NAME", .help = "what is in it", .least = 1, .most = 1,
	 .run = run_list, .method = "GET", .path = NAMED_0 "/entries", .fields = LISTED},
	{.noun = "list", .verb = "list", .arguments = "", .help = "the shared lists, and how many accounts use each",
	 .run = run_list, .method = "GET", .path = "/v1/lists", .fields = NAMED},

	{.noun = "check", .arguments = "ACCOUNT ADDRESS | --from ADDRESS --to SERVICE",
	 .help = "the verdict, the entry that decides, and the kernel's own answer; or the whole way of a packet",
	 .options = OPTION_BIT(FROM) | OPTION_BIT(TO), .least = 0, .most = 2, .run = run_check, .method = "GET",
	 .path = ACCOUNT_0 "/check", .path_bare = "/v1/check", .query = "address", .query_from = 1, .fields = CHECK},
	{.noun = "denied", .arguments = "[ACCOUNT]", .help = "recent stopped sources: address, packets, first and last seen, service",
	 .most = 1, .run = run_denied, .method = "GET", .path = ACCOUNT_0 "/denied", .path_bare = "/v1/denied",
	 .fields = DENIED, .unpaged = true},
	{.noun = "events", .arguments = "[ACCOUNT]", .help = "stopped packets and changes, as they happen, until interrupted",
	 .most = 1, .run = run_events, .method = "GET", .path = "/v1/events", .query = "account"},

	{.noun = "audit", .verb = "verify", .arguments = "", .help = "whether the log's chain of hashes is whole",
	 .run = run_audit_verify, .method = "POST", .path = "/v1/audit/verify"},
	{.noun = "audit", .arguments = "[ACCOUNT]", .help = "every change and every refused one, newest last",
	 .options = OPTION_BIT(SINCE) | OPTION_BIT(UNTIL) | OPTION_BIT(USER) | OPTION_BIT(LIMIT) | OPTION_BIT(JSONL), .most = 1,
	 .run = run_audit, .method = "GET", .path = "/v1/audit", .query = "account", .fields = AUDIT},

	{.noun = "interface", .verb = "attach", .arguments = "IFACE", .help = "filter what comes in there",
	 .options = CHANGE | OPTION_BIT(MODE), .least = 1, .most = 1,
	 .run = run_change, .method = "POST", .path = "/v1/interfaces",
	 .body = {{"interface", SOURCE_ARGUMENT, 0}, {"mode", SOURCE_TEXT, OPTION_MODE}},
	 .done = "{0}: attached{interface}"},
	{.noun = "interface", .verb = "detach", .arguments = "IFACE", .help = "stop filtering there",
	 .options = CHANGE, .least = 1, .most = 1,
	 .run = run_change, .method = "DELETE", .path = "/v1/interfaces/{0}", .done = "{0}: detached: nothing is filtered there"},
	{.noun = "interface", .verb = "list", .arguments = "", .help = "interfaces and the mode in force",
	 .run = run_list, .method = "GET", .path = "/v1/interfaces", .fields = INTERFACE, .unpaged = true},

	{.noun = "policy", .verb = "apply", .arguments = "FILE|-", .help = "make the policy what the document says, all or nothing; --dry-run prints what differs",
	 .options = CHANGE | OPTION_BIT(OPEN), .least = 1, .most = 1,
	 .run = run_policy_apply, .method = "PUT", .path = "/v1/policy",
	 .done = "{+account} added, {-account} removed, {changed} changed{lists}"},
	{.noun = "policy", .verb = "export", .arguments = "[ACCOUNT]", .help = "named lists, accounts, services, roles and entries as one JSON document",
	 .most = 1, .run = run_policy_export, .method = "GET", .path = "/v1/policy", .query = "account"},

	{.noun = "completion", .arguments = "bash|zsh|fish", .help = "print a script that completes commands in that shell",
	 .least = 1, .most = 1, .run = run_completion},
	{.noun = NULL},
};
/* clang-format on */

const struct command *command_find(const char *const *words, size_t count, size_t *ret_words)
{
	for (const struct command *command = COMMANDS; count && command->noun; command++) {
		size_t needs = command->verb ? 2 : 1;

		if (count < needs || strcmp(command->noun, words[0]) != 0)
			continue;
		if (command->verb && strcmp(command->verb, words[1]) != 0)
			continue;
		*ret_words = needs;
		return command;
	}
	return NULL;
}

bool command_noun_exists(const char *noun)
{
	for (const struct command *command = COMMANDS; command->noun; command++)
		if (!strcmp(command->noun, noun))
			return true;
	return false;
}
