#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a stranger's own stack makes of the answers of `reject`: errors at once, native and generic, IPv4 and IPv6.
. "$(dirname "$0")/../lib.sh"
ag_init
two_hosts
web_start

# probe.py KIND FROM TO PORT: the error that a program gets within two seconds, by its name, or "timeout".
cat >"$DIR/probe.py" <<'END'
import errno, socket, sys
kind, source, dest, port = sys.argv[1:]
family = socket.AF_INET6 if ":" in dest else socket.AF_INET
s = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
s.settimeout(2)
s.bind((source, 0))
try:
    s.connect((dest, int(port)))
    if kind == "udp":
        s.send(b"x" * 700)
        s.recv(1)
    print("connected")
except socket.timeout:
    print("timeout")
except OSError as e:
    print(errno.errorcode[e.errno])
END

# A connection that is open while its source is taken off the list: what its next bytes come to.
cat >"$DIR/hold.py" <<'END'
import errno, os, socket, sys, time
source, dest, go = sys.argv[1:]
family = socket.AF_INET6 if ":" in dest else socket.AF_INET
s = socket.create_connection((dest, 80), 2, (source, 0))
print("connected", flush=True)
while not os.path.exists(go):
    time.sleep(0.02)
s.settimeout(2)
try:
    s.send(b"GET / HTTP/1.0\r\n\r\n")
    print(len(s.recv(1000)))
except socket.timeout:
    print("timeout")
except OSError as e:
    print(errno.errorcode[e.errno])
END

probe()
{
	in_ns client python3 "$DIR/probe.py" "$@"
}

pinged()
{
	in_ns client ping -n -c 1 -W 2 -I "$1" "$2" 2>&1 | grep -oE 'Packet filtered|Administratively prohibited'
}

held()
{
	rm -f "$DIR/go" "$DIR/hold.log"
	background hold client python3 "$DIR/hold.py" "$1" "$2" "$DIR/go"
	local holder=$!
	wait_for 5 grep -q connected "$DIR/hold.log"
	ada --quiet allow remove acme "$1"
	touch "$DIR/go"
	wait "$holder"
	tail -n 1 "$DIR/hold.log"
	ada --quiet allow add acme "$1"
}

answers()
{
	local before
	before=$(packets rejected)
	is "$1: TCP is refused at once" "$(probe tcp "$STRANGER4" "$SERVER4" 80)" ECONNREFUSED
	is "$1: ... in IPv6" "$(probe tcp "$STRANGER6" "$SERVER6" 80)" ECONNREFUSED
	is "$1: a datagram comes back as unreachable" "$(probe udp "$STRANGER4" "$SERVER4" 5000)" EHOSTUNREACH
	is "$1: ... in IPv6 as prohibited" "$(probe udp "$STRANGER6" "$SERVER6" 5000)" EACCES
	is "$1: ping is told" "$(pinged "$STRANGER4" "$SERVER4")" "Packet filtered"
	is "$1: ... in IPv6" "$(pinged "$STRANGER6" "$SERVER6")" "Administratively prohibited"
	is "$1: a connection is reset when its source is taken off the list" "$(held "$LISTED4" "$SERVER4")" ECONNRESET
	is "$1: ... in IPv6" "$(held "$LISTED6" "$SERVER6")" ECONNRESET
	check "$1: counted as rejected" test "$(packets rejected)" -ge $((before + 8))
	served "$LISTED4"
	served "$LISTED6"
}

check "a program at the client's end" xdp_pass client eth0
check "the daemon starts" daemon_start --interface eth0:native
check "an account" acme
check "its service is the whole address" ag --quiet service add acme "$SERVER4" "$SERVER6"
check "its list" ada allow add acme "$ADA" "$LISTED4" "$LISTED6"
is "without reject there is no answer" "$(probe tcp "$STRANGER4" "$SERVER4" 80)" timeout
check "it rejects" ag account set acme --on-deny reject
denied=$(packets denied)
answers native
check "detach" ag interface detach eth0
check "attach, generic" ag interface attach eth0 --mode generic
answers generic
is "nothing was dropped all this while" "$(packets denied)" "$denied"
check "it drops again" ag account set acme --on-deny drop
is "then there is no answer" "$(probe udp "$STRANGER4" "$SERVER4" 5000)" timeout
finish
