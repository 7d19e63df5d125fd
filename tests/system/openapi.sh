#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# docs/openapi.yaml is what the daemon does: every route is in it and no other, and what real requests are answered,
# well or badly, is what it says. openapi.py has the requests; this is the host that they find.
. "$(dirname "$0")/../lib.sh"
ag_init
# The modules come as packages of the system, whose python3 need not be the first one.
for PYTHON in python3 /usr/bin/python3 ""; do
	"${PYTHON:-false}" -c 'import yaml, jsonschema' 2>/dev/null && break
done
[ "$PYTHON" ] || skip_all "python3-yaml or python3-jsonschema is not installed"
chmod 711 "$DIR" # for who has no rights
two_hosts
wire server eth1 client eth1
wire server eth2 client eth2
# Limits that a few requests reach.
printf '[limits]\naccounts = 4\nservices = 8\nentries = 12\n' >"$CONFIG"

talk()
{
	AG_CLIENT=$NS-client "$PYTHON" "$ROOT/tests/system/openapi.py" "$1" "$ROOT" "$SOCKET" "$DIR/seen.json" ||
		TAP_FAILED=$((TAP_FAILED + 1))
}

check "another program on eth2" xdp_pass server eth2
check "the daemon starts" daemon_start --interface eth0
check "an account, its admins, a delegate" acme
check "the delegate is an admin too" ag --quiet role grant acme ops admin
check "a second account, open" ag --quiet account add open
check "its admin" ag --quiet role grant open ada admin
web_start
talk ordinary
daemon_stop
check "it starts, and keeps no stopped sources" daemon_start --denied off
talk off
daemon_stop
printf 'no database' >"$STORE"
check "it starts without a store" daemon_start
talk broken
finish
