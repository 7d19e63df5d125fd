#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# cli-usage - the command line alone: usage, exit codes, the requests it sends, how answers are shown
#
# AG_CLI names the program. Its daemon is tests/system/fake_daemon.py, which answers what a test has prepared.
asked=${AG_CLI:-}
. "$(dirname "$0")/../lib.sh"

CLI=${asked:-$AG_BIN/allowgate} # in the ordinary run the sanitised one
case $CLI in /*) ;; *) CLI=$ROOT/$CLI ;; esac
command -v python3 >/dev/null || skip_all "python3 is not installed"
[ -x "$CLI" ] || die "$CLI is not built"
DIR=$(mktemp -d "/tmp/$NS.XXXXXX")
trap ag_cleanup EXIT
trap 'exit 130' INT TERM
SOCKET=$DIR/fake.sock
TAB=$'\t'
unset ALLOWGATE_SOCKET
export LC_ALL=C.UTF-8 http_proxy=http://192.0.2.1:1/

python3 "$ROOT/tests/system/fake_daemon.py" "$SOCKET" "$DIR" >"$DIR/fake.log" 2>&1 &
PIDS+=($!)
wait_for 10 test -S "$SOCKET" || die "the fake daemon does not start"

# cli ARGUMENT...: sets out, err and code.
cli()
{
	timeout 20 "$CLI" "$@" >"$DIR/out" 2>"$DIR/err" <"${STDIN:-/dev/null}"
	code=$?
	out=$(cat "$DIR/out")
	err=$(cat "$DIR/err")
}

# serve ANSWER...: what the fake daemon answers, in order; forgets the requests before.
serve()
{
	local number=0 one
	rm -f "$DIR"/answer.* "$DIR"/request.*
	for one in "$@"; do
		number=$((number + 1))
		printf '%s' "$one" >"$DIR/answer.$number"
	done
}

# to ARGUMENT...: cli, with the fake daemon's socket.
to()
{
	cli --socket "$SOCKET" "$@"
}

request()
{
	head -n 1 "$DIR/request.${1:-1}" 2>/dev/null
}

header()
{
	sed -n "2,/^\$/s/^$1: //p" "$DIR/request.1"
}

body()
{
	sed '1,/^$/d' "$DIR/request.1"
}

json_body()
{
	printf '{"status": %s, "body": %s}' "$1" "$2"
}

problem()
{
	printf '{"status": %s, "type": "application/problem+json", "body": %s}' "$1" \
		"{\"type\": \"about:blank\", \"title\": \"T\", \"status\": $1, \"detail\": \"$3\", \"code\": \"$2\"}"
}

has()
{
	case $2 in
	*"$3"*) ok "$1" ;;
	*) not_ok "$1"; printf '  got      %s\n  without  %s\n' "$2" "$3" ;;
	esac
}

hasnt()
{
	case $2 in
	*"$3"*) not_ok "$1"; printf '  got   %s\n  with  %s\n' "$2" "$3" ;;
	*) ok "$1" ;;
	esac
}

# sends WHAT "METHOD TARGET" BODY ARGUMENT...: the command sends just that.
sends()
{
	local what=$1 line=$2 content=$3
	shift 3
	to "$@"
	is "$what: the request" "$(request)" "$line"
	is "$what: the body" "$(body)" "$content"
	[ "$code" = 0 ] || { not_ok "$what: exit code $code"; echo "  $err"; }
}

CHANGE='{"generation": 7, "dry_run": false, "added": 1, "removed": 0, "warnings": [], "active": true}'

# --- wrong usage: exit 2, one line and the usage ---------------------------------

wrong()
{
	local what=$1 why=$2
	shift 2
	cli --socket "$DIR/none.sock" "$@"
	is "$what: exit 2" "$code" 2
	has "$what: says why" "$err" "$why"
	has "$what: shows the usage" "$err" "usage: allowgate"
	is "$what: prints nothing" "$out" ""
}

wrong "no command" "say which command"
wrong "noun alone" "allowgate: say what to do" account
has "noun alone lists its commands" "$err" "account remove NAME"
hasnt "noun alone lists no others" "$err" "service add"
wrong "unknown command" "allowgate: frobnicate: there is no such command" frobnicate
wrong "unknown verb" "account frobnicate: there is no such command" account frobnicate
wrong "a command of later" "there is no such command" allow you acme
wrong "missing argument" "allowgate: allow add acme: an argument is missing: it takes ACCOUNT PREFIX..." allow add acme
has "missing argument: usage of that command" "$err" "usage: allowgate allow add ACCOUNT PREFIX... [--dry-run] [--note TEXT] [--deny]"
is "missing argument: two lines" "$(wc -l <"$DIR/err")" 2
wrong "surplus argument" "\"203.0.113.7\" is one argument too many" account show acme 203.0.113.7
wrong "empty argument" "an argument is empty" account remove ""
wrong "unknown option" "allowgate: allow add: --colour: there is no such option" allow add acme 203.0.113.7 --colour
wrong "abbreviated option" "--qui: there is no such option" account list --qui
wrong "option of another command" "it takes no --note" account list --note x
wrong "dry run of what is no change" "it takes no --dry-run" account list --dry-run
wrong "open where it cannot be meant" "it takes no --open" allow add acme 203.0.113.7 --open
wrong "missing value" "--note: TEXT is missing" allow add acme 203.0.113.7 --note
wrong "value for a flag" "--deny takes no value" allow add acme 203.0.113.7 --deny=yes
wrong "empty user" "--as: USER is empty" account list --as ""
wrong "two users" "--as is given twice" account list --as ada --as bob
wrong "header in a user" "cannot stand in USER" account list --as $'ada\r\nX: y'
wrong "header in an origin" "cannot stand in ADDRESS" account list --origin $'::1\nX: y'
wrong "nothing to set" "there is nothing to set" account set acme
wrong "uid and name" "give one" user add ada --uid 1 --os-user root
wrong "bad uid" "--uid" user add ada --uid -1
wrong "uid too large" "--uid" user add ada --uid 4294967295
wrong "bad time" "is no time" audit --since yesterday
wrong "bad limit" "--limit" audit --limit 0
wrong "bad end" "--until: \"tomorrow\" is no time" audit --until tomorrow
wrong "lines with a limit" "--jsonl writes all rows" audit --jsonl --limit 5
cli status --socket="$(printf '%0108d' 0)"
is "a path too long: exit 2" "$code" 2
has "a path too long: says so" "$err" "at most 107 bytes"
cli account frobnicate --json
is "usage as JSON: exit 2" "$code" 2
is "usage as JSON: the document" "$err" '{"type":"about:blank","title":"Wrong usage","status":400,"detail":"account frobnicate: there is no such command: see \"allowgate help account\"","code":"bad_request"}'
cli $'\e[31m'
hasnt "escape sequences are not printed back" "$err" $'\e'

# --- help and version --------------------------------------------------------------

cli --version
is "--version" "$code $out" "0 allowgate $(cat "$ROOT/VERSION")"
cli help
is "help: exit 0" "$code" 0
for command in status whoami reload "account add" "account set" "account list" "account show" "account remove" \
	"service add" "service list" "service remove" "user add" "user list" "user remove" "role grant" "role revoke" \
	"role list" "allow add" "allow list" "allow remove" "allow replace" "allow export" check "audit verify" audit \
	"interface attach" "interface detach" "interface list"; do
	has "help names $command" "$out" "  $command"
	# shellcheck disable=SC2086 # words
	"$CLI" $command --help >"$DIR/out" 2>&1 || not_ok "$command --help fails"
	has "$command --help" "$(head -n 1 "$DIR/out")" "usage: allowgate $command"
done
cli allow --help
has "help of a noun" "$out" "allow replace ACCOUNT FILE|-"
hasnt "help of a noun alone" "$out" "account add"
cli help allow add
has "help of a command" "$out" "--deny"
has "help has the common options" "$out" "--origin ADDRESS"
cli help frobnicate
is "help of nothing: exit 2" "$code" 2

# --- the daemon is not there: exit 5 -------------------------------------------------

cli status --socket "$DIR/none.sock"
is "no socket: exit 5" "$code" 5
is "no socket: the line" "$err" "allowgate: status: $DIR/none.sock: no such socket: is allowgated running, and --socket right?"
ALLOWGATE_SOCKET=$DIR/other.sock cli whoami --json
is "no socket, JSON: exit 5" "$code" 5
has "no socket, JSON: code" "$err" '"code":"unreachable"'
has "ALLOWGATE_SOCKET is used" "$err" "$DIR/other.sock"
ALLOWGATE_SOCKET=$DIR/other.sock cli whoami --socket "$DIR/none.sock"
has "--socket before ALLOWGATE_SOCKET" "$err" "$DIR/none.sock"
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$DIR/dead.sock"
cli status --socket "$DIR/dead.sock"
is "nobody listens: exit 5" "$code" 5
has "nobody listens: what to do" "$err" "systemctl status allowgated"
serve '{"hang_up": true}'
to account list
is "hung up on a read: exit 5" "$code" 5
has "hung up on a read" "$err" "try again"
to account remove acme
is "hung up on a change: exit 5" "$code" 5
has "hung up on a change: not known" "$err" "may have been made or not"
serve '{"cut": true, "body": "203.0.113.7\n"}'
to allow export acme
is "an answer cut off: exit 5" "$code" 5
has "an answer cut off: says so" "$err" "what was written is not the whole answer"
serve '{"cut": true, "body": "203.0.113.7\n"}'
to allow export acme --json
is "an answer cut off, JSON: nothing printed" "$code$out" 5
serve '{"cut": true, "status": 503, "body": "203.0.113.7\n"}'
to allow export acme
is "a refusal cut off: nothing printed" "$code$out" 5

# --- answers that are none -----------------------------------------------------------

serve '{"raw": "SSH-2.0-OpenSSH_9.2\r\n"}'
to status
is "another server: exit 1" "$code" 1
has "another server" "$err" "is this allowgated's socket?"
serve '{"body": "hello"}'
to status
is "no JSON: exit 1" "$code" 1
serve '{"status": 500, "type": "text/html", "body": "<h1>no</h1>"}'
to status --json
is "status without a reason: exit 1" "$code" 1
has "status without a reason" "$err" '"code":"bad_answer"'
serve '{"status": 414, "body": ""}'
to allow remove acme 203.0.113.7
has "too long a request" "$err" "allow replace"

# --- problems: 1, 4, the line, the document -------------------------------------------

serve "$(problem 403 forbidden "you may not: ask an admin")"
to allow list acme
is "forbidden: exit 4" "$code" 4
is "forbidden: the line" "$err" "allowgate: allow list acme: you may not: ask an admin"
serve "$(problem 409 would_lock_out "you would be out")"
to allow add acme 203.0.113.7
is "refused: exit 1" "$code" 1
is "refused: the line" "$err" "allowgate: allow add acme: you would be out"
to allow add acme 203.0.113.7 --json
is "refused, JSON: exit 1" "$code" 1
is "refused, JSON: the document" "$err" '{"type":"about:blank","title":"T","status":409,"detail":"you would be out","code":"would_lock_out"}'
is "refused, JSON: nothing on standard output" "$out" ""
serve "$(problem 400 bad_request "a\\u001b[31m\\nb")"
to account list
is "escape sequences of the daemon" "$err" 'allowgate: account list: a\x1b[31m\x0ab'

# --- requests --------------------------------------------------------------------------

serve "$(json_body 200 "$CHANGE")"
A=/v1/accounts
sends "account add" "POST $A" '{"name":"acme"}' account add acme
is "account add: type" "$(header content-type)" "application/json"
is "account add: nobody vouched for" "$(header allowgate-on-behalf-of)$(header allowgate-origin)" ""
fresh()
{
	rm -f "$DIR"/request.*
	sends "$@"
}
fresh "account add with all" "POST $A" '{"name":"acme","mode":"monitor","on_deny":"drop","label":"Größe"}' \
	account add --mode monitor acme --on-deny=drop --label "Größe"
fresh "account set" "PATCH $A/acme" '{"label":""}' account set acme --label ""
fresh "account remove" "DELETE $A/acme?open=true" '' account remove acme --open
fresh "service add" "POST $A/acme/services" '{"services":["192.0.2.10:443/tcp","[2001:db8::10]:443"]}' \
	service add acme 192.0.2.10:443/tcp "[2001:db8::10]:443"
fresh "service remove" "DELETE $A/acme/services?service=192.0.2.0%2F28%2Fudp" '' service remove acme 192.0.2.0/28/udp
fresh "user add" "POST /v1/users" '{"name":"ada"}' user add ada
fresh "user add with all" "POST /v1/users" '{"name":"web","uid":4294967294,"operator":true,"delegate":true}' \
	user add web --uid 4294967294 --operator --delegate
fresh "user add of a system user" "POST /v1/users" '{"name":"ops","uid":0}' user add ops --os-user root
fresh "user remove" "DELETE /v1/users/ada" '' user remove ada
fresh "user erase" "POST /v1/users/ada/erase" '' user erase ada
fresh "user erase by uid" "POST /v1/users/uid%3A1000/erase?dry_run=true" '' user erase uid:1000 --dry-run
fresh "role grant" "PUT $A/acme/roles/ada" '{"role":"admin"}' role grant acme ada admin
fresh "role revoke" "DELETE $A/acme/roles/ada" '' role revoke acme ada
fresh "allow add" "POST $A/acme/allowlist" '{"entries":[{"prefix":"203.0.113.7"},{"prefix":"2001:db8::/32"}]}' \
	allow add acme 203.0.113.7 2001:db8::/32
fresh "allow add with all" "POST $A/acme/allowlist?force=true&dry_run=true" \
	'{"entries":[{"prefix":"203.0.113.7","verdict":"deny","note":"a \"b\""}]}' \
	allow add acme 203.0.113.7 --deny --note 'a "b"' --force --dry-run
fresh "allow remove" "DELETE $A/acme/allowlist?prefix=203.0.113.0%2F24&prefix=2001%3Adb8%3A%3A1&open=true" '' \
	allow remove acme 203.0.113.0/24 2001:db8::1 --open
fresh "interface attach" "POST /v1/interfaces" '{"interface":"eth0","mode":"native"}' interface attach eth0 --mode native
fresh "interface detach" "DELETE /v1/interfaces/eth0.10" '' interface detach eth0.10
fresh "reload" "POST /v1/reload" '' reload
is "reload: no body is said to come" "$(header content-length)" 0
fresh "an argument is no path" "DELETE $A/..%2F..%2Fx%3Fy%23%25%20" '' account remove '../../x?y#% '
fresh "dots are no steps" "DELETE $A/%2E%2E" '' account remove ..
fresh "what begins with a dash" "DELETE $A/--force" '' account remove -- --force
fresh "a delegate" "POST $A/acme/allowlist" '{"entries":[{"prefix":"203.0.113.7"}]}' \
	--as ada --origin 203.0.113.9 allow add acme 203.0.113.7
is "a delegate: for whom" "$(header allowgate-on-behalf-of)" ada
is "a delegate: from where" "$(header allowgate-origin)" 203.0.113.9
rm -f "$DIR"/request.*
to allow add acme "$(printf '203.0.113.7\xff')"
is "what is no UTF-8 is not sent" "$code $(request)" "2 "
to user add ada --os-user no-such-user-here
is "an unknown system user: exit 1" "$code" 1
has "an unknown system user" "$err" "no user \"no-such-user-here\""
is "an unknown system user: nothing is sent" "$(request)" ""

# --- what a change says ------------------------------------------------------------------

serve "$(json_body 201 '{"generation": 7, "dry_run": false, "added": 2, "removed": 0, "active": true, "warnings": ["mind\u001b[1m it"]}')"
to allow add acme 203.0.113.7 203.0.113.8
is "allow add says" "$out" "acme: 2 entries added; the list is active"
is "a warning" "$err" 'allowgate: warning: mind\x1b[1m it'
to allow add acme 203.0.113.7 203.0.113.8 --quiet
is "allow add --quiet says nothing" "$code$out" 0
to allow add acme 203.0.113.7 203.0.113.8 --json
has "allow add --json" "$out" '"added": 2'
has "allow add --json has its warnings in it" "$out" 'mind\u001B[1m it'
is "allow add --json warns nowhere else" "$err" ""
serve "$(json_body 200 '{"generation": 7, "dry_run": false, "added": 0, "removed": 1, "active": false, "warnings": []}')"
to allow remove acme 203.0.113.7 --open
is "allow remove --open says" "$out" "acme: 1 entry removed; acme is open: every source reaches its services"
serve "$(json_body 200 '{"generation": 7, "dry_run": true, "added": 0, "removed": 1, "active": false, "warnings": []}')"
to allow remove acme 203.0.113.7 --open --dry-run
is "a dry run says" "$out" "dry run, nothing was changed: acme: 1 entry removed; acme would be open: every source reaches its services"
serve "$(json_body 201 '{"added": 1, "removed": 0, "account": {"mode": "monitor", "on_deny": "drop", "active": false}}')"
to account add acme --mode monitor
is "account add says" "$out" "acme: account added; mode monitor, on deny drop; open: every source reaches its services"
serve "$(json_body 201 '{"added": 1, "removed": 0, "interface": {"mode": "generic", "fallback": "no driver support"}}')"
to interface attach eth0
is "interface attach says" "$out" "eth0: attached, mode generic (no driver support)"
serve "$(json_body 201 '{"added": 2, "removed": 0}')"
to service add acme 192.0.2.1 192.0.2.2
is "service add says" "$out" "acme: 2 services added"
serve "$(json_body 200 '{"generation": 9, "repaired": 3}')"
to reload
is "reload says" "$out" "generation 9 is in force; repaired in the kernel: 3"

# --- lists --------------------------------------------------------------------------------

ENTRY1='{"prefix": "203.0.113.7/32", "verdict": "allow", "note": "日本 Büro", "expires": null, "enabled": true, "created_by": "ada", "created_at": "2026-01-02T03:04:05Z", "last_seen": "2026-01-03T00:00:00Z"}'
ENTRY2='{"prefix": "2001:db8::1/128", "verdict": "deny", "note": "x\u001b]0;evil\u0007\ty", "expires": "2026-02-01T00:00:00Z", "enabled": false, "created_by": "", "created_at": "2026-01-02T03:04:05Z", "last_seen": null}'
PAGE1="{\"items\": [$ENTRY1], \"next\": \"203.0.113.7/32\"}"
PAGE2="{\"items\": [$ENTRY2], \"next\": null}"
serve "$(json_body 200 "$PAGE1")" "$(json_body 200 "$PAGE2")"
to allow list acme
is "a list: its table" "$out" 'PREFIX       VERDICT  ENABLED  EXPIRES               LAST SEEN             ADDED BY  ADDED AT              NOTE
203.0.113.7  allow    yes      never                 2026-01-03T00:00:00Z  ada       2026-01-02T03:04:05Z  日本 Büro
2001:db8::1  deny     no       2026-02-01T00:00:00Z  never                 -         2026-01-02T03:04:05Z  x\x1b]0;evil\x07\x09y'
is "a list: its first page" "$(request 1)" "GET $A/acme/allowlist?limit=1000"
is "a list: its second page" "$(request 2)" "GET $A/acme/allowlist?limit=1000&after=203.0.113.7%2F32"
is "a list: no third" "$(request 3)" ""
serve "$(json_body 200 "$PAGE1")" "$(json_body 200 "$PAGE2")"
to allow list acme --quiet
is "a list, quiet" "$out" "203.0.113.7${TAB}allow${TAB}yes${TAB}never${TAB}2026-01-03T00:00:00Z${TAB}ada${TAB}2026-01-02T03:04:05Z${TAB}日本 Büro
2001:db8::1${TAB}deny${TAB}no${TAB}2026-02-01T00:00:00Z${TAB}never${TAB}${TAB}2026-01-02T03:04:05Z${TAB}x\\x1b]0;evil\\x07\\x09y"
serve "$(json_body 200 "$PAGE1")" "$(json_body 200 "$PAGE2")"
to allow list acme --json
is "a list, JSON: one document of both pages" "$(python3 -c 'import json, sys
items = json.load(sys.stdin)["items"]
print(len(items), items[0]["prefix"], items[1]["prefix"])' <"$DIR/out")" "2 203.0.113.7/32 2001:db8::1/128"
serve "$(json_body 200 "$PAGE1")"
to allow list acme
is "a list that never ends: exit 1" "$code" 1
is "a list that never ends: seen at once" "$(request 3)" ""
serve "$(json_body 200 "$PAGE1")" "$(problem 503 store "the disk is gone")"
to allow list acme
is "a page that fails: exit 1, nothing half" "$code$out" 1
serve "$(json_body 200 '{"items": [], "next": null}')"
to allow list acme
is "an empty list has its header" "$out" "PREFIX  VERDICT  ENABLED  EXPIRES  LAST SEEN  ADDED BY  ADDED AT  NOTE"
to allow list acme --quiet
is "an empty list, quiet" "$out" ""
listed()
{
	local line=$1
	shift
	rm -f "$DIR"/request.*
	to "$@"
	is "$*: the request" "$code $(request)" "0 GET $line"
}
listed "$A?limit=1000" account list
listed "/v1/services?limit=1000" service list
listed "$A/acme/services?limit=1000" service list acme
listed "/v1/users?limit=1000" user list
listed "/v1/roles?limit=1000" role list
listed "$A/acme/roles?limit=1000" role list acme
listed "/v1/interfaces" interface list
listed "/v1/audit?limit=1000" audit
listed "/v1/audit?account=acme&since=2026-01-02T03%3A04%3A05Z&limit=1000" audit acme --since 2026-01-02T04:04:05+01:00
listed "/v1/audit?account=acme&user=ada&until=2026-01-02T03%3A04%3A05Z&limit=1000" audit acme --until 2026-01-02T03:04:05Z --user ada
listed "/v1/audit?account=verify&limit=1000" audit -- verify
listed "$A/acme/allowlist?limit=1000" allow list acme --force
rm -f "$DIR"/request.*
then=$(date -u -d '24 hours ago' +%s)
to audit --since 24h
sent=$(request | sed 's/.*since=//; s/&.*//; s/%3A/:/g')
sent=$(($(date -u -d "$sent" +%s) - then))
check "24h back" test "$sent" -ge 0 -a "$sent" -le 5
serve "$(json_body 200 '{"items": [{"id": 1}, {"id": 2}], "next": "2"}')" "$(json_body 200 '{"items": [{"id": 3}], "next": null}')"
to audit --limit 2 --quiet
is "audit --limit: the newest" "$(cut -f 1 "$DIR/out" | tr '\n' ' ')" "2 3 "
serve "$(json_body 200 '{"items": [{"name": "ada", "uid": null, "operator": true, "delegate": false}], "next": null}')"
to user list
is "null, yes and no" "$out" 'USER  UID  OPERATOR  DELEGATE
ada     -  yes       no'

# --- one object -------------------------------------------------------------------------------

serve "$(json_body 200 '{"name": "acme", "label": "", "mode": "enforce", "on_deny": "drop", "active": true, "entries": 3, "entries4": 2, "entries6": 1, "services": 4, "generation": 5}')"
to account show acme
is "account show: the request" "$(request)" "GET $A/acme"
has "account show" "$out" "IPV4        2"
to account show acme --quiet
is "account show, quiet" "$out" "acme${TAB}enforce${TAB}drop${TAB}yes${TAB}3${TAB}2${TAB}1${TAB}4${TAB}5${TAB}${TAB}"
serve "$(json_body 200 '{"user": "ada", "uid": 1000, "operator": false, "delegate": "webapp", "origin": "203.0.113.7", "origin_from": "delegate", "roles": [{"account": "acme", "role": "admin"}]}')"
to whoami
is "whoami: the request" "$(request)" "GET /v1/whoami"
has "whoami: origin" "$out" "ORIGIN       203.0.113.7"
has "whoami: roles" "$out" "acme     admin"
STATUS='{"version": "0.1.0", "kernel": "6.1.0", "uptime_seconds": 11520, "state": "degraded", "reason": "the store is gone", "generation": 7, "kernel_generation": 6, "drift": 2, "accounts": 3, "active_accounts": 2, "services": 4, "entries": 5, "store": "/var/lib/x.db", "interfaces": [{"interface": "eth0", "ifindex": 2, "mode": "native", "attached": true, "fallback": ""}], "totals": {"allowed": {"packets": 10, "bytes": 1000}, "denied": {"packets": 3, "bytes": 180}}}'
serve "$(json_body 200 "$STATUS")"
to status
is "status: exit 0" "$code" 0
is "status: the request" "$(request)" "GET /v1/status"
is "status: the overview" "$out" 'allowgated  0.1.0, kernel 6.1.0
uptime      3 h 12 min
state       degraded: the store is gone
generation  7 in the store, 6 in the kernel; drift 2
policy      accounts 3 (active 2), services 4, entries 5
store       /var/lib/x.db

INTERFACE  MODE    ATTACHED  FALLBACK
eth0       native  yes

VERDICT  PACKETS  BYTES
allowed       10   1000
denied         3    180'
serve "$(json_body 200 '{"version": "0.1.0", "kernel": "6.1.0", "uptime_seconds": 5, "state": "ok", "generation": 7, "kernel_generation": 7, "drift": 0, "accounts": 1, "active_accounts": 0, "services": 0, "entries": 0, "interfaces": []}')"
to status
has "status for others" "$out" "interfaces  none: nothing is filtered"
hasnt "status for others has no totals" "$out" "VERDICT"
to status --json
has "status, JSON" "$out" '"drift": 0'

# --- check: exit 0, 3, 1 -----------------------------------------------------------------------

check_answer()
{
	local passes=false
	case $1 in allowed | open | would_deny) passes=true ;; esac
	json_body 200 "{\"account\": \"acme\", \"address\": \"203.0.113.7\", \"passes\": $passes, \"verdict\": \"$1\", \"entry\": $2, \"kernel\": \"$3\", \"kernel_entry\": $4, \"agree\": $5}"
}
HOLE='{"prefix": "203.0.113.0/24", "verdict": "deny", "note": "a hole"}'
serve "$(check_answer allowed "$ENTRY1" allowed '"203.0.113.7/32"' true)"
to check acme 203.0.113.7
is "check: the request" "$(request)" "GET $A/acme/check?address=203.0.113.7"
is "check, allowed: exit 0" "$code" 0
is "check, allowed" "$out" 'acme: 203.0.113.7 gets through: allowed, by 203.0.113.7 (allow) # 日本 Büro
the kernel agrees: allowed, by 203.0.113.7'
to check acme 203.0.113.7 --quiet
is "check, quiet" "$out" "acme${TAB}203.0.113.7${TAB}allowed${TAB}203.0.113.7${TAB}allowed${TAB}yes"
serve "$(check_answer denied "$HOLE" denied '"203.0.113.0/24"' true)"
to check acme 203.0.113.7
is "check, denied: exit 3" "$code" 3
is "check, denied: no error" "$err" ""
has "check, denied" "$out" "203.0.113.7 is stopped: denied, by 203.0.113.0/24 (deny) # a hole"
to check acme 203.0.113.7 --json
is "check, denied, JSON: exit 3" "$code" 3
has "check, denied, JSON" "$out" '"verdict": "denied"'
serve "$(check_answer denied null denied null true)"
to check acme 203.0.113.7
has "check, by no entry" "$out" "is stopped: denied, by no entry"
for verdict in open would_deny; do
	serve "$(check_answer $verdict null $verdict null true)"
	to check acme 203.0.113.7
	is "check, $verdict: exit 0" "$code" 0
	has "check, $verdict" "$out" "gets through: $verdict"
done
serve "$(check_answer unheard_of null unheard_of null true)"
to check acme 203.0.113.7
is "check, a verdict not known here: exit 3" "$code" 3
serve "$(check_answer denied null allowed null false)"
to check acme 203.0.113.7
is "check, no agreement: exit 1" "$code" 1
has "check, no agreement: the report" "$out" "the kernel DISAGREES: allowed"
is "check, no agreement: the line" "$err" "allowgate: check acme: the kernel's answer (allowed) is not that of the store (denied): run \"allowgate reload\""

# --- audit verify --------------------------------------------------------------------------------

serve "$(json_body 200 '{"rows": 12, "intact": true}')"
to audit verify
is "audit verify" "$code $out" "0 the log is intact, rows read: 12"
is "audit verify: the request" "$(request)" "POST /v1/audit/verify"
serve "$(json_body 200 '{"rows": 12, "intact": false}')"
to audit verify
is "audit verify of a broken log: exit 1" "$code" 1
has "audit verify of a broken log" "$err" "not intact"

# --- allow replace: a file that is no list opens nothing ------------------------------------------

serve "$(json_body 200 '{"generation": 7, "dry_run": false, "added": 2, "removed": 1, "active": true, "warnings": []}')"
L=$DIR/list
printf '203.0.113.7 # office\n\n# nothing\n2001:db8::/32 deny\r\n' >"$L"
fresh_replace()
{
	rm -f "$DIR"/request.*
	to allow replace acme "$@"
}
fresh_replace "$L"
is "replace: the request" "$(request)" "PUT $A/acme/allowlist"
is "replace: the type" "$(header content-type)" text/plain
is "replace: the body is the file" "$(body)" "$(cat "$L")"
is "replace says" "$code $out" "0 acme: 2 entries added, 1 entry removed; the list is active"
STDIN=$L fresh_replace -
is "replace from standard input" "$(body)" "$(cat "$L")"
rm -f "$DIR"/request.*
cat <"$L" | timeout 20 "$CLI" --socket "$SOCKET" allow replace acme - >"$DIR/out" 2>"$DIR/err"
is "replace from a pipe" "$(body)" "$(cat "$L")"
rm -f "$DIR"/request.*
{ read -r _; timeout 20 "$CLI" --socket "$SOCKET" allow replace acme - >"$DIR/out" 2>"$DIR/err"; } <"$L"
is "replace from the rest of a file" "$(body)" "$(tail -n +2 "$L")"
seq -f '2001:db8::%.0f # a note, so that the file is one of some megabytes' 1 60000 >"$L"
fresh_replace "$L"
is "replace with a large file: sent as it is" "$code $(body | cmp - "$L" && echo same)" "0 same"
{ cat "$L"; sleep 1; } | timeout 20 "$CLI" --socket "$SOCKET" allow replace acme /dev/stdin >"$DIR/out" 2>"$DIR/err"
is "replace from a pipe that has a name" "$(body | cmp - "$L" && echo same)" same
printf ' \n {"entries": [ {"prefix":"203.0.113.7"} ]}\n' >"$L"
fresh_replace "$L"
is "replace with JSON: sent as it is" "$(body)" "$(cat "$L")"
is "replace with JSON: the type" "$(header content-type)" application/json

unsent()
{
	local what=$1 status=$2 why=$3
	shift 3
	fresh_replace "$@"
	is "$what: exit $status" "$code" "$status"
	has "$what: says why" "$err" "$why"
	is "$what: nothing is sent" "$(request)" ""
}
unsent "a file that is not there" 1 "$DIR/none cannot be read: No such file or directory; nothing was changed" "$DIR/none"
unsent "a directory" 1 "Is a directory" "$DIR"
[ "$(id -u)" = 0 ] || { : >"$DIR/secret" && chmod 0 "$DIR/secret" && unsent "a file of others" 1 "Permission denied" "$DIR/secret"; }
unsent "a file that fails while it is read" 1 "cannot be read" /proc/self/mem
: >"$L"
unsent "an empty file" 1 "the file holds no entries: that would open the account; to do so on purpose give --open" "$L"
fresh_replace "$L" --json
has "an empty file, JSON" "$err" '"code":"would_open"'
STDIN=$L unsent "empty standard input" 1 "holds no entries" -
truncate -s $(((256 << 20) + 1)) "$L"
unsent "more than 256 MiB" 1 "longer than 256 MiB" "$L"
rm -f "$DIR"/request.*
timeout 60 "$CLI" --socket "$SOCKET" allow replace acme - <"$L" >/dev/null 2>"$DIR/err"
has "more than 256 MiB of standard input" "$(cat "$DIR/err")" "standard input is longer than 256 MiB"
is "more than 256 MiB of standard input: nothing is sent" "$(request)" ""
printf ' \t\r\n' >"$L"
unsent "a file of blanks" 1 "holds no entries" "$L"
: >"$L"
fresh_replace "$L" --open
is "an empty file with --open" "$(request)$(body)" "PUT $A/acme/allowlist?open=true"
serve "$(problem 400 bad_prefix "line 2: x is no prefix (bad too: lines 3, 4)")"
printf '203.0.113.7\nx\n' >"$L"
fresh_replace "$L"
is "bad lines: the daemon's words" "$code $err" '1 allowgate: allow replace acme: line 2: x is no prefix (bad too: lines 3, 4)'
serve "$(json_body 200 '{"generation": 7, "dry_run": true, "added": 3, "removed": 1, "active": true, "warnings": [], "difference": {"added": ["203.0.113.7/32", "2001:db8::/32"], "removed": ["203.0.113.0/24"]}}')"
echo 203.0.113.7 >"$L"
fresh_replace "$L" --dry-run
is "replace --dry-run: the request" "$(request)" "PUT $A/acme/allowlist?dry_run=true"
is "replace --dry-run" "$out" 'dry run, nothing was changed: acme: 3 entries added, 1 entry removed; the list would be active
- 203.0.113.0/24
+ 203.0.113.7
+ 2001:db8::/32
+ and 1 more'

# A file of some megabytes, that changes while it is under way: the daemon never gets the last of it.
for change in 'echo 203.0.113.8 >>"$L"' 'truncate -s 200000 "$L"' 'truncate -s 0 "$L"' 'printf x | dd of="$L" conv=notrunc status=none'; do
	seq -f '2001:db8::%.0f # a note, so that the file is one of some megabytes' 1 60000 >"$L"
	rm -f "$DIR"/request.*
	: >"$DIR/stall"
	timeout 20 "$CLI" --socket "$SOCKET" allow replace acme "$L" >"$DIR/out" 2>"$DIR/err" &
	slow=$!
	sleep 0.5
	eval "$change"
	rm "$DIR/stall"
	wait "$slow"
	is "$change: exit 1" "$?" 1
	has "$change: says so" "$(cat "$DIR/err")" "while it was read; nothing was changed"
	wait_for 5 test -s "$DIR/request.1"
	check "$change: not sent whole" test "$(body | wc -c)" -lt "$(header content-length)"
done

# --- allow export ------------------------------------------------------------------------------------

serve '{"type": "text/plain", "body": "203.0.113.7 # Büro\n2001:db8::/32 deny\n"}'
to allow export acme
is "export: the request" "$(request)" "GET $A/acme/allowlist/export"
is "export" "$out" '203.0.113.7 # Büro
2001:db8::/32 deny'
to allow export acme --json
cp "$DIR/out" "$L"
has "export, JSON" "$(tr -d ' \n' <"$L")" '{"entries":[{"prefix":"203.0.113.7/32","verdict":"allow","note":"Büro","expires":null,"enabled":true},{"prefix":"2001:db8::/32","verdict":"deny"'
serve "$(json_body 200 "$CHANGE")"
fresh_replace "$L"
is "export, JSON, goes back as it is" "$(body)" "$(cat "$L")"
serve '{"type": "text/plain", "body": ""}'
to allow export acme
is "export of an empty list" "$code$out" 0
to allow export acme --json
is "export of an empty list, JSON" "$(tr -d ' \n' <"$DIR/out")" '{"entries":[]}'
serve "$(problem 404 not_found "no account acme")"
to allow export acme
is "export that is refused: one line, and nothing else" "$code $out$err" "1 allowgate: allow export acme: no account acme"
seq -f '2001:db8::%.0f # a note' 1 60000 >"$L"
python3 -c 'import json, sys; json.dump({"close": True, "type": "text/plain", "body": open(sys.argv[1]).read()}, open(sys.argv[2], "w"))' \
	"$L" "$DIR/answer.1"
rm -f "$DIR"/request.*
to allow export acme
check "export of a large list" cmp "$DIR/out" "$L"
# Whoever reads slowly, as a pager, keeps nobody waiting: the answer comes whole before it is read.
: >"$DIR/unread"
rm -f "$DIR"/request.*
timeout 20 "$CLI" --socket "$SOCKET" allow export acme 2>"$DIR/err" | { wait_for 15 test ! -e "$DIR/unread"; cat; } >"$DIR/out" &
slow=$!
check "export that is not read: is asked for" wait_for 5 test -s "$DIR/request.1"
timeout 5 "$CLI" --socket "$SOCKET" allow export acme >"$DIR/out2" 2>>"$DIR/err"
check "export beside one that is not read" cmp "$DIR/out2" "$L"
rm "$DIR/unread"
wait "$slow"
check "export that is read slowly" cmp "$DIR/out" "$L"

# --- output that cannot be written ------------------------------------------------------------------

serve "$(json_body 200 "$STATUS")"
"$CLI" --socket "$SOCKET" status >/dev/full 2>"$DIR/err"
is "a full disk: exit 1" "$?" 1
has "a full disk: says so" "$(cat "$DIR/err")" "could not be written"
serve '{"type": "text/plain", "body": "203.0.113.7\n"}'
for json in "" --json; do
	# shellcheck disable=SC2086 # an option, or none
	"$CLI" --socket "$SOCKET" allow export acme $json >/dev/full 2>"$DIR/err"
	is "a full disk for an export ${json:-as text}: exit 1" "$?" 1
	has "a full disk for an export ${json:-as text}: says so" "$(cat "$DIR/err")" "could not be written whole"
done

finish
