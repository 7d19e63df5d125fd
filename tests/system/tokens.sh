#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tokens - the API over TLS: who has a token does what its user may, on its account, from where they are seen to be
. "$(dirname "$0")/../lib.sh"
command -v openssl >/dev/null || skip_all "openssl is not installed"
ag_init
two_hosts
SISTER6=2001:db8:c::67 # in the same /64 as $STRANGER6
addresses client eth0 $SISTER6/128

# certificate NAME: NAME.pem, for both of the server's addresses, and NAME.key
certificate()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" \
		-addext "subjectAltName=IP:$SERVER4,IP:$SERVER6" -keyout "$DIR/$1.key" -out "$DIR/$1.pem" 2>/dev/null
	chmod 0600 "$DIR/$1.key"
}

# install_certificate NAME: it is the one that the daemon is told of.
install_certificate()
{
	cp -p "$DIR/$1.pem" "$DIR/tls.pem"
	cp -p "$DIR/$1.key" "$DIR/tls.key"
}

certificate first
certificate second
cat "$DIR/first.pem" "$DIR/second.pem" >"$DIR/trusted.pem"
install_certificate first
# The last two are no addresses of this host's yet.
LISTEN=(--listen "$SERVER4:8443" --listen "[$SERVER6]:8443" --listen "192.0.2.11:8443" --listen "[2001:db8:10::11]:8443" --tls-cert "$DIR/tls.pem" --tls-key "$DIR/tls.key")

# remote ADDRESS TOKEN METHOD PATH [CURL-OPTION...]: the body; by the family of the address that it is sent from.
remote()
{
	local url=https://$SERVER4:8443 from=$1 token=$2 method=$3 path=$4
	case $from in *:*) url="https://[$SERVER6]:8443" ;; esac
	shift 4
	in_ns client curl -sS --max-time 10 --cacert "$DIR/trusted.pem" --interface "$from" -X "$method" "$url$path" \
		${token:+-H "Authorization: Bearer $token"} "$@"
}

# remote_status ...: "STATUS CODE", as api_status.
remote_status()
{
	local answer
	answer=$(remote "$@" -w '\n%{http_code}')
	printf '%s %s\n' "${answer##*$'\n'}" "$(jq -r '.code // "-"' <<<"${answer%$'\n'*}" 2>/dev/null || echo -)"
}

# client WHAT SOURCE TOKEN [ARGUMENT]: see tls_client.py
client()
{
	in_ns client python3 "$ROOT/tests/system/tls_client.py" "$1" "$SERVER4" 8443 "$DIR/trusted.pem" "$2" "$3" "${@:4}"
}

# code_of allowgate-arguments...: of the problem.
code_of()
{
	ag --json "$@" 2>&1 >/dev/null | jq -r .code
}

# starts_not WHAT TEXT OPTION...: the daemon says TEXT and does not start.
starts_not()
{
	local what=$1 text=$2 status
	shift 2
	timeout 20 nsenter --net="/run/netns/$NS-server" -- "$AG_BIN/allowgated" --config "$CONFIG" --store "$DIR/other.db" \
		--socket "$DIR/other.sock" --pin-dir "$DIR/bpf/other" --metrics off "$@" >"$DIR/output" 2>&1
	status=$?
	if [ "$status" -ne 0 ] && [ "$status" -lt 3 ] && grep -qF -- "$text" "$DIR/output"; then
		ok "$what: $text"
	else
		not_ok "$what: $text (exit $status)"
		sed 's/^/  /' "$DIR/output"
	fi
}

# --- what is refused before it listens --------------------------------------------------------------------------

starts_not "an address without certificate" "serves TLS alone" --listen "$SERVER4:8444"
starts_not "... without a key" "serves TLS alone" --listen "$SERVER4:8444" --tls-cert "$DIR/first.pem"
cp "$DIR/first.key" "$DIR/open.key"
for mode in 0644 0660; do
	chmod "$mode" "$DIR/open.key"
	starts_not "a key of mode $mode" "is open to others (mode $mode)" --listen "$SERVER4:8444" \
		--tls-cert "$DIR/first.pem" --tls-key "$DIR/open.key"
done
chmod 0600 "$DIR/open.key"
chown 12001 "$DIR/open.key"
starts_not "a key of somebody's" "belongs to uid 12001" --listen "$SERVER4:8444" --tls-cert "$DIR/first.pem" \
	--tls-key "$DIR/open.key"
starts_not "a key of another certificate" "belong together" --listen "$SERVER4:8444" --tls-cert "$DIR/first.pem" \
	--tls-key "$DIR/second.key"
starts_not "a certificate that is not there" "cannot open" --listen "$SERVER4:8444" --tls-cert "$DIR/none.pem" \
	--tls-key "$DIR/first.key"

starts_not "an address that is none" "is no address to listen on" --listen 192.0.2.10 --tls-cert "$DIR/first.pem" \
	--tls-key "$DIR/first.key"

# --- tokens, by operators ---------------------------------------------------------------------------------------

printf '[limits]\naccounts = 1000\nbody = 64K\nrequest_timeout = 2\nconnections_per_address = 8\n' >"$CONFIG"
check "the daemon starts" daemon_start "${LISTEN[@]}"
check "an account with an admin" acme
ag --quiet user add vera
ag --quiet role grant acme vera viewer
ag --quiet account add other
ag --quiet role grant other ada admin
ADMIN=$(ag --quiet token create --user ada --account acme --role admin --note "the build")
VIEWER=$(ag --quiet token create --user vera --account acme --role viewer --expires never)
is "a token has its form" "$(grep -cE '^agt_[0-9a-f]{12}_[0-9a-f]{64}$' <<<"$ADMIN"$'\n'"$VIEWER")" 2
id_of() { cut -d _ -f 2 <<<"$1"; }
row_of() { ag --json token list | jq -c ".items[] | select(.id == \"$(id_of "$1")\")"; }
is "the list has what it is" "$(row_of "$ADMIN" | jq -r '.user, .account, .role, .note, .created_by, .last_used' | xargs)" \
	"ada acme admin the build ops null"
is "... for 90 days" "$(row_of "$ADMIN" | jq '(.expires | fromdate) - (.created_at | fromdate)')" $((90 * 86400))
is "... or for ever, on purpose" "$(row_of "$VIEWER" | jq -r .expires)" null
refute "no secret is in the list" grep -q "$(cut -d _ -f 3 <<<"$ADMIN")" <(ag --json token list)
refute "... nor in the store" grep -q "$(cut -d _ -f 3 <<<"$ADMIN")" "$STORE" "$STORE-wal"
refute "... nor in the audit log" grep -q "$(cut -d _ -f 3 <<<"$ADMIN")" <(ag --json audit)
is "a role that its user has not" "$(code_of token create --user vera --account acme --role admin)" bad_request
is "a user who is not there" "$(code_of token create --user nobody --account acme --role admin)" not_found
is "an account that is not there" "$(code_of token create --user ada --account nowhere --role admin)" not_found
is "an expiry in the past" "$(code_of token create --user ada --account acme --role admin --expires 2020-01-01T00:00:00Z)" bad_request
is "what is no id" "$(code_of token revoke "$ADMIN")" not_found
is "an id that is not there" "$(code_of token revoke 0123456789ab)" not_found
is "an admin is no operator" "$(code_of --as ada --origin "$ADA" token create --user ada --account acme --role admin)" forbidden
is "... and sees no tokens" "$(code_of --as ada --origin "$ADA" token list)" forbidden
is "a dry run makes none" "$(ag --json --dry-run token create --user ada --account acme --role viewer | jq -r '.secret, .dry_run' | xargs)" "null true"
is "... of two" "$(metric allowgate_tokens)" 2

# Who never shakes hands, and who says nothing then: both take a while to be cut.
client silent "$LISTED4" "" >"$DIR/silent" 2>&1 &
PIDS+=($!)
client stalled "$LISTED4" "" >"$DIR/stalled" 2>&1 &
PIDS+=($!)

# --- used -------------------------------------------------------------------------------------------------------

is "whoami says who, from where, and by which token" \
	"$(remote "$ADA" "$ADMIN" GET /v1/whoami | jq -r '.user, .uid, .operator, .origin, .origin_from, .token.id, .token.account, .token.role, (.roles | length)' | xargs)" \
	"ada null false $ADA tcp $(id_of "$ADMIN") acme admin 1"
is "... over IPv6" "$(remote "$LISTED6" "$VIEWER" GET /v1/whoami | jq -r '.user, .origin, .token.role' | xargs)" "vera $LISTED6 viewer"
is "when it was used is noted" "$(row_of "$ADMIN" | jq '.last_used != null')" true
is "the first entry must let its sender in" "$(remote_status "$ADA" "$ADMIN" POST /v1/accounts/acme/allowlist -d '{"prefix": "203.0.113.0/24"}')" \
	"409 origin_not_covered"
is "... does" "$(remote_status "$ADA" "$ADMIN" POST /v1/accounts/acme/allowlist -d '{"entries": [{"prefix": "203.0.113.0/24"}, {"prefix": "198.51.100.0/24"}]}')" "201 -"
is "... and must go on to" "$(remote_status "$ADA" "$ADMIN" DELETE '/v1/accounts/acme/allowlist?prefix=198.51.100.0/24')" "409 would_lock_out"
is "from elsewhere it is another's lock-out" "$(remote_status "$LISTED4" "$ADMIN" DELETE '/v1/accounts/acme/allowlist?prefix=203.0.113.0/24')" "409 would_lock_out"
is "a change is its user's, by that token, from there" \
	"$(ag --json audit acme | jq -r '[.items[] | select(.action == "allow add" and .outcome == "done")][0] | .user, .uid, .origin, .delegate, (.detail | startswith("token '"$(id_of "$ADMIN")"': +"))' | xargs)" \
	"ada null $ADA true"

addresses server eth0 192.0.2.11/24
is "an address that comes later is served" "$(in_ns client curl -sk --max-time 3 -o /dev/null -w '%{http_code}' https://192.0.2.11:8443/v1/whoami)" 401

# METHOD PATH BODY, what an admin's token is answered, and a viewer's; in this order.
matrix()
{
	cat <<-'END'
	GET /v1/whoami|200 -|200 -
	GET /v1/accounts/acme|200 -|200 -
	GET /v1/accounts/acme/allowlist|200 -|200 -
	GET /v1/accounts/acme/allowlist/export|200 -|200 -
	GET /v1/accounts/acme/check?address=203.0.113.7|200 -|200 -
	GET /v1/accounts/acme/denied|200 -|200 -
	GET /v1/accounts/acme/services|200 -|200 -
	GET /v1/accounts/acme/roles|200 -|200 -
	POST /v1/accounts/acme/allowlist {"prefix":"192.0.2.77"}|201 -|403 forbidden
	PATCH /v1/accounts/acme/allowlist/192.0.2.77 {"note":"x"}|200 -|403 forbidden
	DELETE /v1/accounts/acme/allowlist/192.0.2.77|200 -|403 forbidden
	PATCH /v1/accounts/acme {"mode":"enforce"}|200 -|403 forbidden
	PATCH /v1/accounts/acme {"label":"x"}|403 forbidden|403 forbidden
	DELETE /v1/accounts/acme/allowlist?prefix=203.0.113.0/24&force=true|403 forbidden|403 forbidden
	DELETE /v1/accounts/acme?open=true|403 forbidden|403 forbidden
	POST /v1/accounts/acme/services {"services":["192.0.2.99:1/tcp"]}|403 forbidden|403 forbidden
	PUT /v1/accounts/acme/roles/vera {"role":"admin"}|403 forbidden|403 forbidden
	GET /v1/status|403 forbidden|403 forbidden
	GET /v1/accounts|403 forbidden|403 forbidden
	POST /v1/accounts {"name":"mine"}|403 forbidden|403 forbidden
	GET /v1/users|403 forbidden|403 forbidden
	POST /v1/users {"name":"mallory"}|403 forbidden|403 forbidden
	GET /v1/tokens|403 forbidden|403 forbidden
	POST /v1/tokens {"user":"ada","account":"acme","role":"admin"}|403 forbidden|403 forbidden
	GET /v1/audit?account=acme|200 -|200 -
	GET /v1/audit?account=acme&user=ada|200 -|200 -
	GET /v1/audit/export?account=acme|200 -|200 -
	GET /v1/policy?account=acme|200 -|200 -
	GET /v1/audit|403 forbidden|403 forbidden
	GET /v1/audit?account=other|403 forbidden|403 forbidden
	GET /v1/audit?account=absent|403 forbidden|403 forbidden
	GET /v1/audit?account=acme&account=other|400 bad_request|400 bad_request
	GET /v1/audit/export|403 forbidden|403 forbidden
	GET /v1/audit/export?account=other|403 forbidden|403 forbidden
	GET /v1/events|403 forbidden|403 forbidden
	GET /v1/events?account=other|403 forbidden|403 forbidden
	GET /v1/events?account=|403 forbidden|403 forbidden
	GET /v1/policy|403 forbidden|403 forbidden
	GET /v1/policy?account=other|403 forbidden|403 forbidden
	PUT /v1/policy {"accounts":[]}|403 forbidden|403 forbidden
	POST /v1/audit/verify|403 forbidden|403 forbidden
	GET /v1/interfaces|403 forbidden|403 forbidden
	POST /v1/reload|403 forbidden|403 forbidden
	GET /v1/accounts/other|403 forbidden|403 forbidden
	GET /v1/accounts/absent|403 forbidden|403 forbidden
	POST /v1/accounts/other/allowlist {"prefix":"192.0.2.77"}|403 forbidden|403 forbidden
	GET /v1/nothing|404 not_found|404 not_found
	END
}

# is_matrix WHO COLUMN TOKEN: what differs is shown.
is_matrix()
{
	paste -d '|' <(matrix | cut -d '|' -f 1) <(matrix | cut -d '|' -f 1 | client ask "$ADA" "$3" 2>"$DIR/output") >"$DIR/got"
	if diff <(matrix | cut -d '|' -f "1,$2") "$DIR/got" >"$DIR/difference"; then
		ok "$1: $(matrix | wc -l) requests, over one connection"
	else
		not_ok "$1: what may be asked"
		cat "$DIR/difference" "$DIR/output"
	fi
}
is_matrix "an admin's token" 2 "$ADMIN"
is_matrix "a viewer's token" 3 "$VIEWER"
is "another account looks like none" "$(remote "$ADA" "$ADMIN" GET /v1/accounts/other | jq -r .detail)" \
	"$(remote "$ADA" "$ADMIN" GET /v1/accounts/absent | jq -r .detail)"
is "what it reads of the audit log is its account's" "$(remote "$ADA" "$VIEWER" GET '/v1/audit?account=acme' | jq -r '[.items[].account] | unique | join(" ")')" acme

# --- what happens, as it does ---------------------------------------------------------

# follow NAME TOKEN: the stream's text goes to NAME.events, and its status to NAME.ended when it ends.
follow()
{
	{
		remote "$ADA" "$2" GET '/v1/events?account=acme' -N --max-time 60 >"$DIR/$1.events" 2>/dev/null
		echo $? >"$DIR/$1.ended"
	} &
	PIDS+=($!)
	wait_for 10 test -s "$DIR/$1.events"
}
# ended_within SECONDS NAME
ended_within()
{
	wait_for "$1" test -s "$DIR/$2.ended"
}
STREAMED=$(ag --quiet token create --user vera --account acme --role viewer)
check "a viewer's token follows its account" follow one "$STREAMED"
ag --quiet account set other --label "of no concern"
ag --quiet account set acme --label "of concern"
check "... and hears of it" wait_for 5 grep -q '"account":"acme","action":"account set"' "$DIR/one.events"
is "... of nobody else" "$(grep -c '"account":"other"' "$DIR/one.events")" 0
check "... twice at a time" follow two "$STREAMED"
is "... and no more" "$(remote_status "$ADA" "$STREAMED" GET '/v1/events?account=acme' --max-time 5)" "503 limit"
ag --quiet token revoke "$(id_of "$STREAMED")"
check "revoked, it hears no more" ended_within 1 one
check "... anywhere" ended_within 1 two
is "... and is told why" "$(grep -A 1 '^event: end$' "$DIR/one.events" | grep -c '"code":"forbidden"')" 1
is "... but not what happened" "$(grep -c 'token revoke' "$DIR/one.events")" 0
SHORT=$(ag --quiet token create --user vera --account acme --role viewer --expires 3s)
began=$(date +%s)
check "one that expires follows until then" follow short "$SHORT"
check "... and no longer" ended_within 5 short
is "... but as long" "$(($(date +%s) - began >= 2 && $(date +%s) - began <= 5))" 1
is "... and is told why" "$(grep -c 'the token has expired' "$DIR/short.events")" 1
ag --quiet token revoke "$(id_of "$SHORT")"

is "nobody speaks for somebody else" "$(remote_status "$ADA" "$ADMIN" GET /v1/whoami -H 'Allowgate-On-Behalf-Of: vera')" "403 forbidden"
is "... nor says where they are" "$(remote_status "$ADA" "$ADMIN" POST /v1/accounts/acme/allowlist -d '{"prefix": "192.0.2.78"}' \
	-H "Allowgate-Origin: $LISTED4")" "403 forbidden"
is "a token on the control socket is refused" "$(api_status GET /v1/whoami -H "Authorization: Bearer $ADMIN")" "400 bad_request"
entries=$(printf '{"prefix": "10.1.%d.0/24"},' $(seq 1 250))
is "a whole list comes in" "$(remote_status "$ADA" "$ADMIN" PUT /v1/accounts/acme/allowlist \
	-d "{\"entries\": [$entries {\"prefix\": \"198.51.100.0/24\"}, {\"prefix\": \"203.0.113.0/24\"}]}")" "200 -"
is "... and goes out" "$(remote "$ADA" "$VIEWER" GET /v1/accounts/acme/allowlist/export | wc -l)" 252
head -c 100000 /dev/zero | tr '\0' ' ' >"$DIR/large"
is "a body over the limit is refused at once" "$(remote_status "$ADA" "$ADMIN" PUT /v1/accounts/acme/allowlist --data-binary "@$DIR/large")" "413 limit"
is "... and at its end where it does not say its length" "$(client chunked "$ADA" "$ADMIN" 100000)" "413 limit"
is "a header twice is refused" "$(remote_status "$ADA" "$ADMIN" GET /v1/whoami -H "Authorization: Bearer $VIEWER")" "400 bad_request"

# --- ended ------------------------------------------------------------------------------------------------------

ag --quiet role grant acme ada viewer
is "a token has no more than its user has now" "$(remote_status "$ADA" "$ADMIN" DELETE /v1/accounts/acme/allowlist/10.1.1.0%2F24)" "403 forbidden"
is "... which whoami says" "$(remote "$ADA" "$ADMIN" GET /v1/whoami | jq -r '.token.role, .roles[0].role' | xargs)" "admin viewer"
check "a token is revoked" ag --quiet token revoke "$(id_of "$VIEWER")"
is "... and is none" "$(remote_status "$LISTED4" "$VIEWER" GET /v1/whoami)" "401 forbidden"
ag --quiet role revoke acme ada
is "it ends with the role" "$(remote_status "$LISTED4" "$ADMIN" GET /v1/whoami)" "401 forbidden"
ag --quiet role grant acme ada admin
is "... and does not come again with it" "$(remote_status "$LISTED4" "$ADMIN" GET /v1/whoami)" "401 forbidden"
is "none is left" "$(ag --json token list | jq '.items | length')" 0
BRIEF=$(ag --quiet token create --user ada --account acme --role admin --expires 1s)
ADMIN=$(ag --quiet token create --user ada --account acme --role admin)

# --- failures ---------------------------------------------------------------------------------------------------

is "without a token one is told how" "$(remote "$STRANGER4" "" GET /v1/accounts/acme -o "$DIR/output" -w '%{http_code} %header{www-authenticate}')" "401 Bearer"
is "... as often as one likes" "$(for _ in 1 2 3 4 5 6 7; do remote_status "$STRANGER4" "" GET /v1/whoami; done | sort -u)" "401 forbidden"
is "a wrong secret, an unknown id and no form of a token are one" \
	"$(for token in "${ADMIN%????}0000" "agt_ffffffffffff_${ADMIN##*_}" agt_ "${ADMIN%?}g"; do
		remote "$STRANGER4" "$token" GET /v1/whoami | jq -r '.status, .detail' | xargs
	done | sort | uniq -c | awk '{ print $1, $2 }')" "4 401"
is "... with a challenge" "$(remote "$STRANGER4" agt_ GET /v1/whoami -o "$DIR/output" -w '%{http_code} %header{www-authenticate}')" '401 Bearer error="invalid_token"'
remote "$STRANGER4" agt_ GET /v1/whoami >"$DIR/output"
is "the seventh has to wait" "$(remote "$STRANGER4" "$ADMIN" GET /v1/whoami -o "$DIR/output" -w '%{http_code} %header{retry-after}')" "429 1"
is "... also with a good one; its code is limit" "$(jq -r .code "$DIR/output")" limit
is "... but nobody else has" "$(remote_status "$ADA" "$ADMIN" GET /v1/whoami)" "200 -"
for _ in 1 2 3 4 5 6; do remote "$STRANGER6" agt_ GET /v1/whoami >"$DIR/output"; done
is "by IPv6 a /64 is one" "$(remote_status "$SISTER6" "$ADMIN" GET /v1/whoami)" "429 limit"
sleep 1.1
is "... and no longer than it was told" "$(remote_status "$STRANGER4" "$ADMIN" GET /v1/whoami)" "200 -"
is "a token that has expired says so" "$(remote "$LISTED4" "$BRIEF" GET /v1/whoami | jq -r '.status, .detail' | xargs)" \
	"401 the token has expired: ask an operator for another"
is "what failed is counted" "$(($(metric allowgate_auth_failures_total) >= 20))" 1
rows=$(ag --json audit | jq '[.items[] | select(.action == "token use")] | length')
is "... and in the log, ten times a minute at the most ($rows)" "$((rows >= 6 && rows <= 20))" 1
is "... with the address" "$(ag --json audit | jq -r '[.items[] | select(.action == "token use") | .origin] | unique | contains(["'"$STRANGER4"'"])')" true

# --- connections ------------------------------------------------------------------------------------------------

wait_for 5 test -s "$DIR/silent" -a -s "$DIR/stalled"
is "who never shakes hands is cut" "$(cat "$DIR/silent")" 2
is "... as is who says nothing then" "$(cat "$DIR/stalled")" 2
is "TLS 1.1 is refused" "$(client old "$LISTED4" "")" refused
is "an address has eight connections" "$(client many "$ADA" "$ADMIN" 12)" 8
is "... which others do not lack" "$(remote_status "$LISTED4" "$ADMIN" GET /v1/whoami)" "200 -"
refute "plain HTTP is not spoken" in_ns client curl -sf --max-time 3 "http://$SERVER4:8443/v1/whoami"

subject()
{
	in_ns client openssl s_client -connect "$SERVER4:8443" </dev/null 2>/dev/null | openssl x509 -noout -subject | sed 's/.*= *//'
}
is "the certificate is the one that was given" "$(subject)" first
mkfifo "$DIR/go"
client kept "$ADA" "$ADMIN" <"$DIR/go" >"$DIR/kept" 2>&1 &
PIDS+=($!)
exec 9>"$DIR/go"
wait_for 5 grep -q 200 "$DIR/kept"
install_certificate second
check "a reload takes the new one" ag --quiet reload
is "... for new connections" "$(subject)" second
echo >&9
wait_for 5 sh -c "[ \"\$(grep -c 200 $DIR/kept)\" = 2 ]"
is "... and the old ones go on" "$(xargs <"$DIR/kept")" "200 200"
exec 9>&-
cp "$DIR/first.key" "$DIR/tls.key"
is "a bad one is a warning" "$(ag --json reload | jq -r '.warnings[0]' | grep -c 'stays the one before')" 1
is "... and the one before goes on" "$(subject)" second
kill -HUP "$DAEMON_PID"
wait_for 5 sh -c "[ \$(grep -c 'stays the one before' $DIR/daemon.log) = 2 ]"
check "SIGHUP logs it" grep -q "belong together" "$DIR/daemon.log"
install_certificate first
kill -HUP "$DAEMON_PID"
check "... and takes the next" wait_for 5 sh -c "grep -c 'get the certificate' $DIR/daemon.log | grep -q 2"
is "... for good" "$(subject)" first

# --- how often ---------------------------------------------------------------------------------------------------

daemon_stop
check "with a limit of requests" daemon_start "${LISTEN[@]}" --max-token-requests 3
is "tokens outlive a restart, up to that many a minute" "$(for _ in 1 2 3 4; do echo GET /v1/whoami; done | client ask "$ADA" "$ADMIN" | xargs)" \
	"200 - 200 - 200 - 429 limit"
# One row for those that had none: written when the minute is over, or the daemon ends.
for from in "$LISTED4" "$STRANGER4" "$ADA"; do
	for token in agt_ agt_1 agt_2 agt_3; do remote "$from" "$token" GET /v1/whoami; done
done >"$DIR/output"
daemon_stop
check "it starts without" daemon_start
is "two of twelve tokens that were none have one row" "$(ag --json audit | jq -r '.items[-1] | .action, .outcome, .detail' | xargs)" \
	"token use forbidden 2 more tokens were none, and 0 more changes over TLS were refused"
check "the log is whole" ag --quiet audit verify
refute "nothing listens" in_ns client curl -sk --max-time 3 "https://$SERVER4:8443/v1/whoami"
daemon_stop
finish
