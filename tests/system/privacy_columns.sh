#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What is held on a person, by the columns of the store: whatever column may hold a name is known here, filled, shown by
# `user export`, and empty of it after `user erase`. A column that comes to the schema is no longer overlooked.
. "$(dirname "$0")/../lib.sh"
ag_init
ns_add server
check "the daemon starts" daemon_start
check "an account, an admin, a delegate" acme

WHO=yolanda-q
FROM=198.51.100.231
yolanda()
{
	ag --as "$WHO" --origin "$FROM" --quiet "$@"
}
# columns PHASE: see privacy_columns.py.
columns()
{
	python3 "$ROOT/tests/system/privacy_columns.py" "$1" "$STORE" "$WHO" "$DIR/person.json"
}

# --- she is in whatever can hold her ------------------------------------------------
ag --quiet account add beta
check "a user, who is to be confirmed" ag user add $WHO --uid 4713 --operator --delegate --confirm-within 1h
ag --quiet role grant acme $WHO admin
check "she adds an entry" yolanda allow add acme $FROM
check "... makes a list, and fills it" sh -c "'$AG_CLI' --socket '$SOCKET' --as $WHO --quiet list create shared &&
	'$AG_CLI' --socket '$SOCKET' --as $WHO --quiet list add shared 192.0.2.0/24 --note depot"
check "... a token for somebody else" yolanda token create --user ada --account acme --role viewer
check "... one for herself" yolanda token create --user $WHO --account acme --role viewer
check "... a change that waits" yolanda allow add acme 203.0.113.0/24 --confirm-within 1h
check "... a panic" yolanda panic --reason drill
check "somebody makes one that names her" ag role grant beta $WHO viewer --confirm-within 1h
chmod 0711 "$DIR"
chmod 0666 "$SOCKET"
setpriv --reuid 4713 --clear-groups curl -sS -o /dev/null --unix-socket "$SOCKET" -X POST http://allowgate/v1/accounts \
	-H 'Allowgate-On-Behalf-Of: ada' -d '{"name": "mine"}'

# --- what is held -------------------------------------------------------------------
check "it is shown" sh -c "'$AG_CLI' --socket '$SOCKET' user export $WHO >'$DIR/person.json'"
is "her tokens, without what opens them" \
	"$(jq -r '.tokens[] | [.account, .user, .role, .created_by, (.expires != null), has("hash")] | join(" ")' "$DIR/person.json" | sort | xargs)" \
	"acme ada viewer $WHO true false acme $WHO viewer $WHO true false"
is "what she put into lists" "$(jq -r '.lists[] | .list + " " + .prefix + " " + .note' "$DIR/person.json")" "shared 192.0.2.0/24 depot"
is "what waits, by her or about her" "$(jq -r '[.pending[] | .subject + " " + .name] | sort | join(", ")' "$DIR/person.json")" \
	"account acme, account beta, user $WHO"
is "the panic" "$(jq -r '.panic[].reason' "$DIR/person.json")" drill
is "what others did to her, or by her word" "$(jq -r '[.mentioned[].action] | unique | join(", ")' "$DIR/person.json")" \
	"account add, role grant, user add"
is "... and nothing twice" "$(jq '[(.audit + .mentioned)[].id] | length == (unique | length)' "$DIR/person.json")" true
is "of somebody else there is nothing of hers" "$(ag user export absent | jq -c '[.tokens, .lists, .pending, .panic, .mentioned]')" "[[],[],[],[],[]]"
columns held || TAP_FAILED=$((TAP_FAILED + 1))

# --- the end of it ------------------------------------------------------------------
refused conflict 1 "what would bring her back is in the way" user erase $WHO
check "it is confirmed" ag confirm --user $WHO
check "... for the account" ag confirm beta
check "... and what she did" yolanda confirm acme
check "she is erased" ag user erase $WHO
is "who made the panic is nobody's to know" "$(ag --json status | jq -r .panic.by)" ""
columns erased || TAP_FAILED=$((TAP_FAILED + 1))
check "the log is whole" ag audit verify
finish
