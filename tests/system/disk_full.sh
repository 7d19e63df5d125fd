#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A commit that fails on a full disk changes nothing in the kernel; with room again, all goes on.
. "$(dirname "$0")/../lib.sh"
ag_init
ns_add server
mkdir "$DIR/small"
mount -t tmpfs -o size=1m tmpfs "$DIR/small" || skip_all "cannot mount a tmpfs"
STORE=$DIR/small/policy.db
check "the daemon starts" daemon_start
check "an account" acme
check "its list" ada allow add acme "$ADA" 203.0.113.0/24

kernel()
{
	local one
	for one in "$ADA" 203.0.113.7 10.0.0.1 10.0.3.1; do
		ag --json check acme "$one" | jq -r '[.verdict, .kernel] | join(" ")'
	done
	api GET /v1/status | jq '[.generation, .kernel_generation, .drift]'
}

{
	echo "$ADA"
	seq 0 19999 | awk '{ printf "10.%d.%d.%d # %s\n", $1 / 65536, $1 / 256 % 256, $1 % 256, "a note that takes some room in the store" }'
} >"$DIR/large"
before=$(kernel)
dd if=/dev/zero of="$DIR/small/filler" bs=4k 2>/dev/null
problem=$(ada --json allow replace acme "$DIR/large" 2>&1 >/dev/null)
is "a change on a full disk is refused" "$(jq -r .code <<<"$problem")" store
is "... and the kernel is as it was" "$(kernel)" "$before"
check "the daemon is alive, and agrees with itself" test "$(ag --json status | jq -r .drift)" = 0
rm "$DIR/small/filler"
check "with room again a change is accepted" ada allow add acme 10.0.0.0/24
is "... and in force" "$(ag --json check acme 10.0.0.1 | jq -r .kernel)" allowed
finish
