#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Path MTU discovery to a protected service: the hop before the client is narrow, and the router that says so is on no
# list. All else that the router sends is stopped; so are errors that quote nothing that left from here.
. "$(dirname "$0")/../lib.sh"
ag_init
ROUTER4=192.0.2.1
ROUTER6=2001:db8:10::1
ns_add server router client
wire server eth0 router eth0
wire router eth1 client eth0
addresses server eth0 $SERVER4/24 $SERVER6/64
addresses router eth0 $ROUTER4/24 $ROUTER6/64
addresses router eth1 198.18.0.1/24 fd00:18::1/64
addresses client eth0 198.18.0.2/24 fd00:18::2/64 $LISTED4/32 $LISTED6/128
ip -n "$NS-router" link set eth1 mtu 1280 # the client's own is 1500, so it asks for full segments
in_ns router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
ip -n "$NS-server" route add default via $ROUTER4
ip -n "$NS-server" -6 route add default via $ROUTER6
ip -n "$NS-client" route add default via 198.18.0.1
ip -n "$NS-client" -6 route add default via fd00:18::1
ip -n "$NS-router" route add $LISTED4/32 via 198.18.0.2
ip -n "$NS-router" -6 route add $LISTED6/128 via fd00:18::2
web_start
head -c 300000 /dev/zero | tr '\0' x >"$DIR/www/large"

# forge.py SOURCE DEST QUOTED-SOURCE QUOTED-PORT: "fragmentation needed" or "packet too big", ten times.
cat >"$DIR/forge.py" <<'END'
import socket, struct, sys
source, dest, quoted, port = sys.argv[1:]
tcp = struct.pack("!HHI", int(port), 40000, 1) + bytes(12)
if ":" in dest:
    pack = lambda a: socket.inet_pton(socket.AF_INET6, a)
    ip = struct.pack("!IHBB", 6 << 28, len(tcp), 6, 64) + pack(quoted) + pack(source)
    s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    data = struct.pack("!BBHI", 2, 0, 0, 1280) + ip + tcp
else:
    pack = socket.inet_aton
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 40, 1, 0x4000, 64, 6, 0) + pack(quoted) + pack(source)
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    data = struct.pack("!BBHHH", 3, 4, 0, 0, 1280) + ip + tcp
s.bind((source, 0))
for _ in range(10):
    s.sendto(data, (dest, 0))
END

forge()
{
	in_ns router python3 "$DIR/forge.py" "$@"
}

errors()
{
	metric 'allowgate_interface_packets_total{interface="eth0",verdict="icmp_error"}'
}

# fetch FROM: bytes of the large page
fetch()
{
	local host=$SERVER4
	case $1 in *:*) host="[$SERVER6]" ;; esac
	in_ns client curl -sf --connect-timeout 2 --max-time 8 --interface "$1" "http://$host/large" | wc -c
}

# What the server has learnt of the path.
learnt()
{
	ip -n "$NS-server" route get "$1" | grep -oE 'mtu [0-9]+'
}

discovers()
{
	local before
	ip -n "$NS-server" route flush cache
	ip -n "$NS-server" -6 route flush cache
	before=$(errors)
	is "$1: a large page over the narrow hop" "$(fetch "$LISTED4")" 300000
	is "$1: ... by what the router said" "$(learnt "$LISTED4")" "mtu 1280"
	is "$1: ... in IPv6" "$(fetch "$LISTED6")" 300000
	is "$1: ... by what the router said" "$(learnt "$LISTED6")" "mtu 1280"
	check "$1: counted as icmp_error" test "$(errors)" -ge $((before + 2))
	refute "$1: the router's ping is stopped" in_ns router ping -q -c 1 -W 1 "$SERVER4"
	refute "$1: ... in IPv6" in_ns router ping -q -c 1 -W 1 "$SERVER6"
}

# forged WHAT PASSED SOURCE DEST QUOTED-SOURCE QUOTED-PORT: how many of ten are taken for an error about a service.
forged()
{
	local before what=$1 passed=$2
	shift 2
	before=$(errors)
	forge "$@"
	sleep 0.1
	is "$what" "$(($(errors) - before))" "$passed"
}

check "the daemon starts" daemon_start --interface eth0:native
check "an account" acme
check "ICMP is a service too" ag --quiet service add acme "$SERVER4:any/icmp" "[$SERVER6]:any/icmp"
check "its list" ada allow add acme "$ADA" "$LISTED4" "$LISTED6"
discovers native
forged "an error that quotes the service's flow passes" 10 $ROUTER4 $SERVER4 $SERVER4 80
forged "... in IPv6" 10 $ROUTER6 $SERVER6 $SERVER6 80
denied=$(packets denied)
forged "an error that quotes another port does not" 0 $ROUTER4 $SERVER4 $SERVER4 81
forged "... in IPv6" 0 $ROUTER6 $SERVER6 $SERVER6 81
forged "an error that quotes another host does not" 0 $ROUTER4 $SERVER4 192.0.2.11 80
forged "... in IPv6" 0 $ROUTER6 $SERVER6 2001:db8:10::11 80
is "they are stopped as plain ICMP" "$(packets denied)" $((denied + 40))
check "detach" ag interface detach eth0
check "attach, generic" ag interface attach eth0 --mode generic
discovers generic
finish
