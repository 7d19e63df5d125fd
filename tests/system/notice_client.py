#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Clients that a notice server must survive: notice_client.py WHAT ADDRESS PORT ...; exit 0 when all was as it must be."""
import resource
import select
import socket
import ssl
import sys
import time

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def connect(address, port, source=None):
    return socket.create_connection((address, port), 5, (source, 0) if source else None)


def read_all(sock):
    data = b""
    try:
        while chunk := sock.recv(65536):
            data += chunk
    except ConnectionError:
        pass
    return data


def is_page(data):
    return data.startswith(b"HTTP/1.1 403 ") and data.endswith(b"</html>\n")


def send_on(sock, data):
    try:
        sock.sendall(data)
        return True
    except OSError:
        return False


def headers(address, port):
    sock = connect(address, port)
    sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
    for i in range(100000):
        if not send_on(sock, b"X-%d: y\r\n" % i * 100):
            return True
    return False


def garbage(address, port):
    for data in (b"\x00" * 100, b"\r\n\r\n\r\n", b"SSH-2.0-x\r\n\r\n", b"GET\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                 b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"\x16" + b"\xff" * 300, b"\x16\x03\x01\x40\x00" + b"\x01" * 90):
        sock = connect(address, port)
        sock.settimeout(8)
        sock.sendall(data)
        read_all(sock)
    sock = connect(address, port)
    sock.sendall(REQUEST)
    return is_page(read_all(sock))


def body(address, port):
    sock = connect(address, port)
    sock.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
    return not all(send_on(sock, b"x" * 65536) for _ in range(1000))


def closed(sock):
    try:
        return bool(select.select([sock], [], [], 0)[0]) and not sock.recv(65536)
    except ssl.SSLWantReadError:
        return False
    except OSError:
        return True


def slow(address, port, way, seconds):
    """Cut after `seconds`, neither long before nor long after, whatever trickles in."""
    begin = {"silent": b"", "drip": b"GET / HTTP/1.1\r\n", "tls-silent": b"\x16", "tls-drip": b"\x16\x03\x01\x10\x00",
             "body-drip": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n", "idle-after": b""}[way]
    sock, start = connect(address, port), time.monotonic()
    if way == "idle-after":
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        sock = context.wrap_socket(sock)
    send_on(sock, begin)
    while time.monotonic() - start < seconds + 5:
        time.sleep(0.1)
        if closed(sock):
            break
        if "drip" in way and not send_on(sock, b"x"):
            break
    took = time.monotonic() - start
    print(f"{way}: cut after {took:.1f} s")
    return seconds - 0.5 <= took <= seconds + 1.5


def cut(address, port):
    """A TLS record is cut off at once, and gets no answer in plain text."""
    sock, start = connect(address, port), time.monotonic()
    sock.sendall(b"\x16\x03\x01")
    return read_all(sock) == b"" and time.monotonic() - start < 1


def many(address, port, count):
    """All open before the first of them asks."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    socks = [connect(address, port) for _ in range(count)]
    for sock in socks:
        sock.sendall(REQUEST)
    pages = sum(is_page(read_all(sock)) for sock in socks)
    print(f"{pages} pages of {count}")
    return pages == count


def hold(address, port, each, want, *sources):
    """`each` silent connections from each source, of which `want` in all stay open."""
    socks = [connect(address, port, source) for source in sources for _ in range(each)]
    time.sleep(0.5)
    still = sum(not closed(sock) for sock in socks)
    print(f"{still} open")
    for sock in socks:
        sock.close()
    time.sleep(0.3)
    return still == want


def main():
    what, address, port, *rest = sys.argv[1:]
    rest = [int(word) if word.isdigit() else word for word in rest]
    return 0 if globals()[what](address, int(port), *rest) else 1


if __name__ == "__main__":
    sys.exit(main())
