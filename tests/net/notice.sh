#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A stranger's connection is handed to the notice server and answered from the port that it was made to, while those who
# are listed reach the application; native and generic, IPv4 and IPv6.
. "$(dirname "$0")/../lib.sh"
ag_init
two_hosts
web_start
mkdir "$DIR/notice"
echo "unauthorized location" >"$DIR/notice/index.html"
head -c 200000 /dev/zero | tr '\0' n >"$DIR/notice/large"
background notice server python3 "$ROOT/tests/web_server.py" 8080 "$DIR/notice"
background tls server python3 "$ROOT/tests/web_server.py" 443 "$DIR/www"
for port in 443 8080; do
	wait_for 5 in_ns server curl -sf --max-time 1 -o /dev/null "http://127.0.0.1:$port/"
done

# page FROM PORT [PATH]: what is served there, or curl's exit status: 28 is no answer.
page()
{
	local host=$SERVER4
	case $1 in *:*) host="[$SERVER6]" ;; esac
	in_ns client curl -sf --connect-timeout 0.7 --max-time 5 --interface "$1" "http://$host:$2/${3:-}" || echo $?
}

size()
{
	page "$1" "$2" large | wc -c
}

# Many at a time, to both ports: all must be answered. Prints how many were.
crowd()
{
	for _ in $(seq 40); do
		page "$STRANGER4" 80 &
		page "$STRANGER6" 80 &
		page "$STRANGER4" 443 &
	done | grep -c unauthorized
	wait
}

notices()
{
	local before
	before=$(packets redirected)
	is "$1: the notice on port 80" "$(page "$STRANGER4" 80)" "unauthorized location"
	is "$1: ... in IPv6" "$(page "$STRANGER6" 80)" "unauthorized location"
	is "$1: the same server on port 443" "$(page "$STRANGER4" 443)" "unauthorized location"
	is "$1: a long page" "$(size "$STRANGER4" 443)" 200000
	is "$1: ... in IPv6" "$(size "$STRANGER6" 80)" 200000
	is "$1: many at a time" "$(crowd)" 120
	is "$1: the listed reach the application" "$(page "$LISTED4" 80)" hello
	is "$1: ... on port 443" "$(page "$LISTED4" 443)" hello
	is "$1: ... in IPv6" "$(page "$LISTED6" 80)" hello
	is "$1: the notice server's own port is closed" "$(page "$STRANGER4" 8080)" 28
	is "$1: ... in IPv6" "$(page "$STRANGER6" 8080)" 28
	is "$1: ... for the listed too" "$(page "$LISTED4" 8080)" 28
	check "$1: listed now" ada --quiet allow add acme "$STRANGER4"
	is "$1: the next connection reaches the application" "$(page "$STRANGER4" 80)" hello
	check "$1: and not any more" ada --quiet allow remove acme "$STRANGER4"
	is "$1: then it is the notice again" "$(page "$STRANGER4" 80)" "unauthorized location"
	check "$1: counted as redirected" test "$(packets redirected)" -ge $((before + 500))
}

check "the daemon starts" daemon_start --interface eth0:native
check "an account" acme
check "another port" ag --quiet service add acme "$SERVER4:443/tcp" "$SERVER4:any/icmp"
check "its list" ada allow add acme "$ADA" "$LISTED4" "$LISTED6"
is "without a notice there is no answer" "$(page "$STRANGER4" 80)" 28
check "it gives notice" ag account set acme --on-deny notice:8080
notices native
refute "what is not TCP is dropped" in_ns client ping -q -c 1 -W 1 -I "$STRANGER4" "$SERVER4"
check "... and counted as denied" test "$(packets denied)" -gt 0
check "detach" ag interface detach eth0
check "attach, generic" ag interface attach eth0 --mode generic
notices generic
check "a notice server that is not there" ag account set acme --on-deny notice:8099
is "... refuses, from the service's port" "$(page "$STRANGER4" 80)" 7
is "... in IPv6" "$(page "$STRANGER6" 80)" 7
is "... and the port of the one before is no longer closed" "$(page "$LISTED4" 8080)" "unauthorized location"
check "back to the one that is" ag account set acme --on-deny notice:8080
daemon_kill
is "it needs no daemon" "$(page "$STRANGER4" 443)" "unauthorized location"
check "the daemon starts again" daemon_start
check "it drops" ag account set acme --on-deny drop
is "then there is no answer" "$(page "$STRANGER4" 80)" 28
is "and what is on port 8080 is the host's own business" "$(page "$STRANGER4" 8080)" "unauthorized location"
finish
