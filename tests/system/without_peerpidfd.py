#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""without_peerpidfd.py COMMAND...: runs it as if the kernel had no SO_PEERPIDFD (getsockopt answers ENOPROTOOPT)."""
import ctypes
import errno
import os
import platform
import struct
import sys

GETSOCKOPT = {"x86_64": 55, "aarch64": 209}[platform.machine()]
SO_PEERPIDFD = 77
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
PROGRAM = [
    (LOAD, 0, 0, 0),  # the call's number
    (EQUAL, 0, 3, GETSOCKOPT),
    (LOAD, 0, 0, 16 + 2 * 8),  # its third argument
    (EQUAL, 0, 1, SO_PEERPIDFD),
    (RETURN, 0, 0, 0x00050000 | errno.ENOPROTOOPT),
    (RETURN, 0, 0, 0x7FFF0000),
]
code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in PROGRAM))
program = ctypes.create_string_buffer(struct.pack("@HP", len(PROGRAM), ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
# PR_SET_SECCOMP, SECCOMP_MODE_FILTER
if libc.prctl(22, 2, ctypes.c_void_p(ctypes.addressof(program)), 0, 0):
    sys.exit(os.strerror(ctypes.get_errno()))
os.execv(sys.argv[1], sys.argv[1:])
