#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Ethernet frames made by hand, and who of them arrives behind the filter.

  frames.py receive IFACE            until SIGTERM, then prints "MARK COUNT" for each mark seen
  frames.py send IFACE MAC COUNT DEST PORT MARK:TAGS:SOURCE...
      TCP segments to DEST:PORT from SOURCE, under VLAN tags ("" or "100" or "88a8.200,8100.300"), with MARK in them
"""
import collections
import ipaddress
import signal
import socket
import struct
import sys

ETH_P_ALL = 3
MARK = b"allowgate-frame "


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tags_of(text):
    tags = b""
    for tag in filter(None, text.split(",")):
        protocol, _, number = tag.rpartition(".")
        tags += struct.pack("!HH", int(protocol or "8100", 16), int(number))
    return tags


def frame(destination_mac, source_mac, tags, source, destination, port, mark):
    payload = MARK + mark.encode() + b"\n"
    tcp = struct.pack("!HHIIBBHHH", 40000, port, 1, 0, 5 << 4, 2, 1024, 0, 0) + payload
    source, destination = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    if source.version == 4:
        kind = 0x0800
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, source.packed, destination.packed)
        header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    else:
        kind = 0x86DD
        header = struct.pack("!IHBB16s16s", 6 << 28, len(tcp), 6, 64, source.packed, destination.packed)
    return destination_mac + source_mac + tags_of(tags) + struct.pack("!H", kind) + header + tcp


def packet_socket(interface):
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    raw.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
    raw.bind((interface, 0))
    return raw


def receive(interface):
    counts = collections.Counter()

    def report(*_):
        for mark, count in sorted(counts.items()):
            print(mark, count, flush=True)
        sys.exit(0)

    signal.signal(signal.SIGTERM, report)
    raw = packet_socket(interface)
    print("ready", flush=True)
    while True:
        data, address = raw.recvfrom(2048)
        at = data.find(MARK)
        if at >= 0 and address[2] != socket.PACKET_OUTGOING:
            counts[data[at + len(MARK):].split(b"\n")[0].decode()] += 1


def send(interface, mac, count, destination, port, kinds):
    raw = packet_socket(interface)
    own = raw.getsockname()[4]
    for kind in kinds:
        mark, tags, source = kind.split(":", 2)
        for _ in range(int(count)):
            raw.send(frame(bytes.fromhex(mac.replace(":", "")), own, tags, source, destination, int(port), mark))


if sys.argv[1] == "receive":
    receive(sys.argv[2])
else:
    send(*sys.argv[2:7], sys.argv[7:])
