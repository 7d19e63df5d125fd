#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The rules of the policy, each broken once by command line: who may, whose address must stay, what needs --open,
# what --force is good for, and what the audit log says of it.
. "$(dirname "$0")/../lib.sh"
ag_init
ns_add server
check "the daemon starts" daemon_start

# Rule 1: who may.
check "an account, an admin, a delegate" acme
check "a viewer, a nobody" ag user add vera
ag --quiet user add nobody
ag --quiet role grant acme vera viewer
ag --quiet account add other
for who in vera nobody unheard; do
	refused forbidden 4 "$who may not change the list" --as $who --origin "$ADA" allow add acme "$ADA"
	refused forbidden 4 "$who may not change the mode" --as $who --origin "$ADA" account set acme --mode off
done
refused forbidden 4 "an operator is no admin by that" allow add acme "$ADA"
refused not_found 1 "... and is told of an account that is not there" allow add absent "$ADA"
refused forbidden 4 "an admin may not manage users" --as ada --origin "$ADA" user add eve
refused forbidden 4 "... nor roles" --as ada --origin "$ADA" role grant acme vera admin
refused forbidden 4 "... nor services" --as ada --origin "$ADA" service add acme 192.0.2.99:80/tcp
refused forbidden 4 "... nor accounts" --as ada --origin "$ADA" account add mine
refused forbidden 4 "... nor the label" --as ada --origin "$ADA" account set acme --label mine
refused forbidden 4 "... nor interfaces" --as ada --origin "$ADA" interface attach lo
refused forbidden 4 "... nor another account's list" --as ada --origin "$ADA" allow add other "$ADA"
check "a viewer reads the list" ag --as vera allow list acme
refute "a nobody does not" ag --as nobody allow list acme
is "an account that exists and one that does not look alike to a nobody" \
	"$(api_status GET /v1/accounts/acme -H 'Allowgate-On-Behalf-Of: nobody')" \
	"$(api_status GET /v1/accounts/absent -H 'Allowgate-On-Behalf-Of: nobody')"
is "... and to an admin of another" "$(api_status GET /v1/accounts/other -H 'Allowgate-On-Behalf-Of: ada')" \
	"$(api_status GET /v1/accounts/absent -H 'Allowgate-On-Behalf-Of: ada')"

# Rule 2: the first entry.
refused origin_not_covered 1 "the first entry without her address" --as ada --origin "$ADA" allow add acme 203.0.113.0/24
refused origin_not_covered 1 "... with an unknown address" --as ada allow add acme 203.0.113.0/24
refused origin_not_covered 1 "... a deny over her address" --as ada --origin "$ADA" allow add acme "$ADA" --deny
printf '203.0.113.0/24\n' >"$DIR/list"
refused origin_not_covered 1 "... by replace" --as ada --origin "$ADA" allow replace acme "$DIR/list"
refused origin_not_covered 1 "... by replace, to try" --as ada --origin "$ADA" allow replace acme "$DIR/list" --dry-run
is "... also in mode monitor" "$(ag account set acme --mode monitor >/dev/null && ada --json allow add acme 203.0.113.0/24 2>&1 >/dev/null | jq -r .code)" \
	origin_not_covered
is "... and in mode off" "$(ag account set acme --mode off >/dev/null && ada --json allow add acme 203.0.113.0/24 2>&1 >/dev/null | jq -r .code)" \
	origin_not_covered
ag --quiet account set acme --mode enforce
refused forbidden 4 "--force is not hers" --as ada --origin "$ADA" --force allow add acme 203.0.113.0/24
check "with her address it is accepted" ada allow add acme "$ADA" 203.0.113.0/24

# Rule 3: later changes.
refused would_lock_out 1 "removing her own" --as ada --origin "$ADA" allow remove acme "$ADA"
refused would_lock_out 1 "a deny over it" --as ada --origin "$ADA" allow replace acme "$DIR/list"
refused would_lock_out 1 "the same, to try" --as ada --origin "$ADA" allow remove acme "$ADA" --dry-run
check "from where she was stopped already it does not lock her out" \
	ag --as ada --origin 192.0.2.77 allow add acme 203.0.113.64/26 --deny
check "from an unknown address later changes are accepted" ag --as ada allow add acme 203.0.113.192/26 --deny
ag --quiet account set acme --mode monitor
refused would_lock_out 1 "from monitor to enforce, by her who would be stopped" --as ada --origin 192.0.2.77 account set acme --mode enforce
check "by her who would not" ada account set acme --mode enforce
refused would_open 1 "the last entries without --open" --as ada --origin "$ADA" allow remove acme "$ADA" \
	203.0.113.0/24 203.0.113.64/26 203.0.113.192/26
: >"$DIR/empty"
refused would_open 1 "an empty list without --open" --as ada --origin "$ADA" allow replace acme "$DIR/empty"
refused would_open 1 "an active account without --open" account remove acme

# Rule 4: --force.
ag --quiet role grant acme ops admin
refused would_lock_out 1 "an operator who is an admin is held too" --as ops --origin "$ADA" allow remove acme "$ADA"
refused would_open 1 "--force does not stand for --open" --as ops --origin "$ADA" --force allow replace acme "$DIR/empty"
refused forbidden 4 "--force does not stand for the role" --force allow add other 203.0.113.0/24
check "an operator forces it" ag --as ops --origin "$ADA" --force allow remove acme "$ADA"
is "... which the audit log says" "$(ag --json audit acme | jq -r '[.. | objects | select(.detail? // "" | test("force")) | select(.outcome == "done")] | length > 0')" true

# --open
check "with --open the list is emptied" ada allow replace acme "$DIR/empty" --open
is "... and the account is open" "$(ag --json account show acme | jq .active)" false

# Rule 5: the audit log.
is "refused changes are in the audit log" \
	"$(api GET '/v1/audit?limit=1000' | jq -r '[.items[].outcome] | unique | join(" ")')" \
	"done forbidden not_found origin_not_covered would_lock_out would_open"
is "... with user, delegate and origin" \
	"$(api GET '/v1/audit?limit=1000' | jq -r '[.items[] | select(.outcome == "would_lock_out")][0] | .user, .delegate, .origin, .account' | xargs)" \
	"ada ops $ADA acme"
is "the log fits together" "$(api POST /v1/audit/verify | jq .intact)" true
daemon_stop
sqlite3 "$STORE" 'PRAGMA foreign_keys=OFF; DROP TRIGGER IF EXISTS x;' 2>/dev/null
refute "rows cannot be changed" sqlite3 "$STORE" "UPDATE audit SET outcome = 'done' WHERE id = 3"
refute "rows cannot be deleted" sqlite3 "$STORE" "DELETE FROM audit WHERE id = 3"
finish
