#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs a command on a terminal of its own: for tests of what is shown to people.

on_terminal.py COLUMNS [--type TEXT] -- COMMAND...

What the command writes to its terminal goes to standard output as it is (without the carriage returns that a terminal
adds); TEXT is typed there at the start. The exit status is the command's. COLUMNS 0 is a terminal of no known size.
"""
import fcntl
import os
import pty
import struct
import sys
import termios


def main(arguments):
    columns = int(arguments[0])
    typed = arguments[2] if arguments[1] == "--type" else ""
    command = arguments[arguments.index("--") + 1:]
    child, terminal = pty.fork()
    if child == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.execvp(command[0], command)
    os.write(terminal, typed.encode())
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # nobody has the other end any more
            break
        if not data:
            break
        sys.stdout.buffer.write(data.replace(b"\r\n", b"\n"))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
