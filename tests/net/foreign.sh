#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# An XDP program of somebody else is never removed: the daemon says which it is, and goes on without the interface.
. "$(dirname "$0")/../lib.sh"
command -v bpftool >/dev/null || skip_all "bpftool is not installed"
ag_init
two_hosts
cat >"$DIR/foreign.bpf.c" <<'END'
__attribute__((section("xdp"), used)) int foreign(void *ctx)
{
	return 2; /* XDP_PASS */
}
char _license[] __attribute__((section("license"), used)) = "GPL";
END
clang -target bpf -O2 -g -c "$DIR/foreign.bpf.c" -o "$DIR/foreign.o" || skip_all "clang cannot build a BPF program"
bpftool prog load "$DIR/foreign.o" "$DIR/bpf/foreign" type xdp || skip_all "cannot load a BPF program"
in_ns server bpftool net attach xdpdrv pinned "$DIR/bpf/foreign" dev eth0 || skip_all "cannot attach a program"

on_eth0()
{
	ip -n "$NS-server" -d link show dev eth0 | grep -o 'prog/xdp id [0-9]*'
}

before=$(on_eth0)
check "a foreign program is attached" test "$before"
check "the daemon starts without it" daemon_start
problem=$(ag --json interface attach eth0 2>&1 >/dev/null)
is "attaching over a foreign program is refused" "$(jq -r .code <<<"$problem")" kernel
check "... and its name is said" grep -q "'foreign'" <<<"$problem"
check "... its id" grep -q "(id ${before##* }, native" <<<"$problem"
check "... and who loaded it" grep -q "loaded by uid 0)" <<<"$problem"
is "... and it is still there" "$(on_eth0)" "$before"
refute "there is nothing of ours to detach" ag interface detach eth0
is "... and it is still there" "$(on_eth0)" "$before"
daemon_stop

daemon_run --interface eth0:native
sleep 1
is "commanded at start, it is left alone too" "$(on_eth0)" "$before"
kill -0 "$DAEMON_PID" 2>/dev/null && daemon_stop
check "--uninstall" uninstall
is "... leaves it" "$(on_eth0)" "$before"
finish
