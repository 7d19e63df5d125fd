#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The notice page's server: what visitors are sent, by HTTP and HTTPS, what they cannot do, and what it cannot.
. "$(dirname "$0")/../lib.sh"
ag_init
command -v openssl >/dev/null || skip_all "openssl is not installed"
NOTICE=$AG_BIN/allowgate-notice
[ -x "$NOTICE" ] || die "$NOTICE is not built"
two_hosts
addresses server eth0 192.0.2.11/24 192.0.2.33/24
addresses client eth0 2001:db8:c::67/128
PORT=8403
CONF=$DIR/notice.conf
SENTENCE='You are attempting to log in from an unauthorized location'
CLIENT=(python3 "$ROOT/tests/system/notice_client.py")
chmod 0755 "$DIR"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=notice -keyout "$DIR/key.pem" \
	-out "$DIR/cert.pem" 2>/dev/null || die "openssl makes no certificate"
chmod 0600 "$DIR/key.pem"

answers()
{
	kill -0 "$NOTICE_PID" && in_ns server curl -so /dev/null --max-time 2 "http://$SERVER4:$PORT/"
}

# The sanitised program looks for leaks in a process of its own, which the sandbox denies it: so it
# does only where it ends before.
# notice_start OPTION...: with the configuration, as nobody, and waits until it answers.
notice_start()
{
	: >"$DIR/notice.log"
	background notice server env ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" "$NOTICE" --config "$CONF" \
		--listen "0.0.0.0:$PORT" --listen "[::]:$PORT" --user nobody "$@"
	NOTICE_PID=$!
	wait_for 10 answers
}

notice_stop()
{
	kill -TERM "$NOTICE_PID"
	wait "$NOTICE_PID"
}

# get PATH-AND-CURL-OPTIONS...: from the stranger's address
get()
{
	in_ns client curl -sS --max-time 5 --interface "$STRANGER4" "$@"
}

status_of()
{
	get -o /dev/null -w '%{http_code}' "$@"
}

# --- what is wrong is refused, in one clear line ---------------------------------

# bad WHAT LINE WANT: a configuration of that line
bad()
{
	local said status
	printf '%b\n' "$2" >"$CONF"
	said=$(in_ns server timeout 5 "$NOTICE" --config "$CONF" --listen 127.0.0.1:1 --user nobody 2>&1)
	status=$?
	if [ $status -eq 1 ] && [ "$(wc -l <<<"$said")" -eq 1 ] && grep -qF "$3" <<<"$said"; then
		ok "refused: $1"
	else
		not_ok "refused: $1: exit $status: $said"
	fi
}
bad "an unknown key" '[notice]\ncolour = red' "$CONF:2: there is no setting colour"
bad "an unknown section" '[elsewhere]' 'neither [notice] nor a prefix'
bad "a prefix with host bits" '[192.0.2.10/24]' '192.0.2.0/24'
bad "a section twice" '[192.0.2.10]\n[192.0.2.10/32]' ':2: [192.0.2.10/32] is there twice'
bad "a setting before any section" 'support = x' 'before any section'
bad "a line that is nothing" '[notice]\nsupport' 'key = value'
bad "a setting of the server in an account's section" '[192.0.2.10]\nconnections = 5' 'there is no setting connections'
bad "support that is no UTF-8" '[notice]\nsupport = \xff' 'UTF-8'
bad "a control character" '[notice]\nsupport = a\x1b[2J' 'control character'
bad "a number out of range" '[notice]\ntimeout = 0' 'no number from 1 to 600'
bad "a redirect to a script" '[notice]\nredirect = javascript:alert(1)' 'https://HOST/PATH'
bad "a redirect without host" '[notice]\nredirect = https:///x' 'https://HOST/PATH'
bad "a redirect that splits the header" '[notice]\nredirect = https://h/a b' 'percent-encode'
bad "a parameter that is more than a name" '[notice]\nparameter = a&b' "parameter's name"
bad "a line too long" "[notice]\nsupport = $(printf 'x%.0s' {1..300})" 'longer than'
bad "a certificate without its key" "[notice]\ncertificate = $DIR/cert.pem" 'both, or neither'
bad "a certificate that is none" "[notice]\ncertificate = $DIR/key.pem\nkey = $DIR/key.pem" 'belong together'
bad "a key that cannot be read" "[notice]\ncertificate = $DIR/cert.pem\nkey = $DIR/none" 'cannot read'

# usage STATUS WANT OPTION...
usage()
{
	local want=$1 text=$2 said status
	shift 2
	said=$(in_ns server timeout 5 "$NOTICE" "$@" 2>&1)
	status=$?
	[ "$status" -eq "$want" ] && grep -qF -- "$text" <<<"$said"
}
: >"$CONF"
check "usage: an unknown option" usage 2 "there is no such option" --colour
check "usage: a value that is missing" usage 2 "its value is missing" --listen
check "usage: no address" usage 2 "no place to listen" --listen here:1
check "usage: no port" usage 2 "no number from 1 to 65535" --listen 127.0.0.1:0
check "usage: a configuration that was named and is absent" usage 1 "cannot read" --config "$DIR/none" --listen 127.0.0.1:1
check "usage: nowhere to listen" usage 1 "no place to listen" --config "$CONF"
check "usage: not as root" usage 1 "is root" --config "$CONF" --listen 127.0.0.1:1 --user root
check "usage: a user who is not there" usage 1 "there is no user" --config "$CONF" --listen 127.0.0.1:1 --user ag-nobody-here
check "usage: a socket that is not ours" usage 1 "cannot listen on 198.51.100.1 port 1" --config "$CONF" --listen 198.51.100.1:1
check "--help" usage 0 "usage: allowgate-notice" --help
check "--version" usage 0 "$(cat "$ROOT/VERSION")" --version

# --- what a visitor is sent --------------------------------------------------------

cat >"$CONF" <<'END'
[notice]
support = Call <b>us</b> & "them" 'now' ü
support = or write
connections_per_address = 1500
connections = 1500
timeout = 3
[192.0.2.0/24]
support = of the network
[192.0.2.11]
title = Not from <here>
support =
[192.0.2.11 8403]
title = By the port
[192.0.2.33]
redirect = https://login.example.com/in?a=1
parameter = why
[2001:db8:10::/64]
support = over IPv6
END
check "it starts" notice_start --certificate "$DIR/cert.pem" --key "$DIR/key.pem"
URL=http://$SERVER4:$PORT/
is "the status" "$(status_of "$URL")" 403
page=$(get -i "$URL")
check "the sentence" grep -qF "<h1>$SENTENCE</h1>" <<<"$page"
check "the visitor's address" grep -qF "<code>$STRANGER4</code>" <<<"$page"
check "the support line of the longest prefix that fits" grep -qF '<p>of the network</p>' <<<"$page"
for header in 'Connection: close' 'Cache-Control: no-store' 'X-Content-Type-Options: nosniff' 'Referrer-Policy: no-referrer' \
	"Content-Security-Policy: default-src 'none'" 'Content-Type: text/html; charset=utf-8'; do
	check "header: $header" grep -qiF "$header" <<<"$page"
done
hostile='<script>evil()</script>'
page=$(get -i -H "Host: $hostile" -H "X-Forwarded-For: 198.51.100.99" -H "Forwarded: for=198.51.100.99" -A "$hostile" \
	-e "$hostile" "${URL}evil?evil=$STRANGER6")
is "nothing of a request comes back" "$(grep -ciE 'evil|198\.51\.100\.99' <<<"$page")" 0
check "nor does a header say who the visitor is" grep -qF "<code>$STRANGER4</code>" <<<"$page"
is "the port's section before the one without" "$(get "http://192.0.2.11:$PORT/" | grep -c '<h1>By the port</h1>')" 1
is "configuration is escaped" "$(in_ns server curl -s "http://127.0.0.1:$PORT/" | grep -c \
	'<p>Call &lt;b&gt;us&lt;/b&gt; &amp; &quot;them&quot; &#39;now&#39; ü<br>or write</p>')" 1
is "IPv6" "$(in_ns client curl -s --interface "$STRANGER6" "http://[$SERVER6]:$PORT/" |
	grep -cE "<code>$STRANGER6</code>|over IPv6")" 2
for method in POST PUT DELETE OPTIONS PATCH; do
	is "$method" "$(status_of -X "$method" -d 'user=ada&password=x' "$URL")" 403
done
is "HEAD: the same header" "$(get -I "$URL" | tr -d '\r' | grep -v '^Date' | sort)" \
	"$(get -D - -o /dev/null "$URL" | tr -d '\r' | grep -v '^Date' | sort)"
is "HEAD: no body" "$(get -I -w '%{size_download}' -o /dev/null "$URL")" 0

json=$(get -H 'Accept: application/json' "http://127.0.0.1:$PORT/" 2>/dev/null || get -H 'Accept: application/json' "$URL")
is "JSON" "$(jq -r '.status, .detail, .code, .address, .support' <<<"$json" | tr '\n' '|')" \
	"403|$SENTENCE|unauthorized_location|$STRANGER4|of the network|"
is "JSON: its type" "$(get -o /dev/null -w '%{content_type}' -H 'Accept: application/problem+json' "$URL")" \
	application/problem+json
is "JSON: hostile text" "$(in_ns server curl -s -H 'Accept: application/json' "http://127.0.0.1:$PORT/" | jq -r .support)" \
	"Call <b>us</b> & \"them\" 'now' ü"$'\n'"or write"
is "a browser's Accept is HTML" "$(get -o /dev/null -w '%{content_type}' \
	-H 'Accept: text/html,application/xhtml+xml,*/*;q=0.8,application/json' "$URL")" 'text/html; charset=utf-8'
want='https://login.example.com/in?a=1&why=You%20are%20attempting%20to%20log%20in%20from%20an%20unauthorized%20location'
is "302 to the login page" "$(get -o /dev/null -w '%{http_code} %{redirect_url}' \
	-H 'Host: evil.example' "http://192.0.2.33:$PORT//evil.example/?why=evil&redirect=https://evil.example")" "302 $want"
is "... but not for JSON" "$(status_of -H 'Accept: application/json' "http://192.0.2.33:$PORT/")" 403

is "HTTPS on the same port" "$(get -k "https://$SERVER4:$PORT/" | grep -cF "<code>$STRANGER4</code>")" 1
is "HTTPS over IPv6" "$(in_ns client curl -ks -o /dev/null -w '%{http_code}' "https://[$SERVER6]:$PORT/")" 403
is "HTTPS: the certificate it was given" "$(get --cacert "$DIR/cert.pem" --resolve "notice:$PORT:$SERVER4" -o /dev/null \
	-w '%{http_code}' "https://notice:$PORT/")" 403

# --- what a visitor cannot do --------------------------------------------------------

head -c 60000 /dev/zero | tr '\0' x >"$DIR/body"
is "a body is read and thrown away" "$(status_of --data-binary "@$DIR/body" "$URL")" 403
is "a cookie of 16 KiB is no obstacle" "$(status_of -H "Cookie: $(head -c 16000 "$DIR/body")" "$URL")" 403
check "header lines without end are refused" in_ns client "${CLIENT[@]}" headers "$SERVER4" $PORT
check "bytes that are no HTTP end that connection" in_ns client "${CLIENT[@]}" garbage "$SERVER4" $PORT
check "a body without end is cut" in_ns client "${CLIENT[@]}" body "$SERVER4" $PORT
for way in silent drip body-drip tls-silent tls-drip idle-after; do
	check "cut at the deadline: $way" in_ns client "${CLIENT[@]}" slow "$SERVER4" $PORT "$way" 3
done
check "1000 at once, all answered" in_ns client "${CLIENT[@]}" many "$SERVER4" $PORT 1000
check "... and none is left" wait_for 6 eval \
	'[ "$(ls /proc/'"$NOTICE_PID"'/fd | wc -l)" -lt 20 ]'
is "it lives" "$(status_of "$URL")" 403

# --- what it cannot do -----------------------------------------------------------------

field()
{
	awk -v name="$1:" '$1 == name { print $2 }' "/proc/$NOTICE_PID/status"
}
is "it is nobody" "$(field Uid) $(field Gid) $(awk '$1 == "Groups:" { print NF }' "/proc/$NOTICE_PID/status")" \
	"$(id -u nobody) $(id -g nobody) 1"
is "no new privileges" "$(field NoNewPrivs)" 1
for set in CapInh CapPrm CapEff CapBnd CapAmb; do
	is "no capability: $set" "$(field $set)" 0000000000000000
done
is "no process" "$(awk '/Max processes/ { print $3, $4 }' "/proc/$NOTICE_PID/limits")" "0 0"
is "no core file" "$(awk '/Max core/ { print $5, $6 }' "/proc/$NOTICE_PID/limits")" "0 0"
is "descriptors for its connections alone" "$(awk '/Max open/ { print $4, $5 }' "/proc/$NOTICE_PID/limits")" "1564 1564"
notice_stop
is "it ends by SIGTERM" $? 0

# What it has open, it has: so a file is asked for behind the sandbox, by a library that is put before the others.
# (The sanitised program wants its own library first.)
if grep -q 'Landlock version' "$DIR/notice.log"; then
	cat >"$DIR/probe.c" <<-'END'
		#include <errno.h>
		#include <fcntl.h>
		#include <netinet/in.h>
		#include <stdio.h>
		#include <sys/socket.h>
		int sd_notify(int unset, const char *state);
		int sd_notify(int unset, const char *state)
		{
			struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
			int fd = socket(AF_INET, SOCK_STREAM, 0);
			int file = open("/etc/passwd", O_RDONLY) < 0 ? errno : 0;
			to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
			int out = connect(fd, (void *)&to, sizeof(to)) < 0 ? errno : 0;
			dprintf(2, "probe %s: file %d connect %d\n", state, file, out);
			return unset;
		}
	END
	check "a probe is built" cc -shared -fPIC -o "$DIR/probe.so" "$DIR/probe.c"
	background probe server env LD_PRELOAD="$DIR/probe.so" "$BUILD/allowgate-notice" --config "$CONF" --listen "0.0.0.0:$PORT" --user nobody
	NOTICE_PID=$!
	check "it starts with the probe" wait_for 10 answers
	is "no file can be opened behind the sandbox" "$(grep -o 'file [0-9]*' "$DIR/probe.log")" "file 13"
	case $(grep -o 'Landlock version [0-9]*' "$DIR/probe.log") in
	*' '[1-3]) skip "no connection goes out" "this kernel's Landlock knows no network" ;;
	*) is "no connection goes out" "$(grep -o 'connect [0-9]*' "$DIR/probe.log")" "connect 13" ;;
	esac
	notice_stop
else
	skip "no file can be opened behind the sandbox" "this kernel has no Landlock"
fi

# --- limits ------------------------------------------------------------------------------

printf '[notice]\nconnections_per_address = 5\nconnections = 12\ntimeout = 3\n' >"$CONF"
check "it starts with small limits" notice_start
check "one address has five" in_ns client "${CLIENT[@]}" hold "$SERVER4" $PORT 8 5 "$STRANGER4"
check "all have twelve" in_ns client "${CLIENT[@]}" hold "$SERVER4" $PORT 8 12 "$STRANGER4" "$LISTED4" "$ADA"
check "an IPv6 /64 counts as one" in_ns client "${CLIENT[@]}" hold "$SERVER6" $PORT 4 5 "$STRANGER6" 2001:db8:c::67
check "the places are free again" wait_for 5 answers
check "it says that it was full" grep -q '12 connections are open' "$DIR/notice.log"
check "without a certificate HTTPS is cut off at once" in_ns client "${CLIENT[@]}" cut "$SERVER4" $PORT
in_ns client curl -ks --max-time 2 "https://$SERVER4:$PORT/"
is "... and said once" "$(grep -c 'wants HTTPS' "$DIR/notice.log")" 1

# As its own user: root without CAP_SYS_RESOURCE may not.
files()
{
	setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups prlimit --pid "$NOTICE_PID" --nofile="$1"
}

# A descriptor too few, taken from it while it runs: it pauses, does not spin, and goes on.
before=$(awk '{ print $14 + $15 }' "/proc/$NOTICE_PID/stat")
files 5: || die "prlimit does not do it"
in_ns client curl -s --max-time 2 -o /dev/null "http://$SERVER4:$PORT/"
files 76:
after=$(awk '{ print $14 + $15 }' "/proc/$NOTICE_PID/stat")
check "without a descriptor it does not spin ($((after - before)) ticks of 200)" [ $((after - before)) -lt 50 ]
check "... says so" grep -q 'cannot accept' "$DIR/notice.log"
check "... and goes on" wait_for 5 answers
notice_stop

# --- started by nobody, with a capability -----------------------------------------------------

background ambient server setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups --inh-caps=+net_bind_service \
	--ambient-caps=+net_bind_service env ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" "$NOTICE" --config "$CONF" \
	--listen "0.0.0.0:$PORT" --listen 0.0.0.0:80
NOTICE_PID=$!
check "it binds port 80 by its capability" wait_for 5 answers
is "... and gives it away" "$(field CapInh) $(field CapPrm) $(field CapEff) $(field CapAmb) $(field NoNewPrivs)" \
	"0000000000000000 0000000000000000 0000000000000000 0000000000000000 1"
notice_stop

# --- handed over by systemd ----------------------------------------------------------------

if command -v systemd-socket-activate >/dev/null; then
	background activate server systemd-socket-activate -E ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" -l "$PORT" "$NOTICE" --config "$CONF" --user nobody
	NOTICE_PID=$!
	check "a socket of systemd's" wait_for 5 answers
	is "... dual-stack, the address is IPv4's" "$(get -s "$URL" | grep -cF "<code>$STRANGER4</code>")" 1
	notice_stop
else
	skip "a socket of systemd's" "systemd-socket-activate is not installed"
fi
finish
