#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# An interface that goes and comes again, or comes late, is attached by the daemon itself within two seconds.
. "$(dirname "$0")/../lib.sh"
ag_init
two_hosts
web_start
check "the daemon starts" daemon_start --interface eth0:native --interface late0
check "an account" acme
check "its list" ada allow add acme "$ADA" "$LISTED4"
stopped "$STRANGER4"

attached()
{
	ip -n "$NS-server" link show dev "$1" | grep -q xdp
}

listed_attached()
{
	ag --json interface list | jq -r --arg name "$1" '.items[] | select(.interface == $name) | .attached'
}

ip -n "$NS-server" link delete eth0
wait_for 2 test "$(listed_attached eth0)" = false
is "the interface that is gone is shown as not attached" "$(listed_attached eth0)" false
wire server eth0 client eth0
check "created again, it is attached within two seconds" wait_for 2 attached eth0
addresses client eth0 192.0.2.1/24 $LISTED4/32 $STRANGER4/32
addresses server eth0 $SERVER4/24
ip -n "$NS-server" route add default via 192.0.2.1
served "$LISTED4"
stopped "$STRANGER4"
is "and shown" "$(listed_attached eth0)" true

ip -n "$NS-server" link add late0 type bridge
check "an interface that comes after the daemon is attached" wait_for 2 attached late0

daemon_kill
ip -n "$NS-server" link delete eth0
wire server eth0 client eth0
addresses client eth0 192.0.2.1/24 $LISTED4/32 $STRANGER4/32
addresses server eth0 $SERVER4/24
ip -n "$NS-server" route add default via 192.0.2.1
check "created again while no daemon ran: the next start attaches it" daemon_start --interface eth0:native
stopped "$STRANGER4"
served "$LISTED4"
finish
