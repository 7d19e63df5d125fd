#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A store that is absent, empty, corrupt, older, another or full never opens an account: the filter stays, changes
# are refused, and status, metric and log say so.
. "$(dirname "$0")/../lib.sh"
ag_init
two_hosts
web_start
check "the daemon starts" daemon_start --interface eth0:native
check "an account" acme
check "its list" ada allow add acme "$ADA" "$LISTED4"
stopped "$STRANGER4"

# A second daemon on the same store.
background rival server "$AG_BIN/allowgated" --config "$CONFIG" --store "$STORE" --socket "$DIR/rival.sock" \
	--pin-dir "$DIR/bpf/rival" --metrics off "${SOCKET_GROUP[@]}"
rival=$!
wait_for 5 grep -qiE 'store|policy\.db' "$DIR/rival.log"
sleep 0.2
answer=$(curl -s --unix-socket "$DIR/rival.sock" http://a/v1/status 2>/dev/null | jq -r .state)
check "a second daemon on the same store does not get it" test "$answer" != ok
kill -KILL $rival 2>/dev/null
wait $rival 2>/dev/null
is "... and the first goes on" "$(ag --json status | jq -r .state)" ok
daemon_stop
cp "$STORE" "$DIR/good.db"

# degraded WHAT [OPTION...]: started over this store, nothing is opened and nothing can be changed.
degraded()
{
	check "$1: the daemon starts" daemon_start --interface eth0:native "${@:2}"
	is "$1: status says degraded" "$(ag --json status | jq -r .state)" degraded
	check "$1: and why" test -n "$(ag --json status | jq -r '.reason // ""')"
	is "$1: the metric says so" "$(metric allowgate_up)" 0
	is "$1: a change is refused" "$(api_status POST /v1/accounts -d '{"name": "new"}')" "503 store"
	stopped "$STRANGER4"
	served "$LISTED4"
	daemon_stop
	stopped "$STRANGER4"
	[[ $1 != absent* ]] || refute "$1: no empty one is made in its place" test -e "$STORE"
	rm -f "$STORE" "$STORE"-wal "$STORE"-shm
}

rm -f "$STORE" "$STORE"-wal "$STORE"-shm
degraded absent
# Other limits make other maps, which are empty: that must not look like the very first start.
degraded "absent, with other limits" --max-accounts 2000
: >"$STORE"
degraded empty
head -c 20000 /dev/urandom >"$STORE"
degraded "no database"
cp "$DIR/good.db" "$STORE"
dd if=/dev/urandom of="$STORE" bs=1 seek=100 count=3000 conv=notrunc status=none
degraded corrupt
cp "$DIR/good.db" "$STORE"
sqlite3 "$STORE" 'DELETE FROM entries' 2>/dev/null || not_ok "cannot edit the store"
degraded "edited by hand"
cp "$DIR/good.db" "$STORE"
sqlite3 "$STORE" 'PRAGMA user_version = 9999' >/dev/null
degraded "of a newer version"
mkdir "$DIR/other"
background other server "$AG_BIN/allowgated" --config "$CONFIG" --store "$DIR/other/policy.db" \
	--socket "$DIR/other/sock" --pin-dir "$DIR/bpf/other" --metrics off "${SOCKET_GROUP[@]}"
other=$!
wait_for 5 test -S "$DIR/other/sock"
kill -TERM $other
wait $other 2>/dev/null
cp "$DIR/other/policy.db" "$STORE"
degraded "of another host"

cp "$DIR/good.db" "$STORE"
check "other limits over a good store: the daemon starts" daemon_start --interface eth0:native --max-accounts 2000
is "... and all is well" "$(ag --json status | jq -r '.state, .drift' | xargs)" "ok 0"
stopped "$STRANGER4"
served "$LISTED4"
is "... in maps of their own alone" "$(cd "$PINS" 2>/dev/null && echo maps-*)" "maps-4-2000-100000-100000"
daemon_stop

# What was removed comes back: an older copy is refused too, unless an operator insists.
cp "$DIR/good.db" "$STORE"
check "the good store again: the daemon starts" daemon_start --interface eth0:native
is "... and all is well" "$(ag --json status | jq -r .state)" ok
is "... the metric says so" "$(metric allowgate_up)" 1
check "a change" ada allow add acme 203.0.113.77
daemon_stop
rm -f "$STORE"-wal "$STORE"-shm
cp "$DIR/good.db" "$STORE"
check "an older copy: the daemon starts" daemon_start --interface eth0:native
is "... status says degraded" "$(ag --json status | jq -r .state)" degraded
refute "reload alone does not take it" ag reload
check "reload --force does" ag --force reload
is "... and all is well" "$(ag --json status | jq -r '.state, .drift' | xargs)" "ok 0"
stopped "$STRANGER4"
served "$LISTED4"
finish
