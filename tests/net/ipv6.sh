#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# IPv6 sources against prefixes, holes in them, and services on prefixes; the families do not answer for each other.
. "$(dirname "$0")/../lib.sh"
ag_init
two_hosts
web_start
HOLE6=2001:db8:b::bad
addresses client eth0 $HOLE6/128
check "the daemon starts" daemon_start --interface eth0:native
check "an account" acme
check "IPv6 alone is listed" ag --as ada --origin 2001:db8:b::1 allow add acme 2001:db8:b::/48
served "$LISTED6"
stopped "$STRANGER6"
stopped "$LISTED4"
check "a hole" ag --as ada --origin 2001:db8:b::1 allow add acme "$HOLE6" --deny
stopped "$HOLE6"
served "$LISTED6"
is "check says what the hole is" "$(ag --json check acme $HOLE6 | jq -r '.verdict, .kernel, .kernel_entry, .agree' | xargs)" \
	"denied denied $HOLE6/128 true"
check "IPv4 as well" ag --as ada --origin 2001:db8:b::1 allow add acme "$LISTED4"
served "$LISTED4"
stopped "$STRANGER4"

check "a service on an IPv6 prefix" ag service add acme '[2001:db8:20::/64]:80/tcp'
addresses server eth0 2001:db8:20::99/64
in_ns client ip -6 route add 2001:db8:20::/64 dev eth0
SERVER6=2001:db8:20::99
served "$LISTED6"
stopped "$STRANGER6"
finish
