#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""check_peers.py - each peer of the bench judged by real packets over veth, in small worlds of its own

    check_peers.py [KIND...]            all kinds unless some are named; as root

Every world is loaded into every kind that can hold it, packets from listed, unlisted and neighbouring sources are
sent from a second namespace, and what a raw socket behind the firewall receives is compared with what the policy
says. Then the rules are removed, and everything must pass again. Exit status 1 for any difference.
"""

import ctypes
import ipaddress
import os
import random
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.path.join(HERE, "peers.py")
KINDS = [f"nft-{hook}-{form}" for hook in ("netdev", "inet") for form in ("set", "vmap", "concat")]
KINDS += ["ipset", "ipset-tenant", "xdp-filter", "bpfilter"]
NAME = f"ag-bench-check-{os.getpid()}"
SERVER, CLIENT = f"{NAME}-s", f"{NAME}-c"
PROTOCOLS = {"tcp": socket.IPPROTO_TCP, "udp": socket.IPPROTO_UDP}
CLONE_NEWNET = 0x40000000


# --- worlds ---------------------------------------------------------------------


class World:
    """Accounts that each have a list of made-up prefixes of these lengths, and these services (port, proto)."""

    def __init__(self, label, family, accounts, lengths, services, entries=10, empty=False, spread=0):
        self.label, self.family = label, family
        chance = random.Random(label)
        bits = 32 if family == 4 else 128
        base = int(ipaddress.ip_address("20.0.0.0" if family == 4 else "2001:db8:8000::"))
        self.services, self.lists = [], {}
        for number in range(accounts):
            name = f"a{number}"
            networks = []
            for _ in range(entries):
                length = chance.choice(lengths)
                address = base + chance.getrandbits(spread or (24 if family == 4 else 79))
                networks.append(ipaddress.ip_network((address >> (bits - length) << (bits - length), length)))
            self.lists[name] = networks
            for port, proto in services:
                self.services.append((name, self.destination(number), port, proto))
        if empty:  # an account without a list is open to all
            self.services.append(("open", self.destination(accounts), 443, "tcp"))
        self.chance = chance

    def destination(self, number):
        base = "10.0.1.0" if self.family == 4 else "2001:db8:1::"
        return ipaddress.ip_address(int(ipaddress.ip_address(base)) + number)

    def write(self, path):
        with open(path, "w", encoding="ascii") as file:
            for account, address, port, proto in self.services:
                file.write(f"S\t{account}\t{address}\t{port}\t{proto}\n")
            for account, networks in self.lists.items():
                file.writelines(f"P\t{account}\t{network}\n" for network in sorted(set(networks)))

    def allowed(self, account, source):
        return account not in self.lists or any(source in network for network in self.lists[account])

    def packets(self, only_services):
        """(source, destination, port, proto, passes): listed, both neighbours of each prefix, and others' entries."""
        everyone = [network for networks in self.lists.values() for network in networks]
        for account, address, port, proto in self.services:
            mine = self.lists.get(account, [])
            for network in mine[:20] + self.chance.sample(everyone, min(4, len(everyone))):
                for source in (network[0], network[-1], network[0] - 1, network[-1] + 1):
                    yield source, address, port, proto, self.allowed(account, source)
                    if not only_services:
                        yield source, address, port + 1, proto, True
        if not only_services:
            yield everyone[0][0] - 1, self.destination(200), 443, "tcp", True


MIXED4, MIXED6 = [32, 32, 29, 24, 20, 16], [128, 64, 56, 48]
WEB, TWO = [(443, "tcp")], [(443, "tcp"), (53, "udp")]
WORLDS = [
    World("one account, hosts", 4, 1, [32], WEB),
    World("one account, hosts, v6", 6, 1, [128], WEB),
    World("one account, prefixes", 4, 1, MIXED4, WEB, entries=200),
    World("one account, prefixes, v6", 6, 1, MIXED6, WEB, entries=200),
    World("one account, close together", 4, 1, [32, 32, 31, 30], WEB, entries=300, spread=11),
    World("one account, two services", 4, 1, MIXED4, TWO),
    World("20 accounts, hosts", 4, 20, [32], WEB, empty=True),
    World("20 accounts, prefixes", 4, 20, MIXED4, WEB, empty=True),
    World("20 accounts, prefixes, v6", 6, 20, MIXED6, WEB, empty=True),
    World("20 accounts, two services", 4, 20, MIXED4, TWO),
    World("20 accounts, two services, v6", 6, 20, MIXED6, TWO),
]


# --- packets --------------------------------------------------------------------


def sum16(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def transport(port, proto, index):
    mark = struct.pack("!I", index)
    if proto == "udp":
        return struct.pack("!HHHH", 40000, port, 12, 0) + mark
    return struct.pack("!HHIIBBHHH", 40000, port, 0, 0, 0x50, 0x02, 1024, 0, 0) + mark


def frame(ethernet, source, destination, port, proto, index):
    body = transport(port, proto, index)
    if source.version == 6:
        header = struct.pack("!IHBB", 6 << 28, len(body), PROTOCOLS[proto], 64) + source.packed + destination.packed
        return ethernet + b"\x86\xdd" + header + body
    head = struct.pack("!BBHHHBB", 0x45, 0, 20 + len(body), 0, 0, 64, PROTOCOLS[proto])
    checksum = sum16(head + b"\0\0" + source.packed + destination.packed)
    return ethernet + b"\x08\x00" + head + struct.pack("!H", checksum) + source.packed + destination.packed + body


def mark_of(packet, family, protocol):
    at = (packet[0] & 15) * 4 if family == 4 else 0
    at += 8 if protocol == socket.IPPROTO_UDP else 20
    return struct.unpack_from("!I", packet, at)[0] if len(packet) >= at + 4 else None


# --- the two hosts --------------------------------------------------------------


def sh(*command, where=None):
    inside = ["nsenter", f"--net=/run/netns/{where}", "--"] if where else []
    return subprocess.run([*inside, *command], check=True, capture_output=True, text=True)


def socket_in(namespace, *kind):
    """A socket of that namespace: it keeps to it wherever the process goes."""
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        set_namespace(there)
        return socket.socket(*kind)
    finally:
        set_namespace(here)
        os.close(here)
        os.close(there)


def set_namespace(fd):
    """os.setns() came with Python 3.12."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def set_up():
    for name in (SERVER, CLIENT):
        sh("ip", "netns", "add", name)
    for key in ("net.ipv6.conf.default.accept_dad=0", "net.ipv4.conf.all.rp_filter=0",
                "net.ipv4.conf.default.rp_filter=0"):
        sh("sysctl", "-qw", key, where=SERVER)
    sh("ip", "-n", SERVER, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", CLIENT)
    for name in (SERVER, CLIENT):
        sh("ip", "-n", name, "link", "set", "lo", "up")
        sh("ip", "-n", name, "link", "set", "eth0", "up")
    sh("ip", "-n", SERVER, "route", "add", "local", "10.0.0.0/8", "dev", "lo")
    sh("ip", "-n", SERVER, "route", "add", "local", "2001:db8:1::/64", "dev", "lo")
    # The stack wants a route back to a source before it takes a packet; where to does not matter.
    sh("ip", "-n", SERVER, "route", "add", "20.0.0.0/7", "dev", "eth0")
    sh("ip", "-n", SERVER, "-6", "route", "add", "default", "dev", "eth0")


def tear_down():
    for name in (SERVER, CLIENT):
        subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def ethernet_header():
    target = sh("ip", "-n", SERVER, "-br", "link", "show", "eth0").stdout.split()[2]
    return bytes.fromhex(target.replace(":", "")) + b"\x02\0\0\0\0\x01"


class Wire:
    """Sends a world's packets, tells which of them arrived behind the firewall."""

    def __init__(self):
        self.ethernet = ethernet_header()
        self.out = socket_in(CLIENT, socket.AF_PACKET, socket.SOCK_RAW)
        self.out.bind(("eth0", 0))
        self.taps = {}
        for family, domain in ((4, socket.AF_INET), (6, socket.AF_INET6)):
            for protocol in PROTOCOLS.values():
                tap = socket_in(SERVER, domain, socket.SOCK_RAW, protocol)
                tap.setblocking(False)
                self.taps[tap] = (family, protocol)

    def drain(self, seconds):
        marks = set()
        while True:
            ready, _, _ = select.select(list(self.taps), [], [], seconds)
            if not ready:
                return marks
            for tap in ready:
                marks.add(mark_of(tap.recv(2048), *self.taps[tap]))

    def passed(self, packets):
        marks = self.drain(0)
        marks.clear()
        for index, (source, destination, port, proto, _) in enumerate(packets):
            self.out.send(frame(self.ethernet, source, destination, port, proto, index + 1))
            if index % 50 == 49:
                marks |= self.drain(0)
        marks |= self.drain(0.05)
        return [index + 1 in marks for index in range(len(packets))]


# --- the check ------------------------------------------------------------------


def peer(kind, *arguments):
    return subprocess.run(["nsenter", f"--net=/run/netns/{SERVER}", "--", sys.executable, PEERS, kind, *arguments],
                          capture_output=True, text=True, check=False)


def differences(wire, packets, want):
    return [packet[:4] for packet, got, wanted in zip(packets, wire.passed(packets), want) if got != wanted]


def check(wire, kind, world, path):
    """What to print, and whether it is well."""
    packets = list(world.packets(only_services=kind == "xdp-filter"))
    started = time.monotonic()
    done = peer(kind, path, "eth0")
    took = time.monotonic() - started
    if done.returncode == 77:
        return f"SKIP: {done.stderr.strip()}", True
    if done.returncode != 0:
        return f"FAILED to load: {done.stderr.strip()}", False
    wrong = differences(wire, packets, [packet[4] for packet in packets])
    done = peer(kind, "--remove", "eth0")
    if done.returncode != 0:
        return f"FAILED to remove: {done.stderr.strip()}", False
    left = differences(wire, packets, [True] * len(packets))
    if wrong or left:
        return f"WRONG: {len(wrong)} of {len(packets)}, first {wrong[:1]}; left behind {len(left)}", False
    stopped = sum(not packet[4] for packet in packets)
    return f"ok: {len(packets)} packets, {stopped} stopped, loaded in {took * 1000:.0f} ms", True


def main(kinds):
    well = True
    try:
        set_up()
        wire = Wire()
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "policy.tsv")
            for kind in kinds or KINDS:
                for world in WORLDS:
                    world.write(path)
                    text, good = check(wire, kind, world, path)
                    well = well and good
                    print(f"{kind:18} {world.label:30} {text}", flush=True)
    finally:
        tear_down()
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
