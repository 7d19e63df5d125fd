#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Changes made with --confirm-within: in force at once, taken back unless confirmed in time from where the new policy
# lets one in; across restarts and kills; and while they wait, nothing else of the same account is changed.
. "$(dirname "$0")/../lib.sh"
ag_init
ns_add server
start()
{
	daemon_start --confirm-min 1
}
check "the daemon starts" start
check "an account, an admin, a delegate" acme
ag --quiet user add vera --uid 4711
check "a list" ada allow add acme "$ADA" 203.0.113.0/24 --note office

# All that is there, but for what counts changes.
everything()
{
	policy | sed 's/"[a-z_]*generation":[0-9]*//g; s/"confirm_by":"[^"]*"//g'
	api GET "/v1/accounts/acme/allowlist?limit=1000" | jq -c '.items[]? | del(.last_seen)'
}

# --- what is asked ---------------------------------------------------------------

for within in 0s 25h 1000000w soon -1s ''; do
	is "--confirm-within '$within' is none" \
		"$(api_status POST "/v1/accounts/acme/services?confirm_within=$within" -d '{"services": ["192.0.2.77:1/tcp"]}')" \
		"400 bad_request"
done
is "what is no change of the policy takes none" "$(api_status POST '/v1/reload?confirm_within=1m')" "400 bad_request"
before=$(everything)
check "to try" ag service add acme 192.0.2.77:1/tcp --confirm-within 1h --dry-run
is "... changes nothing" "$(everything) $(waits)" "$before 0"
refused not_found 1 "confirming what nobody made" confirm acme
refused not_found 1 "... or taking it back" confirm acme --undo
refused not_found 1 "... of an account that is not there" confirm absent
refused forbidden 4 "... by a nobody" --as vera --origin "$ADA" confirm acme
is "two names are wrong usage" "$(ag confirm acme --user vera >/dev/null 2>&1; echo $?)" 2
is "... and none with --undo" "$(ag confirm --undo >/dev/null 2>&1; echo $?)" 2

# --- while it waits ----------------------------------------------------------------

said=$(ag service add acme 192.0.2.77:1/tcp --confirm-within 1h)
until=$(ag --json account show acme | jq -r .confirm_by)
is "a change says until when, and what to do" "$(tail -n 1 <<<"$said")" \
	"taken back at $until unless you confirm it: allowgate confirm acme"
late=$(($(date -d "$until" +%s) - $(date +%s) - 3600))
is "... an hour from now" "$([ $late -ge -5 ] && [ $late -le 2 ] || echo $late)" ""
is "... the account's table too" "$(ag account list | grep -c "$until")" 1
is "... and the status counts it" "$(waits)" 1
is "... and the metric" "$(metric allowgate_pending_changes)" 1
is "... and the list of what waits" "$(ag --json confirm | jq -c '[.items[] | [.subject, .name, .action, .user]]')" \
	'[["account","acme","service add","ops"]]'
is "... it is in force meanwhile" "$(ag service list acme --quiet | grep -c 192.0.2.77:1/tcp)" 1
for change in "role grant acme vera viewer" "account set acme --mode off" \
	"service remove acme 192.0.2.77:1/tcp --confirm-within 1h"; do
	# shellcheck disable=SC2086
	refused conflict 1 "$change meanwhile" $change
done
refused conflict 1 "a change of the list meanwhile" --as ada --origin "$ADA" allow add acme 198.51.100.1
printf '%s\n' "$ADA" >"$DIR/list"
refused conflict 1 "... all of it" --as ada --origin "$ADA" allow replace acme "$DIR/list"
is "... which says what to do" "$(ag account set acme --mode off 2>&1 | grep -c "$until.*'allowgate confirm acme --undo'")" 1
check "another account is changed" ag account add other
refused origin_not_covered 1 "it is not confirmed from an unknown place" confirm acme
refused origin_not_covered 1 "... nor from where the list lets nobody in" --as ada --origin 192.0.2.99 confirm acme
refused forbidden 4 "... nor by who is no admin" --as vera --origin "$ADA" confirm acme
refused forbidden 4 "... nor may an admin force it" --as ada --origin 192.0.2.99 --force confirm acme
check "to try" ada confirm acme --dry-run
is "... it still waits" "$(waits)" 1
check "the admin confirms it, from where she is let in" ada confirm acme
is "... nothing waits any more" "$(waits)" 0
is "... and it stays" "$(ag service list acme --quiet | grep -c 192.0.2.77:1/tcp)" 1
check "an operator, by force" sh -c "'$AG_CLI' --socket '$SOCKET' service remove acme 192.0.2.77:1/tcp --confirm-within 1h &&
	'$AG_CLI' --socket '$SOCKET' --force confirm acme"
is "the audit log has it" "$(ag --json audit acme | jq -c '[.items[-4, -3, -2, -1] | select(.outcome == "done") | [.user, .action]]')" \
	'[["ada","confirm"],["ops","service remove"],["ops","confirm"]]'
is "... with --force" "$(ag --json audit acme | jq -r '.items[-1].detail' | grep -c -- '--force')" 1

# --- each kind of change -----------------------------------------------------------

# undone WHAT SUBJECT allowgate-arguments...: what --undo gives back is what was there before.
undone()
{
	local what=$1 subject=$2 before
	shift 2
	before=$(everything)
	check "$what" ag "$@" --confirm-within 1h
	refute "... is in force" test "$(everything)" = "$before"
	# shellcheck disable=SC2086
	check "... and taken back" ag confirm $subject --undo
	is "... to the letter" "$(everything)" "$before"
}

ag --quiet role grant acme vera viewer
undone "a service added" acme service add acme 192.0.2.77:1/tcp 192.0.2.78
undone "a service removed" acme service remove acme "$SERVER4:80/tcp"
undone "a role granted" acme role grant acme vera admin
undone "a role revoked" acme role revoke acme vera
undone "an account added" new account add new --mode monitor --label New
undone "an account removed" acme account remove acme --open
undone "a user added" "--user eve" user add eve --uid 4712
undone "a user removed" "--user vera" user remove vera
in_ns server ip link add eth7 type veth peer name eth8
undone "a mode" acme account set acme --mode monitor --label Other --on-deny reject
undone "an interface attached" "--interface eth7" interface attach eth7

# What a token opens is what is there: it comes back with what it stands on, and nobody sees its secret again.
check "a token" ag token create --user vera --account acme --role viewer --note build
token=$(ag --json token list | jq -r '.items[0].id')
tokens()
{
	ag --json token list | jq -c '.items[]'
}
before=$(tokens)
undone_token()
{
	local what=$1 subject=$2
	shift 2
	check "$what" ag "$@" --confirm-within 1h
	is "... the token is gone" "$(tokens)" ""
	# shellcheck disable=SC2086
	check "... and taken back" ag confirm $subject --undo
	is "... to the letter" "$(tokens)" "$before"
}
undone_token "a token revoked" "--token $token" token revoke "$token"
undone_token "a role revoked, that a token stands on" acme role revoke acme vera
undone_token "a user removed, that a token is of" "--user vera" user remove vera
undone_token "an account removed, that a token is for" acme account remove acme --open
said=$(ag token create --user vera --account acme --role viewer --confirm-within 1h)
made=$(ag --json confirm | jq -r '.items[0].name')
is "a token made says until when, and what to do" "$(tail -n 1 <<<"$said" | sed 's/at [^ ]*/at TIME/')" \
	"taken back at TIME unless you confirm it: allowgate confirm --token $made"
refused conflict 1 "... it is not revoked meanwhile" token revoke "$made"
refused conflict 1 "... nor does its role go for a while" role revoke acme vera --confirm-within 1h
check "... taken back" ag confirm --token "$made" --undo
is "... it is none" "$(tokens)" "$before"
check "a token, for a second" sh -c "'$AG_CLI' --socket '$SOCKET' token create --user vera --account acme --role viewer --confirm-within 1s"
check "... nobody confirms it: nothing waits any more" wait_for 30 nothing_waits
is "... it is none" "$(tokens)" "$before"
check "a token, confirmed" sh -c "'$AG_CLI' --socket '$SOCKET' token create --user vera --account acme --role viewer --confirm-within 1h"
check "... by its id" ag confirm --token "$(ag --json confirm | jq -r '.items[0].name')"
is "... stays" "$(tokens | wc -l)" 2
is "... and no hash is in the audit log" "$(ag --json audit | jq -r '.items[].detail' | grep -c '[0-9a-f]\{64\}')" 0
check "they are ended" sh -c "for id in $(ag --json token list | jq -r '.items[].id' | xargs); do '$AG_CLI' --socket '$SOCKET' token revoke \$id; done"

# The list is an admin's.
undone_list()
{
	local what=$1 before
	shift
	before=$(everything)
	check "$what" ada "$@" --confirm-within 1h
	refute "... is in force" test "$(everything)" = "$before"
	refused forbidden 4 "... is not an operator's to take back" confirm acme --undo
	check "... but an admin's" ada confirm acme --undo
	is "... to the letter" "$(everything)" "$before"
}

printf '%s\n203.0.113.0/25 # another\n2001:db8::/32\n' "$ADA" >"$DIR/list"
undone_list "an entry added" allow add acme 198.51.100.1 --expires 1h
undone_list "all of the list replaced" allow replace acme "$DIR/list"
check "the last entry removed, by mistake" ada allow remove acme "$ADA" 203.0.113.0/24 --open --confirm-within 2s
is "... it is open" "$(ag --json check acme 192.0.2.99 | jq -c '[.verdict, .kernel]')" '["open","open"]'
check "... but not for long" wait_for 30 nothing_waits
is "... the list is back" "$(ag --json check acme 192.0.2.99 2>/dev/null | jq -c '[.verdict, .kernel, .agree]')" '["denied","denied",true]'
check "entries for a while" ada allow add acme 198.51.100.1 --confirm-within 1h
check "... confirmed" ada confirm acme
is "... stay" "$(ag allow export acme | grep -c '^198.51.100.1')" 1
is "nothing waits any more" "$(waits)" 0

# A list that is built by the worker, and is too long for a document.
awk -v ada="$ADA" 'BEGIN { for (i = 0; i < 20000; i++) printf "10.%d.%d.%d\n", i / 65536, i / 256 % 256, i % 256; print ada }' >"$DIR/long"
check "a long list" ada allow replace acme "$DIR/long"
refused limit 1 "its account is not removed with a deadline" account remove acme --open --confirm-within 1h
before=$(ag allow export acme | sha256sum)
check "most of it replaced" ada allow replace acme "$DIR/list" --confirm-within 2s
daemon_kill
check "... the daemon is killed, and starts" start
check "... it is taken back" wait_for 30 nothing_waits
is "... to the letter" "$(ag allow export acme | sha256sum)" "$before"
is "... in the kernel too" "$(ag --json status | jq -r '.state, .drift' | xargs)" "ok 0"
check "the mode of a long list" ada account set acme --mode off --confirm-within 1s
check "... is taken back" wait_for 30 nothing_waits
is "... to the letter" "$(ag --json check acme 192.0.2.99 2>/dev/null | jq -c '[.verdict, .kernel, .agree]')" '["denied","denied",true]'
check "a short list" ada allow replace acme "$DIR/list"

check "an account removed" ag account remove acme --open --confirm-within 1h
refused exists 1 "its services are nobody else's meanwhile" service add other "$SERVER4:80/tcp"
refused conflict 1 "... nor is its name" account add acme
refused forbidden 4 "... and an admin of it is one no more" --as ada --origin "$ADA" confirm acme --undo
check "... it is taken back" ag confirm acme --undo
is "... and its list is enforced" "$(ag --json check acme 192.0.2.99 2>/dev/null | jq -c '[.verdict, .kernel, .agree]')" '["denied","denied",true]'

# --- deadlines ---------------------------------------------------------------------

before=$(everything)
check "a service, for two seconds" ag service add acme 192.0.2.77:1/tcp --confirm-within 2s
check "... an account" ag account add new --confirm-within 2s
check "... and a user" ag user remove vera --confirm-within 2s
check "nobody confirms them: nothing waits any more" wait_for 30 nothing_waits
is "... all is as before" "$(everything)" "$before"
is "... by nobody, as the audit log says" "$(ag --json audit acme | jq -c '.items[-1] | [.user, .action, .outcome]')" \
	'["","confirm expired","done"]'

check "a service, for an hour" ag service add acme 192.0.2.77:1/tcp --confirm-within 1h
daemon_kill
check "... the daemon is killed, and starts" start
is "... it waits still" "$(waits)" 1
check "... and is taken back when that is asked for" ag confirm acme --undo
is "... all is as before" "$(everything)" "$before"

check "a service, for a second" ag service add acme 192.0.2.77:1/tcp --confirm-within 1s
daemon_kill
sleep 2
check "... the daemon starts when it is over" start
check "... it is taken back" wait_for 30 nothing_waits
is "... all is as before" "$(everything)" "$before"
is "kernel and store agree" "$(ag --json status | jq -r '.state, .drift' | xargs)" "ok 0"
check "the audit log is whole" ag audit verify
finish
