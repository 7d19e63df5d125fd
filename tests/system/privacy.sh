#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What is held on a person, and its end: after `user erase` neither the store's file nor its log has their name, their
# address, or what the policy said of them, and the audit log still verifies.
. "$(dirname "$0")/../lib.sh"
ag_init
ns_add server
check "the daemon starts" daemon_start
check "an account, an admin, a delegate" acme

WHO=zebulon-q
FROM=198.51.100.231
zeb()
{
	ag --as $WHO --origin $FROM "$@"
}
# traces TEXT: how often it is in the store's files.
traces()
{
	cat "$STORE" "$STORE"-wal 2>/dev/null | grep -aoF "$1" | wc -l
}

ag --quiet user add $WHO --uid 4711
ag --quiet role grant acme $WHO admin
check "he adds the address that he is connected from" zeb allow add acme $FROM --note "desk"
zeb --quiet allow add acme 203.0.113.0/24
zeb --quiet allow remove acme 203.0.113.0/24
refute "he is refused something" zeb user add eve
check "somebody else's entry" ada allow add acme "$ADA"
zeb --quiet allow set acme $FROM --note "desk again"

# --- what is held ------------------------------------------------------------------
document=$(ag user export $WHO)
is "the export is one document" "$(jq -c 'keys' <<<"$document")" \
	'["audit","entries","exported_at","history","lists","mentioned","panic","pending","roles","tokens","user","who"]'
is "... with his user" "$(jq -c .user <<<"$document")" "{\"name\":\"$WHO\",\"uid\":4711,\"operator\":false,\"delegate\":false}"
is "... his roles" "$(jq -r '.roles[] | .account + " " + .role' <<<"$document")" "acme admin"
is "... the entries that he made" "$(jq -r '.entries[] | select(.current) | .prefix + " " + .note' <<<"$document")" "$FROM/32 desk again"
is "... of before too" "$(jq -r '[.entries[] | select(.current | not) | .prefix] | sort | join(" ")' <<<"$document")" "$FROM/32 203.0.113.0/24"
is "... what he made of the account" "$(jq -r '[.history[] | .account + " " + .action] | unique | join(", ")' <<<"$document")" \
	"acme allow add, acme allow remove, acme allow set"
is "... what he did, with his address" "$(jq -r '[.audit[] | .user + " " + .origin] | unique | join(", ")' <<<"$document")" "$WHO $FROM"
is "... and all of it" "$(jq -c '[.audit[].id]' <<<"$document")" "$(ag --json audit --user $WHO | jq -c '[.items[].id]')"
is "... and what others did to him" "$(jq -r '[.mentioned[] | .user + " " + .action] | join(", ")' <<<"$document")" "ops user add, ops role grant"
is "he may read it himself" "$(zeb user export $WHO | jq -c .user)" "$(jq -c .user <<<"$document")"
refused forbidden 4 "... but nobody else's" --as $WHO user export ada
refused forbidden 4 "... nor whether there is one" --as $WHO user export absent
is "of nobody it is empty" "$(ag user export absent | jq -c '[.user, .roles, .entries, .history, .audit]')" '[null,[],[],[],[]]'
is "of a uid without a name: what it did" "$(ag user export uid:99 | jq -c .audit)" '[]'

# --- who may, and who may not be -----------------------------------------------------
refused forbidden 4 "an admin erases nobody" --as ada --origin "$ADA" user erase $WHO
refused forbidden 4 "root is not erased" user erase ops
refused forbidden 4 "... by uid neither" user erase uid:0
refused not_found 1 "nobody is erased who is not there" user erase absent
refused bad_request 1 "what is no name" user erase 'No-Name'
ag --quiet user add boss --operator
is "nobody erases themselves" "$(ag --json --as boss user erase boss 2>&1 | jq -r .code)" forbidden
is "a dry run erases nothing" "$(ag --quiet user erase $WHO --dry-run && ag --json user list | jq -r ".items[] | select(.name == \"$WHO\") | .uid")" 4711
is "... in the audit log neither" "$(ag --json audit --user $WHO | jq '.items | length > 3')" true

# --- the end -----------------------------------------------------------------------
check "before, the file has it" test "$(traces $WHO)" -gt 0 -a "$(traces $FROM)" -gt 0
before=$(ag --json audit | jq -c '[.items[] | {id, hash, action, outcome}]')
check "he is erased" ag user erase $WHO
is "his name is not in the file any more" "$(traces $WHO)" 0
is "his address neither" "$(traces $FROM)" 0
is "his uid is nobody's" "$(ag --json audit | jq -c '[.items[] | select(.uid == 4711 or (.detail | test("4711")))]')" "[]"
check "the log is whole" ag audit verify
is "every row has the hash that it had" "$(ag --json audit | jq -c '[.items[] | {id, hash, action, outcome}] | .[:-1]')" "$before"
is "the rows are somebody's who has a number alone" \
	"$(ag --json audit acme | jq -r '[.items[] | select(.user | startswith("erased#")) | (.user | sub("[0-9]+"; "N")) + " " + .origin] | unique | join(", ")')" \
	"erased#N erased"
is "what others did to him too" "$(ag --json audit | jq -r '.items[] | select(.action == "role grant") | .detail' | sed 's/[0-9][0-9]*/N/' | xargs)" \
	"ada admin erased#N admin"
is "... and his user" "$(ag --json audit | jq -r '.items[] | select(.action == "user add") | .detail' | sed 's/[0-9][0-9]*/N/' | grep erased)" \
	"erased#N uid=erased"
is "the erasure is in the log, without the name" "$(ag --json audit | jq -r '.items[-1] | .action + " " + (.detail | sub("[0-9]+"; "N"; "g"))')" \
	"user erase erased#N N addresses, N names"
is "his number finds his rows" "$(ag --json audit --user "$(ag --json audit acme | jq -r '[.items[] | select(.user | startswith("erased#")) | .user][0]')" | jq '.items | length > 3')" true
is "his entries are nobody's" "$(ag --json allow list acme | jq -r '.items[] | .prefix + ":" + .created_by' | xargs)" "$ADA/32:ada $FROM/32:"
is "he has no role" "$(ag --json role list acme | jq -r '[.items[].user] | join(" ")')" ada
refused not_found 1 "he is not erased twice" user erase $WHO
is "... and saying the name does not keep it" "$(traces $WHO)" 0

# --- a name anew -------------------------------------------------------------------
check "the name is free" ag user add $WHO
ag --quiet role grant acme $WHO admin
zeb --quiet allow add acme 192.0.2.44
is "who has it now is somebody else" "$(ag --json audit --user $WHO | jq -r '[.items[].user] | unique | join(" ")')" $WHO
is "... of whom nothing is from before" "$(ag --json audit --user $WHO | jq '.items | length')" 1
daemon_stop
check "the daemon starts again" daemon_start
check "the log is whole" ag audit verify
check "a name that is no user any more is erased as well" sh -c "'$AG_CLI' --socket '$SOCKET' --quiet user remove $WHO &&
	'$AG_CLI' --socket '$SOCKET' --quiet user erase $WHO"
is "... and is in no file" "$(traces $WHO)" 0
refused forbidden 4 "root's actions stay root's" user erase uid:0

# --- somebody without a name ---------------------------------------------------------
chmod 0711 "$DIR"
chmod 0666 "$SOCKET"
setpriv --reuid 4712 --clear-groups curl -sS -o /dev/null --unix-socket "$SOCKET" -X POST http://allowgate/v1/accounts -d '{"name": "mine"}'
is "what a uid without a name did is theirs" "$(ag user export uid:4712 | jq -r '[.audit[] | (.uid | tostring) + " " + .outcome] | join(", ")')" "4712 forbidden"
check "... and is erased by it" ag user erase uid:4712
is "... so that nobody has that uid" "$(ag --json audit | jq -c '[.items[] | select(.uid == 4712)]')" "[]"
check "the log is whole" ag audit verify
finish
