# SPDX-License-Identifier: GPL-2.0-only
"""policy_file.py - a policy of the bench, read for firewalls that know lists of addresses and nothing more

Lines are `S account address port proto` and `P account prefix`, separated by tabs.
"""

import socket

FAMILIES = (4, 6)
BITS = {4: 32, 6: 128}
AF = {4: socket.AF_INET, 6: socket.AF_INET6}


class Unsuitable(Exception):
    """This peer cannot hold this policy, or is not here: exit 77."""


def parse_address(text):
    family = 6 if ":" in text else 4
    return family, int.from_bytes(socket.inet_pton(AF[family], text), "big")


def address_text(family, number):
    return socket.inet_ntop(AF[family], number.to_bytes(BITS[family] // 8, "big"))


def parse_prefix(text):
    address, slash, length = text.partition("/")
    family, number = parse_address(address)
    return family, number, int(length) if slash else BITS[family]


def without_nested(prefixes):
    """Sorted, and none inside another: an interval set takes no overlap, and the outer one decides anyway."""
    kept, end = [], -1
    for first, last in sorted(prefixes, key=lambda one: (one[0], -one[1])):
        if last > end:
            kept.append((first, last))
            end = last
    return kept


def merged(spans):
    """Spans that touch made one, as nft's auto-merge does."""
    ranges = []
    for first, last in spans:
        if ranges and first == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], last)
        else:
            ranges.append((first, last))
    return ranges


class Side:
    """One family of a policy: services of active accounts, and each account's list as spans (first, last)."""

    def __init__(self, family):
        self.family = family
        self.services = []  # (address text, port, proto, account)
        self.lists = {}  # account -> spans, nested ones dropped

    def finish(self):
        self.lists = {account: without_nested(spans) for account, spans in self.lists.items()}
        kinds = {(port, proto) for _, port, proto, _ in self.services}
        self.common = kinds.pop() if len(kinds) == 1 else None
        self.accounts = sorted({service[3] for service in self.services})
        self.hosts_only = all(first == last for name in self.accounts for first, last in self.list_of(name))

    def list_of(self, account):
        return self.lists.get(account, [])

    def prefix_text(self, span):
        """A span that came from one prefix."""
        length = BITS[self.family] - (span[1] - span[0]).bit_length()
        text = address_text(self.family, span[0])
        return text if length == BITS[self.family] else f"{text}/{length}"

    def range_text(self, span):
        first = address_text(self.family, span[0])
        return first if span[0] == span[1] else f"{first}-{address_text(self.family, span[1])}"


def read_policy(path):
    """The sides that have services of accounts with a list; an account without one is open, as in allowgate."""
    sides = {family: Side(family) for family in FAMILIES}
    services, active = [], set()
    with open(path, encoding="ascii") as file:
        for line in file:
            kind, account, *rest = line.rstrip("\n").split("\t")
            if kind == "P":
                family, number, length = parse_prefix(rest[0])
                span = (number, number + (1 << (BITS[family] - length)) - 1)
                sides[family].lists.setdefault(account, []).append(span)
                active.add(account)
            elif kind == "S":
                services.append((account, *rest))
            else:
                raise ValueError(f"{path}: a line begins with {kind!r}, S or P is known")
    for account, address, port, proto in services:
        if account not in active:
            continue
        if "/" in address or not port.isdigit() or proto not in ("tcp", "udp"):
            raise Unsuitable(f"{address}:{port}/{proto}: only services of one address, port and protocol")
        family, number = parse_address(address)
        sides[family].services.append((address_text(family, number), int(port), proto, account))
    for side in sides.values():
        side.finish()
    return [side for side in sides.values() if side.services]
