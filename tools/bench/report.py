# SPDX-License-Identifier: GPL-2.0-only
"""report.py - what was measured: as a table, against the goals, as JSON and as SVG charts"""

import json
import os
import platform
import subprocess
from html import escape

from lab import ALLOWGATE, DROP, PASS

MAIN = "unlisted:uniform"


# --- the machine ----------------------------------------------------------------


def read(path, default=""):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return default


def machine(core):
    cpu = next((line.split(":", 1)[1].strip() for line in read("/proc/cpuinfo").splitlines()
                if line.startswith("model name")), platform.machine())
    base = f"/sys/devices/system/cpu/cpu{core}"
    caches = [" ".join(read(f"{base}/cache/index{i}/{part}") for part in ("level", "type", "size")) for i in range(4)
              if os.path.isdir(f"{base}/cache/index{i}")]
    flaws = "/sys/devices/system/cpu/vulnerabilities"
    mitigations = {name: read(os.path.join(flaws, name)) for name in sorted(os.listdir(flaws))} \
        if os.path.isdir(flaws) else {}
    return {"cpu": cpu, "cores": os.cpu_count(), "core": core, "caches": caches, "kernel": platform.release(),
            "memory": read("/proc/meminfo").splitlines()[0], "clock": read(
                "/sys/devices/system/clocksource/clocksource0/current_clocksource"),
            "governor": read(f"{base}/cpufreq/scaling_governor", "none to be seen"),
            "virtual": subprocess.run(["systemd-detect-virt"], capture_output=True, text=True,
                                      check=False).stdout.strip() or "no",
            "mitigations": {name: text for name, text in mitigations.items() if text != "Not affected"}}


# --- the terminal ---------------------------------------------------------------


def print_world(result):
    print(f"\n{result['world']}, IPv{result['family']}: CPU ns a packet, the generator's part included", flush=True)
    for mix, candidates in result["mixes"].items():
        alone = result["testrun"].get(mix)
        program = f"; allowgate's program alone {alone['median']:.0f} ns" if alone else ""
        print(f"  {mix}{program}")
        for name, figures in candidates.items():
            ns = figures["ns"]
            ratios = "".join(f"  {figures[key]['median']:6.2f} x {key[8:]}" for key in
                             ("against " + DROP, "against " + PASS) if key in figures)
            print(f"    {name:20} {ns['median']:8.0f}  ({ns['low']:.0f}-{ns['high']:.0f}){ratios}")
    beside = result.get("beside_writer")
    if beside:
        print(f"  beside a writer ({beside['changes_per_second']['median']:.0f} changes a second): "
              f"{beside['ratio']['median']:.2f} ({beside['ratio']['low']:.2f}-{beside['ratio']['high']:.2f}) x allowgate alone")
    for note in result["notes"]:
        print(f"  note: {note}", flush=True)


# --- the goals ------------------------------------------------------------------


def mix_of(document, world, family=4, mix=MAIN):
    for one in document["worlds"]:
        if one["world"] == world and one["family"] == family:
            return one["mixes"].get(mix, {})
    return {}


def ratio(candidates, name, against):
    """How many times what `against` takes; None where one was not measured."""
    if name not in candidates or against not in candidates:
        return None
    if "against " + against in candidates[name]:
        return candidates[name]["against " + against]["median"]
    return candidates[name]["ns"]["median"] / candidates[against]["ns"]["median"]


def best(candidates, prefix):
    """How many times faster allowgate is than the best of those."""
    peers = [one["ns"]["median"] for name, one in candidates.items() if name.startswith(prefix)]
    if not peers or ALLOWGATE not in candidates:
        return None
    return min(peers) / candidates[ALLOWGATE]["ns"]["median"]


def goals(document):
    rows = []

    def row(figure, goal, measured, at_least=False):
        met = None if measured is None else measured >= goal if at_least else measured <= goal
        rows.append({"figure": figure, "goal": goal, "measured": measured, "met": met,
                     "at_least": at_least})

    for world, family, goal in (("1x10", 4, 1.25), ("1x10", 6, 1.35), ("1000x10", 4, 1.35), ("10000x10", 4, 1.6),
                                ("100000x10", 4, 3.5), ("100000x10 of 1000 active", 4, 1.45), ("1x1000000", 4, 2.6)):
        row(f"{world}, IPv{family}, against XDP_DROP", goal,
            ratio(mix_of(document, world, family), ALLOWGATE, DROP))
    for world in ("1x10 hosts", "1x10000 hosts"):
        row(f"{world}, against xdp-filter", 1.0, ratio(mix_of(document, world), ALLOWGATE, "xdp-filter"))
    for world, goal in (("1x10", 3), ("1x10000", 4.5), ("1x1000000", 5), ("1000x10", 4), ("10000x10", 7),
                        ("100000x10", 50)):
        row(f"{world}, times faster than the best nftables", goal, best(mix_of(document, world), "nft"), True)
    ipset = [best(one["mixes"].get(MAIN, {}), "ipset") for one in document["worlds"]]
    row("times faster than ipset, at every size", 3.2, min((one for one in ipset if one), default=None), True)
    passing = ratio(mix_of(document, "1x10", mix="allowed:uniform"), ALLOWGATE, PASS)
    row("1x10, allowed to the stack, against XDP_PASS", 1.10, passing)
    for one in document["worlds"]:
        if one.get("beside_writer"):
            row(f"{one['world']}, beside a writer at full rate, against without", 1.15,
                one["beside_writer"]["ratio"]["median"])
    return rows + ((document.get("control") or {}).get("goals") or [])


def print_goals(rows):
    print(f"\n{'figure':52} {'goal':>8} {'measured':>9}  met")
    for row in rows:
        measured = "-" if row["measured"] is None else f"{row['measured']:.2f}"
        met = {None: "not measured", True: "yes", False: "NO"}[row["met"]]
        print(f"{row['figure']:52} {'>= ' if row.get('at_least') else '<= '}{row['goal']:>5} {measured:>9}  {met}")


# --- files ----------------------------------------------------------------------


def chart(result, mix):
    """Bars with quartiles, one a candidate: a picture that needs nothing but a browser."""
    bars = sorted(result["mixes"][mix].items(), key=lambda item: item[1]["ns"]["median"])
    most = max(figures["ns"]["high"] for _, figures in bars)
    height, left, width = 22, 160, 520
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 90}" height="{len(bars) * height + 40}" '
             'font-family="sans-serif" font-size="12">',
             f'<text x="8" y="18">{escape(result["world"])}, IPv{result["family"]}, {escape(mix)}: '
             'CPU ns a packet (generator included)</text>']
    for number, (name, figures) in enumerate(bars):
        ns, top = figures["ns"], 30 + number * height
        low, middle, high = (left + width * ns[key] / most for key in ("low", "median", "high"))
        colour = "#2a7" if name == ALLOWGATE else "#89a"
        parts.append(f'<text x="{left - 6}" y="{top + 13}" text-anchor="end">{escape(name)}</text>'
                     f'<rect x="{left}" y="{top}" width="{middle - left:.1f}" height="{height - 6}" fill="{colour}"/>'
                     f'<path d="M{low:.1f} {top + 8}H{high:.1f}" stroke="#222"/>'
                     f'<text x="{high + 6:.1f}" y="{top + 13}">{ns["median"]:.0f}</text>')
    return "".join(parts) + "</svg>\n"


def write(document, directory):
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "result.json"), "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
    for result in document["worlds"]:
        for mix, candidates in result["mixes"].items():
            if candidates:
                stem = f"{result['world']}-ipv{result['family']}-{mix}"
                name = "".join(letter if letter.isalnum() else "-" for letter in stem) + ".svg"
                with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                    file.write(chart(result, mix))
    print_goals(document["goals"])
    print(f"\n{json.dumps(document['machine'], indent=1)}\n\nresults and charts: {directory}")
