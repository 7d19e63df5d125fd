#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Counts datagrams one by one, on both ends.

  udp_probe.py receive PORT               until SIGTERM, then prints "ADDRESS COUNT" for each source
  udp_probe.py send HOST PORT RATE FROM...  RATE datagrams a second from each address, until SIGTERM, then prints the same
"""
import collections
import signal
import socket
import sys
import time


def report(counts):
    for address, count in sorted(counts.items()):
        print(address, count, flush=True)
    sys.exit(0)


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def receive(port):
    counts = collections.Counter()
    signal.signal(signal.SIGTERM, lambda *_: report(counts))
    listener = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    listener.bind(("::", port))
    while True:
        source = listener.recvfrom(64)[1][0]
        counts[source.removeprefix("::ffff:")] += 1


def send(host, port, rate, sources):
    counts = collections.Counter()
    senders = []
    for source in sources:
        sender = socket.socket(family(host), socket.SOCK_DGRAM)
        sender.bind((source, 0))
        sender.connect((host, port))
        senders.append((source, sender))
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    while not stop:
        for source, sender in senders:
            sender.send(b"probe")
            counts[source] += 1
        time.sleep(1 / rate)
    report(counts)


if sys.argv[1] == "receive":
    receive(int(sys.argv[2]))
else:
    send(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])
