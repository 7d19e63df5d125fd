#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Lists from files, in every form, added or in place of what is there; where one is connected from; and changes that are
# guarded against each other by tags.
. "$(dirname "$0")/../lib.sh"
ag_init
ns_add server
check "the daemon starts" daemon_start
check "an account, an admin, a delegate" acme

list()
{
	ag allow export acme
}

# --- the address one is connected from -------------------------------------------

is "unknown, it cannot be added" "$(ag --as ada --json allow me acme 2>&1 >/dev/null | jq -r .code)" origin_not_covered
ag --as ada allow me acme >/dev/null 2>&1
is "... which is refused" $? 1
check "to try" ada allow me acme --note home --dry-run
is "... changes nothing" "$(list)" ""
check "where she is" ada allow me acme --note home
is "... is the list" "$(list)" "$ADA # home"
refused exists 1 "once more" --as ada --origin "$ADA" allow me acme
refused forbidden 4 "a nobody" --as nobody --origin "$ADA" allow me acme
check "IPv6, for a while" ag --as ada --origin 2001:db8::9 allow me acme --expires 8h
is "... with its expiry" "$(list | grep -c '^2001:db8::9 expires=')" 1
check "... and away again" ada allow remove acme 2001:db8::9
is "without an account it is wrong usage" "$(ada allow me >/dev/null 2>&1; echo $?)" 2

# --- import ----------------------------------------------------------------------

cat >"$DIR/more.txt" <<'END'
# the offices
203.0.113.0/24 # office
203.0.113.66 deny disabled expires=2020-01-02T03:04:05Z # guests
END
cat >"$DIR/more.csv" <<'END'
Prefix,Note,Verdict,Expires,Enabled
198.51.100.0/28,"Berlin, 2nd floor",allow,,true
2001:db8:7::/48,"""the lab""",,2020-01-02T03:04:05Z,false
END
echo '{"entries": [{"prefix": "192.0.2.0/28", "note": "json"}, {"prefix": "192.0.2.3", "verdict": "deny"}]}' >"$DIR/more.json"
check "text, to try" ada allow import acme "$DIR/more.txt" --dry-run
is "... changes nothing" "$(list | wc -l)" 1
check "text" ada allow import acme "$DIR/more.txt"
check "CSV" ada allow import acme "$DIR/more.csv"
check "JSON" ada allow import acme "$DIR/more.json"
is "... all of it is there, what had expired too" "$(list | sort)" "$(sort <<END
192.0.2.0/28 # json
192.0.2.3 deny
198.51.100.0/28 # Berlin, 2nd floor
$ADA # home
203.0.113.0/24 # office
203.0.113.66 deny disabled expires=2020-01-02T03:04:05Z # guests
2001:db8:7::/48 disabled expires=2020-01-02T03:04:05Z # "the lab"
END
)"
refused exists 1 "what is there already" --as ada --origin "$ADA" allow import acme "$DIR/more.csv"
printf '203.0.114.0/24\n203.0.113.0/24\n' >"$DIR/half"
refused exists 1 "... all or nothing" --as ada --origin "$ADA" allow import acme "$DIR/half"
check "CSV from standard input, by its header" sh -c "printf 'note,prefix\npiped,203.0.115.0/24\n' | '$AG_CLI' --socket '$SOCKET' --as ada --origin $ADA allow import acme -"
is "... is there" "$(list | grep '^203.0.115')" "203.0.115.0/24 # piped"
check "CSV replaces too" sh -c "printf 'prefix,note\n$ADA,home\n203.0.113.0/24,\"a, b\"\n' >'$DIR/all.csv'; '$AG_CLI' --socket '$SOCKET' --as ada --origin $ADA allow replace acme '$DIR/all.csv'"
is "... the whole list" "$(list)" "$ADA # home
203.0.113.0/24 # a, b"

printf 'prefix,nota\n203.0.116.0/24,x\n' >"$DIR/bad.csv"
refused bad_request 1 "a column that is none" --as ada --origin "$ADA" allow import acme "$DIR/bad.csv"
printf 'prefix\n203.0.116.0/24\n203.0.116.7/24\nx\n203.0.117.0/24,y\n' >"$DIR/bad.csv"
refused bad_prefix 1 "bad lines" --as ada --origin "$ADA" allow import acme "$DIR/bad.csv"
is "... are named" "$(ada --json allow import acme "$DIR/bad.csv" 2>&1 >/dev/null | jq -r .detail | grep -o 'line 3.*' | grep -c 'bad too: lines 4, 5')" 1
printf '{"entries": [{"prefix": "203.0.116.0/24"}, {"prefix": "203.0.116.7/24"}, 7, {"prefix": "203.0.117.0/24", "y": 1}]}' >"$DIR/bad.json"
for verb in import replace; do
	refused bad_prefix 1 "$verb of bad entries in JSON" --as ada --origin "$ADA" allow $verb acme "$DIR/bad.json"
	is "... which are named, all of them" "$(ada --json allow $verb acme "$DIR/bad.json" 2>&1 >/dev/null | jq -r .detail |
		grep -o 'entry 2, 203.0.116.7/24: .*' | grep -c 'bad too: entries 3, 4')" 1
done
is "... and none of them is there" "$(list | grep -c '^203.0.11[67]')" 0
: >"$DIR/empty"
refused bad_request 1 "an empty file" --as ada --origin "$ADA" allow import acme "$DIR/empty"
is "a file that is not there" "$(ada --json allow import acme "$DIR/absent" 2>&1 >/dev/null | jq -r .code)" bad_request
refused forbidden 4 "a nobody's import" --as nobody --origin "$ADA" allow import acme "$DIR/more.txt"
echo "203.0.113.8/29 deny" >"$DIR/hole"
refused would_lock_out 1 "one that would shut her out" --as ada --origin 203.0.113.9 allow import acme "$DIR/hole"
ag --quiet account add fresh
ag --quiet role grant fresh ada admin
is "the first entries without hers" "$(ada --json allow import fresh "$DIR/more.txt" 2>&1 >/dev/null | jq -r .code)" origin_not_covered

# Over the socket: an expiry in the past is an import's alone.
past='{"prefix": "203.0.118.1", "expires": "2020-01-02T03:04:05Z"}'
is "added, an expiry in the past is refused" "$(api_status POST /v1/accounts/acme/allowlist -H 'Allowgate-On-Behalf-Of: ada' -H "Allowgate-Origin: $ADA" -d "$past")" "400 bad_request"
is "... by an import it is kept" "$(api_status POST '/v1/accounts/acme/allowlist?import=true' -H 'Allowgate-On-Behalf-Of: ada' -H "Allowgate-Origin: $ADA" -d "$past")" "201 -"
is "... import is true or false" "$(api_status POST '/v1/accounts/acme/allowlist?import=1' -H 'Allowgate-On-Behalf-Of: ada' -H "Allowgate-Origin: $ADA" -d "$past")" "400 bad_request"
python3 -c '
print("prefix,note,expires")
for i in range(20000): print(f"10.{i >> 8}.{i & 255}.0/24,n{i},2020-01-02T03:04:05Z")' >"$DIR/many.csv"
is "many, that have expired, added" "$(api_status POST /v1/accounts/acme/allowlist -H 'Content-Type: text/csv' -H 'Allowgate-On-Behalf-Of: ada' -H "Allowgate-Origin: $ADA" --data-binary "@$DIR/many.csv")" "400 bad_request"
check "... imported" ada allow import acme "$DIR/many.csv"
is "... are all there" "$(list | wc -l)" 20003
is "kernel and store agree" "$(ag --json status | jq .drift)" 0

# --- tags ------------------------------------------------------------------------

tag()
{
	api GET "/v1/accounts/acme$1" -o /dev/null -D - | tr -d '\r' | sed -n 's/^[Ee][Tt][Aa][Gg]: //p'
}

# change TAG METHOD PATH BODY
change()
{
	api_status "$2" "/v1/accounts/acme$3" -H "If-Match: $1" -H 'Allowgate-On-Behalf-Of: ada' -H "Allowgate-Origin: $ADA" -d "$4"
}

first=$(tag /allowlist)
is "a list has a tag" "$([[ $first =~ ^\"[0-9]+-[0-9]+\"$ ]] && echo yes)" yes
is "... the export and the account have the same" "$(tag /allowlist/export) $(tag '')" "$first $first"
is "a change with it is done" "$(change "$first" POST /allowlist '{"prefix": "203.0.119.1"}')" "201 -"
second=$(tag /allowlist)
is "... and makes another" "$([ "$first" != "$second" ] && echo yes)" yes
is "a change with the old one is not" "$(change "$first" POST /allowlist '{"prefix": "203.0.119.2"}')" "412 conflict"
is "... nor a replacement" "$(change "$first" PUT /allowlist '{"entries": [{"prefix": "'"$ADA"'"}]}')" "412 conflict"
is "... nor a removal" "$(change "$first" DELETE /allowlist/203.0.119.1%2F32 '')" "412 conflict"
is "... nor of one entry" "$(change "$first" PATCH /allowlist/203.0.119.1%2F32 '{"note": "x"}')" "412 conflict"
is "... nor of its mode" "$(change "$first" PATCH '' '{"mode": "off"}')" "412 conflict"
is "nothing has changed" "$(tag /allowlist)" "$second"
is "any tag will do" "$(change '*' PATCH /allowlist/203.0.119.1%2F32 '{"note": "x"}')" "200 -"
is "nonsense matches none" "$(change 'W/"x", "y"' PATCH /allowlist/203.0.119.1%2F32 '{"note": "x"}')" "412 conflict"
is "to try, the same" "$(change "$first" POST '/allowlist?dry_run=true' '{"prefix": "203.0.119.9"}')" "412 conflict"
finish
