#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# `make install` into a directory: everything is there, the unit names the right program, and what was installed runs
# with the capabilities that the unit leaves it.
. "$(dirname "$0")/../lib.sh"
ag_init
ns_add server
wire server eth0 server eth1
dest=$DIR/dest
# Without BUILD in the environment, as a person calls it.
check "make builds into build/" grep -q ' build/allowgated$' <<<"$(env -u BUILD make -C "$ROOT" -B -n V=1 all 2>&1)"
check "make install" make -C "$ROOT" --no-print-directory BUILD="$BUILD" DESTDIR="$dest" PREFIX=/usr install
for file in usr/sbin/allowgated usr/bin/allowgate usr/share/man/man1/allowgate.1 usr/share/man/man5/allowgate.conf.5 \
	usr/share/man/man8/allowgated.8 etc/allowgate/allowgate.conf lib/systemd/system/allowgated.service \
	usr/lib/sysusers.d/allowgate.conf usr/sbin/allowgate-notice usr/share/man/man5/allowgate-notice.conf.5 \
	usr/share/man/man8/allowgate-notice.8 etc/allowgate/notice.conf lib/systemd/system/allowgate-notice.service \
	usr/share/bash-completion/completions/allowgate usr/share/fish/vendor_completions.d/allowgate.fish \
	usr/share/doc/allowgate/openapi.yaml; do
	check "$file" test -s "$dest/$file"
done
if command -v zsh >/dev/null; then
	directory=$(cd "$dest" && dirname usr/share/zsh/*/_allowgate)
	check "zsh's completion is where zsh looks" grep -qx "/$directory" <<<"$(zsh -fc 'print -l $fpath')"
else
	skip "zsh's completion is where zsh looks" "zsh is not installed"
fi
check "bash takes what is installed" bash --norc -c '. "$1" && complete -p allowgate' bash \
	"$dest/usr/share/bash-completion/completions/allowgate"
is "the unit names the program" "$(sed -n 's/^ExecStart=//p' "$dest/lib/systemd/system/allowgated.service")" /usr/sbin/allowgated
refute "no @name@ is left in it" grep -qE '@[a-z]+@' "$dest/lib/systemd/system/allowgated.service"
check "the sample configuration is understood" "$dest/usr/sbin/allowgated" --config "$dest/etc/allowgate/allowgate.conf" --version
check "the version is said" grep -q "$(cat "$ROOT/VERSION")" <<<"$("$dest/usr/sbin/allowgated" --version)"

# What the unit leaves to the daemon must do for all of its work: load, attach, change, read back, adopt.
capabilities=$(sed -n 's/^CapabilityBoundingSet=//p' "$dest/lib/systemd/system/allowgated.service" | tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=allowgate -addext subjectAltName=IP:127.0.0.1 \
	-keyout "$DIR/tls.key" -out "$DIR/tls.pem" 2>/dev/null
chmod 0600 "$DIR/tls.key"
start()
{
	background daemon server setpriv --bounding-set "-all,$capabilities" --inh-caps=-all --no-new-privs \
		"$dest/usr/sbin/allowgated" --config "$CONFIG" --store "$STORE" --socket "$SOCKET" --pin-dir "$PINS" \
		--metrics 127.0.0.1:9812 "${SOCKET_GROUP[@]}" --interface eth0:native \
		--listen 127.0.0.1:8443 --tls-cert "$DIR/tls.pem" --tls-key "$DIR/tls.key"
	DAEMON_PID=$!
	wait_for 10 daemon_answers
}
check "it starts with nothing but $capabilities" start
AG_CLI=$dest/usr/bin/allowgate
check "an account" acme
check "its list" ada allow add acme "$ADA"
check "... added to" ada allow add acme 203.0.113.7
printf '%s\n' "$ADA" 2001:db8::/32 >"$DIR/list"
check "... replaced" ada allow replace acme "$DIR/list"
token=$(ag --quiet token create --user ada --account acme --role viewer)
is "its TLS listener knows a token" "$(in_ns server curl -sS --cacert "$DIR/tls.pem" -H "Authorization: Bearer $token" \
	https://127.0.0.1:8443/v1/whoami | jq -r .user)" ada
# What is offered for a mode is what the daemon takes.
offered()
{
	sed -n "s/^$1|.* $2=:\([a-z,]*\)[ |].*/\1/p" "$dest/usr/share/bash-completion/completions/allowgate" | tr , ' '
}
modes=0
for mode in $(offered 'account set' --mode); do
	check "the mode $mode is taken" ag account set acme --dry-run --mode "$mode"
	modes=$((modes + 1))
done
for mode in $(offered 'interface attach' --mode); do
	check "the mode $mode is taken" ag interface attach eth1 --dry-run --mode "$mode"
	modes=$((modes + 1))
done
for action in $(offered 'account set' --on-deny); do
	check "the action $action is taken" ag account set acme --dry-run --on-deny "$action"
	modes=$((modes + 1))
done
is "all of them" $modes 8
is "the kernel's answer is read" "$(ag --json check acme "$ADA" | jq -r '.kernel, .agree' | xargs)" "allowed true"
is "all is well" "$(ag --json status | jq -r '.state, .drift' | xargs)" "ok 0"
daemon_stop
check "it starts again" start
is "all is well again" "$(ag --json status | jq -r '.state, .drift' | xargs)" "ok 0"
is "attached" "$(ag --json interface list | jq -r '.items[0].mode')" native
check "detach" ag interface detach eth0
daemon_stop
finish
