#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# In a virtual machine: what the daemon does with this kernel. An older one than Linux 5.12 is refused with one line;
# on any other the program loads, packets meet the table on veth, what is lacking is said, and a restart takes over.
. "$(dirname "$0")/lib.sh"
ag_init
two_hosts

older_than()
{
	local major minor
	IFS=.- read -r major minor _ < <(uname -r)
	[ "$major" -lt "$1" ] || { [ "$major" -eq "$1" ] && [ "$minor" -lt "$2" ]; }
}

# The programs are emulated: what takes a moment elsewhere may take many seconds.
started()
{
	daemon_run "$@"
	wait_for 600 daemon_answers && return
	tail -n 5 "$DIR/daemon.log"
	return 1
}

scrape()
{
	in_ns server curl -sS --max-time 120 http://127.0.0.1:9812/metrics
}

web_start()
{
	mkdir -p "$DIR/www"
	echo hello >"$DIR/www/index.html"
	background web server busybox httpd -f -p 80 -h "$DIR/www"
	wait_for 30 in_ns server curl -sf --max-time 2 -o /dev/null http://127.0.0.1/
}

# page ADDRESS: what is served to it, its status before it, or curl's exit status: 28 is no answer, 7 a refusal.
page()
{
	local host=$SERVER4
	case $1 in *:*) host="[$SERVER6]" ;; esac
	in_ns client curl -s --connect-timeout "${2:-20}" --max-time 40 -w '%{http_code}' -o "$DIR/page" --interface "$1" \
		"http://$host/" || { echo " exit $?"; return; }
	grep -ohE 'hello|unauthorized location' "$DIR/page" | sort -u | sed 's/^/ /'
}

# says FEATURE MAJOR MINOR: the log names it exactly where this kernel is older than the one that brought it.
says()
{
	local lines
	lines=$(grep -cF "lacks $1 (Linux $2.$3 has it)" "$DIR/daemon.log")
	if older_than "$2" "$3"; then
		is "the start says that it lacks $1" "$lines" 1
	else
		is "it has $1" "$lines" 0
	fi
}


if older_than 5 12; then
	"$AG_BIN/allowgated" --config "$CONFIG" --store "$STORE" --socket "$SOCKET" --pin-dir "$PINS" --metrics off \
		--origin-socket off "${SOCKET_GROUP[@]}" --interface lo >"$DIR/refusal" 2>&1
	status=$?
	is "it does not start on $(uname -r)" $status 1
	is "... and says why in one line" "$(wc -l <"$DIR/refusal")" 1
	check "... which names what is lacking" grep -E 'this kernel .* (lacks|is older than Linux 5\.12)' "$DIR/refusal"
	check "... and what to run" grep -F 'run Linux 5.15 or later' "$DIR/refusal"
	sed 's/^/# /' "$DIR/refusal"
	check "... and pins nothing" test ! -e "$PINS/link"
	finish
fi

web_start
check "the daemon starts on $(uname -r)" started --interface eth0:native
grep -o 'this kernel .*' "$DIR/daemon.log" | sed 's/^/# /'
says "XDP for frames in several buffers" 5 18
says "batches of arrays of maps" 5 19
says "tcx" 6 6
is "it is attached natively" "$(ag --json interface list | jq -r '.items[0].mode')" native
check "an account" acme
is "open while it has no entry" "$(page $STRANGER4)" "200 hello"
check "its list" ada --quiet allow add acme $ADA $LISTED4 $LISTED6
is "allowed" "$(page $LISTED4)" "200 hello"
is "allowed, IPv6" "$(page $LISTED6)" "200 hello"
is "denied" "$(page $STRANGER4 3)" "000 exit 28"
is "denied, IPv6" "$(page $STRANGER6 3)" "000 exit 28"
check "... and counted" test "$(packets denied)" -ge 2
# Too many entries for a short list, and too many lengths for an index: a trie of each family.
for length in $(seq 9 32); do
	printf '10.0.0.0/%d\n2001:db9::/%d\n' "$length" $((length + 32))
done >"$DIR/lengths"
for third in $(seq 10 69); do
	printf '172.16.%d.0/24\n2001:db8:10%d::/48\n' "$third" "$third"
done >>"$DIR/lengths"
printf '%s\n' $ADA $LISTED4 $LISTED6 >>"$DIR/lengths"
check "a long list" ada --quiet allow replace acme "$DIR/lengths"
is "allowed by it" "$(page $LISTED6)" "200 hello"
is "denied by it" "$(page $STRANGER6 3)" "000 exit 28"

check "a program at the client's end" xdp_pass client eth0
check "it rejects" ag --quiet account set acme --on-deny reject
is "rejected" "$(page $STRANGER4)" "000 exit 7"
is "rejected, IPv6" "$(page $STRANGER6)" "000 exit 7"

background notice server "$AG_BIN/allowgate-notice" --user nobody --listen 0.0.0.0:8403 --listen '[::]:8403'
check "a notice server" wait_for 30 in_ns server curl -s --max-time 2 -o /dev/null http://127.0.0.1:8403/
check "it gives notice" ag --quiet account set acme --on-deny notice:8403
is "a notice" "$(page $STRANGER4)" "403 unauthorized location"
is "a notice, IPv6" "$(page $STRANGER6)" "403 unauthorized location"
is "those who are listed do not get it" "$(page $LISTED4)" "200 hello"

is "check: kernel and store agree" "$(ag --json check acme $LISTED4 | jq -c '[.verdict, .kernel, .agree]')" \
	'["allowed","allowed",true]'
is "no drift" "$(ag --json status | jq .drift)" 0
programs=$(ls "$PINS"/*)
daemon_kill
is "without the daemon the filter works on" "$(page $STRANGER4)" "403 unauthorized location"
check "it starts again" started
is "... over the pins that it made" "$(ls "$PINS"/*)" "$programs"
is "... with the counters" "$(test "$(packets redirected)" -ge 4 && echo kept)" kept
is "... without drift" "$(ag --json status | jq -c '[.drift, .state]')" '[0,"ok"]'
is "... and the same verdicts" "$(page $LISTED6) $(page $STRANGER6)" "200 hello 403 unauthorized location"
check "detach, generic" ag --quiet interface detach eth0
check "attach, generic" ag --quiet interface attach eth0 --mode generic
is "generic: allowed" "$(page $LISTED4)" "200 hello"
is "generic: a notice" "$(page $STRANGER4)" "403 unauthorized location"
daemon_stop
check "uninstall" uninstall
is "then everybody is served" "$(page $STRANGER4)" "200 hello"
finish
