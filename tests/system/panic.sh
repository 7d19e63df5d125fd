#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# panic: everything passes, on real interfaces, until it is switched off; through restarts of daemon and host, and
# whether or not the store can be used; and nobody can overlook it.
. "$(dirname "$0")/../lib.sh"
ag_init
two_hosts
web_start

reason_of()
{
	ag --json status | jq -r '.panic.reason // "off"'
}

# The host's next start: nothing is pinned any more.
reboot()
{
	daemon_stop
	uninstall
}

check "a program at the client's end" xdp_pass client eth0
check "the daemon starts" daemon_start --interface eth0:native
check "an account" acme
check "its list" ada allow add acme "$ADA" "$LISTED4"
stopped "$STRANGER4"

# Who may, and how.
refused forbidden 4 "an admin may not" --as ada --origin "$ADA" panic --reason mine
refused not_found 1 "what is not on is not switched off" panic --off
refuted=$(ag panic 2>&1)
is "neither --reason nor --off: usage" $? 2
check "... and says which" grep -q -- --off <<<"$refuted"
ag panic --reason x --off 2>/dev/null
is "both: usage" $? 2
is "a reason that says nothing is refused" "$(api_status PUT /v1/panic -d '{"reason": ""}')" "400 bad_request"
is "... and none at all" "$(api_status PUT /v1/panic -d '{}')" "400 bad_request"
is "... and one of many lines" "$(api_status PUT /v1/panic -d '{"reason": "a\nb"}')" "400 bad_request"
check "a dry run" ag panic --reason "only to see" --dry-run
is "... switches nothing" "$(reason_of)" off
stopped "$STRANGER4"

# On: every action's verdict, with real packets.
check "panic" ag panic --reason "the new list locks everybody out"
served "$STRANGER4"
served "$LISTED4"
would=$(packets would_deny)
check "what would be stopped is counted as that" test "$would" -gt 0
before=$(packets denied)
served "$STRANGER4"
is "... and nothing as denied" "$(packets denied)" "$before"
check "reject" ag account set acme --on-deny reject
served "$STRANGER4"
check "notice" ag account set acme --on-deny notice:8403
served "$STRANGER4"
is "nothing was rejected nor handed over" "$(packets rejected) $(packets redirected)" "0 0"
ag --quiet account set acme --on-deny drop

# Nobody overlooks it.
is "status says so" "$(ag --json status | jq -r '.state, .panic.by, .panic.reason' | paste -sd,)" \
	"panic,ops,the new list locks everybody out"
check "... and shouts it first" grep -q '^PANIC .*everything passes.*locks everybody out' <(ag status)
ag status >/dev/null
is "... with exit status 0" $? 0
is "to others it says since when alone" "$(ag --as ada --json status | jq -c '.panic | keys')" '["since"]'
is "the metric" "$(metric allowgate_panic)" 1
check "the log" grep -q 'PANIC: everything passes, by ops: the new list' "$DIR/daemon.log"
check "the audit log" grep -q 'the new list locks everybody out' <(ag audit)
is "check says that it would get through, both sides alike" \
	"$(ag --json check acme "$STRANGER4" | jq -c '[.verdict, .kernel, .passes, .agree, .panic]')" \
	'["would_deny","would_deny",true,true,true]'
check "... and so for people" grep -q '^panic: everything passes' <(ag check acme "$STRANGER4")
check "the whole way of a packet says it too" \
	grep -q 'panic: everything passes' <(ag check --from "$STRANGER4" --to "$SERVER4:80/tcp")
check "an allowed source is allowed" test "$(ag --json check acme "$LISTED4" | jq -r .verdict)" = allowed
is "the policy can be mended meanwhile" "$(ada --json allow add acme 198.51.100.77 | jq -r .added)" 1
since=$(ag --json status | jq -r .panic.since)
check "another reason" ag panic --reason "still at it"
is "... since the same time" "$(ag --json status | jq -r '.panic.since, .panic.reason' | paste -sd,)" "$since,still at it"

# Restarts.
daemon_stop
served "$STRANGER4"
check "the daemon starts again" daemon_start --interface eth0:native
is "... and knows why" "$(reason_of)" "still at it"
served "$STRANGER4"
reboot
check "the host starts again" daemon_start --interface eth0:native
is "... and the store says so" "$(reason_of)" "still at it"
served "$STRANGER4"
check "off" ag panic --off
stopped "$STRANGER4"
served "$LISTED4"
is "status is well" "$(ag --json status | jq -c '[.state, .panic]')" '["ok",null]'
is "so is the metric" "$(metric allowgate_panic)" 0
reboot
check "the host starts again" daemon_start --interface eth0:native
stopped "$STRANGER4"

# Without a store, and other limits too: then the maps in use are those of before.
for limits in "" --max-accounts=2000; do
	what="without a store${limits:+, $limits}"
	daemon_stop
	mv "$STORE" "$DIR/away.db"
	check "$what: the daemon starts" daemon_start --interface eth0:native $limits
	is "$what: degraded" "$(ag --json status | jq -r .state)" degraded
	stopped "$STRANGER4"
	check "$what: panic, which warns" grep -q 'warning: .*neither in the store' \
		<(ag panic --reason "the disk is gone" 2>&1)
	served "$STRANGER4"
	is "... both are said" "$(ag --json status | jq -c '[.state, .degraded]')" '["panic",true]'
	daemon_stop
	mv "$DIR/away.db" "$STORE"
	check "$what: it comes back" daemon_start --interface eth0:native $limits
	served "$STRANGER4"
	is "... and the store knows now" "$(sqlite3 "$STORE" 'SELECT count(*) FROM panic')" 1
	check "... with a row in the audit log" grep -q 'switched on while the store' <(ag audit)
	daemon_stop
	mv "$STORE" "$DIR/away.db"
	check "$what: the daemon starts" daemon_start --interface eth0:native $limits
	check "$what: off" ag panic --off
	stopped "$STRANGER4"
	mv "$DIR/away.db" "$STORE"
	check "$what: the store is read again" ag reload
	is "... and knows" "$(sqlite3 "$STORE" 'SELECT count(*) FROM panic')" 0
	stopped "$STRANGER4"
done
check "the chain of the audit log is whole" ag audit verify
finish
