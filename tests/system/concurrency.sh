#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Sixteen admins of one account at once: their changes come in one order, nobody is locked out, no change is lost, and
# the kernel holds what the store does. AG_OPERATIONS: of each, 1000.
. "$(dirname "$0")/../lib.sh"
ADMINS=16
ag_init
ns_add server
check "the daemon starts" daemon_start
check "an account, an admin, a delegate" acme

list=()
for ((i = 1; i <= ADMINS; i++)); do
	ag --quiet user add "admin$i"
	ag --quiet role grant acme "admin$i" admin
	list+=("198.51.100.$i")
done
check "the account is closed, with all of them in" ag --as admin1 --origin 198.51.100.1 allow add acme "${list[@]}"
check "$ADMINS admins, ${AG_OPERATIONS:-1000} operations each, in one order" \
	python3 "$ROOT/tests/system/concurrency.py" "$SOCKET" $ADMINS "${AG_OPERATIONS:-1000}"
sed 's/^/# /' "$DIR/output"
for ((i = 1; i <= ADMINS; i++)); do
	ag check acme "198.51.100.$i" >/dev/null 2>&1 || break
done
is "nobody is locked out" $i $((ADMINS + 1))
is "kernel and store agree" "$(ag --json status | jq -c '[.drift, .generation == .kernel_generation, .state]')" '[0,true,"ok"]'
check "the audit log is whole" ag audit verify
daemon_kill
check "killed, and started again" daemon_start
is "... they agree still" "$(ag --json status | jq .drift)" 0
finish
