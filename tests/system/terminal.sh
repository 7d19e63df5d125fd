#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# terminal - what a terminal is shown and a pipe is not: colours, rows as wide as it, and never a character that drives it
#
# The daemon is tests/system/fake_daemon.py, the terminal tests/system/on_terminal.py. The locale is C throughout.
. "$(dirname "$0")/../lib.sh"

command -v python3 >/dev/null || skip_all "python3 is not installed"
[ -x "$AG_CLI" ] || die "$AG_CLI is not built"
DIR=$(mktemp -d "/tmp/$NS.XXXXXX")
trap ag_cleanup EXIT
trap 'exit 130' INT TERM
HERE=$ROOT/tests/system
SOCKET=$DIR/fake.sock
unset ALLOWGATE_SOCKET NO_COLOR COLUMNS LANG LC_CTYPE
export LC_ALL=C TERM=xterm

RED=$'\e[31m' GREEN=$'\e[32m' YELLOW=$'\e[33m' END=$'\e[0m'
# What would drive a terminal or reorder its text: ESC, CSI in eight bits, BEL, a new line, U+202E, U+2066, U+200F.
EVIL='x\u001b[31m\u009b2J\u0007\n\u202eevil\u2066\u200fy'
SHOWN='x\x1b[31m\x9b2J\x07\x0a\u202eevil\u2066\u200fy'
NOTE='日本語 e\u0301t\u00e9, the office on both floors and a note that goes on for longer than any terminal is wide'

entry()
{
	printf '{"prefix": "%s", "verdict": "%s", "enabled": true, "expires": null, "last_seen": null, %s, %s}' "$1" "$2" \
		"\"created_by\": \"$3\", \"created_at\": \"2026-01-02T03:04:05Z\"" "\"note\": \"$4\""
}
check_of()
{
	printf '{"body": {"account": "a", "address": "203.0.113.7", "passes": %s, "verdict": "%s", "kernel": "%s", "agree": %s, "entry": %s}}' \
		"$1" "$2" "$3" "$4" "$(entry 203.0.113.0/24 allow ada "$EVIL")"
}
{
	printf '{"/v1/accounts/a/allowlist": {"body": {"items": [%s, %s, %s], "next": null}}' \
		"$(entry 203.0.113.7/32 allow 日本 "$NOTE")" "$(entry 203.0.113.66/32 deny ada "$EVIL")" "$(entry 192.0.2.0/24 allow ada "")"
	printf ', "/v1/accounts/a/allowlist/export": {"type": "text/plain", "body": "203.0.113.7 # %s\\n"}' "$EVIL"
	printf ', "/v1/accounts/a/check": %s' "$(check_of true allowed allowed true)"
	printf ', "/v1/accounts/b/check": %s' "$(check_of false denied open false)"
	printf ', "/v1/accounts/c/check": %s' "$(check_of true would_deny '\u001b[32mallowed' true)"
	printf ', "/v1/accounts": {"status": 403, "type": "application/problem+json", "body": {"detail": "%s", "code": "forbidden"}}' "$EVIL"
	printf ', "/v1/reload": {"body": {"generation": 1, "repaired": 0, "warnings": ["%s"]}}' "$EVIL"
	printf ', "/v1/status": {"body": {"version": "1", "kernel": "6", "uptime_seconds": 1, "state": "degraded", "reason": "%s"' "$EVIL"
	printf ', "generation": 1, "kernel_generation": 1, "drift": 0, "accounts": 0, "active_accounts": 0, "services": 0'
	printf ', "entries": 0, "interfaces": [], "totals": {"open": {"packets": 1, "bytes": 2}, "unmatched": {"packets": 3, "bytes": 4}}}}}'
} >"$DIR/paths"
python3 "$HERE/fake_daemon.py" "$SOCKET" "$DIR" >"$DIR/fake.log" 2>&1 &
PIDS+=($!)
wait_for 10 test -S "$SOCKET" || die "the fake daemon does not start"

# shown COLUMNS ARGUMENT...: what a terminal so wide gets.
shown()
{
	local columns=$1
	shift
	"$HERE/on_terminal.py" "$columns" -- timeout 20 "$AG_CLI" --socket "$SOCKET" "$@"
}

piped()
{
	timeout 20 "$AG_CLI" --socket "$SOCKET" "$@" 2>&1 | cat
}

# is_in WHAT GOT PART
is_in()
{
	case $2 in
	*"$3"*) ok "$1" ;;
	*) not_ok "$1"; printf '  got      %q\n  without  %q\n' "$2" "$3" ;;
	esac
}

# plain WHAT TEXT: nothing in it drives a terminal.
plain()
{
	if python3 -c '
import sys, unicodedata
text = sys.stdin.buffer.read().decode()
bad = [c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]
sys.exit(f"has {bad}" if bad else 0)' <<<"$2"; then
		ok "$1"
	else
		not_ok "$1"
	fi
}

# --- colours --------------------------------------------------------------------

is_in "a list: what is allowed" "$(shown 0 allow list a)" "203.0.113.7   ${GREEN}allow$END    yes"
is_in "a list: what is denied" "$(shown 0 allow list a)" "203.0.113.66  ${RED}deny$END     yes"
is_in "check: the verdict" "$(shown 0 check a 203.0.113.7)" "gets through: ${GREEN}allowed$END, by 203.0.113.0/24 (allow)"
is_in "check: the kernel agrees" "$(shown 0 check a 203.0.113.7)" "the kernel ${GREEN}agrees$END: ${GREEN}allowed$END"
is_in "check: it does not" "$(shown 0 check b 203.0.113.7)" "the kernel ${RED}DISAGREES$END: ${YELLOW}open$END"
is_in "check: monitored" "$(shown 0 check c 203.0.113.7)" "gets through: ${YELLOW}would_deny$END,"
is_in "check: a word of nobody's" "$(shown 0 check c 203.0.113.7)" "${GREEN}agrees$END: \\x1b[32mallowed"
is_in "status: the state" "$(shown 0 status)" "state       ${RED}degraded$END: $SHOWN"
is_in "status: a verdict" "$(shown 0 status)" "${YELLOW}open$END             1"
is_in "status: one without a colour" "$(shown 0 status)" "unmatched        3"
for command in "allow list a" "check a 203.0.113.7" "status"; do
	# shellcheck disable=SC2086 # words
	{
		plain "$command: no colour with NO_COLOR" "$(NO_COLOR=1 shown 0 $command)"
		is_in "$command: an empty NO_COLOR is none" "$(NO_COLOR='' shown 0 $command)" "$END"
		plain "$command: no colour where TERM is dumb" "$(TERM=dumb shown 0 $command)"
		plain "$command: no colour without TERM" "$(env -u TERM "$HERE/on_terminal.py" 0 -- "$AG_CLI" --socket "$SOCKET" $command)"
		plain "$command: no colour in JSON" "$(shown 0 $command --json)"
		plain "$command: no colour with --quiet" "$(shown 0 $command --quiet | tr '\t' ' ')"
		plain "$command: no colour in a pipe" "$(piped $command)"
		is "$command: a pipe has what a terminal without colours has" "$(piped $command)" "$(NO_COLOR=1 shown 0 $command)"
	}
done

# --- characters that drive a terminal -----------------------------------------------

export NO_COLOR=1
for command in "allow list a" "allow list a --json" "allow export a" "allow export a --json" "check a 203.0.113.7" "account list" \
	"account list --json" "reload" "reload --json" "status" "status --json"; do
	# shellcheck disable=SC2086 # words
	plain "$command: nothing drives the terminal" "$(shown 0 $command)"
done
is_in "a note" "$(shown 0 allow list a)" "$SHOWN"
is_in "an error" "$(shown 0 account list)" "$SHOWN"
is_in "a warning" "$(shown 0 reload)" "allowgate: warning: $SHOWN"

# --- width ----------------------------------------------------------------------------

# The cells that each line takes, the widest first.
widest()
{
	python3 -c '
import sys, unicodedata
def cells(c):
    return 0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
print(max(sum(map(cells, line)) for line in sys.stdin.buffer.read().decode().splitlines()))'
}

HEAD='PREFIX        VERDICT  ENABLED  EXPIRES  LAST SEEN  ADDED BY  ADDED AT              NOTE'
ROW1='203.0.113.7   allow    yes      never    never      日本      2026-01-02T03:04:05Z  日本語 é'
ROW1=${ROW1/é/e$'\u0301'}
WHOLE=$(piped allow list a)
is "wide and combining characters: aligned" "$(head -n 2 <<<"$WHOLE" | cut -c 1-200 | sed 's/日本語 .*/日本語/')" "$HEAD
${ROW1% *}"
is_in "a pipe: the whole note" "$WHOLE" "than any terminal is wide"
is "a terminal of no known width: the whole note" "$(shown 0 allow list a)" "$WHOLE"
is "a wide terminal: the whole note" "$(shown 250 allow list a)" "$WHOLE"
is "... and in no line more" "$(shown 120 allow list a | widest)" 120
is_in "100 columns: cut" "$(shown 100 allow list a)" "日本語 e"$'\xcc\x81'"té, the…"
is "100 columns: no line is longer" "$(shown 100 allow list a | widest)" 100
is "80 columns: two lines, the second not full" "$(shown 80 allow list a | widest)" 160
is "COLUMNS is believed" "$(COLUMNS=110 shown 250 allow list a | widest)" 110
is "a COLUMNS that is no number is not" "$(COLUMNS=wide shown 110 allow list a | widest)" 110
is "COLUMNS is nothing to a pipe" "$(COLUMNS=100 piped allow list a)" "$WHOLE"
is "a locale changes nothing" "$(LC_ALL=C.UTF-8 shown 100 allow list a)" "$(shown 100 allow list a)"
is "nor does none at all" "$(env -u LC_ALL "$HERE/on_terminal.py" 100 -- "$AG_CLI" --socket "$SOCKET" allow list a)" "$(shown 100 allow list a)"
is_in "JSON: the whole note" "$(shown 80 allow list a --json)" "than any terminal is wide\""
is_in "--quiet: the whole note" "$(shown 80 allow list a --quiet)" "than any terminal is wide"
finish
