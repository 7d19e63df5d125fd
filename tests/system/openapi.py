# SPDX-License-Identifier: GPL-2.0-only
"""docs/openapi.yaml against the table of routes and a running daemon: openapi.py PHASE ROOT SOCKET SEEN

PHASE is ordinary, off (no stopped sources are kept) or broken (no store), in that order; SEEN is where one leaves to the
next what was answered so far, as JSON. Whatever is answered must stand in the document: the status, the type of the content,
and a body that the schema takes. What the document says of errors that every operation has (a parameter or a field that it
does not take, a stranger, an account that is not there, another tag) is asked of each without further ado; the rest is in
SCENARIO, a request a line. At the end each status of the document must have been answered, but for NOT_PROVOKED.
"""

import http.client
import json
import os
import re
import socket
import sys
from urllib.parse import quote, urlencode

import jsonschema
import yaml

PHASE, ROOT, SOCKET, SEEN = sys.argv[1:]
DOCUMENT = "docs/openapi.yaml"
LISTED, STRANGER, ADA = "203.0.113.7", "203.0.113.200", "198.51.100.9"
NOBODY = 65534
METHODS = ("get", "post", "put", "patch", "delete")
CHANGE = {"open", "force", "dry_run"}

# Statuses that take what a test of some seconds has not got.
NOT_PROVOKED = {
    ("setAccount", "413"): "as many different actions as there can be",
    ("createToken", "409"): "two tokens of one id in 2^48",
    ("createList", "413"): "a thousand lists",
    ("exportEntries", "412"): "a list that changes faster than it is written",
    ("showDifference", "412"): "a list that changes while it is compared",
    ("rollBack", "413"): "a limit that was lowered since",
    ("showStatus", "503"): "a kernel that refuses to say",
    ("listInterfaces", "503"): "a kernel that refuses to say",
    ("confirmUser", "412"): "one that is confirmed between its deadline and the moment in which it is taken back",
    ("confirmInterface", "412"): "the same",
    ("confirmAccount", "412"): "the same",
    ("confirmToken", "412"): "the same",
    ("confirmList", "412"): "the same",
    ("confirmPolicy", "412"): "the same",
}
for name in ['removeAccount', 'removeEntries', 'removeEntry', 'removeService', 'grantRole', 'revokeRole', 'addUser', 'removeUser', 'attachInterface', 'detachInterface', 'revokeToken', 'removeList', 'removeListed']:
    NOT_PROVOKED[name, "413"] = "1,001 changes that wait to be confirmed"
# What the daemon takes of changes in general and refuses here.
REFUSED_PARAMETERS = {"reload": {"open", "dry_run"}}


def result(good, what, why=""):
    print(("ok - " if good else "not ok - ") + what)
    if not good:
        print("".join(f"  {line}\n" for line in str(why).splitlines()), end="")
        result.failed = True


result.failed = False

with open(f"{ROOT}/{DOCUMENT}", encoding="utf-8") as file:
    TEXT = file.read()
API = yaml.load(TEXT, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def at(reference):
    node = API
    for name in reference[2:].split("/"):
        node = node[name]
    return node


def deref(node):
    return at(node["$ref"]) if "$ref" in node else node


def complaint(schema, value):
    """Why the schema does not take the value; None where it does."""
    validator = jsonschema.Draft202012Validator({**schema, "components": API["components"]})  # where its references lead
    error = jsonschema.exceptions.best_match(validator.iter_errors(value))
    return error and f"{error.json_path}: {error.message}"


class Operation:
    def __init__(self, path, method, item):
        raw = item[method]
        self.id, self.path, self.method = raw["operationId"], path, method.upper()
        self.parameters = {}
        for parameter in map(deref, item.get("parameters", []) + raw.get("parameters", [])):
            self.parameters[parameter["in"], parameter["name"]] = parameter
        self.body = raw.get("requestBody", {}).get("content", {})
        self.responses = {status: deref(response) for status, response in raw["responses"].items()}
        self.pattern = re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)) + "$")

    def names(self, place):
        return {name for where, name in self.parameters if where == place}

    def takes(self, place, name):
        return (place, name) in self.parameters

    def example(self):
        body = self.body.get("application/json", {}).get("example")
        return json.loads(json.dumps(body)) if body is not None else None

    def url(self, query=(), **values):
        """Its path with the document's examples and its required parameters, or other values for them."""
        path, pairs = self.path, []
        for (place, name), parameter in self.parameters.items():
            value = values.get(name, parameter.get("example"))
            if place == "path":
                path = path.replace("{" + name + "}", quote(value, safe=""))
            elif place == "query" and (parameter.get("required") or name in values):
                pairs += [(name, each) for each in (value if isinstance(value, list) else [value])]
        pairs += query
        return path + ("?" + urlencode(pairs) if pairs else "")


OPERATIONS = [Operation(path, method, item) for path, item in API["paths"].items() for method in METHODS if method in item]
BY_ID = {operation.id: operation for operation in OPERATIONS}


def operation_at(method, url):
    path = url.split("?")[0]
    fits = [each for each in OPERATIONS if each.method == method and each.pattern.match(path)]
    return min(fits, key=lambda each: each.path.count("{")) if fits else None


# --- the table of routes -------------------------------------------------------


def routes():
    """Of routes.c: (method, path) to what else its row says."""
    with open(f"{ROOT}/userspace/daemon/routes.c", encoding="utf-8") as source:
        table = source.read().split("routes[] = {", 1)[1].split("\n};", 1)[0]
    rows = re.findall(r'\{"([A-Z]+)",\s*"(/[^"]*)",(.*?)\},\n', table + "\n", re.DOTALL)
    if len(rows) != table.count('\t{"'):
        sys.exit("openapi.py: not every row of routes.c was understood")
    return {(method, path): rest for method, path, rest in rows}


def compare_routes():
    rows = routes()
    documented = {(each.method, each.path): each for each in OPERATIONS}
    missing = [f"route {' '.join(route)} is not in {DOCUMENT}" for route in rows if route not in documented]
    surplus = [f"{' '.join(route)} is in {DOCUMENT}, but is no route" for route in documented if route not in rows]
    result(not missing + surplus, "the document has every route and no other", "\n".join(missing + surplus))
    wrong = []
    for route, rest in rows.items():
        if route not in documented:
            continue
        operation = documented[route]
        query = re.search(r'\.query = "([^"]*)"', rest)
        takes = set(query[1].split()) if query else set()
        if ".action" in rest:
            takes |= CHANGE - REFUSED_PARAMETERS.get(operation.id, set())
        if ".confirm = true" in rest:
            takes.add("confirm_within")
        if takes != operation.names("query"):
            wrong.append(f"{' '.join(route)} takes {sorted(takes)}; documented {sorted(operation.names('query'))}")
        done = re.search(r"\.done = (\d+)", rest)
        if (done[1] if done else "200") not in operation.responses:
            wrong.append(f"{' '.join(route)} answers {done[1] if done else 200}")
        if ("Works while the store cannot" in API["paths"][operation.path][operation.method.lower()]["description"]
                or operation.id == "showOpenapi") != (".without_store" in rest):
            wrong.append(f"{' '.join(route)}: what does it do without a store?")
    result(not wrong, "... with the parameters that each takes", "\n".join(wrong))


# --- requests ------------------------------------------------------------------


class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(SOCKET)


def connect(uid):
    """The peer is who connects: as that uid, for a moment."""
    connection = Connection("allowgate")
    os.seteuid(uid)
    try:
        connection.connect()
    finally:
        os.seteuid(0)
    return connection


MINE = connect(0)
seen = {}


def note(operation, status):
    seen.setdefault(operation.id, {}).setdefault(str(status), 0)
    seen[operation.id][str(status)] += 1


def decoded(kind, text):
    if kind == "application/x-ndjson":
        return [json.loads(line) for line in text.splitlines()]
    return json.loads(text) if kind.endswith("json") else text


def check_answer(operation, response, text):
    """Why this is no answer that the document knows; None where it is."""
    status = str(response.status)
    if status not in operation.responses:
        return f"status {status} is not documented: {text[:300]}"
    note(operation, status)
    documented = operation.responses[status]
    kind = response.getheader("Content-Type")
    if kind not in documented["content"]:
        return f"{status} has the type {kind}: {text[:300]}"
    tag = documented.get("headers", {}).get("ETag")
    if response.getheader("ETag") and not tag:
        return f"{status} has an ETag"
    if tag and deref(tag).get("required") and not response.getheader("ETag"):
        return f"{status} has no ETag"
    schema = documented["content"][kind]["schema"]
    why = complaint(schema, decoded(kind, text))
    return why and f"{status}: {why} in {text[:300]}"


def check_request(operation, url, body, headers, kind):
    """Why a request that was done is none that the document knows."""
    query = {pair.split("=")[0] for pair in url.partition("?")[2].split("&") if pair}
    if query - operation.names("query"):
        return f"the request's {query - operation.names('query')} is not documented"
    if set(headers) - operation.names("header") - {"Content-Type"}:
        return f"the request's {set(headers) - operation.names('header')} is not documented"
    if body is None:
        return None
    if kind not in operation.body:
        return f"a body of {kind} is not documented"
    return complaint(operation.body[kind]["schema"], body)


def ask(method, url, body=None, headers={}, kind="application/json", uid=0):
    """(status, body, why it is not as documented or None)."""
    operation = operation_at(method, url)
    connection = MINE if uid == 0 else connect(uid)
    data = json.dumps(body) if body is not None and kind == "application/json" else body
    connection.request(method, url, data, {**headers, **({"Content-Type": kind} if data is not None else {})})
    response = connection.getresponse()
    text = response.read().decode()
    if uid:
        connection.close()
    answer = decoded(response.getheader("Content-Type", ""), text)
    if operation is None:
        return response.status, answer, f"{method} {url} is not in {DOCUMENT}"
    why = check_answer(operation, response, text)
    if not why and response.status < 300:
        why = check_request(operation, url, body, headers, kind)
    return response.status, answer, why


def expect(what, wanted, code, *arguments, **options):
    status, answer, why = ask(*arguments, **options)
    got = answer.get("code") if isinstance(answer, dict) else None
    if not why and (status, got) != (wanted, code):
        why = f"got {status} {got}, want {wanted} {code}: {str(answer)[:300]}"
    return f"{what}: {' '.join(map(str, arguments[:2]))}: {why}" if why else None


# --- what is asked of every operation ------------------------------------------


def every(what, choose, requests):
    """One line of output for one question to all operations that are chosen."""
    count, wrong = 0, []
    for operation in filter(choose, OPERATIONS):
        for request in requests(operation):
            count += 1
            wrong.append(expect(operation.id, *request))
    wrong = [each for each in wrong if each]
    result(count and not wrong, f"{what} ({count} requests)", "\n".join(wrong) or "nobody was asked")


def without(body, name):
    return {key: value for key, value in body.items() if key != name}


def bad_bodies(operation):
    example = operation.example()
    schema = operation.body["application/json"]["schema"]
    yield {**example, "surplus": 1}
    yield [example]
    yield None
    for name in example:
        yield {**example, name: {"neither": "text nor number"}}
    for name in deref(schema).get("required", []):
        yield without(example, name)


def ask_everything():
    every("a parameter that it does not take", lambda each: True,
          lambda each: [(400, "bad_request", each.method, each.url([("surplus", "1")]), each.example())])
    every("fields that are unknown, missing or of another type", lambda each: each.body,
          lambda each: [(400, "bad_request", each.method, each.url(), body) for body in bad_bodies(each)])
    every("required parameters are", lambda each: any(place == "query" and parameter.get("required")
                                                      for (place, _), parameter in each.parameters.items()),
          lambda each: [(400, "bad_request", each.method, each.url().split("?")[0])])
    every("options are true or false", lambda each: each.takes("query", "force"),
          lambda each: [(400, "bad_request", each.method, each.url([("force", "yes")]), each.example())])
    every("pages have 1 to 1,000 items", lambda each: each.takes("query", "limit"),
          lambda each: [(400, "bad_request", each.method, each.url([("limit", "0")])),
                        (400, "bad_request", each.method, each.url([("limit", "1001")]))])
    every("an account that is not there", lambda each: "account" in each.names("path") | each.names("query"),
          lambda each: [(404, "not_found", each.method, each.url(account="nosuch"), each.example())])
    every("another tag", lambda each: each.takes("header", "If-Match"),
          lambda each: [(412, "conflict", each.method, each.url(), each.example(), {"If-Match": '"another"'})])
    every("only a delegate speaks for others", lambda each: True,
          lambda each: [(403, "forbidden", each.method, each.url(), each.example(),
                         {"Allowgate-On-Behalf-Of": "ada"}, "application/json", NOBODY)])
    every("a header that stands for no user", lambda each: True,
          lambda each: [(400, "bad_request", each.method, each.url(), each.example(), {"Allowgate-On-Behalf-Of": "No Name"})])
    every("strangers", lambda each: each.id not in ("showWhoami", "showOpenapi"),
          lambda each: [(403, "forbidden", each.method, each.url(), each.example(), {}, "application/json", NOBODY)])


# --- the rest, one by one ------------------------------------------------------

LIST = "/v1/accounts/acme/allowlist"
SERVICES = "/v1/accounts/acme/services"
WAITS = "?confirm_within=1h"
NAMED = "/v1/lists/corp-vpn/entries"
AS_ADA = {"Allowgate-On-Behalf-Of": "ada", "Allowgate-Origin": ADA}
LENGTHS = [{"prefix": f"10.0.0.0/{length}", "expires": "2100-01-01T00:00:00Z"} for length in range(9, 17)]


def entries(*prefixes):
    return {"entries": [{"prefix": prefix} for prefix in prefixes]}


def account(**members):
    return {"accounts": [{"name": "byfile", **members}]}


POLICY = account(label="By file", mode="monitor", on_deny="reject", services=["192.0.2.40:25/tcp"],
                 roles=[{"user": "ops", "role": "admin"}, {"user": "ada", "role": "viewer"}])

# What, status, code, method, URL, and where needed body, headers, type of the body.
SCENARIO = [
    ("status", 200, None, "GET", "/v1/status"),
    ("status, not an operator", 200, None, "GET", "/v1/status", None, AS_ADA),
    ("whoami", 200, None, "GET", "/v1/whoami"),
    ("whoami, for ada", 200, None, "GET", "/v1/whoami", None, AS_ADA),
    ("reload", 200, None, "POST", "/v1/reload"),
    ("a reload is not tried", 400, "bad_request", "POST", "/v1/reload?dry_run=true"),
    ("doctor", 200, None, "GET", "/v1/doctor"),
    ("doctor of one", 200, None, "GET", "/v1/doctor?interface=eth2"),
    ("doctor of none", 200, None, "GET", "/v1/doctor?interface=nosuch0"),
    ("doctor of no name", 400, "bad_request", "GET", "/v1/doctor?interface=a%2Fb"),
    ("no panic", 404, "not_found", "DELETE", "/v1/panic"),
    ("panic, tried", 200, None, "PUT", "/v1/panic?dry_run=true", {"reason": "to see"}),
    ("panic", 200, None, "PUT", "/v1/panic", {"reason": "the new list stops the office"}),
    ("status in a panic", 200, None, "GET", "/v1/status"),
    ("status in a panic, not an operator", 200, None, "GET", "/v1/status", None, AS_ADA),
    ("the panic ends", 200, None, "DELETE", "/v1/panic"),
    ("account, tried", 200, None, "POST", "/v1/accounts?dry_run=true", {"name": "example"}),
    ("account", 201, None, "POST", "/v1/accounts", {"name": "example", "mode": "monitor", "on_deny": "reject", "label": "E"}),
    ("account, again", 409, "exists", "POST", "/v1/accounts", {"name": "example"}),
    ("account, the fourth", 201, None, "POST", "/v1/accounts", {"name": "fourth"}),
    ("account, too many", 413, "limit", "POST", "/v1/accounts", {"name": "fifth"}),
    ("account, no name", 400, "bad_request", "POST", "/v1/accounts", {"name": "No Name"}),
    ("the fourth goes", 200, None, "DELETE", "/v1/accounts/fourth"),
    ("accounts", 200, None, "GET", "/v1/accounts"),
    ("accounts, of ada", 200, None, "GET", "/v1/accounts", None, AS_ADA),
    ("one account", 200, None, "GET", "/v1/accounts/example"),
    ("settings", 200, None, "PATCH", "/v1/accounts/example", {"mode": "enforce", "on_deny": "notice:8403"}),
    ("settings, tried", 200, None, "PATCH", "/v1/accounts/example?dry_run=true", {"label": "E2"}),
    ("the label is the operators'", 403, "forbidden", "PATCH", "/v1/accounts/acme", {"label": "mine"}, AS_ADA),
    ("the first entry is another's", 409, "origin_not_covered", "POST", LIST, entries("203.0.113.0/24"), AS_ADA),
    ("entries, tried", 200, None, "POST", LIST + "?dry_run=true", entries(ADA, "203.0.113.0/24"), AS_ADA),
    ("entries", 201, None, "POST", LIST, entries(ADA, LISTED + "/32"), AS_ADA),
    ("an entry", 201, None, "POST", LIST, {"prefix": "203.0.113.0/24", "note": "net", "expires": "2099-01-02T03:04:05+01:00"}),
    ("entries as text", 201, None, "POST", LIST, "2001:db8:b::/48 allow # more\n", {}, "text/plain"),
    ("entries as CSV", 201, None, "POST", LIST, "prefix,verdict\n203.0.113.128/25,deny\n", {}, "text/csv"),
    ("an entry of the past", 400, "bad_request", "POST", LIST, {"prefix": "192.0.2.9", "expires": "2001-01-01T00:00:00Z"}),
    ("... imported", 201, None, "POST", LIST + "?import=true", {"prefix": "192.0.2.9", "expires": "2001-01-01T00:00:00Z"}),
    ("host bits", 400, "bad_prefix", "POST", LIST, entries("203.0.113.7/24")),
    ("an entry, again", 409, "exists", "POST", LIST, entries(LISTED)),
    ("home is denied", 409, "would_lock_out", "PUT", LIST, {"entries": [{"prefix": ADA, "verdict": "deny"}]}, AS_ADA),
    ("entries, too many", 413, "limit", "POST", LIST, entries(*(f"10.1.{i}.0/24" for i in range(12)))),
    ("the list", 200, None, "GET", LIST),
    ("the list, unused", 200, None, "GET", LIST + "?unused=1s"),
    ("a page", 200, None, "GET", LIST + "?limit=1"),
    ("no duration", 400, "bad_request", "GET", LIST + "?unused=soon"),
    ("the export", 200, None, "GET", LIST + "/export"),
    ("an entry is set", 200, None, "PATCH", LIST + "/203.0.113.0%2F24", {"note": "the office", "expires": None}),
    ("... tried", 200, None, "PATCH", LIST + "/203.0.113.0%2F24?dry_run=true", {"enabled": False}),
    ("... that is not there", 404, "not_found", "PATCH", LIST + "/203.0.112.0%2F24", {"enabled": False}),
    ("... the one at home", 409, "would_lock_out", "PATCH", LIST + f"/{ADA}", {"enabled": False}, AS_ADA),
    ("an entry goes", 200, None, "DELETE", LIST + "/192.0.2.9"),
    ("... again", 404, "not_found", "DELETE", LIST + "/192.0.2.9"),
    ("... the one at home", 409, "would_lock_out", "DELETE", LIST + f"/{ADA}", None, AS_ADA),
    ("entries go", 200, None, "DELETE", LIST + "?prefix=203.0.113.128%2F25"),
    ("... again", 404, "not_found", "DELETE", LIST + "?prefix=203.0.113.128%2F25"),
    ("... the one at home", 409, "would_lock_out", "DELETE", LIST + f"?prefix={ADA}", None, AS_ADA),
    ("the list, replaced, tried", 200, None, "PUT", LIST + "?dry_run=true", entries(LISTED)),
    ("the list, emptied", 409, "would_open", "PUT", LIST, {"entries": []}),
    ("the list, of too many", 413, "limit", "PUT", LIST, entries(*(f"10.1.{i}.0/24" for i in range(13)))),
    ("lengths that expire", 200, None, "PUT", LIST, {"entries": [{"prefix": ADA}, {"prefix": "10.0.0.0/17"}, *LENGTHS]}),
    ("... one more", 413, "limit", "PATCH", LIST + "/10.0.0.0%2F17", {"expires": "2100-01-01T00:00:00Z"}),
    ("the list, replaced", 200, None, "PUT", LIST, entries(ADA, LISTED)),
    ("an active account goes", 409, "would_open", "DELETE", "/v1/accounts/acme"),
    ("monitor", 200, None, "PATCH", "/v1/accounts/acme", {"mode": "monitor"}),
    ("a list without ada", 200, None, "PUT", LIST, entries(LISTED), AS_ADA),
    ("... in force", 409, "would_lock_out", "PATCH", "/v1/accounts/acme", {"mode": "enforce"}, AS_ADA),
    ("... by an operator", 200, None, "PATCH", "/v1/accounts/acme?force=true", {"mode": "enforce"}),
    ("a named list, tried", 200, None, "POST", "/v1/lists?dry_run=true", {"name": "corp-vpn"}),
    ("a named list", 201, None, "POST", "/v1/lists", {"name": "corp-vpn"}),
    ("... again", 409, "exists", "POST", "/v1/lists", {"name": "corp-vpn"}),
    ("entries of it, tried", 200, None, "POST", NAMED + "?dry_run=true", entries("192.0.2.0/24")),
    ("entries of it", 201, None, "POST", NAMED, {"entries": [{"prefix": LISTED, "note": "vpn"}, {"prefix": "192.0.2.0/24"}]}),
    ("an entry of it", 201, None, "POST", NAMED, {"prefix": "2001:db8:c::/48"}),
    ("entries of it as text", 201, None, "POST", NAMED, "2001:db8:d::/48 # more\n", {}, "text/plain"),
    ("entries of it as CSV", 201, None, "POST", NAMED, "prefix,note\n2001:db8:e::/48,most\n", {}, "text/csv"),
    ("... again", 409, "exists", "POST", NAMED, entries("192.0.2.0/24")),
    ("... with a verdict", 400, "bad_request", "POST", NAMED, {"prefix": "192.0.2.7", "verdict": "deny"}),
    ("... too many", 413, "limit", "POST", NAMED, entries(*(f"10.1.{i}.0/24" for i in range(12)))),
    ("... of no list", 404, "not_found", "POST", "/v1/lists/none/entries", entries("192.0.2.0/24")),
    ("named lists", 200, None, "GET", "/v1/lists?limit=1", None, AS_ADA),
    ("one of them", 200, None, "GET", "/v1/lists/corp-vpn", None, AS_ADA),
    ("... that is not there", 404, "not_found", "GET", "/v1/lists/none"),
    ("what is in it", 200, None, "GET", NAMED + "?limit=1"),
    ("... in one that is not there", 404, "not_found", "GET", "/v1/lists/none/entries"),
    ("entries of it go, tried", 200, None, "DELETE", NAMED + "?prefix=192.0.2.0%2F24&dry_run=true"),
    ("entries of it go", 200, None, "DELETE", NAMED + "?prefix=192.0.2.0%2F24"),
    ("... again", 404, "not_found", "DELETE", NAMED + "?prefix=192.0.2.0%2F24"),
    ("a reference to no list", 404, "not_found", "POST", LIST, entries("@none")),
    ("a reference", 201, None, "POST", LIST, entries("@corp-vpn")),
    ("a reference, tried away", 200, None, "DELETE", LIST + "?prefix=%40corp-vpn&dry_run=true"),
    ("... is set", 200, None, "PATCH", LIST + "/%40corp-vpn", {"note": "the tunnel"}),
    ("the list with it", 200, None, "GET", LIST),
    ("by a named list", 200, None, "GET", "/v1/accounts/acme/check?address=2001:db8:d::1"),
    ("home by a named list", 201, None, "POST", NAMED, entries(ADA + "/32"), AS_ADA),
    ("... alone", 200, None, "PUT", LIST, entries("@corp-vpn"), AS_ADA),
    ("... goes", 409, "would_lock_out", "DELETE", NAMED + f"?prefix={ADA}", None, AS_ADA),
    ("a list in use", 412, "conflict", "DELETE", "/v1/lists/corp-vpn"),
    ("back to prefixes", 200, None, "PUT", LIST, entries(ADA, LISTED), AS_ADA),
    ("another named list", 201, None, "POST", "/v1/lists", {"name": "spare"}),
    ("... goes", 200, None, "DELETE", "/v1/lists/spare"),
    ("... again", 404, "not_found", "DELETE", "/v1/lists/spare"),
    ("who is listed", 200, None, "GET", f"/v1/accounts/acme/check?address={LISTED}"),
    ("who is not", 200, None, "GET", f"/v1/accounts/acme/check?address={STRANGER}"),
    ("no address", 400, "bad_request", "GET", "/v1/accounts/acme/check?address=there"),
    ("the whole way", 200, None, "GET", f"/v1/check?from={LISTED}&to=192.0.2.10:80%2Ftcp"),
    ("... of nobody", 200, None, "GET", f"/v1/check?from={LISTED}&to=192.0.2.77:80%2Ftcp"),
    ("services, tried", 200, None, "POST", "/v1/accounts/acme/services?dry_run=true", {"services": ["192.0.2.20"]}),
    ("services", 201, None, "POST", "/v1/accounts/acme/services", {"services": ["192.0.2.20", "[2001:db8::20]:443/tcp"]}),
    ("a service of another's", 409, "exists", "POST", "/v1/accounts/open/services", {"services": ["192.0.2.20"]}),
    ("services, too many", 413, "limit", "POST", "/v1/accounts/open/services", {"services": [f"192.0.2.{i}" for i in range(30, 35)]}),
    ("services of an account", 200, None, "GET", "/v1/accounts/acme/services"),
    ("services of all", 200, None, "GET", "/v1/services"),
    ("a service goes", 200, None, "DELETE", "/v1/accounts/acme/services?service=192.0.2.20"),
    ("... again", 404, "not_found", "DELETE", "/v1/accounts/acme/services?service=192.0.2.20"),
    ("a user, tried", 200, None, "POST", "/v1/users?dry_run=true", {"name": "bob", "uid": 12345}),
    ("a user", 201, None, "POST", "/v1/users", {"name": "bob", "uid": None, "operator": False, "delegate": False}),
    ("... again", 409, "exists", "POST", "/v1/users", {"name": "bob"}),
    ("users", 200, None, "GET", "/v1/users"),
    ("a role", 200, None, "PUT", "/v1/accounts/acme/roles/bob", {"role": "viewer"}),
    ("... of nobody", 404, "not_found", "PUT", "/v1/accounts/acme/roles/nobody", {"role": "viewer"}),
    ("roles of an account", 200, None, "GET", "/v1/accounts/acme/roles"),
    ("roles on all", 200, None, "GET", "/v1/roles"),
    ("a token, tried", 200, None, "POST", "/v1/tokens?dry_run=true", {"user": "ada", "account": "acme", "role": "viewer"}),
    ("a token", 201, None, "POST", "/v1/tokens", {"user": "ada", "account": "acme", "role": "admin", "expires": None, "note": "n"}),
    ("... of bob's", 201, None, "POST", "/v1/tokens", {"user": "bob", "account": "acme", "role": "viewer"}),
    ("... that he cannot have", 400, "bad_request", "POST", "/v1/tokens", {"user": "bob", "account": "acme", "role": "admin"}),
    ("... of nobody", 404, "not_found", "POST", "/v1/tokens", {"user": "nobody", "account": "acme", "role": "admin"}),
    ("tokens", 200, None, "GET", "/v1/tokens"),
    ("no token", 404, "not_found", "DELETE", "/v1/tokens/000000000001"),
    ("a role goes", 200, None, "DELETE", "/v1/accounts/acme/roles/bob"),
    ("... again", 404, "not_found", "DELETE", "/v1/accounts/acme/roles/bob"),
    ("what is held on ada", 200, None, "GET", "/v1/users/ada/export", None, AS_ADA),
    ("... on a uid", 200, None, "GET", "/v1/users/uid:4711/export"),
    ("... on bob, by ada", 403, "forbidden", "GET", "/v1/users/bob/export", None, AS_ADA),
    ("bob erased, tried", 200, None, "POST", "/v1/users/bob/erase?dry_run=true"),
    ("a role of his that may go", 200, None, "PUT", "/v1/accounts/open/roles/bob?confirm_within=1h", {"role": "viewer"}),
    ("... so that he cannot", 412, "conflict", "POST", "/v1/users/bob/erase"),
    ("... until it does", 200, None, "DELETE", "/v1/accounts/open/pending"),
    ("bob erased", 200, None, "POST", "/v1/users/bob/erase"),
    ("... again", 404, "not_found", "POST", "/v1/users/bob/erase"),
    ("a user of that name", 201, None, "POST", "/v1/users", {"name": "bob"}),
    ("a user goes", 200, None, "DELETE", "/v1/users/bob"),
    ("... again", 404, "not_found", "DELETE", "/v1/users/bob"),
    ("an interface, tried", 200, None, "POST", "/v1/interfaces?dry_run=true", {"interface": "eth1"}),
    ("an interface", 201, None, "POST", "/v1/interfaces", {"interface": "eth1", "mode": "generic"}),
    ("... that is not there", 404, "not_found", "POST", "/v1/interfaces", {"interface": "eth9"}),
    ("... in another mode", 409, "exists", "POST", "/v1/interfaces", {"interface": "eth0", "mode": "generic"}),
    ("... with another program", 503, "kernel", "POST", "/v1/interfaces", {"interface": "eth2"}),
    ("interfaces", 200, None, "GET", "/v1/interfaces"),
    ("an interface goes", 200, None, "DELETE", "/v1/interfaces/eth1"),
    ("... again", 404, "not_found", "DELETE", "/v1/interfaces/eth1"),
    ("the policy", 200, None, "GET", "/v1/policy"),
    ("... of an account", 200, None, "GET", "/v1/policy?account=acme", None, AS_ADA),
    ("a policy, tried", 200, None, "PUT", "/v1/policy?dry_run=true", POLICY),
    ("a policy", 200, None, "PUT", "/v1/policy", POLICY),
    ("... that is in force", 200, None, "PUT", "/v1/policy", POLICY),
    ("... with a list, tried", 200, None, "PUT", "/v1/policy?dry_run=true", {"accounts": [], "lists": [{"name": "byfile", "entries": [{"prefix": "192.0.2.0/24"}]}]}),
    ("... with a list", 200, None, "PUT", "/v1/policy", {"accounts": [], "lists": [{"name": "byfile", "entries": [{"prefix": "192.0.2.0/24", "note": "n"}]}]}),
    ("... that is exported", 200, None, "GET", "/v1/policy"),
    ("... with an entry of it that is disabled", 400, "bad_request", "PUT", "/v1/policy", {"accounts": [], "lists": [{"name": "byfile", "entries": [{"prefix": "192.0.2.0/24", "enabled": False}]}]}),
    ("... with a reference to none", 404, "not_found", "PUT", "/v1/policy", account(roles=[{"user": "ops", "role": "admin"}], entries=[{"prefix": "@none"}])),
    ("... of the host", 409, "would_open", "PUT", "/v1/policy", {**POLICY, "scope": "host"}),
    ("... with a service of another's", 409, "exists", "PUT", "/v1/policy", account(services=["192.0.2.10:80/tcp"])),
    ("... with host bits", 400, "bad_prefix", "PUT", "/v1/policy", account(entries=[{"prefix": "203.0.113.7/24"}])),
    ("... with a role of nobody's", 404, "not_found", "PUT", "/v1/policy", account(roles=[{"user": "nobody", "role": "viewer"}])),
    ("... with accounts, too many", 413, "limit", "PUT", "/v1/policy", {"accounts": [{"name": f"p{i}"} for i in range(5)]}),
    ("the account goes", 200, None, "DELETE", "/v1/accounts/byfile?open=true"),
    ("a change, to be confirmed", 201, None, "POST", SERVICES + WAITS, {"services": ["192.0.2.21"]}),
    ("... in a moment", 400, "bad_request", "POST", SERVICES + "?confirm_within=1s", {"services": ["192.0.2.22"]}),
    ("... the account says so", 200, None, "GET", "/v1/accounts/acme"),
    ("... services come meanwhile", 412, "conflict", "POST", SERVICES, {"services": ["192.0.2.22"]}),
    ("... or go", 412, "conflict", "DELETE", SERVICES + "?service=192.0.2.21"),
    ("... a role", 412, "conflict", "PUT", "/v1/accounts/acme/roles/ada", {"role": "viewer"}),
    ("... no role", 412, "conflict", "DELETE", "/v1/accounts/acme/roles/ada"),
    ("what waits", 200, None, "GET", "/v1/pending"),
    ("... of the account", 200, None, "GET", "/v1/accounts/acme/pending", None, AS_ADA),
    ("... confirmed from where nobody is let in", 409, "origin_not_covered", "POST", "/v1/accounts/acme/confirm", None,
     {**AS_ADA, "Allowgate-Origin": "198.18.7.7"}),
    ("... confirmed, tried", 200, None, "POST", "/v1/accounts/acme/confirm?force=true&dry_run=true"),
    ("... confirmed", 200, None, "POST", "/v1/accounts/acme/confirm?force=true"),
    ("a mode, to be confirmed", 200, None, "PATCH", "/v1/accounts/acme" + WAITS, {"mode": "monitor"}),
    ("... taken back, tried", 200, None, "DELETE", "/v1/accounts/acme/pending?dry_run=true"),
    ("... taken back", 200, None, "DELETE", "/v1/accounts/acme/pending"),
    ("an account goes, to be confirmed", 200, None, "DELETE", "/v1/accounts/example" + WAITS),
    ("... another of that name", 412, "conflict", "POST", "/v1/accounts", {"name": "example"}),
    ("... taken back", 200, None, "DELETE", "/v1/accounts/example/pending"),
    ("a user, to be confirmed", 201, None, "POST", "/v1/users" + WAITS, {"name": "eve"}),
    ("... again", 412, "conflict", "POST", "/v1/users", {"name": "eve"}),
    ("... goes", 412, "conflict", "DELETE", "/v1/users/eve"),
    ("... is shown", 200, None, "GET", "/v1/users/eve/pending"),
    ("... confirmed", 200, None, "POST", "/v1/users/eve/confirm"),
    ("... goes, to be confirmed", 200, None, "DELETE", "/v1/users/eve" + WAITS),
    ("... taken back", 200, None, "DELETE", "/v1/users/eve/pending"),
    ("an interface, to be confirmed", 201, None, "POST", "/v1/interfaces" + WAITS, {"interface": "eth1"}),
    ("... again", 412, "conflict", "POST", "/v1/interfaces", {"interface": "eth1"}),
    ("... goes", 412, "conflict", "DELETE", "/v1/interfaces/eth1"),
    ("... is shown", 200, None, "GET", "/v1/interfaces/eth1/pending"),
    ("... confirmed", 200, None, "POST", "/v1/interfaces/eth1/confirm"),
    ("... goes, to be confirmed", 200, None, "DELETE", "/v1/interfaces/eth1" + WAITS),
    ("... taken back", 200, None, "DELETE", "/v1/interfaces/eth1/pending"),
    ("a named list, to be confirmed", 201, None, "POST", "/v1/lists" + WAITS, {"name": "later"}),
    ("... again", 412, "conflict", "POST", "/v1/lists", {"name": "later"}),
    ("... is not referred to", 412, "conflict", "POST", LIST, entries("@later"), AS_ADA),
    ("... is shown", 200, None, "GET", "/v1/lists/later/pending", None, AS_ADA),
    ("... is not ada's to take back", 403, "forbidden", "DELETE", "/v1/lists/later/pending", None, AS_ADA),
    ("... taken back", 200, None, "DELETE", "/v1/lists/later/pending"),
    ("a list in use", 201, None, "POST", LIST, entries("@corp-vpn"), AS_ADA),
    ("an entry in a list, to be confirmed", 201, None, "POST", NAMED + WAITS, entries("192.0.2.128/25"), AS_ADA),
    ("... what uses it waits too", 412, "conflict", "POST", LIST, entries("192.0.2.1"), AS_ADA),
    ("... another in it", 412, "conflict", "POST", NAMED, entries("192.0.2.64/26"), AS_ADA),
    ("... one out of it", 412, "conflict", "DELETE", NAMED + "?prefix=192.0.2.128/25", None, AS_ADA),
    ("... confirmed from where nobody is let in", 409, "origin_not_covered", "POST", "/v1/lists/corp-vpn/confirm", None,
     {**AS_ADA, "Allowgate-Origin": "198.18.7.7"}),
    ("... confirmed", 200, None, "POST", "/v1/lists/corp-vpn/confirm", None, AS_ADA),
    ("... goes, to be confirmed", 200, None, "DELETE", NAMED + "?prefix=192.0.2.128/25&" + WAITS[1:], None, AS_ADA),
    ("... taken back", 200, None, "DELETE", "/v1/lists/corp-vpn/pending", None, AS_ADA),
    ("nothing waits of a list", 404, "not_found", "GET", "/v1/lists/corp-vpn/pending"),
    ("... to be confirmed", 404, "not_found", "POST", "/v1/lists/corp-vpn/confirm"),
    ("... to be taken back", 404, "not_found", "DELETE", "/v1/lists/corp-vpn/pending"),
    ("no policy waits", 404, "not_found", "GET", "/v1/policy/pending"),
    ("... to be confirmed", 404, "not_found", "POST", "/v1/policy/confirm"),
    ("... to be taken back", 404, "not_found", "DELETE", "/v1/policy/pending"),
    ("a policy, to be confirmed", 200, None, "PUT", "/v1/policy" + WAITS, account(label="waits")),
    ("... is shown", 200, None, "GET", "/v1/policy/pending"),
    ("... taken back", 200, None, "DELETE", "/v1/policy/pending"),
    ("... with an account of another's", 200, None, "PUT", "/v1/policy" + WAITS,
     {"accounts": [{"name": "acme", "label": "waits", "mode": "enforce"}]}),
    ("... another one", 412, "conflict", "PUT", "/v1/policy", account(label="again")),
    ("... confirmed from nowhere", 409, "origin_not_covered", "POST", "/v1/policy/confirm"),
    ("... confirmed", 200, None, "POST", "/v1/policy/confirm?force=true"),
    ("a token, to be confirmed", 201, None, "POST", "/v1/tokens" + WAITS, {"user": "ada", "account": "acme", "role": "viewer"}),
    ("nothing waits of one that is none", 404, "not_found", "GET", "/v1/tokens/000000000001/pending"),
    ("... to be confirmed", 404, "not_found", "POST", "/v1/tokens/000000000001/confirm"),
    ("... to be taken back", 404, "not_found", "DELETE", "/v1/tokens/000000000001/pending"),
    ("nothing waits for ada", 404, "not_found", "GET", "/v1/users/ada/pending"),
    ("... to be confirmed", 404, "not_found", "POST", "/v1/users/ada/confirm"),
    ("... to be taken back", 404, "not_found", "DELETE", "/v1/users/ada/pending"),
    ("nothing waits of eth0", 404, "not_found", "GET", "/v1/interfaces/eth0/pending"),
    ("... to be confirmed", 404, "not_found", "POST", "/v1/interfaces/eth0/confirm"),
    ("... to be taken back", 404, "not_found", "DELETE", "/v1/interfaces/eth0/pending"),
    ("the audit log", 200, None, "GET", "/v1/audit?limit=1000"),
    ("... of an account", 200, None, "GET", "/v1/audit?account=acme&since=2026-01-02T03:04:05Z", None, AS_ADA),
    ("... since no time", 400, "bad_request", "GET", "/v1/audit?since=yesterday"),
    ("... until no time", 400, "bad_request", "GET", "/v1/audit?until=tomorrow"),
    ("... of a user", 200, None, "GET", "/v1/audit?user=ada&until=2999-01-02T03:04:05Z"),
    ("... as lines", 200, None, "GET", "/v1/audit/export"),
    ("... as lines, of an account", 200, None, "GET", "/v1/audit/export?account=acme&user=ada", None, AS_ADA),
    ("... as lines, since no time", 400, "bad_request", "GET", "/v1/audit/export?since=yesterday"),
    ("the log's chain", 200, None, "POST", "/v1/audit/verify"),
]


def play():
    for row in SCENARIO:
        what, status, code, *arguments = row
        why = expect(what, status, code, *arguments)
        result(not why, f"{what}: {status}{' ' + code if code else ''}", why)


def check_history():
    """Generations are numbered as they come: of those that there are, the first one had no entries yet."""
    status, page, why = ask("GET", "/v1/accounts/acme/generations?limit=1000")
    result(status == 200 and not why and page["items"][0]["current"], "the generations", why or page)
    first, last = page["items"][-1]["generation"], page["items"][0]["generation"]
    path = f"/v1/accounts/acme/generations/{first}/diff"
    for what, *rest in (
            ("a difference", 200, None, "GET", path), ("... between two", 200, None, "GET", path + f"?to={last}"),
            ("... to one that never was", 404, "not_found", "GET", path + "?to=999999"),
            ("rolled back, tried", 200, None, "POST", "/v1/accounts/acme/rollback?dry_run=true", {"generation": last}),
            ("rolled back to what is", 200, None, "POST", "/v1/accounts/acme/rollback", {"generation": last}),
            ("rolled back to nothing", 409, "would_open", "POST", "/v1/accounts/acme/rollback", {"generation": first}),
            ("rolled back to what never was", 404, "not_found", "POST", "/v1/accounts/acme/rollback", {"generation": 999999})):
        why = expect(what, *rest)
        result(not why, what, why)


def check_tokens():
    """As many as there may be, of which one goes."""
    made = [ask("POST", "/v1/tokens", {"user": "ada", "account": "open", "role": "viewer"}) for _ in range(101)]
    wrong = [why or status for status, _, why in made if why or status not in (201, 413)]
    result(not wrong and [status for status, _, _ in made] == [201] * 100 + [413], "a hundred tokens, and no more", wrong)
    why = expect("one", 200, None, "DELETE", f"/v1/tokens/{made[0][1]['token']['id']}")
    result(not why, "one is revoked", why)
    one = f"/v1/tokens/{made[1][1]['token']['id']}"
    _, waiting, _ = ask("POST", "/v1/tokens" + WAITS, {"user": "ada", "account": "open", "role": "viewer"})
    for what, *rest in (
            ("one, to be confirmed", 200, None, "DELETE", one + WAITS), ("... is shown", 200, None, "GET", one + "/pending"),
            ("... taken back", 200, None, "DELETE", one + "/pending"), ("... again", 200, None, "DELETE", one + WAITS),
            ("... confirmed", 200, None, "POST", one + "/confirm"),
            ("one that waits", 412, "conflict", "DELETE", f"/v1/tokens/{waiting['token']['id']}")):
        why = expect(what, *rest)
        result(not why, what, why)


def check_pages():
    """Every list that pages, an item at a time, is the same as at once."""
    wrong, longest = [], 0
    for operation in OPERATIONS:
        if not operation.takes("query", "limit"):
            continue
        whole = ask("GET", operation.url([("limit", "1000")]))[1]["items"]
        items, after = [], None
        while len(items) <= len(whole):
            status, page, why = ask("GET", operation.url([("limit", "1")] + ([("after", after)] if after else [])))
            if why or status != 200:
                wrong.append(f"{operation.id}: {why or page}")
                break
            items, after = items + page["items"], page["next"]
            if after is None:
                break
        longest = max(longest, len(items))
        if items[:len(whole)] != whole or (len(items) != len(whole) and operation.id != "listAudit"):
            wrong.append(f"{operation.id}: {len(items)} items one by one, {len(whole)} at once")
    result(longest > 1 and not wrong, "pages put together are the whole", "\n".join(wrong))


def check_served():
    status, text, why = ask("GET", "/v1/openapi.yaml")
    result(status == 200 and not why and text == TEXT, "what is served is the document", why or "it is another text")
    status, _, why = ask("GET", "/v1/openapi.yaml", uid=NOBODY)
    result(status == 200 and not why, "... to anybody", why)


def visit(source):
    """Knocks at the web service of acme, from the other end of the wire."""
    os.system(f"nsenter --net=$(ls /run/netns/*{os.environ['AG_CLIENT']}) curl -s -o /dev/null --connect-timeout 0.3 "
              f"--interface {source} http://192.0.2.10/")


def read_events(response, wanted):
    """Events until those that are wanted have come: name to data."""
    events, name = {}, None
    while wanted - set(events):
        line = response.fp.readline().decode().rstrip("\r\n")
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            events[name] = json.loads(line[6:])
    return events


def check_events():
    operation = BY_ID["followEvents"]
    follower = connect(0)
    follower.request("GET", "/v1/events?account=acme")
    response = follower.getresponse()
    schema = operation.responses["200"]["content"].get(response.getheader("Content-Type"), {}).get("schema")
    visit(STRANGER)
    ask("PATCH", "/v1/accounts/acme", {"on_deny": "drop"})
    events = read_events(response, {"denied", "change"})
    note(operation, response.status)
    wrong = [f"{name}: {why}" for name, data in events.items() if (why := complaint(schema, data))]
    for name, component in (("denied", "StoppedEvent"), ("change", "ChangeEvent")):
        if complaint({"$ref": "#/components/schemas/" + component}, events[name]):
            wrong.append(f"{name} is no {component}")
    result(not wrong, "a stopped packet and a change are told", "\n".join(wrong))
    followers = [connect(0) for _ in range(15)]
    for each in followers:
        each.request("GET", "/v1/events")
        each.getresponse()
    why = expect("one too many", 503, "limit", "GET", "/v1/events")
    result(not why, "not all can follow: 503 limit", why)
    for each in [follower, *followers]:
        each.close()
    for path in ("/v1/denied", "/v1/accounts/acme/denied"):
        status, answer, why = ask("GET", path)
        result(status == 200 and not why and answer["items"], f"{path} has who was stopped", why or answer)


def check_all_seen():
    wanted = {(operation.id, status) for operation in OPERATIONS for status in operation.responses}
    had = {(name, status) for name, statuses in seen.items() for status in statuses}
    missing = sorted(wanted - had - set(NOT_PROVOKED))
    result(not missing, f"every status of the document was answered: {len(wanted & had)} of {len(wanted)}, "
           f"{len(NOT_PROVOKED)} left out", "\n".join(f"{name} {status}: ask for it in SCENARIO" for name, status in missing))
    idle = [f"{name} {status}" for name, status in NOT_PROVOKED if (name, status) not in wanted or (name, status) in had]
    result(not idle, "what is left out stands in it", "\n".join(idle))


def ordinary():
    compare_routes()
    problems = []
    for name, schema in API["components"]["schemas"].items():
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            problems.append(f"{name}: {error.message}")
    result(not problems, "its schemas are JSON Schema", "\n".join(problems))
    check_served()
    play()
    check_history()
    check_tokens()
    ask_everything()
    check_events()
    check_pages()


def off():
    every("stopped sources that are not kept", lambda each: each.path.endswith("/denied"),
          lambda each: [(404, "not_found", "GET", each.url())])


def broken():
    every("without a store", lambda each: "503" in each.responses and (each.id, "503") not in NOT_PROVOKED,
          lambda each: [(503, "store", each.method, each.url(), each.example())])
    for name in ("showStatus", "showWhoami", "listInterfaces", "showOpenapi"):
        why = expect(name, 200, None, "GET", BY_ID[name].url())
        result(not why, f"{name} works without a store", why)
    check_all_seen()


if os.path.exists(SEEN):
    with open(SEEN, encoding="utf-8") as file:
        seen = json.load(file)
{"ordinary": ordinary, "off": off, "broken": broken}[PHASE]()
with open(SEEN, "w", encoding="utf-8") as file:
    json.dump(seen, file)
sys.exit(result.failed)
