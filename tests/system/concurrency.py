# SPDX-License-Identifier: GPL-2.0-only
"""Admins of one account at work at the same time: concurrency.py SOCKET ADMINS OPERATIONS

Each admin adds, changes and removes entries out of a few that all of them share, replaces lists guarded by tags, and now and
then tries to take away the entry that lets them in. Every answer is noted with when it was asked and when it came; then all
of them must fit one order, which the generations give: linearizability (Herlihy and Wing, 1990), checked and not assumed.
"""

import http.client
import json
import random
import socket
import sys
import threading
import time

SOCKET, ADMINS, OPERATIONS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
LIST = "/v1/accounts/acme/allowlist"
SHARED = [f"203.0.113.{i}/32" for i in range(12)]


class Connection(http.client.HTTPConnection):
    def __init__(self):
        super().__init__("allowgate", timeout=60)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(SOCKET)


class Admin(threading.Thread):
    def __init__(self, number):
        super().__init__()
        self.origin = f"198.51.100.{number}"
        self.headers = {"Allowgate-On-Behalf-Of": f"admin{number}", "Allowgate-Origin": self.origin}
        self.random = random.Random(number)
        self.log = []
        self.failure = None

    def ask(self, method, path, body=None, headers={}):
        began = time.monotonic()
        self.connection.request(method, path, json.dumps(body) if body is not None else None, {**self.headers, **headers})
        response = self.connection.getresponse()
        answer = json.loads(response.read())
        return began, time.monotonic(), response.status, answer, response.getheader("ETag")

    def note(self, what, prefix, value, result):
        began, ended, status, answer, _ = result
        self.log.append((what, prefix, value, began, ended, status, answer.get("code"), answer.get("generation")))

    def add(self, prefix):
        note = f"{self.name} {len(self.log)}"
        self.note("add", prefix, note, self.ask("POST", LIST, {"entries": [{"prefix": prefix, "note": note}]}))

    def remove(self, prefix):
        self.note("remove", prefix, None, self.ask("DELETE", f"{LIST}?prefix={prefix.replace('/', '%2F')}"))

    def set(self, prefix):
        note = f"{self.name} {len(self.log)}"
        self.note("set", prefix, note, self.ask("PATCH", f"{LIST}/{prefix.replace('/', '%2F')}", {"note": note}))

    def guarded(self, prefix):
        """Read, then change what was read: nobody's change may have come between."""
        read = self.ask("GET", f"{LIST}?limit=1000")
        note = f"{self.name} {len(self.log)}"
        there = any(item["prefix"] == prefix for item in read[3]["items"])
        match = {"If-Match": read[4]}
        path = f"{LIST}/{prefix.replace('/', '%2F')}"
        result = self.ask("PATCH", path, {"note": note}, match) if there else self.ask("POST", LIST, {"prefix": prefix, "note": note}, match)
        assert result[2] in (200, 201, 412), result
        self.note("set" if there else "add", prefix, note, result)

    def read(self, _):
        result = self.ask("GET", f"{LIST}?limit=1000")
        state = {item["prefix"]: item["note"] for item in result[3]["items"]}
        self.log.append(("read", None, state, result[0], result[1], result[2], None, None))

    def lock_out(self, _):
        result = self.ask("DELETE", f"{LIST}?prefix={self.origin}%2F32")
        assert result[3].get("code") == "would_lock_out", result

    def run(self):
        try:
            self.connection = Connection()
            for _ in range(OPERATIONS):
                kind = self.random.choices(
                    (self.add, self.remove, self.set, self.guarded, self.read, self.lock_out), (30, 25, 20, 10, 10, 5))[0]
                kind(self.random.choice(SHARED))
        except Exception as error:  # of a thread: told by main
            self.failure = f"{self.name}: {type(error).__name__}: {error}"


def apply(state, change):
    what, prefix, value = change[:3]
    if what == "add":
        assert prefix not in state, f"added twice: {change}"
    else:
        assert prefix in state, f"{what} of what is not there: {change}"
    if what == "remove":
        del state[prefix]
    else:
        state[prefix] = value


def histories(done, first):
    """States by place in the order, and for each prefix whether it is there."""
    state, states = dict(first), [dict(first)]
    for change in done:
        apply(state, change)
        states.append(dict(state))
    return states


def window(done, operation):
    """The places in the order between which it must have happened: behind what had ended, before what had not begun."""
    low = max((i + 1 for i, change in enumerate(done) if change[4] < operation[3]), default=0)
    high = min((i for i, change in enumerate(done) if change[3] > operation[4]), default=len(done))
    return low, high


def fits(operation, state):
    what, prefix, value, _, _, _, code, _ = operation
    if what == "read":
        return value == state
    if code == "exists":
        return prefix in state
    return code == "not_found" and prefix not in state


def main():
    admins = [Admin(number) for number in range(1, ADMINS + 1)]
    connection = Connection()
    connection.request("GET", f"{LIST}?limit=1000")
    first = {item["prefix"]: item["note"] for item in json.loads(connection.getresponse().read())["items"]}
    for admin in admins:
        admin.start()
    for admin in admins:
        admin.join()
    failures = [admin.failure for admin in admins if admin.failure]
    assert not failures, failures
    log = [operation for admin in admins for operation in admin.log]
    done = sorted((operation for operation in log if operation[7]), key=lambda operation: operation[7])
    others = [operation for operation in log if not operation[7] and operation[6] != "conflict"]
    generations = [change[7] for change in done]
    assert len(set(generations)) == len(generations), "two changes have one generation"
    for i, change in enumerate(done):
        low, high = window(done[max(0, i - 200):i + 200], change)
        assert low + max(0, i - 200) <= i <= high + max(0, i - 200), f"out of order: {change}"
    states = histories(done, first)
    for operation in others:
        low, high = window(done, operation)
        assert any(fits(operation, states[place]) for place in range(low, high + 1)), \
            f"fits no moment of {low} to {high}: {operation[:7]}"
    connection.request("GET", f"{LIST}?limit=1000")
    last = {item["prefix"]: item["note"] for item in json.loads(connection.getresponse().read())["items"]}
    assert last == states[-1], "the list is not what the changes come to"
    refused = sum(operation[6] == "conflict" for operation in log)
    print(f"{len(done)} changes, {len(others)} reads and refusals, {refused} conflicts: one order")


main()
