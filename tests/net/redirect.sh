#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Strangers end up in a quarantine namespace that owns the service's addresses and answers in their name; native and
# generic, IPv4 and IPv6; and when its device is gone, nowhere.
#
# What it takes: the quarantine's device has the MAC address of the protected interface, for the frames arrive as they
# were; its answers come back to the host from an address of the host's own, so the host must take them (accept_local)
# and not ask where that address is (rp_filter), and forward them. A veth takes redirected frames natively only if its
# other end has GRO on (or XDP).
. "$(dirname "$0")/../lib.sh"
ag_init
two_hosts
web_start

quarantine_add()
{
	wire server quar0 quarantine eth0
	addresses server quar0 169.254.77.1/30 fd00:77::1/64
	ip -n "$NS-quarantine" link set eth0 address "$(mac_of server eth0)"
	in_ns quarantine ethtool -K eth0 gro on
	addresses quarantine eth0 169.254.77.2/30 "$SERVER4/32" fd00:77::2/64 "$SERVER6/128"
	ip -n "$NS-quarantine" route add default via 169.254.77.1
	ip -n "$NS-quarantine" -6 route add default via fd00:77::1
	in_ns server sysctl -qw net.ipv4.conf.quar0.accept_local=1 net.ipv4.conf.quar0.rp_filter=0
}

mac_of()
{
	ip -n "$NS-$1" -j link show dev "$2" | jq -r '.[0].address'
}

# page FROM: what is served to it, or curl's exit status: 28 is no answer.
page()
{
	local host=$SERVER4
	case $1 in *:*) host="[$SERVER6]" ;; esac
	in_ns client curl -sf --connect-timeout 0.7 --max-time 3 --interface "$1" "http://$host/" || echo $?
}

is_quarantined()
{
	[ "$(page "$1")" = quarantine ]
}

quarantined()
{
	local before
	before=$(packets redirected)
	is "$1: a stranger sees the quarantine" "$(page "$STRANGER4")" quarantine
	is "$1: ... in IPv6" "$(page "$STRANGER6")" quarantine
	is "$1: the listed see the application" "$(page "$LISTED4")" hello
	is "$1: ... in IPv6" "$(page "$LISTED6")" hello
	check "$1: ping is answered from there" in_ns client ping -q -c 1 -W 2 -I "$STRANGER4" "$SERVER4"
	check "$1: counted as redirected" test "$(packets redirected)" -ge $((before + 10))
}

ns_add quarantine
in_ns server sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0
quarantine_add
# What a veth leaves to a device to sum is wrong once XDP has taken it elsewhere.
in_ns client ethtool -K eth0 tx off >/dev/null
mkdir "$DIR/quarantine"
echo quarantine >"$DIR/quarantine/index.html"
background quarantine quarantine python3 "$ROOT/tests/web_server.py" 80 "$DIR/quarantine"
wait_for 5 in_ns quarantine curl -sf -o /dev/null http://127.0.0.1/

check "the daemon starts" daemon_start --interface eth0:native
check "an account" acme
check "its service is the whole address" ag --quiet service add acme "$SERVER4" "$SERVER6"
check "its list" ada allow add acme "$ADA" "$LISTED4" "$LISTED6"
is "without a quarantine there is no answer" "$(page "$STRANGER4")" 28
check "it redirects" ag account set acme --on-deny redirect:quar0
quarantined native
check "detach" ag interface detach eth0
check "attach, generic" ag interface attach eth0 --mode generic
quarantined generic
denied=$(packets denied)
ip -n "$NS-server" link delete quar0
is "without its device there is no answer" "$(page "$STRANGER4")" 28
is "the listed do not mind" "$(page "$LISTED4")" hello
check "what could not be redirected is counted as denied" test "$(packets denied)" -gt "$denied"
quarantine_add
check "the device comes back, and is found" wait_for 10 is_quarantined "$STRANGER4"
finish
