#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Captures replayed: what ag-run says of each frame, under a policy that the daemon has put into the kernel, is what stands
# beside the capture (tests/captures/*.expected, a line a frame). The daemon need not run for it, and nothing is counted.
. "$(dirname "$0")/../lib.sh"
ag_init
ns_add server
CAPTURES=$ROOT/tests/captures
[ -x "$BUILD/ag-run" ] || die "$BUILD/ag-run is not built"

replay()
{
	"$BUILD/ag-run" --pin-dir "$PINS" "$@"
}

check "the daemon starts" daemon_start
check "an account" acme
check "more services" ag service add acme "$SERVER4:any/icmp" "[$SERVER6]:any/icmp" "[$SERVER6]:53/udp"

arp=ffffffffffff0200000000010806000108000604000102000000000ac0000201000000000000c000020a
syn=02000000001002000000000108004500002812340000400600000a000001c000020a9c400050000000010000000050020400000000
is "a frame in hexadecimal digits" "$(replay --frame $arp | cut -f 2,3)" "not_judged	passes"
is "to an account that is not active" "$(replay --frame "${syn}00" | cut -f 2,3)" "open	passes"
is "as JSON" "$(replay --json --frame "${syn}00" | jq -r '"\(.frame) \(.verdict) \(.passes) \(.source) \(.destination)"')" \
	"1 open true 10.0.0.1 $SERVER4"

check "a list" ada allow add acme "$ADA" "$LISTED4" "$LISTED6"
is "the same frame then" "$(replay --frame "${syn}00" | cut -f 2,3)" "denied	stopped"
daemon_kill
for expected in "$CAPTURES"/*.expected; do
	name=$(basename "$expected" .expected)
	replay --pcap "$CAPTURES/$name.pcap" | cut -f 1-3,5,6 >"$DIR/said"
	check "$name: $(wc -l <"$expected") frames" diff "$DIR/said" "$expected"
done
check "there are captures" test "$(find "$CAPTURES" -name '*.expected' | wc -l)" -eq "$(find "$CAPTURES" -name '*.pcap' | wc -l)"

check "the daemon starts again" daemon_start
is "nothing was counted" "$(scrape | grep -c '^allowgate_packets_total\|^allowgate_interface_packets_total')" 0

head -c 1000 "$CAPTURES/vlan.pcap" >"$DIR/cut.pcap"
refute "a capture that ends within a frame" replay --pcap "$DIR/cut.pcap"
is "... is said to" "$(replay --pcap "$DIR/cut.pcap" 2>&1 >/dev/null | grep -o 'ends within a frame')" "ends within a frame"
refute "what is no capture" replay --pcap "$0"
refute "half a byte" replay --frame 123
refute "neither frame nor capture" replay
refute "a pin directory without maps" replay --pin-dir "$DIR" --frame "${syn}00"
is "... is said to have none" "$(replay --pin-dir "$DIR" --frame "${syn}00" 2>&1 | grep -o 'no maps of this version')" "no maps of this version"
finish
