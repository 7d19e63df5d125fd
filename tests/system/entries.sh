#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The life of an entry: expiry to the second without a daemon, disabled and enabled again, under the rules; when it was
# last seen; what `check` says of it. With real packets.
. "$(dirname "$0")/../lib.sh"
ag_init
two_hosts
check "the daemon starts" daemon_start --interface eth0
check "an account, an admin, a delegate" acme
web_start
check "the account is closed" ada --quiet allow add acme "$ADA" 203.0.113.0/24

entry()
{
	api GET "/v1/accounts/acme/allowlist?limit=1000" | jq -r --arg prefix "$1" ".items[] | select(.prefix == \$prefix) | $2"
}

in_seconds()
{
	date -u -d "@$(($(date +%s) + $1))" +%Y-%m-%dT%H:%M:%SZ
}

# until_stopped ADDRESS: the second in which the first request is not answered, ten attempts a second.
until_stopped()
{
	local end=$((SECONDS + 15))
	while web_get "$1" 0.1 2>/dev/null; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
	date +%s
}

# --- expiry --------------------------------------------------------------------

expires=$(in_seconds 5)
check "an entry that expires in a moment" ada allow add acme $LISTED6 --expires "$expires"
is "... is shown with its time" "$(entry $LISTED6/128 .expires)" "$expires"
served $LISTED6
daemon_kill
at=$(until_stopped $LISTED6)
late=$((at - $(date -d "$expires" +%s)))
is "it expires in its second, with nobody there" "$([ $late = 0 ] || [ $late = 1 ] || echo $late)" ""
check "the daemon starts again" daemon_start --interface eth0
is "the expired entry is still an entry" "$(entry $LISTED6/128 .expires)" "$expires"
is "... check says so" "$(ag --json check acme $LISTED6 2>/dev/null | jq -c '[.verdict, .entry, .kernel, .agree]')" \
	'["denied",null,"denied",true]'
stopped $LISTED6
is "adding it again is refused" "$(ada --json allow add acme $LISTED6 2>&1 >/dev/null | jq -r .code)" exists
check "a new time revives it" ada allow set acme $LISTED6 --expires never
served $LISTED6
is "... and it never expires" "$(entry $LISTED6/128 .expires)" null

check "a hole for a while" ada allow add acme $LISTED4 --deny --expires "$(in_seconds 3)"
stopped $LISTED4
wait_for 6 web_get $LISTED4 0.2
served $LISTED4
is "what expired uncovers what is behind it" "$(ag --json check acme $LISTED4 | jq -r .entry.prefix)" 203.0.113.0/24
check "the hole is taken away" ada allow remove acme $LISTED4

# Never open by expiry alone.
ag --quiet account add brief
ag --quiet service add brief "$SERVER4:81/tcp"
ag --quiet role grant brief ada admin
check "an account whose only entry expires" ada allow add brief "$ADA" --expires 1h
is "... is accepted with a warning that says when" \
	"$(ada --json allow set brief "$ADA" --expires 30m 2>/dev/null | jq -r '.warnings | length')" 1
ada --quiet allow set brief "$ADA" --expires 2s 2>/dev/null
sleep 3
is "... and stays closed afterwards" "$(ag --json account show brief | jq .active)" true
is "... to her too" "$(ag --json check brief "$ADA" 2>/dev/null | jq -r .kernel)" denied

for what in add set; do
	past=2020-01-02T03:04:05Z
	prefix=198.51.100.$([ $what = add ] && echo 1 || echo 9)
	refused bad_request 1 "an expiry in the past, by $what" --as ada --origin "$ADA" allow $what acme "$prefix" --expires $past
done
ada --quiet allow export acme >"$DIR/list"
echo "198.51.100.2 expires=2020-01-02T03:04:05Z disabled # long ago" >>"$DIR/list"
check "... is kept by replace" ada allow replace acme "$DIR/list"
is "... to the letter" "$(ag allow export acme | grep '^198.51.100.2')" \
	"198.51.100.2 disabled expires=2020-01-02T03:04:05Z # long ago"
for when in 0s -1h 8x tomorrow 2026-13-01T00:00:00Z 1000000w; do
	ada allow set acme 198.51.100.2 --expires="$when" >/dev/null 2>&1
	status=$?
	is "--expires $when is no time" "$((status == 1 || status == 2))" 1
done

# A packet looks again behind what expired, so the lengths of such entries are bounded.
ag --quiet account add many
ag --quiet role grant many ada admin
ada --quiet allow add many "$ADA"
for len in 9 10 11 12 13 14 15 16; do
	echo "10.0.0.0/$len expires=$(in_seconds 3600)"
done >"$DIR/lengths"
check "eight lengths of entries that expire" sh -c "(cat '$DIR/lengths'; echo $ADA) | '$AG_CLI' --socket '$SOCKET' --as ada --origin $ADA allow replace many -"
is "a ninth is refused" "$(ada --json allow add many 10.0.0.0/17 --expires 1h 2>&1 >/dev/null | jq -r .code)" limit
check "... without an expiry it is none" ada allow add many 10.0.0.0/17
is "... and is not given one" "$(ada --json allow set many 10.0.0.0/17 --expires 1h 2>&1 >/dev/null | jq -r .code)" limit
check "... but where another is disabled" ada allow set many 10.0.0.0/16 --disable
check "... it is" ada allow set many 10.0.0.0/17 --expires 1h
is "enabling the other is then refused" "$(ada --json allow set many 10.0.0.0/16 --enable 2>&1 >/dev/null | jq -r .code)" limit

# --- disabled ------------------------------------------------------------------

served $LISTED4
check "to disable, to try" ada allow set acme 203.0.113.0/24 --disable --dry-run
served $LISTED4
check "disabled" ada allow set acme 203.0.113.0/24 --disable
stopped $LISTED4
is "... it is shown so" "$(entry 203.0.113.0/24 .enabled)" false
is "... and exported so" "$(ag allow export acme | grep '^203.0.113.0/24')" "203.0.113.0/24 disabled"
is "adding it is exists" "$(ada --json allow add acme 203.0.113.0/24 2>&1 >/dev/null | jq -r .code)" exists
daemon_stop
check "... in another process" daemon_start --interface eth0
stopped $LISTED4
check "enabled" ada allow set acme 203.0.113.0/24 --enable --note "the office"
served $LISTED4
is "... with its note" "$(entry 203.0.113.0/24 .note)" "the office"
refused not_found 1 "what is not there" --as ada --origin "$ADA" allow set acme 198.51.100.77 --disable
refused would_lock_out 1 "her own entry" --as ada --origin "$ADA" allow set acme "$ADA" --disable
check "... by an operator's force" sh -c "'$AG_CLI' --socket '$SOCKET' --quiet role grant acme ops admin && '$AG_CLI' --socket '$SOCKET' --as ops --origin $ADA --force allow set acme $ADA --disable"
check "... and back" ag --as ops --origin "$ADA" allow set acme "$ADA" --enable
is "both at once is wrong usage" "$(ada allow set acme "$ADA" --disable --enable >/dev/null 2>&1; echo $?)" 2
ag --quiet account add single
ag --quiet role grant single ada admin
ada --quiet allow add single "$ADA"
refused would_open 1 "the last enabled entry" --as ada --origin "$ADA" allow set single "$ADA" --disable
check "... with --open" ada allow set single "$ADA" --disable --open
is "... the account is open" "$(ag --json account show single | jq -c '[.active, .entries]')" '[false,1]'
refused origin_not_covered 1 "enabling it from elsewhere" --as ada --origin 192.0.2.77 allow set single "$ADA" --enable
check "... from there" ada allow set single "$ADA" --enable
is "... the account is closed" "$(ag --json account show single | jq .active)" true
refused forbidden 4 "a nobody" --as nobody --origin "$ADA" allow set acme "$ADA" --note mine
refused bad_request 1 "nothing to set" --as ada --origin "$ADA" allow set acme "$ADA"

# --- last seen -----------------------------------------------------------------

seen()
{
	entry "$1" .last_seen
}

recently()
{
	local at
	at=$(seen "$1") && [ "$at" != null ] && [ $(($(date +%s) - $(date -d "$at" +%s))) -lt 180 ]
}

check "an entry that nobody used" ada allow add acme 198.51.100.128/25 --note unused
is "... was never seen" "$(seen 198.51.100.128/25)" null
is "... which the table says" "$(ag allow list acme | awk '$1 == "198.51.100.128/25"' | grep -c never)" 1
served $LISTED4
check "one that was is seen" wait_for 3 recently 203.0.113.0/24
ag --quiet allow export acme >"$DIR/list"
check "the list replaced" ada allow replace acme "$DIR/list"
check "... it was seen still" recently 203.0.113.0/24
check "the entry changed" ada allow set acme 203.0.113.0/24 --note "another note"
check "... it was seen still" recently 203.0.113.0/24
check "a reload" ag reload
check "... it was seen still" recently 203.0.113.0/24
daemon_stop
check "another process" daemon_start --interface eth0
check "... it was seen still" recently 203.0.113.0/24
check "disabled" ada allow set acme 203.0.113.0/24 --disable
check "... it was seen still" recently 203.0.113.0/24
ada --quiet allow set acme 203.0.113.0/24 --enable
is "an entry of today is not unused for 90 days" "$(ag --json allow list acme --unused 90d | jq -c '[.items[].prefix]')" '[]'
sleep 2
is "one that was never seen is as old as itself" \
	"$(ag --json allow list acme --unused 2s | jq -r '[.items[].prefix] | index("198.51.100.128/25") != null')" true
is "... pages of them go on" \
	"$(api GET '/v1/accounts/acme/allowlist?unused=2s&limit=1' | jq -r '(.items | length), (.next != null)' | xargs)" "1 true"
is "--unused nonsense" "$(ag --json allow list acme --unused soon 2>&1 >/dev/null | jq -r .code)" bad_request
check "taken away and added again" sh -c "'$AG_CLI' --socket '$SOCKET' --as ada --origin $ADA allow remove acme 203.0.113.0/24 && '$AG_CLI' --socket '$SOCKET' --as ada --origin $ADA allow add acme 203.0.113.0/24"
is "... it was never seen" "$(seen 203.0.113.0/24)" null

# --- check ---------------------------------------------------------------------

for pair in "$LISTED4 0" "$STRANGER6 3" "$ADA 0"; do
	ag check acme "${pair% *}" >/dev/null 2>&1
	is "check of ${pair% *} exits with ${pair#* }" $? "${pair#* }"
done
is "check of nonsense exits with 2 or 1" "$(ag check acme 203.0.113.0/24 >/dev/null 2>&1; [ $? -le 2 ] && echo yes)" yes
is "the whole way of a packet" "$(ag --json check --from $LISTED4 --to $SERVER4:80/tcp | jq -c '[.account, .verdict, .kernel, .agree]')" \
	'["acme","allowed","allowed",true]'
is "... of one that is stopped" "$(ag --json check --from $STRANGER6 --to "[$SERVER6]:80/tcp" | jq -c '[.account, .verdict, .kernel, .agree]')" \
	'["acme","denied","denied",true]'
ag check --from $STRANGER6 --to "[$SERVER6]:80/tcp" >/dev/null
is "... exits with 3" $? 3
is "... to no service" "$(ag --json check --from $STRANGER4 --to $SERVER4:22/tcp | jq -c '[.account, .verdict, .agree]')" '[null,"unmatched",true]'
ag check --from $STRANGER4 --to $SERVER4:22/tcp >/dev/null
is "... exits with 0" $? 0
for action in reject notice:8080 drop; do
	ag --quiet account set acme --on-deny $action
	is "stopped by $action" "$(ag --json check --from $STRANGER6 --to "[$SERVER6]:80/tcp" | jq -r .verdict)" \
		"$(case $action in reject) echo rejected ;; notice*) echo redirected ;; drop) echo denied ;; esac)"
done
for action in notice notice:0 notice:70000 redirect redirect: redirect:way-too-long-a-name ignore DROP; do
	is "--on-deny $action is refused" "$(ag --json account set acme --on-deny $action 2>&1 >/dev/null | jq -r .code)" bad_request
done
is "kernel and store agree" "$(ag --json status | jq .drift)" 0
finish
