#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The audit log as it is asked for: by account, user and time, page by page and as JSON lines; and what stands in its
# chain: no name of a user and no address.
. "$(dirname "$0")/../lib.sh"
ag_init
ns_add server
check "the daemon starts" daemon_start
check "an account, an admin, a delegate" acme
ag --quiet user add bob
ag --quiet account add beta
ag --quiet role grant beta bob admin
ada --quiet allow add acme "$ADA"
ag --as bob --origin 203.0.113.99 --quiet allow add beta 203.0.113.99
ag --as bob --origin 203.0.113.99 --quiet allow add acme 203.0.113.98 2>/dev/null

ids()
{
	"$@" | jq -rs '[.[] | (.items? // [.])[] | .id] | join(" ")'
}

all=$(ids ag --json audit)
is "every row has its number" "$(ag --json audit | jq -c '[.items[].id] == [range(1; (.items | length) + 1)]')" true
is "--user: her rows alone" "$(ag --json audit --user ada | jq -r '[.items[].user] | unique | join(" ")')" ada
is "... and all of them" "$(ag --json audit --user ada | jq '.items | length')" \
	"$(ag --json audit | jq '[.items[] | select(.user == "ada")] | length')"
is "... with an account" "$(ag --json audit acme --user bob | jq -r '.items[] | .outcome')" forbidden
is "... of nobody: nothing" "$(ag --json audit --user nobody | jq -c .items)" "[]"
is "--until before the first: nothing" "$(ag --json audit --until 1h | jq -c .items)" "[]"
is "--since and --until around all" "$(ids ag --json audit --since 1h --until 2999-01-01T00:00:00Z)" "$all"
is "until is no time: bad_request" "$(api_status GET '/v1/audit?until=now')" "400 bad_request"
is "--jsonl: the same rows, in order" "$(ids ag audit --jsonl)" "$all"
is "... with every field" "$(ag audit --jsonl | tail -n 1)" "$(ag --json audit | jq -c '.items[-1]')"
is "... of one account and user" "$(ids ag audit beta --jsonl --user bob)" "$(ids ag --json audit beta --user bob)"
is "... and its type" "$(api GET /v1/audit/export -o /dev/null -w '%{content_type}')" application/x-ndjson
is "... is the account's reader's too" "$(ids ag --as ada audit acme --jsonl)" "$(ids ag --json audit acme)"
refused forbidden 4 "... but not another account's" --as ada audit beta --jsonl
refused forbidden 4 "... nor the whole" --as ada audit --jsonl
is "a hash for each row" "$(ag audit --jsonl | jq -r .hash | grep -cE '^[0-9a-f]{64}$')" "$(wc -w <<<"$all")"

is "in the chain there is no name and no address" \
	"$(sqlite3 "$STORE" "SELECT count(*) FROM audit WHERE account || action || detail || outcome GLOB '*$ADA*' OR
		detail GLOB '*203.0.113.99*' OR detail GLOB '*ada*' OR detail GLOB '*bob*'")" 0
is "what is shown has both" "$(ag --json audit acme | jq -r '.items[] | select(.action == "allow add") | .user, .origin, .detail' | xargs | cut -d ' ' -f 1-3)" \
	"ada $ADA +$ADA/32"
is "... and users by their names" "$(ag --json audit | jq -r '.items[] | select(.action == "role grant") | .detail' | sort | xargs)" \
	"ada admin bob admin"

# More than a page, and more than the daemon holds at a time.
for _ in $(seq 150); do
	printf 'url = "http://allowgate/v1/accounts/beta"\nunix-socket = "%s"\nrequest = PATCH\ndata = "{\\"label\\": \\"%s\\"}"\noutput = /dev/null\nnext\n' \
		"$SOCKET" "$(head -c 180 /dev/zero | tr '\0' x)"
done >"$DIR/changes"
curl -sS --fail-early -K "$DIR/changes" >/dev/null
is "an export of many pages is whole and in order" "$(ag audit --jsonl | jq -s '[.[].id] == [range(1; length + 1)] and length > 150')" true
check "the log is whole" ag audit verify

# Refused attempts: so many one by one, the others by their number.
written()
{
	ag --json audit --user ada | jq '[.items[] | select(.outcome == "forbidden")] | length'
}
before=$(written)
for _ in $(seq 100); do
	printf 'url = "http://allowgate/v1/accounts"\nunix-socket = "%s"\nrequest = POST\ndata = "{\\"name\\": \\"x\\"}"\nheader = "Allowgate-On-Behalf-Of: ada"\noutput = /dev/null\nnext\n' "$SOCKET"
done >"$DIR/attempts"
curl -sS -K "$DIR/attempts" >/dev/null
count=$(($(written) - before))
check "of 100 refused attempts at most 60 are rows" test "$count" -gt 30 -a "$count" -le 60
is "... and they are refused all the same" "$(api_status POST /v1/accounts -H 'Allowgate-On-Behalf-Of: ada' -d '{"name": "x"}')" "403 forbidden"
daemon_stop

# Retention, and a copy in the journal: one of our own, where the real one would be.
mkdir "$DIR/journal"
cat >"$DIR/journal.py" <<'PY'
import socket, sys
own = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
own.bind(sys.argv[1])
while True:
    sys.stdout.buffer.write(own.recv(65536) + b"\n")
    sys.stdout.buffer.flush()
PY
background journal server python3 "$DIR/journal.py" "$DIR/journal/socket"
wait_for 5 test -S "$DIR/journal/socket"
daemon_in_private()
{
	# A mount namespace of its own, in which that directory is the journal's.
	nsenter --net="/run/netns/$NS-server" -- unshare --mount --propagation slave bash -c '
		mkdir -p /run/systemd && mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/journal &&
		mount --bind "$1" /run/systemd/journal && shift && exec "$@"' bash "$DIR/journal" \
		"$AG_BIN/allowgated" --config "$CONFIG" --store "$STORE" --socket "$SOCKET" --pin-dir "$PINS" \
		--metrics 127.0.0.1:9812 --origin-socket "$DIR/origin.sock" "${SOCKET_GROUP[@]}" "$@" >>"$DIR/daemon.log" 2>&1 &
	PIDS+=($!)
	DAEMON_PID=$!
	wait_for 15 daemon_answers
}
rows=$(sqlite3 "$STORE" "SELECT count(*) FROM audit")
check "the daemon starts, to keep 100 rows and no address" daemon_in_private --audit-journal on --retention-audit-rows 100 --retention-address-days 0
is "what was only counted is said" "$(ag --json audit | jq -r '[.items[] | select(.action == "refused")] | last | .detail | sub("[0-9]+"; "N")')" "N more refused within a minute"
check "older rows go" wait_for 5 sh -c "[ \$(sqlite3 '$STORE' 'SELECT count(*) FROM audit') -le 100 ]"
check "... of more" test "$rows" -gt 100
check "... and the log is whole" ag audit verify
is "... but for what begins it" "$(ag --json audit | jq '.items[0].id > 1')" true
ada --quiet allow add acme 203.0.113.5
ag --quiet --as ada --origin "$ADA" user add eve 2>/dev/null
is "addresses go" "$(sqlite3 "$STORE" "SELECT count(*) FROM audit_origins WHERE id <= (SELECT forgotten FROM audit_bounds)")" 0
is "the journal has a copy" "$(grep -ac '^ALLOWGATE_ACTION=allow add$' "$DIR/journal.log")" 1
is "... with its fields" "$(grep -aA3 '^ALLOWGATE_USER=ada$' "$DIR/journal.log" | head -n 4 | cut -d = -f 1 | xargs)" \
	"ALLOWGATE_USER ALLOWGATE_UID ALLOWGATE_DELEGATE ALLOWGATE_ORIGIN"
is "... of what was refused too" "$(grep -ac '^ALLOWGATE_OUTCOME=forbidden$' "$DIR/journal.log")" 1
is "... by the number of its row" "$(grep -a '^ALLOWGATE_AUDIT_ID=' "$DIR/journal.log" | tail -n 1 | cut -d = -f 2)" "$(ag --json audit | jq '.items[-1].id')"
finish
