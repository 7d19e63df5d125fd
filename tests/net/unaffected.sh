#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What belongs to no service passes, whoever sends it: ARP, neighbour discovery, ping, DHCP, other ports, and the
# replies to the host's own connections.
. "$(dirname "$0")/../lib.sh"
ag_init
two_hosts
web_start
check "the daemon starts" daemon_start --interface eth0:native
check "an account" acme
check "its list" ada allow add acme "$ADA" "$LISTED4"

stopped "$STRANGER4"
stopped "$STRANGER6"
served "$LISTED4"

for ns in server client; do ip -n "$NS-$ns" neigh flush dev eth0; done
check "ping from the unlisted, after ARP" in_ns client ping -q -c 2 -i 0.1 -W 2 -I "$STRANGER4" "$SERVER4"
ip -n "$NS-client" -6 neigh flush dev eth0
ip -n "$NS-server" -6 neigh flush dev eth0
check "ping in IPv6, after neighbour discovery" in_ns client ping -q -c 2 -i 0.1 -W 2 -I "$STRANGER6" "$SERVER6"

background listen server python3 "$ROOT/tests/web_server.py" 8080
wait_for 5 in_ns server curl -sf -o /dev/null http://127.0.0.1:8080/
check "another port of the same address" in_ns client \
	curl -sS -o /dev/null --max-time 2 --interface "$STRANGER4" "http://$SERVER4:8080/"

background theirs client python3 "$ROOT/tests/web_server.py" 8081
wait_for 5 in_ns client curl -sf -o /dev/null http://127.0.0.1:8081/
check "the host's own connection to an unlisted one" in_ns server \
	curl -sS -o /dev/null --max-time 2 "http://$STRANGER4:8081/"
check "... in IPv6" in_ns server curl -sS -o /dev/null --max-time 2 "http://[$STRANGER6]:8081/"

cat >"$DIR/dhcp.py" <<'END'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
if sys.argv[1] == "offer":
    s.bind(("", 67))
    for _ in range(20):
        s.sendto(b"offer", ("255.255.255.255", 68))
else:
    s.bind(("", 68))
    s.settimeout(5)
    print("ready", flush=True)
    sys.exit(s.recv(16) != b"offer")
END
background dhcp server python3 "$DIR/dhcp.py" wait
waiter=$!
wait_for 5 grep -q ready "$DIR/dhcp.log"
in_ns client python3 "$DIR/dhcp.py" offer
check "a broadcast to the DHCP client's port" wait $waiter

check "what passed like this is counted as unmatched" test \
	"$(metric 'allowgate_interface_packets_total{interface="eth0",verdict="unmatched"}')" -gt 10
stopped "$STRANGER4"
finish
