#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Two daemons on one host, each with its own pins, store, socket and interface, know nothing of each other.
. "$(dirname "$0")/../lib.sh"
ag_init
ns_add server client other
wire server eth0 client eth0
wire server eth1 other eth0
addresses server eth0 $SERVER4/24
addresses server eth1 198.51.100.1/24
addresses client eth0 192.0.2.1/24 $LISTED4/32 $STRANGER4/32
addresses other eth0 198.51.100.7/24 198.51.100.8/24
ip -n "$NS-server" route add 203.0.113.0/24 dev eth0
web_start
check "the first daemon starts" daemon_start --interface eth0:native
check "its account" acme
check "its list" ada allow add acme "$ADA" "$LISTED4"
first_socket=$SOCKET

SOCKET=$DIR/second.sock
background second server "$AG_BIN/allowgated" --config "$CONFIG" --store "$DIR/second.db" --socket "$SOCKET" \
	--pin-dir "$DIR/bpf/second" --metrics off "${SOCKET_GROUP[@]}" --interface eth1:native
DAEMON_PID=$!
check "the second daemon starts" wait_for 10 daemon_answers
SERVER4=198.51.100.1
check "its account" acme
check "its list" ag --as ada --origin 198.51.100.7 allow add acme 198.51.100.7

check "listed with the second, served there" web_get 198.51.100.7 2 other
web_get 198.51.100.8 0.4 other 2>/dev/null
is "not listed with the second, stopped there" $? 28
SERVER4=192.0.2.10
served "$LISTED4"
stopped "$STRANGER4"

daemon_kill
check "the second is uninstalled" uninstall "$DIR/bpf/second"
SERVER4=198.51.100.1
check "... and its clients are free" web_get 198.51.100.8 2 other
SERVER4=192.0.2.10
stopped "$STRANGER4"
SOCKET=$first_socket
is "... and the first is whole" "$(ag --json status | jq -r .state)" ok
finish
