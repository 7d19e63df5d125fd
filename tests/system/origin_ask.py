#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""origin_ask.py SOCKET: asks allowgate-origin itself, as userspace/core/origin.h has it, and as it has not."""
import os
import socket
import struct
import subprocess
import sys

REQUEST, ANSWER = "=IIQ", "=IHBBQI16sI"
NO_SSHD, GONE, NOT_PEER, FAILED = 2, 8, 9, 11
CHECK_PEER = 1
failed = []


def connect():
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.connect(sys.argv[1])
    client.settimeout(5)
    return client


def ask(fds, version=1, flags=0, cookie=7, extra=b""):
    """The reason, or None where the connection was ended without an answer."""
    with connect() as client:
        try:
            socket.send_fds(client, [struct.pack(REQUEST, version, flags, cookie) + extra], fds)
            packet = client.recv(100)
        except OSError:
            return None
    if not packet:
        return None
    answer = struct.unpack(ANSWER, packet)
    assert answer[0] == 1 and answer[4] == cookie, answer
    assert answer[1] == 1 or answer[2:4] + answer[5:] == (0, 0, 0, bytes(16), 0), answer
    return answer[1]


def expect(what, got, want):
    if got != want:
        failed.append(f"{what}: got {got}, want {want}")


def pidfd_of(process):
    return os.pidfd_open(process.pid)


me = os.pidfd_open(os.getpid())
expect("a process that lives", ask([me]), NO_SSHD)

zombie = subprocess.Popen(["true"])
zombie_fd = pidfd_of(zombie)
os.waitid(os.P_PIDFD, zombie_fd, os.WEXITED | os.WNOWAIT)
expect("one that nobody has waited for", ask([zombie_fd]), GONE)
zombie.wait()
expect("one that has ended", ask([zombie_fd]), GONE)

# Its number is given to another one: the pidfd is still of the first.
try:
    with open("/proc/sys/kernel/ns_last_pid", "w", encoding="ascii") as last:
        last.write(str(zombie.pid - 1))
    reused = subprocess.Popen(["sleep", "5"])
    if reused.pid == zombie.pid:
        expect("one whose number is another's", ask([zombie_fd]), GONE)
    else:
        print("# the number was not reused")
    reused.kill()
    reused.wait()
except OSError as why:
    print(f"# no number can be reused here: {why}")

# Believed only with the other end of the connection that comes with it.
with socket.socket(socket.AF_UNIX) as listener:
    listener.bind("\0allowgate-origin-test-%d" % os.getpid())
    listener.listen()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(listener.getsockname())
        accepted, _ = listener.accept()
        other = subprocess.Popen(["sleep", "5"])
        expect("the peer", ask([me, accepted.fileno()], flags=CHECK_PEER), NO_SSHD)
        expect("not the peer", ask([pidfd_of(other), accepted.fileno()], flags=CHECK_PEER), NOT_PEER)
        expect("a socket without another end", ask([me, listener.fileno()], flags=CHECK_PEER), NOT_PEER)
        expect("no socket", ask([me, me], flags=CHECK_PEER), FAILED)
        other.kill()
        other.wait()

expect("no pidfd", ask([0]), FAILED)
expect("no descriptor", ask([]), None)
expect("one descriptor too many", ask([me, me]), None)
expect("one too few", ask([me], flags=CHECK_PEER), None)
expect("many", ask([me] * 20), None)
expect("another version", ask([me], version=2), None)
expect("an unknown flag", ask([me], flags=2), None)
expect("a longer packet", ask([me], extra=b"x"), None)
clients = [connect() for _ in range(40)]
for one in clients:
    one.close()
expect("afterwards", ask([me]), NO_SSHD)
print("\n".join(failed))
sys.exit(bool(failed))
