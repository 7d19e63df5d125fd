#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The daemon as a service: metrics that promtool finds nothing to say about, SIGHUP, its socket, its limits of connections and time.
. "$(dirname "$0")/../lib.sh"
ag_init
two_hosts
printf 'connections_per_uid = 4\nrequest_timeout = 1\n' >>"$CONFIG"
web_start
check "the daemon starts" daemon_start --interface eth0:native
check "an account" acme
check "its list" ada allow add acme "$ADA" "$LISTED4"
web_get "$LISTED4" 2
web_get "$STRANGER4" 2>/dev/null
in_ns client ping -q -c 1 -W 2 "$SERVER4" >/dev/null
ada --quiet allow add acme 203.0.113.7/24 2>/dev/null
ag --quiet --as nobody allow add acme 192.0.2.1 2>/dev/null

if command -v promtool >/dev/null; then
	scrape >"$DIR/metrics"
	output=$(promtool check metrics <"$DIR/metrics" 2>&1)
	is "promtool finds nothing to say" "$?$output" 0
else
	skip "promtool finds nothing to say" "promtool is not installed"
fi
for family in packets_total bytes_total interface_packets_total account_active allowlist_entries interface_attached \
	map_entries map_max_entries policy_generation policy_drift_entries policy_apply_seconds \
	control_requests_total denied_admin_changes_total build_info up; do
	check "the scrape has allowgate_$family" grep -q "^allowgate_$family" <<<"$(scrape)"
done
is "denied packets are counted" "$(($(packets denied) > 0))" 1
is "denied changes are counted" "$(($(metric allowgate_denied_admin_changes_total) > 0))" 1
is "nothing else is served there" "$(in_ns server curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:9812/v1/status)" 404
is "the socket's mode" "$(stat -c %a "$SOCKET")" 660
is "the store's mode" "$(stat -c %a "$STORE")" 600

# SIGHUP repairs what somebody changed behind the daemon's back.
map=$(find "$PINS" -name ag_accounts | head -n 1)
if command -v bpftool >/dev/null && [ -n "$map" ]; then
	bpftool map update pinned "$map" key 0 0 0 0 value 0 0 0 0 0 0 0 0
	served "$STRANGER4"
	check "drift is noticed" test "$(ag --json status | jq .drift)" -gt 0
	kill -HUP "$DAEMON_PID"
	check "SIGHUP repairs it" wait_for 3 sh -c "! nsenter --net=/run/netns/$NS-client curl -s -o /dev/null --max-time 0.5 --interface $STRANGER4 http://$SERVER4/"
	stopped "$STRANGER4"
	is "no drift is left" "$(ag --json status | jq .drift)" 0
else
	skip "SIGHUP repairs drift" "bpftool is not installed"
fi

# Connections that do nothing are dropped at their deadline, and one uid has no more than its share of them.
cat >"$DIR/hold.py" <<'END'
import socket, sys, time
path, count = sys.argv[1], int(sys.argv[2])
held = []
for _ in range(count):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(4)
    try:
        s.connect(path)
        s.sendall(b"GET /v1/status HTTP/1.1\r\nHost: a\r\n")
        held.append(s)
    except OSError:
        pass
start = time.monotonic()
alive = refused = 0
for s in held:
    s.settimeout(0.05)
    try:
        s.recv(1)
        refused += 1
    except TimeoutError:
        alive += 1
    except OSError:
        refused += 1
print("alive", alive, "refused", count - len(held) + refused, flush=True)
end = time.monotonic() + 4
dropped = False
while time.monotonic() < end and not dropped:
    try:
        held[0].sendall(b"X-Slow: 1\r\n")
        held[0].settimeout(0.3)
        data = held[0].recv(4096)
        dropped = data == b"" or b"408" in data or b"HTTP/1.1 4" in data
    except TimeoutError:
        pass
    except OSError:
        dropped = True
print("dropped", dropped, "after", round(time.monotonic() - start), flush=True)
END
python3 "$DIR/hold.py" "$SOCKET" 12 >"$DIR/hold"
is "of twelve connections of one uid, four are held" "$(head -n 1 "$DIR/hold")" "alive 4 refused 8"
check "one that sends a header now and then is dropped" grep -q 'dropped True' "$DIR/hold"
check "and the daemon answers" ag status
is "with its drift" "$(ag --json status | jq .drift)" 0
check "it ends when told" daemon_stop
is "its socket is gone" "$(find "$SOCKET" 2>/dev/null | wc -l)" 0
finish
