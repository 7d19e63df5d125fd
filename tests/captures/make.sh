#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make.sh - makes the captures beside it anew (root; tcpdump, python3, ping). Nothing calls it: what tests/net/captures.sh
# replays is what was captured once, frame by frame as it stands in the *.expected files.
#
# "client" - "router" - "server", all of the same kernel, in network namespaces of their own; captured is all that passes the
# server's eth0, in both directions. Losses and small MTUs are made on the router. Tagged frames are made by hand
# (tests/frames.py), as not every kernel has VLAN devices.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here"
ns=ag-captures-$$
SERVER4=192.0.2.10 SERVER6=2001:db8:10::10
LISTED4=203.0.113.7 LISTED6=2001:db8:b::7 STRANGER4=203.0.113.200 STRANGER6=2001:db8:c::66

in_ns()
{
	local name=$1
	shift
	ip netns exec "$ns-$name" "$@"
}

cleanup()
{
	local name
	for name in server router client; do
		ip netns pids "$ns-$name" | xargs -r kill
		ip netns delete "$ns-$name"
	done
}

for name in server router client; do
	ip netns add "$ns-$name"
	ip -n "$ns-$name" link set lo up
	in_ns $name sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.router_solicitations=0
done
trap cleanup EXIT
ip link add eth0 netns "$ns-server" address 02:00:00:00:00:10 type veth peer name eth0 netns "$ns-router" address 02:00:00:00:00:01
ip link add eth0 netns "$ns-client" address 02:00:00:00:00:07 type veth peer name eth1 netns "$ns-router" address 02:00:00:00:00:02
# Frames as they are on a wire: segments are cut and checksums made before they are seen.
for name in server client; do
	in_ns $name ethtool -K eth0 tx off tso off gso off gro off >/dev/null
done
for dev in eth0 eth1; do
	in_ns router ethtool -K $dev tx off tso off gso off gro off >/dev/null
done
in_ns router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
ip -n "$ns-router" addr add 192.0.2.1/24 dev eth0
ip -n "$ns-router" addr add 2001:db8:10::1/64 dev eth0 nodad
ip -n "$ns-router" addr add 198.51.100.1/24 dev eth1
ip -n "$ns-router" addr add 2001:db8:77::1/64 dev eth1 nodad
ip -n "$ns-server" addr add $SERVER4/24 dev eth0
ip -n "$ns-server" addr add $SERVER6/64 dev eth0 nodad
for address in 198.51.100.2/24 $LISTED4/32 $STRANGER4/32; do
	ip -n "$ns-client" addr add "$address" dev eth0
done
for address in 2001:db8:77::2/64 $LISTED6/128 $STRANGER6/128; do
	ip -n "$ns-client" addr add "$address" dev eth0 nodad
done
ip -n "$ns-router" link set eth0 up
ip -n "$ns-router" link set eth1 up
ip -n "$ns-client" link set eth0 up

ip -n "$ns-router" route add 203.0.113.0/24 via 198.51.100.2
for prefix in 2001:db8:b::/64 2001:db8:c::/64; do
	ip -n "$ns-router" -6 route add $prefix via 2001:db8:77::2
done
ip -n "$ns-client" route add default via 198.51.100.1
ip -n "$ns-client" -6 route add default via 2001:db8:77::1

capture()
{
	ip netns exec "$ns-server" tcpdump -q -Z root -i eth0 -s 0 -U -w "$1.pcap" 2>/dev/null &
	CAPTURE=$!
	sleep 1
}

captured()
{
	sleep 1
	kill $CAPTURE
	wait $CAPTURE || true
}

server_up()
{
	ip -n "$ns-server" link set eth0 up
	ip -n "$ns-server" route replace default via 192.0.2.1
	ip -n "$ns-server" -6 route replace default via 2001:db8:10::1
}

# get SOURCE DEST: asks the server for 4,000 bytes.
get()
{
	in_ns client python3 -c '
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
s = socket.socket(family)
s.bind((sys.argv[1], 0))
s.settimeout(10)
s.connect((sys.argv[2], 80))
s.sendall(b"GET / HTTP/1.0\r\n\r\n")
while s.recv(65536):
    pass' "$1" "$2" || true
}

# The server's side: TCP port 80 sends 4,000 bytes, UDP port 53 as many as it was sent.
serve()
{
	in_ns server python3 -c '
import select, socket
tcp = socket.create_server(("::", 80), family=socket.AF_INET6, dualstack_ipv6=True)
udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
udp.bind(("::", 53))
while True:
    for ready in select.select([tcp, udp], [], [])[0]:
        if ready is udp:
            data, peer = udp.recvfrom(65536)
            udp.sendto(data, peer)
        else:
            one = ready.accept()[0]
            one.recv(4096)
            one.sendall(b"x" * 4000)
            one.close()' &
	sleep 1
}

serve
server_up
sleep 2

capture tcp-retransmission
(
	sleep 0.05
	ip -n "$ns-router" route add blackhole $LISTED4/32
	sleep 1.2
	ip -n "$ns-router" route delete blackhole $LISTED4/32
) &
get $LISTED4 $SERVER4
get $STRANGER4 $SERVER4
captured

capture icmp-echo
in_ns client ping -q -c 2 -i 0.2 -I $LISTED4 $SERVER4 >/dev/null
in_ns client ping -q -c 2 -i 0.2 -I $STRANGER4 $SERVER4 >/dev/null
in_ns client ping -q -c 2 -i 0.2 -I $LISTED6 $SERVER6 >/dev/null
in_ns client ping -q -c 2 -i 0.2 -I $STRANGER6 $SERVER6 >/dev/null
captured

ip -n "$ns-router" link set eth1 mtu 1300
capture path-mtu
get $LISTED4 $SERVER4
get $LISTED6 $SERVER6
captured
ip -n "$ns-router" link set eth1 mtu 1500

# The server's link comes up while it is captured: neighbour discovery, MLD, and DNS questions so large that they are in fragments.
capture ipv6-dns
ip -n "$ns-server" link set eth0 down
ip -n "$ns-server" link set eth0 up
ip -n "$ns-server" addr add $SERVER6/64 dev eth0 nodad
server_up
sleep 2
for source in $LISTED6 $STRANGER6; do
	in_ns client python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 40053))
s.settimeout(2)
s.sendto(b"q" * 3000, (sys.argv[2], 53))
s.recv(65536)' "$source" $SERVER6
done
captured

capture vlan
in_ns router python3 "$here/../frames.py" send eth0 02:00:00:00:00:10 1 $SERVER4 80 listed::$LISTED4 listed:100:$LISTED4 stranger:100:$STRANGER4 \
	listed:0:$LISTED4 "listed:88a8.200,8100.300:$LISTED4" "stranger:88a8.200,8100.300:$STRANGER4" "listed:88a8.1,8100.2,8100.3:$LISTED4" "listed:9100.1:$LISTED4"
in_ns router python3 "$here/../frames.py" send eth0 02:00:00:00:00:10 1 $SERVER6 80 listed6:100:$LISTED6 stranger6:100:$STRANGER6 \
	"listed6:88a8.200,8100.300:$LISTED6" "stranger6:88a8.200,8100.300:$STRANGER6"
captured
