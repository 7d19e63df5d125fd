#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What is wrong is refused in one line, with the right code, and changes nothing: by command line.
. "$(dirname "$0")/../lib.sh"
ag_init
ns_add server
printf 'entries = 8\nbody = 65536\n' >>"$CONFIG"
check "the daemon starts" daemon_start
check "an account" acme
check "its list" ada allow add acme "$ADA" "$LISTED4"
check "another account" ag account add other

by_ada=(--as ada --origin "$ADA")
for prefix in 203.0.113.7/24 2001:db8::1/32 256.0.2.1 203.0.113.0/33 2001:db8::/129 0.0.0.0/0 ::/0 203.0.113.007 \
	fe80::1%eth0 ::ffff:203.0.113.7 203.0.113 nonsense 203.0.113.0/ 203.0.113.0/-1; do
	refused bad_prefix 1 "prefix $prefix" "${by_ada[@]}" allow add acme "$prefix"
done
said()
{
	{ ag "$@" >/dev/null; } 2>&1
}
check "host bits: says which prefix was meant" grep -q '203\.0\.113\.0/24' <<<"$(said "${by_ada[@]}" allow add acme 203.0.113.7/24)"
check "/0: says what to do instead" grep -qE -- '--mode off|empty' <<<"$(said "${by_ada[@]}" allow add acme 0.0.0.0/0)"

refused exists 1 "a prefix that is there" "${by_ada[@]}" allow add acme "$LISTED4"
refused bad_request 1 "the same prefix twice" "${by_ada[@]}" allow add acme 192.0.2.1 192.0.2.1/32
refused not_found 1 "removing what is not there" "${by_ada[@]}" allow remove acme 192.0.2.1
refused exists 1 "all or nothing" "${by_ada[@]}" allow add acme 192.0.2.1 "$LISTED4"
refused limit 1 "a list over its limit" "${by_ada[@]}" allow add acme 192.0.2.{1..8}
note=$(printf 'x%.0s' {1..257})
refused bad_request 1 "a note that is too long" "${by_ada[@]}" allow add acme 192.0.2.1 --note "$note"
refused bad_request 1 "a note with a control character" "${by_ada[@]}" allow add acme 192.0.2.1 --note $'a\tb'
refused not_found 1 "an unknown account" account show absent
refused not_found 1 "an unknown account's service" service add absent 192.0.2.10:81/tcp
refused exists 1 "a second claim on a service" service add other "$SERVER4:80/tcp"
check "... names the owner" grep -q acme <<<"$(said service add other "$SERVER4:80/tcp")"
refused bad_request 1 "a port over 65535" service add other 192.0.2.10:65536/tcp
refused bad_request 1 "an unknown protocol" service add other 192.0.2.10:80/xyz
refused bad_request 1 "an account's name" account add 'Acme!'
refused exists 1 "an account that is there" account add acme
refused exists 1 "a user that is there" user add ada
refused bad_request 1 "an unknown mode" account set acme --mode maybe
refused not_found 1 "a role for an unknown user" role grant acme absent admin
refused bad_request 1 "an unknown role" role grant acme ada king
printf '203.0.113.7\n203.0.113.8/24\n' >"$DIR/list"
refused bad_prefix 1 "a bad line in a file" "${by_ada[@]}" allow replace acme "$DIR/list"
check "... names the line" grep -qE '\b2\b' <<<"$(said "${by_ada[@]}" allow replace acme "$DIR/list")"
is "the list is as it was" "$(ada allow export acme | awk '{ print $1 }' | xargs)" "$ADA $LISTED4"
finish
