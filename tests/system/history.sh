#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What an account was: its generations, what differs between them, and the way back under every rule, with real packets.
# Older ones go by number, and what is asked for of them says which are kept.
. "$(dirname "$0")/../lib.sh"
ag_init
two_hosts
printf '[retention]\nhistory_generations = 30\n' >>"$CONFIG"
check "the daemon starts" daemon_start --interface eth0
check "an account, an admin, a delegate" acme
web_start

# generation: of the account, now.
generation()
{
	api GET /v1/accounts/acme | jq .generation
}

# generations [FILTER]: the newest first.
generations()
{
	api GET "/v1/accounts/acme/generations?limit=1000" | jq -c "${1:-[.items[].generation]}"
}

list()
{
	ag allow export acme | tr '\n' ' '
}

code()
{
	"$@" --json 2>&1 >/dev/null | jq -r .code
}

# --- every change makes one ------------------------------------------------------

open=$(generation)
check "the first entries" ada --quiet allow add acme "$ADA" $LISTED4 --note office
first=$(generation) first_list=$(list)
check "one more" ada --quiet allow add acme 203.0.113.0/24 --deny
check "another note" ada --quiet allow set acme $LISTED4 --note berlin --expires 2099-01-02T03:04:05Z
check "one goes" ada --quiet allow remove acme 203.0.113.0/24
check "the mode" ada --quiet account set acme --mode monitor
check "... and back" ada --quiet account set acme --mode enforce
is "who made them, by what, newest first" "$(generations '[.items[0:6][] | [.user, .action, .added, .removed, .entries]]')" \
	'[["ada","account set",0,0,2],["ada","account set",0,0,2],["ada","allow remove",0,1,2],["ada","allow set",0,0,3],["ada","allow add",1,0,3],["ada","allow add",2,0,2]]'
is "one of them is current" "$(generations '[.items[] | select(.current) | .generation]')" "[$(generation)]"
is "the one before the first entry was open" "$(generations "[.items[] | select(.generation == $open) | .active]")" '[false]'
is "the table's first column are their numbers" "$(ag --quiet allow history acme | cut -f 1 | head -1)" "$(generation)"
is "a page at a time" "$(api GET "/v1/accounts/acme/generations?limit=2&after=$(generation)" | jq '.items | length')" 2
is "a stranger sees none" "$(code ag --as bob --origin 203.0.113.9 allow history acme)" forbidden

# --- what differs ---------------------------------------------------------------

check "a hole that is there for good" ada --quiet allow add acme 2001:db8:b::/48 --deny --note 'lab net'
is "what differs from then to now" "$(ag allow diff acme "$first" | sort)" "$(printf '%s\n' \
	'+ 2001:db8:b::/48 deny # lab net' "~ $LISTED4: expires never -> 2099-01-02T03:04:05Z, note \"office\" -> \"berlin\"")"
is "... and back" "$(ag allow diff acme "$(generation)" "$first" | grep '^[-+]')" "- 2001:db8:b::/48 deny # lab net"
is "... as JSON" "$(ag --json allow diff acme "$first" | jq -c '[.from, .counts, (.changed[0] | .before.note, .after.note)]')" \
	"[$first,{\"added\":1,\"removed\":0,\"changed\":1},\"office\",\"berlin\"]"
check "a mode for a while" ada --quiet account set acme --mode monitor
is "settings differ too" "$(ag allow diff acme "$first" | head -1)" "~ mode enforce -> monitor"
check "... no longer" ada --quiet account set acme --mode enforce
is "nothing differs from what is now" "$(ag allow diff acme "$(generation)")" ""
is "a generation that never was" "$(code ag allow diff acme 999999)" not_found
refute "no number" ag allow diff acme yesterday
is "... is wrong usage" "$(ag allow diff acme yesterday >/dev/null 2>&1; echo $?)" 2

# --- the way back ---------------------------------------------------------------

before=$(generation)
is "a dry run prints what would come and go" "$(ada allow rollback acme "$first" --dry-run --quiet | sort)" "$(printf '%s\n' \
	"+ $LISTED4" '- 2001:db8:b::/48')"
is "... and changes nothing" "$(generation)" "$before"
added=$(api GET "/v1/accounts/acme/allowlist" | jq -r ".items[] | select(.prefix == \"$LISTED4/32\") | .created_at")
check "rolled back" ada allow rollback acme "$first"
is "the list is what it was" "$(list)" "$first_list"
is "... with who added what, and when" "$(api GET /v1/accounts/acme/allowlist | jq -r ".items[] | select(.prefix == \"$LISTED4/32\") | [.created_by, .created_at] | join(\" \")")" \
	"ada $added"
is "... a generation itself" "$(generations '.items[0] | [.action, .added, .removed]')" '["allow rollback",1,1]'
is "... in the audit log" "$(ag --json audit acme | jq -r '.items[-1] | "\(.action) \(.detail) \(.outcome)"' | cut -d ' ' -f 1-5)" \
	"allow rollback to generation $first"
served $LISTED4
check "rolled back to what is" ada allow rollback acme "$first"
is "... brings nothing and takes nothing" "$(generations '.items[0] | [.added, .removed]')" '[0,0]'
check "and forth again" ada allow rollback acme "$before"
is "... to what was in between" "$(ag allow diff acme "$before")" ""

# --- under every rule -------------------------------------------------------------

is "to nothing needs --open" "$(code ada allow rollback acme "$open")" would_open
check "the operator is an admin too" ag --quiet role grant acme ops admin
is "another tag" "$(api_status POST /v1/accounts/acme/rollback -H 'If-Match: "other"' -d "{\"generation\":$first}")" "412 conflict"
check "the admin's address goes, by an operator" ag --quiet --force allow replace acme - <<<"203.0.113.0/25"
without=$(generation)
check "... and comes again" ag --quiet --force allow rollback acme "$before"
is "back to without it is a lock-out" "$(code ada allow rollback acme "$without")" would_lock_out
is "to what never was" "$(code ada allow rollback acme 999999)" not_found
check "opened on purpose" ada allow rollback acme "$open" --open
is "... it is open" "$(api GET /v1/accounts/acme | jq .active)" false
served 203.0.113.200
is "from nothing to a list without one's address" "$(code ada allow rollback acme "$without")" origin_not_covered
check "to one with it" ada allow rollback acme "$before"
stopped 203.0.113.200

# --- kept across restarts, within bounds --------------------------------------------

kept=$(generations)
daemon_kill
check "killed and started again" daemon_start --interface eth0
is "the same generations" "$(generations)" "$kept"
for i in $(seq 40); do
	ada --quiet allow set acme $LISTED4 --note "note $i" || not_ok "change $i"
done
daemon_stop
check "started again" daemon_start --interface eth0 --verify-interval 1
wait_for 10 eval '[ "$(generations ".items | length")" = 30 ]'
is "no more than so many are kept" "$(generations '.items | length')" 30
is "an older one is not, and what is kept is said" "$(ada allow rollback acme "$first" 2>&1 | grep -c "those that are go from $(generations '.items[-1].generation') to $(generation)")" 1
check "the oldest that is kept" ada allow rollback acme "$(generations '.items[-1].generation')"
is "kernel and store agree" "$(ag --json status | jq -c '[.state, .drift]')" '["ok",0]'
finish
