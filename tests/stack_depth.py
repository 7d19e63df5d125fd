# SPDX-License-Identifier: GPL-2.0-only
"""stack_depth.py OBJECT: whether every chain of calls fits the stack as kernels before 6.8 count it

A program and the functions that it calls share 512 bytes. Since Linux 6.8 each function's part is rounded up to 16 bytes
where the program is compiled for the machine, before to 32: what the running kernel takes, an older one may refuse ("combined
stack size of 5 calls is 544. Too large"). Reads llvm-objdump's disassembly.

Source: kernel/bpf/verifier.c, check_max_stack_depth().
"""

import re
import subprocess
import sys

STACK, ROUNDED, FRAMES = 512, 32, 8


def disassemble(path):
    return subprocess.run(["llvm-objdump", "-dr", path], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.splitlines()


def functions(lines):
    """Of each function: its section, where it begins, and its lines."""
    section, name, found = "", None, {}
    for line in lines:
        if match := re.match(r"Disassembly of section (.*):", line):
            section = match[1]
        elif match := re.match(r"([0-9a-f]+) <(\w+)>:", line):
            if not match[2].startswith("LBB"):
                name = match[2]
                found[name] = (section, int(match[1], 16), [])
        elif name:
            found[name][2].append(line)
    return found


def depth(lines):
    """Stores below r10, and addresses below it that are taken."""
    deepest, copies = 0, set()
    for line in lines:
        for offset in re.findall(r"r10 - (\w+)", line):
            deepest = max(deepest, int(offset, 0))
        if match := re.search(r"\b(r\d) \+= -(\w+)", line):
            if match[1] in copies:
                deepest = max(deepest, int(match[2], 0))
        elif match := re.search(r"\b(r\d) = r10\b", line):
            copies.add(match[1])
            continue
        if match := re.search(r"\b(r\d) \S?= ", line):
            copies.discard(match[1])
    return deepest


def callees(lines, found):
    """Calls of functions of the object (85 10), not of helpers: by relocation, or within .text by distance."""
    by_place = {start: name for name, (section, start, _) in found.items() if section == ".text"}
    calls, place = set(), None
    for line in lines:
        if match := re.search(r"^\s*(\w+):\s+85 10 00 00 ((?:\w\w\s){4})", line):
            distance = int.from_bytes(bytes.fromhex(match[2]), "little", signed=True)
            place = int(match[1]) * 8 + (distance + 1) * 8
            calls.add(by_place.get(place))
        elif match := re.search(r"R_BPF_64_32\s+(\S+)", line):
            calls.discard(by_place.get(place))
            calls.add(match[1] if match[1] in found else by_place[(distance + 1) * 8])
    return calls - {None}


def deepest(name, depths, graph, above=()):
    here = max(ROUNDED, -(-depths[name] // ROUNDED) * ROUNDED)
    below = max((deepest(callee, depths, graph, above + (name,)) for callee in graph[name]), default=(0, ()))
    return here + below[0], (f"{name} ({here})",) + below[1]


def main():
    found = functions(disassemble(sys.argv[1]))
    depths = {name: depth(lines) for name, (_, _, lines) in found.items()}
    graph = {name: callees(lines, found) for name, (_, _, lines) in found.items()}
    programs = [name for name, (section, _, _) in found.items() if section != ".text"]
    assert len(programs) > 1 and sum(map(len, graph.values())) > 20, "the disassembly is not what this reads"
    bad = 0
    for name in programs:
        total, chain = deepest(name, depths, graph)
        print(f"{total} of {STACK}: {' > '.join(chain)}")
        bad += total > STACK or len(chain) > FRAMES
    sys.exit(bad > 0)


main()
