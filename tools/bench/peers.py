#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""peers.py - the same policy in other firewalls, in the form that suits each best

    peers.py KIND POLICY INTERFACE      load it into the present network namespace
    peers.py KIND --remove INTERFACE    take it away again

KIND is nft-netdev-set, nft-netdev-vmap, nft-netdev-concat, nft-inet-set, nft-inet-vmap, nft-inet-concat, ipset,
ipset-tenant, xdp-filter or bpfilter. POLICY is a file of tab-separated lines: `S account address port proto` and
`P account prefix`. What belongs to no service passes; who is not in a service's list does not.

Exit status: 0 loaded; 77 this peer cannot hold this policy, or is not to be had here: the reason is on standard
error; 1 anything else. A load is given up after PEERS_TIMEOUT seconds (120), also by 77.

What makes the forms fast, so that nobody compares with a straw man:
  - counters are off, and nothing but these rules is loaded;
  - where all services have one port and protocol it is compared once, and maps are keyed by the address alone;
  - lists of single hosts are plain hashes of known size, not intervals;
  - neighbouring and nested prefixes are merged into ranges where intervals are kept (nft), and nested ones dropped;
  - per tenant: one map lookup, then goto; by concatenation: the pairs that pass first, then what is gated;
  - xdp-filter without libxdp's dispatcher in front of it.
xdp-filter knows no destinations: with it everything unlisted is dropped, whoever it is for (ARP too).
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the source tree stays as it is

from policy_file import BITS, FAMILIES, Unsuitable, merged, read_policy

TIMEOUT = float(os.environ.get("PEERS_TIMEOUT", "120"))
TABLE = "ag_bench"
IP = {4: "ip", 6: "ip6"}
ADDRESS_TYPE = {4: "ipv4_addr", 6: "ipv6_addr"}
XDP_FILTER_MOST = 10000  # max_entries of its maps, fixed when it was built
BPFILTER_MOST_LISTS = 48  # a program may use 64 maps
IPTABLES_MOST_TENANTS = 1000  # one rule a tenant, asked one after the other


# --- running things -------------------------------------------------------------


def need(program):
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not found:
        raise Unsuitable(f"{program} is not installed (tools/install-packages bench)")
    return found


def run(*command, text=None, env=None):
    try:
        done = subprocess.run(command, input=text, text=True, env=env, timeout=TIMEOUT, capture_output=True)
    except subprocess.TimeoutExpired:
        raise Unsuitable(f"{os.path.basename(command[0])}: not loaded after {TIMEOUT:g} s") from None
    if done.returncode == -9:
        raise Unsuitable(f"{os.path.basename(command[0])}: killed, out of memory?")
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"status {done.returncode}"]
        raise RuntimeError(f"{os.path.basename(command[0])}: {said[0]}")


def run_with_file(lines, *command):
    with tempfile.NamedTemporaryFile("w", suffix=".rules", encoding="ascii") as file:
        file.writelines(lines)
        file.flush()
        run(*command, file.name)


# --- nftables -------------------------------------------------------------------


def nft_elements(name, kind, elements, interval=False, word="set"):
    """A set or map with its elements; the size of a hash is given, so that it is one of fixed size."""
    yield f"\t{word} {name} {{\n\t\ttype {kind}\n"
    if interval:
        yield "\t\tflags interval\n"
    else:
        yield f"\t\tsize {max(1, len(elements))}\n"
    if elements:
        yield "\t\telements = { " + ",\n".join(elements) + " }\n"
    yield "\t}\n"


def nft_list(side, account, name):
    spans = side.list_of(account)
    hosts = all(first == last for first, last in spans)
    texts = [side.range_text(span) for span in (spans if hosts else merged(spans))]
    return nft_elements(name, ADDRESS_TYPE[side.family], texts, interval=not hosts)


class Key:
    """How a service is named in a rule: by its address where one port and protocol are common to all."""

    def __init__(self, side):
        ip, kind = IP[side.family], ADDRESS_TYPE[side.family]
        if side.common:
            port, proto = side.common
            self.guard, self.fields, self.type = f"{proto} dport {port} ", f"{ip} daddr", kind
        else:
            self.guard = ""
            self.fields = f"{ip} daddr . meta l4proto . th dport"
            self.type = f"{kind} . inet_proto . inet_service"
        self.short = bool(side.common)

    def text(self, service):
        address, port, proto, _ = service
        return address if self.short else f"{address} . {proto} . {port}"


def nft_form_set(side, base):
    if len(side.accounts) > 1:
        raise Unsuitable("one set is for one account")
    key, f = Key(side), side.family
    yield from nft_list(side, side.accounts[0], f"list{f}")
    yield from nft_elements(f"gated{f}", key.type, [key.text(one) for one in side.services])
    single = key.short and len(side.services) == 1
    where = f"{IP[f]} daddr {side.services[0][0]}" if single else f"{key.fields} @gated{f}"
    base.append(f"{key.guard}{where} {IP[f]} saddr != @list{f} drop")


def nft_form_vmap(side, base):
    key, f = Key(side), side.family
    number = {account: i for i, account in enumerate(side.accounts)}
    for account, i in number.items():
        yield from nft_list(side, account, f"list{f}_{i}")
        yield f"\tchain t{f}_{i} {{\n\t\t{IP[f]} saddr != @list{f}_{i} drop\n\t}}\n"
    targets = [f"{key.text(one)} : goto t{f}_{number[one[3]]}" for one in side.services]
    yield from nft_elements(f"tenants{f}", f"{key.type} : verdict", targets, word="map")
    base.append(f"{key.guard}{key.fields} vmap @tenants{f}")


def nft_form_concat(side, base):
    key, f = Key(side), side.family
    pairs = [
        f"{key.text(one)} . {side.prefix_text(span)}" for one in side.services for span in side.list_of(one[3])
    ]
    kind = f"{key.type} . {ADDRESS_TYPE[f]}"
    yield from nft_elements(f"pairs{f}", kind, pairs, interval=not side.hosts_only)
    yield from nft_elements(f"gated{f}", key.type, [key.text(one) for one in side.services])
    base.append(f"{key.guard}{key.fields} . {IP[f]} saddr @pairs{f} accept")
    base.append(f"{key.guard}{key.fields} @gated{f} drop")


NFT_HOOKS = {
    "netdev": 'type filter hook ingress device "{interface}" priority -500; policy accept;',
    "inet": "type filter hook prerouting priority raw; policy accept;",
}
NFT_FORMS = {"set": nft_form_set, "vmap": nft_form_vmap, "concat": nft_form_concat}


def nft_rules(hook, form, sides, interface):
    base = []
    yield f"table {hook} {TABLE} {{\n"
    for side in sides:
        yield from NFT_FORMS[form](side, base)
    yield "\tchain base {\n\t\t" + NFT_HOOKS[hook].format(interface=interface) + "\n"
    yield from (f"\t\t{rule}\n" for rule in base)
    yield "\t}\n}\n"


class Nft:
    def __init__(self, hook, form):
        self.hook, self.form = hook, form

    def load(self, sides, interface):
        run_with_file(nft_rules(self.hook, self.form, sides, interface), need("nft"), "-f")

    def remove(self, _interface):
        run(need("nft"), "delete", "table", self.hook, TABLE)


# --- ipset ----------------------------------------------------------------------


def ipset_create(name, kind, family, count):
    size = 1 << max(10, (count - 1).bit_length() if count else 0)
    inet = "inet" if family == 4 else "inet6"
    return f"create {name} {kind} family {inet} hashsize {size} maxelem {max(count, 1)}\n"


def ipset_list(side, account, name):
    spans = side.list_of(account)
    kind = "hash:ip" if all(first == last for first, last in spans) else "hash:net"
    yield ipset_create(name, kind, side.family, len(spans))
    yield from (f"add {name} {side.prefix_text(span)}\n" for span in spans)


def ipset_services(side, name, services):
    yield ipset_create(name, "hash:ip,port", side.family, len(services))
    yield from (f"add {name} {address},{proto}:{port}\n" for address, port, proto, _ in services)


def ipset_one(side, rules):
    """One account: its list, asked for packets to its services only."""
    f = side.family
    yield from ipset_list(side, side.accounts[0], f"list{f}")
    if len(side.services) == 1:
        address, port, proto, _ = side.services[0]
        where = f"-d {address} -p {proto} -m {proto} --dport {port}"
    else:
        yield from ipset_services(side, f"gated{f}", side.services)
        where = f"-m set --match-set gated{f} dst,dst"
    rules.append(f"{where} -m set ! --match-set list{f} src -j DROP")


def ipset_pairs(side, rules):
    """Many accounts: (destination, port, source) in one set, whatever the number of accounts."""
    f = side.family
    pairs = [(service, span) for service in side.services for span in side.list_of(service[3])]
    yield ipset_create(f"pairs{f}", f"hash:ip,port,{'ip' if side.hosts_only else 'net'}", f, len(pairs))
    for (address, port, proto, _), span in pairs:
        yield f"add pairs{f} {address},{proto}:{port},{side.prefix_text(span)}\n"
    yield from ipset_services(side, f"gated{f}", side.services)
    rules.append(f"-m set --match-set pairs{f} dst,dst,src -j ACCEPT")
    rules.append(f"-m set --match-set gated{f} dst,dst -j DROP")


def ipset_tenants(side, rules):
    """A set and a rule for each service's account: what is usually found, linear in the number of tenants."""
    if len(side.services) > IPTABLES_MOST_TENANTS:
        raise Unsuitable(f"one rule a tenant: over {IPTABLES_MOST_TENANTS} tenants is no form anyone would use")
    f = side.family
    number = {account: i for i, account in enumerate(side.accounts)}
    for account, i in number.items():
        yield from ipset_list(side, account, f"list{f}-{i}")
    for address, port, proto, account in side.services:
        where = f"-d {address} -p {proto} -m {proto} --dport {port}"
        rules.append(f"{where} -m set ! --match-set list{f}-{number[account]} src -j DROP")


def iptables(family, suffix=""):
    """The legacy one where it is there: nft's emulation of xtables matches is slower."""
    name = "iptables" if family == 4 else "ip6tables"
    legacy = shutil.which(f"{name}-legacy{suffix}", path="/usr/sbin:/sbin")
    return legacy or need(name + suffix)


class Ipset:
    def __init__(self, per_tenant=False):
        self.per_tenant = per_tenant

    def form(self, side):
        if self.per_tenant:
            return ipset_tenants
        return ipset_one if len(side.accounts) == 1 else ipset_pairs

    def load(self, sides, interface):
        need("ipset")
        for side in sides:
            rules = []
            run_with_file(self.form(side)(side, rules), need("ipset"), "restore", "-file")
            text = "".join(f"-A PREROUTING -i {interface} {rule}\n" for rule in rules)
            run(iptables(side.family, "-restore"), "--noflush", text=f"*raw\n{text}COMMIT\n")

    def remove(self, _interface):
        for family in FAMILIES:
            run(iptables(family), "-t", "raw", "-F", "PREROUTING")
        run(need("ipset"), "destroy")


# --- xdp-filter -----------------------------------------------------------------


XDP_FILTER_SCRIPT = """
set -e
mount -t bpf bpf /sys/fs/bpf
LIBXDP_SKIP_DISPATCHER=1 xdp-filter load --mode native --policy deny --features "$2" "$1"
bpftool batch file "$3"
"""


def hex_bytes(family, number):
    return " ".join(f"{byte:02x}" for byte in number.to_bytes(BITS[family] // 8, "big"))


def xdp_filter_adds(side):
    spans = side.list_of(side.accounts[0])
    if len(spans) > XDP_FILTER_MOST:
        raise Unsuitable(f"xdp-filter holds {XDP_FILTER_MOST} addresses, these are {len(spans)}")
    path = f"/sys/fs/bpf/xdp-filter/filter_ipv{side.family}"
    for first, _ in spans:  # 1: a source address, and a hit counter of 0 above it
        yield f"map update pinned {path} key hex {hex_bytes(side.family, first)} value hex 01 00 00 00 00 00 00 00\n"


class XdpFilter:
    """Its maps are pinned in a bpffs that nobody else sees and that is gone at once: two runs never meet."""

    def load(self, sides, interface):
        if any(len(side.accounts) > 1 for side in sides) or len({side.accounts[0] for side in sides}) > 1:
            raise Unsuitable("xdp-filter has one list: one account")
        if not all(side.hosts_only for side in sides):
            raise Unsuitable("xdp-filter matches single addresses only")
        for program in ("xdp-filter", "bpftool", "unshare"):
            need(program)
        adds = [line for side in sides for line in xdp_filter_adds(side)]
        features = ",".join(f"ipv{side.family}" for side in sides)
        with tempfile.NamedTemporaryFile("w", encoding="ascii") as file:
            file.writelines(adds)
            file.flush()
            run("unshare", "--mount", "--propagation", "private", "sh", "-c", XDP_FILTER_SCRIPT, "sh",
                interface, features, file.name)

    def remove(self, interface):
        run(need("ip"), "link", "set", "dev", interface, "xdp", "off")


# --- bpfilter -------------------------------------------------------------------


def bpfilter_source(side):
    return f"ip{side.family}.{'saddr' if side.hosts_only else 'snet'}"


def bpfilter_source_text(side, span):
    text = side.prefix_text(span)
    return text if side.hosts_only or "/" in text else f"{text}/{BITS[side.family]}"


def bpfilter_by_list(side):
    """A rule for each service, with its account's list."""
    if len(side.services) > BPFILTER_MOST_LISTS:
        raise Unsuitable("bpfilter has no set of (destination, source prefix), and its programs use 64 maps at most")
    source, proto_field = bpfilter_source(side), f"ip{side.family}"
    for address, port, proto, account in side.services:
        yield f"rule\n{proto_field}.daddr eq {address}\n{proto}.dport eq {port}\n"
        spans = side.list_of(account)
        if spans:
            texts = "\n".join(bpfilter_source_text(side, span) for span in spans)
            yield f"({source}) not in {{\n{texts}\n}}\n"
        yield "DROP\n"


def bpfilter_by_pair(side):
    """Hosts only: (destination, port, source) in one set a protocol."""
    ip = f"ip{side.family}"
    for proto in sorted({service[2] for service in side.services}):
        services = [service for service in side.services if service[2] == proto]
        pairs = "\n".join(
            f"{address}, {port}, {side.prefix_text(span)}"
            for address, port, _, account in services for span in side.list_of(account)
        )
        gated = "\n".join(f"{address}, {port}" for address, port, _, _ in services)
        if pairs:
            yield f"rule\n({ip}.daddr, {proto}.dport, {ip}.saddr) in {{\n{pairs}\n}}\nACCEPT\n"
        yield f"rule\n({ip}.daddr, {proto}.dport) in {{\n{gated}\n}}\nDROP\n"


def bpfilter_chain(sides, index):
    yield f"chain ag_bench BF_HOOK_XDP{{ifindex={index}}} ACCEPT\n"
    for side in sides:
        many = len(side.accounts) > 1 or len(side.services) > 1
        yield from bpfilter_by_pair(side) if many and side.hosts_only else bpfilter_by_list(side)


class Bpfilter:
    """bfcli is taken from PATH, or from BENCH_BFCLI: few distributions have it. Its links live in a bpffs of their own."""

    def __init__(self):
        self.bfcli = os.environ.get("BENCH_BFCLI") or shutil.which("bfcli")
        if not self.bfcli:
            raise Unsuitable(
                "bfcli is not here: build https://github.com/facebook/bpfilter (cmake -DNO_DOCS=1 -DNO_TESTS=1"
                " -DNO_CHECKS=1; needs bison flex xxd g++ libbpf) and give BENCH_BFCLI=.../output/sbin/bfcli")

    @staticmethod
    def place(index):
        inode = os.stat("/proc/self/ns/net").st_ino
        return os.path.join(tempfile.gettempdir(), f"ag-bench-bpfilter-{inode}-{index}")

    def load(self, sides, interface):
        index = socket.if_nametoindex(interface)
        place = self.place(index)
        os.mkdir(place, 0o700)
        try:
            run("mount", "-t", "bpf", "bpf", place)
            run_with_file(bpfilter_chain(sides, index), self.bfcli, "--bpffs-path", place, "chain", "set", "--from-file")
        except (Unsuitable, RuntimeError):
            self.take_away(place)
            raise

    def remove(self, interface):
        place = self.place(socket.if_nametoindex(interface))
        run(self.bfcli, "--bpffs-path", place, "ruleset", "flush")
        self.take_away(place)

    @staticmethod
    def take_away(place):
        if os.path.ismount(place):
            run("umount", place)
        os.rmdir(place)


# --- which ----------------------------------------------------------------------


KINDS = {
    **{f"nft-{hook}-{form}": (lambda h=hook, f=form: Nft(h, f)) for hook in NFT_HOOKS for form in NFT_FORMS},
    "ipset": Ipset,
    "ipset-tenant": lambda: Ipset(per_tenant=True),
    "xdp-filter": XdpFilter,
    "bpfilter": Bpfilter,
}


def main(arguments):
    if len(arguments) != 3 or arguments[0] not in KINDS:
        print(f"usage: peers.py KIND POLICY|--remove INTERFACE\nKIND: {' '.join(KINDS)}", file=sys.stderr)
        return 2
    kind, policy, interface = arguments
    try:
        peer = KINDS[kind]()
        if policy == "--remove":
            peer.remove(interface)
        else:
            peer.load(read_policy(policy), interface)
    except Unsuitable as reason:
        print(f"peers.py: {kind}: {reason}", file=sys.stderr)
        return 77
    except (OSError, RuntimeError, ValueError) as error:
        print(f"peers.py: {kind}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/local/sbin:/usr/sbin:/sbin"
    sys.exit(main(sys.argv[1:]))
