#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Native, generic and auto: what is asked, what is in force, and what is said about it.
. "$(dirname "$0")/../lib.sh"
ag_init
two_hosts
ip -n "$NS-server" link add plain0 type bridge # has no XDP of its own
ip -n "$NS-server" link set plain0 up

# shown INTERFACE MEMBER
shown()
{
	ag --json interface list | jq -r --arg name "$1" ".items[] | select(.interface == \$name) | .$2"
}

in_kernel()
{
	ip -n "$NS-server" link show dev "$1" | grep -oE 'xdp(generic)?' | head -n 1
}

check "the daemon starts" daemon_start --interface eth0
is "auto takes native where the driver can" "$(shown eth0 mode)" native
is "... and the kernel says so" "$(in_kernel eth0)" xdp
is "... with no fallback" "$(shown eth0 fallback)" ""
is "the metric says native" "$(metric 'allowgate_interface_attached{interface="eth0",mode="native"}')" 1

check "generic when asked" ag interface detach eth0
check "... attach" ag interface attach eth0 --mode generic
is "... it is generic" "$(shown eth0 mode)" generic
is "... and the kernel says so" "$(in_kernel eth0)" xdpgeneric

refuted=$(ag --json interface attach plain0 --mode native 2>&1 >/dev/null | jq -r .code)
is "native where the driver cannot is refused" "$refuted" kernel
is "... and nothing is attached" "$(in_kernel plain0)" ""
check "auto there falls back" ag interface attach plain0 --mode auto
is "... to generic" "$(shown plain0 mode)" generic
check "... and says why" test -n "$(shown plain0 fallback)"
is "... and the kernel says so" "$(in_kernel plain0)" xdpgeneric

refuse=$(ag --json interface attach none0 2>&1 >/dev/null | jq -r .code)
is "an interface that is not there is refused" "$refuse" not_found

daemon_stop
check "a start without --interface keeps what was commanded" daemon_start
is "... plain0" "$(shown plain0 mode)" generic
is "... eth0" "$(shown eth0 mode)" generic

check "an account" acme
web_start
check "its list" ada allow add acme "$ADA" "$LISTED4" "$LISTED6"
for who in "$LISTED4" "$LISTED6"; do served "$who"; done
for who in "$STRANGER4" "$STRANGER6"; do stopped "$who"; done
finish
