#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The policy as one document: exported, applied, the same, and never a part of it.
. "$(dirname "$0")/../lib.sh"
ag_init
ns_add server
check "the daemon starts" daemon_start
check "an account, an admin, a delegate" acme

# --- export ------------------------------------------------------------------------

ada allow add acme "$ADA" --note 'home "sweet" home' >/dev/null
ada allow add acme 203.0.113.0/24 --expires 2030-01-02T03:04:05Z >/dev/null
ada allow add acme 203.0.113.66 --deny >/dev/null
ag --quiet account add beta --label 'Beta é' --mode monitor --on-deny reject
ag --quiet user add eve
ag --quiet role grant acme eve viewer
ag policy export >"$DIR/host.json"
is "the whole host is of that scope" "$(jq -r .scope "$DIR/host.json")" host
is "... with every account" "$(jq -r '.accounts[].name' "$DIR/host.json" | xargs)" "acme beta"
is "... its settings" "$(jq -r '.accounts[1] | .label, .mode, .on_deny' "$DIR/host.json" | xargs)" "Beta é monitor reject"
is "... its services" "$(jq -c '.accounts[0].services' "$DIR/host.json")" '["192.0.2.10:80/tcp","[2001:db8:10::10]:80/tcp"]'
is "... its roles" "$(jq -c '.accounts[0].roles | map([.user, .role])' "$DIR/host.json")" '[["ada","admin"],["eve","viewer"]]'
is "... its entries, sorted" "$(jq -r '.accounts[0].entries[] | .prefix, .verdict' "$DIR/host.json" | xargs)" \
	"$ADA/32 allow 203.0.113.0/24 allow 203.0.113.66/32 deny"
is "... with note and expiry" "$(jq -r '.accounts[0].entries[0].note, .accounts[0].entries[1].expires' "$DIR/host.json" | xargs -d '\n')" \
	'home "sweet" home 2030-01-02T03:04:05Z'
ag --json policy export | cmp -s - "$DIR/host.json"
is "the same policy is the same text" $? 0
is "it comes as JSON" "$(api GET /v1/policy -o /dev/null -w '%{content_type}')" application/json
ag policy export acme >"$DIR/acme.json"
is "one account is of another scope" "$(jq -r .scope "$DIR/acme.json")" accounts
is "... and of that account alone" "$(jq -r '.accounts[].name' "$DIR/acme.json")" acme
is "a viewer may have it" "$(ag --as eve policy export acme | jq -c .)" "$(jq -c . "$DIR/acme.json")"
refused forbidden 4 "... but no other account" --as eve policy export beta
is "... nor one that is not there" "$(ag --json --as eve policy export gamma 2>&1 | jq -r .code)" forbidden
is "... nor the host" "$(ag --json --as eve policy export 2>&1 | jq -r .code)" forbidden
is "an operator is told that an account is not there" "$(ag --json policy export gamma 2>&1 | jq -r .code)" not_found

# --- apply: the same is no change ----------------------------------------------------

# As an operator who is an admin of acme too, from ada's address.
ag --quiet user add olga --operator
ag --quiet role grant acme olga admin
olga()
{
	ag --as olga --origin "$ADA" "$@"
}
generation()
{
	ag --json status | jq .generation
}
# edited JQ-FILTER [JQ-OPTION...]: what is there, changed
edited()
{
	ag policy export | jq "$@" >"$DIR/edited.json"
}

ag policy export >"$DIR/host.json"
before=$(generation)
rows=$(ag --json audit | jq '.items | length')
is "what is there already is no change" "$(olga policy apply "$DIR/host.json")" "0 accounts added, 0 accounts removed, 0 changed"
is "... of the generation neither" "$(generation)" "$before"
is "... nor the audit log" "$(ag --json audit | jq '.items | length')" "$rows"
is "one account alone likewise" "$(ag policy export acme | olga --json policy apply - | jq -c '[.added, .removed, .changed, .accounts]')" '[0,0,0,[]]'

# --- apply: a difference ---------------------------------------------------------------

edited '.accounts[0] |= (.label = "Acme" | .entries += [{"prefix": "2001:db8:7::/48", "note": "lab"}] |
	.entries |= map(select(.prefix != "203.0.113.66/32") | if .prefix == "203.0.113.0/24" then .note = "office" else . end) |
	.services = ["192.0.2.10:80/tcp", "192.0.2.10:443/tcp", "[2001:db8:10::10]:80/tcp"] | .roles |= map(if .user == "eve" then .role = "admin" else . end)) |
	.accounts += [{"name": "gamma", "services": ["192.0.2.30:22/tcp"], "roles": [{"user": "olga", "role": "admin"}],
	"entries": [{"prefix": "198.51.100.0/24"}, {"prefix": "203.0.113.9", "expires": "2020-01-02T03:04:05Z"}]}]'
olga policy apply "$DIR/edited.json" --dry-run >"$DIR/plan"
is "a dry run says what differs" "$(cat "$DIR/plan")" "$(cat <<'END'
dry run, nothing was changed: 1 account added, 0 accounts removed, 1 changed
~ account acme
  ~ label Acme
  + service 192.0.2.10:443/tcp
  + role eve admin
  - entry 203.0.113.66
  ~ entry 203.0.113.0/24
  + entry 2001:db8:7::/48
+ account gamma
  + service 192.0.2.30:22/tcp
  + role olga admin
  + entry 198.51.100.0/24
  + entry 203.0.113.9
END
)"
is "... and changes nothing" "$(generation)" "$before"
olga --json policy apply "$DIR/edited.json" >"$DIR/answer"
is "it is applied" "$(jq -c '[.added, .removed, .changed, (.accounts | map([.account, .change, .active, .entries.added]))]' "$DIR/answer")" \
	'[1,0,1,[["acme","changed",true,1],["gamma","added",true,2]]]'
is "... a name that it does not change is not named" "$(jq '.accounts[0].entries.difference' "$DIR/answer")" null
ag policy export | jq -S . | diff - <(jq -S '.accounts |= map({label: "", mode: "enforce", on_deny: "drop", services: [], roles: [], entries: []} + . |
	.entries |= (map({prefix, verdict: (.verdict // "allow"), note: (.note // ""), expires, enabled: (.enabled // true)}) |
	map(if .prefix == "203.0.113.9" then .prefix = "203.0.113.9/32" else . end)))' "$DIR/edited.json") >"$DIR/diff"
is "... as it was asked for" "$(cat "$DIR/diff")" ""
is "... an expiry in the past too" "$(ag allow export gamma | grep -c '^203.0.113.9 expires=2020')" 1
before=$(generation)
check "... once" olga policy apply "$DIR/edited.json"
is "... and not again" "$(generation)" "$before"
is "... who added an entry is kept" "$(ag --json allow list acme | jq -r '.items[] | select(.prefix == "203.0.113.0/24") | .created_by')" ada
is "... new ones are of who applied it" "$(ag --json allow list acme | jq -r '.items[] | select(.note == "lab") | .created_by')" olga
is "the kernel has it" "$(ag --json check gamma 198.51.100.77 | jq -r '.kernel, .agree' | xargs)" "allowed true"
is "... with the services" "$(ag --json check --from 203.0.113.77 --to 192.0.2.30:22/tcp | jq -r '.verdict, .kernel, .agree' | xargs)" "denied denied true"
is "the audit log has the apply" "$(ag --json audit | jq -r '.items[] | select(.action == "policy apply") | .detail')" \
	"host: 1 accounts added, 1 changed, 0 removed"
is "... and what it did to acme" "$(ag --json audit acme | jq -r '.items[-6:][].action' | sort | uniq | xargs)" "account set allow add allow remove allow set role grant service add"

# --- a service moves, an account goes --------------------------------------------------

edited '.accounts[0].services -= ["192.0.2.10:443/tcp"] | .accounts[2].services += ["192.0.2.10:443/tcp"]'
check "a service moves from one account to another" olga policy apply "$DIR/edited.json"
is "... in the kernel too" "$(ag --json check --from "$ADA" --to 192.0.2.10:443/tcp | jq -r '.account, .kernel, .agree' | xargs)" "gamma allowed true"
edited 'del(.accounts[2]) | .accounts[0].services += ["192.0.2.10:443/tcp"]'
refused would_open 1 "an active account does not go by the way" --as olga --origin "$ADA" policy apply "$DIR/edited.json"
is "... to try neither" "$(olga --json policy apply "$DIR/edited.json" --dry-run 2>&1 | jq -r .code)" would_open
jq '.scope = "accounts"' "$DIR/edited.json" >"$DIR/part.json"
is "of another scope it does not go at all, and keeps its service" "$(olga --json policy apply "$DIR/part.json" 2>&1 | jq -r .code)" exists
check "it goes when that is said" olga policy apply "$DIR/edited.json" --open
is "... and its service is where it was asked for" "$(ag --json check --from "$ADA" --to 192.0.2.10:443/tcp | jq -r '.account, .kernel, .agree' | xargs)" "acme allowed true"
is "... it is gone" "$(ag --json account list | jq -r '.items[].name' | xargs)" "acme beta"
is "... and what it left alone is as it was" "$(ag --json account show beta | jq -r '.mode, .label' | xargs)" "monitor Beta é"

# --- refused whole -----------------------------------------------------------------------

# try CODE EXIT WHAT JQ-FILTER OPTION...: that document is refused, and nothing is changed.
try()
{
	local code=$1 want=$2 what=$3 filter=$4 problem status
	shift 4
	jq "$filter" "$DIR/host.json" >"$DIR/edited.json"
	problem=$(olga --json policy apply "$DIR/edited.json" "$@" 2>&1 >/dev/null)
	status=$?
	is "$what: $code" "$(jq -r .code <<<"$problem") $status" "$code $want"
}
ag policy export >"$DIR/host.json"
before=$(generation)
LABEL='.accounts[1].label = "other" | '
try would_lock_out 1 "who applies it must stay allowed" "$LABEL"'.accounts[0].entries |= map(select(.prefix != "'"$ADA"'/32"))'
try would_open 1 "the last entries do not go by the way" "$LABEL"'.accounts[0].entries = []'
try would_open 1 "... --force does not stand for --open" "$LABEL"'.accounts[0].entries = []' --force
try forbidden 4 "entries are the admins' alone" "$LABEL"'.accounts[1].entries = [{"prefix": "198.51.100.0/24"}]'
try forbidden 4 "... --force does not make one" "$LABEL"'.accounts[1].entries = [{"prefix": "198.51.100.0/24"}]' --force
try forbidden 4 "... nor does the document itself" "$LABEL"'.accounts[1] |= (.roles = [{"user": "olga", "role": "admin"}] | .entries = [{"prefix": "198.51.100.0/24"}])'
try forbidden 4 "of a new account, those that it makes" '.accounts += [{"name": "delta", "roles": [{"user": "ada", "role": "admin"}], "entries": [{"prefix": "198.51.100.0/24"}]}]'
try origin_not_covered 1 "... whose list has to cover them" '.accounts += [{"name": "delta", "roles": [{"user": "olga", "role": "admin"}], "entries": [{"prefix": "203.0.113.0/24"}]}]'
try not_found 1 "a user that is none has no role" "$LABEL"'.accounts[0].roles += [{"user": "nobody", "role": "viewer"}]'
try bad_prefix 1 "a bad prefix" "$LABEL"'.accounts[0].entries += [{"prefix": "203.0.113.7/24"}]'
is "... is named by its place" "$(olga policy apply "$DIR/edited.json" 2>&1 | grep -c 'accounts\[0\].entries\[3\].prefix: 203.0.113.7/24')" 1
try bad_request 1 "a service of two" '.accounts[1].services += ["192.0.2.10:80/tcp"]'
edited '.accounts[0].mode = "on" | .accounts[1].on_deny = "x" | .accounts[1].entries = [{"prefix": "x"}, 7]'
is "all that is wrong is named" "$(olga policy apply "$DIR/edited.json" 2>&1 | grep -o '(wrong too: .*)')" \
	"(wrong too: accounts[1].on_deny, accounts[1].entries[0].prefix, accounts[1].entries[1])"
ag policy export | cmp -s - "$DIR/host.json"
is "nothing was changed by all that" "$? $(generation)" "0 $before"
refused forbidden 4 "it is for operators" --as ada --origin "$ADA" policy apply "$DIR/host.json"
olga policy apply "$DIR/nothing" >/dev/null 2>&1
is "a file that is not there is an error" $? 1
is "an empty one too" "$(olga policy apply /dev/null 2>&1)" "allowgate: policy apply /dev/null: the body is empty: send one JSON object"
edited '.accounts += [{"name": "delta", "roles": [{"user": "olga", "role": "admin"}], "entries": [{"prefix": "203.0.113.0/24"}]}]'
check "an operator forces that" olga policy apply "$DIR/edited.json" --force
is "... the audit log says so" "$(ag --json audit delta | jq -r '.items[] | select(.action == "allow add") | .detail')" "+203.0.113.0/24 --force"
is "status agrees" "$(ag --json status | jq -r '.state, .drift' | xargs)" "ok 0"

# --- named lists -----------------------------------------------------------------------------

edited '.lists += [{"name": "corp-vpn", "entries": [{"prefix": "203.0.113.0/26", "note": "hq"}]}] | .accounts[0].entries += [{"prefix": "@corp-vpn"}]'
is "a list comes with an account that uses it, to try" "$(olga policy apply "$DIR/edited.json" --dry-run)" "$(cat <<'END'
dry run, nothing was changed: 0 accounts added, 0 accounts removed, 1 changed; 1 list added, 0 lists removed, 0 changed
+ list corp-vpn
  + entry 203.0.113.0/26
~ account acme
  + entry @corp-vpn
END
)"
is "... is not there yet" "$(ag --json list list | jq '.items | length')" 0
check "... comes" olga policy apply "$DIR/edited.json"
is "... is in force" "$(ag --json check acme 203.0.113.7 | jq -r '.entry.list, .kernel, .agree' | xargs)" "corp-vpn allowed true"
is "... the audit log has it" "$(ag --json audit | jq -r '.items[] | select(.action == "policy apply") | .detail' | tail -n 1)" \
	"host: 0 accounts added, 1 changed, 0 removed; 1 lists added, 0 changed, 0 removed"
ag policy export >"$DIR/host.json"
is "the host's document has the lists" "$(jq -c '.lists' "$DIR/host.json")" '[{"name":"corp-vpn","entries":[{"prefix":"203.0.113.0/26","note":"hq"}]}]'
is "... that of one account has none, and refers to them" \
	"$(ag policy export acme | jq -c 'has("lists"), [.accounts[0].entries[].prefix | select(startswith("@"))]' | xargs)" "false [@corp-vpn]"
before=$(generation)
check "what is there already is no change" olga policy apply "$DIR/host.json"
is "... of the generation neither" "$(generation)" "$before"
edited '.scope = "accounts" | .accounts = [] | .lists[0].entries = [{"prefix": "198.51.100.64/26"}]'
olga --json policy apply "$DIR/edited.json" >"$DIR/answer"
is "a list changes for whoever uses it" "$(jq -c '[.added, .changed, (.lists | map([.list, .change, .entries.added, .entries.removed, .accounts]))]' "$DIR/answer")" \
	'[0,0,[["corp-vpn","changed",1,1,1]]]'
is "... in the kernel too" "$(ag --json check acme 198.51.100.77 | jq -r '.kernel, .agree' | xargs)" "allowed true"
edited 'del(.lists)'
check "a document without lists leaves them alone" olga policy apply "$DIR/edited.json"
is "... all of them" "$(ag --json list list | jq -r '.items[].name' | xargs)" corp-vpn
edited '.lists = []'
is "one that lacks a list which is referred to" "$(olga --json policy apply "$DIR/edited.json" 2>&1 | jq -r .code)" not_found
edited '.accounts[0].entries += [{"prefix": "@absent"}] | del(.lists)'
is "a list that is none" "$(olga --json policy apply "$DIR/edited.json" 2>&1 | jq -r '.code + " " + .detail' | grep -c '^not_found .*accounts\[0\].entries: .*absent')" 1
ag --quiet role grant beta ada admin
# Her origin is in the list itself.
ag --as ada --origin 198.51.100.77 --quiet allow add beta @corp-vpn
edited '.lists[0].entries = []'
is "nobody changes the list of an account that they are no admin of" "$(olga --json policy apply "$DIR/edited.json" 2>&1 | jq -r .code)" forbidden
is "... nor is it by a document that changes what else" "$(ag list show corp-vpn --quiet | cut -f1)" 198.51.100.64/26
ag --as ada --origin 198.51.100.77 --quiet allow remove beta @corp-vpn --open
ag --quiet role revoke beta ada
edited '.lists = [] | .accounts[0].entries |= map(select(.prefix != "@corp-vpn"))'
check "a list goes when it is in no document" olga policy apply "$DIR/edited.json"
is "... with what referred to it" "$(ag --json list list | jq '.items | length') $(ag allow export acme | grep -c '^@')" "0 0"
is "status agrees with that" "$(ag --json status | jq -r '.state, .drift' | xargs)" "ok 0"

# --- long lists ----------------------------------------------------------------------------

awk 'BEGIN { for (i = 0; i < 3000; i++) printf "11.%d.%d.0/24\n", i / 256, i % 256 }' >"$DIR/long"
edited --rawfile long "$DIR/long" '.accounts[0] |= (.mode = "monitor" | .entries += ($long | split("\n") | map(select(. != "") | {prefix: .})))'
is "a long list, to try" "$(olga --json policy apply "$DIR/edited.json" --dry-run | jq -c '.accounts[0] | .entries.added, .active')" "$(printf '3000\ntrue')"
check "a long list is prepared and comes" olga policy apply "$DIR/edited.json"
is "... with the settings" "$(ag --json account show acme | jq -r '.mode, .entries' | xargs)" "monitor 3003"
is "... is in force" "$(ag --json check acme 11.7.7.7 | jq -r '.kernel, .agree' | xargs)" "allowed true"
before=$(generation)
check "... once" olga policy apply "$DIR/edited.json"
is "... and not again" "$(generation)" "$before"
jq '.accounts[0].entries |= map(.note = "renamed")' "$DIR/edited.json" >"$DIR/renamed.json"
olga policy apply "$DIR/renamed.json" >/dev/null 2>&1 &
for i in 1 2 3 4; do ada allow add acme 203.0.113.20$i >/dev/null 2>&1 || echo "refused $i"; done >"$DIR/beside"
wait $!
is "changes of its account beside it wait, or come first" "$? $(cat "$DIR/beside")" "0 "
is "... and it is all in force" "$(ag allow export acme | grep -c '# renamed')" 3003
is "status agrees with it" "$(ag --json status | jq -r '.state, .drift' | xargs)" "ok 0"

# --- an empty host --------------------------------------------------------------------------

# Two hundred accounts, and olga an admin of each: nobody else may bring entries.
ag policy export | jq '.accounts |= (map(.roles |= (map(select(.user != "olga")) + [{"user": "olga", "role": "admin"}] | sort_by(.user)) | .entries |= .[:5]) +
	[range(200) | {name: "tenant-\(1000 + .)", label: "", mode: "enforce", on_deny: "drop", services: ["192.0.2.\(. + 20):8080/tcp"],
	roles: [{user: "olga", role: "admin"}], entries: [{prefix: "198.51.100.0/24", verdict: "allow", note: "n\(.)", expires: null, enabled: true}]}]) |
	.accounts |= map(.services -= ["192.0.2.30:8080/tcp"])' >"$DIR/many.json"
daemon_stop
rm -f "$STORE"*
uninstall
check "a daemon starts with nothing" daemon_start
ag --quiet user add ops --uid 0 --operator --delegate
for user in ada eve; do ag --quiet user add $user; done
ag --quiet user add olga --operator
began=$(date +%s%N)
check "a whole host is applied to it" olga policy apply "$DIR/many.json" --force
echo "# 203 accounts took $((($(date +%s%N) - began) / 1000000)) ms"
ag policy export | jq -S . | diff -q - <(jq -S . "$DIR/many.json")
is "... and is what is exported" $? 0
is "status agrees with that" "$(ag --json status | jq -r '.state, .drift, .accounts' | xargs)" "ok 0 203"
daemon_stop
check "the daemon starts over it" daemon_start
ag policy export | jq -S . | diff -q - <(jq -S . "$DIR/many.json")
is "... and it is still the same" $? 0
finish
