#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# --dry-run says whom a change would stop: real connections of IPv4, IPv6 and a dual-stack socket, and sources seen
# lately; other ports, and who stays listed, are not named, and nothing is changed.
. "$(dirname "$0")/../lib.sh"
ag_init
two_hosts

# A service on one socket for both families, and another one that is nobody's.
cat >"$DIR/serve.py" <<'END'
import socket, sys
held = []
servers = []
for port in (80, 81):
    s = socket.socket(socket.AF_INET6)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", port))
    s.listen(16)
    servers.append(s)
import select
print("ready", flush=True)
while True:
    for s in select.select(servers, [], [])[0]:
        held.append(s.accept()[0])
END
cat >"$DIR/hold.py" <<'END'
import socket, sys, time
held = []
for spec in sys.argv[1:]:
    source, dest, port = spec.split(",")
    held.append(socket.create_connection((dest, int(port)), 5, (source, 0)))
print("connected", flush=True)
time.sleep(600)
END

# cut COMMAND...: the remote addresses of connections that would be cut, without ports, sorted.
cut()
{
	for _ in 1 2 3 4 5 6 7 8; do # under load a bound may be met, which it says
		ada --json "$@" --dry-run >"$DIR/cut"
		[ "$(jq .preview.complete "$DIR/cut")" = false ] || break
	done
	jq -r '[.preview.connections[].remote | sub(":[0-9]+$"; "")] | sort | join(" ")' "$DIR/cut"
}

check "the daemon starts" daemon_start --interface eth0
check "an account" acme
check "its list" ada allow add acme "$ADA" 203.0.113.0/24 $LISTED6
background serve server python3 "$DIR/serve.py"
wait_for 20 grep -q ready "$DIR/serve.log"
background hold client python3 "$DIR/hold.py" $LISTED4,$SERVER4,80 $STRANGER4,$SERVER4,80 $LISTED4,$SERVER4,81 $LISTED6,$SERVER6,80 \
	192.0.2.1,$SERVER4,81
check "five connections" wait_for 20 grep -q connected "$DIR/hold.log"
policy_before=$(policy)

is "remove: all of IPv4 that it let in, by its own address" "$(cut allow remove acme 203.0.113.0/24)" "203.0.113.200 203.0.113.7"
is "... of IPv6" "$(cut allow remove acme $LISTED6)" "[$LISTED6]"
is "a hole" "$(cut allow add acme $STRANGER4 --deny)" $STRANGER4
is "an entry more" "$(cut allow add acme 198.51.100.0/24)" ""
is "disabled" "$(cut allow set acme 203.0.113.0/24 --disable)" "203.0.113.200 203.0.113.7"
printf '%s\n' "$ADA" $LISTED4 >"$DIR/list.txt"
is "replaced" "$(cut allow replace acme "$DIR/list.txt")" "203.0.113.200 [$LISTED6]"
printf '203.0.113.0/25 deny\n' >"$DIR/more.txt"
is "imported" "$(cut allow import acme "$DIR/more.txt")" $LISTED4
is "a note changes nothing" "$(cut allow set acme 203.0.113.0/24 --note x)" ""
is "monitor stops nobody" "$(ag --json account set acme --mode monitor --dry-run | jq .preview.connections_total)" 0
is "a service that goes" "$(ag --json service remove acme "$SERVER4:80/tcp" --dry-run | jq .preview.connections_total)" 0
is "an account that goes" "$(ag --json account remove acme --open --force --dry-run | jq .preview.connections_total)" 0
is "a service that comes: whose connections are gated then" \
	"$(ag --json service add acme "$SERVER4:81/tcp" --dry-run | jq -c '[.preview.connections_total, .preview.complete]')" '[1,true]'
is "it names the service and both ends" \
	"$(ada --json allow remove acme $LISTED6 --dry-run | jq -r '.preview.connections[0] | .local + " " + .service')" \
	"[$SERVER6]:80 [$SERVER6]:80/tcp"
ada allow remove acme 203.0.113.0/24 --dry-run >"$DIR/said"
check "for people: the entry that goes" grep -q '^- 203.0.113.0/24$' "$DIR/said"
check "... and the connections" grep -q '^2 connections would be cut:$' "$DIR/said"
check "... one by one" grep -qE "^  $LISTED4:[0-9]+ to $SERVER4:80 \($SERVER4:80/tcp\)$" "$DIR/said"
check "sources seen lately: the entry's" grep -qE '^  203.0.113.0/24, last seen .*lets in no more' "$DIR/said"

# Named lists, and documents: of all that they concern together.
ag --quiet user add olga --operator
ag --quiet role grant acme olga admin
ag --quiet account add beta
ag --quiet role grant beta olga admin
ag --quiet role grant beta ada admin
ag --quiet service add beta "$SERVER4:81/tcp"
ag --quiet list create vpn
ag --quiet list add vpn 203.0.113.0/24 192.0.2.0/24
ada --quiet allow add beta "$ADA" @vpn
ada --quiet allow set acme 203.0.113.0/24 --note own
olga()
{
	ag --as olga --origin "$ADA" "$@"
}
# ask ADDRESS PORT: a packet more of the connections that are held, so that entries are seen.
ask()
{
	in_ns client python3 -c "import socket; socket.create_connection(('$SERVER4', $2), 5, ('$1', 0))"
}
ask 192.0.2.1 81
ask $LISTED4 81
policy_before=$(policy)
is "an entry of a named list: whoever uses it" \
	"$(for _ in 1 2 3 4 5 6 7 8; do ag --json --as olga --origin "$ADA" list remove-entry vpn 203.0.113.0/24 192.0.2.0/24 --dry-run >"$DIR/cut"
	[ "$(jq .preview.complete "$DIR/cut")" = false ] || break; done
	jq -r '[.preview.connections[] | (.remote | sub(":[0-9]+$"; "")) + " " + (.service | sub(".*:"; ""))] | sort | unique | join(", ")' "$DIR/cut")" \
	"192.0.2.1 81/tcp, $LISTED4 81/tcp"
is "... and the sources that it let in" "$(jq -r '[.preview.sources[] | .account + " " + .source + ": " + .why] | sort | join(", ")' "$DIR/cut")" \
	"beta 192.0.2.0/24: its entry of a named list lets in no more, beta 203.0.113.0/24: its entry of a named list lets in no more"
is "a reference that goes" "$(cut allow remove beta @vpn)" "192.0.2.1 203.0.113.7"
is "... and what came through it" "$(jq -r '[.preview.sources[].source] | sort | join(" ")' "$DIR/cut")" "192.0.2.0/24 203.0.113.0/24"
ag policy export >"$DIR/host.json"
# apply JQ-FILTER: the connections that the edited document would cut.
plan()
{
	jq "$1" "$DIR/host.json" >"$DIR/edited.json"
	for _ in 1 2 3 4 5 6 7 8; do
		olga --json policy apply "$DIR/edited.json" --dry-run --open >"$DIR/cut"
		[ "$(jq .preview.complete "$DIR/cut")" = false ] || break
	done
	jq -r '[.preview.connections[] | (.remote | sub(":[0-9]+$"; "")) + " " + (.service | sub(".*:"; ""))] | sort | unique | join(", ")' "$DIR/cut"
}
is "a document: of all accounts together" \
	"$(plan '(.accounts[].entries) |= map(select(.prefix != "203.0.113.0/24")) | .lists[0].entries |= map(select(.prefix != "192.0.2.0/24"))')" \
	"192.0.2.1 81/tcp, $STRANGER4 80/tcp, $LISTED4 80/tcp"
is "... with the sources of each" "$(jq -r '[.preview.sources[] | .account + " " + .source] | sort | join(", ")' "$DIR/cut")" \
	"acme 203.0.113.0/24, beta 192.0.2.0/24"
is "... for people" "$(olga policy apply "$DIR/edited.json" --dry-run | grep -cE '(connections would be cut:|lets in no more \(account (acme|beta)\))$')" 3
is "a service that moves: by the list of whoever has it then" \
	"$(plan '.accounts[0].services -= ["'"$SERVER4"':80/tcp"] | .accounts[1].services += ["'"$SERVER4"':80/tcp"] | .lists[0].entries |= map(select(.prefix != "203.0.113.0/24")) |
	.accounts[1].entries += [{"prefix": "203.0.113.7"}]')" "$STRANGER4 80/tcp"
is "a list that is too long for the loop, with the settings" \
	"$(plan '.accounts[0] |= (.label = "long" | .on_deny = "reject" | .entries |= (map(select(.prefix != "203.0.113.0/24")) + [range(1500) | {prefix: "11.\(. / 256 | floor).\(. % 256).0/24"}]))')" \
	"$STRANGER4 80/tcp, $LISTED4 80/tcp"
is "an account that goes stops nobody" "$(plan '.accounts |= map(select(.name != "beta"))')" ""
is "what is there already has nothing to say" "$(olga --json policy apply "$DIR/host.json" --dry-run | jq -c .preview)" null
is "nothing was changed by all this" "$(policy)" "$policy_before"
ag --quiet account remove beta --open
ag --quiet list remove vpn

# From monitor to enforce.
check "monitor" ag account set acme --mode monitor
check "the hole, watched" ada allow add acme $STRANGER4 --deny
in_ns client python3 -c "import socket; socket.create_connection(('$SERVER4', 80), 5, ('$STRANGER4', 0))"
enforce()
{
	ag --json account set acme --mode enforce --force --dry-run >"$DIR/enforce"
	[ "$(jq '.preview.sources_total' "$DIR/enforce")" -gt 0 ]
}
check "to enforce: who was counted as would_deny" wait_for 10 enforce
is "... and why" "$(jq -r '.preview.sources[0] | .source + ": " + .why' "$DIR/enforce")" \
	"$STRANGER4/32: monitor counted it as would_deny"
is "... and the connections that begin to be cut" \
	"$(jq -r '[.preview.connections[].remote | sub(":[0-9]+$"; "")] | unique | join(" ")' "$DIR/enforce")" $STRANGER4
finish
