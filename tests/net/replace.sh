#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A list of a thousand entries replaced again and again under traffic: a source listed before and after is never
# stopped, one listed neither before nor after never gets through. AG_CHURN_SECONDS: for so long at least; a moment.
. "$(dirname "$0")/../lib.sh"
ag_init
two_hosts
check "the daemon starts" daemon_start --interface eth0:native
check "an account" acme
check "its probed service" ag service add acme "$SERVER4:5000/udp"

# list N: a thousand entries, most of which differ by N
list()
{
	printf '%s\n' "$ADA" "$LISTED4/$((32 - $1))"
	seq 0 999 | awk -v n="$1" '{ printf "10.%d.%d.%d/32\n", n, $1 / 250, $1 % 250 }'
}
LISTED4=203.0.113.6 # the first of a /31 too
addresses client eth0 $LISTED4/32
list 0 >"$DIR/list0"
list 1 >"$DIR/list1"
check "the first list" ada allow replace acme "$DIR/list0"

probe_start 1000 "$LISTED4" "$STRANGER4"
done_=0
end=$((SECONDS + ${AG_CHURN_SECONDS:-0}))
for ((i = 1; i <= 40 || SECONDS < end; i++)); do
	ada --quiet allow replace acme "$DIR/list$((i % 2))" >/dev/null && done_=$((done_ + 1))
done
probe_stop
is "$done_ replacements" $done_ $((i - 1))
check "there was traffic ($(sent "$STRANGER4") packets of each)" test "$(sent "$STRANGER4")" -gt 300
is "of the unlisted source, none arrived" "$(received "$STRANGER4")" 0
is "of the listed source, all arrived" "$(received "$LISTED4")" "$(sent "$LISTED4")"

probe_start 1000 "$LISTED4"
for ((i = 1; i <= 20; i++)); do
	ada --quiet allow add acme 203.0.113.0/30 >/dev/null
	ada --quiet allow remove acme 203.0.113.0/30 >/dev/null
done
probe_stop
is "single entries added and removed around it: all arrived" "$(received "$LISTED4")" "$(sent "$LISTED4")"
finish
