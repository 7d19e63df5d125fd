#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""handed_on.py SOCKET [alive]: asks who it is over a connection that another process made and handed on.

That process has ended since; or it lives, and has the connection no more.
"""
import os
import socket
import sys

alive = len(sys.argv) > 2
ours, theirs = socket.socketpair()
pid = os.fork()
if pid == 0:
    ours.close()
    with socket.socket(socket.AF_UNIX) as made:
        made.connect(sys.argv[1])
        socket.send_fds(theirs, [b"x"], [made.fileno()])
    if alive:
        theirs.send(b"y")
        theirs.recv(1)  # until the other end is closed
    os._exit(0)
theirs.close()
_, fds, _, _ = socket.recv_fds(ours, 1, 1)
if alive:
    ours.recv(1)
else:
    os.waitpid(pid, 0)
with socket.socket(fileno=fds[0]) as connection:
    connection.sendall(b"GET /v1/whoami HTTP/1.1\r\nHost: allowgate\r\nConnection: close\r\n\r\n")
    answer = b""
    while part := connection.recv(65536):
        answer += part
print(answer.split(b"\r\n\r\n", 1)[1].decode())
