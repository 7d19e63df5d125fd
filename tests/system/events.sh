#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What happens, followed: stopped packets and changes, by whom they may be, until interrupted, killed, or the right to
# is taken away; and a reader that does not read, under a flood.
. "$(dirname "$0")/../lib.sh"
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:quarantine_size_mb=1 # what is freed is to be seen to be
ag_init
two_hosts
check "the daemon starts" daemon_start --interface eth0 --denied off
check "an account, an admin, a delegate" acme
ag --quiet user add vera
ag --quiet role grant acme vera viewer
ag --quiet user add nobody
ag --quiet account add other
check "the account is closed" ada --quiet allow add acme "$ADA" $LISTED4

# follow NAME OPTION...: in the background, its output in $DIR/NAME; its pid is FOLLOWER.
follow()
{
	local name=$1
	shift
	# A background command of a script ignores SIGINT, unless somebody says otherwise.
	python3 -c 'import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])' \
		"$AG_CLI" --socket "$SOCKET" "$@" >"$DIR/$name" 2>"$DIR/$name.err" &
	FOLLOWER=$!
	PIDS+=("$FOLLOWER")
}

shows()
{
	grep -qE -- "$2" "$DIR/$1" 2>/dev/null
}

# Until it follows: it is shown what is refused.
follows()
{
	local end=$((SECONDS + 10))
	until shows "$1" 'would_'; do
		[ $SECONDS -lt $end ] || return 1
		ada allow remove acme "$ADA" $LISTED4 >/dev/null 2>&1
		sleep 0.1
	done
}

follow all events
ALL=$FOLLOWER
follow acme --json events acme
ACME=$FOLLOWER
follow vera --as vera events acme
VERA=$FOLLOWER
for name in all acme vera; do
	check "$name follows" follows $name
done
web_start
stopped $STRANGER4
stopped $STRANGER6
for name in all acme vera; do
	check "$name is told of the stopped source" wait_for 5 shows $name "denied.*$STRANGER4"
	check "... of both families" wait_for 5 shows $name "denied.*$STRANGER6"
done
check "as a line" shows all "^20[0-9-]+T[0-9:]+Z denied acme $STRANGER4 -> $SERVER4:80/tcp$"
is "or as a document a line" "$(grep '"denied"' "$DIR/acme" | head -n 1 | jq -r '[.event, .account, .source, .dest, .service] | join(" ")')" \
	"denied acme $STRANGER4/32 $SERVER4 $SERVER4:80/tcp"
ada --quiet allow add acme 198.51.100.77
check "a change is told" wait_for 5 shows all "change acme ada from $ADA: allow add: done"
check "... to who follows the account" wait_for 5 shows acme '"action":"allow add".*"outcome":"done"'
ag --quiet account set other --label x
check "a change of another account is told to operators" wait_for 5 shows all "change other .*account set: done"
is "... and to nobody else" "$(grep -c other "$DIR/acme" "$DIR/vera" | cut -d: -f2 | xargs)" "0 0"

# Who may.
refute "a viewer may not follow all" timeout 5 "$AG_CLI" --socket "$SOCKET" --as vera events
is "a nobody none" "$(api_status GET '/v1/events?account=acme' -H 'Allowgate-On-Behalf-Of: nobody')" "403 forbidden"
is "which looks like an account that is not there" "$(api_status GET '/v1/events?account=absent' -H 'Allowgate-On-Behalf-Of: nobody')" "403 forbidden"
is "an operator hears that it is not there" "$(api_status GET '/v1/events?account=absent')" "404 not_found"
ag --quiet role revoke acme vera
wait "$VERA"
is "who loses the right is let go: exit 4" $? 4
is "... with the reason, in one line" "$(grep -c '^allowgate: events acme: .*needs the role' "$DIR/vera.err")" 1
is "... and is not told of what took it" "$(grep -c 'role revoke' "$DIR/vera")" 0

# Interrupted, and killed.
kill -INT "$ACME"
wait "$ACME"
is "interrupted it ends with 0" $? 0
follow killed events
check "one more follows" follows killed
kill -KILL "$FOLLOWER"
wait "$FOLLOWER" 2>/dev/null
stopped $STRANGER4
check "the others are told as before" wait_for 5 shows all "denied acme $STRANGER4"

# So many and no more, each freed when it goes.
FOLLOWERS=()
for i in $(seq 15); do
	follow "f$i" events
	FOLLOWERS+=("$FOLLOWER")
	follows "f$i"
done
is "one too many is told so" "$(api_status GET /v1/events)" "503 limit"
for pid in "${FOLLOWERS[@]}"; do
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null
done
follow again events
check "then there is room again" follows again

# A reader that does not read, under a flood: told how many it missed, nobody waits, memory is bounded.
memory()
{
	awk '/^VmRSS/ { print $2 }' "/proc/$DAEMON_PID/status"
}
before=$(memory)
follow slow events
SLOW=$FOLLOWER
check "a slow reader follows" follows slow
kill -STOP "$SLOW"
ag --quiet service add acme "$SERVER4:5000/udp"
background flood client python3 "$ROOT/tests/udp_probe.py" send "$SERVER4" 5000 20000 $STRANGER4
SENDER=$!
sleep 5
check "the daemon answers meanwhile" ag --quiet account list
check "its memory is bounded" [ $(($(memory) - before)) -lt 16384 ]
check "who reads is told how many events it missed" wait_for 5 shows all '^events missed: [0-9]+$'
check "... and gets no more than some thousand a second" [ "$(grep -c "denied acme $STRANGER4" "$DIR/all")" -lt 9000 ]
kill -TERM "$SENDER"
wait "$SENDER" 2>/dev/null
kill -CONT "$SLOW"
check "so is who did not read" wait_for 10 shows slow '^events missed: [0-9]+$'
ada --quiet allow add acme 198.51.100.78
check "... and goes on" wait_for 10 shows slow "change acme .*allow add: done"
kill -KILL "$SLOW"
wait "$SLOW" 2>/dev/null

daemon_stop
wait "$ALL"
is "when the daemon leaves it ends: exit 5" $? 5
is "... and says so" "$(grep -c 'the daemon is leaving' "$DIR/all.err")" 1
finish
