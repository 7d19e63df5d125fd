#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# doctor: what it finds on veth pairs that are well, too few queues, somebody else's program, and no store; that it
# changes nothing; and its exit status.
. "$(dirname "$0")/../lib.sh"
ag_init
two_hosts
wire server eth1 client eth1
# Both ends here: one receives on fewer queues than the other sends on.
ip -n "$NS-server" link add few numrxqueues 1 numtxqueues 1 type veth peer name many numrxqueues 4 numtxqueues 4
ip -n "$NS-server" link set few up
ip -n "$NS-server" link set many up
ip -n "$NS-client" link set eth1 mtu 3000
check "another program on eth1" xdp_pass server eth1

# finding CHECK [IFACE]: its state; the first one's.
finding()
{
	ag --json doctor ${2:+"$2"} 2>/dev/null | jq -r --arg check "$1" --arg iface "${2:-}" \
		'[.items[] | select(.check == $check and (.interface // "") == $iface)][0].state // "none"'
}

detail()
{
	ag --json doctor "$2" 2>/dev/null | jq -r --arg check "$1" '[.items[] | select(.check == $check)][0] | .detail + "; " + .advice'
}

state_of_links()
{
	in_ns server ip -d link show | sed 's/ qlen.*//'
	in_ns server ethtool -l few 2>/dev/null
}

check "the daemon starts, without an interface" daemon_start
before=$(state_of_links)
is "the kernel is well" "$(finding kernel)" ok
is "the bpf file system" "$(finding bpffs)" ok
is "rights" "$(finding rights)" ok
is "the store" "$(finding store)" ok
is "nobody says where admins are" "$(finding origin)" warn
is "a veth pair that is well: driver" "$(finding driver eth0)" ok
is "... MTU" "$(finding mtu eth0)" ok
is "... queues" "$(finding queues eth0)" ok
is "... no program" "$(finding program eth0)" ok
ag doctor eth0 >/dev/null
is "warnings leave the exit status 0" $? 0
check "of one interface no other is told" test "$(ag --json doctor eth0 | jq -r '[.items[].interface | values] | unique | join(",")')" = eth0
is "somebody else's program fails" "$(finding program eth1)" fail
check "... by its name and id" grep -qE "'[a-z_]+' \(id [0-9]+\).*xdp off" <(detail program eth1)
check "the MTU of the other end is what is looked at" grep -q '^3000 at its other end' <(detail mtu eth1)
ag doctor eth1 >"$DIR/said" 2>"$DIR/why"
is "a failure is exit status 1" $? 1
check "... which is said in one line" grep -qE '^allowgate: doctor eth1: 1 of [0-9]+ checks failed' "$DIR/why"
check "... after the findings, with what to do" grep -q 'xdp off' "$DIR/said"
is "too few queues" "$(finding queues few)" warn
check "... and how many it takes" grep -q 'ethtool -L few rx 4' <(detail queues few)
is "native XDP is refused as it is" "$(finding driver few)" warn
check "which attaching finds too" grep -q 'too few receive queues' <(ag interface attach few)
ag --quiet interface detach few
is "an interface that is not there" "$(finding link eth9)" fail
ag --quiet doctor eth9 >/dev/null 2>&1
is "... exit status 1" $? 1
is "without a name: all but the loopback" \
	"$(ag --json doctor 2>/dev/null | jq -r '[.items[].interface | values] | unique | join(",")')" eth0,eth1,few,many
is "it changed nothing" "$(state_of_links)" "$before"
check "attach" ag interface attach eth0
is "ours is none of somebody else's" "$(finding program eth0)" ok
check "an account" acme
refused forbidden 4 "who is no operator may not ask" --as ada --origin "$ADA" doctor
is "a panic is to be known" "$(ag --quiet panic --reason test && finding panic)" warn
ag --quiet panic --off
daemon_stop
mv "$STORE" "$DIR/away.db"
check "it starts without its store" daemon_start
is "... and doctor says so" "$(finding store)" fail
finish
