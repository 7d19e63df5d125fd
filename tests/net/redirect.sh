#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Strangers end up in a quarantine namespace that owns the service's addresses and answers in their name; native and
# generic, IPv4 and IPv6; and when its device is gone, nowhere.
. "$(dirname "$0")/../lib.sh"
ag_init
two_hosts
web_start

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

quarantine_start || die "the quarantine's web server does not start"
# What a veth leaves to a device to sum is wrong once XDP has taken it elsewhere.
in_ns client ethtool -K eth0 tx off >/dev/null

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
quarantine_wire
check "the device comes back, and is found" wait_for 10 is_quarantined "$STRANGER4"
finish
