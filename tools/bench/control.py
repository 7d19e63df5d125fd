#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""control.py - the control side of the bench: loading, replacing, single changes, waiting, scraping, memory

    control.py [--quick] [--json FILE] [--table]

The daemon is the real one, from BUILD (build); it works in a directory of its own under TMPDIR, whose file system is
what the store's commits are measured on. The policies come from bench-world and bench-fill. Prints one JSON document
unless --json names a file for it; --table adds a table on standard error. Every figure is repeated: its median, and
the least and most seen. Memory in the kernel is what /proc/meminfo says before and after, never memlock.
"""

import argparse
import json
import os
import re
import socket
import sqlite3
import statistics
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True  # the source tree stays as it is

from instance import Instance

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
BENCH = os.path.join(BUILD, "bench")
FULL = {"one": 1000000, "accounts": 100000, "rounds": 3, "changes": 10000}
QUICK = {"one": 100000, "accounts": 10000, "rounds": 2, "changes": 500}


# --- figures --------------------------------------------------------------------


def summary(values, unit):
    return {"unit": unit, "median": statistics.median(values), "min": min(values), "max": max(values),
            "rounds": len(values)}


def percentiles(seconds):
    ordered = sorted(seconds)
    return {f"p{p}": ordered[min(len(ordered) - 1, len(ordered) * p // 100)] for p in (50, 99)} | {
        "max": ordered[-1], "count": len(ordered), "unit": "s"}


def kernel_memory():
    """Bytes: what the kernel keeps in slab that it cannot give back, in vmalloc and per CPU."""
    with open("/proc/meminfo", encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file)
    return {key: int(lines[key].split()[0]) * 1024 for key in ("SUnreclaim", "VmallocUsed", "Percpu")}


def settled_memory():
    """Maps are freed in the background: waits, at most 60 s, until two looks agree."""
    before = kernel_memory()
    for _ in range(150):
        time.sleep(0.4)
        now = kernel_memory()
        if abs(sum(now.values()) - sum(before.values())) < 512 * 1024:
            break
        before = now
    return now


def difference(after, before):
    parts = {key: after[key] - before[key] for key in after}
    return parts | {"sum": sum(parts.values())}


# --- worlds ---------------------------------------------------------------------


class Policy:
    """A policy file of that shape, the store made of it, and the prefixes of its first account."""

    def __init__(self, directory, accounts, entries, family):
        self.label = f"{accounts} x {entries}, IPv{family}"
        self.prefixes = accounts * entries
        self.path = os.path.join(directory, f"{accounts}-{entries}-{family}.tsv")
        self.store = self.path.replace(".tsv", ".db")
        subprocess.run([os.path.join(BENCH, "bench-world"), "--accounts", str(accounts), "--entries", str(entries),
                        "--family", str(family), "--seed", "1", "--packets", "1", "--policy", self.path], check=True)
        subprocess.run([os.path.join(BENCH, "bench-fill"), self.path, self.store], check=True)

    def first_account(self):
        name, prefixes = None, []
        with open(self.path, encoding="ascii") as file:
            for line in file:
                kind, account, value = line.rstrip("\n").split("\t")[:3]
                name = name or account
                if account != name:
                    break
                if kind == "P":
                    prefixes.append(value)
        return name, prefixes

    def install(self, instance):
        instance.stop()
        instance.uninstall()
        instance.discard_store()
        subprocess.run(["cp", self.store, instance.store], check=True)


def bare_load(policy, *how):
    done = subprocess.run([os.path.join(BENCH, "bench-lpm"), policy.path, *how], check=True, capture_output=True)
    return float(done.stdout)


# --- what is measured -----------------------------------------------------------


def measure_loading(instance, policy, rounds):
    """From exec to ready with new maps, and a bare LPM load of the same prefixes, in turns; and what it all takes."""
    ready, bare, bare_sorted, kernel, fixed, resident = [], [], [], [], [], []
    for _ in range(rounds):
        instance.stop()
        instance.uninstall()
        instance.discard_store()
        nothing = settled_memory()
        instance.start()
        empty = settled_memory()
        policy.install(instance)
        settled_memory()
        ready.append(instance.start())
        full = settled_memory()
        kernel.append(difference(full, empty))
        fixed.append(difference(empty, nothing))
        resident.append(instance.memory())
        bare.append(bare_load(policy))
        bare_sorted.append(bare_load(policy, "sorted"))
    ratio = [a / b for a, b in zip(ready, bare)]
    return {
        "world": policy.label, "prefixes": policy.prefixes,
        "ready": summary(ready, "s"), "bare_lpm": summary(bare, "s"), "bare_lpm_sorted": summary(bare_sorted, "s"),
        "ready_to_bare": summary(ratio, "ratio"),
        "kernel_lists": summary([one["sum"] for one in kernel], "bytes"),
        "kernel_lists_parts": kernel,
        "kernel_fixed_maps": summary([one["sum"] for one in fixed], "bytes"),
        "bytes_per_prefix": summary([one["sum"] / policy.prefixes for one in kernel], "bytes"),
        "bytes_per_prefix_with_maps": summary(
            [(one["sum"] + maps["sum"]) / policy.prefixes for one, maps in zip(kernel, fixed)], "bytes"),
        "daemon": {key: summary([one[key] for one in resident], "bytes") for key in resident[0]},
    }


class CommitProbe:
    """What a commit costs beside the daemon's: SQLite as the store has it, a row, an update and an audit row."""

    def __init__(self, directory):
        path = os.path.join(directory, f"probe-{time.monotonic_ns()}.db")
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=FULL")
        self.db.execute("CREATE TABLE entries (id INTEGER PRIMARY KEY, addr BLOB, note TEXT) STRICT")
        self.db.execute("CREATE TABLE meta (id INTEGER PRIMARY KEY, generation INTEGER) STRICT")
        self.db.execute("CREATE TABLE audit (id INTEGER PRIMARY KEY, detail TEXT, hash BLOB) STRICT")
        self.db.execute("INSERT INTO meta VALUES (1, 0)")

    def commit(self):
        started = time.monotonic()
        self.db.execute("BEGIN IMMEDIATE")
        self.db.execute("INSERT INTO entries (addr, note) VALUES (randomblob(4), '')")
        self.db.execute("UPDATE meta SET generation = generation + 1 WHERE id = 1")
        self.db.execute("INSERT INTO audit (detail, hash) VALUES ('added 198.51.100.1/32', randomblob(32))")
        self.db.execute("COMMIT")
        return time.monotonic() - started


class Admin:
    """Ada, who changes one account's list from an address that the list covers.

    Her requests go over a socket that stays open, and what Python needs to make and read one is not in the time.
    """

    def __init__(self, instance, account, origin):
        self.link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.link.settimeout(600)
        self.link.connect(instance.socket)
        self.origin = origin
        self.path = f"/v1/accounts/{account}/allowlist"

    def timed(self, method, path, body=b""):
        head = (f"{method} {path} HTTP/1.1\r\nHost: allowgate\r\nAllowgate-On-Behalf-Of: ada\r\n"
                f"Allowgate-Origin: {self.origin}\r\nContent-Length: {len(body)}\r\n\r\n").encode()
        started = time.monotonic()
        self.link.sendall(head + body)
        answer = self.link.recv(1 << 16)
        took = time.monotonic() - started
        self.read_rest(answer, f"{method} {path}")
        return took

    def read_rest(self, answer, what):
        while b"\r\n\r\n" not in answer:
            answer += self.link.recv(1 << 16)
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: *(\d+)", head).group(1))
        while len(body) < length:
            body += self.link.recv(1 << 16)
        if not head.startswith(b"HTTP/1.1 20"):
            raise RuntimeError(f"{what}: {head[:20]!r} {body[:200]!r}")

    def toggle(self, number, prefixes):
        """Takes an entry away, or adds it again: another one each time, but never the first, which covers Ada."""
        prefix = prefixes[1 + number // 2 % (len(prefixes) - 1)]
        if number % 2:
            return self.timed("POST", self.path, json.dumps({"prefix": prefix}).encode())
        return self.timed("DELETE", f"{self.path}?prefix={prefix}")


def measure_changes(instance, policy, count):
    """Single changes over a connection that is kept, each followed by the probe's commit."""
    account, prefixes = policy.first_account()
    admin = Admin(instance, account, prefixes[0].split("/")[0])
    probe = CommitProbe(instance.directory)
    for number in range(20):
        admin.toggle(number, prefixes)
        probe.commit()
    changes, commits = [], []
    for number in range(count):
        changes.append(admin.toggle(number, prefixes))
        commits.append(probe.commit())
    change, commit = percentiles(changes), percentiles(commits)
    return {"world": policy.label, "change": change, "commit": commit,
            "p50_ratio": change["p50"] / commit["p50"], "p99_ratio": change["p99"] / commit["p99"]}


def measure_replace(instance, policy, rounds):
    """`allowgate allow replace` of the first account's list with one entry in a hundred changed, there and back."""
    account, prefixes = policy.first_account()
    changed = list(prefixes)
    for at in range(1, len(changed), 100):
        changed[at] = f"198.{18 + at // 100 % 131072 // 65536}.{at // 25600 % 256}.{at // 100 % 256}/32"
    files = []
    for name, items in (("changed", changed), ("original", prefixes)):
        files.append(os.path.join(instance.directory, name))
        with open(files[-1], "w", encoding="ascii") as file:
            file.writelines(f"{item}\n" for item in items)
    took = []
    for number in range(2 * ((rounds + 1) // 2)):
        started = time.monotonic()
        subprocess.run([os.path.join(BUILD, "allowgate"), "--socket", instance.socket, "--as", "ada", "--origin",
                        prefixes[0].split("/")[0], "allow", "replace", account, files[number % 2]],
                       check=True, capture_output=True)
        took.append(time.monotonic() - started)
    return {"world": policy.label, "changed": len(range(1, len(prefixes), 100)), "seconds": summary(took, "s")}


def measure_wait(instance, policy, big, rounds):
    """Small changes to one account while another account's list is replaced by `big`'s."""
    account, prefixes = policy.first_account()
    origin = prefixes[0].split("/")[0]
    names = {"busy": "bench-import"}
    link = instance.connection()
    link.ask("POST", "/v1/accounts", {"name": names["busy"]})
    link.ask("PUT", f"/v1/accounts/{names['busy']}/roles/ada", {"role": "admin"})
    entries = big.first_account()[1]
    body = json.dumps({"entries": [{"prefix": prefix} for prefix in entries]}).encode()
    importer = Admin(instance, names["busy"], entries[0].split("/")[0])
    admin = Admin(instance, account, origin)
    waits, imports, number = [], [], 0
    for _ in range(rounds):
        thread = threading.Thread(target=lambda: imports.append(importer.timed("PUT", importer.path, body)))
        thread.start()
        while thread.is_alive():
            waits.append(admin.toggle(number, prefixes))
            number += 1
        thread.join()
        importer.timed("PUT", importer.path, json.dumps({"entries": [{"prefix": entries[0]}]}).encode())
    if len(imports) != rounds:
        raise RuntimeError("an import beside the small changes failed")
    return {"import_entries": len(entries), "import": summary(imports, "s"), "change": percentiles(waits)}


def measure_scrape(instance, policy, rounds):
    instance.scrape()
    instance.forget_peak()
    before = instance.memory()
    seen = [instance.scrape() for _ in range(max(3, rounds))]
    return {"world": policy.label, "seconds": summary([one[0] for one in seen], "s"), "bytes": seen[-1][1],
            "series": seen[-1][2], "rss_before": before["rss"], "rss_peak": instance.memory()["rss_peak"]}


def record_bytes(instance, prefixes):
    """What short lists and the way to them take, as the arrays are allocated: lines, words, IPv4 services."""
    most = dict(re.findall(r'allowgate_map_max_entries{map="(\w+)"} (\d+)', instance.metrics()))
    return (64 * int(most["ag_lines"]) + 8 * int(most["ag_accounts"]) + 16 * int(most["ag_services4"])) / prefixes


def goals(result):
    """The control side's rows of the table of goals."""
    loading = {one["world"]: one for one in result["loading"]}
    one4, one6, many = loading.values()
    rows = [
        (f"load {one4['world']}, against a bare LPM load", 1.0, one4["ready_to_bare"]["median"]),
        (f"load {many['world']}, against a bare LPM load", 1.0, many["ready_to_bare"]["median"]),
        ("load either, seconds", 4, max(one4["ready"]["median"], many["ready"]["median"])),
        ("kernel bytes a prefix, short lists", 24, result["record_bytes"]),
        ("kernel bytes a prefix, long IPv4", 45, one4["bytes_per_prefix"]["median"]),
        ("kernel bytes a prefix, long IPv6", 140, one6["bytes_per_prefix"]["median"]),
        ("resident MB of the daemon", 200, max(one["daemon"]["rss"]["median"] for one in result["loading"]) / 1e6),
        ("single change, p99 against a commit's", 2, result["change"]["p99_ratio"]),
        ("replace of all, 1 % changed, seconds", 3, result["replace"]["seconds"]["median"]),
        ("longest wait during an import, seconds", 0.1, result["wait"]["change"]["max"]),
        ("scrape, seconds", 0.5, result["scrape"]["seconds"]["median"]),
    ]
    return [{"figure": f"control: {figure}", "goal": goal, "measured": measured, "met": measured <= goal}
            for figure, goal, measured in rows]


# --- all of it ------------------------------------------------------------------


def measure(size):
    rounds = size["rounds"]
    with Instance(BUILD, size["accounts"] + 1) as instance:
        worlds = instance.directory
        one4 = Policy(worlds, 1, size["one"], 4)
        one6 = Policy(worlds, 1, size["one"], 6)
        many = Policy(worlds, size["accounts"], 10, 4)
        result = {"loading": [], "size": size}
        for policy in (one4, one6, many):
            result["loading"].append(measure_loading(instance, policy, rounds))
            if policy is one4:
                instance.become_admin([policy.first_account()[0]])
                result["replace"] = measure_replace(instance, policy, rounds)
                result["change_long"] = measure_changes(instance, policy, size["changes"] // 10)
        instance.become_admin([many.first_account()[0]])
        result["record_bytes"] = record_bytes(instance, many.prefixes)
        result["scrape"] = measure_scrape(instance, many, rounds)
        result["change"] = measure_changes(instance, many, size["changes"])
        result["wait"] = measure_wait(instance, many, one4, rounds)
        return {**result, "goals": goals(result)}


def table(result):
    def seconds(value):
        return f"{value:.3f} s" if value >= 0.1 else f"{value * 1000:.2f} ms"

    for one in result["loading"]:
        yield f"load {one['world']}", seconds(one["ready"]["median"]), f"{one['ready_to_bare']['median']:.2f} of a bare LPM load"
        yield "  kernel, a prefix", f"{one['bytes_per_prefix']['median']:.0f} bytes", (
            f"{one['bytes_per_prefix_with_maps']['median']:.0f} with the fixed maps")
        yield "  daemon resident", f"{one['daemon']['rss']['median'] / 1e6:.0f} MB", (
            f"{one['daemon']['rss_anon']['median'] / 1e6:.0f} MB its own, at most {one['daemon']['rss_peak']['median'] / 1e6:.0f}")
    yield "replace, 1 % changed", seconds(result["replace"]["seconds"]["median"]), result["replace"]["world"]
    for name in ("change", "change_long"):
        one = result[name]
        yield f"single change, {one['world']}", seconds(one["change"]["p99"]), (
            f"p99; {one['p99_ratio']:.2f} of a commit's (p50 {seconds(one['change']['p50'])}, {one['p50_ratio']:.2f})")
    wait = result["wait"]
    yield f"change during an import of {wait['import_entries']}", seconds(wait["change"]["max"]), (
        f"longest; p99 {seconds(wait['change']['p99'])}, import {seconds(wait['import']['median'])}")
    scrape = result["scrape"]
    yield f"scrape, {scrape['world']}", seconds(scrape["seconds"]["median"]), (
        f"{scrape['series']} series, resident {scrape['rss_before'] / 1e6:.0f} -> at most {scrape['rss_peak'] / 1e6:.0f} MB")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--quick", action="store_true", help="smaller worlds, at most 60 s")
    options.add_argument("--json", metavar="FILE")
    options.add_argument("--table", action="store_true")
    chosen = options.parse_args()
    result = measure(QUICK if chosen.quick else FULL)
    with open(chosen.json, "w", encoding="ascii") if chosen.json else sys.stdout as out:
        json.dump(result, out, indent=1)
        out.write("\n")
    if chosen.table:
        for what, value, remark in table(result):
            print(f"{what:44} {value:>12}  {remark}", file=sys.stderr)


if __name__ == "__main__":
    main()
