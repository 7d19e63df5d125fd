#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The filter looks behind one and two VLAN tags; three are malformed. Frames are made by hand, and seen by a packet socket
# behind the filter, so that this needs no VLAN device.
. "$(dirname "$0")/../lib.sh"
ag_init
two_hosts
check "the daemon starts" daemon_start --interface eth0:native
mac=$(ip -n "$NS-server" -j link show dev eth0 | jq -r '.[0].address')
MARKS=(none: one:100 service:88a8.100 "two:88a8.200,8100.300" "plain2:8100.1,8100.2" priority:0 "three:88a8.1,8100.2,8100.3")

# volley NAME: twenty frames of each kind from the listed and from the stranger, in IPv4 and IPv6
volley()
{
	local mark kinds4=() kinds6=()
	for mark in "${MARKS[@]}"; do
		kinds4+=("listed-$mark:$LISTED4" "stranger-$mark:$STRANGER4")
		kinds6+=("listed6-$mark:$LISTED6" "stranger6-$mark:$STRANGER6")
	done
	background "$1" server python3 "$ROOT/tests/frames.py" receive eth0
	local receiver=$!
	wait_for 5 grep -q ready "$DIR/$1.log"
	in_ns client python3 "$ROOT/tests/frames.py" send eth0 "$mac" 20 "$SERVER4" 80 "${kinds4[@]}"
	in_ns client python3 "$ROOT/tests/frames.py" send eth0 "$mac" 20 "$SERVER6" 80 "${kinds6[@]}"
	sleep 0.3
	kill -TERM $receiver
	wait $receiver 2>/dev/null
}

arrived()
{
	awk -v mark="$2" '$1 == mark { n = $2 } END { print n + 0 }' "$DIR/$1.log"
}

volley open
for mark in "${MARKS[@]}"; do
	is "no list: ${mark%%:*} arrives" "$(arrived open "stranger-${mark%%:*}") $(arrived open "stranger6-${mark%%:*}")" "20 20"
done

check "an account" acme
check "its list" ada allow add acme "$ADA" "$LISTED4" "$LISTED6"
volley listed
for mark in "${MARKS[@]}"; do
	mark=${mark%%:*}
	want="20 20"
	[ "$mark" != three ] || want="0 0"
	is "listed, tags: $mark" "$(arrived listed "listed-$mark") $(arrived listed "listed6-$mark")" "$want"
	is "unlisted, tags: $mark" "$(arrived listed "stranger-$mark") $(arrived listed "stranger6-$mark")" "0 0"
done
is "three tags are counted as malformed, passed or not" "$(metric 'allowgate_interface_packets_total{interface="eth0",verdict="malformed"}')" 160
finish
