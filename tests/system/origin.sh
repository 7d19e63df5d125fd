#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Where an admin is who works over SSH: a real sshd in a namespace of its own, with users, keys and a /run that only
# it and its sessions see. "found" must be the address that the connection comes from; everything else is unknown.
. "$(dirname "$0")/../lib.sh"
ag_init
for program in sshd ssh tmux sudo su setsid; do
	command -v $program >/dev/null || skip_all "$program is not installed"
done

# Sessions of sshd are sessions of their own, and outlive what started them: they go with their namespaces.
origin_cleanup()
{
	local status=$? name
	trap - EXIT INT TERM
	for name in server client other; do
		[ ! -e "/run/netns/$NS-$name" ] || ip netns pids "$NS-$name" | xargs -r kill -KILL 2>/dev/null
	done
	(exit "$status")
	ag_cleanup
}
trap origin_cleanup EXIT

two_hosts
chmod 0711 "$DIR"
SSHD=$DIR/sshd
install -m 0755 "$(command -v sshd)" "$SSHD"
install -m 0755 "$AG_CLI" "$DIR/allowgate"
install -m 0644 "$ROOT/tests/system/handed_on.py" "$DIR"
ORIGIN_SOCKET=$DIR/origin.sock
# Without a sanitizer's report of leaks, for which it would have to be traced.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"

# helper_start OPTION...
helper_start()
{
	background origin server "$AG_BIN/allowgate-origin" --socket "$ORIGIN_SOCKET" --user nobody --sshd "$SSHD" "$@"
	HELPER_PID=$!
	wait_for 5 grep -q "ready" "$DIR/origin.log"
}

helper_stop()
{
	kill -KILL "$HELPER_PID"
	wait "$HELPER_PID" 2>/dev/null
	: >"$DIR/origin.log"
}

# --- an sshd ---------------------------------------------------------------------

mkdir -p "$DIR/etc" "$DIR/people/carol"
ssh-keygen -q -t ed25519 -N '' -f "$DIR/key"
ssh-keygen -q -t ed25519 -N '' -f "$DIR/host_key"
install -m 0644 "$DIR/key.pub" "$DIR/authorized_keys"
{ grep -v -E '^(sshd|carol):' /etc/passwd; echo "sshd:x:12000:65534::/nonexistent:/usr/sbin/nologin"
	echo "carol:x:12002:65534::$DIR/people/carol:/bin/bash"; } >"$DIR/etc/passwd"
{ grep -v -E '^(sshd|carol|root):' /etc/shadow; printf '%s:*:19000:0:99999:7:::\n' sshd carol root; } >"$DIR/etc/shadow"
chmod 0600 "$DIR/etc/shadow"
printf 'root ALL=(ALL:ALL) ALL\ncarol ALL=(ALL:ALL) NOPASSWD: ALL\n' >"$DIR/etc/sudoers"
chmod 0440 "$DIR/etc/sudoers"
chown 12002 "$DIR/people/carol"
cat >"$DIR/sshd_config" <<-END
	HostKey $DIR/host_key
	AuthorizedKeysFile $DIR/authorized_keys
	PermitRootLogin prohibit-password
	PasswordAuthentication no
	StrictModes no
	UsePAM no
	PidFile none
	AllowStreamLocalForwarding yes
	GatewayPorts yes
END
# Runs a command with users, sudoers and /run of its own; the host's are not touched.
cat >"$DIR/enter" <<-END
	#!/bin/sh
	mount -t tmpfs tmpfs /run && mkdir -m 0755 /run/sshd &&
	mount --bind $DIR/etc/passwd /etc/passwd && mount --bind $DIR/etc/shadow /etc/shadow &&
	mount --bind $DIR/etc/sudoers /etc/sudoers && exec "\$@"
END
chmod 0755 "$DIR/enter"

# sshd_start LOG NAMESPACE OPTION...
sshd_start()
{
	background "$1" "$2" unshare --mount --propagation private "$DIR/enter" "$SSHD" -D -e -f "$DIR/sshd_config" "${@:3}"
}

# over FROM USER TO [SSH-OPTION...] COMMAND
over()
{
	local from=$1 user=$2 to=$3
	shift 3
	in_ns client ssh -F none -b "$from" -i "$DIR/key" -o BatchMode=yes -o StrictHostKeyChecking=no \
		-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o ConnectTimeout=5 -l "$user" "$to" "$@" </dev/null
}

carol()
{
	over "$LISTED4" carol "$SERVER4" "$@"
}

# What the daemon says of whoever asks, as "UID ORIGIN FROM REASON".
who()
{
	jq -r '[.uid, .origin, .origin_from, .origin_reason] | join(" ")' 2>/dev/null | tr -d '\r'
}
HERE=("$DIR/allowgate" --socket "$SOCKET" --json whoami)
ASK="${HERE[*]}"
# later FILE: what a process that was left behind has written there.
later()
{
	wait_for 15 jq -e .origin "$1"
	who <"$1"
}

check "the daemon starts" daemon_start
chmod 0666 "$SOCKET"
check "an account" acme
ag --quiet user add carol --uid 12002
ag --quiet role grant acme carol admin
sshd_start sshd server
check "sshd starts" wait_for 5 in_ns client bash -c "exec 3<>/dev/tcp/$SERVER4/22"

# --- the helper itself -----------------------------------------------------------

is "without the helper the origin is unknown" "$(carol "$ASK" | who)" "12002 unknown none no_helper"
carol "$ASK" >/dev/null
is "... which is logged once" "$(grep -c 'allowgate-origin does not run' "$DIR/daemon.log")" 1
check "the helper starts" helper_start
is "its socket is its owner's alone" "$(stat -c %a "$ORIGIN_SOCKET")" 600
is "it has two capabilities" "$(awk '$1 == "CapPrm:" || $1 == "CapEff:" { print $2 }' "/proc/$HELPER_PID/status" | xargs)" \
	"0000000000080004 0000000000080004"
is "... can gain none" "$(awk '$1 ~ /^(CapInh|CapBnd|CapAmb):/ { print $2 }' "/proc/$HELPER_PID/status" | sort -u)" 0000000000000000
is "... and is not root, filtered, with no new privileges" \
	"$(awk '$1 == "Uid:" { root = $2 * $3 * $4 * $5 == 0 } $1 == "Seccomp:" { s = $2 } $1 == "NoNewPrivs:" { n = $2 } END { print root, s, n }' \
		"/proc/$HELPER_PID/status")" "0 2 1"

# --- right -----------------------------------------------------------------------

FOUND="12002 $LISTED4 ssh found"
is "a command" "$(carol "$ASK" | who)" "$FOUND"
check "... is logged to be there again" grep -q 'allowgate-origin answers' "$DIR/daemon.log"
is "another address" "$(over "$STRANGER4" carol "$SERVER4" "$ASK" | who)" "12002 $STRANGER4 ssh found"
is "IPv6" "$(over "$LISTED6" carol "$SERVER6" "$ASK" | who)" "12002 $LISTED6 ssh found"
is "a terminal" "$(carol -tt "$ASK" | who)" "$FOUND"
is "a login shell with a terminal, shells in shells" "$(carol -tt "bash -lc 'bash -c \"$ASK; :\"; :'" | who)" "$FOUND"
is "sudo" "$(carol "sudo -n $ASK" | who)" "0 $LISTED4 ssh found"
is "sudo with a terminal of its own" "$(carol -tt "sudo -n $ASK" | who)" "0 $LISTED4 ssh found"
is "su" "$(carol "sudo -n su carol -c '$ASK; :'" | who)" "$FOUND"
is "setsid" "$(carol "bash -c 'setsid --wait $ASK; :'" | who)" "$FOUND"
is "root's login" "$(over "$LISTED4" root "$SERVER4" "$ASK" | who)" "0 $LISTED4 ssh found"
is "root's login with a terminal" "$(over "$LISTED6" root "$SERVER6" -tt "$ASK" | who)" "0 $LISTED6 ssh found"

# Two connections at once, each its own.
over "$STRANGER4" carol "$SERVER4" "sleep 1; $ASK" >"$DIR/stranger" &
over "$LISTED4" carol "$SERVER4" "sleep 1; $ASK" >"$DIR/listed" &
wait $!
is "of two connections at once: the one" "$(later "$DIR/listed")" "$FOUND"
is "... the other" "$(later "$DIR/stranger")" "12002 $STRANGER4 ssh found"

background master client ssh -F none -N -M -S "$DIR/master.sock" -b "$LISTED4" -i "$DIR/key" -o BatchMode=yes \
	-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -l carol "$SERVER4"
wait_for 5 test -S "$DIR/master.sock"
is "a second session of one connection (ControlMaster)" \
	"$(in_ns client ssh -F none -S "$DIR/master.sock" -l carol "$SERVER4" "$ASK" </dev/null | who)" "$FOUND"

# forward USER FILE [OPTION...]: the control socket, carried to the client.
forward()
{
	background "forward-$1" client ssh -F none -N -b "$LISTED4" -i "$DIR/key" -o BatchMode=yes -o StrictHostKeyChecking=no \
		-o UserKnownHostsFile=/dev/null -o ExitOnForwardFailure=yes -l "$1" -L "$2:$SOCKET" "${@:3}" "$SERVER4"
	wait_for 5 test -S "$2"
}
forward carol "$DIR/carol.sock"
is "ssh -L to the socket" "$(curl -s --unix-socket "$DIR/carol.sock" http://allowgate/v1/whoami | who)" "$FOUND"
# Root's sshd has the forwarded connections itself: one that it accepted, one that it made.
forward root "$DIR/root.sock" -R "7001:$SERVER4:22" -L 7002:"$SERVER4":22
background accepted server bash -c 'exec 3<>/dev/tcp/127.0.0.1/7001; sleep 60'
background made client bash -c 'exec 3<>/dev/tcp/127.0.0.1/7002; sleep 60'
wait_for 5 in_ns server sh -c 'ss -Htn state established "( sport = :7001 )" | grep -q .'
is "... root's, that forwards other connections too" \
	"$(curl -s --unix-socket "$DIR/root.sock" http://allowgate/v1/whoami | who)" "0 $LISTED4 ssh found"

# --- unknown, and never wrong ------------------------------------------------------

nobody_there="12002 unknown none"
is "a console" "$(in_ns server setpriv --reuid=12002 --regid=65534 --clear-groups "${HERE[@]}" | who)" "$nobody_there no_sshd"
is "root without SSH" "$(in_ns server "${HERE[@]}" | who)" "0 unknown none no_sshd"
carol "setsid --fork bash -c 'sleep 0.5; $ASK >$DIR/people/carol/orphan'"
is "what a session has left behind" "$(later "$DIR/people/carol/orphan")" "$nobody_there no_sshd"
carol "tmux -L $NS -f /dev/null new-session -d 'sleep 0.5; $ASK >$DIR/people/carol/tmux; sleep 1'"
is "tmux, attached to or not" "$(later "$DIR/people/carol/tmux")" "$nobody_there relayed"
over "$STRANGER4" carol "$SERVER4" "timeout 4 tmux -D -L $NS-own -f /dev/null" >/dev/null 2>&1 &
sleep 0.7
carol -tt "tmux -L $NS-own -f /dev/null new-session '$ASK >$DIR/people/carol/tmux-own'" >/dev/null
is "tmux whose server another connection runs" "$(later "$DIR/people/carol/tmux-own")" "$nobody_there relayed"

# A user's own sshd, once on its own and once within a connection from elsewhere.
ssh-keygen -q -t ed25519 -N '' -f "$DIR/people/carol/host_key"
chown 12002 "$DIR/people/carol/host_key"
sed "s|^HostKey.*|HostKey $DIR/people/carol/host_key|" "$DIR/sshd_config" >"$DIR/own_config"
carol "$SSHD -f $DIR/own_config -p 2201"
wait_for 5 in_ns client bash -c "exec 3<>/dev/tcp/$SERVER4/2201"
is "a user's own sshd" "$(over "$STRANGER4" carol "$SERVER4" -p 2201 "$ASK" | who)" "$nobody_there relayed"
carol "timeout 10 $SSHD -D -f $DIR/own_config -p 2202" 2>/dev/null &
wait_for 5 in_ns client bash -c "exec 3<>/dev/tcp/$SERVER4/2202"
is "... within a connection from elsewhere" "$(over "$STRANGER4" carol "$SERVER4" -p 2202 "$ASK" | who)" "$nobody_there relayed"
install -m 0755 "$SSHD" "$DIR/people/carol/sshd"
chown 12002 "$DIR/people/carol/sshd"
carol "timeout 10 $DIR/people/carol/sshd -D -f $DIR/own_config -p 2203" 2>/dev/null &
wait_for 5 in_ns client bash -c "exec 3<>/dev/tcp/$SERVER4/2203"
is "... that is a copy" "$(over "$STRANGER4" carol "$SERVER4" -p 2203 "$ASK" | who)" "$nobody_there relayed"

# Root's sshd on a port that something else listens on.
background inetd server unshare --mount --propagation private "$DIR/enter" python3 "$ROOT/tests/system/inetd.py" 2204 \
	"$SSHD" -i -f "$DIR/sshd_config"
wait_for 5 in_ns client bash -c "exec 3<>/dev/tcp/$SERVER4/2204"
is "a port on which no sshd listens" "$(over "$LISTED4" carol "$SERVER4" -p 2204 "$ASK" | who)" "$nobody_there no_connection"
install -m 0755 "$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')" "$DIR/other-sshd"
helper_stop
helper_start --sshd "$DIR/other-sshd"
for count in 1 2; do
	background two server "$DIR/other-sshd" "$ROOT/tests/system/inetd.py" --connections $count "230$count" sh -c "$ASK >$DIR/two-$count"
	wait_for 5 in_ns client bash -c "exec 3<>/dev/tcp/$SERVER4/230$count"
	background client-$count client bash -c "exec 3<>/dev/tcp/$SERVER4/230$count 4<>/dev/tcp/$SERVER4/230$count; sleep 15"
done
is "one connection of a process" "$(later "$DIR/two-1")" "0 192.0.2.1 ssh found"
is "two connections of it" "$(later "$DIR/two-2")" "0 unknown none ambiguous"

is "a connection from the host itself" "$(in_ns server ssh -F none -i "$DIR/key" -o BatchMode=yes -o StrictHostKeyChecking=no \
	-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -l carol "$SERVER4" "$ASK" </dev/null | who)" "$nobody_there local"
ns_add other
wire client eth1 other eth0
addresses client eth1 198.51.100.1/24
addresses other eth0 198.51.100.2/24
sshd_start sshd-other other
wait_for 5 in_ns client bash -c "exec 3<>/dev/tcp/198.51.100.2/22"
is "an sshd in another network namespace" "$(over 198.51.100.1 carol 198.51.100.2 "$ASK" | who)" "$nobody_there other_namespace"
helper_stop
helper_start --other-namespaces
is "... which it may be told to follow" "$(over 198.51.100.1 carol 198.51.100.2 "$ASK" | who)" "12002 198.51.100.1 ssh found"
is "... and be back afterwards" "$(readlink "/proc/$HELPER_PID/ns/net")" "$(in_ns server readlink /proc/self/ns/net)"
is "... and know who is here" "$(carol "$ASK" | who)" "$FOUND"
helper_stop
helper_start --sshd "$DIR/people/carol/sshd"
background own-file server unshare --mount --propagation private "$DIR/enter" "$DIR/people/carol/sshd" -D -f "$DIR/sshd_config" -p 2205
wait_for 5 in_ns client bash -c "exec 3<>/dev/tcp/$SERVER4/2205"
is "root's sshd, from a file that is a user's" "$(over "$LISTED4" carol "$SERVER4" -p 2205 "$ASK" | who)" "$nobody_there relayed"
mkdir "$DIR/elsewhere"
install -m 0755 "$SSHD" "$DIR/elsewhere/sshd"
background elsewhere server unshare --mount --propagation private "$DIR/enter" "$DIR/elsewhere/sshd" -D -f "$DIR/sshd_config" -p 2206
wait_for 5 in_ns client bash -c "exec 3<>/dev/tcp/$SERVER4/2206"
is "... from a file of that name that is not listed" "$(over "$LISTED4" carol "$SERVER4" -p 2206 "$ASK" | who)" "$nobody_there relayed"
helper_stop
helper_start

# What the daemon hands over, and what else somebody might.
check "a process that has ended, its number reused or not; one that is not the peer; what is no request" \
	in_ns server python3 "$ROOT/tests/system/origin_ask.py" "$ORIGIN_SOCKET"

is "a connection that a process made which has ended" \
	"$(carol "python3 $DIR/handed_on.py $SOCKET" | who)" "$nobody_there gone"
is "... or which handed it on" "$(carol "python3 $DIR/handed_on.py $SOCKET alive" | who)" "$FOUND"
rm "$SSHD"
install -m 0755 "$(command -v sshd)" "$SSHD"
is "a session from before sshd was upgraded" \
	"$(in_ns client ssh -F none -S "$DIR/master.sock" -l carol "$SERVER4" "$ASK" </dev/null | who)" "$FOUND"
is "... and one from after" "$(carol "$ASK" | who)" "$FOUND"

# --- the daemon waits for nobody -----------------------------------------------------

kill -STOP "$HELPER_PID"
started=$EPOCHREALTIME
is "an answer that does not come" "$(carol "$ASK" | who)" "$nobody_there late"
took=$(for _ in 1 2 3 4 5; do
	curl -s -o /dev/null --unix-socket "$SOCKET" http://allowgate/v1/whoami &
	curl -s -o /dev/null -w '%{time_total}\n' --unix-socket "$SOCKET" http://allowgate/v1/status
	wait $!
done | sort -n | sed -n 3p)
check "... keeps nobody else waiting ($took s)" awk -v t="$took" 'BEGIN { exit !(t < 0.05) }'
check "... in no time that is worth mentioning" awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { exit !(b - a < 5) }'
kill -CONT "$HELPER_PID"
is "... and the next one is right" "$(carol "$ASK" | who)" "$FOUND"
helper_stop
is "the helper ends" "$(carol "$ASK" | who)" "$nobody_there no_helper"
check "... and is back" helper_start
is "... and found" "$(carol "$ASK" | who)" "$FOUND"

# --- before Linux 6.5 ------------------------------------------------------------------

printf '#!/bin/sh\nexec python3 %s/tests/system/without_peerpidfd.py %s/allowgated "$@"\n' "$ROOT" "$AG_BIN" >"$DIR/allowgated"
chmod 0755 "$DIR/allowgated"
daemon_stop
bin=$AG_BIN
AG_BIN=$DIR
check "the daemon starts where there is no SO_PEERPIDFD" daemon_start
AG_BIN=$bin
chmod 0666 "$SOCKET"
is "... a command" "$(carol "$ASK" | who)" "$FOUND"
is "... ssh -L" "$(curl -s --unix-socket "$DIR/carol.sock" http://allowgate/v1/whoami | who)" "$FOUND"
is "... a console" "$(in_ns server "${HERE[@]}" | who)" "0 unknown none no_sshd"
# Connected by one process and held by another: the first one's number says nothing any more.
is "... a connection that was handed on" "$(carol "python3 $DIR/handed_on.py $SOCKET" | who)" "$nobody_there gone"
is "... by one that lives" "$(carol "python3 $DIR/handed_on.py $SOCKET alive" | who)" "$nobody_there not_peer"

# --- what it is for --------------------------------------------------------------------

carol_does()
{
	carol "$DIR/allowgate --socket $SOCKET --json $*" 2>&1
}
is "the first entry that does not cover her" "$(carol_does allow add acme 192.0.2.77 | jq -r .code)" origin_not_covered
is "the first entry that does" "$(carol_does allow add acme "$LISTED4" 192.0.2.77 | jq -r .active)" true
is "taking her own address away" "$(carol_does allow remove acme "$LISTED4" | jq -r .code)" would_lock_out
is "... which the log says, with where from" \
	"$(ag --json audit acme | jq -r '[.items[] | select(.user == "carol") | .origin + " " + .outcome] | unique | join(", ")')" \
	"$LISTED4 done, $LISTED4 origin_not_covered, $LISTED4 would_lock_out"
is "a delegate that does not say whence" "$(ag --json --as carol whoami | who)" "0 unknown none not_asked"
is "... and one that does" "$(ag --json --as carol --origin "$ADA" whoami | jq -r '[.origin, .origin_from, .origin_reason] | map(tostring) | join(" ")')" \
	"$ADA delegate null"
finish
