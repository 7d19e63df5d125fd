#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Who was stopped: recent sources of an account, by whom they may be read, cut or not kept by configuration, and in
# bounded memory under a flood of sources.
. "$(dirname "$0")/../lib.sh"
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:quarantine_size_mb=1 # what is freed is to be seen to be
ag_init
two_hosts
check "the daemon starts" daemon_start --interface eth0
check "an account, an admin, a delegate" acme
ag --quiet user add vera
ag --quiet role grant acme vera viewer
ag --quiet user add nobody
ag --quiet account add other
ag --quiet service add other "$SERVER4:5353/udp"
web_start

denied()
{
	ag --json denied "$@" 2>/dev/null
}

# row ACCOUNT SOURCE: "PACKETS SERVICE VERDICT", as JSON has it.
row()
{
	denied "$1" | jq -r --arg source "$2" '.items[] | select(.source == $source) | "\(.packets) \(.service) \(.verdict)"'
}

has_row()
{
	[ "$(row "$1" "$2")" ]
}

# knock ADDRESS SERVER-ADDRESS PORT [COUNT]: datagrams.
knock()
{
	in_ns client python3 - "$@" <<-'END'
		import socket, sys
		source, dest, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int((sys.argv + ["1"])[4])
		family = socket.AF_INET6 if ":" in dest else socket.AF_INET
		s = socket.socket(family, socket.SOCK_DGRAM)
		s.bind((source, 0))
		for _ in range(count):
		    s.sendto(b"x", (dest, port))
	END
}

is "nobody was stopped yet" "$(denied | jq -c '[.items, .sampled]')" '[[],false]'
served $STRANGER4
is "an open account stops nobody" "$(denied acme | jq -c .items)" '[]'
check "the account is closed" ada --quiet allow add acme "$ADA" $LISTED4
stopped $STRANGER4
stopped $STRANGER6
served $LISTED4
check "the stopped source is shown" has_row acme $STRANGER4/32
is "... with what it reached, and as what it was stopped" "$(row acme $STRANGER4/32 | cut -d' ' -f2-)" "$SERVER4:80/tcp denied"
is "... of both families" "$(row acme $STRANGER6/128 | cut -d' ' -f2-)" "[$SERVER6]:80/tcp denied"
is "the listed source is not" "$(row acme $LISTED4/32)" ""
is "newest first" "$(denied acme | jq -r '.items[0].source')" $STRANGER6/128
is "times are RFC 3339, and in order" \
	"$(denied acme | jq '[.items[] | (.first_seen | fromdate) <= (.last_seen | fromdate)] | all')" true
is "the time is now" "$(denied acme | jq --argjson now "$(date +%s)" '[.items[] | ($now - (.last_seen | fromdate)) | . >= -1 and . < 60] | all')" true
is "the table shows hosts without their length" "$(ag --quiet denied acme | cut -f2 | sort | xargs)" \
	"$(printf '%s\n' $STRANGER6 $STRANGER4 | sort | xargs)"
ag --quiet account set acme --mode monitor
served $STRANGER4
is "in mode monitor it is would_deny" "$(row acme $STRANGER4/32 | cut -d' ' -f3)" would_deny
ag --quiet account set acme --mode enforce

# Pages.
is "a page says that there is more" "$(api GET '/v1/accounts/acme/denied?limit=1' | jq -r '.items | length')" 1
next=$(api GET '/v1/accounts/acme/denied?limit=1' | jq -r .next)
is "... and the next is another" "$(api GET "/v1/accounts/acme/denied?limit=1&after=$next" | jq -r '[.items[0].source, .next] | join(" ")')" \
	"$STRANGER6/128 "
is "a cursor that is none" "$(api_status GET '/v1/accounts/acme/denied?after=x')" "400 bad_request"

# flood: five seconds of datagrams to port 80, each from another source.
flood()
{
	in_ns client python3 - "$SERVER4" <<-'END'
		import socket, sys, time
		end = time.time() + 5
		i = 0
		while time.time() < end:
		    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		    s.bind((f"10.64.{i >> 8 & 255}.{i & 255}", 0))
		    s.sendto(b"x", (sys.argv[1], 80))
		    s.close()
		    i += 1
	END
	sleep 0.5
}

# Who may.
check "a viewer reads the account's" ag --as vera denied acme
refute "... not all" ag --as vera denied
refute "a nobody reads none" ag --as nobody denied acme
is "an account that is not there looks alike" "$(api_status GET /v1/accounts/acme/denied -H 'Allowgate-On-Behalf-Of: nobody')" \
	"$(api_status GET /v1/accounts/absent/denied -H 'Allowgate-On-Behalf-Of: nobody')"
check "an operator reads all" ag denied
is "an operator hears of an account that is not there" "$(api_status GET /v1/accounts/absent/denied)" "404 not_found"

# A flood of sources at one account leaves the other's alone, and is bounded.
ag --quiet role grant other ada admin
ada --quiet allow add other "$ADA"
knock $STRANGER4 $SERVER4 5353
check "the other account's stopped source is shown" has_row other $STRANGER4/32
memory()
{
	awk '/^VmRSS/ { print $2 }' "/proc/$DAEMON_PID/status"
}
before=$(memory)
in_ns client ip route add local 10.64.0.0/16 dev lo
flood
is "what is to no service is not shown" "$(denied acme | jq '.items | length')" 2
ag --quiet service add acme "$SERVER4:80/udp"
flood
stopped $STRANGER4
is "of the flooded account a hundred rows are kept" "$(denied acme | jq '.items | length')" 100
is "... the newest of them" "$(denied acme | jq -r '.items[0].source')" $STRANGER4/32
is "the other account's are as they were" "$(row other $STRANGER4/32 | cut -d' ' -f1)" 1
check "the daemon's memory is bounded" [ $(($(memory) - before)) -lt 16384 ]
is "the page says that it is a sample" "$(denied acme | jq '.sampled and .missed > 0')" true
is "... the command too, on standard error" "$(ag denied acme 2>&1 >/dev/null | grep -cE '^allowgate: [0-9]+ stopped packets were not reported one by one$')" 1
check "the metric counts them" [ "$(metric allowgate_denied_unreported_total)" -gt 0 ]

# An account that goes takes its rows along.
ag --quiet account remove other --open
ag --quiet account add other
is "an account that comes anew has none" "$(denied other | jq -c .items)" '[]'
is "... nor are there any among all" "$(denied | jq -c '[.items[] | select(.account == "other")]')" '[]'

# In memory alone; and by configuration cut, or not at all.
daemon_stop
check "the daemon starts, to cut sources" daemon_start --interface eth0 --denied truncated
is "nothing was kept" "$(denied acme | jq -c .items)" '[]'
stopped $STRANGER4
stopped $STRANGER6
check "an IPv4 source is its /24" has_row acme 203.0.113.0/24
check "an IPv6 source is its /48" has_row acme 2001:db8:c::/48
is "and nothing else" "$(denied acme | jq '.items | length')" 2
daemon_stop
check "the daemon starts, to keep none" daemon_start --interface eth0 --denied off
stopped $STRANGER4
is "then there is nothing to show, which is said" "$(api_status GET /v1/accounts/acme/denied)" "404 not_found"
daemon_stop
daemon_run --denied some
wait "$DAEMON_PID"
is "a setting that is none is refused" $? 2
finish
