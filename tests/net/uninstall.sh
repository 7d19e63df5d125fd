#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The end of the daemon leaves the filter; detach and --uninstall take it away, and leave nothing.
. "$(dirname "$0")/../lib.sh"
ag_init
two_hosts
web_start
check "the daemon starts" daemon_start --interface eth0:native
check "an account" acme
check "its list" ada allow add acme "$ADA" "$LISTED4"
stopped "$STRANGER4"

programs()
{
	ip -n "$NS-server" link show | grep -c 'prog/xdp'
}

daemon_stop
stopped "$STRANGER4"
is "the filter stays when the daemon ends" "$(programs)" 1
check "the daemon starts again" daemon_start --interface eth0:native
check "interface detach" ag interface detach eth0
is "leaves no program" "$(programs)" 0
served "$STRANGER4"
refute "detaching it again is refused" ag interface detach eth0
check "attach again" ag interface attach eth0
stopped "$STRANGER4"

daemon_kill
check "--uninstall, without daemon" uninstall
is "leaves no program" "$(programs)" 0
is "leaves no pin" "$(find "$PINS" 2>/dev/null | wc -l)" 0
served "$STRANGER4"
check "--uninstall of nothing is no error" uninstall
check "and the policy is still in the store" daemon_start --interface eth0:native
stopped "$STRANGER4"
served "$LISTED4"
finish
