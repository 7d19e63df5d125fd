# SPDX-License-Identifier: GPL-2.0-only
"""lab.py - network namespaces, candidates and the programs that measure them

Every candidate has a network namespace of its own with one end (eth0) of a veth pair; the other ends are all in one
namespace, with the generator. All candidates of a world stand ready at once, so that rounds can interleave them.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SENDER, RECEIVER = "02:00:00:00:00:01", "02:00:00:00:00:02"
SYSCTLS = ["net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.eth0.rp_filter=0",
           "net.ipv6.conf.all.forwarding=1", "net.ipv6.conf.eth0.accept_dad=0", "net.ipv6.conf.tap.accept_dad=0"]
NO_PROGRAM, PASS, DROP, ALLOWGATE, TC = "no program", "XDP_PASS", "XDP_DROP", "allowgate", "tc-bpf"
REFERENCES = [NO_PROGRAM, PASS, DROP]


class Unavailable(Exception):
    """A candidate cannot be had here, or not in this world: the reason."""


def command(*words):
    done = subprocess.run(words, text=True, capture_output=True, check=False)
    if done.returncode == 77:
        raise Unavailable((done.stderr or done.stdout).strip())
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"status {done.returncode}"]
        raise RuntimeError(f"{os.path.basename(words[0])}: {said[-1]}")
    return done.stdout


class Tool:
    """A program that answers each line of its input by a line "ok NUMBER..."."""

    def __init__(self, *words):
        self.words = words
        self.process = subprocess.Popen(words, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, *words):
        try:
            self.process.stdin.write(" ".join(map(str, words)) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline().split()
        except BrokenPipeError:
            answer = []
        if not answer or answer[0] != "ok":
            raise RuntimeError(f"{self.words[-3:]}: no answer to {words}")
        return [int(word) for word in answer[1:]]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Candidate:
    """One way to filter, ready in its namespace."""

    def __init__(self, lab, number, name):
        self.lab, self.name = lab, name
        self.netns = f"{lab.name}-{number}"
        self.interface = f"gen{number}"
        self.daemon = None
        self.load_seconds = None
        self.program_id = None

    def inside(self, *words):
        return command("nsenter", f"--net=/run/netns/{self.netns}", "--", *words)

    def wire(self):
        command("ip", "netns", "add", self.netns)
        self.lab.namespaces.append(self.netns)
        command("ip", "link", "add", self.interface, "netns", self.lab.generator_netns, "address", SENDER,
                "type", "veth", "peer", "name", "eth0", "netns", self.netns, "address", RECEIVER)
        command("ip", "-n", self.lab.generator_netns, "link", "set", self.interface, "up")
        for words in (("link", "set", "lo", "up"), ("link", "set", "eth0", "up"),
                      ("link", "add", "tap", "type", "veth", "peer", "name", "tapend"),
                      ("link", "set", "tap", "arp", "off", "up"), ("link", "set", "tapend", "up")):
            command("ip", "-n", self.netns, *words)
        self.inside("sysctl", "-qw", *SYSCTLS)
        # NAPI at the receiving end, which a veth without a program has by GRO alone; the same for all.
        self.inside("ethtool", "-K", "eth0", "gro", "on")

    def route(self, to_tap):
        """What gets through appears at "tap" while verdicts are checked, and is discarded by the route otherwise."""
        for family in ("-4", "-6"):
            subprocess.run(["ip", "-n", self.netns, family, "route", "flush", "default"], check=False,
                           capture_output=True)
            route = ["default", "dev", "tap"] if to_tap else ["blackhole", "default"]
            command("ip", "-n", self.netns, family, "route", "replace", *route)

    def load(self, policy, store, limits):
        started = time.monotonic()
        plain = os.path.join(self.lab.bench, "bench_plain.bpf.o")
        if self.name in (PASS, DROP):
            self.inside(os.path.join(self.lab.bench, "bench-attach"), self.name[4:].lower(), "eth0", plain)
        elif self.name == ALLOWGATE:
            self.start_daemon(store, limits)
        elif self.name == TC:
            self.inside(os.path.join(self.lab.bench, "bench-attach"), "tc", "eth0",
                        os.path.join(self.lab.bench, "bench_tc.bpf.o"), self.lab.maps())
        elif self.name != NO_PROGRAM:
            self.inside(sys.executable, os.path.join(HERE, "peers.py"), self.name, policy, "eth0")
        self.load_seconds = time.monotonic() - started

    def start_daemon(self, store, limits):
        lab = self.lab
        log = os.path.join(lab.directory, "daemon.log")
        socket = os.path.join(lab.directory, "control.sock")
        words = [os.path.join(lab.build, "allowgated"), "--config", "/dev/null", "--store", store, "--socket", socket,
                 "--pin-dir", lab.pins, "--socket-group", "root", "--metrics", "off", "--verify-interval", "86400",
                 "--interface", "eth0:native", *limits]
        with open(log, "ab") as file:
            self.daemon = subprocess.Popen(["nsenter", f"--net=/run/netns/{self.netns}", "--", *words],
                                           stdout=file, stderr=file)
        ready = [os.path.join(lab.build, "allowgate"), "--socket", socket, "status"]
        end = time.monotonic() + 300
        while subprocess.run(ready, capture_output=True, check=False).returncode:
            if self.daemon.poll() is not None or time.monotonic() > end:
                with open(log, encoding="utf-8", errors="replace") as file:
                    raise RuntimeError(f"allowgated does not start: {file.read()[-500:]}")
            time.sleep(0.05)
        self.program_id = self.attached_program()

    def attached_program(self):
        words = self.inside("ip", "-d", "link", "show", "dev", "eth0").split()
        if "prog/xdp" not in words:
            raise RuntimeError("allowgated has attached nothing to eth0")
        return int(words[words.index("prog/xdp") + 2])

    def stop(self):
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait()
            self.daemon = None


class Lab:
    """Everything that has to be taken away again: a context manager."""

    def __init__(self, build, core):
        self.build, self.core = os.path.abspath(build), core
        self.bench = os.path.join(self.build, "bench")
        self.name = f"ag-bench-{os.getpid()}"
        self.generator_netns = f"{self.name}-gen"
        self.namespaces, self.candidates = [], []
        self.generator = self.testrun = None

    def __enter__(self):
        base = "/dev/shm" if os.path.isdir("/dev/shm") else None
        self.directory = tempfile.mkdtemp(prefix=f"{self.name}-", dir=base)
        self.bpffs = os.path.join(self.directory, "bpf")
        self.pins = os.path.join(self.bpffs, "allowgate")
        os.mkdir(self.bpffs)
        command("mount", "-t", "bpf", "bpf", self.bpffs)
        command("ip", "netns", "add", self.generator_netns)
        walk = os.path.join(self.bench, "bench_walk.bpf.o")
        self.generator = Tool("nsenter", f"--net=/run/netns/{self.generator_netns}", "--",
                              os.path.join(self.bench, "bench-generate"), str(self.core), walk)
        self.testrun = Tool(os.path.join(self.bench, "bench-testrun"), str(self.core), walk)
        return self

    def __exit__(self, *_):
        self.clear()
        for tool in (self.generator, self.testrun):
            if tool:
                tool.close()
        subprocess.run(["ip", "netns", "delete", self.generator_netns], check=False)
        subprocess.run(["umount", self.bpffs], check=False)
        shutil.rmtree(self.directory, ignore_errors=True)

    def maps(self):
        """The directory in which the daemon has pinned its maps."""
        for name in sorted(os.listdir(self.pins)) if os.path.isdir(self.pins) else []:
            if name.startswith("maps-"):
                return os.path.join(self.pins, name)
        raise Unavailable("allowgate has no maps here")

    def add(self, name, policy, store, limits):
        candidate = Candidate(self, len(self.namespaces), name)
        self.candidates.append(candidate)
        try:
            candidate.wire()
            candidate.load(policy, store, limits)
            self.generator.ask("open", candidate.interface)
        except (Unavailable, RuntimeError):
            candidate.stop()
            self.candidates.remove(candidate)
            raise
        return candidate

    def clear(self):
        """The candidates of one world, and what they have pinned."""
        for candidate in self.candidates:
            candidate.stop()
        if any(one.name == ALLOWGATE for one in self.candidates):
            subprocess.run([os.path.join(self.build, "allowgated"), "--uninstall", "--pin-dir", self.pins], check=False,
                           capture_output=True)
        for netns in self.namespaces:
            subprocess.run(["ip", "netns", "delete", netns], check=False)
        self.namespaces, self.candidates = [], []
