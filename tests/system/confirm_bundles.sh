#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What changes several accounts at once and waits to be confirmed as one: named lists with --confirm-within, for all that
# use them, and policies; taken back to the letter, all of it, by hand, by the deadline and across kills.
. "$(dirname "$0")/../lib.sh"
ag_init
ns_add server
start()
{
	daemon_start --confirm-min 1
}
check "the daemon starts" start
check "an account, an admin, a delegate" acme
ag --quiet account add beta
ag --quiet service add beta 192.0.2.20
ag --quiet role grant beta ada admin
ag --quiet user add vera
ag --quiet user add olga --operator
ag --quiet role grant acme vera viewer
ag --quiet role grant acme ops admin
ag --quiet role grant beta ops admin
ag --quiet token create --user vera --account acme --role viewer --note build >/dev/null
check "a named list" ag list create corp-vpn
ag --quiet list add corp-vpn 203.0.113.0/25 --note tunnel
check "... that two accounts use" ada allow add acme "$ADA" @corp-vpn --note both
ada --quiet allow add beta "$ADA" @corp-vpn 2001:db8::/32

# All that is there, but for what counts changes.
everything()
{
	policy | sed 's/"[a-z_]*generation":[0-9]*//g; s/"confirm_by":"[^"]*"//g'
	for account in acme beta; do
		api GET "/v1/accounts/$account/allowlist?limit=1000" | jq -c '.items[]? | del(.last_seen)'
	done
	api GET /v1/lists | jq -c '.items[] | del(.generation)'
	for list in $(ag --quiet list list | cut -f 1); do
		api GET "/v1/lists/$list/entries?limit=1000" | jq -c '.items[]'
	done
	ag --json token list | jq -c '.items[]'
}

# Says what both sides do with a source.
both()
{
	ag --json check "$1" "$2" 2>/dev/null | jq -r 'if .agree then .verdict else . end'
}

agree()
{
	ag --json status | jq -r '.state, .drift' | xargs
}

# undone WHAT SUBJECT allowgate-arguments...: what --undo gives back is what was there before.
undone()
{
	local what=$1 subject=$2 before
	shift 2
	before=$(everything)
	check "$what" ag "$@" --confirm-within 1h
	refute "... is in force" test "$(everything)" = "$before"
	# shellcheck disable=SC2086
	check "... to try, taken back" ag confirm $subject --undo --dry-run
	is "... waits still" "$(waits)" 1
	# shellcheck disable=SC2086
	check "... taken back" ag confirm $subject --undo
	is "... to the letter" "$(everything)" "$before"
	is "... in the kernel too" "$(agree)" "ok 0"
}

# --- a named list, and all that use it ----------------------------------------------

before=$(everything)
said=$(ada list add corp-vpn 203.0.113.128/25 --confirm-within 1h)
is "an entry in it says until when, and what to do" "$(tail -n 1 <<<"$said" | sed 's/at [^ ]*/at TIME/')" \
	"taken back at TIME unless you confirm it: allowgate confirm --list corp-vpn"
is "... it is in force for both" "$(both acme 203.0.113.200) $(both beta 203.0.113.200)" "allowed allowed"
is "... it waits as one" "$(ag --json confirm | jq -c '[.items[] | [.subject, .name, .action, .user]]')" \
	'[["list","corp-vpn","list add","ada"]]'
is "... each account says so" "$(ag --quiet account list | grep -c "$(date -u +%Y -d '+1 hour')-")" 2
for change in "account set acme --mode off" "service add beta 192.0.2.21" "role grant acme vera admin" \
	"list add corp-vpn 192.0.2.64/26" "list remove-entry corp-vpn 203.0.113.0/25"; do
	# shellcheck disable=SC2086
	refused conflict 1 "$change meanwhile" --as ops --origin "$ADA" $change
done
is "... which says what to do" "$(ag account set beta --mode off 2>&1 | grep -c "'allowgate confirm --list corp-vpn --undo'")" 1
check "another list is changed" ag list create other
ag --quiet list remove other
refused forbidden 4 "it is not confirmed by who is no admin" --as vera --origin "$ADA" confirm --list corp-vpn
refused origin_not_covered 1 "... nor from where one of them lets nobody in" --as ada --origin 192.0.2.99 confirm --list corp-vpn
check "... but taken back by an admin of all" ada confirm --list corp-vpn --undo
is "... to the letter" "$(everything)" "$before"
is "... for both" "$(both acme 203.0.113.200) $(both beta 203.0.113.200)" "denied denied"

undone "an entry out of it" "--list corp-vpn" --as ada --origin "$ADA" list remove-entry corp-vpn 203.0.113.0/25
undone "a list made" "--list new" list create new
ag --quiet list create spare
ag --quiet list add spare 192.0.2.64/26 2001:db8:7::/48 --note "to spare"
undone "a list removed, with what is in it" "--list spare" list remove spare
check "a list made" ag list create new --confirm-within 1h
refused conflict 1 "... is not used yet" --as ada --origin "$ADA" allow add acme @new
check "... confirmed" ag confirm --list new
check "... it is" ada allow add acme @new
ada --quiet allow remove acme @new
check "... and goes again" ag list remove new
check "an account that uses a list goes" ag account remove beta --open --confirm-within 1h
check "... another one no more" ada allow remove acme @corp-vpn
refused conflict 1 "... the list stays" list remove corp-vpn
check "... for the account is taken back" ag confirm beta --undo
check "... and refers to it" ada allow add acme @corp-vpn --note both
is "... in both" "$(both acme 203.0.113.9) $(both beta 203.0.113.9)" "allowed allowed"

before=$(everything)
check "an entry, for two seconds" ada list add corp-vpn 203.0.113.128/25 --confirm-within 2s
daemon_kill
check "... the daemon is killed, and starts" start
is "... what it says is in force" "$(agree)" "ok 0"
check "... nobody confirms it: it is taken back" wait_for 30 nothing_waits
is "... to the letter" "$(everything)" "$before"
is "... of both, by nobody" "$(ag --json audit | jq -c '[.items[-3:][] | [.user, .account, .action, .outcome]]')" \
	'[["","","confirm expired","done"],["","acme","confirm expired","done"],["","beta","confirm expired","done"]]'
check "an entry, confirmed" ada list add corp-vpn 203.0.113.128/25 --confirm-within 1h
check "... from where both let her in" ada confirm --list corp-vpn
is "... stays" "$(both acme 203.0.113.200) $(both beta 203.0.113.200)" "allowed allowed"

# --- a policy -------------------------------------------------------------------------

# Of everything something: settings, entries that come, go and are set, a role that goes and one that comes, a service
# that moves to a new account, an account that goes, lists that come and change.
cat >"$DIR/policy.json" <<END
{"scope": "host",
 "lists": [{"name": "corp-vpn", "entries": [{"prefix": "203.0.113.0/25", "note": "other"}, {"prefix": "192.0.2.128/26"}]},
           {"name": "fresh", "entries": [{"prefix": "192.0.2.192/26"}]}],
 "accounts": [
  {"name": "acme", "mode": "monitor", "label": "Acme", "services": ["$SERVER4:443/tcp", "192.0.2.20"],
   "roles": [{"user": "ada", "role": "admin"}, {"user": "ops", "role": "admin"}],
   "entries": [{"prefix": "$ADA", "note": "home"}, {"prefix": "@fresh"}, {"prefix": "198.51.100.0/25", "expires": "2030-01-02T03:04:05Z"}]},
  {"name": "gamma", "services": ["$SERVER4:80/tcp"], "roles": [{"user": "ops", "role": "admin"}],
   "entries": [{"prefix": "$ADA"}, {"prefix": "@corp-vpn"}]}]}
END
ops()
{
	ag --as ops --origin "$ADA" "$@"
}
before=$(everything)
said=$(ops policy apply "$DIR/policy.json" --open --confirm-within 1h)
is "a policy says until when, and what to do" "$(grep -c "unless you confirm it: allowgate confirm --policy\$" <<<"$said")" 1
is "... it is in force" "$(both gamma 192.0.2.130) $(both acme 192.0.2.200) $(ag account list --quiet | cut -f 1 | xargs)" "allowed allowed acme gamma"
is "... it waits as one" "$(ag --json confirm | jq -c '[.items[] | [.subject, .name, .action, .user]]')" \
	'[["policy","host","policy apply","ops"]]'
is "... as the status says" "$(waits)" 1
for change in "policy apply $DIR/policy.json --open" "account set gamma --mode off" "account add beta" \
	"list add corp-vpn 192.0.2.64/26" "list remove fresh"; do
	case $change in policy*) sed -i 's/"Acme"/"Acme Inc"/' "$DIR/policy.json" ;; esac
	# shellcheck disable=SC2086
	refused conflict 1 "${change%% *} ... meanwhile" --as ops --origin "$ADA" $change
done
refused conflict 1 "a service that went with an account" service add gamma 192.0.2.21 192.0.2.20/32
check "something else is changed" ag account add other
ag --quiet account remove other
refused forbidden 4 "who is no operator takes nothing back" --as ada --origin "$ADA" confirm --policy --undo
refused origin_not_covered 1 "it is not confirmed from where one of them lets nobody in" --as ops --origin 192.0.2.99 confirm --policy
refused forbidden 4 "... nor by another operator, who is no admin of what its entries changed of" --as olga --origin "$ADA" confirm --policy
check "to try, it is" ops confirm --policy --dry-run
check "it is taken back" ops confirm --policy --undo
is "... to the letter" "$(everything)" "$before"
is "... in the kernel too" "$(agree)" "ok 0"
is "... the account that had gone too" "$(both beta 203.0.113.9) $(both beta 192.0.2.99)" "allowed denied"
refused not_found 1 "nothing waits any more" confirm --policy

check "the policy, for two seconds" ops policy apply "$DIR/policy.json" --open --confirm-within 2s
daemon_kill
sleep 3
check "... the daemon is killed, and starts when it is over" start
check "... it is taken back" wait_for 30 nothing_waits
is "... to the letter" "$(everything)" "$before"
is "... in the kernel too" "$(agree)" "ok 0"
is "... by nobody, as the audit log says" "$(ag --json audit | jq -c '[.items[] | select(.action == "confirm expired" and .account == "" and .detail != "")][-1] | [.user, .outcome]')" \
	'["","done"]'

# Lists that the worker prepares, of two accounts at once.
jq -nc --arg ada "$ADA" '{accounts: [("acme", "beta") | {name: ., mode: "monitor", entries: ([$ada, "@corp-vpn"] + [range(3000) |
	"10.\(. / 65536 | floor).\(. / 256 | floor % 256).\(. % 256)"] | map({prefix: .}))}]}' >"$DIR/long.json"
check "long lists, to try" ops policy apply "$DIR/long.json" --confirm-within 1h --dry-run
is "... change nothing, and nothing waits" "$(waits) $(everything)" "0 $before"
check "long lists, for two seconds" ops policy apply "$DIR/long.json" --confirm-within 2s
check "... are taken back" wait_for 30 nothing_waits
is "... to the letter" "$(everything)" "$before"
is "... in the kernel too" "$(agree)" "ok 0"
check "long lists, for an hour" ops policy apply "$DIR/long.json" --confirm-within 1h
daemon_kill
check "... the daemon is killed, and starts" start
is "... 3,002 of each" "$(ag allow export acme | wc -l) $(ag allow export beta | wc -l)" "3002 3002"
check "... they are taken back when that is asked for" ops confirm --policy --undo
is "... to the letter" "$(everything)" "$before"
check "long lists, confirmed" ops policy apply "$DIR/long.json" --confirm-within 1h
check "... by who applied them" ops confirm --policy
is "... stay" "$(ag allow export beta | wc -l)" 3002
check "a policy that is in force already waits for nothing" ops policy apply "$DIR/long.json" --confirm-within 1h
is "... as it changes nothing" "$(waits)" 0
check "the audit log is whole" ag audit verify
finish
