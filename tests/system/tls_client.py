#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""tls_client.py WHAT HOST PORT CERTIFICATE SOURCE TOKEN [ARGUMENT]: what curl does not do over TLS

ask       lines "METHOD PATH [BODY]" on standard input; "STATUS CODE" for each, over one connection while that lasts
silent    connects and says nothing: the seconds until it is closed
stalled   shakes hands and says nothing: likewise
many      opens ARGUMENT connections at once: how many are answered
kept      a request, waits for a line on standard input, and another on the same connection: both statuses
chunked   sends ARGUMENT bytes in chunks, without saying how many: "STATUS CODE"
old       offers TLS 1.1 and below: "refused" or the version
"""
import http.client
import json
import socket
import ssl
import sys
import time
import warnings

WHAT, HOST, PORT, CERTIFICATE, SOURCE, TOKEN = sys.argv[1:7]
ARGUMENT = int(sys.argv[7]) if len(sys.argv) > 7 else 0
HEADERS = {"Authorization": "Bearer " + TOKEN} if TOKEN else {}


def context():
    return ssl.create_default_context(cafile=CERTIFICATE)


def connect():
    connection = http.client.HTTPSConnection(HOST, int(PORT), timeout=10, source_address=(SOURCE, 0), context=context())
    connection.connect()
    return connection


def plain():
    return socket.create_connection((HOST, int(PORT)), 10, (SOURCE, 0))


def answer(connection):
    response = connection.getresponse()
    body = response.read()
    try:
        code = json.loads(body).get("code", "-")
    except ValueError:
        code = "-"
    return response.status, code


def ask():
    connection = connect()
    for line in sys.stdin:
        method, path, *body = line.rstrip("\n").split(" ", 2)
        connection.request(method, path, body[0] if body else None, HEADERS)
        print(*answer(connection), flush=True)


def seconds_until_closed(sock):
    start = time.monotonic()
    try:
        while sock.recv(4096):
            pass
    except OSError as error:
        if isinstance(error, TimeoutError):
            return "never"
    return round(time.monotonic() - start)


def many():
    connections = [plain() for _ in range(ARGUMENT)]
    answered = 0
    for sock in connections:
        try:
            with context().wrap_socket(sock, server_hostname=HOST) as tls:
                tls.sendall(b"GET /v1/whoami HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n\r\n" % TOKEN.encode())
                answered += tls.recv(12).startswith(b"HTTP/1.1 200")
        except OSError:
            pass
    print(answered)


def kept():
    connection = connect()
    for _ in range(2):
        connection.request("GET", "/v1/whoami", headers=HEADERS)
        print(answer(connection)[0], flush=True)
        sys.stdin.readline()


def chunked():
    connection = connect()
    body = (b"x" * min(4096, ARGUMENT - at) for at in range(0, ARGUMENT, 4096))
    connection.request("PUT", "/v1/accounts/acme/allowlist", body, HEADERS, encode_chunked=True)
    print(*answer(connection))


def old():
    warnings.simplefilter("ignore")  # that these versions are old is the point
    offered = context()
    offered.set_ciphers("ALL:@SECLEVEL=0")
    offered.minimum_version = ssl.TLSVersion.TLSv1
    offered.maximum_version = ssl.TLSVersion.TLSv1_1
    try:
        print(offered.wrap_socket(plain(), server_hostname=HOST).version())
    except OSError:
        print("refused")


if WHAT == "silent":
    print(seconds_until_closed(plain()))
elif WHAT == "stalled":
    print(seconds_until_closed(context().wrap_socket(plain(), server_hostname=HOST)))
else:
    {"ask": ask, "many": many, "kept": kept, "chunked": chunked, "old": old}[WHAT]()
