#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Twenty ends and starts of the daemon under traffic: nobody unlisted gets through, no packet of a listed source is
# lost, and every single packet was judged and counted once.
. "$(dirname "$0")/../lib.sh"
ag_init
two_hosts
check "the daemon starts" daemon_start --interface eth0:native
check "an account" acme
check "its probed service" ag service add acme "$SERVER4:5000/udp"
check "its list" ada allow add acme "$ADA" "$LISTED4"
link_before=$(ip -n "$NS-server" -d link show dev eth0 | grep -o 'prog/xdp.*')

probe_start 1000 "$LISTED4" "$STRANGER4"
for ((i = 0; i < 20; i++)); do
	if ((i % 2)); then daemon_kill; else daemon_stop; fi
	daemon_start --interface eth0:native || not_ok "start $i"
done
probe_stop

link_after=$(ip -n "$NS-server" -d link show dev eth0 | grep -o 'prog/xdp.*')
check "the program was replaced by each start's own" test "$link_before" != "$link_after"
check "there was traffic ($(sent "$STRANGER4") packets of each)" test "$(sent "$STRANGER4")" -gt 500
is "of the unlisted source, none arrived" "$(received "$STRANGER4")" 0
is "of the listed source, all arrived" "$(received "$LISTED4")" "$(sent "$LISTED4")"
is "every packet of the unlisted was counted" "$(packets denied)" "$(sent "$STRANGER4")"
is "every packet of the listed was counted" "$(packets allowed)" "$(sent "$LISTED4")"
is "kernel and store agree" "$(metric allowgate_policy_drift_entries)" 0
finish
