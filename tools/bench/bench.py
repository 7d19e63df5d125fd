#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""bench.py - allowgate and its peers, side by side: the same packets, the same lists, one core, interleaved

    BUILD=build tools/bench/bench.py [--quick] [--worlds NAME,...] [--families 4,6] [--no-control]

Results: a table, and build/bench/result.json with charts beside it. BENCH_DATA names a directory of real lists.
docs/performance.md says how to read them.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys

import lab
import report
from writer import Writer

BUILD = os.environ.get("BUILD", "build")
DATA = os.environ.get("BENCH_DATA", "")
RUN_NS = 60_000_000  # about what one run of one candidate takes
CHECKED = 20_000  # packets of each mix whose verdict is checked
KEYS = {True: 1 << 17, False: 1 << 20}  # by quick

# name: accounts, entries of each, accounts that get packets, single hosts alone
WORLDS = {
    "1x10": (1, 10, 1, False),
    "1x10 hosts": (1, 10, 1, True),
    "1x10000": (1, 10_000, 1, False),
    "1x10000 hosts": (1, 10_000, 1, True),
    "1x1000000": (1, 1_000_000, 1, False),
    "1000x10": (1_000, 10, 1_000, False),
    "10000x10": (10_000, 10, 10_000, False),
    "100000x10": (100_000, 10, 100_000, False),
    "100000x10 of 1000 active": (100_000, 10, 1_000, False),
}
REAL = {"country": {4: "de.ipv4.txt", 6: "de.ipv6.txt"}, "attackers": {4: "hosts.ipv4.txt"}}
QUICK_WORLDS = ["1x10", "1x10000 hosts", "1000x10", "100000x10"]
BESIDE_WRITER = ["1000x10", "1x1000000"]
MIXES = ["unlisted:uniform", "unlisted:zipf", "allowed:uniform", "half:uniform"]
QUICK_MIXES = ["unlisted:uniform", "allowed:uniform"]


def peers_of(world, quick):
    """The forms that suit this world: sets for one account; by tenant or by pair for many."""
    accounts, _, _, hosts = world
    if quick and accounts > 10_000:
        return ["nft-netdev-concat", "ipset"]  # the others take longer to load than all the rest together
    if accounts == 1:
        return ["nft-netdev-set", "nft-inet-set", "ipset", "bpfilter"] + (["xdp-filter"] if hosts else [])
    return ["nft-netdev-vmap", "nft-netdev-concat", "nft-inet-vmap", "nft-inet-concat", "ipset", "ipset-tenant",
            "bpfilter"]


def make_world(place, build, world, family, mixes, packets, source):
    accounts, entries, active, hosts = world
    words = [os.path.join(build, "bench", "bench-world"), "--family", str(family), "--accounts", str(accounts),
             "--entries", str(entries), "--active", str(active), "--seed", "1", "--packets", str(packets)]
    words += ["--hosts"] if hosts else []
    words += ["--list", source] if source else []
    policy, store = os.path.join(place, "policy"), os.path.join(place, "policy.db")
    files = {mix: os.path.join(place, mix.replace(":", "-")) for mix in mixes}
    for mix, path in files.items():
        words += ["--mix", f"{path}:{mix}"]
    lab.command(*words, "--policy", policy)
    for suffix in ("", "-wal", "-shm", ".lock"):
        if os.path.exists(store + suffix):
            os.unlink(store + suffix)
    lab.command(os.path.join(build, "bench", "bench-fill"), policy, store)
    return policy, store, files


def ready_candidates(place, names, policy, store, limits, notes):
    for name in names:
        try:
            place.add(name, policy, store, limits)
        except (lab.Unavailable, RuntimeError) as problem:
            notes.append(f"{name}: not measured: {problem}")


def check(place, candidate, notes, label):
    """Whether every packet gets the verdict that the world wants; references have none of their own."""
    if candidate.name in lab.REFERENCES:
        return True
    candidate.route(to_tap=True)
    passed, stopped, first = place.generator.ask("check", candidate.interface, f"/run/netns/{candidate.netns}", "tap",
                                                 CHECKED)
    candidate.route(to_tap=False)
    if passed or stopped:
        notes.append(f"{candidate.name}: {label}: WRONG: {passed} passed and {stopped} stopped wrongly of {CHECKED} "
                     f"(first: packet {first}); not timed")
    return not passed and not stopped


def timed(place, candidate, count):
    """CPU nanoseconds a packet. A packet that was lost on the way would look like a cheap one."""
    took, sent, received = place.generator.ask("run", candidate.interface, count)
    if received < sent * 0.999:
        raise RuntimeError(f"{candidate.name}: {received} of {sent} packets arrived")
    return took / sent


def spread(values):
    quartiles = statistics.quantiles(values, n=4) if len(values) > 1 else [values[0]] * 3
    return {"median": statistics.median(values), "low": quartiles[0], "high": quartiles[2]}


def measure_mix(place, rounds, notes, label):
    candidates = [one for one in place.candidates if check(place, one, notes, label)]
    counts = {}
    for one in candidates:
        probe = timed(place, one, 4096)
        counts[one.name] = max(4096, min(1 << 19, int(RUN_NS / probe)))
    runs = {one.name: [] for one in candidates}
    for number in range(rounds):
        turn = number % len(candidates)  # no candidate always follows the same one
        for one in candidates[turn:] + candidates[:turn]:
            runs[one.name].append(timed(place, one, counts[one.name]))
    result = {}
    for name, values in runs.items():
        result[name] = {"ns": spread(values)}
        for against in (lab.DROP, lab.PASS):
            if against in runs:
                result[name]["against " + against] = spread([a / b for a, b in zip(values, runs[against])])
    return result


def measure_testrun(place, path, rounds):
    """Net nanoseconds of the program alone."""
    for one in place.candidates:
        if one.program_id:
            place.testrun.ask("keys", path)
            runs = [place.testrun.ask("run", one.program_id, 1 << 18) for _ in range(rounds)]
            return spread([(under_test - empty) / count for under_test, empty, count in runs])
    return None


def measure_beside_writer(place, policy, rounds):
    """What packets cost allowgate while a list is changed as fast as can be, over what they cost without that."""
    one = next((candidate for candidate in place.candidates if candidate.name == lab.ALLOWGATE), None)
    if not one:
        return None
    writer = Writer(one, policy, place.core)
    count = max(4096, min(1 << 19, int(RUN_NS / timed(place, one, 4096))))
    ratios, rates = [], []
    for _ in range(rounds):
        alone = timed(place, one, count)
        with writer:
            ratios.append(timed(place, one, count) / alone)
        rates.append(writer.rate)
    return {"ratio": spread(ratios), "changes_per_second": spread(rates)}


def measure_world(place, name, world, family, options, source=None):
    mixes = QUICK_MIXES if options.quick else MIXES
    notes = []
    policy, store, files = make_world(place.directory, BUILD, world, family, mixes, KEYS[options.quick], source)
    accounts = str(max(world[0], 16))
    limits = ["--max-accounts", accounts, "--max-services", accounts, "--max-entries", "1000000"]
    names = lab.REFERENCES + [lab.ALLOWGATE, lab.TC] + peers_of(world, options.quick)
    ready_candidates(place, names, policy, store, limits, notes)
    for one in place.candidates:
        one.route(to_tap=False)
    result = {"world": name, "family": family, "mixes": {}, "testrun": {}, "notes": notes,
              "load_seconds": {one.name: one.load_seconds for one in place.candidates}}
    for mix, path in files.items():
        place.generator.ask("keys", path)
        result["mixes"][mix] = measure_mix(place, options.rounds, notes, f"{name}, IPv{family}, {mix}")
        result["testrun"][mix] = measure_testrun(place, path, options.rounds)
        if mix == mixes[0] and name in BESIDE_WRITER and family == 4:
            result["beside_writer"] = measure_beside_writer(place, policy, options.rounds)
        os.unlink(path)
    place.clear()
    return result


def control(options):
    path = os.path.join(BUILD, "bench", "control.json")
    words = [sys.executable, os.path.join(lab.HERE, "control.py"), "--json", path]
    done = subprocess.run(words + (["--quick"] if options.quick else []), check=False,
                          env={**os.environ, "BUILD": BUILD})
    if done.returncode:
        return None
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def plan(options):
    names = options.worlds.split(",") if options.worlds else QUICK_WORLDS if options.quick else list(WORLDS)
    for family in map(int, options.families.split(",")):
        for name in names:
            yield name.strip(), WORLDS[name.strip()], family, None
        for name, files in REAL.items() if DATA and not options.quick else []:
            path = os.path.join(DATA, files.get(family, ""))
            if os.path.isfile(path):
                yield f"real: {name}", (1, 10, 1, name == "attackers"), family, path


def arguments():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--quick", action="store_true", help="a few worlds, three rounds: at most three minutes")
    options.add_argument("--worlds", help="of: " + ", ".join(WORLDS))
    options.add_argument("--families", default=None, help="4, 6 or 4,6")
    options.add_argument("--rounds", type=int, help="of every mix (default 9, quick 3)")
    options.add_argument("--core", type=int, default=(os.cpu_count() or 1) - 1, help="that everything runs on")
    options.add_argument("--no-control", action="store_true", help="the packet side alone")
    options = options.parse_args()
    options.rounds = options.rounds or (3 if options.quick else 9)
    options.families = options.families or ("4" if options.quick else "4,6")
    if any(one.strip() not in WORLDS for one in (options.worlds or "1x10").split(",")):
        sys.exit("bench.py: --worlds: one of " + ", ".join(WORLDS))
    return options


def main():
    options = arguments()
    if os.geteuid():
        sys.exit("bench.py: must be root")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # what a peer may take to load a world; what takes longer is named in the result
    os.environ.setdefault("PEERS_TIMEOUT", "20" if options.quick else "90")
    results = []
    with lab.Lab(BUILD, options.core) as place:
        for name, world, family, source in plan(options):
            results.append(measure_world(place, name, world, family, options, source))
            report.print_world(results[-1])
    document = {"machine": report.machine(options.core), "rounds": options.rounds, "quick": options.quick,
                "worlds": results, "control": None if options.no_control else control(options)}
    document["goals"] = report.goals(document)
    report.write(document, os.path.join(BUILD, "bench"))
    wrong = [note for one in results for note in one["notes"] if "WRONG" in note and note.startswith(lab.ALLOWGATE)]
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
