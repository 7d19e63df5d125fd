#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A long list is imported, replaced, exported and found again, while small changes of another account and scrapes go on
# beside it and never wait long.
. "$(dirname "$0")/../lib.sh"
ag_init
ns_add server
printf 'entries = 1000000\n' >>"$CONFIG"
ENTRIES=${AG_SCALE_ENTRIES:-200000}
# A sanitised daemon on a loaded machine is slower by far than what is promised of the real one, which is 100 ms.
WAIT_MAX_MS=${AG_SCALE_WAIT_MS:-500}
check "the daemon starts" daemon_start
check "an account" acme
ag --quiet account add large
ag --quiet service add large 192.0.2.20:443/tcp
ag --quiet role grant large ada admin
check "its list" ada allow add acme "$ADA"

# list SEED: the entries of a long list, the same but for the last hundredth
list()
{
	echo "$ADA"
	awk -v n="$ENTRIES" -v seed="$1" 'BEGIN {
		for (i = 1; i < n; i++) {
			k = i < n * 0.99 ? i : i + seed * n
			printf "%d.%d.%d.%d\n", 11 + int(k / 8388608) % 80, int(k / 32768) % 256, int(k / 128) % 256, k * 2 % 256
		}
	}'
}
list 1 >"$DIR/first"
list 2 >"$DIR/second"

# Small changes of acme, scrapes and reads, one after the other, until told: prints each kind's longest wait in ms.
cat >"$DIR/beside.py" <<'END'
import http.client, os, socket, sys, time

class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(sys.argv[1])

control = Unix("allowgate")
head = {"Allowgate-On-Behalf-Of": "ada", "Allowgate-Origin": sys.argv[2], "Content-Type": "application/json"}
longest = {"change": 0.0, "read": 0.0, "scrape": 0.0}
count = 0

def timed(kind, connection, method, path, body=None, headers={}, want=(200, 201)):
    start = time.monotonic()
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    text = answer.read()
    longest[kind] = max(longest[kind], time.monotonic() - start)
    if answer.status not in want:
        sys.exit(f"{method} {path}: {answer.status} {text!r}")

path = "/v1/accounts/acme/allowlist"
while not os.path.exists(sys.argv[3]):
    prefix = f"203.0.113.{count % 250 + 1}"
    timed("change", control, "POST", path, '{"prefix": "%s"}' % prefix, head)
    timed("read", control, "GET", "/v1/accounts")
    timed("change", control, "DELETE", path + "?prefix=" + prefix, None, head)
    scrape = http.client.HTTPConnection("127.0.0.1", 9812)
    timed("scrape", scrape, "GET", "/metrics")
    scrape.close()
    count += 1
print(count, *(round(longest[kind] * 1000) for kind in ("change", "read", "scrape")))
END

# beside WHAT COMMAND...: the command, with small changes beside it that must not wait long
beside()
{
	local what=$1 began ended count change read scrape
	shift
	rm -f "$DIR/stop"
	in_ns server python3 "$DIR/beside.py" "$SOCKET" "$ADA" "$DIR/stop" >"$DIR/waits" 2>&1 &
	PIDS+=($!)
	sleep 0.2
	began=$(date +%s%N)
	check "$what" "$@"
	ended=$(date +%s%N)
	touch "$DIR/stop"
	wait "${PIDS[-1]}"
	read -r count change read scrape <"$DIR/waits"
	echo "# $what: $(((ended - began) / 1000000)) ms; beside it $count rounds, the longest wait of a change $change ms, a read $read ms, a scrape $scrape ms"
	if [[ $count =~ ^[0-9]+$ ]]; then
		check "... none beside it waited longer than $WAIT_MAX_MS ms" test "$change" -le "$WAIT_MAX_MS" -a \
			"$read" -le "$WAIT_MAX_MS" -a "$scrape" -le "$WAIT_MAX_MS"
	else
		not_ok "... changes, reads and scrapes went on beside it: $(tail -n 1 "$DIR/waits")"
	fi
}

same_list()
{
	ag --as ada allow export large | awk '{ print $1 }' | sort >"$DIR/exported"
	sort "$1" | diff -q - "$DIR/exported"
}

agrees()
{
	is "status agrees, $1" "$(ag --json status | jq -r '.state, .drift' | xargs)" "ok 0"
}

# judged NUMBER FILE: what the kernel says of the address on that line, and whether the store says the same
judged()
{
	ag --json check large "$(sed -n "$1p" "$DIR/$2")" | jq -r '.kernel, .agree' | xargs
}

beside "a long list is put in place" ada allow replace large "$DIR/first"
check "the export is what was put in" same_list "$DIR/first"
agrees "with the list"
beside "a hundredth of it is replaced" ada allow replace large "$DIR/second"
check "the export is what was put in then" same_list "$DIR/second"
is "one that stayed is allowed" "$(judged 1000 second)" "allowed true"
is "one that came is allowed" "$(judged '$' second)" "allowed true"
is "one that went is not" "$(judged '$' first)" "denied true"
is "adding many of which one is there is refused" "$(api_status POST /v1/accounts/large/allowlist -H 'Content-Type: text/plain' \
	-H 'Allowgate-On-Behalf-Of: ada' -H "Allowgate-Origin: $ADA" --data-binary "@$DIR/second")" "409 exists"
list 3 | tail -n $((ENTRIES / 200)) >"$DIR/third"
is "many that are not are added" "$(api POST /v1/accounts/large/allowlist -H 'Content-Type: text/plain; charset=utf-8' \
	-H 'Allowgate-On-Behalf-Of: ada' -H "Allowgate-Origin: $ADA" --data-binary "@$DIR/third" | jq .added)" $((ENTRIES / 200))
cat "$DIR/third" >>"$DIR/second"
beside "it is exported" same_list "$DIR/second"
beside "one entry of another length comes" ada allow add large 198.51.96.0/21
is "... and is in force" "$(ag --json check large 198.51.100.77 | jq -r '.kernel, .agree' | xargs)" "allowed true"
beside "its mode changes" ag account set large --mode off
beside "... and back" ag account set large --mode enforce
beside "the entry goes again" ada allow remove large 198.51.96.0/21
is "... and is out of force" "$(ag --json check large 198.51.100.77 | jq -r '.kernel, .agree' | xargs)" "denied true"
beside "the kernel is compared with the store" agrees "after that"

# Two at once: the second waits for the first.
ada allow replace large "$DIR/first" >/dev/null 2>&1 &
first=$!
sleep 0.1
check "a change of the same account waits for an import of it" ada allow replace large "$DIR/second"
check "... which is done too" wait $first
check "the later one counts" same_list "$DIR/second"

daemon_stop
check "the daemon starts over it" daemon_start
agrees "after a restart"
check "the export is still the same" same_list "$DIR/second"

# It leaves in the middle of one: the old list or the new one, never a mixture.
ada allow replace large "$DIR/first" >/dev/null 2>&1 &
sleep 0.2
daemon_stop
wait $!
check "the daemon starts after leaving in an import" daemon_start
agrees "after leaving in an import"
if same_list "$DIR/first" >/dev/null || same_list "$DIR/second" >/dev/null; then
	ok "the list is one of the two, whole"
else
	not_ok "the list is one of the two, whole"
fi
finish
