# SPDX-License-Identifier: GPL-2.0-only
"""writer.py - somebody who changes a list as fast as the daemon lets them, while packets are timed"""

import os
import threading
import time
from types import SimpleNamespace

from control import Admin
from instance import Connection


def first_account(policy):
    """The first account of a policy file, and its prefixes."""
    name, prefixes = None, []
    with open(policy, encoding="ascii") as file:
        for line in file:
            kind, account, value = line.rstrip("\n").split("\t")[:3]
            name = name or account
            if account == name and kind == "P":
                prefixes.append(value)
            elif account != name:
                break
    return name, prefixes


class Writer:
    """Takes an entry away and adds it again, over and over, on any core but the one that is measured."""

    def __init__(self, candidate, policy, core):
        self.account, self.prefixes = first_account(policy)
        self.candidate, self.core = candidate, core
        self.socket = os.path.join(candidate.lab.directory, "control.sock")
        link = Connection(self.socket)
        link.ask("POST", "/v1/users", {"name": "ops", "uid": 0, "operator": True, "delegate": True})
        link.ask("POST", "/v1/users", {"name": "ada"})
        link.ask("PUT", f"/v1/accounts/{self.account}/roles/ada", {"role": "admin"})
        self.changes, self.thread, self.ends, self.failed = 0, None, False, None

    def work(self):
        os.sched_setaffinity(0, self.elsewhere())
        admin = Admin(SimpleNamespace(socket=self.socket), self.account, self.prefixes[0].split("/")[0])
        try:
            # an even number, so that the list is the same afterwards
            while not self.ends or self.changes % 2:
                admin.toggle(self.changes, self.prefixes)
                self.changes += 1
        except (OSError, RuntimeError) as problem:
            self.failed = problem

    def elsewhere(self):
        cores = os.sched_getaffinity(0)
        return cores - {self.core} or cores

    def __enter__(self):
        os.sched_setaffinity(self.candidate.daemon.pid, self.elsewhere())
        self.ends, self.changes = False, 0
        self.thread = threading.Thread(target=self.work)
        self.began = time.monotonic()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ends = True
        self.thread.join()
        self.rate = self.changes / (time.monotonic() - self.began)
        if self.failed:
            raise RuntimeError(f"the writer: {self.failed}")
