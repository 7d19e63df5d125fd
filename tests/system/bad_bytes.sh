#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What is wrong is refused in one line, with the right code, and changes nothing: as the bare bytes of a request.
. "$(dirname "$0")/../lib.sh"
ag_init
ns_add server
printf 'entries = 8\nbody = 65536\n' >>"$CONFIG"
check "the daemon starts" daemon_start
check "an account" acme
check "its list" ada allow add acme "$ADA" "$LISTED4"

# raw STATUS CODE WHAT METHOD PATH CURL-OPTION...: refused the same, as bytes
raw()
{
	local want="$1 $2" what=$3 before after got
	shift 3
	before=$(policy)
	got=$(api_status "$@" -H 'Allowgate-On-Behalf-Of: ada' -H "Allowgate-Origin: $ADA")
	after=$(policy)
	is "raw: $what" "$got" "$want"
	[ "$before" = "$after" ] || not_ok "raw: $what: the policy has changed"
}

list=/v1/accounts/acme/allowlist
raw 400 bad_request "a duplicate key" POST $list -d '{"prefix": "192.0.2.1", "prefix": "192.0.2.2"}'
raw 400 bad_request "a duplicate key, deeper" POST $list -d '{"entries": [{"prefix": "192.0.2.1", "note": "a", "note": "b"}]}'
raw 400 bad_request "an unknown field" POST $list -d '{"prefix": "192.0.2.1", "colour": "red"}'
raw 400 bad_request "a field that is ours" POST $list -d '{"prefix": "192.0.2.1", "created_by": "eve"}'
raw 400 bad_request "trailing bytes" POST $list -d '{"prefix": "192.0.2.1"} {}'
raw 400 bad_request "no JSON" POST $list -d 'prefix=192.0.2.1'
raw 400 bad_request "no body" POST $list
raw 400 bad_request "a wrong type" POST $list -d '{"prefix": 7}'
raw 400 bad_request "a NUL" POST $list -d '{"prefix": "192.0.2.1", "note": "a\u0000b"}'
raw 400 bad_request "an unknown parameter" POST "$list?colour=red" -d '{"prefix": "192.0.2.1"}'
raw 400 bad_request "a parameter that is no truth" POST "$list?dry_run=perhaps" -d '{"prefix": "192.0.2.1"}'
raw 400 bad_request "a parameter twice" GET "$list?limit=1&limit=2"
raw 400 bad_request "an option twice" POST "$list?dry_run=false&dry_run=true" -d '{"prefix": "192.0.2.1"}'
raw 400 bad_request "an origin that is no address" POST $list -d '{"prefix": "192.0.2.1"}' -H 'Allowgate-Origin: here'
raw 404 not_found "an unknown path" GET /v1/nonsense
raw 400 bad_prefix "a prefix in the path" DELETE "$list/203.0.113.7%2F24"
raw 400 bad_request "a limit of 0" GET "$list?limit=0"
raw 400 bad_request "a limit over 1000" GET "$list?limit=1001"
head -c 70000 /dev/zero | tr '\0' ' ' >"$DIR/large"
raw 413 limit "a body over the limit" PUT $list --data-binary "@$DIR/large"
head -c 60000 /dev/zero | tr '\0' '[' >"$DIR/deep"
raw 400 bad_request "brackets without end" PUT $list --data-binary "@$DIR/deep"
is "raw: a wrong method" "$(api POST /v1/status -o /dev/null -w '%{http_code}')" 405
is "the list is as it was" "$(ada allow export acme | awk '{ print $1 }' | xargs)" "$ADA $LISTED4"
finish
