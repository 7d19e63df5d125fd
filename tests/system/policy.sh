#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The policy as one document: exported, applied, the same, and never a part of it.
. "$(dirname "$0")/../lib.sh"
ag_init
ns_add server
check "the daemon starts" daemon_start
check "an account, an admin, a delegate" acme

# --- export ------------------------------------------------------------------------

ada allow add acme "$ADA" --note 'home "sweet" home' >/dev/null
ada allow add acme 203.0.113.0/24 --expires 2030-01-02T03:04:05Z >/dev/null
ada allow add acme 203.0.113.66 --deny >/dev/null
ag --quiet account add beta --label 'Beta é' --mode monitor --on-deny reject
ag --quiet user add eve
ag --quiet role grant acme eve viewer
ag policy export >"$DIR/host.json"
is "the whole host is of that scope" "$(jq -r .scope "$DIR/host.json")" host
is "... with every account" "$(jq -r '.accounts[].name' "$DIR/host.json" | xargs)" "acme beta"
is "... its settings" "$(jq -r '.accounts[1] | .label, .mode, .on_deny' "$DIR/host.json" | xargs)" "Beta é monitor reject"
is "... its services" "$(jq -c '.accounts[0].services' "$DIR/host.json")" '["192.0.2.10:80/tcp","[2001:db8:10::10]:80/tcp"]'
is "... its roles" "$(jq -c '.accounts[0].roles | map([.user, .role])' "$DIR/host.json")" '[["ada","admin"],["eve","viewer"]]'
is "... its entries, sorted" "$(jq -r '.accounts[0].entries[] | .prefix, .verdict' "$DIR/host.json" | xargs)" \
	"$ADA/32 allow 203.0.113.0/24 allow 203.0.113.66/32 deny"
is "... with note and expiry" "$(jq -r '.accounts[0].entries[0].note, .accounts[0].entries[1].expires' "$DIR/host.json" | xargs -d '\n')" \
	'home "sweet" home 2030-01-02T03:04:05Z'
ag --json policy export | cmp -s - "$DIR/host.json"
is "the same policy is the same text" $? 0
is "it comes as JSON" "$(api GET /v1/policy -o /dev/null -w '%{content_type}')" application/json
ag policy export acme >"$DIR/acme.json"
is "one account is of another scope" "$(jq -r .scope "$DIR/acme.json")" accounts
is "... and of that account alone" "$(jq -r '.accounts[].name' "$DIR/acme.json")" acme
is "a viewer may have it" "$(ag --as eve policy export acme | jq -c .)" "$(jq -c . "$DIR/acme.json")"
refused forbidden 4 "... but no other account" --as eve policy export beta
refused forbidden 4 "... nor one that is not there" --as eve policy export gamma
refused forbidden 4 "... nor the host" --as eve policy export
refused not_found 1 "an operator is told that an account is not there" policy export gamma
finish
