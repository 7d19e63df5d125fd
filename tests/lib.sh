# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# lib.sh - what the demo and the end-to-end tests share: sourced, never run
#
# A test has network namespaces, a bpffs, a store and a socket of its own, all named after it and its process, and
# removed when it ends, however it ends. The host's interfaces and its /sys/fs/bpf are never touched. Tests speak TAP.
#
#   . tests/lib.sh; ag_init; ...; finish
#
# Namespaces are entered by nsenter: `ip netns exec` would hide the bpffs.

set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$ROOT/$BUILD ;; esac
AG_BIN=${AG_BIN:-$BUILD}
case $AG_BIN in /*) ;; *) AG_BIN=$ROOT/$AG_BIN ;; esac
AG_CLI=$BUILD/allowgate # also where the daemon is the sanitised one: it is started hundreds of times
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH:$BUILD/tools # as tests/run has it
export PATH

TEST=$(basename "${0%.sh}")
NS=ag-$TEST-$$
TAP=0
TAP_FAILED=0
PIDS=()	       # everything in the background, daemons included
DAEMON_PID=    # of the daemon started last

# --- TAP -----------------------------------------------------------------------

ok()
{
	TAP=$((TAP + 1))
	echo "ok $TAP - $*"
}

not_ok()
{
	TAP=$((TAP + 1))
	TAP_FAILED=$((TAP_FAILED + 1))
	echo "not ok $TAP - $*"
}

skip()
{
	TAP=$((TAP + 1))
	echo "ok $TAP - $1 # SKIP $2"
}

skip_all()
{
	echo "SKIP: $*"
	exit 77
}

die()
{
	echo "not ok - $*"
	exit 1
}

# check WHAT COMMAND...: the command must succeed. It runs in this shell: a daemon that it starts is known to it.
check()
{
	local what=$1
	shift
	if "$@" >"$DIR/output" 2>&1; then
		ok "$what"
	else
		not_ok "$what"
		printf '    $ %s\n' "$*"
		sed 's/^/    /' "$DIR/output"
	fi
}

# refute WHAT COMMAND...: the command must fail.
refute()
{
	local what=$1
	shift
	if "$@" >"$DIR/output" 2>&1; then
		not_ok "$what"
		printf '    $ %s\n' "$*"
		sed 's/^/    /' "$DIR/output"
	else
		ok "$what"
	fi
}

# is WHAT GOT WANT
is()
{
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		printf '  got  %s\n  want %s\n' "$2" "$3"
	fi
}

finish()
{
	echo "1..$TAP"
	[ "$TAP_FAILED" -eq 0 ]
	exit
}

# --- a place of its own --------------------------------------------------------

ag_cleanup()
{
	local status=$? pid ns
	trap - EXIT INT TERM
	for pid in ${PIDS[@]+"${PIDS[@]}"}; do
		kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	for ns in /run/netns/"$NS"-*; do
		[ ! -e "$ns" ] || ip netns delete "${ns##*/}"
	done
	if [ "${DIR:-}" ]; then
		if [ "$status" -ne 0 ] || [ "$TAP_FAILED" -gt 0 ]; then
			tail -n 40 "$DIR"/*.log 2>/dev/null | sed 's/^/  # /'
		fi
		! mountpoint -q "$DIR/bpf" || umount "$DIR/bpf"
		! mountpoint -q "$DIR/small" || umount "$DIR/small"
		rm -rf "$DIR"
	fi
	exit "$status"
}

ag_init()
{
	[ "$(id -u)" = 0 ] || skip_all "must be root"
	[ -x "$AG_BIN/allowgated" ] || die "$AG_BIN/allowgated is not built"
	[ -x "$AG_CLI" ] || die "$AG_CLI is not built"
	# A store in memory: what a disk makes of fsync() is no part of any test here.
	DIR=$(mktemp -d "/dev/shm/$NS.XXXXXX" 2>/dev/null || mktemp -d "/tmp/$NS.XXXXXX")
	trap ag_cleanup EXIT
	trap 'exit 130' INT TERM
	mkdir "$DIR/bpf"
	mount -t bpf bpf "$DIR/bpf" || skip_all "cannot mount a bpffs"
	PINS=$DIR/bpf/allowgate
	STORE=$DIR/policy.db
	SOCKET=$DIR/control.sock
	CONFIG=$DIR/allowgate.conf
	# Maps are as large as the limits, and are compared whole each time: a test has no use for 100,000 accounts.
	printf '[limits]\naccounts = 1000\n' >"$CONFIG"
	SOCKET_GROUP=(--socket-group root) # the group of an installation need not exist here
}

ns_add()
{
	local name
	for name in "$@"; do
		ip netns add "$NS-$name" || skip_all "cannot make network namespaces"
		ip -n "$NS-$name" link set lo up
		in_ns "$name" sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0
	done
}

# in_ns NAME COMMAND...
in_ns()
{
	local name=$1
	shift
	nsenter --net="/run/netns/$NS-$name" -- "$@"
}

# wire NS1 IF1 NS2 IF2: a veth pair, both ends up.
wire()
{
	ip link add "$2" netns "$NS-$1" numrxqueues 2 numtxqueues 2 type veth \
		peer name "$4" netns "$NS-$3" numrxqueues 2 numtxqueues 2
	ip -n "$NS-$1" link set "$2" up
	ip -n "$NS-$3" link set "$4" up
}

# addresses NS IF ADDRESS/LEN...
addresses()
{
	local ns=$1 dev=$2 one
	shift 2
	for one in "$@"; do
		case $one in
		*:*) ip -n "$NS-$ns" addr add "$one" dev "$dev" nodad ;;
		*) ip -n "$NS-$ns" addr add "$one" dev "$dev" ;;
		esac
	done
}

# background LOG NAMESPACE COMMAND...: started, and killed at the end; its own pid is in $!.
background()
{
	local log=$DIR/$1.log name=$2
	shift 2
	nsenter --net="/run/netns/$NS-$name" -- "$@" >>"$log" 2>&1 &
	PIDS+=($!)
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for()
{
	local end=$((SECONDS + $1 + 1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

# The server "server" (eth0: 192.0.2.10, 2001:db8:10::10) and, on the same wire, "client" (eth0) with addresses
# of several people; a client is chosen by the address that it sends from.
LISTED4=203.0.113.7
LISTED6=2001:db8:b::7
STRANGER4=203.0.113.200
STRANGER6=2001:db8:c::66
ADA=198.51.100.9
SERVER4=192.0.2.10
SERVER6=2001:db8:10::10
two_hosts()
{
	ns_add server client
	wire server eth0 client eth0
	addresses server eth0 $SERVER4/24 $SERVER6/64
	addresses client eth0 192.0.2.1/24 $LISTED4/32 $STRANGER4/32 $ADA/32 \
		2001:db8:10::1/64 $LISTED6/128 $STRANGER6/128
	ip -n "$NS-server" route add default via 192.0.2.1
	ip -n "$NS-server" -6 route add default via 2001:db8:10::1
}

# --- the daemon ----------------------------------------------------------------

# daemon_run OPTION...: in "server", with everything of this test's own; does not wait.
daemon_run()
{
	background daemon server "$AG_BIN/allowgated" --config "$CONFIG" --store "$STORE" --socket "$SOCKET" \
		--pin-dir "$PINS" --metrics 127.0.0.1:9812 --origin-socket "$DIR/origin.sock" "${SOCKET_GROUP[@]}" "$@"
	DAEMON_PID=$!
}

daemon_answers()
{
	kill -0 "$DAEMON_PID" && curl -sf -o /dev/null --unix-socket "$SOCKET" http://allowgate/v1/whoami
}

# daemon_start OPTION...: and waits until it answers.
daemon_start()
{
	daemon_run "$@"
	local end=$((SECONDS + 15))
	until daemon_answers 2>/dev/null; do
		kill -0 "$DAEMON_PID" 2>/dev/null || return 1
		[ $SECONDS -lt $end ] || return 1
		sleep 0.02
	done
}

daemon_signal()
{
	kill "-$1" "$DAEMON_PID"
	wait "$DAEMON_PID" 2>/dev/null
}

daemon_stop()
{
	daemon_signal TERM
}

daemon_kill()
{
	daemon_signal KILL
}

uninstall()
{
	"$AG_BIN/allowgated" --uninstall --pin-dir "${1:-$PINS}"
}

# --- speaking to it ------------------------------------------------------------

ag()
{
	"$AG_CLI" --socket "$SOCKET" "$@"
}

# As the account's admin, from her own address.
ada()
{
	ag --as ada --origin "$ADA" "$@"
}

# api METHOD PATH [CURL-OPTION...]: the body, whatever the status.
api()
{
	local method=$1 path=$2
	shift 2
	curl -sS --max-time 10 --unix-socket "$SOCKET" -X "$method" "http://allowgate$path" "$@"
}

# api_status METHOD PATH [CURL-OPTION...]: "STATUS CODE", the code of the problem or "-".
api_status()
{
	local answer
	answer=$(api "$@" -w '\n%{http_code}')
	printf '%s %s\n' "${answer##*$'\n'}" "$(jq -r '.code // "-"' <<<"${answer%$'\n'*}" 2>/dev/null || echo -)"
}

scrape()
{
	in_ns server curl -sS --max-time 5 http://127.0.0.1:9812/metrics
}

# metric NAME{LABELS}: its value, 0 where it is absent.
metric()
{
	scrape | awk -v name="$1" 'index($0, name " ") == 1 { value = $2 } END { print value + 0 }'
}

# waits: how many changes wait to be confirmed
waits()
{
	ag --json status | jq .pending
}

nothing_waits()
{
	[ "$(waits)" = 0 ]
}

# Everything that the policy is, as text; what two calls must agree on when nothing changed. Entries are
# those of acme; of other accounts their number and generation.
policy()
{
	local base=http://allowgate/v1
	curl -sS --max-time 10 --unix-socket "$SOCKET" "$base/accounts?limit=1000" "$base/services?limit=1000" \
		"$base/users?limit=1000" "$base/roles?limit=1000" "$base/interfaces" "$base/accounts/acme/allowlist/export"
	api GET /v1/status | grep -oE '"(generation|kernel_generation|drift)": *[^,]*'
}

# refused CODE EXIT WHAT allowgate-arguments...: refused with that code and exit status, in one line, and nothing changed.
refused()
{
	local code=$1 want=$2 what=$3 before after problem lines status
	shift 3
	before=$(policy)
	problem=$(ag --json "$@" 2>&1 >/dev/null)
	status=$?
	lines=$(ag "$@" 2>&1 >/dev/null | wc -l)
	after=$(policy)
	if [ "$(jq -r .code <<<"$problem" 2>/dev/null)" = "$code" ] && [ $status -eq "$want" ] && [ "$lines" -eq 1 ] &&
		[ "$before" = "$after" ]; then
		ok "$what: $code, exit $want, nothing changed"
	else
		not_ok "$what: $code, exit $want, nothing changed"
		printf '  allowgate %s\n  exit %s, %s line(s): %s\n' "$*" "$status" "$lines" "$problem"
		diff <(echo "$before") <(echo "$after") | sed 's/^/  /'
	fi
}

# The account acme with its web service, ada its admin, root a delegate that may speak for her.
acme()
{
	ag --quiet user add ops --uid 0 --operator --delegate &&
		ag --quiet user add ada &&
		ag --quiet account add acme &&
		ag --quiet service add acme "$SERVER4:80/tcp" "[$SERVER6]:80/tcp" &&
		ag --quiet role grant acme ada admin
}

# --- traffic -------------------------------------------------------------------

web_start()
{
	mkdir -p "$DIR/www"
	echo hello >"$DIR/www/index.html"
	background web server python3 "$ROOT/tests/web_server.py" 80 "$DIR/www"
	wait_for 5 in_ns server curl -sf --max-time 1 -o /dev/null http://127.0.0.1/
}

# web_get ADDRESS [SECONDS] [NAMESPACE]: one request sent from the address, by its family; curl's own exit status: 28 is no answer.
web_get()
{
	local url=http://$SERVER4/
	case $1 in *:*) url="http://[$SERVER6]/" ;; esac
	in_ns "${3:-client}" curl -sS -o /dev/null --connect-timeout "${2:-0.4}" --max-time 3 --interface "$1" "$url"
}

served()
{
	check "$1 is served" web_get "$1" 2
}

stopped()
{
	web_get "$1" 2>/dev/null
	is "$1 is stopped (no answer)" $? 28
}

# --- a quarantine: a namespace that owns the service's addresses and answers in their name ---
#
# What it takes: its device has the MAC address of the protected interface, for frames arrive as they were; its answers
# come back to the host from an address of the host's own, so the host must take them (accept_local), not ask where that
# address is (rp_filter), and forward them. A veth takes redirected frames natively only if its other end has GRO on (or XDP).

mac_of()
{
	ip -n "$NS-$1" -j link show dev "$2" | jq -r '.[0].address'
}

# The server's interface quar0, behind which it is.
quarantine_wire()
{
	wire server quar0 quarantine eth0
	addresses server quar0 169.254.77.1/30 fd00:77::1/64
	ip -n "$NS-quarantine" link set eth0 address "$(mac_of server eth0)"
	in_ns quarantine ethtool -K eth0 gro on
	addresses quarantine eth0 169.254.77.2/30 "$SERVER4/32" fd00:77::2/64 "$SERVER6/128"
	ip -n "$NS-quarantine" route add default via 169.254.77.1
	ip -n "$NS-quarantine" -6 route add default via fd00:77::1
	in_ns server sysctl -qw net.ipv4.conf.quar0.accept_local=1 net.ipv4.conf.quar0.rp_filter=0
}

# Its web server says "quarantine".
quarantine_start()
{
	ns_add quarantine
	in_ns server sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0
	quarantine_wire
	mkdir "$DIR/quarantine"
	echo quarantine >"$DIR/quarantine/index.html"
	background quarantine quarantine python3 "$ROOT/tests/web_server.py" 80 "$DIR/quarantine"
	wait_for 5 in_ns quarantine curl -sf -o /dev/null http://127.0.0.1/
}

# xdp_pass NAMESPACE IF: an XDP program that passes everything (the filter without a policy). A veth delivers what a
# native program at its other end sends back (XDP_TX) only where there is one.
xdp_pass()
{
	bpftool prog load "$BUILD/bpf/allowgate.o" "$DIR/bpf/pass-$1" &&
		in_ns "$1" bpftool net attach xdpdrv pinned "$DIR/bpf/pass-$1" dev "$2"
}

# Datagrams to port 5000 of the server, RATE a second from each address: probe_start RATE ADDRESS...
probe_start()
{
	local rate=$1
	shift
	background received server python3 "$ROOT/tests/udp_probe.py" receive 5000
	RECEIVER=$!
	wait_for 5 in_ns server sh -c 'ss -Hlnu sport = :5000 | grep -q .'
	background sent client python3 "$ROOT/tests/udp_probe.py" send "$SERVER4" 5000 "$rate" "$@"
	SENDER=$!
}

# Ends both; sent ADDRESS and received ADDRESS say how many there were.
probe_stop()
{
	kill -TERM "$SENDER"
	wait "$SENDER" 2>/dev/null
	sleep 0.3
	kill -TERM "$RECEIVER"
	wait "$RECEIVER" 2>/dev/null
}

sent()
{
	awk -v address="$1" '$1 == address { n = $2 } END { print n + 0 }' "$DIR/sent.log"
}

received()
{
	awk -v address="$1" '$1 == address { n = $2 } END { print n + 0 }' "$DIR/received.log"
}

packets()
{
	metric "allowgate_packets_total{account=\"${2:-acme}\",verdict=\"$1\"}"
}
