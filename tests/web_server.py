#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""web_server.py PORT [DIRECTORY]: a web server on IPv4 and IPv6 that asks no name server anything.

python3 -m http.server looks up its own name first, which takes longer than a test waits where no resolver answers."""
import functools
import http.server
import os
import socket
import socketserver
import sys


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    request_queue_size = 128

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]


directory = sys.argv[2] if len(sys.argv) > 2 else os.getcwd()
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=directory)
Server(("::", int(sys.argv[1])), handler).serve_forever()
