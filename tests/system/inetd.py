#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""inetd.py [--connections N] PORT COMMAND...: runs the command with a TCP connection as its standard input and output.

With --connections one child accepts as many, keeps them, and runs the command below itself, with neither.
"""
import os
import signal
import socket
import subprocess
import sys

arguments = sys.argv[1:]
count = 0
if arguments[0] == "--connections":
    count = int(arguments[1])
    arguments = arguments[2:]
port, command = int(arguments[0]), arguments[1:]
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("0.0.0.0", port))
listener.listen(8)


def keep():
    """In a child that does not listen itself, as a session of sshd does not."""
    held = []
    while len(held) < count:
        connection, _ = listener.accept()
        # whoever only looked whether somebody listens has gone again
        connection.settimeout(0.3)
        try:
            if connection.recv(1) == b"":
                connection.close()
                continue
        except TimeoutError:
            pass
        held.append(connection)
    listener.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    subprocess.run(command, check=False)
    os._exit(0)


if count:
    if os.fork() == 0:
        keep()
    signal.pause()
while True:
    connection, _ = listener.accept()
    if os.fork() == 0:
        os.dup2(connection.fileno(), 0)
        os.dup2(connection.fileno(), 1)
        os.execv(command[0], command)
    connection.close()
