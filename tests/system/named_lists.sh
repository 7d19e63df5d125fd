#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Named lists: two accounts share one, what is changed in it is in force for both at once, and for neither where the
# rules of one of them are against it; store and kernel say the same throughout.
. "$(dirname "$0")/../lib.sh"
ag_init
ns_add server
check "the daemon starts" daemon_start
check "an account, an admin, a delegate" acme
check "a second one, of the same admin" ag account add beta
ag --quiet role grant beta ada admin
ag --quiet user add bob
ag --quiet role grant beta bob admin
ag --quiet user add nobody

# Says "agree" where both sides do, else what they say.
both()
{
	ag --json check "$1" "$2" 2>/dev/null |
		jq -r 'if .agree then "\(.verdict) \(.entry.prefix // "-") \(.entry.list // "-")" else . end'
}

drift()
{
	ag --json status | jq -r .drift
}

# --- lists themselves --------------------------------------------------------------

refused forbidden 4 "an admin may not create one" --as ada --origin "$ADA" list create corp-vpn
refused bad_request 1 "a name that is none" list create Corp
check "an operator may" ag list create corp-vpn
refused exists 1 "... once" list create corp-vpn
is "... it is empty" "$(ag --quiet list list | cut -f1-3)" "corp-vpn	0	0"
check "entries of a list that nobody uses" ag list add corp-vpn 198.51.100.16/28 2001:db8:7::/48 --note tunnel
refused forbidden 4 "... are an operator's" --as ada --origin "$ADA" list add corp-vpn 203.0.113.0/24
refused exists 1 "the same again" list add corp-vpn 203.0.113.0/24 198.51.100.16/28
is "... adds nothing" "$(ag --quiet list show corp-vpn | cut -f1,4)" "198.51.100.16/28	tunnel
2001:db8:7::/48	tunnel"
refused bad_prefix 1 "host bits" list add corp-vpn 203.0.113.7/24
refused bad_request 1 "no reference in a list" list add corp-vpn @other
is "... nor a verdict" "$(api_status POST /v1/lists/corp-vpn/entries -H 'Content-Type: application/json' \
	-d '{"prefix": "203.0.113.0/24", "verdict": "deny"}')" "400 bad_request"
check "it is shown to whoever is known" ag --as nobody list show corp-vpn
refused forbidden 4 "... and nobody else" --as unheard list show corp-vpn
refused not_found 1 "one that is not there" list show other

# --- in allowlists -------------------------------------------------------------------

refused not_found 1 "a reference to one that is not there" --as ada --origin "$ADA" allow add acme "$ADA" @other
refused origin_not_covered 1 "as the first entry it must let her in" --as ada --origin "$ADA" allow add acme @corp-vpn
check "she is let in by the list" ag --as ada --origin 198.51.100.20 allow add acme @corp-vpn --note vpn
is "... which the allowlist says" "$(ag allow export acme)" "@corp-vpn # vpn"
is "... the table too" "$(ag --quiet allow list acme | cut -f1,2)" "@corp-vpn	allow"
is "a source of the list" "$(both acme 198.51.100.20)" "allowed 198.51.100.16/28 corp-vpn"
is "... of IPv6" "$(both acme 2001:db8:7::9)" "allowed 2001:db8:7::/48 corp-vpn"
is "another one" "$(both acme 203.0.113.9)" "denied - -"
is "check says by which list" "$(ag check acme 198.51.100.20 | head -1)" \
	"acme: 198.51.100.20 gets through: allowed, by 198.51.100.16/28 of @corp-vpn (allow)"
check "her own address, and a hole in the list" ag --as ada --origin 198.51.100.20 allow add acme "$ADA"
check "... of her own" ag --as ada --origin "$ADA" allow add acme 198.51.100.24/29 --deny
is "... the longest decides" "$(both acme 198.51.100.25)" "denied 198.51.100.24/29 -"
check "beta uses it too" ag --as bob --origin 198.51.100.20 allow add beta @corp-vpn
refused exists 1 "... once" --as bob --origin 198.51.100.20 allow add beta @corp-vpn
is "... it says so" "$(ag --quiet list list | cut -f1-3)" "corp-vpn	2	2"
refused conflict 1 "now it is not removed" list remove corp-vpn
is "... since two use it" "$(ag --json list remove corp-vpn 2>&1 >/dev/null | jq -r .detail | grep -c 'used by acme, beta')" 1
is "nothing drifts" "$(drift)" 0

# --- one change for both --------------------------------------------------------------

refused forbidden 4 "an operator is admin of neither" list add corp-vpn 203.0.113.0/24
refused forbidden 4 "an admin of one" --as bob --origin 198.51.100.20 list add corp-vpn 203.0.113.0/24
is "... is told of how many, and not of which" "$(ag --json --as bob list add corp-vpn 203.0.113.0/24 2>&1 >/dev/null |
	jq -r .detail | grep 'used by 2 accounts, of 1 of' | grep -c -v acme)" 1
check "the admin of both, to try" ag --as ada --origin 198.51.100.20 list add corp-vpn 203.0.113.0/24 --dry-run
is "... changes nothing" "$(both beta 203.0.113.9)" "denied - -"
check "the admin of both" ag --as ada --origin 198.51.100.20 list add corp-vpn 203.0.113.0/24
is "... is in force at the first" "$(both acme 203.0.113.9)" "allowed 203.0.113.0/24 corp-vpn"
is "... and the second" "$(both beta 203.0.113.9)" "allowed 203.0.113.0/24 corp-vpn"
is "... audited for the list and for each" "$(ag --json audit --limit 3 | jq -r '.items[] | "\(.account) \(.action) \(.outcome) \(.detail)"')" \
	" list add done @corp-vpn +203.0.113.0/24
acme list add done @corp-vpn +203.0.113.0/24
beta list add done @corp-vpn +203.0.113.0/24"
is "nothing drifts" "$(drift)" 0
refused would_lock_out 1 "what would lock her out of the second is refused" --as ada --origin 198.51.100.20 \
	list remove-entry corp-vpn 198.51.100.16/28
is "... at the first too" "$(both acme 198.51.100.20)" "allowed 198.51.100.16/28 corp-vpn"
check "from elsewhere it is hers to do" ag --as ada --origin 203.0.113.9 list remove-entry corp-vpn 198.51.100.16/28 2001:db8:7::/48
is "... gone at the first" "$(both acme 198.51.100.20)" "denied - -"
is "... and the second" "$(both beta 198.51.100.20)" "denied - -"
check "emptied, with --force or from an unknown address" ag --as ada list remove-entry corp-vpn 203.0.113.0/24
is "... it opens nothing" "$(both beta 203.0.113.9)" "denied - -"
is "... beta is active" "$(ag --json account show beta | jq -c '[.active, .entries, .enabled]')" "[true,1,1]"
is "nothing drifts" "$(drift)" 0
check "and filled again" ag --as ada list add corp-vpn 198.51.100.16/28

# --- what a reference says -------------------------------------------------------------

refused would_open 1 "disabling the last entry" --as bob --origin 203.0.113.9 allow set beta @corp-vpn --disable
check "knowingly" ag --as bob --origin 203.0.113.9 allow set beta @corp-vpn --disable --open
is "... it counts as absent" "$(both beta 203.0.113.9)" "open - -"
check "and enabled again" ag --as bob --origin 198.51.100.20 allow set beta @corp-vpn --enable --expires 2h
is "... until then" "$(both beta 198.51.100.20)" "allowed 198.51.100.16/28 corp-vpn"
check "a denied list" ag list create guests
ag --quiet list add guests 198.51.100.20/30
check "... in acme" ag --as ada --origin "$ADA" allow add acme @guests --deny
is "... cuts a hole" "$(both acme 198.51.100.20)" "denied 198.51.100.20/30 guests"
is "... her own entry decides" "$(ada --quiet allow add acme 198.51.100.20/30 && both acme 198.51.100.20)" "allowed 198.51.100.20/30 -"
is "nothing drifts" "$(drift)" 0

# --- from files, and back ------------------------------------------------------------------

ag allow export acme >"$DIR/acme"
is "an export has them" "$(grep -c '^@' "$DIR/acme")" 2
check "and is read back" ada allow replace acme "$DIR/acme"
is "... to the same" "$(ag allow export acme)" "$(cat "$DIR/acme")"
printf 'prefix,verdict\n%s,\n@corp-vpn,deny\n' "$ADA" >"$DIR/csv"
check "CSV has them too" ada allow replace acme "$DIR/csv"
is "... denies the list" "$(both acme 198.51.100.20)" "denied 198.51.100.16/28 corp-vpn"
printf '%s\n@other\n' "$ADA" >"$DIR/bad"
refused not_found 1 "a list that is not there" --as ada --origin "$ADA" allow replace acme "$DIR/bad"
refused not_found 1 "... to try" --as ada --origin "$ADA" allow replace acme "$DIR/bad" --dry-run
check "one goes" ada allow remove acme @corp-vpn
is "... and what came by it" "$(both acme 198.51.100.20)" "denied - -"
check "a list that nobody uses any more is removed" ag list remove guests
refused forbidden 4 "... by operators" --as ada --origin "$ADA" list remove corp-vpn

for i in $(seq 17); do
	ag --quiet list create "l$i"
	echo "@l$i"
done >"$DIR/many"
echo "$ADA" >>"$DIR/many"
refused limit 1 "more than 16 references" --as ada --origin "$ADA" allow replace acme "$DIR/many"
check "16" sh -c "sed 1d '$DIR/many' | '$AG_CLI' --socket '$SOCKET' --as ada --origin $ADA allow replace acme -"
refused limit 1 "... and no more" --as ada --origin "$ADA" allow add acme @l1

# --- a list that would be too much at one time ----------------------------------------------------

# users_of_big N: a document of so many accounts that use it
users_of_big()
{
	jq -n --argjson n "$1" --arg me "$ADA" '{scope: "accounts", accounts: [range($n) | {name: "big\(.)",
		roles: [{user: "ops", role: "admin"}], entries: [{prefix: "@big"}, {prefix: $me}]}]}'
}
ag --quiet list create big
awk 'BEGIN { for (i = 0; i < 20000; i++) printf "10.%d.%d.%d/31\n", i / 32768, i / 128 % 256, i * 2 % 256 }' >"$DIR/big"
is "a list of 20,000 entries" "$(api POST /v1/lists/big/entries -H 'Content-Type: text/plain' --data-binary "@$DIR/big" | jq .added)" 20000
users_of_big 26 >"$DIR/users"
refused limit 1 "used by 26 accounts it is too much at one time" --origin "$ADA" policy apply "$DIR/users"
users_of_big 25 >"$DIR/users"
check "... by 25 it is not" ag --origin "$ADA" policy apply "$DIR/users"
refused limit 1 "... but may not grow, then" --origin "$ADA" list add big 192.0.2.0/24
# One that shrinks is not, and another one is not, but both of them are.
jq -n --rawfile big "$DIR/big" '{accounts: [], lists: [{name: "big", entries: ($big | split("\n") | map(select(. != ""))[:19998] | map({prefix: .}))},
	{name: "l2", entries: [range(60) | {prefix: "192.0.2.\(.)"}]}]}' >"$DIR/two"
ag --quiet role grant acme ops admin
refused limit 1 "two lists of a document are judged together" policy apply "$DIR/two"

# --- what outlasts the daemon ------------------------------------------------------------------

daemon_stop
check "the daemon starts again" daemon_start
is "the lists are there" "$(ag --quiet list list | wc -l)" 19
is "... in force" "$(both beta 198.51.100.20)" "allowed 198.51.100.16/28 corp-vpn"
is "nothing drifts" "$(drift)" 0
finish
