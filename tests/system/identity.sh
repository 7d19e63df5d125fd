#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Who is who: the peer's uid decides, and a word in a header counts only from a delegate, and only as far as the
# person's own rights go. Peers are real processes of other users.
. "$(dirname "$0")/../lib.sh"
ag_init
ns_add server
check "the daemon starts" daemon_start
check "an account, an admin, a delegate" acme
ag --quiet user add vera
ag --quiet role grant acme vera viewer
ag --quiet user add carol --uid 12002
ag --quiet role grant acme carol admin
ag --quiet user add dora --uid 12003 --operator
ag --quiet user add webapp --uid 12004 --delegate
ag --quiet role grant acme dora viewer

# From here on the command line runs as the user $PEER.
install -m 0755 "$AG_BIN/allowgate" "$DIR/allowgate"
printf '#!/bin/sh\nexec setpriv --reuid="$PEER" --regid="$PEER" --clear-groups %s "$@"\n' "$DIR/allowgate" >"$DIR/as_peer"
chmod 0755 "$DIR/as_peer"
chmod 0711 "$DIR"
chmod 0666 "$SOCKET"
AG_CLI=$DIR/as_peer
export PEER=0
# peer_api UID METHOD PATH [CURL-OPTION...]
peer_api()
{
	setpriv --reuid="$1" --regid="$1" --clear-groups curl -sS --max-time 10 --unix-socket "$SOCKET" \
		-X "$2" "http://allowgate$3" "${@:4}"
}

PEER=12001
is "an unknown uid is told so" "$(ag --json whoami | jq -r '.user, .uid, .operator' | xargs)" "null 12001 false"
refused forbidden 4 "... may not even read the status" status
refused forbidden 4 "... nor add to a list" allow add acme "$ADA"
is "... and cannot tell an account that exists" "$(peer_api 12001 GET /v1/accounts/acme | jq -r .code)" \
	"$(peer_api 12001 GET /v1/accounts/absent | jq -r .code)"
refused forbidden 4 "... nor speak for an admin" --as ada --origin "$ADA" allow add acme "$ADA"

PEER=12002
is "an admin is known by her uid" "$(ag --json whoami | jq -r '.user, .origin, .roles[0].role' | xargs)" "carol unknown admin"
refused origin_not_covered 1 "... her address is not known" allow add acme "$ADA"
refused forbidden 4 "... and not for her to say" --origin "$ADA" allow add acme "$ADA"
refused forbidden 4 "... nor on whose behalf" --as ada allow add acme "$ADA"
refused forbidden 4 "... and --force is not hers" --force allow add acme "$ADA"

PEER=12003
check "an operator by her uid manages accounts" ag --quiet account add other
check "... and reads everything" ag --quiet account show acme
refused forbidden 4 "... but speaks for nobody" --as ada --origin "$ADA" allow add acme "$ADA"
refused forbidden 4 "... and changes no list as a viewer" --force allow add acme "$ADA"

PEER=12004
refused forbidden 4 "a delegate has no rights of its own" account add mine
refused forbidden 4 "... nor for a viewer" --as vera --origin "$ADA" allow add acme "$ADA"
refused forbidden 4 "... nor more than an admin has" --as ada --origin "$ADA" account add mine
refused forbidden 4 "... nor for a stranger" --as stranger --origin "$ADA" allow add acme "$ADA"
refused bad_request 1 "... nor from what is no address" --as ada --origin nowhere allow add acme "$ADA"
is "a header twice is refused" "$(peer_api 12004 GET /v1/whoami -H 'Allowgate-On-Behalf-Of: ada' \
	-H 'Allowgate-On-Behalf-Of: dora' | jq -r .code)" bad_request
is "... nor where they are" "$(peer_api 12004 GET /v1/whoami -H "Allowgate-Origin: $ADA" -H "Allowgate-Origin: $ADA" | jq -r .code)" bad_request
is "... nor a header without a name" "$(peer_api 12004 GET /v1/whoami -H 'Allowgate-On-Behalf-Of;' | jq -r .code)" bad_request
is "... nor an address with a scope" "$(peer_api 12004 GET /v1/whoami -H 'Allowgate-Origin: fe80::1%eth0' | jq -r .code)" bad_request
is "whoami says who, by whom, and from where" \
	"$(ag --json --as ada --origin "$ADA" whoami | jq -r '.user, .uid, .operator, .delegate, .origin, .origin_from, .origin_reason, .roles[0].role' | xargs)" \
	"ada 12004 false webapp $ADA delegate null admin"
is "... IPv4 in IPv6 is IPv4" "$(ag --json --as ada --origin "::ffff:$ADA" whoami | jq -r .origin)" "$ADA"
is "... which it does not find by itself" "$(ag --json --as ada whoami | jq -r '.origin, .origin_from' | xargs)" "unknown none"
refused origin_not_covered 1 "without an address the first entry lets nobody known in" --as ada allow add acme "$ADA"
refused origin_not_covered 1 "... nor from elsewhere" --as ada --origin "$STRANGER4" allow add acme "$ADA"
is "for a stranger whoami is no error" "$(peer_api 12004 GET /v1/whoami -H 'Allowgate-On-Behalf-Of: stranger' | jq -r '.code // .user')" forbidden
check "for an admin it may what she may" ag --quiet --as ada --origin "$ADA" allow add acme "$ADA"
install -m 0644 /dev/stdin "$DIR/without" <<<"$LISTED4"
refused would_lock_out 1 "... and she is not locked out" --as ada --origin "$ADA" allow replace acme "$DIR/without"
refused forbidden 4 "... nor forced out" --force --as ada --origin "$ADA" allow replace acme "$DIR/without"
is "both are in the log" "$(ag --json --as ada audit acme 2>/dev/null | jq -r '[.items[] | select(.action == "allow add" and .outcome == "done")][-1] | .user, .delegate, .uid, .origin' | xargs)" \
	"ada webapp 12004 $ADA"
check "for an operator it may what they may" ag --quiet --as dora account add third
check "... whom the log names" jq -e '.items[-1] | .user == "dora" and .delegate == "webapp"' <(PEER=0 ag --json audit)

PEER=0
refused forbidden 4 "root for an admin is no operator" --as ada --origin "$ADA" account add mine
check "what was refused is in the log, with the peer's uid" \
	jq -e '[.items[] | select(.outcome == "forbidden") | .uid] | contains([12001, 12002, 12003, 12004])' \
	<(ag --json audit)
check "... and in the metric" test "$(metric allowgate_denied_admin_changes_total)" -ge 20
check "a user who is removed" ag --quiet user remove carol
PEER=12002
refused forbidden 4 "... has no role any more" allow add acme 192.0.2.1
finish
