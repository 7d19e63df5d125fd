#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Changes with --confirm-within on real packets: a source that one stops gets through again when its time is over, as
# one that it let in does not; who is let in before and behind it loses no packet.
. "$(dirname "$0")/../lib.sh"
ag_init
two_hosts
check "the daemon starts" daemon_start --interface eth0:native --confirm-min 1
check "an account" acme
check "its probed service" ag service add acme "$SERVER4:5000/udp"
check "a named list" ag list create corp-vpn
ag --quiet list add corp-vpn "$LISTED4"
check "... lets in who is in it" ada allow add acme "$ADA" @corp-vpn
web_start
served "$LISTED4"
stopped "$STRANGER4"

probe_start 1000 "$ADA"
check "out of the list, for some seconds" ada list remove-entry corp-vpn "$LISTED4" --confirm-within 6s
stopped "$LISTED4"
check "the time is over" wait_for 30 nothing_waits
served "$LISTED4"
printf '{"accounts": [{"name": "acme", "entries": [{"prefix": "%s"}, {"prefix": "%s"}]}]}' "$ADA" "$STRANGER4" >"$DIR/policy.json"
ag --quiet role grant acme ops admin
check "another policy, for some seconds" ag --as ops --origin "$ADA" policy apply "$DIR/policy.json" --confirm-within 6s
stopped "$LISTED4"
served "$STRANGER4"
check "the time is over" wait_for 30 nothing_waits
served "$LISTED4"
stopped "$STRANGER4"
check "the same, confirmed" ag --as ops --origin "$ADA" policy apply "$DIR/policy.json" --confirm-within 6s
check "... from where it lets one in" ag --as ops --origin "$STRANGER4" confirm --policy
sleep 7
served "$STRANGER4"
probe_stop
check "there was traffic ($(sent "$ADA") packets)" test "$(sent "$ADA")" -gt 300
is "of the source that was always listed, all arrived" "$(received "$ADA")" "$(sent "$ADA")"
finish
